//! Names in messages: who speaks at the heads of lines, and who says something in a text of small letters.
//!
//! **Invariant:** a head of a line is a speaker where it comes twice; a word in small letters is a name before what
//! people say alone, and no word of the language.

use std::collections::BTreeMap;

use super::run::small;
use super::{known, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::words::{Caps, Word};

/// Heads of lines that say what somebody is, not who.
const PARTS: [&str; 27] = [
    "user",
    "assistant",
    "system",
    "agent",
    "bot",
    "nurse",
    "doctor",
    "patient",
    "clinician",
    "provider",
    "therapist",
    "interviewer",
    "caller",
    "operator",
    "mom",
    "dad",
    "client",
    "student",
    "tutor",
    "teacher",
    "answer",
    "question",
    "resident",
    "attending",
    "pharmacist",
    "neuro",
    "resp",
];
/// What people say and want.
const SAYS: [&str; 12] = [
    "says", "said", "thinks", "wants", "asked", "texted", "called", "told", "forgot", "knows", "paged",
    "denies",
];
/// Words before a clause.
const LEADS: [&str; 10] = ["lol", "and", "but", "that", "so", "bc", "because", "if", "omg", "ok"];

/// Names of those who write and are written of.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    speakers(r, out);
    if r.words.iter().filter(|w| w.caps == Caps::Title).count() * 4 < r.words.len() {
        (0..r.words.len()).for_each(|i| says(r, i, out));
    }
}

/// `dev: anyone seen it?` and a later line of `dev`.
fn speakers(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let mut heads: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for i in 0..r.words.len() {
        let first = i == 0 && r.gap_before(0).is_empty() || r.gap_before(i).contains('\n');
        if !first {
            continue;
        }
        let last = i + usize::from(r.gap(i) == " " && r.word(i + 1).is_some_and(Word::initial));
        if r.gap(last).starts_with(": ") && speaks(r, i) {
            heads.entry(r.str(i).to_lowercase()).or_default().push((i, last));
        }
    }
    for (first, last) in heads.into_values().filter(|lines| lines.len() > 1).flatten() {
        push(r, first, last, Evidence::Shape, out);
    }
}

/// May word `i` be somebody who speaks?
fn speaks(r: &Reading<'_>, i: usize) -> bool {
    let word = r.low(i);
    let lettered = r.word(i).is_some_and(|w| w.digits == 0 && (2..=20).contains(&w.chars));
    let cased = r.word(i).is_some_and(|w| matches!(w.caps, Caps::Lower | Caps::Title));
    let other = r.has(i, Role::Label) || r.has(i, Role::FieldFacility) || PARTS.contains(&word);
    let common = r.has(i, Role::Common) || known::common(r, i);
    lettered && cased && !other && !is_nobody(word) && (!common || known::given(r, i).is_some())
}

/// `lol becca said he fell`: word `i` is a name in small letters before what it says.
fn says(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let lower = r.word(i).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 3);
    let said = r.has(i + 1, Role::Does) && r.gap(i) == " " && SAYS.contains(&r.str(i + 1));
    if !lower || !said || r.has(i, Role::Does) {
        return;
    }
    let opens =
        r.begins(i) || i.checked_sub(1).is_some_and(|b| LEADS.contains(&r.str(b)) || r.gap(b) == ". ");
    let common = r.has(i, Role::Common) || known::common(r, i);
    if opens
        && !common
        && small(r, i).is_none_or(|last| last == i)
        && !r.str(i).ends_with('s')
        && speaks(r, i)
    {
        push(r, i, i, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, find)
    }

    #[test]
    fn who_speaks() {
        assert_eq!(check("bram: is he up?\nlottie: yes, in bed\nbram: ok thanks"), ["bram", "bram"]);
        assert_eq!(check("Annelie V: on abx?\nok\nAnnelie V: ty"), ["Annelie V", "Annelie V"]);
        assert_eq!(check("lol becca said he fell again"), ["becca"]);
    }

    #[test]
    fn other_heads_and_words_are_nobodys() {
        for text in [
            "user: hello\nassistant: hi\nuser: bye",
            "resp: stable\nneuro: intact\nresp: weaning",
            "labs: pending\nplan: wait\nlabs: back",
            "the family said no and someone called",
            "so cardiology said hold it",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
