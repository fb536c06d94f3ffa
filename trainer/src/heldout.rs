//! A line of `eval/cases.jsonl`: a held-out case as an artifact carries it.

use kolm_policies::dataset::{Prompt, Row, Took};
use serde::{Deserialize, Serialize};

/// One case.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Id of the pair.
    pub id: String,
    /// Its template.
    pub template: String,
    /// What the student reads.
    pub text: String,
    /// What the teacher said.
    pub label: String,
    /// What the student said when it was packed, on the golden cases: those that it was far from answering otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// On the first case of a template: what all of them were asked under, where that is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// What the teacher's answer took, where it is known and its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Took>,
}

impl std::fmt::Debug for HeldOut {
    /// Sizes only, as of a row.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldOut({}, {} + {} bytes)", self.id, self.text.len(), self.label.len())
    }
}

impl HeldOut {
    /// The case of a row; `said` makes it a golden one.
    pub(crate) fn of(row: &Row, said: Option<String>, prompt: Option<Prompt>) -> Self {
        Self {
            id: row.id.clone(),
            template: row.template.clone(),
            text: row.text.clone(),
            label: row.answer.clone(),
            said,
            prompt,
            took: row.took,
        }
    }
}
