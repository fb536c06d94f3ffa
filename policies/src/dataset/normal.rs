//! The normal form of a text, the key of a row, and shingles: what "the same input" means.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::Row;

/// Characters in a shingle.
const SHINGLE: usize = 5;
/// Characters of a text that are compared: beyond it two inputs that agree so far count as near-duplicates.
const COMPARED: usize = 16_384;

/// The key of a row: equal keys are copies of one request.
pub(super) type Key = [u8; 32];

/// NFKC, lower case, white space collapsed, trimmed.
pub(super) fn normal(text: &str) -> String {
    let lower = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.nfkc().collect::<String>().to_lowercase()
    };
    let mut out = String::with_capacity(lower.len());
    for word in lower.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The key over template and normalized text.
pub(super) fn key(row: &Row, normalized: &str) -> Key {
    Sha256::new()
        .chain_update(b"kolm-row/1\n")
        .chain_update((row.template.len() as u64).to_be_bytes())
        .chain_update(row.template.as_bytes())
        .chain_update(normalized.as_bytes())
        .finalize()
        .into()
}

/// The sorted set of hashed shingles of a normalized text; a text shorter than a shingle is one.
pub(super) fn shingles(normalized: &str) -> Vec<u64> {
    let chars: Vec<u32> = normalized.chars().take(COMPARED).map(u32::from).collect();
    let mut out: Vec<u64> = chars.windows(SHINGLE.min(chars.len()).max(1)).map(hash).collect();
    out.sort_unstable();
    out.dedup();
    out
}

fn hash(chars: &[u32]) -> u64 {
    let folded = chars
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h: u64, c| (h ^ u64::from(*c)).wrapping_mul(0x0100_0000_01b3));
    mix(folded)
}

/// The finalizer of splitmix64: a bijection whose every output bit depends on every input bit.
pub(crate) fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
