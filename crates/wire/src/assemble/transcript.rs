//! A streamed transcript: pieces of text, segments where speakers are told apart, and the event that ends it.
//!
//! **Invariant:** the text of the last event is the text; before it came, what the pieces gave stands for it.

use serde_json::value::RawValue;

use super::bag::Bag;
use crate::fields::{self, Fields};
use crate::json;

#[derive(Clone, Default)]
pub(super) struct Transcript {
    text: String,
    segments: Vec<Box<RawValue>>,
    /// What the last event says beside the text.
    rest: Bag,
    finished: bool,
}

impl Transcript {
    /// Takes an event; `Some(true)` when it is the last one, `None` when it cannot be read.
    pub(super) fn event(&mut self, kind: &str, data: &str, fields: &Fields<'_>) -> Option<bool> {
        match kind {
            "transcript.text.delta" => {
                self.text.push_str(&fields::text(fields.get("delta")?)?);
                Some(false)
            }
            "transcript.text.segment" => {
                self.segments.push(serde_json::from_str(data).ok()?);
                Some(false)
            }
            "transcript.text.done" => {
                self.text = fields::text(fields.get("text")?)?;
                for (key, raw) in fields.0.iter().filter(|(key, _)| !matches!(key.as_ref(), "type" | "text"))
                {
                    self.rest.last(key, raw);
                }
                self.finished = true;
                Some(true)
            }
            _ => Some(false),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn reply(&self) -> String {
        let mut out = String::from("{\"text\":");
        json::string(&mut out, &self.text);
        if !self.segments.is_empty() {
            out.push_str(",\"segments\":[");
            let segments: Vec<&str> = self.segments.iter().map(|segment| segment.get()).collect();
            out.push_str(&segments.join(","));
            out.push(']');
        }
        self.rest.write_but(&mut out, &[]);
        out.push('}');
        out
    }
}
