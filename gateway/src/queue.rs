//! The queue between the data path and the capture worker: as long as it may be in bytes.
//!
//! **Invariant:** the data path never waits for it; what waits in it counts until the worker has taken it out.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::exchange::Finished;

/// What an exchange takes beside its bodies: itself, its names, its place in the queue.
const OVERHEAD: usize = 1 << 10;

/// The end of the data path.
#[derive(Clone)]
pub struct Sender {
    waiting: mpsc::UnboundedSender<Queued>,
    room: Arc<Semaphore>,
    bytes: usize,
}

/// The end of the capture worker.
pub struct Receiver {
    taken: mpsc::UnboundedReceiver<Queued>,
    level: Level,
}

/// How long the queue is.
#[derive(Clone)]
pub(crate) struct Level {
    room: Arc<Semaphore>,
    bytes: usize,
}

impl Level {
    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.room.available_permits() == self.bytes
    }

    /// More than three quarters of the room are taken.
    pub(crate) fn is_long(&self) -> bool {
        self.room.available_permits() < self.bytes / 4
    }
}

/// An exchange that waits, and the room that it takes.
struct Queued {
    finished: Finished,
    _room: OwnedSemaphorePermit,
}

/// A queue of at most `bytes`.
pub fn queue(bytes: u64) -> (Sender, Receiver) {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    let (waiting, taken) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(bytes));
    let level = Level { room: Arc::clone(&room), bytes };
    (Sender { waiting, room, bytes }, Receiver { taken, level })
}

impl Sender {
    /// Hands an exchange to the worker; false when there is no room, or no worker.
    pub(crate) fn send(&self, finished: Finished) -> bool {
        // One that is larger than the queue has it for itself.
        let size = (OVERHEAD + finished.request.len() + finished.reply.len()).min(self.bytes);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(size) else { return false };
        self.waiting.send(Queued { finished, _room: room }).is_ok()
    }
}

impl Receiver {
    /// The next exchange; `None` once it is closed and empty.
    pub(crate) async fn next(&mut self) -> Option<Finished> {
        self.taken.recv().await.map(|queued| queued.finished)
    }

    /// Takes in nothing more.
    pub(crate) fn close(&mut self) {
        self.taken.close();
    }

    /// How long it is, for who does not hold it.
    pub(crate) fn level(&self) -> Level {
        self.level.clone()
    }
}
