//! How a student reads text: normal form, words, and hashed n-grams.
//!
//! **Invariant:** training and answering go through the same functions, so a text has one reading.

use kolm_kernels::{func, sparse};
use unicode_normalization::UnicodeNormalization;

/// Buckets of one block; words and characters have a block each.
pub const BUCKETS: usize = 32_768;
/// Buckets in all.
pub const WIDTH: usize = 2 * BUCKETS;

/// Normal form: NFKC, lower case, white space collapsed, trimmed.
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if c.is_whitespace() {
            gap = !out.is_empty();
        } else {
            if gap {
                out.push(' ');
                gap = false;
            }
            out.push(c);
        }
    }
    out
}

/// Words of a normalized text: runs of letters and digits (with inner apostrophes), other signs one by one.
pub fn words(normal: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, c) in normal.char_indices() {
        if c.is_alphanumeric() || (c == '\'' && start.is_some()) {
            start = start.or(Some(at));
            continue;
        }
        if let Some(from) = start.take() {
            out.push(normal[from..at].trim_end_matches('\''));
        }
        if !c.is_whitespace() && c != '\'' {
            out.push(&normal[at..at + c.len_utf8()]);
        }
    }
    out.extend(start.map(|from| normal[from..].trim_end_matches('\'')));
    out
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Fnv {
    fn new(kind: u8) -> Self {
        let mut hash = Self(0xcbf2_9ce4_8422_2325);
        hash.write(&[kind]);
        hash
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The high half folded in: the low bits of FNV alone depend on the low bits of the input.
    fn bucket(&self) -> u32 {
        ((self.0 ^ (self.0 >> 32)) as usize % BUCKETS) as u32
    }
}

/// The buckets of a normalized text, ascending and with repeats: word 1-2-grams in `0..BUCKETS`, in-word
/// character 2-5-grams (a word has a space at either end) in `BUCKETS..WIDTH`.
pub fn grams(normal: &str) -> Vec<u32> {
    let words = words(normal);
    let mut out = Vec::with_capacity(normal.len() * 4 + words.len() * 2);
    for (i, word) in words.iter().enumerate() {
        let mut hash = Fnv::new(b'w');
        hash.write(word.as_bytes());
        out.push(hash.bucket());
        if let Some(next) = words.get(i + 1) {
            hash.write(b" ");
            hash.write(next.as_bytes());
            out.push(hash.bucket());
        }
    }
    let mut padded = String::new();
    for word in normal.split(' ').filter(|w| !w.is_empty()) {
        padded.clear();
        padded.push(' ');
        padded.push_str(word);
        padded.push(' ');
        let mut ends: Vec<usize> = padded.char_indices().map(|(at, _)| at).collect();
        ends.push(padded.len());
        for (i, from) in ends.iter().enumerate() {
            let mut hash = Fnv::new(b'c');
            for n in 1..=5 {
                let Some(to) = ends.get(i + n) else { break };
                hash.write(&padded.as_bytes()[ends[i + n - 1].max(*from)..*to]);
                if n >= 2 {
                    out.push(BUCKETS as u32 + hash.bucket());
                }
            }
        }
    }
    out.sort_unstable();
    out
}

/// A text as a sparse vector over [`WIDTH`] buckets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Buckets, ascending, without repeats.
    pub at: Vec<u32>,
    /// Their values.
    pub value: Vec<f32>,
}

impl Features {
    /// The view that the kernels read.
    pub fn row(&self) -> sparse::Row<'_> {
        sparse::Row { at: &self.at, value: &self.value }
    }
}

/// Inverse document frequencies, one a bucket: the fourth root of `ln((1 + n) / (1 + df)) + 1`.
///
/// Why the root: rows are short, so a rare word says little by being rare; on the validation part of
/// CLINC150 in-scope accuracy was 95.3 % undamped and 96.5 % with the root.
pub fn idf<'a>(texts: impl Iterator<Item = &'a [u32]>) -> Vec<f32> {
    let mut df = vec![0_u32; WIDTH];
    let mut n = 0_u32;
    for grams in texts {
        n += 1;
        for run in grams.chunk_by(|a, b| a == b) {
            df[run[0] as usize] += 1;
        }
    }
    df.iter().map(|df| (func::ln(f64::from(1 + n) / f64::from(1 + df)) + 1.0).sqrt().sqrt() as f32).collect()
}

/// Sublinear TF-IDF of the grams of one text; each block has length 1.
pub fn features(grams: &[u32], idf: &[f32]) -> Features {
    let mut out = Features::default();
    for run in grams.chunk_by(|a, b| a == b) {
        let tf = func::ln(run.len() as f64) as f32 + 1.0;
        out.at.push(run[0]);
        out.value.push(tf * idf.get(run[0] as usize).copied().unwrap_or(0.0));
    }
    let split = out.at.partition_point(|at| (*at as usize) < BUCKETS);
    let (words, chars) = out.value.split_at_mut(split);
    for block in [words, chars] {
        let norm = block.iter().map(|v| v * v).sum::<f32>().sqrt();
        if norm > 0.0 {
            block.iter_mut().for_each(|v| *v /= norm);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_normal_form_and_these_words() {
        for (text, form, seen) in [
            ("  Hello\t\nWORLD ", "hello world", vec!["hello", "world"]),
            ("don't 'quote' it's'", "don't 'quote' it's'", vec!["don't", "quote", "it's"]),
            ("ﬁne, 3.5€!", "fine, 3.5€!", vec!["fine", ",", "3", ".", "5", "€", "!"]),
            ("", "", vec![]),
        ] {
            let n = normal(text);
            assert_eq!(n, form);
            assert_eq!(words(&n), seen);
            assert_eq!(normal(&n), n, "normal form is idempotent");
        }
    }

    #[test]
    fn grams_count_words_pairs_and_inner_pieces() {
        // "ab cd": words ab, cd and one pair; " ab " has 3 two-, 2 three-, 1 four-gram, likewise " cd ".
        let g = grams("ab cd");
        assert_eq!(g.iter().filter(|b| (**b as usize) < BUCKETS).count(), 3);
        assert_eq!(g.len() - 3, 12);
        assert!(g.is_sorted() && g.iter().all(|b| (*b as usize) < WIDTH));
        assert_ne!(grams("ab cd"), grams("ab ce"));
    }

    #[test]
    fn each_block_has_length_one_and_rare_grams_weigh_more() {
        let texts: Vec<Vec<u32>> = ["the cat", "the dog", "the the bird"].iter().map(|t| grams(t)).collect();
        let idf = idf(texts.iter().map(Vec::as_slice));
        let f = features(&texts[2], &idf);
        let split = f.at.partition_point(|at| (*at as usize) < BUCKETS);
        for block in [&f.value[..split], &f.value[split..]] {
            assert!((block.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        }
        let weight = |word: &str| idf[grams(word)[0] as usize];
        assert!(weight("bird") > weight("the") && (weight("the") - 1.0).abs() < 1e-6);
        assert_eq!(features(&[], &idf), Features::default());
    }
}
