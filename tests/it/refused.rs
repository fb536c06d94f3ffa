//! HTTP/2 upstreams that do not look at a request, or fall silent: asked again where that is safe, and not used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use tokio::net::{TcpListener, TcpStream};

use crate::differential::origin::{acceptor, pem};
use crate::fake::FakeOpenAi;
use crate::world::World;

const CHAT: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;

/// How often each path was asked for.
type Asked = Arc<Mutex<HashMap<String, usize>>>;

/// An upstream that refuses the first stream of every path, and whose first connection never answers `?hung`.
async fn upstream() -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Asked::default();
    let all = Arc::clone(&asked);
    tokio::spawn(async move {
        for connection in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(socket, connection, Arc::clone(&all)));
        }
    });
    (port, asked)
}

async fn serve(socket: TcpStream, connection: usize, asked: Asked) {
    let socket = acceptor().accept(socket).await.unwrap();
    let mut streams = h2::server::handshake(socket).await.unwrap();
    let mut held = Vec::new();
    while let Some(Ok((request, mut respond))) = streams.accept().await {
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let times = {
            let mut asked = asked.lock().unwrap();
            let times = asked.entry(path.clone()).or_default();
            *times += 1;
            *times
        };
        let silent = path.contains("hung");
        if silent && connection == 0 {
            held.push((request, respond));
        } else if !silent && times == 1 {
            respond.send_reset(Reason::REFUSED_STREAM);
        } else {
            tokio::spawn(async move { answer(request.into_body(), &mut respond).await });
        }
    }
}

async fn answer(mut body: h2::RecvStream, respond: &mut SendResponse<Bytes>) {
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).unwrap();
    }
    let head = hyper::Response::builder().header("content-type", "application/json").body(()).unwrap();
    respond.send_response(head, false).unwrap().send_data(Bytes::from_static(b"{}"), true).unwrap();
}

async fn world(port: u16) -> World {
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let modern = format!(
        "[upstreams.modern]\nbase_url = \"https://localhost:{port}/v1\"\nextra_ca = \"{}\"\n\
         [upstreams.modern.timeouts]\nfirst_byte = \"1s\"\nidle = \"1s\"\n",
        pem("authority.pem").display()
    );
    World::start(fake, &modern).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_not_looked_at_is_asked_for_again() {
    let (port, asked) = upstream().await;
    let world = world(port).await;
    for (method, path) in [("GET", "models"), ("POST", "files"), ("POST", "chat/completions")] {
        let url = world.url(&format!("/v1/capture/modern/{path}"));
        let request = world.http.request(method.parse().unwrap(), url).bearer_auth("sk-caller");
        let request = if method == "POST" { request.body(CHAT) } else { request };
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 200, "{method} {path}");
        assert_eq!(reply.headers().get_all("x-kolm-receipt").iter().count(), 1);
        assert_eq!(asked.lock().unwrap()[&format!("/v1/{path}")], 2, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_fell_silent_is_not_used_again() {
    for path in ["chat/completions?hung", "files?hung"] {
        let (port, asked) = upstream().await;
        let world = world(port).await;
        for status in [504, 200] {
            let url = world.url(&format!("/v1/capture/modern/{path}"));
            let reply = world.http.post(url).bearer_auth("sk-caller").body(CHAT).send().await.unwrap();
            assert_eq!(reply.status(), status, "{path}");
        }
        assert_eq!(asked.lock().unwrap()[&format!("/v1/{path}")], 2);
    }
}
