//! `kolm config`: the whole file checked, every problem at once; its schema; and the other subcommands' door.

use std::path::Path;

use kolm_config::{Problems, RawConfig};
use kolm_core::Exit;

use crate::args::ConfigCommand;
use crate::report::{Done, Failure, note, print_json, say};
use crate::{compare, edits, versions};

/// Runs a subcommand.
pub(crate) fn run(command: &ConfigCommand, data_dir: &Path, json: bool) -> Done {
    match command {
        ConfigCommand::Check { file } => check(file.as_deref(), data_dir, json),
        ConfigCommand::Schema => schema(),
        ConfigCommand::Diff { old, new } => compare::run(old, new.as_deref(), data_dir, json),
        ConfigCommand::History => versions::history(data_dir, json),
        ConfigCommand::Show { version } => versions::show(*version, data_dir, json),
        ConfigCommand::Reload => edits::reload(data_dir, json),
        ConfigCommand::Apply { file, if_match } => edits::apply(file, if_match.as_deref(), data_dir, json),
    }
}

fn check(file: Option<&Path>, data_dir: &Path, json: bool) -> Done {
    let outside = crate::env::outside(data_dir);
    let checked = match file {
        Some(path) => RawConfig::read(path).and_then(|raw| raw.check(&outside)),
        None => RawConfig::embedded().check(&outside),
    };
    let config = match checked {
        Ok(config) => config,
        Err(problems) if json => return Ok(print_problems(&problems)),
        Err(problems) => return Err(problems.into()),
    };
    let name = file.map_or_else(|| "the embedded default".to_owned(), |path| path.display().to_string());
    if json {
        print_json(
            &serde_json::json!({ "ok": true, "routes": config.routes.len(), "upstreams": config.upstreams.len() }),
        );
    } else {
        say(format_args!("ok {name}: {} routes, {} upstreams", config.routes.len(), config.upstreams.len()));
    }
    Ok(Exit::Ok)
}

/// All problems as objects on stdout, and for people on stderr.
fn print_problems(problems: &Problems) -> Exit {
    let list: Vec<serde_json::Value> = problems.list.iter().map(kolm_config::Problem::to_json).collect();
    print_json(&serde_json::json!({ "ok": false, "file": problems.file, "problems": list }));
    note(&problems.report());
    Exit::Usage
}

fn schema() -> Done {
    match serde_json::to_string_pretty(&kolm_config::schema()) {
        Ok(text) => say(text),
        Err(error) => {
            return Err(Failure::new(kolm_core::Code(9), Exit::Failed, error, "report this as a defect"));
        }
    }
    Ok(Exit::Ok)
}
