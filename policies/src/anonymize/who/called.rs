//! Names by who is called, who signs, whose family it is and whose list it is.
//!
//! **Invariant:** marks on both sides of the name, or a word that only persons have beside them; a common word counts
//! where it is also a name.

use super::run::{How, run};
use super::{known, other_kind, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::words::{Caps, Word};

/// What stands between a person and the number to reach them.
const REACHED: [&str; 9] = ["x", "ext", "extension", "pager", "beeper", "pgr", "cell", "mobile", "phone"];
/// Fields of work, as persons are told apart by them.
const FIELDS: [&str; 36] = [
    "Neuro",
    "GI",
    "Derm",
    "Cards",
    "Cardiology",
    "Ortho",
    "Onc",
    "Renal",
    "Pulm",
    "ID",
    "Psych",
    "Surg",
    "Surgery",
    "ENT",
    "Uro",
    "Urology",
    "Rheum",
    "Heme",
    "Endo",
    "Nephro",
    "Nephrology",
    "Neurology",
    "Peds",
    "OB",
    "GYN",
    "Rads",
    "Radiology",
    "IR",
    "ICU",
    "ED",
    "PCP",
    "Pharmacy",
    "Oncology",
    "Pulmonology",
    "Gastroenterology",
    "Dermatology",
];

/// Names around word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    if word.digits == word.chars {
        return;
    }
    if (3..=6).contains(&word.chars)
        && ["call", "page", "paged", "recall", "text", "tel"].iter().any(|w| r.is(i, w))
    {
        reached(r, i, out);
    }
    let marked = matches!(r.gap_before(i), "/" | " (");
    if marked && word.caps != Caps::Lower && FIELDS.iter().any(|field| r.is(i, field)) {
        of_field(r, i, out);
    }
    if word.chars >= 6 && ["family", "household", "residence"].iter().any(|w| r.is(i, w)) {
        family(r, i, out);
    }
    if matches!(r.str(i), "w" | "W") && matches!(r.gap(i), "/ " | "/") {
        beside(r, i + 1, out);
    }
    if word.chars == 5 && r.is(i, "under") && r.gap(i) == " " {
        under(r, i, out);
    }
    if signs(r, i) {
        signature(r, i, out);
    }
    if r.gap_before(i).is_empty() || r.gap_before(i).contains('\n') {
        addressed(r, i, out);
    }
}

/// May word `i` be a name, in a frame that leaves little else?
fn able(r: &Reading<'_>, i: usize) -> bool {
    let Some(word) = r.word(i).filter(|w| w.digits == 0 && w.chars >= 2) else { return false };
    let small = r.low(i);
    let roles = [Role::Country, Role::Nrp, Role::FacilityAfter, Role::Credential, Role::Honorific];
    let other = roles.iter().any(|role| r.has(i, *role)) || is_nobody(small);
    let common = r.has(i, Role::Common) || r.has(i, Role::Label) || known::common(r, i);
    let free = match word.caps {
        Caps::Title => true,
        Caps::Upper | Caps::Lower => word.chars >= 3,
        Caps::None => false,
    };
    free && !other && (!common || known::bearable(r, i))
}

/// The name of up to three words that begins at word `i`.
fn named(r: &Reading<'_>, i: usize) -> Option<usize> {
    let particle = r.has(i, Role::Particle) && matches!(r.gap(i), " " | ". " | "-");
    if !particle && !able(r, i) {
        return None;
    }
    let how = if r.word(i).is_some_and(|w| w.caps == Caps::Lower) { How::Loose } else { How::Capital };
    run(r, i, how).or_else(|| (!particle).then_some(i)).filter(|last| *last < i + 3)
}

/// `page Srinivasan 42582`, `call Hill pager 983`, `call price ext. 1963`: the name behind word `i`.
fn reached(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if r.gap(i) != " " {
        return;
    }
    let mut last = i + 1;
    while last < i + 3 && !ends_reach(r, last) && matches!(r.gap(last), " " | ". " | "-") {
        last += 1;
    }
    if ends_reach(r, last)
        && (i + 1..=last).all(|k| able(r, k) || saint(r, k) || k < last && r.has(k, Role::Particle))
    {
        push(r, i + 1, last, Evidence::Label, out);
    }
}

/// `Clair` of `St. Clair`, whatever the word is elsewhere.
fn saint(r: &Reading<'_>, i: usize) -> bool {
    let led = i.checked_sub(1).is_some_and(|b| r.is(b, "st") && matches!(r.gap(b), " " | ". "));
    led && r.word(i).is_some_and(|w| w.capital() && w.chars >= 4)
}

/// A number to reach somebody follows word `i`.
fn ends_reach(r: &Reading<'_>, i: usize) -> bool {
    let long = r.word(i + 1).is_some_and(|w| w.is_number() && w.digits >= 4);
    let named = REACHED.iter().any(|w| r.is(i + 1, w)) && r.word(i + 2).is_some_and(|w| w.digits >= 3);
    let joined = r.word(i + 1).is_some_and(|w| w.digits >= 3 && w.chars == w.digits + 1)
        && r.str(i + 1).starts_with('x');
    matches!(r.gap(i), " " | " (" | ", " | " @" | ": ") && (long || named || joined)
}

/// `to Parks/Derm: `, `Maeve Hodgkin (ID)`: word `i` is the field.
fn of_field(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(last) = i.checked_sub(1) else { return };
    let listed = r.gap(last) == "/" && matches!(r.gap(i), ": " | " " | ", " | ";" | ".");
    let bracketed = r.gap(last) == " (" && r.gap(i).starts_with(')');
    let mut first = last;
    while let Some(b) = first.checked_sub(1) {
        let more = matches!(r.gap(b), " " | ". ")
            && (able(r, b) || r.has(b, Role::Particle))
            && r.word(b).is_some_and(Word::capital)
            && first + 2 > last;
        if !more {
            break;
        }
        first = b;
    }
    let to =
        first.checked_sub(1).is_some_and(|b| ["to", "from", "by", "w", "with"].iter().any(|w| r.is(b, w)));
    let titled = r.word(last).is_some_and(|w| w.caps == Caps::Title || w.caps == Caps::Upper && to);
    let sure = listed && to || bracketed && (to || known::bearable(r, last) || !known::common(r, last));
    if sure && titled && able(r, last) && !FIELDS.contains(&r.str(last)) && !other_kind(r, last) {
        push(r, first, last, Evidence::Label, out);
    }
}

/// `redone w/ Siddharth from the clinic`, `family meeting w/ Okafor.`: who was there, at word `i`.
fn beside(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    let goes_on = ["from", "and", "at", "in", "who", "today"].iter().any(|w| r.is(i + 1, w));
    if title && goes_on && r.gap(i) == " " && able(r, i) && !r.has(i, Role::Common) && !r.has(i, Role::Eponym)
    {
        push(r, i, i, Evidence::Shape, out);
    }
}

/// `admitted Feb 3 under Addison.`: word `i` is `under`.
fn under(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let admitted = (i.saturating_sub(6)..i).any(|k| ["admitted", "admit"].iter().any(|w| r.is(k, w)));
    let next = i + 1;
    let closed = r.gap(next).starts_with(['.', ',', ';', '\n', ')']) || r.has(next + 1, Role::Credential);
    if admitted && closed && known::bearable(r, next) {
        push(r, next, next, Evidence::Shape, out);
    }
}

/// `to the Cook family`: word `i` says whose it is.
fn family(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(last) = i.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return };
    let Some(led) = last.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return };
    let capital = r.word(last).is_some_and(Word::capital);
    if capital && r.is(led, "the") && able(r, last) && !r.has(last, Role::City) {
        push(r, last, last, Evidence::Label, out);
    }
}

/// A dash, or an arrow, behind the end of a sentence: a name that signs follows.
fn signs(r: &Reading<'_>, i: usize) -> bool {
    let gap = r.gap_before(i);
    if gap.len() < 3 {
        return false;
    }
    let dash = gap.trim_start_matches(['.', '!', '?', ')', ' ', '\n']);
    dash.len() < gap.len()
        && gap.starts_with(['.', '!', '?', '\n', ')'])
        && matches!(dash, "-" | "- " | "--" | "-- " | "->" | "-> ")
}

/// `... help me understand. ->Rosalind`, `in the morning. -Gwen`: nothing follows on the line.
fn signature(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(last) = named(r, i) else { return };
    let rest = r.gap(last);
    let ends = last + 1 == r.words.len() && rest.trim_matches([' ', '.', '"', '\n', '\'']).is_empty();
    if ends && r.word(i).is_some_and(Word::capital) && !other_kind(r, last) && !r.gap_before(i).contains('\n')
    {
        push(r, i, last, Evidence::Label, out);
    }
}

/// `Keisha - can you call`, `yo marcus the`: who is spoken to, at the head of a line.
fn addressed(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    const ASKED: [&str; 11] =
        ["can", "could", "would", "will", "please", "pls", "plz", "do", "any", "quick", "just"];
    let asks = |k: usize| ASKED.iter().any(|w| r.is(k, w));
    let apart = matches!(r.gap(i), " - " | " -- " | ", ") && asks(i + 1);
    let alone = r.gap(i) != ", " || known::bearable(r, i);
    if apart && alone && able(r, i) {
        push(r, i, i, Evidence::Label, out);
    }
    if ["yo", "hey", "hi", "thx", "ty"].iter().any(|w| r.is(i, w))
        && r.gap(i) == " "
        && able(r, i + 1)
        && !r.has(i + 1, Role::Common)
    {
        push(r, i + 1, i + 1, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)))
    }

    #[test]
    fn who_is_called_signs_or_is_listed() {
        for (text, want) in [
            ("f/u accession CT56599248, page Srinivasan 42582 // if", "Srinivasan"),
            ("recheck lactate, call Parkinson pager 553-6463.", "Parkinson"),
            ("recheck lactate, call price beeper 26486.", "price"),
            ("recheck lactate, call Bishop x 4829.", "Bishop"),
            ("CALL ST. CLAIR EXT 4471", "ST. CLAIR"),
            ("Referral from A to Parks/Derm: see below", "Parks"),
            ("Consults: Maeve Hodgkin (Cards).", "Maeve Hodgkin"),
            ("word a card to the Day family?", "Day"),
            ("help me understand. ->Grant", "Grant"),
            ("Rewrite this more politely. -Gwen", "Gwen"),
            ("Art - can you call her", "Art"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn other_calls_and_dashes_are_nobodys() {
        for text in [
            "call the lab 4471",
            "page 42582",
            "call security ext 4471",
            "see page one 2024",
            "pending. - Continue",
            "the royal family",
            "Labs - can you read them",
            "send to Lab/ED: stat",
            "MRI (ID)",
            "hey can you help",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
