//! Whole runs: tiny sets end to end, resume, threads, CLINC150.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use kolm_artifact::{Artifact, Trust};
use kolm_core::{Coded, Env, Exit, Timestamp};
use kolm_model::net::Shape;
use kolm_model::{Abstain, Student};
use kolm_policies::dataset::{Row, parse_pairs, rows_of_pairs, snapshot};
use kolm_receipts::keys::SigningKey;
use serde_json::json;

use crate::learn::{Recipe, Sample, State};
use crate::{Branch, Branches, Done, Error, Event, Job, Spec, evaluate, run};

/// Pairs of a made-up help desk: four labels, texts put together from parts.
fn pairs(n: usize) -> String {
    let topics = [
        ("refund", ["money back", "refund my order", "return the parcel", "reimburse me"]),
        (
            "login",
            ["cannot sign in", "password is rejected", "locked out of my account", "reset my password"],
        ),
        (
            "invoice",
            ["copy of the invoice", "bill shows a wrong amount", "receipt for last month", "vat on the bill"],
        ),
        ("shipping", ["where is my parcel", "delivery is late", "track the shipment", "courier never came"]),
    ];
    let openings = ["hello,", "hi there", "please help:", "good morning", "urgent!", "dear team,", "hey,"];
    let ends =
        ["thanks", "asap", "it has been days", "from a customer in town", "can you look", "since tuesday"];
    let line = |i: usize| {
        let (label, bodies) = &topics[i % 4];
        let (opening, end) = (openings[i / 4 % 7], ends[i / 28 % 6]);
        let text = format!(
            "{opening} {} {end} ref {} {}",
            bodies[i / 3 % 4],
            i * 37 % 1009,
            ["x", "y", "zz"][i % 3].repeat(i % 5 + 1)
        );
        json!({"text": text, "label": label}).to_string() + "\n"
    };
    (0..n).map(line).collect()
}

fn env() -> Env {
    Env::fixed(Timestamp(1_795_219_200_000), 1)
}

fn key() -> SigningKey {
    SigningKey::from_seed("kolm/test", &[3; 32]).unwrap()
}

fn job(dir: &Path, pairs: &str) -> Job {
    let file = dir.join("pairs.jsonl");
    fs::write(&file, pairs).unwrap();
    let spec = Spec { epochs: 2, ..Spec::new("tickets", "support".parse().unwrap()) };
    Job { dir: dir.join("job"), snapshot: file, eval: None, out: dir.join("tickets.kolm"), spec }
}

fn go(job: &Job) -> (Done, Vec<Event>) {
    let mut events = Vec::new();
    let done = run(job, &key(), &env(), &mut |event| events.push(event), &|| false).unwrap();
    (done, events)
}

fn open(path: &Path) -> Artifact {
    Artifact::open(path, &Trust::integrity()).unwrap()
}

#[test]
fn a_small_set_becomes_a_student_that_answers() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path(), &pairs(600));
    let (done, events) = go(&job);
    assert!(done.report.accuracy_in_scope > 0.95 && done.majority < 0.5, "{:?}", done.report);
    assert_eq!(
        done.candidates.iter().map(|c| c.branch).collect::<Vec<_>>(),
        [Branch::Ngram, Branch::Transformer, Branch::Sum]
    );
    let artifact = open(&job.out);
    assert_eq!((artifact.manifest().task, artifact.identity()), (kolm_artifact::Task::Label, &done.artifact));
    let student = Student::load(&artifact).unwrap();
    let template = student.scorers().templates[0].clone();
    assert_eq!(student.answer(&template, "Hello, I want my money back please").label, "refund");
    assert_eq!(student.answer("0000000000000000", "money back").abstain, Some(Abstain::Template));
    let phases: Vec<&str> = events
        .iter()
        .filter_map(|e| if let Event::Phase { phase } = e { Some(phase.as_str()) } else { None })
        .collect();
    assert_eq!(phases, ["prepare", "ngram", "transformer", "calibrate", "report"]);
    let log = fs::read_to_string(job.dir.join("out/events.jsonl")).unwrap();
    assert_eq!(log.lines().count(), events.len());
    assert!(
        log.lines().all(|l| serde_json::from_str::<Event>(l).is_ok())
            && log.contains(r#""event":"threshold""#)
    );
}

#[test]
fn held_out_rows_stay_out_of_the_job_folder_and_come_with_the_artifact() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = job(dir.path(), &pairs(400));
    job.spec.branches = Branches::NgramOnly;
    let (done, _) = go(&job);
    let artifact = open(&job.out);
    let cases = String::from_utf8(artifact.member("eval/cases.jsonl").unwrap().to_vec()).unwrap();
    assert_eq!(cases.lines().count() as u64, done.report.n);
    let seen: String = ["data/train.jsonl", "data/valid.jsonl", "out/events.jsonl", "job.json"]
        .map(|f| fs::read_to_string(job.dir.join(f)).unwrap())
        .concat();
    for case in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(case).unwrap();
        assert!(!seen.contains(case["text"].as_str().unwrap()));
    }
    let rows: Vec<Row> = rows_of_pairs(&parse_pairs(&pairs(400)).unwrap());
    let ids: BTreeSet<String> = cases
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let held: Vec<Row> = rows.into_iter().filter(|r| ids.contains(&r.id)).collect();
    let again = evaluate(&artifact, &held, None, &env()).unwrap().report;
    assert_eq!((again.n, again.right), (done.report.n, done.report.right));
    let report: serde_json::Value =
        serde_json::from_slice(artifact.member("eval/report.json").unwrap()).unwrap();
    assert_eq!(report["heldout"]["right"], json!(done.report.right));
}

#[test]
fn a_tiny_set_with_a_given_eval_file_works() {
    let dir = tempfile::tempdir().unwrap();
    let all = pairs(260);
    let lines: Vec<&str> = all.lines().filter(|l| !l.contains("shipping")).collect();
    let mut job = job(dir.path(), &lines[..150].join("\n"));
    let eval = dir.path().join("eval.jsonl");
    fs::write(&eval, lines[150..].join("\n")).unwrap();
    job.eval = Some(eval);
    let (done, _) = go(&job);
    assert_eq!(done.report.n as usize, lines.len() - 150);
    assert!(done.report.accuracy_in_scope > 0.9, "{:?}", done.report);
    assert!(
        done.threshold.crossfit && done.threshold.n > 100,
        "32 rows in `valid` prove nothing: the folds do"
    );
    assert!(
        done.threshold.coverage > 0.8 && done.report.coverage > 0.7,
        "{:?} {:?}",
        done.threshold,
        done.report
    );
}

/// A run that is stopped as soon as `cancel` is asked for the first time.
fn refused(job: &Job) -> Error {
    run(job, &key(), &env(), &mut |_| {}, &|| true).unwrap_err()
}

/// A run that is stopped when the transformer branch has done so many steps.
fn stopped(job: &Job, steps: u64) -> u64 {
    let at = AtomicU64::new(0);
    let mut on = |event| {
        if let Event::Progress { branch: Branch::Transformer, step, .. } = event {
            at.store(step, Ordering::SeqCst);
        }
    };
    let error = run(job, &key(), &env(), &mut on, &|| at.load(Ordering::SeqCst) >= steps).unwrap_err();
    assert_eq!((error.code().0, error.exit()), (608, Exit::Cancelled));
    assert!(!job.out.exists());
    if let Error::Cancelled { step } = error { step } else { 0 }
}

#[test]
fn a_stopped_run_ends_with_the_same_bytes_as_one_that_was_not() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Every ninth label is wrong, so that no epoch is good enough to end at.
    let noisy = |(i, line): (usize, &str)| {
        let line = if i % 9 == 0 {
            line.replace(r#""label":"login""#, r#""label":"refund""#)
        } else {
            line.to_owned()
        };
        line + "\n"
    };
    let text: String = pairs(300).lines().enumerate().map(noisy).collect();
    let uninterrupted = job(whole.path(), &text);
    go(&uninterrupted);
    let job = job(parts.path(), &text);
    assert_eq!(refused(&job).code().0, 608);
    let first = stopped(&job, 20);
    let second = stopped(&job, 40);
    assert!(first >= 20 && second >= 40, "stopped at {first} and {second}");
    let mut resumed = 0;
    let mut on = |event| {
        if let Event::Resumed { step } = event {
            resumed = step;
        }
    };
    run(&job, &key(), &env(), &mut on, &|| false).unwrap();
    assert!(resumed > 0 && resumed <= second, "resumed at {resumed}");
    assert!(fs::read(&job.out).unwrap() == fs::read(&uninterrupted.out).unwrap(), "the bytes differ");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let text = pairs(300);
    let bytes = |threads| {
        let dir = tempfile::tempdir().unwrap();
        let mut job = job(dir.path(), &text);
        job.spec.threads = threads;
        go(&job);
        fs::read(&job.out).unwrap()
    };
    let one = bytes(1);
    assert!(one == bytes(3));
}

#[test]
fn one_step_moves_every_parameter_and_thirty_halve_the_loss() {
    let shape = Shape { vocab: 8, width: 16, layers: 2, heads: 2, ff: 16, context: 6, labels: 2 };
    let recipe = Recipe {
        epochs: 1,
        batch: 8,
        micro: 8,
        rate: 1e-2,
        warm_up: 0.05,
        decay: 0.0,
        clip: 1.0,
        dropout: 0,
        word_dropout: 0.0,
        seed: 7,
    };
    let rows: Vec<Sample> = (0..8)
        .map(|i| Sample {
            tokens: vec![2 + i % 2, 4 + i % 4, 0, 3 - i % 2, 5, 1],
            label: i % 2,
            weight: 1.0 + i as f32,
        })
        .collect();
    let rows: Vec<&Sample> = rows.iter().collect();
    let mut state = State::new(&shape, 7);
    let before = state.values.clone();
    let first = recipe.step(&shape, &mut state, &rows, 30).unwrap();
    for (name, v) in &state.values {
        assert!(v.iter().all(|x| x.is_finite()) && *v != before[name], "{name} did not move");
    }
    let last = (1..30).map(|_| recipe.step(&shape, &mut state, &rows, 30).unwrap()).last().unwrap();
    assert!(last < first / 2.0, "{first} -> {last}");
}

#[test]
fn micro_batches_do_not_change_the_gradient() {
    let shape = Shape { vocab: 8, width: 8, layers: 2, heads: 2, ff: 8, context: 4, labels: 2 };
    let rows: Vec<Sample> =
        (0..6).map(|i| Sample { tokens: vec![2 + i, 1], label: i % 2, weight: 1.0 }).collect();
    let rows: Vec<&Sample> = rows.iter().collect();
    let after = |micro| {
        let recipe = Recipe {
            epochs: 1,
            batch: 6,
            micro,
            rate: 1e-3,
            warm_up: 0.5,
            decay: 0.1,
            clip: 1.0,
            dropout: 0,
            word_dropout: 0.0,
            seed: 7,
        };
        let mut state = State::new(&shape, 7);
        recipe.step(&shape, &mut state, &rows, 4).unwrap();
        state.first
    };
    for ((name, a), b) in after(1000).iter().zip(after(2).values()) {
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 1e-6, "{name}: {a} {b}");
        }
    }
}

#[test]
fn snapshots_are_held_against_their_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let rows = rows_of_pairs(&parse_pairs(&pairs(300)).unwrap());
    let files = snapshot(rows, "support", Timestamp(1_795_000_000_000), "default");
    let mut job = job(dir.path(), "");
    job.snapshot = dir.path().join("snap");
    job.spec.branches = Branches::NgramOnly;
    fs::create_dir(&job.snapshot).unwrap();
    fs::write(job.snapshot.join("rows.jsonl"), &files.rows_jsonl).unwrap();
    fs::write(job.snapshot.join("snapshot.json"), &files.manifest_json).unwrap();
    go(&job);
    let data = open(&job.out).manifest().data.clone();
    assert_eq!((data.anon_policy.as_str(), data.pairs_root), ("default", files.meta.sha256.clone()));
    let mut changed = files.rows_jsonl.clone();
    changed.truncate(changed.len() / 2);
    while changed.last() != Some(&b'\n') {
        changed.pop();
    }
    fs::write(job.snapshot.join("rows.jsonl"), changed).unwrap();
    assert_eq!(refused(&job).code().0, 607);
}

#[test]
fn every_refusal_has_its_code_its_exit_and_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let few = job(dir.path(), &pairs(20));
    let mut no_epochs = few.clone();
    no_epochs.spec.epochs = 0;
    let mut missing = few.clone();
    missing.snapshot = dir.path().join("nowhere.jsonl");
    let other = |source| Error::Engine(candle_core::Error::Msg(source));
    let cases = [
        (refused(&few), 601, Exit::TooFew),
        (refused(&no_epochs), 605, Exit::Usage),
        (Error::Diverged { step: 3, loss: f32::NAN }, 606, Exit::Failed),
        (refused(&missing), 611, Exit::Failed),
        (other("no".to_owned()), 612, Exit::Failed),
        (Error::Differs { right: 1, expected: 2, n: 3 }, 613, Exit::Failed),
    ];
    for (error, code, exit) in cases {
        assert_eq!((error.code().0, error.exit()), (code, exit), "{error}");
        assert!(error.hint().is_some());
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let open: String = (0..200)
        .map(|i| {
            json!({"text": format!("question number {i} about x{i}"), "label": format!("answer {i}")})
                .to_string()
                + "\n"
        })
        .collect();
    assert_eq!(refused(&job(elsewhere.path(), &open)).code().0, 933);
}

#[test]
fn clinc150_with_n_grams_alone() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/clinc150");
    if !data.exists() {
        // Nothing to measure on: the data set is not part of the repository.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut job = job(dir.path(), "");
    (job.snapshot, job.eval) = (data.join("train.jsonl"), Some(data.join("val.jsonl")));
    job.spec.branches = Branches::NgramOnly;
    let (done, _) = go(&job);
    let r = &done.report;
    assert_eq!((r.n, r.n_in_scope), (3100, 3000));
    assert!(r.accuracy_in_scope >= 0.92, "{r:?}");
    assert!(r.ece <= 0.05 && r.coverage >= 0.8 && r.selective_accuracy >= 0.95, "{r:?}");
}
