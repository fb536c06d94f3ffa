//! The port as a client sees it, over minds that follow a rule.

use ::http::{Method, Request, Response};
use axum::body::{Body, to_bytes};
use expect_test::{Expect, expect};
use futures_util::StreamExt;
use kolm_core::{ArtifactId, Coded, Env, Timestamp};
use kolm_wire::assemble;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::models::{Mind, Model, Said};
use crate::{Error, Receipts, Service, Settings, ids};

mod student;

const NOW: Timestamp = Timestamp(1_790_000_000_123);

fn rule(text: &str) -> Said {
    let (label, confidence, abstain) = match text {
        t if t.contains("refund") => ("billing refund", 0.9874, None),
        t if t.contains("{}") => ("{\"intent\":\"none\"}", 0.9, None),
        _ => ("other", 0.31, Some("confidence")),
    };
    Said { text: label.to_owned(), confidence, abstain }
}

fn model(id: &str, json: bool) -> Model {
    let identity: ArtifactId = format!("sha256:{}", "0123456789abcdef".repeat(4)).parse().unwrap();
    let fingerprint = ids::fingerprint(&identity);
    Model { id: id.to_owned(), created: 1_700_000_000, fingerprint, identity, json, mind: Mind::Rule(rule) }
}

fn settings() -> Settings {
    Settings {
        aliases: vec![("gpt-4o*".into(), "support.kolm".into())],
        max_body_bytes: 4_096,
        ..Settings::default()
    }
}

pub(crate) fn service(settings: Settings, receipts: Option<Receipts>) -> Service {
    let models = vec![model("support.kolm", false), model("json.kolm", true)];
    Service::over(models, settings, receipts, Env::fixed(NOW, 7)).unwrap()
}

async fn send(service: &Service, request: Request<Body>) -> Response<Body> {
    service.router().oneshot(request).await.unwrap()
}

fn post(body: &Value) -> Request<Body> {
    let request =
        Request::post("/v1/chat/completions").header("content-type", "application/json; charset=utf-8");
    request.body(Body::from(body.to_string())).unwrap()
}

fn ask(text: &str) -> Value {
    json!({"model": "support.kolm", "messages": [{"role": "user", "content": text}]})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn bytes(response: Response<Body>) -> Vec<u8> {
    to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()
}

async fn value(response: Response<Body>) -> Value {
    serde_json::from_slice(&bytes(response).await).unwrap()
}

/// Status, code, param and the header `allow` of an answer to `request`.
async fn check(service: &Service, request: Request<Body>, wanted: &Expect) {
    let response = send(service, request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    assert!(headers["x-request-id"].to_str().unwrap().starts_with("req_01a"), "{headers:?}");
    assert_eq!(headers["openai-version"], "2020-10-01");
    assert!(headers.contains_key("openai-processing-ms"));
    assert_eq!(headers["content-type"], "application/json");
    let allow = headers.get("allow").map(|v| format!(" allow={}", v.to_str().unwrap())).unwrap_or_default();
    let body = value(response).await;
    let error = &body["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{body}");
    wanted.assert_eq(&format!("{status} code={} param={}{allow}", error["code"], error["param"]));
}

#[tokio::test]
async fn a_completion_has_openais_shape() {
    let service = service(settings(), None);
    let response = send(&service, post(&with(ask("my refund?"), json!({"n": 2, "seed": 5})))).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-kolm-confidence"], "0.987");
    assert_eq!(response.headers()["x-kolm-artifact"], format!("sha256:{}", "0123456789abcdef".repeat(4)));
    assert!(!response.headers().contains_key("x-kolm-receipt"), "the gateway gives the receipt");
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let body = bytes(response).await;
    assert_eq!(body.len(), length);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["created"], 1_790_000_000);
    assert_eq!(body["model"], "support.kolm");
    assert!(body["id"].as_str().unwrap().strip_prefix("chatcmpl-").unwrap().len() == 29);
    assert!(body["system_fingerprint"].as_str().unwrap().strip_prefix("fp_").unwrap().len() == 10);
    for index in 0..2 {
        let choice = &body["choices"][index];
        assert_eq!(choice["index"], index);
        assert_eq!(
            choice["message"],
            json!({"role": "assistant", "content": "billing refund", "refusal": null})
        );
        assert_eq!(choice["finish_reason"], "stop");
        assert!(choice.as_object().unwrap().contains_key("logprobs"));
    }
    assert_eq!(body["usage"]["prompt_tokens"], 2);
    assert_eq!(body["usage"]["completion_tokens"], 4);
    assert_eq!(body["usage"]["total_tokens"], 6);
}

#[tokio::test]
async fn a_stream_says_what_the_body_says() {
    for more in [json!({}), json!({"max_tokens": 1}), json!({"stop": ["refund"]}), json!({"n": 3})] {
        let body = with(ask("refund"), more.clone());
        let whole = value(send(&service(settings(), None), post(&body)).await).await;
        let stream = with(body, json!({"stream": true, "stream_options": {"include_usage": true}}));
        let response = send(&service(settings(), None), post(&stream)).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let mut writes = response.into_body().into_data_stream();
        let mut sent = Vec::new();
        while let Some(write) = writes.next().await {
            let write = write.unwrap();
            assert!(write.starts_with(b"data: ") && write.ends_with(b"\n\n"), "one frame a write");
            sent.extend_from_slice(&write);
        }
        let assembled = assemble::of_stream(&sent, false);
        assert!(assembled.complete && assembled.done && !assembled.error);
        let streamed: Value = serde_json::from_slice(&assembled.reply).unwrap();
        for key in ["choices", "usage", "id", "created", "model", "system_fingerprint"] {
            assert_eq!(streamed[key], whole[key], "{key} with {more}");
        }
    }
}

#[tokio::test]
async fn limits_and_stops_set_the_finish_reason() {
    for (more, content, finish) in [
        (json!({"max_tokens": 1}), "billing", "length"),
        (json!({"max_completion_tokens": 2, "max_tokens": 9}), "billing refund", "stop"),
        (json!({"stop": "fund"}), "billing re", "stop"),
        (json!({"tools": [], "tool_choice": "auto", "temperature": 0, "foo": 1}), "billing refund", "stop"),
        (json!({"response_format": {"type": "text"}}), "billing refund", "stop"),
    ] {
        let body =
            value(send(&service(settings(), None), post(&with(ask("refund"), more.clone()))).await).await;
        assert_eq!(body["choices"][0]["message"]["content"], content, "{more}");
        assert_eq!(body["choices"][0]["finish_reason"], finish, "{more}");
    }
}

#[tokio::test]
async fn what_cannot_be_promised_is_refused() {
    let service = service(settings(), None);
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    let forced = json!({"type": "function", "function": {"name": "f"}});
    let schema = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}});
    let cases = [
        (
            json!({"tools": tool, "tool_choice": "required"}),
            expect![[r#"400 code="unsupported_value" param="tool_choice""#]],
        ),
        (
            json!({"tools": tool, "tool_choice": forced}),
            expect![[r#"400 code="unsupported_value" param="tool_choice""#]],
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            expect![[r#"400 code="unsupported_value" param="response_format""#]],
        ),
        (
            json!({"response_format": schema}),
            expect![[r#"400 code="unsupported_value" param="response_format""#]],
        ),
        (json!({"n": 0}), expect![[r#"400 code=null param="n""#]]),
        (json!({"messages": []}), expect![[r#"400 code=null param="messages""#]]),
        (json!({"model": "nope.kolm"}), expect![[r#"404 code="model_not_found" param="model""#]]),
    ];
    for (more, wanted) in cases {
        check(&service, post(&with(ask("refund"), more)), &wanted).await;
    }
    let object = with(ask("{}"), json!({"model": "json.kolm", "response_format": {"type": "json_object"}}));
    let body = value(send(&service, post(&object)).await).await;
    assert_eq!(body["choices"][0]["message"]["content"], "{\"intent\":\"none\"}");
}

#[tokio::test]
async fn paths_methods_and_bodies_are_judged_in_turn() {
    let service = service(settings(), None);
    let bare =
        |method: &str, path: &str| Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let typed = |kind: &str, body: Body| {
        Request::post("/v1/chat/completions").header("content-type", kind).body(body).unwrap()
    };
    let long = || "x".repeat(5_000);
    let chunked = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(long())]));
    let declared = Request::post("/v1/chat/completions").header("content-type", "application/json");
    let declared = declared.header("content-length", "5000").body(Body::empty()).unwrap();
    let cases = [
        (bare("POST", "/v1/embeddings"), expect![[r#"404 code="unknown_url" param=null"#]]),
        (bare("GET", "/"), expect![[r#"404 code="unknown_url" param=null"#]]),
        (bare("GET", "/v1/chat/completions"), expect!["405 code=null param=null allow=POST"]),
        (bare("QUERY", "/v1/models"), expect!["405 code=null param=null allow=GET, HEAD"]),
        (bare("PATCH", "/v1/models/x"), expect!["405 code=null param=null allow=DELETE, GET, HEAD"]),
        (bare("GET", "/v1/models/x"), expect![[r#"404 code="model_not_found" param="model""#]]),
        (bare("DELETE", "/v1/models/x"), expect![[r#"404 code="model_not_found" param="model""#]]),
        (bare("DELETE", "/v1/models/gpt-4o"), expect![[r#"403 code="permission_denied" param=null"#]]),
        (typed("text/plain", Body::from("{}")), expect!["415 code=null param=null"]),
        (typed("application/json", Body::from("{")), expect!["400 code=null param=null"]),
        (typed("application/json", Body::from(long())), expect!["413 code=null param=null"]),
        (typed("application/json", chunked), expect!["413 code=null param=null"]),
        (declared, expect!["413 code=null param=null"]),
    ];
    for (request, wanted) in cases {
        check(&service, request, &wanted).await;
    }
}

#[tokio::test]
async fn keys_are_asked_for_where_there_are_keys() {
    let service = service(Settings { api_keys: vec!["k1".into(), "k2".into()], ..settings() }, None);
    let models = |key: Option<&str>| {
        let request = Request::get("/v1/models");
        let request = match key {
            Some(key) => request.header("authorization", key),
            None => request,
        };
        request.body(Body::empty()).unwrap()
    };
    for key in [None, Some("Bearer k3"), Some("Bearer"), Some("Basic k1"), Some("Bearer k1k2")] {
        check(&service, models(key), &expect![[r#"401 code="invalid_api_key" param=null"#]]).await;
    }
    for key in ["Bearer k1", "bearer k2"] {
        assert_eq!(send(&service, models(Some(key))).await.status(), 200, "{key}");
    }
    let health = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(send(&service, health).await.status(), 200);
}

#[tokio::test]
async fn models_are_listed_and_aliases_answer() {
    let service = service(settings(), None);
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let list = value(send(&service, get("/v1/models")).await).await;
    let entry = |id: &str| json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "kolm"});
    assert_eq!(list, json!({"object": "list", "data": [entry("json.kolm"), entry("support.kolm")]}));
    let one = value(send(&service, get("/v1/models/gpt-4o-mini")).await).await;
    assert_eq!(one, entry("gpt-4o-mini"));
    let head = Request::builder().method(Method::HEAD).uri("/v1/models").body(Body::empty()).unwrap();
    let head = send(&service, head).await;
    assert_ne!(head.headers()["content-length"], "0");
    assert!(bytes(head).await.is_empty());
    let body = with(ask("refund"), json!({"model": "gpt-4o-mini"}));
    let body = value(send(&service, post(&body)).await).await;
    assert_eq!(body["model"], "support.kolm");
}

#[tokio::test]
async fn only_the_gateway_hears_an_abstention() {
    let service = service(settings(), None);
    let plain = value(send(&service, post(&ask("weather"))).await).await;
    assert_eq!(plain["choices"][0]["message"]["content"], "other");
    let mut asked = post(&with(ask("weather"), json!({"stream": true})));
    asked.headers_mut().insert("x-kolm-cascade", "1".parse().unwrap());
    let response = send(&service, asked).await;
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()["x-kolm-abstain"], "confidence");
    assert_eq!(response.headers()["x-kolm-confidence"], "0.310");
    assert_eq!(value(response).await["error"]["code"], "abstained");
    let mut sure = post(&ask("refund"));
    sure.headers_mut().insert("x-kolm-cascade", "1".parse().unwrap());
    assert_eq!(send(&service, sure).await.status(), 200);
}

#[tokio::test]
async fn without_room_the_answer_is_503() {
    let service = service(Settings { concurrency: 1, ..settings() }, None);
    let held = service.0.room.clone().try_acquire_owned().unwrap();
    check(&service, post(&ask("refund")), &expect![[r#"503 code="overloaded" param=null"#]]).await;
    let response = send(&service, post(&ask("refund"))).await;
    assert_eq!(response.headers()["retry-after"], "1");
    drop(held);
    assert_eq!(send(&service, post(&ask("refund"))).await.status(), 200);
}

#[tokio::test]
async fn the_same_request_at_the_same_moment_gives_the_same_bytes() {
    let body = with(ask("refund"), json!({"stream": true}));
    let first = bytes(send(&service(settings(), None), post(&body)).await).await;
    assert_eq!(first, bytes(send(&service(settings(), None), post(&body)).await).await);
}

#[tokio::test]
async fn every_answer_has_a_receipt_and_every_receipt_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, handle, _) = kolm_receipts::Ledger::open(dir.path(), "node", &Env::fixed(NOW, 9)).unwrap();
    let receipts = Receipts { ledger: handle.clone(), namespace: "default".parse().unwrap() };
    let service = service(Settings { api_keys: vec!["k".into()], ..settings() }, Some(receipts));
    let keyed = |mut request: Request<Body>| {
        request.headers_mut().insert("authorization", "Bearer k".parse().unwrap());
        request
    };
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let stream = with(ask("refund"), json!({"stream": true}));
    for (request, status, art, state) in [
        (keyed(post(&ask("refund"))), 200, "sha256:", "st=open"),
        (keyed(post(&stream)), 200, "sha256:", "st=open"),
        (keyed(post(&json!({}))), 400, "none", "st=open"),
        (keyed(get("/v1/models")), 200, "none", "st=open"),
        (keyed(get("/v1/nope")), 404, "none", "st=open"),
        (get("/v1/models"), 401, "none", "st=none"),
    ] {
        let response = send(&service, request).await;
        assert_eq!(response.status().as_u16(), status);
        let header = response.headers()["x-kolm-receipt"].to_str().unwrap().to_owned();
        assert!(
            header.starts_with("kr1;") && header.contains("rt=local") && header.contains(state),
            "{header}"
        );
        assert!(header.contains(art), "{header}");
        drop(bytes(response).await);
    }
    let left = send(&service, keyed(post(&stream))).await;
    drop(left);
    ledger.shutdown();
    let stats = handle.stats();
    assert_eq!((stats.opens, stats.closes, stats.none), (6, 6, 0));
}

#[tokio::test]
async fn a_bound_port_serves_until_it_is_stopped() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let client = async move {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        stop.send(()).unwrap();
        answer
    };
    let run = service(settings(), None).run(listener, async move { drop(stopped.await) });
    let ((), answer) = tokio::join!(run, client);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\"owned_by\":\"kolm\"}]}"), "{answer}");
}

#[test]
fn a_port_that_cannot_open_says_why() {
    let over = |models: Vec<Model>, aliases: Vec<(String, String)>| {
        let settings = Settings { aliases, ..Settings::default() };
        Service::over(models, settings, None, Env::fixed(NOW, 7)).err().unwrap()
    };
    let alias = vec![("gpt*".to_owned(), "gone.kolm".to_owned())];
    let load =
        Error::Load { id: "a.kolm".into(), source: kolm_model::Error::Missing { what: "labels".into() } };
    for (error, code) in [
        (over(vec![], vec![]), "K0701"),
        (over(vec![model("a", false), model("a", false)], vec![]), "K0702"),
        (load, "K0703"),
        (over(vec![model("a", false)], alias), "K0704"),
    ] {
        assert_eq!(error.code().to_string(), code);
        assert!(error.hint().is_some());
    }
}
