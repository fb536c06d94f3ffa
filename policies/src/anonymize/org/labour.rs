//! Employers by what somebody does there: `I sell insurance at Kestrel & Vane Agency`, `loads trailers for Halvorsen
//! Brothers`, `the Amberly Foods warehouse where he works`.
//!
//! **Invariant:** a name of two capitals or more, for one alone may be anything.

use super::employer::capitals;
use crate::anonymize::cue::{Cue, Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// What people do for a living.
const DOES: [&str; 33] = [
    "sell",
    "sells",
    "sold",
    "load",
    "loads",
    "loaded",
    "drive",
    "drives",
    "drove",
    "clean",
    "cleans",
    "cook",
    "cooks",
    "pack",
    "packs",
    "build",
    "builds",
    "weld",
    "welds",
    "teach",
    "teaches",
    "taught",
    "manage",
    "manages",
    "managed",
    "stock",
    "stocks",
    "deliver",
    "delivers",
    "paint",
    "paints",
    "assemble",
    "assembles",
];
/// Where it is done.
const HOUSES: [&str; 14] = [
    "warehouse",
    "plant",
    "factory",
    "store",
    "office",
    "shop",
    "mill",
    "yard",
    "site",
    "branch",
    "depot",
    "facility",
    "restaurant",
    "kitchen",
];

/// Words between the verb and the word that leads to the name.
const BETWEEN: usize = 3;

/// What people do and where it is done, in words.
pub(crate) fn works() -> impl Iterator<Item = &'static str> {
    DOES.into_iter().chain(HOUSES)
}

/// The employer that word `i`, in small letters, leads to or stands behind.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !r.has(i, Role::Work) {
        return;
    }
    if let Some(span) = done(r, i).or_else(|| housed(r, i)) {
        r.mark(span, Type::EMPLOYER, Evidence::Shape, out);
    }
}

fn done(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    if !DOES.contains(&r.str(i)) {
        return None;
    }
    let small = |k: usize| r.gap(k) == " " && r.word(k).is_some_and(|w| w.caps == Caps::Lower);
    let lead = (i + 1..=i + 1 + BETWEEN).find(|k| ["for", "at"].contains(&r.str(*k)))?;
    if !(i..=lead).all(small) {
        return None;
    }
    let first = lead + 1 + usize::from(r.is(lead + 1, "the"));
    let last = capitals(r, first, &Cue { role: Role::EmployerLead, first: lead, last: lead })?;
    (last > first).then_some((first, last))
}

/// `the Amberly Foods warehouse where he works`: word `i` is the house.
fn housed(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let where_ = HOUSES.contains(&r.str(i)) && r.is(i + 1, "where");
    let works = (i + 2..i + 6).any(|k| ["work", "works", "worked"].contains(&r.str(k)));
    let last = i.checked_sub(1).filter(|last| where_ && works && r.gap(*last) == " ")?;
    let capital = |k: usize| r.word(k).is_some_and(|w| w.capital() && w.digits == 0);
    let near = |k: &usize| *k == last || matches!(r.gap(*k), " " | " & " | "-");
    let first = (last.saturating_sub(3)..=last).rev().take_while(|k| capital(*k) && near(k)).last()?;
    (r.proper(first) || last > first && r.word(last).is_some_and(Word::capital)).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn who_somebody_does_it_for() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)));
        for (text, want) in [
            ("I sell insurance at Petrovic & Kite Agency, my boss", "Petrovic & Kite Agency"),
            ("he loads trailers for Petrovic Brothers Cold Storage.", "Petrovic Brothers Cold Storage"),
            ("TV at the Kite Foods warehouse where he works", "Kite Foods"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        for text in
            ["drives for miles", "build at Scale", "the warehouse where he works", "sold for Ten dollars"]
        {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
