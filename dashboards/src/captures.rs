//! The page of captures: what was found in them by type, what may train and what keeps the rest, the newest pairs.
//!
//! **Invariant:** shows what the store holds, which was anonymized before it was stored; nothing else reaches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kolm_core::{Timestamp, rfc3339};
use serde::Deserialize;

use crate::{App, Look, pages, words};

/// The part of the page that htmx renews.
#[derive(Template)]
#[template(path = "captures_live.html")]
struct Page {
    now: String,
    trouble: Option<String>,
    looked_at: String,
    touched: String,
    quarantined: String,
    findings: Vec<(String, String)>,
    reasons: Vec<(String, String, String)>,
    templates: Vec<Task>,
    pairs: Vec<Row>,
}

/// A template.
struct Task {
    hash: String,
    namespace: String,
    pairs: String,
    eligible: String,
}

/// A pair.
struct Row {
    id: String,
    at: String,
    ago: String,
    who: String,
    text: String,
    answer: String,
    findings: Vec<String>,
    quarantined: bool,
    outcome: String,
    reason: String,
}

/// What the store tells.
#[derive(Default, Deserialize)]
struct Told {
    reasons: Vec<Reason>,
    looked_at: u64,
    touched: u64,
    quarantined: u64,
    findings: BTreeMap<String, u64>,
    templates: Vec<TemplateTold>,
    recent: Vec<Pair>,
}

#[derive(Deserialize)]
struct Reason {
    namespace: String,
    reason: String,
    pairs: u64,
}

#[derive(Deserialize)]
struct TemplateTold {
    namespace: String,
    template_hash: String,
    pairs: u64,
    eligible: u64,
}

#[derive(Deserialize)]
struct Pair {
    id: String,
    ts: Timestamp,
    route: String,
    model: String,
    arm: String,
    outcome: String,
    reason: String,
    text: String,
    answer: String,
    findings: BTreeMap<String, u64>,
    quarantined: bool,
}

/// `GET /captures`.
pub(crate) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let told = (app.doors.look)(Look::Captures).await;
    let told = told.and_then(|told| match told {
        Some(told) => serde_json::from_value(told).map_err(|error| error.to_string()),
        None => Ok(Told::default()),
    });
    let (told, trouble) = match told {
        Ok(told) => (told, None),
        Err(trouble) => (Told::default(), Some(trouble)),
    };
    let inner = show(told, trouble, app.doors.clock.now());
    pages::live_page(&app, "Captures", "/captures", &inner, &headers)
}

fn show(told: Told, trouble: Option<String>, now: Timestamp) -> Page {
    let mut findings: Vec<(String, u64)> = told.findings.into_iter().collect();
    findings.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    Page {
        now: words::utc(now),
        trouble,
        looked_at: words::count(told.looked_at),
        touched: words::count(told.touched),
        quarantined: words::count(told.quarantined),
        findings: findings.into_iter().map(|(ty, n)| (ty, words::count(n))).collect(),
        reasons: told
            .reasons
            .into_iter()
            .map(|row| (row.namespace, row.reason, words::count(row.pairs)))
            .collect(),
        templates: told
            .templates
            .into_iter()
            .map(|task| Task {
                hash: task.template_hash,
                namespace: task.namespace,
                pairs: words::count(task.pairs),
                eligible: words::count(task.eligible),
            })
            .collect(),
        pairs: told.recent.into_iter().map(|pair| row(pair, now)).collect(),
    }
}

fn row(pair: Pair, now: Timestamp) -> Row {
    let who = if pair.route.is_empty() { pair.arm } else { format!("{} · {}", pair.route, pair.arm) };
    Row {
        id: pair.id,
        at: rfc3339(pair.ts),
        ago: words::ago(pair.ts, now),
        who: if pair.model.is_empty() { who } else { format!("{who} · {}", pair.model) },
        text: pair.text,
        answer: pair.answer,
        findings: pair.findings.into_iter().map(|(ty, n)| format!("{ty} {}", words::count(n))).collect(),
        quarantined: pair.quarantined,
        outcome: pair.outcome,
        reason: pair.reason,
    }
}
