//! Names as wards write them: behind a room or a bed, before a role in brackets, before what was done.
//!
//! **Invariant:** a name here is one or two capitals that are no common words, between two marks of the frame.

use super::run::{How, run};
use super::{known, other_kind, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::words::{Caps, Word};

/// Who somebody is, in brackets behind the name.
const ROLES: &[&str] = &[
    "SW",
    "RN",
    "PT",
    "OT",
    "MD",
    "NP",
    "PA",
    "CM",
    "RT",
    "PCP",
    "LPN",
    "CNA",
    "SLP",
    "PharmD",
    "DO",
    "RD",
    "MSW",
    "LCSW",
    "attending",
    "resident",
    "intern",
    "fellow",
    "nurse",
    "charge",
];

/// A word that may be a name without more: a capital, no common word, no place, no label.
pub(super) fn name(r: &Reading<'_>, i: usize) -> bool {
    let roles =
        [Role::Label, Role::Nrp, Role::FacilityAfter, Role::OrgAfter, Role::Credential, Role::Country];
    r.proper(i)
        && r.word(i).is_some_and(|w| w.chars >= 3 && w.digits == 0 && w.caps != Caps::None)
        && !roles.iter().any(|role| r.has(i, *role))
}

/// The name of one or two words that begins at word `i`.
fn names(r: &Reading<'_>, i: usize) -> Option<usize> {
    if !name(r, i) {
        return None;
    }
    let initial = r.word(i + 1).is_some_and(Word::initial) && r.gap(i) == " " && name(r, i + 2);
    let last = if initial {
        i + 2
    } else if matches!(r.gap(i), " " | "-" | ", ") && name(r, i + 1) && alike(r, i) {
        i + 1
    } else {
        i
    };
    (!other_kind(r, last)).then_some(last)
}

/// Word `i` and the next are written in the same case: `Srinivasan NSTEMI` is a name and a finding.
fn alike(r: &Reading<'_>, i: usize) -> bool {
    r.word(i).map(|w| w.caps) == r.word(i + 1).map(|w| w.caps)
}

/// Names around word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    if word.digits > 0 {
        room(r, i, out);
    } else if ROLES.contains(&r.str(i)) {
        bracketed(r, i, out);
    } else if r.is(i, "seen") {
        seen(r, i, out);
    }
}

/// `Rm 289 Srinivasan`, `bed 12 Lockhart`: word `i` is the number.
fn room(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let led = i.checked_sub(1).is_some_and(|b| {
        matches!(r.gap(b), " " | "# " | " #" | "#")
            && ["rm", "room", "bed", "bay", "icu"].iter().any(|word| r.is(b, word))
    });
    if !led && bed(r, i) && names(r, i + 1) == Some(i + 1) && ends(r, i + 1) {
        return push(r, i + 1, i + 1, Evidence::Shape, out);
    }
    if !led || !matches!(r.gap(i), " " | ": " | " - " | ", " | " / ") {
        return;
    }
    let borne = |k: usize| {
        known::bearable(r, k) && !known::small_word(r, k) && r.word(k).is_some_and(|w| w.caps == Caps::Title)
    };
    let alone = || {
        let marked = matches!(r.gap(i + 1), " (" | " - " | ", " | ": " | " / " | " // ");
        let next =
            r.has(i + 2, Role::Does) || r.word(i + 2).is_some_and(|w| w.caps == Caps::Upper || w.digits > 0);
        (borne(i + 1) && (marked || next)).then_some(i + 1)
    };
    let particle = r.has(i + 1, Role::Particle) && r.word(i + 1).is_some_and(Word::capital);
    let pair = borne(i + 1) && borne(i + 2) && r.gap(i + 1) == " ";
    let found = names(r, i + 1).or_else(|| if pair { Some(i + 2) } else { None }).or_else(alone);
    let Some(last) = found.or_else(|| borne_after(r, i + 1).filter(|_| particle)) else { return };
    let acronym = last == i + 1 && r.word(last).is_some_and(|w| w.caps == Caps::Upper && w.chars <= 5);
    if !acronym {
        push(r, i + 1, last, Evidence::Shape, out);
    }
    // `Rm 289 Srinivasan (Page) NSTEMI`: who looks after them.
    let by = last + 1;
    if r.gap(last) == " (" && r.gap(by).starts_with(')') && (borne(by) || name(r, by)) {
        push(r, by, by, Evidence::Shape, out);
    }
}

/// `5A`, `412B`: word `i` is a bed, at the head of its entry.
fn bed(r: &Reading<'_>, i: usize) -> bool {
    let letter = r.str(i).bytes().last().is_some_and(|b| b"ABCEW".contains(&b));
    let shaped = r.word(i).is_some_and(|w| (1..=3).contains(&w.digits) && w.chars == w.digits + 1);
    letter && shaped && matches!(r.gap(i), " " | ": " | " - ") && (r.begins(i) || r.gap_before(i) == ", ")
}

/// The entry ends behind word `i`.
fn ends(r: &Reading<'_>, i: usize) -> bool {
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title);
    title
        && (i + 1 == r.words.len()
            || r.gap(i).starts_with([';', ',', '\n', '.', ':', '('])
            || r.gap(i) == " - ")
}

/// `St. Clair`: word `i` is the particle.
fn borne_after(r: &Reading<'_>, i: usize) -> Option<usize> {
    run(r, i, How::Capital)
}

/// `Escobedo (SW)`: word `i` is the role.
fn bracketed(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(last) = i.checked_sub(1).filter(|b| r.gap(*b) == " (" && r.gap(i).starts_with(')')) else {
        return;
    };
    let title = r.word(last).is_some_and(|w| w.caps == Caps::Title);
    let first = last.checked_sub(1).filter(|b| r.gap(*b) == " " && name(r, *b)).unwrap_or(last);
    let borne = title && known::bearable(r, last);
    if (borne || name(r, last) && (title || first < last)) && !other_kind(r, last) {
        push(r, first, last, Evidence::Shape, out);
    }
}

/// `Lindqvist seen and examined`: a sentence begins with the name.
fn seen(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let examined = r.is(i + 1, "and") && r.is(i + 2, "examined");
    let Some(last) = i.checked_sub(1).filter(|b| examined && r.gap(*b) == " ") else { return };
    let begins = r.begins(last) || last.checked_sub(1).is_some_and(|b| r.gap(b) == ". ");
    let title = r.word(last).is_some_and(|w| w.caps == Caps::Title);
    let upper = r.word(last).is_some_and(|w| w.caps == Caps::Upper && w.chars >= 3);
    let borne = (title || upper) && known::bearable(r, last) && !known::small_word(r, last);
    if begins && (borne || title && name(r, last) && !r.has(last, Role::City)) {
        push(r, last, last, Evidence::Shape, out);
    }
}
