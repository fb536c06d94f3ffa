//! A log line that may come thousands of times a second: it is written once a second, with the count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);

/// When it was last written, and how often it was not.
pub(super) struct Sparing {
    start: Instant,
    /// Milliseconds from the start until it may be written again.
    from_ms: AtomicU64,
    unsaid: AtomicU64,
}

impl Default for Sparing {
    #[expect(clippy::disallowed_methods, reason = "nothing rests on it but how often a line is written")]
    fn default() -> Self {
        Self { start: Instant::now(), from_ms: AtomicU64::new(0), unsaid: AtomicU64::new(0) }
    }
}

impl Sparing {
    /// It has happened once more: how often since the last line, if one is due.
    pub(super) fn say(&self) -> Option<u64> {
        self.say_at(self.start.elapsed())
    }

    fn say_at(&self, now: Duration) -> Option<u64> {
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        let (now_ms, next_ms) = (now.as_millis() as u64, (now + EVERY).as_millis() as u64);
        let due = |from_ms: u64| (from_ms <= now_ms).then_some(next_ms);
        self.from_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).ok()?;
        Some(self.unsaid.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_the_next_with_those_between() {
        let line = Sparing::default();
        let at = |ms| line.say_at(Duration::from_millis(ms));
        assert_eq!([at(0), at(1), at(999), at(1_000), at(1_001)], [Some(1), None, None, Some(3), None]);
        assert_eq!(at(5_000), Some(2));
    }
}
