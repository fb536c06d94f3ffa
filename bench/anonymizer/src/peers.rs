//! Others on the same texts: Presidio by a script, two crates behind the feature `peers`.
//!
//! **Invariant:** a peer that is not installed says so; it never stands with zeros.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::clock;
use crate::masked::{self, Masked};

/// What one of them found in every text, and how long it took.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) spans: Vec<Result<Vec<Masked>, String>>,
    pub(crate) seconds: f64,
}

/// Finds spans in texts, under a preset where it knows presets.
pub(crate) type Peer = fn(&[&str], &str) -> Result<Found, String>;

pub(crate) const ALL: [(&str, Peer); 4] =
    [("kolm", kolm), ("Presidio", presidio), ("redact-core", redact_core), ("pii", pii)];

const PYTHON: &str = ".deps/anonymizer-peers/bin/python";

pub(crate) fn kolm(texts: &[&str], preset: &str) -> Result<Found, String> {
    let policy = masked::policy(preset)?;
    let started = clock::now();
    let spans = texts.iter().map(|text| masked::masked(text, &policy)).collect();
    Ok(Found { spans, seconds: clock::seconds_since(started) })
}

fn presidio(texts: &[&str], _: &str) -> Result<Found, String> {
    if !Path::new(PYTHON).exists() {
        return Err("not installed (`scripts/setup anonymizer-peers`)".to_owned());
    }
    let failed = |cause: std::io::Error| format!("failed: {cause}");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/presidio.py");
    let mut command = Command::new(PYTHON);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let lines: String = texts.iter().map(|text| Value::from(*text).to_string() + "\n").collect();
    // The script reads everything before it writes, so nobody waits for the other; dropping the pipe ends its input.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(lines.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = Found { spans: Vec::new(), seconds: 0.0 };
    for line in output.lines() {
        let value: Value = serde_json::from_str(line).map_err(|cause| cause.to_string())?;
        match value.as_array() {
            Some(spans) => found.spans.push(Ok(spans.iter().filter_map(span).collect())),
            None => found.seconds = value["seconds"].as_f64().unwrap_or(0.0),
        }
    }
    if found.spans.len() == texts.len() { Ok(found) } else { Err("failed: it ended early".to_owned()) }
}

fn span(value: &Value) -> Option<Masked> {
    let number = |at: usize| value.get(at).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    Some((number(0)?, number(1)?, value.get(2)?.as_str()?.to_owned()))
}

#[cfg(not(feature = "peers"))]
fn redact_core(_: &[&str], _: &str) -> Result<Found, String> {
    Err("not built (feature `peers`)".to_owned())
}

#[cfg(not(feature = "peers"))]
fn pii(_: &[&str], _: &str) -> Result<Found, String> {
    Err("not built (feature `peers`)".to_owned())
}

#[cfg(feature = "peers")]
fn redact_core(texts: &[&str], _: &str) -> Result<Found, String> {
    let engine = redact_core::AnalyzerEngine::new();
    timed(texts, |text| {
        let found = engine.analyze(text, Some("en")).map_err(|cause| cause.to_string())?;
        Ok(found.detected_entities.iter().map(|e| (e.start, e.end, format!("{:?}", e.entity_type))).collect())
    })
}

#[cfg(feature = "peers")]
fn pii(texts: &[&str], _: &str) -> Result<Found, String> {
    let recognizers = pii::presets::default_recognizers();
    let engine = Box::new(pii::nlp::SimpleNlpEngine::default());
    let analyzer = pii::Analyzer::new(engine, recognizers, Vec::new(), pii::PolicyConfig::default());
    let language = pii::types::Language::from("en");
    timed(texts, |text| {
        let found = analyzer.analyze(text, &language).map_err(|cause| cause.to_string())?;
        Ok(found.entities.iter().map(|e| (e.start, e.end, e.entity_type.as_str().to_owned())).collect())
    })
}

/// Runs one that answers in bytes; the turn to code points is not timed.
#[cfg(feature = "peers")]
fn timed(texts: &[&str], one: impl Fn(&str) -> Result<Vec<Masked>, String>) -> Result<Found, String> {
    let started = clock::now();
    let found: Vec<_> = texts.iter().map(|text| one(text)).collect();
    let seconds = clock::seconds_since(started);
    let spans = texts.iter().zip(found).map(|(text, spans)| {
        let point = |byte: usize| text.char_indices().take_while(|(at, _)| *at < byte).count();
        spans.map(|spans| spans.into_iter().map(|(start, end, ty)| (point(start), point(end), ty)).collect())
    });
    Ok(Found { spans: spans.collect(), seconds })
}
