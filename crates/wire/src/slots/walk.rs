//! The walker: one pass over the bytes, strict JSON (RFC 8259), ranges kept.
//!
//! **Invariant:** every byte is looked at a bounded number of times, whatever the nesting and the keys.

use std::ops::Range;

use super::place::Place;
use super::{MAX_DEPTH, MAX_SLOTS, Role, Slot, SlotError};
use crate::json;

/// Longer paths and keys are cut: they are repeated in every slot below them.
const MAX_PATH: usize = 256;
const MAX_KEY: usize = 128;

pub(super) fn walk(json: &[u8], place: Place) -> Result<Vec<Slot>, SlotError> {
    let text = std::str::from_utf8(json).map_err(|e| SlotError::BadUtf8 { at: e.valid_up_to() })?;
    let mut walk = Walk {
        text,
        bytes: json,
        at: 0,
        depth: 0,
        path: String::new(),
        slots: Vec::new(),
        dropped: Vec::new(),
    };
    walk.space();
    walk.value(place, "")?;
    walk.space();
    if walk.at < json.len() {
        return Err(walk.not_json());
    }
    let mut dropped = walk.dropped.iter().copied().peekable();
    let mut index = 0;
    walk.slots.retain(|_| {
        let drop = dropped.next_if_eq(&index).is_some();
        index += 1;
        !drop
    });
    Ok(walk.slots)
}

struct Walk<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    path: String,
    slots: Vec<Slot>,
    /// Indexes of slots that later bytes took back, ascending.
    dropped: Vec<usize>,
}

impl Walk<'_> {
    fn value(&mut self, place: Place, key: &str) -> Result<(), SlotError> {
        if matches!(place, Place::Null | Place::Vector) {
            return self.whole(place, key);
        }
        match self.bytes.get(self.at) {
            Some(b'"') => self.string(place, key),
            Some(b'{') => self.object(place),
            Some(b'[') => self.array(place, key),
            Some(b'-' | b'0'..=b'9') => self.number(place, key),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(_) | None => Err(self.not_json()),
        }
    }

    /// A value that is kept or taken as a whole. Settings of the same name (`logprobs: true`) are none of it.
    fn whole(&mut self, place: Place, key: &str) -> Result<(), SlotError> {
        let start = self.at;
        self.value(Place::Skip, key)?;
        let role = if place == Place::Vector { Role::Vector } else { Role::Null };
        match self.bytes.get(start) {
            Some(b'[' | b'{' | b'"') => self.yield_slot(role, key, start, String::new()),
            Some(_) | None => Ok(()),
        }
    }

    fn object(&mut self, place: Place) -> Result<(), SlotError> {
        self.open()?;
        let mut message = Sender::default();
        let mut first = true;
        while !self.close(b'}', &mut first)? {
            let range = self.literal()?;
            let key = self.unescaped(&range);
            if place.is_open_to(&key) {
                self.yield_slot(Role::Key, cut(&key, MAX_KEY), range.start, key.clone())?;
            }
            self.space();
            self.expect(b':')?;
            self.space();
            let (path, slot, start) = (self.path.len(), self.slots.len(), self.at);
            self.descend_key(&key);
            self.value(place.member(&key), cut(&key, MAX_KEY))?;
            self.path.truncate(path);
            if matches!(place, Place::Message | Place::Messages) {
                message.member(&key, &self.bytes[start..self.at], slot, self.slots.len());
            }
            self.space();
        }
        self.dropped.extend(message.function_name());
        Ok(())
    }

    fn array(&mut self, place: Place, key: &str) -> Result<(), SlotError> {
        if matches!(place, Place::Input | Place::Item) && self.holds_numbers() {
            let start = self.at;
            self.array(Place::Skip, key)?;
            return self.yield_slot(Role::TokenIds, key, start, String::new());
        }
        self.open()?;
        let (mut first, mut index) = (true, 0usize);
        while !self.close(b']', &mut first)? {
            let path = self.path.len();
            if path < MAX_PATH {
                self.path.push_str(&format!("[{index}]"));
            }
            self.value(place.element(), key)?;
            self.path.truncate(path);
            self.space();
            index += 1;
        }
        Ok(())
    }

    fn string(&mut self, place: Place, key: &str) -> Result<(), SlotError> {
        let range = self.literal()?;
        if place == Place::Skip {
            return Ok(());
        }
        let text = self.unescaped(&range);
        let role = if place == Place::Empty {
            Role::Empty
        } else if let Place::Media(kind) = place {
            Role::Media(kind)
        } else if is_data_uri(&text) {
            Role::Media("data")
        } else if is_base64(&text) {
            Role::Media("base64")
        } else {
            Role::Text
        };
        self.yield_slot(role, key, range.start, text)
    }

    fn number(&mut self, place: Place, key: &str) -> Result<(), SlotError> {
        let start = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        if self.digits()? > 1 && self.bytes[self.at_first_digit(start)] == b'0' {
            return Err(self.not_json());
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if matches!(place, Place::Skip | Place::Schema) {
            return Ok(());
        }
        let literal = self.text[start..self.at].to_owned();
        self.yield_slot(Role::Number, key, start, literal)
    }

    fn at_first_digit(&self, start: usize) -> usize {
        start + usize::from(self.bytes[start] == b'-')
    }

    fn digits(&mut self) -> Result<usize, SlotError> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.not_json()) } else { Ok(self.at - start) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), SlotError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.not_json());
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes one string literal and gives its range.
    fn literal(&mut self) -> Result<Range<usize>, SlotError> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => self.escape()?,
                Some(0x00..=0x1f) | None => return Err(self.not_json()),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), SlotError> {
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let hex = self.bytes.get(self.at + 1..self.at + 5);
                if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.not_json());
                }
                self.at += 5;
            }
            Some(_) | None => return Err(self.not_json()),
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), SlotError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SlotError::TooDeep);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes the end of a container or what separates its members; `true` at the end.
    fn close(&mut self, end: u8, first: &mut bool) -> Result<bool, SlotError> {
        self.space();
        let first = std::mem::replace(first, false);
        if self.bytes.get(self.at) == Some(&end) {
            self.at += 1;
            self.depth -= 1;
            return Ok(true);
        }
        if !first {
            self.expect(b',')?;
            self.space();
        }
        Ok(false)
    }

    fn expect(&mut self, byte: u8) -> Result<(), SlotError> {
        if self.bytes.get(self.at) != Some(&byte) {
            return Err(self.not_json());
        }
        self.at += 1;
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the array at hand begins with a number, at any depth of arrays.
    fn holds_numbers(&self) -> bool {
        let inner = self.bytes[self.at..]
            .iter()
            .take(2 * MAX_DEPTH)
            .find(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'['));
        matches!(inner, Some(b'-' | b'0'..=b'9'))
    }

    fn descend_key(&mut self, key: &str) {
        if self.path.len() >= MAX_PATH {
            return;
        }
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(cut(key, MAX_PATH.saturating_sub(self.path.len())));
    }

    fn yield_slot(&mut self, role: Role, key: &str, start: usize, text: String) -> Result<(), SlotError> {
        if self.slots.len() == MAX_SLOTS {
            return Err(SlotError::TooMany);
        }
        self.slots.push(Slot {
            path: self.path.clone(),
            key: key.to_owned(),
            role,
            text,
            range: start..self.at,
        });
        Ok(())
    }

    fn unescaped(&self, literal: &Range<usize>) -> String {
        json::unescape(&self.text[literal.start + 1..literal.end - 1])
    }

    fn not_json(&self) -> SlotError {
        SlotError::NotJson { at: self.at }
    }
}

/// Who a message is from: the `name` of a tool's or function's message is a function's, nobody's own.
#[derive(Default)]
struct Sender {
    name: Option<usize>,
    is_tool: bool,
}

impl Sender {
    fn member(&mut self, key: &str, value: &[u8], before: usize, after: usize) {
        match key {
            "name" if after == before + 1 => self.name = Some(before),
            "role" => self.is_tool = matches!(value, b"\"tool\"" | b"\"function\""),
            _ => {}
        }
    }

    fn function_name(self) -> Option<usize> {
        self.name.filter(|_| self.is_tool)
    }
}

fn is_data_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_at_checked(5) else { return false };
    let head = cut(rest, 200).split_once(',');
    scheme.eq_ignore_ascii_case("data:")
        && head.is_some_and(|(kind, _)| {
            !kind.contains(char::is_whitespace) && (kind.contains('/') || kind.ends_with(";base64"))
        })
}

/// Bytes of the shortest text that may be media, and of the lines that encoders break them into (RFC 2045, RFC 7468: 76
/// and 64): a list of words or settings, one a line, is none.
const LONG: usize = 256;
const LINE: usize = 48;

/// One run of base64 in either alphabet with its padding behind it, or lines of one length and a last one.
fn is_base64(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'\n' | b'\r');
    let body = text.trim_end_matches(['\n', '\r']).trim_end_matches('=');
    text.len() >= LONG && body.bytes().all(inside) && in_even_lines(body)
}

fn in_even_lines(body: &str) -> bool {
    let mut lines = body.split('\n').map(|line| line.trim_end_matches('\r').len());
    let first = lines.next().unwrap_or_default();
    let Some(last) = lines.next_back() else { return true };
    first >= LINE && last <= first && lines.all(|len| len == first)
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
