//! Traces: one span for each proxied request, built when its books are closed and sent by the background; metrics, the
//! registry behind `/metrics`, sent beside them.
//!
//! **Invariant:** a request never waits for a span, and no text of a request, no header and no key is in one; without
//! a collector nothing is gathered.

mod encode;
mod export;
mod measure;
mod trace;

use std::sync::{Arc, OnceLock};

use kolm_core::{Arm, ArtifactId, Namespace, Outcome, RequestId, RouteName, Timestamp};
use kolm_receipts::Rt;
use kolm_wire::chat::Brief;
use opentelemetry_proto::tonic::trace::v1::ScopeSpans;
use prost::Message as _;
use tokio::sync::{Mutex, mpsc, watch};

use crate::admit::Admitted;
use crate::close::Told;
use crate::events::Events;
use crate::receipt::Receipt;
use crate::table::Shared;
use crate::tap::Tee;

pub(crate) use export::client;
pub(crate) use trace::Trace;

/// Spans that may wait to be sent; more are dropped and counted.
const QUEUE: usize = 4_096;
/// Longest name that comes from outside.
const NAME_MAX: usize = 128;

/// The door of the traces.
pub struct Telemetry {
    queue: mpsc::Sender<Waiting>,
    /// For the task that sends them.
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    /// The process that sends them in this one's place.
    heir: OnceLock<Heir>,
}

/// Takes what is known of a request in the place of a collector.
pub type Heir = Box<dyn Fn(&[u8]) + Send + Sync>;

/// A request whose span, with those below it, is to be sent.
enum Waiting {
    /// One of this process.
    Ours(Box<Span>),
    /// One that the process before an upgrade ended.
    Theirs(ScopeSpans),
}

impl Default for Telemetry {
    fn default() -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        Self { queue, waiting: Mutex::new(waiting), heir: OnceLock::new() }
    }
}

impl Telemetry {
    /// Spans go to `heir` from here on, those that wait and those of the requests under way.
    pub fn hand_over(&self, heir: Heir) {
        if self.heir.set(heir).is_err() {
            tracing::error!("traces were handed over twice");
        }
    }

    /// Takes in what the process before knows of a request.
    pub fn inherit(&self, events: &Events, span: &[u8]) {
        match ScopeSpans::decode(span) {
            Ok(spans) => self.put(events, Waiting::Theirs(spans)),
            Err(cause) => tracing::error!(%cause, "a span of the process before cannot be read"),
        }
    }

    fn is_handed_over(&self) -> bool {
        self.heir.get().is_some()
    }

    fn put(&self, events: &Events, span: Waiting) {
        if self.queue.try_send(span).is_err() {
            events.spans_dropped("queue_full", 1);
        }
    }
}

/// What is known of a request when it has ended.
pub(crate) struct Span {
    trace: Trace,
    id: RequestId,
    at: Timestamp,
    started_us: u64,
    ended_us: u64,
    first_us: Option<u64>,
    /// `gen_ai.operation.name`, where the request is one.
    operation: Option<&'static str>,
    method: String,
    path: String,
    namespace: Namespace,
    route: Option<RouteName>,
    /// The upstream's name, host and port.
    upstream: (String, String, u16),
    arm: Arm,
    artifact: Option<ArtifactId>,
    fallback: Option<&'static str>,
    model: String,
    reply_model: String,
    finish: String,
    tokens: (i64, i64),
    outcome: Outcome,
    status: u16,
    streamed: bool,
    tries: Vec<Step>,
}

/// One try at an answer.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Local: a student, if there is an artifact, else the gateway itself.
    pub(crate) rt: Rt,
    /// The student's artifact.
    pub(crate) artifact: Option<ArtifactId>,
    /// When it began.
    pub(crate) began_us: u64,
    /// When it ended.
    pub(crate) ended_us: u64,
    /// Why it was no answer.
    pub(crate) code: Option<String>,
}

/// Sends spans and metrics until the process ends, and then what is left.
pub(crate) async fn run(shared: Arc<Shared>, http: reqwest::Client, stopped: watch::Receiver<bool>) {
    let spans = export::run(Arc::clone(&shared), http.clone(), stopped.clone());
    tokio::join!(spans, measure::run(shared, http, stopped));
}

/// Hands the span of a finished request on, if its trace is gathered.
pub(crate) fn finished(
    shared: &Shared,
    admitted: &Admitted,
    receipt: &Receipt,
    (tee, told): (&Tee, &Told),
    brief: Option<&Brief>,
    now_us: u64,
) {
    let Some(trace) = admitted.trace else { return };
    let base = admitted.upstream().map(|upstream| &upstream.base_url);
    let span = Span {
        trace,
        id: admitted.id,
        at: admitted.at,
        started_us: admitted.started_us,
        ended_us: now_us,
        first_us: tee.first.map(|(_, us)| us),
        operation: operation(admitted.surface().as_str()),
        method: clip(admitted.method.as_str()),
        path: clip(admitted.path()),
        namespace: admitted.namespace.clone(),
        route: told.route.clone(),
        upstream: (
            admitted.way.upstream.clone(),
            base.map_or_else(String::new, |base| base.host.clone()),
            base.map_or(0, |base| base.port),
        ),
        arm: told.arm,
        artifact: told.artifact.clone(),
        fallback: told.fallback.as_ref().map(|fallback| fallback.why),
        model: clip(&told.model),
        reply_model: brief.map_or_else(String::new, |brief| clip(&brief.model)),
        finish: brief.map_or_else(String::new, |brief| clip(&brief.finish)),
        tokens: brief.map_or((-1, -1), |brief| (brief.tokens_in, brief.tokens_out)),
        outcome: told.outcome,
        status: tee.status,
        streamed: tee.streamed,
        tries: receipt.steps(now_us),
    };
    shared.telemetry.put(&shared.events, Waiting::Ours(Box::new(span)));
}

/// A name, as far as a name goes.
fn clip(text: &str) -> String {
    let end = (0..=NAME_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}

/// The operation's name in the conventions for generative AI; none for what is no inference.
pub(crate) fn operation(surface: &'static str) -> Option<&'static str> {
    match surface {
        "chat" | "responses" => Some("chat"),
        "completions" => Some("text_completion"),
        "other" => None,
        other => Some(other),
    }
}
