//! Who works the capture queue off: a thread that runs only while nobody else wants its core, so that a burst costs
//! requests nothing; and one that asks for a share of a busy machine once the queue has grown long, or old.
//!
//! **Invariant:** one of them at a time; nothing that was queued is left behind at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::exchange::Finished;
use crate::queue::{Level, Receiver};

/// How often the second thread looks at the queue.
const LOOK: Duration = Duration::from_millis(500);
/// Looks in a row that find something waiting: what a machine without an idle moment may put off.
const OLD: u32 = 10;

/// The work.
pub(crate) trait Work: Send + 'static {
    /// Takes one exchange.
    fn take(&mut self, finished: Finished);
}

/// Both threads.
pub(crate) struct Hands<W> {
    desk: Mutex<Desk<W>>,
    level: Level,
    /// The second thread works.
    pressed: AtomicBool,
}

struct Desk<W> {
    work: W,
    queue: Receiver,
}

impl<W: Work> Hands<W> {
    /// Nobody works yet.
    pub(crate) fn new(work: W, queue: Receiver) -> Arc<Self> {
        let level = queue.level();
        Arc::new(Self { desk: Mutex::new(Desk { work, queue }), level, pressed: AtomicBool::new(false) })
    }

    /// Starts both threads; they end when told to stop and the queue is empty.
    pub(crate) fn start(
        self: &Arc<Self>,
        on: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> std::io::Result<[JoinHandle<()>; 2]> {
        let (hands, handle, stopped) = (Arc::clone(self), on.clone(), stop.clone());
        let patient = Builder::new().name("kolm-capture".to_owned()).spawn(move || {
            kolm_store::give_way();
            hands.work_off(&handle, &stopped);
        })?;
        let (hands, handle, stopped) = (Arc::clone(self), on.clone(), stop.clone());
        let pressed = Builder::new().name("kolm-catch-up".to_owned()).spawn(move || {
            kolm_store::stand_back();
            hands.catch_up(&handle, &stopped);
        })?;
        Ok([patient, pressed])
    }

    /// Takes one after the other, whenever there is one.
    fn work_off(&self, on: &Handle, stop: &watch::Receiver<bool>) {
        loop {
            if self.pressed.load(Ordering::Acquire) {
                std::thread::park_timeout(LOOK);
            } else if !self.desk().next(on, stop) {
                return;
            }
        }
    }

    /// Looks now and then whether the queue is long or old, and works it off if so.
    pub(crate) fn catch_up(&self, on: &Handle, stop: &watch::Receiver<bool>) {
        let (mut ends, mut old) = (stop.clone(), 0);
        loop {
            let stopped =
                on.block_on(async { timeout(LOOK, ends.wait_for(|stopped| *stopped)).await.is_ok() });
            old = if self.level.is_empty() { 0 } else { old + 1 };
            if !stopped && old < OLD && !self.level.is_long() {
                continue;
            }
            self.pressed.store(!stopped, Ordering::Release);
            while stopped || !self.level.is_empty() {
                if !self.desk().next(on, stop) {
                    return self.pressed.store(false, Ordering::Release);
                }
            }
            self.pressed.store(false, Ordering::Release);
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk<W>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Work> Desk<W> {
    /// Waits for the next exchange and takes it; false when there will be none.
    fn next(&mut self, on: &Handle, stop: &watch::Receiver<bool>) -> bool {
        let (queue, mut stop) = (&mut self.queue, stop.clone());
        let next = on.block_on(async {
            tokio::select! {
                next = queue.next() => next,
                _ = stop.wait_for(|stopped| *stopped) => {
                    queue.close();
                    queue.next().await
                }
            }
        });
        let some = next.is_some();
        if let Some(finished) = next {
            self.work.take(finished);
        }
        some
    }
}
