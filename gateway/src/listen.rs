//! The port for clients: accepts, counts, encrypts, and hands each connection to Pingora.
//!
//! **Invariant:** a connection costs one task and no large buffer, and none is waited for without a deadline.

mod connection;
mod date;
mod deadline;
mod frames;
mod places;
mod refusal;
mod socket;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use kolm_config::Config;
use pingora::apps::{HttpServerApp, ServerApp};
use pingora::listeners::tls::Acceptor;
use pingora::protocols::http::ServerSession;
use pingora::protocols::{Shutdown as _, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

pub(crate) use self::connection::Connection;
use self::connection::Speaks;
use self::places::Places;
use self::socket::Socket;
use crate::error::Error;
use crate::keep::keep;
use crate::phases::Gateway;
use crate::table::Shared;

/// How long to wait when the system has no more sockets to give.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// How often a port that is to close looks whether it is empty.
const LOOK: Duration = Duration::from_millis(10);

/// The port for clients.
pub(crate) struct Port {
    proxy: Arc<HttpProxy<Gateway>>,
    shared: Arc<Shared>,
    tls: ArcSwapOption<Acceptor>,
    places: Arc<Places>,
}

impl Port {
    /// A port with the certificates that are configured now.
    pub(crate) fn new(proxy: HttpProxy<Gateway>, shared: Arc<Shared>) -> Result<Arc<Self>, Error> {
        let tls = tls::acceptor(&shared, &shared.table.load().config.listen)?;
        let (proxy, places) = (Arc::new(proxy), Arc::default());
        Ok(Arc::new(Self { proxy, shared, tls: ArcSwapOption::new(tls), places }))
    }

    /// Accepts connections until `closing` says to stop; the listener is closed then. Connections go on: each answer
    /// is the last of its connection.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, mut closing: ShutdownWatch) {
        let port = Arc::clone(&self);
        let watch = move || tls::watch(Arc::clone(&port));
        let shared = Arc::clone(&self.shared);
        let watching = tokio::spawn(async move { keep(&shared.events, "certificates", watch).await });
        let closed = closing.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, client)) => self.welcome(stream, client, &closed),
                Err(cause) => self.cannot_accept(&cause).await,
            }
        }
        drop(listener);
        watching.abort();
    }

    /// Closes the connections that have no request under way.
    pub(crate) async fn give_up_idle(&self) {
        ServerApp::cleanup(&*self.proxy).await;
    }

    /// Waits until no connection is left, at most so long.
    pub(crate) async fn emptied(&self, most: Duration) {
        let empty = async {
            while self.places.taken() > 0 {
                sleep(LOOK).await;
            }
        };
        timeout(most, empty).await.unwrap_or_default();
    }

    fn welcome(self: &Arc<Self>, stream: TcpStream, client: SocketAddr, closing: &ShutdownWatch) {
        let config = Arc::clone(&self.shared.table.load().config);
        let place = match self.places.take(client.ip(), &config.listen) {
            Ok(place) => place,
            Err(limit) => return self.shared.events.connection_refused(limit),
        };
        let (port, closing) = (Arc::clone(self), closing.clone());
        tokio::spawn(async move {
            if let Some(wire) = port.wire(stream, client, &config).await {
                port.converse(wire, config, &closing).await;
            }
            drop(place);
        });
    }

    /// What a connection's bytes go through: TLS where it is configured.
    async fn wire(&self, stream: TcpStream, client: SocketAddr, config: &Config) -> Option<Stream> {
        stream.set_nodelay(true).ok()?;
        let socket = Socket::new(stream, client);
        let Some(acceptor) = self.tls.load_full() else { return Some(Box::new(socket)) };
        let limit =
            config.listen.tls.as_ref().map_or(config.listen.header_timeout, |tls| tls.handshake_timeout);
        // Boxed: a connection would keep the room for its handshake as long as it lives.
        match timeout(limit, Box::pin(acceptor.tls_handshake(socket))).await {
            Ok(Ok(wire)) => Some(Box::new(wire)),
            Ok(Err(_)) => {
                self.shared.events.connection_cut("handshake");
                None
            }
            Err(_) => {
                self.shared.events.connection_cut("handshake_timeout");
                None
            }
        }
    }

    /// All requests of a connection, one after the other.
    async fn converse(&self, wire: Stream, config: Arc<Config>, closing: &ShutdownWatch) {
        let mut connection = Connection::new(wire, Arc::clone(&self.shared), config);
        let Ok((speaks, first)) = connection.listen().await else { return connection.shutdown().await };
        let connection: Stream = Box::new(connection);
        if speaks == Speaks::H2 {
            self.proxy.process_new(connection, closing).await;
            return;
        }
        let mut session = ServerSession::new_http1(connection);
        // 0: without a timer of Pingora's own; the connection has one.
        session.set_keepalive(if *closing.borrow() { None } else { Some(0) });
        session.set_pipelined_prefix(first);
        while let Some(reused) = self.proxy.process_new_http(session, closing).await {
            let (stream, settings) = reused.consume();
            let Ok(mut connection) = stream.into_any().downcast::<Connection>() else { return };
            connection.rearm();
            session = ServerSession::new_http1(connection);
            if let Some(settings) = settings {
                settings.apply_to_session(&mut session);
            }
        }
    }

    async fn cannot_accept(&self, cause: &std::io::Error) {
        use std::io::ErrorKind;
        // A client that has left already is no fault of this system's.
        if !matches!(
            cause.kind(),
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
        ) {
            self.shared.events.accept_failed(cause);
            sleep(EXHAUSTED).await;
        }
    }
}
