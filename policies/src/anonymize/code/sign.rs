//! Signs that a line is of a program, a log, a shell or a file of settings.
//!
//! **Invariant:** one pass over the bytes of a line; what is spelled in small letters alone is looked at no further.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::anonymize::token::{after, before};

/// Signs that prose has now and then; two of them make a line of code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// `snake_case`, `UPPER_CASE`.
    Snake,
    /// `camelCase`, `ValueError`.
    Camel,
    /// `module.name`, `file.ext`.
    Dotted,
    /// `key=value`.
    Assigned,
    /// `ERROR`, `INFO`.
    Level,
    /// `2024-06-02T08:14:22`, `[main]`.
    Stamp,
    /// `fa8e55c9f9`, `0x7f`.
    Hex,
    /// `/var/log`, `./x`, `C:\x`.
    Path,
    /// `;`, `{` or the like at the end.
    End,
    /// `import`, `git`, `$ ` at the head.
    Head,
    /// `- name: x`, `key = x`.
    Member,
    /// `f()`, `(x)`.
    Call,
    /// `--flag`.
    Option,
    /// `$headers`.
    Variable,
    /// What hardly any prose has: `::`, `=>`, `&&`, `</`, `": "`, `${`.
    Operator,
}

/// Counts each sign once.
#[derive(Default)]
pub(super) struct Signs(u32);

impl Signs {
    fn add(&mut self, sign: Sign) {
        self.0 |= 1 << sign as u32;
    }

    /// How much they say together.
    pub(super) fn weight(&self) -> u32 {
        self.0.count_ones() + (self.0 >> Sign::Operator as u32 & 1)
    }
}

/// The signs of a line.
pub(super) fn signs(line: &[u8]) -> Signs {
    let mut out = Signs::default();
    let plain = without_addresses(line);
    let line = plain.as_ref();
    ends(line, &mut out);
    let mut at = 0;
    while let Some(next) = line[at..].iter().position(|b| KINDS[usize::from(*b)] != Kind::None) {
        at += next;
        if KINDS[usize::from(line[at])] == Kind::Sign {
            pair(line, at, &mut out);
            at += 1;
        } else {
            let start = at - line[..at].iter().rev().take_while(|b| word(**b)).count();
            at += line[at..].iter().take_while(|b| word(**b)).count();
            named(&line[start..at], after(line, at), &mut out);
        }
    }
    out
}

/// What a byte may belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No sign, or a word as any that has nothing else.
    None,
    /// A capital, a digit or a low line.
    Name,
    /// The first of two or three bytes that are a sign.
    Sign,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::None; 256];
    let mut b = 0;
    while b < 128 {
        kinds[b as usize] = match b {
            b'A'..=b'Z' | b'0'..=b'9' | b'_' => Kind::Name,
            b':' | b'=' | b'!' | b'&' | b'<' | b'/' | b'(' | b'}' | b'$' | b'{' | b'-' | b'"' | b'\''
            | b')' | b'[' | b'.' | b'~' => Kind::Sign,
            _ => Kind::None,
        };
        b += 1;
    }
    kinds
};

/// The line without e-mail addresses and URLs, which prose has as well.
fn without_addresses(line: &[u8]) -> Cow<'_, [u8]> {
    let url = |part: &[u8]| memmem::find(part, b"://").is_some();
    if memchr(b'@', line).is_none() && !url(line) {
        return Cow::Borrowed(line);
    }
    let mut out = line.to_vec();
    for word in out.split_mut(|b| b" \t,;\"'()<>[]".contains(b)) {
        let address = word.contains(&b'@') && word.contains(&b'.') || url(word);
        if address {
            word.fill(b' ');
        }
    }
    Cow::Owned(out)
}

/// What stands at the head and at the end.
fn ends(line: &[u8], out: &mut Signs) {
    const HEADS: [&[u8]; 46] = [
        b"import ",
        b"from ",
        b"const ",
        b"let ",
        b"var ",
        b"def ",
        b"class ",
        b"function ",
        b"return ",
        b"public ",
        b"private ",
        b"static ",
        b"SELECT ",
        b"INSERT ",
        b"CREATE ",
        b"UPDATE ",
        b"ALTER ",
        b"curl ",
        b"git ",
        b"npm ",
        b"docker ",
        b"kubectl ",
        b"helm ",
        b"sudo ",
        b"export ",
        b"$ ",
        b"# ",
        b"PS> ",
        b">>> ",
        b"#include",
        b"#!/",
        b"// ",
        b"/*",
        b"at ",
        b"Traceback",
        b"package ",
        b"using ",
        b"fn ",
        b"impl ",
        b"func ",
        b"type ",
        b"interface ",
        b"struct ",
        b"ssh ",
        b"pip ",
        b"ENV ",
    ];
    let body = line.trim_ascii();
    if HEADS.iter().any(|head| body.starts_with(head)) {
        out.add(Sign::Head);
    }
    if matches!(body, [b'<' | b'}' | b'@', b, ..] if b.is_ascii_alphabetic() || *b == b'/') {
        out.add(Sign::Head);
    }
    // `[package]`, `[[bin]]`: the head of a section, and nothing else on its line.
    if let Some(inner) = body.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
        let named = inner.iter().all(|b| b.is_ascii_alphanumeric() || b"[]._- \"".contains(b));
        if named && inner.iter().any(u8::is_ascii_alphabetic) {
            out.add(Sign::Operator);
        }
    }
    if matches!(body, [.., b';' | b'{' | b'}' | b'(' | b'[' | b'\\']) {
        out.add(Sign::End);
    }
    if is_member(line, body) {
        out.add(Sign::Member);
    }
}

/// `  key: value` with an indent or a dash, `key = value`; the key in small letters, the value one word.
fn is_member(line: &[u8], body: &[u8]) -> bool {
    let listed = body.strip_prefix(b"- ");
    let body = listed.unwrap_or(body);
    let in_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-./".contains(b);
    let key = body.iter().take_while(in_key).count();
    let indented = line.starts_with(b"  ") || line.starts_with(b"\t") || listed.is_some();
    let small = key >= 2 && body[..1].iter().all(u8::is_ascii_lowercase);
    match &body[key..] {
        [b':'] => small && indented,
        [b':', b' ', value @ ..] => small && indented && !value.contains(&b' '),
        [b' ', b'=', b' ', ..] => small,
        _ => false,
    }
}

/// Signs of two or three bytes that begin at `i`, or behind the space before it.
fn pair(line: &[u8], i: usize, out: &mut Signs) {
    let before = before(line, i);
    let rest = &line[i..];
    let third = after(line, i + 2);
    match rest {
        [b':', b':', ..]
        | [b'=', b'>' | b'=' | b'"' | b'\'', ..]
        | [b'!', b'=', ..]
        | [b'&', b'&', ..]
        | [b'<', b'/', ..]
        | [b'/', b'>', ..]
        | [b'(', b'{', ..]
        | [b'}', b')', ..]
        | [b'$', b'{' | b'(', ..]
        | [b'{', b'{' | b'"', ..]
        | [b')', b';', ..] => out.add(Sign::Operator),
        [b'-', b'>', ..] if word(before) && word(third) => out.add(Sign::Operator),
        [b'"' | b'\'', b':', ..] if word(before) => out.add(Sign::Operator),
        [b'=', b' ', b'"' | b'\'' | b'[' | b'{', ..] if before == b' ' => out.add(Sign::Operator),
        [b'(', b')', ..] => out.add(Sign::Call),
        [b'-', b'-', ..] if before == b' ' && third.is_ascii_alphabetic() => out.add(Sign::Option),
        [b'-', next, ..] if line[..i].ends_with(b" ") && next.is_ascii_alphabetic() && is_option(rest) => {
            out.add(Sign::Option);
        }
        [b'$', next, ..] if !word(before) && next.is_ascii_alphabetic() => out.add(Sign::Variable),
        // `HR=80` is a note's.
        [b'=', next, ..]
            if word(before)
                && !next.is_ascii_whitespace()
                && !(before.is_ascii_uppercase() && next.is_ascii_digit()) =>
        {
            out.add(Sign::Assigned);
        }
        [b'(', next, ..] if word(before) && (word(*next) || matches!(next, b'"' | b'\'')) => {
            out.add(Sign::Call);
        }
        [b'.', next, ..] if before.is_ascii_alphabetic() && next.is_ascii_lowercase() && third != b'.' => {
            out.add(Sign::Dotted);
        }
        [b'.' | b'~', b'/', ..] | [b':', b'\\', ..] => out.add(Sign::Path),
        [b'/', next, ..]
            if matches!(before, b' ' | b'"' | b'\'')
                && next.is_ascii_lowercase()
                && closes(rest, b"-.", b'/') =>
        {
            out.add(Sign::Path);
        }
        [b'[', next, ..] if next.is_ascii_alphanumeric() && closes(rest, b"-:/.", b']') => {
            out.add(Sign::Stamp);
        }
        _ => {}
    }
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Does the name behind the first byte, of letters, digits and `signs`, end with `last`?
fn closes(rest: &[u8], signs: &[u8], last: u8) -> bool {
    let name = rest[1..].iter().take_while(|b| word(**b) || signs.contains(b)).count();
    after(rest, 1 + name) == last
}

/// `-f `, `-file=`.
fn is_option(rest: &[u8]) -> bool {
    let name = rest[1..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
    // At the end of its line `-Maria` signs a message.
    let ends = rest.len() == 1 + name && name == 1;
    ends || matches!(rest.get(1 + name), Some(b' ' | b'='))
}

/// A run of letters and digits that no word is.
const RUN: usize = 32;

/// Signs of one run of letters, digits and low lines, `next` behind it.
fn named(word: &[u8], next: u8, out: &mut Signs) {
    const LEVELS: [&[u8]; 7] = [b"ERROR", b"WARN", b"WARNING", b"INFO", b"DEBUG", b"FATAL", b"TRACE"];
    if word.starts_with(b"0x") {
        out.add(Sign::Hex);
    }
    if word.len() < 3 {
        return;
    }
    let holds = |of: fn(&u8) -> bool| word.iter().any(of);
    let digits = holds(u8::is_ascii_digit);
    if !digits && LEVELS.contains(&word) {
        out.add(Sign::Level);
    }
    let joined = |w: &[u8]| w[0].is_ascii_alphanumeric() && w[1] == b'_' && w[2].is_ascii_alphanumeric();
    if holds(|b| *b == b'_') && word.windows(3).any(joined) {
        out.add(Sign::Snake);
    }
    if is_camel(word) {
        out.add(Sign::Camel);
    }
    if digits && (is_hex(word) || word.len() >= RUN) {
        out.add(Sign::Hex);
    }
    if let [.., day, b'T', hour, _] = word
        && day.is_ascii_digit()
        && hour.is_ascii_digit()
        && next == b':'
    {
        out.add(Sign::Stamp);
    }
}

/// A capital behind small letters, more of them than in `McDonald` or `mmHg`.
pub(super) fn is_camel(word: &[u8]) -> bool {
    let turn = word.windows(2).position(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase());
    let thrown =
        [&b"Error"[..], b"Exception"].iter().any(|end| word.ends_with(end) && word.len() > end.len());
    turn.is_some_and(|at| at >= if word[0].is_ascii_uppercase() { 4 } else { 2 }) || thrown
}

/// Seven hexadecimal digits or more, small letters and digits among them.
fn is_hex(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let hex = word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    hex && word.len() >= 7 && digits >= 2 && word.len() - digits >= 2
}
