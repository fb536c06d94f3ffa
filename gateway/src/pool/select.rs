//! Who is asked next: one after the other, the least busy, or the one that knows the conversation.
//!
//! **Invariant:** a seat that is doubted or fails its checks is never chosen.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use kolm_config::Balance;
use pingora::lb::discovery::ServiceDiscovery;
use pingora::lb::health_check::HealthCheck;
use pingora::lb::selection::{BackendIter, BackendSelection, Consistent, RoundRobin};
use pingora::lb::{Backend, Backends, LoadBalancer};

use super::Seat;

/// A ring of a hundred-odd points a server is looked through at most so far.
const STEPS: usize = 1_024;

/// The three ways.
pub(super) enum Balancer {
    RoundRobin(LoadBalancer<RoundRobin>),
    LeastConnections(LoadBalancer<LeastConnections>),
    Conversation(LoadBalancer<Consistent>),
}

impl Balancer {
    pub(super) fn new(
        balance: Balance,
        servers: Box<dyn ServiceDiscovery + Send + Sync>,
        check: Box<dyn HealthCheck + Send + Sync>,
    ) -> Self {
        let mut backends = Backends::new(servers);
        backends.set_health_check(check);
        match balance {
            Balance::RoundRobin => Self::RoundRobin(LoadBalancer::from_backends(backends)),
            Balance::LeastConnections => Self::LeastConnections(LoadBalancer::from_backends(backends)),
            Balance::Conversation => Self::Conversation(LoadBalancer::from_backends(backends)),
        }
    }

    /// The next seat that may be asked.
    pub(super) fn pick(&self, conversation: &[u8], tried: &[SocketAddr]) -> Option<Arc<Seat>> {
        let accept = |backend: &Backend, healthy: bool| {
            healthy && seat(backend).is_some_and(|seat| !seat.is_doubted() && !tried.contains(&seat.address))
        };
        let backend = match self {
            Self::RoundRobin(all) => all.select_with(conversation, STEPS, accept),
            Self::LeastConnections(all) => all.select_with(conversation, STEPS, accept),
            Self::Conversation(all) => all.select_with(conversation, STEPS, accept),
        };
        backend.as_ref().and_then(seat).cloned()
    }

    /// All seats, and whether each may be asked.
    pub(super) fn seats(&self) -> impl Iterator<Item = (Arc<Seat>, bool)> {
        let backends = self.backends();
        let all = backends.get_backend();
        let seats: Vec<_> = all
            .iter()
            .filter_map(|backend| Some((backend, seat(backend)?)))
            .map(|(backend, seat)| (Arc::clone(seat), backends.ready(backend) && !seat.is_doubted()))
            .collect();
        seats.into_iter()
    }

    /// Looks the servers up again.
    pub(super) async fn update(&self) -> pingora::Result<()> {
        match self {
            Self::RoundRobin(all) => all.update().await,
            Self::LeastConnections(all) => all.update().await,
            Self::Conversation(all) => all.update().await,
        }
    }

    /// Checks every server once.
    pub(super) async fn check(&self) {
        self.backends().run_health_check(true).await;
    }

    fn backends(&self) -> &Backends {
        match self {
            Self::RoundRobin(all) => all.backends(),
            Self::LeastConnections(all) => all.backends(),
            Self::Conversation(all) => all.backends(),
        }
    }
}

pub(super) fn seat(backend: &Backend) -> Option<&Arc<Seat>> {
    backend.ext.get::<Arc<Seat>>()
}

/// The servers by the number of requests under way at each.
pub(super) struct LeastConnections(Vec<Backend>);

/// The order for one request.
pub(super) struct ByLoad {
    order: Vec<Backend>,
    at: usize,
}

impl BackendSelection for LeastConnections {
    type Iter = ByLoad;
    type Config = ();

    fn build(backends: &BTreeSet<Backend>) -> Self {
        Self(backends.iter().cloned().collect())
    }

    fn iter(self: &Arc<Self>, _key: &[u8]) -> ByLoad {
        let mut order = self.0.clone();
        order.sort_by_key(|backend| seat(backend).map_or(usize::MAX, |seat| seat.under_way()));
        ByLoad { order, at: 0 }
    }
}

impl BackendIter for ByLoad {
    fn next(&mut self) -> Option<&Backend> {
        self.at += 1;
        self.order.get(self.at - 1)
    }
}
