//! Peers: an address, and how to talk to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kolm_config::{BaseUrl, Engine, Timeouts, Upstream};
use pingora::protocols::tls::CaType;
use pingora::upstreams::peer::{ALPN, HttpPeer};

/// The deadlines of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
}

impl From<&Timeouts> for Deadlines {
    fn from(timeouts: &Timeouts) -> Self {
        Self { connect: timeouts.connect, first_byte: timeouts.first_byte, idle: timeouts.idle }
    }
}

/// A server as it is configured.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) url: &'a BaseUrl,
    pub(crate) extra_ca: Option<&'a Path>,
    pub(crate) deadlines: Deadlines,
}

impl<'a> From<&'a Upstream> for Place<'a> {
    fn from(upstream: &'a Upstream) -> Self {
        let deadlines = Deadlines::from(&upstream.timeouts);
        Self { url: &upstream.base_url, extra_ca: upstream.extra_ca.as_deref(), deadlines }
    }
}

impl<'a> Place<'a> {
    /// One server of a pool.
    pub(crate) fn of_engine(engine: &'a Engine, url: &'a BaseUrl) -> Self {
        let deadlines =
            Deadlines { connect: engine.connect, first_byte: engine.first_byte, idle: engine.idle };
        Self { url, extra_ca: engine.extra_ca.as_deref(), deadlines }
    }
}

/// How long an unused connection is kept.
pub(super) const POOL_IDLE: Duration = Duration::from_secs(60);

/// The peer of one address of a server.
pub(crate) fn peer(address: SocketAddr, place: &Place<'_>, anchors: Option<Arc<CaType>>) -> HttpPeer {
    let url = place.url;
    let mut peer = HttpPeer::new(address, url.tls, if url.tls { url.host.clone() } else { String::new() });
    let deadlines = &place.deadlines;
    let options = &mut peer.options;
    options.connection_timeout = Some(deadlines.connect);
    options.total_connection_timeout = Some(deadlines.connect);
    options.read_timeout = Some(deadlines.first_byte.max(deadlines.idle));
    options.write_timeout = Some(deadlines.idle);
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
