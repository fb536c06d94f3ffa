//! What must be equal between a direct call and a proxied one; everything that may differ stands here by name.

use super::plan::{CASE, Reply, Seen};
use crate::wire::Fields;

/// Fields that belong to one connection (RFC 9110 section 7.6.1), and those that a next hop words anew.
const HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];
const RECEIPT: &str = "x-kolm-receipt";

/// How the proxied request differs from the direct one.
pub(super) fn requests(direct: &Seen, proxied: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differ = |what: &str, a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| {
        wrong.push(format!("request {what}: direct {a:?}, proxied {b:?}"));
    };
    if proxied.times != 1 {
        differ("count", &direct.times, &proxied.times);
    }
    if direct.method != proxied.method {
        differ("method", &direct.method, &proxied.method);
    }
    if direct.target != proxied.target {
        differ("target", &direct.target, &proxied.target);
    }
    let (a, b) = (upward(&direct.headers), upward(&proxied.headers));
    if a != b {
        let (only_a, only_b) = difference(&a, &b);
        differ("headers", &only_a, &only_b);
    }
    if direct.whole != proxied.whole {
        differ("end", &direct.whole, &proxied.whole);
    }
    let length = proxied.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse::<usize>().ok());
    if proxied.whole && length.is_some_and(|length| length != proxied.body.len()) {
        differ("content-length", &proxied.body.len(), &length);
    }
    if let Some(at) = apart(&direct.body, &proxied.body) {
        differ("body", &(direct.body.len(), at), &(proxied.body.len(), at));
    }
    wrong
}

/// An answer without its date: on HTTP/2 Pingora 0.9.1 stamps every answer with its own, and has no switch for it.
pub(super) fn undated(mut reply: Reply) -> Reply {
    reply.headers.retain(|(name, _)| name != "date");
    reply
}

/// How the proxied answer differs from the direct one.
pub(super) fn replies(direct: &Reply, proxied: &Reply) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differ = |what: &str, a: &dyn std::fmt::Debug, b: &dyn std::fmt::Debug| {
        wrong.push(format!("answer {what}: direct {a:?}, proxied {b:?}"));
    };
    if direct.status != proxied.status {
        differ("status", &direct.status, &proxied.status);
    }
    if direct.whole != proxied.whole {
        differ("end", &direct.whole, &proxied.whole);
    }
    let receipts: Vec<_> =
        proxied.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(RECEIPT)).collect();
    if !matches!(receipts.as_slice(), [(_, value)] if value.starts_with(b"kr1; id=")) {
        differ("receipt", &"one of the gateway's", &receipts);
    }
    let (a, b) = (downward(&direct.headers), downward(&proxied.headers));
    if a != b {
        let (only_a, only_b) = difference(&a, &b);
        differ("headers", &only_a, &only_b);
    }
    if let Some(at) = apart(&direct.body, &proxied.body) {
        differ("body", &(direct.body.len(), at), &(proxied.body.len(), at));
    }
    wrong
}

/// The same for an answer that breaks off on HTTP/2: a reset overtakes what was not sent yet, so a part may be missing.
pub(super) fn torn(direct: &Reply, proxied: &Reply) -> Vec<String> {
    if proxied.whole || !direct.body.starts_with(&proxied.body) {
        return vec![format!("torn answer: direct {:?}, proxied {proxied:?}", direct.body)];
    }
    Vec::new()
}

/// Lower-case names with values, sorted, without what a connection or the gateway owns; cookie crumbs in one line.
fn upward(fields: &Fields) -> Vec<(String, String)> {
    let named = nominated(fields);
    let mut out: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.to_lowercase(), shown(value)))
        .filter(|(name, _)| {
            let ours = name.starts_with("x-kolm-") || name == "x-upstream-api-key" || name == CASE;
            let framing = name == "host" || name == "content-length" || name == "cookie";
            !ours && !framing && !HOP.contains(&name.as_str()) && !named.contains(name)
        })
        .collect();
    let cookies: Vec<String> = fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .map(|(_, value)| shown(value))
        .collect();
    if !cookies.is_empty() {
        out.push(("cookie".to_owned(), cookies.join("; ").trim_end().to_owned()));
    }
    out.sort();
    out
}

fn downward(fields: &Fields) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.to_lowercase(), shown(value)))
        .filter(|(name, _)| name != RECEIPT && !HOP.contains(&name.as_str()))
        .collect();
    out.sort();
    out
}

/// Names that a request's `Connection` takes along.
fn nominated(fields: &Fields) -> Vec<String> {
    fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_lowercase()))
        .collect()
}

fn shown(value: &[u8]) -> String {
    value.escape_ascii().to_string()
}

type Pairs = Vec<(String, String)>;

/// What each side has that the other lacks, counted.
fn difference(a: &Pairs, b: &Pairs) -> (Pairs, Pairs) {
    let less = |from: &Pairs, other: &Pairs| {
        let mut other = other.clone();
        from.iter()
            .filter(|pair| match other.iter().position(|one| one == *pair) {
                Some(at) => {
                    other.swap_remove(at);
                    false
                }
                None => true,
            })
            .cloned()
            .collect()
    };
    (less(a, b), less(b, a))
}

/// Where two bodies part.
fn apart(a: &[u8], b: &[u8]) -> Option<usize> {
    if a == b {
        return None;
    }
    Some(a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len())))
}
