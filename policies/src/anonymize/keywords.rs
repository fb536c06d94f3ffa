//! A finder of many keywords anywhere in a text, whatever the case of ASCII letters, overlapping ones too.
//!
//! **Invariant:** a place where no keyword begins costs one look at its first three bytes, in a table that stays near.

/// Codes of bytes: letters of either case, digits, and classes of all else.
const CODES: usize = 64;
const BITS: u32 = CODES.ilog2();
/// Stands for what lies beyond the end.
const NOTHING: u8 = 0;

/// Bytes that are looked at together.
const HEAD: usize = 3;

/// The keywords by what they begin with.
pub(crate) struct Keywords {
    codes: [u8; 256],
    /// Which heads some keyword has.
    heads: Vec<u64>,
    /// Heads in the words of `heads` before each.
    before: Vec<u32>,
    /// Where the keywords of each head that there is begin in `order`; one more at the end.
    starts: Vec<u32>,
    /// Numbers of keywords by head.
    order: Vec<u32>,
    words: Vec<Box<[u8]>>,
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
        let mut marks = vec![0_u64; (1 << (BITS * HEAD as u32)) / 64];
        let mut starts = Vec::new();
        for (at, (head, _)) in (0..).zip(&all) {
            if marks[head >> 6] >> (head & 63) & 1 == 0 {
                marks[head >> 6] |= 1 << (head & 63);
                starts.push(at);
            }
        }
        starts.push(all.len() as u32);
        let mut count = 0;
        let before = marks
            .iter()
            .map(|marks| {
                count += marks.count_ones();
                count - marks.count_ones()
            })
            .collect();
        let order = all.into_iter().map(|(_, number)| number).collect();
        Self { codes, heads: marks, before, starts, order, words }
    }

    /// Every keyword in the text, in the order of their ends; of those that end together the longest first.
    pub(crate) fn hits(&self, text: &[u8]) -> Vec<Hit> {
        let mut out = Vec::new();
        let code = |at: usize| usize::from(text.get(at).map_or(NOTHING, |b| self.codes[usize::from(*b)]));
        let mut head = code(0) << BITS | code(1);
        for start in 0..text.len() {
            head = (head << BITS | code(start + 2)) & ((1 << (BITS * HEAD as u32)) - 1);
            if self.heads[head >> 6] >> (head & 63) & 1 == 1 {
                self.at(text, start, head, &mut out);
            }
        }
        out.sort_unstable_by_key(|hit| (hit.end, hit.start, hit.word));
        out
    }

    fn at(&self, text: &[u8], start: usize, head: usize, out: &mut Vec<Hit>) {
        let below = self.heads[head >> 6] & ((1 << (head & 63)) - 1);
        let bucket = (self.before[head >> 6] + below.count_ones()) as usize;
        for number in &self.order[self.starts[bucket] as usize..self.starts[bucket + 1] as usize] {
            let word = &self.words[*number as usize];
            let end = start + word.len();
            if text.get(start..end).is_some_and(|found| found.eq_ignore_ascii_case(word)) {
                out.push(Hit { start, end, word: *number as usize });
            }
        }
    }
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
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_as_an_automaton(
            words in prop::collection::vec("[abKé:_]{1,5}", 1..12), text in "[abkKé:_ ]{0,40}",
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
            prop_assert_eq!(Keywords::of(words.iter().map(String::as_str)).hits(text.as_bytes()), want);
        }
    }
}
