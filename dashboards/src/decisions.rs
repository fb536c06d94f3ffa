//! The log of Decisions, of one route or all: each as a sentence with what it rests on, newest first; as JSON lines
//! oldest first.
//!
//! **Invariant:** shows rows as they are; nothing here adds, drops or rewrites one.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use kolm_core::{Bounds, DecisionRow, Ppm, RouteName, Timestamp, rfc3339};
use serde::Deserialize;

use crate::api::refuse;
use crate::{App, pages, words};

/// Decisions on one page.
const PER_PAGE: usize = 100;

#[derive(Template)]
#[template(path = "decisions.html")]
struct Page {
    frame: pages::Frame,
    routes: Vec<(String, bool)>,
    export: String,
    range: String,
    log: Vec<Entry>,
    newer: Option<String>,
    older: Option<String>,
    trouble: Option<String>,
}

/// One decision.
struct Entry {
    route: String,
    seq: u64,
    kind: &'static str,
    sentence: String,
    actor: String,
    reason: String,
    at: String,
    when: String,
    ago: String,
    artifact: String,
    numbers: Vec<(&'static str, String)>,
    digest: String,
    prev: String,
}

/// The query string of both.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    route: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn route(&self) -> Option<RouteName> {
        self.route.parse().ok()
    }

    fn page(&self) -> usize {
        self.page.parse::<usize>().unwrap_or(1).clamp(1, 1_000_000) - 1
    }

    fn link(&self, page: usize) -> String {
        let route = self.route().map_or_else(String::new, |route| format!("route={route}&"));
        format!("/decisions?{route}page={}", page + 1)
    }
}

fn numbers(row: &DecisionRow) -> Vec<(&'static str, String)> {
    let bounds = |b: Option<Bounds>| {
        b.map_or_else(
            || String::from("no evidence"),
            |b| format!("{} ({})", words::score(b.v), words::range(b)),
        )
    };
    let n = row.n;
    vec![
        ("stage", row.stage.to_string()),
        ("weight", format!("{} → {}", row.from, row.to)),
        ("attempt", format!("{}, alpha {} ppb", row.attempt, words::count(row.alpha_ppb))),
        ("scored requests", words::count(n.requests)),
        ("closed units", words::count(n.units)),
        ("double primaries", words::count(n.double_primary)),
        ("completeness", Ppm(n.completeness_ppm.min(1_000_000) as u32).to_string()),
        ("critical", words::count(n.critical)),
        ("A", bounds(row.k.a)),
        ("S", bounds(row.k.s)),
        ("L", bounds(row.k.l)),
        ("C", bounds(row.k.c)),
        ("V", bounds(row.k.v)),
        ("K", bounds(row.k.k)),
        ("noise ceiling", bounds(row.ceiling)),
        ("policy", row.policy.clone()),
    ]
}

fn entry(row: &DecisionRow, now: Timestamp) -> Entry {
    // The sentence of a person's Decision carries the reason; here it stands by itself.
    let bare = DecisionRow { reason: String::new(), ..row.clone() };
    Entry {
        route: row.route.to_string(),
        seq: row.seq,
        kind: row.kind.as_str(),
        sentence: words::sentence(&bare),
        actor: row.actor.clone(),
        reason: row.reason.clone(),
        at: rfc3339(row.t),
        when: words::utc(row.t),
        ago: words::ago(row.t, now),
        artifact: row.artifact.as_ref().map(ToString::to_string).unwrap_or_default(),
        numbers: numbers(row),
        digest: row.digest.clone(),
        prev: row.prev.clone(),
    }
}

/// The decisions asked for, in the order that they were taken in.
async fn taken(app: &App, asked: &Asked) -> Result<Vec<DecisionRow>, String> {
    let mut rows = (app.doors.decisions)(asked.route()).await?;
    rows.sort_by(DecisionRow::by_time);
    Ok(rows)
}

/// `GET /decisions`.
pub(crate) async fn page(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let status = (app.doors.status)();
    let (rows, trouble) = match taken(&app, &asked).await {
        Ok(rows) => (rows, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let (at, now) = (asked.page(), app.doors.clock.now());
    let shown = rows.iter().rev().skip(at * PER_PAGE).take(PER_PAGE);
    let log: Vec<Entry> = shown.map(|row| entry(row, now)).collect();
    let (from, route) = (at * PER_PAGE, asked.route());
    let page = Page {
        frame: pages::frame(&app, &status, "Decisions", pages::Script::None),
        routes: status
            .routes
            .iter()
            .map(|r| (r.route.to_string(), route.as_ref() == Some(&r.route)))
            .collect(),
        export: match &route {
            Some(route) => format!("/api/v1/decisions.jsonl?route={route}"),
            None => String::from("/api/v1/decisions.jsonl"),
        },
        range: match log.len() {
            0 => String::from("none"),
            n => format!("{}–{} of {}", from + 1, from + n, words::count(rows.len() as u64)),
        },
        newer: at.checked_sub(1).map(|page| asked.link(page)),
        older: (from + log.len() < rows.len()).then(|| asked.link(at + 1)),
        log,
        trouble,
    };
    pages::html(StatusCode::OK, &page)
}

/// `GET /api/v1/decisions.jsonl`: one row a line, in the order that they were taken in.
pub(crate) async fn lines(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let rows = match taken(&app, &asked).await {
        Ok(rows) => rows,
        Err(why) => return refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    };
    let mut out = String::new();
    for row in &rows {
        match serde_json::to_string(row) {
            Ok(line) => drop(writeln!(out, "{line}")),
            Err(error) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }
    ([(header::CONTENT_TYPE, "application/x-ndjson")], out).into_response()
}
