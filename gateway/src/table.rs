//! The route table: everything a request needs to know, in one immutable value behind an `ArcSwap`.
//!
//! **Invariant:** a request loads the table once and never sees half of a new one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use hmac::{Hmac, Mac};
use kolm_config::{Config, Route};
use kolm_core::{Arm, ArtifactId, Env, Namespace, Ppm, Weight};
use kolm_policies::gate::Breach;
use kolm_policies::rollout;
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
#[derive(Clone)]
pub struct Entry {
    /// Its configuration.
    pub route: Arc<Route>,
    /// Share of the buckets that a student answers.
    pub weight: Weight,
    /// The student, if there is an artifact.
    pub student: Option<Arc<Student>>,
    /// A newer one that is tried beside it.
    pub challenger: Option<Challenger>,
    /// Keys the buckets; lives as long as the route.
    pub salt: [u8; 32],
    /// Counters that outlive a table.
    pub stats: Arc<RouteStats>,
}

/// A student that is tried beside the one that serves.
#[derive(Clone)]
pub struct Challenger {
    /// The student.
    pub student: Arc<Student>,
    /// Its share of the buckets, the first of those that are not the teacher's.
    pub weight: Weight,
}

impl Entry {
    /// Whose bucket it is; `None`: the teacher's. Growing weights move nobody back to the teacher, and a conversation
    /// from one student to another once at most.
    pub fn student_of(&self, bucket: u16) -> Option<&Arc<Student>> {
        let is_local = |weight| rollout::arm(bucket, weight) == Arm::Student;
        let challenger = self.challenger.as_ref().filter(|challenger| is_local(challenger.weight));
        let student = challenger.map_or(self.student.as_ref(), |challenger| Some(&challenger.student));
        student.filter(|_| is_local(self.weight))
    }
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
    /// Why its process is not tried again: it died too often, or the artifact is not fit to be served.
    pub broken: OnceLock<Breach>,
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
            broken: OnceLock::new(),
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
    fn a_bucket_is_the_challengers_then_the_champions_then_the_teachers_and_never_goes_back() {
        let config = Config::embedded(&kolm_config::Outside::bare("/nonexistent")).unwrap();
        let student = |digit: &str| {
            let artifact = format!("sha256:{}", digit.repeat(64)).parse().unwrap();
            Arc::new(Student::new(artifact, String::new()))
        };
        let (champion, challenger) = (student("a"), student("b"));
        let entry = |own: u16, all: u16| Entry {
            route: Arc::new(config.routes[0].clone()),
            weight: Weight(all),
            student: Some(Arc::clone(&champion)),
            challenger: Some(Challenger { student: Arc::clone(&challenger), weight: Weight(own) }),
            salt: [7; 32],
            stats: Arc::default(),
        };
        let whose = |own, all, bucket| match entry(own, all).student_of(bucket) {
            None => 0,
            Some(student) => 1 + u8::from(student.artifact == challenger.artifact),
        };
        for (own, all, bucket, who) in [
            (0, 0, 0, 0),
            (0, 500, 0, 1),
            (0, 500, 499, 1),
            (0, 500, 500, 0),
            (100, 500, 99, 2),
            (100, 500, 100, 1),
            (100, 500, 500, 0),
            // A champion that fell takes its challenger along, whatever the table still says of it.
            (100, 0, 50, 0),
        ] {
            assert_eq!(whose(own, all, bucket), who, "{own} {all} {bucket}");
        }
        let grows =
            [(0, 100), (0, 500), (100, 500), (100, 2_500), (500, 2_500), (500, 10_000), (5_000, 10_000)];
        for bucket in 0..10_000 {
            let served: Vec<u8> = grows.iter().map(|(own, all)| whose(*own, *all, bucket)).collect();
            assert!(served.is_sorted(), "{bucket}: {served:?}");
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
