//! A fake OpenAI: a real HTTP server on port 0 that splits, stalls, breaks off and refuses on demand.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// What a request looked like when it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// How the next reply is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The pieces of the body, each its own write.
    pub(crate) pieces: Vec<Bytes>,
    /// Pause before each piece.
    pub(crate) pause: Duration,
    /// Break the connection off after the pieces instead of ending the body.
    pub(crate) reset: bool,
    /// Pause before the head.
    pub(crate) delay: Duration,
}

impl Reply {
    /// A sized JSON reply.
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            pieces: vec![body.into()],
            pause: Duration::ZERO,
            reset: false,
            delay: Duration::ZERO,
        }
    }

    /// An event stream cut into the given pieces.
    pub(crate) fn stream(pieces: Vec<Bytes>) -> Self {
        Self {
            headers: vec![("content-type", "text/event-stream; charset=utf-8".to_owned())],
            pieces,
            ..Self::json(200, Bytes::new())
        }
    }

    /// Breaks the connection off where the body should end.
    pub(crate) fn then_reset(self) -> Self {
        Self { reset: true, ..self }
    }
}

type Answer = dyn Fn(&str) -> String + Send + Sync;

struct State {
    seen: Mutex<Vec<Seen>>,
    scripted: Mutex<VecDeque<Reply>>,
    answer: Box<Answer>,
    delay: Duration,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct FakeOpenAi {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

impl FakeOpenAi {
    /// A cloud that answers every text with `answer(text)`, after `delay`.
    pub(crate) async fn start(
        delay: Duration,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            seen: Mutex::default(),
            scripted: Mutex::default(),
            answer: Box::new(answer),
            delay,
        });
        let fake = Self { address, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let state = Arc::clone(&state);
                        async move { Ok::<_, Infallible>(respond(&state, request).await) }
                    });
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        fake
    }

    /// The next reply, whatever is asked; several are used in order.
    pub(crate) fn script(&self, reply: Reply) {
        self.state.scripted.lock().unwrap().push_back(reply);
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }
}

async fn respond(state: &State, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
    state.seen.lock().unwrap().push(Seen {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        body: body.clone(),
    });
    let scripted = state.scripted.lock().unwrap().pop_front();
    let reply = scripted.unwrap_or_else(|| completion(state, &body));
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    build(reply)
}

/// An ordinary chat completion, streamed where asked.
fn completion(state: &State, body: &[u8]) -> Reply {
    let Ok(request) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Reply::json(200, "{\"object\":\"list\",\"data\":[]}");
    };
    let text = request["messages"].as_array().and_then(|m| m.last()).and_then(|m| m["content"].as_str());
    let label = (state.answer)(text.unwrap_or_default());
    let meta = kolm_wire::reply::Meta {
        id: "chatcmpl-fake0000000000000000000000000".to_owned(),
        created: 1_790_000_000,
        model: "gpt-4o-mini-2024-07-18".to_owned(),
        fingerprint: "fp_fake".to_owned(),
    };
    let answers = [kolm_wire::reply::Answer { text: label, finish: "stop", tokens_out: 3 }];
    let reply = if request["stream"] == true {
        let frames =
            kolm_wire::reply::stream(&meta, &answers, 12, request["stream_options"]["include_usage"] == true);
        Reply::stream(frames.into_iter().map(Bytes::from).collect())
    } else {
        Reply::json(200, kolm_wire::reply::completion(&meta, &answers, 12))
    };
    Reply { delay: state.delay, ..reply }
}

fn build(reply: Reply) -> Response<Body> {
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in &reply.headers {
        response = response.header(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    if let [piece] = reply.pieces.as_slice()
        && !reply.reset
    {
        return response
            .body(Full::new(piece.clone()).map_err(|never| match never {}).boxed_unsync())
            .unwrap();
    }
    let pause = reply.pause;
    let end = reply.reset.then(|| Err(std::io::Error::other("scripted reset")));
    let pieces = futures_util::stream::iter(reply.pieces.into_iter().map(Ok).chain(end));
    let frames = pieces.then(move |piece| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        piece.map(Frame::data)
    });
    response.body(StreamBody::new(frames).boxed_unsync()).unwrap()
}
