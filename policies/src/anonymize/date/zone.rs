//! What goes on behind a clock time: minutes and seconds by their letters, the part of the day, a time zone.
//!
//! **Invariant:** looks at a bounded stretch behind a time, and only makes it longer.

use std::cmp::Reverse;
use std::sync::LazyLock;

use super::clock::{digits, is_minute};
use crate::anonymize::sections::entries_of;
use crate::anonymize::token::{after, in_token};

struct Words {
    parts: Vec<&'static str>,
    fractions: Vec<&'static str>,
    zones: Vec<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let list = |name: &str| {
        let mut all: Vec<&str> = entries_of(include_str!("../../../words/clock.txt"), name);
        all.sort_unstable_by_key(|entry| Reverse(entry.len()));
        all
    };
    Words { parts: list("part"), fractions: list("fraction"), zones: list("zone") }
});

/// The end of all that belongs to the time that ends at `end`.
pub(super) fn whole(text: &[u8], end: usize) -> usize {
    let end = seconds(text, end);
    let end = word(text, end, &WORDS.parts).unwrap_or(end);
    zone(text, end).unwrap_or(end)
}

/// The end of the part of an hour in words behind its number: `9 y media`, `8buçuk`.
pub(super) fn fraction(text: &[u8], end: usize) -> Option<usize> {
    word(text, end, &WORDS.fractions)
}

/// `14h25m`, `23h59m58s`, `21 ч 40 мин`.
fn seconds(text: &[u8], end: usize) -> usize {
    const MINUTES: [&str; 4] = [" мин", " min", " хв", "min"];
    let rest = text.get(end..).unwrap_or_default();
    let lettered = digits(text, end.saturating_sub(2)) == 2;
    match rest {
        [b'm', a, b, b's', ..] if lettered && a.is_ascii_digit() && b.is_ascii_digit() => end + 4,
        [b'm', next, ..] if lettered && !in_token(*next) => end + 1,
        [b'm'] if lettered => end + 1,
        [b' ', a, b, tail @ ..] if a.is_ascii_digit() && b.is_ascii_digit() && is_minute(text, end + 1) => {
            let unit = MINUTES.iter().find(|unit| tail.starts_with(unit.as_bytes()));
            unit.map_or(end, |unit| end + 3 + unit.len())
        }
        _ => end,
    }
}

/// ` GMT`, ` -0500`, ` +01:00`.
pub(super) fn zone(text: &[u8], end: usize) -> Option<usize> {
    if after(text, end) == b' ' && matches!(after(text, end + 1), b'+' | b'-') {
        let hours = digits(text, end + 2);
        let colon = hours == 2 && after(text, end + 4) == b':' && digits(text, end + 5) == 2;
        let until = if colon { end + 7 } else { end + 2 + hours };
        return ((hours == 4 || colon) && !in_token(after(text, until))).then_some(until);
    }
    let until = word(text, end, &WORDS.zones)?;
    // In small letters most are other words.
    text.get(end + 1).is_some_and(|b| b.is_ascii_uppercase() || until - end > 6).then_some(until)
}

/// The end of the entry at `end`, behind a space or as part of the same word.
fn word(text: &[u8], end: usize, entries: &[&str]) -> Option<usize> {
    let spaced = after(text, end) == b' ';
    let from = end + usize::from(spaced);
    let rest = text.get(from..)?;
    let head = *rest.first()?;
    let fits = |entry: &&&str| {
        let same = entry.as_bytes().first().is_some_and(|b| *b == head.to_ascii_lowercase());
        same && rest.get(..entry.len()).is_some_and(|said| said.eq_ignore_ascii_case(entry.as_bytes()))
            && rest.get(entry.len()).is_none_or(|b| !in_token(*b) && (*b < 0x80 || !entry.is_ascii()))
    };
    entries.iter().find(fits).filter(|entry| spaced || !entry.is_ascii()).map(|entry| from + entry.len())
}
