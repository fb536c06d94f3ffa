//! `kolm config history` and `kolm config show`: every configuration that came into force.

use std::path::Path;

use kolm_config::{Entry, History, RawConfig};
use kolm_core::{Code, Exit};

use crate::admin::Admin;
use crate::report::{Done, Failure, print_json, say};

/// Digits of a digest that people are shown.
const DIGEST: usize = 12;

/// Where the history lies.
pub(crate) fn dir(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("config")
}

/// All versions, oldest first.
pub(crate) fn read(data_dir: &Path) -> Result<Vec<Entry>, Failure> {
    let dir = dir(data_dir);
    History::read(&dir).map_err(|error| Failure::io(&dir, &error))
}

/// The text of the configuration that came into force last, if there ever was one.
pub(crate) fn newest(data_dir: &Path) -> Result<Option<String>, Failure> {
    let entries = read(data_dir)?;
    let text = entries.last().and_then(|entry| History::text(&entries, entry.version));
    Ok(text.map(str::to_owned))
}

/// Prints the history, oldest first, each version with what it changed.
pub(crate) fn history(data_dir: &Path, json: bool) -> Done {
    for entry in read(data_dir)? {
        if json {
            print_json(&entry);
            continue;
        }
        let digest = &entry.digest[..DIGEST.min(entry.digest.len())];
        say(format_args!("{} {} {} {digest}", entry.version, kolm_artifact::rfc3339(entry.at), entry.by));
        for change in &entry.changes {
            say(format_args!("  {change}"));
        }
        if !entry.needs_restart.is_empty() {
            say(format_args!("  needs restart: {}", entry.needs_restart.join(", ")));
        }
    }
    Ok(Exit::Ok)
}

/// Prints the text of a version; without one, of what runs, else the built-in one.
pub(crate) fn show(version: Option<u64>, data_dir: &Path, json: bool) -> Done {
    let (version, text) = match version {
        Some(version) => {
            let entries = read(data_dir)?;
            let text = History::text(&entries, version).ok_or_else(|| no_version(version, &entries))?;
            (version, text.to_owned())
        }
        None => match Admin::find(data_dir) {
            Ok(admin) => {
                let running = crate::runtime()?.block_on(admin.config())?;
                (running.version, running.text)
            }
            Err(_) => (0, RawConfig::embedded().text().to_owned()),
        },
    };
    if json {
        print_json(&serde_json::json!({ "version": version, "text": text }));
    } else {
        say(text.trim_end());
    }
    Ok(Exit::Ok)
}

fn no_version(version: u64, entries: &[Entry]) -> Failure {
    let known = match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => format!("the history has {} to {}", first.version, last.version),
        _ => "the history is empty: is this the data directory of the gateway?".to_owned(),
    };
    Failure::new(Code(15), Exit::Usage, format_args!("there is no version {version}"), known)
}
