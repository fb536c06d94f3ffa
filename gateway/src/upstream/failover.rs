//! Who is asked where an upstream does not answer, and with whose key.
//!
//! **Invariant:** a key that a caller sent for one upstream goes to another only if that one's configuration says
//! that it takes the first one's keys; everything else a caller shows of itself is then left out too.

use std::collections::VecDeque;
use std::sync::Arc;

use http::HeaderValue;
use kolm_config::{Config, Credentials, FailoverOn, Secret, Upstream};
use kolm_policies::breaker::{Pass, Seen, State};

use super::Why;
use crate::admit::{Admitted, Way};
use crate::table::Shared;

/// Why the next one is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Its breaker is open.
    Shut,
    /// It gave no response head.
    Failed(Why),
    /// Its answer has this status.
    Status(u16),
}

impl Ground {
    /// The word in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Shut => "breaker",
            Self::Failed(why) => why.as_str(),
            Self::Status(_) => "status",
        }
    }

    /// The code in the receipt.
    pub(crate) fn code(self) -> String {
        match self {
            Self::Shut | Self::Failed(_) => self.as_str().to_owned(),
            Self::Status(status) => format!("status:{status}"),
        }
    }

    fn is_in(self, on: &FailoverOn) -> bool {
        match self {
            Self::Shut => true,
            Self::Failed(Why::Connect | Why::ConnectTimeout | Why::Airgap) => on.connect,
            Self::Failed(Why::Timeout) => on.timeout,
            Self::Failed(Why::Broken) => on.broken,
            Self::Status(status) => on.statuses.contains(&status),
        }
    }
}

/// The upstreams that may still be asked about one request.
pub(crate) struct Order {
    rest: VecDeque<Way>,
    on: FailoverOn,
}

impl Order {
    /// The order for a request. Healthy ones come first, so its way may be another from here on.
    pub(crate) fn of(shared: &Shared, admitted: &mut Admitted) -> Self {
        let Some(first) = admitted.upstream().filter(|upstream| !upstream.failover.is_empty()) else {
            return Self { rest: VecDeque::new(), on: FailoverOn::default() };
        };
        let (on, table) = (first.failover_on.clone(), Arc::clone(&admitted.table));
        let ways = first.failover.iter().filter_map(|name| beside(shared, &table.config, admitted, name));
        let mut all: Vec<Way> = std::iter::once(admitted.way.clone()).chain(ways).collect();
        all.sort_by_key(|way| shared.guards.of(&way.upstream).is_unhealthy());
        let mut order = Self { rest: all.into(), on };
        if order.rest.front().is_some_and(|way| way.upstream != admitted.way.upstream) {
            order.turn(shared, admitted, "unhealthy");
        } else {
            drop(order.rest.pop_front());
        }
        order
    }

    /// Whether there is another one to ask on this ground.
    pub(crate) fn goes_on(&self, ground: Ground) -> bool {
        !self.rest.is_empty() && ground.is_in(&self.on)
    }

    /// Turns a request to the next upstream.
    pub(crate) fn turn(&mut self, shared: &Shared, admitted: &mut Admitted, why: &'static str) {
        if let Some(way) = self.rest.pop_front() {
            shared.events.failed_over(admitted.id, &admitted.way.upstream, &way.upstream, why);
            admitted.way = way;
        }
    }
}

/// The way to another upstream for a request; `None` where its namespace may not use it, or its caller not the
/// operator's key.
fn beside(shared: &Shared, config: &Config, admitted: &Admitted, name: &str) -> Option<Way> {
    let upstream = config.upstreams.get(name).filter(|upstream| admitted.admits(upstream))?;
    let key = config.upstream_key(&admitted.namespace, name);
    let way = &admitted.way;
    let same = upstream.accepts_keys_of.contains(&way.upstream);
    let (authorization, lent) = authorization(upstream, key, way, same);
    if lent && !admitted.may_borrow(shared) {
        return None;
    }
    // A query may hold a key, and only the upstream it was written for knows what it means.
    let path = if same { way.path.clone() } else { admitted.upstream_path().to_owned() };
    Some(Way { upstream: name.to_owned(), path, authorization, lent, foreign: !same, ..way.clone() })
}

/// The caller's key where the two are the same provider, else the operator's own for this one (then the second
/// value is true), else none.
fn authorization(
    upstream: &Upstream,
    key: Option<&Secret>,
    way: &Way,
    same: bool,
) -> (Option<HeaderValue>, bool) {
    let takes_callers = same && !way.lent && upstream.credentials == Credentials::Client;
    if takes_callers && way.authorization.is_some() {
        return (way.authorization.clone(), false);
    }
    let own = key.and_then(|key| HeaderValue::try_from(format!("Bearer {}", key.expose())).ok());
    let own = own.map(|mut value| {
        value.set_sensitive(true);
        value
    });
    let lent = own.is_some();
    (own, lent)
}

/// Whether the upstream that a request goes to now may be asked; else how long to wait.
pub(crate) fn admit(shared: &Shared, admitted: &Admitted) -> Result<(), u64> {
    let Some(upstream) = admitted.upstream().filter(|upstream| upstream.breaker.enabled) else {
        return Ok(());
    };
    let name = &admitted.way.upstream;
    let (pass, turned) = shared.guards.of(name).admit(&upstream.breaker, shared.env.clock.micros());
    say(shared, name, turned);
    match pass {
        Pass::Free | Pass::Probe => Ok(()),
        Pass::Refused { wait_ms } => Err(wait_ms),
    }
}

/// Takes note of an answer with this status, or of none.
pub(crate) fn note(shared: &Shared, admitted: &Admitted, answered: Result<u16, Why>) {
    let Some(upstream) = admitted.upstream().filter(|upstream| upstream.breaker.enabled) else { return };
    let seen = match answered {
        Ok(status) if status >= 500 && upstream.breaker.count_5xx => Seen::Failed,
        Err(why) if why.blames_upstream() => Seen::Failed,
        Ok(_) => Seen::Answered,
        Err(_) => return,
    };
    let name = &admitted.way.upstream;
    say(shared, name, shared.guards.of(name).note(&upstream.breaker, shared.env.clock.micros(), seen));
}

fn say(shared: &Shared, name: &str, turned: Option<State>) {
    if let Some(state) = turned {
        shared.events.breaker_turned(name, state.as_str());
    }
}

#[cfg(test)]
mod tests {
    use kolm_config::Outside;

    use super::*;

    const FILE: &str = r#"
[upstreams.openai]
base_url = "http://127.0.0.1:1/v1"
failover = ["mirror", "azure", "local"]
[upstreams.mirror]
base_url = "http://127.0.0.1:2/v1"
accepts_keys_of = ["openai"]
[upstreams.azure]
base_url = "http://127.0.0.1:3/v1"
api_key = { env = "AZURE" }
[upstreams.strict]
base_url = "http://127.0.0.1:4/v1"
accepts_keys_of = ["openai"]
credentials = "gateway"
api_key = { env = "AZURE" }
[upstreams.local]
base_url = "http://127.0.0.1:5/v1"
"#;

    fn config() -> Config {
        let env = |name: &str| (name == "AZURE").then(|| "az-key".to_owned());
        let outside = Outside { home: "/tmp".into(), env: std::sync::Arc::new(env) };
        kolm_config::RawConfig::parse("test", FILE).check(&outside).unwrap()
    }

    #[test]
    fn a_callers_key_goes_to_nobody_who_does_not_take_it() {
        let config = config();
        let key = |value: &'static str| Some(HeaderValue::from_static(value));
        for (to, sent, lent, want) in [
            ("mirror", key("Bearer caller"), false, Some("Bearer caller")),
            ("azure", key("Bearer caller"), false, Some("Bearer az-key")),
            ("strict", key("Bearer caller"), false, Some("Bearer az-key")),
            ("local", key("Bearer caller"), false, None),
            // The operator's key for one upstream is not its key for another, same provider or not.
            ("mirror", key("Bearer operator"), true, None),
            ("azure", key("Bearer operator"), true, Some("Bearer az-key")),
            ("mirror", None, false, None),
        ] {
            let upstream = &config.upstreams[to];
            let way = Way { upstream: "openai".to_owned(), authorization: sent, lent, ..Way::default() };
            let same = upstream.accepts_keys_of.contains(&way.upstream);
            let (value, borrowed) = authorization(upstream, upstream.api_key.as_ref(), &way, same);
            assert_eq!(value.as_ref().map(|value| value.to_str().unwrap()), want, "{to}");
            assert_eq!(borrowed, want == Some("Bearer az-key"), "{to}");
        }
    }

    #[test]
    fn the_grounds_are_those_that_are_configured() {
        let usual = FailoverOn::default();
        for (ground, goes) in [
            (Ground::Shut, true),
            (Ground::Failed(Why::Connect), true),
            (Ground::Failed(Why::ConnectTimeout), true),
            (Ground::Failed(Why::Timeout), true),
            (Ground::Failed(Why::Broken), true),
            (Ground::Status(429), false),
            (Ground::Status(503), false),
        ] {
            assert_eq!(ground.is_in(&usual), goes, "{ground:?}");
        }
        let narrow = FailoverOn { connect: true, timeout: false, broken: false, statuses: vec![503] };
        assert!(Ground::Status(503).is_in(&narrow) && !Ground::Failed(Why::Timeout).is_in(&narrow));
        assert_eq!(
            (Ground::Status(503).code().as_str(), Ground::Shut.code().as_str()),
            ("status:503", "breaker")
        );
    }
}
