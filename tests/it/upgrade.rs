//! A new binary takes over under load: no request fails, none is answered without its receipt, none is stored twice,
//! and what every one of them has spent is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::fake::{FakeOpenAi, Reply};
use crate::world::{World, stderr, until};

/// Callers that keep their connections, each until `enough`.
async fn call(url: String, enough: Arc<AtomicBool>, answered: Arc<AtomicU64>) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}"#;
    let mut receipts = Vec::new();
    while !enough.load(Ordering::Relaxed) {
        let reply = http.post(&url).bearer_auth("sk-test").body(body).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        receipts.push(reply.headers()["x-kolm-receipt"].to_str().unwrap().to_owned());
        reply.bytes().await.unwrap();
        answered.fetch_add(1, Ordering::Relaxed);
    }
    receipts
}

/// An account that counts what is spent and refuses nobody; an answer costs [`COST`].
const LIMITED: &str = "[namespaces.default.limits]\nusd_per_month = 1000\ntokens_per_minute = 100000000\n\
                       [upstreams.openai.prices.\"gpt-4o-mini\"]\ninput = 1\noutput = 10\n";
/// 12 tokens read and 3 written, in µUSD.
const COST: i64 = 42;

/// A stream of some seconds that says at its end what it used.
fn long_answer() -> Vec<Bytes> {
    let meta = kolm_wire::reply::Meta {
        id: "chatcmpl-long".to_owned(),
        created: 1_790_000_000,
        model: "gpt-4o-mini".to_owned(),
        fingerprint: "fp_fake".to_owned(),
    };
    let answers = [kolm_wire::reply::Answer { text: "late".to_owned(), finish: "stop", tokens_out: 3 }];
    let frames = kolm_wire::reply::stream(&meta, &answers, 12, true).into_iter().map(Bytes::from);
    std::iter::repeat_n(Bytes::from_static(b": wait\n\n"), 60).chain(frames).collect()
}

/// What the account has spent, as it is on disk.
fn spent(world: &World) -> i64 {
    let file = world.data().join("run/spend.json");
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    kept["accounts"]["namespace:default"]["month_musd"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_process_takes_over_under_load() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let mut world = World::start(fake, LIMITED).await;
    let pieces = long_answer();
    let whole = pieces.concat();
    world.fake.script(Reply { pause: Duration::from_millis(100), ..Reply::stream(pieces) });
    let mut stream = world.ask("a long answer").await;
    let stream_receipt = stream.headers()["x-kolm-receipt"].to_str().unwrap().to_owned();
    let stream = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(piece) = stream.chunk().await.unwrap() {
            all.extend_from_slice(&piece);
        }
        all
    });
    let (enough, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let url = world.url("/v1/chat/completions");
    let callers: Vec<_> =
        (0..4).map(|_| tokio::spawn(call(url.clone(), Arc::clone(&enough), Arc::clone(&answered)))).collect();
    let past = |n: u64| {
        let answered = Arc::clone(&answered);
        async move { (answered.load(Ordering::Relaxed) >= n).then_some(()) }
    };
    until("some answers", || past(50)).await;
    let address = world.listen();

    let mut old = world.upgrade().await;
    assert_eq!(world.listen(), address, "the same socket");
    let so_far = answered.load(Ordering::Relaxed);
    until("answers of the new process", || past(so_far + 200)).await;
    assert_eq!(stream.await.unwrap(), whole, "the stream of the old process runs to its end");
    let ended = until("the end of the old process", || {
        let ended = old.try_wait().unwrap();
        async move { ended }
    })
    .await;
    assert!(ended.success(), "{}", world.log());
    until("answers after that", || past(so_far + 300)).await;
    enough.store(true, Ordering::Relaxed);
    let mut receipts = vec![stream_receipt];
    for caller in callers {
        receipts.extend(caller.await.unwrap());
    }

    let total = receipts.len() as u64;
    assert!(receipts.iter().all(|receipt| receipt.contains("st=open")), "every answer has its promise");
    until("every receipt's leaf", || async { (world.in_flight().await == 0).then_some(()) }).await;
    let rows = until("every pair", || async {
        let status = world.status().await;
        let pairs = status["routes"][0]["pairs"].as_u64()?;
        (world.is_settled().await.is_some() && pairs + 1 >= total).then_some(pairs)
    })
    .await;
    assert!(rows <= total, "{rows} rows for {total} answers");
    world.stop().await;
    assert_eq!(spent(&world), total as i64 * COST, "each answer's price, the stream's too");
    let verdict = world.kolm(&["verify", "ledger"]);
    assert!(verdict.status.success(), "{}", stderr(&verdict));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_that_cannot_be_is_refused_and_changes_nothing() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let mut world = World::start(fake, "").await;
    let other = world.dir.path().join("other.toml");
    std::fs::write(&other, "[listen]\naddress = \"127.0.0.1:1\"\n").unwrap();
    let refused = world.kolm(&["up", "--upgrade", "--config", other.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("K0021"), "{}", stderr(&refused));
    assert_eq!(world.ask("hello").await.status(), 200, "nothing has changed");
    world.stop().await;
    let nobody = world.kolm(&["up", "--upgrade"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("K0020"), "{}", stderr(&nobody));
}
