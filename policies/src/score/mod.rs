//! Scorers: how much a student's answer agrees with the teacher's. Deterministic and pure; no model judges.

mod fields;
mod words;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use kolm_core::Ppm;
use kolm_wire::chat::{Answer, Call};
use serde::{Deserialize, Serialize};

use crate::anonymize;

/// How two answers of a route are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scorer {
    /// The same word, after trimming and ASCII case folding.
    #[default]
    Label,
    /// JSON: F1 over the fields.
    Extract,
    /// Function calls: name and arguments.
    Tool,
    /// Prose: F1 over the words.
    Chat,
}

impl Scorer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Label, Self::Extract, Self::Tool, Self::Chat];

    /// The name in configuration and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Extract => "extract",
            Self::Tool => "tool",
            Self::Chat => "chat",
        }
    }

    /// Agreement in [0, 1] of an answer with the reference answer to the same request.
    pub fn agreement(self, answer: &Answer, reference: &Answer) -> Ppm {
        match self {
            Self::Label => texts(answer, reference, label),
            Self::Extract => texts(answer, reference, extract),
            Self::Chat => texts(answer, reference, words::f1),
            Self::Tool if answer.calls.is_empty() && reference.calls.is_empty() => {
                texts(answer, reference, words::f1)
            }
            Self::Tool => tools(&answer.calls, &reference.calls),
        }
    }
}

impl FromStr for Scorer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scorer| scorer.as_str() == text);
        found.ok_or("must be \"label\", \"extract\", \"tool\" or \"chat\"")
    }
}

/// Whether an answer must not be given: it holds a canary of the route, or an identifier that it can only have
/// learned by heart. `known` are the texts it was made from, and the reference answer.
pub fn forbidden(answer: &Answer, known: &[&str], canaries: &[String]) -> bool {
    let arguments = answer.calls.iter().map(|call| call.arguments.as_str());
    answer.text.as_deref().into_iter().chain(arguments).any(|text| {
        let folded = text.to_lowercase();
        canaries.iter().any(|canary| folded.contains(&canary.trim().to_lowercase()))
            || anonymize::leaks(text, known)
    })
}

fn texts(answer: &Answer, reference: &Answer, score: fn(&str, &str) -> Ppm) -> Ppm {
    match (&answer.text, &reference.text) {
        (Some(a), Some(b)) if answer.calls.is_empty() && reference.calls.is_empty() => score(a, b),
        (Some(_), Some(_)) | (None, _) | (_, None) => Ppm(0),
    }
}

/// Scorer `label`: 1 if the answers are the same word after trimming and ASCII case folding, else 0.
pub fn label(a: &str, b: &str) -> Ppm {
    if a.trim().eq_ignore_ascii_case(b.trim()) { Ppm::ONE } else { Ppm(0) }
}

/// Scorer `extract`: F1 over the fields of two JSON values, 0 if a field of the reference's outermost object is
/// missing or the answer is no JSON. Where the reference is none either, the texts are compared as words.
fn extract(a: &str, b: &str) -> Ppm {
    match (fields::of(a), fields::of(b)) {
        (Some(a), Some(b)) if fields::has_all(&a, &b) => fields::f1(&a, &b),
        (Some(_) | None, Some(_)) => Ppm(0),
        (_, None) => words::f1(a, b),
    }
}

/// Scorer `tool`: calls are paired by name, each with the best that is left, in the order of the reference; a pair
/// agrees as far as its arguments do, what has no partner not at all. The order of parallel calls says nothing
/// (ShishirPatil/gorilla, `bfcl_eval` `ast_checker.py`, `parallel_function_checker_no_order`).
fn tools(calls: &[Call], reference: &[Call]) -> Ppm {
    let mut left: Vec<&Call> = calls.iter().collect();
    let mut sum = 0u64;
    for wanted in reference {
        let best = left
            .iter()
            .enumerate()
            .filter(|(_, call)| call.name == wanted.name)
            .map(|(at, call)| (arguments(&call.arguments, &wanted.arguments), at))
            .max_by_key(|(agreement, at)| (agreement.0, std::cmp::Reverse(*at)));
        if let Some((agreement, at)) = best {
            sum += u64::from(agreement.0);
            left.remove(at);
        }
    }
    let most = calls.len().max(reference.len()) as u64;
    Ppm(sum.checked_div(most).unwrap_or(0) as u32)
}

/// No arguments are written `{}` or not at all.
fn arguments(a: &str, b: &str) -> Ppm {
    let read = |text: &str| fields::of(if text.trim().is_empty() { "{}" } else { text });
    match (read(a), read(b)) {
        (Some(a), Some(b)) => fields::f1(&a, &b),
        (None, _) | (_, None) => Ppm(0),
    }
}
