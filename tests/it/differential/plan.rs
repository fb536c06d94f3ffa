//! What one exchange of the differential test is to be, and what the upstream saw of it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use crate::wire::Fields;

/// The field that tells the fake upstream which answer is wanted.
pub(crate) const CASE: &str = "x-case";

/// How a body is framed in HTTP/1.1; HTTP/2 has one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No body and no word about one.
    None,
    /// `content-length`.
    Sized,
    /// `transfer-encoding: chunked`, each piece a chunk.
    Chunked,
    /// Ends with the connection (answers only).
    Close,
}

/// A request as the client sends it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: &'static str,
    pub(crate) headers: Fields,
    pub(crate) framing: Framing,
    /// Each piece is a write of its own.
    pub(crate) pieces: Vec<Bytes>,
    /// A piece is sent only after the upstream has the one before.
    pub(crate) lockstep: bool,
}

/// The answer of the upstream.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) headers: Fields,
    /// Heads before the answer's own, such as 103.
    pub(crate) infos: Vec<(u16, Fields)>,
    pub(crate) framing: Framing,
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) trailers: Fields,
    /// A piece is sent only after the client has the one before.
    pub(crate) lockstep: bool,
    /// Answers before it reads the body.
    pub(crate) early: bool,
    /// Writes so many bytes of the whole answer and breaks off.
    pub(crate) cut: Option<usize>,
    /// Writes these bytes instead of an answer and breaks off.
    pub(crate) garbage: Option<Bytes>,
}

/// A request as the upstream saw it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    /// The body came to its end.
    pub(crate) whole: bool,
    /// How often it came.
    pub(crate) times: usize,
}

/// An answer as the client saw it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) infos: Vec<u16>,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    /// Sizes of chunks or DATA frames.
    pub(crate) frames: Vec<usize>,
    pub(crate) trailers: Fields,
    /// The body came to its end.
    pub(crate) whole: bool,
}

/// One exchange under way, known to both its ends.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) answer: Answer,
    /// Bytes of the answer that the client has.
    have: watch::Sender<usize>,
    seen: Mutex<Seen>,
    grew: Notify,
}

impl Plan {
    pub(crate) fn new(answer: Answer) -> Arc<Self> {
        Arc::new(Self { answer, have: watch::Sender::new(0), seen: Mutex::default(), grew: Notify::new() })
    }

    /// A request head has come.
    pub(crate) fn begun(&self, head: Seen) {
        let mut seen = self.seen.lock().unwrap();
        *seen = Seen { times: seen.times + 1, ..head };
        drop(seen);
        self.grew.notify_waiters();
    }

    /// A part of its body has come.
    pub(crate) fn grown(&self, part: &[u8]) {
        self.seen.lock().unwrap().body.extend_from_slice(part);
        self.grew.notify_waiters();
    }

    /// The body has come to its end.
    pub(crate) fn ended(&self) {
        self.seen.lock().unwrap().whole = true;
        self.grew.notify_waiters();
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until `enough` holds of what has come.
    pub(crate) async fn until(&self, enough: impl Fn(&Seen) -> bool) {
        loop {
            let grew = self.grew.notified();
            tokio::pin!(grew);
            grew.as_mut().enable();
            if enough(&self.seen.lock().unwrap()) {
                return;
            }
            grew.await;
        }
    }

    /// The client has `have` bytes of the answer: the pieces behind them may come.
    pub(crate) fn arrived(&self, have: usize) {
        self.have.send_replace(have);
    }

    /// The upstream's leave to send piece `n`.
    pub(crate) async fn leave(&self, n: usize) {
        if self.answer.lockstep {
            let before: usize = self.answer.pieces[..n].iter().map(Bytes::len).sum();
            self.have.subscribe().wait_for(|have| *have >= before).await.unwrap();
        }
    }
}

impl Call {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            version: "HTTP/1.1",
            headers: vec![("authorization".to_owned(), b"Bearer sk-test".to_vec())],
            framing: Framing::None,
            pieces: Vec::new(),
            lockstep: false,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn body(mut self, framing: Framing, pieces: Vec<Bytes>) -> Self {
        (self.framing, self.pieces) = (framing, pieces);
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.with("content-type", "application/json")
            .body(Framing::Sized, vec![Bytes::copy_from_slice(body.as_bytes())])
    }

    pub(crate) fn length(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

impl Answer {
    pub(crate) fn new(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            headers: vec![
                ("date".to_owned(), b"Sun, 06 Nov 1994 08:49:37 GMT".to_vec()),
                ("x-request-id".to_owned(), b"req_1".to_vec()),
            ],
            infos: Vec::new(),
            framing: Framing::None,
            pieces: Vec::new(),
            trailers: Vec::new(),
            lockstep: false,
            early: false,
            cut: None,
            garbage: None,
        }
    }

    pub(crate) fn ok(framing: Framing, pieces: Vec<Bytes>) -> Self {
        Self { framing, pieces, ..Self::new(200, "OK") }
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn length(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}
