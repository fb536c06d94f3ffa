//! An evaluation in lines for people.

use kolm_core::Ppm;
use kolm_trainer::HoldoutReport;

use super::beside::{Beside, SideBySide};
use super::gate::{Outcome, Verdicts};
use crate::report::say;

/// Prints report and verdict.
pub(super) fn print(report: &HoldoutReport, verdict: &Verdicts) {
    scores(report);
    for line in &verdict.axes {
        let need = line.need.map_or_else(String::new, |need| format!(", need {}", share(need)));
        match line.have {
            Some(have) => say(format_args!(
                "{:<10} {} ({}..{}){need}",
                line.name,
                share(have.v),
                share(have.lcb),
                share(have.ucb)
            )),
            None => say(format_args!("{:<10} not measured{need}", line.name)),
        }
    }
    say(format_args!(
        "k-score-1  {:.4} (the formula published first; shown, never gated by)",
        verdict.k_score_1
    ));
    if let Some(beside) = &verdict.baseline {
        baseline(beside);
    }
    say(sentence(report.n, verdict));
}

fn scores(report: &HoldoutReport) {
    let (low, high) = report.wilson95;
    say(format_args!(
        "accuracy   {:.4} in scope ({low:.4}..{high:.4}, n = {})",
        report.accuracy_in_scope, report.n_in_scope
    ));
    say(format_args!(
        "coverage   {:.4} answered, {:.4} of that right",
        report.coverage, report.selective_accuracy
    ));
    if let Some(recall) = report.oos_recall {
        say(format_args!("out of scope {recall:.4} kept away"));
    }
    say(format_args!("macro-F1   {:.4}, calibration error {:.4}", report.macro_f1, report.ece));
}

fn baseline(beside: &Beside) {
    let [both, student, cloud, neither] = beside.right;
    let (low, high) = beside.interval;
    say(format_args!(
        "{}: accuracy {:.4}, K {} with S = 0{}",
        beside.model,
        beside.accuracy,
        share(beside.k),
        if beside.is_teacher { "; the cases hold its own answers" } else { "" }
    ));
    say(asked(beside));
    for axis in &beside.axes {
        let student = axis.student.map_or_else(|| "not measured".to_owned(), share);
        let (baseline, less) = (share(axis.baseline), less(axis));
        say(format_args!("{:<10} {student}, {} {baseline}{less}", axis.name, beside.model));
    }
    say(format_args!(
        "right: both {both}, the student alone {student}, {} alone {cloud}, neither {neither}",
        beside.model
    ));
    say(format_args!(
        "difference {:+.4} ({low:+.4}..{high:+.4}, bootstrap), McNemar p = {:.4}",
        beside.difference, beside.p
    ));
}

/// How the baseline came to its answers.
pub(super) fn asked(beside: &Beside) -> String {
    let cases = beside.right.iter().sum::<u64>();
    let open = cases - beside.reused;
    let mut said = Vec::new();
    if open > 0 {
        said.push(format!(
            "{open} cases asked, {} of them under their system prompt or tools",
            beside.prompted
        ));
    }
    if beside.reused > 0 {
        said.push(format!(
            "{} captured answers taken, of which nothing tells how well it agrees with itself",
            beside.reused
        ));
    }
    said.join("; ")
}

/// By how much the student is better on an axis, empty where it was not measured.
pub(super) fn less(axis: &SideBySide) -> String {
    let difference = axis.difference_ppm.map(|ppm| format!(": {:+.3}", ppm as f64 / 1e6));
    difference.unwrap_or_default()
}

/// The verdict in a sentence.
pub(super) fn sentence(n: u64, verdict: &Verdicts) -> String {
    let alone = if verdict.baseline.is_none() { " by A and V; L, C and K need a --baseline" } else { "" };
    match verdict.outcome {
        Outcome::Passes => format!("passes{alone}"),
        Outcome::Fails => format!("fails{alone}: {}", verdict.missing.join(", ")),
        Outcome::Undecided if n < verdict.needed => {
            format!("not decided: {n} cases of {} needed", verdict.needed)
        }
        Outcome::Undecided => {
            let unknown =
                verdict.axes.iter().filter(|axis| axis.have.is_none()).map(|axis| axis.name.as_str());
            let unknown: Vec<&str> = unknown.collect();
            let hint = if unknown.contains(&"C") { " (no list price of the baseline is known)" } else { "" };
            format!("not decided: {} not measured{hint}", unknown.join(", "))
        }
    }
}

/// A share with three digits, cut off: a bound is never shown better than it is.
pub(super) fn share(value: Ppm) -> String {
    format!("{}.{:03}", value.0 / 1_000_000, value.0 % 1_000_000 / 1_000)
}
