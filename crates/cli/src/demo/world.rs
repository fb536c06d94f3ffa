//! The processes of the demo: the sample cloud and `kolm up`, each a child that dies with the demo.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kolm_core::{Code, Exit, Status};
use rustix::process::{Pid, Signal, kill_process};

use super::Pair;
use crate::admin::Admin;
use crate::report::Failure;

/// A child process that is killed when it goes out of scope.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The running demo.
pub(crate) struct World {
    /// Where everything is written.
    pub(crate) dir: PathBuf,
    /// The admin interface of `kolm up`.
    pub(crate) admin: Admin,
    cloud: String,
    up: Guard,
    _cloud: Guard,
}

impl World {
    /// Starts the sample cloud with its answers and `kolm up` on `dir`.
    pub(crate) async fn start(
        dir: &Path,
        answers: impl Iterator<Item = &Pair>,
        delay_ms: u64,
        config: impl FnOnce(&str) -> String,
    ) -> Result<Self, Failure> {
        let (cloud_process, cloud) = start_cloud(answers, delay_ms)?;
        let file = dir.join("gateway.toml");
        std::fs::write(&file, config(&cloud)).map_err(|error| Failure::io(&file, &error))?;
        let log = dir.join("kolm-up.log");
        let log = File::create(&log).map_err(|error| Failure::io(&log, &error))?;
        let child = program()?
            .args(["up", "--config"])
            .arg(&file)
            .arg("--data-dir")
            .arg(dir.join("data"))
            .env("KOLM_HOME", dir.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| Failure::io("kolm up".as_ref(), &error))?;
        let mut up = Guard(child);
        let admin = Self::wait_ready(dir, &mut up).await?;
        Ok(Self { dir: dir.to_owned(), admin, cloud, up, _cloud: cloud_process })
    }

    /// The sample cloud's address.
    pub(crate) fn cloud(&self) -> &str {
        &self.cloud
    }

    async fn wait_ready(dir: &Path, up: &mut Guard) -> Result<Admin, Failure> {
        for _ in 0..300 {
            if let Ok(Some(status)) = up.0.try_wait() {
                return Err(Failure::new(
                    Code(9),
                    Exit::Failed,
                    format_args!(
                        "kolm up ended at its start with {status}: {}",
                        tail(&dir.join("kolm-up.log"))
                    ),
                    "read kolm-up.log in the scratch directory (--keep DIR keeps it)",
                ));
            }
            if let Ok(admin) = Admin::find(&dir.join("data"))
                && admin.status().await.is_ok()
            {
                return Ok(admin);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Failure::new(Code(9), Exit::Failed, "kolm up was not ready after 30 seconds", "read kolm-up.log"))
    }

    /// The state of the gateway.
    pub(crate) async fn status(&self) -> Result<Status, Failure> {
        self.admin.status().await
    }

    /// Kills the student process with SIGKILL, as a crash would; false if none is up.
    pub(crate) fn kill_student(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(self.dir.join("data/run/students")) else { return false };
        entries.flatten().any(|entry| {
            let pid = std::fs::read(entry.path())
                .ok()
                .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
                .and_then(|value| Pid::from_raw(value["pid"].as_i64()? as i32));
            pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
        })
    }

    /// Asks `kolm up` to end and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<PathBuf, Failure> {
        if let Some(pid) = Pid::from_raw(self.up.0.id() as i32) {
            kill_process(pid, Signal::TERM).unwrap_or_default();
        }
        for _ in 0..300 {
            if let Ok(Some(_)) = self.up.0.try_wait() {
                return Ok(self.dir.clone());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Failure::new(Code(9), Exit::Failed, "kolm up did not end within 30 seconds", "read kolm-up.log"))
    }
}

/// This very binary, once more.
pub(crate) fn program() -> Result<Command, Failure> {
    let path = std::env::current_exe().map_err(|error| Failure::io("kolm".as_ref(), &error))?;
    Ok(Command::new(path))
}

fn start_cloud<'a>(
    answers: impl Iterator<Item = &'a Pair>,
    delay_ms: u64,
) -> Result<(Guard, String), Failure> {
    let failed = |error: std::io::Error| Failure::io("sample cloud".as_ref(), &error);
    let child = program()?
        .args(["sample-cloud", "--first-token-ms", &delay_ms.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(failed)?;
    let mut guard = Guard(child);
    if let Some(stdin) = guard.0.stdin.take() {
        let mut stdin = std::io::BufWriter::new(stdin);
        for pair in answers {
            serde_json::to_writer(&mut stdin, pair).map_err(|error| failed(error.into()))?;
            stdin.write_all(b"\n").map_err(failed)?;
        }
        stdin.flush().map_err(failed)?;
    }
    let mut line = String::new();
    if let Some(stdout) = guard.0.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
    }
    let said: serde_json::Value = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
    let address = said["listening"].as_str().unwrap_or_default().to_owned();
    Ok((guard, address))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gateway_that_ends_at_its_start_shows_its_log() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("kolm-up.log"), "error[K0801]: the reason\n").unwrap();
        let mut ended = Guard(Command::new("false").spawn().unwrap());
        let failure = World::wait_ready(dir.path(), &mut ended).await.err().unwrap();
        let text = format!("{failure:?}");
        assert!(text.contains("K0009") && text.contains("the reason"), "{text}");
    }
}
