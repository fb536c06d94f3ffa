//! Budgets through the real binary: 429 in OpenAI's words, a receipt, and nothing goes up.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::fake::{FakeOpenAi, Reply};
use crate::keys::{answers, ask, issue, receipt};
use crate::world::{World, until};

async fn world(namespace: &str) -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    World::start(fake, &format!("[namespaces.default]\n{namespace}\n[namespaces.other]\n")).await
}

/// The refusal of a request: its kind and what it says about waiting.
async fn refusal(reply: reqwest::Response) -> (String, u64, reqwest::header::HeaderMap) {
    assert_eq!(reply.status(), 429);
    let headers = reply.headers().clone();
    let wait = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait >= 1);
    let error: Value = reply.json().await.unwrap();
    assert_eq!(error["error"]["param"], Value::Null);
    (error["error"]["code"].as_str().unwrap().to_owned(), wait, headers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_per_minute_bind_both_doors_and_a_refusal_has_its_receipt() {
    let world = world("limits = { requests_per_minute = 2 }").await;
    let first = ask(&world, "sk-a", &[]).await;
    assert_eq!(first.status(), 200);
    assert!(first.headers().keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
    assert_eq!(
        world.http.get(world.url("/v1/models")).bearer_auth("sk-b").send().await.unwrap().status(),
        200
    );
    let over = ask(&world, "sk-a", &[]).await;
    until("a receipt of the refusal", || async {
        receipt(&world, "sk-a", &over).await.filter(|kept| kept["state"] == "closed").map(drop)
    })
    .await;
    let (code, _, headers) = refusal(over).await;
    assert_eq!(
        (code.as_str(), &headers["x-ratelimit-limit-requests"]),
        ("rate_limit_exceeded", &"2".parse().unwrap())
    );
    assert_eq!(headers["x-ratelimit-remaining-requests"], "0");
    assert!(headers.contains_key("x-ratelimit-reset-requests"));
    for path in ["/v1/models", "/v1/files", "/v1/new/thing"] {
        let reply = world.http.get(world.url(path)).bearer_auth("sk-c").send().await.unwrap();
        assert_eq!(refusal(reply).await.0, "rate_limit_exceeded", "{path}");
    }
    assert_eq!(world.fake.seen().len(), 2, "a refusal opens no upstream connection");
    let other = ask(&world, "sk-a", &[("x-kolm-namespace", "other")]).await;
    assert_eq!(other.status(), 200, "another namespace has its own limits");
    let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("kolm_limit_refuse_total{kind=\"requests_per_minute\"} 4"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_free_again_when_its_request_has_ended_however_it_ended() {
    let world = world("limits = { concurrent = 1 }").await;
    let slow = |reply: Reply| Reply { delay: Duration::from_secs(4), ..reply };
    let endings = [
        Reply::json(200, "{}"),
        Reply::json(500, "{}"),
        Reply::stream(vec![Bytes::from_static(b"data: {}\n\n")]).then_reset(),
    ];
    for (i, ending) in endings.into_iter().enumerate() {
        world.fake.script(slow(ending));
        let before = world.fake.seen().len();
        // The place of the request before may be free a moment after its answer.
        let held = until("an answer", || async {
            Some(ask(&world, "sk-a", &[]).await).filter(|reply| reply.status() != 429)
        });
        let other = async {
            until("the first request is under way", || async {
                (world.fake.seen().len() > before).then_some(())
            })
            .await;
            refusal(ask(&world, "sk-b", &[]).await).await.0
        };
        let (held, other) = tokio::join!(held, other);
        assert_eq!(other, "rate_limit_exceeded", "{i}");
        drop(held.bytes().await);
        until("a free place", || async { (ask(&world, "sk-b", &[]).await.status() == 200).then_some(()) })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_has_its_own_limits_and_the_default_of_its_namespace() {
    let world = world("key_limits = { requests_per_minute = 1 }").await;
    let (_, by_default) = issue(&world, &["--namespace", "default"]);
    let (_, generous) = issue(&world, &["--namespace", "default", "--requests-per-minute", "1000"]);
    answers(&world, &generous, 200).await;
    assert_eq!(ask(&world, &by_default, &[]).await.status(), 200);
    assert_eq!(refusal(ask(&world, &by_default, &[]).await).await.0, "rate_limit_exceeded");
    assert_eq!(ask(&world, &generous, &[]).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_counted_as_the_reply_says() {
    let world = world("limits = { tokens_per_minute = 120 }").await;
    let mut passed = 0;
    let over = loop {
        let reply = ask(&world, "sk-a", &[("x-kolm-no-store", "1")]).await;
        if reply.status() != 200 {
            break reply;
        }
        passed += 1;
        assert!(passed < 100, "a request of 15 tokens passes without end");
    };
    // Each holds about 31 tokens while it is under way and uses 15, of which a few flow back meanwhile.
    assert!(passed >= 4, "what was held is given back: {passed}");
    let (code, _, headers) = refusal(over).await;
    assert_eq!(
        (code.as_str(), &headers["x-ratelimit-limit-tokens"]),
        ("rate_limit_exceeded", &"120".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_spent_once_over_streams_no_store_and_restarts() {
    let mut world = world("limits = { usd_per_day = 0.00003 }").await;
    // 12 tokens in and 3 out of gpt-4o-mini cost 4 µUSD; about 7 are held.
    let body = r#"{"model":"gpt-4o-mini","max_tokens":5,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#;
    let mut passed = 0;
    let over = loop {
        let post = world
            .http
            .post(world.url("/v1/chat/completions"))
            .bearer_auth("sk-a")
            .header("x-kolm-no-store", "1");
        let reply = post.body(body).send().await.unwrap();
        let only_held = reply.status() == 429 && !reply.headers().contains_key("x-should-retry");
        if reply.status() != 200 && !only_held {
            break reply;
        }
        drop(reply.bytes().await);
        if only_held {
            continue;
        }
        passed += 1;
        assert!(passed < 50, "the budget does not bind");
    };
    assert!((4..=7).contains(&passed), "30 µUSD are {passed} requests of 4");
    let (code, wait, headers) = refusal(over).await;
    assert_eq!(
        (code.as_str(), &headers["x-should-retry"]),
        ("insufficient_quota", &"false".parse().unwrap())
    );
    assert!(wait <= 86_400 && headers.keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
    until("the money is written down", || async {
        world.data().join("run/spend.json").exists().then_some(())
    })
    .await;
    world.stop().await;
    world.restart().await;
    assert_eq!(
        refusal(ask(&world, "sk-a", &[]).await).await.0,
        "insufficient_quota",
        "a restart lends nothing"
    );
    world.kill();
    world.restart().await;
    assert_eq!(refusal(ask(&world, "sk-a", &[]).await).await.0, "insufficient_quota");
    let free = world.http.get(world.url("/v1/models")).bearer_auth("sk-a").send().await.unwrap();
    assert_eq!(free.status(), 200, "what costs nothing passes");
    world.kill();
    std::fs::write(world.data().join("run/spend.json"), "{").unwrap();
    let refused = world.kolm(&["up", "--config", world.dir.path().join("gateway.toml").to_str().unwrap()]);
    assert!(crate::world::stderr(&refused).contains("K0820"), "{}", crate::world::stderr(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_price_is_refused_where_money_binds_unless_allowed() {
    for (rule, allowed) in [("", false), ("on_unknown_price = \"allow\"\n", true)] {
        let world = world(&format!("{rule}limits = {{ usd_per_month = 5 }}")).await;
        let body = r#"{"model":"mystery","messages":[{"role":"user","content":"hi"}]}"#;
        let status = if allowed { 200 } else { 400 };
        for path in ["/v1/chat/completions", "/v1/images/generations"] {
            let reply = world.http.post(world.url(path)).bearer_auth("sk-a").body(body).send().await.unwrap();
            assert_eq!(reply.status(), status, "{path}");
            assert!(reply.headers().contains_key("x-kolm-receipt"));
            if !allowed {
                let error: Value = reply.json().await.unwrap();
                assert_eq!(error["error"]["code"], "unknown_price");
            }
        }
        assert_eq!(world.fake.seen().len(), if allowed { 2 } else { 0 });
        assert_eq!(
            world.http.get(world.url("/v1/models")).bearer_auth("sk-a").send().await.unwrap().status(),
            200
        );
        assert_eq!(ask(&world, "sk-a", &[]).await.status(), 200, "a model with a price passes");
        let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        let counted = if allowed {
            "kolm_limit_unpriced_total 2"
        } else {
            "kolm_limit_refuse_total{kind=\"unknown_price\"} 2"
        };
        assert!(page.contains(counted), "{page}");
    }
}

/// The status of a POST whose path is sent as it is written; an HTTP library would resolve it.
async fn posted_as_is(world: &World, path: &str, authorization: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let body = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let mut socket = tokio::net::TcpStream::connect(world.listen()).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply).split(' ').nth(1).unwrap().parse().unwrap()
}

/// Paths that start with what is free and lead to what is not.
const ROUNDABOUT: [&str; 5] = [
    "/v1/files/../chat/completions",
    "/v1/models/%2e%2e/chat/completions",
    "/v1/uploads/x/..%2f..%2fimages/generations",
    "/v1/moderations/..%5cimages",
    "/v1/../x",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dot_segments_lead_round_no_budget_and_the_operators_key_goes_nowhere_with_them() {
    let key = "authorization: Bearer sk-a\r\n";
    let limited = world("limits = { usd_per_month = 5 }").await;
    for path in ROUNDABOUT {
        let status = posted_as_is(&limited, path, key).await;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    assert_eq!(limited.fake.seen().len(), 0);
    // Nothing is at stake where the caller pays with its own key: a path is the upstream's affair.
    let open = world("").await;
    assert_eq!(posted_as_is(&open, ROUNDABOUT[0], key).await, 200);
    assert_eq!(open.fake.seen()[0].path, ROUNDABOUT[0]);
    let (dir, fake) = (tempfile::tempdir().unwrap(), FakeOpenAi::start(Duration::ZERO, str::to_owned).await);
    std::fs::write(dir.path().join("house"), "sk-operator").unwrap();
    let lent = World::start(fake, &format!("api_key = {{ file = {:?} }}", dir.path().join("house"))).await;
    for path in ROUNDABOUT {
        let status = posted_as_is(&lent, path, "").await;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    assert_eq!(lent.fake.seen().len(), 0);
}

/// A cheap upstream that is down, behind which the dear one stands.
const DEAR_STAND_IN: &str = "[upstreams.cheap]\nbase_url = \"http://127.0.0.1:9/v1\"\nfailover = [\"openai\"]\n\
    [upstreams.cheap.prices.\"gpt-4o-mini\"]\ninput = 1\noutput = 1\n\
    [upstreams.openai.prices.\"gpt-4o-mini\"]\ninput = 100\noutput = 100\n\
    [namespaces.default.limits]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_charged_is_the_price_of_the_upstream_that_answered() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let mut world = World::start(fake, &format!("{DEAR_STAND_IN}usd_per_day = 0.1\n")).await;
    let ask = || async {
        let post = world.http.post(world.url("/v1/capture/cheap/chat/completions")).bearer_auth("sk-a");
        let body = r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
        post.body(body).send().await.unwrap()
    };
    let reply = ask().await;
    assert_eq!((reply.status().as_u16(), reply.bytes().await.is_ok()), (200, true));
    world.stop().await;
    let spent = std::fs::read_to_string(world.data().join("run/spend.json")).unwrap();
    let spent: serde_json::Value = serde_json::from_str(&spent).unwrap();
    // 15 tokens at 100 µUSD each; the upstream that was asked first takes 1.
    assert_eq!(spent["accounts"]["namespace:default"]["day_musd"], 1_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_enough_for_whoever_stands_in() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let world = World::start(fake, &format!("{DEAR_STAND_IN}usd_per_day = 0.001\n")).await;
    let post = world.http.post(world.url("/v1/capture/cheap/chat/completions")).bearer_auth("sk-a");
    let body = r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let reply = post.body(body).send().await.unwrap();
    assert_eq!(refusal(reply).await.0, "insufficient_quota", "the dearest price would pass the budget");
    assert!(world.fake.seen().is_empty());
}
