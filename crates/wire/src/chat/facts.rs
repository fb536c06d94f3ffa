//! What a reply says of itself.

use std::fmt;

use serde_json::Value;

/// The facts of a reply; what it does not say is `""`, `-1`, `None` or `false`.
#[derive(Clone, PartialEq, Eq)]
pub struct Facts {
    /// The reply's id.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// `system_fingerprint`.
    pub fingerprint: String,
    /// The finish reason of the first choice; of a `response` its status.
    pub finish: String,
    /// The content of the first choice.
    pub text: Option<String>,
    /// The first choice refuses.
    pub refusal: bool,
    /// The first choice calls tools or a function.
    pub tool_calls: bool,
    /// Tokens of the prompt.
    pub tokens_in: i64,
    /// Tokens of the answer.
    pub tokens_out: i64,
    /// Tokens of the prompt that were served from the cloud's cache.
    pub tokens_cached: i64,
    /// The body is an error.
    pub error: bool,
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

/// Reads the facts of a reply body; never fails.
pub fn facts(reply: &[u8]) -> Facts {
    let reply: Value = serde_json::from_slice(reply).unwrap_or(Value::Null);
    let string = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let count = |pointers: [&str; 2]| {
        pointers.iter().find_map(|pointer| reply.pointer(pointer).and_then(Value::as_i64)).unwrap_or(-1)
    };
    let choice = reply.pointer("/choices/0").unwrap_or(&Value::Null);
    let message = choice.get("message").unwrap_or(&Value::Null);
    let finish = string(choice, "finish_reason");
    Facts {
        id: string(&reply, "id"),
        model: string(&reply, "model"),
        fingerprint: string(&reply, "system_fingerprint"),
        finish: if choice.is_null() { string(&reply, "status") } else { finish },
        text: message.get("content").and_then(Value::as_str).map(str::to_owned),
        refusal: message.get("refusal").and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
        tool_calls: message
            .get("tool_calls")
            .and_then(Value::as_array)
            .is_some_and(|calls| !calls.is_empty())
            || message.get("function_call").is_some_and(Value::is_object),
        tokens_in: count(["/usage/prompt_tokens", "/usage/input_tokens"]),
        tokens_out: count(["/usage/completion_tokens", "/usage/output_tokens"]),
        tokens_cached: count([
            "/usage/prompt_tokens_details/cached_tokens",
            "/usage/input_tokens_details/cached_tokens",
        ]),
        error: reply.get("error").is_some_and(|error| !error.is_null()),
    }
}
