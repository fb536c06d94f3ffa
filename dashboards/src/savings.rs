//! Savings: what the cloud asks for the same answers at list price, against what the local ones and their proof cost.
//!
//! **Invariant:** money is that of `Status`, tokens are those of captured answers; neither is made up where it is not
//! known.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use kolm_core::{Arm, RouteStatus, Savings, Spent, Timestamp};
use serde_json::{Value, json};

use crate::api::refuse;
use crate::{App, chart, pages, words};

/// The part of the page that htmx renews.
#[derive(Template)]
#[template(path = "savings_live.html")]
struct Page {
    now: String,
    figures: Vec<(&'static str, String, String)>,
    chart: String,
    rows: Vec<Row>,
    tokens: Vec<Tokens>,
    trouble: Option<String>,
}

/// The money of one route.
struct Row {
    name: String,
    avoided: String,
    local: String,
    kept: String,
    invested: String,
    net: String,
    paid: String,
    paid_for: String,
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

/// When the proof is paid for, in words.
fn paid_for(route: &RouteStatus, now: Timestamp) -> String {
    match route.break_even {
        Some(at) if at <= now => format!("since {}", words::utc(at)),
        Some(at) => format!("on {}, at this pace", words::utc(at)),
        None if route.savings.avoided.0 == 0 && route.savings.local.0 == 0 => {
            String::from("no local answer yet")
        }
        None if route.savings.avoided.0 == 0 => String::from("the cloud's price is not known"),
        None => String::from("never, at these prices"),
    }
}

fn row(route: &RouteStatus, now: Timestamp) -> Row {
    let money = &route.savings;
    Row {
        name: route.route.to_string(),
        avoided: words::money(money.avoided),
        local: words::money(money.local),
        kept: words::money(money.kept()),
        invested: words::money(money.invested),
        net: words::money(money.net()),
        paid: words::money(money.paid),
        paid_for: paid_for(route, now),
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
    let sum = routes.iter().fold(Savings::default(), |sum, route| sum.plus(&route.savings));
    let share = match sum.avoided.0 + sum.paid.0 {
        0 => String::from("no price is known yet"),
        all => format!("{} % of the list price of everything", 100 * sum.net().0 / all),
    };
    vec![
        ("Net", words::money(sum.net()), share),
        ("Avoided", words::money(sum.avoided), String::from("list price of the local answers")),
        ("Local", words::money(sum.local), String::from("busy time of this machine")),
        ("Invested", words::money(sum.invested), String::from("training, and the proof in the shadow")),
        ("Paid", words::money(sum.paid), String::from("list price of the cloud's answers")),
    ]
}

/// `GET /savings`.
pub(crate) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let spent = (app.doors.spent)().await;
    let (status, now) = ((app.doors.status)(), app.doors.clock.now());
    let bars: Vec<(String, Savings)> =
        status.routes.iter().map(|route| (route.route.to_string(), route.savings)).collect();
    let page = Page {
        now: words::utc(now),
        figures: figures(&status.routes),
        chart: chart::money(&bars),
        rows: status.routes.iter().map(|route| row(route, now)).collect(),
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
                "route": route.route, "savings": route.savings, "net": route.savings.net(),
                "break_even": route.break_even, "captured": captured.remove(route.route.as_str()).unwrap_or_default(),
            })
        })
        .collect();
    Json(json!({ "routes": routes })).into_response()
}
