//! The loop: traffic is captured, a student is distilled, proven in the shadow, and takes the route over.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kolm_core::{Stage, Status, Weight};

use crate::fake::FakeOpenAi;
use crate::students;
use crate::world::{World, stderr, until};

const ROUTE: &str = r#"
[[routes]]
name = "support"
model = "gpt-4o-mini"
[routes.distill]
enabled = true
min_pairs = 560
every = 1000000
branches = "ngram"
[routes.gate]
min_wall = "0s"
unit_idle = "100ms"
[routes.shadow]
rate = 1.0
[routes.canary]
enabled = true
dwell = "0s"
cooldown = "1h"
"#;

async fn status(world: &World) -> Status {
    serde_json::from_value(world.status().await).unwrap()
}

/// Sends one text as its own conversation; true if the student answered.
async fn ask(world: &World, text: &str, n: usize) -> bool {
    let body = serde_json::json!({
        "model": "gpt-4o-mini",
        "user": "maria.schmidt4711@mail-clinic.com",
        "messages": [{ "role": "user", "content": text }],
    });
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test");
    let reply = post.header("x-kolm-conversation", format!("c-{n}")).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let local = reply.headers()["x-kolm-receipt"].to_str().unwrap().contains("rt=local");
    let reply: serde_json::Value = reply.json().await.unwrap();
    assert!(reply["choices"][0]["message"]["content"].is_string(), "{reply}");
    local
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_student_takes_the_route_over_and_a_drifting_teacher_takes_it_back() {
    let answers: std::collections::HashMap<_, _> = students::task(600).into_iter().collect();
    let drifted = std::sync::Arc::new(AtomicBool::new(false));
    let drift = std::sync::Arc::clone(&drifted);
    let fake =
        FakeOpenAi::start(Duration::from_millis(20), move |text| match drift.load(Ordering::Relaxed) {
            true => "something else".to_owned(),
            false => answers.get(text).cloned().unwrap_or_else(|| "unknown".to_owned()),
        })
        .await;
    let mut world = World::start(fake, ROUTE).await;
    let task = students::task(600);
    let sent = AtomicUsize::new(0);
    let send = async |count: usize| {
        let mut local = 0;
        for _ in 0..count {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            local += usize::from(ask(&world, &task[n * 7 % task.len()].0, n).await);
        }
        local
    };
    send(600).await;
    until("the student in the shadow", || async {
        let route = status(&world).await.routes.swap_remove(0);
        (route.stage == Stage::Shadow && route.student_up).then_some(())
    })
    .await;
    until("the route at 100 %", || async {
        send(60).await;
        (status(&world).await.routes[0].weight == Weight::FULL).then_some(())
    })
    .await;
    assert!(send(50).await >= 40, "at 100 % the student answers");

    people_ask_and_are_answered(&world);
    people_look_at_what_the_shadow_saw(&world).await;

    // kill -9 of the student: the teacher answers, then the student is back.
    let note = std::fs::read_dir(world.data().join("run/students")).unwrap().next().unwrap().unwrap().path();
    let note = std::fs::read(note).unwrap();
    let pid = serde_json::from_slice::<serde_json::Value>(&note).unwrap()["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    send(30).await;
    until("the student is back", || async { (send(1).await == 1).then_some(()) }).await;

    // The decisions survive a crash of the whole, and can be read after it.
    world.kill();
    let read = |args: &[&str]| {
        let output = world.kolm(args);
        (output.status.code(), serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap())
    };
    let (code, last) = read(&["rollout", "history", "--last", "1", "--json"]);
    assert_eq!((code, &last["kind"]), (Some(0), &"done".into()), "{last}");
    let (code, explained) = read(&["gate", "explain", "support", "--json"]);
    assert_eq!((code, &explained["holds"]), (Some(0), &true.into()), "{explained}");
    assert_eq!(explained["stored"]["sample_root"], explained["sample_root"], "{explained}");
    world.restart().await;
    assert_eq!(status(&world).await.routes[0].stage, Stage::Full);
    until("the student answers after a restart", || async {
        ask(&world, &task[0].0, 1_000_000).await.then_some(())
    })
    .await;

    drifted.store(true, Ordering::Relaxed);
    let n = AtomicUsize::new(2_000_000);
    until("the rollback", || async {
        for _ in 0..40 {
            let n = n.fetch_add(1, Ordering::Relaxed);
            ask(&world, &task[n % task.len()].0, n).await;
        }
        (status(&world).await.routes[0].stage == Stage::Cooldown).then_some(())
    })
    .await;
    assert!(!ask(&world, &task[0].0, 3_000_000).await, "after the rollback the cloud answers");
    world.stop().await;
    raw_identifier_is_nowhere(&world.data());
}

/// A person pauses the route, cannot promote it, lets it go on, and reads what was decided and what was saved.
fn people_ask_and_are_answered(world: &World) {
    let said = |args: &[&str]| {
        let output = world.kolm(args);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let money = said(&["savings", "--json"]).1;
    let money: serde_json::Value = serde_json::from_str(&money).unwrap();
    for key in ["avoided_usd_micros", "local_usd_micros", "invested_usd_micros", "paid_usd_micros"] {
        assert!(money[0][key].as_i64().unwrap() > 0, "{key}: {money}");
    }
    let (code, sentence) = said(&["rollout", "promote", "support", "-m", "further"]);
    assert_eq!(code, Some(2), "{sentence}");
    assert!(sentence.contains("nothing to do"), "{sentence}");
    for args in
        [["rollout", "promote", "nowhere", "-m", "further"], ["rollout", "promote", "support", "-m", ""]]
    {
        let refused = world.kolm(&args);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains("error[K0005]"), "{}", stderr(&refused));
    }
    let (code, history) = said(&["rollout", "history", "support"]);
    assert_eq!(code, Some(0));
    for word in ["distill", "candidate", "promote from 0 % to 1 %", "done from 50 % to 100 %"] {
        assert!(history.contains(word), "{word}: {history}");
    }
    let (code, why) = said(&["gate", "explain", "support"]);
    assert!(code == Some(0) && why.contains("support: done") && why.contains("K "), "{why}");
    let nowhere = world.kolm(&["gate", "explain", "nowhere"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("error[K0013]"), "{}", stderr(&nowhere));
    let last = said(&["rollout", "history", "--last", "1", "--json"]).1;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&last).unwrap()["kind"], "done", "{last}");
}

/// A reviewer reads the diffs of the route, says a word to one, and reads it again.
async fn people_look_at_what_the_shadow_saw(world: &World) {
    let get = async |path: &str| -> serde_json::Value {
        world.http.get(world.admin_url(path)).send().await.unwrap().json().await.unwrap()
    };
    let page = get("/api/v1/routes/support/shadow?verdict=any").await;
    assert!(page["counts"]["same"].as_u64().unwrap() > 100, "{page}");
    assert!(!page.to_string().contains("maria.schmidt4711"), "a raw identifier is shown");
    let id = page["rows"][0]["id"].as_str().unwrap();
    let review = serde_json::json!({ "id": id, "verdict": "edit", "corrected": "refund", "note": "", "reviewer": "ann" });
    let post = world.http.post(world.admin_url("/api/v1/reviews")).bearer_auth(world.token()).json(&review);
    assert!(post.send().await.unwrap().status().is_success());
    let diff = get(&format!("/api/v1/shadow/{id}")).await;
    assert!(diff.to_string().contains("\"edit\"") && diff.to_string().contains("refund"), "{diff}");
}

fn raw_identifier_is_nowhere(dir: &std::path::Path) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            raw_identifier_is_nowhere(&path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(17).any(|window| window == b"maria.schmidt4711");
        assert!(!found, "a raw identifier stands in {}", path.display());
    }
}
