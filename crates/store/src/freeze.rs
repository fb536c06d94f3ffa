//! Frozen snapshots: what the trainer reads, and nothing else does.
//!
//! **Invariant:** the rows depend on the stored pairs alone; a snapshot is whole when its manifest is there.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use kolm_core::{Namespace, Timestamp};
use kolm_policies::dataset::{self, Prompt, Row, SnapshotMeta};
use kolm_wire::{chat, surface};

use crate::Error;
use crate::db::{Db, Exchange};

/// Pairs read from the database at a time.
const PAGE: u32 = 1_000;

/// Freezes the eligible pairs of a namespace into `dir`: `rows.jsonl`, `pairs.parquet`, `snapshot.json`.
pub(crate) fn freeze(
    db: &Db,
    namespace: &Namespace,
    dir: &Path,
    policy: &str,
    now: Timestamp,
) -> Result<SnapshotMeta, Error> {
    let files = dataset::snapshot(rows(db, namespace)?, namespace.as_str(), now, policy);
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Error::io("create", dir))?;
    let manifest = dir.join("snapshot.json");
    if manifest.exists() {
        fs::remove_file(&manifest).map_err(Error::io("remove", &manifest))?;
    }
    place(&dir.join("rows.jsonl"), &files.rows_jsonl)?;
    let parquet = dir.join("pairs.parquet");
    let path = parquet.to_str().ok_or_else(|| {
        let cause = std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path is not UTF-8");
        Error::io("write", &parquet)(cause)
    })?;
    db.copy_parquet(namespace, path)?;
    place(&manifest, &files.manifest_json)?;
    Ok(files.meta)
}

fn rows(db: &Db, namespace: &Namespace) -> Result<Vec<Row>, Error> {
    let (mut rows, mut after, mut prompts) = (Vec::new(), String::new(), BTreeSet::new());
    loop {
        let page = db.eligible(namespace, &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = last.id.clone();
        let mut page: Vec<Row> = page.into_iter().filter_map(row).collect();
        dataset::one_each(&mut page, &mut prompts);
        rows.append(&mut page);
    }
}

/// The row of a pair; `None` for what has no text a student could read or write.
fn row(exchange: Exchange) -> Option<Row> {
    let question = surface::question(exchange.surface, exchange.request.as_bytes()).ok()?;
    let (answer, took) = match exchange.corrected {
        Some(corrected) => (corrected, None),
        None => (chat::facts(exchange.reply.as_bytes()).text?, exchange.took),
    };
    Some(Row {
        id: exchange.id,
        conversation: exchange.conversation,
        ts: exchange.ts_ms,
        template: chat::template_key(&question.system, &question.tools),
        prompt: Prompt::of(&question),
        text: question.text,
        answer,
        teacher: exchange.teacher,
        weight: 1.0,
        took,
    })
}

/// Writes a file so that it is there whole or not at all.
fn place(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let made = path.with_extension("new");
    let mut file = File::create(&made).map_err(Error::io("create", &made))?;
    file.write_all(bytes).map_err(Error::io("write", &made))?;
    file.sync_all().map_err(Error::io("write", &made))?;
    fs::rename(&made, path).map_err(Error::io("write", path))
}
