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
    let run: Value =
        serde_json::from_slice(&std::fs::read(world.data().join("run/up.json")).unwrap()).unwrap();
    let post = world.http.post(world.admin_url("/admin/config/reload"));
    let refused = post.bearer_auth(run["token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let problems = refused.text().await.unwrap();
    assert!(problems.contains("nonsense") && problems.contains("K0102"), "{problems}");
    let status = world.status().await;
    assert_eq!((&status["routes"][0]["route"], &status["config_version"]), (&"support".into(), &2.into()));
    assert_eq!(world.ask("hello").await.status(), 200);

    let stranger = world.http.post(world.admin_url("/admin/config/reload")).send().await.unwrap();
    assert_eq!(stranger.status(), 401, "the admin interface asks for its token");
}
