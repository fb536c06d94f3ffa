//! The programs a run uses: its own load generator as a process of its own, the gateway, what the system has.
//!
//! **Invariant:** no measurement is taken inside the process that keeps the order of the rounds.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::de::DeserializeOwned;

use crate::contest::Contestant;
use crate::fault::Result;
use crate::load::Once;
use crate::process::Process;

const PLACES: [&str; 4] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];

/// Where things are.
pub(crate) struct Tools {
    /// This program.
    pub(crate) bench: PathBuf,
    /// The gateway.
    pub(crate) kolm: Option<PathBuf>,
    /// What `scripts/setup peers` made.
    pub(crate) peers: PathBuf,
}

impl Tools {
    /// This program with the gateway at `kolm`, or with the one that lies beside it.
    pub(crate) fn new(kolm: Option<&Path>, peers: PathBuf) -> io::Result<Self> {
        let bench = std::env::current_exe()?;
        let kolm = kolm.map_or_else(|| bench.with_file_name("kolm"), Path::to_path_buf);
        Ok(Self { bench, kolm: kolm.canonicalize().ok(), peers })
    }

    /// The folder of a peer, if it is installed.
    pub(crate) fn peer(&self, name: &str) -> Option<PathBuf> {
        self.peers.join(format!("{name}.installed")).exists().then(|| self.peers.join(name))
    }

    /// Runs a load to its end.
    pub(crate) fn load<T: DeserializeOwned>(
        &self,
        kind: &str,
        to: &Contestant,
        flags: &[String],
    ) -> Result<T> {
        let output = self.command(kind, to, flags).output()?;
        if !output.status.success() {
            return Err(format!("load {kind}: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Starts a load that holds streams open until it is dropped, and hears how many it has.
    pub(crate) fn hold<T: DeserializeOwned>(
        &self,
        to: &Contestant,
        flags: &[String],
    ) -> Result<(Process, T)> {
        let (process, told) = Process::start_and_hear(&mut self.command("hold", to, flags))?;
        Ok((process, serde_json::from_str(&told)?))
    }

    /// One exchange.
    pub(crate) fn once(&self, to: &Contestant, model: &str) -> Result<Once> {
        self.load("once", to, &["--model".to_owned(), format!("{}{model}", to.prefix)])
    }

    fn command(&self, kind: &str, to: &Contestant, flags: &[String]) -> Command {
        let address = if kind == "streams" || kind == "hold" { to.streams } else { to.address };
        let mut command = Command::new(&self.bench);
        command.args(["load", kind, "--to", &address.to_string(), "--path", &to.path]);
        for header in &to.headers {
            command.args(["--header", header]);
        }
        command.args(flags);
        command
    }
}

/// A program of the system.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    PLACES.iter().map(|place| Path::new(place).join(name)).find(|path| path.exists())
}

/// The first line that a program prints.
pub(crate) fn says(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(args).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}
