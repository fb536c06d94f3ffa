//! What passes verbatim, asked of another upstream.
//!
//! **Invariant:** only while the client has seen nothing of an answer, and with the whole body from its first byte.

use pingora::proxy::Session;
use pingora::{BError, Error, ErrorSource, ErrorType};

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
        shared.events.upstream_failed(&failed, why.as_str(), error.etype().as_str());
        error.set_retry(true);
    }
    error
}

/// No answer came over a connection that there was, or one that is not wanted: the next upstream is asked while the
/// client has seen nothing and its body can be sent once more. Pingora keeps 64 KiB of it; where more has passed, or
/// there is nobody to ask, Pingora's own rule stands: only a connection that had gone stale is made anew, and only for
/// a method that may be repeated.
pub(crate) fn no_answer(
    gateway: &Gateway,
    session: &Session,
    ctx: &mut Ctx,
    mut error: BError,
    reused: bool,
) -> BError {
    let again = is_repeatable(session);
    let stale = again && session.req_header().method.is_idempotent();
    error.set_retry(false);
    if let (true, Some(passing)) = (again, &mut ctx.passing)
        && let Some(ground) = ground(passing, &error)
    {
        let shared = &*gateway.shared;
        let failed = passing.admitted.way.upstream.clone();
        if let Ground::Failed(why) = ground
            && passing.order.goes_on(ground)
        {
            failover::note(shared, &passing.admitted, Err(why));
            shared.events.upstream_failed(&failed, why.as_str(), error.etype().as_str());
        }
        if passing.turn(shared, ground) {
            error.set_retry(true);
            return error;
        }
    }
    if stale {
        error.retry.decide_reuse(reused);
    }
    error
}

/// Whether the request can be sent once more and its client has seen nothing of an answer.
pub(super) fn is_repeatable(session: &Session) -> bool {
    let unseen = session.response_written().is_none_or(|head| head.status.is_informational());
    unseen && !session.is_upgrade_req() && !session.as_ref().retry_buffer_truncated()
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
    let broke = [ErrorType::ConnectionClosed, ErrorType::ReadError, ErrorType::WriteError].contains(kind);
    late.then_some(Why::Timeout).or(broke.then_some(Why::Broken))
}
