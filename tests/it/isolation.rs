//! No namespace reads another's receipts, writes into its captures, or names it: a matrix through the real binary.

use std::time::Duration;

use serde_json::Value;

use crate::fake::FakeOpenAi;
use crate::keys::{answers, ask, holding, issue, namespace_of, receipt};
use crate::world::{World, stderr, until};

const NAMES: [&str; 3] = ["red", "blue", "open"];
const WORDS: [&str; 3] = ["parcel", "invoice", "password"];

/// `red` and `blue` by an issued key each, `open` for callers with a key of the upstream; `blue` lies apart.
async fn world(apart: &std::path::Path) -> (World, [String; 3]) {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let extra = format!(
        "[namespaces.open]\n[namespaces.red]\n[namespaces.blue]\ndata_dir = \"{}\"\n",
        apart.display()
    );
    let world = World::start(fake, &extra).await;
    let keys = [
        issue(&world, &["--namespace", "red"]).1,
        issue(&world, &["--namespace", "blue"]).1,
        "sk-of-a-stranger".to_owned(),
    ];
    answers(&world, &keys[1], 200).await;
    (world, keys)
}

/// Asks with a text of its own.
async fn say(world: &World, key: &str, named: Option<&str>, text: &str) -> reqwest::Response {
    let body = serde_json::json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]});
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth(key).json(&body);
    named.into_iter().fold(post, |post, name| post.header("x-kolm-namespace", name)).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_or_names_what_is_anothers() {
    let apart = tempfile::tempdir().unwrap();
    let (mut world, keys) = world(apart.path()).await;
    let mut refused = 0;
    for (i, key) in keys.iter().enumerate() {
        for (j, named) in NAMES.iter().enumerate() {
            let reply = say(&world, key, Some(named), &format!("canary {} {}", NAMES[i], WORDS[j])).await;
            assert_eq!(reply.status(), 200);
            refused += u64::from(i != j);
            for (k, reader) in keys.iter().enumerate() {
                let seen = receipt(&world, reader, &reply).await.is_some();
                assert_eq!(seen, k == i, "a receipt of {}, named {named}, read by {}", NAMES[i], NAMES[k]);
            }
            assert_eq!(namespace_of(&world, key, &reply).await.as_deref(), Some(NAMES[i]));
        }
    }
    let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("kolm_namespace_refused_total {refused}")), "{page}");
    until("all captures are stored", || async {
        let capture = &world.status().await["capture"];
        (capture["stored"].as_u64() >= Some(9) && capture["spooled"] == 0).then_some(())
    })
    .await;
    for (i, name) in NAMES.iter().enumerate() {
        let rows = frozen(&world, name).await;
        let own: Vec<&str> = rows.lines().filter(|row| row.contains("canary")).collect();
        assert_eq!(own.len(), 3, "{name}: {rows}");
        assert!(own.iter().all(|row| row.contains(&format!("canary {name} "))), "{i}: {rows}");
    }
    world.stop().await;
    let common = std::fs::read_to_string(world.data().join("store/apart.json")).unwrap();
    assert!(common.contains("blue") && apart.path().join("store/captures.duckdb").is_file(), "{common}");
}

/// The rows of a namespace, as a snapshot of it has them.
async fn frozen(world: &World, namespace: &str) -> String {
    let run: Value =
        serde_json::from_slice(&std::fs::read(world.data().join("run/up.json")).unwrap()).unwrap();
    let dir = world.dir.path().join(format!("snapshot-{namespace}"));
    let order = serde_json::json!({ "namespace": namespace, "dir": dir });
    let post = world.http.post(world.admin_url("/admin/freeze")).bearer_auth(run["token"].as_str().unwrap());
    let reply = post.json(&order).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
    let mut rows = String::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let text = std::fs::read(entry.path()).unwrap();
        if entry.path().extension().is_some_and(|kind| kind == "jsonl") {
            rows.push_str(&String::from_utf8(text).unwrap());
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_default_hides_its_receipts_from_strangers() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let world = World::start(fake, "[namespaces.vault]\nstrict = true\n").await;
    let (_, key) = issue(&world, &["--namespace", "vault"]);
    answers(&world, &key, 200).await;
    let reply = ask(&world, &key, &[("x-upstream-api-key", "sk-up")]).await;
    assert_eq!(reply.status(), 200);
    assert!(receipt(&world, &key, &reply).await.is_some());
    assert!(receipt(&world, "sk-of-a-stranger", &reply).await.is_none());
    assert_eq!(ask(&world, "sk-of-a-stranger", &[]).await.status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_with_a_region_goes_to_that_region_alone() {
    let (far, near) = (
        FakeOpenAi::start(Duration::ZERO, str::to_owned).await,
        FakeOpenAi::start(Duration::ZERO, str::to_owned).await,
    );
    let extra = format!(
        "[upstreams.eu]\nbase_url = \"http://{}/v1\"\nregion = \"eu\"\n\
         [namespaces.default]\n[namespaces.local]\nregion = \"eu\"\n",
        near.address
    );
    let world = World::start(far.clone(), &extra).await;
    let local = &[("x-kolm-namespace", "local")];
    assert_eq!(ask(&world, "sk-a", local).await.status(), 200);
    assert_eq!((far.seen().len(), near.seen().len()), (0, 1), "the default upstream is elsewhere");
    let get = world.http.get(world.url("/v1/capture/openai/models")).bearer_auth("sk-a");
    let reply = get.header("x-kolm-namespace", "local").send().await.unwrap();
    assert_eq!(reply.status(), 403);
    assert!(reply.headers().contains_key("x-kolm-receipt"));
    assert_eq!(far.seen().len(), 0);
    assert_eq!(ask(&world, "sk-a", &[]).await.status(), 200);
    assert_eq!(far.seen().len(), 1, "other namespaces go where they went");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_gone_when_their_time_is_over_and_receipts_stay() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let mut world = World::start(fake, "[namespaces.default]\nretention = \"2s\"\n").await;
    let reply = say(&world, "sk-a", None, "a body that does not last").await;
    until("the pair is stored", || async { (world.status().await["capture"]["stored"] == 1).then_some(()) })
        .await;
    until("its bodies are taken out", || async {
        let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        page.contains("kolm_pair_decay_total{namespace=\"default\"} 1").then_some(())
    })
    .await;
    assert!(receipt(&world, "sk-a", &reply).await.is_some(), "the receipt stays");
    world.stop().await;
    let out = world.dir.path().join("x.kolm");
    let distilled = world.kolm(&["distill", "--namespace", "default", "--out", out.to_str().unwrap()]);
    assert!(stderr(&distilled).contains("K0931"), "no pair is left to train on: {}", stderr(&distilled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_retention_leaves_no_body_anywhere_and_a_receipt() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let budget = "limits = { usd_per_day = 5, tokens_per_minute = 1000000 }";
    let extra =
        format!("[namespaces.default]\n{budget}\n[namespaces.none]\nretention = \"none\"\n{budget}\n");
    let mut world = World::start(fake, &extra).await;
    let canary = "kanarienvogel";
    let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{canary}"}}]}}"#);
    for path in
        ["/v1/chat/completions", "/v1/capture/chat/completions", "/v1/capture/openai/chat/completions"]
    {
        for (name, value) in [
            ("x-kolm-no-store", "1"),
            ("x-kolm-no-store", "true"),
            ("x-kolm-retention", "none"),
            ("x-kolm-zero-retention", "TRUE"),
            ("x-kolm-namespace", "none"),
        ] {
            let post = world.http.post(world.url(path)).bearer_auth("sk-a").header(name, value);
            let reply = post.body(body.clone()).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path} {name}");
            let header = reply.headers()["x-kolm-receipt"].to_str().unwrap();
            assert!(!header.contains("st=none"), "{header}");
        }
    }
    assert_eq!(world.status().await["capture"]["accepted"], 0);
    world.stop().await;
    let settings = kolm_config::Config::embedded(&kolm_config::Outside::bare("/")).unwrap().store;
    let env = kolm_core::Env::fixed(kolm_core::Timestamp(1), 1);
    let (store, handle) = kolm_store::Service::open(&world.data().join("store"), &settings, &env).unwrap();
    handle.each_text(|row| panic!("a row is stored: {} bytes", row.len())).await.unwrap();
    tokio::task::block_in_place(|| store.shutdown());
    assert_eq!(holding(world.dir.path(), canary), Vec::<String>::new());
}
