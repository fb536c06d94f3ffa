//! `kolm eval`: how often the packed student says what the teacher said, on cases it never saw, and whether that
//! passes the gate.

mod baseline;
mod beside;
mod cases;
mod client;
mod gate;
mod page;
mod print;

use std::path::Path;

use kolm_artifact::{Artifact, Manifest, Trust};
use kolm_core::{Code, Env, Exit};
use kolm_policies::dataset::Row;
use kolm_trainer::{Evaluated, HoldoutReport};
use serde_json::Value;

use crate::args::Eval;
use crate::demo::Pair;
use crate::report::{Done, Failure, print_json};

use self::cases::Cases;
use self::gate::Outcome;

/// Scores an artifact, beside a baseline model if asked. Exit 0: it passes the gate, 1: it does not, 2: not decided.
pub(crate) fn run(args: &Eval, env: &Env, data_dir: &Path, json: bool) -> Done {
    let artifact = Artifact::open(&args.artifact, &Trust::integrity())?;
    let Cases { rows, asked } = match &args.pairs {
        Some(file) => Cases::of_file(&artifact, file)?,
        None => Cases::held_out(&artifact)?,
    };
    if rows.is_empty() {
        let sentence = "there are no cases to score on";
        return Err(Failure::new(Code(5), Exit::Usage, sentence, "give a file with --pairs"));
    }
    let Evaluated { report, cases } = kolm_trainer::evaluate(&artifact, &rows, Some(&args.oos_label), env)?;
    let manifest = artifact.manifest();
    // The answers of a file are nobody's that we know.
    let teachers = if args.pairs.is_some() { Vec::new() } else { teachers(manifest) };
    let baseline = match &args.baseline {
        Some(model) => Some(baseline::ask(model, args, (&rows, &asked, &teachers), env, data_dir)?),
        None => None,
    };
    let file = std::fs::metadata(&args.artifact).map_err(|error| Failure::io(&args.artifact, &error))?;
    let student = gate::Student {
        rows: &rows,
        cases: &cases,
        trained: manifest.data.n_train,
        bytes: file.len() + manifest.base.bytes,
    };
    let verdict = gate::verdict(&student, baseline.as_ref());
    if let Some(path) = &args.html {
        let page = page::page(&args.artifact, &student, &report, &verdict, baseline.as_ref());
        std::fs::write(path, page).map_err(|error| Failure::io(path, &error))?;
    }
    if json {
        print_json(&serde_json::json!({ "student": report, "gate": verdict }));
    } else {
        print::print(&report, &verdict);
    }
    Ok(match verdict.outcome {
        Outcome::Passes => Exit::Ok,
        Outcome::Fails => Exit::Failed,
        Outcome::Undecided => Exit::Usage,
    })
}

/// The models whose answers an artifact learned.
fn teachers(manifest: &Manifest) -> Vec<&str> {
    let teacher = &manifest.teacher;
    teacher.seen.iter().map(|(model, _)| model.as_str()).chain([teacher.model.as_str()]).collect()
}

/// The report of an artifact on pairs of a file.
pub(crate) fn score(
    path: &Path,
    pairs: &[Pair],
    oos_label: &str,
    env: &Env,
) -> Result<HoldoutReport, Failure> {
    let artifact = Artifact::open(path, &Trust::integrity())?;
    Ok(kolm_trainer::evaluate(&artifact, &rows(&artifact, pairs), Some(oos_label), env)?.report)
}

/// Pairs as rows of the artifact's first template: a file of texts says nothing of the prompt around them.
fn rows(artifact: &Artifact, pairs: &[Pair]) -> Vec<Row> {
    let template = first_template(artifact);
    let row = |(n, pair): (usize, &Pair)| row(format!("line-{n:08}"), &template, &pair.text, &pair.label);
    pairs.iter().enumerate().map(row).collect()
}

fn first_template(artifact: &Artifact) -> String {
    let scorers: Value = artifact
        .member("scorers.json")
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default();
    scorers["templates"][0].as_str().unwrap_or_default().to_owned()
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
        prompt: None,
        took: None,
    }
}
