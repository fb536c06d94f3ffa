//! The JSON interface and the machine endpoints: health, metrics, status, decisions, intents, admin.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use kolm_core::{DecisionRow, Intent, RouteName, Status};
use serde_json::json;

use crate::lookup::{self, Refusal};
use crate::{App, Freeze, Look};

/// An error as JSON.
pub(crate) fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "message": message } }))).into_response()
}

/// `GET /healthz`: the process lives.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the proxy takes requests.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    if (app.doors.ready)() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], (app.doors.metrics)()).into_response()
}

/// `GET /api/v1/status`.
pub(crate) async fn status(State(app): State<Arc<App>>) -> Json<Status> {
    Json((app.doors.status)())
}

/// `GET /api/v1/routes/{route}/decisions`.
pub(crate) async fn decisions(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    match decided(&app, &name).await {
        Ok((_, rows)) => Json(rows).into_response(),
        Err(no) => no,
    }
}

/// A route that is configured, or was, and what was decided about it.
async fn decided(app: &App, name: &str) -> Result<(RouteName, Vec<DecisionRow>), Response> {
    let unknown = || refuse(StatusCode::NOT_FOUND, "there is no such route");
    let route: RouteName = name.parse().map_err(|_| unknown())?;
    let rows = (app.doors.decisions)(Some(route.clone())).await;
    let rows = rows.map_err(|why| refuse(StatusCode::SERVICE_UNAVAILABLE, &why))?;
    let known = !rows.is_empty() || lookup::find(&(app.doors.status)(), name).is_some();
    if known { Ok((route, rows)) } else { Err(unknown()) }
}

/// `GET /api/v1/routes/{route}/statements`: the signed statements about its verdicts.
pub(crate) async fn statements(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    match decided(&app, &name).await {
        Ok((route, _)) => looked(&app, Look::Statements(route)).await,
        Err(no) => no,
    }
}

/// `GET /api/v1/routes/{route}/decisions/{seq}/sample`: whether the stored scores are those that the Decision names.
pub(crate) async fn sample(State(app): State<Arc<App>>, Path((name, seq)): Path<(String, u64)>) -> Response {
    let rows = match decided(&app, &name).await {
        Ok((_, rows)) => rows,
        Err(no) => return no,
    };
    let Some(row) = rows.into_iter().find(|row| row.seq == seq) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such decision");
    };
    let Some(named) = row.sample.clone() else {
        return refuse(StatusCode::NOT_FOUND, "this decision names no scores");
    };
    match (app.doors.look)(Look::Sample(Box::new(row))).await {
        Ok(stored) => {
            let holds = stored.as_ref().is_some_and(|stored| *stored == json!(named));
            Json(json!({ "seq": seq, "named": named, "stored": stored, "holds": holds })).into_response()
        }
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

/// How many templates are told without `?limit=`, and at most.
const TEMPLATES: u32 = 20;
const MOST_TEMPLATES: u32 = 1_000;

/// The query of `GET /api/v1/templates`.
#[derive(serde::Deserialize)]
pub(crate) struct Limit {
    limit: Option<u32>,
}

/// `GET /api/v1/templates`: the tasks that were seen, by their system prompt and tools.
pub(crate) async fn templates(State(app): State<Arc<App>>, Query(query): Query<Limit>) -> Response {
    let limit = query.limit.unwrap_or(TEMPLATES).min(MOST_TEMPLATES);
    looked(&app, Look::Templates(limit)).await
}

/// `GET /api/v1/captures`: what the page of captures shows.
pub(crate) async fn captures(State(app): State<Arc<App>>) -> Response {
    looked(&app, Look::Captures).await
}

/// `GET /api/v1/pairs/{id}`: what is stored of one request, by the id of its receipt.
pub(crate) async fn pair(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match id.parse() {
        Ok(id) => looked(&app, Look::Pair(id)).await,
        Err(_) => refuse(StatusCode::NOT_FOUND, "there is no such pair"),
    }
}

async fn looked(app: &App, look: Look) -> Response {
    match (app.doors.look)(look).await {
        Ok(Some(found)) => Json(found).into_response(),
        Ok(None) => refuse(StatusCode::NOT_FOUND, "there is no such pair"),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

/// `POST /api/v1/intents`: 200 with what came of it, 202 if that is not known yet.
pub(crate) async fn intent(
    State(app): State<Arc<App>>,
    body: Result<Json<Intent>, JsonRejection>,
) -> Response {
    let intent = match body {
        Ok(Json(intent)) => intent,
        Err(bad) => return refuse(bad.status(), &bad.body_text()),
    };
    match lookup::submit(&app, intent) {
        Ok(answer) => match answer.await {
            Some(answered) => Json(answered).into_response(),
            None => (StatusCode::ACCEPTED, Json(json!({ "accepted": true }))).into_response(),
        },
        Err(no) => {
            let status = match no {
                Refusal::NoRoute => StatusCode::NOT_FOUND,
                Refusal::Reason => StatusCode::BAD_REQUEST,
                Refusal::Said(_) => StatusCode::CONFLICT,
            };
            refuse(status, &no.sentence())
        }
    }
}

/// `POST /admin/freeze`.
pub(crate) async fn freeze(
    State(app): State<Arc<App>>,
    body: Result<Json<Freeze>, JsonRejection>,
) -> Response {
    let order = match body {
        Ok(Json(order)) => order,
        Err(bad) => return refuse(bad.status(), &bad.body_text()),
    };
    if !order.dir.is_absolute() {
        return refuse(StatusCode::BAD_REQUEST, "dir must be an absolute path");
    }
    match (app.doors.freeze)(order).await {
        Ok(frozen) => Json(frozen).into_response(),
        Err(why) => refuse(StatusCode::CONFLICT, &why),
    }
}
