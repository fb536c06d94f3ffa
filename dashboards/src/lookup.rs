//! Shared by pages and API: finding a route, checking an intent before it goes through its door.

use kolm_core::{Answered, Intent, IntentKind, RouteStatus, Status};

use crate::{App, Pending};

/// The most characters of a reason.
const MAX_REASON: usize = 500;

/// Why an intent was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such route.
    NoRoute,
    /// The reason is empty or too long.
    Reason,
    /// The reconciler said no, in its words.
    Said(String),
}

impl Refusal {
    /// The refusal as a sentence.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::NoRoute => String::from("there is no such route"),
            Self::Reason => format!("an intent needs a reason of 1 to {MAX_REASON} characters"),
            Self::Said(words) => words.clone(),
        }
    }
}

/// The status of the route called `name`.
pub(crate) fn find<'a>(status: &'a Status, name: &str) -> Option<&'a RouteStatus> {
    status.routes.iter().find(|route| route.route.as_str() == name)
}

/// Hands an intent on, if its route exists and it gives a reason.
pub(crate) fn submit(app: &App, intent: Intent) -> Result<Pending<Option<Answered>>, Refusal> {
    let length = intent.reason.trim().chars().count();
    if find(&(app.doors.status)(), intent.route.as_str()).is_none() {
        return Err(Refusal::NoRoute);
    }
    if !(1..=MAX_REASON).contains(&length) {
        return Err(Refusal::Reason);
    }
    tracing::info!(route = %intent.route, kind = slug(intent.kind), actor = %intent.actor, "intent");
    (app.doors.intent)(intent).map_err(Refusal::Said)
}

/// The name of an intent in paths and forms, as in JSON.
pub(crate) fn slug(kind: IntentKind) -> &'static str {
    match kind {
        IntentKind::Pause => "pause",
        IntentKind::Resume => "resume",
        IntentKind::Rollback => "rollback",
        IntentKind::PromoteOneStep => "promote_one_step",
        IntentKind::Dismiss => "dismiss",
    }
}

/// The intent that a path or form names.
pub(crate) fn kind(slug_given: &str) -> Option<IntentKind> {
    let all = [
        IntentKind::Pause,
        IntentKind::Resume,
        IntentKind::Rollback,
        IntentKind::PromoteOneStep,
        IntentKind::Dismiss,
    ];
    all.into_iter().find(|kind| slug(*kind) == slug_given)
}
