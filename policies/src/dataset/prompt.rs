//! What stands around a text when a cloud is asked: enough to ask another the same, and to know what the answer took.
//!
//! **Invariant:** anonymized as the rows are; a row without it is the same row.

use std::collections::BTreeSet;
use std::fmt;

use kolm_core::MicroUsd;
use kolm_wire::chat::Question;
use serde::{Deserialize, Serialize};

use super::Row;

/// System prompt and tools.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The system and developer messages; may be empty.
    pub system: String,
    /// The tools as canonical JSON; may be empty.
    pub tools: String,
}

impl fmt::Debug for Prompt {
    /// Sizes only, as of a row.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({} + {} bytes)", self.system.len(), self.tools.len())
    }
}

/// Time and money of one captured answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// From admission to the last byte.
    pub ms: u64,
    /// List price.
    pub cost: MicroUsd,
}

impl Prompt {
    /// What a question was asked under; `None` where it was nothing.
    pub fn of(question: &Question) -> Option<Self> {
        let Question { system, tools, .. } = question;
        let bare = system.is_empty() && tools.is_empty();
        (!bare).then(|| Self { system: system.clone(), tools: tools.clone() })
    }
}

/// Leaves each template the prompt of its first row; `seen` are those that have one already.
pub fn one_each(rows: &mut [Row], seen: &mut BTreeSet<String>) {
    for row in rows.iter_mut().filter(|row| row.prompt.is_some()) {
        if !seen.insert(row.template.clone()) {
            row.prompt = None;
        }
    }
}
