//! What kind of error a reply is, in the words of its `type` and `code`; its message is left out, for it may
//! repeat what the request said.
//!
//! **Invariant:** nothing but words leaves this file: letters, `_`, `-`, and at most three digits.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::fields::Fields;
use crate::json;

const LONGEST: usize = 64;

/// The error that a reply is or carries.
pub(crate) fn error_of(reply: &Value) -> Option<&Value> {
    // Some servers say `{"object":"error","type":..}` without an envelope.
    let bare = || (reply.get("object").and_then(Value::as_str) == Some("error")).then_some(reply);
    reply.get("error").filter(|error| !error.is_null()).or_else(bare)
}

/// `type/code` of an error object, as far as they are words.
pub(crate) fn class_of(error: &Value) -> String {
    let words = [word(error.get("type")).filter(|kind| kind != "error"), word(error.get("code"))];
    let mut words: Vec<String> = words.into_iter().flatten().collect();
    words.dedup();
    words.join("/")
}

/// The same of a raw error, or of what carries one.
pub(crate) fn class_of_raw(raw: &RawValue) -> String {
    let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
    class_of(error_of(&value).unwrap_or(&value))
}

fn word(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    ((1..=LONGEST).contains(&text.len()) && plain && digits <= 3).then_some(text)
}

/// The class of an error body, empty when it is none: of a body that is an error by its status.
pub fn error_class(reply: &[u8]) -> String {
    let reply: Value = serde_json::from_slice(reply).unwrap_or(Value::Null);
    error_of(&reply).map(class_of).unwrap_or_default()
}

/// The body of an error that says its class and nothing else.
pub fn error_body(class: &str) -> Vec<u8> {
    let (kind, code) = class.split_once('/').unwrap_or((class, ""));
    let mut out = String::from("{\"error\":{\"type\":");
    json::string(&mut out, kind);
    out.push_str(",\"code\":");
    if code.is_empty() {
        out.push_str("null");
    } else {
        json::string(&mut out, code);
    }
    out.push_str("}}");
    out.into_bytes()
}

/// A reply whose `error`, if it has one, says its class alone; every other member keeps its bytes.
pub fn without_error_text(reply: Vec<u8>) -> Vec<u8> {
    let Ok(value) = serde_json::from_slice::<Value>(&reply) else { return reply };
    let Some(error) = error_of(&value) else { return reply };
    let class = class_of(error);
    let Some(fields) = Fields::of_slice(&reply) else { return reply };
    if fields.get("error").is_none() {
        return error_body(&class);
    }
    let mut out = String::from("{");
    for (key, raw) in &fields.0 {
        if out.len() > 1 {
            out.push(',');
        }
        json::string(&mut out, key);
        out.push(':');
        if key == "error" {
            let body = error_body(&class);
            out.push_str(std::str::from_utf8(&body[9..body.len() - 1]).unwrap_or("null"));
        } else {
            out.push_str(raw.get());
        }
    }
    out.push('}');
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_words_alone() {
        for (body, class) in [
            (
                r#"{"error":{"message":"call +49 30 123","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#,
                "invalid_request_error/context_length_exceeded",
            ),
            (r#"{"error":{"type":"server_error","code":null}}"#, "server_error"),
            (r#"{"error":{"type":"server_error","code":500}}"#, "server_error/500"),
            (r#"{"error":{"type":"error","code":"server_error","message":"m"}}"#, "server_error"),
            (
                r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#,
                "BadRequestError/400",
            ),
            (r#"{"error":{"type":"John Doe","code":"4111111111111111"}}"#, ""),
            (r#"{"error":"no"}"#, ""),
            (r#"{"id":"x"}"#, ""),
            ("not json", ""),
        ] {
            assert_eq!(error_class(body.as_bytes()), class, "{body}");
        }
    }

    #[test]
    fn the_text_of_an_error_goes_and_the_rest_stays() {
        let check = |before: &str, after: &str| {
            let out = without_error_text(before.as_bytes().to_vec());
            assert_eq!(String::from_utf8(out).unwrap(), after);
        };
        check(
            r#"{"error":{"message":"John Doe","type":"requests","code":"rate_limit_exceeded"}}"#,
            r#"{"error":{"type":"requests","code":"rate_limit_exceeded"}}"#,
        );
        check(
            r#"{"id":"resp_1", "error":{"code":"server_error","message":"John"},"output":[ 1.50 ]}"#,
            r#"{"id":"resp_1","error":{"type":"server_error","code":null},"output":[ 1.50 ]}"#,
        );
        check(r#"{"object":"error","message":"John","code":400}"#, r#"{"error":{"type":"400","code":null}}"#);
        for untouched in [r#"{"error": null}"#, "[1]", "John"] {
            check(untouched, untouched);
        }
    }
}
