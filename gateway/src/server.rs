//! The server: binds, serves, drains, and returns to whoever called.
//!
//! Pingora's own `Server::run` sleeps its whole grace period and forks, exits and reads a command line on the way,
//! and its `Service` bounds no header: `listen` accepts in its place.
//!
//! **Invariant:** readiness ends before the listener does, and the listener before the requests under way.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pingora::apps::HttpServerOptions;
use pingora::protocols::http::v2::server::default_h2_options;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::configuration::ServerConf;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::listen::Port;
use crate::phases::Gateway;
use crate::table::Shared;

const POOL: usize = 512;
const CUT: Duration = Duration::from_secs(1);
/// How long kept-alive connections may bring one more request before a stop ends them; each answer says `close`.
const FAREWELL: Duration = Duration::from_secs(1);
/// The same after a hand-over, which keeps nobody waiting.
const LINGER: Duration = Duration::from_secs(5);
/// How long streams may go on after a hand-over, which keeps nobody waiting.
const STREAMS: Duration = Duration::from_secs(600);
const TRIES: usize = 16;

/// How to work and how to stop; the rest stands in `[listen]`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Worker threads.
    pub threads: usize,
    /// From "not ready" to a closed listener.
    pub notice: Duration,
    /// How long requests under way are waited for.
    pub drain: Duration,
}

/// How a server comes to its end.
pub enum End {
    /// Requests under way are waited for, and it is over.
    Drain,
    /// Another process accepts in this one's place. What is given is called once nobody is accepted here any more; the
    /// connections there are may bring one more request each, and streams run to their end.
    HandOver(Box<dyn FnOnce() + Send>),
}

/// The client address, bound.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Binds; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is in use, or not this machine's.
    pub fn new(address: SocketAddr) -> Result<Self, Error> {
        let cannot = |cause| Error::Listen { address, cause };
        Self::inherited(TcpListener::bind(address).map_err(cannot)?).map_err(cannot)
    }

    /// A socket that another process has bound.
    ///
    /// # Errors
    /// It is none that listens.
    pub fn inherited(listener: TcpListener) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same socket, for another process.
    ///
    /// # Errors
    /// There are too many open files.
    pub fn twin(&self) -> std::io::Result<TcpListener> {
        self.listener.try_clone()
    }
}

/// Serves until `stop` resolves, drains, returns. `on_listening` is told the address once it accepts connections.
///
/// # Errors
/// The machine gives no threads, or certificates or trust anchors cannot be read.
pub fn run(
    shared: Arc<Shared>,
    settings: &Settings,
    bound: Bound,
    stop: impl Future<Output = End>,
    on_listening: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let Bound { listener, address } = bound;
    let gateway = Gateway::new(Arc::clone(&shared), POOL)?;
    let port = Port::new(proxy(gateway, &shared, settings), Arc::clone(&shared))?;
    let runtime = runtime(settings.threads)?;
    let (closing, closed) = watch::channel(false);
    runtime.block_on(async {
        let cannot = |cause| Error::Listen { address, cause };
        let listener = tokio::net::TcpListener::from_std(listener).map_err(cannot)?;
        let serving = tokio::spawn(Arc::clone(&port).serve(listener, closed));
        shared.ready.store(true, Ordering::Release);
        on_listening(address);
        let end = stop.await;
        shared.ready.store(false, Ordering::Release);
        tracing::info!(under_way = shared.in_flight.count(), "stopping");
        if matches!(end, End::Drain) {
            sleep(settings.notice).await;
        }
        closing.send_replace(true);
        if serving.await.is_err() {
            tracing::error!("the accept loop panicked");
        }
        let (mut bound, mut farewell) = (settings.drain, FAREWELL);
        if let End::HandOver(let_go) = end {
            (bound, farewell) = (bound.max(STREAMS), LINGER);
            if tokio::task::spawn_blocking(let_go).await.is_err() {
                tracing::error!("the hand-over panicked");
            }
        }
        port.emptied(farewell).await;
        port.give_up_idle().await;
        drain(&shared, bound).await;
        Ok(())
    })?;
    runtime.shutdown_timeout(CUT);
    Ok(())
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("kolm-proxy")
        .enable_all()
        .build()
        .map_err(Error::Runtime)
}

/// Pingora's proxy around the data path.
fn proxy(gateway: Gateway, shared: &Shared, settings: &Settings) -> HttpProxy<Gateway> {
    let conf = Arc::new(ServerConf {
        threads: settings.threads.max(1),
        upstream_keepalive_pool_size: POOL,
        // One try for each upstream that may stand in, and for connections that went stale.
        max_retries: TRIES,
        ..ServerConf::default()
    });
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    // Pingora would answer a CONNECT without a receipt; `admit` refuses it with one.
    options.allow_connect_method_proxying = true;
    let config = Arc::clone(&shared.table.load().config);
    let listen = &config.listen;
    options.h2_idle_timeout = Some(listen.keepalive_timeout);
    let mut h2 = default_h2_options();
    // What is a little too large is refused by `admit`, in words; far beyond that `h2` reads no header any more.
    h2.max_header_list_size(u32::try_from(2 * listen.max_header_bytes).unwrap_or(u32::MAX));
    let mut proxy = http_proxy(&conf, gateway);
    proxy.server_options = Some(options);
    proxy.h2_options = Some(h2);
    proxy
}

/// Resolves on SIGTERM or SIGINT.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        },
        (Err(cause), _) | (_, Err(cause)) => {
            tracing::error!(%cause, "signals cannot be listened to");
            std::future::pending::<()>().await;
        }
    }
}

async fn drain(shared: &Shared, bound: Duration) {
    if timeout(bound, shared.in_flight.none()).await.is_err() {
        shared.events.drain_exceeded(shared.in_flight.count());
        shared.in_flight.cut_off();
        timeout(CUT, shared.in_flight.none()).await.unwrap_or_default();
    }
}
