//! Days that are spoken as numbers: `date of birth six twelve eighty eight`, `dob nine four nineteen fifty two`.
//!
//! **Invariant:** a word of birth stands before, and month, day and year are there, each in its range.

use super::is;
use crate::anonymize::cue::Reading;

pub(super) const ONES: [&str; 19] = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// Words of birth, and what may stand between them and the day.
const BORN: [&str; 5] = ["birth", "dob", "born", "birthday", "birthdate"];
const BETWEEN: [&str; 5] = ["is", "was", "on", "of", "uh"];

/// The day whose month is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    if !is(r, i, &ONES[..12]) || !is_led(r, i) {
        return None;
    }
    let (day, end) = number(r, i + 1)?;
    let (_, last) = year(r, end + 1)?;
    let near = (i..last).all(|k| matches!(r.gap(k), " " | "-" | ", "));
    (near && (1..=31).contains(&day)).then_some((i, last))
}

fn is_led(r: &Reading<'_>, i: usize) -> bool {
    let before = i.checked_sub(1);
    let skipped = before.filter(|b| is(r, *b, &BETWEEN)).and_then(|b| b.checked_sub(1));
    [before, skipped].into_iter().flatten().any(|b| is(r, b, &BORN))
}

/// The number below a hundred that begins at word `i`, and its last word.
pub(super) fn number(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let at = |k: usize, words: &[&str]| words.iter().position(|word| r.is(k, word));
    if let Some(tens) = at(i, &TENS) {
        let one = at(i + 1, &ONES[..9]).filter(|_| matches!(r.gap(i), " " | "-"));
        return Some(one.map_or((20 + 10 * tens, i), |one| (21 + 10 * tens + one, i + 1)));
    }
    at(i, &ONES).map(|one| (one + 1, i))
}

/// The year that begins at word `i`: `eighty eight`, `nineteen fifty two`, `two thousand one`, `oh five`.
fn year(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    if is(r, i, &["oh", "o", "zero"]) {
        return number(r, i + 1).filter(|(n, _)| *n < 10);
    }
    if r.is(i, "two") && r.is(i + 1, "thousand") {
        return number(r, i + 2).or(Some((0, i + 1)));
    }
    let (n, end) = number(r, i)?;
    let century = matches!(n, 19 | 20) && end == i;
    if century && let Some(rest) = number(r, i + 1) {
        return Some(rest);
    }
    (n >= 20).then_some((n, end))
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::named;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn days_of_birth_that_are_spoken() {
        for (text, want) in [
            ("date of birth six twelve eighty eight she is", "six twelve eighty eight"),
            ("dob nine four nineteen fifty two male", "nine four nineteen fifty two"),
            ("born on three twenty one two thousand four", "three twenty one two thousand four"),
        ] {
            assert!(spans(text, named).contains(&want), "{text}: {:?}", spans(text, named));
        }
        for text in ["six twelve eighty eight", "born two weeks early", "dob one of them"] {
            assert!(spans(text, named).is_empty(), "{text}: {:?}", spans(text, named));
        }
    }
}
