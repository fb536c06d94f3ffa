//! Where the servers of a pool are, and whether they answer.
//!
//! **Invariant:** a name that cannot be resolved keeps the addresses it had; under `airgap` no address outside this
//! host becomes a server.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kolm_config::Engine;
use kolm_core::RouteName;
use pingora::lb::discovery::ServiceDiscovery;
use pingora::lb::health_check::HealthCheck;
use pingora::lb::{Backend, Extensions};
use pingora::protocols::l4::socket::SocketAddr as Address;
use pingora::{Error, ErrorType, Result};
use tokio::time::timeout;

use super::Seats;
use super::select::seat;
use crate::table::Shared;
use crate::upstream::{Place, Upstreams, health};

/// What discovery and checks work with.
pub(super) struct Surveyor {
    pub(super) shared: Arc<Shared>,
    pub(super) upstreams: Arc<Upstreams>,
    pub(super) engine: Engine,
    pub(super) seats: Seats,
}

/// The addresses behind the configured URLs.
pub(super) struct Servers {
    pub(super) by: Arc<Surveyor>,
    pub(super) last: Mutex<HashMap<usize, Vec<std::net::SocketAddr>>>,
}

impl Servers {
    async fn of(&self, index: usize) -> Vec<std::net::SocketAddr> {
        let by = &*self.by;
        let place = Place::of_engine(&by.engine, &by.engine.urls[index]);
        let airgap = by.shared.table.load().config.airgap;
        let found = by.upstreams.addresses(&place, airgap, by.shared.env.clock.micros()).await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(found) = found {
            last.insert(index, found);
        }
        last.get(&index).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl ServiceDiscovery for Servers {
    async fn discover(&self) -> Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        let mut backends = BTreeSet::new();
        for (index, url) in self.by.engine.urls.iter().enumerate() {
            for address in self.of(index).await {
                let mut ext = Extensions::new();
                ext.insert(self.by.seats.at(address, url));
                backends.insert(Backend { addr: Address::Inet(address), weight: 1, ext });
            }
        }
        Ok((backends, HashMap::new()))
    }
}

/// One check: the configured path answers with a success.
pub(super) struct Check {
    pub(super) by: Arc<Surveyor>,
    pub(super) route: RouteName,
}

impl Check {
    async fn status(&self, target: &Backend) -> Option<u16> {
        let (by, seat) = (&*self.by, seat(target)?);
        let place = Place::of_engine(&by.engine, &seat.url);
        let peer = by.upstreams.peer_at(seat.address, &place).ok()?;
        let (key, check) = (by.engine.api_key.as_ref(), &by.engine.health);
        let asked = health::status(&by.upstreams, vec![peer], &seat.url, key, check);
        timeout(check.timeout, asked).await.ok().flatten()
    }
}

#[async_trait]
impl HealthCheck for Check {
    async fn check(&self, target: &Backend) -> Result<()> {
        match self.status(target).await {
            Some(200..300) => {
                if let Some(seat) = seat(target) {
                    seat.trust();
                }
                Ok(())
            }
            Some(_) | None => Error::e_explain(ErrorType::ConnectError, "health check"),
        }
    }

    async fn health_status_change(&self, target: &Backend, healthy: bool) {
        if let Some(seat) = seat(target) {
            self.by.shared.events.engine_turned(&self.route, seat.address, healthy);
        }
    }

    fn backend_summary(&self, target: &Backend) -> String {
        target.addr.to_string()
    }

    fn health_threshold(&self, success: bool) -> usize {
        let thresholds = &self.by.engine.health.thresholds;
        usize::from(if success { thresholds.healthy_after } else { thresholds.unhealthy_after })
    }
}
