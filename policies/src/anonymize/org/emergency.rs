//! Hospitals by their short names: `go to Westover Hills ED`, `at Grady ER`, `VA Tuscaloosa`.
//!
//! **Invariant:** capitals stand beside the word for the department or the agency, and a small word leads to them.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::words::{Caps, Word};

/// Departments that stand behind the name of a house.
const DEPARTMENTS: [&str; 5] = ["ED", "ER", "ICU", "NICU", "PICU"];
/// What leads to one.
const LEADS: [&str; 9] = ["to", "at", "from", "in", "the", "via", "by", "outside", "of"];
/// Capitals before a department that name no house.
const PLAIN: [&str; 22] = [
    "Peds",
    "Pediatric",
    "Paediatric",
    "Adult",
    "Local",
    "Nearest",
    "Main",
    "Our",
    "Your",
    "This",
    "Surgical",
    "Medical",
    "Cardiac",
    "Neuro",
    "Trauma",
    "Burn",
    "Level",
    "Another",
    "Other",
    "Closest",
    "Their",
    "Rural",
];
/// The most words of a name.
const MOST: usize = 4;

/// The hospital whose department or agency is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let span = department(r, i).or_else(|| veterans(r, i));
    if let Some(span) = span {
        r.mark(span, Type::FACILITY, Evidence::Shape, out);
    }
}

fn department(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    if !DEPARTMENTS.contains(&r.str(i)) {
        return None;
    }
    let name = |k: usize| {
        r.word(k).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3) && !PLAIN.contains(&r.str(k))
    };
    let before = |k: usize| k.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let mut first = i;
    while let Some(b) = before(first).filter(|b| name(*b) && i - *b <= MOST) {
        first = b;
    }
    let led =
        before(first).is_some_and(|b| LEADS.contains(&r.low(b))) || r.gap_before(first).ends_with([':', '"']);
    let proper = (first..i).any(|k| r.proper(k) && !r.has(k, Role::Common));
    (first < i && led && proper).then_some((first, i))
}

/// `VA Tuscaloosa`: no `Richmond, VA`.
fn veterans(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let town = i + 1;
    let listed = r.has(town, Role::City) || r.lists(town) & lists::CITY != 0;
    let title = r.word(town).is_some_and(|w| w.caps == Caps::Title && w.chars >= 4);
    let apart = i == 0
        || !r.gap_before(i).ends_with(", ")
            && !i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && r.word(b).is_some_and(Word::capital));
    (r.str(i) == "VA" && r.gap(i) == " " && title && listed && apart).then_some((i, town))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn hospitals_by_their_departments() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)));
        for (text, want) in [
            ("told to go to Westover Kite ED. He", "Westover Kite ED"),
            ("transferred from Petrovic ER at noon", "Petrovic ER"),
            ("VA Tuscaloosa phone", "VA Tuscaloosa"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        for text in
            ["seen in the ED", "to the Trauma ICU", "at Local ED", "Richmond, VA Tuesday", "in Adult ED"]
        {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
