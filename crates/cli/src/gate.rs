//! `kolm gate`: why a route stands where it stands, and whether the scores that it rests on are still there.

use std::path::Path;

use kolm_core::{Code, DecisionRow, Env, Exit, Sample};
use kolm_gateway::sample::Sampled;
use kolm_policies::rollout;
use serde::Serialize;

use crate::admin::Admin;
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
    let stored = row.sample.is_some().then(|| ask(row, env, data_dir)).transpose()?.flatten();
    let holds = stored == row.sample;
    if json {
        print_json(&Explained { row, stored: stored.as_ref(), holds });
    } else {
        say(rollout::explain(row));
        if let Some(named) = &row.sample {
            say(verdict(named, stored.as_ref()));
        }
    }
    Ok(if holds { Exit::Ok } else { Exit::Failed })
}

/// A Decision, and what is stored of the scores that it names.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    row: &'a DecisionRow,
    stored: Option<&'a Sample>,
    /// The stored scores are those that it names, if it names any.
    holds: bool,
}

/// The scores that are stored of a Decision's attempt, the first ones, as many as it rests on.
pub(crate) async fn stored(
    store: &kolm_store::Handle,
    row: &DecisionRow,
) -> Result<Option<Sample>, kolm_store::Error> {
    let mut scores = store.scores(row.route.clone(), row.judged_attempt()).await?.scores;
    scores.truncate(row.sample.as_ref().map_or(0, |sample| sample.sample_n as usize));
    Ok(Sampled::of(&scores).sample())
}

/// The same of the gateway that runs, else from the store itself.
fn ask(row: &DecisionRow, env: &Env, data_dir: &Path) -> Result<Option<Sample>, Failure> {
    let runtime = crate::runtime()?;
    if let Ok(admin) = Admin::find(data_dir) {
        return runtime.block_on(admin.sample(row));
    }
    let (store, handle) = crate::offline::store(env, data_dir)?;
    let found = runtime.block_on(stored(&handle, row));
    store.shutdown();
    Ok(found?)
}

/// What the stored scores say to what the row names.
fn verdict(named: &Sample, stored: Option<&Sample>) -> String {
    let (n, root) = (named.sample_n, &named.sample_root);
    let have = stored.map_or(0, |stored| stored.sample_n);
    let said = match stored == Some(named) {
        true => "the stored scores give this root".to_owned(),
        false if have < n => format!("NOT what is stored: only {have} scores are"),
        false => "NOT what is stored: a score is another".to_owned(),
    };
    format!("rests on {n} scores, root {root}: {said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_gone_or_others_are_told() {
        let sample = |root: &str, n| Sample { sample_root: root.to_owned(), sample_n: n };
        let named = sample("aa", 3);
        for (stored, want) in [
            (Some(sample("aa", 3)), "rests on 3 scores, root aa: the stored scores give this root"),
            (Some(sample("bb", 3)), "rests on 3 scores, root aa: NOT what is stored: a score is another"),
            (Some(sample("bb", 2)), "rests on 3 scores, root aa: NOT what is stored: only 2 scores are"),
            (None, "rests on 3 scores, root aa: NOT what is stored: only 0 scores are"),
        ] {
            assert_eq!(verdict(&named, stored.as_ref()), want);
        }
    }
}
