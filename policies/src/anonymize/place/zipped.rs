//! Towns as letters are addressed to them: `Aurora, IL 60506`, `Grants NM 87020`, `Breaux Bridge La. 70517`.
//!
//! **Invariant:** a state and its ZIP stand behind, and the town is at most four words of one line.

use super::post::zip;
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// Words of the longest town: `Lake in the Hills`.
const MOST: usize = 4;
/// Small words inside of one.
const SMALL: [&str; 9] = ["of", "the", "in", "on", "du", "de", "la", "le", "del"];

/// The town whose ZIP is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if zip(r, i).is_none() {
        return;
    }
    let Some(state) = state(r, i) else { return };
    let Some(last) = state.checked_sub(1).filter(|last| matches!(r.gap(*last), ", " | " ")) else { return };
    if let Some(first) = town(r, last) {
        r.mark((first, last), Type::CITY, Evidence::Label, out);
    }
}

/// The code or the name of a state before word `i`: `IL`, `La.`, `Texas`.
fn state(r: &Reading<'_>, i: usize) -> Option<usize> {
    let b = i.checked_sub(1)?;
    let near = matches!(r.gap(b), " " | ", " | ". " | "  ");
    let code = r.has(b, Role::StateCode) && r.word(b).is_some_and(|w| w.caps == Caps::Upper);
    let dotted = r.gap(b) == ". " && r.has(b, Role::StateCode) && r.word(b).is_some_and(Word::capital);
    (near && (code || dotted || r.has(b, Role::State))).then_some(b)
}

/// The first word of the town that ends with word `last`.
fn town(r: &Reading<'_>, last: usize) -> Option<usize> {
    let capital = |k: usize| r.word(k).is_some_and(|w| w.capital() && w.chars >= 2 && w.digits == 0);
    let ends = |k: usize| r.has(k, Role::StreetAfter) || r.has(k, Role::Unit) || r.has(k, Role::Label);
    if !capital(last) || r.has(last, Role::Unit) {
        return None;
    }
    let mut first = last;
    let mut at = last;
    while let Some(b) = at.checked_sub(1).filter(|b| last - *b < MOST) {
        let near = matches!(r.gap(b), " " | "-" | "'")
            || r.gap(b) == ". " && r.word(b).is_some_and(|w| w.chars <= 3);
        // `St. Cloud`, where no street goes before.
        let saint = r.str(b) == "St" && matches!(r.gap_before(b), "" | ", " | "\n");
        let part = capital(b) && (saint || !ends(b));
        if !near || !(part || SMALL.contains(&r.str(b))) {
            break;
        }
        at = b;
        first = if part { b } else { first };
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn towns_before_a_state_and_its_zip() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)));
        for (text, want) in [
            ("12 W Elm Rd, Ste 21, Aurora, IL 60506.", "Aurora"),
            ("PO Box 77, Grants NM 87020", "Grants"),
            ("7 Pecan Trace Lot 7, Breaux Bridge La. 70517.", "Breaux Bridge"),
            ("Lake in the Hills, IL 60156", "Lake in the Hills"),
            ("St. Cloud, MN 56301-1234", "St. Cloud"),
            ("12 Elm Street Ocean Springs, Mississippi 39564", "Ocean Springs"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        for text in ["in 60506 cases", "OK 60506", "grants nm 87020"] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
