//! What the evidence is made of: the running unit, the best bound so far, and the cost streams.

use kolm_core::{Bounds, Ppm, Timestamp};

use super::bounds::{Histogram, lcb, ucb};
use super::tail::{P95, bin_of};
use super::{GatePolicy, Score, ScoreKind};

const ONE: u64 = 1_000_000;
/// Cost values are kept on this grid, the student's rounded up and the teacher's down.
const COST_GRID: u64 = 100;

/// A conversation that is still open.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) step: u32,
    /// Which teacher it began with.
    pub(super) teacher_no: u32,
    pub(super) last: Timestamp,
    pub(super) requests: u64,
    pub(super) trials: u64,
    served: u64,
    a: (u64, u64),
    b: (u64, u64),
    pub(super) student: Vec<u16>,
    pub(super) teacher: Vec<u16>,
    pub(super) ttft: Vec<u16>,
    pub(super) teacher_ttft: Vec<u16>,
    pub(super) costs: Vec<Cost>,
}

/// Student's and teacher's cost of one request in billionths of a dollar.
pub(super) type Cost = (u64, u64);

impl Unit {
    pub(super) fn open(step: u32, teacher_no: u32, at: Timestamp) -> Self {
        Self { step, teacher_no, last: at, ..Self::default() }
    }

    pub(super) fn observe(&mut self, score: &Score, hw_musd_per_s: u64) {
        self.last = self.last.max(score.t);
        // The second score of a double-primary request is no request of its own.
        self.requests += u64::from(score.kind != ScoreKind::Double);
        if let Some(b) = score.b {
            self.b = (self.b.0 + u64::from(b.0), self.b.1 + 1);
        }
        match score.kind {
            ScoreKind::Double => {}
            ScoreKind::Shadow | ScoreKind::Reverse => self.trial(score, hw_musd_per_s),
        }
    }

    fn trial(&mut self, score: &Score, hw_musd_per_s: u64) {
        self.trials += 1;
        self.served += u64::from(score.served);
        if let Some(a) = score.a {
            self.a = (self.a.0 + u64::from(a.0), self.a.1 + 1);
        }
        // What the student does not serve, the client gets from the teacher after the student's try.
        let fallback = |us: u64| if score.served { 0 } else { us };
        self.student.push(bin_of(score.student_us.saturating_add(fallback(score.teacher_us))));
        self.teacher.push(bin_of(score.teacher_us));
        if score.streamed {
            let first = if score.served { score.student_ttft_us } else { score.student_us };
            self.ttft.push(bin_of(first.saturating_add(fallback(score.teacher_ttft_us))));
            self.teacher_ttft.push(bin_of(score.teacher_ttft_us));
        } else {
            self.ttft.push(0);
        }
        let nano = |musd: i64| musd.max(0).unsigned_abs().saturating_mul(1_000);
        let teacher = nano(score.teacher_cost.0);
        let busy = score.student_us.saturating_mul(hw_musd_per_s).div_ceil(1_000);
        let student = busy.max(nano(score.student_cost.0)).saturating_add(fallback(teacher));
        self.costs.push((student, teacher));
    }

    pub(super) fn a(&self) -> Option<Ppm> {
        self.a.0.checked_div(self.a.1).map(|mean| Ppm(mean as u32))
    }

    pub(super) fn b(&self) -> Option<Ppm> {
        self.b.0.checked_div(self.b.1).map(|mean| Ppm(mean as u32))
    }

    pub(super) fn v(&self) -> Option<Ppm> {
        (self.served * ONE).checked_div(self.trials).map(|mean| Ppm(mean as u32))
    }

    /// Share of its requests within the budget.
    pub(super) fn within(&self, bin: u16) -> Option<Ppm> {
        let within = self.student.iter().filter(|b| **b <= bin).count() as u64;
        (within * ONE).checked_div(self.student.len() as u64).map(|mean| Ppm(mean as u32))
    }
}

/// The best lower and upper bound of a mean so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    pub(super) low: u64,
    pub(super) high: u64,
}

impl Band {
    pub(super) const WIDEST: Self = Self { low: 0, high: ONE };
    /// For a p95 in microseconds.
    pub(super) const UNBOUNDED: Self = Self { low: 0, high: u64::MAX };

    pub(super) fn tighten(&mut self, values: &Histogram, alpha_ppb: u64) {
        self.keep(u64::from(lcb(values, alpha_ppb).0), u64::from(ucb(values, alpha_ppb).0));
    }

    pub(super) fn tighten_p95(&mut self, p95: P95) {
        self.keep(p95.low, p95.high);
    }

    fn keep(&mut self, low: u64, high: u64) {
        self.low = self.low.max(low);
        self.high = self.high.min(high).max(self.low);
    }

    pub(super) fn around(&self, value: Ppm) -> Bounds {
        Bounds { v: value, lcb: Ppm(self.low as u32), ucb: Ppm(self.high as u32) }
    }
}

/// The two cost streams, each request counted up to the same cap.
#[derive(Debug, Default)]
pub(super) struct Costs {
    pub(super) student: Histogram,
    pub(super) teacher: Histogram,
}

impl Costs {
    pub(super) fn add(&mut self, requests: &[Cost], cap: u64) {
        let whole = u128::from(cap) * requests.len() as u128;
        if whole == 0 {
            return;
        }
        let capped = |of: fn(&Cost) -> u64| {
            requests.iter().map(|cost| u128::from(of(cost).min(cap))).sum::<u128>() * u128::from(ONE)
        };
        let student = (capped(|cost| cost.0).div_ceil(whole) as u64).next_multiple_of(COST_GRID);
        let teacher = (capped(|cost| cost.1) / whole) as u64 / COST_GRID * COST_GRID;
        self.student.add(Ppm(student as u32));
        self.teacher.add(Ppm(teacher as u32));
    }
}

/// What is fixed after the first units: budgets as bins, and the cap of a request's cost.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Frozen {
    pub(super) latency: u16,
    pub(super) ttft: u16,
    /// `None` if the teacher's price is unknown.
    pub(super) cap: Option<u64>,
}

/// The first units, kept until budgets and cap are frozen.
#[derive(Debug, Default)]
pub(super) struct Early {
    teacher: Vec<u16>,
    teacher_ttft: Vec<u16>,
    costs: Vec<Vec<Cost>>,
}

impl Early {
    pub(super) fn add(&mut self, unit: &Unit) {
        self.teacher.extend(&unit.teacher);
        self.teacher_ttft.extend(&unit.teacher_ttft);
        self.costs.push(unit.costs.clone());
    }

    pub(super) fn units(&self) -> u64 {
        self.costs.len() as u64
    }

    /// Budgets of 1.2 x the teacher's p95 and a cap of twice its dearest answer, where the policy says none.
    pub(super) fn freeze(&self, policy: &GatePolicy) -> Frozen {
        use super::tail::{bin_below, p95_of};
        let budget = |given: Option<u64>, bins: &[u16]| {
            let us = given.or_else(|| p95_of(bins).map(|p95| p95 / 5 * 6))?;
            Some(bin_below(us).unwrap_or(0))
        };
        let latency = budget(policy.latency_budget_us, &self.teacher).unwrap_or(0);
        // Too few streams to know their p95: the first token is due when the whole answer would be.
        let streams: &[u16] = if self.teacher_ttft.len() >= 20 { &self.teacher_ttft } else { &[] };
        let ttft = budget(policy.ttft_budget_us, streams).unwrap_or(latency);
        let dearest = self.costs.iter().flatten().map(|cost| cost.1).max().unwrap_or(0);
        let cap = match policy.cost_cap_musd {
            Some(musd) => musd.saturating_mul(1_000),
            None => dearest.saturating_mul(2),
        };
        Frozen { latency, ttft, cap: (cap > 0 && dearest > 0).then_some(cap) }
    }

    pub(super) fn costs(&self) -> &[Vec<Cost>] {
        &self.costs
    }
}
