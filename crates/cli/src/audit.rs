//! `kolm audit disk`: whether what is on the disk still tells whom it came from.

use std::io::Read as _;
use std::path::Path;

use kolm_core::{Env, Exit};

use crate::args::{AuditCommand, AuditDisk};
use crate::disk::{self, Found};
use crate::report::{Done, Failure, print_json, say};

/// Shorter values stand everywhere by chance.
const SHORTEST: usize = 4;

/// Runs an audit.
pub(crate) fn run(command: &AuditCommand, env: &Env, data_dir: &Path, json: bool) -> Done {
    let AuditCommand::Disk(args) = command;
    let values = values(args)?;
    let found = crate::runtime()?.block_on(disk::search(data_dir, data_dir, &values, env))?;
    if json {
        print_json(&found);
    } else {
        print(&found, values.len());
    }
    Ok(if found.any() { Exit::Failed } else { Exit::Ok })
}

/// The values of the file, one a line.
fn values(args: &AuditDisk) -> Result<Vec<String>, Failure> {
    let Some(path) = &args.values else { return Ok(Vec::new()) };
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|error| Failure::io(path, &error))?;
    let long = text.lines().map(str::trim).filter(|value| value.len() >= SHORTEST);
    Ok(long.map(str::to_owned).collect())
}

fn print(found: &Found, values: usize) {
    say(format_args!("{} files and {} rows read", found.files, found.rows));
    if values > 0 {
        say(format_args!("{values} values searched for, {} found", found.values));
    }
    for (place, n) in &found.places {
        say(format_args!("  {place}: {n}"));
    }
    if found.residue.is_empty() {
        say("no identifier that a surrogate would not be");
    }
    for (ty, n) in &found.residue {
        say(format_args!("{ty}: {n} that no surrogate would be"));
    }
}
