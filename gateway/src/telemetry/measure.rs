//! The registry behind `/metrics` in OpenTelemetry's words, sent to the collector as it grows.
//!
//! **Invariant:** the same numbers as `/metrics`: nothing is counted here. A collector that is away loses no count, the
//! next report says them all.

use std::sync::Arc;

use kolm_core::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use prometheus::proto::{self, MetricFamily, MetricType};
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::{Duration, sleep, timeout};

use super::encode::{self, Names};
use super::export::{self, LAST};
use crate::table::Shared;

/// How long it is waited for a configuration that wants reports.
const IDLE: Duration = Duration::from_secs(5);

/// Names, units of the conventions' metrics: those that have another in the registry.
const CONVENTIONS: [(&str, &str, &str); 3] = [
    ("gen_ai_client_operation_duration_seconds", "gen_ai.client.operation.duration", "s"),
    ("gen_ai_client_token_usage", "gen_ai.client.token.usage", "{token}"),
    ("gen_ai_server_time_to_first_token_seconds", "gen_ai.server.time_to_first_token", "s"),
];
/// Attributes of the conventions, and their names in the registry.
const ATTRIBUTES: [(&str, &str); 5] = [
    ("gen_ai_operation_name", "gen_ai.operation.name"),
    ("gen_ai_provider_name", "gen_ai.provider.name"),
    ("gen_ai_request_model", "gen_ai.request.model"),
    ("gen_ai_token_type", "gen_ai.token.type"),
    ("error_type", "error.type"),
];

/// Reports as often as the configuration says until the process ends, and then once more.
pub(super) async fn run(shared: Arc<Shared>, http: reqwest::Client, mut stopped: watch::Receiver<bool>) {
    let since = shared.env.clock.now();
    loop {
        tokio::select! {
            () = sleep(interval(&shared).unwrap_or(IDLE)) => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        if interval(&shared).is_some() {
            report(&shared, &http, since).await;
        }
    }
    if interval(&shared).is_some() {
        drop(timeout(LAST, report(&shared, &http, since)).await);
    }
}

/// How often is reported, if at all: after a hand-over never, two processes may not report under one name.
fn interval(shared: &Shared) -> Option<Duration> {
    let telemetry = &shared.table.load().config.telemetry;
    let wanted = telemetry.otlp_endpoint.is_some() && !shared.telemetry.is_handed_over();
    Some(telemetry.metrics_interval).filter(|every| wanted && !every.is_zero())
}

async fn report(shared: &Shared, http: &reqwest::Client, since: Timestamp) {
    let config = Arc::clone(&shared.table.load().config);
    let names = Names { service: &config.telemetry.service_name, node: &config.receipts.node };
    let times = (nanos(since), nanos(shared.env.clock.now()));
    let body = request(&shared.events.registry().gather(), &names, times);
    match export::post(http, &config, "metrics", body).await {
        Ok(()) => shared.events.metrics_sent(),
        Err(_) => shared.events.metrics_unsent(),
    }
}

/// One request to a collector.
fn request(families: &[MetricFamily], names: &Names<'_>, times: (u64, u64)) -> Vec<u8> {
    let metrics = families.iter().filter_map(|family| metric(family, times)).collect();
    let scoped = ScopeMetrics { scope: Some(encode::scope()), metrics, ..ScopeMetrics::default() };
    let resource = Some(encode::resource(names));
    let all = ResourceMetrics { resource, scope_metrics: vec![scoped], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![all] }.encode_to_vec()
}

/// A family of the registry; it has counters and histograms alone.
fn metric(family: &MetricFamily, times: (u64, u64)) -> Option<Metric> {
    let temporality = AggregationTemporality::Cumulative.into();
    let series = family.get_metric().iter();
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(Sum {
            data_points: series.map(|series| counted(series, times)).collect(),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        MetricType::HISTOGRAM => Data::Histogram(Histogram {
            data_points: series.map(|series| spread(series, times)).collect(),
            aggregation_temporality: temporality,
        }),
        MetricType::GAUGE | MetricType::SUMMARY | MetricType::UNTYPED => return None,
    };
    let own = family.get_name();
    let convention = CONVENTIONS.iter().find(|(name, ..)| *name == own);
    let of_own = if own.ends_with("_seconds") { "s" } else { "1" };
    let (name, unit) = convention.map_or((own, of_own), |(_, name, unit)| (*name, *unit));
    Some(Metric {
        name: name.to_owned(),
        description: family.get_help().to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

fn counted(series: &proto::Metric, (since, now): (u64, u64)) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: since,
        time_unix_nano: now,
        value: Some(Value::AsInt(series.get_counter().get_value() as i64)),
        ..NumberDataPoint::default()
    }
}

/// The registry counts what is not above a bound, the collector what is between two.
fn spread(series: &proto::Metric, (since, now): (u64, u64)) -> HistogramDataPoint {
    let histogram = series.get_histogram();
    let finite = histogram.get_bucket().iter().filter(|bucket| bucket.get_upper_bound().is_finite());
    let (mut below, mut bounds, mut counts) = (0, Vec::new(), Vec::new());
    for bucket in finite {
        bounds.push(bucket.get_upper_bound());
        counts.push(bucket.get_cumulative_count().saturating_sub(below));
        below = bucket.get_cumulative_count();
    }
    counts.push(histogram.get_sample_count().saturating_sub(below));
    HistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: since,
        time_unix_nano: now,
        count: histogram.get_sample_count(),
        sum: Some(histogram.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..HistogramDataPoint::default()
    }
}

/// Its labels; an empty one is none.
fn attributes(series: &proto::Metric) -> Vec<KeyValue> {
    let labels = series.get_label().iter().filter(|label| !label.get_value().is_empty());
    let named = labels.map(|label| {
        let own = label.get_name();
        let convention = ATTRIBUTES.iter().find(|(name, _)| *name == own);
        encode::text(convention.map_or(own, |(_, name)| *name), label.get_value())
    });
    named.collect()
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0) * 1_000_000
}
