//! One request on one connection, up to the response head.

use bytes::Bytes;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::client::HttpSession;
use pingora::{BError, ErrorType, RetryType};
use tokio::time::timeout;

use super::{Deadlines, Failed, Why};
use crate::framing;

const PIECE: usize = 64 << 10;

/// An exchange that came to no response head.
pub(super) struct Broke {
    pub(super) failed: Failed,
    /// Nothing had come back, and it looks like a connection that the other side had given up.
    pub(super) stale: bool,
    /// The other side says that it has not looked at the request.
    pub(super) unseen: bool,
    /// The HTTP/2 connection that fell silent, marked so that it takes no other request once it is given back.
    pub(super) silent: Option<HttpSession>,
}

/// Sends a request and waits for the head of its answer.
pub(super) async fn exchange(
    mut session: HttpSession,
    head: &RequestHeader,
    body: &Bytes,
    deadlines: Deadlines,
) -> Result<(HttpSession, ResponseHeader), Broke> {
    session.set_write_timeout(Some(deadlines.idle));
    session.set_read_timeout(Some(deadlines.first_byte));
    let written = write(&mut session, head, body).await;
    // An upstream may answer before it has read everything: what it says counts, not that it stopped reading.
    let read = timeout(deadlines.first_byte, read_head(&mut session)).await;
    let late = || Failed { why: Why::Timeout, cause: "first byte".to_owned() };
    let mut broke = match (read, written) {
        (Ok(Ok(response)), _) => {
            session.set_read_timeout(Some(deadlines.idle));
            return Ok((session, response));
        }
        (Ok(Err(cause)), Ok(())) => broke(&cause),
        // Where the other side has refused the stream, writing failed for that reason.
        (Ok(Err(refusal)), Err(_)) if is_unseen(&refusal) => broke(&refusal),
        (Ok(Err(_)), Err(cause)) => broke(&cause),
        (Err(_), _) => Broke { failed: late(), stale: false, unseen: false, silent: None },
    };
    if let (Why::Timeout, HttpSession::H2(stream)) = (broke.failed.why, &session) {
        stream.conn.mark_shutdown();
        broke.silent = Some(session);
    }
    Err(broke)
}

/// `GOAWAY` and `REFUSED_STREAM`: the request was not looked at (RFC 9113, 6.8 and 8.7).
fn is_unseen(cause: &BError) -> bool {
    matches!(cause.retry, RetryType::Decided(true)) && *cause.etype() == ErrorType::H2Error
}

fn broke(cause: &BError) -> Broke {
    let late = matches!(cause.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout);
    let lost = matches!(cause.retry, RetryType::ReusedOnly | RetryType::Decided(true))
        || *cause.etype() == ErrorType::WriteError;
    let context = cause.context.as_ref().map(|context| context.as_str()).unwrap_or_default();
    let some_came = context.contains("already read: ") && !context.ends_with("already read: 0");
    Broke {
        failed: Failed::of(if late { Why::Timeout } else { Why::Broken }, cause),
        stale: lost && !late && !some_came,
        unseen: is_unseen(cause),
        silent: None,
    }
}

async fn write(session: &mut HttpSession, head: &RequestHeader, body: &Bytes) -> Result<(), BError> {
    session.write_request_header(Box::new(head.clone())).await?;
    let mut at = 0;
    while at < body.len() {
        let end = (at + PIECE).min(body.len());
        session.write_request_body(body.slice(at..end), end == body.len()).await?;
        at = end;
    }
    session.finish_request_body().await
}

async fn read_head(session: &mut HttpSession) -> Result<ResponseHeader, BError> {
    loop {
        session.read_response_header().await?;
        let Some(head) = session.response_header() else {
            return Err(pingora::Error::explain(ErrorType::InvalidHTTPHeader, "no response head"));
        };
        match head.status.as_u16() {
            101 => return Err(pingora::Error::explain(ErrorType::InvalidHTTPHeader, "unasked upgrade")),
            100..200 => {}
            _ => {
                let mut head = head.clone();
                framing::one_length(&mut head)?;
                return Ok(head);
            }
        }
    }
}
