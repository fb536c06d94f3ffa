//! The service: one thread that owns the database, and the handle through which all others speak to it.
//!
//! **Invariant:** appending needs the spool alone; a database that fails is opened again, with growing
//! pauses, while pairs wait in the spool.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kolm_core::{ArtifactId, CaptureStatus, Clock, DecisionRow, Env, Namespace, RequestId, RouteName};
use kolm_policies::dataset::SnapshotMeta;
use kolm_policies::gate::Gathered;
use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use crate::db::Db;
use crate::pace::stand_back;
use crate::pair::{Pair, Record, Salts};
use crate::spool::{Batch, Spool};
use crate::vault::Vault;
use crate::{Error, freeze};

/// The pause after the first failure to open the database.
const MIN_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two attempts to open the database.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The running store; it ends with [`Service::shutdown`] or when dropped.
pub struct Service {
    tx: Sender<Cmd>,
    owner: Option<JoinHandle<()>>,
    pub(crate) apart: Vec<Service>,
    _lock: File,
}

/// The door to the store.
#[derive(Clone)]
pub struct Handle {
    tx: Sender<Cmd>,
    spool: Arc<Spool>,
    clock: Arc<dyn Clock>,
    trouble: Arc<Mutex<Option<String>>>,
    wake_at: u64,
    pub(crate) heir: Arc<OnceLock<Heir>>,
    inherited: Arc<AtomicU64>,
    pub(crate) vault: Vault,
    /// The stores of namespaces that lie apart, with their directories.
    pub(crate) apart: Arc<BTreeMap<Namespace, (PathBuf, Handle)>>,
}

/// Takes records in this process's place, once another one has the store; see [`Handle::hand_over`].
pub type Heir = Box<dyn Fn(&[u8]) -> std::io::Result<()> + Send + Sync>;

type Job = Box<dyn FnOnce(Result<&mut Db, String>) + Send>;

enum Cmd {
    /// Enough pairs wait for a batch.
    Wake,
    /// A question to the database.
    Job(Job),
    /// Store what waits and end.
    Stop,
}

impl Service {
    /// Opens the store in `dir`, making it when there is none; what an earlier run left in the spool is stored.
    pub fn open(dir: &Path, settings: &kolm_config::Store, env: &Env) -> Result<(Self, Handle), Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Error::io("create", dir))?;
        let lock = lock(dir)?;
        let spool = Spool::open(&dir.join("spool"), settings.spool_quota_bytes, settings.fsync_interval)?;
        let spool = Arc::new(spool);
        let trouble = Arc::new(Mutex::new(None));
        let (tx, rx) = mpsc::channel();
        let mut owner = Owner {
            rx,
            path: dir.join("captures.duckdb"),
            memory_limit: format!("{}B", settings.memory_limit_bytes),
            batch: settings.batch_rows.clamp(1, 10_000) as usize,
            interval: settings.batch_interval,
            spool: Arc::clone(&spool),
            trouble: Arc::clone(&trouble),
            db: None,
            clock: Arc::clone(&env.clock),
            pause: MIN_PAUSE,
            retry_at: 0,
        };
        let wake_at = owner.batch as u64;
        let (tell, opened) = mpsc::channel();
        let name = std::thread::Builder::new().name("kolm-store".into());
        let life = move || {
            // The threads that the database makes for itself take after the one that opens it.
            stand_back();
            let first = owner.open_db();
            if tell.send(first).is_ok() {
                owner.run();
            }
        };
        let thread = name.spawn(life).map_err(Error::io("start the owner of", dir))?;
        // A database in use elsewhere is a mistake to report; any other failure is lived with.
        if let Ok(Err(error @ Error::Locked { .. })) = opened.recv() {
            return Err(error);
        }
        let (clock, heir, apart) = (Arc::clone(&env.clock), Arc::default(), Arc::default());
        let inherited = Arc::new(AtomicU64::new(spool.status().accepted));
        let vault = Vault::of(dir);
        let handle = Handle { tx: tx.clone(), spool, clock, trouble, wake_at, heir, inherited, vault, apart };
        Ok((Self { tx, owner: Some(thread), apart: Vec::new(), _lock: lock }, handle))
    }

    /// Stores what waits, closes the database and ends. Pairs appended later wait for the next start.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.apart.clear();
        if let Some(owner) = self.owner.take() {
            drop(self.tx.send(Cmd::Stop));
            if owner.join().is_err() {
                tracing::error!("the store's owner thread panicked");
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

/// DuckDB's own lock is one of the process; this one also holds within it.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("LOCK");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(&path).map_err(Error::io("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::Locked { path: dir.to_owned() }),
        Err(cause) => Err(Error::io("lock", &path)(cause.into())),
    }
}

impl Handle {
    /// Takes a pair: when this returns, it survives `kill -9`. Blocks for a write(2), so not for async code.
    pub fn append(&self, pair: Pair) -> Result<(), Error> {
        self.of(&pair.namespace).spool(Record::pair(pair))
    }

    /// Takes the salts of a receipt whose bodies are not captured.
    pub fn append_salts(&self, id: RequestId, salts: Salts) -> Result<(), Error> {
        self.spool(Ok(Record::salts(id, salts)))
    }

    pub(crate) fn spool(&self, record: Result<Record, serde_json::Error>) -> Result<(), Error> {
        let bytes = record.and_then(|record| serde_json::to_vec(&record));
        let bytes = bytes.map_err(|source| Error::Unreadable { what: "pair", source })?;
        match self.heir.get() {
            Some(heir) => heir(&bytes).map_err(Error::io("pass a pair on from", "store".as_ref())),
            None => self.take(&bytes),
        }
    }

    /// Takes a record as [`Heir`] was given it by the process before. Blocks for a write(2).
    pub fn inherit(&self, record: &[u8]) -> Result<(), Error> {
        self.heir_of(record)?.take(record)?;
        self.inherited.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How many records came from processes before: handed over by one, or found in the spools.
    pub fn inherited(&self) -> u64 {
        self.all().map(|door| door.inherited.load(Ordering::Relaxed)).sum()
    }

    /// From now on pairs go to `heir`: call before [`Service::shutdown`], while a new process takes the store over.
    pub fn hand_over(&self, heir: Heir) {
        drop(self.heir.set(heir));
    }

    fn take(&self, record: &[u8]) -> Result<(), Error> {
        let pending = self.spool.append(record)?;
        if pending % self.wake_at == 0 {
            drop(self.tx.send(Cmd::Wake));
        }
        Ok(())
    }

    /// Freezes the eligible pairs of a namespace into `dir`, on a connection and a thread of its own: nobody waits
    /// for a snapshot but who asked for it.
    pub async fn freeze(
        &self,
        namespace: &Namespace,
        dir: &Path,
        policy: &str,
    ) -> Result<SnapshotMeta, Error> {
        let (name, dir, policy) = (namespace.clone(), dir.to_owned(), policy.to_owned());
        let now = self.clock.now();
        let beside = self.of(namespace).ask(|db| db.beside()).await?;
        let frozen = tokio::task::spawn_blocking(move || freeze::freeze(&beside, &name, &dir, &policy, now));
        frozen.await.map_err(|_| Error::Unavailable { why: "freezing the snapshot panicked".to_owned() })?
    }

    /// Adds a Decision; one of the same route and number that differs is a conflict.
    pub async fn put_decision(&self, decision: DecisionRow) -> Result<(), Error> {
        self.ask(move |db| db.put_decision(&decision)).await
    }

    /// The Decisions of one route or of all, in order.
    pub async fn decisions(&self, route: Option<RouteName>) -> Result<Vec<DecisionRow>, Error> {
        self.ask(move |db| db.decisions(route.as_ref())).await
    }

    /// Adds to what was gathered about an attempt.
    pub async fn put_scores(
        &self,
        route: RouteName,
        artifact: ArtifactId,
        attempt: u32,
        new: Gathered,
    ) -> Result<(), Error> {
        self.ask(move |db| db.put_scores(&route, &artifact, attempt, &new)).await
    }

    /// What was gathered about an attempt, the scores as they came.
    pub async fn scores(&self, route: RouteName, attempt: u32) -> Result<Gathered, Error> {
        self.ask(move |db| db.scores(&route, attempt)).await
    }

    /// The numbers of this store alone.
    pub(crate) fn own_status(&self) -> CaptureStatus {
        self.spool.status()
    }

    /// Why the database is closed at present, `None` while it is open.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Db) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (tx, rx) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let answer = match db {
                Ok(db) => question(db),
                Err(why) => Err(Error::Unavailable { why }),
            };
            let _gone = tx.send(answer);
        });
        let ended = || Error::Unavailable { why: "the store has ended".to_owned() };
        self.tx.send(Cmd::Job(job)).map_err(|_| ended())?;
        rx.await.map_err(|_| ended())?
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

struct Owner {
    rx: Receiver<Cmd>,
    path: PathBuf,
    memory_limit: String,
    batch: usize,
    interval: Duration,
    spool: Arc<Spool>,
    trouble: Arc<Mutex<Option<String>>>,
    db: Option<Db>,
    clock: Arc<dyn Clock>,
    pause: Duration,
    retry_at: u64,
}

impl Owner {
    fn run(mut self) {
        loop {
            let next = self.rx.recv_timeout(self.interval);
            self.try_again();
            // What was appended before a question is part of its answer.
            self.drain();
            match next {
                Ok(Cmd::Job(job)) => self.answer(job),
                Ok(Cmd::Wake) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Cmd::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn open_db(&mut self) -> Result<(), Error> {
        match Db::open(&self.path, &self.memory_limit) {
            Ok(db) => {
                if self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
                    tracing::info!("the capture database is open again");
                }
                (self.db, self.pause) = (Some(db), MIN_PAUSE);
                Ok(())
            }
            Err(error) => {
                self.close_db(&error);
                Err(error)
            }
        }
    }

    /// Gives up on the present handle; pairs wait in the spool until the next one opens.
    fn close_db(&mut self, cause: &Error) {
        let why = match std::error::Error::source(cause) {
            Some(source) => format!("{cause}: {source}"),
            None => cause.to_string(),
        };
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            tracing::error!(why, "the capture database is closed; pairs wait in the spool");
        }
        *trouble = Some(why);
        drop(trouble);
        self.db = None;
        self.retry_at = self.clock.micros() + self.pause.as_micros() as u64;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }

    fn try_again(&mut self) {
        if self.db.is_none() && self.clock.micros() >= self.retry_at {
            // Its failure is noted where it can be seen; the pause grows.
            drop(self.open_db());
        }
    }

    fn answer(&mut self, job: Job) {
        match &mut self.db {
            Some(db) => {
                job(Ok(db));
                if !db.alive() {
                    self.close_db(&Error::Unavailable { why: "it failed while answering".to_owned() });
                }
            }
            None => {
                let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
                job(Err(trouble.unwrap_or_default()));
            }
        }
    }

    /// Stores what waits in the spool, batch by batch.
    fn drain(&mut self) {
        while let Some(db) = &mut self.db {
            let stored = match self.spool.peek(self.batch) {
                Ok(None) => return,
                Ok(Some(batch)) => store(db, &self.spool, &batch),
                Err(error) => Err(error),
            };
            if let Err(error) = stored {
                self.close_db(&error);
            }
        }
    }
}

/// One batch: insert, then forget it in the spool.
fn store(db: &mut Db, spool: &Spool, batch: &Batch) -> Result<(), Error> {
    let mut records: Vec<Record> = Vec::with_capacity(batch.records.len());
    let mut unreadable = 0;
    for bytes in &batch.records {
        match serde_json::from_slice(bytes) {
            Ok(record) => records.push(record),
            Err(error) => {
                unreadable += 1;
                tracing::error!(
                    line = error.line(),
                    column = error.column(),
                    "a spooled record cannot be read"
                );
            }
        }
    }
    db.insert(&records)?;
    spool.commit(batch, unreadable);
    Ok(())
}

#[cfg(test)]
mod tests;
