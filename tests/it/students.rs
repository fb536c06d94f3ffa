//! Students from the front door: distill a file, inspect, verify, evaluate, serve.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::fake::FakeOpenAi;
use crate::world::{KOLM, World, stderr, until};

const TEMPLATES: [(&str, [&str; 4]); 4] = [
    ("greeting", ["hello there", "good morning", "hi everybody", "hey, nice to meet you"]),
    (
        "refund",
        ["i want my money back", "please refund this", "return it and pay me back", "refund my purchase"],
    ),
    (
        "delivery",
        ["where is my parcel", "has it been shipped", "when does the delivery come", "track my order"],
    ),
    (
        "password",
        ["i forgot my password", "reset my login", "cannot sign in to my account", "the login fails"],
    ),
];
const FILLERS: [&str; 12] = [
    "please",
    "thanks",
    "today",
    "again",
    "quickly",
    "for my sister",
    "from last week",
    "in the app",
    "on my phone",
    "since monday",
    "right now",
    "as promised",
];

/// Pairs that a tiny student learns well: four labels, a few hundred texts.
pub(crate) fn pairs(n: usize) -> String {
    let mut lines = String::new();
    for i in 0..n {
        let (label, texts) = TEMPLATES[i % 4];
        let (a, b) = (FILLERS[i / 16 % 12], FILLERS[i / 192 % 12]);
        let text = format!("{} {a} {b}", texts[i / 4 % 4]);
        lines.push_str(&format!("{{\"text\":\"{text}\",\"label\":\"{label}\"}}\n"));
    }
    lines
}

/// The same pairs as texts and labels.
pub(crate) fn task(n: usize) -> Vec<(String, String)> {
    let pair = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let word = |pair: &Value, key: &str| pair[key].as_str().unwrap().to_owned();
    pairs(n).lines().map(pair).map(|pair| (word(&pair, "text"), word(&pair, "label"))).collect()
}

fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(KOLM).args(args).arg("--data-dir").arg(dir.join("data")).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output))
}

/// Distills [`pairs`] into `student.kolm`.
pub(crate) fn distill(dir: &Path) -> PathBuf {
    let file = dir.join("pairs.jsonl");
    std::fs::write(&file, pairs(600)).unwrap();
    let out = dir.join("student.kolm");
    let args =
        ["distill", "--pairs", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--branches", "ngram"];
    let (code, stdout, stderr) = run(dir, &args);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("ok wrote "), "{stdout}");
    out
}

/// A running `kolm serve`.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Serves `artifact` on a free port.
    pub(crate) async fn start(artifact: &Path, dir: &Path) -> Self {
        let mut child = Command::new(KOLM)
            .args(["serve", "--json", "--port", "0", "--http"])
            .arg(artifact)
            .arg("--data-dir")
            .arg(dir.join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { child, address: said["listening"].as_str().unwrap().to_owned() }
    }

    /// An URL on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_distilled_file_is_inspected_verified_and_evaluated() {
    let dir = tempfile::tempdir().unwrap();
    let artifact = distill(dir.path());
    let path = artifact.to_str().unwrap();
    let (code, inspected, _) = run(dir.path(), &["inspect", path, "--json"]);
    assert_eq!(code, Some(0));
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(inspected["manifest"]["task"], "label");
    let (code, verified, stderr) = run(dir.path(), &["verify", path]);
    assert_eq!((code, verified.contains("verified")), (Some(0), true), "{stderr}");
    let (code, report, _) = run(dir.path(), &["eval", path, "--json"]);
    assert_eq!(code, Some(2), "the few held-out cases decide nothing");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["gate"]["outcome"], "undecided");
    assert!(report["student"]["accuracy_in_scope"].as_f64().unwrap() > 0.95, "{report}");

    let mut bytes = std::fs::read(&artifact).unwrap();
    let middle = bytes.len() - 1_000;
    bytes[middle] ^= 1;
    std::fs::write(&artifact, bytes).unwrap();
    let (code, _, stderr) = run(dir.path(), &["verify", path]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("error[K04") && stderr.contains("hint:"), "{stderr}");
}

#[test]
fn the_same_pairs_give_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = distill(one.path());
    copy_keys(one.path(), two.path());
    let second = distill(two.path());
    assert!(std::fs::read(first).unwrap() == std::fs::read(second).unwrap(), "the artifacts differ");
}

/// Runs a longer training that checkpoints; with `kill`, kill -9 at the first checkpoint.
fn train(dir: &Path, pairs: &Path, kill: bool) -> String {
    let mut child = Command::new(KOLM)
        .args(["distill", "--json", "--threads", "2", "--pairs"])
        .arg(pairs)
        .arg("--out")
        .arg(dir.join("student.kolm"))
        .arg("--data-dir")
        .arg(dir.join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = String::new();
    for line in std::io::BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if kill && line.contains("\"checkpoint\"") {
            child.kill().unwrap();
        }
        events.push_str(&line);
        events.push('\n');
    }
    let ended = child.wait().unwrap();
    assert_eq!(ended.success(), !kill, "{events}");
    events
}

#[test]
fn a_trainer_killed_with_nine_resumes_to_the_same_bytes() {
    let (cut, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = cut.path().join("pairs.jsonl");
    std::fs::write(&file, pairs(2_304)).unwrap();
    train(cut.path(), &file, true);
    assert!(!cut.path().join("student.kolm").exists(), "nothing half-written is left");
    let events = train(cut.path(), &file, false);
    assert!(events.contains("\"resumed\""), "{events}");

    std::fs::create_dir_all(whole.path().join("data")).unwrap();
    copy_keys(cut.path(), whole.path());
    train(whole.path(), &file, false);
    let bytes = |dir: &Path| std::fs::read(dir.join("student.kolm")).unwrap();
    assert!(bytes(cut.path()) == bytes(whole.path()), "the resumed run gave other bytes");
}

/// Gives two installations the same keys, so that their artifacts can be equal.
fn copy_keys(from: &Path, to: &Path) {
    let copied = to.join("data/keys");
    std::fs::create_dir_all(&copied).unwrap();
    for entry in std::fs::read_dir(from.join("data/keys")).unwrap().flatten() {
        std::fs::copy(entry.path(), copied.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captured_pairs_are_distilled_with_the_gateway_and_without() {
    let labels: std::collections::HashMap<String, String> = task(600).into_iter().collect();
    let texts: Vec<String> = labels.keys().cloned().collect();
    let fake = FakeOpenAi::start(Duration::ZERO, move |text| labels[text].clone()).await;
    let mut world = World::start(fake, "").await;
    for text in &texts {
        assert_eq!(world.ask(text).await.status(), 200);
    }
    let wanted = texts.len() as u64;
    until("every pair is stored", || async {
        (world.status().await["routes"][0]["pairs"].as_u64() == Some(wanted)).then_some(())
    })
    .await;
    for (name, running) in [("with.kolm", true), ("without.kolm", false)] {
        if !running {
            world.stop().await;
        }
        let out = world.dir.path().join(name);
        let args =
            ["distill", "--namespace", "default", "--branches", "ngram", "--out", out.to_str().unwrap()];
        let distilled = world.kolm(&args);
        assert!(distilled.status.success(), "{name}: {}", stderr(&distilled));
        assert!(world.kolm(&["verify", out.to_str().unwrap()]).status.success(), "{name}");
    }
}
