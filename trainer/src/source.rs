//! Where rows come from: a frozen snapshot, or a file of rows or pairs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kolm_core::{Timestamp, hex};
use kolm_policies::dataset::{Prompt, Row, SnapshotMeta, parse_pairs, parse_rows, rows_of_pairs};
use sha2::{Digest, Sha256};

use crate::Error;

/// Rows and what is known about them.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) rows: Vec<Row>,
    /// What its templates stand for.
    pub(crate) prompts: BTreeMap<String, Prompt>,
    /// Snapshot id, or `file-` and the start of the digest.
    pub(crate) id: String,
    pub(crate) sha256: String,
    pub(crate) policy: String,
    pub(crate) frozen_at: Option<Timestamp>,
}

impl Source {
    /// Reads a snapshot folder or a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let folder = path.is_dir();
        let rows_path = if folder { path.join("rows.jsonl") } else { path.to_owned() };
        let bytes = fs::read(&rows_path).map_err(Error::io("read", &rows_path))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let mut rows = rows(&bytes)?;
        let prompts =
            rows.iter_mut().filter_map(|row| Some((row.template.clone(), row.prompt.take()?))).collect();
        let mut out = Self {
            rows,
            prompts,
            id: format!("file-{}", &sha256[..16]),
            sha256,
            policy: "none".to_owned(),
            frozen_at: None,
        };
        if folder {
            out.check(path)?;
        }
        Ok(out)
    }

    /// Holds the rows against `snapshot.json`.
    fn check(&mut self, folder: &Path) -> Result<(), Error> {
        let broken = |why: String| Error::Snapshot { path: folder.to_owned(), why };
        let bytes =
            fs::read(folder.join("snapshot.json")).map_err(|e| broken(format!("no snapshot.json ({e})")))?;
        let meta: SnapshotMeta = serde_json::from_slice(&bytes)
            .map_err(|e| broken(format!("snapshot.json is not readable ({e})")))?;
        if meta.sha256 != self.sha256 {
            return Err(broken("rows.jsonl is not the file that snapshot.json names".to_owned()));
        }
        if meta.rows != self.rows.len() as u64 {
            return Err(broken(format!("{} rows where snapshot.json says {}", self.rows.len(), meta.rows)));
        }
        (self.id, self.policy, self.frozen_at) = (meta.id, meta.policy, Some(meta.frozen_at));
        Ok(())
    }
}

/// Rows of a snapshot have ids and answers; anything else is read as pairs.
fn rows(bytes: &[u8]) -> Result<Vec<Row>, Error> {
    let first = bytes.split(|b| *b == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let is_row = serde_json::from_slice::<serde_json::Value>(first)
        .is_ok_and(|v| v.get("id").is_some() && v.get("answer").is_some());
    if is_row {
        return Ok(parse_rows(bytes)?);
    }
    Ok(rows_of_pairs(&parse_pairs(&String::from_utf8_lossy(bytes))?))
}
