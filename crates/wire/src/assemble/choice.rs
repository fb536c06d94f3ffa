//! One index of a streamed answer: its message, its calls, its log-probabilities.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::bag::{self, Bag};
use crate::fields::{self, Fields};
use crate::json;

#[derive(Clone, Default)]
pub(super) struct Choice {
    /// `finish_reason`, and members that only some servers send.
    own: Bag,
    /// `role`, `content`, `refusal`, and members that nobody told us of.
    message: Bag,
    calls: BTreeMap<u64, Call>,
    function_call: Option<Bag>,
    audio: Option<Bag>,
    logprobs: Option<Logprobs>,
    /// It came as a delta: a message, not the bare text of `/v1/completions`.
    spoken: bool,
}

#[derive(Clone, Default)]
struct Call {
    own: Bag,
    function: Option<Bag>,
    custom: Option<Bag>,
}

/// Lists by their keys: `content` and `refusal` of a message, four parallel ones of a bare text.
#[derive(Clone, Default)]
struct Logprobs(Vec<(String, Vec<Box<RawValue>>)>);

/// More lists of log-probabilities than any answer has.
const MAX_LISTS: usize = 16;

impl Choice {
    /// Takes one chunk's entry for this index; `None` when a piece of it cannot be read.
    pub(super) fn merge(&mut self, fields: &Fields<'_>) -> Option<()> {
        for (key, raw) in &fields.0 {
            match (key.as_ref(), raw.get()) {
                (_, "null") | ("index" | "message", _) => {}
                ("delta", _) => {
                    self.spoken = true;
                    self.delta(&Fields::of(raw)?)?;
                }
                ("logprobs", _) => self.logprobs.get_or_insert_default().append(&Fields::of(raw)?)?,
                ("finish_reason", _) => self.own.last(key, raw),
                _ => self.own.join(key, raw)?,
            }
        }
        Some(())
    }

    pub(super) fn is_finished(&self) -> bool {
        self.own.has("finish_reason")
    }

    fn delta(&mut self, delta: &Fields<'_>) -> Option<()> {
        for (key, raw) in &delta.0 {
            match (key.as_ref(), raw.get()) {
                (_, "null") | ("obfuscation", _) => {}
                ("role", _) => self.message.last(key, raw),
                ("tool_calls", _) => self.calls(raw)?,
                ("function_call", _) => function(self.function_call.get_or_insert_default(), raw)?,
                ("audio", _) => audio(self.audio.get_or_insert_default(), raw)?,
                _ => self.message.join(key, raw)?,
            }
        }
        Some(())
    }

    fn calls(&mut self, raw: &RawValue) -> Option<()> {
        for (position, raw) in fields::elements(raw)?.into_iter().enumerate() {
            let fields = Fields::of(raw)?;
            // Some servers send whole calls without an index: then the place in the array tells them apart.
            let index = fields.get("index").and_then(fields::unsigned).unwrap_or(position as u64);
            let call = self.calls.entry(index).or_default();
            for (key, raw) in &fields.0 {
                match (key.as_ref(), raw.get()) {
                    (_, "null") | ("index", _) => {}
                    ("id" | "type", _) => call.own.first(key, raw),
                    ("function", _) => function(call.function.get_or_insert_default(), raw)?,
                    ("custom", _) => function(call.custom.get_or_insert_default(), raw)?,
                    _ => call.own.join(key, raw)?,
                }
            }
        }
        Some(())
    }

    pub(super) fn write(&self, out: &mut String, index: u64) {
        if !self.spoken && self.own.has("text") {
            return self.write_text(out, index);
        }
        out.push_str(&format!("{{\"index\":{index},\"message\":"));
        self.write_message(out);
        out.push_str(",\"logprobs\":");
        match &self.logprobs {
            Some(logprobs) => logprobs.write(out, &["content", "refusal"]),
            None => out.push_str("null"),
        }
        if !self.is_finished() {
            out.push_str(",\"finish_reason\":null");
        }
        self.own.write_but(out, &[]);
        out.push('}');
    }

    /// A choice of `/v1/completions`.
    fn write_text(&self, out: &mut String, index: u64) {
        out.push('{');
        self.own.write_one(out, "text");
        out.push_str(&format!(",\"index\":{index},\"logprobs\":"));
        match &self.logprobs {
            Some(logprobs) => logprobs.write(out, &[]),
            None => out.push_str("null"),
        }
        if !self.is_finished() {
            out.push_str(",\"finish_reason\":null");
        }
        self.own.write_but(out, &["text"]);
        out.push('}');
    }

    fn write_message(&self, out: &mut String) {
        out.push('{');
        if self.message.has("role") {
            self.message.write_one(out, "role");
        } else {
            out.push_str("\"role\":\"assistant\"");
        }
        let refusal = self.message.text("refusal").filter(|text| !text.is_empty());
        let other = refusal.is_some()
            || !self.calls.is_empty()
            || self.function_call.is_some()
            || self.audio.is_some();
        // The opening `content:""` of a stream is `null` in a body whose answer lies elsewhere.
        let content = self.message.text("content").filter(|text| !(text.is_empty() && other));
        for (key, text) in [("content", content), ("refusal", refusal)] {
            bag::comma(out);
            json::string(out, key);
            out.push(':');
            match text {
                Some(text) => json::string(out, &text),
                None => out.push_str("null"),
            }
        }
        if !self.calls.is_empty() {
            out.push_str(",\"tool_calls\":[");
            for call in self.calls.values() {
                if !out.ends_with('[') {
                    out.push(',');
                }
                call.write(out);
            }
            out.push(']');
        }
        write_member(out, "function_call", self.function_call.as_ref());
        write_member(out, "audio", self.audio.as_ref());
        self.message.write_but(out, &["role", "content", "refusal"]);
        out.push('}');
    }
}

impl Call {
    fn write(&self, out: &mut String) {
        out.push('{');
        self.own.write_but(out, &[]);
        write_member(out, "function", self.function.as_ref());
        write_member(out, "custom", self.custom.as_ref());
        out.push('}');
    }
}

impl Logprobs {
    fn append(&mut self, fields: &Fields<'_>) -> Option<()> {
        for (key, raw) in fields.0.iter().filter(|(_, raw)| raw.get() != "null") {
            let entries = fields::elements(raw)?.into_iter().map(ToOwned::to_owned);
            let Some(at) = self.0.iter().position(|(name, _)| name == key) else {
                if self.0.len() == MAX_LISTS {
                    return None;
                }
                self.0.push((key.clone().into_owned(), entries.collect()));
                continue;
            };
            self.0[at].1.extend(entries);
        }
        Some(())
    }

    /// Writes the lists; those of `always` first, and `null` where there is none.
    fn write(&self, out: &mut String, always: &[&str]) {
        out.push('{');
        for key in always {
            let list = self.0.iter().find(|(name, _)| name == key);
            Self::write_list(out, key, list.map(|(_, list)| list.as_slice()));
        }
        for (key, list) in self.0.iter().filter(|(key, _)| !always.contains(&key.as_str())) {
            Self::write_list(out, key, Some(list));
        }
        out.push('}');
    }

    fn write_list(out: &mut String, key: &str, list: Option<&[Box<RawValue>]>) {
        bag::comma(out);
        json::string(out, key);
        match list {
            Some(list) => {
                let entries: Vec<&str> = list.iter().map(|entry| entry.get()).collect();
                out.push_str(&format!(":[{}]", entries.join(",")));
            }
            None => out.push_str(":null"),
        }
    }
}

fn function(bag: &mut Bag, raw: &RawValue) -> Option<()> {
    for (key, raw) in &Fields::of(raw)?.0 {
        match key.as_ref() {
            "name" => bag.join_unless_same(key, raw)?,
            _ => bag.join(key, raw)?,
        }
    }
    Some(())
}

fn audio(bag: &mut Bag, raw: &RawValue) -> Option<()> {
    for (key, raw) in &Fields::of(raw)?.0 {
        match key.as_ref() {
            "id" => bag.first(key, raw),
            _ => bag.join(key, raw)?,
        }
    }
    Some(())
}

fn write_member(out: &mut String, key: &str, bag: Option<&Bag>) {
    if let Some(bag) = bag {
        bag::comma(out);
        json::string(out, key);
        out.push_str(":{");
        bag.write_but(out, &[]);
        out.push('}');
    }
}
