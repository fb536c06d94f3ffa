//! What is known about the way to a server: the addresses behind its name, the certificates it is trusted by.
//!
//! **Invariant:** under `airgap` no address outside this host is ever given out.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kolm_config::BaseUrl;
use pingora::protocols::tls::CaType;
use tokio::time::timeout;

use super::{Failed, Why};
use crate::error::Error;
use crate::trust;

const FRESH_US: u64 = 30_000_000;

/// Names and anchors, each looked up once in a while.
#[derive(Default)]
pub(crate) struct Names {
    known: Mutex<HashMap<(String, u16), (u64, Vec<SocketAddr>)>>,
    trusted: Mutex<HashMap<PathBuf, Arc<CaType>>>,
}

impl Names {
    /// The addresses that a name stands for now and that may be talked to.
    pub(crate) async fn allowed(
        &self,
        url: &BaseUrl,
        airgap: bool,
        within: Duration,
        now_us: u64,
    ) -> Result<Vec<SocketAddr>, Failed> {
        let failed = |why, cause: &str| Failed { why, cause: cause.to_owned() };
        let addresses = match timeout(within, self.addresses(&url.host, url.port, now_us)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(_)) => return Err(failed(Why::Connect, "name")),
            Err(_) => return Err(failed(Why::ConnectTimeout, "name")),
        };
        let allowed: Vec<SocketAddr> =
            addresses.into_iter().filter(|address| !airgap || address.ip().is_loopback()).collect();
        if allowed.is_empty() {
            return Err(failed(Why::Airgap, "address outside this host"));
        }
        Ok(allowed)
    }

    /// The anchors of a file, if one is configured.
    pub(crate) fn trusted(&self, extra_ca: Option<&Path>) -> Result<Option<Arc<CaType>>, Failed> {
        let Some(path) = extra_ca else { return Ok(None) };
        let unusable = |_| Failed { why: Why::Connect, cause: "extra_ca".to_owned() };
        self.anchors(path).map(Some).map_err(unusable)
    }

    async fn addresses(&self, host: &str, port: u16, now_us: u64) -> std::io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let key = (host.to_owned(), port);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((at, addresses)) = &known
            && now_us.saturating_sub(*at) < FRESH_US
        {
            return Ok(addresses.clone());
        }
        match tokio::net::lookup_host((host, port)).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                let mut names = self.known.lock().unwrap_or_else(PoisonError::into_inner);
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
