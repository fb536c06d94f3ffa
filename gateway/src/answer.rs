//! Answers of the gateway itself.
//!
//! **Invariant:** each carries a receipt header and leaves the connection in order.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use kolm_core::Outcome;
use kolm_receipts::Close;
use pingora::Result;
use pingora::http::{Method, ResponseHeader};
use pingora::proxy::Session;

use crate::admit::Admitted;
use crate::headers::RECEIPT;
use crate::phases::Gateway;
use crate::receipt::{By, Receipt};
use crate::table::Shared;

/// How long the rest of a request is read after it was refused, so that the client gets to see the answer.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

/// A whole answer.
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    body: Bytes,
    headers: Vec<(HeaderName, String)>,
}

impl Answer {
    /// A JSON answer.
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into(), headers: Vec::new() }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same with the time after which the client may come back, if there is one.
    pub(crate) fn retry_after(self, seconds: Option<u64>) -> Self {
        match seconds {
            Some(seconds) => self.with(RETRY_AFTER, &seconds.to_string()),
            None => self,
        }
    }
}

/// Writes an answer; returns the body bytes that went out.
pub(crate) async fn write(session: &mut Session, answer: Answer, receipt: &str) -> Result<usize> {
    let mut head = ResponseHeader::build(answer.status, Some(answer.headers.len() + 4))?;
    head.insert_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))?;
    head.insert_header(CONTENT_LENGTH, answer.body.len())?;
    head.insert_header(RECEIPT, receipt)?;
    for (name, value) in answer.headers {
        head.insert_header(name, value)?;
    }
    let client = session.as_downstream_mut();
    let sent = if client.req_header().method == Method::HEAD { Bytes::new() } else { answer.body };
    client.write_response_header(Box::new(head)).await?;
    let length = sent.len();
    client.write_response_body(sent, true).await?;
    // Unread input would turn the close into a reset, and the answer into a lost one.
    if !client.is_body_done() && client.drain_request_body().await.is_err() {
        client.set_keepalive(None);
    }
    Ok(length)
}

/// Refuses a request: its receipt is opened (or goes on as the gateway's own try), sent, closed.
pub(crate) async fn refuse(
    gateway: &Gateway,
    session: &mut Session,
    admitted: &Admitted,
    receipt: Option<Receipt>,
    answer: Answer,
) -> Result<bool> {
    let shared = &*gateway.shared;
    shared.events.request_refused(answer.status);
    let mut receipt = receipt.unwrap_or_else(|| Receipt::open(shared, admitted, By::Gateway, None, ""));
    let header = receipt.header(shared, admitted).await;
    let status = i64::from(answer.status);
    let sent = write(session, answer, &header).await;
    let mut close = Close::new(Outcome::Refused, status);
    close.bytes_out = sent.as_ref().map_or(0, |bytes| i64::try_from(*bytes).unwrap_or(i64::MAX));
    receipt.close(shared, close);
    sent.map(|_| true)
}

/// The client left before its request was whole.
pub(crate) fn gone(shared: &Shared, admitted: &Admitted) {
    let receipt = Receipt::open(shared, admitted, By::Gateway, None, "");
    receipt.close(shared, Close::new(Outcome::ClientAbort, -1));
}
