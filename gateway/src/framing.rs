//! Whether a request can be read in one way only. What Pingora and `httparse` let pass but two servers might frame
//! differently (request smuggling) is refused here, before either door is taken.
//!
//! **Invariant:** a request that passes has one length, one host, and lines that end in CR LF; a response one length.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use kolm_wire::error::ApiError;
use pingora::http::{RequestHeader, ResponseHeader, Version};
use pingora::proxy::Session;
use pingora::{Error, ErrorType};

/// Why a request is refused; the text goes to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous(pub(crate) &'static str);

const TWICE: Ambiguous = Ambiguous("the length of the body is given more than once");

/// Judges the request of a session.
pub(crate) fn judge(session: &Session) -> Result<(), Ambiguous> {
    match session.as_downstream().as_http1() {
        Some(client) => check(&client.get_headers_raw_bytes(), session.req_header().version),
        // HTTP/2 frames by itself; its library and Pingora have looked at the rest.
        None if session.req_header().headers.get_all(CONTENT_LENGTH).iter().count() > 1 => Err(TWICE),
        None => Ok(()),
    }
}

/// Whether the header of a request is larger than `limit`: its bytes, or on HTTP/2 as RFC 9113 (6.5.2) counts it. While
/// an HTTP/1 header comes, its connection sees to it that it does not grow without end.
pub(crate) fn is_too_large(session: &Session, limit: u64) -> bool {
    if let Some(client) = session.as_downstream().as_http1() {
        return client.get_headers_raw_bytes().len() as u64 > limit;
    }
    let head = session.req_header();
    let fields = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    let size = head.raw_path().len() + fields.sum::<usize>();
    size as u64 > limit
}

/// Judges an HTTP/1 header as it came, request line and final empty line included.
fn check(head: &[u8], version: Version) -> Result<(), Ambiguous> {
    let mut seen = Seen::default();
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let Some(b"\r\n") = lines.next().and_then(|line| line.last_chunk::<2>()).map(<[u8; 2]>::as_slice) else {
        return Err(Ambiguous("a line does not end in CR LF"));
    };
    for line in lines {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            return Err(Ambiguous("a line does not end in CR LF"));
        };
        if !line.is_empty() {
            seen.line(line)?;
        }
    }
    seen.verdict(version)
}

#[derive(Default)]
struct Seen {
    hosts: u32,
    lengths: u32,
    codings: u32,
}

impl Seen {
    fn line(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.hosts += 1,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.lengths += 1;
                // More than 2^63 - 1 bytes is a number to some servers, and another one to those where it wraps.
                let number = str::from_utf8(value).ok().and_then(|value| value.parse::<i64>().ok());
                if number.is_none() || !value.iter().all(u8::is_ascii_digit) {
                    return Err(Ambiguous("the content-length is no number"));
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.codings += 1;
                if !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Ambiguous("the only transfer-encoding of a request is chunked"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn verdict(&self, version: Version) -> Result<(), Ambiguous> {
        if self.lengths + self.codings > 1 {
            return Err(TWICE);
        }
        if self.hosts > 1 || self.hosts == 0 && version == Version::HTTP_11 {
            return Err(Ambiguous("one host header is needed"));
        }
        Ok(())
    }
}

/// Sees to it that a response has one length (RFC 9112, 6.3), for what lies behind it would be the answer to somebody
/// else: none beside a transfer coding, and the same number however often it is said.
pub(crate) fn one_length(response: &mut ResponseHeader) -> pingora::Result<()> {
    if response.headers.contains_key(TRANSFER_ENCODING) {
        response.remove_header(&CONTENT_LENGTH);
        return Ok(());
    }
    let all = response.headers.get_all(CONTENT_LENGTH);
    let mut lengths = all.iter();
    let Some(first) = lengths.next() else { return Ok(()) };
    let number = !first.is_empty() && first.as_bytes().iter().all(u8::is_ascii_digit);
    if !number || all.iter().any(|other| other != first) {
        return Err(Error::explain(ErrorType::InvalidHTTPHeader, "more than one length").into_up());
    }
    let Some(one) = lengths.next().cloned() else { return Ok(()) };
    response.insert_header(CONTENT_LENGTH, one)
}

/// Whether a body broke off because its chunks lie, not because the client left.
pub(crate) fn is_malformed_body(cause: &Error) -> bool {
    matches!(cause.etype(), ErrorType::Custom("InvalidChunk" | "InvalidTrailerEnd"))
}

/// What its client is told.
pub(crate) fn malformed() -> ApiError {
    ApiError::invalid("request", "The request is not valid HTTP.")
}

/// After the answer to a chunked body: what was sent behind it is not taken for a next request, since servers differ
/// on where chunks end (Pingora takes an empty size for the last chunk).
pub(crate) fn part(session: &mut Session) {
    if session.req_header().headers.contains_key(TRANSFER_ENCODING) {
        session.set_pipelining_enabled(false);
    }
}

/// A last piece without bytes is no piece: as a chunk it would be the end of the body, which Pingora writes besides,
/// and the upstream would take the second end for a next request (cloudflare/pingora#935). Pingora asks before it
/// writes whether the body ends, and holds pieces without bytes back until then.
pub(crate) fn end_once(piece: &mut Option<Bytes>, ends: bool) {
    if ends && piece.as_ref().is_some_and(Bytes::is_empty) {
        *piece = None;
    }
}

/// Forgets a wish to go on in another protocol than a WebSocket: granted, whatever followed would pass unseen.
pub(crate) fn forget_upgrade(request: &mut RequestHeader) {
    let websocket = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    let mut wishes = request.headers.get_all(http::header::UPGRADE).iter();
    if wishes.next().is_some_and(|first| !websocket(first) || wishes.next().is_some()) {
        request.remove_header(&http::header::UPGRADE);
        request.remove_header("http2-settings");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(head: &str, version: Version) -> &'static str {
        check(head.as_bytes(), version).map_or_else(|ambiguous| ambiguous.0, |()| "ok")
    }

    #[test]
    fn one_length_one_host_and_whole_lines() {
        let (line, host) = ("a line does not end in CR LF", "one host header is needed");
        let (number, coding) =
            ("the content-length is no number", "the only transfer-encoding of a request is chunked");
        let twice = "the length of the body is given more than once";
        for (head, want) in [
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "ok"),
            ("POST / HTTP/1.1\r\nhOST:\r\ntransfer-encoding:\t Chunked \r\n\r\n", "ok"),
            ("GET / HTTP/1.1\r\nHost: h\r\nX-Content-Length: 5\r\n\r\n", "ok"),
            ("GET / HTTP/1.1\nHost: h\r\n\r\n", line),
            ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", line),
            ("GET / HTTP/1.1\r\nHost: h\r\n\n", line),
            ("GET / HTTP/1.1\r\n\r\n", host),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", host),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n", number),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n", number),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", number),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n", number),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n", "ok"),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", twice),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", twice),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                twice,
            ),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", coding),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n", coding),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", coding),
        ] {
            assert_eq!(verdict(head, Version::HTTP_11), want, "{head:?}");
        }
        assert_eq!(verdict("GET / HTTP/1.0\r\n\r\n", Version::HTTP_10), "ok");
    }

    #[test]
    fn only_a_websocket_may_change_the_protocol() {
        for (wishes, kept) in [
            (&["websocket"][..], true),
            (&["WebSocket"], true),
            (&["h2c"], false),
            (&["websocket", "h2c"], false),
        ] {
            let mut request = RequestHeader::build("GET", b"/", None).unwrap();
            for wish in wishes {
                request.append_header("upgrade", *wish).unwrap();
            }
            forget_upgrade(&mut request);
            assert_eq!(request.headers.contains_key("upgrade"), kept, "{wishes:?}");
        }
    }
}
