//! Addresses as lists of parts: `Flat 302, Shanti Niketan Apts, 14th Cross, Malleshwaram` and `18/5 hẻm 204 Lê Văn Sỹ,
//! Phường 10, Quận Phú Nhuận`.
//!
//! **Invariant:** one part at least says by a word what it is, and another holds a number.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::Caps;

/// What a flat or a house begins with, and words of the other parts, as India writes them.
const FLATS: [&str; 15] = [
    "no", "flat", "plot", "house", "h", "door", "d", "shop", "room", "villa", "bungalow", "quarter", "qtr",
    "unit", "bldg",
];
const PARTS: [&str; 42] = [
    "apts",
    "apartments",
    "residency",
    "nagar",
    "layout",
    "colony",
    "society",
    "enclave",
    "cross",
    "phase",
    "sector",
    "towers",
    "heights",
    "vihar",
    "marg",
    "stage",
    "extension",
    "extn",
    "complex",
    "bhavan",
    "niwas",
    "nivas",
    "chs",
    "wing",
    "puram",
    "bagh",
    "ganj",
    "chowk",
    "gali",
    "peth",
    "road",
    "rd",
    "street",
    "avenue",
    "meadows",
    "gardens",
    "tower",
    "block",
    "villas",
    "greens",
    "residences",
    "estate",
];
/// Vietnamese words for quarters, and those within a street's part.
const QUARTERS: [&str; 8] = ["phường", "quận", "huyện", "xã", "ấp", "thôn", "phuong", "quan"];
const INSIDE: [&str; 14] =
    ["hẻm", "ngõ", "ngách", "kiệt", "đường", "phố", "số", "tổ", "khu", "lô", "tầng", "căn", "ấp", "thôn"];
/// The most parts, and the most words of one.
const MOST: usize = 7;
const WORDS: usize = 5;

/// Lists of parts around word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    if word.digits > 0 || word.caps == Caps::None {
        return;
    }
    let low = r.low(i);
    // The `No` of `H.No. 4-12` and `Plot No 17` is said of the word before.
    let before = i.checked_sub(1).filter(|_| low == "no");
    let inside = before.is_some_and(|b| FLATS.contains(&r.low(b)));
    if word.caps != Caps::Lower && word.chars <= 8 && FLATS.contains(&low) && !inside {
        flat(r, i, out);
    } else if QUARTERS[..6].contains(&low) {
        quarter(r, i, out);
    } else if matches!(low, "tp" | "tỉnh") && word.caps != Caps::Lower {
        town(r, i, out);
    }
}

/// `TP. Hồ Chí Minh`, `Tỉnh Đồng Nai`: word `i` is the name of a kind of town.
fn town(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let last = name(r, i + 1, WORDS).filter(|_| matches!(r.gap(i), ". " | " " | "."));
    if let Some(last) = last.filter(|last| *last > i + 1 || r.low(i) == "tỉnh") {
        r.mark((i, last), Type::CITY, Evidence::Shape, out);
    }
}

/// The last word of the capitals and numbers that begin at word `i`.
fn name(r: &Reading<'_>, i: usize, most: usize) -> Option<usize> {
    let part = |k: usize| r.word(k).is_some_and(|w| w.capital() || w.digits > 0 && w.chars <= 5);
    if !part(i) {
        return None;
    }
    let mut last = i;
    while last + 1 < i + most && matches!(r.gap(last), " " | "-" | "/") && part(last + 1) {
        last += 1;
    }
    Some(last)
}

/// `Flat 302, Shanti Niketan Apts, 14th Cross, Malleshwaram`
fn flat(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let sign = usize::from(r.is(i + 1, "no") || r.is(i + 1, "number"));
    let value = i + 1 + sign;
    let near = |k: usize| matches!(r.gap(k), " " | ". " | "." | ".: " | ": " | "-" | "#" | " #");
    let Some(mut last) = name(r, value, 5).filter(|_| near(i) && (sign == 0 || near(i + 1))) else { return };
    let numbered = (value..=last).any(|k| r.word(k).is_some_and(|w| w.digits > 0));
    let (mut parts, mut whole) = (0, None);
    while parts < MOST && r.gap(last) == ", " {
        let Some(end) = name(r, last + 1, WORDS) else { break };
        // `48 Gloucester Road` is a street of its own.
        let housed = r.word(last + 1).is_some_and(|w| w.is_number())
            && matches!(r.low(end), "road" | "rd" | "street" | "avenue");
        let said = !housed && (last + 1..=end).any(|k| PARTS.contains(&r.low(k)));
        // The quarter stands before the town.
        let quarter =
            whole == Some(last) && r.gap(end) == ", " && !(last + 1..=end).any(|k| r.has(k, Role::City));
        if said || quarter {
            whole = Some(end);
        }
        last = end;
        parts += 1;
    }
    if let Some(end) = whole.filter(|_| numbered) {
        r.mark((i, end), Type::ADDRESS, Evidence::Label, out);
    }
}

/// `18/5 hẻm 204 Lê Văn Sỹ, Phường 10, Quận Phú Nhuận`: word `i` is the name of a kind of quarter.
fn quarter(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let named = |k: usize| r.word(k).is_some_and(|w| w.capital() || w.digits > 0);
    if !matches!(r.gap(i), " " | ". ") || !named(i + 1) {
        return;
    }
    let Some(last) = name(r, i + 1, WORDS) else { return };
    let mut first = i;
    while let Some(b) = first.checked_sub(1).filter(|b| i - b <= 12) {
        let inside = INSIDE.contains(&r.low(b)) || QUARTERS.contains(&r.low(b));
        if !(matches!(r.gap(b), ", " | " " | "/" | ". " | "-") && (named(b) || inside)) {
            break;
        }
        first = b;
    }
    // From the number of the house on.
    let start = (first..=i).find(|k| r.word(*k).is_some_and(|w| w.digits > 0) && *k < i);
    r.mark((start.unwrap_or(i), last), Type::ADDRESS, Evidence::Shape, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)))
    }

    #[test]
    fn lists_of_parts() {
        for (text, want) in [
            (
                "Deliver to Flat 302, Shanti Niketan Apts, 14th Cross, Malleshwaram, Bengaluru 560003 only",
                "Flat 302, Shanti Niketan Apts, 14th Cross, Malleshwaram",
            ),
            ("at H.No. 4-12, Gandhi Nagar, Guntur", "H.No. 4-12, Gandhi Nagar"),
            ("Plot No 17, Sector 21, Noida", "Plot No 17, Sector 21"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        let found = check("Giao tới 18/5 hẻm 204 Lê Văn Sỹ, Phường 10, Quận Phú Nhuận, TP. Hồ Chí Minh, gọi");
        assert!(found.contains(&"18/5 hẻm 204 Lê Văn Sỹ, Phường 10, Quận Phú Nhuận"), "{found:?}");
        assert!(found.contains(&"TP. Hồ Chí Minh"), "{found:?}");
    }

    #[test]
    fn lists_that_are_no_address() {
        for text in [
            "Flat 3, then turn",
            "Flat 2, 48 Gloucester Road, Bristol BS7 8AT",
            "House 5, Season 2, Episode 4",
            "Room 12, Monday, Tuesday",
            "phường của tôi",
            "D 3, Vitamin C",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
