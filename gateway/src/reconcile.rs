//! The reconciler: re-reads what is, asks `rollout::plan` what shall be, records it, and only then acts.
//!
//! **Invariant:** no weight is raised but by a Decision row that is in the store and whose leaf is in the ledger; a
//! weight falls even while both are closed, and row and leaf follow.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kolm_config::{Config, Live, Route};
use kolm_core::{Answered, Intent, RouteName, RouteStatus, Weight};
use kolm_receipts::keys::SigningKey;
use tokio::sync::{Notify, oneshot, watch};

use crate::route::RouteRun;
use crate::shadow::Inbox;
use crate::table::{Challenger, Entry, Shared, Student, Table, keyed};
use crate::till::Till;

/// Time between two looks.
const TICK: Duration = Duration::from_millis(250);

/// What the reconciler works with.
pub struct Settings {
    /// The `kolm` binary, for children.
    pub program: PathBuf,
    /// Data directory.
    pub data_dir: PathBuf,
    /// Signs what is stated about verdicts.
    pub decision_key: SigningKey,
}

/// An intent, and who waits for what comes of it.
pub(crate) struct Asked {
    pub(crate) intent: Intent,
    pub(crate) answer: oneshot::Sender<Answered>,
}

/// What pages and commands read, and where people leave intents.
#[derive(Default)]
pub struct Board {
    routes: Mutex<Vec<RouteStatus>>,
    intents: Mutex<Vec<Asked>>,
    wake: Notify,
}

impl Board {
    /// The state of all routes, as of the last look.
    pub fn routes(&self) -> Vec<RouteStatus> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves an intent for the next look, which answers it; refused for an unknown route.
    ///
    /// # Errors
    /// A sentence that names the routes there are.
    pub fn intend(&self, intent: Intent) -> Result<oneshot::Receiver<Answered>, String> {
        let routes = self.routes();
        if !routes.iter().any(|route| route.route == intent.route) {
            let names: Vec<_> = routes.iter().map(|route| route.route.to_string()).collect();
            return Err(format!("no route `{}`; there are: {}", intent.route, names.join(", ")));
        }
        let (answer, answered) = oneshot::channel();
        self.intents.lock().unwrap_or_else(PoisonError::into_inner).push(Asked { intent, answer });
        Ok(answered)
    }

    /// Has the next look come at once: the configuration is another.
    pub fn look_now(&self) {
        self.wake.notify_one();
    }

    fn take_intents(&self, route: &RouteName) -> Vec<Asked> {
        let mut intents = self.intents.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, left) = intents.drain(..).partition(|asked| asked.intent.route == *route);
        *intents = left;
        taken
    }
}

/// Drives every route of the configuration.
pub(crate) struct Reconciler {
    shared: Arc<Shared>,
    store: kolm_store::Handle,
    inbox: Arc<Inbox>,
    till: Arc<Till>,
    board: Arc<Board>,
    live: Arc<Live>,
    settings: Arc<Settings>,
    routes: BTreeMap<RouteName, RouteRun>,
    followed: u64,
}

impl Reconciler {
    /// A reconciler that follows `live`.
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: kolm_store::Handle,
        inbox: Arc<Inbox>,
        till: Arc<Till>,
        board: Arc<Board>,
        (live, settings): (Arc<Live>, Arc<Settings>),
    ) -> Self {
        Self { shared, store, inbox, till, board, live, settings, routes: BTreeMap::new(), followed: 0 }
    }

    /// Looks at every route until told to stop; while told to hold, trains nothing and decides nothing.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>, hold: watch::Receiver<bool>) {
        let mut tick = tokio::time::interval(TICK);
        let board = Arc::clone(&self.board);
        loop {
            tokio::select! {
                _ = tick.tick() => self.turn(&hold).await,
                () = board.wake.notified() => self.turn(&hold).await,
                _ = stop.changed() => return,
            }
        }
    }

    async fn turn(&mut self, hold: &watch::Receiver<bool>) {
        let held = *hold.borrow();
        if held {
            self.routes.values_mut().for_each(RouteRun::stop_training);
        } else {
            self.look().await;
        }
    }

    /// One look at every route.
    pub(crate) async fn look(&mut self) {
        let config = self.live.load();
        self.follow(&config).await;
        let mut statuses = Vec::new();
        for route in &config.routes {
            let Some(run) = self.routes.get_mut(&route.name) else { continue };
            run.take_scores(self.inbox.take(&route.name), &self.store).await;
            run.asked.extend(self.board.take_intents(&route.name));
            if let Err(error) = run.look(&self.shared, &self.store, &self.settings).await {
                self.shared.events.reconcile_failed(&route.name, &error);
                if matches!(error, kolm_store::Error::Conflict { .. }) {
                    // The rows are not what they are thought to be: the next look takes the route up anew.
                    drop(self.routes.remove(&route.name));
                    continue;
                }
            }
            statuses.push(run.status(&self.shared));
        }
        self.publish(&config);
        *self.board.routes.lock().unwrap_or_else(PoisonError::into_inner) = statuses;
    }

    /// Routes that are new in the configuration are taken up from their Decision rows; gone ones are let go.
    /// Does nothing while the configuration is the one followed already.
    async fn follow(&mut self, config: &Arc<Config>) {
        if self.followed == config.version && self.routes.len() == config.routes.len() {
            return;
        }
        self.followed = config.version;
        self.routes.retain(|name, _| config.routes.iter().any(|route| route.name == *name));
        for route in &config.routes {
            let route = Arc::new(route.clone());
            match self.routes.get_mut(&route.name) {
                Some(run) => run.configure(&route),
                None => {
                    let with = (&*self.settings, &self.till);
                    let resumed = RouteRun::resume(Arc::clone(&route), &self.shared, &self.store, with).await;
                    match resumed {
                        Ok(run) => drop(self.routes.insert(route.name.clone(), run)),
                        Err(error) => self.shared.events.reconcile_failed(&route.name, &error),
                    }
                }
            }
        }
    }

    /// Swaps a new table in where weight, student or configuration changed.
    fn publish(&self, config: &Arc<Config>) {
        let table = self.shared.table.load_full();
        let same = Arc::ptr_eq(&table.config, config)
            && table.routes.len() == self.routes.len()
            && table.routes.iter().all(|entry| {
                self.routes.get(&entry.route.name).is_some_and(|run| {
                    run.weight() == entry.weight
                        && run.student().map(Arc::as_ptr) == entry.student.as_ref().map(Arc::as_ptr)
                        && seat(run.challenger().as_ref()) == seat(entry.challenger.as_ref())
                })
            });
        if same {
            return;
        }
        let entry = |route: &Route| {
            let run = self.routes.get(&route.name)?;
            Some(Arc::new(Entry {
                route: Arc::new(route.clone()),
                weight: run.weight(),
                student: run.student().cloned(),
                challenger: run.challenger(),
                salt: keyed(&self.shared.route_key, &[b"route", route.name.as_str().as_bytes()]),
                stats: Arc::clone(&run.stats),
            }))
        };
        let routes = config.routes.iter().filter_map(entry).collect();
        // A configuration that came into force meanwhile is not put out of it; the next look is about that one.
        let next = Arc::new(Table { config: Arc::clone(config), routes });
        if table.config.version <= config.version {
            drop(self.shared.table.compare_and_swap(&table, next));
        }
    }
}

/// What tells two challengers apart.
fn seat(challenger: Option<&Challenger>) -> Option<(*const Student, Weight)> {
    challenger.map(|challenger| (Arc::as_ptr(&challenger.student), challenger.weight))
}
