//! The reconciler's brain: one function from what is to what shall be.
//!
//! **Invariant:** only `Verdict::Promote` raises a weight; a breach lowers it to 0 in one step.

use kolm_core::{ArtifactId, DecisionKind, Stage, Timestamp, Weight};

use super::{Draft, Plan, RolloutPolicy, Seen, State, Training, ladder_after, sentence};
use crate::gate::bounds::alpha_of;
use crate::gate::{Breach, GatePolicy, Judged, Verdict};

/// A hold or dwell row is repeated after this time.
const HOURLY: i64 = 3_600_000;
const RECONCILER: &str = "reconciler";

/// What shall happen to a route now.
pub fn plan(policy: &RolloutPolicy, gate: &GatePolicy, state: &State, seen: &Seen, now: Timestamp) -> Plan {
    let plan = next(policy, gate, state, seen, now);
    // Drift moves nothing: a person reads of it wherever the route stands.
    match &seen.drift {
        Some(drift) => Plan { sentence: format!("{}; {}", plan.sentence, drift.sentence()), ..plan },
        None => plan,
    }
}

fn next(policy: &RolloutPolicy, gate: &GatePolicy, state: &State, seen: &Seen, now: Timestamp) -> Plan {
    let digest = gate.digest();
    let judged = seen.judged.as_ref().filter(|j| j.attempt == state.attempt && j.policy == digest);
    let look = Look { policy, gate, state, seen, judged, digest: &digest, now };
    if let Some(plan) = look.breach() {
        return plan;
    }
    if let Some(intent) = seen.intents.first() {
        return look.answer(intent);
    }
    if let Some(plan) = look.new_bars().or_else(|| look.new_teacher()) {
        return plan;
    }
    if let Some(plan) = look.training_failed() {
        return plan;
    }
    let plan = look.stage();
    if plan.decision.is_some() || state.weight == Weight::ZERO {
        return plan;
    }
    let beside = look.beside();
    let sentence = [plan.sentence, beside.sentence].into_iter().filter(|said| !said.is_empty());
    Plan { sentence: sentence.collect::<Vec<_>>().join("; "), ..beside }
}

/// Who sets the pace of a rise.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    Ladder,
    Person,
}

/// All that one look at a trial goes by.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) policy: &'a RolloutPolicy,
    pub(super) gate: &'a GatePolicy,
    pub(super) state: &'a State,
    pub(super) seen: &'a Seen,
    pub(super) judged: Option<&'a Judged>,
    pub(super) digest: &'a str,
    pub(super) now: Timestamp,
}

impl Look<'_> {
    /// What the stage asks for.
    fn stage(&self) -> Plan {
        match self.state.stage {
            Stage::Collecting => self.collecting(),
            Stage::Distilling => self.new_student().unwrap_or_else(|| self.rest(0)),
            Stage::Shadow => self.shadow(Pace::Ladder),
            Stage::Step(_) => self.step(Pace::Ladder),
            Stage::Full | Stage::Paused => self.rest(0),
            Stage::Cooldown => self.cooldown(),
            Stage::Rejected => self.rejected(),
        }
    }

    pub(super) fn draft(&self, kind: DecisionKind, stage: Stage, because: Vec<String>) -> Draft {
        let state = self.state;
        Draft {
            kind,
            because,
            stage,
            artifact: state.artifact.clone(),
            attempt: state.attempt,
            policy: self.digest.to_owned(),
            alpha_ppb: if state.attempt == 0 { 0 } else { alpha_of(self.gate.alpha_ppb, state.attempt) },
            n: self.judged.map(|judged| judged.n).unwrap_or_default(),
            k: self.judged.map(|judged| judged.k).unwrap_or_default(),
            ceiling: self.judged.and_then(|judged| judged.ceiling),
            basis: self.judged.map(|judged| judged.basis),
            challenger: None,
            sample: None,
            actor: RECONCILER.to_owned(),
            reason: String::new(),
        }
    }

    pub(super) fn decide(draft: Draft, sentence: String) -> Plan {
        Plan { decision: Some(draft), sentence, answered: 0 }
    }

    /// The draft of a row that begins an attempt: nothing is known of it yet.
    pub(super) fn begin(&self, kind: DecisionKind, stage: Stage, because: &str, attempt: u32) -> Draft {
        Draft {
            attempt,
            alpha_ppb: alpha_of(self.gate.alpha_ppb, attempt),
            n: kolm_core::Counts::default(),
            k: kolm_core::KScore::default(),
            ceiling: None,
            basis: None,
            ..self.draft(kind, stage, vec![because.to_owned()])
        }
    }

    /// A new attempt in the shadow: new artifact, new bars, a new teacher, or the cooldown is over.
    pub(super) fn attempt(&self, artifact: Option<ArtifactId>, because: &str) -> Plan {
        let attempt = self.state.attempts + 1;
        let draft = self.begin(DecisionKind::Candidate, Stage::Shadow, because, attempt);
        let sentence = sentence::decided(&format!("attempt {attempt} begins in the shadow"), &draft.because);
        Self::decide(Draft { artifact, ..draft }, sentence)
    }

    /// The artifact of the next attempt, if no newer one comes: the challenger, else the present one again.
    pub(super) fn again(&self) -> Option<ArtifactId> {
        self.heir().or(self.state.artifact.as_ref()).cloned()
    }

    fn heir(&self) -> Option<&ArtifactId> {
        self.state.challenger.as_ref().map(|challenger| &challenger.artifact)
    }

    /// Breaches come before everything else, people included.
    fn breach(&self) -> Option<Plan> {
        let serving = self.state.weight > Weight::ZERO;
        if serving {
            // An attempt that was promoted in time has not exhausted its chances.
            let rejected = self.refused().filter(|breach| *breach != Breach::Exhausted);
            let breach = self.alarm().or(rejected)?;
            let draft = self.draft(DecisionKind::Rollback, Stage::Cooldown, vec![breach.word()]);
            let sentence = sentence::decided("rolled back to 0 %", &draft.because);
            return Some(Self::decide(draft, sentence));
        }
        let unfit = self
            .seen
            .hard
            .filter(|breach| matches!(breach, Breach::Artifact | Breach::Golden | Breach::Critical));
        let breach = unfit.or(self.refused()).filter(|_| self.state.stage == Stage::Shadow)?;
        let draft = self.draft(DecisionKind::Reject, Stage::Rejected, vec![breach.word()]);
        let sentence = sentence::decided("rejected at 0 %", &draft.because);
        Some(Self::decide(draft, sentence))
    }

    /// What is acted on before any verdict: a hard trigger, else what a detector found.
    pub(super) fn alarm(&self) -> Option<Breach> {
        self.seen.hard.or(self.judged.and_then(|judged| judged.alarm))
    }

    /// Why the gate rejects, if it does.
    pub(super) fn refused(&self) -> Option<Breach> {
        match self.judged?.verdict {
            Verdict::Reject { because } => Some(because),
            Verdict::Promote | Verdict::Hold { .. } => None,
        }
    }

    /// Bars are fixed before data: changed ones begin a new attempt at 0.
    fn new_bars(&self) -> Option<Plan> {
        let tried =
            matches!(self.state.stage, Stage::Shadow | Stage::Step(_) | Stage::Full | Stage::Rejected);
        (tried && self.state.policy != self.digest).then(|| self.attempt(self.again(), "policy_changed"))
    }

    /// Evidence about two teachers promotes nothing: once the new one has settled, a new attempt begins at 0.
    fn new_teacher(&self) -> Option<Plan> {
        let tried = matches!(self.state.stage, Stage::Shadow | Stage::Step(_) | Stage::Full);
        let settled = self.judged.is_some_and(|judged| judged.new_teacher);
        (tried && settled).then(|| self.attempt(self.again(), "teacher_changed"))
    }

    /// A new artifact, or the pairs to train one.
    fn new_student(&self) -> Option<Plan> {
        if let Some(artifact) = self.fresh() {
            return Some(self.attempt(Some(artifact.clone()), "new_artifact"));
        }
        let trains = matches!(self.state.stage, Stage::Collecting | Stage::Rejected);
        trains.then(|| self.distill(Stage::Distilling))?
    }

    /// An artifact that was not tried yet: the newest made, or a challenger whose champion fell.
    pub(super) fn fresh(&self) -> Option<&ArtifactId> {
        let newest = self.seen.candidate.as_ref().or(self.heir());
        newest.filter(|new| Some(*new) != self.state.artifact.as_ref())
    }

    /// A training, once there are pairs for it.
    pub(super) fn distill(&self, stage: Stage) -> Option<Plan> {
        let enough = |wanted: u64| self.state.training.is_none() && self.seen.pairs >= wanted;
        let (wanted, why) = self.wanted().filter(|(wanted, _)| enough(*wanted))?;
        let mut draft = self.draft(DecisionKind::Distill, stage, vec![why]);
        draft.n.requests = self.seen.pairs;
        Some(Self::decide(draft, format!("distilling, {} of {wanted} pairs", self.seen.pairs)))
    }

    /// A training that ended without an artifact is said once; while the route rests, it waits with that.
    fn training_failed(&self) -> Option<Plan> {
        let Training::Failed { why } = &self.seen.training else { return None };
        let rests = matches!(self.state.stage, Stage::Paused | Stage::Cooldown);
        self.state.training.filter(|_| !rests)?;
        let awaited = self.state.stage == Stage::Distilling;
        let stage = if awaited { Stage::Collecting } else { self.state.stage };
        let draft = self.draft(DecisionKind::Hold, stage, vec![format!("training:{why}")]);
        Some(Self::decide(draft, format!("{stage}, the training failed: {why}")))
    }

    /// Pairs at which the next training starts, and why then. Drift does not wait for all of `distill_every`: a
    /// tenth of it tells the new traffic.
    fn wanted(&self) -> Option<(u64, String)> {
        let policy = self.policy;
        let pairs = |wanted: u64| (wanted, format!("pairs:{wanted}"));
        match (policy.distill_min_pairs, self.state.distilled) {
            (0, _) => None,
            (first, None) => Some(pairs(first)),
            (_, Some(_)) if policy.distill_every == 0 => None,
            (_, Some(then)) => Some(match &self.seen.drift {
                Some(drift) => (then + policy.distill_every.div_ceil(10), drift.word().to_owned()),
                None => pairs(then + policy.distill_every),
            }),
        }
    }

    fn collecting(&self) -> Plan {
        self.new_student().unwrap_or_else(|| Plan {
            decision: None,
            sentence: sentence::collecting(
                self.policy,
                self.state,
                self.seen,
                self.wanted().map(|(pairs, _)| pairs),
            ),
            answered: 0,
        })
    }

    pub(super) fn shadow(&self, pace: Pace) -> Plan {
        if let Some(plan) = self.new_student() {
            return plan;
        }
        let mut missing = self.missing();
        if let (Pace::Ladder, false, true) = (pace, self.policy.enabled, missing.is_empty()) {
            missing.push("shift_off".to_owned());
        }
        if missing.is_empty() {
            return self.rise(Weight::ZERO);
        }
        self.hold(pace, missing)
    }

    pub(super) fn step(&self, pace: Pace) -> Plan {
        let weight = self.state.weight;
        let missing = self.missing();
        if !missing.is_empty() {
            return self.hold(pace, missing);
        }
        let units = self.judged.map_or(0, |judged| judged.n.step_units);
        let waited = self.now.since(self.state.since);
        let mut lacking = Vec::new();
        if units < self.policy.step_units {
            lacking.push("units".to_owned());
        }
        match pace {
            Pace::Ladder if !self.policy.enabled => lacking.push("shift_off".to_owned()),
            Pace::Ladder if waited < self.policy.dwell_ms => lacking.push("dwell".to_owned()),
            Pace::Ladder | Pace::Person => {}
        }
        if lacking.is_empty() {
            return self.rise(weight);
        }
        let sentence = sentence::dwell(self.policy, weight, waited, units);
        self.repeat(pace, self.draft(DecisionKind::Dwell, self.state.stage, lacking), sentence)
    }

    /// One step up the ladder.
    fn rise(&self, from: Weight) -> Plan {
        let to = ladder_after(self.policy, from);
        let (kind, stage) = match (to, from) {
            (Weight::FULL, _) => (DecisionKind::Done, Stage::Full),
            (step, Weight::ZERO) => (DecisionKind::Promote, Stage::Step(step)),
            (step, _) => (DecisionKind::Advance, Stage::Step(step)),
        };
        let draft = self.draft(kind, stage, vec!["gate".to_owned()]);
        Self::decide(draft, format!("{} from {from} to {to}", kind.as_str()))
    }

    /// What the gate still lacks; empty only for `Promote`.
    fn missing(&self) -> Vec<String> {
        if let Some(breach) = self.alarm() {
            return vec![breach.word()];
        }
        match self.judged.map(|judged| &judged.verdict) {
            None => vec!["evidence".to_owned()],
            Some(Verdict::Promote) => Vec::new(),
            Some(Verdict::Hold { missing }) => sentence::words(missing),
            Some(Verdict::Reject { because }) => vec![because.word()],
        }
    }

    pub(super) fn hold(&self, pace: Pace, missing: Vec<String>) -> Plan {
        let sentence = sentence::hold(self.gate, self.state.weight, self.judged, &missing);
        self.repeat(pace, self.draft(DecisionKind::Hold, self.state.stage, missing), sentence)
    }

    /// A hold or dwell is written when its reasons change, else hourly; a person always gets an answer.
    fn repeat(&self, pace: Pace, draft: Draft, sentence: String) -> Plan {
        let said = self.state.last.as_ref().is_some_and(|(kind, because, t)| {
            *kind == draft.kind && *because == draft.because && self.now.since(*t) < HOURLY
        });
        let decision = match pace {
            Pace::Ladder if said => None,
            Pace::Ladder | Pace::Person => Some(draft),
        };
        Plan { decision, sentence, answered: 0 }
    }

    fn cooldown(&self) -> Plan {
        let left = self.policy.cooldown_ms - self.now.since(self.state.since);
        if left > 0 { self.rest(left) } else { self.attempt(self.again(), "cooldown_over") }
    }

    fn rejected(&self) -> Plan {
        self.new_student().unwrap_or_else(|| self.rest(0))
    }

    fn rest(&self, left_ms: i64) -> Plan {
        let why = self.state.last.as_ref().map(|(_, because, _)| because.as_slice()).unwrap_or_default();
        let sentence = sentence::resting(self.state.stage, why, left_ms);
        Plan { decision: None, sentence, answered: 0 }
    }
}
