//! One route driven by the real gate: `Evidence`, `judge` and `rollout::plan`, as the gateway's reconciler drives it.
//!
//! **Invariant:** no rule of the gate is written here; what is written here is what no Decision may ever do.

use kolm_core::{
    ArtifactId, DecisionKind, DecisionRow, MicroUsd, Ppm, RequestId, RouteName, Stage, Timestamp, Weight,
};
use kolm_policies::gate::{Evidence, GatePolicy, Gathered, Judged, Score, ScoreKind, Verdict, judge};
use kolm_policies::rollout::{self, RolloutPolicy, Seen, State};

use crate::chance::Chance;
use crate::rival::Rival;

/// A tenth of 3 GiB: S = 0.9.
pub(crate) const BYTES: u64 = 322_122_547;
/// Double primaries among shadow requests, before 400 are known.
pub(crate) const DOUBLE_RATE: Ppm = Ppm(200_000);
/// Shadow requests among those that the teacher answers.
const SHADOW_RATE: u64 = 100_000;

/// What a student and its teacher truly are, in ppm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) v: u32,
    /// Share of requests within the latency budget.
    pub(crate) share: u32,
}

/// A route, its history and what was broken on the way.
pub(crate) struct World {
    pub(crate) ladder: RolloutPolicy,
    pub(crate) gate: GatePolicy,
    pub(crate) seen: Seen,
    pub(crate) now: Timestamp,
    /// Requests scored, in all attempts.
    pub(crate) scored: u64,
    pub(crate) promotions: u64,
    pub(crate) rollbacks: u64,
    pub(crate) successions: u64,
    /// Promises that were not kept; empty.
    pub(crate) broken: Vec<String>,
    route: RouteName,
    state: State,
    evidence: Evidence,
    rows: Vec<DecisionRow>,
    /// The attempt's scores, as the store keeps them.
    kept: Gathered,
    pub(crate) rival: Option<Rival>,
    /// When the route last fell, and in which attempt.
    fallen: Option<(Timestamp, u32)>,
}

/// The artifact of a number.
pub(crate) fn artifact(number: u64) -> Option<ArtifactId> {
    format!("sha256:{number:064x}").parse().ok()
}

impl World {
    /// A route whose first student was just made.
    pub(crate) fn new(gate: GatePolicy, ladder: RolloutPolicy, route: RouteName) -> Self {
        let mut world = Self {
            evidence: Evidence::new(&gate, 0, BYTES),
            ladder,
            gate,
            seen: Seen { candidate: artifact(1), ..Seen::default() },
            now: Timestamp(1_795_000_000_000),
            scored: 0,
            promotions: 0,
            rollbacks: 0,
            successions: 0,
            broken: Vec::new(),
            route,
            state: State::default(),
            rows: Vec::new(),
            kept: Gathered::default(),
            rival: None,
            fallen: None,
        };
        world.look();
        world
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The floor that the detector of `a` was frozen at.
    pub(crate) fn frozen_floor(&self) -> Option<Ppm> {
        self.state.promoted_b.map(|b| Ppm((u64::from(self.gate.a_floor) * u64::from(b.0) / 1_000_000) as u32))
    }

    /// One request of the sample and, drawn by the real schedule, its double primary; scored.
    pub(crate) fn request(&mut self, chance: &mut Chance, truth: Truth, unit: &str) {
        let artifact = self.state.artifact.clone();
        for score in self.drawn(chance, truth, unit) {
            self.take(artifact.as_ref(), score);
        }
    }

    /// The scores of one drawn request.
    pub(crate) fn drawn(&self, chance: &mut Chance, truth: Truth, unit: &str) -> Vec<Score> {
        let kind = self.draw(chance);
        let mut out = vec![self.score(chance, truth, unit, kind)];
        let rate = rollout::double_rate(DOUBLE_RATE, self.evidence.counts().double_primary);
        if kind == ScoreKind::Shadow && chance.hits(rate.0) {
            let (kind, b) = (ScoreKind::Double, Some(chance.coin(truth.b)));
            out.extend(out.first().cloned().map(|first| Score { kind, b, a: None, served: false, ..first }));
        }
        out
    }

    /// Forward or reverse, in the proportion of the rates at this weight.
    fn draw(&self, chance: &mut Chance) -> ScoreKind {
        let (reverse, all) = (self.reverse_rate(), self.drawn_rate());
        if chance.below(all) < reverse { ScoreKind::Reverse } else { ScoreKind::Shadow }
    }

    fn reverse_rate(&self) -> u64 {
        u64::from(self.state.weight.0) * u64::from(rollout::reverse_rate(self.state.weight).0)
    }

    /// How often a request is drawn at this weight: by the shadow or by its reverse.
    pub(crate) fn drawn_rate(&self) -> u64 {
        self.reverse_rate() + (10_000 - u64::from(self.state.weight.0)) * SHADOW_RATE
    }

    /// A score of a student that is so: what it does not serve, it abstains from.
    pub(crate) fn score(&self, chance: &mut Chance, truth: Truth, unit: &str, kind: ScoreKind) -> Score {
        let served = chance.hits(truth.v);
        let agrees = chance.coin(truth.a);
        let student_us = if chance.hits(truth.share) { 2_000 } else { 900_000 };
        Score {
            t: self.now,
            unit: unit.to_owned(),
            kind,
            a: served.then_some(agrees),
            b: None,
            served,
            student_us,
            teacher_us: 400_000,
            student_ttft_us: student_us,
            teacher_ttft_us: 300_000,
            streamed: false,
            student_cost: MicroUsd(0),
            teacher_cost: MicroUsd(200),
            critical: false,
            up_model: "gpt".to_owned(),
            template: String::new(),
        }
    }

    /// Takes a score about `artifact`; one about another student comes too late.
    pub(crate) fn take(&mut self, artifact: Option<&ArtifactId>, score: Score) {
        if self.state.artifact.as_ref() != artifact {
            return;
        }
        if score.kind != ScoreKind::Double {
            self.scored += 1;
            self.evidence.note_sampled();
        }
        self.evidence.observe(&score);
        if let Some(rival) = &mut self.rival {
            rival.compare(&score);
        }
        self.kept.scores.push(score);
    }

    /// A request was drawn and never scored.
    pub(crate) fn miss(&mut self) {
        self.evidence.note_sampled();
        self.evidence.note_dropped();
        self.kept.missed += 1;
    }

    /// One look: judge, plan, record, act.
    pub(crate) fn look(&mut self) {
        self.evidence.close_idle(self.now);
        self.seen.judged = (self.state.attempt > 0).then(|| judge(&self.evidence, self.now));
        let now = self.now;
        self.seen.challenger = self.rival.as_mut().map(|rival| rival.look(now)).unwrap_or_default();
        let plan = rollout::plan(&self.ladder, &self.gate, &self.state, &self.seen, self.now);
        self.seen.intents.drain(..plan.answered);
        let Some(draft) = plan.decision else { return };
        let mut id = [0; 10];
        id[..8].copy_from_slice(&self.state.seq.to_be_bytes());
        let row =
            rollout::row(draft, &self.state, RequestId::from_parts(self.now, id), &self.route, self.now);
        self.check(&row);
        self.state.apply(&row);
        match row.challenger {
            Some(_) => self.act_beside(&row),
            None => self.act(&row),
        }
        self.rows.push(row);
    }

    /// A challenger takes the champion's place.
    pub(crate) fn succeed(&mut self, evidence: Evidence, kept: Gathered) {
        (self.evidence, self.kept) = (evidence, kept);
        if self.state.promoted_at == Some(self.state.since) {
            self.evidence.arm();
        }
        self.evidence.begin_step();
    }

    /// What the reconciler does after a row.
    fn act(&mut self, row: &DecisionRow) {
        if row.to == Weight::ZERO {
            self.rival = None;
        }
        match row.kind {
            DecisionKind::Candidate => {
                self.evidence = Evidence::new(&self.gate, self.state.attempt, BYTES);
                self.seen.candidate = None;
                self.kept = Gathered::default();
            }
            DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done => {
                if self.state.promoted_at == Some(self.state.since) {
                    self.evidence.arm();
                }
                self.evidence.begin_step();
            }
            DecisionKind::Rollback | DecisionKind::Pause => self.evidence.disarm(),
            DecisionKind::Distill
            | DecisionKind::Dwell
            | DecisionKind::Hold
            | DecisionKind::Reject
            | DecisionKind::Challenge
            | DecisionKind::Dismiss
            | DecisionKind::Succeed
            | DecisionKind::Resume => {}
        }
    }

    /// The process ends and comes back: state from the rows, evidence from the scores.
    pub(crate) fn restart(&mut self) {
        let state = rollout::fold(&self.rows);
        self.promise(state == self.state, "the rows do not rebuild the state");
        self.evidence = Evidence::replay(&self.gate, state.attempt, BYTES, &state.replay(&self.kept));
        if let Some(rival) = &mut self.rival {
            rival.restart(&self.gate, &state, &self.kept.scores);
        }
    }

    pub(crate) fn promise(&mut self, kept: bool, what: &str) {
        if !kept {
            self.broken.push(format!("row {}: {what}", self.state.seq));
        }
    }

    /// What holds of every row there ever is.
    fn check(&mut self, row: &DecisionRow) {
        let state = self.state.clone();
        self.promise(
            (row.seq, &row.prev, row.from) == (state.seq, &state.prev, state.weight),
            "the chain is broken",
        );
        self.promise(row.to == row.stage.weight(), "weight and stage differ");
        if row.challenger.is_some() {
            return self.check_beside(row);
        }
        let first = row.kind == DecisionKind::Candidate;
        let attempt = if first { state.attempts + 1 } else { state.attempt };
        self.promise(row.attempt == attempt, "the attempt is not counted");
        if row.to > row.from {
            self.check_rise(row, &state);
        }
        if row.to < row.from {
            let falls = [DecisionKind::Rollback, DecisionKind::Pause, DecisionKind::Candidate];
            self.promise(falls.contains(&row.kind), "a weight fell without a reason");
            self.rollbacks += u64::from(row.kind == DecisionKind::Rollback);
            if row.stage == Stage::Cooldown {
                self.fallen = Some((row.t, row.attempt));
            }
        }
    }

    fn check_rise(&mut self, row: &DecisionRow, state: &State) {
        let rises = [DecisionKind::Promote, DecisionKind::Advance, DecisionKind::Done];
        self.promise(rises.contains(&row.kind), "a weight rose by another row");
        let next = self.ladder.steps.iter().copied().find(|step| *step > row.from);
        self.promise(Some(row.to) == next, "a step was left out");
        let judged = self.seen.judged.clone();
        self.promise(judged.is_some_and(|judged| holds(&judged)), "a weight rose without a passed gate");
        self.promise(passes(row), "a weight rose over a bar that is not reached or not measured");
        self.promise(row.artifact == state.artifact, "a weight rose for another student");
        if row.from > Weight::ZERO {
            self.promise(row.t.since(state.since) >= self.ladder.dwell_ms, "a step was left too soon");
            self.promise(row.n.step_units >= self.ladder.step_units, "a step was left on too few units");
        } else {
            self.promotions += 1;
            if let Some((t, attempt)) = self.fallen {
                let rested = row.t.since(t) >= self.ladder.cooldown_ms && row.attempt > attempt;
                self.promise(rested, "a route that fell rose again too soon");
            }
        }
    }
}

fn holds(judged: &Judged) -> bool {
    judged.verdict == Verdict::Promote && judged.alarm.is_none() && !judged.new_teacher
}

/// Whether the row itself shows every axis measured and every bar reached.
pub(crate) fn passes(row: &DecisionRow) -> bool {
    let Some(basis) = &row.basis else { return false };
    let (k, bars) = (&row.k, &basis.bars);
    let reaches =
        |bounds: Option<kolm_core::Bounds>, bar: Ppm| bounds.is_some_and(|bounds| bounds.lcb >= bar);
    reaches(k.a, bars.a)
        && reaches(k.v, bars.v)
        && reaches(k.k, bars.gate)
        && reaches(basis.latency.map(|within| within.share), bars.latency)
        && [k.s, k.l, k.c].iter().all(Option::is_some)
        && row.n.completeness_ppm >= u64::from(bars.completeness.0)
        && row.n.requests >= bars.requests
        && row.n.units >= bars.units
        && row.n.double_primary >= bars.double_primary
        && row.n.critical == 0
        && basis.wall_ms >= bars.wall_ms
}
