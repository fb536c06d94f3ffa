//! Tables of words with a quick hash, and one that costs a single look at memory for most words.
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

/// Pairs of letters that a word of ASCII may begin with.
pub(crate) const PAIRS: usize = 1024;

/// The first two letters of a word of ASCII, whatever their case, as a number below [`PAIRS`].
pub(crate) fn pair(word: &[u8]) -> usize {
    let letter = |at: usize| word.get(at).map_or(0, |byte| usize::from(byte & 31));
    letter(0) << 5 | letter(1)
}

/// Bytes of the longest word that stands in its place itself.
const SHORT: usize = 15;

/// A table of words that never changes: half its places are free, and a short word stands in its place.
pub(crate) struct Table<V> {
    places: Vec<Place<V>>,
    long: Map<String, V>,
}

#[derive(Clone, Copy)]
#[repr(align(32))]
struct Place<V> {
    word: [u8; SHORT],
    /// Of the word; 0 where none stands.
    len: u8,
    value: V,
}

impl<V: Copy + Default> Table<V> {
    /// The empty word is left out.
    pub(crate) fn of(words: Map<String, V>) -> Self {
        let size = (2 * words.len()).next_power_of_two().max(2);
        let free = Place { word: [0; SHORT], len: 0, value: V::default() };
        let mut table = Self { places: vec![free; size], long: Map::default() };
        for (word, value) in words {
            match short(word.as_bytes()) {
                Some((padded, len)) if len > 0 => {
                    let mut at = table.first(word.as_bytes());
                    while table.places[at].len != 0 {
                        at = (at + 1) % size;
                    }
                    table.places[at] = Place { word: padded, len, value };
                }
                Some(_) => {}
                None => {
                    table.long.insert(word, value);
                }
            }
        }
        table
    }

    pub(crate) fn get(&self, word: &str) -> Option<V> {
        let Some((padded, len)) = short(word.as_bytes()) else { return self.long.get(word).copied() };
        let mut at = self.first(word.as_bytes());
        while self.places[at].len != 0 {
            if self.places[at].word == padded && self.places[at].len == len {
                return Some(self.places[at].value);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        None
    }

    /// Where a word stands if nothing else does.
    fn first(&self, word: &[u8]) -> usize {
        let mut hash = Quick::default();
        hash.write(word);
        hash.finish() as usize & (self.places.len() - 1)
    }
}

/// A short word and its length.
fn short(word: &[u8]) -> Option<([u8; SHORT], u8)> {
    let mut padded = [0; SHORT];
    padded.get_mut(..word.len())?.copy_from_slice(word);
    Some((padded, word.len() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_knows_its_words() {
        let words = |n: u32| format!("{}{n}", &"a long word, and longer"[..n as usize % 24]);
        let table = Table::of((1..4000).map(|n| (words(n), n)).chain([(String::new(), 1)]).collect());
        assert!((1..4000).all(|n| table.get(&words(n)) == Some(n)));
        assert!((4000..8000).all(|n| table.get(&words(n)).is_none()));
        assert_eq!((table.get(""), table.get("a\0"), table.get("a long w")), (None, None, None));
    }

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
