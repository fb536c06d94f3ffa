//! Group fsync on a thread of its own, so that a slow disk never delays a write.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::Error;

/// How long writes may gather before they are fsynced.
const GATHER: Duration = Duration::from_millis(5);

#[derive(Default)]
struct State {
    dirty: Vec<Arc<File>>,
    /// Who waits until the disk has what is dirty.
    kept: Vec<oneshot::Sender<bool>>,
    stop: bool,
}

#[derive(Default)]
struct Cell {
    state: Mutex<State>,
    wake: Condvar,
    failed: AtomicBool,
}

/// The thread that fsyncs.
pub(super) struct Syncer {
    cell: Arc<Cell>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(super) fn start() -> Result<Self, Error> {
        let cell = Arc::new(Cell::default());
        let theirs = Arc::clone(&cell);
        let name = std::thread::Builder::new().name("kolm-ledger-sync".into());
        let thread =
            name.spawn(move || run(&theirs)).map_err(Error::io("start a thread for", "fsync".as_ref()))?;
        Ok(Self { cell, thread: Some(thread) })
    }

    /// Marks a file as written to.
    pub(super) fn dirty(&self, file: Arc<File>) {
        let mut state = self.cell.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.note(&mut state, file);
    }

    /// The same, and tells `kept` once the disk has it, or has not.
    pub(super) fn keep(&self, file: Arc<File>, kept: Vec<oneshot::Sender<bool>>) {
        let mut state = self.cell.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.kept.extend(kept);
        self.note(&mut state, file);
    }

    fn note(&self, state: &mut State, file: Arc<File>) {
        if !state.dirty.iter().any(|known| Arc::ptr_eq(known, &file)) {
            state.dirty.push(file);
            self.cell.wake.notify_one();
        }
    }

    /// Whether an fsync failed since the last question; what it covered may not be on the disk.
    pub(super) fn take_failure(&self) -> bool {
        self.cell.failed.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.cell.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.cell.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's fsync thread panicked");
        }
    }
}

fn run(cell: &Cell) {
    let mut state = cell.state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        while state.dirty.is_empty() && !state.stop {
            state = cell.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.stop {
            let waited = cell.wake.wait_timeout_while(state, GATHER, |state| !state.stop);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let (files, kept, stop) =
            (std::mem::take(&mut state.dirty), std::mem::take(&mut state.kept), state.stop);
        drop(state);
        let mut synced = true;
        for file in files {
            if let Err(error) = file.sync_data() {
                tracing::error!(%error, "ledger fsync failed");
                cell.failed.store(true, Ordering::Relaxed);
                synced = false;
            }
        }
        for one in kept {
            let _gone = one.send(synced);
        }
        if stop {
            return;
        }
        state = cell.state.lock().unwrap_or_else(PoisonError::into_inner);
    }
}
