//! The event-stream reader: bytes in any split, events out, by the WHATWG rules.
//!
//! **Invariant:** the events of a stream do not depend on how its bytes were split, and an event that has
//! not seen its blank line is not an event (unless the caller says the body ended there in good order).

use std::fmt;

use kolm_core::{Code, Coded};

/// The longest event that is read, in bytes: beyond it the stream is given up.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

/// One event: its name, if it had one, and its data lines joined by line feeds.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event:` line; `None` when absent or empty.
    pub event: Option<String>,
    /// The `data:` lines.
    pub data: String,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({:?}, {} bytes)", self.event, self.data.len())
    }
}

/// An event grew beyond [`MAX_EVENT`]; the rest of the stream is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {MAX_EVENT} bytes")]
pub struct TooLong;

impl Coded for TooLong {
    fn code(&self) -> Code {
        Code(990)
    }
    fn hint(&self) -> Option<String> {
        Some("the answer still reached the client; only its copy was given up".to_owned())
    }
}

/// Reads one stream.
#[derive(Clone, Default)]
pub struct Reader {
    line: Vec<u8>,
    data: Vec<u8>,
    event: Vec<u8>,
    has_data: bool,
    past_first_line: bool,
    after_cr: bool,
    too_long: bool,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes pending)", self.line.len() + self.data.len())
    }
}

impl Reader {
    /// A reader at the first byte of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives the events that they completed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|&b| b == b'\n' || b == b'\r');
            self.extend(&rest[..end.unwrap_or(rest.len())])?;
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line());
        }
        Ok(events)
    }

    /// The event left over when the body ended in good order without its last blank line. A body that broke
    /// off has no such event: do not call this then.
    pub fn finish(&mut self) -> Option<Event> {
        if self.too_long {
            return None;
        }
        if !self.line.is_empty() {
            drop(self.end_line());
        }
        self.dispatch()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.too_long || self.line.len() + self.data.len() + bytes.len() > MAX_EVENT {
            self.too_long = true;
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if !std::mem::replace(&mut self.past_first_line, true) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let event = if text.is_empty() {
            self.dispatch()
        } else {
            self.field(text);
            None
        };
        // The buffer is kept for the next line: one allocation a stream, not one a line.
        self.line = line;
        self.line.clear();
        event
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|&b| b == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => self.event = value.to_vec(),
            // A comment (empty name), `id`, `retry`, or a field nobody knows.
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.event);
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data)
            .then(|| Event { event: (!name.is_empty()).then(|| lossy(name)), data: lossy(data) })
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests;
