//! `kolm status`: the state of the running gateway.

use std::path::Path;

use kolm_core::{Exit, HealthStatus, Status, UpstreamStatus};

use crate::admin::Admin;
use crate::report::{Done, print_json, say};

/// Prints the state of the gateway that runs on `data_dir`.
pub(crate) fn run(data_dir: &Path, json: bool) -> Done {
    let admin = Admin::find(data_dir)?;
    let status = crate::runtime()?.block_on(admin.status())?;
    if json {
        print_json(&status);
    } else {
        print(&status);
    }
    Ok(Exit::Ok)
}

fn print(status: &Status) {
    say(format_args!("kolm {} on {}, dashboard http://{}", status.version, status.listen, status.admin));
    for route in &status.routes {
        let saved = route.savings.kept();
        say(format_args!("{}: {}", route.route, route.sentence));
        say(format_args!(
            "  {} local, {} cloud, {} fell back; {} pairs; saved {saved}",
            route.served_local, route.served_cloud, route.fallbacks, route.pairs
        ));
        if !route.shadow_dropped.is_empty() {
            let drops = route.shadow_dropped.iter().map(|(why, n)| format!("{n} {why}"));
            say(format_args!("  shadow: drawn and not scored: {}", drops.collect::<Vec<_>>().join(", ")));
        }
    }
    for engine in status.routes.iter().flat_map(|route| &route.engines) {
        let ready = if engine.ready { "ready" } else { "not ready" };
        say(format_args!("engine {}: {ready}, {} under way", engine.address, engine.under_way));
    }
    for upstream in status.upstreams.iter().filter(|upstream| is_watched(upstream)) {
        let (health, breaker) = (upstream.health.as_str(), &upstream.breaker);
        say(format_args!("upstream {}: {health}, breaker {breaker}", upstream.name));
    }
    let capture = &status.capture;
    let dropped: u64 = capture.dropped.iter().map(|(_, n)| n).sum();
    say(format_args!(
        "captures: {} accepted, {} stored, {} spooled, {dropped} dropped",
        capture.accepted, capture.stored, capture.spooled
    ));
    let ledger = &status.ledger;
    say(format_args!(
        "receipts: {} opened, {} closed, {} lost in an earlier run, {} without",
        ledger.opens, ledger.closes, ledger.lost, ledger.none
    ));
}

/// Whether there is anything to say of an upstream.
fn is_watched(upstream: &UpstreamStatus) -> bool {
    upstream.health != HealthStatus::Unchecked
        || upstream.breaker != "closed"
        || !upstream.failover.is_empty()
}
