//! The shadow queue and one diff: what the gate saw, worst first, and what people say of it.
//!
//! **Invariant:** a review is kept beside the score and changes none; what is shown was anonymized before it was
//! stored.

mod detail;
mod queue;

use std::sync::Arc;

use axum::Form;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use kolm_core::{
    ArtifactId, DiffAxis, DiffDetail, DiffFilter, DiffKind, DiffPage, DiffQuery, RequestId, Review,
    RouteStatus, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::refuse;
use crate::{App, guard, lookup, pages};

/// Diffs on one page.
const PER_PAGE: u32 = 25;
/// The most characters of a note, and of a corrected answer.
const MAX_NOTE: usize = 2_000;
const MAX_ANSWER: usize = 16_000;
/// Bytes of a review: every character may be four, and each of these three in a form.
pub(crate) const MAX_FORM: usize = 256 * 1024;

/// The query string of queue and diff: the filter as words, `any` for no condition. Without a verdict the unread
/// are meant, without a student the one on trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    pub(crate) verdict: String,
    #[serde(default)]
    pub(crate) axis: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) template: String,
    #[serde(default)]
    pub(crate) student: String,
    /// From 1.
    #[serde(default)]
    pub(crate) page: String,
}

impl Asked {
    /// The filter, at a route with this student.
    pub(crate) fn filter(&self, student: Option<&ArtifactId>) -> DiffFilter {
        let word =
            |text: &str| Some(text).filter(|text| !text.is_empty() && *text != "any").map(str::to_owned);
        DiffFilter {
            verdict: if self.verdict.is_empty() {
                Some(Verdict::Unread)
            } else {
                Verdict::named(&self.verdict)
            },
            axis: DiffAxis::named(&self.axis),
            kind: DiffKind::named(&self.kind),
            template: word(&self.template),
            artifact: if self.student == "any" { None } else { student.cloned() },
        }
    }

    /// The page asked for, from 0.
    fn page(&self) -> u32 {
        self.page.parse::<u32>().unwrap_or(1).clamp(1, 1_000_000) - 1
    }

    /// The filter as a query string, of what is not the default; begins with `?` where there is any.
    pub(crate) fn query(&self, page: u32) -> String {
        let page = if page == 0 { String::new() } else { (page + 1).to_string() };
        let fields = [
            ("verdict", &self.verdict),
            ("axis", &self.axis),
            ("kind", &self.kind),
            ("template", &self.template),
            ("student", &self.student),
            ("page", &page),
        ];
        // Only words of these letters come out, so that nothing has to be escaped.
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let pairs = fields.iter().filter(|(_, value)| !value.is_empty() && plain(value));
        let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

async fn page_of(app: &App, route: &RouteStatus, asked: &Asked) -> Result<DiffPage, String> {
    let query = DiffQuery {
        route: route.route.clone(),
        namespace: route.namespace.clone(),
        filter: asked.filter(route.artifact.as_ref()),
        limit: PER_PAGE,
        offset: asked.page() * PER_PAGE,
    };
    (app.doors.shadow.page)(query).await
}

/// One diff with the filter that its neighbours are found by.
async fn found(app: &App, id: &str, asked: &Asked) -> Result<Option<DiffDetail>, String> {
    let Ok(id) = id.parse::<RequestId>() else { return Ok(None) };
    let bare = (app.doors.shadow.diff)(id, DiffFilter::default()).await?;
    let Some(bare) = bare else { return Ok(None) };
    let status = (app.doors.status)();
    let student = lookup::find(&status, bare.row.route.as_str()).and_then(|route| route.artifact.clone());
    (app.doors.shadow.diff)(id, asked.filter(student.as_ref())).await
}

/// `GET /routes/{route}/shadow`.
pub(crate) async fn queue(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let status = (app.doors.status)();
    let Some(route) = lookup::find(&status, &name) else { return pages::no_route(&app) };
    let page = page_of(&app, route, &asked).await;
    queue::show(&app, &status, route, &asked, page)
}

/// `GET /shadow/{id}`.
pub(crate) async fn diff(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match found(&app, &id, &asked).await {
        Ok(Some(diff)) => detail::show(&app, &diff, &asked, StatusCode::OK, None),
        Ok(None) => no_diff(&app),
        Err(why) => unreadable(&app, &why),
    }
}

fn no_diff(app: &App) -> Response {
    pages::message(app, StatusCode::NOT_FOUND, "Not found", "There is no such diff.")
}

fn unreadable(app: &App, why: &str) -> Response {
    let text = format!("The diffs cannot be read: {why}");
    pages::message(app, StatusCode::SERVICE_UNAVAILABLE, "Not readable", &text)
}

/// The form of a review.
#[derive(Deserialize)]
pub(crate) struct ReviewForm {
    csrf: String,
    verdict: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    corrected: String,
    /// `queue` goes back to the list, anything else on to the next diff.
    #[serde(default)]
    then: String,
}

/// `POST /shadow/{id}`: notes the review, then shows what is next.
pub(crate) async fn review(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    Form(form): Form<ReviewForm>,
) -> Response {
    if !guard::is_csrf(&app.settings, &form.csrf) {
        return pages::stale(&app);
    }
    // Read first: once it is noted, a filter by verdict may leave it out.
    let diff = match found(&app, &id, &asked).await {
        Ok(Some(diff)) => diff,
        Ok(None) => return no_diff(&app),
        Err(why) => return unreadable(&app, &why),
    };
    let Some(verdict) = Verdict::named(&form.verdict) else {
        return detail::show(&app, &diff, &asked, StatusCode::BAD_REQUEST, Some("there is no such verdict"));
    };
    let review = Review {
        id: diff.row.id,
        verdict,
        note: form.note.trim().to_owned(),
        corrected: form.corrected.replace("\r\n", "\n").trim().to_owned(),
        reviewer: String::from("dashboard"),
    };
    if let Err(problem) = fits(&review) {
        let written = DiffDetail { note: review.note, corrected: review.corrected, ..diff };
        return detail::show(&app, &written, &asked, StatusCode::BAD_REQUEST, Some(&problem));
    }
    match noted(&app, review).await {
        Ok(true) => Redirect::to(&after(&diff, &asked, &form.then)).into_response(),
        Ok(false) => no_diff(&app),
        Err(why) => unreadable(&app, &why),
    }
}

/// Where a review leads.
fn after(diff: &DiffDetail, asked: &Asked, then: &str) -> String {
    match diff.next.filter(|_| then != "queue") {
        Some(next) => format!("/shadow/{next}{}", asked.query(0)),
        None => format!("/routes/{}/shadow{}", diff.row.route, asked.query(asked.page())),
    }
}

fn fits(review: &Review) -> Result<(), String> {
    let long = |text: &str, most| text.chars().count() > most;
    if long(&review.note, MAX_NOTE) || long(&review.corrected, MAX_ANSWER) {
        return Err(format!("a note has at most {MAX_NOTE} characters, an answer {MAX_ANSWER}"));
    }
    Ok(())
}

async fn noted(app: &App, review: Review) -> Result<bool, String> {
    tracing::info!(id = %review.id, verdict = %review.verdict, reviewer = %review.reviewer, "review");
    (app.doors.shadow.review)(review).await
}

/// `GET /api/v1/routes/{route}/shadow`.
pub(crate) async fn api_queue(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let status = (app.doors.status)();
    let Some(route) = lookup::find(&status, &name) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such route");
    };
    match page_of(&app, route, &asked).await {
        Ok(page) => Json(page).into_response(),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

/// `GET /api/v1/shadow/{id}`.
pub(crate) async fn api_diff(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match found(&app, &id, &asked).await {
        Ok(Some(diff)) => Json(diff).into_response(),
        Ok(None) => refuse(StatusCode::NOT_FOUND, "there is no such diff"),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

/// `POST /api/v1/reviews`.
pub(crate) async fn api_review(
    State(app): State<Arc<App>>,
    body: Result<Json<Review>, JsonRejection>,
) -> Response {
    let review = match body {
        Ok(Json(review)) => review,
        Err(bad) => return refuse(bad.status(), &bad.body_text()),
    };
    if let Err(problem) = fits(&review) {
        return refuse(StatusCode::BAD_REQUEST, &problem);
    }
    match noted(&app, review).await {
        Ok(true) => Json(json!({ "noted": true })).into_response(),
        Ok(false) => refuse(StatusCode::NOT_FOUND, "there is no such diff"),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}
