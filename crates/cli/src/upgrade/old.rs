//! The side of an upgrade that lets go.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kolm_gateway::table::Shared;
use kolm_gateway::tasks::Background;
use kolm_receipts::Ledger;
use kolm_store::Service;
use tokio::sync::mpsc;

use super::wire::{self, Said, Successor};
use super::{Answer, ask_of, path};
use crate::admin::RunFile;
use crate::pages::Pages;
use crate::report::Failure;

/// Where a successor knocks.
pub(crate) struct Door {
    asked: mpsc::Receiver<UnixStream>,
}

impl Door {
    /// Listens on `run/upgrade.sock`, for this user alone.
    pub(crate) fn open(data_dir: &Path, listen: SocketAddr) -> Result<Self, Failure> {
        let path = path(data_dir);
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).map_err(|cause| Failure::io(&path, &cause))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(|cause| Failure::io(&path, &cause))?;
        let (tell, asked) = mpsc::channel(1);
        let answer = move || {
            for stream in listener.incoming().flatten() {
                let Some(ask) = ask_of(&stream) else { continue };
                if ask.listen != listen {
                    let why = format!("it listens on {listen}, the new configuration says {}", ask.listen);
                    refuse(&stream, why);
                } else if tell.try_send(stream).is_ok() {
                    tracing::info!(version = ask.version, "a new process takes over");
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("kolm-upgrade".to_owned())
            .spawn(answer)
            .map_err(|cause| Failure::io(&path, &cause))?;
        Ok(Self { asked })
    }

    /// The successor, once there is one.
    pub(crate) async fn knocked(mut self) -> UnixStream {
        match self.asked.recv().await {
            Some(stream) => stream,
            None => std::future::pending().await,
        }
    }
}

fn refuse(stream: &UnixStream, why: String) {
    let answer = serde_json::to_vec(&Answer::Refused(why)).unwrap_or_default();
    if let Err(cause) = wire::send(stream, &answer, None) {
        tracing::warn!(%cause, "a refused upgrade was not told");
    }
}

/// What a running gateway holds and a successor needs.
pub(crate) struct House {
    /// What the data path shares.
    pub(crate) shared: Arc<Shared>,
    /// The door to the store.
    pub(crate) captures: kolm_store::Handle,
    /// Its background.
    pub(crate) background: Background,
    /// Dashboard and admin interface, while they are this process's.
    pub(crate) pages: Mutex<Option<Pages>>,
    /// The store, while it is this process's.
    pub(crate) store: Mutex<Option<Service>>,
    /// The ledger.
    pub(crate) ledger: Mutex<Ledger>,
}

impl House {
    /// Lets go of everything but the requests under way, and says so.
    pub(crate) fn let_go(&self, stream: UnixStream, socket: &TcpListener) {
        let successor = Successor::new(stream);
        let stream = successor.silence();
        match self.hand_over(&successor) {
            Ok(accounts) => {
                let answer = serde_json::to_vec(&Answer::Yours).unwrap_or_default();
                let sent = wire::send(&stream, &answer, Some(socket)).and_then(|()| accounts.write(&stream));
                if let Err(cause) = sent {
                    tracing::error!(%cause, "the new process is gone");
                }
            }
            Err(why) => refuse(&stream, why),
        }
    }

    /// Lets go of everything; what is left to say first of all is how far the accounts are.
    fn hand_over(&self, successor: &Successor) -> Result<Said, String> {
        if let Some(pages) = self.pages.lock().unwrap_or_else(PoisonError::into_inner).take() {
            pages.stop();
        }
        self.background.hold();
        save(&self.shared);
        let heir = successor.clone();
        self.captures.hand_over(Box::new(move |record| heir.pair(record)));
        if let Some(store) = self.store.lock().unwrap_or_else(PoisonError::into_inner).take() {
            store.shutdown();
        }
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.hand_over(Box::new(successor.clone())).map_err(|error| error.to_string())?;
        let heir = successor.clone();
        let tell = move |span: &[u8]| heir.tell(&Said::Span(span.to_vec()), "span");
        self.shared.telemetry.hand_over(Box::new(tell));
        let heir = successor.clone();
        let tell = move |step: &[u8]| heir.tell(&Said::Spent(step.to_vec()), "use");
        Ok(Said::Accounts(self.shared.limits.hand_over(Box::new(tell))))
    }

    /// Ends what is left: all of it, or, after a hand-over, what the last requests needed.
    pub(crate) fn end(self, data_dir: &Path) {
        if let Some(pages) = self.pages.lock().unwrap_or_else(PoisonError::into_inner).take() {
            pages.stop();
        }
        tracing::info!("no request is under way; what waits for capture is stored");
        self.background.stop();
        let store = self.store.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ours = store.is_some();
        if let Some(store) = store {
            save(&self.shared);
            store.shutdown();
        }
        self.ledger.into_inner().unwrap_or_else(PoisonError::into_inner).shutdown();
        if ours {
            drop(std::fs::remove_file(RunFile::path(data_dir)));
            drop(std::fs::remove_file(path(data_dir)));
        }
    }
}

/// Writes down what was spent.
fn save(shared: &Shared) {
    if let Err(cause) = shared.limits.save(shared.env.clock.now()) {
        shared.events.spend_unwritten(&cause);
    }
}
