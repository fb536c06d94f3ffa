//! Surrogates of addresses and telephone numbers: ranges that are reserved for examples.

use super::Choice;
use super::word::{alike, name};
use crate::anonymize::phone::country_len;

const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Separators of the local part stay, its words are invented; the domain is one of RFC 2606.
pub(super) fn email(original: &str, choice: &mut Choice) -> String {
    let local = original.split('@').next().unwrap_or_default();
    format!("{}@{}", handle(local, choice), domain(choice))
}

/// A domain of RFC 2606.
pub(super) fn domain(choice: &mut Choice) -> &'static str {
    DOMAINS[choice.below(3) as usize]
}

/// Separators and counts of digits stay; the words are invented.
pub(super) fn handle(original: &str, choice: &mut Choice) -> String {
    let mut out = String::new();
    for part in original.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        if word.bytes().all(|b| b.is_ascii_digit()) {
            out.extend(word.bytes().map(|_| char::from(choice.digit())));
        } else {
            out.push_str(&name(choice, word.chars().count().clamp(3, 12)));
        }
        out.push_str(&part[word.len()..]);
    }
    out
}

/// Scheme, depth, separators and file ending stay; host, path and query are invented.
pub(super) fn url(original: &str, choice: &mut Choice) -> String {
    let (scheme, rest) = match original.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), original),
    };
    let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(cut);
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let port = host
        .rsplit_once(':')
        .map(|(_, port)| port)
        .filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let mut out = scheme;
    if !user.is_empty() {
        out.push_str(&alike(user, choice));
        out.push('@');
    }
    if host.starts_with("www.") {
        out.push_str("www.");
    }
    out.push_str(&name(choice, 6));
    out.push('.');
    out.push_str(DOMAINS[choice.below(3) as usize]);
    if let Some(port) = port {
        out.push(':');
        out.push_str(port);
    }
    path(tail, &mut out, choice);
    out
}

fn path(tail: &str, out: &mut String, choice: &mut Choice) {
    let bytes = tail.as_bytes();
    let dot = tail.rfind('.').filter(|dot| tail.len() - dot <= 5 && !tail[*dot..].contains(['/', '?', '=']));
    let mut i = 0;
    while i < bytes.len() {
        if Some(i) == dot {
            out.push_str(&tail[i..]);
            return;
        }
        if matches!(bytes[i], b'?' | b'&') {
            let key = bytes[i + 1..].iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
            if key <= 20 && bytes.get(i + 1 + key) == Some(&b'=') {
                out.push_str(&tail[i..i + 1 + key]);
                i += 1 + key;
                continue;
            }
        }
        match bytes[i] {
            // What is percent-encoded cannot be told from what it hides.
            b'%' => {
                out.push_str("%20");
                i += 3;
                continue;
            }
            b'0'..=b'9' => out.push(char::from(choice.digit())),
            b'a'..=b'z' => out.push(char::from(choice.letter().to_ascii_lowercase())),
            b'A'..=b'Z' => out.push(char::from(choice.letter())),
            b if b.is_ascii() => out.push(char::from(b)),
            _ => out.push('x'),
        }
        i += 1;
    }
}

/// RFC 5737 and RFC 3849; the prefix length stays.
pub(super) fn ip(original: &str, choice: &mut Choice, attempt: u32) -> String {
    let (address, prefix) =
        original.split_once('/').map_or((original, String::new()), |(a, p)| (a, format!("/{p}")));
    let host = 1 + choice.below(254);
    if address.contains(':') {
        let (a, b) = (choice.below(0x10000), choice.below(0x10000));
        return format!("2001:db8::{a:x}:{b:x}{prefix}");
    }
    if attempt > 12 {
        // The documentation networks are used up: the benchmark network (RFC 2544).
        return format!("198.{}.{}.{host}{prefix}", 18 + choice.below(2), choice.below(256));
    }
    let net = ["192.0.2", "198.51.100", "203.0.113"][choice.below(3) as usize];
    format!("{net}.{host}{prefix}")
}

/// 00-00-5E-00-53-xx (RFC 7042); beyond 256 of them the range around.
pub(super) fn mac(choice: &mut Choice, attempt: u32) -> String {
    let mid = if attempt > 12 { choice.below(256) } else { 0x53 };
    format!("00005E00{mid:02X}{:02X}", choice.below(256))
}

/// `555-01xx` in the plan of North America; elsewhere country and area stay and zeros follow.
pub(super) fn phone(original: &str, choice: &mut Choice, attempt: u32) -> String {
    let bytes = original.as_bytes();
    let n = bytes.len();
    if n == 7 {
        return format!("55501{:02}", choice.below(100));
    }
    if n == 10 && (b'2'..=b'9').contains(&bytes[0]) && (b'2'..=b'9').contains(&bytes[3]) {
        let area =
            if attempt > 8 { format!("{}", 200 + choice.below(800)) } else { original[..3].to_owned() };
        return format!("{area}55501{:02}", choice.below(100));
    }
    if original.starts_with("447") && n == 12 {
        return format!("447700900{:03}", choice.below(1000));
    }
    let country = if n > 10 { country_len(bytes) } else { 0 };
    let keep = (country + 3).min(n.saturating_sub(5));
    let free = if attempt > 8 { 6 } else { 4 };
    let mut out = String::with_capacity(n);
    for (i, byte) in bytes.iter().enumerate() {
        out.push(char::from(match i {
            _ if i < keep => *byte,
            _ if i + free < n => b'0',
            _ => choice.digit(),
        }));
    }
    out
}
