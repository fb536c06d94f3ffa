//! Spans in OpenTelemetry's words: the conventions for generative AI where they have a name, else `kolm.*`.
//!
//! **Invariant:** every attribute is named here.

use kolm_core::{Arm, Outcome};
use kolm_receipts::Rt;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Proto, Status};
use prost::Message as _;

use super::{Span, Step, Waiting};
use crate::events::latency;

const SCOPE: &str = "kolm";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What this node is called.
pub(super) struct Names<'a> {
    /// `service.name`.
    pub(super) service: &'a str,
    /// `service.instance.id`.
    pub(super) node: &'a str,
}

/// One request to a collector.
pub(super) fn request(waiting: &[Waiting], names: &Names<'_>) -> Vec<u8> {
    let spans = waiting.iter().flat_map(|waiting| match waiting {
        Waiting::Ours(span) => protos(span),
        Waiting::Theirs(scoped) => scoped.spans.clone(),
    });
    let spans = spans.collect();
    let scoped = ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() };
    let resource = Some(resource(names));
    let all = ResourceSpans { resource, scope_spans: vec![scoped], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![all] }.encode_to_vec()
}

/// Who speaks.
pub(super) fn resource(names: &Names<'_>) -> Resource {
    let attributes = vec![
        text("service.name", names.service),
        text("service.version", VERSION),
        text("service.instance.id", names.node),
    ];
    Resource { attributes, ..Resource::default() }
}

/// In which vocabulary.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: SCOPE.to_owned(),
        version: VERSION.to_owned(),
        ..InstrumentationScope::default()
    }
}

/// One request, for the process that sends it in this one's place.
pub(super) fn heirloom(waiting: &Waiting) -> Vec<u8> {
    match waiting {
        Waiting::Ours(span) => ScopeSpans { spans: protos(span), ..ScopeSpans::default() }.encode_to_vec(),
        Waiting::Theirs(scoped) => scoped.encode_to_vec(),
    }
}

/// The request's span, then one for each try.
fn protos(span: &Span) -> Vec<Proto> {
    let mut out = vec![whole(span)];
    let asked =
        span.tries.iter().enumerate().filter(|(_, step)| step.rt == Rt::Cloud || step.artifact.is_some());
    out.extend(asked.map(|(n, step)| tried(span, n, step)));
    out
}

fn whole(span: &Span) -> Proto {
    let name = match span.operation {
        Some(operation) if span.model.is_empty() => operation.to_owned(),
        Some(operation) => format!("{operation} {}", span.model),
        None if is_known(&span.method) => span.method.clone(),
        None => "HTTP".to_owned(),
    };
    let error = latency::error_type(span.outcome, span.status);
    let failed = matches!(span.outcome, Outcome::UpstreamError | Outcome::Timeout) || span.status >= 500;
    Proto {
        trace_id: span.trace.id.to_vec(),
        span_id: span.trace.span.to_vec(),
        parent_span_id: span.trace.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        name,
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(span, span.started_us),
        end_time_unix_nano: nanos(span, span.ended_us),
        attributes: attributes(span, error.as_deref()),
        status: Some(status(failed)),
        ..Proto::default()
    }
}

/// A method by its own name (OpenTelemetry, semantic conventions for HTTP): whoever asks could make up any number of
/// others.
fn is_known(method: &str) -> bool {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.contains(&method)
}

fn attributes(span: &Span, error: Option<&str>) -> Vec<KeyValue> {
    let local = span.arm == Arm::Student;
    let mut out = Vec::new();
    if let Some(operation) = span.operation {
        out.push(text("gen_ai.operation.name", operation));
        out.push(text("gen_ai.provider.name", latency::provider(span.arm)));
        out.extend(some("gen_ai.request.model", &span.model));
        out.extend(some("gen_ai.response.model", &span.reply_model));
        if !span.finish.is_empty() {
            out.push(texts("gen_ai.response.finish_reasons", &span.finish));
        }
        out.extend(count("gen_ai.usage.input_tokens", span.tokens.0));
        out.extend(count("gen_ai.usage.output_tokens", span.tokens.1));
    }
    if !local {
        out.extend(server(span));
    }
    if is_known(&span.method) {
        out.push(text("http.request.method", &span.method));
    } else {
        out.push(text("http.request.method", "_OTHER"));
        out.push(text("http.request.method_original", &span.method));
    }
    out.push(text("url.path", &span.path));
    out.extend((span.status > 0).then(|| number("http.response.status_code", i64::from(span.status))));
    out.extend(error.map(|error| text("error.type", error)));
    out.push(text("kolm.receipt.id", &span.id.to_string()));
    out.push(text("kolm.namespace", span.namespace.as_str()));
    out.extend(span.route.as_ref().map(|route| text("kolm.route", route.as_str())));
    out.push(text("kolm.upstream", &span.upstream.0));
    out.push(text("kolm.arm", if local { "student" } else { "teacher" }));
    out.extend(span.artifact.as_ref().map(|artifact| text("kolm.artifact", &artifact.to_string())));
    out.extend(span.fallback.map(|why| text("kolm.fallback", why)));
    out.push(text("kolm.outcome", span.outcome.as_str()));
    out.push(key("kolm.streamed", Value::BoolValue(span.streamed)));
    let first = span.first_us.map(|first| first.saturating_sub(span.started_us));
    out.extend(first.map(|us| number("kolm.first_byte_us", i64::try_from(us).unwrap_or(i64::MAX))));
    out
}

fn tried(span: &Span, n: usize, step: &Step) -> Proto {
    let student = step.artifact.is_some();
    let route = span.route.as_ref().map_or("", |route| route.as_str());
    let mut attributes = vec![number("kolm.try", n as i64 + 1)];
    if student {
        attributes
            .extend(step.artifact.as_ref().map(|artifact| text("kolm.artifact", &artifact.to_string())));
    } else {
        attributes.extend(server(span));
    }
    let answered = step.code.is_none();
    if answered && span.status > 0 {
        attributes.push(number("http.response.status_code", i64::from(span.status)));
    }
    let error = if answered { latency::error_type(span.outcome, span.status) } else { step.code.clone() };
    attributes.extend(error.as_deref().map(|error| text("error.type", error)));
    Proto {
        trace_id: span.trace.id.to_vec(),
        span_id: span.trace.child(n).to_vec(),
        parent_span_id: span.trace.span.to_vec(),
        name: if student { format!("student {route}") } else { format!("upstream {}", span.upstream.0) },
        kind: SpanKind::Client.into(),
        start_time_unix_nano: nanos(span, step.began_us),
        end_time_unix_nano: nanos(span, step.ended_us),
        status: Some(status(error.is_some())),
        attributes,
        ..Proto::default()
    }
}

fn status(failed: bool) -> Status {
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Status { code: code.into(), ..Status::default() }
}

/// Wall time of a moment of the request.
fn nanos(span: &Span, us: u64) -> u64 {
    let start = u64::try_from(span.at.0).unwrap_or(0) * 1_000_000;
    start + us.saturating_sub(span.started_us) * 1_000
}

fn server(span: &Span) -> Vec<KeyValue> {
    let (_, host, port) = &span.upstream;
    let port = number("server.port", i64::from(*port));
    some("server.address", host).into_iter().chain((!host.is_empty()).then_some(port)).collect()
}

fn key(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// An attribute.
pub(super) fn text(name: &str, value: &str) -> KeyValue {
    key(name, Value::StringValue(value.to_owned()))
}

fn some(name: &str, value: &str) -> Option<KeyValue> {
    (!value.is_empty()).then(|| text(name, value))
}

fn texts(name: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    key(name, Value::ArrayValue(ArrayValue { values: vec![value] }))
}

fn number(name: &str, value: i64) -> KeyValue {
    key(name, Value::IntValue(value))
}

fn count(name: &str, value: i64) -> Option<KeyValue> {
    (value >= 0).then(|| number(name, value))
}
