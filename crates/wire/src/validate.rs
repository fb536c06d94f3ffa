//! The rule of acceptance of a local chat port: which requests are answered, and which member is at fault
//! in those that are not.
//!
//! **Invariant:** a request that is valid against the schema and asks for text is accepted, `null` being
//! equal to absent; every refusal names its `param`.

mod member;
mod messages;
mod tools;

use serde_json::{Map, Value};

use crate::chat::{Head, Question, question_of};
use crate::error::ApiError;
use member::Members;
pub use tools::ToolChoice;

/// A request that is to be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// Model and streaming.
    pub head: Head,
    /// What a student reads.
    pub question: Question,
    /// How many choices, 1 to 128.
    pub n: u32,
    /// Stop strings, none of them empty.
    pub stop: Vec<String>,
    /// The smaller of the two limits on the answer's tokens.
    pub max_tokens: Option<u32>,
    /// The seed.
    pub seed: Option<i64>,
    /// 0 to 2; absent = 1.
    pub temperature: Option<f64>,
    /// 0 to 1; absent = 1.
    pub top_p: Option<f64>,
    /// -2 to 2; absent = 0.
    pub frequency_penalty: Option<f64>,
    /// -2 to 2; absent = 0.
    pub presence_penalty: Option<f64>,
    /// Log-probabilities are asked for.
    pub logprobs: bool,
    /// How many alternatives a log-probability is to name.
    pub top_logprobs: Option<u32>,
    /// The form of the answer.
    pub format: Format,
    /// The names of the function tools (or deprecated functions).
    pub tools: Vec<String>,
    /// Which of them may or must be called.
    pub tool_choice: ToolChoice,
    /// Whether one answer may hold several calls.
    pub parallel_tool_calls: bool,
}

/// The form that an answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Text,
    /// One JSON object.
    JsonObject,
    /// JSON that is valid against the given schema.
    JsonSchema,
}

/// Checks a request body.
pub fn chat_request(body: &[u8]) -> Result<ChatRequest, ApiError> {
    let request: Value = serde_json::from_slice(body).map_err(|_| ApiError::bad_json())?;
    let map = request.as_object().ok_or_else(ApiError::bad_json)?;
    let top = Members::top(map);
    let model = top.required_string("model")?.to_owned();
    messages::check(top.required("messages")?)?;
    let stream = top.boolean("stream")?.unwrap_or(false);
    let include_usage = stream_options(&top)?;
    without_effect(&top)?;
    wants_text(&top)?;
    let format = format(&top)?;
    let tools = tools::check(&top)?;
    Ok(ChatRequest {
        head: Head { model, stream, include_usage: stream && include_usage },
        question: question_of(&request),
        n: top.integer("n", 1, 128)?.map_or(1, narrow),
        stop: stop(&top)?,
        max_tokens: max_tokens(&top)?,
        seed: top.integer("seed", i64::MIN, i64::MAX)?,
        temperature: top.number("temperature", 0.0, 2.0)?,
        top_p: top.number("top_p", 0.0, 1.0)?,
        frequency_penalty: top.number("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: top.number("presence_penalty", -2.0, 2.0)?,
        logprobs: top.boolean("logprobs")?.unwrap_or(false),
        top_logprobs: top.integer("top_logprobs", 0, 20)?.map(narrow),
        format,
        tools: tools.names,
        tool_choice: tools.choice,
        parallel_tool_calls: top.boolean("parallel_tool_calls")?.unwrap_or(true),
    })
}

fn narrow(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

fn stream_options(top: &Members<'_>) -> Result<bool, ApiError> {
    let Some(options) = top.object("stream_options")? else { return Ok(false) };
    options.boolean("include_obfuscation")?;
    Ok(options.boolean("include_usage")?.unwrap_or(false))
}

/// The schema bounds neither limit; a negative one leaves room for nothing.
fn max_tokens(top: &Members<'_>) -> Result<Option<u32>, ApiError> {
    let new = top.integer("max_completion_tokens", i64::MIN, i64::MAX)?;
    let old = top.integer("max_tokens", i64::MIN, i64::MAX)?;
    Ok(new.into_iter().chain(old).min().map(narrow))
}

fn stop(top: &Members<'_>) -> Result<Vec<String>, ApiError> {
    let stops = match top.get("stop") {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop.clone()],
        Some(_) => {
            let stops = top.array("stop", 1, 4)?.unwrap_or_default();
            let text = |(i, stop): (usize, &Value)| {
                stop.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| member::wrong_type(&format!("stop[{i}]"), "a string"))
            };
            stops.iter().enumerate().map(text).collect::<Result<_, _>>()?
        }
    };
    Ok(stops.into_iter().filter(|stop| !stop.is_empty()).collect())
}

fn format(top: &Members<'_>) -> Result<Format, ApiError> {
    let Some(format) = top.object("response_format")? else { return Ok(Format::Text) };
    match format.required_choice("type", &["text", "json_object", "json_schema"])? {
        "json_object" => Ok(Format::JsonObject),
        "json_schema" => {
            let schema = format.required_object("json_schema")?;
            tools::name(&schema)?;
            schema.string("description")?;
            schema.object("schema")?;
            schema.boolean("strict")?;
            Ok(Format::JsonSchema)
        }
        _ => Ok(Format::Text),
    }
}

/// Audio out is refused; `audio` alone asks for nothing.
fn wants_text(top: &Members<'_>) -> Result<(), ApiError> {
    let modes = top.array("modalities", 0, usize::MAX)?.unwrap_or_default();
    for (i, mode) in modes.iter().enumerate() {
        match mode.as_str() {
            Some("text") => {}
            Some("audio") => {
                return Err(ApiError::unsupported(
                    "modalities",
                    "This model does not give audio: ask for 'text'.",
                ));
            }
            Some(_) | None => {
                return Err(member::not_one_of(&format!("modalities[{i}]"), &["text", "audio"]));
            }
        }
    }
    if let Some(audio) = top.object("audio")? {
        if audio.required("voice")?.as_str().is_none() {
            audio.required_object("voice")?.required_string("id")?;
        }
        audio.required_choice("format", &["wav", "aac", "mp3", "flac", "opus", "pcm16"])?;
    }
    Ok(())
}

/// The fields that are accepted and change nothing; their types are checked all the same.
fn without_effect(top: &Members<'_>) -> Result<(), ApiError> {
    top.string("user")?;
    top.string("prompt_cache_key")?;
    if top.string("safety_identifier")?.is_some_and(|id| id.chars().count() > 64) {
        return Err(member::too_long("safety_identifier", 64));
    }
    top.choice("prompt_cache_retention", &["in_memory", "24h"])?;
    top.choice("service_tier", &["auto", "default", "flex", "scale", "priority", "fast"])?;
    top.choice("reasoning_effort", &["none", "minimal", "low", "medium", "high", "xhigh", "max"])?;
    top.choice("verbosity", &["low", "medium", "high"])?;
    top.object("prompt_cache_options")?;
    top.boolean("store")?;
    if let Some(moderation) = top.object("moderation")? {
        moderation.required_string("model")?;
    }
    if let Some(search) = top.object("web_search_options")? {
        search.choice("search_context_size", &["low", "medium", "high"])?;
        search.object("user_location")?;
    }
    if let Some(prediction) = top.object("prediction")? {
        prediction.required_choice("type", &["content"])?;
        messages::texts(prediction.required("content")?, "prediction.content", &["text"])?;
    }
    if let Some(bias) = top.raw_object("logit_bias")? {
        let bias = Members::under(bias, "logit_bias");
        bias.keys().try_for_each(|token| bias.integer(token, -100, 100).map(drop))?;
    }
    top.raw_object("metadata")?.map_or(Ok(()), metadata)
}

fn metadata(pairs: &Map<String, Value>) -> Result<(), ApiError> {
    if pairs.len() > 16 {
        return Err(ApiError::invalid("metadata", "Invalid 'metadata': at most 16 pairs."));
    }
    for (i, (key, value)) in pairs.iter().enumerate() {
        if key.chars().count() > 64 {
            return Err(ApiError::invalid(
                "metadata",
                format!("Invalid 'metadata': key {i} is longer than 64 characters."),
            ));
        }
        let param = format!("metadata.{key}");
        let value = value.as_str().ok_or_else(|| member::wrong_type(&param, "a string"))?;
        if value.chars().count() > 512 {
            return Err(member::too_long(&param, 512));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
