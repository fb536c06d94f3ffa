//! A challenger as the reconciler drives it: a trial of its own, and the champion's evidence of the same time.

use std::sync::Arc;

use kolm_config::Route;
use kolm_core::{ArtifactId, ChallengerStatus, DecisionKind, DecisionRow, KScore, Ppm, Timestamp, Weight};
use kolm_policies::gate::{Evidence, Gathered, Score, ScoreKind, bets, judge};
use kolm_policies::rollout::{self, State};

use super::RouteRun;
use super::trial::Trial;
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
    /// The challenger of `state`, by what was gathered about it and about the champion.
    pub(super) fn of(
        route: &Route,
        settings: &Settings,
        state: &State,
        (own, champions): (&Gathered, &Gathered),
    ) -> Option<Self> {
        let challenger = state.challenger.as_ref().filter(|_| state.weight > Weight::ZERO)?;
        let trial = |artifact: Option<&ArtifactId>, attempt, replay| {
            Trial::of((route, settings), artifact.cloned(), attempt, &replay)
        };
        Some(Self {
            trial: trial(Some(&challenger.artifact), challenger.attempt, challenger.replay(own)),
            champion: trial(state.artifact.as_ref(), state.attempt, challenger.compared(&champions.scores))
                .evidence,
            bar: None,
        })
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

    /// What a person is shown; it serves no more than `bound`.
    pub(super) fn status(&self, state: &State, bound: Option<Weight>) -> Option<ChallengerStatus> {
        let (challenger, judged) = (state.challenger.as_ref()?, self.trial.judged.as_ref());
        Some(ChallengerStatus {
            artifact: challenger.artifact.clone(),
            attempt: challenger.attempt,
            weight: bound.map_or(challenger.weight, |bound| bound.min(challenger.weight)),
            up: self.trial.student().is_some_and(|student| student.is_up()),
            n: judged.map(|judged| judged.n).unwrap_or_default(),
            k: judged.map_or_else(KScore::default, |judged| judged.k),
            axes: judged.map(|judged| judged.axes.clone()).unwrap_or_default(),
            bets: bets(&self.trial.evidence),
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
        self.rival =
            Rival::of(&self.route, settings, &self.state, (&Gathered::default(), &Gathered::default()));
        if let Some(rival) = &mut self.rival {
            rival.trial.start(shared, settings, &self.route.name);
        }
    }

    /// The champion's process ends; the challenger's goes on with its evidence.
    fn succeed(&mut self, row: &DecisionRow, settings: &Settings) {
        let Some(Rival { mut trial, .. }) = self.rival.take() else { return };
        trial.next_step(self.state.promoted_at == Some(row.t));
        self.champion = trial;
        self.watch(settings);
    }
}
