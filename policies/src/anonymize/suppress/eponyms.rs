//! Eponyms among their like: `Bartter vs Gitelman`, `Cullen, Rovsing, Kehr`.
//!
//! **Invariant:** a surname among surnames stays one: a list holds an eponym that nobody is known to be called.

use super::is_eponym;
use crate::anonymize::cue::Reading;
use crate::anonymize::ner::lists;
use crate::anonymize::words::Word;

/// So many neighbours on either side are looked at.
const REACH: usize = 6;

/// What stands between two of a list.
enum Link {
    Comma,
    Versus,
}

/// Whether word `at` is an eponym beside others of a list.
pub(super) fn among(r: &Reading<'_>, at: usize) -> bool {
    if !is_eponym(r.low(at)) {
        return false;
    }
    let (mut others, mut against, mut rare) = (0, false, is_rare(r, at));
    for step in [after, before] {
        let mut from = at;
        for _ in 0..REACH {
            let Some((link, next)) = step(r, from).filter(|(_, next)| is_eponym(r.low(*next))) else { break };
            others += 1;
            against |= matches!(link, Link::Versus);
            rare |= is_rare(r, next);
            from = next;
        }
    }
    against || others >= 2 && rare
}

/// So many words around one are looked through for others.
const AROUND: usize = 40;

/// Whether word `at`, an eponym that no list of names has, stands alone in brackets, `QTc 512 (Fridericia)`, or where
/// there is talk of others.
pub(super) fn is_unknown(r: &Reading<'_>, at: usize) -> bool {
    let alone = || r.gap_before(at).ends_with('(') && r.gap(at).starts_with(')');
    let other = |i: usize| {
        r.low(i) != r.low(at) && r.word(i).is_some_and(Word::capital) && is_eponym(r.low(i)) && is_rare(r, i)
    };
    let others = || (at.saturating_sub(AROUND)..at + AROUND).any(other);
    is_rare(r, at) && (alone() || others())
}

/// No list of names has the word.
fn is_rare(r: &Reading<'_>, at: usize) -> bool {
    r.lists(at) & (lists::GIVEN | lists::SURNAME) == 0
}

fn is_versus(r: &Reading<'_>, at: usize) -> bool {
    ["vs", "versus"].iter().any(|word| r.is(at, word))
}

fn after(r: &Reading<'_>, at: usize) -> Option<(Link, usize)> {
    if is_versus(r, at + 1) {
        return Some((Link::Versus, at + 2));
    }
    (r.gap(at) == ", ").then(|| (Link::Comma, at + 1 + usize::from(r.is(at + 1, "or"))))
}

fn before(r: &Reading<'_>, at: usize) -> Option<(Link, usize)> {
    let last = at.checked_sub(1)?;
    if is_versus(r, last) {
        return Some((Link::Versus, last.checked_sub(1)?));
    }
    (r.gap(last) == ", ").then_some((Link::Comma, last))
}
