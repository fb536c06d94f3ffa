//! `kolm up --upgrade`: a new process takes over from the one that runs, and no client notices.
//!
//! The old process stops accepting, lets go of dashboard, store and ledger, passes the listening socket on, and serves
//! the connections it has; what their requests still say to ledger, store, limits and traces goes to the new process
//! over a socket.
//! Connections that arrive in between wait in the socket's queue.
//! **Invariant:** at any moment one process writes ledger and store, and one at least answers clients.

mod old;
mod wire;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kolm_core::{Code, Exit};
use kolm_gateway::table::Shared;
use kolm_receipts::Inherited;
use serde::{Deserialize, Serialize};

pub(crate) use self::old::{Door, House};
use self::wire::Said;
use crate::report::Failure;

/// What the new process asks.
#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    /// Its version, for the old one's log.
    version: String,
    /// The client address of its configuration.
    listen: SocketAddr,
}

/// What the old one answers; the socket comes with `Yours`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// Nothing has changed, and why.
    Refused(String),
    /// Ledger, store and socket are free.
    Yours,
}

/// The process before this one, whose last requests still speak.
pub(crate) struct Before {
    stream: UnixStream,
    /// How far its accounts are.
    accounts: Vec<u8>,
}

/// Where a running gateway listens for its successor.
fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run/upgrade.sock")
}

/// Asks the process that runs on `data_dir` to let go, and returns its listening socket.
pub(crate) fn take_over(data_dir: &Path, listen: SocketAddr) -> Result<(TcpListener, Before), Failure> {
    let nobody = |cause: std::io::Error| {
        Failure::new(
            Code(20),
            Exit::Usage,
            format_args!("no kolm up on {} to take over from: {cause}", data_dir.display()),
            "start without --upgrade, or name its directory with --data-dir",
        )
    };
    let mut stream = UnixStream::connect(path(data_dir)).map_err(nobody)?;
    let ask = Ask { version: env!("CARGO_PKG_VERSION").to_owned(), listen };
    let mut line = serde_json::to_vec(&ask).unwrap_or_default();
    line.push(b'\n');
    stream.write_all(&line).map_err(nobody)?;
    let (said, listener) = wire::receive(&stream).map_err(|cause| refused(&cause.to_string()))?;
    match (serde_json::from_slice(&said), listener) {
        (Ok(Answer::Yours), Some(listener)) => match Said::read(&mut &stream) {
            Ok(Said::Accounts(accounts)) => Ok((listener, Before { stream, accounts })),
            Ok(_) | Err(_) => Err(refused("it did not say what was spent")),
        },
        (Ok(Answer::Refused(why)), _) => Err(refused(&why)),
        (Ok(Answer::Yours), None) | (Err(_), _) => Err(refused("it did not pass its socket on")),
    }
}

fn refused(why: &str) -> Failure {
    Failure::new(
        Code(21),
        Exit::Failed,
        format_args!("the running gateway does not let go: {why}"),
        "it goes on as before where it can; its log says more. A changed `listen.address` needs a stop and a start",
    )
}

impl Before {
    /// Takes in how far its accounts are, then what its requests still say, on a thread of its own, until it is gone.
    pub(crate) fn follow(
        self,
        mut inherited: Inherited,
        shared: &Arc<Shared>,
        store: &kolm_store::Handle,
    ) -> Result<(), Failure> {
        let failed = |cause: std::io::Error| Failure::io("upgrade".as_ref(), &cause);
        let Self { stream, accounts } = self;
        let (shared, store) = (Arc::clone(shared), store.clone());
        shared.limits.take_over(&accounts).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
        let listen = move || {
            let (mut from, ledger) = (BufReader::new(&stream), &shared.ledger);
            while let Ok(said) = Said::read(&mut from) {
                match said {
                    Said::Open { id, record } => {
                        let written = runtime.block_on(inherited.open(ledger, id, record));
                        if (&stream).write_all(&[u8::from(written)]).is_err() {
                            break;
                        }
                    }
                    Said::Close { id, open, close } => inherited.close(ledger, id, open, close),
                    Said::Control(ctl) => Inherited::control(ledger, ctl),
                    Said::Pair(record) => {
                        if let Err(cause) = store.inherit(&record) {
                            tracing::error!(%cause, "a pair of the process before was not spooled");
                        }
                    }
                    Said::Accounts(list) => untold(shared.limits.take_over(&list)),
                    Said::Spent(step) => untold(shared.limits.follow(&step)),
                    Said::Span(span) => shared.telemetry.inherit(&shared.events, &span),
                }
            }
            tracing::info!(lost = inherited.left(), "the process before has ended");
            inherited.lost(ledger);
            shared.limits.release();
        };
        std::thread::Builder::new().name("kolm-upgrade".to_owned()).spawn(listen).map(drop).map_err(failed)
    }
}

fn untold(followed: std::io::Result<()>) {
    if let Err(cause) = followed {
        tracing::error!(%cause, "what a request of the process before used is not known");
    }
}

/// The first line of a connection.
fn ask_of(stream: &UnixStream) -> Option<Ask> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}
