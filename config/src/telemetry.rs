//! Logs, traces and metrics: how much is said, in which form, and to which collector.
//!
//! **Invariant:** with `airgap` no collector is outside this host.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use kolm_core::Ppm;

use crate::problem::{AIRGAP, FORM, NO_SECRET};
use crate::secret::{Found, secret};
use crate::table::{Checker, Table, duration, parsed, share, string};
use crate::{BaseUrl, Secret};

/// The log lines on stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Their form.
    pub format: LogFormat,
    /// The least important that is written.
    pub level: LogLevel,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be \"text\" or \"json\""),
        }
    }
}

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Something is broken.
    Error,
    /// Something failed and was dealt with.
    Warn,
    /// Something changed.
    Info,
    /// Every request.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
        let found = all.into_iter().find(|level| level.as_str() == text);
        found.ok_or("must be \"error\", \"warn\", \"info\", \"debug\" or \"trace\"")
    }
}

/// Where traces and metrics go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The collector's base URL for OTLP over HTTP; none: no traces.
    pub otlp_endpoint: Option<BaseUrl>,
    /// Share of traces that are sent, of those whose caller does not decide.
    pub sample: Ppm,
    /// The name that spans are filed under.
    pub service_name: String,
    /// How often metrics are sent; zero: never.
    pub metrics_interval: Duration,
    /// Headers for the collector.
    pub headers: BTreeMap<String, Secret>,
}

impl Telemetry {
    /// The URL that messages about `signal` (`traces`, `metrics`) are posted to.
    pub fn url(&self, signal: &str) -> Option<String> {
        let base = self.otlp_endpoint.as_ref()?;
        let scheme = if base.tls { "https" } else { "http" };
        Some(format!("{scheme}://{}{}/v1/{signal}", base.authority(), base.path_prefix))
    }
}

pub(crate) fn log(check: &mut Checker<'_>, mut table: Table<'_>) -> Log {
    let out = Log {
        format: table.or(check, "format", parsed, LogFormat::Text),
        level: table.or(check, "level", parsed, LogLevel::Info),
    };
    table.finish(check);
    out
}

pub(crate) fn telemetry(check: &mut Checker<'_>, mut table: Table<'_>, airgap: bool) -> Telemetry {
    let otlp_endpoint = table.optional(check, "otlp_endpoint", parsed::<BaseUrl>);
    if airgap && otlp_endpoint.as_ref().is_some_and(|url| !url.is_loopback()) {
        let hint = "run a collector on this host and name it, or turn `airgap` off";
        let place = table.at("otlp_endpoint");
        check.add_with_hint(AIRGAP, &place, "the collector is outside this host", Some(hint));
    }
    let headers = table.table(check, "headers");
    let out = Telemetry {
        otlp_endpoint,
        sample: table.or(check, "sample", share, Ppm(1_000_000)),
        service_name: table.or(check, "service_name", string, "kolm".to_owned()),
        metrics_interval: table.or(check, "metrics_interval", duration, Duration::from_secs(60)),
        headers: self::headers(check, headers),
    };
    if out.service_name.is_empty() {
        check.add(FORM, &table.at("service_name"), "must not be empty");
    }
    table.finish(check);
    out
}

fn headers(check: &mut Checker<'_>, table: Table<'_>) -> BTreeMap<String, Secret> {
    let mut out = BTreeMap::new();
    for (name, node) in table.named() {
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            check.add(FORM, &node.place, format!("`{name}`: a header's name is of a-z, 0-9 and -"));
        }
        match secret(check, &node) {
            Some(Found::Secret(secret)) if secret.expose().bytes().all(|b| (b' '..=b'~').contains(&b)) => {
                out.insert(name, secret);
            }
            Some(Found::Secret(_)) => check.add(FORM, &node.place, "holds what no header may hold"),
            Some(Found::Unset(name)) => {
                check.add(NO_SECRET, &node.place, format!("the environment has no `{name}`"));
            }
            None => {}
        }
    }
    out
}
