//! What happens, said once: each method is one log line and one metric.
//!
//! **Invariant:** no text of a request or an answer and no key is ever an argument here.

mod keys;
pub(crate) mod latency;
mod port;
mod shadow;
mod sparing;
mod upstream;

use std::net::SocketAddr;

use kolm_core::{Arm, DecisionRow, Namespace, Outcome, RequestId, RouteName, Surface};
use prometheus::core::Collector;
use prometheus::proto::{LabelPair, MetricFamily};
use prometheus::{Encoder, IntCounterVec, Opts, Registry, TextEncoder};

use self::latency::Histograms;
use self::sparing::Sparing;

macro_rules! counters {
    ($($field:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        /// Every metric's name.
        pub const NAMES: &[&str] = &[$($name),*];

        struct Counters { $($field: IntCounterVec,)* }

        impl Counters {
            fn register(registry: &Registry) -> prometheus::Result<Self> {
                Ok(Self { $($field: {
                    let counter = IntCounterVec::new(Opts::new($name, $help), &[$($label),*])?;
                    registry.register(Box::new(counter.clone()))?;
                    counter
                },)* })
            }
        }
    };
}

counters! {
    finished "kolm_request_finish_total" ["surface", "arm", "outcome"] "Answered requests.";
    refused "kolm_request_refuse_total" ["status"] "Requests the gateway itself refused.";
    fell_back "kolm_request_fallback_total" ["route", "reason"] "Requests of the student's buckets that the teacher answered.";
    namespace_refused "kolm_namespace_refused_total" [] "Namespace headers that named no namespace of this gateway.";
    key_refused "kolm_key_refuse_total" ["reason"] "Requests with a key of this gateway that does not open.";
    keys_read "kolm_key_read_total" ["result"] "Changed files of issued keys that were read.";
    limit_refused "kolm_limit_refuse_total" ["kind"] "Requests over a limit of their key or namespace.";
    limit_unpriced "kolm_limit_unpriced_total" [] "Requests without a known price that passed although money is limited.";
    spend_unwritten "kolm_spend_fail_total" [] "Failed attempts to write down what was spent.";
    upstream_failed "kolm_upstream_fail_total" ["upstream", "why"] "Calls that got no whole answer.";
    breaker_turned "kolm_upstream_break_total" ["upstream", "to"] "Turns of upstreams' breakers.";
    breaker_refused "kolm_upstream_refuse_total" ["upstream"] "Requests that an open breaker did not let through to its upstream.";
    failed_over "kolm_upstream_failover_total" ["from", "to", "why"] "Requests that another upstream was asked instead.";
    health_checked "kolm_upstream_health_total" ["upstream", "verdict"] "Health checks by the verdict they leave an upstream with.";
    engine_turned "kolm_engine_turn_total" ["route", "to"] "Turns of the health of pools' servers.";
    student_failed "kolm_student_fail_total" ["route", "why"] "Failures of a student before its first byte.";
    abstained "kolm_student_abstain_total" ["route"] "Abstentions of a student.";
    accepted "kolm_capture_accept_total" [] "Exchanges handed to the capture queue.";
    dropped "kolm_capture_drop_total" ["reason"] "Exchanges that were not captured although they should have been.";
    shadow_dropped "kolm_shadow_drop_total" ["route", "reason"] "Exchanges drawn for the shadow that have no score.";
    student_up "kolm_student_start_total" ["route"] "Student processes that began to answer.";
    student_down "kolm_student_end_total" ["route"] "Student processes that ended or were given up.";
    decisions "kolm_rollout_decide_total" ["route", "kind"] "Decisions about routes.";
    reconcile_failed "kolm_reconcile_fail_total" ["route"] "Looks at a route that could not be finished.";
    decayed "kolm_pair_decay_total" ["namespace"] "Pairs whose bodies were taken out because their retention was over.";
    undecayed "kolm_decay_fail_total" ["namespace"] "Failed attempts to take bodies out of pairs.";
    receipt_none "kolm_receipt_degrade_total" [] "Answers sent with st=none because the ledger did not take the record in time.";
    config_changed "kolm_config_change_total" ["by"] "Configurations that came into force.";
    config_refused "kolm_config_refuse_total" ["by"] "Configurations that were refused for their problems.";
    config_forgotten "kolm_config_forget_total" [] "Configurations in force that the history could not take.";
    spans_sent "kolm_span_send_total" [] "Spans that the collector took.";
    metrics_sent "kolm_metric_send_total" ["result"] "Reports of these metrics to the collector.";
    spans_dropped "kolm_span_drop_total" ["reason"] "Spans that were not sent.";
    connection_refused "kolm_connection_refuse_total" ["limit"] "Connections closed at once because a limit was reached.";
    connection_cut "kolm_connection_cut_total" ["waited_for"] "Connections given up because the client was too slow, or showed no good certificate.";
    accept_failed "kolm_connection_accept_fail_total" [] "Connections the system could not hand over.";
    certificates "kolm_certificate_load_total" ["outcome"] "Loads of the client port's certificates; `kept`: the old ones stay.";
    certificate_ends "kolm_certificate_end_total" [] "Loaded certificates that have ended or end within 14 days.";
    task_panicked "kolm_task_panic_total" ["task"] "Background tasks that panicked and were begun anew.";
    drain_exceeded "kolm_drain_exceed_total" [] "Stops that cut requests because the drain took too long.";
}

/// Metrics and log lines of the gateway.
pub struct Events {
    registry: Registry,
    counters: Counters,
    histograms: Histograms,
    dropping: Sparing,
    unspooled: Sparing,
    unwitnessed: Sparing,
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl Events {
    /// Counters at zero, in a registry of their own.
    #[expect(clippy::expect_used, reason = "names and labels are constants; a test registers them all")]
    pub fn new() -> Self {
        let registry = Registry::new();
        let counters = Counters::register(&registry).expect("valid metric names");
        let histograms = Histograms::register(&registry).expect("valid metric names");
        let [dropping, unspooled, unwitnessed] = std::array::from_fn(|_| Sparing::default());
        Self { registry, counters, histograms, dropping, unspooled, unwitnessed }
    }

    /// The registry, for collectors that read state when asked.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All metrics as Prometheus text.
    pub fn render(&self) -> String {
        let mut out = Vec::new();
        if let Err(cause) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(%cause, "metrics cannot be written");
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// An answer has ended, whoever gave it.
    pub fn request_finished(
        &self,
        receipt: RequestId,
        surface: Surface,
        arm: Arm,
        outcome: Outcome,
        status: u16,
        latency_us: u64,
    ) {
        let arm = arm_name(arm);
        self.counters.finished.with_label_values(&[surface.as_str(), arm, outcome.as_str()]).inc();
        let surface = surface.as_str();
        tracing::debug!(%receipt, surface, arm, %outcome, status, latency_us, "request finished");
    }

    /// The gateway itself answered with an error.
    pub fn request_refused(&self, status: u16) {
        self.counters.refused.with_label_values(&[&status.to_string()]).inc();
        tracing::debug!(status, "request refused");
    }

    /// The teacher answers a request of the student's buckets.
    pub fn request_fell_back(&self, route: &RouteName, reason: &'static str) {
        self.counters.fell_back.with_label_values(&[route.as_str(), reason]).inc();
        tracing::debug!(%route, reason, "request fell back to the teacher");
    }

    /// A student failed before its first byte.
    pub fn student_failed(&self, route: &RouteName, why: &'static str) {
        self.counters.student_failed.with_label_values(&[route.as_str(), why]).inc();
        tracing::warn!(%route, why, "student failed");
    }

    /// A student abstained.
    pub fn student_abstained(&self, route: &RouteName) {
        self.counters.abstained.with_label_values(&[route.as_str()]).inc();
        tracing::debug!(%route, "student abstained");
    }

    /// A student process answers.
    pub fn student_up(&self, route: &RouteName, address: SocketAddr) {
        self.counters.student_up.with_label_values(&[route.as_str()]).inc();
        tracing::info!(%route, %address, "student up");
    }

    /// A student process is gone, or did not come up.
    pub fn student_down(&self, route: &RouteName, why: &str) {
        self.counters.student_down.with_label_values(&[route.as_str()]).inc();
        tracing::warn!(%route, why, "student down");
    }

    /// A Decision is recorded.
    pub fn decided(&self, row: &DecisionRow) {
        self.counters.decisions.with_label_values(&[row.route.as_str(), row.kind.as_str()]).inc();
        let because = row.because.join(", ");
        tracing::info!(route = %row.route, kind = row.kind.as_str(), from = %row.from, to = %row.to, because, "decision");
    }

    /// A look at a route failed; the next one tries again.
    pub fn reconcile_failed(&self, route: &RouteName, cause: &kolm_store::Error) {
        self.counters.reconcile_failed.with_label_values(&[route.as_str()]).inc();
        tracing::error!(%route, %cause, "the route could not be reconciled");
    }

    /// An exchange is in the capture queue.
    pub fn capture_accepted(&self) {
        self.counters.accepted.with_label_values(&[]).inc();
        tracing::trace!("exchange queued for capture");
    }

    /// An exchange will not be captured.
    pub fn capture_dropped(&self, reason: &'static str) {
        self.counters.dropped.with_label_values(&[reason]).inc();
        if let Some(exchanges) = self.dropping.say() {
            tracing::warn!(reason, exchanges, "exchanges not captured");
        }
    }

    /// A pair did not get into the spool.
    pub fn pair_unspooled(&self, error: &kolm_store::Error) {
        if let Some(pairs) = self.unspooled.say() {
            tracing::error!(pairs, %error, "not spooled");
        }
    }

    /// Exchanges handed to the capture queue since the start.
    pub fn accepted(&self) -> u64 {
        self.counters.accepted.with_label_values(&[]).get()
    }

    /// Exchanges not captured since the start, by reason, sorted.
    pub fn dropped(&self) -> Vec<(String, u64)> {
        by_reason(&self.counters.dropped, |_| true)
    }

    /// Bodies were taken out of pairs.
    pub fn pairs_decayed(&self, namespace: &Namespace, pairs: u64) {
        self.counters.decayed.with_label_values(&[namespace.as_str()]).inc_by(pairs);
        tracing::info!(%namespace, pairs, "bodies taken out, their retention is over");
    }

    /// Bodies that should be gone are still there.
    pub fn pairs_undecayed(&self, namespace: &Namespace, cause: &kolm_store::Error) {
        self.counters.undecayed.with_label_values(&[namespace.as_str()]).inc();
        tracing::error!(%namespace, %cause, "bodies could not be taken out, it is tried again");
    }

    /// A receipt went out with `st=none`.
    pub fn receipt_degraded(&self) {
        self.counters.receipt_none.with_label_values(&[]).inc();
        if let Some(receipts) = self.unwitnessed.say() {
            tracing::warn!(receipts, "the ledger did not take records in time");
        }
    }

    /// A collector took spans.
    pub fn spans_sent(&self, count: usize) {
        self.counters.spans_sent.with_label_values(&[]).inc_by(count as u64);
        tracing::trace!(count, "spans sent");
    }

    /// Spans are lost.
    pub fn spans_dropped(&self, reason: &'static str, count: usize) {
        self.counters.spans_dropped.with_label_values(&[reason]).inc_by(count as u64);
        tracing::debug!(reason, count, "spans not sent");
    }

    /// A collector took a report.
    pub fn metrics_sent(&self) {
        self.counters.metrics_sent.with_label_values(&["taken"]).inc();
        tracing::trace!("metrics sent");
    }

    /// A report is lost; the next one says all of it.
    pub fn metrics_unsent(&self) {
        self.counters.metrics_sent.with_label_values(&["failed"]).inc();
        tracing::debug!("metrics not sent");
    }

    /// A task of the background panicked; it is begun anew.
    pub fn task_panicked(&self, task: &'static str) {
        self.counters.task_panicked.with_label_values(&[task]).inc();
        tracing::error!(task, "background task panicked");
    }

    /// A stop did not wait for the last requests.
    pub fn drain_exceeded(&self, in_flight: usize) {
        self.counters.drain_exceeded.with_label_values(&[]).inc();
        tracing::warn!(in_flight, "stopped before the last request had ended");
    }
}

/// The counts of a counter by its label `reason`, sorted, of the metrics with such labels.
fn by_reason(counter: &IntCounterVec, of: impl Fn(&[LabelPair]) -> bool) -> Vec<(String, u64)> {
    let families = counter.collect();
    let metrics = families.iter().flat_map(MetricFamily::get_metric);
    let mut out: Vec<(String, u64)> = metrics
        .filter(|metric| of(metric.get_label()))
        .filter_map(|metric| {
            let reason = metric.get_label().iter().find(|label| label.get_name() == "reason")?;
            Some((reason.get_value().to_owned(), metric.get_counter().get_value() as u64))
        })
        .collect();
    out.sort();
    out
}

fn arm_name(arm: Arm) -> &'static str {
    match arm {
        Arm::Teacher => "teacher",
        Arm::Student => "student",
    }
}

#[cfg(test)]
mod tests {
    use kolm_core::{Counts, DecisionKind, KScore, Stage, Timestamp, Weight};

    use super::*;

    fn decision(route: RouteName) -> DecisionRow {
        DecisionRow {
            id: RequestId::from_parts(Timestamp(1), [0; 10]),
            route,
            seq: 0,
            t: Timestamp(1),
            prev: String::new(),
            kind: DecisionKind::Hold,
            because: Vec::new(),
            from: Weight::ZERO,
            to: Weight::ZERO,
            stage: Stage::Shadow,
            artifact: None,
            policy: String::new(),
            attempt: 1,
            alpha_ppb: 0,
            n: Counts::default(),
            k: KScore::default(),
            ceiling: None,
            basis: None,
            challenger: None,
            sample: None,
            actor: "reconciler".to_owned(),
            reason: String::new(),
            digest: String::new(),
        }
    }

    #[test]
    fn every_name_is_in_the_grammar_and_in_the_page_once_counted() {
        let events = Events::new();
        let route: RouteName = "support".parse().unwrap();
        let id = RequestId::from_parts(Timestamp(1), [1; 10]);
        events.request_finished(id, Surface::Chat, Arm::Student, Outcome::Complete, 200, 5);
        events.request_refused(404);
        events.request_fell_back(&route, "down");
        events.namespace_refused();
        events.key_refused("revoked");
        events.keys_read(1);
        events.limit_refused("concurrent");
        events.limit_unpriced();
        events.spend_unwritten(&std::io::Error::other("full"));
        events.upstream_failed(id, "openai", "connect", "refused");
        events.breaker_turned("openai", "open");
        events.breaker_refused("openai");
        events.failed_over(id, "openai", "other", "connect");
        events.health_checked("openai", true, false);
        events.engine_turned(&route, "127.0.0.1:9".parse().unwrap(), false);
        events.student_failed(&route, "timeout");
        events.student_abstained(&route);
        events.capture_accepted();
        events.capture_dropped("queue_full");
        events.shadow_dropped(&route, "load");
        events.student_up(&route, "127.0.0.1:9".parse().unwrap());
        events.student_down(&route, "ended");
        events.decided(&decision(route.clone()));
        events.reconcile_failed(&route, &kolm_store::Error::SpoolFull { quota: 1 });
        let namespace: Namespace = "support".parse().unwrap();
        events.pairs_decayed(&namespace, 2);
        events.pairs_undecayed(&namespace, &kolm_store::Error::SpoolFull { quota: 1 });
        events.receipt_degraded();
        events.connection_refused("max_connections");
        events.connection_cut("header");
        events.accept_failed(&std::io::Error::other("no"));
        events.certificates_loaded(1);
        events.certificates_kept(&crate::error::Error::Tls { cause: "no".to_owned() });
        events.certificate_ends("localhost", 3);
        events.task_panicked("reconciler");
        events.drain_exceeded(1);
        events.config_changed(2, "admin:ann", 1, "listen.address");
        events.config_refused("file", &kolm_config::Problems { file: "f".to_owned(), list: Vec::new() });
        events.config_forgotten(2, &std::io::Error::other("full"));
        events.spans_sent(2);
        events.spans_dropped("queue_full", 1);
        events.metrics_sent();
        events.metrics_unsent();
        let page = events.render();
        for name in NAMES {
            let words: Vec<&str> = name.split('_').collect();
            assert!(words.len() >= 4 && words[0] == "kolm" && words.last() == Some(&"total"), "{name}");
            assert!(page.contains(&format!("\n{name}")), "{name} is not in the page");
        }
        assert_eq!(events.accepted(), 1);
        assert_eq!(events.dropped(), [("queue_full".to_owned(), 1)]);
    }
}
