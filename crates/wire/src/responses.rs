//! Requests of `/v1/responses` as the chat requests that they amount to.
//!
//! **Invariant:** what leans on state that the request does not carry, or on tools that the cloud runs, has no
//! such form; it is refused by name, never cut down.

use serde_json::{Map, Value, json};

use crate::chat::Blocks;

/// Members that mean the same in both, under the name that chat has for them.
const SAME: [(&str, &str); 6] = [
    ("model", "model"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("max_output_tokens", "max_completion_tokens"),
    ("stream", "stream"),
];

/// The chat request that `request` amounts to, or what keeps it from being one.
pub(crate) fn as_chat(request: &Value) -> Result<Value, Blocks> {
    let set = |key: &str| request.get(key).filter(|value| !value.is_null());
    let leans = ["previous_response_id", "conversation", "prompt"].iter().any(|key| set(key).is_some());
    if leans || set("background") == Some(&Value::Bool(true)) {
        return Err(Blocks::Context);
    }
    let mut chat = Map::new();
    for (theirs, ours) in SAME {
        if let Some(value) = set(theirs) {
            chat.insert(ours.to_owned(), value.clone());
        }
    }
    let mut messages = Vec::new();
    if let Some(instructions) = set("instructions") {
        let text = instructions.as_str().ok_or(Blocks::Malformed)?;
        messages.push(json!({"role": "developer", "content": text}));
    }
    match set("input") {
        Some(Value::String(text)) => messages.push(json!({"role": "user", "content": text})),
        Some(Value::Array(items)) => items.iter().try_for_each(|one| item(one, &mut messages))?,
        Some(_) | None => return Err(Blocks::Malformed),
    }
    chat.insert("messages".to_owned(), Value::Array(messages));
    if let Some(tools) = tools(set("tools"))? {
        chat.insert("tools".to_owned(), tools);
    }
    if let Some(choice) = set("tool_choice") {
        chat.insert("tool_choice".to_owned(), tool_choice(choice));
    }
    if let Some(format) = request.pointer("/text/format").filter(|format| !format.is_null()) {
        chat.insert("response_format".to_owned(), response_format(format));
    }
    Ok(Value::Object(chat))
}

/// The functions of a request; any other tool runs in the cloud.
fn tools(tools: Option<&Value>) -> Result<Option<Value>, Blocks> {
    let Some(tools) = tools else { return Ok(None) };
    let tools = tools.as_array().ok_or(Blocks::Malformed)?;
    let function = |tool: &Value| match tool.get("type").and_then(Value::as_str) {
        Some("function") => Ok(json!({"type": "function", "function": without_type(tool)})),
        Some(_) | None => Err(Blocks::Tools),
    };
    let tools: Vec<Value> = tools.iter().map(function).collect::<Result<_, _>>()?;
    Ok((!tools.is_empty()).then_some(Value::Array(tools)))
}

/// A flat `{type, name, ...}` without its type.
fn without_type(flat: &Value) -> Value {
    let members = flat.as_object().into_iter().flatten();
    members.filter(|(key, _)| *key != "type").map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn tool_choice(choice: &Value) -> Value {
    match choice.get("name").and_then(Value::as_str) {
        Some(name) => json!({"type": "function", "function": {"name": name}}),
        None => choice.clone(),
    }
}

fn response_format(format: &Value) -> Value {
    match format.get("type").and_then(Value::as_str) {
        Some("json_schema") => json!({"type": "json_schema", "json_schema": without_type(format)}),
        Some(_) | None => format.clone(),
    }
}

/// One input item, appended to the messages.
fn item(item: &Value, messages: &mut Vec<Value>) -> Result<(), Blocks> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).ok_or(Blocks::Malformed);
    match item.get("type").and_then(Value::as_str).unwrap_or("message") {
        "message" => {
            let content = content(item.get("content").unwrap_or(&Value::Null))?;
            messages.push(json!({"role": text("role")?, "content": content}));
        }
        "function_call" => {
            let function = json!({"name": text("name")?, "arguments": text("arguments")?});
            call(messages, json!({"id": text("call_id")?, "type": "function", "function": function}));
        }
        "function_call_output" => {
            let content = content(item.get("output").unwrap_or(&Value::Null))?;
            messages.push(json!({"role": "tool", "tool_call_id": text("call_id")?, "content": content}));
        }
        "item_reference" => return Err(Blocks::Context),
        // Its summary is no part of what was said.
        "reasoning" if item.get("encrypted_content").is_none_or(Value::is_null) => {}
        "reasoning" => return Err(Blocks::Context),
        _ => return Err(Blocks::Tools),
    }
    Ok(())
}

/// Calls that follow each other are one message, as chat has them.
fn call(messages: &mut Vec<Value>, call: Value) {
    let open = messages.last_mut().filter(|message| message["role"] == "assistant");
    if let Some(message) = open.and_then(Value::as_object_mut) {
        match message.get_mut("tool_calls").and_then(Value::as_array_mut) {
            Some(calls) => calls.push(call),
            None => drop(message.insert("tool_calls".to_owned(), json!([call]))),
        }
    } else {
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
    }
}

fn content(content: &Value) -> Result<Value, Blocks> {
    let parts = match content {
        Value::String(_) => return Ok(content.clone()),
        Value::Array(parts) => parts,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(Blocks::Malformed),
    };
    let part = |part: &Value| {
        let text = |key: &str| part.get(key).and_then(Value::as_str).ok_or(Blocks::Malformed);
        match part.get("type").and_then(Value::as_str) {
            Some("input_text" | "output_text" | "text") => Ok(json!({"type": "text", "text": text("text")?})),
            Some("refusal") => Ok(json!({"type": "refusal", "refusal": text("refusal")?})),
            Some(_) | None => Err(Blocks::Modality),
        }
    };
    parts.iter().map(part).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: Value, want: Result<Value, Blocks>) {
        assert_eq!(as_chat(&request), want, "{request}");
    }

    #[test]
    fn everything_that_has_a_chat_form_gets_it() {
        check(
            json!({"model": "m", "input": "hi"}),
            Ok(json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})),
        );
        check(
            json!({
                "model": "m", "instructions": "be brief", "temperature": 0, "max_output_tokens": 9,
                "previous_response_id": null, "background": false, "store": true,
                "input": [
                    {"role": "user", "content": "weather?"},
                    {"type": "reasoning", "id": "rs_1", "summary": []},
                    {"type": "function_call", "call_id": "c1", "name": "w", "arguments": "{}"},
                    {"type": "function_call", "call_id": "c2", "name": "w", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c1", "output": "sun"},
                    {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "rain"}]},
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}
                ],
                "tools": [{"type": "function", "name": "w", "parameters": {"type": "object"}, "strict": true}],
                "tool_choice": {"type": "function", "name": "w"},
                "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}}
            }),
            Ok(json!({
                "model": "m", "temperature": 0, "max_completion_tokens": 9,
                "messages": [
                    {"role": "developer", "content": "be brief"},
                    {"role": "user", "content": "weather?"},
                    {"role": "assistant", "content": null, "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{}"}},
                        {"id": "c2", "type": "function", "function": {"name": "w", "arguments": "{}"}}]},
                    {"role": "tool", "tool_call_id": "c1", "content": "sun"},
                    {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "rain"}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}
                ],
                "tools": [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}, "strict": true}}],
                "tool_choice": {"type": "function", "function": {"name": "w"}},
                "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": true}}
            })),
        );
    }

    #[test]
    fn what_has_no_chat_form_is_refused_by_name() {
        let with = |key: &str, value: Value| {
            let mut request = json!({"model": "m", "input": "hi"});
            request[key] = value;
            request
        };
        for (request, why) in [
            (with("previous_response_id", json!("resp_1")), Blocks::Context),
            (with("conversation", json!({"id": "conv_1"})), Blocks::Context),
            (with("prompt", json!({"id": "pmpt_1"})), Blocks::Context),
            (with("background", json!(true)), Blocks::Context),
            (with("input", json!([{"type": "item_reference", "id": "i"}])), Blocks::Context),
            (with("input", json!([{"type": "reasoning", "encrypted_content": "x"}])), Blocks::Context),
            (with("tools", json!([{"type": "web_search"}])), Blocks::Tools),
            (with("tools", json!([{"type": "custom", "name": "x"}])), Blocks::Tools),
            (with("input", json!([{"type": "web_search_call", "id": "w"}])), Blocks::Tools),
            (
                with(
                    "input",
                    json!([{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]),
                ),
                Blocks::Modality,
            ),
            (with("input", json!(7)), Blocks::Malformed),
            (json!({"model": "m"}), Blocks::Malformed),
            (with("input", json!([{"type": "function_call", "name": "w"}])), Blocks::Malformed),
        ] {
            check(request, Err(why));
        }
    }
}
