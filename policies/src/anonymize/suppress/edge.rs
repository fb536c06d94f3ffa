//! What the model takes along at the ends of a name: words of the sentence around it.
//!
//! **Invariant:** only findings of the model become shorter, and never by a word with a capital that no list has.

use std::sync::LazyLock;

use super::{clinical, lines};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::quick::Set;
use crate::anonymize::words::{Caps, Word};

static HEADS: LazyLock<Set<&'static str>> = LazyLock::new(|| {
    lines(include_str!("../../../suppress/heads.txt")).flat_map(|line| line.split(' ')).collect()
});

/// Nobody's in small letters alone.
static SMALL: LazyLock<Set<&'static str>> = LazyLock::new(|| {
    lines(include_str!("../../../suppress/small.txt")).flat_map(|line| line.split(' ')).collect()
});

/// Types of which the model takes too much.
const TRIMMED: [Type; 8] = [
    Type::NAME,
    Type::CITY,
    Type::EMPLOYER,
    Type::ORG,
    Type::FACILITY,
    Type::ADDRESS,
    Type::TITLE,
    Type::NRP,
];

/// The finding without the words of the sentence at its ends; `None` where nothing else is left.
pub(super) fn trimmed(r: &Reading<'_>, f: &Finding) -> Option<Finding> {
    if f.evidence != Evidence::Model || !TRIMMED.contains(&f.ty) {
        return Some(*f);
    }
    let mut first = r.words.partition_point(|word| word.end <= f.start);
    let mut last = r.words.partition_point(|word| word.start < f.end).checked_sub(1)?;
    if first > last {
        return Some(*f);
    }
    // Of an address words like these are parts.
    if f.ty == Type::ADDRESS {
        let number = |i: usize| r.word(i).is_some_and(|w| w.digits > 0 || w.chars == 1);
        return (first..=last).any(|i| !(is_head(r, i) || number(i))).then_some(*f);
    }
    let (from, to) = (first, last);
    let cased = f.ty == Type::NAME && (first..=last).any(|i| r.word(i).is_some_and(Word::capital));
    while first < last
        && (is_head(r, first) || cased && is_small(r, first, first) || is_opening(r, first, f.ty))
    {
        first += 1;
    }
    while first < last && (is_head(r, last) || cased && is_small(r, last, last - 1)) {
        last -= 1;
    }
    if first == last && (is_head(r, first) || is_link(r, first) || is_relative(r, first, f.ty))
        || f.ty == Type::CITY && (no_town(r, first, last) || first == last && articled(r, first))
    {
        return None;
    }
    let (start, end) = (r.word(first)?.start, r.word(last)?.end);
    let start = if first == from { f.start } else { start };
    Some(Finding { start, end: if last == to { f.end } else { end }, ..*f })
}

/// A word in small letters that is no name of a person or a place.
pub(crate) fn is_nobody(small: &str) -> bool {
    HEADS.contains(small)
}

/// `25 µF`, taken for a day, and `5-year guarantee`, for an age.
pub(super) fn counts(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    const SPANS: [&str; 4] = ["year", "month", "week", "day"];
    const PEOPLE: [&str; 18] = [
        "old", "olds", "male", "female", "man", "woman", "boy", "girl", "child", "patient", "son",
        "daughter", "of", "kid", "infant", "baby", "toddler", "survivor",
    ];
    let number = |i: usize| r.word(i).is_some_and(Word::is_number);
    let any = |i: usize, words: &[&str]| words.iter().any(|word| r.is(i, word));
    let measured = first < last && (first..last).all(number) && is_nobody(r.low(last));
    let lasts = number(first) && r.gap(first) == "-" && any(first + 1, &SPANS) && r.gap(first + 1) == " ";
    f.evidence == Evidence::Model
        && (f.ty == Type::DATE && measured || f.ty == Type::AGE && lasts && !any(first + 2, &PEOPLE))
}

fn is_head(r: &Reading<'_>, i: usize) -> bool {
    let word = r.str(i);
    if SMALL.contains(word) && r.word(i).is_some_and(|w| w.caps == Caps::Lower) {
        return true;
    }
    word.len() <= 64 && is_nobody(&word.to_lowercase()) || is_label(r, i) || clinical::is_small(r, i)
}

/// `mobile`, `tarjeta`: a label in small letters.
fn is_label(r: &Reading<'_>, i: usize) -> bool {
    r.has(i, Role::Label) && r.word(i).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 5)
}

/// Small letters, and in none of the lists of places.
fn no_town(r: &Reading<'_>, first: usize, last: usize) -> bool {
    const PLACES: u8 = lists::CITY | lists::STATE | lists::COUNTRY;
    (first..=last).all(|i| {
        let roles = [Role::City, Role::State, Role::Country, Role::Particle];
        r.word(i).is_some_and(|w| w.caps == Caps::Lower)
            && !roles.iter().any(|role| r.has(i, *role))
            && r.lists(i) & PLACES == 0
    })
}

/// `Sohn`, `Kızım`: what somebody is to another, alone, where nobody is called so.
fn is_relative(r: &Reading<'_>, i: usize, ty: Type) -> bool {
    ty == Type::NAME && r.has(i, Role::Relative) && r.lists(i) & (lists::GIVEN | lists::SURNAME) == 0
}

/// `ein Kreuzschlitz`, `die Zünfte`: a noun of German, which no list has for a place.
fn articled(r: &Reading<'_>, i: usize) -> bool {
    const ARTICLES: [&str; 14] = [
        "der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer", "kein", "keine",
        "keinen", "jede",
    ];
    const PLACES: u8 = lists::CITY | lists::STATE | lists::COUNTRY;
    let roles = [Role::City, Role::State, Role::Country];
    let article = i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && ARTICLES.contains(&r.low(b)));
    article && r.lists(i) & PLACES == 0 && !roles.iter().any(|role| r.has(i, *role))
}

/// `di`, `dal`, `l`: what binds the words of names, alone.
fn is_link(r: &Reading<'_>, i: usize) -> bool {
    r.word(i)
        .is_some_and(|w| w.caps == Caps::Lower && (w.chars == 1 || w.chars <= 3 && r.has(i, Role::Particle)))
}

/// A word in small letters beside a capital; `before` is the word that its gap stands behind.
fn is_small(r: &Reading<'_>, i: usize, before: usize) -> bool {
    r.word(i).is_some_and(|w| w.caps == Caps::Lower)
        && r.gap(before).starts_with(' ')
        && !r.has(i, Role::Particle)
        && !r.has(i, Role::Suffix)
}

/// A common word with which a sentence begins, before another capital: `Discuss Frank`.
fn is_opening(r: &Reading<'_>, i: usize, ty: Type) -> bool {
    let found = r.lists(i);
    ty == Type::NAME
        && r.begins(i)
        && r.has(i, Role::Common)
        && found & (lists::GIVEN | lists::SURNAME) == 0
        && r.gap(i) == " "
        && r.proper(i + 1)
}
