//! When a form counts where it stands: as a whole word, with a capital, inside a sentence.
//!
//! **Invariant:** what is part of a longer word never counts.

use super::declined;
use crate::anonymize::invent::{Script, is_honorific};
use crate::anonymize::token::stands_alone;

/// When a form counts, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// A value that is no word.
    Value,
    /// Wherever it is a whole word.
    Word,
    /// A whole word that begins with a capital.
    Capital,
    /// A whole word that begins with a capital, not at the start of a sentence.
    Inside,
}

/// Whether a form under `guard` counts where it stands.
pub(super) fn counts(text: &str, start: usize, end: usize, guard: Guard) -> bool {
    match guard {
        Guard::Value => stands_alone(text.as_bytes(), start, end),
        Guard::Word => !is_part(text, start, end),
        Guard::Capital => !is_part(text, start, end) && capital(text, start),
        Guard::Inside => !is_part(text, start, end) && capital(text, start) && !begins_sentence(text, start),
    }
}

/// A capital, or a script that has none.
fn capital(text: &str, start: usize) -> bool {
    text.get(start..).and_then(|rest| rest.chars().next()).is_some_and(|c| !c.is_lowercase())
}

/// Does a letter or digit next to the range make it part of a longer word?
pub(super) fn is_part(text: &str, start: usize, end: usize) -> bool {
    let (Some(head), Some(inner), Some(tail)) = (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return true;
    };
    let joined = |inner: Option<char>, outer: Option<char>, behind: bool| {
        let (Some(inner), Some(outer)) = (inner, outer) else { return false };
        let (own, other) = (Script::of_char(inner), Script::of_char(outer));
        let particle = behind && own == Script::Hangul;
        let foreign = inner.is_alphabetic()
            && outer.is_alphabetic()
            && (other.unspaced() || other == Script::Hangul)
            && own != other;
        outer.is_alphanumeric() && !own.unspaced() && !particle && !foreign
    };
    joined(inner.chars().next(), declined::before(head, inner).chars().next_back(), false)
        || joined(inner.chars().next_back(), tail.chars().next(), true)
}

/// Nothing but quotes, brackets and marks of a list stands between it and the end of a sentence.
fn begins_sentence(text: &str, start: usize) -> bool {
    let head = text.get(..start).unwrap_or_default();
    let open = head.trim_end_matches([' ', '\t', '"', '\'', '(', '[', '*', '_', '#', '>', '-']);
    let abbreviated = open.strip_suffix('.').is_some_and(|rest| {
        let word = rest.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        word.chars().count() == 1 || is_honorific(&word.to_lowercase())
    });
    !abbreviated
        && open.chars().next_back().is_none_or(|c| {
            matches!(c, '.' | '!' | '?' | ':' | ';' | '\n' | '\r' | '…' | '•' | '|' | '{' | '}')
        })
}
