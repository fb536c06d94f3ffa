//! The official OpenAI client from PyPI against `kolm up` and `kolm serve`: only `base_url` changes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::fake::FakeOpenAi;
use crate::students;
use crate::world::World;

/// Runs `tests/conformance/NAME` with the client's Python.
pub(crate) async fn python<const N: usize>(name: &str, args: [String; N]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let interpreter = root.join(".deps/python/bin/python");
    assert!(interpreter.exists(), "the OpenAI client is missing: run scripts/setup test (make test does)");
    let script = root.join("tests/conformance").join(name);
    let run = tokio::task::spawn_blocking(move || {
        Command::new(interpreter).arg(script).args(args).output().unwrap()
    });
    let output = run.await.unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("all checks passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_works_through_the_gateway() {
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "greeting".to_owned()).await;
    let world = World::start(fake, "").await;
    python("client.py", [world.url("/v1"), "gpt-4o-mini".to_owned()]).await;
    python("client.py", [world.url("/v1/capture"), "gpt-4o-mini".to_owned()]).await;
    python("client.py", [world.url("/v1/capture/openai"), "gpt-4o-mini".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_asynchronous_client_asks_much_at_once() {
    let fake = FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await;
    let world = World::start(fake, "").await;
    for protocol in ["h1", "h2"] {
        python("asynchronous.py", [world.url("/v1"), protocol.to_owned()]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_works_against_a_served_student() {
    let dir = tempfile::tempdir().unwrap();
    let artifact = students::distill(dir.path());
    let server = students::Server::start(&artifact, dir.path()).await;
    python("client.py", [server.url("/v1"), "student.kolm".to_owned()]).await;
    python("serve.py", [server.url("/v1"), "student.kolm".to_owned()]).await;
}
