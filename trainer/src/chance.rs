//! Seeded randomness: one ChaCha12 stream a purpose and place, so nothing has to be remembered to resume.
//!
//! **Invariant:** a draw depends on seed, purpose, step and part alone.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// What the draws are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// First values of the weights.
    Init,
    /// Order of the rows in an epoch.
    Order,
    /// Dropout of a micro-batch.
    Dropout,
    /// Words hidden from a micro-batch.
    Words,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Order => "order",
            Self::Dropout => "dropout",
            Self::Words => "words",
        }
    }
}

/// A stream of draws.
pub(crate) struct Stream(ChaCha12Rng);

impl Stream {
    /// The stream for `purpose` at this step (or epoch) and part (micro-batch).
    pub(crate) fn new(seed: u64, purpose: Purpose, step: u64, part: u64) -> Self {
        let key = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(step.to_be_bytes())
            .chain_update(part.to_be_bytes())
            .chain_update(purpose.as_str())
            .finalize();
        Self(ChaCha12Rng::from_seed(key.into()))
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Standard normal, as the sum of twelve uniforms less six: tails end at six, which suits weights.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    /// Uniform below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// A dropout mask: each element 0 with probability `drop_256 / 256`, else scaled up to keep the mean.
    pub(crate) fn mask(&mut self, n: usize, drop_256: u8) -> Vec<f32> {
        let mut bytes = vec![0; n];
        self.0.fill_bytes(&mut bytes);
        let keep = 256.0 / (256.0 - f32::from(drop_256));
        bytes.into_iter().map(|b| if b < drop_256 { 0.0 } else { keep }).collect()
    }

    /// Puts `items` into a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_every_part_of_their_address() {
        let draws = |seed, purpose, step, part| {
            let mut s = Stream::new(seed, purpose, step, part);
            (0..4).map(|_| s.unit()).collect::<Vec<_>>()
        };
        let base = draws(7, Purpose::Init, 1, 2);
        assert_eq!(base, draws(7, Purpose::Init, 1, 2));
        for other in
            [draws(8, Purpose::Init, 1, 2), draws(7, Purpose::Order, 1, 2), draws(7, Purpose::Init, 2, 1)]
        {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn draws_have_the_moments_they_claim() {
        let mut s = Stream::new(7, Purpose::Init, 0, 0);
        let n = 20_000;
        let draws: Vec<f32> = (0..n).map(|_| s.normal()).collect();
        let mean = draws.iter().sum::<f32>() / n as f32;
        let var = draws.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n as f32;
        assert!(mean.abs() < 0.03 && (var - 1.0).abs() < 0.04, "{mean} {var}");
        let mask = s.mask(n, 51);
        assert!((mask.iter().sum::<f32>() / n as f32 - 1.0).abs() < 0.02);
        let mut order: Vec<usize> = (0..100).collect();
        s.shuffle(&mut order);
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
