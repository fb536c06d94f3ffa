//! Names that are told letter by letter: `that's L-O-F-T-E-N`.
//!
//! **Invariant:** the letters make a word that stands near, or a name that the lists have.

use super::push;
use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::ner::{self, lists};
use crate::anonymize::words::Word;

/// The fewest letters of a name, and the most.
const LEAST: usize = 4;
const MOST: usize = 20;
/// So many words on either side may say the name.
const NEAR: usize = 40;

/// A name whose first letter is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let letter = |at: usize| r.word(at).is_some_and(|w| w.chars == 1 && w.digits == 0);
    if !letter(i) || r.gap(i) != "-" || i.checked_sub(1).is_some_and(|b| letter(b) && r.gap(b) == "-") {
        return;
    }
    let last = (i..i + MOST).find(|at| r.gap(*at) != "-" || !letter(at + 1)).unwrap_or(i);
    let word: String = (i..=last).map(|at| r.low(at)).collect();
    let known = || ner::lists_of(&word) & (lists::GIVEN | lists::SURNAME) != 0;
    let said = || (i.saturating_sub(NEAR)..i + NEAR).any(|at| r.low(at) == word);
    // `"J-A-C-Q-U-E-T-T-A"`: capitals alone in quotes.
    let quoted = || {
        r.gap_before(i).ends_with('"')
            && last + 1 - i > LEAST
            && (i..=last).all(|at| r.word(at).is_some_and(Word::initial))
    };
    if last + 1 - i >= LEAST && (known() || said() || quoted()) {
        push(r, i, last, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn letters_that_make_a_name() {
        let check =
            |text: &'static str| spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)));
        assert_eq!(check("patient Ostrowicz, that's O-S-T-R-O-W-I-C-Z, first name"), ["O-S-T-R-O-W-I-C-Z"]);
        assert_eq!(check("K-E-L-L-Y like the day"), ["K-E-L-L-Y"]);
        assert!(check("T-R-N-X and A-B-C, S-T-E-M-I").is_empty());
    }
}
