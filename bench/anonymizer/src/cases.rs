//! The recognizer cases of `../shared/data/pii`: seen by the developers, so no proof, only a floor.
//!
//! **Invariant:** the cases are read, never copied.

use std::path::Path;

use serde_json::Value;

use crate::masked;

/// Positives and those masked; negatives and those not masked as their type.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    pub(crate) positives: usize,
    pub(crate) masked: usize,
    pub(crate) negatives: usize,
    pub(crate) untyped: usize,
    pub(crate) wrong: Vec<String>,
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/pii/recognizer_cases.jsonl");

/// Names of the file under ours.
fn ours(entity: &str) -> &str {
    match entity {
        "PERSON" => "NAME",
        "EMAIL_ADDRESS" => "EMAIL",
        "PHONE_NUMBER" | "TR_PHONE_NUMBER" | "PH_MOBILE_NUMBER" => "PHONE",
        "DATE_TIME" => "DATE",
        "DE_PLZ" => "POSTCODE",
        other => other,
    }
}

/// The score of the cases; none where the file is absent.
pub(crate) fn score() -> Result<Option<Cases>, String> {
    let Ok(text) = std::fs::read_to_string(Path::new(FILE)) else { return Ok(None) };
    let policy = masked::policy("default")?;
    let mut cases = Cases::default();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).map_err(|cause| cause.to_string())?;
        let entity = case["entities"][0].as_str().unwrap_or_default();
        let text = case["text"].as_str().unwrap_or_default();
        let spans = masked::masked(text, &policy).unwrap_or_default();
        let fine = if case["expected"].as_u64().unwrap_or(0) > 0 {
            cases.positives += 1;
            cases.masked += usize::from(!spans.is_empty());
            !spans.is_empty()
        } else {
            cases.negatives += 1;
            let fine = !spans.iter().any(|(_, _, ty)| ty == ours(entity));
            cases.untyped += usize::from(fine);
            fine
        };
        if !fine {
            cases.wrong.push(format!("{entity}, expected {}: {text:?}", case["expected"]));
        }
    }
    Ok(Some(cases))
}
