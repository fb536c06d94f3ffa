//! What a reply answers, as scorers compare it.

use std::fmt;

use serde_json::Value;

use super::facts;
use crate::schema;

/// The first choice of a reply.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its text, `None` where it says nothing.
    pub text: Option<String>,
    /// The functions it calls, in order.
    pub calls: Vec<Call>,
}

/// A function call.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub name: String,
    /// Its arguments, JSON in a string as the model wrote it.
    pub arguments: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({:?} bytes, {} calls)", self.text.as_ref().map(String::len), self.calls.len())
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} bytes)", self.arguments.len())
    }
}

/// The answer of a whole reply; never fails.
pub fn answer(reply: &[u8]) -> Answer {
    let value: Value = serde_json::from_slice(reply).unwrap_or_default();
    let message = value.pointer("/choices/0/message").unwrap_or(&Value::Null);
    let calls = schema::calls_of(message);
    let text = |call: &Value, key: &str| call.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    Answer {
        text: facts(reply).text,
        calls: calls
            .map(|call| Call { name: text(call, "name"), arguments: text(call, "arguments") })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_text_and_calls_and_prints_neither() {
        let reply = br#"{"choices":[{"message":{"content":"ok","tool_calls":[
            {"type":"function","function":{"name":"book","arguments":"{\"city\":\"Rome\"}"}}]}}]}"#;
        let found = answer(reply);
        assert_eq!(found.text.as_deref(), Some("ok"));
        assert_eq!(
            (found.calls[0].name.as_str(), found.calls[0].arguments.as_str()),
            ("book", "{\"city\":\"Rome\"}")
        );
        let old =
            br#"{"choices":[{"message":{"content":null,"function_call":{"name":"f","arguments":""}}}]}"#;
        assert_eq!((answer(old).text, answer(old).calls.len()), (None, 1));
        assert_eq!(answer(b"no json"), Answer::default());
        assert!(!format!("{found:?} {:?}", found.calls).contains("Rome"));
    }
}
