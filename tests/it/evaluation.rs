//! `kolm eval`: a student on its cases, beside a cloud model, and the gate's word on it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::fake::{FakeOpenAi, Reply};
use crate::students::{distill, pairs, task};
use crate::world::{KOLM, World, stderr, until};

/// What the application under test sends with every text.
const PROMPT: &str = "Sort the message into one of our queues.";

/// A cloud that gives the label of the task, but every `wrong`th time another.
async fn cloud(wrong: usize) -> FakeOpenAi {
    let labels: HashMap<String, (usize, String)> =
        task(600).into_iter().enumerate().map(|(at, (text, label))| (text, (at, label))).collect();
    FakeOpenAi::start(Duration::from_millis(15), move |text| match labels.get(text) {
        Some((at, label)) if at % wrong != 0 => label.clone(),
        _ => "none".to_owned(),
    })
    .await
}

async fn eval(dir: &Path, args: &[&str]) -> (Output, Value) {
    eval_with(dir, args, Some("sk-test")).await
}

async fn eval_with(dir: &Path, args: &[&str], key: Option<&str>) -> (Output, Value) {
    let mut run = Command::new(KOLM);
    run.args(["eval", "student.kolm", "--json", "--data-dir", "data"]).args(args).current_dir(dir);
    match key {
        Some(key) => run.env("OPENAI_API_KEY", key),
        None => run.env_remove("OPENAI_API_KEY"),
    };
    let output = run.output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_is_put_to_the_gate_alone_and_beside_a_cloud_model() {
    let dir = tempfile::tempdir().unwrap();
    distill(dir.path());
    std::fs::write(dir.path().join("fresh.jsonl"), pairs(600)).unwrap();
    let (output, report) = eval(dir.path(), &["--pairs", "fresh.jsonl"]).await;
    assert_eq!((output.status.code(), &report["gate"]["outcome"]), (Some(0), &"passes".into()), "{report}");
    assert_eq!(report["gate"]["axes"].as_array().unwrap().len(), 2, "alone there are A and V");

    let url = format!("http://{}/v1", cloud(4).await.address);
    let beside = ["--pairs", "fresh.jsonl", "--baseline", "openai:gpt-4o-mini", "--base-url", &url];
    let (output, report) = eval(dir.path(), &[&beside[..], &["--html", "report.html"]].concat()).await;
    let gate = &report["gate"];
    assert_eq!((output.status.code(), &gate["outcome"]), (Some(0), &"passes".into()), "{report}");
    let rival = &gate["baseline"];
    assert_eq!(rival["accuracy"], 0.75, "{rival}");
    assert!(rival["p"].as_f64().unwrap() < 1e-9 && rival["interval"][0].as_f64().unwrap() > 0.15, "{rival}");
    let axes: Vec<&str> =
        gate["axes"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
    assert_eq!(axes, ["A", "S", "L", "C", "V", "K", "latency"]);
    let page = std::fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(page.contains("gpt-4o-mini") && page.contains("McNemar") && !page.contains("<script"));

    // Other labels than it learned: it fails, and says by which axis.
    let shuffled = pairs(600).replace("\"refund\"", "\"?\"").replace("\"greeting\"", "\"refund\"");
    std::fs::write(dir.path().join("other.jsonl"), shuffled).unwrap();
    let (output, report) = eval(dir.path(), &["--pairs", "other.jsonl"]).await;
    assert_eq!(
        (output.status.code(), &report["gate"]["missing"][0]),
        (Some(1), &"axis:A".into()),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_that_cannot_be_asked_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    distill(dir.path());
    let (output, report) =
        eval(dir.path(), &["--baseline", "openai:gpt-4o-mini", "--base-url", "http://127.0.0.1:1/v1"]).await;
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"K0010".into()), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_baseline_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let dir = tempfile::tempdir().unwrap();
    distill(dir.path());
    let busy = cloud(usize::MAX).await;
    let refusal = |status: u16, class: &str| {
        let reply = Reply::json(status, json!({ "error": { "type": class, "code": class } }).to_string());
        Reply {
            headers: [reply.headers.clone(), vec![("retry-after-ms", "10".to_owned())]].concat(),
            ..reply
        }
    };
    for status in [429, 500, 503] {
        busy.script(refusal(status, "busy"));
    }
    let url = format!("http://{}/v1", busy.address);
    let args = ["--baseline", "openai:gpt-4o", "--base-url", &url];
    let (output, report) = eval(dir.path(), &args).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(report["gate"]["baseline"]["accuracy"].as_f64() > Some(0.9), "{report} {said}");
    let cases = report["student"]["n"].as_u64().unwrap() as usize;
    assert_eq!((busy.seen().len(), said.matches("is asked again in").count()), (cases + 3, 3), "{said}");

    let broke = cloud(usize::MAX).await;
    (0..100).for_each(|_| broke.script(refusal(429, "insufficient_quota")));
    let url = format!("http://{}/v1", broke.address);
    let (output, report) = eval(dir.path(), &["--baseline", "openai:gpt-4o", "--base-url", &url]).await;
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"K0010".into()), "{report}");
    assert!(report["error"]["message"].as_str().unwrap().contains("429, insufficient_quota"), "{report}");
    assert!(broke.seen().len() < cases, "it was asked no further");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_measured_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    distill(dir.path());
    std::fs::write(dir.path().join("fresh.jsonl"), pairs(600)).unwrap();
    let cloud = cloud(usize::MAX).await;
    let url = format!("http://{}/v1", cloud.address);
    let beside = |model: &'static str| ["--pairs", "fresh.jsonl", "--base-url", &url, "--baseline", model];
    let (output, report) = eval(dir.path(), &beside("openai:a-model-of-our-own")).await;
    assert_eq!(
        (output.status.code(), &report["gate"]["outcome"]),
        (Some(2), &"undecided".into()),
        "{report}"
    );
    cloud.script(Reply::json(200, "hello"));
    let (output, report) = eval(dir.path(), &beside("openai:gpt-4o")).await;
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"K0010".into()), "{report}");
    assert!(report["error"]["message"].as_str().unwrap().contains("no chat completion"), "{report}");
    let (output, report) = eval(dir.path(), &beside("openai:")).await;
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"K0005".into()), "{report}");
}

/// A gateway that has captured `n` texts of the task under the prompt, and the student that learned them.
async fn learned(n: usize) -> World {
    let world = World::start(cloud(usize::MAX).await, "").await;
    for (text, _) in task(n) {
        let messages = json!([{ "role": "system", "content": PROMPT }, { "role": "user", "content": text }]);
        let body = json!({ "model": "gpt-4o-mini", "messages": messages });
        let sent = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test").json(&body);
        assert_eq!(sent.send().await.unwrap().status(), 200);
    }
    world.settled().await;
    let out = world.dir.path().join("student.kolm");
    let distilled = world.kolm(&[
        "distill",
        "--namespace",
        "default",
        "--branches",
        "ngram",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(distilled.status.success(), "{}", stderr(&distilled));
    world
}

/// What a cloud was asked: system prompt, or nothing, and text.
fn asked(cloud: &FakeOpenAi) -> Vec<(String, String)> {
    let read = |body: &[u8]| -> Value { serde_json::from_slice(body).unwrap() };
    let each = cloud.seen().into_iter().map(|seen| {
        let request = read(&seen.body);
        let said = |role: &str| {
            let messages = request["messages"].as_array().unwrap();
            let found = messages.iter().find(|message| message["role"] == role);
            found.map_or("", |message| message["content"].as_str().unwrap()).to_owned()
        };
        assert_eq!(request["model"], "gpt-4o");
        (said("system"), said("user"))
    });
    each.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_model_is_asked_what_traffic_asks_and_the_teacher_is_not_asked_again() {
    let mut world = learned(600).await;
    let dir = &world.dir.path().to_owned();
    // The teacher: its captured answers, times and prices are there; neither a key nor a cloud is needed.
    let teacher = ["--baseline", "openai:gpt-4o-mini", "--base-url", "http://127.0.0.1:1/v1"];
    let (output, report) = eval_with(dir, &teacher, None).await;
    let (n, rival) = (report["student"]["n"].as_u64().unwrap(), &report["gate"]["baseline"]);
    assert_eq!((&rival["is_teacher"], rival["reused"].as_u64()), (&true.into(), Some(n)), "{report}");
    assert_eq!((&rival["k"], &rival["accuracy"]), (&850_000.into(), &1.0.into()), "{rival}");
    let names: Vec<&str> =
        rival["axes"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
    assert_eq!(names, ["A", "S", "L", "C", "V", "K"]);
    assert!(rival["axes"].as_array().unwrap().iter().all(|axis| axis["difference_ppm"].is_i64()), "{rival}");
    let decided = n >= report["gate"]["needed"].as_u64().unwrap();
    assert_eq!(output.status.code() == Some(2), !decided, "{report}");
    // Asked again it must be there.
    let (output, report) = eval(dir, &[&teacher[..], &["--ask-again"]].concat()).await;
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"K0010".into()), "{report}");

    // Another model: every case under the prompt that it came with.
    let other = cloud(4).await;
    let url = format!("http://{}/v1", other.address);
    let beside = ["--baseline", "openai:gpt-4o", "--base-url", &url];
    let (_, report) = eval(dir, &beside).await;
    let rival = &report["gate"]["baseline"];
    assert_eq!((rival["reused"].as_u64(), rival["prompted"].as_u64()), (Some(0), Some(n)), "{report}");
    let seen = asked(&other);
    assert_eq!(seen.len() as u64, n);
    assert!(seen.iter().all(|(system, _)| system == PROMPT), "{:?}", seen.first());

    // Of a file, a line with a prompt of its own keeps it.
    let own = json!({ "messages": [{ "role": "system", "content": "Another." },
        { "role": "user", "content": "refund it" }, { "role": "assistant", "content": "refund" }] });
    std::fs::write(dir.join("few.jsonl"), format!("{own}\n{}", pairs(1))).unwrap();
    let third = cloud(4).await;
    let url = format!("http://{}/v1", third.address);
    let (output, _) =
        eval(dir, &["--pairs", "few.jsonl", "--baseline", "openai:gpt-4o", "--base-url", &url]).await;
    assert_eq!(output.status.code(), Some(2), "two cases decide nothing");
    let mut seen: Vec<String> = asked(&third).into_iter().map(|(system, _)| system).collect();
    seen.sort();
    assert_eq!(seen, ["Another.", PROMPT]);

    // Where the gateway may not leave this host, neither may its evaluation.
    let file = dir.join("gateway.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("airgap = true\n{before}")).unwrap();
    until("the airgap", || async { (world.status().await["config_version"] == 2).then_some(()) }).await;
    let outside = ["--baseline", "openai:gpt-4o", "--base-url", "http://192.0.2.1/v1"];
    let (output, report) = eval(dir, &outside).await;
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"K0010".into()), "{report}");
    assert!(report["error"]["message"].as_str().unwrap().contains("airgap"), "{report}");
    // A gateway that died has not let it go.
    world.kill();
    let (_, report) = eval(dir, &outside).await;
    assert!(report["error"]["message"].as_str().unwrap().contains("airgap"), "{report}");
}
