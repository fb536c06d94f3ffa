//! The cases of an evaluation: what the student reads, and the same as traffic puts it to a cloud model.
//!
//! **Invariant:** both are asked the same; where a case came with a system prompt or tools, so is the cloud model.

use std::collections::BTreeMap;
use std::path::Path;

use kolm_artifact::Artifact;
use kolm_core::{Code, Exit};
use kolm_policies::dataset::{self, PairLine, Prompt, Row};
use kolm_trainer::HeldOut;
use kolm_wire::chat;

use crate::report::Failure;

/// The model that a request names before it is known who is asked.
const NOBODY: &str = "baseline";

/// Rows and requests, case by case.
pub(super) struct Cases {
    /// For the student.
    pub(super) rows: Vec<Row>,
    /// For a cloud model.
    pub(super) asked: Vec<Asked>,
}

/// A request to a model yet to be named.
pub(super) struct Asked {
    /// Chat completions.
    pub(super) request: Vec<u8>,
    /// It has a system prompt or tools.
    pub(super) prompted: bool,
}

impl Cases {
    /// The held-out cases that an artifact carries.
    pub(super) fn held_out(artifact: &Artifact) -> Result<Self, Failure> {
        let cases = lines(artifact)?;
        let prompts = prompts(&cases);
        let asked = cases.iter().map(|case| Asked::under(prompts.get(&case.template), &case.text)).collect();
        let rows = cases.into_iter().map(|case| Row { took: case.took, ..row_of(&case) }).collect();
        Ok(Self { rows, asked })
    }

    /// The pairs of a file, which the student reads under the artifact's first template. A cloud model is given a
    /// line's own request; where it has neither system prompt nor tools, those of that template.
    pub(super) fn of_file(artifact: &Artifact, file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| Failure::io(file, &error))?;
        let pairs = dataset::parse_pairs(&text)?;
        let template = super::first_template(artifact);
        // A file is scored whether or not the artifact holds cases that can be read.
        let prompts = lines(artifact).map(|cases| prompts(&cases)).unwrap_or_default();
        let asked = |pair: &PairLine| match chat::question(&pair.request) {
            Ok(question) if Prompt::of(&question).is_some() => {
                Asked { request: pair.request.clone(), prompted: true }
            }
            Ok(_) | Err(_) => Asked::under(prompts.get(&template), &pair.text),
        };
        let row = |(n, pair): (usize, &PairLine)| {
            super::row(format!("line-{n:08}"), &template, &pair.text, &pair.answer)
        };
        Ok(Self {
            rows: pairs.iter().enumerate().map(row).collect(),
            asked: pairs.iter().map(asked).collect(),
        })
    }
}

impl Asked {
    fn under(prompt: Option<&Prompt>, text: &str) -> Self {
        let (system, tools) = prompt.map_or(("", ""), |prompt| (&prompt.system, &prompt.tools));
        let request = chat::request_under(system, tools, text, NOBODY);
        Self { request, prompted: prompt.is_some() }
    }

    /// The request to a model.
    pub(super) fn of(&self, model: &str) -> Vec<u8> {
        chat::with_model(&self.request, model).unwrap_or_else(|| self.request.clone())
    }
}

fn row_of(case: &HeldOut) -> Row {
    super::row(case.id.clone(), &case.template, &case.text, &case.label)
}

fn lines(artifact: &Artifact) -> Result<Vec<HeldOut>, Failure> {
    let lines = artifact.member("eval/cases.jsonl").unwrap_or_default();
    let cases = serde_json::Deserializer::from_slice(lines).into_iter::<HeldOut>();
    cases.collect::<Result<_, _>>().map_err(|error| {
        let sentence = format_args!("the held-out cases: {error}");
        Failure::new(Code(5), Exit::Usage, sentence, "give a file with --pairs")
    })
}

/// What the templates of an artifact's cases stand for.
fn prompts(cases: &[HeldOut]) -> BTreeMap<String, Prompt> {
    cases.iter().filter_map(|case| Some((case.template.clone(), case.prompt.clone()?))).collect()
}
