//! The messages of a request: roles, contents, parts and calls.

use std::collections::HashSet;

use serde_json::Value;

use super::member::{self, Members};
use crate::error::ApiError;

const ROLES: [&str; 6] = ["developer", "system", "user", "assistant", "tool", "function"];

/// The parts of a user message that hold no text: valid, but nothing a text student can read.
const MEDIA: [&str; 3] = ["image_url", "input_audio", "file"];

pub(super) fn check(messages: &Value) -> Result<(), ApiError> {
    let messages = messages.as_array().ok_or_else(|| member::wrong_type("messages", "an array"))?;
    if messages.is_empty() {
        return Err(ApiError::invalid("messages", "Invalid 'messages': expected at least 1 element."));
    }
    let mut calls = HashSet::new();
    for (i, message) in messages.iter().enumerate() {
        let message = Members::of(message, &format!("messages[{i}]"))?;
        message.string("name")?;
        match message.required_choice("role", &ROLES)? {
            "assistant" => assistant(&message, &mut calls)?,
            "tool" => tool(&message, &calls)?,
            "function" => {
                message.required_string("name")?;
                if !message.has("content") {
                    message.required("content")?;
                }
                message.string("content")?;
            }
            "user" => content(&message, &["text", "image_url", "input_audio", "file"])?,
            _ => content(&message, &["text"])?,
        }
    }
    Ok(())
}

fn content(message: &Members<'_>, kinds: &[&str]) -> Result<(), ApiError> {
    texts(message.required("content")?, &message.param("content"), kinds)
}

/// A content: a string, or one part at least, each of one of `kinds`.
pub(super) fn texts(content: &Value, param: &str, kinds: &[&str]) -> Result<(), ApiError> {
    if content.is_string() {
        return Ok(());
    }
    let parts =
        content.as_array().ok_or_else(|| member::wrong_type(param, "a string or an array of parts"))?;
    if parts.is_empty() {
        return Err(ApiError::invalid(param, format!("Invalid '{param}': expected at least 1 element.")));
    }
    for (j, part) in parts.iter().enumerate() {
        let part = Members::of(part, &format!("{param}[{j}]"))?;
        let kind = part.required_choice("type", kinds)?;
        if MEDIA.contains(&kind) {
            return Err(ApiError::unsupported(part.param("type"), "This model reads text only."));
        }
        // The text of a text part is `text`, that of a refusal `refusal`.
        part.required_string(kind)?;
    }
    Ok(())
}

fn assistant<'a>(message: &Members<'a>, calls: &mut HashSet<&'a str>) -> Result<(), ApiError> {
    let tool_calls = message.array("tool_calls", 0, usize::MAX)?.unwrap_or_default();
    for (k, call) in tool_calls.iter().enumerate() {
        let call = Members::of(call, &format!("{}[{k}]", message.param("tool_calls")))?;
        calls.insert(call.required_string("id")?);
        let kind = call.required_choice("type", &["function", "custom"])?;
        let body = call.required_object(kind)?;
        body.required_string("name")?;
        body.required_string(if kind == "custom" { "input" } else { "arguments" })?;
    }
    let function_call = message.object("function_call")?;
    if let Some(call) = &function_call {
        call.required_string("name")?;
        call.required_string("arguments")?;
    }
    let refusal = message.string("refusal")?;
    let audio = message.object("audio")?;
    if let Some(audio) = &audio {
        audio.required_string("id")?;
    }
    let stands_alone =
        !tool_calls.is_empty() || function_call.is_some() || refusal.is_some() || audio.is_some();
    if stands_alone && message.get("content").is_none() {
        return Ok(());
    }
    content(message, &["text", "refusal"])
}

fn tool<'a>(message: &Members<'a>, calls: &HashSet<&'a str>) -> Result<(), ApiError> {
    content(message, &["text"])?;
    if calls.contains(message.required_string("tool_call_id")?) {
        return Ok(());
    }
    let param = message.param("tool_call_id");
    Err(ApiError::invalid(
        &param,
        format!("Invalid '{param}': no earlier message holds a call with this id."),
    ))
}
