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
    refused(&["eval", "/nowhere/x.kolm"], "K0400", 2, "/nowhere/x.kolm");
    refused(
        &["distill", "--pairs", "/nowhere/p.jsonl", "--out", "/tmp/x.kolm"],
        "K0001",
        2,
        "/nowhere/p.jsonl",
    );
}

/// `kolm distill --pairs` on `lines` is refused and leaves nothing behind.
fn pairs_refused(lines: &str, code: &str, exit: i32, says: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (file, out, data) = (path("pairs.jsonl"), path("x.kolm"), path("data"));
    fs::write(&file, lines).unwrap();
    refused(&["distill", "--pairs", &file, "--out", &out, "--data-dir", &data], code, exit, says);
    assert!(!fs::exists(&out).unwrap());
}

#[test]
fn a_broken_pairs_file_names_its_line() {
    pairs_refused("{\"text\":\"a\",\"label\":\"b\"}\n{\"text\":\n", "K0930", 2, "line 2");
}

#[test]
fn too_few_pairs_are_counted() {
    pairs_refused(&"{\"text\":\"hello\",\"label\":\"greeting\"}\n".repeat(20), "K0601", 3, "100");
}

#[test]
fn a_status_without_a_gateway_says_so() {
    refused(&["status"], "K0003", 2, "no kolm up runs");
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in
        ["up", "capture", "distill", "serve", "eval", "verify", "inspect", "config", "ca", "status", "demo"]
    {
        let output = kolm(&[command, "--help"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command} --help failed");
        assert!(text.contains("Example"), "{command} --help has no example:\n{text}");
        assert!(text.contains("--json"), "{command} --help does not name --json");
    }
}

#[test]
fn arguments_that_make_no_sense_are_quoted() {
    refused(&["verify", "receipt", "not-an-id", "--ledger", "/nowhere"], "K0302", 2, "/nowhere");
    refused(&["capture", "--as", "Bad Name"], "K0005", 2, "Bad Name");
    let dir = tempfile::tempdir().unwrap();
    refused(&["serve", "--http", dir.path().to_str().unwrap()], "K0007", 4, "no .kolm file");
}

#[test]
fn a_demo_without_enough_pairs_says_how_many_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pairs.jsonl");
    fs::write(&file, "{\"text\":\"hello\",\"label\":\"greeting\"}\n".repeat(20)).unwrap();
    refused(&["demo", "--pairs", file.to_str().unwrap()], "K0008", 3, "to learn from");
}

#[test]
fn a_gateway_that_is_gone_is_told_from_one_that_never_was() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("run")).unwrap();
    let run = r#"{"pid":1,"listen":"127.0.0.1:9","admin":"127.0.0.1:9","token":"t"}"#;
    fs::write(dir.path().join("run/up.json"), run).unwrap();
    refused(&["status", "--data-dir", dir.path().to_str().unwrap()], "K0004", 2, "does not answer");
}

#[test]
fn a_configuration_with_problems_lists_them_all() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    fs::write(&file, "airgape = true\n[[routes]]\nname = \"a\"\nupstream = \"nowhere\"\n").unwrap();
    let path = file.to_str().unwrap();
    refused(&["config", "check", path], "K0102", 2, "airgape");
    refused(
        &["up", "--config", path, "--data-dir", dir.path().to_str().unwrap()],
        "K0102",
        2,
        "routes.a.upstream",
    );
    assert!(!dir.path().join("store").exists(), "nothing is made before the configuration is sound");
}

#[test]
fn a_port_in_use_is_named() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    let data = dir.path().join("data");
    let text = |listen: &str, admin: &str| {
        format!("[listen]\naddress = \"{listen}\"\n[admin]\naddress = \"{admin}\"\n")
    };
    let args = ["up", "--config", file.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    fs::write(&file, text(&address, "127.0.0.1:0")).unwrap();
    refused(&args, "K0801", 1, &address);
    fs::write(&file, text("127.0.0.1:0", &address)).unwrap();
    refused(&args, "K0006", 2, &address);
}

#[test]
fn a_route_cannot_be_asked_about_where_nothing_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    refused(&["gate", "explain", "support", "--data-dir", data], "K0003", 2, "no kolm up runs");
    refused(&["rollout", "pause", "support", "-m", "x", "--data-dir", data], "K0003", 2, "no kolm up runs");
    refused(&["rollout", "pause", "a b", "-m", "x", "--data-dir", data], "K0005", 2, "a b");
}

#[test]
fn a_command_line_that_makes_no_sense_is_told_in_json_too() {
    for args in [&["rollout", "pause", "support", "--json"][..], &["demo", "--eval", "x", "--json"]] {
        let output = kolm(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["error"]["code"], "K0005", "{told}");
        assert!(stderr(&output).contains("Usage:"), "{}", stderr(&output));
    }
    let help = kolm(&["rollout", "--help", "--json"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("Usage:"));
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = std::process::Command::new(crate::world::KOLM);
    demo.args(["demo", "--fast"]).env("TMPDIR", dir.path()).stderr(std::process::Stdio::piped());
    let mut demo = demo.spawn().unwrap();
    let scratch = dir.path().join(format!("kolm-demo-{}", demo.id()));
    let up = scratch.join("data/run/up.json");
    let pid = loop {
        let told =
            fs::read(&up).ok().and_then(|told| serde_json::from_slice::<serde_json::Value>(&told).ok());
        if let Some(told) = told {
            break told["pid"].to_string();
        }
        assert!(demo.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let kill = |signal: &str, pid: &str| {
        std::process::Command::new("kill").args([signal, pid]).stderr(std::process::Stdio::null()).status()
    };
    assert!(kill("-TERM", &demo.id().to_string()).unwrap().success());
    let ended = demo.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(stderr(&ended).contains("error[K0022]"), "{}", stderr(&ended));
    assert!(!scratch.exists(), "its files are there still");
    assert!(!kill("-0", &pid).unwrap().success(), "its gateway runs still");
}

#[test]
fn a_baseline_without_a_key_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let artifact = crate::students::distill(dir.path());
    let path = artifact.to_str().unwrap();
    refused(&["eval", path, "--baseline", "openai:gpt-4o-mini"], "K0010", 2, "key");
    refused(&["eval", path, "--baseline", "gpt"], "K0005", 2, "gpt");
}
