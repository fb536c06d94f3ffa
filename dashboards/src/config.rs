//! The configuration on the admin port: shown with its digest, replaced only by whoever has seen it.
//!
//! **Invariant:** an edit names its author; two people who edit at once do not overwrite each other.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::App;

/// Longest text that is taken.
pub(crate) const MAX_TEXT: usize = 1 << 20;
/// Who edits, where the token does not say it.
const AUTHOR: &str = "x-kolm-author";
const AUTHOR_MAX: usize = 64;

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its text.
    pub digest: String,
    /// The file that it came from.
    pub file: Option<String>,
    /// Its text.
    pub text: String,
}

/// What somebody wants to be in force.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Who: `admin:NAME` or `cli:NAME`.
    pub by: String,
    /// A whole text, or none: read the file again.
    pub text: Option<String>,
    /// The digest of the text that this one takes the place of; `*` is any.
    pub if_match: Option<String>,
}

/// Why it is not in force.
#[derive(Debug, Clone)]
pub enum EditRefused {
    /// What is wrong with it, one object each.
    Problems(Vec<Value>),
    /// Another one is in force than the editor saw: this one.
    Stale(String),
    /// It cannot be replaced as things are.
    Conflict(String),
}

/// `GET /admin/config`.
pub(crate) async fn show(State(app): State<Arc<App>>) -> Response {
    let now = (app.doors.config)();
    let mut response = now.text.into_response();
    let fields = [
        ("etag", format!("\"{}\"", now.digest)),
        ("x-kolm-version", now.version.to_string()),
        ("x-kolm-file", now.file.unwrap_or_default()),
        ("content-type", "application/toml; charset=utf-8".to_owned()),
    ];
    for (name, value) in fields {
        if let Ok(value) = http::HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// `POST /admin/config/reload`.
pub(crate) async fn reload(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match author(&headers) {
        Ok(by) => edit(&app, Edit { by, text: None, if_match: None }),
        Err(why) => refuse(StatusCode::BAD_REQUEST, why),
    }
}

/// `PUT /admin/config`.
pub(crate) async fn put(State(app): State<Arc<App>>, headers: HeaderMap, text: String) -> Response {
    let by = match author(&headers) {
        Ok(by) => by,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, why),
    };
    let seen = headers.get(header::IF_MATCH).and_then(|seen| seen.to_str().ok());
    let Some(seen) = seen.map(|seen| seen.trim().trim_matches('"').to_owned()) else {
        let message = "say with `if-match: <digest>` which text this one replaces; GET shows it as etag";
        return refuse(StatusCode::PRECONDITION_REQUIRED, message);
    };
    edit(&app, Edit { by, text: Some(text), if_match: Some(seen) })
}

fn edit(app: &App, edit: Edit) -> Response {
    match (app.doors.edit)(edit) {
        Ok(done) => Json(done).into_response(),
        Err(EditRefused::Problems(problems)) => {
            let body = json!({
                "error": { "message": "the configuration has problems; the old one stays in force" },
                "problems": problems,
            });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Err(EditRefused::Stale(digest)) => {
            let message = format!("another configuration is in force, with digest {digest}: read it again");
            refuse(StatusCode::PRECONDITION_FAILED, &message)
        }
        Err(EditRefused::Conflict(why)) => refuse(StatusCode::CONFLICT, &why),
    }
}

/// `cli:NAME` as it is sent by `kolm`, else `admin:` and the name sent, or the token's holder.
fn author(headers: &HeaderMap) -> Result<String, &'static str> {
    let Some(sent) = headers.get(AUTHOR) else { return Ok("admin:token".to_owned()) };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-@:".contains(c);
    match sent.to_str() {
        Ok(name) if (1..=AUTHOR_MAX).contains(&name.len()) && name.chars().all(is_name) => {
            Ok(if name.starts_with("cli:") { name.to_owned() } else { format!("admin:{name}") })
        }
        Ok(_) | Err(_) => Err("x-kolm-author is a name of a-z, A-Z, 0-9, . _ - @ and :"),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "message": message } }))).into_response()
}
