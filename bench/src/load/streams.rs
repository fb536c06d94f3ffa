//! Paced streams: time to the first frame, lateness of every frame, and whether frames came one by one.
//!
//! **Invariant:** the lateness of a frame is the reader's clock less the writer's, which the frame carries.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

use super::To;
use super::conn::{Conn, Reply};
use super::tally::{Latencies, Spread};
use crate::clock;
use crate::fault::Result;
use crate::mock::{DIGITS, MARK};

/// Connections start spread over so many milliseconds, so that frames do not all fall on one moment.
const STAGGER_MS: u64 = 20;
/// Streams that are being opened at a time when many are to be held.
const OPENING: usize = 64;

/// What the readers of streams saw.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Streamed {
    /// Streams that came whole.
    pub(crate) whole: u64,
    /// Stamped frames in whole streams.
    pub(crate) frames: u64,
    /// Frames that came in one read with an earlier one.
    pub(crate) merged: u64,
    /// Bytes of a stream, where all have the same.
    pub(crate) bytes_each: Option<u64>,
    pub(crate) first_us: Spread,
    pub(crate) frame_us: Spread,
    /// What went wrong, the first time.
    pub(crate) fault: Option<String>,
}

struct Seen {
    streamed: Streamed,
    lengths: Vec<u64>,
    first: Latencies,
    frames: Latencies,
}

impl Seen {
    fn new() -> Result<Self> {
        let (first, frames) = (Latencies::new()?, Latencies::new()?);
        Ok(Self { streamed: Streamed::default(), lengths: Vec::new(), first, frames })
    }
}

/// Reads `each` streams on every connection.
pub(super) async fn run(to: &To, each: u32) -> Result<Streamed> {
    let request = to.requests(true).remove(0);
    let conns = to.connect().await?;
    let seen = Rc::new(RefCell::new(Seen::new()?));
    let count = conns.len() as u64;
    let mut tasks = Vec::new();
    for (number, conn) in conns.into_iter().enumerate() {
        let delay = Duration::from_micros(number as u64 * STAGGER_MS * 1_000 / count);
        let task = one(conn, request.clone(), each, delay, Rc::clone(&seen));
        tasks.push(tokio::task::spawn_local(task));
    }
    for task in tasks {
        task.await?;
    }
    let seen = Rc::into_inner(seen).ok_or("a reader still counts")?.into_inner();
    let same = seen.lengths.iter().all(|length| Some(length) == seen.lengths.first());
    let bytes_each = seen.lengths.first().copied().filter(|_| same);
    Ok(Streamed {
        bytes_each,
        first_us: seen.first.spread(),
        frame_us: seen.frames.spread(),
        ..seen.streamed
    })
}

async fn one(mut conn: Conn, request: Bytes, each: u32, delay: Duration, seen: Rc<RefCell<Seen>>) {
    sleep(delay).await;
    for _ in 0..each {
        let (sent, mut frames) = (clock::nanos(), Frames::default());
        let reply = conn.exchange(&request, |piece| frames.feed(piece, sent, &mut seen.borrow_mut())).await;
        let mut seen = seen.borrow_mut();
        match judge(reply.as_ref().map_err(ToString::to_string), frames.done) {
            Ok(bytes) => {
                seen.streamed.whole += 1;
                seen.lengths.push(bytes);
            }
            Err(fault) => {
                seen.streamed.fault.get_or_insert(fault);
            }
        }
    }
}

fn judge(reply: std::result::Result<&Reply, String>, done: bool) -> std::result::Result<u64, String> {
    match reply? {
        Reply { status: 200, bytes } if done => Ok(*bytes),
        Reply { status: 200, .. } => Err("a stream ended without [DONE]".to_owned()),
        Reply { status, .. } => Err(format!("status {status}")),
    }
}

/// Finds the frames in the bytes of one stream.
#[derive(Default)]
struct Frames {
    rest: Vec<u8>,
    count: u64,
    done: bool,
}

impl Frames {
    /// Takes what one read brought.
    fn feed(&mut self, piece: &[u8], sent: u64, seen: &mut Seen) {
        let now = clock::nanos();
        self.rest.extend_from_slice(piece);
        let (mut from, mut in_this_read) = (0, 0);
        while let Some(end) = memchr::memmem::find(&self.rest[from..], b"\n\n") {
            let frame = &self.rest[from..from + end];
            from += end + 2;
            self.done |= frame == b"data: [DONE]";
            let Some(stamp) = stamp(frame) else { continue };
            if self.count == 0 {
                seen.first.note(now.saturating_sub(sent));
            }
            self.count += 1;
            in_this_read += 1;
            seen.streamed.frames += 1;
            seen.frames.note(now.saturating_sub(stamp));
        }
        seen.streamed.merged += u64::from(in_this_read > 1) * (in_this_read - u64::from(in_this_read > 0));
        self.rest.drain(..from);
    }
}

/// When the mock wrote a frame.
fn stamp(frame: &[u8]) -> Option<u64> {
    let at = memchr::memchr(MARK, frame)? + 1;
    std::str::from_utf8(frame.get(at..at + DIGITS)?).ok()?.parse().ok()
}

/// Streams that are held open.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Streams that came to their first frame.
    pub(crate) open: u64,
    /// Why the others did not, and how often.
    pub(crate) errors: BTreeMap<String, u64>,
}

/// Opens a stream per connection, says how many came to their first frame, and reads on until stdin ends.
pub(super) async fn hold(to: &To, print: &impl Fn(&str)) -> Result<()> {
    let request = to.requests(true).remove(0);
    let slots = Arc::new(Semaphore::new(OPENING));
    let (tell, mut told) = mpsc::unbounded_channel();
    for _ in 0..to.connections {
        tokio::task::spawn_local(reader(to.to, request.clone(), Arc::clone(&slots), tell.clone()));
    }
    let mut held = Held::default();
    for _ in 0..to.connections {
        match told.recv().await.ok_or("a reader is gone")? {
            None => held.open += 1,
            Some(fault) => *held.errors.entry(fault).or_default() += 1,
        }
    }
    print(&serde_json::to_string(&held)?);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// One stream: tells nothing wrong at its first bytes, or else what was.
async fn reader(
    to: SocketAddr,
    request: Bytes,
    slots: Arc<Semaphore>,
    tell: mpsc::UnboundedSender<Option<String>>,
) {
    let mut slot = slots.acquire_owned().await.ok();
    let read = async {
        let mut conn = Conn::open(to).await?;
        let first = |_: &[u8]| {
            if slot.take().is_some() {
                drop(tell.send(None));
            }
        };
        conn.exchange(&request, first).await
    }
    .await;
    if slot.is_some() {
        let why = match read {
            Ok(reply) => format!("status {}", reply.status),
            Err(fault) => fault.to_string(),
        };
        drop(tell.send(Some(why)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let frame = |stamp: u64| format!("data: {{\"content\":\"@{stamp:0DIGITS$} \"}}\n\n");
        let wire = format!("{}{}data: {{}}\n\ndata: [DONE]\n\n", frame(5), frame(6));
        for (step, merged) in [(1, 0), (20, 0), (wire.len(), 1)] {
            let (mut seen, mut frames) = (Seen::new().unwrap(), Frames::default());
            for piece in wire.as_bytes().chunks(step) {
                frames.feed(piece, 0, &mut seen);
            }
            assert!(frames.done);
            assert_eq!((seen.streamed.frames, seen.streamed.merged), (2, merged), "by {step}");
            assert_eq!((seen.first.spread().n, seen.frames.spread().n), (1, 2));
        }
    }
}
