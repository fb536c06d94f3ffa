//! Parts of an address that are said before the house, and those that stand without a street: `2nd floor, rear
//! staircase, 8 Kite Road`, `bât. C, esc. 2, 4e étage`, `Mz. K Lt. 71`, `Erf 3980`.
//!
//! **Invariant:** each part needs a word that says what it is, and without a street two of them stand together.

use super::tail::is_unit;
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// Words of parts of houses and grounds that hardly say anything else, in lower case.
#[rustfmt::skip]
const STRONG: &[&str] = &[
    "building", "bldg", "apt", "apartment", "flat", "tower", "staircase", "shed",
    "bât", "bâtiment", "esc", "escalier", "étage", "appt", "appartement", "escalera", "portal", "piso", "puerta", "pta",
    "mz", "mza", "manzana", "lt", "lote", "parcela", "torre", "interior", "dpto", "depto", "scala", "interno", "palazzina",
    "bloco", "apto", "andar", "quadra", "stiege", "tür", "vchod", "byt", "klatka", "lokal", "blok", "daire",
    "вх", "ет", "ап", "кв", "корп", "подъезд", "эт", "этаж", "під'їзд", "steiger", "ligplaats", "kavel",
    "oppgang", "leilighet", "uppgång", "lgh",
];
/// Grounds by their number in a register.
const GROUNDS: [&str; 3] = ["erf", "erven", "kavel"];
/// Such words in brackets behind the name of who lives there.
const HOMES: [&str; 11] =
    ["lot", "unit", "apt", "flat", "plot", "site", "villa", "cabin", "chalet", "stand", "pitch"];
/// What may stand before such a word and say which.
const SIDES: [&str; 14] = [
    "rear", "front", "left", "right", "back", "side", "upper", "lower", "ground", "first", "second", "third",
    "east", "west",
];
/// The most parts before a house, or in a row.
const MOST: usize = 4;

/// `4`, `12B`, `C`.
fn value(r: &Reading<'_>, i: usize) -> bool {
    let short = |w: &Word| w.digits > 0 && w.chars <= 5 || w.chars == 1 && w.caps != Caps::Lower;
    r.word(i).is_some_and(short)
}

/// The first word of the parts that end before word `i`, a comma behind each.
pub(super) fn parts(r: &Reading<'_>, i: usize) -> Option<usize> {
    let mut first = None;
    let mut at = i;
    for _ in 0..MOST {
        let Some(last) = at.checked_sub(1).filter(|last| r.gap(*last) == ", ") else { break };
        let Some(begin) = part_before(r, last) else { break };
        (first, at) = (Some(begin), begin);
    }
    first
}

/// The first word of the part that ends at word `last`.
fn part_before(r: &Reading<'_>, last: usize) -> Option<usize> {
    let before = last.checked_sub(1)?;
    let worded = |k: usize| is_unit(r, k) && r.str(k).chars().count() >= 3;
    // `rear staircase`, `2nd floor`, `3. OG`.
    let said = SIDES.contains(&r.low(before)) || r.word(before).is_some_and(|w| w.digits > 0 && w.chars <= 4);
    if is_unit(r, last) && r.str(last).chars().count() >= 2 && said && matches!(r.gap(before), " " | ". ") {
        return Some(before);
    }
    if !value(r, last) {
        return None;
    }
    // `Suite 210-B`.
    let joined = r.gap(before) == "-" && value(r, before);
    let head = if joined { before } else { last };
    head.checked_sub(1).filter(|unit| worded(*unit) && matches!(r.gap(*unit), " " | ". " | " #"))
}

/// The number of a house from its first part on: `31-35`, `7/31`, `u7/31-35`.
pub(super) fn house(r: &Reading<'_>, i: usize) -> usize {
    let part = |k: &usize| {
        let short = r.word(*k).is_some_and(|w| w.digits > 0 && w.chars <= w.digits + 1 && w.digits <= 4);
        short && matches!(r.gap(*k), "/" | "-")
    };
    let Some(before) = i.checked_sub(1).filter(part) else { return i };
    let first = before.checked_sub(1).filter(part).unwrap_or(before);
    // A day: `2024-05-12`.
    let dated = first.checked_sub(1).is_some_and(|k| matches!(r.gap(k), "/" | "-" | "."));
    let year = r.word(first).is_some_and(|w| w.digits == 4);
    if dated || year { i } else { first }
}

/// Parts without a street, from word `i` on.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !value(r, i + 1) {
        return;
    }
    if let Some(last) = named_house(r, i) {
        return r.mark((i, last), Type::ADDRESS, Evidence::Shape, out);
    }
    let strong = |k: usize| STRONG.contains(&r.low(k));
    let ground = GROUNDS.contains(&r.low(i)) && r.word(i).is_some_and(Word::capital);
    let number = r.word(i + 1).is_some_and(|w| w.is_number() && w.digits <= 3) && r.gap(i) == " ";
    // `Tate (Lot 88)`, `RD 4, Taihape`.
    let bracketed = || r.gap_before(i) == " (" && r.gap(i + 1).starts_with(')') && HOMES.contains(&r.low(i));
    let home = || bracketed() && i.checked_sub(1).is_some_and(|b| r.proper(b));
    let rural = || r.str(i) == "RD" && r.gap(i + 1) == ", " && r.proper(i + 2);
    if number && r.word(i).is_some_and(Word::capital) && (home() || rural()) {
        return r.mark((i, i + 1), Type::ADDRESS, Evidence::Shape, out);
    }
    if !(strong(i) || ground) {
        return;
    }
    let Some(mut last) = said(r, i) else { return };
    let mut count = usize::from(ground) + 1;
    while count < MOST && matches!(r.gap(last), ", " | " " | "/" | " - ") {
        let next = last + 1;
        // `4e étage`.
        let counted = r.word(next).is_some_and(|w| w.digits > 0 && w.chars <= 4) && strong(next + 1);
        let end = if counted && r.gap(next) == " " {
            Some(next + 1)
        } else {
            said(r, next).filter(|_| strong(next))
        };
        let Some(end) = end else { break };
        (last, count) = (end, count + 1);
    }
    // `Apartment 12, The Cooperage, Clonakilty`: a house that is called by a name.
    let called =
        r.gap(last) == ", " && r.str(last + 1) == "The" && r.gap(last + 1) == " " && r.proper(last + 2);
    if called && r.gap(last + 2) == ", " && r.word(i).is_some_and(Word::capital) {
        (last, count) = (last + 2, count + 1);
    }
    if count >= 2 {
        r.mark((i, last), Type::ADDRESS, Evidence::Shape, out);
    }
}

/// `Unit 5, Canal Wharf, Skipton`: a part of a house, the house by its name, and a town; the last word of the name.
fn named_house(r: &Reading<'_>, i: usize) -> Option<usize> {
    const PARTS: [&str; 7] = ["Unit", "Flat", "Apartment", "Suite", "Shop", "Office", "Villa"];
    if !PARTS.contains(&r.str(i)) || r.gap(i) != " " || r.gap(i + 1) != ", " {
        return None;
    }
    let name = |k: usize| r.word(k).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    let first = i + 2;
    let last = (first..first + 3).take_while(|k| name(*k) && (*k == first || r.gap(k - 1) == " ")).last()?;
    let kind = r.has(last, Role::StreetAfter) || r.has(last, Role::House);
    let town = r.gap(last) == ", " && name(last + 1) && !super::of_time(r, last + 1);
    (last > first && kind && town).then_some(last)
}

/// The value behind the word `i`.
fn said(r: &Reading<'_>, i: usize) -> Option<usize> {
    (matches!(r.gap(i), " " | ". " | "." | ": " | " #") && value(r, i + 1)).then_some(i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| {
            let mut until = 0;
            for i in 0..r.words.len() {
                let found = out.len();
                if i >= until {
                    find(r, i, out);
                }
                if out.len() > found {
                    until = i + 4;
                }
            }
        })
    }

    #[test]
    fn parts_without_a_street() {
        for (text, want) in [
            ("la fuite au bât. B, esc. 3, 2e étage est", "bât. B, esc. 3, 2e étage"),
            ("domiciliado en Mz. L Lt. 14, distrito", "Mz. L Lt. 14"),
            ("haven van Hoorn, steiger D, ligplaats 7.", "steiger D, ligplaats 7"),
            ("in Building 207, Apt 5, Inuvik", "Building 207, Apt 5"),
            ("over Erf 1207, Knysna", "Erf 1207"),
            ("Mrs. Tate (Lot 88) objected", "Lot 88"),
            ("address RD 4, Taihape 4720", "RD 4"),
            ("office at Unit 5, Kite Wharf, Skipton", "Unit 5, Kite Wharf"),
            ("of Apartment 9, The Tannery, Ennis", "Apartment 9, The Tannery"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        for text in ["flat 3 is free", "building 4 and 5", "the tower 12", "piso 3 de 5", "esc. 2"] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn houses_of_several_numbers() {
        for (text, at, want) in [("u7/31-35 hopkins", 2, 0), ("2/77 Kite", 1, 0), ("2024-05-12 Main", 2, 2)] {
            assert_eq!(house(&Reading::of(text), at), want, "{text}");
        }
    }
}
