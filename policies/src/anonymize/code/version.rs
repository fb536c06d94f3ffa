//! Versions of programs and of interfaces, which look like days and like addresses: `4.17.21`, `8.9.7.29`,
//! `apiVersion: '2024-06-20'`.
//!
//! **Invariant:** a day of four figures for its year with its day before it stays a day, and a private address
//! stays one but behind a word of versions.

use std::collections::BTreeSet;

use super::line::{self, Lines};
use crate::anonymize::kind::{Finding, Type};
use crate::anonymize::token::{after, before, in_token};

/// Words before a version.
const WORDS: [&str; 21] = [
    "version", "v", "ver", "release", "rev", "sv", "api", "driver", "firmware", "build", "bios", "runtime",
    "sdk", "dll", "module", "kernel", "plugin", "ref", "exe", "sys", "bundle",
];
/// Words before an address.
const ADDRESSED: [&str; 36] = [
    "ip", "ips", "ipv4", "host", "hosts", "server", "from", "to", "at", "addr", "address", "gateway", "gw",
    "dns", "ns", "via", "peer", "client", "remote", "by", "on", "for", "with", "and", "or", "is", "mask",
    "netmask", "proxy", "ping", "ssh", "inet", "src", "dst", "source", "node",
];

/// The versions that a text shows to be some, by their letters.
pub(super) struct Versions(BTreeSet<Vec<u8>>);

impl Versions {
    /// Is the day one of them?
    pub(super) fn holds(&self, value: &[u8], ty: Type) -> bool {
        ty == Type::DATE && self.0.contains(value)
    }
}

/// What of the days and addresses of a text is a version.
pub(super) fn known(text: &[u8], found: &[Finding], lines: &Lines) -> Versions {
    let dates = found.iter().filter(|f| f.ty == Type::DATE && is_one(text, f, lines.code(f.start)));
    Versions(dates.map(|f| text[f.start..f.end].to_vec()).collect())
}

/// Is the finding a version by what stands beside it?
pub(super) fn is_one(text: &[u8], f: &Finding, code: bool) -> bool {
    let value = &text[f.start..f.end];
    let (word, signs) = word_before(text, f.start);
    let says = |word: &str| WORDS.contains(&word) || word.ends_with("version");
    if f.ty == Type::IP_ADDRESS {
        return says(&word) || !is_private(value) && is_program(&word) && beside_versions(text, f);
    }
    let dots = value.iter().filter(|b| **b == b'.').count();
    if f.ty == Type::ID {
        // `v2.14.0`; what is written `364.390.436` may be anybody's.
        let digits = value.strip_prefix(b"v");
        let small = digits.unwrap_or(value).split(|b| *b == b'.').all(|part| part.len() <= 2);
        let plain = digits.unwrap_or(value).iter().all(|b| b.is_ascii_digit() || *b == b'.');
        return dots == 2 && plain && (digits.is_some() || small && says(&word));
    }
    let pinned = [&b"=="[..], b">=", b"<=", b"~=", b"!=", b"^", b"~", b"@"]
        .iter()
        .any(|s| text[..f.start].ends_with(s));
    let marked = [&b"-preview"[..], b"-rc", b"-beta", b"-alpha", b".post", b".dev"]
        .iter()
        .any(|mark| text[f.end..].starts_with(mark));
    let german = value.rsplit(|b| *b == b'.').next().is_some_and(|year| year.len() == 4);
    let dotted = dots == 2 && !german;
    let quoted = matches!(before(text, f.start), b'"' | b'\'') && matches!(after(text, f.end), b'"' | b'\'');
    let plain = value.iter().all(|b| b.is_ascii_digit() || b"-.".contains(b));
    plain && (pinned || marked)
        || plain && says(&word) && signs <= 5 && (code && !german || word.ends_with("version"))
        || plain && dotted && quoted && code && !dated(&word)
}

/// The name of a day stands before it.
fn dated(word: &str) -> bool {
    const PARTS: [&str; 7] = ["dat", "day", "dob", "birth", "geb", "fecha", "until"];
    PARTS.iter().any(|part| word.contains(part)) || ["on", "at", "am", "tag", "since"].contains(&word)
}

/// The word before in lower case, and how many signs stand between.
fn word_before(text: &[u8], at: usize) -> (String, usize) {
    let head = &text[at.saturating_sub(40)..at];
    let signs = head.iter().rev().take(6).take_while(|b| b" =:\"'".contains(b)).count();
    let name = &head[..head.len() - signs];
    let run = name.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
    (String::from_utf8_lossy(&name[name.len() - run..]).to_ascii_lowercase(), signs)
}

/// A word that may be a program's name.
fn is_program(word: &str) -> bool {
    word.len() >= 3 && !ADDRESSED.contains(&word)
}

fn is_private(value: &[u8]) -> bool {
    [&b"10."[..], b"192.168.", b"172.", b"127.", b"0.", b"169.254."].iter().any(|net| value.starts_with(net))
}

/// Other numbers with dots, behind words, on the same line.
fn beside_versions(text: &[u8], f: &Finding) -> bool {
    const REACH: usize = 120;
    let (head, _) = line::head(text, f.start, REACH);
    let tail = &text[f.end..text.len().min(f.end + REACH)];
    let tail = tail.split(|b| *b == b'\n').next().unwrap_or_default();
    let dotted = |part: &[u8]| {
        let version = part.split(|b| b" ,;:=()\"'".contains(b)).filter(|word| {
            let dots = word.iter().filter(|b| **b == b'.').count();
            let digits = word.iter().all(|b| b.is_ascii_digit() || *b == b'.');
            (1..=3).contains(&dots)
                && digits
                && word.first().is_some_and(u8::is_ascii_digit)
                && in_token(word[word.len() - 1])
        });
        version.count()
    };
    dotted(head) + dotted(tail) > 0
}
