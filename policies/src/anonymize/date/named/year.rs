//! The year behind a day that is told in words.
//!
//! **Invariant:** looks at five words behind the day.

use super::is;
use super::spoken::number;
use crate::anonymize::cue::Reading;

/// The last word of the year behind a day that ends at word `last`, in digits or in words: `2023`, `twenty
/// twenty-four`, `nineteen sixty two`, `two thousand and nine`.
pub(super) fn year(r: &Reading<'_>, last: usize) -> usize {
    let near = |k: usize| matches!(r.gap(k), " " | "-");
    if !matches!(r.gap(last), " " | ", ") {
        return last;
    }
    let of = r.gap(last) == " " && r.is(last + 1, "of") && r.gap(last + 1) == " ";
    let next = last + 1 + usize::from(of);
    if r.word(next).is_some_and(|w| w.is_number() && w.digits == 4)
        && matches!(r.str(next).get(..2), Some("19" | "20"))
    {
        return next;
    }
    // `four`, `nineteen`, `sixty`, `sixty-two`.
    let small = |k: usize| number(r, k).map(|(_, end)| end);
    let century = is(r, next, &["nineteen", "twenty", "eighteen"]) && near(next);
    let oh = |k: usize| is(r, k, &["oh", "hundred"]).then_some(k + 1).filter(|_| near(k)).and_then(small);
    if century && let Some(end) = oh(next + 1).or_else(|| small(next + 1)) {
        return end;
    }
    let thousand = r.is(next, "two") && near(next) && r.is(next + 1, "thousand");
    if !thousand {
        return last;
    }
    let and = usize::from(near(next + 1) && r.is(next + 2, "and"));
    let more = Some(next + 2 + and).filter(|k| near(k - 1)).and_then(small);
    more.unwrap_or(next + 1)
}
