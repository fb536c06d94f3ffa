//! Reading a request body whole, under a limit and a deadline.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kolm_config::Listen;
use pingora::proxy::Session;
use pingora::{BError, Error, ErrorType, Result};
use tokio::time::timeout;

use crate::{framing, headers, invite};

const PREALLOCATED: u64 = 1 << 20;

/// Why there is no body.
pub(super) enum Unread {
    /// It is longer than the limit: what was read of it.
    TooLarge(Bytes),
    /// Its chunks lie.
    Malformed,
    /// The client left, or fell silent.
    Gone(BError),
}

impl From<BError> for Unread {
    fn from(cause: BError) -> Self {
        if framing::is_malformed_body(&cause) { Self::Malformed } else { Self::Gone(cause.into_down()) }
    }
}

/// The whole body.
pub(super) async fn read(session: &mut Session, listen: &Listen) -> Result<Bytes, Unread> {
    let announced = headers::text(&session.req_header().headers, "content-length");
    let announced = announced.and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    invite::invite(session).await?;
    let client = session.as_downstream_mut();
    let gap = listen.body_timeout;
    let Some(first) = next(client.read_request_body(), gap).await? else { return Ok(Bytes::new()) };
    // On HTTP/2 the announced length may be there before the end is: an answer that overtakes it has the stream reset,
    // which not every client takes for the courtesy it is.
    if client.is_body_done() {
        return Ok(first);
    }
    let mut body = BytesMut::with_capacity(announced.min(PREALLOCATED) as usize);
    body.extend_from_slice(&first);
    loop {
        // One that ends with the piece that crosses the limit is whole.
        if body.len() as u64 > listen.max_body_bytes && !client.is_body_done() {
            return Err(Unread::TooLarge(body.freeze()));
        }
        match next(client.read_request_body(), gap).await? {
            Some(piece) => body.extend_from_slice(&piece),
            None => return Ok(body.freeze()),
        }
    }
}

async fn next(piece: impl Future<Output = Result<Option<Bytes>>>, gap: Duration) -> Result<Option<Bytes>> {
    let late = || Error::explain(ErrorType::ReadTimedout, "request body").into_down();
    timeout(gap, piece).await.unwrap_or_else(|_| Err(late()))
}
