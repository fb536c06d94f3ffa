//! A finder of many keywords anywhere in a text, whatever the case of ASCII letters, overlapping ones too.
//!
//! **Invariant:** a place where no keyword begins costs one look at its first three bytes, in a table that stays near,
//! or one more at the fourth; one where some keyword may begin one look at its first eight for each of them.

use super::token::in_token;

/// Codes of bytes: letters of either case, digits, and classes of all else.
const CODES: usize = 64;
const BITS: u32 = CODES.ilog2();
/// Stands for what lies beyond the end.
const NOTHING: u8 = 0;

/// Bytes that are looked at together.
const HEAD: usize = 3;
const HEADS: usize = 1 << (BITS * HEAD as u32);

/// The keywords by what they begin with.
pub(crate) struct Keywords {
    codes: [u8; 256],
    /// Which heads some keyword has.
    heads: Box<[u64; HEADS / 64]>,
    /// Heads in the words of `heads` before each.
    before: Box<[u32; HEADS / 64]>,
    /// Where the keywords of each head that there is begin in `order`; one more at the end.
    starts: Vec<u32>,
    /// Codes of the bytes that stand behind each of these heads in some keyword; all where one ends with its head.
    fourths: Vec<u64>,
    /// Keywords by head.
    order: Vec<Entry>,
    /// In small letters.
    words: Vec<Box<[u8]>>,
}

/// A keyword by its first bytes.
#[derive(Clone, Copy)]
struct Entry {
    first: u64,
    /// Those that it has.
    mask: u64,
    word: u32,
    len: u32,
}

/// A keyword and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Its number in the order in which they were given.
    pub(crate) word: usize,
}

impl Keywords {
    pub(crate) fn of<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let words: Vec<Box<[u8]>> = words.map(|word| word.to_ascii_lowercase().into_bytes().into()).collect();
        let codes = codes();
        let mut all: Vec<(usize, u32)> = Vec::new();
        for (number, word) in (0..).zip(&words) {
            heads(&codes, word, |head| all.push((head, number)));
        }
        all.sort_unstable();
        let mut marks = Box::new([0_u64; HEADS / 64]);
        let mut starts = Vec::new();
        for (at, (head, _)) in (0..).zip(&all) {
            if marks[head >> 6] >> (head & 63) & 1 == 0 {
                marks[head >> 6] |= 1 << (head & 63);
                starts.push(at);
            }
        }
        starts.push(all.len() as u32);
        let mut taken = Box::new([0; HEADS / 64]);
        let mut count = 0;
        for (marks, before) in marks.iter().zip(taken.iter_mut()) {
            *before = count;
            count += marks.count_ones();
        }
        let order: Vec<Entry> =
            all.into_iter().map(|(_, word)| Entry::of(word, &words[word as usize])).collect();
        let fourth = |entry: &Entry| {
            words[entry.word as usize].get(HEAD).map_or(!0, |byte| 1 << codes[usize::from(*byte)])
        };
        let of_head = |ends: &[u32]| order[ends[0] as usize..ends[1] as usize].iter().map(fourth);
        let fourths = starts.windows(2).map(|ends| of_head(ends).fold(0, |all, one| all | one)).collect();
        Self { codes, heads: marks, before: taken, starts, fourths, order, words }
    }

    /// Every keyword in the text, in the order of their ends; of those that end together the longest first.
    pub(crate) fn hits(&self, text: &[u8]) -> Vec<Hit> {
        let mut out = Vec::new();
        let mut head = self.code(text.first()) << BITS | self.code(text.get(1));
        let rest = text.get(2..).unwrap_or_default();
        for start in 0..text.len() {
            head = (head << BITS | self.code(rest.get(start))) % HEADS;
            if self.begins_with(head) {
                self.at(text, start, head, &mut out);
            }
        }
        sorted(out)
    }

    /// Those of [`Keywords::hits`] that begin where words do.
    pub(crate) fn hits_of_words(&self, text: &[u8], begins: &Begins) -> Vec<Hit> {
        let mut out = Vec::new();
        for start in begins.0.iter().map(|start| *start as usize) {
            let head = (0..HEAD).fold(0, |head, i| head << BITS | self.code(text.get(start + i)));
            if self.begins_with(head) {
                self.at(text, start, head, &mut out);
            }
        }
        sorted(out)
    }

    fn code(&self, byte: Option<&u8>) -> usize {
        usize::from(byte.map_or(NOTHING, |b| self.codes[usize::from(*b)]))
    }

    fn begins_with(&self, head: usize) -> bool {
        self.heads[head >> 6] >> (head & 63) & 1 == 1
    }

    fn at(&self, text: &[u8], start: usize, head: usize, out: &mut Vec<Hit>) {
        let below = self.heads[head >> 6] & ((1 << (head & 63)) - 1);
        let bucket = (self.before[head >> 6] + below.count_ones()) as usize;
        if self.fourths[bucket] >> self.code(text.get(start + HEAD)) & 1 == 0 {
            return;
        }
        let rest = &text[start..];
        let first = eight(rest);
        for entry in &self.order[self.starts[bucket] as usize..self.starts[bucket + 1] as usize] {
            let len = entry.len as usize;
            let word = entry.word as usize;
            if (first ^ entry.first) & entry.mask == 0
                && rest
                    .get(..len)
                    .is_some_and(|found| len <= 8 || found.eq_ignore_ascii_case(&self.words[word]))
            {
                out.push(Hit { start, end: start + len, word });
            }
        }
    }
}

fn sorted(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_unstable_by_key(|hit| (hit.end, hit.start, hit.word));
    hits
}

/// Where words may begin: at every byte that no ASCII letter or digit stands before, for many scripts write no spaces.
pub(crate) struct Begins(Vec<u32>);

impl Begins {
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut out = Vec::with_capacity(text.len() / 4 + 1);
        let mut inside = false;
        for (at, byte) in (0..).zip(text) {
            if !inside {
                out.push(at);
            }
            inside = in_token(*byte);
        }
        Self(out)
    }
}

impl Entry {
    fn of(word: u32, text: &[u8]) -> Self {
        let mask = u64::MAX >> (64 - 8 * text.len().clamp(1, 8));
        Self { first: eight(text), mask, word, len: text.len() as u32 }
    }
}

/// The first eight bytes, small letters for capitals; zeros behind the end.
fn eight(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    match text.first_chunk() {
        Some(first) => bytes = *first,
        None => bytes[..text.len()].copy_from_slice(text),
    }
    bytes.make_ascii_lowercase();
    u64::from_le_bytes(bytes)
}

fn codes() -> [u8; 256] {
    let mut codes = [NOTHING; 256];
    for (byte, code) in (0..=u8::MAX).zip(&mut codes) {
        *code = match byte.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => 1 + letter - b'a',
            digit @ b'0'..=b'9' => 27 + digit - b'0',
            other => 37 + other % 27,
        };
    }
    codes
}

/// Every head that a text may have where it begins with `word`.
fn heads(codes: &[u8; 256], word: &[u8], mut each: impl FnMut(usize)) {
    let code = |at: usize| word.get(at).map(|b| usize::from(codes[usize::from(*b)]));
    let choices = |at: usize| code(at).map_or(0..CODES, |code| code..code + 1);
    for first in choices(0) {
        for second in choices(1) {
            choices(2).for_each(|third| each((first << BITS | second) << BITS | third));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::token::before;
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_as_an_automaton(
            words in prop::collection::vec("[abKé:_]{1,5}|[ab]{7,10}", 1..12), text in "[abkKé:_ ]{0,40}|[aAbB]{0,40}",
        ) {
            let engine = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .build(&words)
                .unwrap();
            let mut want: Vec<Hit> = engine
                .find_overlapping_iter(&text)
                .map(|m| Hit { start: m.start(), end: m.end(), word: m.pattern().as_usize() })
                .collect();
            let told: Vec<(usize, usize)> = want.iter().map(|hit| (hit.end, hit.start)).collect();
            prop_assert!(told.is_sorted());
            want.sort_unstable_by_key(|hit| (hit.end, hit.start, hit.word));
            let keywords = Keywords::of(words.iter().map(String::as_str));
            prop_assert_eq!(&keywords.hits(text.as_bytes()), &want);
            want.retain(|hit| !in_token(before(text.as_bytes(), hit.start)));
            prop_assert_eq!(keywords.hits_of_words(text.as_bytes(), &Begins::of(text.as_bytes())), want);
        }
    }
}
