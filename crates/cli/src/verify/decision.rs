//! `kolm verify decision`: signed statements about verdicts, and the Decision rows that they are about.
//!
//! **Invariant:** what is not signed by a trusted key is never called verified.

use std::collections::BTreeMap;
use std::path::Path;

use kolm_core::{Code, DecisionRow, Exit};
use kolm_policies::rollout;
use kolm_receipts::dsse::{Envelope, IN_TOTO};
use kolm_receipts::keys::VerifyingKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{exit, line, word};
use crate::report::{Done, Failure, print_json, say};

/// One step of a verification.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    /// `None`: it cannot be said.
    ok: Option<bool>,
    detail: String,
}

/// Verifies the statements in `file`, with the rows in another file if there is one.
pub(super) fn run(file: &Path, rows: Option<&Path>, trusted: &[VerifyingKey], json: bool) -> Done {
    let envelopes: Vec<Value> = lines(file, "a DSSE envelope")?;
    if envelopes.is_empty() {
        let sentence = format_args!("no statement in {}", file.display());
        let hint = "`kolm rollout history ROUTE --statements` writes them, from the first verdict on";
        return Err(Failure::new(Code(5), Exit::Usage, sentence, hint));
    }
    let rows: Option<Vec<DecisionRow>> = rows.map(|rows| lines(rows, "a Decision")).transpose()?;
    let mut checks = rows.as_deref().map(chain).unwrap_or_default();
    for envelope in &envelopes {
        checks.extend(statement(envelope, rows.as_deref(), trusted));
    }
    let ok = verdict(&checks);
    if json {
        print_json(&serde_json::json!({ "ok": ok, "statements": envelopes.len(), "checks": checks }));
    } else {
        checks.iter().for_each(|check| line(check.ok, check.name, &check.detail));
        say(format_args!("{}: {} ({} statements)", file.display(), word(ok), envelopes.len()));
    }
    Ok(exit(ok))
}

/// A failed check outweighs one that could not be made.
fn verdict(checks: &[Check]) -> Option<bool> {
    match checks.iter().any(|check| check.ok == Some(false)) {
        true => Some(false),
        false => checks.iter().all(|check| check.ok.is_some()).then_some(true),
    }
}

fn lines<T: DeserializeOwned>(path: &Path, what: &str) -> Result<Vec<T>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(at, line)| {
        serde_json::from_str(line).map_err(|error| {
            let sentence = format_args!("line {} of {} is not {what}: {error}", at + 1, path.display());
            let hint = "`kolm rollout history ROUTE` writes both: with --statements, and with --json";
            Failure::new(Code(5), Exit::Usage, sentence, hint)
        })
    });
    read.collect()
}

/// Rows against their own digests, and each against the one before it on its route.
fn chain(rows: &[DecisionRow]) -> Vec<Check> {
    let mut before: BTreeMap<&str, &DecisionRow> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows {
        let at = format!("{} #{}", row.route, row.seq);
        if rollout::digest(row) != row.digest {
            wrong.push(("row_digest", format!("{at} is not what its digest says")));
        }
        let follows = match before.insert(row.route.as_str(), row) {
            Some(last) => row.prev == last.digest && row.seq == last.seq + 1,
            // The history may be given from any row on.
            None => row.seq > 0 || row.prev.is_empty(),
        };
        if !follows {
            wrong.push(("row_prev", format!("{at} does not follow the row before it")));
        }
    }
    if wrong.is_empty() {
        return vec![Check {
            name: "rows",
            ok: Some(true),
            detail: format!("{} in their chains", rows.len()),
        }];
    }
    wrong.into_iter().map(|(name, detail)| Check { name, ok: Some(false), detail }).collect()
}

/// One statement: who signed it, and whether its row says the same.
fn statement(envelope: &Value, rows: Option<&[DecisionRow]>, trusted: &[VerifyingKey]) -> Vec<Check> {
    let check = |name, ok, detail: String| Check { name, ok, detail };
    let (envelope, body) = match Envelope::parse(envelope.to_string().as_bytes(), IN_TOTO) {
        Ok(read) => read,
        Err(wrong) => return vec![check("envelope", Some(false), wrong.0)],
    };
    let Ok(said) = serde_json::from_slice::<Value>(&body) else {
        return vec![check("statement", Some(false), "it is no JSON".to_owned())];
    };
    let text = |at: &str| said.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let subject = text("/subject/0/name");
    let signed = match envelope.verify(&body, trusted, 1) {
        Ok(_) => check("signature", Some(true), subject.clone()),
        Err(_) if trusted.is_empty() => {
            check("signature", None, format!("{subject}: no trusted key, name one with --key"))
        }
        Err(wrong) => check("signature", Some(false), format!("{subject}: {}", wrong.0)),
    };
    if text("/_type") != rollout::STATEMENT_TYPE || text("/predicateType") != rollout::PREDICATE_TYPE {
        let detail = format!("{subject} is no verification summary");
        return vec![signed, check("statement", Some(false), detail)];
    }
    let result = text("/predicate/verificationResult");
    let stated = check("statement", Some(true), format!("{subject} {result}"));
    let Some(rows) = rows else { return vec![signed, stated] };
    let digest = text("/subject/0/digest/sha256");
    let matched = match rows.iter().find(|row| row.digest == digest) {
        None => check("row", Some(false), format!("{subject}: no row has the digest {digest}")),
        Some(row) => match rollout::differs(&said, row) {
            differs if differs.is_empty() => check("row", Some(true), format!("{subject} is about its row")),
            differs => check(
                "row",
                Some(false),
                format!("{subject}: the row says otherwise at {}", differs.join(", ")),
            ),
        },
    };
    vec![signed, stated, matched]
}
