//! `kolm gate`: why a route stands where it stands.

use std::path::Path;

use kolm_core::{Code, Env, Exit};
use kolm_policies::rollout;

use crate::args::GateCommand;
use crate::report::{Done, Failure, print_json, say};
use crate::rollout::{decisions, route_name};

/// Explains the last Decision of a route.
pub(crate) fn run(command: &GateCommand, env: &Env, data_dir: &Path, json: bool) -> Done {
    let GateCommand::Explain { route } = command;
    let route = route_name(route)?;
    let rows = decisions(Some(&route), env, data_dir)?;
    let Some(row) = rows.last() else {
        let sentence = format_args!("nothing was decided about `{route}` yet");
        let hint = "it still collects pairs, or its name is another: see `kolm status`";
        return Err(Failure::new(Code(13), Exit::Usage, sentence, hint));
    };
    if json {
        print_json(row);
    } else {
        say(rollout::explain(row));
    }
    Ok(Exit::Ok)
}
