//! The background of one gateway: who runs, who ends first, and how long each may take.

use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kolm_config::Live;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc, watch};

use crate::capture::Worker;
use crate::hands::Hands;
use crate::keep::keep;
use crate::queue::Receiver;
use crate::reconcile::{Board, Reconciler, Settings};
use crate::shadow::{self, Inbox, Shadow};
use crate::table::Shared;
use crate::till::Till;
use crate::upstream::health::Checker;
use crate::{keys, limits, retention, telemetry};

/// How long tasks may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The running background; [`Background::stop`] ends it in order.
pub struct Background {
    runtime: Runtime,
    /// Of the shadow alone: its anonymizing stands behind requests, its questions do not, for their time is a score.
    shadows: Runtime,
    capture: [JoinHandle<()>; 2],
    telemetry: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
    hold: watch::Sender<bool>,
    housekeeping: std::sync::Mutex<Vec<tokio::task::JoinHandle<()>>>,
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
    queue: Receiver,
    settings: Settings,
) -> std::io::Result<Background> {
    let threads = |name: &str| {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        threads.worker_threads(2).thread_name(name).enable_all();
        threads
    };
    let runtime = threads("kolm-background").build()?;
    let shadows = threads("kolm-shadow").on_thread_start(kolm_store::stand_back).build()?;
    let ((stop, stopped), (hold, held)) = (watch::channel(false), watch::channel(false));
    let housekeeping = std::sync::Mutex::new(housekeeping(&runtime, shared, store, (&stopped, &held)));
    let (inbox, till) = (Arc::new(Inbox::default()), Arc::new(Till::new(shared.env.clock.now())));
    let shadow = Shadow::new(Arc::clone(shared), Arc::clone(&inbox), Arc::clone(&till))
        .map_err(std::io::Error::other)?;
    let (mirror, mirrored) = mpsc::channel(shadow::QUEUE);
    let (mirrored, shadowing) = (Arc::new(Mutex::new(mirrored)), Arc::clone(&shadow));
    let behind = shadows.handle().clone();
    kept(&runtime, shared, "shadow", move || {
        Arc::clone(&shadowing).run(Arc::clone(&mirrored), behind.clone())
    });
    let (on, ends) = (Arc::clone(shared), stopped.clone());
    let connections = Checker::connections().map_err(std::io::Error::other)?;
    kept(&runtime, shared, "health", move || {
        Checker::new(Arc::clone(&on), Arc::clone(&connections)).run(ends.clone())
    });
    let (on, ends) = (Arc::clone(shared), stopped.clone());
    let collector = telemetry::client().map_err(std::io::Error::other)?;
    let telemetry = kept(&runtime, shared, "telemetry", move || {
        telemetry::run(Arc::clone(&on), collector.clone(), ends.clone())
    });
    let worker = Worker::new(Arc::clone(shared), store.clone(), shadow, mirror, Arc::clone(&till));
    let capture = Hands::new(worker, queue).start(runtime.handle(), &stopped)?;
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
    let mut first = Some(first);
    kept(&runtime, shared, "reconciler", move || {
        first.take().unwrap_or_else(&make).run(stopped.clone(), held.clone())
    });
    Ok(Background { runtime, shadows, capture, telemetry, stop, hold, housekeeping })
}

/// A task of `runtime` that is begun anew when it panics.
fn kept<F>(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    name: &'static str,
    make: impl FnMut() -> F + Send + 'static,
) -> tokio::task::JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let shared = Arc::clone(shared);
    runtime.spawn(async move { keep(&shared.events, name, make).await })
}

/// Keys that change, money that is spent, bodies whose time is over. Those that write end with the hold, and are
/// returned.
fn housekeeping(
    runtime: &Runtime,
    shared: &Arc<Shared>,
    store: &kolm_store::Handle,
    (stopped, held): (&watch::Receiver<bool>, &watch::Receiver<bool>),
) -> Vec<tokio::task::JoinHandle<()>> {
    let (on, stop) = (Arc::clone(shared), stopped.clone());
    kept(runtime, shared, "keys", move || keys::follow(Arc::clone(&on), stop.clone()));
    let (on, stop) = (Arc::clone(shared), held.clone());
    let limits = kept(runtime, shared, "limits", move || limits::keep(Arc::clone(&on), stop.clone()));
    let (on, stop, store) = (Arc::clone(shared), held.clone(), store.clone());
    let retention = kept(runtime, shared, "retention", move || {
        retention::keep(Arc::clone(&on), store.clone(), stop.clone())
    });
    vec![limits, retention]
}

impl Background {
    /// Decides and trains nothing any more, another process does: students and capture go on for the requests that
    /// are under way. Blocks until what is kept in files is written.
    pub fn hold(&self) {
        self.hold.send_replace(true);
        let tasks = std::mem::take(&mut *self.housekeeping.lock().unwrap_or_else(PoisonError::into_inner));
        self.runtime.block_on(async {
            for task in tasks {
                if tokio::time::timeout(STOP_LIMIT, task).await.is_err() {
                    tracing::error!("a background task does not end");
                }
            }
        });
    }

    /// Ends the tasks: the capture queue is emptied into the spool first.
    pub fn stop(self) {
        self.hold();
        self.stop.send_replace(true);
        for thread in self.capture {
            if thread.join().is_err() {
                tracing::error!("the capture worker panicked");
            }
        }
        // It has a time limit of its own.
        if self.runtime.block_on(self.telemetry).is_err() {
            tracing::error!("the task that sends traces panicked");
        }
        self.shadows.shutdown_timeout(STOP_LIMIT);
        self.runtime.shutdown_timeout(STOP_LIMIT);
    }
}
