//! The background of one gateway: who runs, who ends first, and how long each may take.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use kolm_config::Live;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc, watch};

use crate::capture::{Till, Worker};
use crate::exchange::Finished;
use crate::keep::keep;
use crate::reconcile::{Board, Reconciler, Settings};
use crate::shadow::{self, Inbox, Shadow};
use crate::table::Shared;
use crate::{keys, limits, retention};

/// How long tasks may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The running background; [`Background::stop`] ends it in order.
pub struct Background {
    runtime: Runtime,
    capture: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

/// Starts capture worker, shadow and reconciler.
///
/// # Errors
/// The machine gives no threads, or its TLS set-up is broken.
pub fn start(
    shared: &Arc<Shared>,
    store: &kolm_store::Handle,
    board: &Arc<Board>,
    live: &Arc<Live>,
    queue: mpsc::Receiver<Finished>,
    settings: Settings,
) -> std::io::Result<Background> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("kolm-background")
        .enable_all()
        .build()?;
    let (stop, stopped) = watch::channel(false);
    housekeeping(&runtime, shared, store, &stopped);
    let (inbox, till) = (Arc::new(Inbox::default()), Till::default());
    let shadow = Shadow::new(Arc::clone(shared), Arc::clone(&inbox)).map_err(std::io::Error::other)?;
    let (mirror, mirrored) = mpsc::channel(shadow::QUEUE);
    let (mirrored, shadowing, events) =
        (Arc::new(Mutex::new(mirrored)), Arc::clone(&shadow), Arc::clone(shared));
    runtime.spawn(async move {
        keep(&events.events, "shadow", || Arc::clone(&shadowing).run(Arc::clone(&mirrored))).await;
    });
    let worker = Worker::new(Arc::clone(shared), store.clone(), shadow, mirror, Arc::clone(&till));
    let (handle, capture_stop) = (runtime.handle().clone(), stopped.clone());
    let capture = std::thread::Builder::new()
        .name("kolm-capture".to_owned())
        .spawn(move || worker.run(queue, capture_stop, &handle))?;
    let (settings, store, board, live) =
        (Arc::new(settings), store.clone(), Arc::clone(board), Arc::clone(live));
    let on = Arc::clone(shared);
    let make = move || {
        let (inbox, till, board) = (Arc::clone(&inbox), Arc::clone(&till), Arc::clone(&board));
        let followed = (Arc::clone(&live), Arc::clone(&settings));
        Reconciler::new(Arc::clone(&on), store.clone(), inbox, till, board, followed)
    };
    // The first table is in place before the first request.
    let mut first = make();
    runtime.block_on(first.look());
    let (mut first, events) = (Some(first), Arc::clone(shared));
    runtime.spawn(async move {
        keep(&events.events, "reconciler", || first.take().unwrap_or_else(&make).run(stopped.clone())).await;
    });
    Ok(Background { runtime, capture, stop })
}

/// Keys that change, money that is spent, bodies whose time is over; each is begun anew if it panics.
fn housekeeping(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    store: &kolm_store::Handle,
    stopped: &watch::Receiver<bool>,
) {
    let (on, stop) = (Arc::clone(shared), stopped.clone());
    runtime.spawn(async move {
        keep(&on.events, "keys", || keys::follow(Arc::clone(&on), stop.clone())).await;
    });
    let (on, stop) = (Arc::clone(shared), stopped.clone());
    runtime.spawn(async move {
        keep(&on.events, "limits", || limits::keep(Arc::clone(&on), stop.clone())).await;
    });
    let (on, stop, store) = (Arc::clone(shared), stopped.clone(), store.clone());
    runtime.spawn(async move {
        keep(&on.events, "retention", || retention::keep(Arc::clone(&on), store.clone(), stop.clone())).await;
    });
}

impl Background {
    /// Ends the tasks: the capture queue is emptied into the spool first.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.capture.join().is_err() {
            tracing::error!("the capture worker panicked");
        }
        self.runtime.shutdown_timeout(STOP_LIMIT);
    }
}
