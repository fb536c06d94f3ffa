//! The other door: everything that is not one of the four JSON routes passes verbatim through Pingora's own proxying.
//!
//! **Invariant:** same keys, same headers, same receipts as `relay`: no path is a way round the policy.

use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use kolm_core::{Arm, Outcome};
use kolm_wire::error::ApiError;
use pingora::http::{RequestHeader, ResponseHeader, StatusCode};
use pingora::proxy::{FailToProxy, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{BError, Error, ErrorSource, ErrorType, Result};

use crate::admit::Admitted;
use crate::answer::{self, Answer};
use crate::close::{self, Told};
use crate::framing;
use crate::headers::{self, Hops};
use crate::listen::Connection;
use crate::phases::{Ctx, Gateway};
use crate::receipt::{By, Receipt};
use crate::table::Shared;
use crate::tap::Tee;
use crate::upstream::{Failed, Why};

/// Most bytes of a reply that are kept to read from them what was used, where that is limited.
const READ_FOR_USE: usize = 1 << 20;

/// A request on this way.
pub(crate) struct Passing {
    admitted: Admitted,
    receipt: Receipt,
    tee: Tee,
    /// The gateway itself had to answer.
    failed: Option<Outcome>,
    /// What the other door had read of the body before it proved too large.
    ahead: Bytes,
    /// That is still to be sent on this try.
    due: bool,
}

/// Opens the receipt.
pub(crate) fn begin(shared: &Shared, ctx: &mut Ctx, admitted: Admitted) {
    let receipt = Receipt::open(shared, &admitted, By::Cloud, None, "");
    let tee = Tee::new(&shared.env, admitted.counts_use(), READ_FOR_USE);
    let (ahead, due) = (Bytes::new(), false);
    ctx.passing = Some(Box::new(Passing { admitted, receipt, tee, failed: None, ahead, due }));
}

/// Takes a request whose body is too large to be read whole; `read` of it was read already.
pub(crate) fn begin_oversize(
    shared: &Shared,
    session: &mut Session,
    ctx: &mut Ctx,
    admitted: Admitted,
    read: Bytes,
) {
    if admitted.is_captured() {
        shared.events.capture_accepted();
        shared.events.capture_dropped("oversize");
    }
    if !read.is_empty() {
        // The client was asked for its body when the reading began.
        session.req_header_mut().remove_header(&EXPECT);
    }
    begin(shared, ctx, admitted);
    if let Some(passing) = &mut ctx.passing {
        passing.ahead = read;
    }
}

/// Where it goes.
pub(crate) async fn peer(gateway: &Gateway, session: &Session, ctx: &Ctx) -> Result<Box<HttpPeer>> {
    let passing = ctx.passing.as_ref().ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
    let admitted = &passing.admitted;
    let upstream = admitted.upstream().ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
    let now = gateway.shared.env.clock.micros();
    let peers = gateway.upstreams.peers(upstream, admitted.table.config.airgap, now).await;
    let mut peer = peers
        .map_err(unreachable)?
        .into_iter()
        .next()
        .ok_or_else(|| unreachable(Failed { why: Why::Connect, cause: "no address".to_owned() }))?;
    if session.is_upgrade_req() {
        // A conversation over a socket may be silent for as long as it likes.
        peer.options.read_timeout = None;
    }
    Ok(Box::new(peer))
}

fn unreachable(failed: Failed) -> BError {
    let kind = if failed.why.is_timeout() { ErrorType::ConnectTimedout } else { ErrorType::ConnectError };
    Error::explain(kind, failed.cause).into_up()
}

/// A piece of the request body, on its way up.
pub(crate) fn request_piece(ctx: &mut Ctx, piece: &mut Option<Bytes>) {
    let Some(passing) = &mut ctx.passing else { return };
    if std::mem::take(&mut passing.due) {
        let mut joined = BytesMut::from(passing.ahead.clone());
        joined.extend_from_slice(piece.as_deref().unwrap_or_default());
        *piece = Some(joined.freeze());
    }
    if let Some(piece) = piece {
        passing.tee.request_piece(piece);
    }
}

/// The request head, as it goes up.
pub(crate) fn dress(ctx: &mut Ctx, request: &mut RequestHeader) -> Result<()> {
    let internal = || Error::new_in(ErrorType::InternalError);
    let passing = ctx.passing.as_mut().ok_or_else(internal)?;
    passing.due = !passing.ahead.is_empty();
    let admitted = &passing.admitted;
    let upstream = admitted.upstream().ok_or_else(internal)?;
    headers::upward(request, &admitted.upward(upstream), Hops::Done)
}

/// The response head, as it comes down.
pub(crate) async fn response_head(
    gateway: &Gateway,
    session: &Session,
    ctx: &mut Ctx,
    response: &mut ResponseHeader,
) -> Result<()> {
    let informs = response.status.is_informational() && response.status != StatusCode::SWITCHING_PROTOCOLS;
    let Some(passing) = ctx.passing.as_mut().filter(|_| !informs) else { return Ok(()) };
    let header = passing.receipt.header(&gateway.shared, &passing.admitted).await;
    headers::downward(response, &header)?;
    Connection::keep_date(session, response);
    passing.tee.head(response.status.as_u16(), &response.headers);
    Ok(())
}

/// A piece of the response body, on its way down.
pub(crate) fn response_piece(gateway: &Gateway, ctx: &mut Ctx, piece: Option<&Bytes>) {
    if let (Some(passing), Some(piece)) = (&mut ctx.passing, piece) {
        passing.tee.sent(piece, &gateway.shared.env);
    }
}

/// Something failed: answers if nothing was sent yet, else breaks the connection off.
pub(crate) async fn failed(
    gateway: &Gateway,
    session: &mut Session,
    error: &Error,
    ctx: &mut Ctx,
) -> FailToProxy {
    let answered = session.response_written().is_some_and(|head| {
        !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS
    });
    let verdict = verdict(error);
    let Some((refusal, outcome)) = verdict.filter(|_| !ctx.broken && !answered) else {
        session.shutdown().await;
        return FailToProxy { error_code: 0, can_reuse_downstream: false };
    };
    let shared = &*gateway.shared;
    let status = refusal.status;
    let (body, answer) = (Bytes::from(refusal.body()), Answer::from(refusal));
    let header = match &mut ctx.passing {
        Some(passing) => {
            let why = error.etype().as_str();
            if outcome == Outcome::Refused {
                shared.events.request_refused(status);
            } else {
                shared.events.upstream_failed(&passing.admitted.way.upstream, "verbatim", why);
            }
            passing.receipt.again(shared, &passing.admitted, By::Gateway, why);
            passing.receipt.header(shared, &passing.admitted).await
        }
        None => {
            let id = kolm_core::RequestId::mint(shared.env.clock.now(), &*shared.env.entropy);
            shared.ledger.none_header(id, kolm_receipts::Rt::Local, None)
        }
    };
    session.set_keepalive(None);
    let sent = answer::write(session, answer, &header).await;
    if outcome == Outcome::Refused {
        Connection::close_behind(session);
        session.shutdown().await;
    }
    if let Some(passing) = &mut ctx.passing {
        passing.failed = Some(outcome);
        passing.tee.head(status, &http::HeaderMap::new());
        if sent.is_ok() {
            passing.tee.sent(&body, &shared.env);
        }
    }
    FailToProxy { error_code: status, can_reuse_downstream: false }
}

/// What to tell the client; `None` when there is nobody to tell.
fn verdict(error: &Error) -> Option<(ApiError, Outcome)> {
    let late = [
        ErrorType::ConnectTimedout,
        ErrorType::TLSHandshakeTimedout,
        ErrorType::ReadTimedout,
        ErrorType::WriteTimedout,
    ];
    match (error.esource(), error.etype()) {
        (ErrorSource::Upstream, kind) if late.contains(kind) => {
            Some((ApiError::upstream_timeout(), Outcome::Timeout))
        }
        (ErrorSource::Upstream, _) => Some((ApiError::upstream_unreachable(), Outcome::UpstreamError)),
        (_, ErrorType::InvalidHTTPHeader) => Some((framing::malformed(), Outcome::Refused)),
        (ErrorSource::Downstream, _) if framing::is_malformed_body(error) => {
            Some((framing::malformed(), Outcome::Refused))
        }
        (ErrorSource::Downstream, _) => None,
        (ErrorSource::Internal | ErrorSource::Unset, _) => Some((ApiError::internal(), Outcome::Refused)),
    }
}

/// The last phase.
pub(crate) fn close(gateway: &Gateway, error: Option<&Error>, ctx: &mut Ctx) {
    let Some(passing) = ctx.passing.take() else { return };
    let Passing { admitted, receipt, tee, failed, .. } = *passing;
    let outcome = failed.unwrap_or_else(|| match error.map(Error::esource) {
        None => Outcome::Complete,
        Some(ErrorSource::Downstream) if tee.done() => Outcome::Complete,
        Some(ErrorSource::Downstream) => Outcome::ClientAbort,
        Some(ErrorSource::Upstream | ErrorSource::Internal | ErrorSource::Unset) => Outcome::UpstreamError,
    });
    let told = Told {
        arm: Arm::Teacher,
        artifact: None,
        route: None,
        fallback: None,
        model: String::new(),
        unit: String::new(),
        outcome,
        ended_cleanly: error.is_none(),
    };
    close::close_uncaptured(&gateway.shared, &admitted, receipt, tee, &told);
}
