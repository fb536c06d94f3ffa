//! A route as a person is shown it.

use std::sync::atomic::Ordering;

use kolm_core::{Counts, KScore, RouteStatus, TemplateStatus, Timestamp};
use kolm_policies::gate::bets;
use kolm_policies::price;

use super::RouteRun;
use crate::table::Shared;
use crate::training::Run;

/// Between two judgements of the templates, which nothing rests on, in ms.
const TEMPLATES_EVERY: i64 = 5_000;

impl RouteRun {
    /// Judges each template by itself, now and then.
    pub(super) fn judge_templates(&mut self, now: Timestamp) {
        if now.since(self.templates.0) < TEMPLATES_EVERY {
            return;
        }
        let judged = self.champion.evidence.by_template(now).into_iter();
        let shown = judged.map(|one| TemplateStatus { template: one.template, n: one.n, k: one.k });
        self.templates = (now, shown.collect());
    }

    /// What a person is shown.
    pub(crate) fn status(&self, shared: &Shared) -> RouteStatus {
        let now = shared.env.clock.now();
        let judged = self.champion.judged.as_ref();
        let savings = self.till.of(&self.route.name);
        let break_even = self.serving_since.and_then(|since| price::break_even(&savings, since, now));
        RouteStatus {
            route: self.route.name.clone(),
            namespace: self.route.namespace.clone(),
            stage: self.state.stage,
            sentence: self.sentence.clone(),
            weight: self.weight(),
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
            k_score_1: self.champion.evidence.k_score_1(),
            bets: if self.state.attempt > 0 { bets(&self.champion.evidence) } else { Vec::new() },
            templates: self.templates.1.clone(),
            challenger: self.rival.as_ref().and_then(|rival| rival.status(&self.state, self.leaves.share())),
            served_local: self.stats.local.load(Ordering::Relaxed),
            served_cloud: self.stats.cloud.load(Ordering::Relaxed),
            fallbacks: self.stats.fallbacks.load(Ordering::Relaxed),
            shadow_dropped: shared.events.shadow_drops(&self.route.name),
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
