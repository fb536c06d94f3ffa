//! Requests and replies as people are shown them: turn by turn, text and calls apart.
//!
//! **Invariant:** never fails; what cannot be read is shown as nothing.

use kolm_core::{Answer, Surface, ToolCall, Turn};
use serde_json::Value;

use crate::chat::message_text;
use crate::{responses, surface};

/// The messages of a request; calls of tools among them as `name(arguments)`.
pub fn turns(surface: Surface, request: &[u8]) -> Vec<Turn> {
    let read: Value = serde_json::from_slice(request).unwrap_or(Value::Null);
    let chat = match surface {
        Surface::Responses => responses::as_chat(&read).unwrap_or(Value::Null),
        Surface::Chat => read,
        Surface::Completions
        | Surface::Embeddings
        | Surface::Moderations
        | Surface::Transcriptions
        | Surface::Translations
        | Surface::Other => Value::Null,
    };
    match chat.get("messages").and_then(Value::as_array) {
        Some(messages) => messages.iter().map(turn).collect(),
        None => {
            let text = surface::text(surface, request);
            let asked = Turn { role: "user".to_owned(), text };
            if asked.text.is_empty() { Vec::new() } else { vec![asked] }
        }
    }
}

fn turn(message: &Value) -> Turn {
    let said = message_said(message);
    let calls = said.calls.iter().map(|call| format!("{}({})", call.name, call.arguments));
    let lines: Vec<String> = [said.text].into_iter().filter(|text| !text.is_empty()).chain(calls).collect();
    Turn { role: text(message, "role"), text: lines.join("\n") }
}

/// What a reply says, of whatever surface; its first choice where there are several.
pub fn answer(reply: &[u8]) -> Answer {
    let reply: Value = serde_json::from_slice(reply).unwrap_or(Value::Null);
    if let Some(choice) = reply.pointer("/choices/0") {
        return match choice.get("message") {
            Some(message) => message_said(message),
            None => Answer { text: text(choice, "text"), calls: Vec::new() },
        };
    }
    let Some(items) = reply.get("output").and_then(Value::as_array) else {
        return Answer { text: text(&reply, "text"), calls: Vec::new() };
    };
    let mut said = Answer::default();
    for item in items {
        match item.get("type").and_then(Value::as_str).unwrap_or("message") {
            "message" => said.text.push_str(&message_text(item)),
            "function_call" => said.calls.push(call(item)),
            _ => {}
        }
    }
    said
}

fn message_said(message: &Value) -> Answer {
    let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let old = message.get("function_call").filter(|call| call.is_object());
    let functions = calls.iter().map(|one| one.get("function").unwrap_or(&Value::Null)).chain(old);
    Answer { text: message_text(message), calls: functions.map(call).collect() }
}

fn call(function: &Value) -> ToolCall {
    ToolCall { name: text(function, "name"), arguments: text(function, "arguments") }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_surface_is_shown_turn_by_turn() {
        let shown = |surface, body: &str| {
            let turns = turns(surface, body.as_bytes()).into_iter();
            turns.map(|turn| format!("{}: {}", turn.role, turn.text)).collect::<Vec<_>>().join(" | ")
        };
        for (surface, body, wanted) in [
            (
                Surface::Chat,
                r#"{"messages":[{"role":"system","content":"S"},{"role":"user","content":[{"type":"text","text":"a"}]},
                    {"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name":"f","arguments":"{}"}}]}]}"#,
                "system: S | user: a | assistant: f({})",
            ),
            (Surface::Responses, r#"{"instructions":"S","input":"b"}"#, "developer: S | user: b"),
            (Surface::Responses, r#"{"input":"b","previous_response_id":"r"}"#, "user: b"),
            (Surface::Completions, r#"{"prompt":"c"}"#, "user: c"),
            (Surface::Chat, "no json", ""),
            (Surface::Chat, "", ""),
        ] {
            assert_eq!(shown(surface, body), wanted, "{body}");
        }
    }

    #[test]
    fn every_reply_has_its_text_and_calls() {
        let f = || vec![ToolCall { name: "f".into(), arguments: "{\"a\":1}".into() }];
        for (reply, text, calls) in [
            (r#"{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]}"#, "a", vec![]),
            (r#"{"choices":[{"message":{"content":null,"refusal":"no"}}]}"#, "no", vec![]),
            (r#"{"choices":[{"text":"c"}]}"#, "c", vec![]),
            (
                r#"{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}"#,
                "",
                f(),
            ),
            (
                r#"{"choices":[{"message":{"content":"","function_call":{"name":"f","arguments":"{\"a\":1}"}}}]}"#,
                "",
                f(),
            ),
            (
                r#"{"output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"d"}]},
                    {"type":"function_call","name":"f","arguments":"{\"a\":1}"}]}"#,
                "d",
                f(),
            ),
            (r#"{"text":"e"}"#, "e", vec![]),
            ("", "", vec![]),
        ] {
            assert_eq!(answer(reply.as_bytes()), Answer { text: text.into(), calls }, "{reply}");
        }
    }
}
