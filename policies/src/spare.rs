//! What a shadow may take of its host: a student's busy time beside the clients', and the load at which it leaves off.
//!
//! **Invariant:** pure; in any span of `t` minutes no more than `(1 + t)` minutes' worth of busy time is begun, beyond
//! what was under way when it was used up.

use kolm_core::Timestamp;

use crate::limit::rate::Bucket;

/// What a route's shadow may take of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Busy time of the student a wall second, in thousandths of a core.
    pub milli_cpus: u64,
    /// Requests of clients under way above which nobody is asked.
    pub shed_above: u64,
}

impl Caps {
    /// Whether so many requests of clients are under way that the shadow asks nobody.
    pub fn shed(&self, in_flight: u64) -> bool {
        in_flight > self.shed_above
    }

    /// Microseconds a minute.
    fn a_minute(&self) -> u64 {
        self.milli_cpus.saturating_mul(60_000)
    }
}

/// The busy time that a route's students have used: a bucket that holds a minute's worth.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Busy(Bucket);

impl Busy {
    /// Whether a question may be begun: the bucket is not overdrawn.
    pub fn has_time(self, caps: &Caps, now: Timestamp) -> bool {
        self.0.take(now.0, caps.a_minute(), 0).is_ok()
    }

    /// The same after a question that kept a student busy for `micros`: how long is known at its end alone.
    #[must_use]
    pub fn spend(self, caps: &Caps, now: Timestamp, micros: u64) -> Self {
        Self(self.0.charge(now.0, caps.a_minute(), micros))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn caps(milli_cpus: u64) -> Caps {
        Caps { milli_cpus, shed_above: 2 }
    }

    /// Each step: seconds that pass, then a question of so many seconds if there is time for one. `a`: asked, `.`: not.
    fn asked(milli_cpus: u64, steps: &[(i64, u64)]) -> String {
        let (caps, mut busy, mut now) = (caps(milli_cpus), Busy::default(), 0);
        let mut step = |(passed, seconds): &(i64, u64)| {
            now += passed * 1_000;
            if !busy.has_time(&caps, Timestamp(now)) {
                return '.';
            }
            busy = busy.spend(&caps, Timestamp(now), seconds * 1_000_000);
            'a'
        };
        steps.iter().map(&mut step).collect()
    }

    #[test]
    fn a_minute_of_busy_time_at_once_and_its_share_from_then_on() {
        // One core: 60 s are there; what goes beyond is waited for.
        assert_eq!(asked(1_000, &[(0, 30), (0, 30), (0, 1), (0, 1), (1, 1)]), "aaa.a");
        // As many seconds as pass may be used for ever.
        assert_eq!(asked(1_000, &[(1, 1); 200]), "a".repeat(200));
        // Half a core: half a minute at once, then every second second.
        assert_eq!(asked(500, &[(0, 30), (0, 10), (19, 9), (1, 1), (1, 1), (1, 1)]), "aa.a.a");
        // Four cores, and one question that takes ten minutes of them.
        assert_eq!(asked(4_000, &[(0, 600), (89, 1), (1, 1)]), "a.a");
        // A clock that steps back lends nothing.
        assert_eq!(asked(1_000, &[(100, 61), (-50, 1), (50, 1), (1, 1)]), "a..a");
    }

    #[test]
    fn load_is_what_lies_above_the_mark() {
        let shed = [0, 1, 2, 3, u64::MAX].map(|in_flight| caps(1).shed(in_flight));
        assert_eq!(shed, [false, false, false, true, true]);
        assert!(!Caps { shed_above: u64::MAX, ..caps(1) }.shed(u64::MAX));
    }

    proptest! {
        #[test]
        fn no_more_is_begun_than_the_share_and_a_minute_of_it(
            milli_cpus in 10_u64..8_000,
            steps in prop::collection::vec((0_i64..5_000, 0_u64..10_000_000), 1..200),
        ) {
            let (caps, mut busy, mut now, mut used, mut longest) = (caps(milli_cpus), Busy::default(), 0, 0, 0);
            for (passed, micros) in steps {
                now += passed;
                if busy.has_time(&caps, Timestamp(now)) {
                    busy = busy.spend(&caps, Timestamp(now), micros);
                    used += micros;
                    longest = longest.max(micros);
                }
                let share = milli_cpus * (now as u64 + 60_000);
                prop_assert!(used <= share + longest + 1, "{used} of {share}");
            }
        }
    }
}
