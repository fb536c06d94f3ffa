//! Group fsync of the spool on a thread of its own, so that an append never waits for the disk.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Error;

#[derive(Default)]
struct State {
    dirty: Vec<Arc<File>>,
    stop: bool,
}

#[derive(Default)]
struct Cell {
    state: Mutex<State>,
    wake: Condvar,
}

/// The thread that fsyncs.
pub(crate) struct Syncer {
    cell: Arc<Cell>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts it; writes gather for `interval`.
    pub(crate) fn start(interval: Duration) -> Result<Self, Error> {
        let cell = Arc::new(Cell::default());
        let theirs = Arc::clone(&cell);
        let name = std::thread::Builder::new().name("kolm-spool-sync".into());
        let thread = name.spawn(move || run(&theirs, interval));
        Ok(Self {
            cell,
            thread: Some(thread.map_err(Error::io("start the thread", "kolm-spool-sync".as_ref()))?),
        })
    }

    /// Marks a file (or folder) as written to.
    pub(crate) fn dirty(&self, file: &Arc<File>) {
        let mut state = self.cell.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.dirty.iter().any(|known| Arc::ptr_eq(known, file)) {
            state.dirty.push(Arc::clone(file));
            self.cell.wake.notify_one();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.cell.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.cell.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the spool's fsync thread panicked");
        }
    }
}

fn run(cell: &Cell, interval: Duration) {
    let mut state = cell.state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        while state.dirty.is_empty() && !state.stop {
            state = cell.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.stop {
            let waited = cell.wake.wait_timeout_while(state, interval, |state| !state.stop);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let (files, stop) = (std::mem::take(&mut state.dirty), state.stop);
        drop(state);
        for file in files {
            if let Err(error) = file.sync_all() {
                tracing::error!(%error, "spool fsync failed");
            }
        }
        if stop {
            return;
        }
        state = cell.state.lock().unwrap_or_else(PoisonError::into_inner);
    }
}
