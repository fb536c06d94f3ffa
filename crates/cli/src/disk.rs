//! A search of everything that kolm has written: the files as they are, and the rows of the database, which keeps its
//! text compressed.
//!
//! **Invariant:** what is searched for is counted, never printed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use kolm_core::{Code, Env, Exit};
use kolm_policies::anonymize;
use serde::Serialize;

use crate::report::Failure;

/// What a search came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    /// Files read.
    pub(crate) files: u64,
    /// Rows read.
    pub(crate) rows: u64,
    /// Of the values given, how many stand somewhere.
    pub(crate) values: u64,
    /// Where they stand: paths below the directory, `(database)` for rows; with the number of different values.
    pub(crate) places: BTreeMap<String, u64>,
    /// Identifiers that no surrogate would be, by type, in the rows and in the spool.
    pub(crate) residue: BTreeMap<String, u64>,
}

impl Found {
    /// Whether anything was found.
    pub(crate) fn any(&self) -> bool {
        self.values > 0 || !self.residue.is_empty()
    }
}

/// Values that are looked for.
struct Search {
    values: AhoCorasick,
    seen: Vec<bool>,
    found: Found,
}

/// Searches every file below `dir`, and every row of the store in `data`.
pub(crate) async fn search(dir: &Path, data: &Path, values: &[String], env: &Env) -> Result<Found, Failure> {
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(values);
    let automaton =
        automaton.map_err(|error| Failure::new(Code(9), Exit::Failed, error, "search for fewer values"))?;
    let mut search = Search { values: automaton, seen: vec![false; values.len()], found: Found::default() };
    let spool = data.join("store").join("spool");
    for path in files(dir)? {
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        let read = search.file(&path, &name, path.starts_with(&spool));
        read.map_err(|error| Failure::io(&path, &error))?;
    }
    let mut search = rows(data, search, env).await?;
    search.found.values = search.seen.iter().filter(|seen| **seen).count() as u64;
    Ok(search.found)
}

impl Search {
    /// A file, however long it is; one of the spool also by its look.
    fn file(&mut self, path: &Path, name: &str, spool: bool) -> std::io::Result<()> {
        let mut here = vec![false; self.seen.len()];
        for hit in self.values.stream_find_iter(File::open(path)?) {
            here[hit?.pattern().as_usize()] = true;
        }
        self.found.files += 1;
        self.note(name, &here);
        if spool {
            self.look(&String::from_utf8_lossy(&std::fs::read(path)?));
        }
        Ok(())
    }

    fn row(&mut self, text: &str) {
        let mut here = vec![false; self.seen.len()];
        for hit in self.values.find_iter(text) {
            here[hit.pattern().as_usize()] = true;
        }
        self.found.rows += 1;
        self.note("(database)", &here);
        self.look(text);
    }

    fn look(&mut self, text: &str) {
        for (ty, n) in anonymize::residue(text) {
            *self.found.residue.entry(ty.to_owned()).or_default() += n;
        }
    }

    fn note(&mut self, place: &str, here: &[bool]) {
        let different = here.iter().filter(|seen| **seen).count() as u64;
        if different > 0 {
            *self.found.places.entry(place.to_owned()).or_default() += different;
        }
        for (seen, here) in self.seen.iter_mut().zip(here) {
            *seen |= here;
        }
    }
}

/// All files below a directory, in order.
fn files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut out = Vec::new();
    let entries = std::fs::read_dir(dir).map_err(|error| Failure::io(dir, &error))?;
    for entry in entries.flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
            out.extend(files(&path)?);
        } else if kind.is_ok_and(|kind| kind.is_file()) {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

/// Every row of the capture store, if there is one.
async fn rows(data: &Path, search: Search, env: &Env) -> Result<Search, Failure> {
    if !data.join("store").join("captures.duckdb").is_file() {
        return Ok(search);
    }
    let (store, handle) = crate::offline::store(env, data)?;
    let search = Arc::new(Mutex::new(search));
    let on_rows = Arc::clone(&search);
    let each = move |text: &str| on_rows.lock().unwrap_or_else(PoisonError::into_inner).row(text);
    let read = handle.each_text(each).await;
    store.shutdown();
    read?;
    let search = Arc::into_inner(search).map(Mutex::into_inner);
    search
        .map(|search| search.unwrap_or_else(PoisonError::into_inner))
        .ok_or_else(|| Failure::new(Code(9), Exit::Failed, "the store still reads", "try again"))
}
