//! The header policy, one for both doors (`relay` and `proxy`): what goes up to an upstream and what comes down.
//!
//! **Invariant:** nothing of ours goes up, and exactly one `x-kolm-receipt`, ours, comes down.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, UPGRADE,
};
use pingora::Result;
use pingora::http::{RequestHeader, ResponseHeader, StatusCode, Version};
use pingora::proxy::Session;

/// The receipt's header.
pub(crate) const RECEIPT: &str = "x-kolm-receipt";
/// The upstream's key, sent beside a kolm key.
pub(crate) const UPSTREAM_KEY: &str = "x-upstream-api-key";
/// Tells a student to abstain instead of guessing.
pub(crate) const CASCADE: &str = "x-kolm-cascade";

const OURS: &str = "x-kolm-";
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

const OF_THE_CLIENT: [&str; 7] = [
    "cookie",
    "openai-organization",
    "openai-project",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "x-goog-user-project",
];

/// Where a request goes and with whose key.
#[derive(Debug, Clone)]
pub(crate) struct Upward {
    /// `host[:port]` of the upstream.
    pub(crate) host: String,
    /// Path and query there.
    pub(crate) path: String,
    /// The `authorization` value that goes up, if any.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Whether hop-by-hop fields are taken out here or were dealt with by Pingora (which normalizes upgrades).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hops {
    /// Take them out.
    Strip,
    /// Pingora has done so.
    Done,
}

/// Dresses a client's request for the upstream.
pub(crate) fn upward(request: &mut RequestHeader, to: &Upward, hops: Hops) -> Result<()> {
    let nominated = nominated(&request.headers);
    let gone: Vec<HeaderName> = request
        .headers
        .keys()
        .filter(|name| {
            let ours = name.as_str().starts_with(OURS) || name.as_str() == UPSTREAM_KEY;
            ours || hops == Hops::Strip && (is_hop(name) || nominated.contains(name))
        })
        .cloned()
        .collect();
    for name in &gone {
        request.remove_header(name);
    }
    if hops == Hops::Strip {
        request.remove_header(&EXPECT);
        join_cookies(request)?;
        request.set_version(Version::HTTP_11);
    }
    request.set_raw_path(to.path.as_bytes())?;
    request.insert_header(HOST, to.host.as_str())?;
    match &to.authorization {
        Some(value) => request.insert_header(AUTHORIZATION, value.clone())?,
        None => {
            request.remove_header(&AUTHORIZATION);
        }
    }
    Ok(())
}

/// Takes out what a client shows of itself to its own provider: another one has no business with it.
pub(crate) fn estrange(request: &mut RequestHeader) {
    for name in OF_THE_CLIENT {
        request.remove_header(name);
    }
}

/// Frames a body that is known whole.
pub(crate) fn sized(request: &mut RequestHeader, length: usize) -> Result<()> {
    request.remove_header(&TRANSFER_ENCODING);
    request.insert_header(CONTENT_LENGTH, length.to_string())
}

/// What the upstream's response head loses and gains on its way to the client.
pub(crate) fn downward(response: &mut ResponseHeader, receipt: &str) -> Result<()> {
    let upgraded = response.status == StatusCode::SWITCHING_PROTOCOLS;
    let nominated = nominated(&response.headers);
    let gone: Vec<HeaderName> = response
        .headers
        .keys()
        .filter(|name| {
            let framing = **name == TRANSFER_ENCODING || upgraded && **name == UPGRADE;
            name.as_str() == RECEIPT || !framing && (is_hop(name) || nominated.contains(name))
        })
        .cloned()
        .collect();
    for name in &gone {
        response.remove_header(name);
    }
    if upgraded {
        response.insert_header(CONNECTION, "upgrade")?;
    }
    response.insert_header(RECEIPT, receipt)
}

/// Takes every header of ours out of a student's answer: a local answer looks like a cloud one.
pub(crate) fn plain(response: &mut ResponseHeader) {
    let gone: Vec<HeaderName> =
        response.headers.keys().filter(|name| name.as_str().starts_with(OURS)).cloned().collect();
    for name in &gone {
        response.remove_header(name);
    }
}

/// Frames a relayed response for the client: sized as it came, else chunked where the client can read that.
pub(crate) fn framed(response: &mut ResponseHeader, client: Version) -> Result<()> {
    response.set_version(Version::HTTP_11);
    response.remove_header(&TRANSFER_ENCODING);
    let bodyless = matches!(response.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if bodyless || response.headers.contains_key(CONTENT_LENGTH) || client != Version::HTTP_11 {
        return Ok(());
    }
    response.insert_header(TRANSFER_ENCODING, "chunked")
}

/// A client of HTTP/1.0 reads no chunks (RFC 9112, 6.1): without a length, the end of the connection ends the body.
pub(crate) fn unchunked(session: &mut Session, response: &mut ResponseHeader) {
    if session.req_header().version == Version::HTTP_10 && !response.headers.contains_key(CONTENT_LENGTH) {
        response.remove_header(&TRANSFER_ENCODING);
        session.set_keepalive(None);
    }
}

/// Whether a response is an event stream.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    text(headers, "content-type").is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

/// The value of a header as text, if it is there once or more and is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn is_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(&name.as_str())
}

/// Fields that `Connection` names, without those whose loss would change the message itself.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .filter(|name| ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE].contains(name))
        .collect()
}

/// HTTP/2 splits cookies into crumbs; HTTP/1.1 knows one line only (RFC 9113 section 8.2.3).
pub(crate) fn join_cookies(request: &mut RequestHeader) -> Result<()> {
    let crumbs: Vec<&[u8]> = request.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() < 2 {
        return Ok(());
    }
    let joined = crumbs.join(&b"; "[..]);
    request.insert_header(COOKIE, joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &'static str)]) -> RequestHeader {
        let mut request = RequestHeader::build("POST", b"/v1/x?q=%2F", None).unwrap();
        for (name, value) in headers {
            request.append_header(*name, *value).unwrap();
        }
        request
    }

    fn response(status: u16, headers: &[(&'static str, &'static str)]) -> ResponseHeader {
        let mut response = ResponseHeader::build(status, None).unwrap();
        for (name, value) in headers {
            response.append_header(*name, *value).unwrap();
        }
        response
    }

    fn listed(headers: &HeaderMap) -> Vec<String> {
        let mut out: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        out.sort();
        out
    }

    fn to(authorization: Option<&'static str>) -> Upward {
        Upward {
            host: "api.openai.com".into(),
            path: "/v1/chat/completions?q=%2F".into(),
            authorization: authorization.map(HeaderValue::from_static),
        }
    }

    #[test]
    fn nothing_of_ours_and_no_hop_goes_up() {
        let mut head = request(&[
            ("Host", "localhost:8765"),
            ("Authorization", "Bearer kolm-key"),
            ("X-Kolm-Receipt", "forged"),
            ("x-kolm-namespace", "support"),
            ("x-upstream-api-key", "sk-real"),
            ("Connection", "keep-alive, x-private, host"),
            ("x-private", "1"),
            ("Keep-Alive", "5"),
            ("TE", "trailers"),
            ("Expect", "100-continue"),
            ("Proxy-Authorization", "Basic x"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("OpenAI-Organization", "org"),
            ("Accept-Encoding", "gzip"),
        ]);
        upward(&mut head, &to(Some("Bearer sk-real")), Hops::Strip).unwrap();
        assert_eq!(
            listed(&head.headers),
            [
                "accept-encoding: gzip",
                "authorization: Bearer sk-real",
                "cookie: a=1; b=2",
                "host: api.openai.com",
                "openai-organization: org",
            ]
        );
        assert_eq!(head.raw_path(), b"/v1/chat/completions?q=%2F");
    }

    #[test]
    fn an_upgrade_keeps_its_handshake_and_loses_only_ours() {
        let mut head =
            request(&[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("x-kolm-namespace", "a")]);
        upward(&mut head, &to(None), Hops::Done).unwrap();
        assert_eq!(
            listed(&head.headers),
            ["connection: Upgrade", "host: api.openai.com", "upgrade: websocket"]
        );
    }

    #[test]
    fn one_receipt_comes_down_whatever_the_upstream_says() {
        let mut head = response(
            200,
            &[
                ("X-Kolm-Receipt", "forged"),
                ("x-kolm-receipt", "forged twice"),
                ("Connection", "x-kolm-receipt, x-hop, close"),
                ("x-hop", "1"),
                ("Keep-Alive", "5"),
                ("x-request-id", "req_1"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("content-length", "3"),
            ],
        );
        downward(&mut head, "kr1; mine").unwrap();
        assert_eq!(
            listed(&head.headers),
            [
                "content-length: 3",
                "set-cookie: a=1",
                "set-cookie: b=2",
                "x-kolm-receipt: kr1; mine",
                "x-request-id: req_1",
            ]
        );
    }

    #[test]
    fn an_accepted_upgrade_stays_one() {
        let mut head = response(101, &[("Connection", "Upgrade"), ("Upgrade", "websocket")]);
        downward(&mut head, "kr1").unwrap();
        assert_eq!(
            listed(&head.headers),
            ["connection: upgrade", "upgrade: websocket", "x-kolm-receipt: kr1"]
        );
    }

    #[test]
    fn framing_follows_length_status_and_client() {
        let cases: [(u16, &[(&str, &str)], Version, &[&str]); 5] = [
            (200, &[("content-length", "7")], Version::HTTP_11, &["content-length: 7"]),
            (200, &[], Version::HTTP_11, &["transfer-encoding: chunked"]),
            (200, &[("transfer-encoding", "chunked")], Version::HTTP_10, &[]),
            (204, &[], Version::HTTP_11, &[]),
            (200, &[("transfer-encoding", "gzip, chunked")], Version::HTTP_2, &[]),
        ];
        for (status, given, client, want) in cases {
            let mut head = ResponseHeader::build(status, None).unwrap();
            for (name, value) in given {
                head.append_header((*name).to_owned(), *value).unwrap();
            }
            framed(&mut head, client).unwrap();
            assert_eq!(listed(&head.headers), want, "{status} {client:?}");
        }
    }

    #[test]
    fn event_streams_are_known_by_their_type() {
        for (given, want) in [
            ("text/event-stream; charset=utf-8", true),
            ("Text/Event-Stream", true),
            ("application/json", false),
        ] {
            assert!(!is_event_stream(&response(200, &[]).headers));
            let mut head = response(200, &[]);
            head.append_header("content-type", given).unwrap();
            assert_eq!(is_event_stream(&head.headers), want, "{given}");
        }
    }
}
