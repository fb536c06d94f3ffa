//! A pool of OpenAI-compatible servers (vLLM, llama.cpp) that is a route's student: balanced and health-checked by
//! `pingora-load-balancing`. `select` chooses among them, `probe` looks after them, `keep` owns the task.
//!
//! **Invariant:** a server that refused or broke a connection gets no request until a check of it has passed.

mod keep;
mod probe;
mod select;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kolm_config::{BaseUrl, Engine};
use kolm_core::{ArtifactId, EngineStatus, hex};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

pub(crate) use self::keep::raise;
use self::select::Balancer;

/// The servers of one route.
pub struct Pool {
    /// Their configuration.
    pub(crate) engine: Engine,
    balancer: Balancer,
    /// Wakes the keeper: a connection failed.
    doubt: Arc<Notify>,
}

/// One server at one address.
pub(crate) struct Seat {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// What it is called.
    pub(crate) url: BaseUrl,
    /// No check has passed since it was last seen failing.
    doubted: AtomicBool,
    under_way: AtomicUsize,
}

impl Seat {
    fn new(address: SocketAddr, url: BaseUrl) -> Self {
        Self { address, url, doubted: AtomicBool::new(true), under_way: AtomicUsize::new(0) }
    }

    fn doubt(&self) {
        self.doubted.store(true, Ordering::Release);
    }

    fn trust(&self) {
        self.doubted.store(false, Ordering::Release);
    }

    fn is_doubted(&self) -> bool {
        self.doubted.load(Ordering::Acquire)
    }

    fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }
}

/// All seats there ever were, so that a server that comes back has its own again.
#[derive(Default)]
pub(crate) struct Seats(Mutex<HashMap<SocketAddr, Arc<Seat>>>);

impl Seats {
    fn at(&self, address: SocketAddr, url: &BaseUrl) -> Arc<Seat> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seats.entry(address).or_insert_with(|| Arc::new(Seat::new(address, url.clone()))))
    }
}

/// A request's place at a server, until dropped.
pub(crate) struct Seated(Arc<Seat>);

impl Seated {
    fn new(seat: Arc<Seat>) -> Self {
        seat.under_way.fetch_add(1, Ordering::Relaxed);
        Self(seat)
    }

    /// The server.
    pub(crate) fn seat(&self) -> &Seat {
        &self.0
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// The next server for a conversation, none of `tried`.
    pub(crate) fn pick(&self, conversation: &[u8], tried: &[SocketAddr]) -> Option<Seated> {
        self.balancer.pick(conversation, tried).map(Seated::new)
    }

    /// Whether any server can be asked.
    pub(crate) fn is_up(&self) -> bool {
        self.balancer.seats().any(|(_, ready)| ready)
    }

    /// A connection to a server failed: nothing goes there until a check has passed.
    pub(crate) fn doubt(&self, seat: &Seat) {
        seat.doubt();
        self.doubt.notify_one();
    }

    /// What a person is shown.
    pub(crate) fn status(&self) -> Vec<EngineStatus> {
        let shown = |(seat, ready): (Arc<Seat>, bool)| EngineStatus {
            address: seat.address.to_string(),
            ready,
            under_way: seat.under_way() as u64,
        };
        self.balancer.seats().map(shown).collect()
    }
}

/// What an engine is in Decisions and receipts: as configured, else a digest of the name it goes by.
pub(crate) fn identity(engine: &Engine) -> ArtifactId {
    if let Some(artifact) = &engine.artifact {
        return artifact.clone();
    }
    let digest = Sha256::new().chain_update(b"kolm-engine/1\0").chain_update(&engine.served_model).finalize();
    #[expect(clippy::expect_used, reason = "64 hex digits are an artifact identity")]
    format!("sha256:{}", hex(&digest)).parse().expect("identity")
}

#[cfg(test)]
mod tests;
