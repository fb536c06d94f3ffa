//! What passes verbatim, asked of another upstream.
//!
//! **Invariant:** only while the client has seen nothing of an answer, and with the whole body from its first byte.

use pingora::proxy::Session;
use pingora::{BError, Error, ErrorSource, ErrorType, RetryType};

use super::Passing;
use crate::phases::{Ctx, Gateway};
use crate::upstream::Why;
use crate::upstream::failover::{self, Ground};

/// The kind of error of an answer that another upstream's is preferred to.
pub(super) const PUT_OFF: &str = "status";

/// No connection came about: the next upstream is asked, if there is one.
pub(crate) fn no_connection(gateway: &Gateway, ctx: &mut Ctx, mut error: BError) -> BError {
    let Some(passing) = &mut ctx.passing else { return error };
    let late = [ErrorType::ConnectTimedout, ErrorType::TLSHandshakeTimedout].contains(error.etype());
    let why = if late { Why::ConnectTimeout } else { Why::Connect };
    let shared = &*gateway.shared;
    failover::note(shared, &passing.admitted, Err(why));
    let failed = passing.admitted.way.upstream.clone();
    if passing.turn(shared, Ground::Failed(why)) {
        shared.events.upstream_failed(passing.admitted.id, &failed, why.as_str(), error.etype().as_str());
        error.set_retry(true);
    }
    error
}

/// No answer came over a connection that there was, or one that is not wanted: the next upstream is asked while the
/// client has seen nothing and its body can be sent once more. Pingora keeps 64 KiB of it. Before that the same
/// upstream is asked once more if it says that it has not looked at the request (HTTP/2's `GOAWAY` and
/// `REFUSED_STREAM`), or if a connection had gone stale and the method may be repeated.
pub(crate) fn no_answer(
    gateway: &Gateway,
    session: &Session,
    ctx: &mut Ctx,
    mut error: BError,
    reused: bool,
) -> BError {
    let Some(passing) = &mut ctx.passing else {
        error.set_retry(false);
        return error;
    };
    let again = is_repeatable(session, passing);
    let idempotent = session.req_header().method.is_idempotent();
    let same = again && !passing.renewed && may_ask_the_same(&error, idempotent, reused);
    passing.renewed |= same;
    error.set_retry(same);
    if again
        && !same
        && let Some(ground) = ground(passing, &error)
    {
        let shared = &*gateway.shared;
        let failed = passing.admitted.way.upstream.clone();
        if let Ground::Failed(why) = ground
            && passing.order.goes_on(ground)
        {
            failover::note(shared, &passing.admitted, Err(why));
            shared.events.upstream_failed(passing.admitted.id, &failed, why.as_str(), error.etype().as_str());
        }
        if passing.turn(shared, ground) {
            error.set_retry(true);
        }
    }
    error
}

/// What the error says of asking the same upstream again, over another connection.
fn may_ask_the_same(error: &Error, idempotent: bool, reused: bool) -> bool {
    match error.retry {
        RetryType::ReusedOnly => idempotent && reused,
        RetryType::Decided(unseen) => {
            let refused = [ErrorType::H2Error, ErrorType::H2Downgrade].contains(error.etype());
            unseen && *error.esource() == ErrorSource::Upstream && (idempotent || refused)
        }
    }
}

/// Whether the request can be sent once more and its client has seen nothing of an answer. What was read ahead goes
/// up with a piece of the body, and Pingora hands one in again only if it has kept any.
pub(super) fn is_repeatable(session: &Session, passing: &Passing) -> bool {
    let unseen = session.response_written().is_none_or(|head| head.status.is_informational());
    let client = session.as_ref();
    let kept = passing.ahead.is_empty() || client.get_retry_buffer().is_some();
    unseen && kept && !session.is_upgrade_req() && !client.retry_buffer_truncated()
}

/// What speaks for asking another upstream.
fn ground(passing: &mut Passing, error: &Error) -> Option<Ground> {
    if *error.esource() != ErrorSource::Upstream {
        return None;
    }
    let status = passing.put_off.take().filter(|_| *error.etype() == ErrorType::Custom(PUT_OFF));
    status.map(Ground::Status).or_else(|| silence(error.etype()).map(Ground::Failed))
}

/// What a failure after the connection says of an upstream that had one; those before it are noted already.
pub(super) fn silence(kind: &ErrorType) -> Option<Why> {
    let late = [ErrorType::ReadTimedout, ErrorType::WriteTimedout].contains(kind);
    let broke = [
        ErrorType::ConnectionClosed,
        ErrorType::ReadError,
        ErrorType::WriteError,
        ErrorType::H2Error,
        ErrorType::InvalidH2,
    ]
    .contains(kind);
    late.then_some(Why::Timeout).or(broke.then_some(Why::Broken))
}
