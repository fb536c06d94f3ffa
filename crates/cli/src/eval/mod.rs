//! `kolm eval`: how often the packed student says what the teacher said, on cases it never saw.

use std::path::Path;

use kolm_artifact::{Artifact, Trust};
use kolm_core::{Code, Env, Exit};
use kolm_policies::dataset::Row;
use kolm_trainer::HoldoutReport;
use serde::Deserialize;
use serde_json::Value;

use crate::args::Eval;
use crate::demo::{Pair, read_pairs};
use crate::report::{Done, Failure, print_json, say};

/// Scores an artifact, beside a baseline model if asked.
pub(crate) fn run(args: &Eval, env: &Env, json: bool) -> Done {
    let artifact = Artifact::open(&args.artifact, &Trust::integrity())?;
    let rows = match &args.pairs {
        Some(file) => rows(&artifact, &read_pairs(file)?),
        None => held_out(&artifact)?,
    };
    if rows.is_empty() {
        let sentence = "there are no cases to score on";
        return Err(Failure::new(Code(5), Exit::Usage, sentence, "give a file with --pairs"));
    }
    let report = kolm_trainer::evaluate(&artifact, &rows, Some(&args.oos_label), env)?;
    let baseline = match &args.baseline {
        Some(model) => Some(crate::baseline::score(model, &args.base_url, &rows)?),
        None => None,
    };
    if json {
        print_json(&serde_json::json!({ "student": report, "baseline": baseline }));
    } else {
        print(&report);
        if let Some(baseline) = &baseline {
            say(format_args!(
                "{}: accuracy {:.3} on the same {} cases",
                baseline.model, baseline.accuracy, baseline.n
            ));
        }
    }
    Ok(Exit::Ok)
}

/// The report of an artifact on pairs of a file.
pub(crate) fn score(
    path: &Path,
    pairs: &[Pair],
    oos_label: &str,
    env: &Env,
) -> Result<HoldoutReport, Failure> {
    let artifact = Artifact::open(path, &Trust::integrity())?;
    Ok(kolm_trainer::evaluate(&artifact, &rows(&artifact, pairs), Some(oos_label), env)?)
}

/// Pairs as rows of the artifact's first template: a file of texts says nothing of the prompt around them.
fn rows(artifact: &Artifact, pairs: &[Pair]) -> Vec<Row> {
    let scorers: Value = artifact
        .member("scorers.json")
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default();
    let template = scorers["templates"][0].as_str().unwrap_or_default();
    let row = |(n, pair): (usize, &Pair)| row(format!("line-{n:08}"), template, &pair.text, &pair.label);
    pairs.iter().enumerate().map(row).collect()
}

/// The held-out cases that an artifact carries.
fn held_out(artifact: &Artifact) -> Result<Vec<Row>, Failure> {
    let unreadable = |error: serde_json::Error| {
        Failure::new(
            Code(5),
            Exit::Usage,
            format_args!("the held-out cases: {error}"),
            "give a file with --pairs",
        )
    };
    let lines = artifact.member("eval/cases.jsonl").unwrap_or_default();
    let cases = serde_json::Deserializer::from_slice(lines).into_iter::<Case>();
    cases
        .map(|case| {
            case.map(|case| row(case.id, &case.template, &case.text, &case.label)).map_err(unreadable)
        })
        .collect()
}

/// A line of `eval/cases.jsonl`.
#[derive(Deserialize)]
struct Case {
    id: String,
    template: String,
    text: String,
    label: String,
}

fn row(id: String, template: &str, text: &str, answer: &str) -> Row {
    Row {
        id,
        conversation: String::new(),
        ts: 0,
        template: template.to_owned(),
        text: text.to_owned(),
        answer: answer.to_owned(),
        teacher: "file".to_owned(),
        weight: 1.0,
    }
}

fn print(report: &HoldoutReport) {
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
