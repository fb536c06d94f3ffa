//! A challenger as the reconciler drives it: a trial of its own, and the champion's evidence of the same time.

use std::sync::Arc;

use kolm_config::Route;
use kolm_core::{ChallengerStatus, DecisionKind, DecisionRow, KScore, Ppm, Timestamp, Weight};
use kolm_policies::gate::{Evidence, Replay, Score, ScoreKind, judge};
use kolm_policies::rollout::{self, Challenger, State};

use super::RouteRun;
use super::trial::{Trial, artifact_bytes};
use crate::reconcile::Settings;
use crate::table::{self, Shared};

/// A challenger under way.
pub(super) struct Rival {
    pub(super) trial: Trial,
    /// What the champion was since the challenger's trial began: the bar that it has to reach.
    pub(super) champion: Evidence,
    bar: Option<Ppm>,
}

impl Rival {
    fn begin(
        route: &Route,
        state: &State,
        settings: &Settings,
        challenger: &Challenger,
        scores: &[Score],
    ) -> Self {
        let bytes = artifact_bytes(settings, route, Some(&challenger.artifact));
        let evidence = Evidence::new(&route.gate, challenger.attempt, bytes);
        let bytes = artifact_bytes(settings, route, state.artifact.as_ref());
        let champion = Evidence::new(&route.gate, state.attempt, bytes);
        let trial = Trial::of(Some(challenger.artifact.clone()), challenger.attempt, evidence, scores);
        Self { trial, champion, bar: None }
    }

    /// Takes a challenger up where the rows left it.
    pub(super) fn resume(
        route: &Route,
        state: &State,
        settings: &Settings,
        (own, champions): (&[Score], &[Score]),
    ) -> Option<Self> {
        let challenger = state.challenger.as_ref().filter(|_| state.weight > Weight::ZERO)?;
        let mut rival = Self::begin(route, state, settings, challenger, own);
        let bytes = artifact_bytes(settings, route, Some(&challenger.artifact));
        rival.trial.evidence =
            Evidence::replay(&route.gate, challenger.attempt, bytes, &challenger.replay(own));
        let begun = champions.partition_point(|score| score.t < challenger.begun);
        let since = Replay {
            scores: &champions[begun..],
            dropped: 0,
            promoted_at: None,
            promoted_b: None,
            step_at: None,
        };
        let bytes = artifact_bytes(settings, route, state.artifact.as_ref());
        rival.champion = Evidence::replay(&route.gate, state.attempt, bytes, &since);
        Some(rival)
    }

    /// Takes a score of the champion's.
    pub(super) fn compare(&mut self, score: &Score) {
        if score.kind != ScoreKind::Double {
            self.champion.note_sampled();
        }
        self.champion.observe(score);
    }

    /// What the plan sees of it.
    pub(super) fn look(&mut self, now: Timestamp) -> rollout::Rival {
        self.champion.close_idle(now);
        self.bar = judge(&self.champion, now).k.k.map(|k| k.v);
        rollout::Rival { judged: self.trial.judge(now), hard: self.trial.hard(), champion: self.bar }
    }

    /// What the table shows of it, at the weight that its rows gave it.
    pub(super) fn seat(&self, state: &State) -> Option<table::Challenger> {
        let student = Arc::clone(self.trial.student()?);
        let served = state.challenger.as_ref().filter(|_| !self.trial.falling);
        Some(table::Challenger {
            student,
            weight: served.map_or(Weight::ZERO, |challenger| challenger.weight),
        })
    }

    /// What a person is shown.
    pub(super) fn status(&self, state: &State) -> Option<ChallengerStatus> {
        let (challenger, judged) = (state.challenger.as_ref()?, self.trial.judged.as_ref());
        Some(ChallengerStatus {
            artifact: challenger.artifact.clone(),
            attempt: challenger.attempt,
            weight: challenger.weight,
            up: self.trial.student().is_some_and(|student| student.is_up()),
            n: judged.map(|judged| judged.n).unwrap_or_default(),
            k: judged.map_or_else(KScore::default, |judged| judged.k),
            axes: judged.map(|judged| judged.axes.clone()).unwrap_or_default(),
            champion: self.bar,
        })
    }
}

impl RouteRun {
    /// Makes the world follow a row about the challenger.
    pub(super) fn act_beside(&mut self, row: &DecisionRow, shared: &Arc<Shared>, settings: &Settings) {
        match row.kind {
            DecisionKind::Challenge => self.challenge(shared, settings),
            DecisionKind::Dismiss => self.rival = None,
            DecisionKind::Succeed => self.succeed(row, settings),
            DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done => {
                if let (Some(rival), Some(state)) = (&mut self.rival, &self.state.challenger) {
                    let first = state.promoted_at == Some(state.since);
                    rival.trial.next_step(first);
                }
            }
            DecisionKind::Distill
            | DecisionKind::Candidate
            | DecisionKind::Dwell
            | DecisionKind::Hold
            | DecisionKind::Reject
            | DecisionKind::Rollback
            | DecisionKind::Pause
            | DecisionKind::Resume => {}
        }
    }

    fn challenge(&mut self, shared: &Arc<Shared>, settings: &Settings) {
        self.candidate = None;
        self.rival = self.state.challenger.as_ref().map(|challenger| {
            let mut rival = Rival::begin(&self.route, &self.state, settings, challenger, &[]);
            rival.trial.start(shared, settings, &self.route.name);
            rival
        });
    }

    /// The champion's process ends; the challenger's goes on with its evidence.
    fn succeed(&mut self, row: &DecisionRow, settings: &Settings) {
        let Some(Rival { mut trial, .. }) = self.rival.take() else { return };
        trial.next_step(self.state.promoted_at == Some(row.t));
        self.champion = trial;
        self.watch(settings);
    }
}
