//! The gazetteer: which words are known as parts of names and places.
//!
//! **Invariant:** a look-up is one probe sequence in a table of hashes; the lists hold no text.

/// A word of a given name.
pub const GIVEN: u8 = 1;
/// A word of a surname.
pub const SURNAME: u8 = 2;
/// A word of a city's name.
pub const CITY: u8 = 4;
/// A word of a country's name.
pub const COUNTRY: u8 = 8;
/// A word of a state's or region's name.
pub const STATE: u8 = 16;
/// A common word of a template or of the vocabulary: no name by itself.
pub const COMMON: u8 = 32;

/// The lists of a word, within its place in the table; the rest of the place is the hash without these bits.
const FLAGS: u32 = 63;

/// Hashes of known words, in an open table.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    /// Four bytes a place: half the places are free, and the table is to stay in the caches.
    slots: Vec<u32>,
}

impl Gazetteer {
    /// Reads five bytes an entry: the hash, little-endian, and its lists.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let entries = bytes.chunks_exact(5);
        let size = (entries.len() * 2).next_power_of_two().max(2);
        let mut table = Self { slots: vec![0; size] };
        for entry in entries {
            let hash = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let at = table.place(hash);
            table.slots[at] |= hash & !FLAGS | u32::from(entry[4]) & FLAGS;
        }
        table
    }

    /// The lists that the word of this hash stands in.
    pub fn of(&self, hash: u32) -> u8 {
        if self.slots.is_empty() {
            return 0;
        }
        (self.slots[self.place(hash)] & FLAGS) as u8
    }

    /// The place of a hash: its own, or the free one where it would stand.
    fn place(&self, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] & FLAGS != 0 && (self.slots[at] ^ hash) & !FLAGS != 0 {
            at = (at + 1) & mask;
        }
        at
    }
}
