//! The one clock of the benchmark: monotonic nanoseconds, the same in every process of this machine.
//!
//! **Invariant:** a moment taken in the mock can be subtracted from one taken in the load generator.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Nanoseconds since the machine started.
pub(crate) fn nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * SECOND + now.tv_nsec.unsigned_abs()
}

/// Nanoseconds in `seconds`.
pub(crate) fn of_seconds(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds.max(0.0)).as_nanos()).unwrap_or(u64::MAX)
}
