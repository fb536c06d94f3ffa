//! The web pages and the admin interface of `kolm up`: what the routes do, why, what the shadow saw, and the four
//! intents and the verdicts that a person may write. One router; everything it shows and does comes in through [`Doors`].
//!
//! **Invariant:** nothing here decides. A page writes intents, never a weight; no page needs
//! JavaScript, another host, or a request whose `Host` is not this machine.

mod api;
mod assets;
mod bets;
mod captures;
mod challenger;
mod chart;
mod compare;
mod config;
mod decisions;
pub mod evaluation;
mod guard;
mod lookup;
mod pages;
mod route;
mod savings;
mod shadow;
mod time_line;
mod view;
mod words;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use kolm_core::{
    Answered, Clock, DecisionRow, DiffDetail, DiffFilter, DiffPage, DiffQuery, Intent, Namespace, RequestId,
    Review, RouteName, Spent, Status, Timestamp,
};
use serde::{Deserialize, Serialize};

/// An answer that is still on its way.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Reads the decisions of one route, or of all for `None`, ordered by route and `seq`.
pub type Decisions =
    Arc<dyn Fn(Option<RouteName>) -> Pending<Result<Vec<DecisionRow>, String>> + Send + Sync>;

/// Hands an intent to the reconciler: the refusal is a sentence, the answer comes with its next look, and is `None` if
/// that takes too long.
pub type Intend = Arc<dyn Fn(Intent) -> Result<Pending<Option<Answered>>, String> + Send + Sync>;

/// Freezes a namespace into a directory.
pub type Freezer = Arc<dyn Fn(Freeze) -> Pending<Result<Frozen, String>> + Send + Sync>;

/// Looks into the captures; `None` where there is no such thing.
pub type Looker = Arc<dyn Fn(Look) -> Pending<Result<Option<serde_json::Value>, String>> + Send + Sync>;

/// The doors to what the shadow saw. All of it was anonymized before it was stored.
#[derive(Clone)]
pub struct ShadowDoors {
    /// Reads a page of a route's diffs, worst first.
    pub page: Arc<dyn Fn(DiffQuery) -> Pending<Result<DiffPage, String>> + Send + Sync>,
    /// Reads one diff with its neighbours in the order of the filter; `None` where there is no such diff.
    pub diff: DiffReader,
    /// Notes what a person says of a diff, at the present time; false where there is no such diff.
    pub review: Arc<dyn Fn(Review) -> Pending<Result<bool, String>> + Send + Sync>,
}

/// Reads one diff.
pub type DiffReader =
    Arc<dyn Fn(RequestId, DiffFilter) -> Pending<Result<Option<DiffDetail>, String>> + Send + Sync>;

/// What may be looked at in the captures. All of it was anonymized before it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The templates (system prompt and tools) with the most pairs, at most so many.
    Templates(u32),
    /// Numbers by namespace and reason, findings by type, and the newest pairs.
    Captures,
    /// One pair in full.
    Pair(RequestId),
    /// A [`kolm_core::Sample`] of the first scores that are stored of a Decision's attempt, as many as it rests on.
    Sample(Box<DecisionRow>),
    /// The signed statements about a route's verdicts: DSSE envelopes, oldest first.
    Statements(RouteName),
}

/// What the rest of the process offers to the pages: closures, so that this crate never imports it.
#[derive(Clone)]
pub struct Doors {
    /// The present state.
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// The metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether the proxy takes requests.
    pub ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Hands an intent to the reconciler.
    pub intent: Intend,
    /// The configuration in force.
    pub config: Arc<dyn Fn() -> InForce + Send + Sync>,
    /// Puts another one in force: what came of it, as JSON.
    pub edit: Arc<dyn Fn(Edit) -> Result<serde_json::Value, EditRefused> + Send + Sync>,
    /// Reads decisions.
    pub decisions: Decisions,
    /// Looks into the captures.
    pub look: Looker,
    /// What the shadow saw.
    pub shadow: ShadowDoors,
    /// What passed over the routes by arm, as far as it was captured.
    pub spent: Arc<dyn Fn() -> Pending<Result<Vec<Spent>, String>> + Send + Sync>,
    /// Freezes a snapshot.
    pub freeze: Freezer,
    /// The time that ages on the pages are counted from.
    pub clock: Arc<dyn Clock>,
}

/// How the pages are reached.
#[derive(Clone)]
pub struct Settings {
    /// The bearer token of the API; also the login when bound off the loopback. Empty: nobody has it.
    pub token: String,
    /// The address that the listener is bound to.
    pub address: SocketAddr,
}

pub use config::{Edit, EditRefused, InForce};

/// The body of `POST /admin/freeze`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// The namespace to freeze.
    pub namespace: Namespace,
    /// The directory that the snapshot is written to.
    pub dir: std::path::PathBuf,
}

/// A frozen snapshot, the answer to [`Freeze`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// `snap-` and 16 hex digits.
    pub id: String,
    /// The namespace.
    pub namespace: String,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of its rows.
    pub sha256: String,
    /// Digest of the anonymization policy.
    pub policy: String,
    /// When.
    pub frozen_at: Timestamp,
}

/// What every handler is given.
pub(crate) struct App {
    pub(crate) doors: Doors,
    pub(crate) settings: Settings,
}

/// Bodies here are forms and small JSON.
const MAX_BODY: usize = 64 * 1024;

/// The pages, the API and the admin interface as one router.
pub fn router(doors: Doors, settings: Settings) -> Router {
    let app = Arc::new(App { doors, settings });
    let reviewed = DefaultBodyLimit::max(shadow::MAX_FORM);
    Router::new()
        .route("/", get(pages::overview))
        .route("/captures", get(captures::page))
        .route("/decisions", get(decisions::page))
        .route("/savings", get(savings::page))
        .route("/routes/{route}", get(pages::route))
        .route("/routes/{route}/shadow", get(shadow::queue))
        .route("/shadow/{id}", get(shadow::diff).post(shadow::review).layer(reviewed))
        .route("/routes/{route}/ask/{kind}", get(pages::ask))
        .route("/routes/{route}/intents", post(pages::intent))
        .route("/login", get(pages::login).post(pages::sign_in))
        .route("/assets/{name}", get(assets::asset))
        .route("/healthz", get(api::healthz))
        .route("/readyz", get(api::readyz))
        .route("/metrics", get(api::metrics))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/routes/{route}/decisions", get(api::decisions))
        .route("/api/v1/routes/{route}/decisions/{seq}/sample", get(api::sample))
        .route("/api/v1/routes/{route}/statements", get(api::statements))
        .route("/api/v1/routes/{route}/shadow", get(shadow::api_queue))
        .route("/api/v1/shadow/{id}", get(shadow::api_diff))
        .route("/api/v1/reviews", post(shadow::api_review).layer(reviewed))
        .route("/api/v1/decisions.jsonl", get(decisions::lines))
        .route("/api/v1/savings", get(savings::api))
        .route("/api/v1/captures", get(api::captures))
        .route("/api/v1/templates", get(api::templates))
        .route("/api/v1/pairs/{id}", get(api::pair))
        .route("/api/v1/intents", post(api::intent))
        .route(
            "/admin/config",
            get(config::show).put(config::put).layer(DefaultBodyLimit::max(config::MAX_TEXT)),
        )
        .route("/admin/config/reload", post(config::reload))
        .route("/admin/freeze", post(api::freeze))
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

#[cfg(test)]
mod tests;
