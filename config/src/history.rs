//! Every configuration that came into force, one JSON line each, in `DATA_DIR/config/history.jsonl`.
//!
//! **Invariant:** append-only, readable by its owner alone, on disk before `append` returns; it holds what the file
//! held, and a file that holds a secret is refused before it gets here.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kolm_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Change;

const NAME: &str = "history.jsonl";

/// One configuration that came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up from 1, restarts included.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who brought it: `start`, `file`, `SIGHUP`, `admin:NAME` or `cli:NAME`.
    pub by: String,
    /// SHA-256 of the text.
    pub digest: String,
    /// The file; none: the built-in configuration, or the command line's.
    pub file: Option<String>,
    /// What it differs in from the version before.
    pub changes: Vec<Change>,
    /// Settings that differ from what the process started with and take effect at its next start only.
    #[serde(default)]
    pub needs_restart: Vec<String>,
    /// The text; none: that of the version before.
    pub text: Option<String>,
}

/// The file, open for appending.
#[derive(Debug)]
pub struct History {
    file: File,
    path: PathBuf,
}

impl History {
    /// Opens the history below `dir`, made if it is not there.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let path = dir.join(NAME);
        let mut file = File::options().read(true).append(true).create(true).mode(0o600).open(&path)?;
        // A line that a crash tore is ended, so that the next one begins on its own.
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        File::open(dir)?.sync_all()?;
        Ok(Self { file, path })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one configuration.
    pub fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }

    /// All of them, oldest first. A line that cannot be read (a crash tore it) is left out.
    pub fn read(dir: &Path) -> io::Result<Vec<Entry>> {
        let text = match std::fs::read(dir.join(NAME)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// The text of a version: its own, or that of the last one before it that has one.
    pub fn text(entries: &[Entry], version: u64) -> Option<&str> {
        let at = entries.iter().position(|entry| entry.version == version)?;
        let digest = &entries[at].digest;
        let same = |entry: &&Entry| entry.digest == *digest && entry.text.is_some();
        entries[..=at].iter().rev().find(same)?.text.as_deref()
    }
}
