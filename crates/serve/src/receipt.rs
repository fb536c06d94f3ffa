//! Receipts of a port that no gateway stands before: opened when the answer is ready, closed when its last
//! byte was handed over or the client left.
//!
//! The salts of the commitments are dropped at once: this port keeps no store to hold them, so its leaves
//! prove that and when an answer was given, not its bytes.
//!
//! **Invariant:** every receipt that was opened is closed exactly once.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use kolm_core::{ArtifactId, Env, Outcome, RequestId, Timestamp};
use kolm_receipts::{Close, Commitment, Kind, Open, Opened, Rt, Tag, commitment};

use crate::Receipts;

/// What a receipt says about an exchange.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) endpoint: String,
    pub(crate) model: String,
    pub(crate) artifact: Option<ArtifactId>,
    pub(crate) request: Bytes,
    pub(crate) finish: String,
    pub(crate) tokens: Option<(u64, u64)>,
    pub(crate) seed: String,
}

/// A receipt that waits for the end of its answer.
pub(crate) struct Closing {
    receipts: Receipts,
    opened: Opened,
    close: Option<Close>,
    response: Commitment,
    env: Env,
}

/// Opens a receipt for an answer with `status`; the header's value stands in it.
pub(crate) async fn open(receipts: &Receipts, env: &Env, id: RequestId, status: u16, told: Told) -> Closing {
    let mut opened = receipts.ledger.open(Open {
        id,
        try_no: 1,
        kind: Kind::Answer,
        ns: receipts.namespace.clone(),
        region: String::new(),
        route: None,
        rt: Rt::Local,
        art: told.artifact,
        ep: told.endpoint,
        model: told.model,
    });
    if !opened.written().await {
        tracing::warn!(%id, "no receipt for this answer");
    }
    let outcome = if status < 400 { Outcome::Complete } else { Outcome::Refused };
    let mut close = Close::new(outcome, i64::from(status));
    close.req = (!told.request.is_empty()).then(|| commitment(Tag::Req, &env.bytes32(), &told.request));
    (close.finish, close.seed) = (told.finish, told.seed);
    if let Some((read, written)) = told.tokens {
        close.tok_in = i64::try_from(read).unwrap_or(i64::MAX);
        close.tok_out = i64::try_from(written).unwrap_or(i64::MAX);
    }
    let response = Commitment::new(Tag::Resp, &env.bytes32());
    Closing { receipts: receipts.clone(), opened, close: Some(close), response, env: env.clone() }
}

impl Closing {
    /// The value of `x-kolm-receipt`.
    pub(crate) fn header(&self) -> &str {
        self.opened.header()
    }

    fn sent(&mut self, frame: &[u8], now: Timestamp) {
        self.response.update(frame);
        if let Some(close) = &mut self.close {
            close.bytes_out += frame.len() as i64;
            close.t_first = close.t_first.or(Some(now));
        }
    }

    /// Closes as the close record says; once.
    fn end(&mut self) {
        if let Some(mut close) = self.close.take() {
            close.resp = (close.bytes_out > 0).then(|| self.response.clone().finish());
            self.receipts.ledger.close(&self.opened, close);
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(close) = &mut self.close {
            close.outcome = Outcome::ClientAbort;
        }
        self.end();
    }
}

/// The frames of an answer, one write each, and the receipt that closes with the last of them.
pub(crate) struct Sent {
    frames: std::vec::IntoIter<Vec<u8>>,
    closing: Option<Closing>,
}

impl Sent {
    /// An answer of these frames.
    pub(crate) fn new(frames: Vec<Vec<u8>>, mut closing: Option<Closing>) -> Self {
        if let Some(closing) = closing.as_mut().filter(|_| frames.is_empty()) {
            closing.end();
        }
        Self { frames: frames.into_iter(), closing }
    }
}

impl Stream for Sent {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(frame) = self.frames.next() else { return Poll::Ready(None) };
        let last = self.frames.len() == 0;
        if let Some(closing) = &mut self.closing {
            let now = closing.env.clock.now();
            closing.sent(&frame, now);
            // A sized body is not polled past its end, so the last frame closes.
            if last {
                closing.end();
            }
        }
        Poll::Ready(Some(Ok(Bytes::from(frame))))
    }
}
