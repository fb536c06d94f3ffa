//! The client of the differential test: HTTP/1.1 byte by byte, and HTTP/2 without TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderName, HeaderValue};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::origin::fields;
use super::plan::{CASE, Call, Framing, Plan, Reply};
use crate::wire;

/// Which protocol the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    H1,
    H2,
}

/// Sends `call` to `address` and reads the answer to its end, however that comes.
pub(super) async fn ask(
    speaks: Speaks,
    address: SocketAddr,
    call: &Call,
    case: &str,
    plan: &Arc<Plan>,
) -> Reply {
    match speaks {
        Speaks::H1 => h1(address, call, case, plan).await,
        Speaks::H2 => h2(address, call, case, plan).await,
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

async fn h1(address: SocketAddr, call: &Call, case: &str, plan: &Arc<Plan>) -> Reply {
    let (read, mut write) = connect(address).await.into_split();
    let mut fields = vec![("Host".to_owned(), address.to_string().into_bytes())];
    fields.push((CASE.to_owned(), case.as_bytes().to_vec()));
    fields.extend(call.headers.iter().cloned());
    match call.framing {
        Framing::Sized => fields.push(("Content-Length".into(), call.length().to_string().into())),
        Framing::Chunked => fields.push(("Transfer-Encoding".into(), "chunked".into())),
        Framing::None | Framing::Close => {}
    }
    let head = wire::head(&format!("{} {} {}", call.method, call.target, call.version), &fields);
    let sending = async {
        write.write_all(&head).await?;
        let mut sent = 0;
        for piece in &call.pieces {
            let chunked = call.framing == Framing::Chunked;
            let bytes = if chunked { wire::chunk(piece) } else { piece.to_vec() };
            write.write_all(&bytes).await?;
            sent += piece.len();
            if call.lockstep {
                plan.until(|seen| seen.body.len() >= sent).await;
            }
        }
        if call.framing == Framing::Chunked {
            write.write_all(&wire::last_chunk(&Vec::new())).await?;
        }
        std::io::Result::Ok(())
    };
    let mut read = BufReader::with_capacity(64 << 10, read);
    let reading = read_reply(&mut read, call, plan);
    // An answer may come before the request is out, and then the rest of it has no reader.
    tokio::pin!(sending, reading);
    tokio::select! {
        reply = &mut reading => reply,
        _sent = &mut sending => reading.await,
    }
}

async fn read_reply(read: &mut (impl tokio::io::AsyncBufRead + Unpin), call: &Call, plan: &Plan) -> Reply {
    let mut reply = Reply::default();
    let head = loop {
        let Ok(Some(head)) = wire::read_head(read).await else { return Reply::default() };
        let mut words = head.line.splitn(3, ' ').skip(1);
        reply.status = words.next().and_then(|status| status.parse().ok()).unwrap_or(0);
        reply.reason = words.next().unwrap_or_default().to_owned();
        if !(100..200).contains(&reply.status) {
            break head;
        }
        reply.infos.push(reply.status);
    };
    reply.headers = head.fields.clone();
    let none = call.method == "HEAD" || matches!(reply.status, 204 | 304);
    let framing = if none { (false, Some(0)) } else { (head.chunked(), head.length()) };
    let (body, frames) = (&mut reply.body, &mut reply.frames);
    let read = wire::read_body(read, framing, |part, chunk| {
        body.extend_from_slice(part);
        frames.extend(chunk);
        plan.arrived(body.len());
    });
    match read.await {
        Ok(trailers) => (reply.trailers, reply.whole) = (trailers, true),
        Err(_) => reply.whole = false,
    }
    reply
}

async fn h2(address: SocketAddr, call: &Call, case: &str, plan: &Arc<Plan>) -> Reply {
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(connect(address).await))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut request = hyper::Request::builder()
        .method(call.method.as_str())
        .uri(format!("http://{address}{}", call.target))
        .header(CASE, case);
    for (name, value) in &call.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request = request.header(name, HeaderValue::from_bytes(value).unwrap());
    }
    if call.framing == Framing::Sized {
        request = request.header("content-length", call.length());
    }
    let (pieces, lockstep, plan_) = (call.pieces.clone(), call.lockstep, Arc::clone(plan));
    let body = futures_util::stream::unfold((pieces.into_iter(), 0), move |(mut rest, sent)| {
        let plan = Arc::clone(&plan_);
        async move {
            if lockstep {
                plan.until(|seen| seen.body.len() >= sent).await;
            }
            let piece: Bytes = rest.next()?;
            let sent = sent + piece.len();
            Some((Ok::<_, std::io::Error>(Frame::data(piece)), (rest, sent)))
        }
    });
    let mut reply = Reply::default();
    let body = if call.framing == Framing::None {
        http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
    } else {
        StreamBody::new(body).boxed_unsync()
    };
    if let Ok(response) = sender.send_request(request.body(body).unwrap()).await {
        let (head, body) = response.into_parts();
        (reply.status, reply.headers) = (head.status.as_u16(), fields(&head.headers));
        read_frames(body, plan, &mut reply).await;
    }
    drop(sender);
    connection.abort();
    reply
}

async fn read_frames(mut body: hyper::body::Incoming, plan: &Plan, reply: &mut Reply) {
    loop {
        match body.frame().await {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(part) if part.is_empty() => {}
                Ok(part) => {
                    reply.body.extend_from_slice(&part);
                    reply.frames.push(part.len());
                    plan.arrived(reply.body.len());
                }
                Err(frame) => {
                    reply.trailers = frame.into_trailers().map(|map| fields(&map)).unwrap_or_default()
                }
            },
            Some(Err(_)) => return,
            None => {
                reply.whole = true;
                return;
            }
        }
    }
}
