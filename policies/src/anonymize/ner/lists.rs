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

/// Hashes of known words, in an open table.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    slots: Vec<(u32, u8)>,
}

impl Gazetteer {
    /// Reads five bytes an entry: the hash, little-endian, and its lists.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let entries = bytes.chunks_exact(5);
        let size = (entries.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![(0, 0); size];
        for entry in entries {
            let hash = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let mut at = hash as usize & (size - 1);
            while slots[at].1 != 0 {
                at = (at + 1) & (size - 1);
            }
            slots[at] = (hash, entry[4]);
        }
        Self { slots }
    }

    /// The lists that the word of this hash stands in.
    pub fn of(&self, hash: u32) -> u8 {
        let Some(mask) = self.slots.len().checked_sub(1) else { return 0 };
        let mut at = hash as usize & mask;
        loop {
            let (known, lists) = self.slots[at];
            if lists == 0 || known == hash {
                return lists;
            }
            at = (at + 1) & mask;
        }
    }
}
