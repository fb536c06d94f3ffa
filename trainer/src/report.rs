//! The held-out report: how the packed artifact answers rows that training never saw.

use std::collections::BTreeMap;

use kolm_artifact::Artifact;
use kolm_core::{Env, Ppm};
use kolm_model::Student;
use kolm_policies::dataset::Row;
use kolm_policies::score;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Bins of the calibration error.
const BINS: usize = 10;
/// Confused pairs of labels that a report names.
const CONFUSIONS: usize = 10;

/// How a student answers rows it never saw; shares in [0, 1].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HoldoutReport {
    /// Rows.
    pub n: u64,
    /// Rows whose label the student knows, out-of-scope rows not counted.
    pub n_in_scope: u64,
    /// Right answers among all rows, abstention ignored.
    pub right: u64,
    /// Right answers among in-scope rows, abstention ignored.
    pub accuracy_in_scope: f64,
    /// 95 % interval (Wilson) of `accuracy_in_scope`.
    pub wilson95: (f64, f64),
    /// Out-of-scope rows that were answered so or abstained from; absent without such rows.
    pub oos_recall: Option<f64>,
    /// Rows answered, not abstained from.
    pub coverage: f64,
    /// Right answers among those.
    pub selective_accuracy: f64,
    /// Unweighted mean of the labels' F1, abstention ignored.
    pub macro_f1: f64,
    /// Expected calibration error of the best label's share, 10 bins.
    pub ece: f64,
    /// As `accuracy_in_scope`, rows weighted by how often they were asked.
    pub weighted_accuracy: f64,
    /// The most frequent confusions: right label, given label, count.
    pub confusions: Vec<(String, String, u64)>,
    /// Median time of an answer in microseconds, 0 = not measured.
    pub p50_us: u64,
    /// 95th percentile of the time of an answer in microseconds, 0 = not measured.
    pub p95_us: u64,
}

/// One answer to a held-out row.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The best label.
    pub said: String,
    /// It is the row's.
    pub right: bool,
    /// Its calibrated share, in [0, 1].
    pub p1: f32,
    /// It is sure enough to be given; otherwise the student abstains.
    pub answered: bool,
    /// Time of the answer in microseconds, 0 = not measured.
    pub micros: u64,
}

/// A report, and the answers that it rests on in the order of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The report.
    pub report: HoldoutReport,
    /// The answers.
    pub cases: Vec<Case>,
}

/// Reports on `rows` by inference on the packed artifact. `oos_label` names the label for requests that are
/// none of the student's business, where there is one.
pub fn evaluate(
    artifact: &Artifact,
    rows: &[Row],
    oos_label: Option<&str>,
    env: &Env,
) -> Result<Evaluated, Error> {
    let student = Student::load(artifact)?;
    let cases = cases(&student, rows, env);
    Ok(Evaluated { report: report(&student, rows, oos_label, &cases), cases })
}

pub(crate) fn cases(student: &Student, rows: &[Row], env: &Env) -> Vec<Case> {
    rows.iter()
        .map(|row| {
            let from = env.clock.micros();
            let answer = student.answer(&row.template, &row.text);
            Case {
                said: answer.label.to_owned(),
                right: score::label(answer.label, &row.answer) == Ppm::ONE,
                p1: answer.p1,
                answered: answer.abstain.is_none(),
                micros: env.clock.micros().saturating_sub(from),
            }
        })
        .collect()
}

pub(crate) fn report(
    student: &Student,
    rows: &[Row],
    oos_label: Option<&str>,
    cases: &[Case],
) -> HoldoutReport {
    let is_oos = |row: &Row| oos_label.is_some_and(|oos| score::label(oos, &row.answer) == Ppm::ONE);
    let known = |row: &Row| student.labels().iter().any(|l| score::label(l, &row.answer) == Ppm::ONE);
    let both: Vec<(&Row, &Case)> = rows.iter().zip(cases).collect();
    let scope: Vec<&(&Row, &Case)> = both.iter().filter(|(row, _)| known(row) && !is_oos(row)).collect();
    let oos: Vec<&(&Row, &Case)> = both.iter().filter(|(row, _)| is_oos(row)).collect();
    let answered: Vec<&Case> = cases.iter().filter(|c| c.answered).collect();
    let right = |cases: &[&(&Row, &Case)]| cases.iter().filter(|(_, c)| c.right).count() as u64;
    let weight: f64 = scope.iter().map(|(row, _)| row.weight).sum();
    let weighted: f64 = scope.iter().filter(|(_, c)| c.right).map(|(row, _)| row.weight).sum();
    let caught = oos.iter().filter(|(_, c)| c.right || !c.answered).count() as u64;
    let mut micros: Vec<u64> = cases.iter().map(|c| c.micros).collect();
    micros.sort_unstable();
    let n = rows.len() as u64;
    HoldoutReport {
        n,
        n_in_scope: scope.len() as u64,
        right: cases.iter().filter(|c| c.right).count() as u64,
        accuracy_in_scope: share(right(&scope), scope.len() as u64),
        wilson95: wilson(right(&scope), scope.len() as u64),
        oos_recall: (!oos.is_empty()).then(|| share(caught, oos.len() as u64)),
        coverage: share(answered.len() as u64, n),
        selective_accuracy: share(answered.iter().filter(|c| c.right).count() as u64, answered.len() as u64),
        macro_f1: macro_f1(&both),
        ece: ece(cases),
        weighted_accuracy: if weight > 0.0 { weighted / weight } else { 0.0 },
        confusions: confusions(&both),
        p50_us: micros.get(micros.len() / 2).copied().unwrap_or(0),
        p95_us: micros.get(micros.len() * 95 / 100).copied().unwrap_or(0),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The 95 % interval of a share (Wilson 1927).
pub fn wilson(right: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (n as f64, 1.96_f64 * 1.96);
    let p = right as f64 / n;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = 1.96 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

fn macro_f1(both: &[(&Row, &Case)]) -> f64 {
    let mut counts: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for (row, case) in both {
        let gold = row.answer.trim().to_ascii_lowercase();
        let said = case.said.trim().to_ascii_lowercase();
        if case.right {
            counts.entry(gold).or_default().0 += 1;
        } else {
            counts.entry(gold).or_default().1 += 1;
            counts.entry(said).or_default().2 += 1;
        }
    }
    let f1 = |(hit, missed, wrong): &(u64, u64, u64)| share(2 * hit, 2 * hit + missed + wrong);
    counts.values().map(f1).sum::<f64>() / counts.len().max(1) as f64
}

fn ece(cases: &[Case]) -> f64 {
    let mut bins = [(0_u64, 0_u64, 0.0_f64); BINS];
    for case in cases {
        let bin = &mut bins[((case.p1 * BINS as f32) as usize).min(BINS - 1)];
        bin.0 += 1;
        bin.1 += u64::from(case.right);
        bin.2 += f64::from(case.p1);
    }
    let gap = |(n, right, p): &(u64, u64, f64)| (*right as f64 - p).abs() * f64::from(u8::from(*n > 0));
    bins.iter().map(gap).sum::<f64>() / cases.len().max(1) as f64
}

fn confusions(both: &[(&Row, &Case)]) -> Vec<(String, String, u64)> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (row, case) in both.iter().filter(|(_, case)| !case.right) {
        *counts.entry((row.answer.trim(), &case.said)).or_default() += 1;
    }
    let mut out: Vec<_> =
        counts.into_iter().map(|((gold, said), n)| (gold.to_owned(), said.to_owned(), n)).collect();
    out.sort_by_key(|(_, _, n)| std::cmp::Reverse(*n));
    out.truncate(CONFUSIONS);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_match_the_table_of_the_design() {
        for (right, n, low) in [(95, 100, 0.888), (190, 200, 0.910), (380, 400, 0.924), (360, 400, 0.867)] {
            assert!((wilson(right, n).0 - low).abs() < 0.001, "{right}/{n}: {:?}", wilson(right, n));
        }
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn figures_follow_their_definitions() {
        let row = |answer: &str| Row {
            id: String::new(),
            conversation: String::new(),
            ts: 0,
            template: String::new(),
            text: String::new(),
            answer: answer.to_owned(),
            teacher: String::new(),
            weight: 1.0,
            prompt: None,
            took: None,
        };
        let case =
            |said: &str, right, p1| Case { said: said.to_owned(), right, p1, answered: true, micros: 1 };
        let rows = [row("a"), row("a"), row("b"), row("b")];
        let cases =
            [case("a", true, 0.95), case("b", false, 0.95), case("b", true, 0.55), case("b", true, 0.55)];
        let both: Vec<_> = rows.iter().zip(&cases).collect();
        assert!((macro_f1(&both) - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-9);
        assert!((ece(&cases) - (0.9 + 0.9) / 4.0).abs() < 1e-6);
        assert_eq!(confusions(&both), [("a".to_owned(), "b".to_owned(), 1)]);
    }
}
