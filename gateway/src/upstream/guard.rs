//! What the data path knows of each upstream beyond its configuration: its breaker and its health.
//!
//! **Invariant:** one atomic word each; a request that passes a closed breaker writes nothing and waits for nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use kolm_config::{Config, HealthCheck};
use kolm_core::{HealthStatus, Timestamp, UpstreamStatus};
use kolm_policies::breaker::{Pass, Policy, Seen, State};
use kolm_policies::health::Health;

/// The guards of all upstreams, by name; they outlive a configuration.
#[derive(Default)]
pub struct Guards {
    known: ArcSwap<BTreeMap<String, Arc<Guard>>>,
}

impl Guards {
    /// The guard of an upstream, made when it is first asked for.
    pub(crate) fn of(&self, name: &str) -> Arc<Guard> {
        if let Some(guard) = self.known.load().get(name) {
            return Arc::clone(guard);
        }
        let fresh = Arc::new(Guard::default());
        self.known.rcu(|known| {
            let mut more = BTreeMap::clone(known);
            more.entry(name.to_owned()).or_insert_with(|| Arc::clone(&fresh));
            more
        });
        self.known.load().get(name).map_or(fresh, Arc::clone)
    }

    /// What a person is shown.
    pub fn status(&self, config: &Config) -> Vec<UpstreamStatus> {
        let shown = |(name, upstream): (&String, &kolm_config::Upstream)| {
            let guard = self.of(name);
            UpstreamStatus {
                name: name.clone(),
                breaker: guard.state().as_str().to_owned(),
                health: guard.health(upstream.health.as_ref()),
                checked: Some(Timestamp(guard.checked.load(Ordering::Relaxed))).filter(|at| at.0 > 0),
                failover: upstream.failover.clone(),
            }
        };
        config.upstreams.iter().map(shown).collect()
    }
}

/// Breaker and health of one upstream.
#[derive(Default)]
pub(crate) struct Guard {
    breaker: AtomicU64,
    /// Checks against the verdict, and bit 63: unhealthy.
    health: AtomicU64,
    checked: AtomicI64,
}

const UNHEALTHY: u64 = 1 << 63;

impl Guard {
    fn state(&self) -> State {
        State::unpack(self.breaker.load(Ordering::Acquire))
    }

    /// Whether a request may be sent now; the second value is the state if this call changed it.
    pub(crate) fn admit(&self, policy: &Policy, now_us: u64) -> (Pass, Option<State>) {
        if !policy.enabled && self.breaker.load(Ordering::Relaxed) == 0 {
            return (Pass::Free, None);
        }
        let mut pass = Pass::Free;
        let turned = self.turn(|state| {
            let (next, decided) = state.admit(policy, now_us / 1_000);
            pass = decided;
            next
        });
        (pass, turned)
    }

    /// Takes note of how a request went; the state if that changed it.
    pub(crate) fn note(&self, policy: &Policy, now_us: u64, seen: Seen) -> Option<State> {
        self.turn(|state| state.note(policy, now_us / 1_000, seen))
    }

    /// Puts a step of the machine in force; the state if its name is another now.
    fn turn(&self, mut step: impl FnMut(State) -> State) -> Option<State> {
        let mut word = self.breaker.load(Ordering::Acquire);
        loop {
            let state = State::unpack(word);
            let next = step(state);
            if next == state {
                return None;
            }
            match self.breaker.compare_exchange(word, next.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(next).filter(|next| next.as_str() != state.as_str()),
                Err(now) => word = now,
            }
        }
    }

    /// Whether its health checks say that it is not to be asked.
    pub(crate) fn is_unhealthy(&self) -> bool {
        self.health.load(Ordering::Relaxed) & UNHEALTHY != 0
    }

    /// Takes note of one check; true if that flipped the verdict. Only the one checker of an upstream calls this.
    pub(crate) fn checked(&self, check: &HealthCheck, good: bool, now: Timestamp) -> bool {
        let word = self.health.load(Ordering::Relaxed);
        let health = Health { healthy: word & UNHEALTHY == 0, against: word as u16 };
        let (next, flipped) = health.observe(&check.thresholds, good);
        let sick = if next.healthy { 0 } else { UNHEALTHY };
        self.health.store(sick | u64::from(next.against), Ordering::Relaxed);
        self.checked.store(now.0, Ordering::Relaxed);
        flipped
    }

    /// An upstream that is no longer checked counts as healthy.
    pub(crate) fn unchecked(&self) {
        self.health.store(0, Ordering::Relaxed);
        self.checked.store(0, Ordering::Relaxed);
    }

    fn health(&self, check: Option<&HealthCheck>) -> HealthStatus {
        match (check, self.checked.load(Ordering::Relaxed)) {
            (None, _) => HealthStatus::Unchecked,
            (Some(_), 0) => HealthStatus::Unknown,
            (Some(_), _) if self.is_unhealthy() => HealthStatus::Unhealthy,
            (Some(_), _) => HealthStatus::Healthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_guard_a_name_and_only_one_probe_for_many_threads() {
        let guards = Guards::default();
        let guard = guards.of("openai");
        assert!(Arc::ptr_eq(&guard, &guards.of("openai")) && !Arc::ptr_eq(&guard, &guards.of("other")));
        let policy = Policy { enabled: true, failures: 2, ..Policy::default() };
        assert_eq!(guard.note(&policy, 1_000, Seen::Failed), None, "a failure alone turns nothing");
        let turned = guard.note(&policy, 2_000, Seen::Failed).map(State::as_str);
        assert_eq!(turned, Some("open"));
        let later = (policy.open_ms + 10) * 1_000;
        let probes: usize = std::thread::scope(|scope| {
            let ask = || (0..1_000).filter(|_| guard.admit(&policy, later).0 == Pass::Probe).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(probes, 1);
        assert_eq!(guard.note(&policy, later, Seen::Answered).map(State::as_str), Some("closed"));
        assert_eq!(guard.admit(&policy, later), (Pass::Free, None));
    }

    #[test]
    fn health_is_kept_with_its_streak() {
        let guard = Guard::default();
        let check = HealthCheck::of("/v1/models");
        let flips: Vec<bool> = [false, false, false, true]
            .iter()
            .map(|good| guard.checked(&check, *good, Timestamp(9)))
            .collect();
        assert_eq!(flips, [false, false, true, true]);
        assert_eq!(guard.health(Some(&check)), HealthStatus::Healthy);
        guard.unchecked();
        assert_eq!(
            (guard.health(Some(&check)), guard.health(None)),
            (HealthStatus::Unknown, HealthStatus::Unchecked)
        );
    }
}
