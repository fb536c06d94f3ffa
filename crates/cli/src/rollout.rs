//! `kolm rollout`: what people ask of a route, and what was decided about it. An intent never sets a weight.

use std::path::Path;

use kolm_artifact::rfc3339;
use kolm_core::{Answered, Code, DecisionKind, DecisionRow, Env, Exit, Intent, IntentKind, RouteName};

use crate::admin::Admin;
use crate::args::{Intend, RolloutCommand};
use crate::report::{Done, Failure, note, print_json, say};

/// Hands on an intent, or lists what was decided.
pub(crate) fn run(command: &RolloutCommand, env: &Env, data_dir: &Path, json: bool) -> Done {
    match command {
        RolloutCommand::Pause(args) => intend(IntentKind::Pause, args, data_dir, json),
        RolloutCommand::Resume(args) => intend(IntentKind::Resume, args, data_dir, json),
        RolloutCommand::Promote(args) => intend(IntentKind::PromoteOneStep, args, data_dir, json),
        RolloutCommand::Rollback(args) => intend(IntentKind::Rollback, args, data_dir, json),
        RolloutCommand::Dismiss(args) => intend(IntentKind::Dismiss, args, data_dir, json),
        RolloutCommand::History { route, last, statements: true } => {
            let route = route.as_deref().map(route_name).transpose()?;
            let lines = statements(route.as_ref(), env, data_dir)?;
            if lines.is_empty() {
                note("no verdict was signed yet");
            }
            lines[last.map_or(0, |last| lines.len().saturating_sub(last))..].iter().for_each(say);
            Ok(Exit::Ok)
        }
        RolloutCommand::History { route, last, statements: false } => {
            let route = route.as_deref().map(route_name).transpose()?;
            history(&decisions(route.as_ref(), env, data_dir)?, *last, json)
        }
    }
}

/// A route's name, as the command line gives it.
pub(crate) fn route_name(text: &str) -> Result<RouteName, Failure> {
    text.parse().map_err(|error: kolm_core::BadName| {
        Failure::new(Code(5), Exit::Usage, error, "`kolm status` lists the routes")
    })
}

/// The Decisions of one route or of all, oldest first: of the gateway that runs, else from the store itself.
pub(crate) fn decisions(
    route: Option<&RouteName>,
    env: &Env,
    data_dir: &Path,
) -> Result<Vec<DecisionRow>, Failure> {
    let runtime = crate::runtime()?;
    if let Ok(admin) = Admin::find(data_dir) {
        return runtime.block_on(admin.decisions(route));
    }
    let (store, handle) = crate::offline::store(env, data_dir)?;
    let rows = runtime.block_on(handle.decisions(route.cloned()));
    store.shutdown();
    let mut rows = rows?;
    rows.sort_by(DecisionRow::by_time);
    Ok(rows)
}

/// The signed statements about the verdicts on one route or on all, each in one line.
fn statements(route: Option<&RouteName>, env: &Env, data_dir: &Path) -> Result<Vec<String>, Failure> {
    let runtime = crate::runtime()?;
    if let Ok(admin) = Admin::find(data_dir) {
        return runtime.block_on(async {
            match route {
                Some(route) => admin.statements(route).await,
                None => admin.all_statements().await,
            }
        });
    }
    let (store, handle) = crate::offline::store(env, data_dir)?;
    let found = runtime.block_on(handle.statements(route.cloned()));
    store.shutdown();
    Ok(found?.into_iter().map(|statement| statement.envelope).collect())
}

fn intend(kind: IntentKind, args: &Intend, data_dir: &Path, json: bool) -> Done {
    let intent = Intent {
        route: route_name(&args.route)?,
        kind,
        actor: crate::edits::author(),
        reason: args.reason.clone(),
    };
    let admin = Admin::find(data_dir)?;
    let Some(answered) = crate::runtime()?.block_on(admin.intend(&intent))? else {
        note("the gateway has taken the intent and not answered it yet; `kolm rollout history` will show it");
        return Ok(Exit::Usage);
    };
    if json {
        print_json(&answered);
    } else {
        say(format_args!("{}: {}", intent.route, answered.sentence));
    }
    Ok(if is_done(kind, &answered) { Exit::Ok } else { Exit::Usage })
}

/// Whether what was asked for came to be.
fn is_done(kind: IntentKind, answered: &Answered) -> bool {
    let Some(row) = &answered.decision else { return false };
    match kind {
        IntentKind::Pause => row.kind == DecisionKind::Pause,
        // A pause that outlived its bars is resumed by a new attempt.
        IntentKind::Resume => matches!(row.kind, DecisionKind::Resume | DecisionKind::Candidate),
        IntentKind::Rollback => row.kind == DecisionKind::Rollback,
        IntentKind::PromoteOneStep => {
            row.to > row.from
                || row.challenger.as_ref().is_some_and(|challenge| challenge.to > challenge.from)
        }
        IntentKind::Dismiss => row.kind == DecisionKind::Dismiss,
    }
}

fn history(rows: &[DecisionRow], last: Option<usize>, json: bool) -> Done {
    let skipped = last.map_or(0, |last| rows.len().saturating_sub(last));
    let rows = &rows[skipped..];
    if rows.is_empty() && !json {
        note("nothing was decided yet");
    }
    for row in rows {
        if json {
            print_json(row);
        } else {
            say(sentence(row));
        }
    }
    Ok(Exit::Ok)
}

/// One Decision in one line.
fn sentence(row: &DecisionRow) -> String {
    let (who, from, to, attempt) = match &row.challenger {
        None => ("", row.from, row.to, row.attempt),
        Some(challenge) => ("challenger ", challenge.from, challenge.to, challenge.attempt),
    };
    let moved = if from == to { format!("at {to}") } else { format!("from {from} to {to}") };
    let because =
        if row.because.is_empty() { String::new() } else { format!(" ({})", row.because.join(", ")) };
    let said = if row.reason.is_empty() { String::new() } else { format!(": {}", row.reason) };
    let (at, route, seq, kind) = (rfc3339(row.t), &row.route, row.seq, row.kind.as_str());
    format!("{at} {route} #{seq} {who}{kind} {moved}{because}, attempt {attempt}, {}{said}", row.actor)
}

#[cfg(test)]
mod tests {
    use kolm_core::{Counts, KScore, Stage, Timestamp, Weight};

    use super::*;

    #[test]
    fn only_what_was_asked_for_is_done() {
        let row = |kind, from, to| DecisionRow {
            id: "01a1fb67-1800-7000-8000-000000000001".parse().unwrap(),
            route: "support".parse().unwrap(),
            seq: 1,
            t: Timestamp(0),
            prev: String::new(),
            kind,
            because: Vec::new(),
            from: Weight(from),
            to: Weight(to),
            stage: Stage::Shadow,
            artifact: None,
            policy: String::new(),
            attempt: 1,
            alpha_ppb: 0,
            n: Counts::default(),
            k: KScore::default(),
            ceiling: None,
            basis: None,
            challenger: None,
            sample: None,
            actor: "cli:maria".to_owned(),
            reason: String::new(),
            digest: String::new(),
        };
        let answered = |row| Answered { sentence: String::new(), decision: Some(row) };
        for (kind, decided, from, to, done) in [
            (IntentKind::PromoteOneStep, DecisionKind::Hold, 0, 0, false),
            (IntentKind::PromoteOneStep, DecisionKind::Promote, 0, 100, true),
            (IntentKind::Rollback, DecisionKind::Rollback, 100, 0, true),
            (IntentKind::Pause, DecisionKind::Rollback, 100, 0, false),
        ] {
            let answered = answered(row(decided, from, to));
            assert_eq!(is_done(kind, &answered), done, "{kind:?} {decided:?}");
        }
        assert!(!is_done(IntentKind::Pause, &Answered { sentence: String::new(), decision: None }));
    }
}
