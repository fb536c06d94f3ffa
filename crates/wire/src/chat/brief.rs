//! The few facts of a reply that its receipt states, read in one pass over its bytes: the answer itself is skipped.
//!
//! **Invariant:** says what [`facts`] says of the same reply.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::facts::{Facts, facts};
use crate::fields;

/// What a receipt states of a reply; what the reply does not say is `""` or `-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// The model that answered.
    pub model: String,
    /// `system_fingerprint`.
    pub fingerprint: String,
    /// The finish reason of the first choice.
    pub finish: String,
    /// Tokens of the prompt.
    pub tokens_in: i64,
    /// Tokens of the answer.
    pub tokens_out: i64,
}

/// A chat completion or a legacy one, as far as it is looked at.
#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    system_fingerprint: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow)]
    usage: Option<Usage<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Usage<'a> {
    #[serde(borrow)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens: Option<&'a RawValue>,
}

/// Reads a reply body in brief; never fails. What is no completion as OpenAI writes it is read whole.
pub fn brief(reply: &[u8]) -> Brief {
    let completion = serde_json::from_slice::<Completion<'_>>(reply).ok();
    completion.and_then(Brief::of).unwrap_or_else(|| facts(reply).into())
}

impl Brief {
    fn of(completion: Completion<'_>) -> Option<Self> {
        let text = |raw: Option<&RawValue>| raw.and_then(fields::text).unwrap_or_default();
        let usage = completion.usage?;
        let tokens = |raw: Option<&RawValue>| serde_json::from_str(raw?.get()).ok();
        Some(Self {
            model: text(completion.model),
            fingerprint: text(completion.system_fingerprint),
            finish: text(completion.choices.first()?.finish_reason),
            tokens_in: tokens(usage.prompt_tokens)?,
            tokens_out: tokens(usage.completion_tokens)?,
        })
    }
}

impl From<Facts> for Brief {
    fn from(facts: Facts) -> Self {
        Self {
            model: facts.model,
            fingerprint: facts.fingerprint,
            finish: facts.finish,
            tokens_in: facts.tokens_in,
            tokens_out: facts.tokens_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_brief_a_reply_says_what_it_says_at_length() {
        for reply in [
            r#"{"id":"i","model":"m","system_fingerprint":"fp","choices":[{"index":0,"message":{"content":"a \"b\" \ud83d"},"finish_reason":"stop"},{"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10}}"#,
            r#"{"model":"m","system_fingerprint":null,"choices":[{"text":"t","finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":7}}"#,
            r#"{"model":"m","choices":[{"finish_reason":"stop"}],"usage":null}"#,
            r#"{"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1.5,"completion_tokens":7}}"#,
            r#"{"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"completion_tokens":7}}"#,
            r#"{"model":"m","model":"n","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":7}}"#,
            r#"{"model":7,"choices":[{"finish_reason":1}],"usage":{"prompt_tokens":3,"completion_tokens":7}}"#,
            r#"{"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":7}}"#,
            r#"{"model":"m","choices":{"0":1},"usage":[1]}"#,
            r#"{"model":"m","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"t"}]}],"usage":{"input_tokens":3,"output_tokens":7}}"#,
            r#"{"error":{"message":"no"}}"#,
            r#"{"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":7}} x"#,
            "[]",
            "",
        ] {
            assert_eq!(brief(reply.as_bytes()), facts(reply.as_bytes()).into(), "{reply}");
        }
    }
}
