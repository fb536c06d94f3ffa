//! Direct and proxied, side by side: whatever a client sends and an upstream answers, the gateway changes nothing but
//! what the contract names.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use self::plan::{Answer, CASE, Call, Framing};
use self::ways::{Case, Field, WAYS};
use crate::dice::Dice;
use crate::wire::{self, Fields};

mod cases;
mod client;
mod compare;
pub(crate) mod origin;
pub(crate) mod plan;
mod ways;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_of_the_api_passes_unchanged() {
    let Some(cases) = cases::families(&mut Dice(11)) else {
        eprintln!("skipped: ../shared/data/openai/openapi.json is not there");
        return;
    };
    let field = Field::start().await;
    field.run(cases).await;
    field.verdict();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_targets_and_methods_and_headers_pass_unchanged() {
    let field = Field::start().await;
    field.run(cases::odd_targets()).await;
    field.run(cases::headers(200, &mut Dice(12))).await;
    field.verdict();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_end_passes_unchanged() {
    let field = Field::start().await;
    field.run(cases::ends()).await;
    field.run(cases::paced()).await;
    field.verdict();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_every_size_pass_unchanged() {
    let field = Field::start().await;
    let mut dice = Dice(13);
    for length in [0, 1, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 300_000] {
        field.run(cases::sizes(length, &mut dice)).await;
    }
    // Over the limit of what is read whole, and far over it.
    let huge = |megabytes: usize, target: &str, framing| {
        let pieces = vec![Bytes::from(vec![b'x'; 1 << 20]); megabytes];
        let call = Call::new("POST", target).body(framing, pieces.clone());
        Case::new(format!("{megabytes} MiB, {framing:?}, {target}"), call, Answer::ok(framing, pieces))
    };
    field.run(vec![huge(33, "/v1/chat/completions", Framing::Sized)]).await;
    field.run(vec![huge(33, "/v1/chat/completions", Framing::Chunked)]).await;
    field.run(vec![Case { ways: WAYS[..2].to_vec(), ..huge(64, "/v1/files", Framing::Sized) }]).await;
    field.verdict();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_anywhere_breaks_off_for_the_client() {
    let field = Field::start().await;
    let events = ["data: {\"a\":1}\n\n", "data: {\"b\":\"\u{20ac}\"}\n\n", "data: [DONE]\n\n"];
    let answer = Answer::ok(Framing::Chunked, events.map(Bytes::from).to_vec())
        .with("content-type", "text/event-stream");
    let length: usize = origin::written(&answer, false).iter().map(|(_, bytes)| bytes.len()).sum();
    let head = origin::written(&answer, false)[0].1.len();
    let mut whole = Vec::new();
    for call in
        [Call::new("POST", "/v1/chat/completions").json("{}"), Call::new("GET", "/v1/files/f/content")]
    {
        for cut in 1..length {
            let answer = Answer { cut: Some(cut), ..answer.clone() };
            if cut >= head {
                let name = format!("cut at {cut} of {length}, {}", call.target);
                whole.push(Case::new(name, call.clone(), answer).upstream_h1());
                continue;
            }
            // Of half a head nothing can be passed on: the gateway says so itself.
            let (seen, reply) =
                field.exchange(client::Speaks::H1, field.listen(), &call, &answer).await.unwrap();
            assert_eq!((reply.status, reply.whole), (502, true), "cut at {cut}");
            assert_eq!(seen.method, call.method);
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            assert!(body.contains("upstream_unreachable"), "{body}");
        }
        // On HTTP/2 a reset overtakes what was not sent yet: there the upstream waits until all has arrived.
        let answer = Answer { cut: Some(length - b"0\r\n\r\n".len()), lockstep: true, ..answer.clone() };
        whole.push(Case::new(format!("cut at the end, {}", call.target), call, answer));
    }
    field.run(whole).await;
    field.verdict();
}

/// Known and recorded: Pingora drops the trailers of HTTP/1.1. OpenAI sends none; the body before them is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_of_http1_end_at_the_gateway() {
    let field = Field::start().await;
    let trailers = vec![("x-checksum".to_owned(), b"1".to_vec())];
    let answer = Answer { trailers, ..Answer::ok(Framing::Chunked, vec![Bytes::from_static(b"body")]) };
    for target in ["/v1/chat/completions", "/v1/batches"] {
        let call = Call::new("POST", target).json("{}");
        for (to, count) in [(field.origin.plain, 1), (field.listen(), 0)] {
            let (_, reply) = field.exchange(client::Speaks::H1, to, &call, &answer).await.unwrap();
            assert_eq!((&reply.body[..], reply.whole, reply.trailers.len()), (&b"body"[..], true, count));
        }
    }
}

/// What one side of HTTP/2 cannot hear of the other: the gateway says it itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_is_asked_and_crumbs_are_one_cookie() {
    let field = Field::start().await;
    let answer = Answer::ok(Framing::Sized, vec![Bytes::from_static(b"ok")]);
    let body = vec![Bytes::from_static(b"body")];
    let mut waits = Call::new("POST", "/v1/capture/modern/files").body(Framing::Sized, body);
    waits.headers.push(("Expect".into(), b"100-continue".to_vec()));
    let (seen, reply) = field.exchange(client::Speaks::H1, field.listen(), &waits, &answer).await.unwrap();
    assert_eq!((reply.infos, reply.status, &seen.body[..]), (vec![100], 200, &b"body"[..]));
    assert!(!seen.headers.iter().any(|(name, _)| name == "expect"), "{:?}", seen.headers);
    let mut crumbs = Call::new("GET", "/v1/models");
    crumbs.headers.extend(["a=1", "b=2", "c=3"].map(|crumb| ("cookie".to_owned(), crumb.into())));
    let (seen, _) = field.exchange(client::Speaks::H2, field.listen(), &crumbs, &answer).await.unwrap();
    let cookies: Vec<&[u8]> = seen
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .map(|(_, value)| &value[..])
        .collect();
    assert_eq!(cookies, [&b"a=1; b=2; c=3"[..]]);
}

/// A frame of RFC 6455 as a client sends it.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80 | opcode, 0x80 | payload.len() as u8, 1, 2, 3, 4];
    out.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// What a conversation over a socket came to.
#[derive(Debug, PartialEq)]
struct Talk {
    fields: Fields,
    echoed: Vec<u8>,
    upstream_had: Vec<u8>,
    receipts: usize,
}

fn switched() -> Answer {
    Answer {
        status: 101,
        reason: "Switching Protocols",
        headers: vec![
            ("Upgrade".into(), b"websocket".to_vec()),
            ("Connection".into(), b"Upgrade".to_vec()),
            ("Sec-WebSocket-Accept".into(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_vec()),
            ("sec-websocket-protocol".into(), b"realtime".to_vec()),
        ],
        ..Answer::new(101, "")
    }
}

async fn talk(
    field: &Field,
    to: std::net::SocketAddr,
    prefix: &str,
    frames: &[Vec<u8>],
    leave: bool,
) -> Talk {
    let case = format!("socket {to} {prefix} {leave}");
    let plan = field.origin.expect(&case, switched());
    let mut socket = TcpStream::connect(to).await.unwrap();
    let head: Fields = [
        ("Host", "api.openai.com"),
        (CASE, &case),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.sk-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into();
    let line = format!("GET {prefix}/realtime?model=gpt-realtime HTTP/1.1");
    socket.write_all(&wire::head(&line, &head)).await.unwrap();
    let mut socket = BufReader::new(socket);
    let mut head = wire::read_head(&mut socket).await.unwrap().unwrap();
    assert!(head.line.starts_with("HTTP/1.1 101"), "{}", head.line);
    let receipt = |name: &str| name.eq_ignore_ascii_case("x-kolm-receipt");
    let receipts = head.fields.iter().filter(|(name, _)| receipt(name)).count();
    head.fields.retain(|(name, _)| !receipt(name));
    let mut fields: Fields =
        head.fields.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    fields.iter_mut().for_each(|(_, value)| value.make_ascii_lowercase());
    fields.sort();
    let mut echoed = Vec::new();
    for frame in frames {
        socket.get_mut().write_all(frame).await.unwrap();
        let mut back = vec![0; frame.len()];
        socket.read_exact(&mut back).await.unwrap();
        echoed.extend(back);
    }
    if leave {
        socket.get_mut().shutdown().await.unwrap();
    }
    assert_eq!(
        socket.read_to_end(&mut echoed).await.unwrap(),
        0,
        "the connection ends with the conversation"
    );
    plan.until(|seen| seen.whole).await;
    Talk { fields, echoed, upstream_had: plan.seen().body, receipts }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_carries_frames_both_ways_and_the_code_it_is_closed_with() {
    let field = Arc::new(Field::start().await);
    let close = |code: u16| frame(8, &[&code.to_be_bytes()[..], b"bye"].concat());
    for last in [close(1_000), close(4_001), close(1_011)] {
        let frames = [frame(1, b"{\"type\":\"session.update\"}"), frame(2, &[0xff; 90]), frame(9, b""), last];
        let direct = talk(&field, field.origin.plain, "/v1", &frames, false).await;
        // The second upstream would rather speak HTTP/2, which has no upgrades.
        for prefix in ["/v1", "/v1/capture/modern"] {
            let proxied = talk(&field, field.listen(), prefix, &frames, false).await;
            assert_eq!((direct.receipts, proxied.receipts), (0, 1));
            assert_eq!(Talk { receipts: 0, ..proxied }, direct);
        }
    }
    let frames = [frame(1, b"and then the client leaves without a word")];
    let direct = talk(&field, field.origin.plain, "/v1", &frames, true).await;
    let proxied = talk(&field, field.listen(), "/v1", &frames, true).await;
    assert_eq!(Talk { receipts: 0, ..proxied }, direct);
}
