//! Connections: HTTP/1.1 and HTTP/2 without TLS, told when the port stops.
//!
//! **Invariant:** a client that sends nothing, or a header or body without an end, holds no connection for longer
//! than the port's patience, nor the port from ending.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// How long a client is given for the header of its next request, and for each next piece of a body.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after a connection that could not be taken.
const BREATH: Duration = Duration::from_millis(100);
/// How often the first bytes are looked at while they may become HTTP/2's.
const GLANCE: Duration = Duration::from_millis(10);
/// What HTTP/2 begins with and no method of HTTP/1 (RFC 9113, 3.4).
const HTTP2: &[u8] = b"PRI ";

/// Serves `router` on `listener` until `stop` resolves, then lets what is in work end. Who is silent for 30 seconds
/// within a header or a body, or says nothing for as long, is gone; of a body it is an error, and the router's to answer.
pub async fn listen(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    Port::new(router, PATIENCE).run(listener, stop).await;
}

/// What the connections of a port share.
#[derive(Clone)]
struct Port {
    router: Router,
    patience: Duration,
}

impl Port {
    fn new(router: Router, patience: Duration) -> Self {
        Self { router: router.layer(RequestBodyTimeoutLayer::new(patience)), patience }
    }

    async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let open = GracefulShutdown::new();
        let (on, going) = watch::channel(());
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((socket, _)) => {
                    drop(tokio::spawn(self.clone().serve(socket, open.watcher(), going.clone())));
                }
                Err(error) => {
                    tracing::warn!(%error, "the port takes no connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        drop((listener, on));
        open.shutdown().await;
    }

    async fn serve(self, socket: TcpStream, open: Watcher, mut going: watch::Receiver<()>) {
        // Without it a small answer waits 40 ms for the client's acknowledgement.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "nodelay not set");
        }
        let spoke = tokio::select! {
            spoke = tokio::time::timeout(self.patience, speaks(&socket)) => spoke.unwrap_or(false),
            _ = going.changed() => false,
        };
        if !spoke {
            return;
        }
        let mut server = Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(self.patience);
        server.http2().timer(TokioTimer::new()).keep_alive_interval(self.patience);
        let served = server.serve_connection(TokioIo::new(socket), TowerToHyperService::new(self.router));
        if let Err(cause) = open.watch(served).await {
            tracing::trace!(cause, "a connection ended");
        }
    }
}

/// Waits until the first bytes say which HTTP they are; false where none come.
async fn speaks(socket: &TcpStream) -> bool {
    let mut first = [0; HTTP2.len()];
    loop {
        match socket.peek(&mut first).await {
            Ok(0) | Err(_) => return false,
            Ok(n) if n < HTTP2.len() && HTTP2.starts_with(&first[..n]) => tokio::time::sleep(GLANCE).await,
            Ok(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A body that ends before its length does.
    const STALLED: &[u8] =
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{\"model\":";

    #[tokio::test]
    async fn a_port_speaks_http2_and_waits_for_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = |first: &'static [u8]| async move {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(first).await.unwrap();
            socket
        };
        let (told, stop) = tokio::sync::oneshot::channel::<()>();
        let client = async {
            let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
            let mut frame = [0; 9];
            open(settings).await.read_exact(&mut frame).await.unwrap();
            assert_eq!(frame[3], 4, "no SETTINGS");
            for stalled in [&b""[..], b"PR", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
                let mut said = Vec::new();
                // It ends, or is reset where bytes lie unread.
                drop(open(stalled).await.read_to_end(&mut said).await);
                assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408"), "{stalled:?}: {said:?}");
            }
            let mut said = Vec::new();
            open(STALLED).await.read_to_end(&mut said).await.unwrap();
            let said = String::from_utf8(said).unwrap();
            assert!(said.starts_with("HTTP/1.1 408") && said.contains("\"request_timeout\""), "{said}");
            // One that says nothing while the port ends.
            let last = open(b"").await;
            told.send(()).unwrap();
            last
        };
        let service = crate::tests::service(crate::Settings::default(), None);
        let port = Port::new(service.router(), Duration::from_millis(300));
        let run = port.run(listener, async { stop.await.unwrap() });
        let ((), _last) = tokio::join!(run, client);
    }
}
