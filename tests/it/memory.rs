//! What the gateway keeps in memory: little for an open stream, and nothing for a request that is over.

use std::net::SocketAddr;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::dice::Dice;
use crate::fake::FakeOpenAi;
use crate::wire;
use crate::world::{World, until};

/// Streams that are open at once, and the most that one may cost the gateway.
const STREAMS: usize = 2_000;
const STREAM_BYTES: usize = 64 << 10;

/// Requests of the mixed load in `make test`; `make memory` sends 100,000.
const REQUESTS: usize = 20_000;
const CALLERS: usize = 16;
/// What may be added after the first third. The ledger's places of the last 65,536 receipts are still filling up then
/// (about 130 bytes each), and the allocator keeps what a burst once took: answers that are drained after their client
/// has left (one stream's memory each), and a capture queue that was full.
const GROWTH: usize = 32 << 20;
/// `memory_limit` of the database, and what everything else may add from the first request to the last: pools, the
/// capture queue, the ledger's places, and what DuckDB takes beside the buffers that it counts.
const DATABASE: usize = 64 << 20;
const REST: usize = 96 << 20;

/// An upstream without delay that answers by path.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            let (read, write) = socket.into_split();
            tokio::spawn(answer(BufReader::new(read), write));
        }
    });
    address
}

const CHAT: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"an answer of some length that says nothing","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":12,"completion_tokens":9,"total_tokens":21}}"#;

fn delta(text: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"gpt-4o-mini\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

async fn answer(mut read: BufReader<OwnedReadHalf>, mut write: OwnedWriteHalf) {
    while let Ok(Some(head)) = wire::read_head(&mut read).await {
        let framing = (head.chunked(), head.length().or(Some(0)));
        let mut body = Vec::new();
        if wire::read_body(&mut read, framing, |part, _| body.extend_from_slice(part)).await.is_err() {
            return;
        }
        let sized = |status: &str, body: &[u8]| {
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            [head.as_bytes(), body].concat()
        };
        let path = head.line.split(' ').nth(1).unwrap_or_default();
        let out = match path {
            "/v1/embeddings" => {
                sized("200 OK", format!("{{\"data\":[{}0]}}", "0.125,".repeat(900)).as_bytes())
            }
            "/v1/moderations" => sized("429 Too Many Requests", b"{\"error\":{\"message\":\"slow\"}}"),
            "/v1/files" => sized("200 OK", b"{\"id\":\"file-1\"}"),
            "/v1/models" => sized("500 Internal Server Error", b"{\"error\":{}}"),
            _ if body.windows(13).any(|window| window == b"\"stream\":true") => {
                let begun = write.write_all(&begun()).await;
                if begun.is_err() || body.windows(4).any(|window| window == b"hang") {
                    // Open until the client leaves.
                    drop(wire::read_head(&mut read).await);
                    return;
                }
                rest()
            }
            _ => sized("200 OK", CHAT.as_bytes()),
        };
        if write.write_all(&out).await.is_err() {
            return;
        }
    }
}

fn begun() -> Vec<u8> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let frames = (0..3).map(|_| wire::chunk(delta("some words", "null").as_bytes()));
    head.iter().copied().chain(frames.flatten()).collect()
}

fn rest() -> Vec<u8> {
    let frames = [delta("the end", "null"), delta("", "\"stop\""), "data: [DONE]\n\n".to_owned()];
    let chunks = frames.iter().flat_map(|frame| wire::chunk(frame.as_bytes()));
    chunks.chain(wire::last_chunk(&Vec::new())).collect()
}

/// A client's connection.
struct Line {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Line {
    async fn open(to: SocketAddr) -> Self {
        let socket = TcpStream::connect(to).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (read, write) = socket.into_split();
        Self { read: BufReader::new(read), write }
    }

    async fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer sk-test\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.write.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    }

    /// The status, and the body up to its end or to `most` bytes.
    async fn read(&mut self, most: usize) -> u16 {
        let head = wire::read_head(&mut self.read).await.unwrap().unwrap();
        let status = head.line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut had = 0;
        let framing = (head.chunked(), head.length());
        let (enough, is_enough) = tokio::sync::watch::channel(false);
        let body = wire::read_body(&mut self.read, framing, |part, _| {
            had += part.len();
            if had >= most {
                enough.send_replace(true);
            }
        });
        let mut is_enough = is_enough;
        tokio::select! {
            body = body => { body.unwrap(); }
            _ = is_enough.wait_for(|enough| *enough) => {}
        }
        status
    }
}

fn chat(text: &str, stream: bool) -> String {
    format!(
        "{{\"model\":\"gpt-4o-mini\",\"stream\":{stream},\"messages\":[{{\"role\":\"system\",\"content\":\"You are terse.\"}},{{\"role\":\"user\",\"content\":\"{text}\"}}]}}"
    )
}

async fn world(upstream: SocketAddr, idle: &str) -> World {
    let mut fake = FakeOpenAi::start(std::time::Duration::ZERO, str::to_owned).await;
    fake.address = upstream;
    let timeouts = format!("[upstreams.openai.timeouts]\nidle = \"{idle}\"\n");
    let bounds = "[store]\nmemory_limit = \"64 MiB\"\n[capture]\nqueue = \"8 MiB\"\n";
    World::start(fake, &format!("{timeouts}{bounds}")).await
}

fn listen(world: &World) -> SocketAddr {
    world.url("").trim_start_matches("http://").parse().unwrap()
}

/// Bytes of a process that lie in memory.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Two files a stream here, and as many in the gateway, which raises its own limit.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

async fn open_streams(to: SocketAddr, count: usize) -> Vec<Line> {
    let mut lines = Vec::with_capacity(count);
    for n in 0..count {
        let mut line = Line::open(to).await;
        line.send(
            "POST",
            "/v1/chat/completions",
            "application/json",
            chat(&format!("hang {n}"), true).as_bytes(),
        )
        .await;
        assert_eq!(line.read(3).await, 200);
        lines.push(line);
    }
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_costs_little() {
    raise_open_files();
    let world = world(upstream().await, "1min").await;
    let to = listen(&world);
    // What every process pays once: code that is read in, pools, the first pages of each thread.
    let first = open_streams(to, 100).await;
    let before = resident(world.pid());
    let lines = open_streams(to, STREAMS).await;
    let after = resident(world.pid());
    let each = after.saturating_sub(before) / STREAMS;
    println!(
        "{STREAMS} open streams: {} kB before, {} kB after, {each} bytes each",
        before >> 10,
        after >> 10
    );
    assert!(each <= STREAM_BYTES, "an open stream costs {each} bytes");
    drop((first, lines));
}

/// One request of the mix.
async fn one(line: &mut Line, to: SocketAddr, n: usize, dice: &mut Dice) {
    let text = format!("question {} {}", n % 500, "of some length ".repeat(n % 7 * 4));
    let json = "application/json";
    let status = match dice.below(20) {
        0..8 => {
            line.send("POST", "/v1/chat/completions", json, chat(&text, false).as_bytes()).await;
            (line.read(usize::MAX).await, 200)
        }
        8..13 => {
            line.send("POST", "/v1/chat/completions", json, chat(&text, true).as_bytes()).await;
            (line.read(usize::MAX).await, 200)
        }
        13..15 => {
            line.send("POST", "/v1/embeddings", json, b"{\"model\":\"e\",\"input\":\"a text\"}").await;
            (line.read(usize::MAX).await, 200)
        }
        15 => {
            let part = format!(
                "--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--b--\r\n",
                "x".repeat(9_000)
            );
            line.send("POST", "/v1/files", "multipart/form-data; boundary=b", part.as_bytes()).await;
            (line.read(usize::MAX).await, 200)
        }
        16 => {
            line.send("POST", "/v1/moderations", json, b"{\"input\":\"x\"}").await;
            (line.read(usize::MAX).await, 429)
        }
        17 => {
            line.send("GET", "/v1/models", json, b"").await;
            (line.read(usize::MAX).await, 500)
        }
        18 => {
            line.send("GET", "/nowhere", json, b"").await;
            (line.read(usize::MAX).await, 404)
        }
        _ => {
            // Leaves in the middle of a stream.
            let mut lost = Line::open(to).await;
            lost.send("POST", "/v1/chat/completions", json, chat("hang", true).as_bytes()).await;
            (lost.read(3).await, 200)
        }
    };
    assert_eq!(status.0, status.1);
}

async fn load(to: SocketAddr, requests: usize, seed: u64) {
    let callers = (0..CALLERS).map(|caller| {
        tokio::spawn(async move {
            let (mut line, mut dice) = (Line::open(to).await, Dice(seed + caller as u64));
            for n in 0..requests / CALLERS {
                one(&mut line, to, n, &mut dice).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

/// How many requests the tests below send.
fn requests() -> usize {
    option_env!("KOLM_MEMORY_REQUESTS").map_or(REQUESTS, |count| count.parse().unwrap())
}

/// Bytes in memory before the load and after each third of it.
async fn thirds(world: &World, settled: impl AsyncFn() -> Option<()>) -> [usize; 4] {
    let mut samples = [resident(world.pid()); 4];
    for (third, sample) in samples.iter_mut().enumerate().skip(1) {
        load(listen(world), requests() / 3, third as u64 * 1_000).await;
        until("requests that are over", || settled()).await;
        *sample = resident(world.pid());
    }
    samples
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_over_leave_nothing_behind() {
    let mut world = world(upstream().await, "1s").await;
    world.stop().await;
    // The database takes what it is allowed to take, and would hide everything else: a folder in its place keeps it
    // out, while the whole way up to the spool is gone.
    let database = world.data().join("store/captures.duckdb");
    std::fs::remove_file(&database).unwrap();
    std::fs::create_dir(&database).unwrap();
    world.restart().await;
    let settled = async || {
        let books = world.books().await;
        let over = books.accepted == books.spooled + books.dropped && world.in_flight().await == 0;
        over.then_some(())
    };
    let samples = thirds(&world, settled).await;
    println!("{} requests: {:?} kB", requests(), samples.map(|sample| sample >> 10));
    let growth = samples[3].saturating_sub(samples[1]);
    assert!(growth <= GROWTH, "{growth} bytes more at the end than after a third: {samples:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_takes_no_more_than_it_is_allowed() {
    let world = world(upstream().await, "1s").await;
    let samples = thirds(&world, async || world.is_settled().await.map(|_| ())).await;
    println!("{} requests: {:?} kB", requests(), samples.map(|sample| sample >> 10));
    let growth = samples[3].saturating_sub(samples[0]);
    assert!(growth <= DATABASE + REST, "{growth} bytes more at the end than at the start: {samples:?}");
    let growth = samples[3].saturating_sub(samples[2]);
    assert!(growth <= GROWTH, "{growth} bytes more at the end than after two thirds: {samples:?}");
}
