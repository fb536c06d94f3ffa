//! What stands beside a place that was found: its postcode, and the flat before the house.
//!
//! **Invariant:** a bare number is a postcode here only right behind a city that something else has found.

use super::post;
use super::tail::is_unit;
use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// `Corpus Christi 78414`, `Flat 3, 22 Kittiwake Road`, `5/88 Dolphin St`.
pub(crate) fn beside(r: &Reading<'_>, found: &[Finding], out: &mut Vec<Finding>) {
    for f in found {
        if [Type::CITY, Type::STATE].contains(&f.ty) {
            coded(r, f, out);
        }
        if [Type::CITY, Type::NAME].contains(&f.ty) {
            federal(r, f, out);
        }
        if f.ty == Type::CITY {
            district(r, f, out);
            province(r, f, out);
        }
        if f.ty == Type::ADDRESS {
            spaced(r, f, out);
        }
        if [Type::ADDRESS, Type::FACILITY, Type::ORG].contains(&f.ty) {
            flat(r, f, out);
        }
        if [Type::CITY, Type::NAME].contains(&f.ty) {
            small_town(r, f, out);
        }
    }
}

/// The five or six digits right behind a city.
fn coded(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.end);
    let three = |k: usize| r.word(k).is_some_and(|w| w.is_number() && w.chars == 3);
    // `Bengaluru - 560 035`, as India writes it.
    let india = matches!(r.gap_before(i), " - " | " " | ", ") && three(i) && r.gap(i) == " " && three(i + 1);
    if india
        && !matches!(r.gap(i + 1).as_bytes(), [b'-', ..] | [b' ', b'0'..=b'9', ..])
        && r.word(i + 2).is_none_or(|w| !w.is_number())
    {
        return r.mark((i, i + 1), Type::POSTCODE, Evidence::Shape, out);
    }
    let digits = r.word(i).is_some_and(|w| w.is_number() && matches!(w.chars, 5 | 6));
    if digits && matches!(r.gap_before(i), " " | ", " | " - ") {
        let four = r.gap(i) == "-" && r.word(i + 1).is_some_and(|w| w.is_number() && w.chars == 4);
        r.mark((i, i + usize::from(four)), Type::POSTCODE, Evidence::Shape, out);
    }
}

/// `Λεωφ. Αλεξάνδρου 52, 611 00`: three digits and two behind the number of a house.
fn spaced(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.end);
    let digits = |k: usize, n: usize| r.word(k).is_some_and(|w| w.is_number() && w.chars == n);
    let closed =
        !matches!(r.gap(i + 1).as_bytes(), [b' ', b'0'..=b'9', ..] | [b'-' | b'/' | b':' | b'%', ..]);
    if i > 0 && r.gap_before(i) == ", " && digits(i, 3) && r.gap(i) == " " && digits(i + 1, 2) && closed {
        r.mark((i, i + 1), Type::POSTCODE, Evidence::Shape, out);
    }
}

/// Cities that are told with the number or letter of a part of them.
const PARTED: [&str; 20] = [
    "praha",
    "praze",
    "prahy",
    "brno",
    "ostrava",
    "dublin",
    "wien",
    "vienna",
    "københavn",
    "kbh",
    "budapest",
    "bucurești",
    "bucuresti",
    "paris",
    "lyon",
    "marseille",
    "glasgow",
    "london",
    "leipzig",
    "graz",
];

/// `Praha 2`, `København V`, `Dublin 8`, `Paris 11e`.
fn district(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.end);
    let Some(city) = i.checked_sub(1).filter(|city| r.gap(*city) == " ") else { return };
    let part = r.word(i).is_some_and(|w| {
        w.digits > 0 && w.chars <= w.digits + 3 && w.digits <= 2
            || w.digits == 0 && w.chars <= 2 && w.caps != Caps::Lower
    });
    let closed = !r.gap(i).starts_with(' ') || r.gap(i).len() > 1;
    if part && closed && PARTED.contains(&r.low(city)) {
        r.mark((city, i), Type::CITY, Evidence::Shape, out);
    }
}

/// `Caduff, 7000 Chur.`: four digits that are no year, between a comma and what the model took for a name.
fn small_town(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.start);
    let last = r.words.partition_point(|word| word.end <= f.end);
    let Some(before) = i.checked_sub(1).filter(|_| last > i) else { return };
    let closed = r.gap(last - 1).is_empty() || r.gap(last - 1).starts_with(['.', ',', '\n', ';', ')']);
    let led = matches!(r.gap_before(before), ", " | ",\n" | "\n" | " - ");
    if post::is_short(r, before) && closed && led && r.gap(before) == " " && last - i <= 3 && r.proper(i) {
        r.mark((before, before), Type::POSTCODE, Evidence::Shape, out);
        r.mark((i, last - 1), Type::CITY, Evidence::Shape, out);
    }
}

/// `Forlì (FC)`: two capitals in brackets, behind a town.
fn province(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.end);
    let code = r.word(i).is_some_and(|w| w.digits == 0 && w.caps == Caps::Upper && w.chars == 2);
    if code && i > 0 && r.gap_before(i) == " (" && r.gap(i).starts_with(')') {
        r.mark((i, i), Type::STATE, Evidence::Shape, out);
    }
}

/// States of Brazil behind a stroke, and those of Mexico as their short forms.
const BRAZIL: [&str; 27] = [
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE", "PI",
    "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
];
const MEXICO: [&str; 23] = [
    "Ags", "Camp", "Chis", "Chih", "Coah", "Dgo", "Gto", "Gro", "Hgo", "Jal", "Mich", "Mor", "Nay", "Oax",
    "Pue", "Qro", "Sin", "Son", "Tab", "Tamps", "Tlax", "Yuc", "Zac",
];

/// `Pomerode/SC`, `Puebla, Pue.`
fn federal(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.end);
    let brazil = || r.gap_before(i) == "/" && BRAZIL.contains(&r.str(i)) && !r.gap(i).starts_with(['/', '-']);
    let mexico = || r.gap_before(i) == ", " && MEXICO.contains(&r.str(i)) && r.gap(i).starts_with('.');
    if i > 0 && (brazil() || f.ty == Type::CITY && mexico()) {
        r.mark((i, i), Type::STATE, Evidence::Shape, out);
    }
}

/// What is said before the number of the house.
fn flat(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.end <= f.start);
    if let Some(first) = super::ahead::parts(r, i).filter(|_| f.ty == Type::ADDRESS) {
        return r.mark((first, i - 1), Type::ADDRESS, Evidence::Shape, out);
    }
    let housed = f.ty == Type::ADDRESS && r.word(i).is_some_and(|w| w.digits > 0);
    let short = |word: &Word| word.digits > 0 && word.chars <= 4;
    let Some(before) = i.checked_sub(1).filter(|b| r.word(*b).is_some_and(short)) else { return };
    let unit = before.checked_sub(1).filter(|u| is_unit(r, *u) && matches!(r.gap(*u), " " | " #" | ". "));
    match (r.gap(before), unit) {
        ("/", None) if housed => r.mark((before, before), Type::ADDRESS, Evidence::Shape, out),
        ("/" | " ", Some(unit)) if housed => r.mark((unit, before), Type::ADDRESS, Evidence::Shape, out),
        (", ", Some(unit)) => r.mark((unit, before), Type::ADDRESS, Evidence::Shape, out),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::typed;

    #[test]
    fn postcodes_behind_cities_and_flats_before_houses() {
        for (text, found, ty, want) in [
            ("at Corpus Christi 78414. Seen", "Corpus Christi", Type::CITY, "POSTCODE 78414"),
            ("in Kochi, 682016 and", "Kochi", Type::CITY, "POSTCODE 682016"),
            ("to Boise 83702-1234 now", "Boise", Type::CITY, "POSTCODE 83702-1234"),
            ("at Flat 3, 22 Kittiwake Road", "22 Kittiwake Road", Type::ADDRESS, "ADDRESS Flat 3"),
            ("to 5/88 Dolphin St", "88 Dolphin St", Type::ADDRESS, "ADDRESS 5"),
            ("to Flat 402, Sai Krupa Towers", "Sai Krupa Towers", Type::FACILITY, "ADDRESS Flat 402"),
            ("in Karnataka - 560003.", "Karnataka", Type::STATE, "POSTCODE 560003"),
            ("in Praha 2, zvonek", "Praha", Type::CITY, "CITY Praha 2"),
            ("in København V, ring", "København", Type::CITY, "CITY København V"),
            ("in Praha 2 lidé", "Praha", Type::CITY, ""),
            ("room 4 Mercy Hospital", "Mercy Hospital", Type::FACILITY, ""),
            ("Ursina Caduff, 7000 Chur.", "Chur", Type::NAME, "POSTCODE 7000, CITY Chur"),
            ("am Montag, 2019 Chur.", "Chur", Type::NAME, ""),
            ("a Forlì (FC), polizza", "Forlì", Type::CITY, "STATE FC"),
            ("em Blumenau/SC, no", "Blumenau", Type::CITY, "STATE SC"),
            ("in Nagpur 440 015\nUHID", "Nagpur", Type::CITY, "POSTCODE 440 015"),
            ("in Boise 208 555 0117", "Boise", Type::CITY, ""),
            ("Puebla, Pue., C.P.", "Puebla", Type::CITY, "STATE Pue"),
            ("in Mysuru - 570 001.", "Mysuru", Type::CITY, "POSTCODE 570 001"),
            (
                "to 2nd floor, rear staircase, 8 Kite Road",
                "8 Kite Road",
                Type::ADDRESS,
                "ADDRESS 2nd floor, rear staircase",
            ),
            ("at Suite 210-B, 3300 Kite Rd", "3300 Kite Rd", Type::ADDRESS, "ADDRESS Suite 210-B"),
            ("Λεωφ. Ακτής 4, 611 00, έως", "Λεωφ. Ακτής 4", Type::ADDRESS, "POSTCODE 611 00"),
            ("in Boise (USA)", "Boise", Type::CITY, ""),
            ("in Boise 2024 was", "Boise", Type::CITY, ""),
            ("take 3, 22 Kittiwake Road", "22 Kittiwake Road", Type::ADDRESS, ""),
        ] {
            let start = text.find(found).unwrap();
            let found = Finding::new(start, start + found.len(), ty, Evidence::Shape);
            let mut out = Vec::new();
            beside(&Reading::of(text), &[found], &mut out);
            let out: Vec<String> = typed(text, &out);
            assert_eq!(out.join(", "), want, "{text}");
        }
    }
}
