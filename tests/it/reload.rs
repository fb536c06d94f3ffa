//! The configuration is changed under traffic: whole, or not at all.

use std::time::Duration;

use serde_json::Value;

use crate::fake::FakeOpenAi;
use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_takes_effect_whole_and_a_broken_one_changes_nothing() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let world = World::start(fake, "").await;
    let file = world.dir.path().join("gateway.toml");
    let first = std::fs::read_to_string(&file).unwrap();
    assert_eq!(world.status().await["routes"][0]["route"], "default");

    std::fs::write(&file, format!("{first}\n[[routes]]\nname = \"support\"\nmodel = \"gpt-4o*\"\n")).unwrap();
    until("the new route", || async {
        assert_eq!(world.ask("hello").await.status(), 200);
        let status = world.status().await;
        (status["routes"][0]["route"] == "support" && status["config_version"] == 2).then_some(())
    })
    .await;

    std::fs::write(&file, format!("{first}\nnonsense = 1\n[[routes]]\nname = \"other\"\n")).unwrap();
    let post = world.http.post(world.admin_url("/admin/config/reload"));
    let refused = post.bearer_auth(world.token()).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let problems = refused.text().await.unwrap();
    assert!(problems.contains("nonsense") && problems.contains("K0102"), "{problems}");
    let status = world.status().await;
    assert_eq!((&status["routes"][0]["route"], &status["config_version"]), (&"support".into(), &2.into()));
    assert_eq!(world.ask("hello").await.status(), 200);

    let stranger = world.http.post(world.admin_url("/admin/config/reload")).send().await.unwrap();
    assert_eq!(stranger.status(), 401, "the admin interface asks for its token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_rotated_in_its_file_takes_effect() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("openai.key");
    std::fs::write(&key, "sk-first\n").unwrap();
    let upstream = format!("credentials = \"gateway\"\napi_key = {{ file = \"{}\" }}\n", key.display());
    let world = World::start(fake.clone(), &upstream).await;
    let sent = || {
        fake.seen().last().and_then(|seen| {
            seen.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned())
        })
    };
    assert_eq!(world.ask("hello").await.status(), 200);
    assert_eq!(sent().as_deref(), Some("Bearer sk-first"));

    // As Kubernetes does: another file in its place.
    let next = dir.path().join("next");
    std::fs::write(&next, "sk-second, longer\n").unwrap();
    std::fs::rename(&next, &key).unwrap();
    until("the new key", || async {
        assert_eq!(world.ask("hello").await.status(), 200);
        (sent().as_deref() == Some("Bearer sk-second, longer")).then_some(())
    })
    .await;
    let history = String::from_utf8(world.kolm(&["config", "history", "--json"]).stdout).unwrap();
    assert!(history.contains("\"by\":\"file\"") && !history.contains("sk-second"), "{history}");
}

/// One of two configurations; namespace and upstream go together.
fn side(name: &str, one: &FakeOpenAi, two: &FakeOpenAi) -> String {
    format!(
        "default_upstream = \"{name}\"\ndefault_namespace = \"{name}\"\n\
         [listen]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
         [upstreams.one]\nbase_url = \"http://{}/v1\"\n[upstreams.two]\nbase_url = \"http://{}/v1\"\n\
         [namespaces.one]\n[namespaces.two]\n",
        one.address, two.address
    )
}

/// Puts `text` in force in place of the text with digest `seen`; returns the new digest.
async fn put(world: &World, token: &str, text: &str, seen: &str) -> String {
    let put = world.http.put(world.admin_url("/admin/config")).bearer_auth(token);
    let done = put.header("if-match", format!("\"{seen}\"")).body(text.to_owned()).send().await.unwrap();
    assert_eq!(done.status(), 200);
    let done: Value = done.json().await.unwrap();
    assert_eq!(done["needs_restart"], serde_json::json!([]), "{done}");
    done["digest"].as_str().unwrap().to_owned()
}

/// Who answered, and the receipt's id if the ledger took it in time.
async fn answered(world: &World) -> (String, Option<String>) {
    let reply = world.ask("hello").await;
    assert_eq!(reply.status(), 200);
    let receipt = reply.headers()["x-kolm-receipt"].to_str().unwrap().to_owned();
    let id = receipt.split('"').nth(1).unwrap().to_owned();
    let id = Some(id).filter(|_| !receipt.contains("st=none"));
    let body: Value = reply.json().await.unwrap();
    (body["choices"][0]["message"]["content"].as_str().unwrap().to_owned(), id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_reloads_under_traffic_disturb_no_request() {
    const RELOADS: usize = 200;
    let one = FakeOpenAi::start(Duration::ZERO, |_| "one".to_owned()).await;
    let two = FakeOpenAi::start(Duration::ZERO, |_| "two".to_owned()).await;
    let world = World::start(one.clone(), "").await;
    let token = world.token();
    let texts = ["one", "two"].map(|name| side(name, &one, &two));
    let shown = world.http.get(world.admin_url("/admin/config")).send().await.unwrap();
    let mut digest = shown.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
    digest = put(&world, &token, &texts[1], &digest).await;
    let done = std::sync::atomic::AtomicBool::new(false);
    let traffic = async {
        let mut seen = Vec::new();
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            seen.push(answered(&world).await);
        }
        seen
    };
    let reloads = async {
        for n in 0..RELOADS {
            digest = put(&world, &token, &texts[n % 2], &digest).await;
            assert_eq!(answered(&world).await.0, ["one", "two"][n % 2], "what is in force is so at once");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (first, second, ()) = tokio::join!(traffic, answered(&world), reloads);
    let receipts: Vec<_> =
        first.iter().chain([&second]).filter_map(|(who, id)| Some((who, id.as_ref()?))).collect();
    assert!(!receipts.is_empty(), "no request has a receipt");
    // A receipt of long ago is searched for in the whole log: some of them tell as much as all.
    for (who, id) in receipts.iter().step_by(receipts.len() / 400 + 1) {
        let find = world.http.get(world.url(&format!("/v1/receipts/{id}")));
        let found = find.header("x-kolm-namespace", *who).bearer_auth("sk-test").send().await.unwrap();
        assert_eq!(found.status(), 200, "upstream {who} answered a request of the other namespace");
    }
    let history = world.kolm(&["config", "history", "--json"]);
    let lines = String::from_utf8(history.stdout).unwrap();
    let versions: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["version"].as_u64().unwrap())
        .collect();
    assert_eq!(versions, (1..=RELOADS as u64 + 2).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_emptied_changes_nothing() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let world = World::start(fake, "[namespaces.default]\nstrict = true\n").await;
    let file = world.dir.path().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let reload = async || {
        let post = world.http.post(world.admin_url("/admin/config/reload"));
        post.bearer_auth(world.token()).send().await.unwrap()
    };
    for empty in ["", "# nothing\n\n"] {
        std::fs::write(&file, empty).unwrap();
        let refused = reload().await;
        assert_eq!(refused.status(), 422);
        assert!(refused.text().await.unwrap().contains("K0124"));
        let reply = world.http.post(world.url("/v1/chat/completions")).body("{}").send().await.unwrap();
        assert_eq!(reply.status(), 401, "the namespace is still strict");
    }
    std::fs::write(&file, &text).unwrap();
    assert_eq!(reload().await.status(), 200);
    let put = world.http.put(world.admin_url("/admin/config")).bearer_auth(world.token());
    let refused = put.header("if-match", "*").body("").send().await.unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing was written");
}
