//! The way back from outside: what is captured under `vault` opens with its key alone, and leaves with its pair.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fake::FakeOpenAi;
use crate::keys::holding;
use crate::world::{KOLM, World, kolm, stderr, until};

const TEXT: &str = "Patient: Dorothea Quillfeather, MRN 4471902. Is Dorothea Quillfeather due?";

/// A key, and a policy that keeps names.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = kolm(&["vault", "key", "--out", path(dir.path(), "vault.key").to_str().unwrap()]);
    assert!(made.status.success(), "{}", stderr(&made));
    let policy = "schema = 1\nname = \"own\"\nextends = \"default\"\ntypes = { NAME = \"vault\" }\n";
    std::fs::write(path(dir.path(), "policy.toml"), policy).unwrap();
    dir
}

fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}

async fn world(dir: &Path, more: &str) -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let dir = dir.display();
    let extra = format!(
        "[vault]\nkey_file = \"{dir}/vault.key\"\n\
         [namespaces.support]\npolicy = {{ file = \"{dir}/policy.toml\" }}\n{more}\n[namespaces.plain]\n"
    );
    World::start(fake, &extra).await
}

/// Waits until so many pairs are stored.
async fn stored(world: &World, pairs: u64) {
    until(&format!("{pairs} stored pairs"), || async {
        world.is_settled().await.filter(|books| books.stored == pairs)
    })
    .await;
}

fn id(reply: &reqwest::Response) -> String {
    let header = reply.headers()["x-kolm-receipt"].to_str().unwrap();
    kolm_receipts::header::parse(header).unwrap().id.to_string()
}

fn rows(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The command, its exit status and its code.
fn refused(output: &Output, status: i32, code: &str) {
    let said = stderr(output);
    assert!(output.status.code() == Some(status) && said.contains(&format!("error[{code}]")), "{said}");
    assert!(said.contains("hint:"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_opens_what_was_captured_and_nothing_else_does() {
    let dir = folder();
    let key = path(dir.path(), "vault.key");
    let mut world = world(dir.path(), "").await;
    let (first, plain) =
        (world.ask(TEXT).await, json!({"model": "m", "messages": [{"role": "user", "content": TEXT}]}));
    let post = world.http.post(world.url("/v1/chat/completions")).header("x-kolm-namespace", "plain");
    let unkept = post.bearer_auth("sk-test").json(&plain).send().await.unwrap();
    assert_eq!((first.status(), unkept.status()), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
    let (first, unkept) = (id(&first), id(&unkept));
    stored(&world, 2).await;

    let opened = world.kolm(&["vault", "open", "--id", &first]);
    let all = rows(&opened);
    assert!(opened.status.success() && all.len() == 1, "{all:?} {}", stderr(&opened));
    let want = json!({"id": first, "type": "NAME", "original": "Dorothea Quillfeather", "surrogate": all[0]["surrogate"]});
    assert_eq!(all[0], want);
    let surrogate = all[0]["surrogate"].as_str().unwrap();
    let page = world.http.get(world.admin_url(&format!("/api/v1/pairs/{first}"))).send().await.unwrap();
    let pair = page.text().await.unwrap();
    assert_eq!(pair.matches(surrogate).count(), 8, "twice in question and answer, shown twice: {pair}");
    assert!(!pair.contains("Quillfeather") && !pair.contains("4471902"), "{pair}");
    assert_eq!(rows(&world.kolm(&["vault", "open", "--namespace", "support"])), all);
    assert_eq!(rows(&world.kolm(&["vault", "open"])), all, "the other namespace keeps nothing");
    refused(&world.kolm(&["vault", "open", "--id", &unkept]), 1, "K0906");
    refused(&world.kolm(&["vault", "open", "--id", "4711"]), 2, "K0005");

    let other = path(dir.path(), "other.key");
    assert!(kolm(&["vault", "key", "--out", other.to_str().unwrap()]).status.success());
    refused(&kolm(&["vault", "key", "--out", other.to_str().unwrap()]), 2, "K0123");
    refused(&world.kolm(&["vault", "open", "--key", other.to_str().unwrap()]), 1, "K0905");
    let (own, foreign) = (world.data().join("store/vault/support"), world.data().join("store/vault/plain"));
    std::fs::create_dir(&foreign).unwrap();
    let day = std::fs::read_dir(&own).unwrap().next().unwrap().unwrap().file_name();
    std::fs::copy(own.join(&day), foreign.join(&day)).unwrap();
    let moved = world.kolm(&["vault", "open"]);
    refused(&moved, 1, "K0905");
    assert_eq!(rows(&moved), all, "what can be opened is");
    std::fs::remove_dir_all(&foreign).unwrap();

    world.stop().await;
    for word in ["Dorothea", "Quillfeather", "4471902"] {
        assert_eq!(holding(world.dir.path(), word), Vec::<String>::new(), "{word}");
    }
    let values = path(dir.path(), "values.txt");
    std::fs::write(&values, "Dorothea\nQuillfeather\n4471902\n").unwrap();
    let audit = world.kolm(&["audit", "disk", "--json", "--values", values.to_str().unwrap()]);
    assert_eq!((audit.status.code(), &rows(&audit)[0]["values"]), (Some(0), &json!(0)), "{:?}", rows(&audit));

    let gone = world.kolm(&["vault", "forget", "--id", &first]);
    assert_eq!(String::from_utf8(gone.stdout).unwrap(), "1 records removed\n");
    refused(&world.kolm(&["vault", "open", "--id", &first]), 1, "K0906");
    std::fs::remove_file(&key).unwrap();
    refused(&world.kolm(&["vault", "open"]), 2, "K0122");
    let file = world.dir.path().join("gateway.toml");
    let checked = world.kolm(&["config", "check", file.to_str().unwrap()]);
    assert!(stderr(&checked).contains("K0122") && checked.status.code() == Some(2), "{}", stderr(&checked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_leaves_when_the_time_of_its_pair_is_over() {
    let (dir, apart) = (folder(), tempfile::tempdir().unwrap());
    let more = format!("retention = \"2s\"\ndata_dir = \"{}\"", apart.path().display());
    let world = world(dir.path(), &more).await;
    let reply = id(&world.ask(TEXT).await);
    // And so its record was written.
    stored(&world, 1).await;
    let vault = apart.path().join("store/vault/support");
    assert!(vault.is_dir() && !world.data().join("store/vault").exists());
    until("a vault without records", || async {
        std::fs::read_dir(&vault).unwrap().next().is_none().then_some(())
    })
    .await;
    refused(&world.kolm(&["vault", "open", "--id", &reply]), 1, "K0906");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_way_back_nothing_is_stored() {
    let dir = folder();
    let world = world(dir.path(), "[capture]\nauto_namespaces = true\n").await;
    let vault = world.data().join("store/vault");
    std::fs::write(&vault, "no folder").unwrap();
    assert_eq!(world.ask(TEXT).await.status(), 200, "the client has its answer");
    let reason = "reason=\"vault_failed\"";
    until("a counted drop", || async {
        (world.metric("kolm_capture_drop_total", reason).await == 1).then_some(())
    })
    .await;
    assert_eq!(world.settled().await.stored, 0);
    assert!(world.log().contains("cannot write to the vault"), "{}", world.log());
    std::fs::remove_file(&vault).unwrap();

    // It is again when it can be; of a pair that a template moves, the way back is where its policy is.
    let messages = json!([{"role": "system", "content": "Help."}, {"role": "user", "content": TEXT}]);
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test");
    let reply = post.json(&json!({"model": "m", "messages": messages})).send().await.unwrap();
    stored(&world, 1).await;
    let id = id(&reply);
    let page = world.http.get(world.admin_url(&format!("/api/v1/pairs/{id}"))).send().await.unwrap();
    let pair = page.text().await.unwrap();
    assert!(pair.contains("\"auto-"), "{pair}");
    assert_eq!(rows(&world.kolm(&["vault", "open", "--namespace", "support", "--id", &id])).len(), 1);
}

/// Runs `kolm anonymize` with `input` on standard input.
fn anonymize(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(KOLM);
    child.arg("anonymize").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    // A refusal may come before anything is read.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

#[test]
fn the_command_line_keeps_the_way_back_in_a_file_or_refuses() {
    let dir = folder();
    let text = |name: &str| path(dir.path(), name).to_str().unwrap().to_owned();
    let (policy, key, file) = (text("policy.toml"), text("vault.key"), text("clean.vault"));
    let input = "{\"id\":\"a\",\"text\":\"Patient: Ann Lee\"}\n{\"id\":7,\"text\":\"no one\"}\n{\"text\":\"Patient: Tom Baker\"}\n";
    let base = ["--policy", &policy, "--format", "jsonl"];
    refused(&anonymize(&base, input), 2, "K0907");
    let kept = ["--vault", &file, "--vault-key", &key];
    refused(&anonymize(&kept, input), 2, "K0907");
    assert!(!Path::new(&file).exists());
    assert_eq!(anonymize(&[&base[..], &kept[..2]].concat(), input).status.code(), Some(2), "a key is needed");

    let out = anonymize(&[&base[..], &kept[..]].concat(), input);
    assert!(out.status.success(), "{}", stderr(&out));
    let lines = rows(&out);
    let open = |more: &[&str]| kolm(&[&["vault", "open", "--file", &file, "--key", &key], more].concat());
    let all = rows(&open(&[]));
    let told: Vec<_> =
        all.iter().map(|row| (row["id"].as_str().unwrap(), row["original"].as_str().unwrap())).collect();
    assert_eq!(told, [("a", "Ann Lee"), ("3", "Tom Baker")]);
    for (row, line) in all.iter().zip([0, 2]) {
        let want = format!("Patient: {}", row["surrogate"].as_str().unwrap());
        assert_eq!(lines[line]["text"], want);
    }
    assert_eq!(rows(&open(&["--id", "a"])), all[..1]);
    refused(&open(&["--id", "7"]), 1, "K0906");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(["Ann", "Lee", "Tom", "Baker"].iter().all(|word| !written.contains(word)), "{written}");
    refused(&anonymize(&[&base[..], &kept[..]].concat(), input), 2, "K0123");
    std::fs::write(&file, written.replace("\"id\":\"a\"", "\"id\":\"b\"")).unwrap();
    refused(&open(&[]), 1, "K0905");
    std::fs::remove_file(&key).unwrap();
    refused(&open(&[]), 2, "K0122");
}
