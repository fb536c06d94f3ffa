//! `kolm config check`: the whole file, every problem at once.

use std::path::Path;

use kolm_config::{Config, RawConfig};
use kolm_core::Exit;

use crate::args::ConfigCommand;
use crate::report::{Done, print_json, say};

/// Checks a configuration.
pub(crate) fn run(command: &ConfigCommand, data_dir: &Path, json: bool) -> Done {
    let outside = crate::env::outside(data_dir);
    let ConfigCommand::Check { file } = command;
    let config = match file {
        Some(path) => RawConfig::read(path)?.check(&outside)?,
        None => Config::embedded(&outside)?,
    };
    let name =
        file.as_ref().map_or_else(|| "the embedded default".to_owned(), |path| path.display().to_string());
    if json {
        print_json(
            &serde_json::json!({ "ok": true, "routes": config.routes.len(), "upstreams": config.upstreams.len() }),
        );
    } else {
        say(format_args!("ok {name}: {} routes, {} upstreams", config.routes.len(), config.upstreams.len()));
    }
    Ok(Exit::Ok)
}
