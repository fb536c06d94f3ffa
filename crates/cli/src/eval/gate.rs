//! The gate's verdict on held-out cases: the same scorer, bounds and floors as on live traffic; no wall time, no shadow.
//!
//! **Invariant:** what was not measured never passes.

use kolm_core::{AxisStatus, Bounds, Ppm, Timestamp};
use kolm_policies::dataset::Row;
use kolm_policies::gate::bounds::{Histogram, Split, alpha_of, lcb, ucb};
use kolm_policies::gate::{Evidence, GatePolicy, Missing, Published, Score, ScoreKind, Verdict, judge};
use kolm_policies::{price, score};
use kolm_trainer::Case;
use serde::Serialize;

use super::baseline::Baseline;
use super::beside::{Beside, beside};

/// Fewer cases decide nothing.
const LEAST: u64 = 200;

/// What held-out cases say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Every bar is met.
    Passes,
    /// One is not.
    Fails,
    /// There are too few cases to say, or an axis could not be measured.
    Undecided,
}

/// The verdict and what it rests on.
#[derive(Debug, Serialize)]
pub(crate) struct Verdicts {
    /// The verdict.
    pub(crate) outcome: Outcome,
    /// The bars that are not met, in words of the gate.
    pub(crate) missing: Vec<&'static str>,
    /// Cases that are needed for a verdict.
    pub(crate) needed: u64,
    /// Need and have of every axis that was measured.
    pub(crate) axes: Vec<AxisStatus>,
    /// `k-score-1`, the formula that the name was published with; shown, never gated by.
    pub(crate) k_score_1: f64,
    /// The baseline beside it.
    pub(crate) baseline: Option<Beside>,
}

/// A student and its answers.
pub(crate) struct Student<'a> {
    /// The held-out rows.
    pub(crate) rows: &'a [Row],
    /// What it said to them.
    pub(crate) cases: &'a [Case],
    /// Rows it was trained on.
    pub(crate) trained: u64,
    /// Bytes of its file and of what it is an adapter of.
    pub(crate) bytes: u64,
}

/// Judges a student.
pub(crate) fn verdict(student: &Student<'_>, baseline: Option<&Baseline>) -> Verdicts {
    let Student { rows, cases, trained, bytes } = *student;
    let needed = LEAST.max(trained / 8);
    let (axes, mut missing) = match baseline {
        Some(baseline) => measured(rows, cases, baseline, bytes),
        None => alone(cases),
    };
    let beside = baseline.map(|baseline| beside(rows, cases, baseline, &axes));
    let k = axes.iter().find(|line| line.name == "K").and_then(|line| line.have);
    if let (Some(beside), Some(k)) = (&beside, k)
        && k.lcb < beside.k
    {
        missing.push("k_of_baseline");
    }
    let known = axes.iter().all(|line| line.have.is_some());
    let outcome = match (rows.len() as u64 >= needed && known, missing.is_empty()) {
        (false, _) => Outcome::Undecided,
        (true, true) => Outcome::Passes,
        (true, false) => Outcome::Fails,
    };
    Verdicts { outcome, missing, needed, axes, k_score_1: published(student), baseline: beside }
}

fn published(student: &Student<'_>) -> f64 {
    let Student { cases, bytes, .. } = *student;
    let n = cases.len().max(1);
    let share = |of: fn(&Case) -> bool| cases.iter().filter(|case| of(case)).count() as f64 / n as f64;
    let mut micros: Vec<u64> = cases.iter().map(|case| case.micros).collect();
    micros.sort_unstable();
    let p50_us = micros.get(n / 2).copied();
    Published {
        accuracy: share(|case| case.right),
        bytes,
        p50_us,
        usd_per_call: None,
        coverage: share(|case| case.answered),
    }
    .k()
}

/// A and V alone: without another model nothing says how fast and dear an answer may be.
fn alone(cases: &[Case]) -> (Vec<AxisStatus>, Vec<&'static str>) {
    let policy = GatePolicy::default();
    let split = Split::of(alpha_of(policy.alpha_ppb, 1));
    let (mut a, mut v) = (Histogram::default(), Histogram::default());
    for case in cases {
        v.add(if case.answered { Ppm::ONE } else { Ppm(0) });
        if case.answered {
            a.add(if case.right { Ppm::ONE } else { Ppm(0) });
        }
    }
    let bounds = |values: &Histogram, alpha: u64| {
        values.mean().map(|v| Bounds { v, lcb: lcb(values, alpha), ucb: ucb(values, alpha) })
    };
    let lines = [
        ("A", policy.a_floor, bounds(&a, split.agreement), Missing::A),
        ("V", policy.v_floor, bounds(&v, split.coverage), Missing::V),
    ];
    let short = |have: Option<Bounds>, need: u32| have.is_none_or(|have| have.lcb.0 < need);
    let missing =
        lines.iter().filter(|(_, need, have, _)| short(*have, *need)).map(|(.., word)| word.as_str());
    let axes = lines.iter().map(|(name, need, have, _)| AxisStatus {
        name: (*name).to_owned(),
        need: Some(Ppm(*need)),
        have: *have,
    });
    (axes.collect(), missing.collect())
}

/// All axes, with the baseline as the one who would answer instead.
fn measured(
    rows: &[Row],
    cases: &[Case],
    baseline: &Baseline,
    bytes: u64,
) -> (Vec<AxisStatus>, Vec<&'static str>) {
    let slowest = p95(baseline.answers.iter().map(|answer| answer.micros).collect());
    let dearest = baseline.answers.iter().map(|answer| answer.cost.0).max().unwrap_or(0);
    let policy = GatePolicy {
        min_wall_ms: 0,
        min_requests: 1,
        min_units: 1,
        min_double: 0,
        critical_n: 0,
        budget_units: 1,
        window: u64::from(u32::MAX),
        latency_budget_us: Some(slowest + slowest / 5),
        cost_cap_musd: Some(2 * dearest.max(1).unsigned_abs()),
        ..GatePolicy::default()
    };
    let mut evidence = Evidence::new(&policy, 1, bytes);
    for (at, score) in scores(rows, cases, baseline, policy.hw_musd_per_s).into_iter().enumerate() {
        evidence.note_sampled();
        evidence.observe(&Score { t: Timestamp(at as i64), ..score });
    }
    evidence.close_all();
    let judged = judge(&evidence, Timestamp(rows.len() as i64));
    let missing = match judged.verdict {
        Verdict::Promote => Vec::new(),
        Verdict::Hold { missing } => missing.iter().map(|word| word.as_str()).collect(),
        Verdict::Reject { .. } => vec!["bound"],
    };
    (judged.axes, missing)
}

/// Each case as the gate scores a request that was shadowed: its own conversation.
fn scores(rows: &[Row], cases: &[Case], baseline: &Baseline, hw_musd_per_s: u64) -> Vec<Score> {
    let three = rows.iter().zip(cases).zip(&baseline.answers).enumerate();
    let each = three.map(|(at, ((row, case), cloud))| Score {
        t: Timestamp(0),
        unit: at.to_string(),
        kind: ScoreKind::Shadow,
        a: case.answered.then_some(if case.right { Ppm::ONE } else { Ppm(0) }),
        // A model that is not the teacher says nothing of how well the teacher agrees with itself.
        b: Some(if baseline.is_teacher { score::label(&cloud.text, &row.answer) } else { Ppm::ONE }),
        served: case.answered,
        student_us: case.micros,
        teacher_us: cloud.micros,
        student_ttft_us: case.micros,
        teacher_ttft_us: cloud.micros,
        streamed: false,
        student_cost: price::busy(case.micros, hw_musd_per_s),
        teacher_cost: cloud.cost,
        critical: false,
        up_model: baseline.model.clone(),
        template: row.template.clone(),
    });
    each.collect()
}

fn p95(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() * 95 / 100).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use kolm_core::MicroUsd;

    use super::super::baseline::Answer;
    use super::*;

    /// Rows, and a student that answers `answered` of them and of these `right` rightly.
    fn student(n: usize, answered: usize, right: usize) -> (Vec<Row>, Vec<Case>) {
        let rows = (0..n).map(|at| super::super::row(at.to_string(), "", "text", "a")).collect();
        let case = |at: usize| Case {
            said: if at < right { "a" } else { "b" }.to_owned(),
            right: at < right,
            p1: 0.9,
            answered: at < answered,
            micros: 1_000,
        };
        (rows, (0..n).map(case).collect())
    }

    fn cloud(n: usize, right: usize, is_teacher: bool) -> Baseline {
        let answer = |at: usize| Answer {
            text: if at < right { "a" } else { "z" }.to_owned(),
            micros: 500_000,
            cost: MicroUsd(40),
        };
        let answers = (0..n).map(answer).collect();
        Baseline { model: "gpt-4o-mini".to_owned(), is_teacher, reused: 0, prompted: 0, answers }
    }

    fn outcome(
        (n, answered, right, trained): (usize, usize, usize, u64),
        baseline: Option<Baseline>,
    ) -> (Outcome, Vec<&'static str>) {
        let (rows, cases) = student(n, answered, right);
        let student = Student { rows: &rows, cases: &cases, trained, bytes: 400 << 20 };
        let verdict = verdict(&student, baseline.as_ref());
        (verdict.outcome, verdict.missing)
    }

    #[test]
    fn alone_a_student_passes_by_agreement_and_coverage() {
        assert_eq!(outcome((600, 590, 585, 1_000), None), (Outcome::Passes, vec![]));
        assert_eq!(outcome((600, 590, 500, 1_000), None), (Outcome::Fails, vec!["axis:A"]));
        assert_eq!(outcome((600, 300, 300, 1_000), None), (Outcome::Fails, vec!["axis:V"]));
        assert_eq!(outcome((199, 199, 199, 0), None).0, Outcome::Undecided);
        assert_eq!(outcome((600, 590, 585, 4_808), None).0, Outcome::Undecided);
    }

    #[test]
    fn beside_a_cloud_model_all_five_axes_count() {
        assert_eq!(outcome((800, 790, 785, 1_000), Some(cloud(800, 800, true))), (Outcome::Passes, vec![]));
        let (rows, cases) = student(800, 790, 785);
        let student = Student { rows: &rows, cases: &cases, trained: 0, bytes: 400 << 20 };
        let verdict = verdict(&student, Some(&cloud(800, 780, false)));
        let beside = verdict.baseline.unwrap();
        assert_eq!(beside.right, [780, 5, 0, 15]);
        assert!((beside.accuracy - 0.975).abs() < 1e-9 && beside.p < 0.07 && !beside.is_teacher);
        let (a, k) = (&beside.axes[0], &beside.axes[5]);
        assert_eq!((a.name.as_str(), a.baseline, beside.axes.len()), ("A", Ppm(975_000), 6));
        assert_eq!(a.difference_ppm, Some(i64::from(a.student.unwrap().0) - 975_000));
        assert_eq!((k.name.as_str(), k.baseline), ("K", beside.k));
        let names: Vec<&str> = verdict.axes.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["A", "S", "L", "C", "V", "K", "latency"]);
    }

    #[test]
    fn the_teacher_beside_itself_is_the_bar_that_the_cloud_clears() {
        let (rows, cases) = student(800, 790, 785);
        assert_eq!(beside(&rows, &cases, &cloud(800, 780, true), &[]).k, Ppm(850_000));
        assert_eq!(outcome((800, 790, 700, 0), Some(cloud(800, 800, true))).0, Outcome::Fails);
    }
}
