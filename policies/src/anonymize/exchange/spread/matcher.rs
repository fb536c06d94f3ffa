//! A matcher of many forms: at the first place where one stands the longest, whatever the case of ASCII letters.
//!
//! **Invariant:** cheap to build, for it lives for one exchange: the forms in order, each with the longest other that
//! it begins with. A look at a place is a binary search, and most places are ruled out by two bytes.

use crate::anonymize::token::{before, in_token};

/// Forms in the order of their bytes.
pub(super) struct Matcher {
    entries: Vec<Entry>,
    /// The first bytes of each entry, as a number that is in the same order.
    heads: Vec<u64>,
    /// Which two bytes some form begins with.
    pairs: Vec<u64>,
}

struct Entry {
    /// In small letters, as far as ASCII goes.
    text: Vec<u8>,
    form: usize,
    /// The longest other entry that this one begins with.
    shorter: Option<usize>,
}

/// A form and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) form: usize,
}

impl Matcher {
    /// Of forms that are alike but for their case the first counts.
    pub(super) fn new(forms: impl Iterator<Item = String>) -> Self {
        let mut all: Vec<(Vec<u8>, usize)> =
            forms.enumerate().map(|(form, text)| (text.to_ascii_lowercase().into_bytes(), form)).collect();
        all.sort_unstable();
        all.dedup_by(|next, last| next.0 == last.0);
        let heads = all.iter().map(|(text, _)| head(text)).collect();
        let mut matcher = Self { entries: Vec::with_capacity(all.len()), heads, pairs: vec![0; 1 << 10] };
        let mut open: Vec<usize> = Vec::new();
        for (text, form) in all {
            while open.last().is_some_and(|last| !text.starts_with(&matcher.entries[*last].text)) {
                open.pop();
            }
            matcher.admit(&text);
            open.push(matcher.entries.len());
            let shorter = open.len().checked_sub(2).map(|at| open[at]);
            matcher.entries.push(Entry { text, form, shorter });
        }
        matcher
    }

    fn admit(&mut self, text: &[u8]) {
        match text {
            [first, second, ..] => self.mark(pair(*first, *second)),
            [one] => (0..=u8::MAX).for_each(|second| self.mark(pair(*one, second))),
            [] => {}
        }
    }

    fn mark(&mut self, pair: usize) {
        self.pairs[pair >> 6] |= 1 << (pair & 63);
    }

    /// The first match that begins at `from` or later.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<Match> {
        self.next_where(text, from, |_| true)
    }

    /// The first match that begins at `from` or later and not inside a word of ASCII: one of another script may begin
    /// there.
    pub(super) fn next_apart(&self, text: &[u8], from: usize) -> Option<Match> {
        self.next_where(text, from, |at| text[at] >= 0x80 || !in_token(before(text, at)))
    }

    fn next_where(&self, text: &[u8], from: usize, fits: impl Fn(usize) -> bool) -> Option<Match> {
        (from..text.len()).filter(|at| fits(*at)).find_map(|at| {
            let pair = pair(text[at], text.get(at + 1).copied().unwrap_or_default());
            let may = self.pairs[pair >> 6] >> (pair & 63) & 1 == 1;
            let entry = may.then(|| self.longest(&text[at..])).flatten()?;
            Some(Match { start: at, end: at + entry.text.len(), form: entry.form })
        })
    }

    /// The longest entry that `rest` begins with. It is the last one not behind `rest` in the order, or else one
    /// that this one begins with.
    fn longest(&self, rest: &[u8]) -> Option<&Entry> {
        let head = head(rest);
        let first = self.heads.partition_point(|other| *other < head);
        let alike = self.heads[first..].partition_point(|other| *other == head);
        let behind = first + self.entries[first..first + alike].partition_point(|entry| entry.precedes(rest));
        let mut at = behind.checked_sub(1);
        while let Some(entry) = at.and_then(|at| self.entries.get(at)) {
            if entry.begins(rest) {
                return Some(entry);
            }
            at = entry.shorter;
        }
        None
    }
}

impl Entry {
    /// Stands before `rest` in the order, or `rest` begins with it.
    fn precedes(&self, rest: &[u8]) -> bool {
        let differ = self.text.iter().zip(rest).find(|(own, other)| **own != other.to_ascii_lowercase());
        match differ {
            Some((own, other)) => *own < other.to_ascii_lowercase(),
            None => self.text.len() <= rest.len(),
        }
    }

    fn begins(&self, rest: &[u8]) -> bool {
        rest.get(..self.text.len()).is_some_and(|head| head.eq_ignore_ascii_case(&self.text))
    }
}

/// The first eight bytes as a number, small letters for capitals.
fn head(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    match text.first_chunk() {
        Some(first) => bytes = *first,
        None => bytes[..text.len()].copy_from_slice(text),
    }
    bytes.make_ascii_lowercase();
    u64::from_be_bytes(bytes)
}

/// Two bytes as a number, small letters for capitals.
fn pair(first: u8, second: u8) -> usize {
    usize::from(first.to_ascii_lowercase()) << 8 | usize::from(second.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aho_corasick::{AhoCorasick, Input, MatchKind};
    use proptest::prelude::*;

    #[test]
    fn the_longest_at_the_first_place() {
        let forms = ["doe", "john", "john doe", "Jürgen", "jürgen", "x"];
        let matcher = Matcher::new(forms.into_iter().map(str::to_owned));
        let check = |text: &str| matcher.next(text.as_bytes(), 0).map(|m| text[m.start..m.end].to_owned());
        assert_eq!(check("to JOHN DOE and doe"), Some("JOHN DOE".to_owned()));
        assert_eq!(check("to John Do"), Some("John".to_owned()));
        assert_eq!(check("an x"), Some("x".to_owned()));
        assert_eq!(check("JüRGEN"), Some("JüRGEN".to_owned()));
        assert_eq!(check("nobody"), None);
    }

    proptest! {
        #[test]
        fn the_same_as_an_automaton(
            forms in prop::collection::btree_set("[abAé]{1,4}", 1..12), text in "[abAé]{0,30}",
        ) {
            let engine = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .ascii_case_insensitive(true)
                .build(&forms)
                .unwrap();
            let matcher = Matcher::new(forms.into_iter());
            for from in 0..text.len() {
                let want = engine.find(Input::new(&text).range(from..));
                let want = want.map(|m| Match { start: m.start(), end: m.end(), form: m.pattern().as_usize() });
                prop_assert_eq!(matcher.next(text.as_bytes(), from), want);
                let apart = (from..text.len())
                    .filter(|at| !text.as_bytes()[*at].is_ascii() || !in_token(before(text.as_bytes(), *at)))
                    .find_map(|at| matcher.next(text.as_bytes(), at).filter(|found| found.start == at));
                prop_assert_eq!(matcher.next_apart(text.as_bytes(), from), apart);
            }
        }
    }
}
