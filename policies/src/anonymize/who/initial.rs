//! Names that begin with an initial, and initials that stand for a whole name.
//!
//! **Invariant:** an initial alone is nobody; a unit, a degree or a numbered item is no initial.

use super::run::{How, left, run};
use super::{known, other_kind, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::ner::lists;
use crate::anonymize::words::{Caps, Word};

/// `J. Doe`, `John Q. Public`, `M. De La Cruz`, `A.D. was seen`: word `i` is one capital.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let particle = r.has(i + 1, Role::Particle) && (2..4).any(|k| r.proper(i + k));
    let framed = r.gap(i) == ". " && stands(r, i) && known::bearable(r, i + 1);
    let next = r.proper(i + 1) || r.word(i + 1).is_some_and(Word::initial) || particle || framed;
    // `M.D. Transcribed`: a credential.
    let degree = |i: usize| r.is(i, "M") && r.gap(i) == "." && matches!(r.str(i + 1), "D" | "Sc" | "Ed");
    let degree = degree(i) || i.checked_sub(1).is_some_and(degree);
    // `3 L. Creatinine`: a unit behind its number.
    let unit = i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && r.word(b).is_some_and(Word::is_number));
    if r.gap(i).starts_with(". ") && led(r, i.checked_sub(1)) && !next {
        return push(r, i, i, Evidence::Shape, out);
    }
    if turned(r, i) {
        return push(r, i - 1, i, Evidence::Shape, out);
    }
    if !matches!(r.gap(i), ". " | ".") || !next || r.gap_before(i).ends_with('/') || degree || unit {
        return;
    }
    if framed && !r.proper(i + 1) {
        return push(r, i, i + 1, Evidence::Shape, out);
    }
    let Some(last) = run(r, i, How::Capital) else { return };
    let named = (i..=last).any(|k| r.word(k).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3));
    let upper = stands(r, i) && r.word(last).is_some_and(|w| w.caps == Caps::Upper && w.chars >= 4);
    let named = named || upper;
    let before = i.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let first = before.and_then(|b| left(r, b)).unwrap_or(i);
    let listed = first == i && (r.begins(i) && i > 0 || r.gap_before(i).ends_with(['.', ')']));
    let listed = listed && !particle && !(r.has(last + 1, Role::Credential) || known::surname(r, last));
    if named && !listed && !other_kind(r, last) || !named && all(r, i, last) {
        push(r, first, last, Evidence::Shape, out);
    }
}

/// `Osborne, R plts 400`: a surname, a comma, and the initial.
fn turned(r: &Reading<'_>, i: usize) -> bool {
    let Some(own) = i.checked_sub(1).filter(|own| r.gap(*own) == ", ") else { return false };
    let apart = own == 0 || !r.gap(own - 1).ends_with(", ");
    let name = known::surname(r, own) && !r.has(own, Role::Common) && !r.has(own, Role::Eponym);
    let capital = r.word(own).is_some_and(|w| w.capital() && w.chars >= 3);
    let closed =
        r.gap(i) == " " || r.gap(i).starts_with(['\n', ',', ';', ')', ':', '|']) || i + 1 == r.words.len();
    apart && name && capital && closed && !matches!(r.str(i), "I" | "A")
}

/// An initial where a name stands by itself: in brackets, behind `by` or the dashes of a signature.
fn stands(r: &Reading<'_>, i: usize) -> bool {
    let gap = r.gap_before(i);
    let led =
        i.checked_sub(1).is_some_and(|b| gap == " " && ["by", "from", "per"].iter().any(|w| r.is(b, w)));
    led || gap.ends_with('(') || gap.ends_with("-- ")
}

/// `initials R-M`, `"initials": "QRB"`: the letters behind word `i`.
pub(super) fn told(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !r.is(i, "initials") || !matches!(r.gap(i), " " | ": " | "\": \"" | "\":\"" | " (" | "=") {
        return;
    }
    let letters = |k: usize, most: usize| {
        r.word(k).is_some_and(|w| w.caps == Caps::Upper && w.chars <= most && w.digits == 0)
    };
    let joined =
        (i + 1..i + 4).take_while(|k| letters(*k, 1) && matches!(r.gap(*k), "-" | "." | ". ")).count();
    if joined > 0 && letters(i + 1 + joined, 1) {
        push(r, i + 1, i + 1 + joined, Evidence::Label, out);
    } else if letters(i + 1, 4) && r.word(i + 1).is_some_and(|w| w.chars >= 2) {
        push(r, i + 1, i + 1, Evidence::Label, out);
    }
}

/// Behind a word for somebody whose name is not told.
fn led(r: &Reading<'_>, at: Option<usize>) -> bool {
    const LED: [&str; 10] =
        ["patient", "pt", "initials", "client", "guardian", "mother", "father", "son", "daughter", "child"];
    at.is_some_and(|b| r.gap(b) == " " && LED.contains(&r.low(b)))
}

/// `A.D. is a 60-year-old`, and `A.D.` at the end of a line: nothing but initials.
fn all(r: &Reading<'_>, i: usize, last: usize) -> bool {
    const OTHERS: [&str; 12] = ["US", "UK", "UN", "ED", "IV", "IM", "PO", "AM", "PM", "MD", "EU", "PE"];
    let letters: String = (i..=last).map(|k| r.str(k)).collect();
    let gap = r.gap(last);
    let ends = gap.starts_with(".\n") || last + 1 == r.words.len() && gap.starts_with('.');
    let said = gap == ". " && ["is", "was", "has", "had", "presents"].contains(&r.str(last + 1));
    // `the guardian of T.W. (DOB ...)`, `initials R.M.`
    let before = i.checked_sub(1).filter(|b| r.gap(*b) == " " && r.is(*b, "of"));
    let led = led(r, i.checked_sub(1)) || before.is_some_and(|b| led(r, b.checked_sub(1)));
    let apart = r.begins(i) || r.gap_before(i) == ". " || led;
    let ends = ends || led && gap.starts_with('.');
    letters.len() == last - i + 1
        && (2..=3).contains(&letters.len())
        && !OTHERS.contains(&letters.as_str())
        && apart
        && (ends || said)
}

/// `call me (s. petrovic)`, `seen by a. rao`: word `i` is one small letter.
pub(super) fn small(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if let Some(given) = i.checked_sub(1).filter(|_| r.gap(i).starts_with('.') && borne(r, i)) {
        push(r, given, i, Evidence::Shape, out);
    }
    if r.gap(i) != ". " {
        return;
    }
    let closed = i.checked_sub(1).is_some_and(|b| r.gap(b) == ", " && r.has(b, Role::Closing));
    let next = i + 1;
    let name = r.word(next).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 3 && w.digits == 0);
    let common = r.has(next, Role::Common) || known::common(r, next) && !known::bearable(r, next);
    if (stands(r, i) || closed) && name && !common {
        let last =
            run(r, next, How::Loose).filter(|last| *last == next || r.gap(next) == "-").unwrap_or(next);
        push(r, i, last, Evidence::Shape, out);
    }
}

/// `pt is latoya b.`: a given name in small letters and nothing else before the initial.
fn borne(r: &Reading<'_>, i: usize) -> bool {
    let given = i - 1;
    let small = r.word(given).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 4);
    let lists = r.lists(given);
    let more = r.gap(i) == ". "
        && r.lists(i + 1) & (lists::GIVEN | lists::SURNAME) != 0
        && !r.has(i + 1, Role::Common);
    small
        && !more
        && r.gap(given) == " "
        && lists & lists::GIVEN != 0
        && lists & lists::COMMON == 0
        && !r.has(given, Role::Common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn a_given_name_and_an_initial_in_small_letters() {
        assert_eq!(check("pt is latoya b. and the pharmacist"), ["latoya b"]);
        assert!(check("hepatitis b. is, vitamin k. too").is_empty());
        assert!(!check("curtis k. petrovic came").contains(&"curtis k"));
    }

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| {
            for i in 0..r.words.len() {
                if r.word(i).is_some_and(Word::initial) {
                    find(r, i, out);
                } else if r.word(i).is_some_and(|w| w.chars == 1) {
                    small(r, i, out);
                }
            }
        })
    }

    #[test]
    fn initials_lead_names_and_are_names() {
        for (text, want) in [
            ("seen by J. Marsh today", "J. Marsh"),
            ("ordered by M. De La Cruz, clinic", "M. De La Cruz"),
            ("diet. -- Y. Day PA-C", "Y. Day"),
            ("CALL ME (T. EASTWOOD) AT NOON", "T. EASTWOOD"),
            ("call me (s. petrovic) at noon", "s. petrovic"),
            ("he was seen by a. ramanathan and left", "a. ramanathan"),
            ("kind regards, o. srinivasan", "o. srinivasan"),
            ("reviewed at 0200. C.F.", "C.F"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn initials_that_are_called_so() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| told(r, i, out)));
        assert_eq!(check("subj 2107, initials R-M, 55 F"), ["R-M"]);
        assert_eq!(check("{\"initials\": \"QRB\"}"), ["QRB"]);
        assert!(check("initials and dates").is_empty());
    }

    #[test]
    fn other_letters_are_no_initials() {
        for text in [
            "Plan: A. Start",
            "took 3 L. Creatinine fell",
            "give by p. os",
            "grown by E. coli",
            "see (a. above)",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
