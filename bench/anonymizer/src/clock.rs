//! The one clock of the bench.
//!
//! **Invariant:** nothing but durations is made of it.

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn seconds_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64()
}
