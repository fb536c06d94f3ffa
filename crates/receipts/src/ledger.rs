//! The ledger: what a request opens before the first upstream byte and closes after the last.
//!
//! One writer owns the files; everyone else holds a [`Handle`].
//! **Invariant:** no request waits for the disk beyond one write(2), and none fails because of the ledger:
//! when it cannot write, answers go out with `st=none` and are counted.

mod handle;
mod handover;
mod line;
mod msg;
mod place;
mod recover;
mod sync;
mod writer;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;

use kolm_core::{ArtifactId, Env, Namespace, RequestId, RouteName, Timestamp, hex};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use crate::header::Rt;
use crate::keys::{HeaderKey, LedgerKeys};
use crate::merkle::Hash;
use crate::record::{self, Kind, OpenRecord};
use crate::{Error, kj1};
pub use handle::{Kept, Opened};
pub use handover::{Heir, Inherited};
use line::Line;
use msg::Decided;
use place::Places;
pub(crate) use recover::boot_prev;
use writer::Writer;

/// Records that may wait for the writer.
const QUEUE: usize = 65_536;
/// Bytes that may wait for the writer.
const QUEUE_BYTES: usize = 64 << 20;
const SEGMENT_BYTES: u64 = 64 << 20;

/// The open ledger; it ends with [`Ledger::shutdown`] or when dropped.
pub struct Ledger {
    line: Arc<Line>,
    thread: Option<JoinHandle<()>>,
    lock: Option<File>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ledger")
    }
}

/// What was found at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Requests of the run before that never got a leaf and were closed as `lost`.
    pub lost: u64,
    /// Whether the run before ended in order (true at the ledger's birth).
    pub clean: bool,
}

/// The door to the ledger.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    line: Arc<Line>,
    key: HeaderKey,
    node: String,
    boot: String,
    env: Env,
}

/// What handle and writer both know.
struct Shared {
    queued: AtomicUsize,
    queued_bytes: AtomicUsize,
    degraded: AtomicBool,
    opens: AtomicU64,
    closes: AtomicU64,
    lost: u64,
    none: AtomicU64,
    /// Answers with `st=none` since the last gap leaf, refusals not counted.
    gap: AtomicU64,
    cfg: AtomicI64,
    decisions: RwLock<Vec<Decided>>,
    places: Mutex<Places>,
}

/// What a request says when it opens.
#[derive(Debug, Clone)]
pub struct Open {
    /// The request.
    pub id: RequestId,
    /// The try, from 1.
    pub try_no: u8,
    /// Who asked.
    pub kind: Kind,
    /// The namespace.
    pub ns: Namespace,
    /// The region that the namespace is bound to, or empty.
    pub region: String,
    /// The route, if one matched.
    pub route: Option<RouteName>,
    /// The arm.
    pub rt: Rt,
    /// The artifact.
    pub art: Option<ArtifactId>,
    /// Method and path.
    pub ep: String,
    /// The model asked for.
    pub model: String,
}

/// What the ledger is told beside requests.
#[derive(Debug, Clone)]
pub enum Control {
    /// A configuration came into force.
    Config {
        /// Its digest.
        digest: String,
        /// Who changed it.
        by: String,
    },
    /// A Decision was taken.
    Decision {
        /// Its id.
        id: RequestId,
        /// Its route.
        route: RouteName,
        /// Its digest.
        digest: String,
    },
    /// Pairs were stored.
    Pairs {
        /// How many.
        n: u64,
        /// RFC 6962 root over their commitments in id order.
        root: Hash,
        /// From when.
        t_from: Timestamp,
        /// Until when.
        t_to: Timestamp,
    },
}

/// Whether a receipt has its leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Only the open record is there.
    Open,
    /// The leaf is written.
    Closed,
}

/// A receipt as the files hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whether it is closed.
    pub state: State,
    /// The last open record's bytes.
    pub open: Vec<u8>,
    /// The leaf's bytes.
    pub leaf: Option<Vec<u8>>,
    /// The leaf's MAC.
    pub mac: Option<Hash>,
    /// The leaf's log index.
    pub index: Option<u64>,
}

impl Found {
    /// The open record read.
    pub fn record(&self) -> Result<OpenRecord, Error> {
        Ok(kj1::from_slice(&self.open)?)
    }
}

impl Ledger {
    /// Opens the ledger in `dir`, making it and its keys when there is none, and closes what a crash left open.
    pub fn open(dir: &Path, node: &str, env: &Env) -> Result<(Self, Handle, Recovered), Error> {
        Self::open_with(dir, node, env, SEGMENT_BYTES)
    }

    fn open_with(
        dir: &Path,
        node: &str,
        env: &Env,
        segment: u64,
    ) -> Result<(Self, Handle, Recovered), Error> {
        folders(dir)?;
        let lock = lock(dir)?;
        let keys = keys(dir, node, env)?;
        let boot = hex(&env.bytes::<8>());
        let start = recover::recover(dir, &keys.chain, &boot, env.clock.now(), segment)?;
        let recovered = Recovered { lost: start.lost, clean: start.clean };
        let (ledger, handle) = Self::run(lock, keys, start, (dir, node), env)?;
        Ok((ledger, handle, recovered))
    }

    /// Starts the writer.
    fn run(
        lock: File,
        keys: LedgerKeys,
        start: recover::Start,
        (dir, node): (&Path, &str),
        env: &Env,
    ) -> Result<(Self, Handle), Error> {
        let boot = start.wal.boot().to_owned();
        let shared = Arc::new(Shared::new(&start));
        let (tx, rx) = mpsc::channel();
        let writer = Writer::new(rx, dir.to_owned(), start, keys.chain, Arc::clone(&shared), env.clone())?;
        let line = Arc::new(Line::new(tx, writer, shared));
        let thread = line.start().map_err(Error::io("start the writer of", dir))?;
        let (key, node) = (keys.header, record::clip(node, 64));
        let handle = Handle(Arc::new(Inner { line: Arc::clone(&line), key, node, boot, env: env.clone() }));
        Ok((Self { line, thread: Some(thread), lock: Some(lock) }, handle))
    }

    /// Writes what is queued, fsyncs and ends. Handles that live on answer with `st=none`.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.line.end();
            if thread.join().is_err() {
                tracing::error!("the ledger's thread panicked");
            }
            self.line.seize().end();
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.stop();
    }
}

fn folders(dir: &Path) -> Result<(), Error> {
    for dir in [dir.to_owned(), dir.join("wal"), dir.join("keys")] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(Error::io("create", &dir))?;
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path: PathBuf = dir.join("LOCK");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(&path).map_err(Error::io("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::Locked { path: dir.to_owned() }),
        Err(cause) => Err(Error::io("lock", &path)(cause.into())),
    }
}

/// A ledger without segments gets keys; one that has them must have its keys.
fn keys(dir: &Path, node: &str, env: &Env) -> Result<LedgerKeys, Error> {
    let keys = dir.join("keys");
    let wal = dir.join("wal");
    let mut segments = fs::read_dir(&wal).map_err(Error::io("read", &wal))?;
    if segments.next().is_none() {
        LedgerKeys::create(&keys, node, env)?;
    }
    LedgerKeys::load(&keys)
}

impl Shared {
    fn new(start: &recover::Start) -> Self {
        Self {
            queued: AtomicUsize::new(0),
            queued_bytes: AtomicUsize::new(0),
            degraded: AtomicBool::new(false),
            // What a process before has left to this one counts as opened here: it is closed here.
            opens: AtomicU64::new(start.open.len() as u64),
            closes: AtomicU64::new(0),
            lost: start.lost,
            none: AtomicU64::new(0),
            gap: AtomicU64::new(0),
            cfg: AtomicI64::new(start.cfg),
            decisions: RwLock::new(start.decisions.clone()),
            places: Mutex::new(Places::new(start.segments.clone())),
        }
    }

    /// Takes a place in the queue; std's bounded channel would allocate all its slots at once.
    fn admit(&self, bytes: usize) -> bool {
        let full = self.queued.load(Ordering::Relaxed) >= QUEUE
            || self.queued_bytes.load(Ordering::Relaxed) + bytes > QUEUE_BYTES;
        if !full {
            self.enter(bytes);
        }
        !full
    }

    fn enter(&self, bytes: usize) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn leave(&self, bytes: usize) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// An answer goes out without a receipt because the ledger could not take it.
    fn count_gap(&self) {
        self.none.fetch_add(1, Ordering::Relaxed);
        self.gap.fetch_add(1, Ordering::Relaxed);
    }

    fn dec(&self, route: Option<&RouteName>) -> i64 {
        let Some(route) = route else { return -1 };
        let decisions = self.decisions.read().unwrap_or_else(PoisonError::into_inner);
        decisions.iter().find(|leaf| leaf.route == *route).map_or(-1, |leaf| leaf.index)
    }
}

#[cfg(test)]
pub(crate) mod tests;
