//! The challenger of a simulated route: its own evidence, and the champion's of the same time.

use kolm_core::{DecisionKind, DecisionRow, Ppm, Timestamp, Weight};
use kolm_policies::gate::{Evidence, GatePolicy, Gathered, Score, ScoreKind, judge};
use kolm_policies::rollout::{self, Challenger, State};

use crate::chance::Chance;
use crate::world::{BYTES, DOUBLE_RATE, Truth, World, passes};

/// A challenger under way.
pub(crate) struct Rival {
    own: Evidence,
    champion: Evidence,
    /// Its scores, as the store keeps them.
    kept: Gathered,
}

impl Rival {
    fn begin(gate: &GatePolicy, state: &State, challenger: &Challenger) -> Self {
        let own = Evidence::new(gate, challenger.attempt, BYTES);
        Self { own, champion: Evidence::new(gate, state.attempt, BYTES), kept: Gathered::default() }
    }

    fn take(&mut self, score: Score) {
        take(&mut self.own, &score);
        self.kept.scores.push(score);
    }

    /// Takes a score of the champion's.
    pub(crate) fn compare(&mut self, score: &Score) {
        take(&mut self.champion, score);
    }

    /// What the plan sees of it.
    pub(crate) fn look(&mut self, now: Timestamp) -> rollout::Rival {
        self.own.close_idle(now);
        self.champion.close_idle(now);
        let champion = judge(&self.champion, now).k.k.map(|k| k.v);
        rollout::Rival { judged: Some(judge(&self.own, now)), hard: None, champion }
    }

    /// The process ends and comes back; `champions` are the scores of the champion's whole attempt.
    pub(crate) fn restart(&mut self, gate: &GatePolicy, state: &State, champions: &[Score]) {
        let Some(challenger) = &state.challenger else { return };
        self.own = Evidence::replay(gate, challenger.attempt, BYTES, &challenger.replay(&self.kept));
        self.champion = Evidence::replay(gate, state.attempt, BYTES, &challenger.compared(champions));
    }
}

fn take(evidence: &mut Evidence, score: &Score) {
    if score.kind != ScoreKind::Double {
        evidence.note_sampled();
    }
    evidence.observe(score);
}

impl World {
    /// A drawn request is put to the challenger too, if there is one, or was its own to answer; its double primary as
    /// the real schedule has it.
    pub(crate) fn request_beside(&mut self, chance: &mut Chance, truth: Truth, unit: &str) {
        let Some(share) = self.state().challenger.as_ref().map(|challenger| challenger.weight) else {
            return;
        };
        let own = u64::from(share.0) * u64::from(rollout::reverse_rate(share).0);
        let kind =
            if chance.below(self.drawn_rate() + own) < own { ScoreKind::Reverse } else { ScoreKind::Shadow };
        let first = self.score(chance, truth, unit, kind);
        let (b, doubles) = (Some(chance.coin(truth.b)), chance.below(1_000_000));
        let Some(rival) = &mut self.rival else { return };
        rival.take(first.clone());
        let rate = rollout::double_rate(DOUBLE_RATE, rival.own.counts().double_primary);
        if kind == ScoreKind::Shadow && doubles < u64::from(rate.0) {
            // The teacher against itself says the same of both.
            let double = Score { kind: ScoreKind::Double, b, a: None, served: false, ..first };
            rival.take(double.clone());
            let champion = self.state().artifact.clone();
            self.take(champion.as_ref(), double);
        }
    }

    /// What the reconciler does after a row about the challenger.
    pub(crate) fn act_beside(&mut self, row: &DecisionRow) {
        match row.kind {
            DecisionKind::Challenge => {
                self.seen.candidate = None;
                let state = self.state();
                self.rival =
                    state.challenger.as_ref().map(|challenger| Rival::begin(&self.gate, state, challenger));
            }
            DecisionKind::Dismiss => self.rival = None,
            DecisionKind::Succeed => {
                if let Some(rival) = self.rival.take() {
                    self.succeed(rival.own, rival.kept);
                }
                self.successions += 1;
            }
            DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done => {
                let challenger = self.state().challenger.as_ref();
                let first = challenger.is_some_and(|own| own.promoted_at == Some(own.since));
                if let Some(rival) = &mut self.rival {
                    if first {
                        rival.own.arm();
                    }
                    rival.own.begin_step();
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

    /// What holds of every row about a challenger.
    pub(crate) fn check_beside(&mut self, row: &DecisionRow) {
        let (Some(challenge), state) = (&row.challenger, self.state().clone()) else { return };
        self.promise((row.to, row.stage) == (state.weight, state.stage), "a challenger moved the champion");
        if row.kind == DecisionKind::Challenge {
            let fresh = challenge.attempt == state.attempts + 1 && state.challenger.is_none();
            return self.promise(fresh, "the attempt of a challenger is not counted");
        }
        let share = state.challenger.as_ref().map(|own| (own.attempt, own.weight));
        self.promise(share == Some((challenge.attempt, challenge.from)), "a row about another challenger");
        if challenge.to <= challenge.from {
            let ends = matches!(row.kind, DecisionKind::Dismiss | DecisionKind::Hold | DecisionKind::Dwell);
            return self.promise(ends, "a challenger fell without a reason");
        }
        let lcb = row.k.k.map_or(Ppm(0), |k| k.lcb);
        self.promise(passes(row), "a challenger rose over a bar that is not reached or not measured");
        self.promise(
            challenge.champion.is_some_and(|bar| lcb >= bar),
            "a challenger rose that is not better",
        );
        let whole = row.kind == DecisionKind::Succeed;
        self.promise(whole == (challenge.to == state.weight), "a challenger's share left the champion's");
        let next = self.ladder.steps.iter().copied().find(|step| *step > challenge.from);
        self.promise(next.is_some_and(|next| challenge.to == next.min(state.weight)), "a step was left out");
        if challenge.from > Weight::ZERO {
            let since = state.challenger.map_or(state.since, |own| own.since);
            self.promise(row.t.since(since) >= self.ladder.dwell_ms, "a challenger left a step too soon");
            self.promise(
                row.n.step_units >= self.ladder.step_units,
                "a challenger left a step on too few units",
            );
        }
    }
}
