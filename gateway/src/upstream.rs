//! The way to an upstream or a student: connections, and one exchange up to the response head. `names` knows where
//! a server is, `peer` how to talk to it, `guard` whether it is to be asked at all, `failover` who is asked in its
//! place, and `health` looks after it in the background.
//!
//! **Invariant:** a request is sent a second time only when a reused connection broke before any byte came back.

mod exchange;
pub(crate) mod failover;
pub mod guard;
pub(crate) mod health;
mod line;
mod names;
mod peer;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use kolm_config::Upstream;
use pingora::connectors::ConnectorOptions;
use pingora::connectors::http::Connector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::client::HttpSession;
use pingora::protocols::http::v1::client::HttpSession as Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{BError, ErrorType};
use tokio::time::timeout;

use self::exchange::{Broke, exchange};
use self::line::Line;
use self::names::Names;
use self::peer::POOL_IDLE;
pub(crate) use self::peer::{Deadlines, Place, student_peer};
use crate::error::Error;
use crate::pool::Seated;
use crate::trust;

const ADDRESSES_TRIED: usize = 3;

/// How a call failed before its response head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// No connection.
    Connect,
    /// A deadline passed while connecting.
    ConnectTimeout,
    /// A deadline passed while waiting for the response head.
    Timeout,
    /// The connection broke, or what came back was no HTTP.
    Broken,
    /// The address is outside this host, and `airgap` is on.
    Airgap,
}

impl Why {
    /// The name in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Airgap => "airgap",
        }
    }

    /// Whether it says something of the upstream, and not of our own rules.
    pub(crate) fn blames_upstream(self) -> bool {
        match self {
            Self::Connect | Self::ConnectTimeout | Self::Timeout | Self::Broken => true,
            Self::Airgap => false,
        }
    }

    /// Whether a deadline passed.
    pub(crate) fn is_timeout(self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::Timeout)
    }
}

/// A failed call.
#[derive(Debug)]
pub(crate) struct Failed {
    /// What went wrong.
    pub(crate) why: Why,
    /// The error's kind, for the log: never bytes of a message.
    pub(crate) cause: String,
}

impl Failed {
    fn of(why: Why, cause: &BError) -> Self {
        Self { why, cause: cause.etype().as_str().to_owned() }
    }
}

/// A call whose response head has come.
pub(crate) struct Call {
    /// The connection, positioned at the body.
    pub(crate) session: HttpSession,
    /// The head as it came.
    pub(crate) head: ResponseHeader,
    /// The place it takes in a pool, until it is over.
    pub(crate) seat: Option<Seated>,
    peer: Box<HttpPeer>,
}

/// Connections and what is known about the way.
pub(crate) struct Upstreams {
    connector: Connector<()>,
    names: Names,
}

impl Upstreams {
    /// Fails where Pingora would panic: on trust anchors that cannot be read.
    pub(crate) fn new(pool: usize) -> Result<Self, Error> {
        trust::platform()?;
        Ok(Self { connector: Connector::new(Some(ConnectorOptions::new(pool))), names: Names::default() })
    }

    /// The peers an upstream's name stands for now, in the order to try.
    pub(crate) async fn peers(
        &self,
        upstream: &Upstream,
        airgap: bool,
        now_us: u64,
    ) -> Result<Vec<HttpPeer>, Failed> {
        let place = Place::from(upstream);
        let allowed = self.addresses(&place, airgap, now_us).await?;
        let anchors = self.names.trusted(place.extra_ca)?;
        let tried = allowed.into_iter().take(ADDRESSES_TRIED);
        Ok(tried.map(|address| peer::peer(address, &place, anchors.clone())).collect())
    }

    /// The peer of one known address of a server.
    pub(crate) fn peer_at(&self, address: SocketAddr, place: &Place<'_>) -> Result<HttpPeer, Failed> {
        Ok(peer::peer(address, place, self.names.trusted(place.extra_ca)?))
    }

    /// The addresses that a server's name stands for now.
    pub(crate) async fn addresses(
        &self,
        place: &Place<'_>,
        airgap: bool,
        now_us: u64,
    ) -> Result<Vec<SocketAddr>, Failed> {
        self.names.allowed(place.url, airgap, place.deadlines.connect, now_us).await
    }

    /// Sends a request and waits for the response head; addresses are tried in turn until one connects.
    pub(crate) async fn call(
        &self,
        peers: Vec<HttpPeer>,
        head: &RequestHeader,
        body: &Bytes,
        deadlines: Deadlines,
    ) -> Result<Call, Failed> {
        let mut last = Failed { why: Why::Connect, cause: "no address".to_owned() };
        for peer in peers {
            let (session, reused) = match self.connect(&peer, deadlines.connect).await {
                Ok(connected) => connected,
                Err(failed) => {
                    last = failed;
                    continue;
                }
            };
            return match exchange(session, head, body, deadlines).await {
                Ok((session, head)) => Ok(Call { session, head, seat: None, peer: Box::new(peer) }),
                Err(broke) if broke.unseen || reused && broke.stale => {
                    Box::pin(self.again(peer, head, body, deadlines)).await
                }
                Err(broke) => Err(Box::pin(self.failed(broke, &peer)).await),
            };
        }
        Err(last)
    }

    /// The one repetition: on a connection that no pool has seen.
    async fn again(
        &self,
        peer: HttpPeer,
        head: &RequestHeader,
        body: &Bytes,
        deadlines: Deadlines,
    ) -> Result<Call, Failed> {
        let mut unpooled = peer.clone();
        unpooled.group_key = !peer.group_key;
        let (session, _) = self.connect(&unpooled, deadlines.connect).await?;
        match exchange(session, head, body, deadlines).await {
            Ok((session, head)) => Ok(Call { session, head, seat: None, peer: Box::new(peer) }),
            Err(broke) => Err(self.failed(broke, &unpooled).await),
        }
    }

    /// What went wrong; a connection that fell silent leaves its pool.
    async fn failed(&self, broke: Broke, peer: &HttpPeer) -> Failed {
        if let Some(silent) = broke.silent {
            self.connector.release_http_session(silent, peer, None).await;
        }
        broke.failed
    }

    /// Gives a connection back whose response was read to its end.
    pub(crate) async fn release(&self, call: Call) {
        // Boxed: whoever reads a stream would keep the room for its end all along.
        Box::pin(self.connector.release_http_session(call.session, &*call.peer, Some(POOL_IDLE))).await;
    }

    async fn connect(&self, peer: &HttpPeer, bound: Duration) -> Result<(HttpSession, bool), Failed> {
        match timeout(bound, Box::pin(self.connector.get_http_session(peer))).await {
            Ok(Ok((HttpSession::H1(fresh), false))) => {
                let wire = Box::new(Line::new(fresh.into_inner()));
                Ok((HttpSession::H1(Session::new_with_options(wire, peer)), false))
            }
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(cause)) => {
                let late =
                    matches!(cause.etype(), ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout);
                Err(Failed::of(if late { Why::ConnectTimeout } else { Why::Connect }, &cause))
            }
            Err(_) => Err(Failed { why: Why::ConnectTimeout, cause: "deadline".to_owned() }),
        }
    }
}
