//! Numbers that are spoken digit by digit, as dictation and calls write them down: `eight oh three, five five one two`.
//!
//! **Invariant:** as many digits as a number that belongs to somebody has, or a word before that says whose it is; who
//! counts up or down says nobody's.

use super::cue::{Reading, Role};
use super::invent::Choice;
use super::kind::{Evidence, Finding, Type};

/// Digits as they are invented.
const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
/// Other words for some of them.
const ALSO: [(&str, usize); 3] = [("oh", 0), ("o", 0), ("niner", 9)];
/// Words before a digit that stands several times.
const TIMES: [(&str, usize); 3] = [("double", 2), ("triple", 3), ("treble", 3)];
/// Words that call what follows somebody's number.
const CALLED: [&str; 26] = [
    "mrn",
    "ssn",
    "account",
    "acct",
    "phone",
    "cell",
    "mobile",
    "fax",
    "number",
    "id",
    "pin",
    "passport",
    "license",
    "licence",
    "policy",
    "member",
    "card",
    "record",
    "extension",
    "ext",
    "zip",
    "postcode",
    "call",
    "ending",
    "digits",
    "social",
];

/// As many digits are a number by themselves, and as many behind a word that calls it one.
const LONG: usize = 7;
const SHORT: usize = 4;
/// Words between such a word and the number: `account number is`.
const REACH: usize = 3;

/// The numbers of a text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let mut i = 0;
    while i < r.words.len() {
        if !r.has(i, Role::Digit) {
            i += 1;
            continue;
        }
        let (digits, next) = run(r, i);
        if digits.len() >= LONG && !counts(&digits) || digits.len() >= SHORT && is_called(r, i) {
            out.push(
                Finding::new(r.words[i].start, r.words[next - 1].end, Type::ID, Evidence::Shape).scored(85),
            );
        }
        i = next.max(i + 1);
    }
}

/// The digits that are spoken from word `i` on, and the word behind them.
fn run(r: &Reading<'_>, i: usize) -> (Vec<usize>, usize) {
    let mut digits = Vec::new();
    let mut at = i;
    while at < r.words.len() && (at == i || matches!(r.gap(at - 1), " " | ", " | "-" | "," | " - " | ". ")) {
        let times = times(r.str(at)).filter(|_| r.gap(at) == " ");
        let spoken = at + usize::from(times.is_some());
        let Some(digit) = (spoken < r.words.len()).then(|| digit(r.str(spoken))).flatten() else { break };
        digits.extend(std::iter::repeat_n(digit, times.unwrap_or(1)));
        at = spoken + 1;
    }
    (digits, at)
}

/// Words with which a number that is spoken may begin.
pub(super) fn digits() -> impl Iterator<Item = &'static str> {
    DIGITS.into_iter().chain(ALSO.map(|(word, _)| word)).chain(TIMES.map(|(word, _)| word))
}

/// The digit that a word speaks.
fn digit(word: &str) -> Option<usize> {
    let is = |name: &&str| word.eq_ignore_ascii_case(name);
    let also = || ALSO.iter().find(|(name, _)| is(name)).map(|(_, digit)| *digit);
    DIGITS.iter().position(is).or_else(also)
}

fn times(word: &str) -> Option<usize> {
    TIMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, times)| *times)
}

/// `one two three ...`, `nine eight seven ...`.
fn counts(digits: &[usize]) -> bool {
    let step = |by: isize| digits.windows(2).all(|two| two[0].checked_add_signed(by) == Some(two[1]));
    step(1) || step(-1)
}

/// Does one of the words before say whose it is?
fn is_called(r: &Reading<'_>, i: usize) -> bool {
    (i.saturating_sub(REACH)..i).any(|before| CALLED.iter().any(|word| r.is(before, word)))
}

/// Is the text one such number, and nothing else?
pub(super) fn is_one(text: &str) -> bool {
    let spoken = |word: &str| digit(word).is_some() || times(word).is_some();
    text.contains(' ')
        && !text.bytes().any(|b| b.is_ascii_digit())
        && words(text).count() > 1
        && words(text).all(spoken)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty())
}

/// The number with other digits, spoken as it was.
pub(super) fn anew(text: &str, choice: &mut Choice) -> String {
    text.split_inclusive(|c: char| !c.is_ascii_alphabetic())
        .map(|piece| {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
            let new = digit(word).map(|_| DIGITS[choice.below(10) as usize]);
            format!("{}{}", new.unwrap_or(word), &piece[word.len()..])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::Salt;

    #[test]
    fn numbers_that_are_dictated() {
        for (text, want) in [
            ("MRN is eight oh three five five one two.", Some("eight oh three five five one two")),
            (
                "call me at five five five, two one three, four four oh nine",
                Some("five five five, two one three, four four oh nine"),
            ),
            (
                "his phone: triple two, four five six, double seven nine",
                Some("triple two, four five six, double seven nine"),
            ),
            (
                "my ssn is one two three four five six seven eight nine",
                Some("one two three four five six seven eight nine"),
            ),
            ("card ending four one one seven", Some("four one one seven")),
            ("Two one nine four four zero three, she said", Some("Two one nine four four zero three")),
            ("counting one two three four five six seven eight", None),
            ("one or two, three at most", None),
            ("rooms two, three, four and five", None),
            ("nine eight seven six five four three two one zero", None),
            ("the number two one", None),
            ("double four", None),
        ] {
            let mut out = Vec::new();
            find(&Reading::of(text), &mut out);
            let got: Vec<&str> = out.iter().map(|f| &text[f.start..f.end]).collect();
            assert_eq!(got, want.into_iter().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn an_invented_number_is_spoken_as_well() {
        let text = "triple two, four five six-double seven nine";
        let new = anew(text, &mut Choice::new(&Salt([3; 32]), "ID", text, 0));
        assert!(is_one(&new) && new != text, "{new}");
        assert!(new.starts_with("triple ") && new.matches([',', '-']).count() == 2, "{new}");
    }
}
