//! `kolm verify`: artifacts, receipts, ledgers and statements. Exit 0 verified, 1 failed, 2 not decided.

mod decision;

use std::path::{Path, PathBuf};

use kolm_artifact::Trust;
use kolm_core::{ArtifactId, Code, Exit};
use kolm_receipts::keys::{self, Role, VerifyingKey};
use kolm_receipts::verify::{Verdict, Verifier};

use crate::args::{Verify, VerifyWhat};
use crate::report::{Done, Failure, print_json, say};

/// Verifies what the arguments name.
pub(crate) fn run(args: Verify, data_dir: &Path, json: bool) -> Done {
    match (args.what, args.artifact) {
        (Some(VerifyWhat::Receipt { receipt, ledger }), _) => {
            let ledger = ledger.unwrap_or_else(|| data_dir.join("ledger"));
            print(&self::receipt(&receipt, &ledger)?, &receipt, json)
        }
        (Some(VerifyWhat::Decision { file, rows, key }), _) => {
            let trusted = trusted(&key, data_dir, Role::Decision)?;
            decision::run(&file, rows.as_deref(), &trusted, json)
        }
        (Some(VerifyWhat::Ledger { dir }), _) => {
            let dir = dir.unwrap_or_else(|| data_dir.join("ledger"));
            print(&Verifier::load(&dir)?.ledger(), &dir.display().to_string(), json)
        }
        (None, Some(path)) => artifact(&path, &args.key, args.expect.as_deref(), data_dir, json),
        (None, None) => {
            Err(Failure::new(Code(5), Exit::Usage, "nothing to verify", "see `kolm verify --help`"))
        }
    }
}

/// A receipt given as an id, as a header value, or as a file that holds either.
fn receipt(given: &str, ledger: &Path) -> Result<Verdict, Failure> {
    let verifier = Verifier::load(ledger)?;
    let text = match PathBuf::from(given) {
        path if path.is_file() => {
            std::fs::read_to_string(&path).map_err(|error| Failure::io(&path, &error))?
        }
        _ => given.to_owned(),
    };
    let text = text.trim();
    let value = text.strip_prefix("x-kolm-receipt:").unwrap_or(text).trim();
    if value.starts_with("kr1;") {
        return Ok(verifier.header(value));
    }
    let id = value.parse().map_err(|error: kolm_core::BadName| {
        Failure::new(
            Code(5),
            Exit::Usage,
            error,
            "give a receipt's id, its x-kolm-receipt header, or a file with one",
        )
    })?;
    Ok(verifier.id(id))
}

fn print(verdict: &Verdict, name: &str, json: bool) -> Done {
    if json {
        print_json(verdict);
    } else {
        for check in &verdict.checks {
            line(check.ok, check.name, &check.detail);
        }
        say(format_args!("{name}: {}", word(verdict.ok)));
    }
    Ok(exit(verdict.ok))
}

/// A verdict as a person reads it.
fn word(ok: Option<bool>) -> &'static str {
    match ok {
        Some(true) => "verified",
        Some(false) => "NOT verified",
        None => "not decided",
    }
}

/// A verdict as a script reads it.
fn exit(ok: Option<bool>) -> Exit {
    match ok {
        Some(true) => Exit::Ok,
        Some(false) => Exit::Failed,
        None => Exit::Usage,
    }
}

/// One check as a person reads it.
fn line(ok: Option<bool>, name: &str, detail: &str) {
    let mark = match ok {
        Some(true) => "ok  ",
        Some(false) => "FAIL",
        None => "?   ",
    };
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    say(format_args!("{mark} {name}{detail}"));
}

fn artifact(path: &Path, given: &[String], expect: Option<&str>, data_dir: &Path, json: bool) -> Done {
    let trusted = trusted(given, data_dir, Role::Artifact)?;
    let expect: Option<ArtifactId> =
        expect.map(str::parse).transpose().map_err(|error: kolm_core::BadName| {
            Failure::new(Code(5), Exit::Usage, error, "an identity is printed by `kolm inspect`")
        })?;
    let verdict = kolm_artifact::verify(path, &Trust::keys(trusted, expect));
    if !json {
        for check in &verdict.checks {
            line(Some(check.ok), check.name, &check.detail);
        }
    }
    let artifact = verdict.result?;
    if json {
        print_json(&serde_json::json!({ "ok": true, "identity": artifact.identity() }));
    } else {
        say(format_args!("{}: verified ({})", path.display(), artifact.identity()));
    }
    Ok(Exit::Ok)
}

/// The keys given, else this installation's own.
fn trusted(given: &[String], data_dir: &Path, role: Role) -> Result<Vec<VerifyingKey>, Failure> {
    let mut keys = Vec::new();
    for key in given {
        keys.push(VerifyingKey::parse(key)?);
    }
    if keys.is_empty()
        && let Ok(own) = keys::load(&data_dir.join("keys"), role)
    {
        keys.push(own.verifying());
    }
    Ok(keys)
}
