//! The training of a route's students, as the reconciler drives it.

use std::sync::Arc;

use kolm_core::Timestamp;
use kolm_policies::rollout::Training;

use super::RouteRun;
use crate::reconcile::Settings;
use crate::table::Shared;
use crate::till;
use crate::training::{self, Run};

impl RouteRun {
    /// Starts a training.
    pub(super) fn train(&mut self, shared: &Shared, store: &kolm_store::Handle, settings: &Settings) {
        self.failed = None;
        let config = Arc::clone(&shared.table.load().config);
        let namespace = config.namespaces.get(&self.route.namespace);
        let plan = training::Plan {
            program: settings.program.clone(),
            data_dir: settings.data_dir.clone(),
            policy: namespace.map_or_else(String::new, |namespace| namespace.policy.digest().to_owned()),
            route: Arc::clone(&self.route),
            number: self.runs,
        };
        self.training = Some(training::start(store.clone(), plan));
    }

    /// Ends a training under way; its folder keeps what was done.
    pub(crate) fn stop_training(&mut self) {
        self.training = None;
    }

    /// Takes what came of a training that is over, and what it cost.
    pub(super) fn finish_training(&mut self, now: Timestamp) {
        match self.training.as_ref().and_then(Run::take) {
            Some(Ok((artifact, _))) => self.candidate = Some(artifact),
            Some(Err(why)) => self.failed = Some(why),
            None => return,
        }
        let took = self.state.training.map_or(0, |begun| now.since(begun));
        self.till.add(&self.route.name, &till::of_training(took, self.route.gate.hw_musd_per_s));
        self.training = None;
    }

    /// Where the training stands.
    pub(super) fn training_state(&self) -> Training {
        match (&self.training, &self.failed) {
            (Some(_), _) => Training::Running,
            (None, Some(why)) => Training::Failed { why: why.clone() },
            (None, None) => Training::Idle,
        }
    }
}
