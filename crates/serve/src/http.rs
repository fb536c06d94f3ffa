//! One request through the port: path, method, key, body, answer, headers, receipt.

use std::error::Error as _;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use kolm_core::RequestId;
use kolm_wire::error::ApiError;
use kolm_wire::reply::{self, Meta};
use kolm_wire::validate::{self, ChatRequest};
use sha2::{Digest, Sha256};
use tower_http::timeout::TimeoutError;

use crate::chat::{self, Answered, Cascade};
use crate::models::Model;
use crate::paths::{self, Endpoint};
use crate::receipt::{self, Sent, Told};
use crate::{Inner, ids};

const JSON: &str = "application/json";
const STREAM: &str = "text/event-stream; charset=utf-8";

/// Whether a request got as far as being recorded in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Yes,
    /// Refused for its key: counted, not recorded, so that floods cannot grow the log.
    No,
}

/// An answer before it becomes HTTP.
struct Reply {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    frames: Vec<Vec<u8>>,
    told: Told,
    admitted: Admitted,
}

impl Reply {
    fn json(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            kind: JSON,
            headers: Vec::new(),
            frames: vec![body],
            told: Told::default(),
            admitted: Admitted::Yes,
        }
    }

    /// What `HEAD` is told of a `GET`.
    fn without_body(mut self) -> Self {
        let size: usize = self.frames.iter().map(Vec::len).sum();
        self.headers.push(("content-length", size.to_string()));
        self.frames.clear();
        self
    }

    fn error(error: &ApiError) -> Self {
        let retry = error.retry_after().map(|seconds| ("retry-after", seconds.to_string()));
        let admitted = if error.status == 401 { Admitted::No } else { Admitted::Yes };
        Self { status: error.status, headers: Vec::from_iter(retry), admitted, ..Self::json(error.body()) }
    }
}

/// The one handler: every path and method ends here.
pub(crate) async fn serve(State(port): State<Arc<Inner>>, request: Request<Body>) -> Response<Body> {
    let began = port.env.clock.micros();
    let id = RequestId::mint(port.env.clock.now(), &*port.env.entropy);
    let method = request.method().clone();
    let endpoint = format!("{} {}", request.method(), request.uri().path());
    let mut reply = answer(&port, id, request).await;
    reply.told.endpoint = endpoint;
    let took = port.env.clock.micros().saturating_sub(began).div_ceil(1_000);
    if method == Method::HEAD {
        reply = reply.without_body();
    }
    let mut response = finish(&port, id, reply).await;
    let headers = response.headers_mut();
    put(headers, "x-request-id", &ids::request(id));
    put(headers, "openai-processing-ms", &took.to_string());
    put(headers, "openai-version", "2020-10-01");
    response
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Turns an answer into HTTP, with its receipt.
async fn finish(port: &Inner, id: RequestId, reply: Reply) -> Response<Body> {
    let Reply { status, kind, headers, frames, told, admitted } = reply;
    let size: usize = frames.iter().map(Vec::len).sum();
    let mut closing = None;
    let mut receipt = None;
    match (&port.receipts, admitted) {
        (None, _) => {}
        (Some(receipts), Admitted::Yes) => {
            let opened = receipt::open(receipts, &port.env, id, status, told).await;
            receipt = Some(opened.header().to_owned());
            closing = Some(opened);
        }
        (Some(receipts), Admitted::No) => {
            receipt = Some(receipts.ledger.none_header(id, kolm_receipts::Rt::Local, None));
        }
    }
    let mut response = Response::new(Body::from_stream(Sent::new(frames, closing)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if kind == STREAM {
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    } else {
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    for (name, value) in headers.iter().chain(&receipt.map(|value| ("x-kolm-receipt", value))) {
        put(out, name, value);
    }
    response
}

async fn answer(port: &Arc<Inner>, id: RequestId, request: Request<Body>) -> Reply {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Some(endpoint) = paths::find(&path) else {
        return Reply::error(&ApiError::unknown_url(method.as_str(), &path));
    };
    if !endpoint.takes(&method) {
        let mut reply = Reply::error(&ApiError::method_not_allowed(method.as_str(), endpoint.allowed()));
        reply.headers.push(("allow", endpoint.allowed().to_owned()));
        return reply;
    }
    if endpoint != Endpoint::Health && !has_key(&port.settings.api_keys, request.headers()) {
        return Reply::error(&ApiError::invalid_api_key());
    }
    match endpoint {
        Endpoint::Health => Reply::json(br#"{"status":"ok"}"#.to_vec()),
        Endpoint::Models => Reply::json(reply::models(&port.models.list())),
        Endpoint::Model(asked) if method == Method::DELETE => {
            let known = port.models.find(&asked).is_some();
            Reply::error(&if known {
                ApiError::permission_denied()
            } else {
                ApiError::model_not_found(&asked)
            })
        }
        Endpoint::Model(asked) => match port.models.entry(&asked) {
            Some(entry) => Reply::json(reply::model(&entry)),
            None => Reply::error(&ApiError::model_not_found(&asked)),
        },
        Endpoint::Chat => chat(port, id, request).await,
    }
}

/// Whether the bearer is one of the keys, in time that does not tell which; without keys any will do.
fn has_key(keys: &[String], headers: &HeaderMap) -> bool {
    if keys.is_empty() {
        return true;
    }
    let given =
        headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.split_once(' '));
    let Some((scheme, given)) = given else { return false };
    let given = Sha256::digest(given.trim());
    let known = keys.iter().filter(|key| Sha256::digest(key) == given).count();
    scheme.eq_ignore_ascii_case("bearer") && known > 0
}

async fn chat(port: &Arc<Inner>, id: RequestId, request: Request<Body>) -> Reply {
    let cascade = match request.headers().get("x-kolm-cascade") {
        Some(value) if value == "1" => Cascade::Asked,
        Some(_) | None => Cascade::Off,
    };
    let body = match read(request, port.settings.max_body_bytes).await {
        Ok(body) => body,
        Err(error) => return Reply::error(&error),
    };
    let (reply, model) = match validate::chat_request(&body) {
        Ok(checked) => {
            let model = checked.head.model.clone();
            (complete(port, id, checked, cascade).await, model)
        }
        Err(error) => (Err(error), String::new()),
    };
    let mut reply = reply.unwrap_or_else(|error| Reply::error(&error));
    (reply.told.request, reply.told.model) = (body, model);
    reply
}

/// Reads the body, if it is JSON and within the limit.
async fn read(request: Request<Body>, limit: usize) -> Result<Bytes, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    if essence.is_some_and(|essence| !essence.eq_ignore_ascii_case(JSON)) {
        return Err(ApiError::unsupported_media_type());
    }
    let too_large = || ApiError::too_large(limit as u64);
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit as u64) {
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        let causes = || std::iter::successors(error.source(), |&cause| cause.source());
        if causes().any(|cause| cause.is::<LengthLimitError>()) {
            too_large()
        } else if causes().any(|cause| cause.is::<TimeoutError>()) {
            ApiError::too_slow()
        } else {
            ApiError::bad_json()
        }
    })
}

/// Answers a valid request on a thread for CPU work, if there is room.
async fn complete(
    port: &Arc<Inner>,
    id: RequestId,
    request: ChatRequest,
    cascade: Cascade,
) -> Result<Reply, ApiError> {
    let not_found = || ApiError::model_not_found(&request.head.model);
    let position = port.models.find(&request.head.model).ok_or_else(not_found)?;
    let model = port.models.at(position).ok_or_else(not_found)?;
    chat::accept(&request, model)?;
    let permit = port.room.clone().try_acquire_owned().map_err(|_| ApiError::overloaded())?;
    let owned = port.clone();
    let work = move || {
        let _held = permit;
        let answered = owned.models.at(position).map(|model| chat::answer(&request, model, cascade));
        (answered, request)
    };
    let (answered, request) = tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, %id, "a student broke");
        ApiError::internal()
    })?;
    let answered = answered.ok_or_else(ApiError::internal)?;
    Ok(reply_of(id, model, &request, &answered))
}

fn reply_of(id: RequestId, model: &Model, request: &ChatRequest, answered: &Answered) -> Reply {
    let meta = Meta {
        id: ids::completion(id),
        created: id.timestamp().0.div_euclid(1_000),
        model: model.id.clone(),
        fingerprint: model.fingerprint.clone(),
    };
    let (choices, tokens_in) = (&answered.choices, answered.tokens_in);
    let mut reply = match answered.abstained {
        Some(reason) => {
            let mut reply = Reply::error(&ApiError::abstained());
            reply.headers.push(("x-kolm-abstain", reason.to_owned()));
            reply
        }
        None if request.head.stream => {
            let frames = reply::stream(&meta, choices, tokens_in, request.head.include_usage);
            Reply { kind: STREAM, frames, ..Reply::json(Vec::new()) }
        }
        None => Reply::json(reply::completion(&meta, choices, tokens_in)),
    };
    reply.headers.push(("x-kolm-artifact", model.identity.to_string()));
    reply.headers.push(("x-kolm-confidence", format!("{:.3}", answered.confidence)));
    reply.told.artifact = Some(model.identity.clone());
    reply.told.seed = request.seed.map(|seed| seed.to_string()).unwrap_or_default();
    if answered.abstained.is_none() {
        reply.told.tokens = Some((tokens_in, choices.iter().map(|choice| choice.tokens_out).sum()));
        reply.told.finish = choices.first().map(|choice| choice.finish.to_owned()).unwrap_or_default();
    }
    reply
}
