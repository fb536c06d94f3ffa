//! Postcodes: their national shapes, and where they may stand.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::words::{Caps, Word};

fn shape(word: &str) -> String {
    word.chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '9'
            } else if c.is_ascii_alphabetic() {
                'A'
            } else {
                '?'
            }
        })
        .collect()
}

/// The last word of the postcode that begins at word `i`.
pub(crate) fn postcode(r: &Reading<'_>, i: usize) -> Option<usize> {
    let word = r.word(i).filter(|w| w.end - w.start <= 8)?;
    if let Some(last) = lettered(r, i) {
        return Some(last);
    }
    if !word.is_number() || !(2..=7).contains(&word.digits) {
        return None;
    }
    let next = r.word(i + 1);
    let digits = next.filter(|w| w.is_number()).map_or(0, |w| w.digits);
    let two = next.is_some_and(|w| w.chars == 2 && w.digits == 0 && w.caps == Caps::Upper);
    match (word.digits, r.gap(i), digits) {
        (5, "-", 4 | 3) | (2, "-", 3) | (4, "-", 3) | (3, " ", 2) | (3, "-", 4) => Some(i + 1),
        (4, " ", _)
            if two && !r.has(i + 1, Role::StateCode)
                || two && r.gap(i) == " " && word.digits == 4 && r.gap(i + 1) == " " =>
        {
            Some(i + 1)
        }
        (4..=7, _, _) => Some(i),
        _ => None,
    }
}

/// British, Canadian and Irish postcodes: unlike anything else.
fn lettered(r: &Reading<'_>, i: usize) -> Option<usize> {
    let upper = |k: usize| {
        r.word(k).is_some_and(|w| {
            w.caps == Caps::Upper || r.str(k).bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        })
    };
    if !upper(i) || !r.str(i).is_ascii() {
        return None;
    }
    let head = shape(r.str(i));
    let tail = if r.gap(i) == " " && upper(i + 1) { shape(r.str(i + 1)) } else { String::new() };
    let british = matches!(head.as_str(), "A9" | "A99" | "AA9" | "AA99" | "A9A" | "AA9A") && tail == "9AA";
    let canadian = head == "A9A" && tail == "9A9";
    let irish = head == "A99" && tail.len() == 4 && tail.contains('A') && tail.contains('9');
    let joined = matches!(head.as_str(), "A99AA" | "AA99AA" | "AA999AA" | "A999AA" | "AA9A9AA" | "A9A9A9");
    if british || canadian || irish {
        Some(i + 1)
    } else if joined {
        Some(i)
    } else {
        None
    }
}

/// `〒251-6677`, `भोपाल - 327233`, `444640, Екатеринбург`: six or seven digits beside their sign or a place.
fn marked(r: &Reading<'_>, i: usize) -> Option<usize> {
    let word = r.word(i).filter(|w| w.is_number())?;
    if r.gap_before(i).trim_end().ends_with('〒') {
        return postcode(r, i);
    }
    let foreign = |k: usize| r.word(k).is_some_and(|w| w.digits == 0) && !r.str(k).is_ascii();
    let behind = matches!(r.gap_before(i), " - " | " – ")
        && i.checked_sub(1).is_some_and(|b| r.word(b).is_some_and(|w| w.caps == Caps::None && w.digits == 0));
    let ahead = r.gap(i) == ", "
        && foreign(i + 1)
        && (r.has(i + 1, Role::City) || r.is(i + 1, "г") || r.word(i + 1).is_some_and(Word::capital))
        && (matches!(r.gap_before(i), ", " | ": ") || i.checked_sub(1).is_some_and(foreign));
    (word.digits == 6 && word.end - word.start == 6 && (behind || ahead)).then_some(i)
}

/// A postcode in two words that nothing else looks like, and a postcode before its city: `10115 Berlin`.
pub(super) fn standing(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if let Some(last) = lettered(r, i).filter(|last| *last > i) {
        r.mark((i, last), Type::POSTCODE, Evidence::Shape, out);
        return;
    }
    if let Some(last) = marked(r, i) {
        r.mark((i, last), Type::POSTCODE, Evidence::Shape, out);
        return;
    }
    if is_signed(r, i) {
        r.mark((i - 1, i), Type::POSTCODE, Evidence::Shape, out);
        return;
    }
    if is_island(r, i) {
        r.mark((i, i), Type::POSTCODE, Evidence::Shape, out);
        return;
    }
    if let Some(end) = short(r, i) {
        super::posted::house(r, i, out);
        r.mark((i, i), Type::POSTCODE, Evidence::Shape, out);
        r.mark((i + 1, end), Type::CITY, Evidence::Shape, out);
        return;
    }
    let Some(word) = r.word(i).filter(|w| w.is_number() && (2..=5).contains(&w.digits)) else { return };
    let Some(last) = postcode(r, i) else { return };
    let dutch = last > i && r.word(last).is_some_and(|w| w.digits == 0);
    let wide = dutch || last > i || word.digits == 5;
    let city = r.gap(last) == " "
        && r.proper(last + 1)
        && r.word(last + 1).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    let known = city && r.has(last + 1, Role::City);
    let framed = matches!(r.gap_before(i), ", " | "., " | "\n" | ",\n" | "; " | " - " | "-")
        || i.checked_sub(1).is_some_and(|b| {
            r.gap(b) == " " && ["in", "à", "en", "a", "w", "i", "te", "aus", "nach"].contains(&r.str(b))
        });
    if city && wide && (known || framed && !r.has(last + 1, Role::Label)) && !super::of_time(r, last + 1) {
        super::posted::house(r, i, out);
        r.mark((i, last), Type::POSTCODE, Evidence::Shape, out);
        if let Some(end) = super::local::city_run(r, last + 1) {
            r.mark((last + 1, end), Type::CITY, Evidence::Shape, out);
        }
    }
}

/// `in 8010 Graz`, `Caduff, 7000 Chur.`: four digits that are no year before a known town at the end of a phrase; the
/// last word of the town.
fn short(r: &Reading<'_>, i: usize) -> Option<usize> {
    if !is_short(r, i) || r.gap(i) != " " {
        return None;
    }
    let title = r.word(i + 1).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    let listed = r.has(i + 1, Role::City) || r.lists(i + 1) & lists::CITY != 0 && !r.has(i + 1, Role::Common);
    let led = matches!(r.gap_before(i), ", " | "., " | "\n" | ",\n" | "; " | " - " | " | " | ": " | " (")
        || i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && TOWARD.contains(&r.low(b)));
    if !(title && listed && led) || super::of_time(r, i + 1) {
        return None;
    }
    let end = super::local::city_run(r, i + 1).unwrap_or(i + 1);
    // `in 5000 Boston homes` counts things.
    let next = r.word(end + 1);
    let thing = r.gap(end) == " "
        && next.is_some_and(|w| w.caps == Caps::Lower && w.chars > 4 && !r.str(end + 1).ends_with("en"));
    (!thing).then_some(end)
}

/// Signs of countries before a postcode.
const SIGNS: [&str; 24] = [
    "A", "AT", "B", "BE", "CH", "CZ", "D", "DE", "DK", "EE", "F", "FI", "FIN", "H", "HR", "I", "L", "LT",
    "LV", "MD", "N", "S", "SI", "SK",
];

/// `Rīga, LV-1039`, `LT-01100 Vilnius`: behind a comma, a city before or behind it.
fn is_signed(r: &Reading<'_>, i: usize) -> bool {
    let number = r.word(i).is_some_and(|w| w.is_number() && matches!(w.chars, 4 | 5));
    let Some(sign) = i.checked_sub(1).filter(|sign| number && r.gap(*sign) == "-") else { return false };
    let framed = matches!(r.gap_before(sign), ", " | "\n" | ",\n");
    let city = |k: usize| r.has(k, Role::City) || r.lists(k) & lists::CITY != 0;
    let beside = sign.checked_sub(1).is_some_and(|b| city(b) && r.gap(b) == ", ")
        || r.gap(i) == " " && r.proper(i + 1) && city(i + 1);
    framed && beside && SIGNS.contains(&r.str(sign))
}

/// `Skólavörðustígur 22, 101 Reykjavík`: three digits between the number of a house and a city of Iceland or the Faroes.
fn is_island(r: &Reading<'_>, i: usize) -> bool {
    let three = r.word(i).is_some_and(|w| w.is_number() && w.chars == 3) && r.gap(i) == " ";
    let housed = r.gap_before(i) == ", "
        && i.checked_sub(1).is_some_and(|b| r.word(b).is_some_and(|w| w.digits > 0 && w.digits <= 3));
    let city =
        r.word(i + 1).is_some_and(|w| w.caps == Caps::Title && w.chars >= 4) && !r.str(i + 1).is_ascii();
    three && housed && city && !r.has(i + 1, Role::Common)
}

/// Four digits that are no year.
pub(super) fn is_short(r: &Reading<'_>, i: usize) -> bool {
    let four = r.word(i).is_some_and(|w| w.is_number() && w.end - w.start == 4);
    four && !["19", "20", "00"].iter().any(|head| r.str(i).starts_with(head))
}

/// Words before a postcode in the countries where it has four digits.
const TOWARD: [&str; 21] = [
    "in", "nach", "aus", "bei", "à", "a", "en", "te", "naar", "uit", "i", "til", "fra", "på", "u", "iz", "v",
    "от", "в", "до", "tot",
];

/// `vic 3011`: four digits behind a state of Australia, or a ZIP.
pub(super) fn zip_behind(r: &Reading<'_>, i: usize) -> Option<usize> {
    let state = i.checked_sub(1).is_some_and(|b| {
        r.gap(b) == " " && matches!(r.low(b), "nsw" | "vic" | "qld" | "tas" | "wa" | "sa" | "act" | "nt")
    });
    let four = r.word(i).is_some_and(|w| w.is_number() && w.digits == 4 && w.chars == 4);
    zip(r, i).or(if state && four { Some(i) } else { None })
}

/// A word that is the code of a state, before a ZIP or behind a city.
pub(super) fn zip(r: &Reading<'_>, i: usize) -> Option<usize> {
    let five = r.word(i).is_some_and(|w: &Word| w.is_number() && w.digits == 5);
    if !five {
        return None;
    }
    let four = r.gap(i) == "-" && r.word(i + 1).is_some_and(|w| w.is_number() && w.digits == 4);
    Some(if four { i + 1 } else { i })
}
