//! Tables of words with a quick hash.
//!
//! **Invariant:** for tables whose keys come with the program: nobody outside can choose keys that collide.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map by a quick hash.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;
/// A set by a quick hash.
pub(crate) type Set<K> = HashSet<K, BuildHasherDefault<Quick>>;

/// Eight bytes at a time: mixed in, multiplied, both halves of the product folded.
#[derive(Default)]
pub(crate) struct Quick {
    state: u64,
}

impl Quick {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd1b5_4a32_d192_ed03;
        self.state = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.mix(rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_spread() {
        let hash = |word: &str| {
            let mut quick = Quick::default();
            quick.write(word.as_bytes());
            quick.finish()
        };
        let words: Vec<String> = (0..4096).map(|n| format!("word{n}")).collect();
        let low: Set<u64> = words.iter().map(|word| hash(word) & 4095).collect();
        let all: Set<u64> = words.iter().map(|word| hash(word)).collect();
        assert!(all.len() == 4096 && low.len() > 2000, "{} {}", all.len(), low.len());
    }
}
