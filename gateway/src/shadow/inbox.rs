//! What the shadow tells the reconciler of.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kolm_core::{ArtifactId, RouteName};
use kolm_policies::gate::Score;
use kolm_store::Diff;

/// What a drawn exchange told.
pub(crate) enum Observed {
    /// A scored request.
    Scored(Score),
    /// What people may look at of it.
    Diff(Box<Diff>),
    /// Drawn, but not scored: lowers completeness.
    Dropped,
    /// The day's money for teacher calls of our own is spent.
    BudgetSpent,
    /// There was money for a teacher call.
    BudgetLeft,
}

/// What was observed waits here, with the artifact it is about, until the reconciler takes it.
#[derive(Default)]
pub(crate) struct Inbox {
    routes: Mutex<HashMap<RouteName, Vec<(ArtifactId, Observed)>>>,
}

impl Inbox {
    pub(super) fn put(&self, route: &RouteName, artifact: &ArtifactId, observed: Observed) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.clone()).or_default().push((artifact.clone(), observed));
    }

    /// Takes what has come for `route`.
    pub(crate) fn take(&self, route: &RouteName) -> Vec<(ArtifactId, Observed)> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get_mut(route).map(std::mem::take).unwrap_or_default()
    }
}
