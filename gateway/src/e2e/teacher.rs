//! The relay to a teacher: bytes, connections, failures, leavers, captures.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use kolm_core::{Arm, Outcome, Surface};

use super::fake::{Fake, Step, chunked, refusing, sized};
use super::*;

const SSE: &str = "content-type: text/event-stream\r\n";
const STREAM: &[u8] = b"data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini-2024\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"gr\xc3\xbc\xc3\x9fe\"},\"finish_reason\":null}]}\n\ndata: {\"id\":\"c1\",\"model\":\"gpt-4o-mini-2024\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

pub(super) fn echo() -> Fake {
    Fake::start(|request| match request.header("x-answer") {
        Some("chunked") => chunked("", request.body.chunks(60_000)),
        _ => sized("200 OK", "x-request-id: req_1\r\nx-ratelimit-reset-requests: 6m0s\r\n", &request.body),
    })
}

#[test]
fn bodies_of_every_size_and_framing_pass_byte_for_byte() {
    let fake = echo();
    let mut plan = Plan::to(fake.address);
    plan.change = |config| config.capture.max_bytes = 8 << 20;
    let mut house = House::build(plan);
    let mut client = house.client();
    for length in [0, 1_000, 300_000, 5_000_000] {
        let body = bytes(length);
        for how in ["sized", "chunked"] {
            let more = format!("x-answer: {how}\r\n");
            let reply = client.call(&post("/v1/chat/completions", &more, &body));
            assert_eq!((reply.status, reply.broken), (200, false), "{length} {how}");
            assert!(reply.body == body, "{length} {how}: reply differs");
            assert!(fake.last().body == body, "{length} {how}: request differs");
            assert_eq!(house.captured().reply.len(), length);
        }
        let reply = client.call(&post_chunked("/v1/capture/openai/chat/completions", &body, 70_000));
        assert!(reply.body == body && fake.last().body == body, "{length}: chunked request differs");
        assert_eq!(house.captured().request.len(), length);
        assert!(fake.last().head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    }
    assert_eq!(fake.connections(), 1, "upstream connections are reused");
    house.stop();
}

#[test]
fn a_stream_split_at_each_byte_arrives_frame_for_frame() {
    let fake = Fake::start(|_| chunked(SSE, STREAM.chunks(1)));
    let mut house = House::over(fake.address);
    let reply = house.post("/v1/chat/completions", CHAT);
    assert_eq!(reply.body, STREAM);
    assert_eq!(reply.chunks, vec![1; STREAM.len()], "frames are neither merged nor split");
    let finished = house.captured();
    assert!(
        finished.streamed && finished.ended_cleanly && finished.request == CHAT && finished.reply == STREAM
    );
    assert_eq!(
        (finished.id, finished.arm, finished.outcome, finished.surface, finished.model.as_str()),
        (reply.id(), Arm::Teacher, Outcome::Complete, Surface::Chat, "gpt-4o-mini")
    );
    let leaf = house.leaf(reply.id());
    assert_eq!(leaf["close"]["bytes_out"], STREAM.len());
    assert_eq!(
        (&leaf["close"]["finish"], &leaf["close"]["up_model"]),
        (&"stop".into(), &"gpt-4o-mini-2024".into())
    );
    let resp = kolm_receipts::commitment(kolm_receipts::Tag::Resp, &finished.reply_salt, STREAM);
    assert_eq!(leaf["close"]["resp"], kolm_core::hex(&resp));
    let req = kolm_receipts::commitment(kolm_receipts::Tag::Req, &finished.request_salt, CHAT);
    assert_eq!(leaf["close"]["req"], kolm_core::hex(&req));
}

#[test]
fn headers_pass_and_a_forged_receipt_does_not() {
    let fake = Fake::start(|_| {
        let more = "X-Kolm-Receipt: forged\r\nConnection: x-kolm-receipt, keep-alive\r\nretry-after: 7\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n";
        sized("429 Too Many Requests", more, b"{}")
    });
    let house = House::over(fake.address);
    let more = "x-kolm-receipt: mine\r\nx-kolm-namespace: nobody\r\nOpenAI-Project: p\r\n";
    let reply = house.client().call(&post("/v1/chat/completions?api-version=1", more, CHAT));
    assert_eq!(reply.status, 429);
    reply.id();
    assert!(reply.head.starts_with("HTTP/1.1 429 Too Many Requests"));
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert_eq!(headers(&reply.head, "set-cookie"), ["a=1", "b=2"]);
    let seen = fake.last();
    assert!(seen.head.starts_with("POST /v1/chat/completions?api-version=1 HTTP/1.1"));
    assert!(!seen.head.to_lowercase().contains("x-kolm"), "{}", seen.head);
    assert_eq!(seen.header("authorization"), Some("Bearer sk-test"));
    assert_eq!(seen.header("openai-project"), Some("p"));
    assert_eq!(seen.header("host"), Some(fake.address.to_string().as_str()));
    assert!(house.shared.events.render().contains("kolm_namespace_refused_total 1"));
}

#[test]
fn an_upstream_that_breaks_off_breaks_the_client_off_too() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec();
    let chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n9\r\ndata: one\r\n".to_vec();
    for (start, got) in [(half, "only this"), (chunk, "data: one")] {
        let fake = Fake::start(move |_| vec![Step::Write(start.clone()), Step::Close]);
        let mut house = House::over(fake.address);
        let reply = house.post("/v1/chat/completions", CHAT);
        assert!(reply.broken, "{got}");
        let finished = house.captured();
        assert_eq!((finished.outcome, finished.ended_cleanly), (Outcome::UpstreamError, false));
        assert_eq!(finished.reply, got);
        assert_eq!(house.leaf(reply.id())["close"]["outcome"], "upstream_error");
    }
}

#[test]
fn no_upstream_is_a_502_with_a_receipt() {
    let mut house = House::over(refusing());
    let mut client = house.client();
    for path in ["/v1/chat/completions", "/v1/chat/completions"] {
        let reply = client.call(&post(path, "", CHAT));
        assert_eq!((reply.status, reply.error_code().as_str()), (502, "upstream_unreachable"));
        assert_eq!(house.captured().outcome, Outcome::UpstreamError);
        let leaf = house.leaf(reply.id());
        assert_eq!(
            (&leaf["close"]["outcome"], &leaf["open"]["rt"]),
            (&"upstream_error".into(), &"local".into())
        );
        assert_eq!(leaf["close"]["tries"][0][1], "cloud");
    }
}

#[test]
fn a_silent_upstream_is_a_504() {
    let fake = Fake::start(|_| vec![Step::Hang]);
    let mut plan = Plan::to(fake.address);
    plan.change = |config| {
        for upstream in config.upstreams.values_mut() {
            upstream.timeouts.first_byte = Duration::from_millis(200);
        }
    };
    let house = House::build(plan);
    let reply = house.post("/v1/chat/completions", CHAT);
    assert_eq!((reply.status, reply.error_code().as_str()), (504, "upstream_timeout"));
    assert_eq!(house.leaf(reply.id())["close"]["outcome"], "timeout");
}

#[test]
fn a_pooled_connection_that_went_stale_is_not_the_clients_problem() {
    let fake = Fake::start(|_| {
        let mut steps = sized("200 OK", "", b"ok");
        steps.push(Step::Close);
        steps
    });
    let house = House::over(fake.address);
    let mut client = house.client();
    for _ in 0..20 {
        assert_eq!(client.call(&post("/v1/chat/completions", "", CHAT)).body, b"ok");
    }
    assert_eq!(fake.requests(), 20, "nothing was sent twice");
}

/// A fake that sends the stream up to `last` bytes before its end, waits for the word, and sends the rest.
fn holding(last: usize) -> (Fake, mpsc::Sender<()>) {
    let (go, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let fake = Fake::start(move |_| {
        let (now, later) = STREAM.split_at(STREAM.len() - last);
        let mut steps = chunked(SSE, [now, later].into_iter().filter(|part| !part.is_empty()));
        steps.insert(2, Step::Wait(gate.clone()));
        steps
    });
    (fake, go)
}

fn read_until(client: &mut Client, mark: &[u8]) {
    let mut got = Vec::new();
    while !got.ends_with(mark) {
        std::io::BufRead::read_until(&mut client.reader, b'\n', &mut got).unwrap();
    }
}

#[test]
fn leaving_at_done_is_complete() {
    let (fake, go) = holding(0);
    let mut house = House::over(fake.address);
    let mut client = house.client();
    client.send(&post("/v1/chat/completions", "", CHAT));
    read_until(&mut client, b"data: [DONE]\n\n\r\n");
    client.leave();
    let finished = house.captured();
    assert_eq!((finished.outcome, finished.ended_cleanly), (Outcome::Complete, true));
    assert_eq!(finished.reply, STREAM);
    assert_eq!(house.leaf(finished.id)["close"]["outcome"], "complete");
    drop(go);
}

#[test]
fn leaving_before_is_an_abort_but_the_copy_goes_on() {
    let (fake, go) = holding(20);
    let mut house = House::over(fake.address);
    let mut client = house.client();
    client.send(&post("/v1/chat/completions", "", CHAT));
    read_until(&mut client, b"\r\n\r\n");
    client.leave();
    // No state of the gateway tells that it has seen the client leave: a second request under way is the clock.
    until("the request at the fake", || fake.requests() == 1);
    std::thread::park_timeout(Duration::from_millis(200));
    go.send(()).unwrap();
    let finished = house.captured();
    assert_eq!((finished.outcome, finished.ended_cleanly), (Outcome::ClientAbort, true));
    assert_eq!(finished.reply, STREAM);
    let leaf = house.leaf(finished.id);
    assert_eq!(leaf["close"]["outcome"], "client_abort");
    assert!(leaf["close"]["bytes_out"].as_u64().unwrap() < STREAM.len() as u64);
}

#[test]
fn leaving_before_the_head_is_an_abort_and_the_teacher_is_still_heard() {
    let (go, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let fake = Fake::start(move |_| {
        let mut steps = sized("200 OK", "", b"{}");
        steps.insert(0, Step::Wait(gate.clone()));
        steps
    });
    let mut house = House::over(fake.address);
    let mut client = house.client();
    client.send(&post("/v1/chat/completions", "", CHAT));
    until("the request at the fake", || fake.requests() == 1);
    client.leave();
    std::thread::park_timeout(Duration::from_millis(200));
    go.send(()).unwrap();
    let finished = house.captured();
    assert_eq!((finished.outcome, finished.ended_cleanly), (Outcome::ClientAbort, true));
    assert_eq!(finished.reply, &b"{}"[..]);
    assert_eq!(house.leaf(finished.id)["close"]["bytes_out"], 0);
}

#[test]
fn zero_retention_keeps_nothing_but_the_receipt() {
    let fake = echo();
    let mut house = House::over(fake.address);
    let reply = house.client().call(&post("/v1/capture/chat/completions", "x-kolm-no-store: 1\r\n", CHAT));
    assert_eq!(reply.body, CHAT);
    house.leaf(reply.id());
    let second = house.post("/v1/chat/completions", CHAT);
    assert_eq!(house.captured().id, second.id(), "the first one was not captured");
    until("one exchange counted", || house.shared.events.accepted() == 1);
}

#[test]
fn zero_retention_lets_go_of_a_stream_that_nobody_reads() {
    let (fake, go) = holding(20);
    let house = House::over(fake.address);
    let mut client = house.client();
    client.send(&post("/v1/chat/completions", "x-kolm-no-store: 1\r\n", CHAT));
    let head = client.head();
    let id = headers(&head, "x-kolm-receipt")[0]
        .split(['=', ';'])
        .nth(2)
        .unwrap()
        .trim_matches('"')
        .parse()
        .unwrap();
    client.leave();
    // The fake holds the rest back: nothing but letting go of it closes the books.
    assert_eq!(house.leaf(id)["close"]["outcome"], "client_abort");
    drop(go);
}

#[test]
fn a_full_queue_is_a_counted_drop_and_no_wait() {
    let fake = echo();
    let mut plan = Plan::to(fake.address);
    plan.queue = 1;
    let house = House::build(plan);
    for _ in 0..3 {
        assert_eq!(house.post("/v1/chat/completions", CHAT).body, CHAT);
    }
    until("two drops", || house.shared.events.dropped() == [("queue_full".to_owned(), 2)]);
}

#[test]
fn a_body_above_the_limit_streams_by_uncaptured() {
    let fake = echo();
    let mut plan = Plan::to(fake.address);
    plan.change = |config| config.listen.max_body_bytes = 100_000;
    let house = House::build(plan);
    let body = bytes(200_000);
    // A length that is announced is known at once, any other when the limit is reached.
    for request in
        [post("/v1/chat/completions", "", &body), post_chunked("/v1/chat/completions", &body, 10_000)]
    {
        let reply = house.client().call(&request);
        assert!(reply.status == 200 && reply.body == body && fake.last().body == body);
        let close = &house.leaf(reply.id())["close"];
        assert_eq!(close["outcome"], "complete");
        assert!(close["req"].is_string(), "all of it is committed to: {close}");
    }
    assert_eq!((fake.requests(), house.shared.events.accepted()), (2, 2));
    assert_eq!(house.shared.events.dropped(), [("oversize".to_owned(), 2)]);
}

#[test]
fn a_client_that_waits_to_be_asked_is_asked() {
    let fake = echo();
    let house = House::over(fake.address);
    let mut client = house.client();
    let whole = post("/v1/chat/completions", "Expect: 100-continue\r\n", CHAT);
    let (head, body) = whole.split_at(whole.len() - CHAT.len());
    client.send(head);
    assert!(client.head().starts_with("HTTP/1.1 100 "));
    let reply = client.call(body);
    assert_eq!((reply.status, &reply.body[..]), (200, CHAT));
    assert_eq!(fake.last().header("expect"), None);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let fake = echo();
    let house = House::over(fake.address);
    let mut client = house.client();
    let both = [post("/v1/chat/completions", "", b"one"), post("/v1/chat/completions", "", b"two")].concat();
    client.send(&both);
    assert_eq!(client.read().body, b"one");
    assert_eq!(client.read().body, b"two");
}
