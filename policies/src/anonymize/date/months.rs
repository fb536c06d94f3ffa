//! Names of months in the languages other than English.
//!
//! **Invariant:** a name is written anew in the form that it was read in.

use std::sync::LazyLock;

use crate::anonymize::quick::{Map, PAIRS, pair};

/// Bytes of the longest name.
const LONGEST: usize = 24;

type Row = [&'static str; 12];

/// The forms, and for each name the first form that has it with its month from 1.
static MONTHS: LazyLock<(Vec<Row>, Map<&'static str, (usize, u32)>)> = LazyLock::new(|| {
    let lines = include_str!("../../../words/months.txt").lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Row> =
        lines.filter_map(|line| line.split(' ').collect::<Vec<_>>().try_into().ok()).collect();
    let mut names = Map::default();
    for (at, row) in rows.iter().enumerate() {
        for (month, name) in (1..).zip(row) {
            names.entry(*name).or_insert((at, month));
        }
    }
    (rows, names)
});

/// Lengths of names by their first two letters, a bit each; those in English too.
static LENGTHS: LazyLock<[u32; PAIRS]> = LazyLock::new(|| {
    let mut lengths = [0; PAIRS];
    let english = super::calendar::MONTHS.iter().flat_map(|name| [*name, &name[..3], "sept"]);
    for name in MONTHS.1.keys().copied().chain(english) {
        lengths[pair(name.as_bytes())] |= 1 << name.len().min(31);
    }
    lengths
});

/// Whether a word may be the name of a month, by its first letters and its length.
pub(super) fn may_be(word: &[u8]) -> bool {
    LENGTHS[pair(word)] >> word.len().min(31) & 1 == 1 || !word.is_ascii()
}

fn find(word: &str) -> Option<(usize, u32)> {
    (3..=LONGEST).contains(&word.len()).then_some(())?;
    if !word.is_ascii() {
        return MONTHS.1.get(word.to_lowercase().as_str()).copied();
    }
    let mut small = [0; LONGEST];
    let small = small.get_mut(..word.len())?;
    small.copy_from_slice(word.as_bytes());
    small.make_ascii_lowercase();
    MONTHS.1.get(std::str::from_utf8(small).ok()?).copied()
}

/// 1 to 12 for the name of a month.
pub(super) fn month_of(word: &[u8]) -> Option<u32> {
    find(std::str::from_utf8(word).ok()?).map(|(_, month)| month)
}

/// The name of `month` in the form that `like` has.
pub(super) fn renamed(like: &str, month: u32) -> Option<String> {
    let (row, _) = find(like)?;
    let name = MONTHS.0.get(row)?.get(month.checked_sub(1)? as usize)?;
    let mut letters = like.chars().filter(|c| c.is_alphabetic());
    let first = letters.next().is_some_and(char::is_uppercase);
    let rest = letters.next().is_some_and(char::is_uppercase);
    let mut name = name.chars();
    Some(match (first, rest) {
        (true, true) => name.as_str().to_uppercase(),
        (true, false) => name.next().map(|c| c.to_uppercase().chain(name).collect()).unwrap_or_default(),
        (false, _) => name.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_form() {
        assert!(MONTHS.0.len() >= 30);
        assert_eq!(month_of("März".as_bytes()), Some(3));
        assert_eq!(renamed("März", 12).as_deref(), Some("Dezember"));
        assert_eq!(renamed("AOÛT", 2).as_deref(), Some("FÉVRIER"));
        assert_eq!(renamed("maja", 9).as_deref(), Some("września"));
    }
}
