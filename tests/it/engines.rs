//! A pool of servers that are not ours as a route's student: from the shadow to 100 %, and the death of its servers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kolm_core::{Stage, Status, Weight};
use serde_json::{Value, json};

use crate::fake::FakeOpenAi;
use crate::world::{World, until};

/// A route whose student these servers are.
fn route(urls: &[String], more: &str) -> String {
    format!(
        r#"
[[routes]]
name = "support"
model = "gpt-4o-mini"
[routes.engine]
urls = {urls:?}
served_model = "tiny"
size = "1 MiB"
{more}
[routes.engine.health]
interval = "100ms"
timeout = "30s"             # on a busy machine a server is slow, and still there
[routes.engine.timeouts]
first_byte = "30s"
[routes.gate]
gate = 0.7                 # without axis L, which a busy machine takes to 0, K is 0.85 at most
latency_budget = "20s"
min_wall = "0s"
unit_idle = "100ms"
[upstreams.openai.prices."gpt-4o-mini"]
input = 100                # dear enough that seconds of a busy machine cost nothing beside it
output = 100
[routes.shadow]
rate = 1.0
[routes.canary]
enabled = true
dwell = "0s"
cooldown = "1h"
"#
    )
}

pub(crate) async fn status(world: &World) -> Status {
    serde_json::from_value(world.status().await).unwrap()
}

fn question(text: &str) -> Value {
    json!({
        "model": "gpt-4o-mini",
        "temperature": 0,
        "max_tokens": 6,
        "messages": [{ "role": "user", "content": text }],
    })
}

/// Asks in a conversation of its own; whether an engine answered.
pub(crate) async fn ask(world: &World, text: &str, n: usize) -> bool {
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-caller");
    let reply =
        post.header("x-kolm-conversation", format!("c-{n}")).json(&question(text)).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let local = reply.headers()["x-kolm-receipt"].to_str().unwrap().contains("rt=local");
    let reply: Value = reply.json().await.unwrap();
    assert!(reply["choices"][0]["message"]["content"].is_string(), "{reply}");
    local
}

/// Sends traffic until the pool answers everything.
async fn to_the_top(world: &World, texts: &[String], sent: &AtomicUsize) {
    until("the pool in the shadow", || async {
        let route = status(world).await.routes.swap_remove(0);
        (route.stage == Stage::Shadow && route.student_up).then_some(())
    })
    .await;
    until("the route at 100 %", || async {
        for _ in 0..60 {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            ask(world, &texts[n * 7 % texts.len()], n).await;
        }
        let route = status(world).await.routes.swap_remove(0);
        assert_ne!(route.stage, Stage::Rejected, "{} {:?}", route.sentence, route.axes);
        // The weight is the one served: a rise waits for its leaf.
        (route.weight == Weight::FULL).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_takes_a_route_over_and_a_change_of_it_takes_it_back() {
    let answer = |text: &str| format!("label {}", text.len() % 5);
    let teacher = FakeOpenAi::start(Duration::from_millis(20), answer).await;
    let (one, two) =
        (FakeOpenAi::start(Duration::ZERO, answer).await, FakeOpenAi::start(Duration::ZERO, answer).await);
    let urls: Vec<String> = [&one, &two].iter().map(|fake| format!("http://{}/v1", fake.address)).collect();
    let world = World::start(teacher, &route(&urls, "")).await;
    let texts: Vec<String> = (0..40).map(|n| format!("what about {}", "x".repeat(n))).collect();
    let sent = AtomicUsize::new(0);
    to_the_top(&world, &texts, &sent).await;
    let before = status(&world).await.routes.swap_remove(0);
    assert_eq!(before.engines.iter().filter(|engine| engine.ready).count(), 2);
    assert!(ask(&world, &texts[0], 1_000_000).await, "at 100 % the pool answers");
    for fake in [&one, &two] {
        let seen = fake.seen();
        let questions: Vec<_> = seen.iter().filter(|seen| seen.method == "POST").collect();
        assert!(!questions.is_empty());
        for seen in questions {
            assert!(
                !seen.headers.contains_key("authorization"),
                "a caller's key reached a server of the pool"
            );
            assert_eq!(serde_json::from_slice::<Value>(&seen.body).unwrap()["model"], "tiny");
        }
    }
    // Another model behind the same route is another artifact: it begins at 0.
    let file = world.dir.path().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("\"tiny\"", "\"other\"");
    std::fs::write(&file, text).unwrap();
    let after = until("the rollback", || async {
        let route = status(&world).await.routes.swap_remove(0);
        (route.weight.0 == 0).then_some(route)
    })
    .await;
    assert_eq!(after.stage, Stage::Cooldown, "{}", after.sentence);
    assert!(!ask(&world, &texts[0], 2_000_000).await, "the teacher answers");
}

/// A llama.cpp server.
struct Llama {
    child: Child,
    url: String,
}

impl Drop for Llama {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const KEY: &str = "engine-key";

impl Llama {
    /// Serves `model` with a key, and waits until it answers.
    async fn start(python: &Path, model: &Path) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(python)
            .args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", &free.port().to_string()])
            .args(["--model_alias", "tiny", "--chat_format", "chatml", "--n_ctx", "1024", "--n_threads", "1"])
            // By default a stream is cut where another request comes.
            .args(["--interrupt_requests", "False", "--api_key", KEY, "--model"])
            .arg(model)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, url: format!("http://{free}/v1") };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        until("llama.cpp's server", || async {
            let models = http.get(format!("{}/models", server.url)).bearer_auth(KEY).send().await;
            models.is_ok_and(|reply| reply.status().is_success()).then_some(())
        })
        .await;
        server
    }

    /// What it answers by itself.
    async fn says(&self, text: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let post = http.post(format!("{}/chat/completions", self.url)).bearer_auth(KEY);
        let reply: Value = post.json(&question(text)).send().await.unwrap().json().await.unwrap();
        reply["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }
}

/// The interpreter of `scripts/setup engines`, if that was run.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".deps/engines/bin/python");
    python.exists().then_some(python)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn llama_cpp_servers_take_a_route_over_and_their_death_is_nobodys_problem() {
    let Some(python) = python() else {
        eprintln!("skipped: .deps/engines is not there; scripts/setup engines builds it (minutes)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("tiny.gguf");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/engines/tiny_gguf.py");
    let written = Command::new(&python).arg(script).arg(&model).arg("7").output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let (mut one, mut two) = (Llama::start(&python, &model).await, Llama::start(&python, &model).await);
    // A teacher that says what this model says, only later: then the gate has every reason to let it rise.
    let texts: Vec<String> = (0..12).map(|n| format!("ticket number {n}")).collect();
    let mut known = HashMap::new();
    for text in &texts {
        known.insert(text.clone(), one.says(text).await);
    }
    let teacher = FakeOpenAi::start(Duration::from_millis(120), move |text| {
        known.get(text).cloned().unwrap_or_default()
    })
    .await;
    std::fs::write(dir.path().join("engine.key"), KEY).unwrap();
    let key = format!("api_key = {{ file = {:?} }}", dir.path().join("engine.key"));
    let urls = [one.url.clone(), two.url.clone()];
    let world = World::start(teacher, &route(&urls, &key)).await;
    let sent = AtomicUsize::new(0);
    to_the_top(&world, &texts, &sent).await;

    let mut stream = question(&texts[0]);
    stream["stream"] = Value::Bool(true);
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-caller");
    let reply = post.header("x-kolm-conversation", "streamed").json(&stream).send().await.unwrap();
    let receipt = reply.headers()["x-kolm-receipt"].to_str().unwrap();
    assert!(receipt.contains("rt=local"), "{receipt} {:?}", status(&world).await.routes);
    let text = reply.text().await.unwrap();
    assert!(text.contains("\"model\": \"tiny\"") && text.trim_end().ends_with("data: [DONE]"), "{text}");

    one.child.kill().unwrap();
    one.child.wait().unwrap();
    for n in 0..40 {
        assert!(ask(&world, &texts[n % texts.len()], 1_000_000 + n).await, "the other server answers");
    }
    two.child.kill().unwrap();
    two.child.wait().unwrap();
    for n in 0..10 {
        assert!(!ask(&world, &texts[n % texts.len()], 2_000_000 + n).await, "the teacher answers");
    }
    let engines = status(&world).await.routes.swap_remove(0).engines;
    assert!(engines.len() == 2 && engines.iter().all(|engine| !engine.ready), "{engines:?}");
}
