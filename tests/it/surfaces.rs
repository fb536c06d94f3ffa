//! Capture, surface by surface, through the real binary: what is stored, what never is, and one row a request.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::conformance::python;
use crate::fake::{FakeOpenAi, Reply};
use crate::world::{World, until};

/// What the cloud says to each call of `tests/conformance/surfaces.py`, in its order.
mod script;

async fn world(extra: &str) -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await;
    World::start(fake, extra).await
}

/// The id in a reply's receipt.
fn id(reply: &reqwest::Response) -> String {
    let receipt = reply.headers()["x-kolm-receipt"].to_str().unwrap();
    receipt.split("id=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The stored row of a request.
async fn row(world: &World, id: &str) -> Value {
    let url = world.admin_url(&format!("/api/v1/pairs/{id}"));
    until(&format!("a row of {id}"), || async {
        let reply = world.http.get(&url).send().await.unwrap();
        if reply.status() == 200 { reply.json().await.ok() } else { None }
    })
    .await
}

/// A form as a client uploads it.
fn form(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        let file = if *name == "file" { "; filename=\"call of 4111111111111111.mp3\"" } else { "" };
        out += &format!("--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    out + "--XyZ--\r\n"
}

async fn upload(world: &World, path: &str, body: String) -> reqwest::Response {
    let request = world.http.post(world.url(path)).bearer_auth("sk-test");
    let request = request.header("content-type", "multipart/form-data; boundary=XyZ");
    request.body(body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_official_client_assembles_is_stored() {
    let world = world("").await;
    script::replies().into_iter().for_each(|reply| world.fake.script(reply));
    python("surfaces.py", [world.url("/v1"), world.admin_url("")]).await;
    script::replies().into_iter().for_each(|reply| world.fake.script(reply));
    python("surfaces.py", [world.url("/v1"), world.admin_url(""), "h2".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_surface_leaves_an_identifier_on_disk() {
    const CANARIES: [&str; 5] = [
        "canary.owl@corp-mail.com",
        "4111111111111111",
        "sk-proj-Zx8Qm2Lw7Rt4Yp9Kd3Vn6Bc1Hs5Gf0JaTqWe",
        "+49 151 23456789",
        "078-05-1123",
    ];
    let mut world = world("").await;
    let text = format!(
        "I am {}, card {}, key {}, call {}, ssn {}",
        CANARIES[0], CANARIES[1], CANARIES[2], CANARIES[3], CANARIES[4]
    );
    let said = |form: Value| Reply::json(200, form.to_string());
    let response = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "instructions": text,
        "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": [{"token": text}]}]}]});
    let event = format!(
        "event: response.completed\ndata: {}\n\n",
        json!({"type": "response.completed", "response": response})
    );
    let halves = |whole: String| {
        let (one, two) = whole.split_at(whole.len() / 2);
        Reply::stream(vec![Bytes::from(one.to_owned()), Bytes::from(two.to_owned())])
    };
    let done = format!(
        "data: {}\n\n",
        json!({"type": "transcript.text.done", "text": text, "logprobs": [{"token": text}]})
    );
    let verbose = json!({"text": text, "segments": [{"id": 0, "text": text, "speaker": text, "tokens": [1, 2]}], "words": [{"word": CANARIES[0]}], "logprobs": [{"token": text}]});
    let calls = [
        (
            "/v1/chat/completions",
            json!({"model": "m", "user": text, "messages": [{"role": "system", "content": text}, {"role": "user", "content": text}]}),
            said(
                json!({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, "logprobs": {"content": [{"token": text}]}}]}),
            ),
        ),
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}),
            Reply::json(
                400,
                json!({"error": {"message": text, "type": "invalid_request_error", "code": CANARIES[1]}})
                    .to_string(),
            ),
        ),
        (
            "/v1/responses",
            json!({"model": "m", "instructions": text, "input": [{"role": "user", "content": text}, {"type": "function_call_output", "call_id": "c", "output": json!({"card": CANARIES[1]}).to_string()}]}),
            said(response.clone()),
        ),
        ("/v1/responses", json!({"model": "m", "input": text, "stream": true}), halves(event)),
        (
            "/v1/completions",
            json!({"model": "m", "prompt": [text, "b"], "suffix": text}),
            said(
                json!({"object": "text_completion", "choices": [{"text": text, "index": 0, "finish_reason": "stop", "logprobs": {"tokens": [text], "top_logprobs": [{(CANARIES[0]): -1}]}}]}),
            ),
        ),
        (
            "/v1/embeddings",
            json!({"model": "m", "input": [text]}),
            said(
                json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.125, 0.25]}]}),
            ),
        ),
        (
            "/v1/moderations",
            json!({"model": "m", "input": [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": format!("https://x/{}", CANARIES[0])}}]}),
            said(json!({"id": "modr-1", "model": "m", "results": [{"flagged": false}]})),
        ),
    ];
    let mut ids = Vec::new();
    for (path, body, reply) in calls {
        world.fake.script(reply);
        let sent = world.http.post(world.url(path)).bearer_auth("sk-test").json(&body).send().await.unwrap();
        ids.push(id(&sent));
        sent.bytes().await.unwrap();
    }
    let fields = [
        ("model", "whisper-1"),
        ("prompt", text.as_str()),
        ("file", text.as_str()),
        ("known_speaker_names[]", "Jane"),
    ];
    for reply in [
        said(verbose),
        halves(done),
        Reply { headers: vec![("content-type", "text/plain".to_owned())], ..Reply::json(200, text.clone()) },
    ] {
        world.fake.script(reply);
        let sent = upload(&world, "/v1/audio/transcriptions", form(&fields)).await;
        ids.push(id(&sent));
        sent.bytes().await.unwrap();
    }
    for id in &ids {
        let row = row(&world, id).await.to_string();
        for canary in CANARIES.iter().chain(&["Jane", "0.125"]) {
            assert!(!row.contains(canary), "{canary} is stored: {row}");
        }
    }
    world.stop().await;
    assert_nowhere(world.dir.path(), &CANARIES);
}

/// Searches every file below `dir`.
fn assert_nowhere(dir: &Path, canaries: &[&str]) {
    let mut files = 0;
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            if entry.path().is_dir() {
                dirs.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            files += 1;
            for canary in canaries {
                let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
                assert!(!found, "{canary} is in {}", entry.path().display());
            }
        }
    }
    assert!(files > 3, "the data directory was searched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_started_request_has_one_row_that_says_how_it_ended() {
    let world = world("[upstreams.dead]\nbase_url = \"http://127.0.0.1:9/v1\"\n").await;
    let chat =
        json!({"model": "gpt-4o-mini", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let begun = Bytes::from_static(
        b"data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
    );
    let speech = form(&[("model", "whisper-1"), ("file", "sound")]);
    let post = |path: &str| world.http.post(world.url(path)).bearer_auth("sk-test").json(&chat);
    let mut rows = Vec::new();
    let mut broken = Reply::stream(vec![begun.clone()]).then_reset();
    broken.pause = Duration::from_millis(50);

    world.fake.script(Reply::json(500, "<html>no</html>"));
    let reply = post("/v1/chat/completions").send().await.unwrap();
    rows.push((id(&reply), "complete", 500, "http_500", "status"));

    world.fake.script(broken.clone());
    let reply = post("/v1/chat/completions").send().await.unwrap();
    rows.push((id(&reply), "upstream_error", 200, "upstream_error", "incomplete"));
    assert!(reply.bytes().await.is_err());

    let reply = post("/v1/capture/dead/chat/completions").send().await.unwrap();
    rows.push((id(&reply), "upstream_error", 502, "server_error/upstream_unreachable", "status"));

    world.fake.script(broken.clone());
    let reply = upload(&world, "/v1/audio/transcriptions", speech.clone()).await;
    rows.push((id(&reply), "upstream_error", 200, "upstream_error", "incomplete"));
    assert!(reply.bytes().await.is_err());

    let mut slow = Reply::stream(vec![begun; 200]);
    slow.pause = Duration::from_millis(100);
    world.fake.script(slow.clone());
    let mut reply = upload(&world, "/v1/audio/transcriptions", speech).await;
    rows.push((id(&reply), "client_abort", 200, "", "incomplete"));
    reply.chunk().await.unwrap();
    drop(reply);

    for (id, outcome, status, class, reason) in &rows {
        let row = row(&world, id).await;
        let got = (row["outcome"].as_str().unwrap(), row["status"].as_i64().unwrap());
        assert_eq!(got, (*outcome, *status), "{row}");
        assert_eq!((&row["error_class"], &row["reason"]), (&json!(class), &json!(reason)), "{row}");
    }
    let capture = world.status().await["capture"].clone();
    assert_eq!(
        (&capture["accepted"], &capture["stored"]),
        (&json!(rows.len()), &json!(rows.len())),
        "{capture}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_request_that_is_tried_again_the_last_answer_trains() {
    let world = world("").await;
    let ask = |count: &'static str| {
        let body =
            json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "where is my parcel"}]});
        let request = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test").json(&body);
        request.header("x-stainless-retry-count", count).send()
    };
    let first = id(&ask("0").await.unwrap());
    row(&world, &first).await;
    world.fake.script(Reply::json(503, "{}"));
    let second = id(&ask("1").await.unwrap());
    row(&world, &second).await;
    let third = id(&ask("2").await.unwrap());
    let last = row(&world, &third).await;
    assert_eq!((&last["retry_of"], &last["eligible"]), (&json!(second), &json!(true)), "{last}");
    assert_eq!(row(&world, &second).await["retry_of"], json!(first));
    let first = row(&world, &first).await;
    assert_eq!((&first["eligible"], &first["reason"]), (&json!(false), &json!("retry")), "{first}");
    let again = id(&ask("0").await.unwrap());
    let again = row(&world, &again).await;
    assert_eq!((&again["retry_of"], &again["eligible"]), (&json!(""), &json!(true)), "asked anew: {again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capture_paths_capture_where_the_namespace_does_not() {
    let world = world("[namespaces.default]\ncapture = false\n").await;
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let spoken = form(&[("model", "whisper-1"), ("file", "sound")]);
    let bodies = [
        ("chat/completions", chat),
        ("completions", json!({"model": "m", "prompt": "hi"})),
        ("responses", json!({"model": "m", "input": "hi"})),
        ("embeddings", json!({"model": "m", "input": "hi"})),
        ("moderations", json!({"input": "hi"})),
    ];
    let mut wanted = 0;
    for base in ["/v1", "/v1/capture", "/v1/capture/openai", "/v1/capture/openai/v1"] {
        let captured = base != "/v1";
        for (path, body) in &bodies {
            for header in ["x-none", "x-kolm-no-store"] {
                let request = world.http.post(world.url(&format!("{base}/{path}"))).bearer_auth("sk-test");
                let reply = request.header(header, "1").json(body).send().await.unwrap();
                assert_eq!(world.fake.seen().last().unwrap().path, format!("/v1/{path}"));
                if captured && header == "x-none" {
                    row(&world, &id(&reply)).await;
                    wanted += 1;
                }
            }
        }
        let reply = upload(&world, &format!("{base}/audio/transcriptions"), spoken.clone()).await;
        if captured {
            row(&world, &id(&reply)).await;
            wanted += 1;
        }
    }
    let capture = world.status().await["capture"].clone();
    assert_eq!((&capture["accepted"], &capture["stored"]), (&json!(wanted), &json!(wanted)), "{capture}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_found_without_being_named() {
    let extra = "[capture]\nauto_namespaces = true\n[namespaces.default]\n[namespaces.support]\n";
    let world = world(extra).await;
    let ask = |system: &str, namespace: &'static str| {
        let body = json!({"model": "m", "messages": [{"role": "developer", "content": system}, {"role": "user", "content": "hi"}]});
        let request = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test").json(&body);
        request.header("x-kolm-namespace", namespace).send()
    };
    let mut placed = Vec::new();
    for (system, namespace) in [
        ("Sort tickets of shift 7 for ann.owl@corp-mail.com", "nowhere"),
        ("Sort  tickets of shift 8 for bob.fox@corp-mail.com", "nowhere"),
        ("Translate.", "nowhere"),
        ("Translate.", "support"),
        ("", "nowhere"),
    ] {
        let row = row(&world, &id(&ask(system, namespace).await.unwrap())).await;
        placed.push((row["namespace"].as_str().unwrap().to_owned(), row["template_hash"].clone()));
    }
    let auto = |at: usize| placed[at].0.strip_prefix("auto-").is_some_and(|hex| hex.len() == 16);
    assert!(auto(0) && auto(2) && placed[0] == placed[1] && placed[0] != placed[2], "{placed:?}");
    assert_eq!((placed[3].0.as_str(), placed[4].0.as_str()), ("support", "default"));
    assert_eq!(placed[2].1, placed[3].1, "the template is the same in every namespace");
    let templates: Value = world
        .http
        .get(world.admin_url("/api/v1/templates?limit=1"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let most = &templates.as_array().unwrap()[..];
    assert_eq!((most.len(), &most[0]["pairs"]), (1, &json!(2)), "{templates}");
    assert_eq!((&most[0]["namespace"], &most[0]["template_hash"]), (&json!(placed[0].0), &placed[0].1));
}
