//! `kolm distill`: pairs in, one signed artifact out. Also the child process that `kolm up` trains with.

use std::path::{Path, PathBuf};

use kolm_core::{Code, Env, Exit, Ppm, Timestamp};
use kolm_policies::anonymize::{self, Policy, Salt};
use kolm_policies::dataset::{self, PairLine, Row};
use kolm_receipts::keys;
use kolm_trainer::{Branches, Event, Job, Spec};
use kolm_wire::{Exchange, chat, reply};
use sha2::{Digest as _, Sha256};

use crate::admin::Admin;
use crate::args::{BranchesArg, Distill};
use crate::report::{Done, Failure, note, print_json, say};

/// Trains on a namespace, a file or a frozen snapshot.
pub(crate) fn run(args: &Distill, env: &Env, data_dir: &Path, json: bool) -> Done {
    if args.behind_gateway {
        stand_back();
    }
    let jobs = data_dir.join("jobs");
    let (snapshot, namespace) = match (&args.namespace, &args.pairs, &args.snapshot) {
        (Some(namespace), _, _) => (freeze(namespace, &jobs, env, data_dir)?, namespace.clone()),
        (None, Some(pairs), _) => (snapshot_of(pairs, &args.policy, &jobs)?, "file".to_owned()),
        (None, None, Some(snapshot)) => (snapshot.clone(), namespace_of(snapshot)),
        (None, None, None) => {
            return Err(Failure::new(
                Code(5),
                Exit::Usage,
                "nothing to train on",
                "see `kolm distill --help`",
            ));
        }
    };
    let eval = args.eval.as_deref().map(|file| snapshot_of(file, &args.policy, &jobs)).transpose()?;
    let name = args.name.clone().unwrap_or_else(|| stem(&args.out));
    let job = Job {
        dir: args.job.clone().unwrap_or_else(|| job_beside(&snapshot)),
        snapshot,
        eval,
        out: args.out.clone(),
        spec: spec(args, &name, &namespace)?,
    };
    let key = keys::load_or_create(&data_dir.join("keys"), keys::Role::Artifact, env)?;
    let mut watcher = Watcher::new(json);
    let done =
        kolm_trainer::run(&job, &key, env, &mut |event| watcher.see(&event), &crate::up::interrupted())?;
    if !json {
        let report = &done.report;
        say(format_args!(
            "ok wrote {} score={:.3} ({:.3}..{:.3}, n={}) coverage={:.3} student=nano-label quant=int8 signature=ed25519 {}",
            args.out.display(),
            report.accuracy_in_scope,
            report.wilson95.0,
            report.wilson95.1,
            report.n,
            report.coverage,
            done.artifact
        ));
    }
    Ok(Exit::Ok)
}

/// Traffic comes first: the lowest priority, and no life after the parent's. The job folder keeps what was done.
fn stand_back() {
    crate::machine::huge_pages(true);
    use rustix::process::{Signal, nice, set_parent_process_death_signal};
    if let Err(error) = nice(19) {
        note(&format!("the trainer runs at full priority: {error}"));
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        note(&format!("the trainer will not notice the end of its parent: {error}"));
    }
}

/// The namespace that a snapshot was taken from; what is wrong with an unreadable one, the trainer says.
fn namespace_of(snapshot: &Path) -> String {
    let bytes = std::fs::read(snapshot.join("snapshot.json")).unwrap_or_default();
    let meta = serde_json::from_slice::<dataset::SnapshotMeta>(&bytes);
    meta.map_or_else(|_| "default".to_owned(), |meta| meta.namespace)
}

/// The job folder beside a snapshot; a namespace may have dots, so it is no extension.
fn job_beside(snapshot: &Path) -> PathBuf {
    let name = snapshot.file_name().unwrap_or_default().to_string_lossy();
    snapshot.with_file_name(format!("{name}.job"))
}

fn spec(args: &Distill, name: &str, namespace: &str) -> Result<Spec, Failure> {
    let namespace = crate::namespace(namespace)?;
    if !(0.5..=0.999).contains(&args.target) {
        let sentence = format!("a target of {} cannot be promised", args.target);
        return Err(Failure::new(Code(5), Exit::Usage, sentence, "give a share between 0.5 and 0.999"));
    }
    let branches = match args.branches {
        BranchesArg::Both => Branches::Both,
        BranchesArg::Ngram => Branches::NgramOnly,
    };
    let target_ppm = Ppm::floor(args.target).0;
    Ok(Spec {
        seed: args.seed,
        threads: args.threads,
        target_ppm,
        branches,
        ..Spec::new(&slug(name), namespace)
    })
}

/// A name as manifests have it: lower case letters, digits and hyphens.
fn slug(name: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(legal).take(63).collect()
}

/// A frozen snapshot of what a namespace captured: by the running gateway, or straight from the store.
fn freeze(namespace: &str, jobs: &Path, env: &Env, data_dir: &Path) -> Result<PathBuf, Failure> {
    let dir = jobs.join(format!("{namespace}-{}", env.clock.now().0));
    match Admin::find(data_dir) {
        Ok(admin) => crate::runtime()?.block_on(admin.freeze(namespace, &dir))?,
        Err(_) => crate::offline::freeze(namespace, &dir, env, data_dir)?,
    }
    Ok(dir)
}

/// Anonymizes a pairs file and freezes it, in a folder named by its content.
fn snapshot_of(file: &Path, policy: &str, jobs: &Path) -> Result<PathBuf, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io(file, &error))?;
    let rows = rows(&text, policy)?;
    let files = dataset::snapshot(rows, "file", Timestamp(0), policy);
    let dir = jobs.join(&files.meta.id);
    std::fs::create_dir_all(&dir).map_err(|error| Failure::io(&dir, &error))?;
    for (name, bytes) in [("rows.jsonl", &files.rows_jsonl), ("snapshot.json", &files.manifest_json)] {
        let path = dir.join(name);
        std::fs::write(&path, bytes).map_err(|error| Failure::io(&path, &error))?;
    }
    Ok(dir)
}

/// The rows of a pairs file: anonymized as captures are, before anything touches the disk.
fn rows(text: &str, policy: &str) -> Result<Vec<Row>, Failure> {
    let policy = Policy::preset(policy)?;
    let lines = dataset::parse_pairs(text)?;
    let given = lines.len();
    let kept: Vec<_> = lines.into_iter().filter_map(|line| anonymized(line, &policy)).collect();
    if kept.len() < given {
        note(&format!("{} of {given} lines were dropped by the anonymizer", given - kept.len()));
    }
    Ok(dataset::rows_of_pairs(&kept))
}

/// One line anonymized; its salt is a hash of its text, so the same file gives the same rows.
fn anonymized(line: PairLine, policy: &Policy) -> Option<PairLine> {
    let meta =
        reply::Meta { id: String::new(), created: 0, model: String::new(), fingerprint: String::new() };
    let answer = reply::Answer { text: line.answer, finish: "stop", tokens_out: 0 };
    let exchange = Exchange { request: line.request, reply: reply::completion(&meta, &[answer], 0) };
    let salt = Salt(Sha256::digest(&exchange.request).into());
    let (pair, _) = anonymize::anonymize(&exchange, policy, &salt).ok()?;
    let request = pair.request().as_bytes().to_vec();
    let text = chat::question(&request).ok()?.text;
    Some(PairLine { answer: chat::facts(pair.reply().as_bytes()).text?, request, text })
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Shows a run: JSON lines on stdout, or a bar on a terminal and plain lines elsewhere.
struct Watcher {
    json: bool,
    progress: crate::progress::Progress,
    bar: Option<crate::progress::Bar>,
}

impl Watcher {
    fn new(json: bool) -> Self {
        Self { json, progress: crate::progress::Progress::new(), bar: None }
    }

    fn see(&mut self, event: &Event) {
        if self.json {
            print_json(event);
            return;
        }
        match event {
            Event::Phase { phase } => {
                let bar = self.progress.bar("distill", 0);
                bar.message(phase);
                self.bar = Some(bar);
            }
            Event::Progress { branch, step, steps, loss, valid } => {
                if let Some(bar) = &self.bar {
                    bar.set(*step, *steps);
                    bar.message(&format!("{} loss {loss:.3} valid {valid:.3}", branch.as_str()));
                }
            }
            Event::Prepared { train, valid, heldout, labels, .. } => self.progress.done(&format!(
                "{labels} labels; {train} rows to learn from, {valid} to calibrate by, {heldout} held out"
            )),
            Event::Resumed { step } => self.progress.done(&format!("goes on at step {step}")),
            Event::Branch(tried) => self.progress.done(&format!(
                "{}: {:.3} of the calibration rows right, {} kB",
                tried.branch.as_str(),
                tried.valid,
                tried.bytes / 1_000
            )),
            Event::Threshold(tau) => self.progress.done(&format!(
                "answers {:.1} % of them itself, {:.1} % of that right; the rest goes to the teacher",
                tau.coverage * 100.0,
                tau.selective * 100.0
            )),
            Event::Checkpoint { .. } | Event::Done { .. } => {}
        }
    }
}
