//! Savings: what the cloud asks for the same answers at list price, against what the local ones cost.
//!
//! **Invariant:** money is that of `Status`, counted since the start; tokens are those of captured answers; neither
//! is made up where it is not known.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use kolm_core::{Arm, MicroUsd, RouteStatus, Savings, Spent};
use serde_json::{Value, json};

use crate::api::refuse;
use crate::{App, chart, pages, view, words};

/// The part of the page that htmx renews.
#[derive(Template)]
#[template(path = "savings_live.html")]
struct Page {
    now: String,
    since: String,
    figures: Vec<(&'static str, String, String)>,
    chart: String,
    rows: Vec<Row>,
    tokens: Vec<Tokens>,
    trouble: Option<String>,
}

/// The money of one route.
struct Row {
    name: String,
    local: String,
    cloud: String,
    avoided: String,
    spent: String,
    kept: String,
    paid: String,
    answer: String,
}

/// What was captured of one route and arm.
struct Tokens {
    route: String,
    arm: &'static str,
    requests: String,
    read: String,
    written: String,
    list_price: String,
}

/// What an answer costs here and there, and whether it pays.
fn per_answer(route: &RouteStatus) -> String {
    let Savings { avoided, local, .. } = route.savings;
    let n = i64::try_from(route.served_local).unwrap_or(i64::MAX);
    if n == 0 {
        return String::from("no local answer yet");
    }
    if avoided.0 == 0 {
        return String::from("the cloud's price is not known");
    }
    let (here, there) = (MicroUsd(local.0 / n), MicroUsd(avoided.0 / n));
    let pays = if local.0 < avoided.0 { "pays from the first answer" } else { "does not pay" };
    format!("{} here, {} in the cloud: {pays}", words::money(here), words::money(there))
}

fn row(route: &RouteStatus) -> Row {
    let Savings { avoided, paid, local } = route.savings;
    Row {
        name: route.route.to_string(),
        local: words::count(route.served_local),
        cloud: words::count(route.served_cloud),
        avoided: words::money(avoided),
        spent: words::money(local),
        kept: words::money(view::saved(route)),
        paid: words::money(paid),
        answer: per_answer(route),
    }
}

fn tokens(spent: &Spent) -> Tokens {
    Tokens {
        route: spent.route.to_string(),
        arm: match spent.arm {
            Arm::Teacher => "cloud",
            Arm::Student => "local",
        },
        requests: words::count(spent.requests),
        read: words::count(spent.tokens_in),
        written: words::count(spent.tokens_out),
        list_price: words::money(spent.list_price),
    }
}

fn figures(routes: &[RouteStatus]) -> Vec<(&'static str, String, String)> {
    let mut sum = Savings::default();
    for route in routes {
        sum.avoided.0 += route.savings.avoided.0;
        sum.paid.0 += route.savings.paid.0;
        sum.local.0 += route.savings.local.0;
    }
    let all = sum.avoided.0 + sum.paid.0;
    let share = match all {
        0 => String::from("no price is known yet"),
        all => format!("{} % of the list price of everything", 100 * (sum.avoided.0 - sum.local.0) / all),
    };
    vec![
        ("Kept", words::money(MicroUsd(sum.avoided.0 - sum.local.0)), share),
        ("Avoided", words::money(sum.avoided), String::from("list price of the local answers")),
        ("Local", words::money(sum.local), String::from("busy time of this machine")),
        ("Paid", words::money(sum.paid), String::from("list price of the cloud's answers")),
    ]
}

/// `GET /savings`.
pub(crate) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let spent = (app.doors.spent)().await;
    let status = (app.doors.status)();
    let bars: Vec<(String, Savings)> =
        status.routes.iter().map(|route| (route.route.to_string(), route.savings)).collect();
    let page = Page {
        now: words::utc(app.doors.clock.now()),
        since: words::utc(status.since),
        figures: figures(&status.routes),
        chart: chart::money(&bars),
        rows: status.routes.iter().map(row).collect(),
        tokens: spent.iter().flatten().map(tokens).collect(),
        trouble: spent.err(),
    };
    pages::live_page(&app, "Savings", "/savings", &page, &headers)
}

/// `GET /api/v1/savings`.
pub(crate) async fn api(State(app): State<Arc<App>>) -> Response {
    let spent = match (app.doors.spent)().await {
        Ok(spent) => spent,
        Err(why) => return refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    };
    let mut captured: BTreeMap<String, Vec<Spent>> = BTreeMap::new();
    for one in spent {
        captured.entry(one.route.to_string()).or_default().push(one);
    }
    let status = (app.doors.status)();
    let routes: Vec<Value> = status
        .routes
        .iter()
        .map(|route| {
            json!({
                "route": route.route, "served_local": route.served_local, "served_cloud": route.served_cloud,
                "savings": route.savings, "captured": captured.remove(route.route.as_str()).unwrap_or_default(),
            })
        })
        .collect();
    Json(json!({ "since": status.since, "routes": routes })).into_response()
}
