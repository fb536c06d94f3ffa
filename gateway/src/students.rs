//! Keeps one `kolm serve` child per artifact alive. A student never shares an address space with the proxy.
//!
//! **Invariant:** a child that dies or stops answering is taken out of the table's reach before it is replaced.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kolm_core::RouteName;
use kolm_policies::gate::Breach;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::AbortHandle;

use crate::table::{Shared, Student};

/// How long a child may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Deaths within [`LOOP_WINDOW_MS`] that make a crash loop.
const LOOP_DEATHS: usize = 5;
const LOOP_WINDOW_MS: i64 = 60_000;

/// A supervised child; dropping it ends the child.
pub(crate) struct Supervised {
    /// What the data path sees of it.
    pub(crate) student: Arc<Student>,
    task: AbortHandle,
    /// Says where the child is; goes with it.
    note: Option<PathBuf>,
}

impl Supervised {
    /// A student and the task that keeps it.
    pub(crate) fn new(student: Arc<Student>, task: AbortHandle) -> Self {
        Self { student, task, note: None }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.student.address.store(None);
        self.task.abort();
        if let Some(note) = &self.note {
            drop(std::fs::remove_file(note));
        }
    }
}

/// How to start a child.
#[derive(Clone)]
pub(crate) struct Launch {
    /// The `kolm` binary.
    pub(crate) program: PathBuf,
    /// Where its process and address are noted.
    pub(crate) note: PathBuf,
    /// The route it serves.
    pub(crate) route: RouteName,
    /// The artifact's file.
    pub(crate) artifact: PathBuf,
}

/// What a child says on its first line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Listens { listening: SocketAddr, artifacts: Vec<String> },
    Refuses { error: Refusal },
}

/// Why a child does not serve its artifact.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    /// What an artifact is not fit for is not tried again: its golden cases (K0706), the model (K0703), the file (K04..).
    fn breach(&self) -> Option<Breach> {
        match self.code.as_str() {
            "K0706" => Some(Breach::Golden),
            code if code == "K0703" || code.starts_with("K04") => Some(Breach::Artifact),
            _ => None,
        }
    }
}

/// Starts and keeps a child for `student`.
pub(crate) fn supervise(shared: Arc<Shared>, student: Arc<Student>, launch: Launch) -> Supervised {
    let note = Some(launch.note.clone());
    let task = tokio::spawn(keep(shared, Arc::clone(&student), launch)).abort_handle();
    Supervised { student, task, note }
}

async fn keep(shared: Arc<Shared>, student: Arc<Student>, launch: Launch) {
    let mut deaths: Vec<i64> = Vec::new();
    loop {
        let why = match start(&student, &launch).await {
            Ok((mut child, address)) => {
                shared.events.student_up(&launch.route, address);
                // `wait` would close it, and the child ends with its standard input.
                let lifeline = child.stdin.take();
                watch(&mut child, &student, address).await;
                drop(lifeline);
                "the process ended".to_owned()
            }
            Err(why) => why,
        };
        student.address.store(None);
        shared.events.student_down(&launch.route, &why);
        let now = shared.env.clock.now().0;
        deaths.retain(|death| now - death < LOOP_WINDOW_MS);
        deaths.push(now);
        if deaths.len() >= LOOP_DEATHS {
            student.broken.get_or_init(|| Breach::StudentCrash);
        }
        if student.broken.get().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50 << deaths.len())).await;
    }
}

/// Starts a child and waits until it listens and serves the expected artifact.
async fn start(student: &Student, launch: &Launch) -> Result<(Child, SocketAddr), String> {
    let mut child = Command::new(&launch.program)
        .args([
            "serve",
            "--json",
            "--behind-gateway",
            "--port",
            "0",
            "--alias",
            &format!("*={}", student.model),
        ])
        .arg("--http")
        .arg(&launch.artifact)
        // A child of ours asks no cloud.
        .env_remove("OPENAI_API_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // Ctrl-C in the terminal is for the gateway, which ends its students after its requests.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().ok_or("the student has no stdout")?;
    let mut line = String::new();
    tokio::time::timeout(START_LIMIT, BufReader::new(stdout).read_line(&mut line))
        .await
        .map_err(|_| "the student does not listen in time".to_owned())?
        .map_err(|error| error.to_string())?;
    let listening = match serde_json::from_str(&line) {
        Ok(Said::Listens { listening, artifacts }) if artifacts == [student.artifact.as_str()] => listening,
        Ok(Said::Listens { artifacts, .. }) => {
            student.broken.get_or_init(|| Breach::Artifact);
            return Err(format!("the student serves {artifacts:?}, not {}", student.artifact));
        }
        Ok(Said::Refuses { error }) => {
            if let Some(breach) = error.breach() {
                student.broken.get_or_init(|| breach);
            }
            return Err(error.message);
        }
        Err(_) => return Err("the student ended at its start".to_owned()),
    };
    let text = serde_json::json!({ "pid": child.id(), "address": listening }).to_string();
    let folder = launch.note.parent().unwrap_or(&launch.note);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&launch.note, text))
        .map_err(|error| error.to_string())?;
    student.address.store(Some(Arc::new(listening)));
    Ok((child, listening))
}

/// Returns when the child has died or was killed for not answering.
async fn watch(child: &mut Child, student: &Student, address: SocketAddr) {
    loop {
        tokio::select! {
            _ = child.wait() => return,
            () = student.suspect.notified() => {
                if answers(address).await {
                    student.address.store(Some(Arc::new(address)));
                } else {
                    drop(child.start_kill());
                }
            }
        }
    }
}

async fn answers(address: SocketAddr) -> bool {
    let Ok(http) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build() else {
        return false;
    };
    http.get(format!("http://{address}/healthz")).send().await.is_ok_and(|reply| reply.status().is_success())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn what_an_artifact_is_not_fit_for_is_not_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let (program, artifact) = (dir.path().join("kolm"), format!("sha256:{}", "a".repeat(64)));
        let refuses = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
        let other = format!(r#"{{"listening":"127.0.0.1:9","artifacts":["sha256:{}"]}}"#, "b".repeat(64));
        for (line, want) in [
            (refuses("K0706"), Some(Breach::Golden)),
            (refuses("K0703"), Some(Breach::Artifact)),
            (refuses("K0402"), Some(Breach::Artifact)),
            (refuses("K0006"), None),
            (other, Some(Breach::Artifact)),
            ("panicked".to_owned(), None),
        ] {
            std::fs::write(&program, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let launch = Launch {
                program: program.clone(),
                note: dir.path().join("note.json"),
                route: "support".parse().unwrap(),
                artifact: dir.path().join("x.kolm"),
            };
            let student = Student::new(artifact.parse().unwrap(), "x.kolm".to_owned());
            assert!(start(&student, &launch).await.is_err(), "{line}");
            assert_eq!(student.broken.get().copied(), want, "{line}");
        }
    }
}
