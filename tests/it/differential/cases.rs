//! The rows of the differential test: endpoint families, odd targets, headers, sizes, ends.

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use super::plan::{Answer, Call, Framing};
use super::ways::{Case, pieces};
use crate::dice::Dice;

const CHAT: &str = "/v1/chat/completions";
const QUERIES: [&str; 6] =
    ["", "?limit=2&after=a%2Fb", "?include[]=logprobs&x=%20+", "?", "?a=b?c=d&&=", "?key=%C3%BC"];
const NAMES: [&str; 5] = ["abc", "ft%3Agpt-4o-mini%3Aorg%3A%3Aid", "a%2Fb", "file-1~2.3", "%E2%82%AC"];

/// Every operation of the API's own description; `None` without the file.
pub(super) fn families(dice: &mut Dice) -> Option<Vec<Case>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/openai/openapi.json");
    let text = std::fs::read(&file).ok()?;
    let api: Value = serde_json::from_slice(&text).unwrap();
    let mut cases = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if matches!(method.as_str(), "get" | "post" | "put" | "delete" | "patch" | "head" | "options") {
                cases.push(operation_case(path, &method.to_uppercase(), operation, dice));
            }
        }
    }
    assert!(cases.len() >= 280, "the description has lost operations: {}", cases.len());
    Some(cases)
}

fn operation_case(path: &str, method: &str, operation: &Value, dice: &mut Dice) -> Case {
    let mut target = format!("/v1{path}");
    while let (Some(open), Some(close)) = (target.find('{'), target.find('}')) {
        target.replace_range(open..=close, dice.one(&NAMES));
    }
    target.push_str(dice.one(&QUERIES));
    let first = |content: &Value| content.as_object().and_then(|kinds| kinds.keys().next().cloned());
    let mut call = Call::new(method, &target);
    if let Some(kind) = first(&operation["requestBody"]["content"]) {
        let (kind, body) = upload(&kind, dice);
        let framing = dice.one(&[Framing::Sized, Framing::Chunked]);
        call = call.with("content-type", kind).body(framing, pieces(body, 700, dice));
    }
    let answers = operation["responses"].as_object();
    let kind = answers.and_then(|answers| answers.values().find_map(|answer| first(&answer["content"])));
    let streams = operation["responses"]["200"]["content"].get("text/event-stream").is_some();
    let kind =
        if streams && dice.below(2) == 0 { "text/event-stream".to_owned() } else { kind.unwrap_or_default() };
    Case::new(format!("{method} {target}"), call, download(&kind, dice))
}

fn upload(kind: &str, dice: &mut Dice) -> (String, Vec<u8>) {
    match kind {
        "multipart/form-data" => {
            let mut body =
                b"--b0undary\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
                --b0undary\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
                    .to_vec();
            let length = dice.below(3_000);
            body.extend(dice.bytes(length));
            body.extend_from_slice(b"\r\n--b0undary--\r\n");
            ("multipart/form-data; boundary=b0undary".to_owned(), body)
        }
        "application/json" => {
            let body = format!(
                "{{ \"model\": \"gpt-4o-mini\",\n\"n\":{},\"messages\":[{{\"role\":\"user\",\"content\":\"h\u{e9} \\u00fc\"}}] }}",
                dice.below(1_000)
            );
            (kind.to_owned(), body.into_bytes())
        }
        other => (other.to_owned(), b"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n".to_vec()),
    }
}

fn download(kind: &str, dice: &mut Dice) -> Answer {
    let framing = dice.one(&[Framing::Sized, Framing::Chunked]);
    let body = match kind {
        "" => return Answer::new(204, "No Content"),
        "application/json" => b"{ \"object\":\"list\", \"data\":[ ] }\n".to_vec(),
        "text/event-stream" => {
            let events = (0..5).map(|n| format!("data: {{\"n\":{n},\"t\":\"\u{20ac}\"}}\r\n\r\n: c\n\n"));
            return Answer::ok(Framing::Chunked, pieces(events.collect::<String>().into(), 20, dice))
                .with("content-type", "text/event-stream; charset=utf-8")
                .with("cache-control", "no-cache");
        }
        _ => {
            let length = 1 + dice.below(9_000);
            dice.bytes(length)
        }
    };
    Answer::ok(framing, pieces(body, 2_000, dice)).with("content-type", kind)
}

fn plain() -> Answer {
    Answer::ok(Framing::Sized, vec![Bytes::from_static(b"hello")])
}

/// Targets and methods that no description knows.
pub(super) fn odd_targets() -> Vec<Case> {
    let long = format!("/v1/x?{}", "a=1&".repeat(1_500));
    let anywhere = [
        "/v1/chat/completions/",
        "/v1//chat/completions",
        "/v1/chat//completions?x",
        "/v1/new//thing/",
        "/v1/a%2Fb%20c%00d?x=%zz&y=a+b",
        "/v1/a/../b/./c",
        "/v1/;p=1,2!*'()",
        "/v1/x?",
        "/v1/x?a=b?c=d",
        "/v1/models/a:b@c",
        "/v1/%2e%2e/x",
        "/v1/X-Y_Z.~$&+=",
        &long,
    ];
    let mut cases: Vec<Case> =
        anywhere.map(|target| Case::new(target, Call::new("GET", target), plain())).into();
    cases.push(Case::new("/v1/\u{fc}", Call::new("GET", "/v1/\u{fc}?\u{fc}"), plain()).only_h1());
    // What RFC 3986 does not allow in a target but Pingora's parser takes; `<`, `>` and a backtick get its 400.
    cases.push(Case::new("quotes", Call::new("GET", "/v1/a\"b|c?e^f{g}"), plain()).only_h1());
    for method in ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "QUERY", "PURGE", "M-SEARCH", "TRACE", "get"]
    {
        for target in [CHAT, "/v1/models"] {
            let call = Call::new(method, target);
            cases.push(Case::new(format!("{method} {target}"), call, plain()));
        }
        let call = Call::new(method, "/v1/things").json("{\"a\":1}");
        if method != "HEAD" && method != "TRACE" {
            cases.push(Case::new(format!("{method} with a body"), call, plain()));
        }
    }
    cases
}

const UP: [&str; 22] = [
    "accept",
    "Accept-Encoding",
    "accept-language",
    "X-Stainless-Retry-Count",
    "OpenAI-Organization",
    "openai-beta",
    "cookie",
    "Cookie",
    "x-forwarded-for",
    "Via",
    "forwarded",
    "Range",
    "if-none-match",
    "X-Kolm-Namespace",
    "x-kolm-anything",
    "user-agent",
    "X-Custom",
    "x-custom",
    "priority",
    "date",
    "idempotency-key",
    "origin",
];
const DOWN: [&str; 22] = [
    "set-cookie",
    "Set-Cookie",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-ratelimit-limit-requests",
    "X-RateLimit-Reset-Tokens",
    "openai-processing-ms",
    "openai-version",
    "server",
    "Via",
    "etag",
    "vary",
    "Vary",
    "x-kolm-receipt",
    "www-authenticate",
    "alt-svc",
    "strict-transport-security",
    "cf-ray",
    "age",
    "location",
    "content-language",
];
const VALUES: [&[u8]; 12] = [
    b"",
    b"1",
    b"a=b; Path=/; HttpOnly",
    b"caf\xe9",
    b"\xe2\x82\xac and \xff",
    b"a, b,  c",
    b"\"q\\\"uoted\"",
    b"6m0s",
    b"tab\there",
    b"Sun, 06 Nov 1994 08:49:37 GMT",
    b"W/\"x\"",
    b"{\"json\":[1]}",
];

/// `count` random combinations of fields, both ways.
pub(super) fn headers(count: usize, dice: &mut Dice) -> Vec<Case> {
    let mut cases = Vec::new();
    for n in 0..count {
        let target = dice.one(&[CHAT, "/v1/embeddings", "/v1/models", "/v1/files"]);
        let mut call = Call::new(if n % 2 == 0 { "POST" } else { "GET" }, target);
        for _ in 0..dice.below(14) {
            call = call.with(dice.one(&UP), dice.one(&VALUES));
        }
        if n % 2 == 0 {
            call = call.json("{\"model\":\"m\"}");
        }
        let mut answer =
            if n % 3 == 0 { Answer { status: 429, reason: "Slow Down, You", ..plain() } } else { plain() };
        for _ in 0..dice.below(14) {
            answer = answer.with(dice.one(&DOWN), dice.one(&VALUES));
        }
        if n % 5 == 0 {
            answer.headers.retain(|(name, _)| name != "date");
        }
        if n % 7 == 0 {
            answer = answer.with("x-long", "v".repeat(4_000));
            call = call.with("x-long", "v".repeat(4_000));
        }
        cases.push(Case::new(format!("headers {n}"), call, answer));
    }
    cases.push(hop_by_hop());
    cases
}

/// Fields that end with the connection, on both sides.
fn hop_by_hop() -> Case {
    let named = Call::new("POST", CHAT)
        .with("Connection", "keep-alive, X-Private")
        .with("X-Private", "1")
        .with("TE", "trailers")
        .with("Keep-Alive", "timeout=5")
        .json("{}");
    let answer = plain().with("Keep-Alive", "timeout=5, max=100").with("Connection", "keep-alive");
    Case::new("hop by hop", named, answer).only_h1()
}

/// Bodies of `length` both ways, sized and chunked, through both doors.
pub(super) fn sizes(length: usize, dice: &mut Dice) -> Vec<Case> {
    let body = dice.bytes(length);
    let most = (length / 3).max(1);
    let mut cases = Vec::new();
    for target in [CHAT, "/v1/files"] {
        for framing in [Framing::Sized, Framing::Chunked] {
            let call = Call::new("POST", target)
                .with("content-type", "application/octet-stream")
                .body(framing, pieces(body.clone(), most, dice));
            let answer = Answer::ok(framing, pieces(body.clone(), most, dice));
            cases.push(Case::new(format!("{length} bytes, {framing:?}, {target}"), call, answer));
        }
    }
    cases
}

/// Answers with no body, or one that ends in its own way; 1xx; trailers; old clients.
pub(super) fn ends() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [CHAT, "/v1/batches"] {
        let post = || Call::new("POST", target).json("{\"model\":\"m\"}");
        let mut case = |name: &str, call: Call, answer: Answer| {
            cases.push(Case::new(format!("{name}, {target}"), call, answer));
        };
        case("204", post(), Answer::new(204, "No Content"));
        case("304", post(), Answer::new(304, "Not Modified").with("etag", "\"x\""));
        case("no length", post().body(Framing::None, Vec::new()), plain());
        case(
            "a body of none",
            post().body(Framing::Sized, Vec::new()),
            Answer::ok(Framing::Sized, Vec::new()),
        );
        case(
            "chunked none",
            post().body(Framing::Chunked, Vec::new()),
            Answer::ok(Framing::Chunked, Vec::new()),
        );
        case("odd status", post(), Answer { status: 799, reason: "What?", ..plain() });
        case("no reason", post(), Answer { reason: "", ..plain() });
        let early = Answer { status: 413, reason: "Too Large", early: true, ..plain() };
        case("early", post().body(Framing::Sized, vec![Bytes::from(vec![7; 60_000]); 40]), early);
    }
    for target in [CHAT, "/v1/batches"] {
        let post = || Call::new("POST", target).json("{\"model\":\"m\"}");
        let mut case = |name: &str, call: Call, answer: Answer| {
            cases.push(Case::new(format!("{name}, {target}"), call, answer).only_h1());
        };
        let hints = vec![(103, vec![("link".to_owned(), b"</a>; rel=preload".to_vec())]), (102, Vec::new())];
        // The four JSON routes pass the final answer only: no model sends hints, and a client can do without.
        if target != CHAT {
            case("early hints", post(), Answer { infos: hints, ..plain() });
        }
        case("304 of some length", post(), Answer::new(304, "Not Modified").with("content-length", "100"));
        case("expect", post().with("Expect", "100-continue"), plain());
        case("HTTP/1.0", Call { version: "HTTP/1.0", ..post() }, plain());
        let chunked = Answer::ok(Framing::Chunked, vec![Bytes::from_static(b"ab"); 3]);
        case("HTTP/1.0, chunked answer", Call { version: "HTTP/1.0", ..post() }, chunked);
        case("until close", post(), Answer::ok(Framing::Close, vec![Bytes::from_static(b"ab"); 3]));
        let upgrade = Call::new("GET", target).with("Connection", "Upgrade").with("Upgrade", "websocket");
        case("a refused upgrade", upgrade, Answer { status: 401, reason: "Unauthorized", ..plain() });
        let head = |framing| Answer::ok(framing, vec![Bytes::from_static(b"hello")]);
        case("HEAD, sized", Call::new("HEAD", target), head(Framing::Sized));
        case("HEAD, chunked", Call::new("HEAD", target), head(Framing::Chunked));
    }
    cases
}

/// A piece is sent when the one before has arrived: nothing on the way may wait for more.
pub(super) fn paced() -> Vec<Case> {
    let events: Vec<Bytes> = (0..30).map(|n| Bytes::from(format!("data: {{\"n\":{n}}}\n\n"))).collect();
    let mut cases = Vec::new();
    for (method, target) in [("POST", CHAT), ("POST", "/v1/responses"), ("POST", "/v1/audio/speech")] {
        let answer = Answer { lockstep: true, ..Answer::ok(Framing::Chunked, events.clone()) }
            .with("content-type", "text/event-stream");
        let call = Call::new(method, target).json("{\"model\":\"m\",\"stream\":true}");
        cases.push(Case::new(format!("paced answer, {target}"), call, answer));
    }
    for framing in [Framing::Sized, Framing::Chunked] {
        for target in ["/v1/files", "/v1/uploads/u/parts", "/v1/audio/transcriptions"] {
            let parts = (0..30).map(|n| Bytes::from(vec![n; 3_000])).collect();
            let call = Call::new("POST", target).with("content-type", "multipart/form-data; boundary=x");
            let call = Call { lockstep: true, ..call.body(framing, parts) };
            cases.push(Case::new(format!("paced upload, {framing:?}, {target}"), call, plain()));
        }
    }
    cases
}
