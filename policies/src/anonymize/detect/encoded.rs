//! Runs of base64 and percent-encoding: decoded once; what they hide masks the whole run.

use super::{Depth, scan, worded};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::{ner, secret};

/// Shorter runs hide nothing.
const SHORTEST: usize = 24;
/// Longer runs are media, not hidden text.
const LONGEST: usize = 255;

/// What base64 is written with, in either of its alphabets.
const IN_BASE64: [bool; 256] = letters_and(b"+/_-=");
/// What percent-encoded text is written with.
const IN_PERCENT: [bool; 256] = letters_and(b"%._~+-=&");

/// ASCII letters, digits and some signs.
const fn letters_and(signs: &[u8]) -> [bool; 256] {
    let mut all = [false; 256];
    let mut b = 0;
    while b < 256 {
        all[b] = (b as u8).is_ascii_alphanumeric();
        b += 1;
    }
    let mut i = 0;
    while i < signs.len() {
        all[signs[i] as usize] = true;
        i += 1;
    }
    all
}

pub(super) fn find(text: &[u8], depth: Depth, out: &mut Vec<Finding>) {
    runs(
        text,
        SHORTEST,
        |b| IN_BASE64[usize::from(b)],
        |start, end| {
            let start = start + assigned(&text[start..end]);
            if end - start < SHORTEST {
                return;
            }
            if end - start > LONGEST {
                let run = &text[start..end];
                if varied(run) && !secret::is_sealed(run) && !public(&text[..start]) {
                    out.push(Finding::new(start, end, Type::ENCODED, Evidence::Validated));
                }
            } else if base64(&text[start..end]).is_some_and(|inner| hides(&inner, depth)) {
                out.push(Finding::new(start, end, Type::ENCODED, Evidence::Validated));
            }
        },
    );
    if text.contains(&b'%') {
        runs(
            text,
            6,
            |b| IN_PERCENT[usize::from(b)],
            |start, end| {
                let run = &text[start..end];
                let encoded = run.contains(&b'%') && run.len() <= LONGEST;
                if encoded && percent(run).is_some_and(|inner| hides(&inner, depth)) {
                    out.push(Finding::new(start, end, Type::ENCODED, Evidence::Validated));
                }
            },
        );
    }
}

/// Bytes of the name before a run: `SESSION_TOKEN=SVFvSmIz...`, for padding stands at the end alone.
fn assigned(run: &[u8]) -> usize {
    let body = run.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
    run[..body].iter().rposition(|b| *b == b'=').map_or(0, |at| at + 1)
}

/// Runs of `least` bytes or more: each holds one of any bytes that stand so far apart, and only those are looked at.
fn runs(text: &[u8], least: usize, inside: impl Fn(u8) -> bool, mut each: impl FnMut(usize, usize)) {
    let mut at = least - 1;
    while let Some(byte) = text.get(at) {
        if !inside(*byte) {
            at += least;
            continue;
        }
        let start = at - text[..at].iter().rev().take_while(|b| inside(**b)).count();
        let end = at + text[at..].iter().take_while(|b| inside(**b)).count();
        if end - start >= least {
            each(start, end);
        }
        at = end + least;
    }
}

/// What stands before a public key, a certificate or a picture.
fn public(head: &[u8]) -> bool {
    let tail = head[head.len().saturating_sub(48)..].to_ascii_lowercase();
    const MARKS: [&[u8]; 18] = [
        b"ssh-",
        b"ecdsa-sha2-",
        b"public key",
        b"public_key",
        b"public-key",
        b"publickey",
        b"pubkey",
        b"certificate",
        b"x5c",
        b"v=dkim1",
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"data:image/",
        b"data:font/",
        b"data:audio/",
        b"data:video/",
        b"data:application/wasm",
    ];
    MARKS.iter().any(|mark| tail.windows(mark.len()).any(|w| w == *mark))
        || secret::is_of_a_public_key(head, head.len())
}

/// Letters of both cases and digits, as encoded bytes have them.
fn varied(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_lowercase)
        && run.iter().any(u8::is_ascii_uppercase)
        && run.iter().any(u8::is_ascii_digit)
}

/// Whether the decoded bytes are a text that holds something: whatever it says in words counts too.
fn hides(inner: &[u8], depth: Depth) -> bool {
    let Ok(text) = std::str::from_utf8(inner) else { return false };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return false;
    }
    let mut found = scan(inner, "", false);
    if depth == Depth::Model && text.contains(' ') {
        ner::find(text, &mut found);
        worded(text, "", &mut found);
    }
    found.iter().any(|f| f.score >= 60 && f.ty != Type::DATE && f.ty != Type::TIME)
}

fn base64(run: &[u8]) -> Option<Vec<u8>> {
    let body = run.split(|b| *b == b'=').next()?;
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut n) = (0_u32, 0);
    for byte in body {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        n += 6;
        if n >= 8 {
            n -= 8;
            out.push((bits >> n & 255) as u8);
        }
    }
    Some(out)
}

fn percent(run: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(run.len());
    let mut decoded = false;
    let mut i = 0;
    while i < run.len() {
        let hex = run
            .get(i + 1..i + 3)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (run[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                decoded = true;
                i += 3;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    decoded.then_some(out)
}
