//! `kolm eval`: a student on its cases, beside a cloud model, and the gate's word on it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::fake::FakeOpenAi;
use crate::students::{distill, pairs, task};
use crate::world::KOLM;

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
    let mut run = Command::new(KOLM);
    run.args(["eval", "student.kolm", "--json", "--data-dir", "data"])
        .args(args)
        .env("OPENAI_API_KEY", "sk-test")
        .current_dir(dir);
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
