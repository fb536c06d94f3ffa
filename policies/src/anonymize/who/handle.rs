//! Handles, and names before an address in angle brackets.

use memchr::memchr2_iter;

use super::{left, push};
use crate::anonymize::cue::{Cue, Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::{after, before};

fn inside(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

/// Where the handle that begins at `from` ends.
fn end(text: &[u8], from: usize) -> usize {
    let len = text.get(from..).unwrap_or_default().iter().take(40).take_while(|b| inside(**b)).count();
    let mut end = from + len;
    while end > from && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    end
}

/// `username: ann_b`, `user ann.b77`.
pub(super) fn after_label(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let text = r.text.as_bytes();
    let mut last = cue.last;
    if r.gap(last) == " " && ["is", "ist", "est", "es", "è", "é"].iter().any(|word| r.is(last + 1, word)) {
        last += 1;
    }
    let gap = r.gap(last);
    let said = gap.contains([':', '=']);
    let Some(word) = r.word(last + 1) else { return };
    if gap.len() > 4 || gap.contains('\n') || !gap.bytes().all(|b| b" :=\"'@".contains(&b)) {
        return;
    }
    let end = end(text, word.start);
    let value = r.text.get(word.start..end).unwrap_or_default();
    let odd = value.bytes().any(|b| b.is_ascii_digit() || b == b'_')
        || value.contains('.') && !value.contains("..");
    let plain = matches!(r.low(cue.first), "user" | "login" | "usuario" | "utente" | "usuário")
        && cue.first == cue.last;
    let called = after(text, end) == b'@' || r.has(last + 1, Role::Common);
    let lone = said && !plain || last > cue.last;
    let lettered = value.bytes().any(|b| b.is_ascii_alphabetic());
    if (3..=40).contains(&value.len()) && lettered && !called && (odd || lone) {
        out.push(Finding::new(word.start, end, Type::USERNAME, Evidence::Label));
    }
}

/// Small words before the handle of somebody.
const LEADS: [&str; 22] = [
    "via", "dm", "p", "pra", "ig", "insta", "follow", "at", "on", "to", "bei", "an", "über", "sur", "chez",
    "seguid", "segue", "a", "su", "met", "op", "или",
];

/// `ann.berg`, `casa.do.mar`: small letters in two parts or three.
fn is_dotted(value: &str) -> bool {
    let long = value.split('.').map(str::len).max().unwrap_or(0) >= 4;
    long && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'.') && value.matches('.').count() <= 2
}

/// `@ann_b`, and `Ann Berg <ann@x.org>`.
pub(super) fn marked(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let text = r.text.as_bytes();
    for at in memchr2_iter(b'@', b'<', text) {
        if text[at] == b'<' {
            bracket(r, at, out);
            continue;
        }
        let end = end(text, at + 1);
        let next = after(text, end);
        let free = matches!(before(text, at), b' ' | b'(' | b'\n' | b',' | b':' | b'"')
            && !matches!(next, b'/' | b'(' | b'@' | b'{');
        let i = r.words.partition_point(|word| word.start <= at);
        let word = r.word(i).is_some_and(|word| word.start == at + 1);
        let value = r.text.get(at + 1..end).unwrap_or_default();
        let odd = value.bytes().any(|b| b.is_ascii_digit() || b == b'_');
        let spoken = i.checked_sub(1).is_some_and(|b| LEADS.contains(&r.low(b))) && is_dotted(value);
        let code = at == 0 || before(text, at) == b'\n' || value.contains('.') && !odd && !spoken;
        if free && word && value.len() >= 3 && (odd || !code && !r.has(i, Role::Common)) {
            out.push(Finding::new(at + 1, end, Type::USERNAME, Evidence::Shape).scored(70));
        }
    }
}

/// `20:03 dark_wolf9: hi`, `[14:02] <ann_b> ok`: who speaks at the head of a line, behind its time.
pub(super) fn spoken(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let mut at = 0;
    for line in r.text.split('\n') {
        let start = at;
        at += line.len() + 1;
        let body = line.trim_start_matches(['[', '(', ' ']);
        let time = body.bytes().take(6).take_while(|b| b.is_ascii_digit() || *b == b':').count();
        let clock = matches!(time, 4 | 5) && body.get(..time).is_some_and(|time| time.contains(':'));
        let Some(rest) = body.get(time..).filter(|rest| clock && rest.starts_with([' ', ']', ')'])) else {
            continue;
        };
        let said = rest.trim_start_matches([']', ')', ' ', '<', '@', '-', '|']);
        let from = start + line.len() - said.len();
        let end = end(r.text.as_bytes(), from);
        let value = r.text.get(from..end).unwrap_or_default();
        let odd = value.bytes().any(|b| b.is_ascii_digit() || b == b'_');
        let lettered = value.bytes().filter(u8::is_ascii_alphabetic).count() >= 3;
        if odd && lettered && matches!(after(r.text.as_bytes(), end), b':' | b'>') {
            out.push(Finding::new(from, end, Type::USERNAME, Evidence::Shape));
        }
    }
}

/// `curl -u lmarsh:Kite#77`: who an option of a command says that calls, before the password.
pub(super) fn option(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let text = r.text.as_bytes();
    for (at, said) in r.text.match_indices(" -u ") {
        let quote = usize::from(b"\"'".contains(&after(text, at + said.len())));
        let from = at + said.len() + quote;
        let end = end(text, from);
        let secret = after(text, end) == b':'
            && after(text, end + 1).is_ascii_graphic()
            && after(text, end + 1) != b'$';
        let named = text.get(from..end).is_some_and(|name| name.iter().any(u8::is_ascii_lowercase));
        if secret && named && end - from >= 3 {
            out.push(Finding::new(from, end, Type::USERNAME, Evidence::Shape));
        }
    }
}

fn bracket(r: &Reading<'_>, at: usize, out: &mut Vec<Finding>) {
    let tail = r.text.as_bytes().get(at + 1..).unwrap_or_default();
    let inner = tail.iter().take(80).position(|b| matches!(b, b'>' | b' ' | b'<'));
    if !inner.is_some_and(|n| tail[n] == b'>' && tail[..n].contains(&b'@')) {
        return;
    }
    let Some(last) = r.words.partition_point(|word| word.end <= at).checked_sub(1) else { return };
    if !matches!(r.gap(last), " <" | "\" <" | " \"<" | "<") {
        return;
    }
    if let Some(first) = left(r, last) {
        push(r, first, last, Evidence::Label, out);
    }
}
