//! Rates by the generic cell rate algorithm: one number, the time at which the bucket is full again.
//!
//! **Invariant:** in any span of `t` minutes no more than `limit * (1 + t)` units pass; a clock that stands still or
//! steps back lends nothing.

use serde::{Deserialize, Serialize};

/// One minute, in nanoseconds.
const MINUTE: i64 = 60_000_000_000;

/// The time at which a bucket is full again, in nanoseconds; 0 for one that was never used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket(i64);

impl Bucket {
    /// Takes `units` of `limit` a minute at `now_ms`; else says how many milliseconds to wait.
    ///
    /// More units than the limit are let through when the bucket is full: they could never pass otherwise, and what
    /// follows waits until they are paid for.
    pub fn take(self, now_ms: i64, limit: u64, units: u64) -> Result<Self, i64> {
        let now = nanos(now_ms);
        let full_at = self.0.max(now).saturating_add(share(limit, units.min(limit)));
        let early = full_at.saturating_sub(now).saturating_sub(MINUTE);
        if early > 0 {
            return Err(early.saturating_add(999_999) / 1_000_000);
        }
        Ok(self.charge(now_ms, limit, units))
    }

    /// Takes `units` whether or not they are there.
    #[must_use]
    pub fn charge(self, now_ms: i64, limit: u64, units: u64) -> Self {
        Self(self.0.max(nanos(now_ms)).saturating_add(share(limit, units)))
    }

    /// Gives `units` back that were taken and not used.
    #[must_use]
    pub fn give_back(self, limit: u64, units: u64) -> Self {
        Self(self.0.saturating_sub(share(limit, units)))
    }

    /// Units that could be taken at `now_ms`.
    pub fn left(self, now_ms: i64, limit: u64) -> u64 {
        let room = MINUTE - (self.0.saturating_sub(nanos(now_ms))).clamp(0, MINUTE);
        u64::try_from(i128::from(room) * i128::from(limit) / i128::from(MINUTE)).unwrap_or(0)
    }

    /// Milliseconds from `now_ms` until the bucket is full again.
    pub fn full_in_ms(self, now_ms: i64) -> i64 {
        self.0.saturating_sub(nanos(now_ms)).max(0).saturating_add(999_999) / 1_000_000
    }
}

fn nanos(ms: i64) -> i64 {
    ms.saturating_mul(1_000_000)
}

/// The time that `units` of `limit` a minute stand for, rounded up.
fn share(limit: u64, units: u64) -> i64 {
    let limit = i128::from(limit.max(1));
    let ns = (i128::from(units) * i128::from(MINUTE) + limit - 1) / limit;
    i64::try_from(ns).unwrap_or(i64::MAX)
}
