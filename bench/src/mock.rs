//! The mock upstream: answers as OpenAI would, without thinking about it.
//!
//! One thread. Replies are rendered once and written in one call; streamed frames carry the moment they were written.
//!
//! **Invariant:** no answer is sent before the whole request has been read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::behaviour::Behaviour;
use crate::fault::Result;
use crate::{clock, http1, text};

/// Marks the moment in a streamed frame: so many digits of nanoseconds follow.
pub(crate) const MARK: u8 = b'@';
/// Digits of a moment, always all of them, so that streams have one length.
pub(crate) const DIGITS: usize = 19;

const COMMON: &str = "openai-organization: bench\r\nopenai-processing-ms: 0\r\nopenai-version: 2020-10-01\r\n\
                      x-ratelimit-limit-requests: 30000\r\nx-ratelimit-remaining-requests: 29999\r\n\
                      x-request-id: req_bench0000000000000000000000000\r\n";
const MODELS: &str = "{\"object\":\"list\",\"data\":[]}";

/// Serves until the process is ended; `listening` is told the address.
pub(crate) async fn run(address: SocketAddr, listening: impl FnOnce(SocketAddr)) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    listening(listener.local_addr()?);
    let replies = Rc::new(Replies::default());
    loop {
        // A full table of descriptors passes; the connection waits in the kernel's queue.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let replies = Rc::clone(&replies);
        tokio::task::spawn_local(async move {
            // A peer that leaves is its own affair.
            drop(connection(stream, &replies).await);
        });
    }
}

async fn connection(mut stream: TcpStream, replies: &Replies) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut buf, mut body) = (BytesMut::with_capacity(16 << 10), Vec::new());
    loop {
        let mut head = loop {
            if let Some(head) = http1::request(&mut buf)? {
                break head;
            }
            if stream.read_buf(&mut buf).await? == 0 {
                return Ok(());
            }
        };
        body.clear();
        while !head.framing.take(&mut buf, |piece| body.extend_from_slice(piece))? {
            if stream.read_buf(&mut buf).await? == 0 {
                return Ok(());
            }
        }
        match Behaviour::of(&body) {
            Some(Behaviour::Stream { frames, pace_ms }) => paced(&mut stream, frames, pace_ms).await?,
            Some(Behaviour::Cut) => return cut(&mut stream, replies).await,
            Some(Behaviour::Hang) => return hang(&mut stream).await,
            other => stream.write_all(&replies.get(other, body.is_empty())).await?,
        }
        if !head.keep_alive {
            return Ok(());
        }
    }
}

/// Frames at a steady pace, each a chunk and a write of its own.
async fn paced(stream: &mut TcpStream, frames: u32, pace_ms: u64) -> Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n\
         {COMMON}transfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let start = Instant::now();
    for number in 0..frames {
        sleep_until(start + Duration::from_millis(pace_ms * u64::from(number))).await;
        let event = format!(
            "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-mini\",\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"@{:0DIGITS$} \"}},\"finish_reason\":null}}]}}\n\n",
            clock::nanos()
        );
        stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
    }
    let last = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"gpt-4o-mini\",\
                \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    stream.write_all(format!("{:x}\r\n{last}\r\n0\r\n\r\n", last.len()).as_bytes()).await?;
    Ok(())
}

/// Nothing, until the caller has gone.
async fn hang(stream: &mut TcpStream) -> Result<()> {
    let mut more = [0; 1 << 10];
    while stream.read(&mut more).await? > 0 {}
    Ok(())
}

/// Half a reply and a reset.
async fn cut(stream: &mut TcpStream, replies: &Replies) -> Result<()> {
    let whole = replies.get(Some(Behaviour::Reply { size: 4_096 }), false);
    stream.write_all(&whole[..whole.len() / 2]).await?;
    stream.set_zero_linger()?;
    Ok(())
}

/// Rendered replies, each made once.
#[derive(Default)]
struct Replies(RefCell<HashMap<(u16, usize), Bytes>>);

impl Replies {
    fn get(&self, behaviour: Option<Behaviour>, no_body: bool) -> Bytes {
        let (status, size) = match behaviour {
            Some(Behaviour::Reply { size }) => (200, size),
            Some(Behaviour::Status { code }) => (code, 0),
            Some(Behaviour::Stream { .. } | Behaviour::Cut | Behaviour::Hang) | None => {
                (if no_body { 200 } else { 404 }, 0)
            }
        };
        let mut made = self.0.borrow_mut();
        made.entry((status, size)).or_insert_with(|| render(status, size)).clone()
    }
}

fn render(status: u16, size: usize) -> Bytes {
    let body = match (status, size) {
        (200, 0) => MODELS.to_owned(),
        (200, size) => text::reply(size),
        (code, _) => format!(
            "{{\"error\":{{\"message\":\"the mock answers {code}\",\"type\":\"mock_error\",\"param\":null,\"code\":null}}}}"
        ),
    };
    let retry = if status == 429 { "retry-after: 1\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} Mock\r\ncontent-type: application/json\r\n{COMMON}{retry}content-length: {}\r\n\r\n",
        body.len()
    );
    Bytes::from(head + &body)
}
