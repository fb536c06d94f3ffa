//! `kolm config`: checked, compared, changed from three sides, and remembered.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fake::FakeOpenAi;
use crate::world::{World, kolm, stderr, until};

fn stdout_json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn the_schema_and_the_problems_are_for_machines_too() {
    let schema = stdout_json(&kolm(&["config", "schema"]));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["log"]["properties"]["format"]["enum"], json!(["text", "json"]));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    std::fs::write(&file, "airgape = true\n[listen]\naddress = 1\n").unwrap();
    let output = kolm(&["config", "check", file.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stdout_json(&output);
    assert_eq!(
        said["problems"],
        json!([
            { "code": "K0102", "path": "airgape", "line": 1, "message": "unknown key", "hint": "did you mean `airgap`?" },
            { "code": "K0103", "path": "listen.address", "line": 3, "message": "must be a string, not 1", "hint": null },
        ])
    );
    assert_eq!((&said["ok"], said["file"].as_str()), (&json!(false), file.to_str()));
}

#[test]
fn two_files_are_compared_by_what_they_mean() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (one, two, data) = (path("one.toml"), path("two.toml"), path("data"));
    std::fs::write(&one, "[listen]\nheader_timeout = \"60s\"\n").unwrap();
    std::fs::write(&two, "[listen]\nheader_timeout = \"1min\"\n").unwrap();
    let same = kolm(&["config", "diff", &one, &two]);
    assert_eq!((same.status.code(), same.stdout.as_slice()), (Some(0), &b""[..]));
    let built_in = kolm(&["config", "diff", &one, "--data-dir", &data]);
    assert_eq!(built_in.status.code(), Some(1));
    let said = String::from_utf8(built_in.stdout).unwrap();
    assert_eq!(said, "listen.header_timeout: \"60s\" -> \"10s\"\n");
    let as_json = stdout_json(&kolm(&["config", "diff", &one, "--json", "--data-dir", &data]));
    let change = json!({ "path": "listen.header_timeout", "old": "60s", "new": "10s" });
    assert_eq!((&as_json["changes"], as_json["new"].as_str()), (&json!([change]), Some("(built-in)")));
    std::fs::write(&two, "nonsense = 1\n").unwrap();
    let wrong = kolm(&["config", "diff", &one, &two]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("K0102"), "{}", stderr(&wrong));
}

/// The history as `kolm config history --json` prints it.
fn history(world: &World) -> Vec<Value> {
    let output = world.kolm(&["config", "history", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits for a version of the history.
async fn version(world: &World, number: usize) -> Value {
    until(&format!("version {number}"), || async { history(world).into_iter().nth(number - 1) }).await
}

struct Put<'a> {
    text: &'a str,
    seen: Option<&'a str>,
    by: Option<&'a str>,
}

async fn put(world: &World, put: Put<'_>) -> (u16, Value) {
    let mut request = world.http.put(world.admin_url("/admin/config")).bearer_auth(world.token());
    for (name, value) in [("if-match", put.seen), ("x-kolm-author", put.by)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let reply = request.body(put.text.to_owned()).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_edit_is_recorded_with_its_author_and_what_it_changed() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let mut world = World::start(fake, "").await;
    let file = world.dir.path().join("gateway.toml");
    let first = std::fs::read_to_string(&file).unwrap();

    let start = version(&world, 1).await;
    assert_eq!((start["by"].as_str(), start["text"].as_str()), (Some("start"), Some(first.as_str())));
    assert_eq!(start["file"].as_str(), file.to_str());
    assert_eq!(start["digest"].as_str().map(str::len), Some(64));

    let second = format!("{first}[capture]\nqueue = \"17 MiB\"\n[receipts]\nnode = \"n2\"\n");
    std::fs::write(&file, &second).unwrap();
    let by_file = version(&world, 2).await;
    assert_eq!((by_file["by"].as_str(), by_file["text"].as_str()), (Some("file"), Some(second.as_str())));
    assert_eq!(
        by_file["changes"][0],
        json!({ "path": "capture.queue", "old": "256 MiB", "new": "17 MiB", "needs_restart": true })
    );
    assert_eq!(by_file["needs_restart"], json!(["capture.queue", "receipts.node"]));

    let pid = world.run_file()["pid"].to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    let by_signal = version(&world, 3).await;
    assert_eq!((by_signal["by"].as_str(), &by_signal["changes"]), (Some("SIGHUP"), &json!([])));
    assert_eq!(by_signal["text"], Value::Null, "the same text is kept once");

    let third = format!("{first}[log]\nlevel = \"debug\"\n");
    let seen = by_file["digest"].as_str();
    let broken = format!("{first}nonsense = 1\n[store]\nbatch_rows = 0\n");
    let (status, said) = put(&world, Put { text: &broken, seen, by: None }).await;
    assert_eq!((status, said["problems"].as_array().map(Vec::len)), (422, Some(2)), "{said}");
    let (status, _) = put(&world, Put { text: &third, seen: None, by: None }).await;
    assert_eq!(status, 428);
    let (status, _) = put(&world, Put { text: &third, seen: start["digest"].as_str(), by: None }).await;
    assert_eq!(status, 412, "another text is in force by now");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), second, "a refused edit writes nothing");

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let (status, done) = put(&world, Put { text: &third, seen, by: Some("ann") }).await;
    assert_eq!((status, &done["config_version"], &done["written"]), (200, &json!(4), &json!(true)), "{done}");
    assert_eq!(done["needs_restart"], json!([]), "it is as at the start again");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), third);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640, "the file keeps its mode");
    let by_admin = version(&world, 4).await;
    assert_eq!(by_admin["by"], "admin:ann");
    assert!(by_admin["changes"].to_string().contains("log.level"), "{by_admin}");

    // What somebody wrote into the file meanwhile is not lost.
    std::fs::write(&file, "nonsense = 1\n").unwrap();
    let (status, said) = put(&world, Put { text: &second, seen: done["digest"].as_str(), by: None }).await;
    assert_eq!(status, 409, "{said}");
    std::fs::write(&file, &third).unwrap();

    let new = world.dir.path().join("new.toml");
    std::fs::write(&new, &second).unwrap();
    let diff = world.kolm(&["config", "diff", new.to_str().unwrap()]);
    assert_eq!(diff.status.code(), Some(1), "{}", stderr(&diff));
    let said = String::from_utf8(diff.stdout).unwrap();
    assert!(
        said.contains(
            "capture.queue: \"17 MiB\" -> \"256 MiB\" (needs restart)\nlog.level: \"info\" -> \"debug\"\n"
        ),
        "{said}"
    );
    let stale = world.kolm(&["config", "apply", new.to_str().unwrap(), "--if-match", "old"]);
    assert!(
        stderr(&stale).contains("error[K0016]") && stderr(&stale).contains("hint:"),
        "{}",
        stderr(&stale)
    );
    let before = history(&world).len();
    let applied = world.kolm(&["config", "apply", new.to_str().unwrap(), "--json"]);
    assert_eq!(applied.status.code(), Some(0), "{}", stderr(&applied));
    assert_eq!(stdout_json(&applied)["needs_restart"], json!(["capture.queue", "receipts.node"]));
    let by_cli = version(&world, before + 1).await;
    assert!(by_cli["by"].as_str().unwrap().starts_with("cli:"), "{by_cli}");
    let reloaded = world.kolm(&["config", "reload"]);
    assert!(String::from_utf8(reloaded.stdout).unwrap().contains("is in force"));

    let shown = world.kolm(&["config", "show", "1"]);
    assert_eq!(String::from_utf8(shown.stdout).unwrap().trim_end(), first.trim_end());
    let now = world.kolm(&["config", "show"]);
    assert_eq!(String::from_utf8(now.stdout).unwrap().trim_end(), second.trim_end());
    let none = world.kolm(&["config", "show", "99"]);
    assert!(stderr(&none).contains("error[K0015]") && stderr(&none).contains("hint:"), "{}", stderr(&none));

    let lines = world.data().join("config/history.jsonl");
    assert_eq!(lines.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let known = history(&world).len();
    world.stop().await;
    world.restart().await;
    let again = version(&world, known + 1).await;
    assert_eq!((again["by"].as_str(), &again["needs_restart"]), (Some("start"), &json!([])));
    assert_eq!(again["changes"], json!([]), "what needed a restart was in the text already");
    assert_eq!(world.status().await["config_version"], known + 1);
    world.stop().await;
    let ledger = world.kolm(&["verify", "ledger"]);
    assert_eq!(ledger.status.code(), Some(0), "{}", String::from_utf8_lossy(&ledger.stdout));
}

#[test]
fn what_is_built_in_is_shown_without_a_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let shown = kolm(&["config", "show", "--data-dir", data]);
    assert!(String::from_utf8(shown.stdout).unwrap().starts_with("# gateway.toml"));
    let history = kolm(&["config", "history", "--data-dir", data]);
    assert_eq!((history.status.code(), history.stdout.as_slice()), (Some(0), &b""[..]));
    let none = kolm(&["config", "show", "1", "--data-dir", data]);
    assert!(stderr(&none).contains("K0015"), "{}", stderr(&none));
    let nothing_runs = kolm(&["config", "reload", "--data-dir", data]);
    assert!(stderr(&nothing_runs).contains("K0003"), "{}", stderr(&nothing_runs));
    for command in ["check", "schema", "diff", "history", "show", "reload", "apply"] {
        let help = kolm(&["config", command, "--help"]);
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(command == "check" || text.contains("Example"), "{text}");
    }
}
