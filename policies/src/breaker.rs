//! The circuit breaker of an upstream: when to stop asking it, and when to try again.
//!
//! **Invariant:** a pure function of what was, the policy and the time. Only calls that got no answer open it
//! (and, where the policy says so, answers of 500 and above); one answer closes it.

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether there is a breaker at all.
    pub enabled: bool,
    /// Failures in a row that open it.
    pub failures: u16,
    /// The failures count only if the last came within this time of the first.
    pub window_ms: u64,
    /// How long nothing is asked, and how long a probe is waited for before the next one.
    pub open_ms: u64,
    /// Whether an answer of 500 or above counts as a failure.
    pub count_5xx: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { enabled: false, failures: 5, window_ms: 30_000, open_ms: 5_000, count_5xx: false }
    }
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Requests pass.
    Closed {
        /// Failures in a row.
        failures: u16,
        /// When the first of them came; 0 without one.
        since_ms: u64,
    },
    /// Nothing passes.
    Open {
        /// Until then.
        until_ms: u64,
    },
    /// One probe is under way.
    HalfOpen {
        /// When the probe counts as lost.
        until_ms: u64,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0, since_ms: 0 }
    }
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It is sent.
    Free,
    /// It is sent, alone, to find out.
    Probe,
    /// It is not sent.
    Refused {
        /// Until the next probe.
        wait_ms: u64,
    },
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// An answer, whatever it says.
    Answered,
    /// None.
    Failed,
}

impl State {
    /// Decides about a request that is to be sent now.
    pub fn admit(self, policy: &Policy, now_ms: u64) -> (Self, Pass) {
        match self {
            Self::Closed { .. } => (self, Pass::Free),
            Self::Open { .. } | Self::HalfOpen { .. } if !policy.enabled => (Self::default(), Pass::Free),
            Self::Open { until_ms } | Self::HalfOpen { until_ms } if now_ms < until_ms => {
                (self, Pass::Refused { wait_ms: until_ms - now_ms })
            }
            Self::Open { .. } | Self::HalfOpen { .. } => {
                (Self::HalfOpen { until_ms: now_ms + policy.open_ms }, Pass::Probe)
            }
        }
    }

    /// Takes note of how a request went.
    pub fn note(self, policy: &Policy, now_ms: u64, seen: Seen) -> Self {
        match (seen, self) {
            (Seen::Failed, _) if !policy.enabled => self,
            (Seen::Answered, _) => Self::default(),
            (Seen::Failed, Self::Closed { failures, since_ms }) => {
                let first = failures == 0 || now_ms.saturating_sub(since_ms) > policy.window_ms;
                let (failures, since_ms) = if first { (1, now_ms) } else { (failures + 1, since_ms) };
                if failures >= policy.failures {
                    return Self::Open { until_ms: now_ms + policy.open_ms };
                }
                Self::Closed { failures, since_ms }
            }
            // What was sent before it opened does not make it stay open for longer.
            (Seen::Failed, Self::Open { .. }) => self,
            (Seen::Failed, Self::HalfOpen { .. }) => Self::Open { until_ms: now_ms + policy.open_ms },
        }
    }

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// The state in one word of memory, so that it can be swapped atomically; untouched is 0.
    pub fn pack(self) -> u64 {
        match self {
            Self::Closed { failures, since_ms } => (u64::from(failures) << TIME_BITS) | (since_ms & TIME),
            Self::Open { until_ms } => (1 << 62) | (until_ms & TIME),
            Self::HalfOpen { until_ms } => (2 << 62) | (until_ms & TIME),
        }
    }

    /// The state that was packed.
    pub fn unpack(word: u64) -> Self {
        let at = word & TIME;
        match word >> 62 {
            0 => Self::Closed { failures: (word >> TIME_BITS) as u16, since_ms: at },
            1 => Self::Open { until_ms: at },
            _ => Self::HalfOpen { until_ms: at },
        }
    }
}

/// 46 bits of milliseconds are 2,200 years.
const TIME_BITS: u32 = 46;
const TIME: u64 = (1 << TIME_BITS) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy =
        Policy { enabled: true, failures: 3, window_ms: 1_000, open_ms: 500, count_5xx: false };

    /// Walks a history of `time what` pairs (`x` failed, `.` answered, `?` asks) and says how the asking went.
    fn walk(policy: &Policy, history: &str) -> String {
        let mut state = State::default();
        let mut out = Vec::new();
        for step in history.split_whitespace() {
            let (at, what) = step.split_at(step.len() - 1);
            let now = at.parse().unwrap();
            match what {
                "x" => state = state.note(policy, now, Seen::Failed),
                "." => state = state.note(policy, now, Seen::Answered),
                _ => {
                    let (next, pass) = state.admit(policy, now);
                    state = next;
                    out.push(match pass {
                        Pass::Free => "free".to_owned(),
                        Pass::Probe => "probe".to_owned(),
                        Pass::Refused { wait_ms } => wait_ms.to_string(),
                    });
                }
            }
        }
        out.join(" ")
    }

    #[test]
    fn histories() {
        for (history, said) in [
            ("0?", "free"),
            ("0x 1x 2?", "free"),
            ("0x 1x 2x 3?", "499"),
            // An answer in between begins anew, and so does a failure outside the window.
            ("0x 1x 2. 3x 4x 5?", "free"),
            ("0x 900x 1001x 1002?", "free"),
            // One probe at a time; a lost one is followed by another.
            ("0x 0x 0x 499? 500? 501? 1000?", "1 probe 499 probe"),
            ("0x 0x 0x 500? 510. 511?", "probe free"),
            ("0x 0x 0x 500? 510x 511? 1010?", "probe 499 probe"),
            // What was under way when it opened neither keeps it open nor keeps it shut.
            ("0x 0x 0x 400x 500?", "probe"),
            ("0x 0x 0x 400. 401?", "free"),
        ] {
            assert_eq!(walk(&POLICY, history), said, "{history}");
        }
        let off = Policy { enabled: false, ..POLICY };
        assert_eq!(walk(&off, "0x 0x 0x 0x 1?"), "free");
    }

    #[test]
    fn a_breaker_that_is_turned_off_while_open_lets_everything_pass() {
        let off = Policy { enabled: false, ..POLICY };
        let open = State::Open { until_ms: 9 };
        assert_eq!(open.admit(&off, 1), (State::default(), Pass::Free));
        assert_eq!(State::default().as_str(), "closed");
        assert_eq!((open.as_str(), State::HalfOpen { until_ms: 9 }.as_str()), ("open", "half_open"));
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Ask,
        Answer,
        Fail,
    }

    fn step() -> impl Strategy<Value = (u64, Step)> {
        (0..400_u64, prop_oneof![Just(Step::Ask), Just(Step::Answer), Just(Step::Fail)])
    }

    proptest! {
        #[test]
        fn what_holds_in_every_history(steps in prop::collection::vec(step(), 0..200)) {
            let (mut state, mut now, mut run, mut probed) = (State::default(), 0, 0_u32, None);
            for (later, step) in steps {
                now += later;
                match step {
                    Step::Answer => {
                        state = state.note(&POLICY, now, Seen::Answered);
                        (run, probed) = (0, None);
                        prop_assert_eq!(state.admit(&POLICY, now).1, Pass::Free);
                    }
                    Step::Fail => {
                        state = state.note(&POLICY, now, Seen::Failed);
                        run += 1;
                    }
                    Step::Ask => {
                        let (next, pass) = state.admit(&POLICY, now);
                        match pass {
                            // It never opens before so many failures in a row.
                            Pass::Refused { wait_ms } => {
                                prop_assert!(run >= u32::from(POLICY.failures));
                                prop_assert!((1..=POLICY.open_ms).contains(&wait_ms));
                            }
                            // Probes are `open_ms` apart at least.
                            Pass::Probe => {
                                prop_assert!(probed.is_none_or(|last| now - last >= POLICY.open_ms));
                                probed = Some(now);
                            }
                            Pass::Free => {
                                let closed = matches!(state, State::Closed { .. });
                                prop_assert!(closed);
                            }
                        }
                        state = next;
                        // Whoever waits long enough is let through.
                        let (_, later) = state.admit(&POLICY, now + POLICY.open_ms);
                        let refused = matches!(later, Pass::Refused { .. });
                        prop_assert!(!refused);
                    }
                }
                prop_assert_eq!(State::unpack(state.pack()), state);
            }
        }
    }
}
