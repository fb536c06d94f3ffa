//! The other door, and the gateway's own paths.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;

use super::fake::{Fake, Step, chunked, refusing, sized};
use super::*;

#[test]
fn unknown_paths_and_methods_pass_as_they_are() {
    let fake = Fake::start(|request| match request.header("x-answer") {
        Some("chunked") => chunked("", request.body.chunks(1_000)),
        _ => sized("200 OK", "x-request-id: req_1\r\n", request.head.lines().next().unwrap().as_bytes()),
    });
    let house = House::over(fake.address);
    let mut client = house.client();
    for (method, path, up) in [
        ("GET", "/v1/models?limit=2&after=a%2Fb", "/v1/models?limit=2&after=a%2Fb"),
        ("DELETE", "/v1/capture/openai/files/f-1", "/v1/files/f-1"),
        ("GET", "/v1/chat/completions//x/", "/v1/chat/completions//x/"),
        ("QUERY", "/v1/anything", "/v1/anything"),
    ] {
        let reply = client.call(format!("{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
        assert_eq!(String::from_utf8(reply.body.clone()).unwrap(), format!("{method} {up} HTTP/1.1"));
        assert_eq!(reply.header("x-request-id"), Some("req_1"));
        let leaf = house.leaf(reply.id());
        assert_eq!(leaf["open"]["ep"], format!("{method} {}", path.split('?').next().unwrap()));
        assert_eq!(leaf["close"]["outcome"], "complete");
    }
    let body = vec![b'x'; 200_000];
    let reply = client.call(&post("/v1/files", "x-answer: chunked\r\n", &body));
    assert!(reply.body == body && fake.last().body == body);
    client.send(b"HEAD /v1/models HTTP/1.1\r\nHost: h\r\n\r\n");
    let head = client.head();
    assert_eq!(
        (headers(&head, "x-kolm-receipt").len(), fake::header(&head, "content-length")),
        (1, Some("24"))
    );
    assert_eq!(client.call(&get("/v1/models")).status, 200, "the connection is still in order");
}

#[test]
fn a_stale_connection_is_made_anew_for_what_may_be_repeated() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let fake = Fake::start(move |_| match seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
        // The second request on the connection finds it closed.
        1 => vec![Step::Close],
        _ => sized("200 OK", "", b"ok"),
    });
    let house = House::over(fake.address);
    let mut client = house.client();
    for (method, sent) in [("GET", 3), ("DELETE", 6), ("PUT", 9)] {
        for _ in 0..2 {
            let head = format!("{method} /v1/files/f HTTP/1.1\r\nHost: h\r\ncontent-length: 0\r\n\r\n");
            let reply = client.call(head.as_bytes());
            assert_eq!((reply.status, &reply.body[..]), (200, &b"ok"[..]), "{method}");
        }
        assert_eq!(fake.requests(), sent, "{method}");
    }
    assert_eq!(client.call(&post("/v1/files", "", b"once")).status, 200);
    assert_eq!(client.call(&post("/v1/files", "", b"once")).status, 502, "it may have been taken");
    assert_eq!(fake.requests(), 11);
}

#[test]
fn a_websocket_passes_with_a_receipt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let head = read_head(&mut reader).unwrap();
        let accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nx-kolm-receipt: forged\r\n\r\n";
        // Pingora tears a WebSocket down whose 101 comes within microseconds (cloudflare/pingora#946).
        std::thread::sleep(std::time::Duration::from_millis(20));
        stream.write_all(accept.as_bytes()).unwrap();
        let mut four = [0; 4];
        reader.read_exact(&mut four).unwrap();
        stream.write_all(&four).unwrap();
        head
    });
    let house = House::over(address);
    let mut client = house.client();
    client.send(b"GET /v1/realtime?model=x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nx-kolm-namespace: x\r\n\r\n");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let receipts = headers(&head, "x-kolm-receipt");
    assert!(receipts.len() == 1 && receipts[0].starts_with("kr1; id="), "{head}");
    client.send(b"ping");
    let mut four = [0; 4];
    client.reader.read_exact(&mut four).unwrap();
    assert_eq!(&four, b"ping");
    let up = peer.join().unwrap();
    assert_eq!(fake::header(&up, "upgrade"), Some("websocket"), "{up}");
    assert!(!up.to_lowercase().contains("x-kolm"), "{up}");
}

#[test]
fn no_upstream_is_a_502_here_too_and_a_break_is_a_break() {
    let house = House::over(refusing());
    let reply = house.client().call(&get("/v1/models"));
    assert_eq!((reply.status, reply.error_code().as_str()), (502, "upstream_unreachable"));
    assert_eq!(house.leaf(reply.id())["close"]["outcome"], "upstream_error");

    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec();
    let fake = Fake::start(move |_| vec![Step::Write(half.clone()), Step::Close]);
    let house = House::over(fake.address);
    let reply = house.client().call(&get("/v1/models"));
    assert!(reply.broken);
    assert_eq!(house.leaf(reply.id())["close"]["outcome"], "upstream_error");
}

#[test]
fn an_answer_has_one_length() {
    const CHUNKED: &str = "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let rows = [
        ("content-length: 5\r\ncontent-length: 7\r\n\r\nhello!!", 502),
        ("content-length: 5, 7\r\n\r\nhello!!", 502),
        ("content-length: 5\r\ncontent-length: 5\r\n\r\nhello", 200),
        (CHUNKED, 200),
    ];
    for (rest, status) in rows {
        let answer = format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes();
        let fake = Fake::start(move |_| vec![Step::Write(answer.clone()), Step::Close]);
        let house = House::over(fake.address);
        for call in [
            get("/v1/models"),
            post(
                "/v1/chat/completions",
                "",
                br#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#,
            ),
        ] {
            let reply = house.client().call(&call);
            assert_eq!(reply.status, status, "{rest}");
            assert!(status == 502 || reply.body == b"hello", "{rest}: {:?}", reply.body);
        }
    }
}

#[test]
fn the_whole_time_of_an_upstream_ends_what_trickles() {
    let (go, gate) = blocking::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let fake = Fake::start(move |_| {
        let mut steps = chunked("", [&b"first"[..], b"last"].into_iter());
        steps.insert(2, Step::Wait(gate.clone()));
        steps
    });
    let house = House::over(fake.address);
    for (late_ms, broken, outcome) in [(3_599_000, false, "complete"), (3_601_000, true, "timeout")] {
        let mut client = house.client();
        client.send(&get("/v1/files/f/content"));
        let head = client.head();
        house.clock.advance(late_ms);
        go.send(()).unwrap();
        let reply = client.rest(head);
        assert_eq!(reply.broken, broken, "{late_ms}");
        assert_eq!(house.leaf(reply.id())["close"]["outcome"], outcome);
    }
}

#[test]
fn own_paths_are_answered_here() {
    let fake = Fake::start(|_| sized("200 OK", "", CHAT));
    let house = House::over(fake.address);
    let mut client = house.client();
    let first = client.call(&post("/v1/chat/completions", "", CHAT));
    house.leaf(first.id());
    let found = client.call(&get(&format!("/v1/receipts/{}", first.id())));
    let body: serde_json::Value = serde_json::from_slice(&found.body).unwrap();
    assert_eq!((found.status, &body["state"]), (200, &"closed".into()));
    assert!(body["leaf_b64"].as_str().unwrap().len() > 100);
    found.id();
    for (request, status, code) in [
        (get("/v1/receipts/0199"), 404, "unknown_url"),
        (get("/v1/receipts"), 404, "unknown_url"),
        (get("/nothing"), 404, "unknown_url"),
        (post("/healthz", "", b""), 405, ""),
        (post(&format!("/v1/receipts/{}", first.id()), "", b"{}"), 405, ""),
    ] {
        let reply = house.client().call(&request);
        assert_eq!((reply.status, reply.error_code().as_str()), (status, code));
        assert_eq!(reply.header("allow").is_some(), status == 405);
        reply.id();
    }
    let healthy = client.call(&get("/healthz"));
    assert_eq!((healthy.status, &healthy.body[..]), (200, &br#"{"status":"ok"}"#[..]));
    assert_eq!(fake.requests(), 1, "none of these went up");
}

#[test]
fn a_port_in_use_is_an_error_with_an_address() {
    use kolm_core::Coded;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = server::Bound::new(taken.local_addr().unwrap()).err().unwrap();
    assert_eq!(error.code().to_string(), "K0801");
    assert!(error.hint().unwrap().contains(&taken.local_addr().unwrap().port().to_string()));
}

#[test]
fn a_stop_waits_for_requests_under_way_and_refuses_new_ones() {
    let (go, gate) = blocking::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let fake = Fake::start(move |_| {
        gate.lock().unwrap().recv().unwrap();
        sized("200 OK", "", b"late")
    });
    let mut house = House::over(fake.address);
    let mut client = house.client();
    client.send(&post("/v1/chat/completions", "", CHAT));
    until("the request at the fake", || fake.requests() == 1);
    drop(house.stop.take());
    let address = house.address;
    until("a closed listener", || TcpStream::connect(address).is_err());
    go.send(()).unwrap();
    let reply = client.read();
    assert_eq!((reply.status, &reply.body[..]), (200, &b"late"[..]));
    house.thread.take().unwrap().join().unwrap().unwrap();
    assert!(!house.shared.ready.load(std::sync::atomic::Ordering::Acquire));
}

#[test]
fn http2_without_tls_is_spoken_too() {
    let fake =
        Fake::start(|request| chunked("content-type: text/event-stream\r\n", request.body.chunks(50_000)));
    let mut house = House::over(fake.address);
    let body = vec![b'x'; 300_000];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (version, receipts, got) = runtime.block_on(async {
        let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
        let url = format!("http://{}/v1/chat/completions", house.address);
        let reply = client.post(url).header("cookie", "a=1").body(body.clone()).send().await.unwrap();
        let receipts = reply.headers().get_all("x-kolm-receipt").iter().count();
        (reply.version(), receipts, reply.bytes().await.unwrap())
    });
    assert_eq!((version, receipts), (reqwest::Version::HTTP_2, 1));
    assert!(got == body && fake.last().body == body);
    assert!(fake.last().head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", fake.last().head);
    assert_eq!(house.captured().request.len(), body.len());
}

/// What an HTTP/2 client is told that sends these headers: status, receipt header, body.
async fn told(address: std::net::SocketAddr, headers: &[(String, String)]) -> (u16, String, String) {
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let mut request = client.get(format!("http://{address}/v1/models"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let reply = request.send().await.unwrap();
    let receipts: Vec<_> = reply.headers().get_all("x-kolm-receipt").iter().collect();
    assert_eq!(receipts.len(), 1, "{reply:?}");
    let receipt = receipts[0].to_str().unwrap().to_owned();
    (reply.status().as_u16(), receipt, reply.text().await.unwrap())
}

#[test]
fn http2_requests_that_are_refused_before_they_are_read_have_a_receipt() {
    let fake = Fake::start(|_| sized("200 OK", "", b"{}"));
    let house = House::over(fake.address);
    let many = |n: usize| (0..n).map(|i| (format!("x-{i}"), "y".repeat(700))).collect::<Vec<_>>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert_eq!(told(house.address, &many(80)).await.0, 200, "that is not too large");
        // Our own refusal, in words.
        let (status, receipt, body) = told(house.address, &many(100)).await;
        assert!(status == 431 && receipt.contains("st=none") && body.contains("malformed_request"), "{body}");
        // `h2`'s own, and Pingora's.
        let (status, receipt, _) = told(house.address, &many(200)).await;
        assert!(status == 431 && receipt.contains("st=none"), "{status} {receipt}");
        let other = [("host".to_owned(), "other.example".to_owned())];
        let (status, receipt, _) = told(house.address, &other).await;
        assert!(status == 400 && receipt.contains("st=none"), "{status} {receipt}");
    });
    assert_eq!(fake.requests(), 1, "none of them went on");
}
