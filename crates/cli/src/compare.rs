//! `kolm config diff`: what two configurations differ in, by TOML path, defaults filled in.
//!
//! **Invariant:** no secret is shown: of a secret there is only the place it comes from.

use std::path::Path;

use kolm_config::{Outside, Problems, RawConfig, Settings};
use kolm_core::Exit;

use crate::admin::Admin;
use crate::report::{Done, Failure, print_json, say};

/// Compares `old` with `new`, or with what runs, or with the built-in configuration. Exit 0: equal, 1: different.
pub(crate) fn run(old: &Path, new: Option<&Path>, data_dir: &Path, json: bool) -> Done {
    let outside = crate::env::outside(data_dir);
    let (old_name, old) = (old.display().to_string(), of_file(old, &outside)?);
    let (new_name, new) = match new {
        Some(path) => (path.display().to_string(), of_file(path, &outside)?),
        None => other(data_dir, &outside)?,
    };
    let changes = old.diff(&new);
    if json {
        print_json(&serde_json::json!({ "old": old_name, "new": new_name, "changes": changes }));
    } else {
        for change in &changes {
            say(change);
        }
        if changes.is_empty() {
            crate::report::note(&format!("{old_name} and {new_name} say the same"));
        }
    }
    Ok(if changes.is_empty() { Exit::Ok } else { Exit::Failed })
}

fn of_file(path: &Path, outside: &Outside) -> Result<Settings, Problems> {
    RawConfig::read(path)?.settings(outside)
}

/// What the running gateway has in force; without one, the built-in configuration.
fn other(data_dir: &Path, outside: &Outside) -> Result<(String, Settings), Failure> {
    let Ok(admin) = Admin::find(data_dir) else {
        return Ok(("(built-in)".to_owned(), RawConfig::embedded().settings(outside)?));
    };
    let running = crate::runtime()?.block_on(admin.config())?;
    Ok((running.name(), running.raw().settings(outside)?))
}
