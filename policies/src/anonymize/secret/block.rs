//! Secrets that are more than a value: private keys, the data of Kubernetes secrets, cookies.
//!
//! **Invariant:** each look ends at the end of its block, and blocks are bounded.

use std::ops::Range;

use super::rules::Assign;
use super::value::{drawn, placeholder, wordy};
use crate::anonymize::kind::{Evidence, Finding, Type};

/// The longest block that is read.
const LONGEST: usize = 16 * 1024;

/// The longest line of a key's headers.
const LINE: usize = 160;

fn position(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|w| w.eq_ignore_ascii_case(word))
}

/// A private key from its first line to its last, or as far as it goes where it is cut off.
pub(super) fn pem(text: &[u8], start: usize, out: &mut Vec<Finding>) {
    let rest = &text[start..text.len().min(start + LONGEST)];
    let head = &rest[..rest.len().min(64)];
    let Some(open) = position(head, b"PRIVATE KEY") else { return };
    if head[..open].contains(&b'\n') || position(&head[11..open.max(11)], b"-----").is_some() {
        return;
    }
    let body = open + head[open..].iter().position(|b| *b == b'-').unwrap_or(head.len() - open);
    let dashes = rest[body..].iter().take_while(|b| **b == b'-').count();
    let from = body + dashes;
    let end = from + lines(&rest[from..]);
    let tail = &rest[end..rest.len().min(end + 64)];
    let closing = tail.starts_with(b"-----END").then(|| {
        let key = position(tail, b"KEY").unwrap_or(8);
        let stop = key + tail[key..].iter().position(|b| *b == b'-').unwrap_or(tail.len() - key);
        stop + tail[stop..].iter().take_while(|b| **b == b'-').count()
    });
    // `-----BEGIN PRIVATE KEY----- ... -----END` shows only how one looks.
    let body = rest[from..end].iter().filter(|b| b.is_ascii_alphanumeric()).count();
    let end = end + closing.unwrap_or(0);
    if body >= 8 && (closing.is_some() || end > from + 16) {
        out.push(Finding::new(start, start + end, Type::SECRET, Evidence::Secret));
    }
}

/// How far lines of base64 and of headers go; white space may be written out.
fn lines(text: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    loop {
        at += gap(&text[at..]);
        let rest = &text[at..];
        let closes = rest.starts_with(b"-----END");
        let encoded = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b)).count();
        let near = &rest[..rest.len().min(LINE)];
        let line = near.iter().position(|b| *b == b'\n').unwrap_or(near.len());
        let line = position(&near[..line], b"\\n").unwrap_or(line);
        let named = rest[..line].iter().position(|b| *b == b':').is_some_and(|n| {
            (3..24).contains(&n) && rest[..n].iter().all(|b| b.is_ascii_alphabetic() || *b == b'-')
        });
        if closes {
            return at;
        } else if encoded < line && named {
            at += line;
        } else if encoded >= 16
            || encoded > 0 && (encoded == line || text[at + encoded..].starts_with(b"-----END"))
        {
            at += encoded;
        } else {
            return end;
        }
        end = at;
    }
}

/// White space, its escapes, the quotes and plus signs of a string in pieces, and dots for what is left out.
fn gap(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if matches!(text.get(at + 1), Some(b'n' | b'r' | b't' | b'\\' | b'\n')) => at += 2,
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'.' | b'>' | b'|' | b',' => at += 1,
            b'+' if text.get(at + 1) == Some(&b' ') => at += 1,
            _ => break,
        }
    }
    at
}

/// The values under `data:` and `stringData:` of a Kubernetes secret; gives the end of what was read.
pub(super) fn kube(text: &[u8], at: &Range<usize>, words: &Assign, out: &mut Vec<Finding>) -> usize {
    let head = &text[at.start.saturating_sub(LONGEST)..at.start];
    let from = at.start - (head.len() - head.windows(4).rposition(|w| w == b"\n---").unwrap_or(0));
    let tail = &text[at.end..text.len().min(at.end + LONGEST)];
    let to = at.end + tail.windows(4).position(|w| w == b"\n---").unwrap_or(tail.len());
    let mut inside: Option<usize> = None;
    let mut start = from;
    for line in text[from..to].split_inclusive(|b| *b == b'\n') {
        let indent = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let body = line[indent..].trim_ascii_end();
        if body.is_empty() || body.starts_with(b"#") {
            start += line.len();
            continue;
        }
        if inside.is_some_and(|outer| indent > outer) {
            member(text, start + indent, body, words, out);
        } else {
            inside = matches!(body, b"data:" | b"stringData:").then_some(indent);
        }
        start += line.len();
    }
    to
}

fn member(text: &[u8], start: usize, body: &[u8], words: &Assign, out: &mut Vec<Finding>) {
    let value = body.windows(2).position(|w| w == b": ").map_or(0, |n| n + 2);
    let skipped = body[value..].iter().take_while(|b| matches!(b, b' ' | b'"' | b'\'')).count();
    let from = start + value + skipped;
    let end = start + body.iter().rposition(|b| !matches!(b, b'"' | b'\'')).map_or(0, |n| n + 1);
    if from < end
        && !matches!(text[from], b'|' | b'>')
        && !placeholder(&text[from..end], words)
        && end - from >= 4
    {
        out.push(Finding::new(from, end, Type::SECRET, Evidence::Secret));
    }
}

/// The values of a cookie header that were drawn; gives the end of what was read.
pub(super) fn cookie(text: &[u8], from: usize, words: &Assign, out: &mut Vec<Finding>) -> usize {
    let rest = &text[from..text.len().min(from + LONGEST / 4)];
    let line = rest.iter().position(|b| matches!(b, b'\n' | b'"')).unwrap_or(rest.len());
    let mut start = from;
    for pair in rest[..line].split_inclusive(|b| *b == b';') {
        let whole = start..start + pair.len();
        start = whole.end;
        let Some(mark) = pair.iter().position(|b| *b == b'=') else { continue };
        let name = pair[..mark].trim_ascii().to_ascii_lowercase();
        let stop = |b: &u8| b.is_ascii_whitespace() || b";'\"\\,".contains(b);
        let len = pair[mark + 1..].iter().position(stop).unwrap_or(pair.len() - mark - 1);
        let value = &pair[mark + 1..mark + 1 + len];
        let setting =
            [&b"path"[..], b"domain", b"expires", b"max-age", b"samesite", b"lang", b"theme", b"locale"];
        let harmless =
            setting.contains(&name.as_slice()) || len < 8 || wordy(value) || placeholder(value, words);
        if !harmless && drawn(value) {
            let at = whole.start + mark + 1;
            out.push(Finding::new(at, at + len, Type::SECRET, Evidence::Secret));
        }
    }
    from + line
}
