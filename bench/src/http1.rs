//! HTTP/1.1 as the mock and the load generator need it: a head, and a body that ends where its framing says.
//!
//! **Invariant:** a body is over exactly where the peer said so; nothing is guessed from a pause.

use bytes::{Buf as _, BytesMut};

use crate::fault::Result;

const HEADERS: usize = 96;
const MAX_SIZE_LINE: usize = 256;

/// What a head said that matters here.
pub(crate) struct Head {
    /// The status of a reply; 0 in a request.
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
}

/// Where a body ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many further bytes.
    Sized(u64),
    /// With the last chunk.
    Chunked(Step),
    /// With the connection.
    UntilClose,
}

/// What comes next in a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Size,
    Piece(u64),
    PieceEnd,
    Trailer,
}

/// Takes a request's head off `buf`, if it is there as a whole.
pub(crate) fn request(buf: &mut BytesMut) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(buf)? else { return Ok(None) };
    let head = head(0, parsed.headers, Framing::Sized(0))?;
    buf.advance(length);
    Ok(Some(head))
}

/// Takes a reply's head off `buf`, if it is there as a whole.
pub(crate) fn reply(buf: &mut BytesMut) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(buf)? else { return Ok(None) };
    let status = parsed.code.unwrap_or(0);
    let mut head = head(status, parsed.headers, Framing::UntilClose)?;
    if status == 204 || status == 304 {
        head.framing = Framing::Sized(0);
    }
    buf.advance(length);
    Ok(Some(head))
}

fn head(status: u16, headers: &[httparse::Header<'_>], otherwise: Framing) -> Result<Head> {
    let mut found = Head { status, framing: otherwise, keep_alive: true };
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            found.framing = Framing::Sized(std::str::from_utf8(header.value)?.trim().parse()?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            found.framing = Framing::Chunked(Step::Size);
        } else if header.name.eq_ignore_ascii_case("connection") {
            found.keep_alive = !header.value.eq_ignore_ascii_case(b"close");
        }
    }
    found.keep_alive &= found.framing != Framing::UntilClose;
    Ok(found)
}

impl Framing {
    /// Takes off `buf` what it holds of the body and hands the pieces out; true once the body is over.
    pub(crate) fn take(&mut self, buf: &mut BytesMut, mut piece: impl FnMut(&[u8])) -> Result<bool> {
        loop {
            match self {
                Self::Sized(left) => {
                    *left -= hand_out(buf, *left, &mut piece);
                    return Ok(*left == 0);
                }
                Self::UntilClose => {
                    hand_out(buf, u64::MAX, &mut piece);
                    return Ok(false);
                }
                Self::Chunked(step) => match step.next(buf, &mut piece)? {
                    Turn::Again => {}
                    Turn::Starved => return Ok(false),
                    Turn::Over => return Ok(true),
                },
            }
        }
    }
}

enum Turn {
    Again,
    Starved,
    Over,
}

impl Step {
    fn next(&mut self, buf: &mut BytesMut, piece: &mut impl FnMut(&[u8])) -> Result<Turn> {
        match self {
            Self::Size => {
                let Some(line) = line(buf)? else { return Ok(Turn::Starved) };
                let digits = std::str::from_utf8(&line)?;
                let digits = digits.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16)?;
                *self = if size == 0 { Self::Trailer } else { Self::Piece(size) };
            }
            Self::Piece(left) => {
                *left -= hand_out(buf, *left, piece);
                if *left > 0 {
                    return Ok(Turn::Starved);
                }
                *self = Self::PieceEnd;
            }
            Self::PieceEnd => {
                let Some(line) = line(buf)? else { return Ok(Turn::Starved) };
                if !line.is_empty() {
                    return Err("a chunk is longer than it said".into());
                }
                *self = Self::Size;
            }
            Self::Trailer => match line(buf)? {
                None => return Ok(Turn::Starved),
                Some(line) if line.is_empty() => return Ok(Turn::Over),
                Some(_) => {}
            },
        }
        Ok(Turn::Again)
    }
}

fn hand_out(buf: &mut BytesMut, most: u64, piece: &mut impl FnMut(&[u8])) -> u64 {
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(buf.len());
    if length > 0 {
        piece(&buf[..length]);
        buf.advance(length);
    }
    length as u64
}

/// One line without its end.
fn line(buf: &mut BytesMut) -> Result<Option<BytesMut>> {
    let Some(end) = memchr::memchr(b'\n', buf) else {
        return if buf.len() > MAX_SIZE_LINE { Err("a chunk size without an end".into()) } else { Ok(None) };
    };
    let mut line = buf.split_to(end + 1);
    line.truncate(end);
    if line.last() == Some(&b'\r') {
        line.truncate(end - 1);
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of `wire`, fed in pieces of `step` bytes, and whether it ended.
    fn body(wire: &[u8], step: usize) -> (Vec<u8>, bool) {
        let (mut buf, mut out, mut framing) = (BytesMut::new(), Vec::new(), None);
        for piece in wire.chunks(step) {
            buf.extend_from_slice(piece);
            if framing.is_none() {
                framing = reply(&mut buf).unwrap().map(|head| head.framing);
            }
            let over = framing.as_mut().map(|framing| framing.take(&mut buf, |piece| out.extend(piece)));
            if over.is_some_and(Result::unwrap) {
                return (out, true);
            }
        }
        (out, false)
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let head = "HTTP/1.1 200 OK\r\n";
        let cases = [
            (format!("{head}content-length: 5\r\n\r\nhello"), "hello", true),
            (format!("{head}Content-Length: 6\r\n\r\nhello"), "hello", false),
            (
                format!("{head}transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"),
                "hello",
                true,
            ),
            (
                format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n"),
                "hello",
                true,
            ),
            (format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"), "hello", false),
            (format!("{head}\r\nhello"), "hello", false),
        ];
        for (wire, expected, over) in cases {
            for step in [1, 3, 7, 1_000] {
                assert_eq!(
                    body(wire.as_bytes(), step),
                    (expected.as_bytes().to_vec(), over),
                    "{wire:?} by {step}"
                );
            }
        }
    }

    #[test]
    fn a_chunk_that_lies_is_an_error() {
        let mut buf = BytesMut::from("2\r\nhello\r\n");
        let over = Framing::Chunked(Step::Size).take(&mut buf, |_| {});
        assert!(over.is_err());
    }
}
