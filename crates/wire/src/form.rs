//! Multipart forms, read as their bytes pass: the text fields are kept, files are counted and let go.
//!
//! **Invariant:** linear time and bounded memory whatever the bytes and their splits; no byte of a file is kept,
//! nor its name.

use std::fmt;

use memchr::memmem::Finder;
use serde_json::{Map, Value};

/// The longest boundary that is taken; the standard allows 70.
const MAX_BOUNDARY: usize = 200;
/// The longest head of a part.
const MAX_HEAD: usize = 8 << 10;
/// A longer field is stored by its size alone.
const MAX_FIELD: usize = 64 << 10;
/// All fields together, and how many there may be.
const MAX_FIELDS_BYTES: usize = 1 << 20;
const MAX_FIELDS: usize = 256;

/// What a form said.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// Its fields as a JSON object, files as stubs with their sizes.
    pub record: Vec<u8>,
    /// The field `model`.
    pub model: String,
    /// It was read to its closing boundary.
    pub whole: bool,
    /// It had more fields than are kept.
    pub oversize: bool,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({} bytes, whole: {})", self.record.len(), self.whole)
    }
}

/// Where in a form the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first boundary, or in a part that is not kept.
    Passing,
    /// Right behind a boundary.
    Boundary,
    /// In the head of a part.
    Head,
    /// In a field.
    Field,
    /// In a file.
    File,
    /// Behind the last boundary.
    End,
    /// In something that is no form.
    Lost,
}

/// Reads one form.
#[derive(Clone)]
pub struct Reader {
    delimiter: Option<Finder<'static>>,
    at: At,
    /// Bytes that may be part of a boundary or of a head.
    pending: Vec<u8>,
    /// How far a head was searched for its end.
    searched: usize,
    name: String,
    value: Vec<u8>,
    length: u64,
    fields: Vec<(String, String)>,
    bytes: usize,
    oversize: bool,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} fields)", self.fields.len())
    }
}

impl Reader {
    /// A reader of a body of this `content-type`; what is no form is let go unread.
    pub fn new(content_type: &str) -> Self {
        let delimiter = boundary(content_type);
        let delimiter = delimiter.map(|boundary| Finder::new(&format!("\r\n--{boundary}")).into_owned());
        Self {
            at: if delimiter.is_some() { At::Passing } else { At::Lost },
            delimiter,
            // The first boundary stands at the beginning of a line without there being one before it.
            pending: b"\r\n".to_vec(),
            searched: 0,
            name: String::new(),
            value: Vec::new(),
            length: 0,
            fields: Vec::new(),
            bytes: 0,
            oversize: false,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.at, At::End | At::Lost) {
            return;
        }
        let mut buffer = std::mem::take(&mut self.pending);
        buffer.extend_from_slice(bytes);
        let mut rest = buffer.as_slice();
        while let Some(later) = self.step(rest) {
            rest = later;
        }
        if !matches!(self.at, At::End | At::Lost) {
            let used = buffer.len() - rest.len();
            buffer.drain(..used);
            // A piece as long as a file must not stay because a few bytes of it are pending.
            buffer.shrink_to(MAX_HEAD);
            self.pending = buffer;
        }
    }

    /// The end of the body.
    pub fn finish(mut self) -> Form {
        if matches!(self.at, At::Field | At::File) {
            let rest = std::mem::take(&mut self.pending);
            self.keep(&rest);
            self.end_part();
        }
        let mut record = Map::new();
        let mut model = String::new();
        for (name, value) in self.fields {
            let (key, is_list) = name.strip_suffix("[]").map_or((name.as_str(), false), |key| (key, true));
            if key == "model" {
                model.clone_from(&value);
            }
            match record.get_mut(key) {
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
                None if is_list => drop(record.insert(key.to_owned(), Value::Array(vec![value.into()]))),
                None => drop(record.insert(key.to_owned(), value.into())),
            }
        }
        let record = Value::Object(record).to_string().into_bytes();
        Form { record, model, whole: self.at == At::End, oversize: self.oversize }
    }

    /// One step over the bytes at hand; `None` when more are needed.
    fn step<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        match self.at {
            At::Passing | At::Field | At::File => self.body(rest),
            At::Boundary => self.behind_boundary(rest),
            At::Head => self.head(rest),
            At::End | At::Lost => None,
        }
    }

    fn body<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let delimiter = self.delimiter.as_ref()?;
        let length = delimiter.needle().len();
        if let Some(found) = delimiter.find(rest) {
            self.keep(&rest[..found]);
            self.end_part();
            self.at = At::Boundary;
            return Some(&rest[found + length..]);
        }
        let sure = rest.len().saturating_sub(length - 1);
        if sure == 0 {
            return None;
        }
        self.keep(&rest[..sure]);
        // What is left is shorter than a boundary: the next look at it finds none and asks for more.
        Some(&rest[sure..])
    }

    fn behind_boundary<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let padding = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match rest.get(padding..padding + 2) {
            Some(b"--") if padding == 0 => self.at = At::End,
            Some(b"\r\n") => {
                (self.at, self.searched) = (At::Head, 0);
                // The line end stays: a head without lines ends with it.
                return Some(&rest[padding..]);
            }
            Some(_) => self.at = At::Lost,
            None if padding > MAX_BOUNDARY => self.at = At::Lost,
            None => {}
        }
        None
    }

    fn head<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let from = self.searched.saturating_sub(3).min(rest.len());
        let Some(found) = memchr::memmem::find(&rest[from..], b"\r\n\r\n") else {
            self.searched = rest.len();
            if rest.len() > MAX_HEAD {
                self.at = At::Lost;
            }
            return None;
        };
        let end = from + found;
        self.begin_part(&rest[..end]);
        // The blank line's end may begin the boundary of an empty part.
        Some(&rest[end + 2..])
    }

    fn begin_part(&mut self, head: &[u8]) {
        (self.value, self.length) = (Vec::new(), 0);
        let head = String::from_utf8_lossy(head);
        let disposition = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let disposition = disposition.unwrap_or("");
        let name = parameter(disposition, "name");
        let file = parameter(disposition, "filename").or_else(|| parameter(disposition, "filename*"));
        self.at = match (&name, file) {
            (None, _) => At::Passing,
            (Some(_), Some(_)) => At::File,
            (Some(name), None) if name == "file" => At::File,
            (Some(_), None) => At::Field,
        };
        self.name = name.unwrap_or_default();
    }

    /// Bytes of the part at hand; the first two are the end of the line before it.
    fn keep(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.at == At::Field {
            let room = (MAX_FIELD + 2).saturating_sub(self.value.len());
            self.value.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn end_part(&mut self) {
        let length = self.length.saturating_sub(2);
        let value = match self.at {
            At::Field if length <= MAX_FIELD as u64 => {
                String::from_utf8_lossy(self.value.get(2..).unwrap_or_default()).into_owned()
            }
            At::Field => format!("kolm-redacted:field;bytes={length}"),
            At::File => format!("kolm-redacted:file;bytes={length}"),
            At::Passing | At::Boundary | At::Head | At::End | At::Lost => return,
        };
        self.value = Vec::new();
        self.bytes += self.name.len() + value.len();
        if self.fields.len() == MAX_FIELDS || self.bytes > MAX_FIELDS_BYTES {
            self.oversize = true;
        } else {
            self.fields.push((std::mem::take(&mut self.name), value));
        }
    }
}

/// The boundary of a `multipart/form-data` type.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(&format!(";{parameters}"), "boundary").filter(|text| (1..=MAX_BOUNDARY).contains(&text.len()))
}

/// The value of a parameter behind a `;`, quoted or not. Browsers write `%22` for a quote, older clients `\"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    loop {
        rest = rest[rest.find(';')? + 1..].trim_start();
        let name = rest[..rest.find(['=', ';'])?].trim_end();
        let Some(value) = rest[name.len()..].trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start();
        let (text, behind) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (text, behind) = value.split_at(value.find(';').unwrap_or(value.len()));
                (text.trim_end().to_owned(), behind)
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = behind;
    }
}

fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &quoted[at + 1..])),
            '\\' => text.push(chars.next()?.1),
            _ => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests;
