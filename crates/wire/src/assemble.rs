//! A streamed answer put back together: the body that the same call would have given without `stream`.
//!
//! **Invariant:** values that are not text pieces keep the bytes they came in, and an answer that broke off,
//! held an error or could not be read is never `complete`.

mod bag;
mod choice;
mod transcript;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::class;
use crate::fields::{self, Fields};
use crate::sse;
use bag::Bag;
use choice::Choice;
use transcript::Transcript;

/// What came of a stream.
#[derive(Clone, PartialEq, Eq)]
pub struct Assembled {
    /// The body that the call would have given without `stream`: a `chat.completion`, `text_completion`,
    /// `response` or transcript; of an error without any answer the error body; empty when nothing was readable.
    pub reply: Vec<u8>,
    /// Every index has its finish reason, and `[DONE]` came or the body ended in good order after them.
    pub complete: bool,
    /// `[DONE]` came (of a `response` or a transcript: the event that ends it).
    pub done: bool,
    /// An error frame came.
    pub error: bool,
    /// The words that the error is known by.
    pub error_class: String,
}

impl fmt::Debug for Assembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembled")
            .field("bytes", &self.reply.len())
            .field("complete", &self.complete)
            .field("done", &self.done)
            .field("error", &self.error)
            .finish()
    }
}

/// Joins the events of one stream.
#[derive(Clone, Default)]
pub struct Assembler {
    top: Bag,
    choices: BTreeMap<u64, Choice>,
    legacy: bool,
    response: Option<Box<RawValue>>,
    /// The response came with its terminal event.
    settled: bool,
    transcript: Option<Transcript>,
    error: Option<Box<RawValue>>,
    done: bool,
    unreadable: bool,
}

impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assembler({} choices)", self.choices.len())
    }
}

impl Assembler {
    /// An assembler that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event; whatever follows `[DONE]` is ignored.
    pub fn event(&mut self, event: &sse::Event) {
        let data = event.data.trim();
        if self.done || data.is_empty() {
            return;
        }
        if data == "[DONE]" {
            self.done = true;
            return;
        }
        let Some(fields) = Fields::of_slice(data.as_bytes()) else {
            self.unreadable = true;
            return;
        };
        if let Some(error) = fields.get("error") {
            self.error = Some(error.to_owned());
            return;
        }
        match fields.get("type").and_then(fields::text) {
            Some(kind) if kind == "error" || kind.starts_with("response.") => {
                self.response_event(&kind, data, &fields);
            }
            Some(kind) if kind.starts_with("transcript.text.") => {
                let transcript = self.transcript.get_or_insert_default();
                match transcript.event(&kind, data, &fields) {
                    Some(ended) => self.done = ended,
                    None => self.unreadable = true,
                }
            }
            Some(_) | None => self.chunk(&fields),
        }
    }

    /// The end. `ended_cleanly`: the body was received to its proper end.
    pub fn finish(self, ended_cleanly: bool) -> Assembled {
        let finished = !self.choices.is_empty() && self.choices.values().all(Choice::is_finished);
        let told = self.transcript.as_ref().is_some_and(Transcript::is_finished);
        let ended = self.done || ended_cleanly;
        let error = self.error.is_some();
        let complete = !self.unreadable && !error && ended && (finished || self.settled || told);
        let error_class = self.error.as_ref().map_or_else(String::new, |error| class::class_of_raw(error));
        Assembled { reply: self.reply().into_bytes(), complete, done: self.done, error, error_class }
    }

    fn chunk(&mut self, fields: &Fields<'_>) {
        for (key, raw) in &fields.0 {
            match key.as_ref() {
                "choices" => self.choices(raw),
                // Padding against traffic analysis: it stays on the wire.
                "obfuscation" => {}
                "object" => self.legacy |= raw.get() == "\"text_completion\"",
                "id" => self.top.first(key, raw),
                "model" if raw.get() == "\"\"" => {}
                _ => self.top.last(key, raw),
            }
        }
    }

    fn choices(&mut self, raw: &RawValue) {
        for choice in fields::elements(raw).unwrap_or_default() {
            let Some(fields) = Fields::of(choice) else {
                self.unreadable = true;
                continue;
            };
            let index = fields.get("index").and_then(fields::unsigned).unwrap_or(0);
            if self.choices.entry(index).or_default().merge(&fields).is_none() {
                self.unreadable = true;
            }
        }
    }

    /// `/v1/responses` needs no assembly: its terminal event carries the whole body. Until then the last state
    /// that an event carried stands for it.
    fn response_event(&mut self, kind: &str, data: &str, fields: &Fields<'_>) {
        if kind == "error" {
            self.error = serde_json::from_str(data).ok();
            return;
        }
        let terminal = matches!(kind, "response.completed" | "response.incomplete" | "response.failed");
        if let Some(response) = fields.get("response") {
            self.response = Some(response.to_owned());
        } else {
            self.unreadable |= terminal;
        }
        if terminal {
            (self.done, self.settled) = (true, self.response.is_some());
        }
        if kind == "response.failed" {
            self.error = self.response.clone();
        }
    }

    fn reply(&self) -> String {
        if let Some(response) = &self.response {
            return response.get().to_owned();
        }
        if let Some(transcript) = &self.transcript {
            return transcript.reply();
        }
        if let (true, Some(error)) = (self.choices.is_empty(), &self.error) {
            return format!("{{\"error\":{}}}", error.get());
        }
        if self.choices.is_empty() && self.top.is_empty() {
            return String::new();
        }
        let mut out = String::from("{");
        for key in ["id", "created", "model"] {
            self.top.write_one(&mut out, key);
            if key == "id" {
                bag::comma(&mut out);
                let object = if self.legacy { "text_completion" } else { "chat.completion" };
                out.push_str(&format!("\"object\":\"{object}\""));
            }
        }
        out.push_str(",\"choices\":[");
        for (index, choice) in &self.choices {
            if !out.ends_with('[') {
                out.push(',');
            }
            choice.write(&mut out, *index);
        }
        out.push(']');
        self.top.write_but(&mut out, &["id", "created", "model"]);
        out.push('}');
        out
    }
}

/// A whole stream at once. Without `ended_cleanly` an event that misses its blank line does not count.
pub fn of_stream(bytes: &[u8], ended_cleanly: bool) -> Assembled {
    let mut reader = sse::Reader::new();
    let mut assembler = Assembler::new();
    match reader.push(bytes) {
        Ok(events) => events.iter().for_each(|event| assembler.event(event)),
        Err(sse::TooLong) => assembler.unreadable = true,
    }
    if ended_cleanly && let Some(event) = reader.finish() {
        assembler.event(&event);
    }
    assembler.finish(ended_cleanly)
}

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
