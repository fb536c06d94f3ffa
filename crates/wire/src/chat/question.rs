//! The part of a request that a student answers, and what keeps a request from one.

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::json;

/// What a student reads of a request.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// The texts of system and developer messages, joined by line feeds.
    pub system: String,
    /// The tools as canonical JSON; empty without tools.
    pub tools: String,
    /// The texts of all other messages, joined by line feeds; of a single user message just its text.
    pub text: String,
    /// The messages up to the first user message, canonical: the same for every turn of a conversation.
    pub opening: String,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Question({} + {} + {} bytes)", self.system.len(), self.tools.len(), self.text.len())
    }
}

/// Why a request stays on the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Custom tools, or a web search.
    Tools,
    /// A part of a message that is not text.
    Modality,
    /// More than one choice.
    Choices,
    /// A token bias: its ids belong to the cloud's vocabulary.
    LogitBias,
    /// Log-probabilities: no student gives them yet.
    Logprobs,
    /// Audio out.
    Audio,
    /// The cloud is to store or to moderate the exchange.
    Stored,
    /// A response format; no schema compiles to a constraint here yet.
    Format,
    /// Deprecated functions.
    Functions,
    /// State that the request does not carry.
    Context,
    /// A surface that no student answers or learns from.
    Surface,
    /// Not a chat request.
    Malformed,
}

impl Blocks {
    /// The name in metrics and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Modality => "modality",
            Self::Choices => "choices",
            Self::LogitBias => "logit_bias",
            Self::Logprobs => "logprobs",
            Self::Audio => "audio",
            Self::Stored => "stored",
            Self::Format => "format",
            Self::Functions => "functions",
            Self::Context => "context",
            Self::Surface => "surface",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The question of a request, or what keeps it on the cloud.
pub fn question(body: &[u8]) -> Result<Question, Blocks> {
    question_in(&serde_json::from_slice(body).map_err(|_| Blocks::Malformed)?)
}

/// The same of a body that is read already.
pub(crate) fn question_in(request: &Value) -> Result<Question, Blocks> {
    let messages = request.get("messages").and_then(Value::as_array).ok_or(Blocks::Malformed)?;
    if messages.is_empty() {
        return Err(Blocks::Malformed);
    }
    messages.iter().try_for_each(message_blocks)?;
    match request_blocks(request) {
        Some(blocks) => Err(blocks),
        None => Ok(of(request)),
    }
}

fn request_blocks(request: &Value) -> Option<Blocks> {
    let set = |key: &str| request.get(key).filter(|value| !value.is_null());
    let on = |key: &str| set(key).is_some_and(|value| value != &Value::Bool(false));
    let filled = |key: &str| match set(key) {
        None => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    };
    let is_function = |tool: &Value| tool.get("type").and_then(Value::as_str) == Some("function");
    let only_functions = |tools: &Value| tools.as_array().is_some_and(|tools| tools.iter().all(is_function));
    let is_text = |modes: &Value| modes.as_array().is_some_and(|modes| modes.iter().all(|m| m == "text"));
    let plain = |format: &Value| format.get("type").and_then(Value::as_str) == Some("text");
    let rules = [
        (set("tools").is_some_and(|tools| !only_functions(tools)) || on("web_search_options"), Blocks::Tools),
        (set("audio").is_some() || set("modalities").is_some_and(|modes| !is_text(modes)), Blocks::Audio),
        (set("n").is_some_and(|n| n.as_f64() != Some(1.0)), Blocks::Choices),
        (filled("logit_bias"), Blocks::LogitBias),
        (on("logprobs"), Blocks::Logprobs),
        (on("store") || on("moderation"), Blocks::Stored),
        (set("response_format").is_some_and(|format| !plain(format)), Blocks::Format),
        (filled("functions"), Blocks::Functions),
    ];
    rules.into_iter().find_map(|(holds, blocks)| holds.then_some(blocks))
}

fn message_blocks(message: &Value) -> Result<(), Blocks> {
    if message.get("role").and_then(Value::as_str).is_none() {
        return Err(Blocks::Malformed);
    }
    if message.get("audio").is_some_and(|audio| !audio.is_null()) {
        return Err(Blocks::Audio);
    }
    match message.get("content") {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) => {
            let known =
                |part: &Value| matches!(part.get("type").and_then(Value::as_str), Some("text" | "refusal"));
            if parts.iter().all(known) { Ok(()) } else { Err(Blocks::Modality) }
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(Blocks::Malformed),
    }
}

/// The question of a request whose messages are known to be an array.
pub(crate) fn of(request: &Value) -> Question {
    let messages = request.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut question = Question::default();
    let mut opening = Some(Vec::new());
    for message in messages {
        let role = message.get("role").and_then(Value::as_str).unwrap_or("");
        let text = text_of(message);
        if let Some(mut turns) = opening.take() {
            turns.push(json!([role, text]));
            if role == "user" {
                question.opening = Value::Array(turns).to_string();
            } else {
                opening = Some(turns);
            }
        }
        let into =
            if matches!(role, "system" | "developer") { &mut question.system } else { &mut question.text };
        if !into.is_empty() && !text.is_empty() {
            into.push('\n');
        }
        into.push_str(&text);
    }
    if let Some(turns) = opening {
        question.opening = Value::Array(turns).to_string();
    }
    if let Some(tools) = request.get("tools").filter(|tools| tools.as_array().is_some_and(|t| !t.is_empty()))
    {
        json::canonical(&mut question.tools, tools);
    }
    question
}

/// The text of one message: its string, or its text parts joined without a separator; of a refusal its words.
pub(crate) fn text_of(message: &Value) -> String {
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text").or_else(|| part.get("refusal")).and_then(Value::as_str))
            .collect(),
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => String::new(),
    };
    match message.get("refusal").and_then(Value::as_str) {
        Some(refusal) if text.is_empty() => refusal.to_owned(),
        Some(_) | None => text,
    }
}

/// The key of a template: 16 hex characters of a hash over system text and tools, in which every digit reads
/// `0` and runs of white space read as one space.
pub fn template_key(system: &str, tools: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"kolm-template-1\x1f");
    for part in [system, tools] {
        for word in part.split_whitespace() {
            let word: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            hash.update(word.as_bytes());
            hash.update(b" ");
        }
        hash.update(b"\x1f");
    }
    kolm_core::hex(&hash.finalize()[..8])
}

/// The smallest request that asks `text`: what a line of a pairs file stands for.
pub fn request_of(text: &str, model: &str) -> Vec<u8> {
    request_under("", "", text, model)
}

/// The request that asks `text` under a system prompt and tools (a JSON array); both may be empty.
pub fn request_under(system: &str, tools: &str, text: &str, model: &str) -> Vec<u8> {
    let mut messages = vec![json!({"role": "user", "content": text})];
    if !system.is_empty() {
        messages.insert(0, json!({"role": "system", "content": system}));
    }
    let mut request = json!({"model": model, "messages": messages});
    if let Ok(tools @ Value::Array(_)) = serde_json::from_str(tools) {
        request["tools"] = tools;
    }
    request.to_string().into_bytes()
}
