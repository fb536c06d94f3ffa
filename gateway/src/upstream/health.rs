//! Active health checks, in the background: one request now and then to every upstream that is to be checked.
//!
//! **Invariant:** off the request path; carries no caller's credential; under `airgap` it leaves the host as little as
//! a request does. A check that panics is a failed check, and the others go on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use kolm_config::{BaseUrl, Config, HealthCheck, Secret, Upstream};
use pingora::http::RequestHeader;
use pingora::upstreams::peer::HttpPeer;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::{Deadlines, Upstreams};
use crate::error::Error;
use crate::table::Shared;

/// How often it is looked whose turn it is.
const TICK: Duration = Duration::from_millis(100);
const CONNECTIONS: usize = 16;
/// Most of an answer that is read to keep its connection.
const READ: usize = 1 << 20;

/// Checks upstreams until told to stop.
pub(crate) struct Checker {
    shared: Arc<Shared>,
    upstreams: Arc<Upstreams>,
    /// When each upstream was last asked.
    asked: BTreeMap<String, u64>,
    under_way: JoinSet<String>,
    /// Whose answer is still waited for.
    waiting: HashMap<tokio::task::Id, String>,
}

impl Checker {
    /// Connections for the checks.
    ///
    /// # Errors
    /// The trust anchors of the machine cannot be read.
    pub(crate) fn connections() -> Result<Arc<Upstreams>, Error> {
        Upstreams::new(CONNECTIONS).map(Arc::new)
    }

    /// A checker that has asked nobody yet.
    pub(crate) fn new(shared: Arc<Shared>, upstreams: Arc<Upstreams>) -> Self {
        let (asked, under_way, waiting) = (BTreeMap::new(), JoinSet::new(), HashMap::new());
        Self { shared, upstreams, asked, under_way, waiting }
    }

    /// Works until `stop`.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut tick = interval(TICK);
        loop {
            tokio::select! {
                _ = tick.tick() => self.look(),
                Some(ended) = self.under_way.join_next_with_id() => self.ended(ended),
                _ = stop.changed() => return,
            }
        }
    }

    /// Starts the checks whose turn it is.
    fn look(&mut self) {
        let config = Arc::clone(&self.shared.table.load().config);
        let now = self.shared.env.clock.micros();
        for (name, upstream) in &config.upstreams {
            let Some(check) = &upstream.health else {
                if self.asked.remove(name).is_some() {
                    self.shared.guards.of(name).unchecked();
                }
                continue;
            };
            let due = self.asked.get(name).is_none_or(|at| now.saturating_sub(*at) >= micros(check.interval));
            if due && !self.waiting.values().any(|waiting| waiting == name) {
                self.asked.insert(name.clone(), now);
                self.begin(&config, name);
            }
        }
    }

    fn begin(&mut self, config: &Arc<Config>, name: &str) {
        let (config, name) = (Arc::clone(config), name.to_owned());
        let (shared, upstreams) = (Arc::clone(&self.shared), Arc::clone(&self.upstreams));
        let waiting = name.clone();
        let task = self.under_way.spawn(async move {
            if let Some((upstream, check)) =
                config.upstreams.get(&name).and_then(|upstream| Some((upstream, upstream.health.as_ref()?)))
            {
                let good = is_up(&upstreams, upstream, check, &config, &shared).await;
                verdict(&shared, &name, check, good);
            }
            name
        });
        self.waiting.insert(task.id(), waiting);
    }

    fn ended(&mut self, ended: Result<(tokio::task::Id, String), tokio::task::JoinError>) {
        match ended {
            Ok((id, _)) => drop(self.waiting.remove(&id)),
            Err(error) => {
                let Some(name) = self.waiting.remove(&error.id()) else { return };
                self.shared.events.health_check_panicked(&name);
                let config = Arc::clone(&self.shared.table.load().config);
                let check = config.upstreams.get(&name).and_then(|upstream| upstream.health.as_ref());
                if let Some(check) = check {
                    verdict(&self.shared, &name, check, false);
                }
            }
        }
    }
}

fn verdict(shared: &Shared, name: &str, check: &HealthCheck, good: bool) {
    let guard = shared.guards.of(name);
    let flipped = guard.checked(check, good, shared.env.clock.now());
    shared.events.health_checked(name, !guard.is_unhealthy(), flipped);
}

/// Whether an upstream answers with anything below 500: a refused key is an answer too.
async fn is_up(
    upstreams: &Upstreams,
    upstream: &Upstream,
    check: &HealthCheck,
    config: &Config,
    shared: &Shared,
) -> bool {
    let peers = upstreams.peers(upstream, config.airgap, shared.env.clock.micros());
    let asked = async {
        let peers = peers.await.ok()?;
        status(upstreams, peers, &upstream.base_url, upstream.api_key.as_ref(), check).await
    };
    timeout(check.timeout, asked).await.ok().flatten().is_some_and(|status| status < 500)
}

/// The status that a server answers a check with.
pub(crate) async fn status(
    upstreams: &Upstreams,
    peers: Vec<HttpPeer>,
    url: &BaseUrl,
    key: Option<&Secret>,
    check: &HealthCheck,
) -> Option<u16> {
    let head = request(url, key, &check.path).ok()?;
    let deadlines = Deadlines { connect: check.timeout, first_byte: check.timeout, idle: check.timeout };
    let mut call = upstreams.call(peers, &head, &Bytes::new(), deadlines).await.ok()?;
    let status = call.head.status.as_u16();
    let mut read = 0;
    while read <= READ {
        match call.session.read_response_body().await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) => {
                upstreams.release(call).await;
                break;
            }
            Err(_) => break,
        }
    }
    Some(status)
}

/// A path under `/v1` is the server's API, any other is taken as it stands (vLLM's `/health`).
fn request(url: &BaseUrl, key: Option<&Secret>, path: &str) -> pingora::Result<RequestHeader> {
    let path = if path.starts_with("/v1/") { url.path(path) } else { path.to_owned() };
    let mut head = RequestHeader::build("GET", path.as_bytes(), None)?;
    head.insert_header(HOST, url.authority())?;
    head.insert_header(USER_AGENT, "kolm-health")?;
    if let Some(key) = key {
        head.insert_header(AUTHORIZATION, format!("Bearer {}", key.expose()))?;
    }
    Ok(head)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_carries_the_operators_key_and_asks_where_the_server_is() {
        let url: BaseUrl = "http://127.0.0.1:8000/openai/v1".parse().unwrap();
        let key = Secret::new("sk-op");
        for (path, want) in [("/v1/models", "/openai/v1/models"), ("/health", "/health")] {
            let head = request(&url, Some(&key), path).unwrap();
            assert_eq!(
                (head.raw_path(), &head.headers["host"]),
                (want.as_bytes(), &"127.0.0.1:8000".parse().unwrap())
            );
            assert_eq!(head.headers["authorization"], "Bearer sk-op");
        }
        assert!(!request(&url, None, "/health").unwrap().headers.contains_key("authorization"));
    }
}
