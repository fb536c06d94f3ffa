//! The way to an upstream or a student: names, trust, connections, and one exchange up to the response head.
//!
//! **Invariant:** a request is sent a second time only when a reused connection broke before any byte came back.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kolm_config::Upstream;
use pingora::connectors::ConnectorOptions;
use pingora::connectors::http::Connector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::client::HttpSession;
use pingora::protocols::tls::CaType;
use pingora::upstreams::peer::{ALPN, HttpPeer};
use pingora::{BError, ErrorType, RetryType};
use tokio::time::timeout;

use crate::error::Error;
use crate::trust;

const POOL_IDLE: Duration = Duration::from_secs(60);
const NAMES_FRESH_US: u64 = 30_000_000;
const ADDRESSES_TRIED: usize = 3;
const PIECE: usize = 64 << 10;

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

/// The deadlines of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
}

/// A call whose response head has come.
pub(crate) struct Call {
    /// The connection, positioned at the body.
    pub(crate) session: HttpSession,
    /// The head as it came.
    pub(crate) head: ResponseHeader,
    peer: Box<HttpPeer>,
}

/// Connections and what is known about the way.
pub(crate) struct Upstreams {
    connector: Connector<()>,
    names: Mutex<HashMap<(String, u16), (u64, Vec<SocketAddr>)>>,
    trusted: Mutex<HashMap<PathBuf, Arc<CaType>>>,
}

impl Upstreams {
    /// Fails where Pingora would panic: on trust anchors that cannot be read.
    pub(crate) fn new(pool: usize) -> Result<Self, Error> {
        trust::platform()?;
        Ok(Self {
            connector: Connector::new(Some(ConnectorOptions::new(pool))),
            names: Mutex::default(),
            trusted: Mutex::default(),
        })
    }

    /// The peers an upstream's name stands for now, in the order to try.
    pub(crate) async fn peers(
        &self,
        upstream: &Upstream,
        airgap: bool,
        now_us: u64,
    ) -> Result<Vec<HttpPeer>, Failed> {
        let failed = |why, cause: &str| Failed { why, cause: cause.to_owned() };
        let url = &upstream.base_url;
        let looked_up = self.addresses(&url.host, url.port, now_us);
        let addresses = match timeout(upstream.timeouts.connect, looked_up).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(_)) => return Err(failed(Why::Connect, "name")),
            Err(_) => return Err(failed(Why::ConnectTimeout, "name")),
        };
        let allowed: Vec<SocketAddr> =
            addresses.into_iter().filter(|address| !airgap || address.ip().is_loopback()).collect();
        if allowed.is_empty() {
            return Err(failed(Why::Airgap, "address outside this host"));
        }
        let anchors = match &upstream.extra_ca {
            Some(path) => Some(self.anchors(path).map_err(|_| failed(Why::Connect, "extra_ca"))?),
            None => None,
        };
        Ok(allowed
            .into_iter()
            .take(ADDRESSES_TRIED)
            .map(|address| peer(address, upstream, anchors.clone()))
            .collect())
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
                Ok((session, head)) => Ok(Call { session, head, peer: Box::new(peer) }),
                Err(broke) if reused && broke.stale => self.again(peer, head, body, deadlines).await,
                Err(broke) => Err(broke.failed),
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
        let (session, head) = exchange(session, head, body, deadlines).await.map_err(|broke| broke.failed)?;
        Ok(Call { session, head, peer: Box::new(peer) })
    }

    /// Gives a connection back whose response was read to its end.
    pub(crate) async fn release(&self, call: Call) {
        self.connector.release_http_session(call.session, &*call.peer, Some(POOL_IDLE)).await;
    }

    async fn connect(&self, peer: &HttpPeer, bound: Duration) -> Result<(HttpSession, bool), Failed> {
        match timeout(bound, Box::pin(self.connector.get_http_session(peer))).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(cause)) => {
                let late =
                    matches!(cause.etype(), ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout);
                Err(Failed::of(if late { Why::ConnectTimeout } else { Why::Connect }, &cause))
            }
            Err(_) => Err(Failed { why: Why::ConnectTimeout, cause: "deadline".to_owned() }),
        }
    }

    async fn addresses(&self, host: &str, port: u16, now_us: u64) -> std::io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let key = (host.to_owned(), port);
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((at, addresses)) = &known
            && now_us.saturating_sub(*at) < NAMES_FRESH_US
        {
            return Ok(addresses.clone());
        }
        match tokio::net::lookup_host((host, port)).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
                names.insert(key, (now_us, found.clone()));
                Ok(found)
            }
            // A resolver that is down does not take a working upstream with it.
            Err(cause) => known.map(|(_, addresses)| addresses).ok_or(cause),
        }
    }

    fn anchors(&self, path: &Path) -> Result<Arc<CaType>, Error> {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = trusted.get(path) {
            return Ok(known.clone());
        }
        let read = trust::anchors(path)?;
        trusted.insert(path.to_owned(), read.clone());
        Ok(read)
    }
}

/// The peer of one address of an upstream.
fn peer(address: SocketAddr, upstream: &Upstream, anchors: Option<Arc<CaType>>) -> HttpPeer {
    let url = &upstream.base_url;
    let mut peer = HttpPeer::new(address, url.tls, if url.tls { url.host.clone() } else { String::new() });
    let timeouts = &upstream.timeouts;
    let options = &mut peer.options;
    options.connection_timeout = Some(timeouts.connect);
    options.total_connection_timeout = Some(timeouts.connect);
    options.read_timeout = Some(timeouts.first_byte.max(timeouts.idle));
    options.write_timeout = Some(timeouts.idle);
    options.idle_timeout = Some(POOL_IDLE);
    options.alpn = if url.tls { ALPN::H2H1 } else { ALPN::H1 };
    options.max_h2_streams = 100;
    if let Some(anchors) = anchors {
        // Connections verified against other anchors are not to be shared.
        peer.group_key = anchors.as_ptr() as usize as u64;
        options.ca = Some(anchors);
    }
    peer
}

/// The peer of a student on this host.
pub(crate) fn student_peer(address: SocketAddr, connect: Duration) -> HttpPeer {
    let mut peer = HttpPeer::new(address, false, String::new());
    peer.options.connection_timeout = Some(connect);
    peer.options.idle_timeout = Some(POOL_IDLE);
    peer
}

struct Broke {
    failed: Failed,
    /// Nothing had come back, and it looks like a connection that the other side had given up.
    stale: bool,
}

async fn exchange(
    mut session: HttpSession,
    head: &RequestHeader,
    body: &Bytes,
    deadlines: Deadlines,
) -> Result<(HttpSession, ResponseHeader), Broke> {
    session.set_write_timeout(Some(deadlines.idle));
    session.set_read_timeout(Some(deadlines.first_byte));
    let written = write(&mut session, head, body).await;
    // An upstream may answer before it has read everything: what it says counts, not that it stopped reading.
    let read = timeout(deadlines.first_byte, read_head(&mut session)).await;
    let late = || Failed { why: Why::Timeout, cause: "first byte".to_owned() };
    match (read, written) {
        (Ok(Ok(response)), _) => {
            session.set_read_timeout(Some(deadlines.idle));
            Ok((session, response))
        }
        (Ok(Err(cause)), Ok(())) => Err(broke(&cause)),
        (Ok(Err(_)), Err(cause)) => Err(broke(&cause)),
        (Err(_), _) => Err(Broke { failed: late(), stale: false }),
    }
}

fn broke(cause: &BError) -> Broke {
    let late = matches!(cause.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout);
    let lost = matches!(cause.retry, RetryType::ReusedOnly | RetryType::Decided(true))
        || *cause.etype() == ErrorType::WriteError;
    let context = cause.context.as_ref().map(|context| context.as_str()).unwrap_or_default();
    let some_came = context.contains("already read: ") && !context.ends_with("already read: 0");
    Broke {
        failed: Failed::of(if late { Why::Timeout } else { Why::Broken }, cause),
        stale: lost && !late && !some_came,
    }
}

async fn write(session: &mut HttpSession, head: &RequestHeader, body: &Bytes) -> Result<(), BError> {
    session.write_request_header(Box::new(head.clone())).await?;
    let mut at = 0;
    while at < body.len() {
        let end = (at + PIECE).min(body.len());
        session.write_request_body(body.slice(at..end), end == body.len()).await?;
        at = end;
    }
    session.finish_request_body().await
}

async fn read_head(session: &mut HttpSession) -> Result<ResponseHeader, BError> {
    loop {
        session.read_response_header().await?;
        let Some(head) = session.response_header() else {
            return Err(pingora::Error::explain(ErrorType::InvalidHTTPHeader, "no response head"));
        };
        match head.status.as_u16() {
            101 => return Err(pingora::Error::explain(ErrorType::InvalidHTTPHeader, "unasked upgrade")),
            100..200 => {}
            _ => return Ok(head.clone()),
        }
    }
}
