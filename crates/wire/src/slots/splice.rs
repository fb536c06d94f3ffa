//! Edits by byte range.

use std::fmt;
use std::ops::Range;

use crate::json;

/// What stands in a range from now on.
#[derive(Clone, PartialEq, Eq)]
pub enum Edit {
    /// A string; escaped here.
    Text(String),
    /// A number literal. What is not one becomes `0`: the result stays JSON and says nothing.
    Number(String),
    /// `null`.
    Null,
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Number(text) => write!(f, "Number({} bytes)", text.len()),
            Self::Null => f.write_str("Null"),
        }
    }
}

/// `json` with the edits made; all other bytes stay. Ranges are those of slots, in any order; one that lies
/// outside the body or begins inside an earlier one is left out.
pub fn splice(json: &[u8], edits: &[(Range<usize>, Edit)]) -> Vec<u8> {
    let mut ordered: Vec<&(Range<usize>, Edit)> = edits.iter().collect();
    ordered.sort_by_key(|(range, _)| range.start);
    let mut out = Vec::with_capacity(json.len() + 64);
    let mut from = 0;
    for (range, edit) in ordered {
        if range.start < from || range.end < range.start || range.end > json.len() {
            continue;
        }
        out.extend_from_slice(&json[from..range.start]);
        match edit {
            Edit::Text(text) => {
                let mut literal = String::with_capacity(text.len() + 2);
                json::string(&mut literal, text);
                out.extend_from_slice(literal.as_bytes());
            }
            Edit::Number(number) => {
                out.extend_from_slice(if is_number(number) { number.as_bytes() } else { b"0" })
            }
            Edit::Null => out.extend_from_slice(b"null"),
        }
        from = range.end;
    }
    out.extend_from_slice(&json[from..]);
    out
}

fn is_number(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    starts
        && text.ends_with(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
