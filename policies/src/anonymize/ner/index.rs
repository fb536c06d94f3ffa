//! Which keys have a row of weights, and which row: a table of probes without the keys.
//!
//! **Invariant:** small, for it is asked of every feature: a bit for each place, and of the places taken the part of
//! the key that the place does not tell.

/// Bits of a key that name its place; the other bits are its tag.
const PLACE_BITS: u32 = 18;
const PLACES: usize = 1 << PLACE_BITS;

/// Keys with rows.
#[derive(Debug)]
pub(super) struct Index {
    /// A bit for each place that is taken.
    taken: Box<[u64; PLACES / 64]>,
    /// Places taken before each word of `taken`.
    before: Box<[u32; PLACES / 64]>,
    /// Tags of the places taken, in order.
    tags: Vec<u16>,
}

impl Index {
    /// An index of fewer keys than there are places, and the numbers of the keys in the order of their rows.
    pub(super) fn of(keys: &[u32]) -> Option<(Self, Vec<usize>)> {
        if keys.len() >= PLACES {
            return None;
        }
        let mut places: Vec<Option<usize>> = vec![None; PLACES];
        for (number, key) in keys.iter().enumerate() {
            let mut at = place(*key);
            while places[at].is_some() {
                at = (at + 1) % PLACES;
            }
            places[at] = Some(number);
        }
        let (mut taken, mut before) = (Vec::new(), Vec::new());
        let mut order = Vec::with_capacity(keys.len());
        for some in places.chunks(64) {
            before.push(order.len() as u32);
            taken.push((0..).zip(some).fold(0, |word, (bit, key)| word | u64::from(key.is_some()) << bit));
            order.extend(some.iter().flatten());
        }
        let tags = order.iter().map(|number| tag(keys[*number])).collect();
        Some((Self { taken: taken.try_into().ok()?, before: before.try_into().ok()?, tags }, order))
    }

    /// Whether a key may have a row: most that have none are told from the first look.
    pub(super) fn may_have(&self, key: u32) -> bool {
        self.is_taken(place(key))
    }

    /// The row of a key. Most keys have none.
    pub(super) fn row(&self, key: u32) -> Option<usize> {
        let mut at = place(key);
        if !self.is_taken(at) {
            return None;
        }
        let below = self.taken[at >> 6] & ((1 << (at & 63)) - 1);
        let mut row = self.before[at >> 6] as usize + below.count_ones() as usize;
        while self.is_taken(at) {
            if self.tags[row] == tag(key) {
                return Some(row);
            }
            at = (at + 1) % PLACES;
            row = if at == 0 { 0 } else { row + 1 };
        }
        None
    }

    fn is_taken(&self, at: usize) -> bool {
        self.taken[at >> 6] >> (at & 63) & 1 == 1
    }
}

fn place(key: u32) -> usize {
    key as usize % PLACES
}

fn tag(key: u32) -> u16 {
    (key >> PLACE_BITS) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_row() {
        // Many at one place, some at the last one.
        let keys: Vec<u32> = (0..500_u32).map(|n| (n << PLACE_BITS) | (PLACES as u32 - 1 - n % 7)).collect();
        let (index, order) = Index::of(&keys).unwrap();
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(index.row(*key).map(|row| order[row]), Some(number), "{key}");
        }
        assert_eq!(index.row(700 << PLACE_BITS | 5), None);
        assert!(Index::of(&vec![0; PLACES]).is_none());
    }
}
