//! An upstream that gives no answer is nobody's problem while another stands in for it.

use std::time::Duration;

use serde_json::Value;

use crate::fake::{FakeOpenAi, Reply};
use crate::world::{World, stderr, until};

const BODY: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;

/// `dead` refuses connections and `openai` stands in for it; `more` belongs to `dead`.
async fn world(more: &str) -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await;
    let extra =
        format!("[upstreams.dead]\nbase_url = \"http://127.0.0.1:9/v1\"\nfailover = [\"openai\"]\n{more}");
    World::start(fake, &extra).await
}

async fn post(world: &World, path: &str) -> reqwest::Response {
    let request = world.http.post(world.url(path)).bearer_auth("sk-caller").body(BODY);
    request.header("cookie", "session=1").send().await.unwrap()
}

async fn metrics(world: &World) -> String {
    world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap()
}

fn upstream(status: &Value, name: &str) -> Value {
    let all = status["upstreams"].as_array().unwrap();
    all.iter().find(|upstream| upstream["name"] == name).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_doors_go_on_and_no_key_leaks() {
    let world = world("").await;
    for path in ["/v1/capture/dead/chat/completions?key=AIza", "/v1/capture/dead/files?key=AIza"] {
        let reply = post(&world, path).await;
        assert_eq!(reply.status(), 200, "{path}");
        let receipt = reply.headers()["x-kolm-receipt"].to_str().unwrap().to_owned();
        assert!(receipt.contains("rt=cloud"), "{receipt}");
        let seen = world.fake.seen().pop().unwrap();
        assert_eq!(seen.body, BODY, "{path}");
        assert!(
            !seen.headers.contains_key("authorization") && !seen.headers.contains_key("cookie"),
            "{path}"
        );
        assert!(!seen.path.contains("AIza"), "{}", seen.path);
    }
    let page = metrics(&world).await;
    assert!(
        page.contains("kolm_upstream_failover_total{from=\"dead\",to=\"openai\",why=\"connect\"} 2"),
        "{page}"
    );
    until("the pair is stored", || async { (world.status().await["capture"]["stored"] == 1).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_upstream_is_given_up_and_the_next_one_knows_the_caller() {
    let second = FakeOpenAi::start(Duration::ZERO, |_| "second".to_owned()).await;
    let extra = format!(
        "failover = [\"mirror\"]\ntimeouts = {{ first_byte = \"100ms\" }}\n[upstreams.mirror]\n\
         base_url = \"http://{}/v1\"\naccepts_keys_of = [\"openai\"]\nmodels = {{ \"gpt-4o-mini\" = \"theirs\" }}\n",
        second.address
    );
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "first".to_owned()).await;
    let world = World::start(fake, &extra).await;
    let silent = Reply { delay: Duration::from_secs(60), ..Reply::json(200, "{}") };
    world.fake.script(silent);
    let reply: Value = world.ask("hello").await.json().await.unwrap();
    assert_eq!(reply["choices"][0]["message"]["content"], "second");
    let seen = second.seen().pop().unwrap();
    assert_eq!(seen.headers["authorization"], "Bearer sk-test");
    assert!(String::from_utf8_lossy(&seen.body).contains("\"model\":\"theirs\""), "{:?}", seen.body);
    let reply: Value = world.ask("hello").await.json().await.unwrap();
    assert_eq!(reply["choices"][0]["message"]["content"], "first", "the next request begins at the first");
    // An answer is an answer: a 503 passes as it is.
    world.fake.script(Reply::json(503, "{\"error\":{}}"));
    assert_eq!(world.ask("hello").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unhealthy_upstream_is_seen_passed_by_and_shown() {
    let world = world("health = { interval = \"50ms\", timeout = \"1s\" }\n").await;
    until("the verdict", || async {
        (upstream(&world.status().await, "dead")["health"] == "unhealthy").then_some(())
    })
    .await;
    assert_eq!(upstream(&world.status().await, "openai")["health"], "unchecked");
    assert_eq!(post(&world, "/v1/capture/dead/chat/completions").await.status(), 200);
    let page = metrics(&world).await;
    assert!(
        page.contains("kolm_upstream_failover_total{from=\"dead\",to=\"openai\",why=\"unhealthy\"} 1"),
        "{page}"
    );
    let said = world.kolm(&["status"]);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.contains("upstream dead: unhealthy, breaker closed"), "{text}{}", stderr(&said));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_breaker_refuses_at_once_and_says_when_to_come_back() {
    let fake = FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await;
    let extra = "[upstreams.dead]\nbase_url = \"http://127.0.0.1:9/v1\"\n\
                 breaker = { enabled = true, failures = 2, open_for = \"1h\" }\n";
    let world = World::start(fake, extra).await;
    for _ in 0..2 {
        assert_eq!(post(&world, "/v1/capture/dead/chat/completions").await.status(), 502);
    }
    for path in ["/v1/capture/dead/chat/completions", "/v1/capture/dead/files"] {
        let reply = post(&world, path).await;
        assert_eq!(reply.status(), 503, "{path}");
        let wait: u64 = reply.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=3_600).contains(&wait), "{wait}");
        assert!(reply.headers().contains_key("x-kolm-receipt"));
        let error: Value = reply.json().await.unwrap();
        assert_eq!(error["error"]["code"], "overloaded");
    }
    assert_eq!(upstream(&world.status().await, "dead")["breaker"], "open");
    assert_eq!(world.ask("anything").await.status(), 200, "other upstreams are not its business");
}
