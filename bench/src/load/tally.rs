//! What a load counts: replies, errors, and the spread of their latencies.
//!
//! **Invariant:** latencies are kept to three digits; nothing is averaged before it is written down.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::fault::Result;

/// Longest latency that is told apart: a minute, in nanoseconds.
const MOST: u64 = 60_000_000_000;

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) n: u64,
    pub(crate) min: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// The outcome of a closed or an open loop.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Whole replies within the measured time.
    pub(crate) replies: u64,
    /// Whole replies with those of the warming up.
    pub(crate) replies_in_all: u64,
    pub(crate) seconds: f64,
    /// Whole replies a second.
    pub(crate) rate: f64,
    pub(crate) latency_us: Spread,
    /// What went wrong, and how often.
    pub(crate) errors: BTreeMap<String, u64>,
}

/// Latencies as they come.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, MOST, 3)?))
    }

    /// Notes a latency in nanoseconds.
    pub(super) fn note(&mut self, nanos: u64) {
        self.0.saturating_record(nanos.max(1));
    }

    pub(super) fn spread(&self) -> Spread {
        let us = |nanos: u64| (nanos as f64 / 100.0).round() / 10.0;
        let at = |quantile| us(self.0.value_at_quantile(quantile));
        Spread {
            n: self.0.len(),
            min: us(self.0.min()),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: us(self.0.max()),
        }
    }
}

/// The running count of a loop.
pub(super) struct Tally {
    pub(super) latencies: Latencies,
    counted: Counted,
    from: u64,
    until: u64,
}

impl Tally {
    /// Counts what ends from `from` to `until`.
    pub(super) fn new(from: u64, until: u64) -> Result<Self> {
        Ok(Self { latencies: Latencies::new()?, counted: Counted::default(), from, until })
    }

    /// A whole reply that was due at `since` came at `now`.
    pub(super) fn reply(&mut self, since: u64, now: u64) {
        self.counted.replies_in_all += 1;
        if (self.from..self.until).contains(&now) {
            self.counted.replies += 1;
            self.latencies.note(now.saturating_sub(since));
        }
    }

    /// Something else came.
    pub(super) fn error(&mut self, what: String) {
        *self.counted.errors.entry(what).or_default() += 1;
    }

    pub(super) fn finish(self) -> Counted {
        let seconds = (self.until - self.from) as f64 / 1e9;
        let latency_us = self.latencies.spread();
        Counted { seconds, rate: self.counted.replies as f64 / seconds, latency_us, ..self.counted }
    }
}
