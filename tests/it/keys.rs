//! Virtual keys through the real binary: issued, used, revoked, expired, and nowhere to be found.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::fake::FakeOpenAi;
use crate::world::{World, kolm, stderr, until};

/// Issues a key on the world's data directory; gives its id and its text.
pub(crate) fn issue(world: &World, args: &[&str]) -> (String, String) {
    let output = world.kolm(&[&["keys", "issue", "--json"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |key: &str| told[key].as_str().unwrap().to_owned();
    (word("id"), word("key"))
}

/// A chat completion with a key of ours and further headers.
pub(crate) async fn ask(world: &World, key: &str, more: &[(&str, &str)]) -> reqwest::Response {
    let body =
        r#"{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"hello there"}]}"#;
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth(key).body(body);
    more.iter().fold(post, |post, (name, value)| post.header(*name, *value)).send().await.unwrap()
}

/// Waits until a key answers with a status: the gateway follows the file.
pub(crate) async fn answers(world: &World, key: &str, status: u16) {
    until(&format!("a key that answers {status}"), || async {
        (ask(world, key, &[]).await.status() == status).then_some(())
    })
    .await;
}

/// The namespace in the receipt of an answer.
pub(crate) async fn namespace_of(world: &World, key: &str, reply: &reqwest::Response) -> Option<String> {
    let found = receipt(world, key, reply).await;
    let open = found?["open_b64"].as_str()?.to_owned();
    let bytes = base64(&open);
    let record: Value = serde_json::from_slice(&bytes).unwrap();
    record["ns"].as_str().map(str::to_owned)
}

/// The receipt of an answer as another caller sees it.
pub(crate) async fn receipt(world: &World, key: &str, reply: &reqwest::Response) -> Option<Value> {
    let header = reply.headers()["x-kolm-receipt"].to_str().unwrap().to_owned();
    let id = kolm_receipts::header::parse(&header).unwrap().id;
    let get = world.http.get(world.url(&format!("/v1/receipts/{id}"))).bearer_auth(key).send().await.unwrap();
    if get.status() == 200 { get.json().await.ok() } else { None }
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        digits.iter().position(|digit| *digit == byte).map(|at| at as u32)
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).collect();
    let mut out = Vec::new();
    for four in digits.chunks(4) {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
        out.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    out
}

/// Every file below a directory that holds a text.
pub(crate) fn holding(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(text.len()).any(|w| w == text.as_bytes()))
        {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn world(keys: &Path) -> World {
    for (name, key) in [("house", "sk-of-the-house"), ("support", "sk-of-support")] {
        std::fs::write(keys.join(name), key).unwrap();
    }
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let folder = keys.display();
    let extra = format!(
        "api_key = {{ file = \"{folder}/house\" }}\n\
         [namespaces.default]\n[namespaces.support]\n\
         upstream_keys = {{ openai = {{ file = \"{folder}/support\" }} }}\n[namespaces.billing]\n[namespaces.hr]\n"
    );
    World::start(fake, &extra).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_issued_used_and_revoked_under_traffic() {
    let keys = tempfile::tempdir().unwrap();
    let world = world(keys.path()).await;
    let lent = world.http.get(world.url("/v1/models")).send().await.unwrap();
    assert_eq!(lent.status(), 200, "before any key is issued, the operator's is lent to everyone");

    let (id, key) = issue(&world, &["--namespace", "support", "--name", "ci", "--also", "billing"]);
    answers(&world, &key, 200).await;
    let seen = world.fake.seen().pop().unwrap();
    assert_eq!(seen.headers["authorization"], "Bearer sk-of-support", "the namespace's own key goes up");
    let reply = ask(&world, &key, &[]).await;
    assert_eq!(namespace_of(&world, &key, &reply).await.as_deref(), Some("support"));
    let reply = ask(&world, &key, &[("x-kolm-namespace", "billing")]).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(world.fake.seen().pop().unwrap().headers["authorization"], "Bearer sk-of-the-house");
    let reply = ask(&world, &key, &[("x-kolm-namespace", "hr")]).await;
    assert_eq!(namespace_of(&world, &key, &reply).await.as_deref(), Some("support"));
    let metrics = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("kolm_namespace_refused_total 1"), "{metrics}");

    let stranger = world.http.get(world.url("/v1/models")).send().await.unwrap();
    assert_eq!(stranger.status(), 401, "once a key is issued, the operator's is lent to holders alone");
    let own = world.ask("a caller with a key of its own for the upstream").await;
    assert_eq!(own.status(), 200);
    assert_eq!(world.fake.seen().pop().unwrap().headers["authorization"], "Bearer sk-test");

    let listed = world.kolm(&["keys", "ls"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.starts_with(&format!("{id} valid support (also billing) \"ci\", issued ")), "{listed}");
    assert!(world.kolm(&["keys", "revoke", &key]).status.success(), "a pasted key names its id");
    answers(&world, &key, 401).await;
    let error: Value = ask(&world, &key, &[]).await.json().await.unwrap();
    assert_eq!(error["error"]["code"], "invalid_api_key");
    assert_eq!(error["error"]["type"], "invalid_request_error");

    let secret = key.rsplit('-').next().unwrap();
    assert_eq!(holding(world.dir.path(), secret), Vec::<String>::new(), "no file holds the secret");
    assert!(world.fake.seen().iter().all(|seen| !format!("{:?}", seen.headers).contains("kolm-sk-")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_or_misplaced_key_is_401_at_both_doors_and_never_goes_up() {
    let keys = tempfile::tempdir().unwrap();
    let mut world = world(keys.path()).await;
    let (_, short) = issue(&world, &["--namespace", "support", "--expires", "1s"]);
    let (_, nowhere) = issue(&world, &["--namespace", "gone"]);
    // Once the last one opens, the gateway has read them all.
    let (_, key) = issue(&world, &["--namespace", "support"]);
    answers(&world, &key, 200).await;
    answers(&world, &short, 401).await;
    let before = world.fake.seen().len();
    let wrong = format!("{}0", &key[..key.len() - 1]);
    let wrong = if wrong == key { format!("{}1", &key[..key.len() - 1]) } else { wrong };
    let unknown = format!("kolm-sk-000000000000-{}", "0".repeat(64));
    for dead in [&short, &nowhere, &wrong, &unknown] {
        for path in ["/v1/chat/completions", "/v1/files", "/v1/receipts/01a1fb67-1800-7000-8000-000000000001"]
        {
            let verb = if path.contains("chat") {
                world.http.post(world.url(path)).body("{}")
            } else {
                world.http.get(world.url(path))
            };
            let reply = verb.bearer_auth(dead).header("x-upstream-api-key", "sk-up").send().await.unwrap();
            assert_eq!(reply.status(), 401, "{path}");
            assert!(reply.headers().contains_key("x-kolm-receipt"));
        }
    }
    for (name, value) in [
        ("authorization", key.clone()),
        ("authorization", format!("Basic {key}")),
        ("x-upstream-api-key", key.clone()),
        ("api-key", key.clone()),
        ("sec-websocket-protocol", format!("openai-insecure-api-key.{key}")),
    ] {
        let reply = world.http.get(world.url("/v1/models")).header(name, value).send().await.unwrap();
        assert_eq!(reply.status(), 401, "{name}");
    }
    let reply = world.http.get(world.url(&format!("/v1/models?api-key={key}"))).send().await.unwrap();
    assert_eq!(reply.status(), 401);
    assert_eq!(world.fake.seen().len(), before, "nothing of this went up");
    let metrics = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    for reason in ["expired", "namespace", "wrong", "unknown", "misplaced"] {
        assert!(metrics.contains(&format!("kolm_key_refuse_total{{reason=\"{reason}\"}}")), "{reason}");
    }

    world.stop().await;
    world.restart().await;
    answers(&world, &key, 200).await;
    std::fs::write(world.data().join("keys/virtual.json"), "{ not json").unwrap();
    until("the damaged file was seen", || async {
        let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        page.contains("kolm_key_read_total{result=\"failed\"} 1").then_some(())
    })
    .await;
    assert_eq!(ask(&world, &key, &[]).await.status(), 200, "a damaged file takes no key away");
    let refused = world.kolm(&["keys", "ls"]);
    assert!(stderr(&refused).contains("K0116"), "{}", stderr(&refused));
}

#[test]
fn the_command_says_what_is_wrong_with_an_order() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    for (args, code) in [
        (vec!["issue", "--namespace", "Support"], "K0005"),
        (vec!["issue", "--namespace", "a", "--expires", "soon"], "K0012"),
        (vec!["issue", "--namespace", "a", "--concurrent", "0"], "K0012"),
        (vec!["issue", "--namespace", "a", "--usd-per-day", "0"], "K0012"),
        (vec!["revoke", "000000000000"], "K0011"),
    ] {
        let output = kolm(&[&["keys"], args.as_slice(), &["--data-dir", data]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(code) && stderr(&output).contains("hint: "), "{}", stderr(&output));
    }
    let issuing: Vec<_> = (0..4)
        .map(|i| {
            let name = format!("n{i}");
            let data = data.to_owned();
            std::thread::spawn(move || kolm(&["keys", "issue", "--namespace", &name, "--data-dir", &data]))
        })
        .collect();
    assert!(issuing.into_iter().all(|run| run.join().unwrap().status.success()));
    let listed = kolm(&["keys", "ls", "--json", "--data-dir", data]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 4, "two commands at once take turns");
}
