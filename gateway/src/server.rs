//! The listener: binds, serves, drains, and returns to whoever called.
//!
//! Pingora's own `Server::run` sleeps its whole grace period and forks, exits and reads a command line on the way;
//! its `Service` is all that is needed here.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpServerOptions, ServerApp};
use pingora::protocols::Stream;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::configuration::ServerConf;
use pingora::server::{Fds, ListenFds, ShutdownWatch};
use pingora::services::Service as _;
use pingora::services::listening::Service;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::in_flight::InFlight;
use crate::phases::Gateway;
use crate::table::Shared;

const POOL: usize = 512;
const PREFACE: usize = 24;
const TRIES: usize = 16;
const H2_IDLE: Duration = Duration::from_secs(300);
const CUT: Duration = Duration::from_secs(1);

/// How to listen and how to stop.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The client address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Worker threads.
    pub threads: usize,
    /// How long a new connection may take for its first bytes.
    pub header_timeout: Duration,
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
    let listener = TcpListener::bind(settings.address).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let gateway = Gateway::new(Arc::clone(&shared), POOL)?;
    let in_flight = Arc::clone(&gateway.in_flight);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.threads.max(1))
        .thread_name("kolm-proxy")
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let mut service = service(gateway, settings, address);
    let mut fds = Fds::new();
    fds.add(address.to_string(), listener.into_raw_fd());
    let fds: ListenFds = Arc::new(fds.into());
    let (closing, closed) = watch::channel(false);
    runtime.block_on(async {
        let stopping = async {
            shared.ready.store(true, Ordering::Release);
            on_listening(address);
            stop.await;
            shared.ready.store(false, Ordering::Release);
            sleep(settings.notice).await;
            closing.send_replace(true);
        };
        tokio::join!(service.start_service(Some(fds), closed, 1), stopping);
        drain(&shared, &in_flight, settings.drain).await;
    });
    runtime.shutdown_timeout(CUT);
    Ok(())
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

fn service(gateway: Gateway, settings: &Settings, address: SocketAddr) -> Service<Front> {
    let conf = Arc::new(ServerConf {
        threads: settings.threads.max(1),
        upstream_keepalive_pool_size: POOL,
        // One try for each upstream that may stand in, and for connections that went stale.
        max_retries: TRIES,
        ..ServerConf::default()
    });
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    options.h2_idle_timeout = Some(H2_IDLE);
    let mut proxy = http_proxy(&conf, gateway);
    proxy.server_options = Some(options);
    let front = Front { proxy: Arc::new(proxy), header_timeout: settings.header_timeout };
    let mut service = Service::new("kolm".to_owned(), front);
    service.add_tcp(&address.to_string());
    service
}

async fn drain(shared: &Shared, in_flight: &InFlight, bound: Duration) {
    if timeout(bound, in_flight.none()).await.is_err() {
        shared.events.drain_exceeded(in_flight.count());
    }
}

/// Bounds the wait for a connection's first bytes, which Pingora's look for an HTTP/2 preface leaves unbounded.
struct Front {
    proxy: Arc<HttpProxy<Gateway>>,
    header_timeout: Duration,
}

#[async_trait]
impl ServerApp for Front {
    async fn process_new(self: &Arc<Self>, mut stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let mut preface = [0; PREFACE];
        timeout(self.header_timeout, stream.try_peek(&mut preface)).await.ok()?.ok()?;
        self.proxy.process_new(stream, shutdown).await
    }

    async fn cleanup(&self) {
        ServerApp::cleanup(&*self.proxy).await;
    }
}
