//! The fake upstream of the differential test: HTTP/1.1 byte by byte, HTTP/2 over TLS, and the same answers on both.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::plan::{Answer, CASE, Framing, Plan, Seen};
use crate::wire::{self, Fields, Head};

type Plans = Arc<Mutex<HashMap<String, Arc<Plan>>>>;
/// First lines that nobody was to send.
type Strays = Arc<Mutex<Vec<String>>>;

/// The upstream; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Origin {
    /// HTTP/1.1.
    pub(crate) plain: SocketAddr,
    /// HTTP/2 over TLS, as `localhost`.
    pub(crate) secure: SocketAddr,
    plans: Plans,
    strays: Strays,
}

/// A file of this test's own authority, which vouches for `localhost` and for nothing else.
pub(crate) fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/differential/pem").join(name)
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plans = Plans::default();
        let strays = Strays::default();
        let origin = Self {
            plain: plain.local_addr().unwrap(),
            secure: secure.local_addr().unwrap(),
            plans: Arc::clone(&plans),
            strays: Arc::clone(&strays),
        };
        let one = Arc::clone(&plans);
        tokio::spawn(async move {
            while let Ok((socket, _)) = plain.accept().await {
                socket.set_nodelay(true).unwrap();
                tokio::spawn(h1(socket, Arc::clone(&one), Arc::clone(&strays)));
            }
        });
        let acceptor = acceptor();
        tokio::spawn(async move {
            while let Ok((socket, _)) = secure.accept().await {
                socket.set_nodelay(true).unwrap();
                tokio::spawn(tls(socket, acceptor.clone(), Arc::clone(&plans)));
            }
        });
        origin
    }

    /// What the request that names `case` is answered with.
    pub(crate) fn expect(&self, case: &str, answer: Answer) -> Arc<Plan> {
        let plan = Plan::new(answer);
        self.plans.lock().unwrap().insert(case.to_owned(), Arc::clone(&plan));
        plan
    }

    /// The first lines of what came over HTTP/1.1 and was no request of the test's.
    pub(crate) fn strays(&self) -> Vec<String> {
        self.strays.lock().unwrap().clone()
    }

    /// Forgets it.
    pub(crate) fn done(&self, case: &str) {
        self.plans.lock().unwrap().remove(case);
    }
}

pub(crate) fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(pem("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(pem("localhost-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn h1(socket: impl AsyncRead + AsyncWrite, plans: Plans, strays: Strays) {
    let (read, mut write) = tokio::io::split(socket);
    let mut read = BufReader::with_capacity(64 << 10, read);
    while let Ok(Some(head)) = wire::read_head(&mut read).await {
        let plan = head.get(CASE).and_then(|case| plans.lock().unwrap().get(case).cloned());
        let Some(plan) = plan else {
            strays.lock().unwrap().push(head.line);
            let lost = b"HTTP/1.1 500 No Such Case\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(write.write_all(lost).await);
            return;
        };
        plan.begun(seen(&head));
        let answer = &plan.answer;
        let head_only = head.line.starts_with("HEAD ");
        if answer.status == 101 {
            // Pingora tears a WebSocket down whose 101 comes within microseconds (cloudflare/pingora#946).
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if answer.early && say(&mut write, &plan, head_only).await.is_none() {
            return;
        }
        if answer.status == 101 {
            return echo(read, write, &plan).await;
        }
        if head.get("expect").is_some() && write.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() {
            return;
        }
        let framing = (head.chunked(), head.length().or(Some(0)));
        if wire::read_body(&mut read, framing, |part, _| plan.grown(part)).await.is_err() {
            return;
        }
        plan.ended();
        if !answer.early && say(&mut write, &plan, head_only).await.is_none() {
            return;
        }
    }
}

/// The other end of an upgraded connection: sends back what it gets, and leaves after a close frame.
async fn echo(mut read: impl AsyncRead + Unpin, mut write: impl AsyncWrite + Unpin, plan: &Plan) {
    let (_, head) = written(&plan.answer, false).remove(0);
    drop(write.write_all(&head).await);
    let mut buffer = vec![0; 4 << 10];
    while let Ok(n @ 1..) = read.read(&mut buffer).await {
        plan.grown(&buffer[..n]);
        if write.write_all(&buffer[..n]).await.is_err() || buffer[0] == 0x88 {
            break;
        }
    }
    plan.ended();
}

fn seen(head: &Head) -> Seen {
    let mut words = head.line.splitn(2, ' ');
    let method = words.next().unwrap_or_default().to_owned();
    let rest = words.next().unwrap_or_default();
    let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
    Seen { method, target: target.to_owned(), headers: head.fields.clone(), ..Seen::default() }
}

/// Writes the answer; `None` when the connection is to end with it.
async fn say(to: &mut (impl AsyncWrite + Unpin), plan: &Plan, head_only: bool) -> Option<()> {
    if let Some(garbage) = &plan.answer.garbage {
        drop(to.write_all(garbage).await);
        return None;
    }
    let mut left = plan.answer.cut.unwrap_or(usize::MAX);
    for (piece, bytes) in written(&plan.answer, head_only) {
        if let Some(n) = piece {
            plan.leave(n).await;
        }
        let part = &bytes[..bytes.len().min(left)];
        to.write_all(part).await.ok()?;
        left -= part.len();
        if part.len() < bytes.len() || left == 0 {
            return None;
        }
    }
    (plan.answer.framing != Framing::Close).then_some(())
}

/// The answer as writes; those that are pieces of the body say which.
pub(crate) fn written(answer: &Answer, head_only: bool) -> Vec<(Option<usize>, Vec<u8>)> {
    let mut out = Vec::new();
    for (status, fields) in &answer.infos {
        out.push((None, wire::head(&format!("HTTP/1.1 {status} Info"), fields)));
    }
    let mut fields = answer.headers.clone();
    match answer.framing {
        Framing::Sized => fields.push(("content-length".into(), answer.length().to_string().into())),
        Framing::Chunked => fields.push(("transfer-encoding".into(), "chunked".into())),
        Framing::None | Framing::Close => {}
    }
    out.push((None, wire::head(&format!("HTTP/1.1 {} {}", answer.status, answer.reason), &fields)));
    if head_only {
        return out;
    }
    for (n, piece) in answer.pieces.iter().enumerate() {
        let chunked = answer.framing == Framing::Chunked;
        out.push((Some(n), if chunked { wire::chunk(piece) } else { piece.to_vec() }));
    }
    if answer.framing == Framing::Chunked {
        out.push((Some(answer.pieces.len()), wire::last_chunk(&answer.trailers)));
    }
    out
}

/// Whatever the other side speaks, HTTP/2 if it can.
async fn tls(socket: TcpStream, acceptor: TlsAcceptor, plans: Plans) {
    let Ok(socket) = acceptor.accept(socket).await else { return };
    if socket.get_ref().1.alpn_protocol() != Some(b"h2") {
        return h1(socket, plans, Strays::default()).await;
    }
    let service = hyper::service::service_fn(move |request| {
        let plans = Arc::clone(&plans);
        async move { Ok::<_, Infallible>(respond(&plans, request).await) }
    });
    let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    server.auto_date_header(false).max_concurrent_streams(200);
    drop(server.serve_connection(TokioIo::new(socket), service).await);
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

async fn respond(plans: &Plans, request: Request<Incoming>) -> Response<Body> {
    let (head, mut body) = request.into_parts();
    let case = head.headers.get(CASE).and_then(|case| case.to_str().ok()).unwrap_or_default();
    let Some(plan) = plans.lock().unwrap().get(case).cloned() else {
        return Response::builder().status(500).body(Body::default()).unwrap();
    };
    plan.begun(Seen {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: fields(&head.headers),
        ..Seen::default()
    });
    let reader = Arc::clone(&plan);
    let reading = async move {
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(part) = frame.data_ref() {
                reader.grown(part);
            }
        }
        reader.ended();
    };
    if plan.answer.early {
        tokio::spawn(reading);
    } else {
        reading.await;
    }
    answer(plan, head.method == hyper::Method::HEAD)
}

fn answer(plan: Arc<Plan>, head_only: bool) -> Response<Body> {
    let answer = &plan.answer;
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in &answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        response = response.header(name, HeaderValue::from_bytes(value).unwrap());
    }
    if answer.framing == Framing::Sized {
        response = response.header("content-length", answer.length());
    }
    if head_only || answer.pieces.is_empty() && answer.cut.is_none() {
        return response.body(Body::default()).unwrap();
    }
    let trailers = trailers(&answer.trailers);
    let (count, cut) = (answer.pieces.len(), answer.cut.is_some());
    let pieces = futures_util::stream::unfold((plan, 0), move |(plan, n)| {
        let trailers = trailers.clone();
        async move {
            plan.leave(n.min(count)).await;
            let next = match plan.answer.pieces.get(n) {
                Some(piece) => Some(Ok(Frame::data(piece.clone()))),
                None if n == count && cut => Some(Err(std::io::Error::other("cut"))),
                None if n == count && !trailers.is_empty() => Some(Ok(Frame::trailers(trailers))),
                None => None,
            };
            next.map(|next| (next, (plan, n + 1)))
        }
    });
    response.body(StreamBody::new(pieces).boxed_unsync()).unwrap()
}

fn trailers(fields: &Fields) -> HeaderMap {
    let field = |(name, value): &(String, Vec<u8>)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap())
    };
    fields.iter().map(field).collect()
}

/// Fields as bytes.
pub(crate) fn fields(headers: &HeaderMap) -> Fields {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}
