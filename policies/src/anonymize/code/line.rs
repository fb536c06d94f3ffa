//! Which lines of a text are of a program, a log, a shell or a file of settings.
//!
//! **Invariant:** one pass over the bytes of a text; a line of prose that names a file or an address is none of code.

use std::borrow::Cow;

use memchr::memchr;

/// Weight from which on a line is of code.
const CODE: u32 = 2;

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
struct Signs(u32);

impl Signs {
    fn add(&mut self, sign: Sign) {
        self.0 |= 1 << sign as u32;
    }

    fn weight(&self) -> u32 {
        self.0.count_ones() + (self.0 >> Sign::Operator as u32 & 1)
    }
}

/// The lines of a text, and which are of code.
pub(super) struct Lines {
    /// Where each begins, and whether it is of code.
    lines: Vec<(usize, bool)>,
    any: bool,
}

impl Lines {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut weights = Vec::new();
        let mut at = 0;
        for line in text.split(|b| *b == b'\n') {
            weights.push((at, signs(line).weight()));
            at += line.len() + 1;
        }
        let lines: Vec<_> = (0..weights.len()).map(|i| (weights[i].0, is_code(&weights, i))).collect();
        Self { any: lines.iter().any(|(_, code)| *code), lines }
    }

    /// Is the byte `at` of a line of code?
    pub(super) fn code(&self, at: usize) -> bool {
        let next = self.lines.partition_point(|(start, _)| *start <= at);
        next.checked_sub(1).is_some_and(|i| self.lines[i].1)
    }

    /// Is any line of code?
    pub(super) fn any(&self) -> bool {
        self.any
    }
}

/// How far from a line of code one with a single sign is of it too.
const NEAR: usize = 3;
/// As many lines with one sign each in a row are of code.
const ROW: usize = 3;

/// Is line `i` of code, by its own signs or by those of the lines around it?
fn is_code(weights: &[(usize, u32)], i: usize) -> bool {
    if weights[i].1 != 1 {
        return weights[i].1 >= CODE;
    }
    let signed = |(_, weight): &&(usize, u32)| *weight > 0;
    let before = weights[..i].iter().rev().take_while(signed).take(ROW).count();
    let after = weights[i + 1..].iter().take_while(signed).take(ROW).count();
    let near = &weights[i.saturating_sub(NEAR)..weights.len().min(i + 1 + NEAR)];
    before + after + 1 >= ROW || near.iter().any(|(_, weight)| *weight >= CODE)
}

fn signs(line: &[u8]) -> Signs {
    let mut out = Signs::default();
    let plain = without_addresses(line);
    let line = plain.as_ref();
    ends(line, &mut out);
    pairs(line, &mut out);
    for word in line.split(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).filter(|word| word.len() >= 3) {
        named(word, &mut out);
    }
    out
}

/// The line without e-mail addresses and URLs, which prose has as well.
fn without_addresses(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'@', line).is_none() && !line.windows(3).any(|w| w == b"://") {
        return Cow::Borrowed(line);
    }
    let mut out = line.to_vec();
    for word in out.split_mut(|b| b" \t,;\"'()<>[]".contains(b)) {
        let address = word.contains(&b'@') && word.contains(&b'.') || word.windows(3).any(|w| w == b"://");
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

/// Signs of two or three bytes.
fn pairs(line: &[u8], out: &mut Signs) {
    let at = |i: usize| line.get(i).copied().unwrap_or(b' ');
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    for (i, pair) in line.windows(2).enumerate() {
        let before = if i == 0 { b' ' } else { line[i - 1] };
        match pair {
            b"::" | b"=>" | b"==" | b"!=" | b"&&" | b"</" | b"/>" | b"({" | b"})" | b"${" | b"$(" | b"{{"
            | b"=\"" | b"='" | b"{\"" => out.add(Sign::Operator),
            b"->" if word(before) && word(at(i + 2)) => out.add(Sign::Operator),
            b"\":" | b"':" if word(before) => out.add(Sign::Operator),
            b"= " if before == b' ' && matches!(at(i + 2), b'"' | b'\'' | b'[' | b'{') => {
                out.add(Sign::Operator);
            }
            b");" => out.add(Sign::Operator),
            b"()" => out.add(Sign::Call),
            b"--" if before == b' ' && at(i + 2).is_ascii_alphabetic() => out.add(Sign::Option),
            [b' ', b'-'] if at(i + 2).is_ascii_alphabetic() => {
                let name = line[i + 2..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
                // At the end of its line `-Maria` signs a message.
                let ends = line.len() == i + 2 + name && name == 1;
                if ends || matches!(line.get(i + 2 + name), Some(b' ' | b'=')) {
                    out.add(Sign::Option);
                }
            }
            [b'$', next] if !word(before) && next.is_ascii_alphabetic() => out.add(Sign::Variable),
            // `HR=80` is a note's.
            [b'=', next]
                if word(before)
                    && !next.is_ascii_whitespace()
                    && !(before.is_ascii_uppercase() && next.is_ascii_digit()) =>
            {
                out.add(Sign::Assigned);
            }
            [b'(', next] if word(before) && (word(*next) || matches!(next, b'"' | b'\'')) => {
                out.add(Sign::Call)
            }
            [b'.', next]
                if before.is_ascii_alphabetic() && next.is_ascii_lowercase() && at(i + 2) != b'.' =>
            {
                out.add(Sign::Dotted);
            }
            b"./" | b"~/" | b":\\" => out.add(Sign::Path),
            [b'/', next] if matches!(before, b' ' | b'"' | b'\'') && next.is_ascii_lowercase() => {
                let name = line[i + 1..].iter().take_while(|b| word(**b) || b"-.".contains(b)).count();
                if at(i + 1 + name) == b'/' {
                    out.add(Sign::Path);
                }
            }
            b"0x" if !word(before) => out.add(Sign::Hex),
            [b'[', next] if next.is_ascii_alphanumeric() => {
                let name = line[i + 1..].iter().take_while(|b| word(**b) || b"-:/.".contains(b)).count();
                if at(i + 1 + name) == b']' {
                    out.add(Sign::Stamp);
                }
            }
            [b'T', next] if before.is_ascii_digit() && next.is_ascii_digit() && at(i + 3) == b':' => {
                out.add(Sign::Stamp);
            }
            _ => {}
        }
    }
}

/// A run of letters and digits that no word is.
const RUN: usize = 32;

/// Signs of one run of letters, digits and low lines.
fn named(word: &[u8], out: &mut Signs) {
    const LEVELS: [&[u8]; 7] = [b"ERROR", b"WARN", b"WARNING", b"INFO", b"DEBUG", b"FATAL", b"TRACE"];
    if LEVELS.contains(&word) {
        out.add(Sign::Level);
    }
    let joined = |w: &[u8]| w[0].is_ascii_alphanumeric() && w[1] == b'_' && w[2].is_ascii_alphanumeric();
    if word.windows(3).any(joined) {
        out.add(Sign::Snake);
    }
    if is_camel(word) {
        out.add(Sign::Camel);
    }
    if is_hex(word) || word.len() >= RUN && word.iter().any(u8::is_ascii_digit) {
        out.add(Sign::Hex);
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
pub(super) fn is_hex(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let hex = word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    hex && word.len() >= 7 && digits >= 2 && word.len() - digits >= 2
}

/// The part of the line before `at` that is within `reach`, and whether the line begins in it.
pub(super) fn head(text: &[u8], at: usize, reach: usize) -> (&[u8], bool) {
    let from = at.saturating_sub(reach);
    match text[from..at].iter().rposition(|b| *b == b'\n') {
        Some(end) => (&text[from + end + 1..at], true),
        None => (&text[from..at], from == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_programs_logs_and_settings() {
        for line in [
            "const client = new Client({",
            "{\"level\":\"warn\",\"msg\":\"slow\"}",
            "2024-06-02T08:14:22 ERROR [main] upload failed",
            "git fetch origin --prune --tags",
            "payments.RetryPolicy retry = payments.RetryPolicy.of(client);",
            "name = \"walker\"",
            "AWS_REGION=us-west-2 ./run.sh",
            "  password_hash VARCHAR(255) NOT NULL,",
            "[package]",
        ] {
            assert!(Lines::of(line.as_bytes()).any(), "{line}");
        }
        assert!(Lines::of(b"provider:\n  name: lantern\n  runtime: x\n  region: y\n").code(12));
        assert!(Lines::of(b"containers:\n- name: sidecar\n  image: busybox_x\n").code(16));
    }

    #[test]
    fn lines_of_prose_and_of_notes() {
        for line in [
            "my login maria_31. help me understand. -Maria",
            "my login maria_31. help me understand. -maria",
            "Maria Lopez (47) came in with chest pain, BP 120/80, HR=80; see file.txt",
            "PID|1||6610294^^^MR||LOPEZ^MARIA||19770412|F",
            "Dear Dr. McDonald, thank you for seeing her -- she was well",
            "Patient: Maria Lopez, MRN: 118802",
            "Please write to john_doe71@example.com or see https://www.example.com/a_b/c?d=e",
            "Mann, 54 J., RR 140/90 -> 120/80 unter Ramipril 5 mg",
        ] {
            assert!(!Lines::of(line.as_bytes()).any(), "{line}");
        }
    }
}
