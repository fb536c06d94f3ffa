//! Frozen snapshots: the bytes and the id of a set of rows.
//!
//! **Invariant:** the bytes depend on the set of rows alone, not on their order.

use kolm_core::{Timestamp, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Row;

/// What a snapshot says about itself: `snapshot.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotMeta {
    /// The namespace it was taken from.
    pub namespace: String,
    /// When it was frozen.
    pub frozen_at: Timestamp,
    /// The anonymizer policy of its rows.
    pub policy: String,
    /// Number of rows.
    pub rows: u64,
    /// SHA-256 of `rows.jsonl`.
    pub sha256: String,
    /// `snap-` and the first 16 digits of `sha256`.
    pub id: String,
}

/// The files of a snapshot.
#[derive(Debug, Clone)]
pub struct SnapshotFiles {
    /// What it says about itself.
    pub meta: SnapshotMeta,
    /// `rows.jsonl`: one row a line, sorted by id.
    pub rows_jsonl: Vec<u8>,
    /// `snapshot.json`.
    pub manifest_json: Vec<u8>,
}

/// Freezes rows.
pub fn snapshot(rows: Vec<Row>, namespace: &str, frozen_at: Timestamp, policy: &str) -> SnapshotFiles {
    let count = rows.len() as u64;
    let mut lines: Vec<(String, String)> = rows
        .into_iter()
        .map(|row| {
            let line = line(&row);
            (row.id, line)
        })
        .collect();
    // The line breaks ties, so that two rows of one id have an order as well.
    lines.sort_unstable();
    let mut rows_jsonl = Vec::with_capacity(lines.iter().map(|(_, line)| line.len() + 1).sum());
    for (_, line) in lines {
        rows_jsonl.extend_from_slice(line.as_bytes());
        rows_jsonl.push(b'\n');
    }
    let sha256 = hex(&Sha256::digest(&rows_jsonl));
    let meta = SnapshotMeta {
        namespace: namespace.to_owned(),
        frozen_at,
        policy: policy.to_owned(),
        rows: count,
        id: format!("snap-{}", &sha256[..16]),
        sha256,
    };
    let mut manifest_json = serde_json::json!(&meta).to_string().into_bytes();
    manifest_json.push(b'\n');
    SnapshotFiles { meta, rows_jsonl, manifest_json }
}

/// The canonical line of a row; a weight that is no number (which JSON cannot say) reads as `null`.
fn line(row: &Row) -> String {
    serde_json::json!(row).to_string()
}
