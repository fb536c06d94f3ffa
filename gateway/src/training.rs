//! One training run: freeze a snapshot, run `kolm distill` as a child, read its events.
//!
//! **Invariant:** the trainer sees the frozen snapshot and nothing else; its death is noticed by no request.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use kolm_config::Route;
use kolm_core::{ArtifactId, Exit, RouteName, TrainStatus};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::task::AbortHandle;

use crate::drift::keep_profile;

/// A child that was killed resumes from its job folder, so often.
const TRIES: usize = 3;

/// A packed student, or why there is none.
pub(crate) type Made = Result<(ArtifactId, PathBuf), String>;

/// A run under way or over; dropping it ends the child.
pub(crate) struct Run {
    status: Arc<Mutex<TrainStatus>>,
    made: Arc<Mutex<Option<Made>>>,
    task: AbortHandle,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Run {
    /// Progress for people.
    pub(crate) fn status(&self) -> TrainStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The result, once there is one.
    pub(crate) fn take(&self) -> Option<Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where a run works and what it makes.
pub(crate) struct Plan {
    /// The `kolm` binary.
    pub(crate) program: PathBuf,
    /// Data directory: keys, jobs, artifacts.
    pub(crate) data_dir: PathBuf,
    /// Digest of the namespace's anonymizer policy.
    pub(crate) policy: String,
    /// The route trained for.
    pub(crate) route: Arc<Route>,
    /// Number of the run on this route: names its folder.
    pub(crate) number: u64,
}

/// Starts a run; one that was cut short by a restart goes on in the same folder.
pub(crate) fn start(store: kolm_store::Handle, plan: Plan) -> Run {
    let status = Arc::new(Mutex::new(TrainStatus { phase: "freezing".to_owned(), ..TrainStatus::default() }));
    let made = Arc::new(Mutex::new(None));
    let (seen, result) = (Arc::clone(&status), Arc::clone(&made));
    let task = tokio::spawn(async move {
        let outcome = run(&store, &plan, &seen).await;
        result.lock().unwrap_or_else(PoisonError::into_inner).replace(outcome);
    });
    Run { status, made, task: task.abort_handle() }
}

async fn run(store: &kolm_store::Handle, plan: &Plan, status: &Mutex<TrainStatus>) -> Made {
    let folder = plan.data_dir.join("jobs").join(format!("{}-{}", plan.route.name, plan.number));
    let snapshot = folder.join("snapshot");
    if !snapshot.join("snapshot.json").exists() {
        store
            .freeze(&plan.route.namespace, &snapshot, &plan.policy)
            .await
            .map_err(|error| format!("freezing the snapshot failed: {error}"))?;
    }
    let mut last = String::new();
    for _ in 0..TRIES {
        match child(plan, &folder, &snapshot, status).await {
            Ok(identity) => return keep(plan, (&folder, &snapshot), &identity),
            Err(Ended::Refused(why)) => return Err(why),
            Err(Ended::Killed(why)) => last = why,
        }
    }
    Err(last)
}

enum Ended {
    /// The trainer said no: asking again gives the same answer.
    Refused(String),
    /// It died; the job folder remembers how far it was.
    Killed(String),
}

async fn child(
    plan: &Plan,
    folder: &Path,
    snapshot: &Path,
    status: &Mutex<TrainStatus>,
) -> Result<ArtifactId, Ended> {
    let distill = &plan.route.distill;
    let broken = |error: std::io::Error| Ended::Killed(error.to_string());
    let mut child = Command::new(&plan.program)
        .args(["distill", "--json", "--behind-gateway", "--snapshot"])
        .arg(snapshot)
        .arg("--job")
        .arg(folder.join("job"))
        .arg("--out")
        .arg(folder.join("student.kolm"))
        .arg("--data-dir")
        .arg(&plan.data_dir)
        .args(["--name", plan.route.name.as_str(), "--branches", distill.branches.as_str()])
        .args(["--seed", &distill.seed.to_string(), "--threads", &distill.threads.to_string()])
        .args(["--target", &distill.target.share().to_string()])
        // A child of ours asks no cloud.
        .env_remove("OPENAI_API_KEY")
        // candle's and rayon's pools spin beside our own threads.
        .env("CANDLE_NUM_THREADS", "1")
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // Ctrl-C in the terminal is for the gateway; a run that is cut short goes on at the next start.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(broken)?;
    let Some(stdout) = child.stdout.take() else {
        return Err(Ended::Killed("the trainer has no stdout".to_owned()));
    };
    let mut lines = BufReader::new(stdout).lines();
    let (mut identity, mut refusal) = (None, None);
    while let Some(line) = lines.next_line().await.map_err(broken)? {
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        if let Some(artifact) = event["artifact"].as_str() {
            identity = artifact.parse::<ArtifactId>().ok();
        }
        if let Some(message) = event["error"]["message"].as_str() {
            refusal = Some(message.to_owned());
        }
        note(status, &event);
    }
    let ended = child.wait().await.map_err(broken)?;
    let cancelled = ended.code() == Some(Exit::Cancelled as i32);
    match (ended.success(), identity, refusal) {
        (true, Some(identity), _) => Ok(identity),
        (_, _, Some(why)) if !cancelled => Err(Ended::Refused(why)),
        (_, _, Some(_) | None) => Err(Ended::Killed(format!("the trainer ended with {ended}"))),
    }
}

fn note(status: &Mutex<TrainStatus>, event: &Value) {
    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(phase) = event["phase"].as_str() {
        status.phase = phase.to_owned();
    }
    if let (Some(step), Some(steps)) = (event["step"].as_u64(), event["steps"].as_u64()) {
        (status.step, status.steps) = (step, steps);
        status.loss = event["loss"].as_f64().unwrap_or_default();
        status.valid = event["valid"].as_f64().unwrap_or_default();
    }
}

/// Moves the artifact to where its identity finds it.
fn keep(plan: &Plan, (folder, snapshot): (&Path, &Path), identity: &ArtifactId) -> Made {
    let path = artifact_path(&plan.data_dir, &plan.route.name, identity);
    let moved = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    moved
        .and_then(|()| std::fs::rename(folder.join("student.kolm"), &path))
        .and_then(|()| keep_profile(snapshot, (&plan.data_dir, &plan.route.name, identity)))
        .map_err(|error| format!("keeping the artifact failed: {error}"))?;
    Ok((identity.clone(), path))
}

/// The file of a route's artifact.
pub(crate) fn artifact_path(data_dir: &Path, route: &RouteName, identity: &ArtifactId) -> PathBuf {
    let digits = identity.as_str().trim_start_matches("sha256:");
    data_dir.join("artifacts").join(format!("{route}-{}.kolm", &digits[..12]))
}
