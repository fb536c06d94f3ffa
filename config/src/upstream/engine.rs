//! `[routes.engine]`: a pool of OpenAI-compatible servers (vLLM, llama.cpp) that is a route's student.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kolm_core::ArtifactId;

use super::guard::{self, HealthCheck};
use super::{BaseUrl, extra_ca, stays_inside};
use crate::Secret;
use crate::problem::{FORM, NO_SECRET, RANGE};
use crate::secret::{Found, secret};
use crate::table::{Checker, Node, Table, count, items, parsed, size, string};

/// A pool of servers that all serve the same model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Where they are.
    pub urls: Vec<BaseUrl>,
    /// The model's name there.
    pub served_model: String,
    /// What the model is, for Decisions and receipts; without it the name stands for it.
    pub artifact: Option<ArtifactId>,
    /// Bytes of its weights, for axis S; unknown counts as the largest.
    pub size_bytes: Option<u64>,
    /// Longest question and answer in tokens, together; unknown: the servers say so themselves.
    pub context: Option<u64>,
    /// The key that the servers ask for.
    pub api_key: Option<Secret>,
    /// A further root certificate, in PEM.
    pub extra_ca: Option<PathBuf>,
    /// Who is asked next.
    pub balance: Balance,
    /// Time to connect.
    pub connect: Duration,
    /// From the request sent to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two reads.
    pub idle: Duration,
    /// Active health checks.
    pub health: HealthCheck,
}

/// How requests are spread over the servers of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// Whoever has the fewest requests under way.
    LeastConnections,
    /// A conversation stays where its prompt is cached (consistent hashing).
    Conversation,
}

impl FromStr for Balance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "round_robin" => Ok(Self::RoundRobin),
            "least_connections" => Ok(Self::LeastConnections),
            "conversation" => Ok(Self::Conversation),
            _ => Err("must be \"round_robin\", \"least_connections\" or \"conversation\""),
        }
    }
}

/// A route's pool.
pub(crate) fn engine(check: &mut Checker<'_>, node: &Node<'_>, airgap: bool) -> Option<Engine> {
    let mut table = Table::of(check, node);
    let urls = urls(check, &mut table, airgap);
    let served_model = table.optional(check, "served_model", string).filter(|name| !name.is_empty());
    if served_model.is_none() {
        check.add(FORM, &table.at("served_model"), "the name of the model at its servers is missing");
    }
    let section = table.table(check, "health");
    let health = health(check, section);
    let section = table.table(check, "timeouts");
    let (connect, first_byte, idle) = timeouts(check, section);
    let out = Engine {
        urls,
        served_model: served_model.unwrap_or_default(),
        artifact: table.optional(check, "artifact", parsed::<ArtifactId>),
        size_bytes: table.optional(check, "size", size),
        context: context(check, &mut table),
        api_key: api_key(check, &mut table),
        extra_ca: extra_ca(check, &mut table),
        balance: table.or(check, "balance", parsed, Balance::RoundRobin),
        connect,
        first_byte,
        idle,
        health,
    };
    table.finish(check);
    Some(out)
}

fn urls(check: &mut Checker<'_>, table: &mut Table<'_>, airgap: bool) -> Vec<BaseUrl> {
    let mut urls: Vec<BaseUrl> = Vec::new();
    let place = table.at("urls");
    for item in table.node("urls").map(|node| items(check, &node)).unwrap_or_default() {
        let Some(url) = parsed::<BaseUrl>(check, &item) else { continue };
        stays_inside(check, &item.place, &url, airgap);
        if urls.iter().any(|known| (&known.host, known.port) == (&url.host, url.port)) {
            check.add(RANGE, &item.place, "a server of this host and port stands there already");
        }
        urls.push(url);
    }
    if urls.is_empty() {
        check.add(FORM, &place, "an engine needs `urls`, such as [\"http://127.0.0.1:8000/v1\"]");
    }
    urls
}

fn context(check: &mut Checker<'_>, table: &mut Table<'_>) -> Option<u64> {
    let context = table.optional(check, "context", count);
    if context == Some(0) {
        check.add(RANGE, &table.at("context"), "a context of 0 tokens has room for nothing");
    }
    context
}

fn api_key(check: &mut Checker<'_>, table: &mut Table<'_>) -> Option<Secret> {
    let place = table.at("api_key");
    match table.optional(check, "api_key", secret)? {
        Found::Secret(secret) => Some(secret),
        Found::Unset(name) => {
            check.add(NO_SECRET, &place, format!("missing engine key: the environment has no `{name}`"));
            None
        }
    }
}

fn health(check: &mut Checker<'_>, mut table: Table<'_>) -> HealthCheck {
    let usual = HealthCheck {
        interval: Duration::from_secs(5),
        thresholds: kolm_policies::health::Thresholds { unhealthy_after: 2, healthy_after: 1 },
        ..HealthCheck::of("/v1/models")
    };
    let out = guard::probe(check, &mut table, usual);
    table.finish(check);
    out
}

/// Connect, first byte, idle: an engine is near, so it is given less time than a cloud.
fn timeouts(check: &mut Checker<'_>, mut table: Table<'_>) -> (Duration, Duration, Duration) {
    let mut limit = |key, seconds| table.wait(check, key, Duration::from_secs(seconds));
    let out = (limit("connect", 1), limit("first_byte", 10), limit("idle", 30));
    table.finish(check);
    out
}
