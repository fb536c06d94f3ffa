//! Corners and posts of roads: `Halsted and 63rd`, `5th & Main`, `mile marker 212, I-80 W`.
//!
//! **Invariant:** a corner has an ordinal and a name, and a word of place leads to it or no count goes so far; a post
//! has its number.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// What leads to a corner.
const LEADS: [&str; 9] = ["on", "at", "near", "of", "by", "from", "to", "off", "and"];
/// What ordinals count that are no streets.
const COUNTED: [&str; 24] = [
    "percentile",
    "percentiles",
    "grade",
    "floor",
    "rib",
    "ribs",
    "week",
    "month",
    "day",
    "year",
    "birthday",
    "toe",
    "finger",
    "digit",
    "metatarsal",
    "metacarpal",
    "nerve",
    "degree",
    "trimester",
    "intercostal",
    "line",
    "dose",
    "edition",
    "generation",
];
/// Words of a direction behind a road.
const SIDES: [&str; 12] = ["N", "S", "E", "W", "NB", "SB", "EB", "WB", "north", "south", "east", "west"];

/// What roads with a number are called.
const ROADS: [&str; 10] = ["I", "US", "SR", "Hwy", "Highway", "Route", "Rte", "Interstate", "Rt", "State"];

/// The corner or the post whose number is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let span = behind(r, i).or_else(|| ahead(r, i)).or_else(|| post(r, i));
    if let Some(span) = span {
        r.mark(span, Type::ADDRESS, Evidence::Shape, out);
    }
}

/// `at the corner of Delmar and Skinker`: word `i` says what it is.
pub(super) fn named(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let said = r.is(i, "corner") || r.is(i, "crossroads") || r.is(i, "junction");
    let own = i + 2;
    if !said || !r.is(i + 1, "of") || r.gap(i) != " " || !name(r, own) {
        return;
    }
    let first = street(r, if r.gap(own) == " " && name(r, own + 1) { own + 1 } else { own });
    if let Some(next) = crossed(r, first).filter(|next| name(r, *next)) {
        r.mark((own, street(r, next)), Type::ADDRESS, Evidence::Shape, out);
    }
}

/// `63rd`: the number of the ordinal.
fn ordinal(r: &Reading<'_>, i: usize) -> Option<u32> {
    let word = r.word(i).filter(|w| (1..=3).contains(&w.digits) && w.chars == w.digits + 2)?;
    let (number, end) = r.str(i).split_at_checked(word.digits)?;
    let ends = ["st", "nd", "rd", "th"].iter().any(|ending| end.eq_ignore_ascii_case(ending));
    number.parse().ok().filter(|_| ends)
}

/// `and` or `&` between word `i` and the next; the first word behind it.
fn crossed(r: &Reading<'_>, i: usize) -> Option<usize> {
    match r.gap(i) {
        " & " | " @ " | "/" => Some(i + 1),
        " " if r.is(i + 1, "and") && r.gap(i + 1) == " " => Some(i + 2),
        _ => None,
    }
}

/// A word that a street may be called by.
fn name(r: &Reading<'_>, i: usize) -> bool {
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    title
        && r.proper(i)
        && !r.has(i, Role::Label)
        && !crate::anonymize::date::is_month(r.str(i))
        && !crate::anonymize::date::is_weekday(r.str(i))
}

fn led(r: &Reading<'_>, first: usize) -> bool {
    first.checked_sub(1).is_some_and(|b| r.gap(b) == " " && LEADS.iter().any(|word| r.is(b, word)))
}

/// Nothing follows that the ordinal counts.
fn counts(r: &Reading<'_>, i: usize) -> bool {
    COUNTED.iter().any(|word| r.is(i + 1, word))
}

/// The word for a street behind word `last`, if there is one.
fn street(r: &Reading<'_>, last: usize) -> usize {
    let next = last + 1;
    let more =
        r.gap(last) == " " && r.has(next, Role::StreetAfter) && r.word(next).is_some_and(Word::capital);
    if more { next } else { last }
}

/// `Halsted and 63rd`: the name before the ordinal.
fn behind(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let number = ordinal(r, i).filter(|_| !counts(r, i))?;
    let named = (i.checked_sub(3)?.max(i.saturating_sub(3))..i).find(|k| crossed(r, *k) == Some(i))?;
    // `I-35 & 26th`.
    if r.word(named).is_some_and(|w| w.is_number() && w.digits <= 3) {
        let road = named.checked_sub(1).filter(|b| matches!(r.gap(*b), "-" | " "))?;
        let kind = ROADS.iter().any(|word| r.str(road) == *word);
        return kind.then(|| (road, street(r, i)));
    }
    let typed = r.has(named, Role::StreetAfter) && named > 0 && r.gap(named - 1) == " ";
    let own = if typed { named - 1 } else { named };
    let first = own.checked_sub(1).filter(|b| r.gap(*b) == " " && name(r, *b) && name(r, own)).unwrap_or(own);
    let far = number > 31;
    (name(r, own) && (far || led(r, first) || typed)).then_some((first, street(r, i)))
}

/// `63rd and Halsted`: the name behind it.
fn ahead(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    ordinal(r, i)?;
    let next = crossed(r, street(r, i)).filter(|next| name(r, *next))?;
    let on = i.checked_sub(1).is_some_and(|b| {
        r.gap(b) == " " && ["on", "at", "near", "of", "off", "corner"].iter().any(|w| r.is(b, w))
    });
    on.then(|| (i, street(r, next)))
}

/// `mile marker 212, I-80 W`, `MM 14 on US 30`: the post and its road.
fn post(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let number = |k: usize| r.word(k).is_some_and(|w| w.is_number() && w.digits <= 4);
    let marker = i.checked_sub(1).filter(|b| number(i) && r.gap(*b) == " ")?;
    let mile = marker.checked_sub(1).filter(|b| r.is(*b, "mile") && r.gap(*b) == " ");
    let said = ["marker", "post", "markers"].iter().any(|word| r.is(marker, word)) && mile.is_some();
    let short = r.str(marker) == "MM" || r.is(marker, "milepost") || r.is(marker, "milemarker");
    if !(said || short) {
        return None;
    }
    let first = mile.filter(|_| said).unwrap_or(marker);
    let point = if r.gap(i) == "." && number(i + 1) { i + 1 } else { i };
    let road = match r.gap(point) {
        ", " => point + 1,
        " " if ["on", "of", "off"].iter().any(|word| r.is(point + 1, word)) => point + 2,
        " " => point + 1,
        _ => return said.then_some((first, point)),
    };
    let numbered =
        ROADS.iter().any(|word| r.is(road, word)) && matches!(r.gap(road), "-" | " ") && number(road + 1);
    if !numbered {
        return said.then_some((first, point));
    }
    let side = r.gap(road + 1) == " " && SIDES.contains(&r.str(road + 2));
    Some((first, if side { road + 2 } else { road + 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)))
    }

    #[test]
    fn corners_and_posts() {
        for (text, want) in [
            ("send to pharmacy on Halsted and 63rd they close at 9", "Halsted and 63rd"),
            ("found near Grand Concourse & 161st by police", "Grand Concourse & 161st"),
            ("collapsed at 5th and Alder", "5th and Alder"),
            ("dispatched to mile marker 212, I-80 W, rollover", "mile marker 212, I-80 W"),
            ("crash at mile marker 9.4 on US 30", "mile marker 9.4 on US 30"),
            ("rear-ended at I-35 & 26th in", "I-35 & 26th"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn corners_of_two_names() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| named(r, i, out)));
        assert_eq!(check("at the corner of Delmar and Skinker, down"), ["Delmar and Skinker"]);
        assert_eq!(check("junction of Elm St & Kite Ave by"), ["Elm St & Kite Ave"]);
        assert!(check("the corner of Mouth and lips").is_empty());
    }

    #[test]
    fn what_ordinals_count_is_no_corner() {
        for text in [
            "between the 50th and 63rd percentile",
            "Height and 63rd percentile",
            "seen 4th and 5th of May",
            "the 2nd and Monday",
            "fractures of 4th and 5th ribs",
            "a marker 212 of it",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
