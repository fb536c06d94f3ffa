//! Searches everything the demo wrote for identifiers that it planted.

use std::path::Path;

use aho_corasick::AhoCorasick;
use kolm_core::{Code, Env, Exit};

use crate::report::Failure;

/// How many of the `planted` values stand in any file below `dir`, or in any row of the database, which keeps
/// its text compressed.
pub(crate) fn planted(dir: &Path, planted: &[String], env: &Env) -> Result<u64, Failure> {
    let searcher = AhoCorasick::new(planted)
        .map_err(|error| Failure::new(Code(9), Exit::Failed, error, "plant fewer identifiers"))?;
    let mut seen = vec![false; planted.len()];
    walk(dir, &mut |bytes| mark(&searcher, bytes, &mut seen))?;
    for text in rows(&dir.join("data"), env)? {
        mark(&searcher, text.as_bytes(), &mut seen);
    }
    Ok(seen.iter().filter(|found| **found).count() as u64)
}

fn mark(searcher: &AhoCorasick, bytes: &[u8], seen: &mut [bool]) {
    for found in searcher.find_iter(bytes) {
        seen[found.pattern().as_usize()] = true;
    }
}

fn walk(dir: &Path, each: &mut impl FnMut(&[u8])) -> Result<(), Failure> {
    for entry in std::fs::read_dir(dir).map_err(|error| Failure::io(dir, &error))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, each)?;
        } else {
            each(&std::fs::read(&path).map_err(|error| Failure::io(&path, &error))?);
        }
    }
    Ok(())
}

/// Every text that the capture store holds.
fn rows(data: &Path, env: &Env) -> Result<Vec<String>, Failure> {
    let config = kolm_config::Config::embedded(&crate::env::outside(data))?;
    let (store, handle) = kolm_store::Service::open(&data.join("store"), &config.store, env)?;
    let bodies = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(handle.bodies()));
    store.shutdown();
    Ok(bodies?)
}
