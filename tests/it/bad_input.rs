//! Bad input: a sentence with a code and a hint, an exit status to match, and nothing half-written.

use std::fs;

use crate::world::{kolm, stderr};

/// Runs `kolm` and checks code, exit status and that there is a hint.
fn refused(args: &[&str], code: &str, exit: i32, says: &str) {
    let output = kolm(args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(exit), "{args:?}: {text}");
    assert!(text.contains(&format!("error[{code}]")), "{args:?} should give {code}: {text}");
    assert!(text.contains(says), "{args:?} should say `{says}`: {text}");
    assert!(text.contains("hint:"), "{args:?} gives no hint: {text}");
}

#[test]
fn an_unreadable_path_is_named() {
    refused(&["eval", "/nowhere/x.kolm"], "K0401", 2, "/nowhere/x.kolm");
    refused(
        &["distill", "--pairs", "/nowhere/p.jsonl", "--out", "/tmp/x.kolm"],
        "K0001",
        2,
        "/nowhere/p.jsonl",
    );
}

#[test]
fn a_broken_pairs_file_names_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pairs.jsonl");
    fs::write(&file, "{\"text\":\"a\",\"label\":\"b\"}\n{\"text\":\n").unwrap();
    let out = dir.path().join("x.kolm");
    let data = dir.path().join("data");
    let args = [
        "distill",
        "--pairs",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ];
    refused(&args, "K0910", 2, "line 2");
    assert!(!out.exists());
}

#[test]
fn too_few_pairs_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pairs.jsonl");
    fs::write(&file, "{\"text\":\"hello\",\"label\":\"greeting\"}\n".repeat(20)).unwrap();
    let out = dir.path().join("x.kolm");
    let data = dir.path().join("data");
    let args = [
        "distill",
        "--pairs",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ];
    refused(&args, "K0601", 3, "100");
    assert!(!out.exists());
}

#[test]
fn a_status_without_a_gateway_says_so() {
    refused(&["status"], "K0003", 2, "no kolm up runs");
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in
        ["up", "capture", "distill", "serve", "eval", "verify", "inspect", "config", "status", "demo"]
    {
        let output = kolm(&[command, "--help"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command} --help failed");
        assert!(text.contains("Example"), "{command} --help has no example:\n{text}");
        assert!(text.contains("--json"), "{command} --help does not name --json");
    }
}
