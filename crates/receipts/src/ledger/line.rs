//! Who writes: a request that needs its record on the way to the disk writes for all that wait, if nobody else is at
//! it; what nobody waits for is left to the next such request, or to a thread that comes by soon.
//!
//! No request is handed to another thread and back, which costs more than the write itself.
//! **Invariant:** what is queued is written: by the present writer, who looks again before it leaves, or by the thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, mpsc};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use super::Shared;
use super::msg::Msg;
use super::writer::{PROBE, Writer};

/// How long what nobody waits for may lie.
const GATHER: Duration = Duration::from_millis(5);

/// The queue and the writer at its head.
pub(super) struct Line {
    tx: mpsc::Sender<Msg>,
    writer: Mutex<Writer>,
    pub(super) shared: Arc<Shared>,
    /// The thread was called and has not come yet.
    called: AtomicBool,
    ended: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Line {
    pub(super) fn new(tx: mpsc::Sender<Msg>, writer: Writer, shared: Arc<Shared>) -> Self {
        let (called, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { tx, writer: Mutex::new(writer), shared, called, ended, thread: OnceLock::new() }
    }

    /// Starts the thread that writes what nobody waits for.
    pub(super) fn start(self: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let line = Arc::clone(self);
        let thread = std::thread::Builder::new().name("kolm-ledger".into()).spawn(move || line.run())?;
        self.thread.get_or_init(|| thread.thread().clone());
        Ok(thread)
    }

    fn run(&self) {
        while !self.ended.load(Ordering::Acquire) {
            std::thread::park_timeout(PROBE);
            if self.called.load(Ordering::Acquire) {
                std::thread::sleep(GATHER);
                self.called.store(false, Ordering::Release);
                self.turn();
            } else if let Some(mut writer) = self.free() {
                writer.idle();
            }
        }
    }

    /// Queues a message that has its place; false once the ledger has ended.
    pub(super) fn queue(&self, msg: Msg) -> bool {
        let open = !self.ended.load(Ordering::Acquire);
        open && self.tx.send(msg).is_ok()
    }

    /// Writes what waits, unless somebody does.
    pub(super) fn turn(&self) {
        loop {
            let Some(mut writer) = self.free() else { return self.call() };
            let some = writer.turn();
            drop(writer);
            if !some || self.shared.queued.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }

    /// Has what waits written soon.
    pub(super) fn call(&self) {
        if !self.called.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// The writer, with all written that was queued.
    pub(super) fn seize(&self) -> MutexGuard<'_, Writer> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        while writer.turn() {}
        writer
    }

    /// Nothing is queued any more, and the thread ends.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn free(&self) -> Option<MutexGuard<'_, Writer>> {
        match self.writer.try_lock() {
            Ok(writer) => Some(writer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
