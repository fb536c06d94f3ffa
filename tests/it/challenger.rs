//! A newer student beside the one that serves: trained while that one answers clients, put to the same questions, and in
//! its place once it has shown to be better.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use kolm_core::{RouteStatus, Stage, Status};

use crate::fake::FakeOpenAi;
use crate::students;
use crate::world::{World, until};

/// What people begin to ask once the first student serves; the teacher calls it `fraud`.
const NEW: [&str; 4] = [
    "somebody used my card in lisbon",
    "an unknown payment stands on my statement",
    "i was charged by a shop i never visited",
    "a stranger took money with my card",
];
/// Every so many-th question is a new one.
const RARE: usize = 8;

fn route(every: u64, dwell: &str) -> String {
    format!(
        r#"
[[routes]]
name = "support"
model = "gpt-4o-mini"
[routes.distill]
enabled = true
min_pairs = 560
every = {every}
branches = "ngram"
[routes.gate]
latency_budget = "20s"
min_wall = "0s"
unit_idle = "100ms"
[routes.shadow]
rate = 1.0
[routes.canary]
enabled = true
steps = [100, 500, 10000]
dwell = "{dwell}"
cooldown = "1h"
"#
    )
}

/// A gateway under traffic.
struct Traffic {
    world: World,
    texts: Vec<String>,
    sent: AtomicUsize,
    /// From when on every eighth question is a new one.
    changed: usize,
}

impl Traffic {
    async fn start() -> Self {
        let answers: BTreeMap<_, _> = students::task(600).into_iter().collect();
        let texts = answers.keys().cloned().collect();
        let answer = move |text: &str| answers.get(text).cloned().unwrap_or_else(|| "fraud".to_owned());
        let fake = FakeOpenAi::start(Duration::from_millis(5), answer).await;
        let world = World::start(fake, &route(1_000_000, "1h")).await;
        Self { world, texts, sent: AtomicUsize::new(0), changed: usize::MAX }
    }

    fn text(&self, n: usize) -> String {
        let usual = &self.texts[n * 7 % self.texts.len()];
        match n >= self.changed && n.is_multiple_of(RARE) {
            true => format!("{} {}", NEW[n / RARE % NEW.len()], usual.rsplit(' ').next().unwrap()),
            false => usual.clone(),
        }
    }

    /// Asks once, in a conversation of its own; the artifact that answered, `none` for the teacher.
    async fn ask(&self) -> String {
        let n = self.sent.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::json!({
            "model": "gpt-4o-mini",
            "messages": [{ "role": "user", "content": self.text(n) }],
        });
        let post = self.world.http.post(self.world.url("/v1/chat/completions")).bearer_auth("sk-test");
        let reply = post.header("x-kolm-conversation", format!("c-{n}")).json(&body).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        let receipt = reply.headers()["x-kolm-receipt"].to_str().unwrap().to_owned();
        let reply: serde_json::Value = reply.json().await.unwrap();
        assert!(reply["choices"][0]["message"]["content"].is_string(), "{reply}");
        receipt.split("art=").nth(1).unwrap().split(';').next().unwrap().trim_matches('"').to_owned()
    }

    /// Asks so often; who answered how many.
    async fn send(&self, count: usize) -> BTreeMap<String, usize> {
        let mut answered = BTreeMap::new();
        for _ in 0..count / 8 {
            for artifact in join_all((0..8).map(|_| self.ask())).await {
                *answered.entry(artifact).or_default() += 1;
            }
        }
        answered
    }

    async fn status(&self) -> RouteStatus {
        let status: Status = serde_json::from_value(self.world.status().await).unwrap();
        status.routes.into_iter().next().unwrap()
    }

    /// Sends until the route is as wanted.
    async fn until(&self, what: &str, done: impl Fn(&RouteStatus) -> bool) -> RouteStatus {
        until(what, || async {
            self.send(80).await;
            let route = self.status().await;
            done(&route).then_some(route)
        })
        .await
    }

    fn said(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.world.kolm(args);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn configure(&self, every: u64, dwell: &str) {
        let file = self.world.dir.path().join("gateway.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let head = text.split("\n[[routes]]").next().unwrap().to_owned();
        std::fs::write(&file, head + &route(every, dwell)).unwrap();
        assert_eq!(self.said(&["config", "reload"]).0, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_better_student_takes_the_place_of_the_one_that_serves() {
    let mut traffic = Traffic::start().await;
    let first = traffic.until("the first student at 1 %", |route| route.stage.weight().0 == 100).await;
    // The floors hold for people too: units of the step, and the ledger's leaf of the step before.
    until("a step more", || async {
        traffic.send(80).await;
        let asked = traffic.said(&["rollout", "promote", "support", "-m", "room for a challenger"]);
        (asked.0 == Some(0)).then_some(())
    })
    .await;
    traffic.until("5 % once the ledger has its leaf", |route| route.weight.0 == 500).await;

    // What people ask changes; the student in service is trained anew, and stays.
    traffic.changed = traffic.sent.load(Ordering::Relaxed);
    traffic.send(480).await;
    traffic.configure(100, "1h");
    let route = traffic
        .until("a challenger that serves", |route| {
            assert_eq!((route.weight.0, &route.artifact), (500, &first.artifact), "{}", route.sentence);
            route.challenger.as_ref().is_some_and(|challenger| challenger.weight.0 == 100)
        })
        .await;
    let challenger = route.challenger.unwrap();
    let (proven, bar) = (challenger.k.k.unwrap().lcb, challenger.champion.unwrap());
    assert!(challenger.attempt == 2 && proven >= bar, "{proven} {bar}");
    let (old, new) = (first.artifact.unwrap(), challenger.artifact);
    let both =
        |answered: &BTreeMap<String, usize>| [&old, &new].iter().all(|a| answered.contains_key(a.as_str()));
    until("answers of both students", || async { both(&traffic.send(400).await).then_some(()) }).await;

    // The trial outlives the process.
    traffic.world.kill();
    traffic.world.restart().await;
    let again = traffic.status().await;
    assert_eq!(again.challenger.map(|own| (own.artifact, own.weight.0)), Some((new.clone(), 100)));

    traffic.configure(1_000_000, "0s");
    let route = traffic.until("the succession", |route| route.artifact.as_ref() == Some(&new)).await;
    assert_eq!((route.stage, route.attempt, route.challenger), (Stage::Full, 2, None), "{}", route.sentence);
    until("answers of the new student alone", || async {
        let answered = traffic.send(80).await;
        (answered.get(new.as_str()) >= Some(&60) && !answered.contains_key(old.as_str())).then_some(())
    })
    .await;
    let (_, history) = traffic.said(&["rollout", "history", "support"]);
    for line in [
        "distill at 5 %",
        "challenger challenge at 0 %",
        "challenger promote from 0 % to 1 %",
        "challenger succeed",
    ] {
        assert!(history.contains(line), "{line}: {history}");
    }
    traffic.world.stop().await;
}
