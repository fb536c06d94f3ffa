//! Rows on their way from captures or files to a student: reading, freezing, deduplication, the split and
//! the task pattern.
//!
//! **Invariant:** every function is a pure function of its arguments and indifferent to the order of its
//! input rows; no input text, and no near-duplicate of one, lies on two sides of the split.

mod cluster;
mod error;
mod normal;
mod pairs;
mod pattern;
mod prepare;
mod prompt;
mod snapshot;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use normal::mix;

pub use error::{Error, LineProblem, Outside};
pub use pairs::{PairLine, parse_pairs, parse_rows, rows_of_pairs};
pub use pattern::{closed_set, outside};
pub use prepare::{PrepareReport, Prepared, prepare, prepare_keeping};
pub use prompt::{Prompt, Took, one_each};
pub use snapshot::{SnapshotFiles, SnapshotMeta, snapshot};

/// One pair as training sees it: anonymized input text and the teacher's answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Id of the pair.
    pub id: String,
    /// Key of the conversation it belongs to; empty = alone.
    pub conversation: String,
    /// When it was captured, milliseconds since the epoch.
    pub ts: i64,
    /// Key of the prompt template (`kolm_wire::chat::template_key`).
    pub template: String,
    /// What the student reads.
    pub text: String,
    /// What the teacher said.
    pub answer: String,
    /// The teacher's model name.
    pub teacher: String,
    /// How often the row counts in training.
    #[serde(default = "one")]
    pub weight: f64,
    /// What it was asked under, on one row of each template that has such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// What the answer took; `None` where nobody measured it, or where a person put another in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Took>,
}

impl fmt::Debug for Row {
    /// Sizes only: rows end up in panic messages of tests and in spans, texts must not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, {} + {} bytes)", self.id, self.text.len(), self.answer.len())
    }
}

fn one() -> f64 {
    1.0
}

#[cfg(test)]
mod clinc_tests;
#[cfg(test)]
mod tests;
