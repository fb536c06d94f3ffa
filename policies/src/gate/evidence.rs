//! The evidence of one attempt: scores gathered into units, units into histograms, histograms into bounds.
//!
//! **Invariant:** a bound changes only at `close_idle`/`close_all` and only for the better; judging reads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kolm_core::{Counts, Ppm, Timestamp};

use super::bounds::{Histogram, Split, alpha_of};
use super::detect::Detectors;
use super::stream::{Band, Costs, Early, Frozen, Unit};
use super::tail::Tail;
use super::teacher::Teacher;
use super::templates::{TemplateScore, Templates};
use super::{Breach, GatePolicy, Missing, Score, ScoreKind};

/// Samples that may be under way without counting as missing.
const IN_FLIGHT: u64 = 64;

/// Best bounds so far.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) a: Band,
    pub(super) b: Band,
    pub(super) v: Band,
    pub(super) latency: Band,
    pub(super) ttft: Band,
    pub(super) cost_s: Band,
    pub(super) cost_t: Band,
    pub(super) p95_s: Band,
    pub(super) p95_t: Band,
}

/// What is known of one student on one route in one attempt.
#[derive(Debug)]
pub struct Evidence {
    pub(super) policy: GatePolicy,
    pub(super) digest: String,
    pub(super) attempt: u32,
    pub(super) alpha_ppb: u64,
    pub(super) artifact_bytes: u64,
    open: BTreeMap<String, Unit>,
    /// No open unit was quiet since before this.
    quiet: Timestamp,
    pub(super) teacher_model: Teacher,
    pub(super) a: Histogram,
    pub(super) b: Histogram,
    pub(super) v: Histogram,
    pub(super) student: Tail,
    pub(super) teacher: Tail,
    pub(super) ttft: Tail,
    pub(super) costs: Costs,
    early: Early,
    pub(super) frozen: Option<Frozen>,
    pub(super) streams: bool,
    window: VecDeque<(Option<Ppm>, bool)>,
    pub(super) n: Counts,
    sampled: u64,
    step: u32,
    pub(super) first: Option<Timestamp>,
    pub(super) best: Best,
    pub(super) values: (u64, u64),
    dirty: bool,
    pub(super) detectors: Option<Detectors>,
    pub(super) blocked: BTreeSet<Missing>,
    templates: Templates,
}

/// What was gathered about an attempt: what became of the requests that it drew.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// Those that were scored, in the order they were stored.
    pub scores: Vec<Score>,
    /// How many were not.
    pub missed: u64,
}

impl From<Vec<Score>> for Gathered {
    fn from(scores: Vec<Score>) -> Self {
        Self { scores, missed: 0 }
    }
}

/// What a restarted process needs to gather an attempt's evidence again.
#[derive(Debug, Default)]
pub struct Replay<'a> {
    /// The attempt's scores, or the newest of them, in the order they were stored.
    pub scores: &'a [Score],
    /// Requests that were drawn and not scored.
    pub missed: u64,
    /// When the student was promoted.
    pub promoted_at: Option<Timestamp>,
    /// `b` in the row that promoted it: the detectors' floor was frozen by it.
    pub promoted_b: Option<Ppm>,
    /// When the present step began.
    pub step_at: Option<Timestamp>,
}

impl Evidence {
    /// No evidence yet. `artifact_bytes` counts the `.kolm` file and an external base.
    pub fn new(policy: &GatePolicy, attempt: u32, artifact_bytes: u64) -> Self {
        Self {
            digest: policy.digest(),
            alpha_ppb: alpha_of(policy.alpha_ppb, attempt),
            policy: policy.clone(),
            attempt,
            artifact_bytes,
            open: BTreeMap::new(),
            quiet: Timestamp(i64::MAX),
            teacher_model: Teacher::default(),
            a: Histogram::default(),
            b: Histogram::default(),
            v: Histogram::default(),
            student: Tail::default(),
            teacher: Tail::default(),
            ttft: Tail::default(),
            costs: Costs::default(),
            early: Early::default(),
            frozen: None,
            streams: false,
            window: VecDeque::new(),
            n: Counts::default(),
            sampled: 0,
            step: 0,
            first: None,
            best: Best {
                a: Band::WIDEST,
                b: Band::WIDEST,
                v: Band::WIDEST,
                latency: Band::WIDEST,
                ttft: Band::WIDEST,
                cost_s: Band::WIDEST,
                cost_t: Band::WIDEST,
                p95_s: Band::UNBOUNDED,
                p95_t: Band::UNBOUNDED,
            },
            values: (0, 0),
            dirty: false,
            detectors: None,
            blocked: BTreeSet::new(),
            templates: Templates::default(),
        }
    }

    /// The evidence of an attempt that began before a restart.
    pub fn replay(policy: &GatePolicy, attempt: u32, artifact_bytes: u64, replay: &Replay<'_>) -> Self {
        let mut out = Self::new(policy, attempt, artifact_bytes);
        let (mut promoted, mut step) = (replay.promoted_at, replay.step_at);
        let mut swept = Timestamp(i64::MIN / 2);
        for score in replay.scores {
            if score.t.since(swept) >= policy.unit_idle_ms / 4 || promoted.is_some_and(|at| score.t >= at) {
                out.close_idle(score.t);
                swept = score.t;
            }
            if promoted.take_if(|at| score.t >= *at).is_some() {
                out.arm_again(replay.promoted_b);
            }
            if step.take_if(|at| score.t >= *at).is_some() {
                out.begin_step();
            }
            out.sampled += u64::from(score.kind != ScoreKind::Double);
            out.observe(score);
        }
        if promoted.is_some() {
            out.arm_again(replay.promoted_b);
        }
        if step.is_some() {
            out.begin_step();
        }
        out.n.dropped = replay.missed;
        out.sampled += replay.missed;
        out
    }

    /// Takes one score. Bounds follow at the next `close_idle`.
    pub fn observe(&mut self, score: &Score) {
        self.take(score);
        self.templates.observe(score, &self.policy, self.attempt, self.artifact_bytes);
    }

    /// The same for one template's part of it.
    pub(super) fn take(&mut self, score: &Score) {
        // By the scores' own times, so that a replay closes the same units in the same order.
        self.close_quiet(score.t);
        self.teacher_model.heard(&score.up_model);
        self.first = Some(self.first.map_or(score.t, |first| first.min(score.t)));
        self.n.critical += u64::from(score.critical);
        self.n.double_primary += u64::from(score.b.is_some());
        match score.kind {
            ScoreKind::Double => {}
            ScoreKind::Shadow | ScoreKind::Reverse => {
                self.n.requests += 1;
                self.streams |= score.streamed;
                self.window.push_back((score.a, score.served));
                if self.window.len() as u64 > self.policy.window {
                    self.window.pop_front();
                }
            }
        }
        let (step, teacher) = (self.step, self.teacher_model.no);
        self.quiet = self.quiet.min(score.t);
        let unit = self.open.entry(score.unit.clone()).or_insert_with(|| Unit::open(step, teacher, score.t));
        unit.observe(score, self.policy.hw_musd_per_s);
        if unit.requests >= self.policy.unit_max {
            self.close(&score.unit);
        }
    }

    /// Closes the units without a request for `unit_idle_ms` and takes a look: bounds are brought up to date.
    pub fn close_idle(&mut self, now: Timestamp) {
        self.close_quiet(now);
        self.look();
    }

    fn close_quiet(&mut self, now: Timestamp) {
        if now.0.saturating_sub(self.quiet.0) < self.policy.unit_idle_ms {
            return;
        }
        let mut idle: Vec<_> = self
            .open
            .iter()
            .filter(|(_, unit)| now.since(unit.last) >= self.policy.unit_idle_ms)
            .map(|(name, unit)| (unit.last, name.clone()))
            .collect();
        // Completion order: the detectors are fed by it.
        idle.sort();
        for (_, name) in idle {
            self.close(&name);
        }
        self.quiet = self.open.values().map(|unit| unit.last).min().unwrap_or(Timestamp(i64::MAX));
    }

    /// Closes every unit, for a finished sample (`kolm eval`).
    pub fn close_all(&mut self) {
        let open: Vec<_> = self.open.keys().cloned().collect();
        for name in open {
            self.close(&name);
        }
        self.look();
    }

    fn close(&mut self, name: &str) {
        let Some(unit) = self.open.remove(name) else { return };
        self.dirty = true;
        if let Some(b) = unit.b() {
            self.b.add(b);
            self.teacher_model.agreed(unit.teacher_no);
        }
        if let Some(a) = unit.a() {
            self.a.add(a);
        }
        let Some(v) = unit.v() else { return };
        self.v.add(v);
        self.n.units += 1;
        self.n.step_units += u64::from(unit.step == self.step);
        match self.frozen {
            Some(frozen) => self.costs.add(&unit.costs, frozen.cap.unwrap_or(0)),
            None => self.early.add(&unit),
        }
        self.detect(&unit, v);
        self.student.add(unit.student);
        self.teacher.add(unit.teacher);
        self.ttft.add(unit.ttft);
        self.freeze();
    }

    fn freeze(&mut self) {
        if self.frozen.is_none() && self.early.units() >= self.policy.budget_units {
            let frozen = self.early.freeze(&self.policy);
            for unit in self.early.costs() {
                self.costs.add(unit, frozen.cap.unwrap_or(0));
            }
            self.frozen = Some(frozen);
            self.early = Early::default();
        }
    }

    fn detect(&mut self, unit: &Unit, v: Ppm) {
        let within = self.frozen.and_then(|frozen| unit.within(frozen.latency));
        if let Some(detectors) = &mut self.detectors {
            detectors.v.observe(v);
            if let Some(a) = unit.a() {
                detectors.a.observe(a);
            }
            if let Some(within) = within {
                detectors.latency.observe(within);
            }
        }
    }

    fn look(&mut self) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        let split = Split::of(self.alpha_ppb);
        let best = &mut self.best;
        best.a.tighten(&self.a, split.agreement);
        best.b.tighten(&self.b, split.agreement);
        best.v.tighten(&self.v, split.coverage);
        best.cost_s.tighten(&self.costs.student, split.cost);
        best.cost_t.tighten(&self.costs.teacher, split.cost);
        let (student, teacher) = (self.student.p95(split.latency), self.teacher.p95(split.latency));
        self.values = (student.value, teacher.value);
        best.p95_s.tighten_p95(student);
        best.p95_t.tighten_p95(teacher);
        if let Some(frozen) = self.frozen {
            best.latency.tighten(&self.student.within(frozen.latency), split.latency);
            if self.streams {
                best.ttft.tighten(&self.ttft.within(frozen.ttft), split.latency);
            }
        }
    }

    /// A request was chosen for the shadow or reverse sample (double primaries are not counted here).
    pub fn note_sampled(&mut self) {
        self.sampled += 1;
    }

    /// A sampled request will never be scored (queue full, load, student's or our own failure to score).
    pub fn note_dropped(&mut self) {
        self.n.dropped += 1;
    }

    /// A step of the ladder begins: `step_units` counts from here.
    pub fn begin_step(&mut self) {
        self.step += 1;
        self.n.step_units = 0;
    }

    /// Freezes the detectors' floors, that of `a` at A's floor x the plain `b`; called once, at promotion. An unchanged
    /// student is above it: `LCB(a) >= floor x UCB(b)` was shown (ADR 0011).
    pub fn arm(&mut self) {
        self.arm_again(None);
    }

    /// The same after a restart, by the `b` of then.
    fn arm_again(&mut self, frozen: Option<Ppm>) {
        let b = frozen.or_else(|| self.b.mean()).unwrap_or(Ppm(0));
        let a = Ppm((u64::from(self.policy.a_floor) * u64::from(b.0) / 1_000_000) as u32);
        self.detectors = Some(Detectors::new(a, Ppm(self.policy.v_floor), Ppm(self.policy.latency_floor)));
    }

    /// Takes the detectors off, when the route is back at 0.
    pub fn disarm(&mut self) {
        self.detectors = None;
    }

    /// Something outside the scores holds the gate: `Ledger` or `Budget`.
    pub fn block(&mut self, why: Missing) {
        self.blocked.insert(why);
    }

    /// It no longer does.
    pub fn unblock(&mut self, why: Missing) {
        self.blocked.remove(&why);
    }

    /// The first alarm of an armed detector.
    pub fn alarm(&self) -> Option<Breach> {
        self.detectors.as_ref().and_then(Detectors::alarm)
    }

    /// K by template, for people: computed when asked for.
    pub fn by_template(&mut self, now: Timestamp) -> Vec<TemplateScore> {
        self.templates.judge(now)
    }

    /// The attempt.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The counts, completeness included.
    pub fn counts(&self) -> Counts {
        // Samples that vanished without a word count as drops, up to what may be under way.
        let seen = (self.n.requests + self.n.dropped).max(self.sampled.saturating_sub(IN_FLIGHT));
        let completeness_ppm = (self.n.requests * 1_000_000).checked_div(seen).unwrap_or(0);
        Counts { completeness_ppm, ..self.n }
    }

    /// Whether the plain means of the last requests hold the floors of A and V.
    pub(super) fn window_holds(&self) -> bool {
        let served = self.window.iter().filter(|(_, served)| *served).count() as u64;
        let scored: Vec<u64> = self.window.iter().filter_map(|(a, _)| a.map(|a| u64::from(a.0))).collect();
        let Some(a) = scored.iter().sum::<u64>().checked_div(scored.len() as u64) else { return false };
        let b = self.b.mean().map_or(1_000_000, |b| u64::from(b.0));
        a * 1_000_000 >= u64::from(self.policy.a_floor) * b
            && served * 1_000_000 >= u64::from(self.policy.v_floor) * self.window.len() as u64
    }
}
