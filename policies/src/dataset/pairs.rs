//! Rows from files: pairs that a person brings along, and the rows of a frozen snapshot.

use std::collections::BTreeSet;

use kolm_core::hex;
use kolm_wire::chat;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Error, LineProblem, Prompt, Row, one_each};

/// Longest line read.
const LONGEST: usize = 1024 * 1024;
/// Problems that are spelled out; the rest are counted.
const SPELLED_OUT: usize = 10;
/// Model named in the request of a pair that brings none.
const NO_MODEL: &str = "pairs";

/// One pair of a pairs file.
#[derive(Clone, PartialEq, Eq)]
pub struct PairLine {
    /// The request that would ask for it: a chat completion.
    pub request: Vec<u8>,
    /// The answer.
    pub answer: String,
    /// What a student reads of the request.
    pub text: String,
}

impl std::fmt::Debug for PairLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PairLine({} + {} bytes)", self.text.len(), self.answer.len())
    }
}

#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    label: Option<String>,
    messages: Option<Vec<Map<String, Value>>>,
    model: Option<String>,
    tools: Option<Value>,
    functions: Option<Value>,
    parallel_tool_calls: Option<Value>,
    response_format: Option<Value>,
}

/// Reads a pairs file: `{"text", "label"}` or `{"messages": [.., assistant]}`, one a line. A byte order mark,
/// CRLF and blank lines are fine; unknown fields are ignored.
pub fn parse_pairs(jsonl: &str) -> Result<Vec<PairLine>, Error> {
    each_line(jsonl.as_bytes(), |line| pair(parse(line)?))
}

/// Reads `rows.jsonl` of a snapshot or a job.
pub fn parse_rows(jsonl: &[u8]) -> Result<Vec<Row>, Error> {
    each_line(jsonl, parse)
}

/// The pairs of a file as rows: ids by content, so the order of the lines does not matter.
pub fn rows_of_pairs(pairs: &[PairLine]) -> Vec<Row> {
    let mut rows: Vec<Row> = pairs.iter().map(row_of).collect();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    one_each(&mut rows, &mut BTreeSet::new());
    let mut copy = 0;
    for i in 1..rows.len() {
        // Copies keep their content id as a prefix, so "the same id" stays recognizable.
        copy = if rows[i - 1].id.starts_with(&rows[i].id) { copy + 1 } else { 0 };
        if copy > 0 {
            rows[i].id = format!("{}-{copy}", rows[i].id);
        }
    }
    rows
}

fn row_of(pair: &PairLine) -> Row {
    let digest = |parts: &[&[u8]]| {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize()[..8])
    };
    // `parse_pairs` has read the same request already: the empty question stands for what cannot happen.
    let (template, conversation, prompt) = chat::question(&pair.request).map_or_else(
        |_| Default::default(),
        |q| {
            let conversation = digest(&[q.system.as_bytes(), q.opening.as_bytes()]);
            (chat::template_key(&q.system, &q.tools), conversation, Prompt::of(&q))
        },
    );
    Row {
        id: format!("file-{}", digest(&[&pair.request, pair.answer.as_bytes()])),
        conversation,
        ts: 0,
        template,
        text: pair.text.clone(),
        answer: pair.answer.clone(),
        teacher: chat::head(&pair.request).map_or_else(|_| NO_MODEL.to_owned(), |head| head.model),
        weight: 1.0,
        prompt,
        took: None,
    }
}

fn each_line<T>(bytes: &[u8], read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut out, mut problems, mut total) = (Vec::new(), Vec::new(), 0);
    for (line, n) in bytes.split(|b| *b == b'\n').zip(1..) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match text_of(line).and_then(&read) {
            Ok(value) => out.push(value),
            Err(why) => {
                total += 1;
                if problems.len() < SPELLED_OUT {
                    problems.push(LineProblem { line: n, why });
                }
            }
        }
    }
    if total > 0 {
        return Err(Error::Lines { problems, total });
    }
    if out.is_empty() { Err(Error::Empty) } else { Ok(out) }
}

fn text_of(line: &[u8]) -> Result<&str, String> {
    if line.len() > LONGEST {
        return Err(format!("{} bytes, at most {LONGEST} are read", line.len()));
    }
    std::str::from_utf8(line).map_err(|e| format!("not UTF-8 from byte {}", e.valid_up_to() + 1))
}

fn parse<T: DeserializeOwned>(line: &str) -> Result<T, String> {
    // serde reads an array as a struct too; a line is an object.
    if !line.starts_with('{') {
        return Err("not a JSON object".to_owned());
    }
    serde_json::from_str(line).map_err(|e| {
        let text = e.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        format!("{what} (column {})", e.column())
    })
}

fn pair(line: Line) -> Result<PairLine, String> {
    match (&line.messages, &line.text, &line.label) {
        (None, Some(text), Some(label)) => {
            let (text, answer) = (filled("text", text)?, filled("label", label)?);
            let model = line.model.as_deref().unwrap_or(NO_MODEL);
            Ok(PairLine { request: chat::request_of(&text, model), answer, text })
        }
        (Some(_), None, None) => conversation(line),
        (Some(_), _, _) => Err("has `messages` beside `text` or `label`".to_owned()),
        (None, Some(_), None) => Err("no `label`".to_owned()),
        (None, None, Some(_)) => Err("no `text`".to_owned()),
        (None, None, None) => Err("neither `text` and `label` nor `messages`".to_owned()),
    }
}

fn conversation(line: Line) -> Result<PairLine, String> {
    let mut messages = line.messages.unwrap_or_default();
    let last = messages.pop().ok_or("`messages` is empty")?;
    if last.get("role").and_then(Value::as_str) != Some("assistant") {
        return Err("the last message is not from `assistant`".to_owned());
    }
    let answer = filled("content of the last message", &content(&last)?)?;
    let mut request = Map::new();
    request.insert("model".to_owned(), line.model.unwrap_or_else(|| NO_MODEL.to_owned()).into());
    request.insert("messages".to_owned(), Value::Array(messages.into_iter().map(Value::Object).collect()));
    let rest = [
        ("tools", line.tools),
        ("functions", line.functions),
        ("parallel_tool_calls", line.parallel_tool_calls),
        ("response_format", line.response_format),
    ];
    for (name, value) in rest {
        if let Some(value) = value {
            request.insert(name.to_owned(), value);
        }
    }
    let request = Value::Object(request).to_string().into_bytes();
    let question =
        chat::question(&request).map_err(|blocks| format!("no student can read it: {}", blocks.as_str()))?;
    Ok(PairLine { answer, text: filled("text of the messages", &question.text)?, request })
}

/// The text of an assistant message: a string, or text parts joined.
fn content(message: &Map<String, Value>) -> Result<String, String> {
    match message.get("content") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => parts
            .iter()
            .map(|part| part.get("text").and_then(Value::as_str))
            .collect::<Option<String>>()
            .ok_or_else(|| "the last message holds a part that is not text".to_owned()),
        _ if message.contains_key("tool_calls") => {
            Err("the last message calls tools: this version learns text answers only".to_owned())
        }
        _ => Err("the last message has no text".to_owned()),
    }
}

fn filled(what: &str, text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err(format!("empty {what}")) } else { Ok(text.to_owned()) }
}
