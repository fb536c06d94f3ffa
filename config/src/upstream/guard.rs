//! What watches over an upstream: its breaker and its health checks.

use std::time::Duration;

use kolm_policies::breaker;
use kolm_policies::health::Thresholds;

use crate::problem::{FORM, RANGE};
use crate::table::{Checker, Table, boolean, count, duration, string};

/// Active health checks of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path that is asked for, as under `/v1`.
    pub path: String,
    /// Time between two checks.
    pub interval: Duration,
    /// Time for the answer.
    pub timeout: Duration,
    /// How many checks flip the verdict.
    pub thresholds: Thresholds,
}

impl HealthCheck {
    /// The usual check of a path.
    pub fn of(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            thresholds: Thresholds { unhealthy_after: 3, healthy_after: 1 },
        }
    }
}

/// `[upstreams.X.breaker]`.
pub(super) fn breaker(check: &mut Checker<'_>, mut table: Table<'_>) -> breaker::Policy {
    let default = breaker::Policy::default();
    let out = breaker::Policy {
        enabled: table.or(check, "enabled", boolean, default.enabled),
        failures: table.within(check, "failures", count, default.failures.into(), 1..1_001) as u16,
        window_ms: span(check, &mut table, "window", default.window_ms),
        open_ms: span(check, &mut table, "open_for", default.open_ms),
        count_5xx: table.or(check, "count_5xx", boolean, default.count_5xx),
    };
    table.finish(check);
    out
}

/// A time of 1 ms to a day, in milliseconds.
fn span(check: &mut Checker<'_>, table: &mut Table<'_>, key: &'static str, default: u64) -> u64 {
    let given = table.or(check, key, duration, Duration::from_millis(default));
    if !(Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(&given) {
        check.add(RANGE, &table.at(key), "must be between 1ms and 24h");
    }
    given.as_millis() as u64
}

/// `[upstreams.X.health]`: without the table, or with `enabled = false` in it, there are no checks.
pub(super) fn health(check: &mut Checker<'_>, mut table: Table<'_>) -> Option<HealthCheck> {
    let given = !table.is_absent();
    let enabled = table.or(check, "enabled", boolean, given);
    let out = probe(check, &mut table, HealthCheck::of("/v1/models"));
    table.finish(check);
    (given && enabled).then_some(out)
}

/// The keys of a check, over what is usual.
pub(super) fn probe(check: &mut Checker<'_>, table: &mut Table<'_>, usual: HealthCheck) -> HealthCheck {
    let path = table.or(check, "path", string, usual.path);
    if !path.starts_with('/') || path.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
        check.add(FORM, &table.at("path"), format!("`{path}`: a path begins with `/` and has no space"));
    }
    let least = Duration::from_millis(10);
    let mut time = |key, default| {
        let given = table.or(check, key, duration, default);
        if given < least {
            check.add(RANGE, &table.at(key), "must be at least 10ms");
        }
        given
    };
    let (interval, timeout) = (time("interval", usual.interval), time("timeout", usual.timeout));
    let thresholds = Thresholds {
        unhealthy_after: table.within(
            check,
            "unhealthy_after",
            count,
            usual.thresholds.unhealthy_after.into(),
            1..101,
        ) as u16,
        healthy_after: table.within(
            check,
            "healthy_after",
            count,
            usual.thresholds.healthy_after.into(),
            1..101,
        ) as u16,
    };
    HealthCheck { path, interval, timeout, thresholds }
}
