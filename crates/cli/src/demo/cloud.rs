//! A sample cloud: a separate process that speaks the OpenAI schema on loopback and knows one answer per text.
//! It answers after a cloud-like delay, streamed or not, and says the usage that a list price needs.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt as _;
use kolm_core::{Code, Env, Exit};
use kolm_wire::error::ApiError;
use kolm_wire::{chat, reply};

use crate::args::SampleCloud;
use crate::report::{Done, Failure, print_json};

/// The answer to a text that the cloud was not taught.
const UNKNOWN: &str = "unknown";

struct Cloud {
    answers: HashMap<String, String>,
    first_token: Duration,
    served: AtomicU64,
    env: Env,
}

/// Reads `{"text","label"}` lines from stdin until its end, then serves until killed.
pub(crate) fn run(args: &SampleCloud, env: &Env) -> Done {
    let mut answers = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Failure::io("standard input".as_ref(), &error))?;
        let pair: super::Pair = serde_json::from_str(&line).map_err(|error| {
            Failure::new(Code(5), Exit::Usage, error, "one {\"text\",\"label\"} object a line")
        })?;
        answers.insert(pair.text, pair.label);
    }
    let cloud = Arc::new(Cloud {
        answers,
        first_token: Duration::from_millis(args.first_token_ms),
        served: AtomicU64::new(0),
        env: env.clone(),
    });
    crate::runtime()?.block_on(serve(args, cloud))
}

async fn serve(args: &SampleCloud, cloud: Arc<Cloud>) -> Done {
    let bind = |error: std::io::Error| Failure::io("sample cloud".as_ref(), &error);
    let listener = tokio::net::TcpListener::bind(args.address).await.map_err(bind)?;
    print_json(&serde_json::json!({ "listening": listener.local_addr().map_err(bind)?.to_string() }));
    let app = Router::new()
        .route("/v1/chat/completions", post(completions))
        .route("/v1/models", get(models))
        .with_state(cloud);
    axum::serve(listener, app).await.map_err(bind)?;
    Ok(Exit::Ok)
}

async fn models() -> Response {
    let model =
        reply::Model { id: super::MODEL.to_owned(), created: 1_721_172_741, owned_by: "sample".to_owned() };
    json(StatusCode::OK, reply::models(&[model]))
}

async fn completions(State(cloud): State<Arc<Cloud>>, headers: HeaderMap, body: Bytes) -> Response {
    if !headers.contains_key(header::AUTHORIZATION) {
        return refuse(&ApiError::invalid_api_key());
    }
    let (head, question) = match (chat::head(&body), chat::question(&body)) {
        (Ok(head), Ok(question)) => (head, question),
        (Err(error), _) => return refuse(&error),
        (_, Err(_)) => {
            return refuse(&ApiError::unsupported("messages", "the sample cloud answers plain text only"));
        }
    };
    let label = cloud.answers.get(&question.text).map_or(UNKNOWN, String::as_str);
    let n = cloud.served.fetch_add(1, Ordering::Relaxed);
    let meta = reply::Meta {
        id: format!("chatcmpl-sample{n:023}"),
        created: cloud.env.clock.now().0 / 1_000,
        model: format!("{}-2024-07-18", head.model),
        fingerprint: "fp_sample".to_owned(),
    };
    let answer = reply::Answer { text: label.to_owned(), finish: "stop", tokens_out: tokens(label) };
    let tokens_in = 8 + tokens(&question.system) + tokens(&question.text);
    tokio::time::sleep(cloud.first_token).await;
    if head.stream {
        return stream(reply::stream(&meta, &[answer], tokens_in, head.include_usage));
    }
    json(StatusCode::OK, reply::completion(&meta, &[answer], tokens_in))
}

/// About four characters a token, as OpenAI's guide to counting says.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

fn stream(frames: Vec<Vec<u8>>) -> Response {
    let paced = futures_util::stream::iter(frames).then(|frame| async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok::<_, std::convert::Infallible>(Bytes::from(frame))
    });
    let head =
        [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (head, Body::from_stream(paced)).into_response()
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn refuse(error: &ApiError) -> Response {
    json(StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), error.body())
}
