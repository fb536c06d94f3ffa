//! `[listen]`: the port for clients, its limits and its certificates.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::certificate::{self, Certified};
use crate::problem::{BAD_ANCHORS, BAD_CERTIFICATE, FORM, RANGE};
use crate::table::{Checker, Node, Table, boolean, count, items, parsed, size, string};

/// The port for clients.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Its address.
    pub address: SocketAddr,
    /// Whether HTTP/2 is spoken beside HTTP/1.1.
    pub h2: bool,
    /// Greatest request body that is read to be routed.
    pub max_body_bytes: u64,
    /// Greatest request header.
    pub max_header_bytes: u64,
    /// Time for a client to send its whole header.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub keepalive_timeout: Duration,
    /// Longest pause of a client within a body, either way.
    pub body_timeout: Duration,
    /// Most connections at once.
    pub max_connections: u64,
    /// Most connections of one address at once; 0 = no limit.
    pub max_connections_per_ip: u64,
    /// TLS; without it the port speaks plain HTTP.
    pub tls: Option<Tls>,
}

/// TLS on the port for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificates; the first serves names that no other has.
    pub certificates: Vec<CertificateFiles>,
    /// Authorities whose client certificates are good.
    pub client_ca: Option<PathBuf>,
    /// Whether clients are asked for a certificate.
    pub client_auth: ClientAuth,
    /// Time for the handshake.
    pub handshake_timeout: Duration,
}

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain in PEM, the certificate itself first.
    pub cert: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// No.
    None,
    /// Asked; one that is shown must be good.
    Request,
    /// Asked, and needed.
    Require,
}

impl FromStr for ClientAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "request" => Ok(Self::Request),
            "require" => Ok(Self::Require),
            _ => Err("must be \"none\", \"request\" or \"require\""),
        }
    }
}

pub(crate) fn listen(check: &mut Checker<'_>, mut table: Table<'_>) -> Listen {
    let tls = table.node("tls").and_then(|node| tls(check, &node));
    let out = Listen {
        address: table.or(check, "address", parsed, SocketAddr::from(([127, 0, 0, 1], 8765))),
        h2: table.or(check, "h2", boolean, true),
        max_body_bytes: table.within(check, "max_body_bytes", size, 32 << 20, 1 << 10..1 << 32),
        max_header_bytes: table.within(check, "max_header_bytes", size, 64 << 10, 4 << 10..1 << 20),
        header_timeout: table.wait(check, "header_timeout", Duration::from_secs(10)),
        keepalive_timeout: table.wait(check, "keepalive_timeout", Duration::from_secs(75)),
        body_timeout: table.wait(check, "body_timeout", Duration::from_secs(60)),
        max_connections: table.within(check, "max_connections", count, 16_384, 1..1 << 24),
        max_connections_per_ip: table.or(check, "max_connections_per_ip", count, 0),
        tls,
    };
    table.finish(check);
    out
}

fn tls(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Tls> {
    let mut table = Table::of(check, node);
    let certificates: Vec<_> = match table.node("certificates") {
        Some(node) => items(check, &node).iter().filter_map(|node| files(check, node)).collect(),
        None => {
            let hint = "make one with `kolm ca init` and `kolm ca issue HOST`";
            let place = table.at("certificates");
            check.add_with_hint(FORM, &place, "TLS needs at least one certificate", Some(hint));
            Vec::new()
        }
    };
    let client_ca = table.optional(check, "client_ca", string).map(|path| check.resolve(&path));
    if let Some(Err(bad)) = client_ca.as_deref().map(certificate::anchors) {
        let hint = "give `client_ca` a PEM file with the certificate of the authority";
        check.add_with_hint(BAD_ANCHORS, &table.at("client_ca"), bad.to_string(), Some(hint));
    }
    let client_auth = table.or(check, "client_auth", parsed, ClientAuth::None);
    if client_auth != ClientAuth::None && client_ca.is_none() {
        let message = "client certificates are checked against `client_ca`, which is missing";
        check.add(RANGE, &table.at("client_auth"), message);
    }
    let handshake_timeout = table.wait(check, "handshake_timeout", Duration::from_secs(10));
    table.finish(check);
    Some(Tls { certificates, client_ca, client_auth, handshake_timeout })
}

fn files(check: &mut Checker<'_>, node: &Node<'_>) -> Option<CertificateFiles> {
    let mut table = Table::of(check, node);
    let cert = table.optional(check, "cert", string).map(|path| check.resolve(&path));
    let key = table.optional(check, "key", string).map(|path| check.resolve(&path));
    let place = table.place.clone();
    table.finish(check);
    let (Some(cert), Some(key)) = (cert, key) else {
        check.add(FORM, &place, "a certificate needs `cert` and `key`, the paths of two PEM files");
        return None;
    };
    let files = CertificateFiles { cert, key };
    if let Err(bad) = Certified::load(&files) {
        check.add_with_hint(BAD_CERTIFICATE, &place, bad.to_string(), Some(bad.hint()));
    }
    Some(files)
}
