//! `kolm savings`: what each route saved, what proving it cost, and when that is paid for.

use std::path::Path;

use kolm_artifact::rfc3339;
use kolm_core::{Exit, MicroUsd, RouteStatus, Timestamp};
use serde_json::{Value, json};

use crate::admin::Admin;
use crate::report::{Done, print_json, say};

/// Prints the money of every route of the gateway that runs on `data_dir`.
pub(crate) fn run(now: Timestamp, data_dir: &Path, json: bool) -> Done {
    let admin = Admin::find(data_dir)?;
    let status = crate::runtime()?.block_on(admin.status())?;
    if json {
        print_json(&status.routes.iter().map(view).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    for route in &status.routes {
        print(route, now);
    }
    Ok(Exit::Ok)
}

fn view(route: &RouteStatus) -> Value {
    let money = &route.savings;
    json!({
        "route": route.route,
        "avoided_usd_micros": money.avoided,
        "local_usd_micros": money.local,
        "invested_usd_micros": money.invested,
        "net_usd_micros": money.net(),
        "paid_usd_micros": money.paid,
        "break_even": route.break_even,
    })
}

fn print(route: &RouteStatus, now: Timestamp) {
    let money = &route.savings;
    say(format_args!("{}: net {}, {}", route.route, money.net(), paid_for(route, now)));
    for (amount, what) in [
        (money.avoided, "list price of what the student answered"),
        (MicroUsd(-money.local.0), "this machine's time for it"),
        (
            MicroUsd(-money.invested.0),
            "training and proof: this machine's time, and the teacher asked by ourselves",
        ),
        (money.paid, "paid to the teacher for its own answers"),
    ] {
        say(format_args!("  {:>14}  {what}", amount.to_string()));
    }
}

fn paid_for(route: &RouteStatus, now: Timestamp) -> String {
    match route.break_even {
        Some(at) if at <= now => format!("its proof was paid for on {}", rfc3339(at)),
        Some(at) => format!("its proof is paid for on {} at this pace", rfc3339(at)),
        None if route.served_local == 0 => "nothing is answered locally yet".to_owned(),
        None => "local answers cost no less than the teacher's".to_owned(),
    }
}
