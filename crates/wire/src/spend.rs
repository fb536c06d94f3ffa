//! What a request may use and what a reply has used, read for budgets: any surface, streamed or not.
//!
//! **Invariant:** never fails; what nobody says is -1, and then the bytes of the answer's text are there to guess from.

use serde_json::Value;

use crate::fields::{self, Fields};
use crate::sse::Reader;

/// How long an answer a request allows, and how many it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Most tokens of one answer, if the request says so.
    pub max_out: Option<u64>,
    /// Answers asked for.
    pub answers: u64,
}

/// Reads the bounds of a request body.
pub fn asked(body: &[u8]) -> Asked {
    let fields = Fields::of_slice(body);
    let number = |key| fields.as_ref().and_then(|fields| fields.get(key)).and_then(fields::unsigned);
    let max_out = ["max_completion_tokens", "max_tokens", "max_output_tokens"].into_iter().find_map(number);
    Asked { max_out, answers: number("n").unwrap_or(1) }
}

/// What a reply has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The model that answered, or empty.
    pub model: String,
    /// Tokens of the prompt, or -1.
    pub tokens_in: i64,
    /// Tokens of the answer, or -1.
    pub tokens_out: i64,
    /// Tokens of the prompt that came from the provider's cache, or -1.
    pub tokens_cached: i64,
    /// Bytes of the answer's text.
    pub text: u64,
}

impl Default for Used {
    fn default() -> Self {
        Self { model: String::new(), tokens_in: -1, tokens_out: -1, tokens_cached: -1, text: 0 }
    }
}

/// Reads a whole reply, plain.
pub fn used(reply: &[u8], streamed: bool) -> Used {
    let mut used = Used::default();
    if !streamed {
        if let Ok(reply) = serde_json::from_slice(reply) {
            used.take(&reply);
        }
        return used;
    }
    let mut reader = Reader::new();
    let events = reader.push(reply).unwrap_or_default();
    for event in events.into_iter().chain(reader.finish()) {
        if let Ok(event) = serde_json::from_str(&event.data) {
            used.take(&event);
        }
    }
    used
}

impl Used {
    /// Takes in one JSON value: a reply, a chunk, or an event that may carry a whole response.
    fn take(&mut self, value: &Value) {
        let body = value.get("response").filter(|inner| inner.is_object()).unwrap_or(value);
        if let Some(model) = body.get("model").and_then(Value::as_str) {
            self.model = model.to_owned();
        }
        if let Some(usage) = body.get("usage").filter(|usage| usage.is_object()) {
            let count = |names: [&str; 2]| {
                names.iter().find_map(|name| usage.pointer(name).and_then(Value::as_i64)).unwrap_or(-1)
            };
            self.tokens_in = count(["/prompt_tokens", "/input_tokens"]);
            self.tokens_out = count(["/completion_tokens", "/output_tokens"]);
            self.tokens_cached =
                count(["/prompt_tokens_details/cached_tokens", "/input_tokens_details/cached_tokens"]);
        }
        let choices = body.get("choices").and_then(Value::as_array).into_iter().flatten();
        self.text += choices.map(said).sum::<u64>();
        self.text += value.get("delta").and_then(Value::as_str).map_or(0, |text| text.len() as u64);
    }
}

/// Bytes of text in a choice: content, refusal, arguments of calls, of a message or a piece of one.
fn said(choice: &Value) -> u64 {
    let message = choice.get("message").or_else(|| choice.get("delta")).unwrap_or(&Value::Null);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map_or(0, |text| text.len() as u64);
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let arguments: u64 = calls.map(|call| text(call.pointer("/function/arguments"))).sum();
    text(choice.get("text")) + text(message.get("content")) + text(message.get("refusal")) + arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_a_request() {
        for (body, max_out, answers) in [
            (r#"{"max_tokens":5}"#, Some(5), 1),
            (r#"{"max_tokens":5,"max_completion_tokens":7,"n":3}"#, Some(7), 3),
            (r#"{"max_output_tokens":9,"n":null}"#, Some(9), 1),
            (r#"{"max_tokens":-1}"#, None, 1),
            ("no json", None, 1),
        ] {
            assert_eq!(asked(body.as_bytes()), Asked { max_out, answers }, "{body}");
        }
    }

    #[test]
    fn what_replies_of_all_surfaces_have_used() {
        let chat = r#"{"model":"m","choices":[{"message":{"content":"abcd"}}],
            "usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}"#;
        let embeddings = r#"{"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let chunks = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"ab\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}],\"usage\":null}\n\n\
            data: [DONE]\n\n";
        let usage =
            format!("{chunks}data: {{\"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":4}}}}\n\n");
        let events = "event: response.output_text.delta\ndata: {\"delta\":\"hello\"}\n\n\
            data: {\"response\":{\"model\":\"r\",\"usage\":{\"input_tokens\":6,\"output_tokens\":7}}}\n\n";
        for (reply, streamed, want) in [
            (chat, false, ("m", 5, 2, 1, 4)),
            (embeddings, false, ("e", 8, -1, -1, 0)),
            (chunks, true, ("m", -1, -1, -1, 4)),
            (usage.as_str(), true, ("m", 3, 4, -1, 4)),
            (events, true, ("r", 6, 7, -1, 5)),
            ("not json", false, ("", -1, -1, -1, 0)),
            (r#"{"error":{"message":"no"}}"#, false, ("", -1, -1, -1, 0)),
        ] {
            let got = used(reply.as_bytes(), streamed);
            assert_eq!(
                (got.model.as_str(), got.tokens_in, got.tokens_out, got.tokens_cached, got.text),
                want,
                "{reply}"
            );
        }
    }
}
