//! What a reply says of itself, whatever surface it came over: its shape tells.

use std::fmt;

use serde_json::Value;

use super::Blocks;
use crate::class;
use crate::json;

/// The facts of a reply; what it does not say is `""`, `-1`, `None` or `false`.
#[derive(Clone, PartialEq, Eq)]
pub struct Facts {
    /// The reply's id.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// `system_fingerprint`.
    pub fingerprint: String,
    /// The finish reason of the first choice; of a `response` the one that its status amounts to.
    pub finish: String,
    /// The text of the first choice, response or transcript.
    pub text: Option<String>,
    /// The first choice refuses.
    pub refusal: bool,
    /// The first choice calls tools or a function.
    pub tool_calls: bool,
    /// What in the reply no student could say.
    pub foreign: Option<Blocks>,
    /// Tokens of the prompt.
    pub tokens_in: i64,
    /// Tokens of the answer.
    pub tokens_out: i64,
    /// Tokens of the prompt that were served from the cloud's cache.
    pub tokens_cached: i64,
    /// The body is an error.
    pub error: bool,
    /// The words by which the error is known; never its message.
    pub error_class: String,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.text.as_ref().map(String::len);
        write!(
            f,
            "Facts({}, {}, {:?} bytes, {}/{} tokens)",
            self.model, self.finish, bytes, self.tokens_in, self.tokens_out
        )
    }
}

/// What the answer itself amounts to.
#[derive(Default)]
struct Said {
    finish: String,
    text: Option<String>,
    refusal: bool,
    tool_calls: bool,
    foreign: Option<Blocks>,
}

/// Reads the facts of a reply body; never fails.
pub fn facts(reply: &[u8]) -> Facts {
    let reply = json::value(reply).unwrap_or(Value::Null);
    let usage = reply.get("usage").unwrap_or(&Value::Null);
    let said = match (reply["choices"].get(0), reply.get("output").and_then(Value::as_array)) {
        (Some(choice), _) => choice_said(choice),
        (None, Some(items)) => response_said(&reply, items),
        (None, None) => Said {
            finish: string(&reply, "status"),
            text: reply.get("text").and_then(Value::as_str).map(str::to_owned),
            ..Said::default()
        },
    };
    let error = class::error_of(&reply);
    Facts {
        id: string(&reply, "id"),
        model: string(&reply, "model"),
        fingerprint: string(&reply, "system_fingerprint"),
        finish: said.finish,
        text: said.text,
        refusal: said.refusal,
        tool_calls: said.tool_calls,
        foreign: said.foreign,
        tokens_in: count([&usage["prompt_tokens"], &usage["input_tokens"]]),
        tokens_out: count([&usage["completion_tokens"], &usage["output_tokens"]]),
        tokens_cached: count([
            &usage["prompt_tokens_details"]["cached_tokens"],
            &usage["input_tokens_details"]["cached_tokens"],
        ]),
        error: error.is_some(),
        error_class: error.map(class::class_of).unwrap_or_default(),
    }
}

/// The first that is an integer; what is not there is `null`.
fn count(counts: [&Value; 2]) -> i64 {
    counts.into_iter().find_map(Value::as_i64).unwrap_or(-1)
}

fn string(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or("").to_owned()
}

fn filled(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_some_and(|items| !items.is_empty())
}

/// A choice of a chat completion, or the bare text of a legacy one.
fn choice_said(choice: &Value) -> Said {
    let message = choice.get("message").unwrap_or(&Value::Null);
    let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_function = |call: &Value| call.get("type").is_none_or(|kind| kind == "function");
    let foreign = if filled(message.get("annotations")) || message.get("audio").is_some_and(Value::is_object)
    {
        Some(Blocks::Modality)
    } else {
        (!calls.iter().all(is_function)).then_some(Blocks::Tools)
    };
    let text = message.get("content").or_else(|| choice.get("text"));
    Said {
        finish: string(choice, "finish_reason"),
        text: text.and_then(Value::as_str).map(str::to_owned),
        refusal: message.get("refusal").and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
        tool_calls: !calls.is_empty() || message.get("function_call").is_some_and(Value::is_object),
        foreign,
    }
}

/// The items of a `response`, as the chat message that they amount to.
fn response_said(reply: &Value, items: &[Value]) -> Said {
    let mut said = Said::default();
    for item in items {
        match item.get("type").and_then(Value::as_str).unwrap_or("message") {
            "message" => {
                let parts = item.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                parts.iter().for_each(|part| part_said(part, &mut said));
            }
            "function_call" => said.tool_calls = true,
            "reasoning" if item.get("encrypted_content").is_none_or(Value::is_null) => {}
            "reasoning" => said.foreign = Some(Blocks::Context),
            _ => said.foreign = Some(Blocks::Tools),
        }
    }
    said.finish = match reply.get("status").and_then(Value::as_str).unwrap_or("") {
        "completed" if said.tool_calls => "tool_calls".to_owned(),
        "completed" => "stop".to_owned(),
        "incomplete" => match reply["incomplete_details"]["reason"].as_str() {
            Some("max_output_tokens") => "length".to_owned(),
            Some("content_filter") => "content_filter".to_owned(),
            Some(_) | None => "incomplete".to_owned(),
        },
        other => other.to_owned(),
    };
    said
}

fn part_said(part: &Value, said: &mut Said) {
    match part.get("type").and_then(Value::as_str) {
        Some("output_text") => {
            let text = part.get("text").and_then(Value::as_str).unwrap_or("");
            said.text.get_or_insert_default().push_str(text);
            if filled(part.get("annotations")) {
                said.foreign = Some(Blocks::Modality);
            }
        }
        Some("refusal") => said.refusal = true,
        Some(_) | None => said.foreign = Some(Blocks::Modality),
    }
}
