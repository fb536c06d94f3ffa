//! The end of a request: one leaf, one event, and a copy for the capture worker.
//!
//! **Invariant:** runs after the client has its last byte, and never waits.

use bytes::Bytes;
use http::HeaderValue;
use kolm_core::{Arm, ArtifactId, Outcome, RouteName, Surface};
use kolm_receipts::Close;
use kolm_wire::{assemble, chat};

use crate::admit::Admitted;
use crate::events::latency::Ended;
use crate::exchange::{Fallback, Finished};
use crate::limits;
use crate::receipt::Receipt;
use crate::table::Shared;
use crate::tap::Tee;
use crate::telemetry;

/// A reply up to this size is looked into for the receipt; longer ones are left to the capture worker.
const LOOKED_INTO: usize = 64 << 10;

/// How it went.
pub(crate) struct Told {
    /// Who answered.
    pub(crate) arm: Arm,
    /// The artifact, if it was a student.
    pub(crate) artifact: Option<ArtifactId>,
    /// The route that matched.
    pub(crate) route: Option<RouteName>,
    /// Why the student did not answer although the bucket said so.
    pub(crate) fallback: Option<Fallback>,
    /// The requested model.
    pub(crate) model: String,
    /// The unit of evidence, if it had to be known.
    pub(crate) unit: Option<String>,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// The upstream's body came to its end.
    pub(crate) ended_cleanly: bool,
}

/// Closes the receipt and hands the copy on.
pub(crate) fn close(shared: &Shared, admitted: &Admitted, receipt: Receipt, mut tee: Tee, told: Told) {
    let latency_us = books(shared, admitted, receipt, &mut tee, &told);
    if !admitted.is_captured() {
        return;
    }
    shared.events.capture_accepted();
    if !shared.captures.send(finished(admitted, tee, told, latency_us)) {
        shared.events.capture_dropped("queue_full");
    }
}

/// A request on a captured surface of which there will be no row: counted, so that nothing is lost in silence.
pub(crate) fn not_captured(shared: &Shared, admitted: &Admitted, reason: &'static str) {
    if admitted.is_captured() {
        shared.events.capture_accepted();
        shared.events.capture_dropped(reason);
    }
}

/// Closes the receipt of what passed verbatim: there is no copy.
pub(crate) fn close_uncaptured(
    shared: &Shared,
    admitted: &Admitted,
    receipt: Receipt,
    mut tee: Tee,
    told: &Told,
) {
    books(shared, admitted, receipt, &mut tee, told);
}

fn books(shared: &Shared, admitted: &Admitted, receipt: Receipt, tee: &mut Tee, told: &Told) -> u64 {
    let now_us = shared.env.clock.micros();
    let latency_us = now_us.saturating_sub(admitted.started_us);
    let (req, resp) = tee.commitments();
    let brief = brief(admitted, tee, told.ended_cleanly);
    telemetry::finished(shared, admitted, &receipt, (tee, told), brief.as_ref(), now_us);
    let mut leaf = Close::new(told.outcome, if tee.status == 0 { -1 } else { i64::from(tee.status) });
    leaf.bytes_out = i64::try_from(tee.sent).unwrap_or(i64::MAX);
    (leaf.req, leaf.resp) = (req, resp);
    leaf.t_first = tee.first.map(|(at, _)| at);
    measure(shared, admitted, (tee, told), brief.as_ref(), latency_us);
    if let Some(brief) = brief {
        (leaf.tok_in, leaf.tok_out, leaf.finish) = (brief.tokens_in, brief.tokens_out, brief.finish);
        if told.arm == Arm::Teacher {
            (leaf.up_model, leaf.up_fp) = (brief.model, brief.fingerprint);
        }
    }
    receipt.close(shared, leaf);
    limits::settle(shared, admitted, tee, told.arm, &told.model);
    shared.events.request_finished(
        admitted.id,
        admitted.surface(),
        told.arm,
        told.outcome,
        tee.status,
        latency_us,
    );
    latency_us
}

/// How long it took, and what it used.
fn measure(
    shared: &Shared,
    admitted: &Admitted,
    (tee, told): (&Tee, &Told),
    brief: Option<&chat::Brief>,
    latency_us: u64,
) {
    let first = tee.first.filter(|_| tee.streamed);
    shared.events.request_measured(&Ended {
        route: told.route.as_ref(),
        arm: told.arm,
        outcome: told.outcome,
        status: tee.status,
        latency_us,
        first_us: first.map(|(_, us)| us.saturating_sub(admitted.started_us)),
        operation: telemetry::operation(admitted.surface().as_str()),
        model: &told.model,
        tokens: brief.map_or((-1, -1), |brief| (brief.tokens_in, brief.tokens_out)),
    });
}

fn finished(admitted: &Admitted, mut tee: Tee, told: Told, latency_us: u64) -> Finished {
    let ttft_us = tee.first.map_or(latency_us, |(_, us)| us.saturating_sub(admitted.started_us));
    // What waits takes no more room than it is counted with.
    tee.reply.shrink_to_fit();
    Finished {
        id: admitted.id,
        at: admitted.at,
        namespace: admitted.namespace.clone(),
        route: told.route,
        surface: admitted.surface(),
        upstream: admitted.way.upstream.clone(),
        path: admitted.way.path.clone(),
        arm: told.arm,
        artifact: told.artifact,
        fallback: told.fallback,
        model: told.model,
        request: tee.request,
        reply: Bytes::from(tee.reply),
        truncated: tee.truncated,
        encoding: tee.encoding,
        streamed: tee.streamed,
        ended_cleanly: told.ended_cleanly,
        status: tee.status,
        outcome: told.outcome,
        latency_us,
        ttft_us,
        unit: told.unit,
        asker: admitted.asker.clone(),
        caller: admitted.caller,
        authorization: admitted.way.authorization.as_ref().map(apart),
        no_store: admitted.no_store,
        wanted: admitted.way.captured,
        unplaced: admitted.unplaced,
        retry_count: admitted.retry_count,
        request_salt: tee.request_salt,
        reply_salt: tee.reply_salt,
    }
}

/// The value in memory of its own: as it came it lies in the buffer of the whole head, which would wait with it.
fn apart(value: &HeaderValue) -> HeaderValue {
    let mut own = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    own.set_sensitive(value.is_sensitive());
    own
}

/// What a short, plain, whole reply in words says of itself.
fn brief(admitted: &Admitted, tee: &Tee, ended_cleanly: bool) -> Option<chat::Brief> {
    let readable = ended_cleanly && !tee.truncated && tee.encoding.is_empty();
    let short = (1..=LOOKED_INTO).contains(&tee.reply.len());
    let worded = matches!(admitted.surface(), Surface::Chat | Surface::Completions | Surface::Responses);
    if !worded || !readable || !short {
        return None;
    }
    if tee.streamed {
        return Some(chat::brief(&assemble::of_stream(&tee.reply, true).reply));
    }
    Some(chat::brief(&tee.reply))
}
