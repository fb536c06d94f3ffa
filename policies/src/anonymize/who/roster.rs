//! Names taken apart over fields of one line: `LAST: DOE  FIRST: Ann  MI: Q`, `PID|1||77||DOE^ANN`.
//!
//! **Invariant:** `last` and `first` are labels only where both stand on a line, each with its colon.

use super::push;
use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding};

/// Words between the first label and the last.
const REACH: usize = 16;

/// Parts of names behind `last`, `first` and `mi`.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let label = |i: usize, words: &[&str]| {
        r.gap(i).starts_with(':') && !r.gap(i).contains('\n') && words.iter().any(|word| r.is(i, word))
    };
    if r.text.contains("PID|") {
        segments(r, out);
    }
    for i in 0..r.words.len() {
        if !label(i, &["last", "first"]) {
            continue;
        }
        let other = if r.is(i, "last") { "first" } else { "last" };
        let reach = r.words.len().min(i + REACH);
        let line = (i..reach).take_while(|k| *k == i || !r.gap(*k - 1).contains('\n'));
        let labels: Vec<usize> = line.filter(|k| label(*k, &["last", "first", "mi", "middle"])).collect();
        if !labels.iter().any(|k| r.is(*k, other)) {
            continue;
        }
        for at in labels {
            part(r, at + 1, out);
        }
    }
}

/// `DOE^ANN^Q` in a line of HL7 that tells of a patient.
fn segments(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let lettered = |i: usize| r.word(i).is_some_and(|w| w.digits == 0);
    let mut patient = false;
    for i in 0..r.words.len() {
        patient =
            r.str(i) == "PID" && r.gap(i).starts_with('|') || patient && !r.gap_before(i).contains('\n');
        if patient && r.gap(i) == "^" && lettered(i) && lettered(i + 1) {
            push(r, i, i, Evidence::Label, out);
            push(r, i + 1, i + 1, Evidence::Label, out);
        }
    }
}

/// The value that begins at word `first`, up to a wide gap, a mark or the next label.
fn part(r: &Reading<'_>, first: usize, out: &mut Vec<Finding>) {
    let lettered = |i: usize| r.word(i).is_some_and(|w| w.digits == 0) && !r.gap(i).starts_with(':');
    if !lettered(first) {
        return;
    }
    let mut last = first;
    while last < first + 3 && matches!(r.gap(last), " " | "-" | ". ") && lettered(last + 1) {
        last += 1;
    }
    push(r, first, last, Evidence::Label, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, find)
    }

    #[test]
    fn names_in_parts() {
        let found = check("LAST: DE LA CRUZ  FIRST: Consuelo  MI: X  DOB: 10042024");
        assert!(["DE LA CRUZ", "Consuelo", "X"].iter().all(|part| found.contains(part)), "{found:?}");
        let found = check("first: wei | last: tso | dob: 1/2/1970");
        assert!(["wei", "tso"].iter().all(|part| found.contains(part)), "{found:?}");
    }

    #[test]
    fn names_in_hl7() {
        assert_eq!(check("PID|1||7710||DOE^ANN||1953\nOBX|1|8867-4^heart rate^LN"), ["DOE", "ANN"]);
    }

    #[test]
    fn one_of_them_alone_says_nothing() {
        for text in ["Last: seen in May", "First: wash hands\nLast: dry them", "last visit, first: none"] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
