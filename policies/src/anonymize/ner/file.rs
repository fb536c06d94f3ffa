//! The model file: `kolmner2`, then deflated (RFC 1951): the count of rows, one step of a weight, the weights between tags,
//! and of the rows the steps from key to key, the masks of the weights that are not nothing, and these weights.
//!
//! Steps and masks lie in planes, first all their lowest bytes: what is alike lies together, and deflates well.
//!
//! **Invariant:** a file that is not whole gives no model; the same rows give the same bytes.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::lattice::{Links, TAGS};
use super::model::{Model, Weights};

/// First bytes of a model file.
const MAGIC: &[u8; 8] = b"kolmner2";
/// How hard it is deflated, 0 to 10.
const LEVEL: u8 = 10;
/// The largest model, inflated.
const MOST: usize = 32 << 20;

impl Model {
    /// Writes a model; rows are sorted by key, no key comes twice.
    pub fn to_bytes(links: &Links, scale: f32, rows: &[(u32, Weights)]) -> Vec<u8> {
        let mut out = (rows.len() as u32).to_le_bytes().to_vec();
        let between = links.outer.iter().flatten().chain(links.inner.iter().flatten());
        for weight in std::iter::once(&scale).chain(between) {
            out.extend(weight.to_le_bytes());
        }
        let mut last = 0;
        let steps = rows.iter().map(|(key, _)| key - std::mem::replace(&mut last, *key));
        planes(&steps.collect::<Vec<u32>>(), &mut out);
        let mask = |weights: &Weights| (0..TAGS).fold(0_u32, |m, i| m | u32::from(weights[i] != 0) << i);
        planes(&rows.iter().map(|(_, weights)| mask(weights)).collect::<Vec<u32>>(), &mut out);
        for (_, weights) in rows {
            out.extend(weights.iter().filter(|w| **w != 0).map(|w| *w as u8));
        }
        [MAGIC.as_slice(), &compress_to_vec(&out, LEVEL)].concat()
    }

    /// Reads what [`Model::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let inflated = decompress_to_vec_with_limit(bytes.strip_prefix(MAGIC)?, MOST).ok()?;
        let mut rest = inflated.as_slice();
        let mut word = || {
            let (head, tail) = rest.split_first_chunk::<4>()?;
            rest = tail;
            Some(*head)
        };
        let count = u32::from_le_bytes(word()?) as usize;
        let scale = f32::from_le_bytes(word()?);
        let mut links = Links::zero();
        for weight in links.outer.iter_mut().flatten().chain(links.inner.iter_mut().flatten()) {
            *weight = f32::from_le_bytes(word()?);
        }
        let (steps, rest) = rest.split_at_checked(count.checked_mul(4)?)?;
        let (masks, values) = rest.split_at_checked(count * 4)?;
        let (mut key, mut values) = (0_u32, values.iter());
        let mut rows = Vec::with_capacity(count);
        for at in 0..count {
            key = key.checked_add(in_planes(steps, at))?;
            let (mask, mut weights) = (in_planes(masks, at), [0; TAGS]);
            for (i, weight) in weights.iter_mut().enumerate() {
                if mask >> i & 1 == 1 {
                    *weight = *values.next()? as i8;
                }
            }
            rows.push((key, weights));
        }
        if values.next().is_some() {
            return None;
        }
        Self::of(&links, scale, &rows)
    }
}

/// All lowest bytes, then all that follow them, and so on.
fn planes(words: &[u32], out: &mut Vec<u8>) {
    for plane in 0..4 {
        out.extend(words.iter().map(|word| word.to_le_bytes()[plane]));
    }
}

/// Word `at` of what [`planes`] wrote.
fn in_planes(bytes: &[u8], at: usize) -> u32 {
    let count = bytes.len() / 4;
    u32::from_le_bytes([0, 1, 2, 3].map(|plane| bytes[plane * count + at]))
}
