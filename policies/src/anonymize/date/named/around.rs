//! What stands around a named day: `the Sunday after Easter 2023`, `the second Saturday of June`, `summer of 2018`, `Q2 2024`.
//!
//! **Invariant:** looks at four words on either side.

use super::{is, month, year};
use crate::anonymize::cue::Reading;
use crate::anonymize::date::is_weekday;

/// Parts of days and weeks that stand before or after a feast.
const PARTS: [&str; 9] =
    ["day", "night", "morning", "evening", "afternoon", "weekend", "week", "weekday", "eve"];
/// Seasons, in languages where a year follows at once or behind a small word.
pub(super) const SEASONS: [&str; 33] = [
    "spring",
    "summer",
    "autumn",
    "fall",
    "winter",
    "printemps",
    "été",
    "automne",
    "hiver",
    "primavera",
    "verano",
    "otoño",
    "invierno",
    "frühjahr",
    "frühling",
    "sommer",
    "herbst",
    "lente",
    "zomer",
    "herfst",
    "estate",
    "autunno",
    "inverno",
    "verão",
    "outono",
    "vår",
    "sommar",
    "höst",
    "vinter",
    "wiosna",
    "lato",
    "jesień",
    "zima",
];

/// The first word of `the night before`, where the feast behind it begins at word `i`.
pub(super) fn begins(r: &Reading<'_>, i: usize) -> usize {
    let before = |at: usize| at.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let link = before(i).filter(|b| is(r, *b, &["before", "after", "following", "of"]));
    let part = link.and_then(before).filter(|b| is(r, *b, &PARTS) || is_weekday(r.str(*b)));
    let Some(part) = part else { return i };
    // `the first day of Hanukkah`.
    let nth = before(part)
        .filter(|b| is(r, *b, &["first", "second", "third", "fourth", "last", "eighth", "seventh"]));
    let first = nth.unwrap_or(part);
    before(first).filter(|b| r.is(*b, "the")).unwrap_or(first)
}

/// The end of `Saturday of June 2023` behind an ordinal that ends at word `last`.
pub(super) fn weekday_of(r: &Reading<'_>, last: usize) -> Option<usize> {
    let near = (last..last + 3).all(|k| r.gap(k) == " ");
    let named = near && is_weekday(r.str(last + 1)) && is(r, last + 2, &["of", "in"]) && month(r, last + 3);
    named.then(|| year(r, last + 3))
}

/// `spring 2009`, `summer of 2018`, `Q2 2024`: the part of a year that begins at word `i`.
pub(super) fn season(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    if !SEASONS.contains(&r.low(i)) {
        return None;
    }
    let of = usize::from(is(r, i + 1, &["of", "de", "del", "dell"]) && r.gap(i) == " ");
    let last = year(r, i + of);
    (last == i + of + 1 && r.gap(i + of) == " ").then_some((i, last))
}

/// `Q2 2024`: the quarter that word `i` names.
pub(super) fn quarter(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let named = matches!(r.str(i), "Q1" | "Q2" | "Q3" | "Q4") && r.gap(i) == " ";
    let last = year(r, i);
    (named && last == i + 1).then_some((i, last))
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::named;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn days_around_named_ones() {
        for (text, want) in [
            ("died on the Sunday after Easter 2023, at home", "the Sunday after Easter 2023"),
            ("fell the night before New Year's Eve.", "the night before New Year's Eve"),
            ("On the second Saturday of June her pump", "second Saturday of June"),
            ("difficult airway at Grady summer 2018 - bougie", "summer 2018"),
            ("depuis le printemps de 2019", "printemps de 2019"),
            ("last download Q2 2024", "Q2 2024"),
            ("back around easter of twenty twenty three because", "easter of twenty twenty three"),
        ] {
            assert!(spans(text, named).contains(&want), "{text}: {:?}", spans(text, named));
        }
        for text in
            ["the spring water", "a fall in the bathroom 2 weeks ago", "Q2 hours", "the day after surgery"]
        {
            assert!(spans(text, named).is_empty(), "{text}: {:?}", spans(text, named));
        }
    }
}
