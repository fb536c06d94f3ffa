//! Assignments: a name that says key, token, secret or password, and the value that it is given.
//!
//! **Invariant:** names and values are bounded, so that each keyword costs a bounded look.

use std::ops::Range;

mod apart;
mod worth;

use apart::{beside, later};
use worth::{chosen, given};

use super::rules::Engine;
use super::thing::{benign, digested, key_id, said_of_a_thing};
use super::value::{checksum, enumerated, expression, noise, placeholder, resource, sealed};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::{after, before};

/// The longest name and the longest value.
const NAME: usize = 64;
const VALUE: usize = 512;

/// What a name asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something drawn; `glued` words may end a longer one.
    Secret { glued: bool },
    /// Something chosen.
    Password,
}

/// A value and how it is written.
struct Value {
    range: Range<usize>,
    quoted: bool,
    /// Followed by more on its line.
    in_prose: bool,
}

/// The assignment whose name holds the keyword at `at`; whether the keyword is settled: it gives a value, or is no
/// name of a secret.
pub(super) fn find(
    engine: &Engine,
    text: &[u8],
    at: &Range<usize>,
    kind: Kind,
    out: &mut Vec<Finding>,
) -> bool {
    let name = name_around(text, at);
    let of_a_thing =
        benign(engine, &text[name.clone()], &text[at.clone()]) || said_of_a_thing(text, name.start);
    if !word_of_name(text, at, kind) || of_a_thing {
        return true;
    }
    let Some(value) = value_after(text, &name, kind).or_else(|| beside(text, &name, kind)) else {
        return name.end > at.end;
    };
    let mut value = fallback(text, &value).unwrap_or(value);
    if let Some(phrase) = apart::phrase(text, &name, &value.range) {
        out.push(Finding::new(phrase.start, phrase.end, Type::PASSWORD, Evidence::Secret));
        return true;
    }
    // `NAME=value` of a shell: what stands there is the value itself.
    let shell = !text[name.clone()].iter().any(u8::is_ascii_lowercase) && after(text, name.end) == b'=';
    value.quoted |= shell && !text[value.range.clone()].contains(&b'(') && value.range.start == name.end + 1;
    let opens = opens(engine, text, &text[name.clone()], &value, kind);
    if opens {
        let ty = if kind == Kind::Password { Type::PASSWORD } else { Type::SECRET };
        out.push(Finding::new(value.range.start, value.range.end, ty, Evidence::Secret));
    }
    opens || name.end > at.end
}

/// A whole text that stands under a key such as `api_key`.
pub(super) fn keyed(engine: &Engine, text: &[u8], key: &str, out: &mut Vec<Finding>) {
    let start = text.len() - text.trim_ascii_start().len();
    // `password: string;`, `"login.password": "Passwort",`: a line of a program or of a file ends with a sign.
    let end = closed(text, start);
    if end < start + 3 || end - start > VALUE || key.len() > NAME || text[start..end].contains(&b' ') {
        return;
    }
    let name = key.as_bytes();
    // A line of a program that was read as a key.
    if name.iter().any(|b| b"(),;=:>{".contains(b)) || expression(&text[start..end]) {
        return;
    }
    // `WITH PASSWORD :'pw'`, a variable of psql that was read as a member.
    let inner = text[start..end].strip_prefix(b"'").unwrap_or_default();
    let inner = inner.strip_suffix(b"'").unwrap_or_default();
    if name.contains(&b' ') && inner.len() >= 2 && inner.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
    {
        return;
    }
    for hit in engine.keywords.hits(name) {
        let kind = match engine.owner[hit.word] {
            super::Owner::Secret { glued } => Kind::Secret { glued },
            super::Owner::Password => Kind::Password,
            super::Owner::Token(_)
            | super::Owner::Near(_)
            | super::Owner::Rule(_)
            | super::Owner::Pem
            | super::Owner::Kube
            | super::Owner::Cookie
            | super::Owner::Codes
            | super::Owner::Call
            | super::Owner::Argument(_)
            | super::Owner::Command(_)
            | super::Owner::Script
            | super::Owner::Renewed
            | super::Owner::NamedAfter
            | super::Owner::Login => continue,
        };
        let at = hit.start..hit.end;
        let value = Value { range: start..end, quoted: true, in_prose: false };
        let named = word_of_name(name, &at, kind) && !benign(engine, name, &name[at]);
        if named && opens(engine, text, name, &value, kind) {
            let ty = if kind == Kind::Password { Type::PASSWORD } else { Type::SECRET };
            out.push(Finding::new(start, end, ty, Evidence::Secret));
            return;
        }
    }
}

/// Where the value that begins at `start` ends, without the signs that close its line.
fn closed(text: &[u8], start: usize) -> usize {
    let value = text[start..].trim_ascii_end();
    let bare = value.strip_suffix(b";").or_else(|| value.strip_suffix(b",")).unwrap_or(value);
    let quote = bare.last().filter(|b| b"\"'".contains(b) && !bare[..bare.len() - 1].contains(b));
    start + bare.len() - usize::from(quote.is_some())
}

/// Is the keyword a word of the name: between separators, or set off by a capital?
fn word_of_name(text: &[u8], at: &Range<usize>, kind: Kind) -> bool {
    let (prev, next) = (before(text, at.start), after(text, at.end));
    let first = text[at.start];
    let left = !prev.is_ascii_alphabetic()
        || prev.is_ascii_lowercase() && first.is_ascii_uppercase()
        || at.start >= 2 && text[at.start - 2] == b'\\'
        || matches!(kind, Kind::Secret { glued: true })
        || kind == Kind::Password && at.len() >= 6;
    let last = text[at.end - 1];
    let right = !next.is_ascii_alphabetic() || last.is_ascii_lowercase() && next.is_ascii_uppercase();
    left && right && (at.start == 0 || prev < 0x80 || !first.is_ascii())
}

fn name_around(text: &[u8], at: &Range<usize>) -> Range<usize> {
    let in_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let left = text[..at.start].iter().rev().take(NAME).take_while(in_name).count();
    let right = text[at.end..].iter().take(NAME).take_while(in_name).count();
    // A literal `\n` before a name is no part of it.
    let start = at.start - left;
    let start = if start > 0 && text[start - 1] == b'\\' && left > 0 { start + 1 } else { start };
    start..at.end + right
}

fn skip(text: &[u8], from: usize, most: usize, of: &[u8]) -> usize {
    from + text[from..].iter().take(most).take_while(|b| of.contains(b)).count()
}

fn starts(text: &[u8], at: usize, word: &[u8]) -> bool {
    text.get(at..at + word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// The value that a name is given, if it is given one.
fn value_after(text: &[u8], name: &Range<usize>, kind: Kind) -> Option<Value> {
    // `[PASSWORD]` is what a secret became.
    if before(text, name.start) == b'[' && after(text, name.end) == b']' {
        return None;
    }
    // `Secrets::Chacha20`, a path of a program; `PASSWORD :'pw'`, a variable of psql.
    if starts(text, name.end, b"::")
        || text[name.end..].starts_with(b" :'")
        || text[name.end..].starts_with(b" :\"")
    {
        return None;
    }
    let quoted = b"\"'`".contains(&before(text, name.start));
    // `kKey[] = "..."`, an array of C.
    let end = name.end + if starts(text, name.end, b"[]") { 2 } else { 0 };
    let closed = skip(text, end, 4, b"\"'`\\])*");
    let at = skip(text, closed, 16, b" \t");
    if let Some(at) = value_member(text, closed) {
        return value_at(text, at, true);
    }
    if let Some(at) = apart::element(text, name) {
        return value_at(text, at, true).filter(|value| starts(text, value.range.end, b"</"));
    }
    let option = starts(text, name.start.saturating_sub(2), b"--")
        || name.start < name.end && text[name.start] == b'-';
    let element = before(text, name.start) == b'<' && after(text, closed) == b'>';
    let operator = [&b"=>"[..], b":=", b"?=", b"||=", b"===", b"==", b"!=", b"->", b"=", b":"]
        .into_iter()
        .find(|op| starts(text, at, op));
    let said = [&b"is "[..], b"was ", b"is: ", b"= ", b"ist ", b"lautet "]
        .into_iter()
        .find(|op| starts(text, at, op));
    // `password != password2` compares two members.
    let compares = operator.is_some_and(|op| matches!(op, b"===" | b"==" | b"!="));
    // `get("password", fallback=None)` gives none.
    let mut bare = true;
    let next = if let Some(op) = operator {
        at + op.len()
    } else if element {
        closed + 1
    } else if quoted && after(text, at) == b',' {
        bare = false;
        at + 1
    } else if let Some(op) = said.filter(|_| closed == name.end || quoted) {
        at + op.len()
    } else if (option || declared(text, name)) && at > name.end {
        at
    } else if after(text, at) == b'(' && matches!(after(text, at + 1), b'"' | b'\'') {
        at + 1
    } else {
        later(text, at).filter(|_| kind != Kind::Password)?
    };
    let value = value_at(text, next, operator.is_some() || element)
        .filter(|value| bare && !compares || value.quoted)?;
    (!element || starts(text, value.range.end, b"</")).then_some(value)
}

/// `process.env.KEY || 'q8Zr...'`: what is taken where the environment has nothing.
fn fallback(text: &[u8], value: &Value) -> Option<Value> {
    let rest = &text[value.range.end..text.len().min(value.range.end + 64)];
    let line = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    if value.quoted || !expression(&text[value.range.clone()]) {
        return None;
    }
    let mark = [&b"|| "[..], b"?? ", b" or ", b", ", b"?: "].iter().find_map(|mark| {
        rest[..line].windows(mark.len()).position(|w| w == *mark).map(|at| at + mark.len())
    })?;
    value_at(text, value.range.end + mark, true).filter(|value| value.quoted)
}

/// `ENV NAME value`, `setx NAME value`, `export`, `login x password y`.
fn declared(text: &[u8], name: &Range<usize>) -> bool {
    let head = &text[name.start.saturating_sub(12)..name.start];
    [&b"ENV "[..], b"ARG ", b"#define ", b"setx ", b"setenv ", b"SetEnv "]
        .iter()
        .any(|word| head.ends_with(word))
}

/// `name: DB_PASSWORD` and then, there or on the next line, `value: ...`; `variable "db_password" { ... default = ...`.
fn value_member(text: &[u8], closed: usize) -> Option<usize> {
    let open = skip(text, closed, 2, b" ");
    if after(text, open) == b'{' && after(text, closed - 1) == b'"' {
        let block = &text[open..text.len().min(open + VALUE)];
        let block = &block[..block.iter().position(|b| *b == b'}').unwrap_or(block.len())];
        let at = open + block.windows(8).position(|w| w == b"default ")? + 8;
        let at = skip(text, at, 16, b" ");
        return (after(text, at) == b'=').then_some(at + 1);
    }
    let at = skip(text, closed, 48, b" \t\r\n,\"'");
    if at == closed || !starts(text, at, b"value") && !starts(text, at, b"default") {
        return None;
    }
    let word = if starts(text, at, b"value") { 5 } else { 7 };
    let at = skip(text, at + word, 2, b"\"'");
    let at = skip(text, at, 8, b" \t");
    matches!(after(text, at), b':' | b'=').then_some(at + 1)
}

/// The value that begins after an operator.
fn value_at(text: &[u8], from: usize, assigned: bool) -> Option<Value> {
    let mut at = skip(text, from, 24, b" \t*");
    // `***` is what a secret became.
    if text[from..at].windows(3).any(|w| w == b"***") {
        return None;
    }
    // A type may stand between: `key: str = "..."`.
    let typed = [
        &b"string"[..],
        b"str",
        b"&str",
        b"&'static str",
        b"SecretStr",
        b"Optional[str]",
        b"str | None",
        b"char*",
    ]
    .into_iter()
    .find(|word| starts(text, at, word));
    if let Some(word) = typed {
        let after_type = skip(text, at + word.len(), 4, b" \t?");
        if after(text, after_type) == b'=' {
            at = skip(text, after_type + 1, 4, b" \t");
        }
    }
    for scheme in [&b"bearer "[..], b"basic ", b"token ", b"apikey ", b"!!binary "] {
        if starts(text, at, scheme) {
            at += scheme.len();
        }
    }
    let prefixed = matches!(after(text, at), b'r' | b'b' | b'f' | b'u' | b'@' | b'$')
        && matches!(after(text, at + 1), b'"' | b'\'');
    at += usize::from(prefixed);
    at = skip(text, at, 1, b"(");
    let escaped = after(text, at) == b'\\' && matches!(after(text, at + 1), b'"' | b'\'');
    at += usize::from(escaped);
    let quote = after(text, at);
    if at < text.len() && matches!(quote, b'"' | b'\'' | b'`') {
        let start = skip(text, at, 3, &[quote]);
        return quoted_value(text, start, quote, escaped, start - at);
    }
    (at < text.len()).then(|| bare_value(text, at, assigned))
}

fn quoted_value(text: &[u8], start: usize, quote: u8, escaped: bool, quotes: usize) -> Option<Value> {
    if quotes == 2 {
        return None;
    }
    let rest = &text[start..text.len().min(start + VALUE)];
    let end = rest.iter().enumerate().position(|(i, b)| {
        let slashed = i > 0 && rest[i - 1] == b'\\';
        *b == b'\n' || *b == quote && (escaped || !slashed)
    })?;
    let end = if escaped && end > 0 && rest[end - 1] == b'\\' { end - 1 } else { end };
    (end > 0).then(|| Value { range: start..start + end, quoted: true, in_prose: false })
}

fn bare_value(text: &[u8], start: usize, assigned: bool) -> Value {
    let rest = &text[start..text.len().min(start + VALUE)];
    let stop = |b: &u8| b.is_ascii_whitespace() || b"\"'`<>;,".contains(b);
    let mut end = rest.iter().position(stop).unwrap_or(rest.len());
    if let Some(cut) =
        rest[..end].windows(2).position(|pair| pair == b"\\n" || pair == b"\\r" || pair == b"\\\"")
    {
        end = cut;
    }
    // The parameters of an address end at an ampersand.
    if let Some(cut) =
        rest[..end].iter().position(|b| *b == b'&').filter(|cut| rest[*cut..end].contains(&b'='))
    {
        end = cut;
    }
    while end > 0 && b".,;:?)]}|*".contains(&rest[end - 1]) && !rest[..end].contains(&b'(') {
        end -= 1;
    }
    let line = rest[end..].iter().position(|b| *b == b'\n').unwrap_or(rest.len() - end);
    let more = rest[end..end + line].iter().any(u8::is_ascii_alphanumeric);
    let comment =
        rest[end..end + line].trim_ascii_start().first().is_some_and(|b| b"#;,\"'&<}]/".contains(b));
    Value { range: start..start + end, quoted: false, in_prose: more && !comment || !assigned }
}

/// Does the value open something?
fn opens(engine: &Engine, text: &[u8], name: &[u8], value: &Value, kind: Kind) -> bool {
    let bytes = &text[value.range.clone()];
    let lower = bytes.to_ascii_lowercase();
    if value.quoted && noise(bytes) && matches!(kind, Kind::Secret { .. }) {
        return true;
    }
    let harmless = placeholder(bytes, &engine.assign)
        || engine.assign.is_word(lower.strip_suffix(b"!").unwrap_or(&lower))
        || checksum(bytes)
        || digested(text, value.range.start)
        || resource(bytes)
        || sealed(bytes)
        || kind != Kind::Password && enumerated(bytes)
        || key_id(name, bytes)
        || !bytes.is_ascii() && kind != Kind::Password;
    !harmless
        && match kind {
            Kind::Password => chosen(name, bytes, value),
            Kind::Secret { .. } => given(text, name, bytes, value),
        }
}
