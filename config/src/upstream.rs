//! Upstreams: where teachers are, whose credentials they get, and what they cost.

mod engine;
mod failover;
mod guard;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kolm_policies::breaker;
use kolm_policies::price::{self, Price};

pub(crate) use self::engine::engine;
pub use self::engine::{Balance, Engine};
pub use self::failover::FailoverOn;
pub use self::guard::HealthCheck;

use crate::Secret;
use crate::problem::{AIRGAP, FORM, NO_SECRET, RANGE};
use crate::secret::{Found, secret};
use crate::table::{Checker, Node, Place, Table, dollars, parsed, string};

/// An OpenAI-compatible service.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Where it is.
    pub base_url: BaseUrl,
    /// Our own key for it.
    pub api_key: Option<Secret>,
    /// Whose credentials its requests carry.
    pub credentials: Credentials,
    /// A further root certificate, in PEM.
    pub extra_ca: Option<PathBuf>,
    /// Where it is, as a label that namespaces ask for.
    pub region: Option<String>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Prices that differ from the built-in list.
    pub prices: BTreeMap<String, Price>,
    /// When it is not asked for a while.
    pub breaker: breaker::Policy,
    /// Active health checks, if there are any.
    pub health: Option<HealthCheck>,
    /// Who is asked in its place, in this order.
    pub failover: Vec<String>,
    /// On which grounds.
    pub failover_on: FailoverOn,
    /// Upstreams whose callers' keys may be sent here too: the same provider.
    pub accepts_keys_of: Vec<String>,
    /// Its own names for models, where they differ from what callers ask for.
    pub models: BTreeMap<String, String>,
}

impl Upstream {
    /// The price of a model, by its own name for it: the file's, else the list's.
    pub fn price(&self, model: &str) -> Option<Price> {
        let theirs = self.models.get(model).map_or(model, String::as_str);
        let given = self.prices.get(theirs).or_else(|| self.prices.get(model));
        given.copied().or_else(|| price::list(theirs))
    }
}

/// Whose credentials a request carries upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// The caller's; `api_key` serves our own calls and callers that bring none.
    Client,
    /// Always `api_key`.
    Gateway,
}

impl FromStr for Credentials {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "client" => Ok(Self::Client),
            "gateway" => Ok(Self::Gateway),
            _ => Err("must be \"client\" or \"gateway\""),
        }
    }
}

/// Time limits of one upstream request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// From the request sent to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two reads.
    pub idle: Duration,
    /// For all of it.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(600),
            idle: Duration::from_secs(600),
            total: Duration::from_secs(3_600),
        }
    }
}

/// A base URL taken apart: `https://api.openai.com/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Whether it is `https`.
    pub tls: bool,
    /// Host name or address, IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What stands in place of the leading `/v1` of a request's path: `/v1`, or empty.
    pub path_prefix: String,
}

impl BaseUrl {
    /// Host and port as the `host` header has them.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The upstream's path for `/v1/...` (query string included).
    pub fn path(&self, path: &str) -> String {
        format!("{}{}", self.path_prefix, path.strip_prefix("/v1").unwrap_or(path))
    }

    /// Whether it never leaves this host.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl FromStr for BaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (tls, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) | None => return Err("must begin with https:// or http://"),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if rest.contains(['?', '#', '@', '\\'])
            || rest.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err("must have no user, query, fragment or space");
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port),
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or("has no valid port")?,
            None if port.is_empty() => [80, 443][usize::from(tls)],
            None => return Err("has no valid port"),
        };
        if host.is_empty() {
            return Err("has no host");
        }
        let path_prefix = path.trim_end_matches('/').to_owned();
        Ok(Self { tls, host: host.to_owned(), port, path_prefix })
    }
}

/// The names of the upstreams in the order of the file, and those that have no problem.
pub(crate) type Upstreams = (Vec<String>, BTreeMap<String, Upstream>);

/// All upstreams; with none in the file, OpenAI.
pub(crate) fn upstreams(check: &mut Checker<'_>, table: Table<'_>, airgap: bool) -> Upstreams {
    if table.is_absent() {
        let openai = Upstream {
            base_url: BaseUrl {
                tls: true,
                host: "api.openai.com".to_owned(),
                port: 443,
                path_prefix: "/v1".to_owned(),
            },
            api_key: (check.outside.env)("OPENAI_API_KEY")
                .filter(|key| !key.trim().is_empty())
                .map(|key| Secret::new(&key)),
            credentials: Credentials::Client,
            extra_ca: None,
            region: None,
            timeouts: Timeouts::default(),
            prices: BTreeMap::new(),
            breaker: breaker::Policy::default(),
            health: None,
            failover: Vec::new(),
            failover_on: FailoverOn::default(),
            accepts_keys_of: Vec::new(),
            models: BTreeMap::new(),
        };
        if let Some(key) = &openai.api_key {
            check.refers_to(&table.place.key("openai").key("api_key"), key);
        }
        if airgap {
            check.add(AIRGAP, &table.place, "the built-in upstream api.openai.com is outside this host");
        }
        return (vec!["openai".to_owned()], BTreeMap::from([("openai".to_owned(), openai)]));
    }
    let (mut names, mut out, mut references) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (name, node) in table.named() {
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b)) {
            check.add(FORM, &node.place, format!("`{name}`: an upstream's name is of a-z, 0-9, _ and -"));
        }
        names.push(name.clone());
        let mut table = Table::of(check, &node);
        let named = failover::References {
            failover: failover::names(check, &mut table, "failover"),
            accepts_keys_of: failover::names(check, &mut table, "accepts_keys_of"),
        };
        references.insert(name.clone(), named);
        out.extend(upstream(check, table, airgap).map(|upstream| (name, upstream)));
    }
    failover::references(check, &references, &names, &mut out);
    (names, out)
}

fn upstream(check: &mut Checker<'_>, mut table: Table<'_>, airgap: bool) -> Option<Upstream> {
    let base_url = table.optional(check, "base_url", parsed::<BaseUrl>);
    let url_place = table.at("base_url");
    if !table.has("base_url") {
        check.add(FORM, &url_place, "is missing");
    }
    if let Some(url) = &base_url {
        stays_inside(check, &url_place, url, airgap);
    }
    let credentials = table.or(check, "credentials", parsed::<Credentials>, Credentials::Client);
    let api_key = api_key(check, &mut table, credentials);
    let extra_ca = extra_ca(check, &mut table);
    let region = table.optional(check, "region", string);
    let limits = table.table(check, "timeouts");
    let timeouts = timeouts(check, limits);
    let prices = table.table(check, "prices");
    let prices = prices.named().into_iter().filter_map(|(model, node)| Some((model, price(check, &node)?)));
    let prices = prices.collect();
    let section = table.table(check, "breaker");
    let breaker = guard::breaker(check, section);
    let section = table.table(check, "health");
    let health = guard::health(check, section);
    let failover_on = failover::grounds(check, &mut table);
    let section = table.table(check, "models");
    let models = section.named().into_iter();
    let models = models.filter_map(|(model, node)| Some((model, string(check, &node)?))).collect();
    table.finish(check);
    Some(Upstream {
        base_url: base_url?,
        api_key,
        credentials,
        extra_ca,
        region,
        timeouts,
        prices,
        breaker,
        health,
        // Who they are is known when all names are.
        failover: Vec::new(),
        failover_on,
        accepts_keys_of: Vec::new(),
        models,
    })
}

/// A further root certificate.
fn extra_ca(check: &mut Checker<'_>, table: &mut Table<'_>) -> Option<PathBuf> {
    let path = table.optional(check, "extra_ca", string).map(|path| check.resolve(&path));
    if let Some(path) = path.as_ref().filter(|path| !path.is_file()) {
        let message = format!("`{}` is no file", path.display());
        check.add(RANGE, &table.at("extra_ca"), message);
    }
    path
}

/// Under `airgap` an address is one of this host.
fn stays_inside(check: &mut Checker<'_>, place: &Place, url: &BaseUrl, airgap: bool) {
    if airgap && !url.is_loopback() {
        let message = format!("`{}` is outside this host and `airgap` is on", url.host);
        check.add_with_hint(AIRGAP, place, message, Some("name a loopback address or turn `airgap` off"));
    }
}

/// Our own key; its absence is a problem only where every request needs it.
fn api_key(check: &mut Checker<'_>, table: &mut Table<'_>, credentials: Credentials) -> Option<Secret> {
    let (place, given) = (table.at("api_key"), table.has("api_key"));
    let found = table.optional(check, "api_key", secret);
    match (found, credentials) {
        (Some(Found::Secret(secret)), _) => return Some(secret),
        (Some(Found::Unset(name)), Credentials::Gateway) => {
            let message = format!("missing upstream key: the environment has no `{name}`");
            let hint = format!("export {name}, or set credentials = \"client\" to pass on the caller's key");
            check.add_with_hint(NO_SECRET, &place, message, Some(&hint));
        }
        (None, Credentials::Gateway) if !given => {
            check.add(NO_SECRET, &place, "missing upstream key: `credentials = \"gateway\"` needs one");
        }
        (Some(Found::Unset(_)) | None, Credentials::Client | Credentials::Gateway) => {}
    }
    None
}

fn timeouts(check: &mut Checker<'_>, mut table: Table<'_>) -> Timeouts {
    let default = Timeouts::default();
    let timeouts = Timeouts {
        connect: table.wait(check, "connect", default.connect),
        first_byte: table.wait(check, "first_byte", default.first_byte),
        idle: table.wait(check, "idle", default.idle),
        total: table.wait(check, "total", default.total),
    };
    table.finish(check);
    timeouts
}

/// Prices in US dollars per million tokens.
fn price(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Price> {
    let mut table = Table::of(check, node);
    let (input_place, output_place) = (table.at("input"), table.at("output"));
    let input = table.optional(check, "input", dollars);
    let cached = table.optional(check, "cached", dollars);
    let output = table.optional(check, "output", dollars);
    for (value, place) in [(input, &input_place), (output, &output_place)] {
        if value.is_none() {
            check.add(FORM, place, "a price needs `input` and `output`, in US dollars per million tokens");
        }
    }
    table.finish(check);
    Some(Price { input: input?, cached: cached.or(input)?, output: output? })
}
