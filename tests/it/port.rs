//! The client port under clients that are too many, too slow, or silent.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::fake::FakeOpenAi;
use crate::world::{World, until};

async fn world(listen: &str) -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    World::start_with(fake, listen, "").await
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Reads until the other side closes, in whatever way.
fn to_the_end(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(cause) if cause.kind() == ErrorKind::ConnectionReset => {}
        Err(cause) => panic!("the connection is still open: {cause}"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// One kept-alive request on a connection.
fn healthy(stream: &mut TcpStream) -> bool {
    if stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").is_err() {
        return false;
    }
    let mut said = String::new();
    let mut piece = [0; 512];
    while !said.ends_with('}') {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => said += std::str::from_utf8(&piece[..read]).unwrap(),
            Ok(_) | Err(_) => return false,
        }
    }
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    true
}

/// Sends a byte now and then, for as long as somebody listens; says how it ended.
async fn dribble(mut stream: TcpStream, bytes: &[u8]) -> String {
    let mut rest = bytes.iter().cycle();
    stream.set_nonblocking(true).unwrap();
    let mut said = Vec::new();
    until("the slow client is cut", || {
        let mut piece = [0; 512];
        let open = stream.write(&[*rest.next().unwrap()]).is_ok();
        let ended = match stream.read(&mut piece) {
            Ok(0) => true,
            Ok(read) => {
                said.extend_from_slice(&piece[..read]);
                false
            }
            Err(cause) => cause.kind() != ErrorKind::WouldBlock,
        };
        let done = ended || !open;
        async move { done.then_some(()) }
    })
    .await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_dribbles_in_is_cut() {
    let world = world("header_timeout = \"400ms\"\nkeepalive_timeout = \"1min\"").await;
    let header =
        b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-Slow: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
    let said = dribble(connect(world.listen()), header).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("x-kolm-receipt: "), "{said:?}");

    let mut kept = connect(world.listen());
    assert!(healthy(&mut kept) && healthy(&mut kept));
    let said = dribble(kept, header).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said:?}");

    // Before a header there is nothing to answer.
    assert_eq!(to_the_end(connect(world.listen())), "");
    assert_eq!(world.metric("kolm_connection_cut_total", "header").await, 2);
    assert_eq!(world.metric("kolm_connection_cut_total", "idle").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_2_opening_that_does_not_go_on_is_cut() {
    let world = world("header_timeout = \"400ms\"").await;
    for opening in
        [&b"PRI * HTTP"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"]
    {
        let mut stream = connect(world.listen());
        stream.write_all(opening).unwrap();
        let said = to_the_end(stream);
        assert!(!said.contains(" 200 "), "{said:?}");
    }
    assert_eq!(world.metric("kolm_connection_cut_total", "header").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_next_request_is_closed() {
    let world = world("keepalive_timeout = \"300ms\"").await;
    let mut stream = connect(world.listen());
    assert!(healthy(&mut stream));
    assert_eq!(to_the_end(stream), "");
    assert_eq!(world.metric("kolm_connection_cut_total", "idle").await, 1);
    // The same over HTTP/2, which has a timer of its own.
    let mut stream = connect(world.listen());
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    to_the_end(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_is_given_up() {
    let world = world("body_timeout = \"300ms\"").await;
    for path in ["/v1/chat/completions", "/v1/files"] {
        let mut stream = connect(world.listen());
        let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf of it");
        stream.write_all(head.as_bytes()).unwrap();
        let said = to_the_end(stream);
        assert!(!said.starts_with("HTTP/1.1 200"), "{path}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_connections_and_no_more() {
    let world = world("max_connections = 2").await;
    let [mut first, mut second] = [(); 2].map(|()| connect(world.listen()));
    assert!(healthy(&mut first) && healthy(&mut second));
    assert_eq!(to_the_end(connect(world.listen())), "");
    assert_eq!(world.metric("kolm_connection_refuse_total", "\"max_connections\"").await, 1);
    drop(first);
    until("a place is free", || async { healthy(&mut connect(world.listen())).then_some(()) }).await;
    assert!(healthy(&mut second), "the others never noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_for_so_many_of_one_address() {
    let world = world("max_connections_per_ip = 1").await;
    let mut first = connect(world.listen());
    assert!(healthy(&mut first));
    assert_eq!(to_the_end(connect(world.listen())), "");
    assert_eq!(world.metric("kolm_connection_refuse_total", "\"max_connections_per_ip\"").await, 1);
    drop(first);
    until("the place is free", || async { healthy(&mut connect(world.listen())).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_follow_a_reload() {
    let world = world("").await;
    let file = world.dir.path().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("[listen]\n", "[listen]\nheader_timeout = \"200ms\"\n")).unwrap();
    until("the new configuration", || async { (world.status().await["config_version"] == 2).then_some(()) })
        .await;
    assert_eq!(to_the_end(connect(world.listen())), "");
    assert_eq!(world.metric("kolm_connection_cut_total", "idle").await, 1);
}
