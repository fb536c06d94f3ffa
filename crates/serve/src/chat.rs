//! A chat request answered by a label student: what it may ask for, and how its label becomes choices.
//!
//! **Invariant:** nothing asked for is quietly left undone: a form or a call that the student cannot
//! promise is a 400 before it answers.

use kolm_wire::chat::template_key;
use kolm_wire::error::ApiError;
use kolm_wire::reply::Answer;
use kolm_wire::validate::{ChatRequest, Format, ToolChoice};

use crate::models::{Model, Said};

/// Whether an abstention may be said aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cascade {
    /// The gateway asks: an abstaining student says so, and the teacher answers.
    Asked,
    /// A client asks: the best label is given.
    Off,
}

/// What a student makes of a request.
pub(crate) struct Answered {
    pub(crate) choices: Vec<Answer>,
    pub(crate) tokens_in: u64,
    pub(crate) confidence: f32,
    /// The reason, when it abstained and was to say so.
    pub(crate) abstained: Option<&'static str>,
}

/// Refuses what a label student cannot promise.
pub(crate) fn accept(request: &ChatRequest, model: &Model) -> Result<(), ApiError> {
    match &request.tool_choice {
        ToolChoice::None | ToolChoice::Auto => {}
        ToolChoice::Required | ToolChoice::Function(_) => {
            return Err(ApiError::unsupported(
                "tool_choice",
                "This model gives labels and cannot be made to call a tool.",
            ));
        }
    }
    match request.format {
        Format::Text => Ok(()),
        Format::JsonObject if model.json => Ok(()),
        Format::JsonObject => {
            Err(ApiError::unsupported("response_format", "This model's answers are not JSON objects."))
        }
        Format::JsonSchema => {
            Err(ApiError::unsupported("response_format", "This model cannot hold its answers to a schema."))
        }
    }
}

/// Answers a request that was accepted.
pub(crate) fn answer(request: &ChatRequest, model: &Model, cascade: Cascade) -> Answered {
    let question = &request.question;
    let template = template_key(&question.system, &question.tools);
    let Said { text, confidence, abstain } = model.mind.answer(&template, &question.text);
    let choice = shape(&text, &request.stop, request.max_tokens);
    Answered {
        choices: vec![choice; request.n.max(1) as usize],
        tokens_in: tokens(&question.system) + tokens(&question.text),
        confidence,
        abstained: abstain.filter(|_| cascade == Cascade::Asked),
    }
}

/// The tokens of a text. A label student has no pieces of words: its token is a run of what is no space.
fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// A label as a choice: cut before the first stop string, then after the last token allowed.
fn shape(label: &str, stop: &[String], max_tokens: Option<u32>) -> Answer {
    let stopped = stop.iter().filter_map(|s| label.find(s.as_str())).min();
    let text = &label[..stopped.unwrap_or(label.len())];
    let room = max_tokens.map_or(u64::MAX, u64::from);
    if tokens(text) <= room {
        return Answer { text: text.to_owned(), finish: "stop", tokens_out: tokens(text) };
    }
    let mut kept = 0;
    let mut left = room;
    for word in text.split_whitespace() {
        if left == 0 {
            break;
        }
        // The words come in order, so each is found at or after the end of the one before.
        kept += text[kept..].find(word).unwrap_or(0) + word.len();
        left -= 1;
    }
    Answer { text: text[..kept].to_owned(), finish: "length", tokens_out: room }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_are_cut_at_stops_and_limits() {
        for (label, stop, max, text, finish) in [
            ("billing refund", vec![], None, "billing refund", "stop"),
            ("billing refund", vec![], Some(2), "billing refund", "stop"),
            ("billing refund", vec![], Some(1), "billing", "length"),
            ("billing refund", vec![], Some(0), "", "length"),
            ("billing refund", vec!["und", "g r"], None, "billin", "stop"),
            ("billing refund", vec![" refund"], Some(1), "billing", "stop"),
            ("  a  a b", vec![], Some(2), "  a  a", "length"),
            ("überfällig", vec!["fäl"], None, "über", "stop"),
        ] {
            let stop: Vec<String> = stop.into_iter().map(String::from).collect();
            let answer = shape(label, &stop, max);
            assert_eq!((answer.text.as_str(), answer.finish), (text, finish), "{label} {stop:?} {max:?}");
            assert_eq!(answer.tokens_out, tokens(&answer.text));
        }
    }

    proptest! {
        #[test]
        fn an_answer_keeps_its_promises(label in "\\PC{0,40}", stop in "\\PC{1,3}", max in 0u32..6) {
            let answer = shape(&label, std::slice::from_ref(&stop), Some(max));
            prop_assert!(label.starts_with(&answer.text));
            prop_assert!(!answer.text.contains(&stop));
            prop_assert!(tokens(&answer.text) <= u64::from(max));
            prop_assert_eq!(answer.tokens_out, tokens(&answer.text));
        }
    }
}
