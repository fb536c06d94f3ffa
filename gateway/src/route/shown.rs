//! A route as a person is shown it.

use std::sync::atomic::Ordering;

use kolm_core::{Counts, KScore, RouteStatus, Timestamp};
use kolm_policies::price;

use super::RouteRun;
use crate::training::Run;

impl RouteRun {
    /// What a person is shown.
    pub(crate) fn status(&self, now: Timestamp) -> RouteStatus {
        let judged = self.judged.as_ref();
        let savings = self.till.of(&self.route.name);
        let break_even = self.serving_since.and_then(|since| price::break_even(&savings, since, now));
        RouteStatus {
            route: self.route.name.clone(),
            namespace: self.route.namespace.clone(),
            stage: self.state.stage,
            sentence: self.sentence.clone(),
            weight: self.state.weight,
            ladder: self.route.rollout.steps.clone(),
            actual: self.stats.actual(),
            artifact: self.state.artifact.clone(),
            student_up: self.student().is_some_and(|student| student.is_up()),
            engines: self
                .student()
                .and_then(|student| student.pool.as_ref())
                .map_or_else(Vec::new, |pool| pool.status()),
            attempt: self.state.attempt,
            n: judged.map_or_else(Counts::default, |judged| judged.n),
            k: judged.map_or_else(KScore::default, |judged| judged.k),
            axes: judged.map_or_else(Vec::new, |judged| judged.axes.clone()),
            ceiling: judged.and_then(|judged| judged.ceiling),
            served_local: self.stats.local.load(Ordering::Relaxed),
            served_cloud: self.stats.cloud.load(Ordering::Relaxed),
            fallbacks: self.stats.fallbacks.load(Ordering::Relaxed),
            pairs: self.pairs,
            pairs_wanted: self.route.rollout.distill_min_pairs,
            train: self.training.as_ref().map(Run::status),
            teacher_p95_us: judged.map_or(0, |judged| judged.teacher_p95_us),
            student_p95_us: judged.map_or(0, |judged| judged.student_p95_us),
            savings,
            break_even,
        }
    }
}
