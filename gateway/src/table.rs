//! The route table: everything a request needs to know, in one immutable value behind an `ArcSwap`.
//!
//! **Invariant:** a request loads the table once and never sees half of a new one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use hmac::{Hmac, Mac};
use kolm_config::{Config, Route};
use kolm_core::{Arm, ArtifactId, Env, Namespace, Ppm, Weight};
use sha2::Sha256;

use crate::events::Events;
use crate::in_flight::InFlight;
use crate::keys::Ring;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::queue::Sender;
use crate::telemetry::Telemetry;
use crate::upstream::guard::Guards;

/// What the data path and the background share.
pub struct Shared {
    /// Time and chance.
    pub env: Env,
    /// The table in force.
    pub table: ArcSwap<Table>,
    /// The ledger.
    pub ledger: kolm_receipts::Handle,
    /// Finished exchanges on their way to the capture worker; a full queue is a counted drop.
    pub captures: Sender,
    /// Metrics and log lines.
    pub events: Events,
    /// Traces.
    pub telemetry: Telemetry,
    /// Random per process: keys caller hashes.
    pub process_key: [u8; 32],
    /// Persistent secret of this installation: keys route salts and sample keys.
    pub route_key: [u8; 32],
    /// Breakers and health of the upstreams.
    pub guards: Guards,
    /// The issued keys.
    pub keys: Ring,
    /// How far keys and namespaces have used their limits.
    pub limits: Limits,
    /// Requests of clients under way.
    pub in_flight: Arc<InFlight>,
    /// False until start-up is over and again while draining.
    pub ready: AtomicBool,
}

/// Configuration and routes of one moment.
pub struct Table {
    /// The checked configuration.
    pub config: Arc<Config>,
    /// Routes in the order of the file; the first match wins.
    pub routes: Vec<Arc<Entry>>,
}

/// One route of the table.
pub struct Entry {
    /// Its configuration.
    pub route: Arc<Route>,
    /// Share of the buckets that the student answers.
    pub weight: Weight,
    /// The student, if there is an artifact.
    pub student: Option<Arc<Student>>,
    /// Keys the buckets; lives as long as the route.
    pub salt: [u8; 32],
    /// Counters that outlive a table.
    pub stats: Arc<RouteStats>,
}

/// One artifact and the process that serves it.
pub struct Student {
    /// Identity of the artifact.
    pub artifact: ArtifactId,
    /// File name: the `model` of its answers.
    pub model: String,
    /// The servers it is, where it is no process of ours.
    pub pool: Option<Arc<Pool>>,
    /// Where it listens; empty while it is down.
    pub address: ArcSwapOption<SocketAddr>,
    /// Failures that happened while the process was up, in the last 50 answers.
    pub breaker: Breaker,
    /// Wakes the supervisor: a connection failed.
    pub suspect: tokio::sync::Notify,
    /// Its process died too often to be tried again.
    pub crash_loop: AtomicBool,
}

impl Student {
    /// A student whose process is not up yet.
    pub fn new(artifact: ArtifactId, model: String) -> Self {
        Self {
            artifact,
            model,
            pool: None,
            address: ArcSwapOption::empty(),
            breaker: Breaker::default(),
            suspect: tokio::sync::Notify::new(),
            crash_loop: AtomicBool::new(false),
        }
    }

    /// A student that is a pool of servers.
    pub(crate) fn pool(artifact: ArtifactId, pool: Arc<Pool>) -> Self {
        let model = pool.engine.served_model.clone();
        Self { pool: Some(pool), ..Self::new(artifact, model) }
    }

    /// Whether it can be asked.
    pub fn is_up(&self) -> bool {
        self.pool.as_ref().map_or_else(|| self.up().is_some(), |pool| pool.is_up())
    }

    /// Its address while it is up.
    pub fn up(&self) -> Option<SocketAddr> {
        self.address.load().as_deref().copied()
    }

    /// A connection failed: nothing goes there until the supervisor has seen it answer again.
    pub fn mark_suspect(&self) {
        self.address.store(None);
        self.suspect.notify_one();
    }
}

/// Trips at 5 failures in a row or when more than 20 % of the last 50 answers failed (gate.md 7).
#[derive(Default)]
pub struct Breaker {
    /// Low 50 bits: the last answers, 1 = failed.
    window: AtomicU64,
}

impl Breaker {
    const WINDOW: u64 = (1 << 50) - 1;

    /// Notes one answer; `failed` is false for an answer or an abstention.
    pub fn note(&self, failed: bool) {
        self.window
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |w| {
                Some(((w << 1) | u64::from(failed)) & Self::WINDOW)
            })
            .unwrap_or_default();
    }

    /// Whether it has tripped.
    pub fn tripped(&self) -> bool {
        let window = self.window.load(Ordering::Acquire);
        window & 0b1_1111 == 0b1_1111 || window.count_ones() > 10
    }
}

/// Counters of a route, since the start where nothing else is said.
#[derive(Default)]
pub struct RouteStats {
    /// Answered by the student.
    pub local: AtomicU64,
    /// Answered by the teacher.
    pub cloud: AtomicU64,
    /// Answered by the teacher although the bucket was the student's.
    pub fallbacks: AtomicU64,
    /// Double-primary pairs of the present attempt.
    pub doubles: AtomicU64,
    recent: Recent,
}

impl RouteStats {
    /// Counts one answer.
    pub fn note(&self, arm: Arm, fell_back: bool) {
        match arm {
            Arm::Student => &self.local,
            Arm::Teacher => &self.cloud,
        }
        .fetch_add(1, Ordering::Relaxed);
        if fell_back {
            self.fallbacks.fetch_add(1, Ordering::Relaxed);
        }
        self.recent.note(arm);
    }

    /// Share of the last 1,000 requests that the student answered.
    pub fn actual(&self) -> Ppm {
        self.recent.share()
    }
}

struct Recent {
    slots: Vec<AtomicU8>,
    next: AtomicUsize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { slots: (0..1_000).map(|_| AtomicU8::new(0)).collect(), next: AtomicUsize::new(0) }
    }
}

impl Recent {
    const TEACHER: u8 = 1;
    const STUDENT: u8 = 2;

    fn note(&self, arm: Arm) {
        let slot = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let mark = match arm {
            Arm::Teacher => Self::TEACHER,
            Arm::Student => Self::STUDENT,
        };
        self.slots[slot].store(mark, Ordering::Relaxed);
    }

    fn share(&self) -> Ppm {
        let (mut seen, mut student) = (0_u32, 0_u32);
        for slot in &self.slots {
            let mark = slot.load(Ordering::Relaxed);
            seen += u32::from(mark != 0);
            student += u32::from(mark == Self::STUDENT);
        }
        Ppm(student * 1_000_000_u32.checked_div(seen).unwrap_or(0))
    }
}

impl Table {
    /// The first route of `namespace` that takes `path` (upstream path without query) and `model`.
    pub fn find(&self, namespace: &Namespace, path: &str, model: &str) -> Option<&Arc<Entry>> {
        self.routes.iter().find(|entry| entry.route.takes(namespace, model, path))
    }
}

/// HMAC-SHA256 of `parts` (each preceded by its length) under `key`.
pub fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("hmac key");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes a history (`x` failed, `.` answered) and says whether the breaker has tripped.
    fn tripped(history: &str) -> bool {
        let breaker = Breaker::default();
        history.chars().for_each(|mark| breaker.note(mark == 'x'));
        breaker.tripped()
    }

    #[test]
    fn five_in_a_row_or_more_than_ten_of_fifty() {
        let tenth = "....x".repeat(10);
        for (history, want) in [
            ("", false),
            ("xxxx", false),
            ("xxxxx", true),
            ("xxxx.x", false),
            ("xxxxx.", false),
            (tenth.as_str(), false),
            (&format!("x{}x", &tenth[..45]), true),
            (&"...x".repeat(13), true),
            (&format!("{}{}", "...x".repeat(13), ".".repeat(45)), false),
        ] {
            assert_eq!(tripped(history), want, "{history}");
        }
    }

    #[test]
    fn the_share_is_that_of_the_last_thousand() {
        let stats = RouteStats::default();
        assert_eq!(stats.actual(), Ppm(0));
        (0..1_000).for_each(|_| stats.note(Arm::Teacher, true));
        (0..250).for_each(|_| stats.note(Arm::Student, false));
        assert_eq!(stats.actual(), Ppm(250_000));
        assert_eq!((stats.local.into_inner(), stats.cloud.into_inner()), (250, 1_000));
        assert_eq!(stats.fallbacks.into_inner(), 1_000);
    }
}
