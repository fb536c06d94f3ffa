//! Requests that two servers might read in two ways, over raw sockets: each is refused, or reaches the upstream as
//! exactly one request with one length.

mod h2;
mod recorder;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::fake::FakeOpenAi;
use crate::world::{World, until};
use recorder::Recorder;

/// Both doors: the relay reads the body whole, Pingora's own proxying streams it.
const DOORS: [&str; 2] = ["/v1/capture/raw/chat/completions", "/v1/capture/raw/files"];

/// What is to become of a row.
#[derive(Debug, Clone, Copy)]
enum Want {
    /// Answered with one of these, and the connection closed behind it; the upstream sees nothing.
    Refused(&'static [u16]),
    /// The upstream sees so many requests, each with one length.
    Passed(usize),
    /// Cut, with or without an answer, and the upstream sees no whole request.
    Cut,
}

use Want::{Cut, Passed, Refused};

const BAD: Want = Refused(&[400]);

struct House {
    world: World,
    recorder: Recorder,
}

impl House {
    async fn build(listen: &str) -> Self {
        let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
        let recorder = Recorder::start();
        let extra = format!("[upstreams.raw]\nbase_url = \"http://{}/v1\"\n", recorder.address);
        // What is waited for in vain ends soon.
        let listen = format!("body_timeout = \"1s\"\nheader_timeout = \"2s\"\n{listen}");
        Self { world: World::start_with(fake, &listen, &extra).await, recorder }
    }

    fn address(&self) -> SocketAddr {
        self.world.listen()
    }

    /// Sends the bytes of a row on a connection of their own and reads to the end of it.
    fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The gateway may have closed already.
        drop(stream.write_all(bytes));
        let mut said = Vec::new();
        drop(stream.read_to_end(&mut said));
        said
    }

    async fn judge(&self, name: &str, bytes: &[u8], want: Want) {
        self.recorder.clear();
        let said = self.say(bytes);
        let statuses = statuses(&said);
        let text = String::from_utf8_lossy(&said).into_owned();
        match want {
            Refused(allowed) => {
                assert!(statuses.len() == 1 && allowed.contains(&statuses[0]), "{name}: {text:?}");
                let receipts = text.to_lowercase().matches("\r\nx-kolm-receipt: ").count();
                assert_eq!(receipts, 1, "{name}: {text:?}");
                let body = text.split_once("\r\n\r\n").unwrap().1;
                let error: serde_json::Value = serde_json::from_str(body).unwrap();
                assert_eq!(error["error"]["type"], "invalid_request_error", "{name}");
                assert!(text.to_lowercase().contains("connection: close"), "{name}: {text:?}");
                assert_eq!(self.recorder.requests().len(), 0, "{name}");
            }
            Passed(count) => {
                assert_eq!(statuses, vec![200; count], "{name}: {text:?}");
                let seen = self.recorder.requests();
                assert_eq!(seen.len(), count, "{name}: {seen:?}");
            }
            Cut => {
                assert!(statuses.iter().all(|status| *status >= 400), "{name}: {text:?}");
                until("the broken request is given up", || async { self.recorder.is_quiet().then_some(()) })
                    .await;
                assert_eq!(self.recorder.requests().len(), 0, "{name}");
            }
        }
        assert_eq!(self.recorder.faults(), Vec::<String>::new(), "{name}");
    }
}

/// The status of each answer in what came back.
fn statuses(said: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(said);
    let heads = text.match_indices("HTTP/1.");
    heads.filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok()).collect()
}

/// A POST with these header lines (each with its own end) and what follows the empty line.
fn post(path: &str, lines: &str, rest: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{lines}\r\n{rest}")
}

const SMUGGLED: &str = "GET /v1/capture/raw/smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lengths_that_contradict_each_other() {
    let house = House::build("").await;
    let chunks: &str = &format!("0\r\n\r\n{SMUGGLED}");
    let plain: &str = &format!("{{}}{SMUGGLED}");
    for path in DOORS {
        for (name, lines, rest, want) in [
            ("one length", "Content-Length: 2\r\n", "{}", Passed(1)),
            ("one chunked body", "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", Passed(1)),
            ("chunked in capitals", "TRANSFER-ENCODING: CHUNKED\r\n", "2\r\n{}\r\n0\r\n\r\n", Passed(1)),
            ("two lengths", "Content-Length: 2\r\nContent-Length: 60\r\n", plain, BAD),
            ("the same length twice", "Content-Length: 2\r\nContent-Length: 2\r\n", "{}", BAD),
            ("two lengths in one line", "Content-Length: 2, 60\r\n", plain, BAD),
            ("length and chunked", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", chunks, BAD),
            ("chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 60\r\n", chunks, BAD),
            ("chunked, identity", "Transfer-Encoding: chunked, identity\r\n", chunks, BAD),
            ("identity, chunked", "Transfer-Encoding: identity, chunked\r\n", chunks, BAD),
            ("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", chunks, BAD),
            ("xchunked", "Transfer-Encoding: xchunked\r\n", chunks, BAD),
            ("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n", chunks, BAD),
            ("no coding", "Transfer-Encoding:\r\n", chunks, BAD),
            ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks, BAD),
            ("chunked, then x", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", chunks, BAD),
            ("a space before the colon", "Transfer-Encoding : chunked\r\n", chunks, BAD),
            ("a tab before the colon", "Transfer-Encoding\t: chunked\r\n", chunks, BAD),
            ("a vertical tab in the value", "Transfer-Encoding: \u{b}chunked\r\n", chunks, BAD),
            ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n", chunks, BAD),
            ("a folded length", "X: y\r\n Content-Length: 60\r\nContent-Length: 2\r\n", plain, BAD),
            ("a negative length", "Content-Length: -2\r\n", plain, BAD),
            ("a signed length", "Content-Length: +2\r\n", plain, BAD),
            ("a hexadecimal length", "Content-Length: 0x2\r\n", plain, BAD),
            ("an empty length", "Content-Length:\r\n", plain, BAD),
            ("a length past 64 bits", "Content-Length: 18446744073709551618\r\n", plain, BAD),
            ("a name with a null", "Content\0-Length: 2\r\n", plain, BAD),
            ("a value with a null", "X: a\0b\r\nContent-Length: 2\r\n", plain, BAD),
        ] {
            house.judge(&format!("{name} on {path}"), post(path, lines, rest).as_bytes(), want).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_end_wrongly() {
    let house = House::build("").await;
    for path in DOORS {
        for (name, bytes, want) in [
            ("bare line feeds", format!("GET {path} HTTP/1.1\nHost: h\n\n"), BAD),
            ("one bare line feed", format!("GET {path} HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"), BAD),
            (
                "a header behind a line feed",
                post(path, "X: y\nContent-Length: 60\r\nContent-Length: 0\r\n", ""),
                BAD,
            ),
            ("a bare line feed at the end", format!("GET {path} HTTP/1.1\r\nHost: h\r\n\n"), BAD),
            ("a bare carriage return", format!("GET {path} HTTP/1.1\rHost: h\r\r"), Cut),
            ("a carriage return in a value", post(path, "X: a\rTransfer-Encoding: chunked\r\n", ""), BAD),
            ("a header without a colon", post(path, "Content-Length 2\r\n", ""), BAD),
            ("a name with a space", post(path, "Content Length: 2\r\n", ""), BAD),
            ("a header before the request line", format!("Host: h\r\nGET {path} HTTP/1.1\r\n\r\n"), BAD),
        ] {
            house.judge(&format!("{name} on {path}"), bytes.as_bytes(), want).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_lie() {
    let house = House::build("").await;
    let coding = "Transfer-Encoding: chunked\r\n";
    for path in DOORS {
        for (name, rest, want) in [
            ("an extension", "2;a=b\r\n{}\r\n0\r\n\r\n".to_owned(), Passed(1)),
            ("leading zeros", "0002\r\n{}\r\n0\r\n\r\n".to_owned(), Passed(1)),
            ("a trailer", "2\r\n{}\r\n0\r\nContent-Length: 60\r\n\r\n".to_owned(), Passed(1)),
            ("a size past 64 bits", format!("10000000000000002\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"), Cut),
            ("a negative size", "-2\r\n{}\r\n0\r\n\r\n".to_owned(), Cut),
            ("a size with 0x", "0x2\r\n{}\r\n0\r\n\r\n".to_owned(), Cut),
            // Pingora takes it for the last chunk: the body ends there, and so does the connection.
            ("no size", format!("\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}"), Passed(1)),
            ("a chunk longer than its size", format!("2\r\n{{}}x\r\n0\r\n\r\n{SMUGGLED}"), Cut),
            ("a line feed in an extension", format!("2;\n{{}}\r\n0\r\n\r\n{SMUGGLED}"), Cut),
            ("a bare line feed after the size", "2\n{}\r\n0\r\n\r\n".to_owned(), Cut),
            ("a body that stops", "2\r\n{}\r\n".to_owned(), Cut),
        ] {
            house.judge(&format!("{name} on {path}"), post(path, coding, &rest).as_bytes(), want).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_hosts_and_versions() {
    let house = House::build("").await;
    let [relay, verbatim] = DOORS;
    let get =
        |target: &str, lines: &str| format!("GET {target} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
    let mut rows = Vec::new();
    for path in [relay, verbatim] {
        rows.extend([
            ("no host", get(path, ""), BAD),
            ("two hosts", get(path, "Host: a\r\nHost: b\r\n"), BAD),
            ("the same host twice", get(path, "Host: a\r\nHost: a\r\n"), BAD),
            ("a host with a user", get(path, "Host: a@b\r\n"), BAD),
            ("any host", get(path, "Host: wherever.example\r\n"), Passed(1)),
            ("a whole URL", get(&format!("http://h{path}"), "Host: h\r\n"), Passed(1)),
            ("a whole URL of another host", get(&format!("http://a{path}"), "Host: b\r\n"), BAD),
            ("HTTP/0.9", format!("GET {path}\r\n"), BAD),
            ("HTTP/1.0", format!("GET {path} HTTP/1.0\r\n\r\n"), Passed(1)),
            (
                "HTTP/1.0, chunked",
                format!("POST {path} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                BAD,
            ),
            ("HTTP/1.2", format!("GET {path} HTTP/1.2\r\nHost: h\r\n\r\n"), BAD),
            ("HTTP/2.0 by hand", format!("GET {path} HTTP/2.0\r\nHost: h\r\n\r\n"), BAD),
            (
                "a tunnel",
                "CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n".to_owned(),
                Refused(&[405]),
            ),
            ("lines in an escaped path", get(&format!("{path}/%0d%0aX:%20y"), "Host: h\r\n"), Passed(1)),
            (
                "an upgrade to h2c",
                get(path, "Host: h\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n"),
                Passed(1),
            ),
        ]);
    }
    for (name, bytes, want) in rows {
        house.judge(name, bytes.as_bytes(), want).await;
    }
    let seen = house.recorder.last();
    assert!(
        !seen.to_lowercase().contains("h2c") && !seen.to_lowercase().contains("http2-settings"),
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_too_much() {
    let house = House::build("").await;
    let path = DOORS[1];
    let many: String = (0..300).map(|n| format!("X-{n}: y\r\n")).collect();
    let some: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    for (name, lines, want) in [
        ("a long line", format!("X: {}\r\n", "y".repeat(60_000)), Passed(1)),
        ("a line over the limit", format!("X: {}\r\n", "y".repeat(66_000)), Refused(&[431])),
        ("a line that is too long", format!("X: {}\r\n", "y".repeat(200_000)), Refused(&[431])),
        ("many lines", some, Passed(1)),
        ("too many lines", many, Refused(&[400, 431])),
    ] {
        house.judge(name, post(path, &lines, "").as_bytes(), want).await;
    }
    let target = format!("GET {path}?{} HTTP/1.1\r\nHost: h\r\n\r\n", "q".repeat(200_000));
    house.judge("a target that is too long", target.as_bytes(), Refused(&[431])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_a_row_are_answered_in_a_row() {
    let house = House::build("").await;
    let body = r#"{"model":"m"}"#;
    let one = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let all = DOORS.map(one).concat().repeat(2);
    let last = post(DOORS[1], "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n");
    house.judge("five in one write", format!("{all}{last}").as_bytes(), Passed(5)).await;
    // What is refused takes what follows it along.
    let twice = "Content-Length: 0\r\nContent-Length: 0\r\n";
    for (name, bad) in [
        ("two lengths before four", format!("POST {} HTTP/1.1\r\nHost: h\r\n{twice}\r\n{all}", DOORS[0])),
        ("no host before four", format!("GET {} HTTP/1.1\r\n\r\n{all}", DOORS[0])),
    ] {
        house.judge(name, bad.as_bytes(), BAD).await;
    }
    // Chunks are the one framing on whose edges servers differ: nothing is taken from behind them.
    let chunks = format!("POST {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", DOORS[0]);
    let behind = format!("{chunks}2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}");
    house.judge("one behind chunks", behind.as_bytes(), Passed(1)).await;
}
