//! The vault: sealed records in files apart from the database, by namespace and day, one JSON line each.
//!
//! **Invariant:** a pair's records are on the disk before the pair is in the spool, are taken back when the spool
//! refuses it, and leave before its bodies do. Nothing here can open them.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kolm_core::{Namespace, RequestId, Timestamp, civil_of, days_of};
use kolm_policies::anonymize::vault::Sealed;
use rustix::fs::{FlockOperation, flock};

use crate::pair::{Pair, Record};
use crate::service::Handle;
use crate::{Error, apart};

/// Below the folder of a store.
const FOLDER: &str = "vault";
const DAY_MS: i64 = 86_400_000;

/// The vault of one store.
#[derive(Clone)]
pub(crate) struct Vault {
    dir: PathBuf,
}

impl Handle {
    /// Takes a pair and the records of its way back, which lie in the vault of the namespace whose policy asked for
    /// them. Blocks for an fsync.
    pub fn append_with(&self, pair: Pair, namespace: &Namespace, way_back: &[Sealed]) -> Result<(), Error> {
        if way_back.is_empty() {
            return self.append(pair);
        }
        let (id, door) = (pair.id, self.of(&pair.namespace));
        let then = || door.spool(Record::pair(pair));
        self.of(namespace).vault.append(namespace, id, way_back, then)
    }

    /// Takes out of this store's vault what began before `before`.
    pub(crate) async fn forget(&self, namespace: &Namespace, before: Timestamp) -> Result<(), Error> {
        let (vault, namespace) = (self.vault.clone(), namespace.clone());
        let forgotten = tokio::task::spawn_blocking(move || vault.forget_before(&namespace, before));
        forgotten.await.map_err(|_| Error::Unavailable { why: "clearing the vault panicked".to_owned() })?
    }
}

impl Vault {
    /// The vault of the store in `dir`; nothing is made until there is something to keep.
    pub(crate) fn of(dir: &Path) -> Self {
        Self { dir: dir.join(FOLDER) }
    }

    /// Writes the records of a capture, then does `then`; if that fails they are taken back.
    fn append(
        &self,
        namespace: &Namespace,
        id: RequestId,
        records: &[Sealed],
        then: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let folder = self.dir.join(namespace.as_str());
        let write = Error::vault("write to", &folder);
        let opened = self.made(&folder).and_then(|()| {
            let held = hold(&folder)?;
            let path = folder.join(name(day(id)));
            let new = !path.exists();
            let file = File::options().read(true).append(true).create(true).mode(0o600).open(&path)?;
            let end = whole(&file)?;
            if new {
                held.sync_all()?;
            }
            Ok((held, file, end))
        });
        let (_held, file, end) = opened.map_err(write)?;
        // One fsync each, not one for many as in the spool: else a loss of power could leave a pair whose way back is
        // not there. It is off the path of requests, and only exchanges with something to keep pay for it.
        let written =
            lines(records).and_then(|lines| (&file).write_all(&lines)).and_then(|()| file.sync_data());
        let done = written.map_err(Error::vault("write to", &folder)).and_then(|()| then());
        if done.is_err()
            && let Err(error) = file.set_len(end)
        {
            tracing::error!(%error, "records of a pair that is not stored stay in the vault");
        }
        done
    }

    /// Makes the folder of a namespace, so that a loss of power does not unmake it.
    fn made(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        File::open(&self.dir)?.sync_all()?;
        self.dir.parent().map_or(Ok(()), |store| File::open(store)?.sync_all())
    }

    /// Takes out the records of captures that began before `before`.
    fn forget_before(&self, namespace: &Namespace, before: Timestamp) -> Result<(), Error> {
        let young = |id: &str| id.parse::<RequestId>().is_ok_and(|id| id.timestamp() >= before);
        self.forget(namespace, |day| day.saturating_mul(DAY_MS) < before.0, |id| !young(id)).map(drop)
    }

    /// Takes out of the days that `reaches` names the records of the captures that `goes` names; says how many.
    fn forget(
        &self,
        namespace: &Namespace,
        reaches: impl Fn(i64) -> bool,
        goes: impl Fn(&str) -> bool,
    ) -> Result<u64, Error> {
        let folder = self.dir.join(namespace.as_str());
        let forget = || {
            if !folder.exists() {
                return Ok(0);
            }
            let held = hold(&folder)?;
            sweep(&folder)?;
            let mut gone = 0;
            for (_, path) in days(&folder)?.into_iter().filter(|(day, _)| reaches(*day)) {
                gone += rewrite(&path, &goes)?;
            }
            held.sync_all()?;
            Ok(gone)
        };
        forget().map_err(Error::vault("clear", &folder))
    }
}

/// The vaults of a data directory, for commands; a gateway may run meanwhile.
pub struct Vaults {
    all: Vec<Vault>,
}

impl Vaults {
    /// Those of the common store in `dir` and of the stores apart.
    pub fn of(dir: &Path) -> Result<Self, Error> {
        Ok(Self { all: apart::folders(dir)?.iter().map(|dir| Vault::of(dir)).collect() })
    }

    /// The namespaces that have records, or had some.
    pub fn namespaces(&self) -> Result<BTreeSet<Namespace>, Error> {
        let mut out = BTreeSet::new();
        for vault in self.all.iter().filter(|vault| vault.dir.exists()) {
            let entries = fs::read_dir(&vault.dir).map_err(Error::vault("read", &vault.dir))?;
            let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
            out.extend(names.filter_map(|name| name.parse::<Namespace>().ok()));
        }
        Ok(out)
    }

    /// Shows the records of a namespace, oldest day first: of the captures named, or, where none is, of all. A line
    /// that is no record is `None`.
    pub fn each(
        &self,
        namespace: &Namespace,
        ids: &BTreeSet<RequestId>,
        mut visit: impl FnMut(Option<Sealed>),
    ) -> Result<(), Error> {
        let (wanted, texts) = (days_with(ids), texts(ids));
        for vault in &self.all {
            let folder = vault.dir.join(namespace.as_str());
            let read = Error::vault("read", &folder);
            let mut show = || {
                if !folder.exists() {
                    return Ok(());
                }
                for (_, path) in days(&folder)?.into_iter().filter(|(day, _)| wanted(*day)) {
                    each_line(&path, |line| {
                        let record = serde_json::from_slice::<Sealed>(line).ok();
                        let wanted = |one: &Sealed| ids.is_empty() || texts.contains(one.id());
                        // What stands behind the last line end is being written, or was torn by a crash.
                        if line.ends_with(b"\n") && record.as_ref().is_none_or(wanted) {
                            visit(record);
                        }
                        Ok(())
                    })?;
                }
                Ok(())
            };
            show().map_err(read)?;
        }
        Ok(())
    }

    /// Takes out all records of these captures; says how many there were.
    pub fn forget(&self, namespace: &Namespace, ids: &BTreeSet<RequestId>) -> Result<u64, Error> {
        let (reaches, texts) = (days_with(ids), texts(ids));
        let of = |vault: &Vault| vault.forget(namespace, &reaches, |id| texts.contains(id));
        self.all.iter().map(of).sum()
    }
}

/// The days on which these captures began; where none is named, every day.
fn days_with(ids: &BTreeSet<RequestId>) -> impl Fn(i64) -> bool {
    let days: BTreeSet<i64> = ids.iter().map(|id| day(*id)).collect();
    move |day| days.is_empty() || days.contains(&day)
}

fn texts(ids: &BTreeSet<RequestId>) -> BTreeSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Excludes all other writers, of this process and of others: a new gateway clears what the old one still writes to.
fn hold(folder: &Path) -> io::Result<File> {
    let held = File::open(folder)?;
    flock(&held, FlockOperation::LockExclusive)?;
    Ok(held)
}

fn lines(records: &[Sealed]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for record in records {
        serde_json::to_writer(&mut out, record)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// The end of the last whole line; what a crash tore behind it is cut off.
fn whole(file: &File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut last = *b"\n";
    if len > 0 {
        file.read_exact_at(&mut last, len - 1)?;
    }
    if last == *b"\n" {
        return Ok(len);
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
    file.set_len(end)?;
    Ok(end)
}

/// Shows a file line by line, each with its end; nothing where it was cleared away meanwhile.
fn each_line(path: &Path, mut visit: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => BufReader::new(opened?),
    };
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        visit(&line)?;
        line.clear();
    }
    Ok(())
}

/// Writes the file anew without the records that go, whole or not at all; says how many went. What is no record says
/// of no capture that it is its: it goes with the last record of its day.
fn rewrite(path: &Path, goes: &impl Fn(&str) -> bool) -> io::Result<u64> {
    let fate = |line: &[u8]| serde_json::from_slice::<Sealed>(line).ok().map(|record| goes(record.id()));
    let (mut left, mut gone) = (0, 0);
    each_line(path, |line| {
        match fate(line) {
            Some(true) => gone += 1,
            Some(false) => left += 1,
            None => {}
        }
        Ok(())
    })?;
    if left == 0 {
        fs::remove_file(path)?;
    } else if gone > 0 {
        let new = path.with_extension("new");
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut out = BufWriter::new(file);
        each_line(path, |line| if fate(line) == Some(true) { Ok(()) } else { out.write_all(line) })?;
        out.into_inner()?.sync_all()?;
        fs::rename(&new, path)?;
    }
    Ok(gone)
}

/// The day on which a capture began, counted from 1970.
fn day(id: RequestId) -> i64 {
    id.timestamp().0.div_euclid(DAY_MS)
}

fn name(day: i64) -> String {
    let (year, month, day) = civil_of(day);
    format!("{year:04}-{month:02}-{day:02}.jsonl")
}

/// Removes what a crash has left of a rewriting.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "new") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The files of a namespace by their days, in order.
fn days(folder: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.extension().filter(|kind| *kind == "jsonl").and(path.file_stem());
        let date = stem.and_then(|stem| stem.to_str()).map(|stem| stem.splitn(3, '-').collect::<Vec<_>>());
        let Some([year, month, of_month]) = date.as_deref() else { continue };
        if let (Ok(year), Ok(month), Ok(of_month)) = (year.parse(), month.parse(), of_month.parse()) {
            out.push((days_of(year, month, of_month), path.clone()));
        }
    }
    out.sort();
    Ok(out)
}

#[cfg(test)]
mod tests;
