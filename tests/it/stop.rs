//! The end of the gateway: told to every client, and at once where somebody insists; and what it leaves on the disk.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::fake::{FakeOpenAi, Reply};
use crate::keys::ask;
use crate::world::{World, until};

async fn world() -> World {
    World::start(FakeOpenAi::start(Duration::ZERO, str::to_owned).await, "").await
}

/// Asks again and again on one connection until an answer says that it is the last. `None`: a request was not answered.
fn asks_until_told(address: SocketAddr) -> Option<u32> {
    let mut stream = TcpStream::connect(address).ok()?;
    for answers in 1.. {
        stream.write_all(b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n").ok()?;
        let (mut said, mut piece) = (String::new(), [0; 4096]);
        let is_last = loop {
            let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
            said += std::str::from_utf8(&piece[..read]).ok()?;
            let Some((head, body)) = said.split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            let length =
                head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse::<usize>().ok()?;
            if body.len() >= length {
                break head.contains("connection: close");
            }
        };
        if is_last {
            return Some(answers);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_keep_their_connections_are_told_before_they_end() {
    let mut world = world().await;
    let address = world.listen();
    let clients: Vec<_> =
        (0..8).map(|_| tokio::task::spawn_blocking(move || asks_until_told(address))).collect();
    until("requests under way", || async { (world.fake.seen().len() > 200).then_some(()) }).await;
    world.stop().await;
    for client in clients {
        let answers = client.await.unwrap();
        assert!(answers.is_some_and(|answers| answers > 1), "a request was not answered: {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_at_the_end_has_its_row() {
    let mut world = world().await;
    let frame = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"so\"}}]}\n\n";
    let frames = vec![bytes::Bytes::from_static(frame.as_bytes()); 2];
    // The first frame would come long after the drain has been given up.
    world.fake.script(Reply { pause: Duration::from_secs(300), ..Reply::stream(frames) });
    let (url, http) = (world.url("/v1/chat/completions"), world.http.clone());
    let body = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let held = tokio::spawn(async move { http.post(url).body(body).send().await.unwrap().bytes().await });
    until("a stream under way", || async { (world.in_flight().await == 1).then_some(()) }).await;
    world.terminate();
    assert!(world.ended().await.success());
    assert!(held.await.unwrap().is_err(), "the client sees that its stream broke off");
    let settings = kolm_config::Config::embedded(&kolm_config::Outside::bare("/")).unwrap().store;
    let env = kolm_core::Env::fixed(kolm_core::Timestamp(1), 1);
    let (store, handle) = kolm_store::Service::open(&world.data().join("store"), &settings, &env).unwrap();
    let rows = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&rows);
    let count = move |_: &str| {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    handle.each_text(count).await.unwrap();
    tokio::task::block_in_place(|| store.shutdown());
    assert!(rows.load(Ordering::Relaxed) > 0, "it has a row");
    world.restart().await;
    assert_eq!(world.status().await["ledger"]["lost"], 0, "its receipt was closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_where_it_stands() {
    let mut world = world().await;
    world.fake.script(Reply { delay: Duration::from_secs(120), ..Reply::json(200, "{}") });
    let (url, http) = (world.url("/v1/models"), world.http.clone());
    let held = tokio::spawn(async move { http.get(url).send().await });
    until("a request under way", || async { (world.in_flight().await == 1).then_some(()) }).await;
    world.terminate();
    until("the stop", || async { world.log().contains("stopping").then_some(()) }).await;
    world.terminate();
    assert_eq!(world.ended().await.code(), Some(130));
    assert!(held.await.unwrap().is_err());
    world.restart().await;
    assert_eq!(ask(&world, "sk-a", &[]).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_are_for_one_account_alone() {
    let world = world().await;
    assert_eq!(ask(&world, "sk-a", &[]).await.status(), 200);
    let store = world.data().join("store");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&store), 0o700);
    until("a database", || async { store.join("captures.duckdb").exists().then_some(()) }).await;
    for entry in std::fs::read_dir(&store).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}
