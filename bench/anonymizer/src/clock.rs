//! The one clock of the bench: time that the thread spent on a core, so that a busy machine changes little.
//!
//! **Invariant:** nothing but durations is made of it.

use rustix::time::{ClockId, clock_gettime};

/// Seconds of the processor so far.
pub(crate) fn now() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

pub(crate) fn seconds_since(started: f64) -> f64 {
    now() - started
}
