//! The checked configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kolm_core::{MicroUsd, Namespace as NamespaceName, Ppm, RouteName};
use kolm_policies::gate::GatePolicy;
use kolm_policies::rollout::RolloutPolicy;
use kolm_policies::spare::Caps;

use crate::listen::Listen;
use crate::{Engine, Log, Namespace, Secret, Telemetry, Upstream};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Counts the configurations of this process, from 1.
    pub version: u64,
    /// Where captures, ledger and artifacts lie.
    pub data_dir: PathBuf,
    /// Whether only this host may be talked to.
    pub airgap: bool,
    /// The port for clients.
    pub listen: Listen,
    /// The port for people.
    pub admin: Admin,
    /// The upstreams by name.
    pub upstreams: BTreeMap<String, Upstream>,
    /// The upstream of requests that name none.
    pub default_upstream: String,
    /// The namespaces by name.
    pub namespaces: BTreeMap<NamespaceName, Namespace>,
    /// The namespace of requests that belong to no other.
    pub default_namespace: NamespaceName,
    /// The routes; the first that matches is the one.
    pub routes: Vec<Route>,
    /// The capture path.
    pub capture: Capture,
    /// The receipts.
    pub receipts: Receipts,
    /// The capture store.
    pub store: Store,
    /// The log lines.
    pub log: Log,
    /// The traces.
    pub telemetry: Telemetry,
}

impl Config {
    /// The route of a request: the first of this namespace that matches model and path.
    pub fn route(&self, namespace: &NamespaceName, model: &str, path: &str) -> Option<&Route> {
        self.routes
            .iter()
            .find(|route| route.namespace == *namespace && route.path == path && route.model.matches(model))
    }

    /// The upstream of a namespace's requests that name none: the default one, or, where that is in another region,
    /// the first that is in the namespace's.
    pub fn default_upstream_of(&self, namespace: &NamespaceName) -> &str {
        let Some(settings) = self.namespaces.get(namespace) else { return &self.default_upstream };
        let admitted =
            |name: &String| self.upstreams.get(name).is_some_and(|upstream| settings.admits(upstream));
        let default = Some(&self.default_upstream).filter(|name| admitted(name));
        default
            .or_else(|| self.upstreams.keys().find(|name| admitted(name)))
            .unwrap_or(&self.default_upstream)
    }

    /// The region that a namespace's requests may not leave, or empty.
    pub fn region_of(&self, namespace: &NamespaceName) -> &str {
        self.namespaces.get(namespace).and_then(|settings| settings.region.as_deref()).unwrap_or_default()
    }

    /// Our own key for an upstream, as a namespace's requests carry it: the namespace's, else the upstream's.
    pub fn upstream_key(&self, namespace: &NamespaceName, upstream: &str) -> Option<&Secret> {
        let own = self.namespaces.get(namespace).and_then(|settings| settings.upstream_keys.get(upstream));
        own.or_else(|| self.upstreams.get(upstream).and_then(|upstream| upstream.api_key.as_ref()))
    }
}

/// The port for people: dashboard and admin interface.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Its address.
    pub address: SocketAddr,
}

/// A unit of traffic that moves from cloud to local.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// Its namespace.
    pub namespace: NamespaceName,
    /// The requested models it takes.
    pub model: Glob,
    /// The path it takes.
    pub path: String,
    /// Training.
    pub distill: Distill,
    /// Servers that are its student, in place of one that is trained.
    pub engine: Option<Engine>,
    /// The bars.
    pub gate: GatePolicy,
    /// The ladder; `distill_min_pairs` is 0 where distillation is off.
    pub rollout: RolloutPolicy,
    /// The samples.
    pub shadow: Shadow,
}

impl Route {
    /// Whether a request of this namespace, model and path is the route's.
    pub fn takes(&self, namespace: &NamespaceName, model: &str, path: &str) -> bool {
        self.namespace == *namespace && self.path == path && self.model.matches(model)
    }
}

/// When and how a route's student is trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distill {
    /// Whether it is trained in the background.
    pub enabled: bool,
    /// Eligible pairs at which training starts.
    pub min_pairs: u64,
    /// Further pairs before the next is trained: after a failed or rejected one, or beside one that serves.
    pub every: u64,
    /// The seed of split and training.
    pub seed: u64,
    /// Threads of the trainer, 0 = as many as there are cores.
    pub threads: u64,
    /// Which branches of the student are trained.
    pub branches: Branches,
    /// Accuracy promised on what the student answers itself.
    pub target: Ppm,
}

/// The branches of a `nano-label` student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branches {
    /// n-gram and transformer; the smaller that is not worse ships, or their sum.
    Both,
    /// The n-gram branch alone.
    Ngram,
}

impl Branches {
    /// The word in the file and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Ngram => "ngram",
        }
    }
}

impl FromStr for Branches {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "both" => Ok(Self::Both),
            "ngram" => Ok(Self::Ngram),
            _ => Err("must be \"both\" or \"ngram\""),
        }
    }
}

/// Shadow and double-primary samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// Share of units that the student is asked about beside the teacher.
    pub rate: Ppm,
    /// Share of shadow units that the teacher is asked about twice, until 400 pairs are known.
    pub double_rate: Ppm,
    /// Calls at a time.
    pub concurrency: u64,
    /// Time for the student's answer.
    pub timeout: Duration,
    /// Money for our own teacher calls.
    pub teacher_budget_per_day: MicroUsd,
    /// What it may take of this host.
    pub caps: Caps,
}

/// The capture path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Bytes of a body that are copied; a longer one is not captured.
    pub max_bytes: u64,
    /// Bytes of exchanges that may wait to be anonymized; more are dropped and counted.
    pub queue_bytes: u64,
    /// Whether pairs that nobody named a namespace for are kept apart by their system prompt.
    pub auto_namespaces: bool,
}

/// The receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    /// The name of this node in receipts.
    pub node: String,
}

/// The capture store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Bytes DuckDB may use.
    pub memory_limit_bytes: u64,
    /// Time between two fsyncs of the spool.
    pub fsync_interval: Duration,
    /// Rows of a batch.
    pub batch_rows: u64,
    /// Time after which a smaller batch is written too.
    pub batch_interval: Duration,
    /// Bytes the spool may take.
    pub spool_quota_bytes: u64,
}

/// A pattern in which `*` stands for any text.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A pattern from its text.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({})", self.0)
    }
}
