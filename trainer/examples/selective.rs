//! Trains a student on CLINC150 and prints how much of the validation file it answers itself, and how often as its
//! teacher does, with and without the requests that are none of its business. Training never sees that file.
//!
//! `cargo run -p kolm-trainer --example selective -- [SEED...]`

use std::io::Write;
use std::path::Path;

use kolm_artifact::{Artifact, Trust};
use kolm_core::{Env, Timestamp};
use kolm_policies::dataset::{Row, parse_pairs, rows_of_pairs};
use kolm_receipts::keys::SigningKey;
use kolm_trainer::{Case, Job, Spec, Threshold, evaluate, run, wilson};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/clinc150");
/// The label of requests that are none of the student's business.
const OUTSIDE: &str = "oos";
/// What is promised: agreement of what is served locally, and the share of in-scope requests that is.
const PROMISE: (f64, f64) = (0.97, 0.80);

/// Requests of one kind: how many there were, how many were answered locally, and how many of those right.
#[derive(Clone, Copy, Default)]
struct Served {
    all: u64,
    answered: u64,
    right: u64,
}

impl Served {
    fn of<'a>(both: impl Iterator<Item = (&'a Row, &'a Case)>) -> Self {
        both.fold(Self::default(), |sum, (_, case)| Self {
            all: sum.all + 1,
            answered: sum.answered + u64::from(case.answered),
            right: sum.right + u64::from(case.answered && case.right),
        })
    }

    fn share(self) -> f64 {
        self.answered as f64 / self.all.max(1) as f64
    }

    fn agreement(self) -> f64 {
        self.right as f64 / self.answered.max(1) as f64
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    let data = Path::new(DATA);
    if !data.join("val.jsonl").is_file() {
        writeln!(out, "skipped: {DATA} is not here")?;
        return Ok(());
    }
    let given: Vec<u64> = std::env::args().skip(1).map(|seed| seed.parse()).collect::<Result<_, _>>()?;
    let seeds = if given.is_empty() { vec![7] } else { given };
    writeln!(
        out,
        "| seed | tau | shown on validation rows | in scope: served locally | agrees | all: served locally | agrees (95 % interval) | out of scope kept away | promise |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    for seed in seeds {
        let (threshold, both) = train(data, seed)?;
        line(&mut out, seed, &threshold, &both)?;
    }
    Ok(())
}

/// The threshold that was chosen, and the answers to the rows of the validation file.
fn train(data: &Path, seed: u64) -> Result<(Threshold, Vec<(Row, Case)>), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("kolm-selective-{}-{seed}", std::process::id()));
    let env = Env::fixed(Timestamp(0), 0);
    let job = Job {
        snapshot: data.join("train.jsonl"),
        eval: Some(data.join("val.jsonl")),
        out: dir.join("clinc.kolm"),
        dir: dir.clone(),
        spec: Spec { seed, ..Spec::new("clinc", "bench".parse()?) },
    };
    let key = SigningKey::from_seed("bench", &[7; 32])?;
    let done = run(&job, &key, &env, &mut |_| (), &|| false)?;
    let artifact = Artifact::open(&done.path, &Trust::integrity())?;
    let rows = rows_of_pairs(&parse_pairs(&std::fs::read_to_string(data.join("val.jsonl"))?)?);
    let cases = evaluate(&artifact, &rows, Some(OUTSIDE), &env)?.cases;
    std::fs::remove_dir_all(&dir)?;
    Ok((done.threshold, rows.into_iter().zip(cases).collect()))
}

fn line(
    out: &mut impl Write,
    seed: u64,
    threshold: &Threshold,
    both: &[(Row, Case)],
) -> Result<(), Box<dyn std::error::Error>> {
    let of = |wanted: fn(&Row) -> bool| {
        Served::of(both.iter().filter(|(row, _)| wanted(row)).map(|(row, case)| (row, case)))
    };
    let (scope, outside, all) =
        (of(|row| row.answer != OUTSIDE), of(|row| row.answer == OUTSIDE), of(|_| true));
    let (low, high) = wilson(all.right, all.answered);
    // Handed to the teacher, or answered so.
    let away = outside.all - outside.answered + outside.right;
    let kept = all.agreement() >= PROMISE.0 && scope.share() >= PROMISE.1;
    writeln!(
        out,
        "| {seed} | {:.3} | {:.3} right of {:.3}, at least {:.3} | {:.3} | {:.4} | {:.3} | {:.4} ({low:.4} to {high:.4}) | {away} of {} | {} |",
        f64::from(threshold.tau_ppm) / 1e6,
        threshold.selective,
        threshold.coverage,
        f64::from(threshold.target_ppm) / 1e6,
        scope.share(),
        scope.agreement(),
        all.share(),
        all.agreement(),
        outside.all,
        if kept { "kept" } else { "not kept" },
    )?;
    Ok(())
}
