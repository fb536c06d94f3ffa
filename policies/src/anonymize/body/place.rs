//! Where the texts of a tree stand in its source.
//!
//! **Invariant:** a map has one entry for every byte of the text and one for its end, ascending.

use std::ops::Range;

use super::{Leaves, Part, Tree};

impl Tree {
    /// For every leaf of the one text that the body of [`wrapped`] carries: where its bytes stand in that text.
    pub(crate) fn places(&self, leaves: &Leaves) -> Vec<(usize, Vec<usize>)> {
        let mut out = Vec::new();
        for (_, part) in &self.parts {
            if let Part::Leaf(i) = part {
                out.push((*i, (0..=leaves.all[*i].text.len()).collect()));
            } else if let Part::Tree(tree) = part {
                tree.inner(leaves, &|at| at, &mut out);
            }
        }
        out
    }

    fn inner(&self, leaves: &Leaves, outer: &dyn Fn(usize) -> usize, out: &mut Vec<(usize, Vec<usize>)>) {
        for (range, part) in &self.parts {
            if let Part::Leaf(i) = part {
                let map = if leaves.all[*i].number {
                    range.clone().chain([range.end]).map(outer).collect()
                } else {
                    literal(&self.source, range).into_iter().map(outer).collect()
                };
                out.push((*i, map));
            } else if let Part::Tree(tree) = part {
                let map: Vec<usize> = literal(&self.source, range).into_iter().map(outer).collect();
                let end = map.last().copied().unwrap_or_default();
                tree.inner(leaves, &|at| map.get(at).copied().unwrap_or(end), out);
            }
        }
    }
}

/// A body that carries one text.
pub(crate) fn wrapped(text: &str) -> Vec<u8> {
    let text = serde_json::Value::from(text);
    format!("{{\"messages\":[{{\"role\":\"user\",\"content\":{text}}}]}}").into_bytes()
}

/// The text of a wrapped body.
pub(crate) fn unwrapped(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.pointer("/messages/0/content").and_then(serde_json::Value::as_str).map(str::to_owned)
}

/// Where each byte of a string stands that is written as a literal, and where its end does.
fn literal(source: &[u8], range: &Range<usize>) -> Vec<usize> {
    let mut out = Vec::with_capacity(range.len());
    let (mut at, end) = (range.start + 1, range.end.saturating_sub(1));
    while at < end {
        let (raw, decoded) = if source[at] != b'\\' {
            (1, 1)
        } else if source.get(at + 1) == Some(&b'u') {
            escape(source, at)
        } else {
            (2, 1)
        };
        out.extend(std::iter::repeat_n(at, decoded));
        at += raw;
    }
    out.push(end);
    out
}

/// Bytes of a `\u` escape, and of the character in UTF-8.
fn escape(source: &[u8], at: usize) -> (usize, usize) {
    let unit = |at: usize| {
        let digits = source.get(at + 2..at + 6).and_then(|d| std::str::from_utf8(d).ok())?;
        u32::from_str_radix(digits, 16).ok()
    };
    match unit(at) {
        Some(0xd800..=0xdbff) => (12, 4),
        Some(code) => (6, char::from_u32(code).map_or(3, char::len_utf8)),
        None => (6, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_counted() {
        let source = br#"x"a\n\u00e9\ud83d\ude00\"z""#;
        let map = literal(source, &(1..source.len()));
        assert_eq!(map, [2, 3, 5, 5, 11, 11, 11, 11, 23, 25, 26]);
    }
}
