//! `kolm keys`: issues, lists and revokes virtual keys, and shows the public signing keys. A running gateway follows
//! the file within a second.
//!
//! **Invariant:** the text of a key is printed once, when it is issued, and stored nowhere.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use kolm_config::{Issue, KeyFile, VirtualKey};
use kolm_core::{Code, Env, Exit, MicroUsd, Namespace, Timestamp};
use kolm_policies::limit::Limits;
use kolm_receipts::keys::{self, Role};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::args::{IssueKey, KeysCommand};
use crate::report::{Done, Failure, print_json, say};

/// Runs one of the commands.
pub(crate) fn run(command: &KeysCommand, env: &Env, data_dir: &Path, json: bool) -> Done {
    match command {
        KeysCommand::Issue(args) => issue(args, env, data_dir, json),
        KeysCommand::Revoke { id } => revoke(id, env, data_dir, json),
        KeysCommand::Ls => list(env, data_dir, json),
        KeysCommand::Export { .. } => export(data_dir, json),
    }
}

fn issue(args: &IssueKey, env: &Env, data_dir: &Path, json: bool) -> Done {
    let now = env.clock.now();
    let also: Result<Vec<Namespace>, Failure> = args.also.iter().map(|name| crate::namespace(name)).collect();
    if args.name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        let sentence = "the name holds a line break or another control character";
        return Err(Failure::new(Code(12), Exit::Usage, sentence, "write the name in one line"));
    }
    let order = Issue {
        name: args.name.clone().unwrap_or_default(),
        namespace: crate::namespace(&args.namespace)?,
        also: also?,
        expires: args.expires.as_deref().map(|time| expiry(time, now)).transpose()?,
        limits: limits(args)?,
    };
    let (key, text) = VirtualKey::issue(order, now, [env.bytes32(), env.bytes32(), env.bytes32()]);
    change(data_dir, |file| {
        file.keys.push(key.clone());
        Ok(())
    })?;
    if json {
        let mut shown = view(&key, now);
        shown["key"] = Value::String(text);
        print_json(&shown);
    } else {
        say(&text);
        crate::report::note(&format!(
            "issued {} for namespace {}; this is the only time the key is shown",
            key.id, key.namespace
        ));
    }
    Ok(Exit::Ok)
}

fn revoke(id: &str, env: &Env, data_dir: &Path, json: bool) -> Done {
    let now = env.clock.now();
    // People paste the whole key; its id is enough.
    let id = VirtualKey::split(id).map_or(id, |(id, _)| id);
    let mut shown = Value::Null;
    change(data_dir, |file| {
        let key = file.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| {
            let sentence = format_args!("no key has the id `{id}`");
            Failure::new(Code(11), Exit::Usage, sentence, "`kolm keys ls` lists them")
        })?;
        key.revoked.get_or_insert(now);
        shown = view(key, now);
        Ok(())
    })?;
    if json {
        print_json(&shown);
    } else {
        say(format_args!("revoked {id}"));
    }
    Ok(Exit::Ok)
}

fn list(env: &Env, data_dir: &Path, json: bool) -> Done {
    let now = env.clock.now();
    let file = KeyFile::read(&KeyFile::path(data_dir))?;
    if json {
        print_json(&file.keys.iter().map(|key| view(key, now)).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    if file.keys.is_empty() {
        crate::report::note("no key was issued yet; `kolm keys issue --namespace NAME` makes one");
    }
    for key in &file.keys {
        let also: Vec<&str> = key.also.iter().map(Namespace::as_str).collect();
        let also = if also.is_empty() { String::new() } else { format!(" (also {})", also.join(", ")) };
        let name = if key.name.is_empty() { String::new() } else { format!(" \"{}\"", key.name) };
        let until = key.expires.map_or_else(String::new, |at| format!(", until {}", utc(at)));
        let bounds = if key.limits.is_empty() { String::new() } else { format!(", {}", bounds(&key.limits)) };
        let state = key.state(now).as_str();
        say(format_args!(
            "{} {state} {}{also}{name}, issued {}{until}{bounds}",
            key.id,
            key.namespace,
            utc(key.issued)
        ));
    }
    Ok(Exit::Ok)
}

/// The public halves of the signing keys that were made so far.
fn export(data_dir: &Path, json: bool) -> Done {
    let mut shown = Vec::new();
    for role in [Role::Artifact, Role::Decision] {
        let dir = data_dir.join("keys");
        if dir.join(format!("{}.key", role.as_str())).exists() {
            shown.push((role.as_str(), keys::load(&dir, role)?.vkey()));
        }
    }
    if json {
        print_json(
            &shown.iter().map(|(role, vkey)| json!({ "role": role, "vkey": vkey })).collect::<Vec<_>>(),
        );
        return Ok(Exit::Ok);
    }
    if shown.is_empty() {
        crate::report::note(
            "no signing key was made yet; the first `kolm up` and the first training make them",
        );
    }
    for (role, vkey) in shown {
        say(format_args!("{role} {vkey}"));
    }
    Ok(Exit::Ok)
}

/// Reads, changes and writes the file; two commands at once take turns.
fn change(data_dir: &Path, change: impl FnOnce(&mut KeyFile) -> Result<(), Failure>) -> Result<(), Failure> {
    let path = KeyFile::path(data_dir);
    let folder = path.parent().unwrap_or(data_dir);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Failure::io(folder, &error))?;
    let lock = path.with_extension("lock");
    let held = File::options().create(true).truncate(false).write(true).mode(0o600).open(&lock);
    let held = held.map_err(|error| Failure::io(&lock, &error))?;
    flock(&held, FlockOperation::LockExclusive).map_err(|error| Failure::io(&lock, &error.into()))?;
    let mut file = KeyFile::read(&path)?;
    change(&mut file)?;
    file.write(&path)?;
    Ok(())
}

/// A key as `--json` shows it.
fn view(key: &VirtualKey, now: Timestamp) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "namespace": key.namespace,
        "also": key.also,
        "state": key.state(now).as_str(),
        "issued": key.issued,
        "expires": key.expires,
        "revoked": key.revoked,
        "limits": key.limits,
    })
}

fn wrong(sentence: impl std::fmt::Display) -> Failure {
    Failure::new(
        Code(12),
        Exit::Usage,
        sentence,
        "times are like 12h or 90d, dollars like 20 or 0.50, limits above 0",
    )
}

/// `90d` from now on; `s`, `m`, `h`, `d` and `w` are known.
fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let unit = |unit| match unit {
        's' => Some(1_000),
        'm' => Some(60_000),
        'h' => Some(3_600_000),
        'd' => Some(86_400_000),
        'w' => Some(604_800_000),
        _ => None,
    };
    let ms = text.chars().last().and_then(unit).and_then(|unit: i64| {
        let count: i64 = text[..text.len() - 1].parse().ok().filter(|count| *count > 0)?;
        now.0.checked_add(count.checked_mul(unit)?)
    });
    ms.map(Timestamp).ok_or_else(|| wrong(format_args!("`{text}` is no time to live")))
}

fn limits(args: &IssueKey) -> Result<Limits, Failure> {
    let usd = |name: &str, given: Option<f64>| match given {
        Some(usd) if usd.is_finite() && (0.000_001..9e12).contains(&usd) => {
            Ok(Some(MicroUsd((usd * 1e6).round() as i64)))
        }
        Some(usd) => Err(wrong(format_args!("--{name} {usd}: no amount of dollars above 0"))),
        None => Ok(None),
    };
    let limits = Limits {
        requests_per_minute: args.requests_per_minute,
        tokens_per_minute: args.tokens_per_minute,
        concurrent: args.concurrent,
        usd_per_day: usd("usd-per-day", args.usd_per_day)?,
        usd_per_month: usd("usd-per-month", args.usd_per_month)?,
    };
    let numbers = [limits.requests_per_minute, limits.tokens_per_minute, limits.concurrent];
    if numbers.contains(&Some(0)) {
        return Err(wrong("a limit of 0 refuses everything"));
    }
    Ok(limits)
}

/// Limits in one line.
fn bounds(limits: &Limits) -> String {
    let usd = |limit: Option<MicroUsd>| limit.map(|usd| usd.to_string());
    let number = |limit: Option<u64>| limit.map(|limit| limit.to_string());
    let all = [
        (number(limits.requests_per_minute), "requests/min"),
        (number(limits.tokens_per_minute), "tokens/min"),
        (number(limits.concurrent), "at a time"),
        (usd(limits.usd_per_day), "a day"),
        (usd(limits.usd_per_month), "a month"),
    ];
    let words = all.into_iter().filter_map(|(limit, what)| limit.map(|limit| format!("{limit} {what}")));
    words.collect::<Vec<_>>().join(", ")
}

/// A moment's day in UTC.
fn utc(at: Timestamp) -> String {
    use kolm_policies::limit::window::{day, month, month_start};
    let number = month(at);
    format!(
        "{:04}-{:02}-{:02}",
        number.div_euclid(12),
        number.rem_euclid(12) + 1,
        day(at) - day(month_start(number)) + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live() {
        let now = Timestamp(1_000);
        for (text, want) in [("1s", Some(2_000)), ("90d", Some(7_776_001_000)), ("2w", Some(1_209_601_000))] {
            assert_eq!(expiry(text, now).ok().map(|at| at.0), want, "{text}");
        }
        for text in ["", "d", "0d", "-1d", "1", "1y", "1é", "9223372036854775807d"] {
            assert!(expiry(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, want) in
            [(0, "1970-01-01"), (951_782_400_000, "2000-02-29"), (1_795_261_097_000, "2026-11-21")]
        {
            assert_eq!(utc(Timestamp(ms)), want);
        }
    }
}
