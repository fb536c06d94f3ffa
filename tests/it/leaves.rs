//! kill -9 between a row that raises a weight and its leaf: the weight waits for the leaf, which the next start writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize};

use kolm_core::{DecisionKind, DecisionRow};
use serde_json::Value;

use crate::engines::ask;
use crate::trial::{self, RIGHT};
use crate::world::{self, World, until};

/// A frame of the ledger: its file, where it begins, and its leaf.
struct Frame {
    file: PathBuf,
    at: usize,
    leaf: Option<Value>,
}

/// Every frame of a ledger, in the order of the log (`be32 len | be32 crc | u8 type | bytes`; a leaf's MAC comes first).
fn frames(ledger: &Path) -> Vec<Frame> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(ledger.join("wal")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort_by_key(|path| path.to_str().unwrap().rsplit('-').next().unwrap().to_owned());
    let mut found = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let mut at = 0;
        while at < bytes.len() {
            let len = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            let body = &bytes[at + 8..at + 8 + len];
            let leaf = (body[0] == 2).then(|| serde_json::from_slice(&body[33..]).unwrap());
            found.push(Frame { file: file.clone(), at, leaf });
            at += 8 + len;
        }
    }
    found
}

/// The leaves, by their index in the log.
fn leaves(ledger: &Path) -> Vec<Value> {
    frames(ledger).into_iter().filter_map(|frame| frame.leaf).collect()
}

fn names(leaf: &Value, row: &DecisionRow) -> bool {
    leaf["ctl"]["kind"] == "decision" && leaf["ctl"]["digest"] == row.digest
}

/// Where the leaves that name `row` stand.
fn places(leaves: &[Value], row: &DecisionRow) -> Vec<usize> {
    leaves.iter().enumerate().filter(|(_, leaf)| names(leaf, row)).map(|(at, _)| at).collect()
}

fn history(world: &World) -> Vec<DecisionRow> {
    let history = world.kolm(&["rollout", "history", "support", "--json"]);
    assert!(history.status.success());
    let text = String::from_utf8(history.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks until a student has answered.
async fn served(world: &World, sent: &AtomicUsize) {
    until("an answer of the student", || async {
        let n = sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ask(world, &format!("what about {}", "x".repeat(n % 40)), n).await.then_some(())
    })
    .await;
}

/// Every answer of a student names a Decision in force, and none older than the rise at `rise`.
fn no_answer_came_before(leaves: &[Value], rise: usize) {
    let local: Vec<&Value> = leaves
        .iter()
        .filter(|leaf| leaf["open"]["rt"] == "local" && leaf["open"]["kind"] == "answer")
        .collect();
    assert!(!local.is_empty(), "the student has answered somebody");
    for leaf in local {
        assert!(leaf["close"]["dec"].as_i64().unwrap() >= rise as i64, "in force before its leaf: {leaf}");
    }
}

/// Every verdict names the scores that it rests on, and they are stored still.
fn scores_are_those_of_the_rows(world: &World) {
    let rows = history(world);
    let promote = rows.iter().find(|row| row.kind == DecisionKind::Promote).unwrap();
    let sample = promote.sample.as_ref().unwrap();
    assert!(sample.sample_n >= promote.n.requests, "{sample:?} of {:?}", promote.n);
    assert!(rows.iter().all(|row| row.kind != DecisionKind::Candidate || row.sample.is_none()));
    let explained = world.kolm(&["gate", "explain", "support"]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.status.success() && text.contains("the stored scores give this root"), "{text}");
}

/// What the gate said stands in signed statements that anybody with the public key and the rows can check.
fn verdicts_are_signed(world: &World) {
    let out = |args: &[&str]| String::from_utf8(world.kolm(args).stdout).unwrap();
    let (statements, rows) = (
        out(&["rollout", "history", "support", "--statements"]),
        out(&["rollout", "history", "support", "--json"]),
    );
    let keys: Value = serde_json::from_str(&out(&["keys", "export", "--public", "--json"])).unwrap();
    let key = keys.as_array().unwrap().iter().find(|key| key["role"] == "decision").unwrap();
    let key = key["vkey"].as_str().unwrap().to_owned();
    let verify = |statements: &str, rows: &str, key: &str| {
        let [first, second] = ["verdicts.jsonl", "rows.jsonl"].map(|name| world.dir.path().join(name));
        std::fs::write(&first, statements).unwrap();
        std::fs::write(&second, rows).unwrap();
        let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
        let mut args = vec!["verify", "decision", first, "--rows", second];
        args.extend(["--key", key].iter().filter(|_| !key.is_empty()));
        let output = world::kolm(&args);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let verified = verify(&statements, &rows, &key);
    assert_eq!(verified.0, Some(0), "{}", verified.1);
    assert!(verified.1.contains("kolm:decision/support/") && verified.1.contains("PASSED"), "{}", verified.1);
    assert_eq!(verify(&statements, &rows, "").0, Some(2), "nobody is trusted");
    assert_eq!(verify("", &rows, &key).0, Some(2), "nothing is stated");
    let mood = rows.replacen("\"actor\":\"reconciler\"", "\"actor\":\"nobody\"", 1);
    let other = statements.replacen("\"payload\":\"e", "\"payload\":\"f", 1);
    let gap: Vec<&str> = rows.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, row)| row).collect();
    for (statements, rows, word) in [
        (&statements, &mood, "row_digest"),
        (&statements, &gap.join("\n"), "row_prev"),
        (&other, &rows, "FAIL"),
        (&statements, &rows.lines().next().unwrap().to_owned(), "no row has the digest"),
    ] {
        let (code, said) = verify(statements, rows, &key);
        assert!(code == Some(1) && said.contains(word), "{word}: {code:?} {said}");
    }
    let broken = verify("no envelope", &rows, &key);
    assert_eq!(broken.0, Some(2), "{}", broken.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_rise_that_a_crash_parted_from_its_leaf_waits_for_it() {
    let mood = Arc::new(AtomicU32::new(RIGHT));
    let mut world = trial::world(&mood, usize::MAX, "").await;
    let sent = AtomicUsize::new(0);
    trial::send(&world, &sent, "half of the traffic", |route| route.weight.0 == 5_000).await;
    served(&world, &sent).await;
    let rise = history(&world).into_iter().find(|row| row.to.0 == 5_000).unwrap();
    world.kill();

    let ledger = world.data().join("ledger");
    let before = leaves(&ledger);
    assert_eq!(places(&before, &rise).len(), 1, "the rise has its leaf");
    no_answer_came_before(&before, places(&before, &rise)[0]);

    // The crash that came between: the row is in the store, nothing from its leaf on is in the ledger.
    let cut =
        frames(&ledger).into_iter().find(|frame| frame.leaf.as_ref().is_some_and(|leaf| names(leaf, &rise)));
    let cut = cut.unwrap();
    let file = std::fs::File::options().write(true).open(&cut.file).unwrap();
    file.set_len(cut.at as u64).unwrap();
    assert_eq!(places(&leaves(&ledger), &rise), Vec::<usize>::new());

    world.restart().await;
    served(&world, &sent).await;
    world.stop().await;
    let after = leaves(&ledger);
    let found = places(&after, &rise);
    assert_eq!(found.len(), 1, "written at the start, and once");
    no_answer_came_before(&after, found[0]);
    scores_are_those_of_the_rows(&world);
    verdicts_are_signed(&world);
    let verified = world.kolm(&["verify", "ledger"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
