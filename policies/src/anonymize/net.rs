//! Addresses on networks: e-mail, URL and host, IPv4, IPv6, MAC.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::kind::{Evidence, Finding, Type};
use super::machine;
use super::token::{Token, after, before, in_token};

/// Top-level domains that make a bare host a URL; words of languages and file endings are left out.
#[rustfmt::skip]
const HOSTS: &[&[u8]] = &[
    b"com", b"org", b"net", b"edu", b"gov", b"mil", b"de", b"fr", b"nl", b"se", b"pl", b"ch", b"eu", b"jp", b"ca", b"br",
    b"au", b"uk", b"il", b"nz", b"za", b"kr", b"tr", b"mx", b"es", b"fi", b"dk", b"cz", b"gr", b"pt", b"ie", b"ar",
];

/// Those that a path makes sure; images of containers come from `io` and `dev`.
const HOSTS_OF_PATHS: &[&[u8]] = &[
    b"example", b"app", b"co", b"us", b"info", b"health", b"care", b"clinic", b"online", b"site", b"me",
    b"ai", b"it", b"in", b"be", b"at", b"no", b"ru", b"cn", b"page", b"link", b"vn", b"th", b"sg", b"hk",
    b"tw", b"ro", b"hu", b"sk", b"bg", b"hr", b"lt", b"lv", b"ee", b"ua", b"kz", b"pk", b"bd", b"lk", b"ng",
    b"ke", b"ae",
];

fn push(out: &mut Vec<Finding>, start: usize, end: usize, ty: Type) {
    out.push(Finding::new(start, end, ty, Evidence::Validated));
}

/// E-mail addresses around every `@`.
pub(crate) fn emails(text: &[u8], out: &mut Vec<Finding>) {
    for at in (0..text.len()).filter(|i| text[*i] == b'@') {
        let mut start = at;
        while at - start < 64 {
            let len = local_before(&text[..start]);
            if len == 0 {
                break;
            }
            start -= len;
        }
        while start < at && !in_token(text[start]) && text[start] != b'_' && text[start] < 0x80 {
            start += 1;
        }
        // `key=john@x.com` and `/john@x.com`: what stands before is no part of the address.
        if let Some(cut) = text[start..at].iter().rposition(|b| b"=/&#'".contains(b)) {
            start += cut + 1;
        }
        let end = host_end(text, at + 1);
        let host = &text[at + 1..end];
        let tld = host.rsplit(|b| *b == b'.').next().unwrap_or_default();
        let named = tld.len() >= 2 && !tld[0].is_ascii_digit() && host.contains(&b'.');
        if start < at && named && text[at - 1] != b'.' {
            push(out, start, end, Type::EMAIL);
        }
    }
}

/// Bytes of the character before the end that may stand in the local part, 0 for one that may not. Letters
/// beyond U+07FF are left to their sentence: their scripts write no spaces.
fn local_before(head: &[u8]) -> usize {
    match head {
        [.., b] if in_token(*b) || b"._%+'-=~&#!$*/^".contains(b) => 1,
        [.., 0xc3..=0xdf, 0x80..=0xbf] => 2,
        _ => 0,
    }
}

/// Where the host that begins at `from` ends; trailing dots and dashes are not part of it.
fn host_end(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while end < text.len() && end - from < 255 {
        match text[end] {
            b'.' if !in_token(after(text, end + 1)) && !matches!(after(text, end + 1), 0xc3..=0xdf) => break,
            0xc3..=0xdf if end + 1 < text.len() => end += 2,
            b if in_token(b) || b == b'-' || b == b'.' => end += 1,
            _ => break,
        }
    }
    while end > from && text[end - 1] == b'-' {
        end -= 1;
    }
    end
}

/// URLs with a scheme, `www.` hosts and bare hosts.
pub(crate) fn urls(text: &[u8], out: &mut Vec<Finding>) {
    let mut at = 0;
    while at < text.len() {
        let found = match text[at] {
            b':' if text[at..].starts_with(b"://") => with_scheme(text, at),
            b'.' if in_token(before(text, at)) && in_token(after(text, at + 1)) => bare(text, at),
            _ => None,
        };
        match found {
            Some((start, end)) => {
                let found = Finding::new(start, end, Type::URL, Evidence::Validated);
                out.push(if machine::is_public(&text[start..end]) {
                    found.scored(machine::SCORE)
                } else {
                    found
                });
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
}

fn url_end(text: &[u8], from: usize) -> usize {
    let stop = |b: &u8| b.is_ascii_whitespace() || b"<>\"`{}|\\^".contains(b);
    let mut end = text[from..].iter().position(stop).map_or(text.len(), |n| from + n);
    let count = |x: u8| text[from..end].iter().filter(|b| **b == x).count();
    let (mut round, mut square) =
        (count(b')').saturating_sub(count(b'(')), count(b']').saturating_sub(count(b'[')));
    while end > from {
        match text[end - 1] {
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*' => {}
            b')' if round > 0 => round -= 1,
            b']' if square > 0 => square -= 1,
            _ => break,
        }
        end -= 1;
    }
    end
}

fn with_scheme(text: &[u8], colon: usize) -> Option<(usize, usize)> {
    let mut start = colon;
    while start > 0
        && colon - start < 32
        && (text[start - 1].is_ascii_alphanumeric() || b"+-.:".contains(&text[start - 1]))
    {
        start -= 1;
    }
    while start < colon && !text[start].is_ascii_alphabetic() {
        start += 1;
    }
    // The host first: only a URL is followed to its end, and then nothing in it is looked at again.
    let rest = &text[colon + 3..text.len().min(colon + 3 + 300)];
    let host_len = rest.iter().position(|b| b"/?# \t\n\"'<>".contains(b)).unwrap_or(rest.len());
    let host = &rest[..host_len];
    // `https://${HOST}/`, `postgres://<user>`: a template.
    let template = matches!(host.first(), Some(b'$' | b'{' | b'%' | b'*'));
    let named = !template && host.iter().any(|b| b".@[".contains(b)) && host.iter().any(|b| in_token(*b));
    (start < colon && named).then(|| (start, url_end(text, colon + 3)))
}

/// `www.x.y` or `x.y` with a known ending; `.` is the last dot of neither.
fn bare(text: &[u8], dot: usize) -> Option<(usize, usize)> {
    let mut start = dot;
    while start > 0
        && dot - start < 64
        && (text[start - 1].is_ascii_alphanumeric() || b"-.".contains(&text[start - 1]))
    {
        start -= 1;
    }
    if start >= dot || b"@_/\\".contains(&before(text, start)) || before(text, start) >= 0x80 {
        return None;
    }
    let host_end = host_end(text, dot + 1);
    let host = &text[start..host_end];
    let labels: Vec<&[u8]> = host.split(|b| *b == b'.').collect();
    let tld = labels.last()?.to_ascii_lowercase();
    let www = labels[0].eq_ignore_ascii_case(b"www") && labels.len() >= 3;
    let path = after(text, host_end) == b'/' && in_token(after(text, host_end + 1));
    let known = HOSTS.contains(&tld.as_slice()) || path && HOSTS_OF_PATHS.contains(&tld.as_slice());
    let known = known && labels[labels.len() - 2].len() >= 2;
    let called = b"(=_@".contains(&after(text, host_end)) || labels.iter().any(|l| l.is_empty());
    if called || !(www || known) || !labels[0].iter().any(u8::is_ascii_alphabetic) {
        return None;
    }
    let end =
        if matches!(after(text, host_end), b'/' | b':' | b'?') { url_end(text, host_end) } else { host_end };
    Some((start, end.max(host_end)))
}

/// IPv4, with a prefix length where one follows.
pub(crate) fn ipv4(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    for four in tokens.windows(4) {
        let (start, end) = (four[0].start, four[3].end);
        if end - start > 15 || !four.iter().all(|t| t.is_number() && t.len() <= 3) {
            continue;
        }
        if !four.windows(2).all(|p| p[1].start - p[0].end == 1 && text[p[0].end] == b'.') {
            continue;
        }
        let value = std::str::from_utf8(&text[start..end]).unwrap_or_default();
        let versioned = matches!(before(text, start), b'.' | b'-') || version_before(&text[..start]);
        let Some(ip) = Ipv4Addr::from_str(value).ok().filter(|_| !versioned) else { continue };
        let found = Finding::new(start, prefix_end(text, end), Type::IP_ADDRESS, Evidence::Validated);
        let own = ip.is_loopback() || ip.is_unspecified();
        out.push(if own { found.scored(machine::SCORE) } else { found });
    }
}

fn version_before(head: &[u8]) -> bool {
    let head = head.strip_suffix(b" ").unwrap_or(head);
    let tail = &head[head.len().saturating_sub(7)..];
    tail.to_ascii_lowercase().ends_with(b"version") || tail.ends_with(b" v")
}

fn prefix_end(text: &[u8], end: usize) -> usize {
    let digits = text[end..].iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
    let closed = !in_token(after(text, end + 1 + digits));
    if after(text, end) == b'/' && (1..=3).contains(&digits) && closed { end + 1 + digits } else { end }
}

/// IPv6 in every written form, with zone and prefix length.
pub(crate) fn ipv6(text: &[u8], out: &mut Vec<Finding>) {
    let mut at = 0;
    while let Some(n) = text[at..].iter().position(|b| *b == b':') {
        let colon = at + n;
        let hexish = |b: u8| b.is_ascii_hexdigit() || b == b':' || b == b'.';
        let mut start = colon;
        while start > 0 && colon - start < 46 && hexish(text[start - 1]) {
            start -= 1;
        }
        let mut end = colon;
        while end < text.len() && end - start < 46 && hexish(text[end]) {
            end += 1;
        }
        at = end.max(colon + 1);
        while end > start && text[end - 1] == b'.' {
            end -= 1;
        }
        // `IPv6: fe80::1` and `fe80::1:` carry a colon that belongs to the sentence.
        if text[start..end].ends_with(b":") && !text[start..end].ends_with(b"::") {
            end -= 1;
        }
        if in_token(before(text, start)) || in_token(after(text, end)) {
            continue;
        }
        let value = std::str::from_utf8(&text[start..end]).unwrap_or_default();
        let unspecified = value == "::" && after(text, end) != b'/';
        let counted = value.bytes().any(|b| b.is_ascii_digit()) || value == "::";
        if counted && !unspecified && Ipv6Addr::from_str(value).is_ok() {
            if after(text, end) == b'%' {
                end += 1 + text[end + 1..].iter().take_while(|b| in_token(**b)).count();
            }
            push(out, start, prefix_end(text, end), Type::IP_ADDRESS);
        }
    }
}

/// MAC addresses in six groups of two or three groups of four.
pub(crate) fn macs(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    let mut group = |n: usize, len: usize, seps: &[u8]| {
        for run in tokens.windows(n) {
            let (start, end) = (run[0].start, run[n - 1].end);
            if end - start != n * len + n - 1 || !seps.contains(&text[run[0].end]) {
                continue;
            }
            let sep = text[run[0].end];
            let uniform = run.windows(2).all(|p| p[1].start - p[0].end == 1 && text[p[0].end] == sep);
            let hex = run.iter().all(|t| t.len() == len && t.of(text).iter().all(u8::is_ascii_hexdigit));
            let value: Vec<u8> = run.iter().flat_map(|t| t.of(text)).map(u8::to_ascii_lowercase).collect();
            let odd = value.iter().all(|b| *b == b'f') || value.iter().all(|b| *b == b'0');
            let longer = before(text, start) == sep || after(text, end) == sep;
            let mixed = len == 2 || value.iter().any(u8::is_ascii_alphabetic);
            if uniform && hex && !odd && !longer && mixed {
                push(out, start, end, Type::MAC_ADDRESS);
            }
        }
    };
    group(6, 2, b":-");
    group(3, 4, b".");
}

/// `(01)00077886258708(21)W9363`: the strings on devices that GS1 numbers.
fn devices(text: &[u8], out: &mut Vec<Finding>) {
    let mut at = 0;
    while let Some(from) = text[at..].iter().position(|b| *b == b'(').map(|n| at + n) {
        at = from + 1;
        if !text[from..].starts_with(b"(01)") {
            continue;
        }
        let digits = text[from + 4..].iter().take_while(|b| b.is_ascii_digit()).count();
        at = from + 4 + digits;
        if digits != 14 {
            continue;
        }
        while let [b'(', a, b, b')', rest @ ..] = &text[at..] {
            let value = rest.iter().take(20).take_while(|c| in_token(**c) || **c == b'-').count();
            if !(a.is_ascii_digit() && b.is_ascii_digit()) || value == 0 {
                break;
            }
            at += 4 + value;
        }
        push(out, from, at, Type::DEVICE_ID);
    }
}

/// Hexadecimal digits of the hashes of things: commits, images, files. Nobody is known by one.
const DIGESTS: [usize; 5] = [40, 56, 64, 96, 128];

/// `GB97PVKJ0188001025649`: capitals among digits, and no hash.
fn is_lettered(value: &[u8]) -> bool {
    let capitals = value.iter().filter(|b| b.is_ascii_uppercase()).count();
    capitals >= 2
        && value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && !value.iter().all(u8::is_ascii_hexdigit)
}

/// A unique code, which may be a machine's.
fn code(text: &[u8], key: &str, start: usize, end: usize) -> Finding {
    let found = Finding::new(start, end, Type::ID, Evidence::Shape);
    if machine::is_named(text, start, end, key) { found.scored(machine::SCORE) } else { found }
}

/// UUIDs, strings on devices, and codes of 32 hexadecimal digits or more.
pub(crate) fn codes(text: &[u8], key: &str, tokens: &[Token], out: &mut Vec<Finding>) {
    let hex = |t: &Token| t.of(text).iter().all(u8::is_ascii_hexdigit);
    devices(text, out);
    for (i, token) in tokens.iter().enumerate() {
        if token.len() == 8 && hex(token) {
            if let Some(run) = tokens.get(i..i + 5) {
                let joined = run.windows(2).all(|p| p[1].start - p[0].end == 1 && text[p[0].end] == b'-');
                if joined && run.iter().map(|t| t.len()).eq([8, 4, 4, 4, 12]) && run.iter().all(hex) {
                    out.push(code(text, key, token.start, run[4].end));
                }
            }
        } else if (12..=34).contains(&token.len()) && token.digits >= 9 && is_lettered(token.of(text)) {
            out.push(Finding::new(token.start, token.end, Type::ID, Evidence::Failed));
        } else if token.len() >= 32 && token.digits >= 6 && token.digits < token.len() && hex(token) {
            let head = text[token.start.saturating_sub(20)..token.start].to_ascii_lowercase();
            let says =
                |words: &[&[u8]]| words.iter().any(|word| head.windows(word.len()).any(|w| w == *word));
            let of_a_thing = says(&[b"commit", b"sha", b"md5", b"digest", b"checksum", b"etag"])
                || DIGESTS.contains(&token.len())
                    && !says(&[b"key", b"token", b"secret", b"user", b"patient"]);
            if !of_a_thing {
                out.push(code(text, key, token.start, token.end));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::typed;
    use crate::anonymize::token::tokens;

    fn check(text: &str) -> Vec<String> {
        let bytes = text.as_bytes();
        let tokens = tokens(bytes);
        let mut out = Vec::new();
        emails(bytes, &mut out);
        urls(bytes, &mut out);
        ipv4(bytes, &tokens, &mut out);
        ipv6(bytes, &mut out);
        macs(bytes, &tokens, &mut out);
        codes(bytes, "", &tokens, &mut out);
        typed(text, &out)
    }

    #[test]
    fn addresses() {
        for (text, want) in [
            ("mail (john.doe+x@sub.example.co.uk).", "EMAIL john.doe+x@sub.example.co.uk"),
            ("to=ann@x.org&b", "EMAIL ann@x.org"),
            ("see https://a.example.com/p?q=1#f, ok", "URL https://a.example.com/p?q=1#f"),
            ("portal: helix.example/r/8f2k says", "URL helix.example/r/8f2k"),
            ("postgres://u:p@db:5432/x", "URL postgres://u:p@db:5432/x"),
            ("go to microsoft.com.", "URL microsoft.com"),
            ("www.foo.bar/x", "URL www.foo.bar/x"),
            ("ip 10.0.0.1/8.", "IP_ADDRESS 10.0.0.1/8"),
            ("Gateway: fe80::1%eth0 on", "IP_ADDRESS fe80::1%eth0"),
            ("[2001:db8::1]:8080", "IP_ADDRESS 2001:db8::1"),
            ("::ffff:192.0.2.1", "IP_ADDRESS ::ffff:192.0.2.1"),
            ("mac 00-1A-2b-3C-4D-5E", "MAC_ADDRESS 00-1A-2b-3C-4D-5E"),
            ("UDI (01)00077886258708(21)W9363, in", "DEVICE_ID (01)00077886258708(21)W9363"),
            ("id 123e4567-e89b-42d3-a456-426614174000", "ID 123e4567-e89b-42d3-a456-426614174000"),
        ] {
            assert!(check(text).iter().any(|f| f == want), "{text}: {:?}", check(text));
        }
        for text in [
            "at 12:34:56",
            "1:2:3:4",
            "std::cout",
            "a @ b",
            "version 1.2.3.4",
            "node.js e.g. main.rs",
            "FF:FF:FF:FF:FF:FF",
            "info@presidio.",
            "http://microsoft",
            "logger.net(x)",
            "300.168.1.1",
            "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            assert_eq!(check(text), Vec::<String>::new(), "{text}");
        }
    }
}
