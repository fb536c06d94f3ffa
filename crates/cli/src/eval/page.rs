//! An evaluation as a page for people.

use std::path::Path;

use kolm_dashboards::evaluation::{Difference, Evaluation, Line, Miss, render};
use kolm_trainer::HoldoutReport;

use super::baseline::Baseline;
use super::beside::SideBySide;
use super::gate::{Outcome, Student, Verdicts};
use super::print::{asked, less, sentence, share};

/// Cases shown at most.
const MISSES: usize = 200;

/// The page: one file, nothing beside it.
pub(super) fn page(
    artifact: &Path,
    student: &Student<'_>,
    report: &HoldoutReport,
    verdict: &Verdicts,
    baseline: Option<&Baseline>,
) -> String {
    render(&Evaluation {
        artifact: artifact.display().to_string(),
        tone: match verdict.outcome {
            Outcome::Passes => "good",
            Outcome::Fails => "bad",
            Outcome::Undecided => "shadow",
        },
        sentence: sentence(report.n, verdict),
        scores: scores(report),
        axes: verdict.axes.iter().map(line).collect(),
        difference: verdict.baseline.as_ref().map(|beside| Difference {
            model: beside.model.clone(),
            right: beside.right.map(|n| n.to_string()),
            difference: format!("{:+.4}", beside.difference),
            interval: format!("{:+.4} to {:+.4}", beside.interval.0, beside.interval.1),
            p: format!("{:.4}", beside.p),
            k: share(beside.k),
            asked: asked(beside),
            axes: beside.axes.iter().map(side).collect(),
        }),
        confusions: report.confusions.iter().map(|(a, b, n)| (a.clone(), b.clone(), n.to_string())).collect(),
        misses: misses(student, baseline),
    })
}

fn side(axis: &SideBySide) -> [String; 4] {
    let student = axis.student.map_or_else(|| "not measured".to_owned(), share);
    let difference = less(axis).trim_start_matches(": ").to_owned();
    [axis.name.clone(), student, share(axis.baseline), difference]
}

fn scores(report: &HoldoutReport) -> Vec<(&'static str, String)> {
    let mut out = vec![
        ("Cases", report.n.to_string()),
        ("Accuracy in scope", format!("{:.4}", report.accuracy_in_scope)),
        ("Answered", format!("{:.4}", report.coverage)),
        ("Right of what is answered", format!("{:.4}", report.selective_accuracy)),
        ("Macro-F1", format!("{:.4}", report.macro_f1)),
        ("Calibration error", format!("{:.4}", report.ece)),
        ("p95 of an answer", format!("{} µs", report.p95_us)),
    ];
    out.extend(report.oos_recall.map(|recall| ("Out of scope kept away", format!("{recall:.4}"))));
    out
}

fn line(axis: &kolm_core::AxisStatus) -> Line {
    let (value, range) = match axis.have {
        Some(have) => (share(have.v), format!("{} to {}", share(have.lcb), share(have.ucb))),
        None => ("not measured".to_owned(), String::new()),
    };
    let met = axis.need.map(|need| axis.have.is_some_and(|have| have.lcb >= need));
    Line { name: axis.name.clone(), value, range, need: axis.need.map(share).unwrap_or_default(), met }
}

/// What the student answers wrongly, the surest first.
fn misses(student: &Student<'_>, baseline: Option<&Baseline>) -> Vec<Miss> {
    let mut wrong: Vec<usize> = (0..student.cases.len())
        .filter(|at| student.cases[*at].answered && !student.cases[*at].right)
        .collect();
    wrong.sort_by(|a, b| student.cases[*b].p1.total_cmp(&student.cases[*a].p1).then(a.cmp(b)));
    let miss = |at: usize| Miss {
        text: student.rows[at].text.clone(),
        reference: student.rows[at].answer.clone(),
        student: student.cases[at].said.clone(),
        baseline: baseline.map(|baseline| baseline.answers[at].text.clone()),
        share: format!("{:.3}", student.cases[at].p1),
    };
    wrong.into_iter().take(MISSES).map(miss).collect()
}
