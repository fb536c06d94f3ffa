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
use crate::in_flight::InFlight;
use crate::listen::Port;
use crate::phases::Gateway;
use crate::table::Shared;

const POOL: usize = 512;
const CUT: Duration = Duration::from_secs(1);

/// How to listen and how to stop; the rest stands in `[listen]`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The client address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Worker threads.
    pub threads: usize,
    /// From "not ready" to a closed listener.
    pub notice: Duration,
    /// How long requests under way are waited for.
    pub drain: Duration,
}

/// Serves until `stop` resolves, drains, returns. `on_listening` is told the address once it accepts connections.
pub fn run(
    shared: Arc<Shared>,
    settings: &Settings,
    stop: impl Future<Output = ()>,
    on_listening: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let cannot = |cause| Error::Listen { address: settings.address, cause };
    let (listener, address) = bind(settings.address).map_err(cannot)?;
    let gateway = Gateway::new(Arc::clone(&shared), POOL)?;
    let in_flight = Arc::clone(&gateway.in_flight);
    let port = Port::new(proxy(gateway, &shared, settings), Arc::clone(&shared))?;
    let runtime = runtime(settings.threads)?;
    let (closing, closed) = watch::channel(false);
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(cannot)?;
        let serving = tokio::spawn(port.serve(listener, closed));
        shared.ready.store(true, Ordering::Release);
        on_listening(address);
        stop.await;
        shared.ready.store(false, Ordering::Release);
        sleep(settings.notice).await;
        closing.send_replace(true);
        if serving.await.is_err() {
            tracing::error!("the accept loop panicked");
        }
        drain(&shared, &in_flight, settings.drain).await;
        Ok(())
    })?;
    runtime.shutdown_timeout(CUT);
    Ok(())
}

/// A listener and the address it got.
fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
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
        max_retries: 2,
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
    h2.max_header_list_size(u32::try_from(listen.max_header_bytes).unwrap_or(u32::MAX));
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

async fn drain(shared: &Shared, in_flight: &InFlight, bound: Duration) {
    if timeout(bound, in_flight.none()).await.is_err() {
        shared.events.drain_exceeded(in_flight.count());
    }
}
