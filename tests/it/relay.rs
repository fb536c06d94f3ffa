//! What passes through the gateway passes unchanged, and always with one receipt.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use crate::dice::Dice;
use crate::fake::{FakeOpenAi, Reply};
use crate::world::{World, until};

async fn world() -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await;
    World::start(fake, "").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_streams_pass_byte_for_byte_however_they_are_split() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/openai/streams");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let world = world().await;
    let mut dice = Dice(7);
    let request = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut sent = 0;
    for entry in entries.flatten() {
        let bytes = Bytes::from(std::fs::read(entry.path()).unwrap());
        for most in [1, 7, 64, 1_024, bytes.len()] {
            let mut rest = bytes.clone();
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                let n = (1 + dice.below(most)).min(rest.len());
                pieces.push(rest.split_to(n));
            }
            world.fake.script(Reply::stream(pieces));
            let post =
                world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test").body(request);
            let reply = post.send().await.unwrap();
            assert_eq!(reply.headers()["content-type"], "text/event-stream; charset=utf-8");
            assert_eq!(reply.headers().get_all("x-kolm-receipt").iter().count(), 1);
            assert_eq!(reply.bytes().await.unwrap(), bytes, "{:?} in pieces of at most {most}", entry.path());
            sent += 1;
        }
    }
    assert!(sent >= 5, "no recorded stream was found");
    until("every stream is captured", || async {
        (world.status().await["capture"]["stored"] == sent).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_pass_both_ways() {
    let world = world().await;
    let filler = "x".repeat(5 << 20);
    let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{filler}"}}]}}"#);
    let answer = Bytes::from(format!(r#"{{"id":"big","filler":"{filler}"}}"#));
    for chunked in [false, true] {
        world.fake.script(Reply::json(200, answer.clone()));
        let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test");
        let reply = if chunked {
            let pieces: Vec<Result<Bytes, std::io::Error>> =
                body.as_bytes().chunks(60_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            post.body(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))).send().await.unwrap()
        } else {
            post.body(body.clone()).send().await.unwrap()
        };
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.bytes().await.unwrap(), answer);
        assert_eq!(world.fake.seen().last().unwrap().body, body.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_paths_and_headers_pass_and_our_own_do_not() {
    let world = world().await;
    let mut reply = Reply::json(207, "not json at all");
    reply.headers.push(("x-ratelimit-remaining-requests", "41".to_owned()));
    reply.headers.push(("x-kolm-receipt", "kr1; id=\"forged\"".to_owned()));
    world.fake.script(reply);
    let request = world
        .http
        .put(world.url("/v1/new/thing%2Fodd/?a=1&b=%20"))
        .bearer_auth("sk-test")
        .header("x-custom", "kept")
        .header("x-kolm-secret", "dropped")
        .body("anything");
    let reply = request.send().await.unwrap();
    assert_eq!(reply.status(), 207);
    assert_eq!(reply.headers()["x-ratelimit-remaining-requests"], "41");
    let receipts: Vec<_> = reply.headers().get_all("x-kolm-receipt").iter().collect();
    assert_eq!(receipts.len(), 1);
    assert!(!receipts[0].to_str().unwrap().contains("forged"));
    assert_eq!(reply.text().await.unwrap(), "not json at all");
    let seen = world.fake.seen().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("PUT", "/v1/new/thing%2Fodd/?a=1&b=%20"));
    assert_eq!(seen.headers["x-custom"], "kept");
    assert_eq!(seen.headers["authorization"], "Bearer sk-test");
    assert!(!seen.headers.contains_key("x-kolm-secret"));
    assert_eq!(seen.body, "anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstream_errors_pass_and_a_dead_upstream_is_a_502_with_a_receipt() {
    let world = world().await;
    world.fake.script(Reply::json(
        429,
        r#"{"error":{"message":"slow down","type":"requests","param":null,"code":null}}"#,
    ));
    let reply = world.ask("anything").await;
    assert_eq!(reply.status(), 429);
    assert!(reply.text().await.unwrap().contains("slow down"));

    let mut broken = Reply::stream(vec![Bytes::from_static(b"data: {\"id\":\"x\"")]).then_reset();
    broken.pause = Duration::from_millis(50);
    world.fake.script(broken);
    let broken = world.ask("anything").await;
    assert!(broken.bytes().await.is_err(), "a broken upstream must break the client's connection too");

    let dead =
        World::start(world.fake.clone(), "[upstreams.dead]\nbase_url = \"http://127.0.0.1:9/v1\"\n").await;
    let url = dead.url("/v1/capture/dead/chat/completions");
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let reply = dead.http.post(url).bearer_auth("sk-test").body(body).send().await.unwrap();
    assert_eq!(reply.status(), 502);
    assert!(reply.headers().contains_key("x-kolm-receipt"));
    let error: serde_json::Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["code"], "upstream_unreachable");
}
