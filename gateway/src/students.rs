//! Keeps one `kolm serve` child per artifact alive. A student never shares an address space with the proxy.
//!
//! **Invariant:** a child that dies or stops answering is taken out of the table's reach before it is replaced.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kolm_core::RouteName;
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
struct Announcement {
    listening: SocketAddr,
    artifacts: Vec<String>,
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
            student.crash_loop.store(true, Ordering::Release);
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
    let said: Announcement =
        serde_json::from_str(&line).map_err(|_| "the student ended at its start".to_owned())?;
    if said.artifacts != [student.artifact.as_str()] {
        student.crash_loop.store(true, Ordering::Release);
        return Err(format!("the student serves {:?}, not {}", said.artifacts, student.artifact));
    }
    let text = serde_json::json!({ "pid": child.id(), "address": said.listening }).to_string();
    let folder = launch.note.parent().unwrap_or(&launch.note);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&launch.note, text))
        .map_err(|error| error.to_string())?;
    student.address.store(Some(Arc::new(said.listening)));
    Ok((child, said.listening))
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
