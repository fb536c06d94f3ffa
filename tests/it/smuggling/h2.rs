//! The same over HTTP/2, in frames made by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{DOORS, House};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    /// It was answered with 200.
    Answered,
    /// It was answered with 400.
    Refused,
    /// It or the connection was reset.
    Reset,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block of literals that nobody indexes.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        for text in [name, value] {
            out.push(u8::try_from(text.len()).unwrap());
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// Sends one request with these fields and, if given, a body; says what became of it.
fn ask(house: &House, fields: &[(&str, &str)], body: Option<&[u8]>) -> Became {
    let mut stream = TcpStream::connect(house.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let end = if body.is_none() { END_STREAM } else { 0 };
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS | end, 1, &block(fields)));
    bytes.extend(body.map(|body| frame(DATA, END_STREAM, 1, body)).unwrap_or_default());
    stream.write_all(&bytes).unwrap();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).is_err() {
            return Became::Reset;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).is_err() {
            return Became::Reset;
        }
        // In HPACK's static table :status 200 is the 8th entry, :status 400 the 12th.
        match (head[3], payload.first()) {
            (HEADERS, Some(0x88)) => return Became::Answered,
            (HEADERS, Some(0x8c)) => return Became::Refused,
            (HEADERS, first) => panic!("answered with {first:02x?}"),
            (RST_STREAM | GOAWAY, _) => return Became::Reset,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pseudo_headers_and_fields_of_http_1() {
    let house = House::build("").await;
    for path in DOORS {
        let sound = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "h")];
        let with = |more: &[(&'static str, &'static str)]| [&sound[..], more].concat();
        let without =
            |name: &str| sound.iter().copied().filter(|(given, _)| *given != name).collect::<Vec<_>>();
        let swapped = [&[("x", "y")][..], &sound].concat();
        let row = |path: &'static str| {
            [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "h")]
        };
        let rows: Vec<(&str, Vec<(&str, &str)>, bool)> = vec![
            ("sound", with(&[]), true),
            ("with its length", with(&[("content-length", "2")]), true),
            ("no method", without(":method"), false),
            ("no path", without(":path"), false),
            ("no scheme", without(":scheme"), false),
            ("no authority and no host", without(":authority"), false),
            ("two methods", with(&[(":method", "GET")]), false),
            ("two paths", with(&[(":path", "/v1/capture/raw/smuggled")]), false),
            ("an unknown pseudo-header", with(&[(":smuggled", "1")]), false),
            ("a pseudo-header of answers", with(&[(":status", "200")]), false),
            ("a pseudo-header after a field", swapped, false),
            ("an upper-case name", with(&[("X-Upper", "1")]), false),
            ("connection", with(&[("connection", "close")]), false),
            ("transfer-encoding", with(&[("transfer-encoding", "chunked")]), false),
            ("upgrade", with(&[("upgrade", "websocket")]), false),
            ("keep-alive", with(&[("keep-alive", "1")]), false),
            ("proxy-connection", with(&[("proxy-connection", "keep-alive")]), false),
            ("te other than trailers", with(&[("te", "gzip")]), false),
            ("two lengths", with(&[("content-length", "2"), ("content-length", "3")]), false),
            ("a length that is not the body's", with(&[("content-length", "60")]), false),
            ("a signed length", with(&[("content-length", "+2")]), false),
            ("another host", with(&[("host", "other")]), false),
            ("a line in a value", with(&[("x", "a\r\nsmuggled: 1")]), false),
            ("a null in a value", with(&[("x", "a\0b")]), false),
            ("a line in a name", with(&[("x\r\ny", "1")]), false),
            ("a space in a name", with(&[("x y", "1")]), false),
            ("a line in the path", row("/v1/x HTTP/1.1\r\nsmuggled: 1\r\n\r\n").to_vec(), false),
            ("a whole URL as the path", row("http://h/v1/models").to_vec(), false),
        ];
        for (name, fields, sound) in rows {
            house.recorder.clear();
            let became = ask(&house, &fields, Some(b"{}"));
            let seen = house.recorder.requests().len();
            assert_eq!(
                (became == Became::Answered, seen),
                (sound, usize::from(sound)),
                "{name} on {path}: {became:?}"
            );
            assert_eq!(house.recorder.faults(), Vec::<String>::new(), "{name} on {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_h2_the_preface_is_a_bad_request() {
    let house = House::build("h2 = false").await;
    let said = house.say(PREFACE);
    assert_eq!(super::statuses(&said), [400], "{}", String::from_utf8_lossy(&said));
}
