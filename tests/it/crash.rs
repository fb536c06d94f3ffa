//! kill -9 of `kolm up`: no acknowledged capture and no receipt is lost.

use std::time::Duration;

use crate::fake::{FakeOpenAi, Reply};
use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_loses_no_capture_and_no_receipt() {
    let fake = FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await;
    let mut world = World::start(fake, "").await;
    let mut receipts = Vec::new();
    for n in 0..40 {
        let reply = world.ask(&format!("question {n}")).await;
        receipts.push(reply.headers()["x-kolm-receipt"].to_str().unwrap().to_owned());
        assert_eq!(reply.status(), 200);
    }
    let kept = |status: &serde_json::Value| {
        let capture = &status["capture"];
        capture["stored"].as_u64().unwrap() + capture["spooled"].as_u64().unwrap()
    };
    until("40 exchanges stored or spooled", || async { (kept(&world.status().await) == 40).then_some(()) })
        .await;

    let mut hanging = Reply::stream(vec![bytes::Bytes::from_static(b"data: {}\n\n"); 400]);
    hanging.pause = Duration::from_millis(50);
    world.fake.script(hanging);
    let open = world.ask("the last one").await;
    receipts.push(open.headers()["x-kolm-receipt"].to_str().unwrap().to_owned());
    world.kill();
    world.restart().await;

    until("40 pairs in the database", || async {
        (world.status().await["routes"][0]["pairs"] == 40).then_some(())
    })
    .await;
    assert_eq!(world.status().await["ledger"]["lost"], 1, "the open receipt is closed as lost");
    for receipt in &receipts {
        let verified = world.kolm(&["verify", "receipt", receipt]);
        assert!(verified.status.success(), "{receipt}: {}", String::from_utf8_lossy(&verified.stdout));
    }
    world.stop().await;
    let ledger = world.kolm(&["verify", "ledger", "--json"]);
    assert!(ledger.status.success(), "{}", String::from_utf8_lossy(&ledger.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_gateway_on_the_same_directory_is_refused() {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let world = World::start(fake, "").await;
    let config = world.dir.path().join("gateway.toml");
    let second = world.kolm(&["up", "--config", config.to_str().unwrap()]);
    let text = crate::world::stderr(&second);
    assert!(!second.status.success());
    assert!(text.contains("error[K0") && text.contains("hint:"), "{text}");
    assert_eq!(world.ask("still there").await.status(), 200);
}

/// The process whose command line holds all of `words`.
fn process(words: &[&str]) -> Option<String> {
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        words.iter().all(|word| line.contains(word)).then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trainer_killed_with_nine_goes_on_and_no_request_notices() {
    let answers: std::collections::HashMap<String, String> =
        crate::students::task(1_200).into_iter().collect();
    let texts: Vec<String> = answers.keys().cloned().collect();
    let fake = FakeOpenAi::start(Duration::ZERO, move |text| answers[text].clone()).await;
    let route = format!(
        "[[routes]]\nname = \"support\"\n[routes.distill]\nenabled = true\nmin_pairs = {}\nevery = 1000000\n",
        texts.len()
    );
    let world = World::start(fake, &route).await;
    for text in &texts {
        assert_eq!(world.ask(text).await.status(), 200);
    }
    let data = world.data();
    let trainer =
        until("the trainer", || async { process(&["distill", "--snapshot", data.to_str().unwrap()]) }).await;
    assert!(std::process::Command::new("kill").args(["-9", &trainer]).status().unwrap().success());
    until("a student in the shadow", || async {
        assert_eq!(world.ask(&texts[0]).await.status(), 200);
        (world.status().await["routes"][0]["stage"]["at"] == "shadow").then_some(())
    })
    .await;
}
