//! The doors for time and chance. Only `cli` implements the real ones.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::Timestamp;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Wall time; never runs backwards within a process.
    fn now(&self) -> Timestamp;
    /// Microseconds since an arbitrary start, for durations.
    fn micros(&self) -> u64;
}

/// Where chance comes from.
pub trait Entropy: Send + Sync {
    /// Fills `buf` with random bytes.
    fn fill(&self, buf: &mut [u8]);
}

/// Time and chance, handed down from `main`.
#[derive(Clone)]
pub struct Env {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// 32 fresh random bytes: salts and keys.
    pub fn bytes32(&self) -> [u8; 32] {
        self.bytes()
    }

    /// As many fresh random bytes as the place for them has.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.entropy.fill(&mut out);
        out
    }

    /// A reproducible environment for tests: time stands at `at`, chance is a function of `seed`.
    pub fn fixed(at: Timestamp, seed: u64) -> Self {
        Self { clock: Arc::new(FixedClock::at(at)), entropy: Arc::new(SeededEntropy::new(seed)) }
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Moves the clock on by `ms` milliseconds.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn micros(&self) -> u64 {
        self.0.load(Ordering::Relaxed).unsigned_abs() * 1_000
    }
}

/// Reproducible bytes: block `n` is SHA-256 of seed and counter.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: AtomicU64,
}

impl SeededEntropy {
    /// A stream that depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(32) {
            let n = self.counter.fetch_add(1, Ordering::Relaxed);
            let block =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(n.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
