//! The other door: everything that is not one of the JSON routes passes verbatim through Pingora's own proxying.
//!
//! **Invariant:** same keys, same headers, same receipts as `relay`: no path is a way round the policy.

mod again;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, EXPECT};
use kolm_core::{Arm, Body, Outcome};
use kolm_wire::assemble;
use kolm_wire::error::ApiError;
use pingora::http::{RequestHeader, ResponseHeader, StatusCode, Version};
use pingora::proxy::{FailToProxy, Session};
use pingora::upstreams::peer::{ALPN, HttpPeer};
use pingora::{BError, Error, ErrorSource, ErrorType, Result};

use self::again::{is_repeatable, silence};
pub(crate) use self::again::{no_answer, no_connection};
use crate::admit::Admitted;
use crate::answer::{self, Answer};
use crate::close::{self, Told};
use crate::framing;
use crate::headers::{self, Hops};
use crate::invite;
use crate::listen::Connection;
use crate::phases::{Ctx, Gateway};
use crate::receipt::{By, Receipt};
use crate::table::Shared;
use crate::tap::Tee;
use crate::upstream::failover::{self, Ground, Order};
use crate::upstream::{Failed, Why};

/// The kind of error of an open breaker.
const SHUT: &str = "breaker";
/// Most bytes of a reply that are kept to read from them what was used, where that is limited.
const READ_FOR_USE: usize = 1 << 20;

/// A request on this way.
pub(crate) struct Passing {
    admitted: Admitted,
    receipt: Receipt,
    tee: Tee,
    /// Who may still be asked.
    order: Order,
    /// The content type of a form whose fields are captured.
    form: Option<String>,
    /// The gateway itself had to answer.
    failed: Option<Outcome>,
    /// What the other door had read of the body before it proved too large.
    ahead: Bytes,
    /// That is still to be sent on this try.
    due: bool,
    /// The status of the answer that another upstream's is preferred to.
    put_off: Option<u16>,
    /// The same upstream was asked a second time already.
    renewed: bool,
    /// It is a conversation over a socket, which lasts as long as it likes.
    upgraded: bool,
}

impl Passing {
    /// Turns to the next upstream on this ground, if there is one.
    fn turn(&mut self, shared: &Shared, ground: Ground) -> bool {
        let goes_on = self.order.goes_on(ground);
        if goes_on {
            if ground != Ground::Shut {
                self.receipt.again(shared, &self.admitted, By::Cloud, &ground.code());
            }
            self.order.turn(shared, &mut self.admitted, ground.as_str());
        }
        goes_on
    }
}

/// Opens the receipt.
pub(crate) fn begin(shared: &Shared, session: &Session, ctx: &mut Ctx, mut admitted: Admitted) {
    let order = Order::of(shared, &mut admitted);
    let receipt = Receipt::open(shared, &admitted, By::Cloud, None, "");
    let kind = || headers::text(&session.req_header().headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let form = captured_form(&admitted).then(|| kind().to_owned());
    let captured = || usize::try_from(admitted.table.config.capture.max_bytes).unwrap_or(usize::MAX);
    let limit = if form.is_some() { captured() } else { READ_FOR_USE };
    let tee = Tee::new(&shared.env, form.is_some() || admitted.counts_use(), limit);
    let passing = Passing {
        admitted,
        receipt,
        tee,
        order,
        form,
        failed: None,
        ahead: Bytes::new(),
        due: false,
        put_off: None,
        renewed: false,
        upgraded: session.is_upgrade_req(),
    };
    ctx.passing = Some(Box::new(passing));
}

/// Uploads pass as they come; what they say beside the file is captured.
fn captured_form(admitted: &Admitted) -> bool {
    admitted.surface().body() == Body::Form && admitted.is_captured()
}

/// Takes a request whose body is too large to be read whole; `read` of it was read already.
pub(crate) fn begin_oversize(
    shared: &Shared,
    session: &mut Session,
    ctx: &mut Ctx,
    admitted: Admitted,
    read: Bytes,
) {
    close::not_captured(shared, &admitted, "oversize");
    if !read.is_empty() {
        // The client was asked for its body when the reading began.
        session.req_header_mut().remove_header(&EXPECT);
    }
    begin(shared, session, ctx, admitted);
    if let Some(passing) = &mut ctx.passing {
        passing.ahead = read;
    }
}

/// Where it goes: the first upstream that may be asked and whose address is known.
pub(crate) async fn peer(gateway: &Gateway, ctx: &mut Ctx) -> Result<Box<HttpPeer>> {
    let internal = || Error::new_in(ErrorType::InternalError);
    let shared = &*gateway.shared;
    let passing = ctx.passing.as_mut().ok_or_else(internal)?;
    // Another try sends the body from its first byte again.
    passing.tee.begin_request(passing.form.as_deref());
    let mut peer = loop {
        if let Err(wait_ms) = failover::admit(shared, &passing.admitted) {
            shared.events.breaker_refused(&passing.admitted.way.upstream);
            if passing.turn(shared, Ground::Shut) {
                continue;
            }
            return Err(shut(wait_ms));
        }
        match first_peer(gateway, &passing.admitted).await {
            Ok(peer) => break peer,
            Err(failed) => {
                failover::note(shared, &passing.admitted, Err(failed.why));
                if !passing.turn(shared, Ground::Failed(failed.why)) {
                    return Err(unreachable(failed));
                }
            }
        }
    };
    if passing.upgraded {
        // A conversation over a socket may be silent for as long as it likes, and HTTP/2 has no upgrades.
        peer.options.read_timeout = None;
        peer.options.alpn = ALPN::H1;
    }
    Ok(Box::new(peer))
}

async fn first_peer(gateway: &Gateway, admitted: &Admitted) -> std::result::Result<HttpPeer, Failed> {
    let none = || Failed { why: Why::Connect, cause: "no address".to_owned() };
    let upstream = admitted.upstream().ok_or_else(none)?;
    let now = gateway.shared.env.clock.micros();
    let peers = gateway.upstreams.peers(upstream, admitted.table.config.airgap, now).await?;
    peers.into_iter().next().ok_or_else(none)
}

/// The breaker is open; how long, stands in the context.
fn shut(wait_ms: u64) -> BError {
    Error::explain(ErrorType::Custom(SHUT), wait_ms.div_ceil(1_000).max(1).to_string()).into_up()
}

fn unreachable(failed: Failed) -> BError {
    let kind = if failed.why.is_timeout() { ErrorType::ConnectTimedout } else { ErrorType::ConnectError };
    Error::explain(kind, failed.cause).into_up()
}

/// A piece of the request body, on its way up.
pub(crate) fn request_piece(ctx: &mut Ctx, piece: &mut Option<Bytes>, ends: bool) {
    let Some(passing) = &mut ctx.passing else { return };
    if std::mem::take(&mut passing.due) {
        let mut joined = BytesMut::from(passing.ahead.clone());
        joined.extend_from_slice(piece.as_deref().unwrap_or_default());
        *piece = Some(joined.freeze());
    }
    framing::end_once(piece, ends);
    if let Some(piece) = piece {
        passing.tee.request_piece(piece);
    }
}

/// The request head, as it goes up.
pub(crate) async fn dress(session: &mut Session, ctx: &mut Ctx, request: &mut RequestHeader) -> Result<()> {
    let internal = || Error::new_in(ErrorType::InternalError);
    let passing = ctx.passing.as_mut().ok_or_else(internal)?;
    passing.due = !passing.ahead.is_empty();
    let admitted = &passing.admitted;
    let upstream = admitted.upstream().ok_or_else(internal)?;
    headers::upward(request, &admitted.upward(upstream), Hops::Done)?;
    if admitted.way.foreign {
        headers::estrange(request);
    }
    match (session.as_downstream().as_http1().is_some(), request.version == Version::HTTP_2) {
        // Pingora reads no `100` of an HTTP/2 upstream.
        (true, true) if invite::waits(&request.headers) => {
            request.remove_header(&EXPECT);
            invite::invite(session).await?;
            session.req_header_mut().remove_header(&EXPECT);
            Ok(())
        }
        (false, false) => headers::join_cookies(request),
        _ => Ok(()),
    }
}

/// The response head, as it comes down.
pub(crate) async fn response_head(
    gateway: &Gateway,
    session: &mut Session,
    ctx: &mut Ctx,
    response: &mut ResponseHeader,
) -> Result<()> {
    let informs = response.status.is_informational() && response.status != StatusCode::SWITCHING_PROTOCOLS;
    let Some(passing) = ctx.passing.as_mut().filter(|_| !informs) else { return Ok(()) };
    framing::one_length(response)?;
    let status = response.status.as_u16();
    failover::note(&gateway.shared, &passing.admitted, Ok(status));
    if passing.order.goes_on(Ground::Status(status)) && is_repeatable(session, passing) {
        passing.put_off = Some(status);
        return Err(Error::new_up(ErrorType::Custom(again::PUT_OFF)));
    }
    let header = passing.receipt.header(&gateway.shared, &passing.admitted).await;
    headers::downward(response, &header)?;
    headers::unchunked(session, response);
    Connection::keep_date(session, response);
    passing.tee.head(response.status.as_u16(), &response.headers);
    Ok(())
}

/// A piece of the response body, on its way down; none passes any more when the upstream's whole time is over.
pub(crate) fn response_piece(gateway: &Gateway, ctx: &mut Ctx, piece: Option<&Bytes>) -> Result<()> {
    let (Some(passing), Some(piece)) = (&mut ctx.passing, piece) else { return Ok(()) };
    let env = &gateway.shared.env;
    let spent = env.clock.micros().saturating_sub(passing.admitted.started_us);
    let total = passing.admitted.upstream().map(|upstream| upstream.timeouts.total);
    if !passing.upgraded && total.is_some_and(|total| Duration::from_micros(spent) > total) {
        return Err(Error::new_up(ErrorType::ReadTimedout));
    }
    passing.tee.sent(piece, env);
    Ok(())
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
    let body = Bytes::from(refusal.body());
    let retry_after = (*error.etype() == ErrorType::Custom(SHUT)).then_some(error.context.as_ref()).flatten();
    let retry_after = retry_after.and_then(|seconds| seconds.as_str().parse().ok());
    let answer = Answer::from(refusal).retry_after(retry_after);
    let header = match &mut ctx.passing {
        Some(passing) => {
            if let (ErrorSource::Upstream, Some(why)) = (error.esource(), silence(error.etype())) {
                failover::note(shared, &passing.admitted, Err(why));
            }
            let why = error.etype().as_str();
            if outcome == Outcome::Refused {
                shared.events.request_refused(status);
            } else {
                shared.events.upstream_failed(
                    passing.admitted.id,
                    &passing.admitted.way.upstream,
                    "verbatim",
                    why,
                );
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
        (ErrorSource::Upstream, ErrorType::Custom(SHUT)) => {
            Some((ApiError::overloaded(), Outcome::UpstreamError))
        }
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
    let Passing { admitted, receipt, mut tee, form, failed, .. } = *passing;
    let shared = &*gateway.shared;
    let outcome = failed.unwrap_or_else(|| match error.map(Error::esource) {
        None => Outcome::Complete,
        Some(ErrorSource::Downstream) if told_all(&tee) => Outcome::Complete,
        Some(ErrorSource::Downstream) => Outcome::ClientAbort,
        Some(ErrorSource::Upstream) if error.is_some_and(is_late) => Outcome::Timeout,
        Some(ErrorSource::Upstream | ErrorSource::Internal | ErrorSource::Unset) => Outcome::UpstreamError,
    });
    let mut told = Told {
        arm: Arm::Teacher,
        artifact: None,
        route: None,
        fallback: None,
        model: tee.end_form(),
        unit: None,
        outcome,
        ended_cleanly: error.is_none(),
    };
    if form.is_none() {
        return close::close_uncaptured(shared, &admitted, receipt, tee, &told);
    }
    let route = admitted.table.find(&admitted.namespace, admitted.upstream_path(), &told.model);
    told.route = route.map(|entry| entry.route.name.clone());
    close::close(shared, &admitted, receipt, tee, told);
}

/// Whether a client that left had been told all there is: looked up when one has left, not while bytes pass.
fn told_all(tee: &Tee) -> bool {
    tee.done() || tee.streamed && assemble::of_stream(&tee.reply, false).done
}

fn is_late(error: &Error) -> bool {
    matches!(error.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout | ErrorType::ConnectTimedout)
}
