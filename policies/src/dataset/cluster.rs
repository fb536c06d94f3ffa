//! Near-duplicates: MinHash proposes, exact Jaccard decides, union-find joins.
//!
//! **Invariant:** only pairs whose shingle sets have a Jaccard index of at least 0.85 are joined.

use super::normal::{mix, shingles};

const PERMUTATIONS: usize = 128;
const BANDS: usize = 16;
const ROWS: usize = PERMUTATIONS / BANDS;
/// Least agreement of two signatures worth an exact look: three standard deviations under 0.85 * 128.
const LIKELY: usize = 96;

/// A partition of `0..n`; the root of a set is its smallest member.
pub(super) struct UnionFind(Vec<u32>);

impl UnionFind {
    pub(super) fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    pub(super) fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] as usize != i {
            self.0[i] = self.0[self.0[i] as usize];
            i = self.0[i] as usize;
        }
        i
    }

    /// Joins two sets; false when they were one already.
    pub(super) fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b) as u32;
        a != b
    }
}

/// Joins the near-duplicates among normalized texts.
pub(super) fn near_duplicates(texts: &[&str]) -> UnionFind {
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingles(text)).collect();
    let permutations = permutations();
    let signatures: Vec<[u32; PERMUTATIONS]> = sets.iter().map(|set| signature(set, &permutations)).collect();
    let mut found = UnionFind::new(texts.len());
    for band in 0..BANDS {
        let mut keyed: Vec<(u64, u32)> =
            signatures.iter().zip(0u32..).map(|(signature, i)| (band_key(signature, band), i)).collect();
        keyed.sort_unstable();
        for bucket in keyed.chunk_by(|a, b| a.0 == b.0) {
            join_bucket(bucket, &signatures, &sets, &mut found);
        }
    }
    found
}

fn join_bucket(
    bucket: &[(u64, u32)],
    signatures: &[[u32; PERMUTATIONS]],
    sets: &[Vec<u64>],
    found: &mut UnionFind,
) {
    for (n, (_, i)) in bucket.iter().enumerate() {
        for (_, j) in &bucket[..n] {
            let (i, j) = (*i as usize, *j as usize);
            let agree = signatures[i].iter().zip(&signatures[j]).filter(|(a, b)| a == b).count();
            if agree >= LIKELY && found.root(i) != found.root(j) && alike(&sets[i], &sets[j]) {
                found.join(i, j);
            }
        }
    }
}

/// Multipliers (odd) and offsets of the 128 permutations: fixed, so that clusters are the same everywhere.
fn permutations() -> [(u64, u64); PERMUTATIONS] {
    let mut state = 0x6b6f_6c6d_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(state)
    };
    std::array::from_fn(|_| (next() | 1, next()))
}

fn signature(set: &[u64], permutations: &[(u64, u64); PERMUTATIONS]) -> [u32; PERMUTATIONS] {
    let mut out = [u32::MAX; PERMUTATIONS];
    for x in set {
        for (least, (a, b)) in out.iter_mut().zip(permutations) {
            *least = (*least).min((a.wrapping_mul(*x).wrapping_add(*b) >> 32) as u32);
        }
    }
    out
}

fn band_key(signature: &[u32; PERMUTATIONS], band: usize) -> u64 {
    signature[band * ROWS..(band + 1) * ROWS].iter().fold(band as u64, |h, v| mix(h ^ u64::from(*v)))
}

/// Whether the Jaccard index of two sorted sets is at least 0.85, in integers.
fn alike(a: &[u64], b: &[u64]) -> bool {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                both += 1;
                i += 1;
                j += 1;
            }
        }
    }
    both * 100 >= (a.len() + b.len() - both) * 85
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::normal::normal;

    fn joined(a: &str, b: &str) -> bool {
        let (a, b) = (normal(a), normal(b));
        let mut found = near_duplicates(&[&a, &b]);
        found.root(0) == found.root(1)
    }

    #[test]
    fn only_near_copies_are_joined() {
        let long = "please move my appointment with doctor miller from tuesday to thursday afternoon";
        let cases = [
            ("a", "a", true),
            ("a", "b", false),
            ("What  is\tMY balance", "what is my balance", true),
            ("what is my balance", "what is my bill", false),
            (long, &format!("{long}."), true),
            (long, &long.replace("tuesday", "monday"), false),
            ("ＦＵＬＬ width", "full width", true),
        ];
        for (a, b, want) in cases {
            assert_eq!(joined(a, b), want, "{a} | {b}");
        }
    }

    #[test]
    fn threshold_is_exact() {
        // 17 of 20 shared is 0.85; 84 of 99 is below.
        let set = |n: std::ops::Range<u64>| n.collect::<Vec<_>>();
        assert!(alike(&set(0..17), &set(0..20)));
        assert!(!alike(&set(0..84), &set(0..99)));
        assert!(!alike(&set(0..17), &set(1..20)));
    }
}
