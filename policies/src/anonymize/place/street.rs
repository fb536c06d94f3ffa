//! Streets with their numbers, in both orders, and boxes at post offices.

use super::local::small;
use super::{locality, of_time};
use crate::anonymize::cue::{Cue, Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// Street words that mean nothing else: with a capital they need no number.
const PLAIN: &[&str] = &[
    "street",
    "avenue",
    "ave",
    "road",
    "boulevard",
    "blvd",
    "lane",
    "calle",
    "rue",
    "rua",
    "ul",
    "ulica",
    "ulicy",
    "viale",
    "piazza",
    "avenida",
    "avda",
    "straße",
    "strasse",
    "straat",
    "chaussee",
    "vicolo",
    "piazzale",
    "travessa",
    "jalan",
    "улица",
    "ул",
    "вул",
    "вулиця",
    "проспект",
    "caddesi",
    "sokak",
    "utca",
    "impasse",
    "chemin",
    "aleja",
    "paseo",
    "parkway",
    "pkwy",
];

fn plain(r: &Reading<'_>, i: usize) -> bool {
    PLAIN.contains(&r.low(i))
}

/// Street words that stand between the name and the number: `Petőfi utca 12`.
const NUMBER_LAST: &[&str] = &[
    "utca",
    "út",
    "útja",
    "tér",
    "körút",
    "katu",
    "tie",
    "kuja",
    "caddesi",
    "Caddesi",
    "sokak",
    "Sokak",
    "sokağı",
    "Sokağı",
    "Cad",
    "bulvarı",
    "Bulvarı",
    "ulice",
    "třída",
    "náměstí",
    "gate",
    "gata",
    "vei",
    "vej",
    "gade",
    "gatan",
    "vägen",
    "väg",
    "plein",
    "laan",
    "straat",
    "Straße",
    "Strasse",
    "Allee",
    "Weg",
    "Platz",
    "Ring",
    "Gasse",
    "allé",
    "ulica",
    "trg",
    "Gürtel",
    "Zeile",
    "Kai",
    "Promenade",
    "gatve",
    "iela",
    "prospekts",
    "gatvė",
    "tänav",
    "maantee",
];

/// A house number: `12`, `12B`, `221b`; not the day of `2022-05-19. Rowan Hill`.
pub(super) fn number(r: &Reading<'_>, i: usize) -> bool {
    let number = |k: usize| r.word(k).is_some_and(Word::is_number);
    let sign = r.gap_before(i);
    let dated = i >= 2 && matches!(sign, "-" | "/" | ".") && r.gap(i - 2) == sign && number(i - 1);
    let word = r.word(i).filter(|_| !(dated && number(i - 2)));
    word.is_some_and(|w| {
        (1..=5).contains(&w.digits)
            && w.end - w.start <= w.digits + 1
            && r.str(i).as_bytes()[0].is_ascii_digit()
    })
}

/// `12 Main St`, `1600 N 5th Ave`, `12 main street`.
pub(super) fn after(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(word) = r.word(cue.first) else { return };
    let lower = word.caps == Caps::Lower;
    let mut first = cue.first;
    let mut names = 0;
    while let Some(before) = first.checked_sub(1) {
        // `Cooper's Landing Rd`.
        let owned = r.gap(before) == "'" && r.is(first, "s");
        // `85A, Petit-Rocher St.`: a number with a letter.
        let lettered = r.gap(before) == ", " && number(r, before) && !r.words[before].is_number();
        if !(owned || lettered || matches!(r.gap(before), " " | ". " | "-")) || names > 4 {
            break;
        }
        if r.word(before).is_some_and(|w| w.chars == 1 && r.gap_before(before) == "'") {
            first = before;
            continue;
        }
        if number(r, before) && names > 0 {
            house(r, before, cue, lower, out);
            return;
        }
        if let Some(start) = super::grid::house(r, before).filter(|_| names > 0 && !lower) {
            return finish(r, start, direction(r, cue.last), out);
        }
        let w = r.words[before];
        let ordinal = w.digits > 0 && w.end - w.start == w.digits + 2;
        if !(w.capital() || ordinal || lower && w.digits == 0 && names < 2)
            || r.gap(before) == ". " && w.chars > 2
        {
            break;
        }
        first = before;
        names += 1;
    }
    let named = names > 0 && NUMBER_LAST.contains(&r.str(cue.first)) && r.proper(cue.first - 1);
    if let Some(last) = house_after(r, cue.last).filter(|_| named) {
        return finish(r, cue.first - 1, last, out);
    }
    let sure =
        !lower && names > 0 && plain(r, cue.first) && word.caps == Caps::Title && r.gap(cue.first - 1) == " ";
    let small = (first..cue.first).all(|i| r.has(i, Role::Common));
    // `pharmacy on Hillcrest Cir`.
    let on = !lower
        && names > 0
        && word.caps == Caps::Title
        && (2..=5).contains(&word.chars)
        && first.checked_sub(1).is_some_and(|b| r.is(b, "on") && r.gap(b) == " ");
    let sure = sure || on && !r.has(cue.first + 1, Role::Honorific) || lower && told(r, first, cue);
    if sure && !(small && r.begins(first)) {
        let first = if r.has(first, Role::Common) && first + 1 < cue.first { first + 1 } else { first };
        r.mark((first, cue.last), Type::ADDRESS, Evidence::Shape, out);
    }
}

/// `on alpine avenue in`: in small letters, led by `on`, and one word that is no other.
fn told(r: &Reading<'_>, first: usize, cue: &Cue) -> bool {
    const STREETS: [&str; 8] = ["street", "avenue", "ave", "road", "boulevard", "blvd", "drive", "lane"];
    let one = first + 1 == cue.first && r.gap(first) == " " && !r.has(first, Role::Common);
    let on =
        first.checked_sub(1).is_some_and(|b| r.gap(b) == " " && ["on", "off"].iter().any(|w| r.is(b, w)));
    let word = r.word(first).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 4 && w.digits == 0);
    one && on
        && word
        && STREETS.contains(&r.str(cue.first))
        && r.lists(first) & crate::anonymize::ner::lists::COMMON == 0
}

fn house(r: &Reading<'_>, first: usize, cue: &Cue, lower: bool, out: &mut Vec<Finding>) {
    const SPANS: &[&str] = &[
        "hour", "minute", "min", "mile", "day", "way", "lane", "step", "week", "km", "year", "percent", "x",
    ];
    let span = SPANS.iter().any(|word| r.str(first + 1).to_ascii_lowercase().starts_with(word));
    let proper = (first + 1..cue.first)
        .any(|i| r.word(i).is_some_and(Word::capital) || r.word(i).is_some_and(|w| w.digits > 0));
    let placed = r.has(cue.last + 1, Role::Unit) && tail(r, cue.last + 2)
        || matches!(r.gap(cue.last), ", " | " ") && zipped(r, cue.last + 1);
    // `my address is 22 elm dr`.
    let led = first.checked_sub(1).is_some_and(|b| {
        r.gap(b) == " " && ["is", "at", "address", "addy", "to"].iter().any(|word| r.is(b, word))
    });
    let led = led && !r.has(first + 1, Role::Common) && r.word(first + 1).is_some_and(|w| w.chars >= 3);
    if span && (lower || !proper) || lower && !plain(r, cue.first) && !placed && !led {
        return;
    }
    // `S/P 3 Day Run`: small words around a weak street word are no address.
    let weak = !plain(r, cue.first) && (first + 1..cue.first).all(|i| r.has(i, Role::Common));
    if weak && !r.has(cue.last + 1, Role::Unit) && !r.gap(cue.last).starts_with(',') {
        return;
    }
    let last = direction(r, cue.last);
    finish(r, first, last, out);
}

/// A state and its ZIP follow within four words.
fn zipped(r: &Reading<'_>, from: usize) -> bool {
    (from..from + 5).any(|k| {
        let state = [Role::StateCode, Role::State].iter().any(|role| r.has(k, *role));
        state && super::post::zip_behind(r, k + 1).is_some()
    })
}

/// `Main St NW`.
fn direction(r: &Reading<'_>, last: usize) -> usize {
    let next = ["N", "S", "E", "W", "NE", "NW", "SE", "SW", "North", "South", "East", "West"]
        .contains(&r.str(last + 1));
    // `ranch road 620`.
    let road = matches!(r.low(last), "road" | "highway" | "hwy") && number(r, last + 1) && r.gap(last) == " ";
    if next && matches!(r.gap(last), " " | ". ") || road { last + 1 } else { last }
}

/// The unit and the place that follow a street, then the findings.
pub(super) fn finish(r: &Reading<'_>, first: usize, mut last: usize, out: &mut Vec<Finding>) {
    for _ in 0..3 {
        let gap = r.gap(last);
        let near = matches!(gap, " " | ", " | ". " | "., " | " - " | ", #" | " #" | "/" | " / ");
        let lettered = r.word(last + 1).is_some_and(|w| w.chars == 1 && w.caps == Caps::Upper);
        if near && gap.ends_with('#') && (number(r, last + 1) || lettered) {
            last += 1;
        } else if near && unit(r, last + 1) {
            last += 2;
        } else if matches!(gap, "/" | "-") && number(r, last + 1)
            || matches!(gap, " " | ", ") && door(r, last + 1)
        {
            last += 1;
        } else {
            break;
        }
    }
    let last = super::tail::last(r, last);
    let first = super::ahead::house(r, first);
    r.mark((first, last), Type::ADDRESS, Evidence::Label, out);
    if matches!(r.gap(last), ", " | " " | "\n" | ",\n" | " - " | ". " | "., " | ".\n")
        && !small(r, last + 1, out)
    {
        locality(r, last + 1, out);
    }
}

/// `3F`, `2R`: a floor or a number, and the side of the house.
fn door(r: &Reading<'_>, i: usize) -> bool {
    let written = r.str(i).as_bytes();
    let (number, side) = written.split_at(written.len().saturating_sub(1));
    let sided = matches!(side, [b'A'..=b'H' | b'L' | b'N' | b'R' | b'S' | b'W']);
    sided && (1..=3).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}

/// `Apt 4B`, `3rd floor`: a unit and its number, in either order.
fn unit(r: &Reading<'_>, i: usize) -> bool {
    let behind = r.has(i, Role::Unit) && tail(r, i + 1) && matches!(r.gap(i), " " | ". " | " #" | ".");
    let ahead = tail(r, i) && r.has(i + 1, Role::Unit) && r.gap(i).len() <= 2;
    behind || ahead && r.word(i).is_some_and(|word| word.digits > 0)
}

/// `4B`, `300`, `C`.
fn tail(r: &Reading<'_>, i: usize) -> bool {
    r.word(i).is_some_and(|w| w.chars <= 5 && (w.digits > 0 || w.chars == 1))
}

/// `12 rue de la Paix`, `Calle Mayor 5, 3º B`, `ul. Długa 5/7`.
pub(super) fn before(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let mut at = cue.last;
    let mut names = 0;
    while names < 5 && matches!(r.gap(at), " " | ". " | "-" | "'" | "." | "/ " | ". \"" | " \"") {
        let Some(next) = r.word(at + 1) else { break };
        // `Calle 5 de Mayo`, `Rua Vinte e Quatro de Outubro`: a street may be called by a day.
        let month = r.is(at, "de") && of_time(r, at + 1);
        let day = next.digits > 0 && r.is(at + 2, "de") && of_time(r, at + 3);
        let part = next.capital() && (!of_time(r, at + 1) || month) && !r.has(at + 1, Role::Unit)
            || next.digits > 0 && names == 0 && (day || !number(r, at + 1));
        if part && !(r.gap(at) == ". " && r.word(at).is_some_and(|w| w.chars > 4)) {
            names += 1;
        } else if !(r.has(at + 1, Role::Particle)
            || matches!(
                r.str(at + 1),
                "l" | "d" | "dell" | "the" | "les" | "i" | "и" | "і" | "dei" | "delle"
            ))
        {
            break;
        }
        at += 1;
    }
    while at > cue.last
        && !(r.word(at).is_some_and(Word::capital) || r.word(at).is_some_and(|w| w.digits > 0))
    {
        at -= 1;
    }
    if names == 0 || at == cue.last {
        return;
    }
    let ahead = house_before(r, cue.first);
    let behind = house_after(r, at);
    let word = r.low(cue.first);
    let capital = r.word(cue.first).is_some_and(Word::capital);
    let last = behind.unwrap_or(at);
    let small = [
        "am", "an", "auf", "im", "in", "zum", "unter", "alte", "c", "os", "pl", "al", "lorong", "place",
        "square", "m",
    ];
    let placed =
        r.word(last + 1).is_some_and(|w| w.digits >= 4) && matches!(r.gap(last), ", " | "\n" | ",\n" | " ");
    // `c/ Mayor 5` is no other word.
    let weak = small.contains(&word) && r.gap(cue.last) != "/ ";
    let numbered = ahead.is_some() && !weak
        || behind.is_some()
            && (capital
                || word == "via"
                    && matches!(r.low(cue.last + 1), "dei" | "del" | "della" | "delle" | "degli" | "dell")
                || !matches!(word, "via" | "place" | "route" | "square" | "passage" | "cours"));
    if numbered && (!weak || placed || word == "unter" || word == "al" && capital) {
        finish(r, ahead.unwrap_or(cue.first), last, out);
    } else if plain(r, cue.first)
        && (capital
            || !word.is_ascii()
            || r.gap(cue.last).starts_with('.')
            || matches!(word, "rue" | "calle" | "rua" | "ulica" | "ulicy"))
    {
        r.mark((cue.first, at), Type::ADDRESS, Evidence::Shape, out);
    }
}

/// `12 `, `12, `, `12 bis ` before a street.
fn house_before(r: &Reading<'_>, first: usize) -> Option<usize> {
    let before = first.checked_sub(1)?;
    let bis = ["bis", "ter", "quater"].contains(&r.str(before));
    let at = if bis { before.checked_sub(1)? } else { before };
    (number(r, at) && matches!(r.gap(before), " " | ", ") && r.gap(at).len() <= 2).then_some(at)
}

/// `5`, `, 5`, ` nº 5`, ` n. 5`, `5/7`, `5 A` behind a street.
fn house_after(r: &Reading<'_>, last: usize) -> Option<usize> {
    let gap = r.gap(last);
    let sign = ["no", "nº", "n", "nr", "n°", "num", "número", "numero", "д", "дом", "№", "s"]
        .contains(&r.low(last + 1));
    // `n.º 310`: the sign of the ordinal is a letter once a text is folded.
    let ordinal = sign && r.gap(last + 1) == "." && matches!(r.str(last + 2), "o" | "a");
    let skip = usize::from(sign) + usize::from(ordinal);
    let near = matches!(gap, " " | ", " | " #" | ". " | ", #" | " № " | ", № " | "\" " | "\", ");
    let at = last + 1 + skip;
    let near =
        near && (skip == 0 || matches!(r.gap(last + skip), " " | ". " | ": " | ":" | ".º " | "º " | "° "));
    // A year, or a postcode, is no house number.
    let fits =
        number(r, at) && r.word(at).is_some_and(|w| w.digits <= 4) && !r.gap(at).starts_with(['%', ':']);
    if !(near && fits) || gap.len() > 6 {
        return None;
    }
    let letter = matches!(r.gap(at), " " | "-")
        && r.word(at + 1).is_some_and(|w| w.chars == 1 && w.digits == 0 && w.caps != Caps::None);
    let closes = letter && !r.gap(at + 1).starts_with([' ', ':']);
    Some(if closes { at + 1 } else { at })
}

/// `P.O. Box 12`.
pub(super) fn box_no(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let sure = cue.first != cue.last || r.str(cue.first).chars().count() > 3 || r.is(cue.first, "pob");
    let numbered = r.word(cue.last + 1).is_some_and(|w| w.digits > 0)
        && matches!(r.gap(cue.last), " " | ". " | ": " | " #");
    if numbered
        && sure
        && (["box", "drawer"].iter().any(|word| r.is(cue.last, word))
            || r.word(cue.first).is_some_and(|w| w.caps != Caps::Lower || r.str(cue.first).len() > 3))
    {
        finish(r, cue.first, cue.last + 1, out);
    }
}
