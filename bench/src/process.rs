//! The processes of a measurement: started, looked at through `/proc`, and ended.
//!
//! **Invariant:** a process that was started here is ended here, its children with it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::fault::Result;

/// Processor time in `/proc` is told in hundredths of a second, whatever the kernel counts in.
const TICKS: f64 = 100.0;
/// A process is quiet when it takes less than this share of a core.
const QUIET: f64 = 0.05;
/// Between two looks at it, and most looks.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 150;
/// From SIGTERM to SIGKILL, in steps of `STEP`.
const PATIENCE: u32 = 250;
const STEP: Duration = Duration::from_millis(20);

/// A running process.
pub(crate) struct Process {
    child: Child,
}

/// What a process and its children use.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Seconds of processor time since the start.
    pub(crate) cpu_s: f64,
    /// Resident memory, pages of files included.
    pub(crate) rss_kb: u64,
    /// Resident memory that no file backs.
    pub(crate) anon_kb: u64,
}

impl Process {
    /// Starts a command; what it prints goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log)?;
        let child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
        let child = child.map_err(|cause| format!("{}: {cause}", command.get_program().display()))?;
        Ok(Self { child })
    }

    /// Starts a command that tells something on its first line, and hears it.
    pub(crate) fn start_and_hear(command: &mut Command) -> Result<(Self, String)> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let process = Self { child };
        Ok((process, hear(stdout)?))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// What the process and its children use now.
    pub(crate) fn usage(&self) -> Usage {
        let mut used = Usage::default();
        for pid in tree(self.child.id()) {
            let at = PathBuf::from(format!("/proc/{pid}"));
            if let Some(stat) = Stat::read(&at) {
                used.cpu_s += stat.ticks as f64 / TICKS;
            }
            let status = std::fs::read_to_string(at.join("status")).unwrap_or_default();
            used.rss_kb += kilobytes(&status, "VmRSS:");
            used.anon_kb += kilobytes(&status, "RssAnon:");
        }
        used
    }

    /// What it uses once it has nothing more to do, or when that takes too long.
    pub(crate) fn settled(&self) -> Usage {
        let mut last = self.usage();
        for _ in 0..LOOKS {
            std::thread::sleep(LOOK);
            let now = self.usage();
            if now.cpu_s - last.cpu_s < QUIET * LOOK.as_secs_f64() {
                return now;
            }
            last = now;
        }
        last
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let all = tree(self.child.id());
        signal(self.child.id(), Signal::TERM);
        for _ in 0..PATIENCE {
            if self.has_ended() {
                break;
            }
            std::thread::sleep(STEP);
        }
        for pid in all.into_iter().skip(1) {
            signal(pid, Signal::KILL);
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn hear(stdout: ChildStdout) -> Result<String> {
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line.is_empty() {
        Err("a process ended before it said anything".into())
    } else {
        Ok(line.trim().to_owned())
    }
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        // One that has ended already is no failure.
        kill_process(pid, signal).unwrap_or_default();
    }
}

struct Stat {
    parent: u32,
    ticks: u64,
}

impl Stat {
    fn read(at: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(at.join("stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self { parent: u32::try_from(number(1)?).ok()?, ticks: number(11)? + number(12)? })
    }
}

/// A process and all below it, itself first.
fn tree(root: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids
        .filter_map(|pid| Some((pid, Stat::read(&PathBuf::from(format!("/proc/{pid}")))?.parent)))
        .collect();
    let mut found = vec![root];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
