//! Traces arrive at a collector with the names of the conventions, and no secret is in them, in the logs, in the
//! metrics, in the status or in the history.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Count;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;

use crate::fake::{FakeOpenAi, Reply};
use crate::world::{World, until};

/// A collector: what was posted, and with which key.
#[derive(Clone)]
struct Collector {
    address: SocketAddr,
    posted: Arc<Mutex<Vec<(String, Option<String>, Bytes)>>>,
    /// Statuses of the next replies; then 200.
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let collector = Self { address, posted: Arc::default(), statuses: Arc::default() };
        let at_work = collector.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let collector = at_work.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let collector = collector.clone();
                        async move { Ok::<_, Infallible>(collector.take(request).await) }
                    });
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        collector
    }

    async fn take(&self, request: Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let key = head.headers.get("x-token").map(|key| key.to_str().unwrap().to_owned());
        let body = body.collect().await.unwrap().to_bytes();
        let status = self.statuses.lock().unwrap().pop().unwrap_or(200);
        if status == 200 {
            self.posted.lock().unwrap().push((head.uri.path().to_owned(), key, body));
        }
        Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Full::default()).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        self.posted.lock().unwrap().iter().flat_map(|(_, _, body)| body.to_vec()).collect()
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let posted = self.posted.lock().unwrap();
        let traces = posted.iter().filter(|(path, ..)| path == "/v1/traces");
        traces.map(|(_, _, body)| ExportTraceServiceRequest::decode(body.clone()).unwrap()).collect()
    }

    /// The latest report of metrics, by name.
    fn metrics(&self) -> BTreeMap<String, Metric> {
        let posted = self.posted.lock().unwrap();
        let last = posted.iter().rev().find(|(path, ..)| path == "/v1/metrics");
        let Some((_, _, body)) = last else { return BTreeMap::new() };
        let request = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
        let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).map(|metric| (metric.name.clone(), metric)).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.requests().into_iter().flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// Waits for the span of the request with this receipt, and for those below it.
    async fn of(&self, receipt: &str) -> (Span, Vec<Span>) {
        until(&format!("the span of {receipt}"), || async {
            let spans = self.spans();
            let root = spans
                .iter()
                .find(|span| named(&span.attributes).get("kolm.receipt.id") == Some(&receipt.to_owned()))?;
            let below = spans.iter().filter(|span| span.parent_span_id == root.span_id).cloned().collect();
            Some((root.clone(), below))
        })
        .await
    }
}

/// Attributes as text.
fn named(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Any| match value {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(number) => number.to_string(),
        Any::BoolValue(yes) => yes.to_string(),
        Any::ArrayValue(array) => {
            format!("{:?}", array.values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>())
        }
        Any::DoubleValue(_) | Any::KvlistValue(_) | Any::BytesValue(_) | Any::StringValueStrindex(_) => {
            panic!("no attribute of ours is {value:?}")
        }
    };
    attributes
        .iter()
        .map(|pair| (pair.key.clone(), text(pair.value.as_ref().unwrap().value.as_ref().unwrap())))
        .collect()
}

fn receipt(reply: &reqwest::Response) -> String {
    let header = reply.headers()["x-kolm-receipt"].to_str().unwrap();
    header.split('"').nth(1).unwrap().to_owned()
}

fn on(collector: &Collector, more: &str) -> String {
    format!("[telemetry]\notlp_endpoint = \"http://{}\"\nservice_name = \"house\"\n{more}", collector.address)
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_a_span_with_the_conventions_names() {
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "yes".to_owned()).await;
    let collector = Collector::start().await;
    collector.statuses.lock().unwrap().push(503);
    let world = World::start(fake, &on(&collector, "")).await;
    let body =
        serde_json::json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": "hello" }] });
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test").json(&body);
    let reply = post.header("traceparent", TRACEPARENT).header("tracestate", "a=1").send().await.unwrap();
    let (root, below) = collector.of(&receipt(&reply)).await;
    let sent = world.fake.seen()[0].headers.clone();
    assert_eq!(sent["traceparent"], TRACEPARENT, "passed on untouched");
    assert_eq!(sent["tracestate"], "a=1");
    assert_eq!(root.name, "chat gpt-4o-mini");
    assert_eq!(root.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
    assert_eq!(root.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(root.kind, i32::from(SpanKind::Server));
    assert!(root.end_time_unix_nano > root.start_time_unix_nano);
    let said = named(&root.attributes);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o-mini"),
        ("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        ("gen_ai.usage.input_tokens", "12"),
        ("gen_ai.usage.output_tokens", "3"),
        ("server.address", "127.0.0.1"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("url.path", "/v1/chat/completions"),
        ("kolm.namespace", "default"),
        ("kolm.route", "default"),
        ("kolm.upstream", "openai"),
        ("kolm.arm", "teacher"),
        ("kolm.outcome", "complete"),
        ("kolm.streamed", "false"),
    ] {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{name} of {said:#?}");
    }
    assert!(said["gen_ai.response.finish_reasons"].contains("stop"), "{said:?}");
    assert!(!said.contains_key("error.type"), "{said:?}");
    assert_eq!(below.len(), 1, "{below:#?}");
    assert_eq!((below[0].name.as_str(), below[0].kind), ("upstream openai", i32::from(SpanKind::Client)));
    assert_eq!(below[0].trace_id, root.trace_id);
    let resource = named(&collector.requests()[0].resource_spans[0].resource.clone().unwrap().attributes);
    assert_eq!(
        (resource["service.name"].as_str(), resource["service.instance.id"].as_str()),
        ("house", "node-1")
    );
    assert_eq!(collector.posted.lock().unwrap()[0].0, "/v1/traces");
}

/// The points of a histogram.
fn spread(metric: &Metric) -> &[HistogramDataPoint] {
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    assert_eq!(histogram.aggregation_temporality, 2, "cumulative");
    &histogram.data_points
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_metrics_shows_arrives_with_the_conventions_names() {
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "yes".to_owned()).await;
    let collector = Collector::start().await;
    let world = World::start(fake, &on(&collector, "metrics_interval = \"100ms\"")).await;
    assert_eq!(world.ask("hello").await.status(), 200);
    let stream = serde_json::json!({
        "model": "gpt-4o-mini",
        "stream": true,
        "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "hello" }],
    });
    let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test").json(&stream);
    assert!(post.send().await.unwrap().bytes().await.unwrap().ends_with(b"[DONE]\n\n"));
    world.fake.script(Reply::json(429, "{\"error\":{\"message\":\"slow down\"}}"));
    assert_eq!(world.ask("hello").await.status(), 429);
    let metrics = until("a report of all three", || async {
        let metrics = collector.metrics();
        let points = metrics.get("gen_ai.client.operation.duration").map(spread)?;
        (points.iter().map(|point| point.count).sum::<u64>() == 3).then(|| metrics.clone())
    })
    .await;
    let duration = &metrics["gen_ai.client.operation.duration"];
    assert_eq!(duration.unit, "s");
    let of = |point: &HistogramDataPoint, name: &str| named(&point.attributes).get(name).cloned();
    let errors: Vec<_> = spread(duration).iter().map(|point| of(point, "error.type")).collect();
    assert!(errors.contains(&None) && errors.contains(&Some("429".to_owned())), "{errors:?}");
    for point in spread(duration) {
        assert_eq!(of(point, "gen_ai.operation.name").as_deref(), Some("chat"));
        assert_eq!(of(point, "gen_ai.provider.name").as_deref(), Some("openai"));
        assert_eq!(of(point, "gen_ai.request.model").as_deref(), Some("gpt-4o-mini"));
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count, "{point:?}");
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert!(point.start_time_unix_nano < point.time_unix_nano);
    }
    let tokens = &metrics["gen_ai.client.token.usage"];
    assert_eq!(tokens.unit, "{token}");
    let used: BTreeMap<_, _> =
        spread(tokens).iter().map(|point| (of(point, "gen_ai.token.type").unwrap(), point.sum)).collect();
    assert_eq!((used["input"], used["output"]), (Some(24.0), Some(6.0)));
    assert_eq!(spread(&metrics["gen_ai.server.time_to_first_token"])[0].count, 1, "streams that succeeded");
    let Some(Data::Sum(finished)) = &metrics["kolm_request_finish_total"].data else { panic!() };
    assert!(finished.is_monotonic && finished.data_points[0].value == Some(Count::AsInt(3)), "{finished:?}");
    let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        "kolm_request_duration_seconds_count{arm=\"teacher\",class=\"2xx\",route=\"default\"} 2",
        "kolm_request_duration_seconds_count{arm=\"teacher\",class=\"4xx\",route=\"default\"} 1",
        "kolm_request_first_token_seconds_count{arm=\"teacher\",class=\"2xx\",route=\"default\"} 1",
        "kolm_metric_send_total{result=\"taken\"}",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_have_a_type_and_unsampled_callers_no_span() {
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "yes".to_owned()).await;
    let collector = Collector::start().await;
    let world = World::start(fake, &on(&collector, "sample = 0")).await;
    let ask = |flags: &str| {
        let parent = format!("{}{flags}", &TRACEPARENT[..TRACEPARENT.len() - 2]);
        let post = world.http.post(world.url("/v1/chat/completions")).bearer_auth("sk-test");
        post.header("traceparent", parent).body("{\"model\":\"m\",\"messages\":[]}").send()
    };
    assert_eq!(world.ask("not sampled").await.status(), 200);
    assert_eq!(ask("00").await.unwrap().status(), 200);
    world.fake.script(Reply::json(429, "{\"error\":{\"message\":\"slow down\"}}"));
    let limited = ask("01").await.unwrap();
    // The pause lets the head arrive before the connection breaks off.
    let pause = Duration::from_millis(100);
    world.fake.script(Reply { pause, ..Reply::json(200, "{").then_reset() });
    let (root, _) = collector.of(&receipt(&limited)).await;
    assert_eq!(named(&root.attributes)["error.type"], "429");
    let broken = ask("01").await.unwrap();
    let id = receipt(&broken);
    assert!(broken.bytes().await.is_err(), "the answer breaks off");
    let (root, below) = collector.of(&id).await;
    let said = named(&root.attributes);
    assert_eq!((said["error.type"].as_str(), root.status.unwrap().code), ("upstream_error", 2), "{said:?}");
    assert_eq!(below[0].status.as_ref().unwrap().code, 2);
    let files = world
        .http
        .get(world.url("/v1/files?api_key=k"))
        .header("traceparent", TRACEPARENT)
        .send()
        .await
        .unwrap();
    let (root, _) = collector.of(&receipt(&files)).await;
    assert_eq!((root.name.as_str(), named(&root.attributes)["url.path"].as_str()), ("GET", "/v1/files"));
    assert_eq!(collector.spans().iter().filter(|span| span.kind == i32::from(SpanKind::Server)).count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_span_of_a_request_that_outlives_its_process_is_the_next_ones_to_send() {
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "yes".to_owned()).await;
    let collector = Collector::start().await;
    let mut world = World::start(fake, &on(&collector, "")).await;
    let pieces: Vec<Bytes> = (0..60).map(|n| Bytes::from(format!("data: {n}\n\n"))).collect();
    world.fake.script(Reply { pause: Duration::from_millis(100), ..Reply::stream(pieces) });
    let stream = world.ask("a long answer").await;
    let id = receipt(&stream);
    let mut old = world.upgrade().await;
    assert!(old.try_wait().unwrap().is_none(), "the stream goes on");
    stream.bytes().await.unwrap();
    collector.of(&id).await;
    until("the count of the process that sent it", || async {
        (world.metric("kolm_span_send_total", "").await == 1).then_some(())
    })
    .await;
    until("the end of the old process", || std::future::ready(old.try_wait().unwrap())).await;
}

/// What must be nowhere.
const PLANTED: [&str; 6] = [
    "sk-planted-caller",
    "sk-planted-upstream",
    "planted-kolm-key",
    "planted-collector",
    "planted-query",
    "planted-text",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_planted_secret_is_in_anything_that_is_said() {
    let fake = FakeOpenAi::start(Duration::ZERO, |_| "planted-text".to_owned()).await;
    let collector = Collector::start().await;
    let keys = tempfile::tempdir().unwrap();
    let key = |name: &str, text: &str| {
        std::fs::write(keys.path().join(name), text).unwrap();
        format!("{{ file = {:?} }}", keys.path().join(name))
    };
    let up = key("up", PLANTED[1]);
    let own = key("own", PLANTED[2]);
    let token = key("token", PLANTED[3]);
    let extra = format!(
        "api_key = {up}\n[namespaces.default]\n[namespaces.team]\nkeys = [{own}]\n[log]\nformat = \"json\"\nlevel = \"trace\"\n{}",
        on(&collector, &format!("headers = {{ x-token = {token} }}"))
    );
    let mut world = World::start(fake, &extra).await;
    let mut last = String::new();
    for key in [PLANTED[0], PLANTED[2]] {
        for path in
            ["/v1/chat/completions?api_key=planted-query", "/v1/embeddings", "/v1/files/x?key=planted-query"]
        {
            let body = serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": "planted-text" }] });
            let post =
                world.http.post(world.url(path)).bearer_auth(key).header("x-upstream-api-key", PLANTED[1]);
            let reply = post.json(&body).send().await.unwrap();
            last = receipt(&reply);
            drop(reply.bytes().await);
        }
    }
    collector.of(&last).await;
    assert_eq!(
        collector.posted.lock().unwrap()[0].1.as_deref(),
        Some(PLANTED[3]),
        "the collector is sent its key"
    );
    std::fs::write(keys.path().join("up"), "sk-planted-upstream-2").unwrap();
    assert!(world.kolm(&["config", "reload"]).status.success());
    let page = world.http.get(world.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("kolm_span_send_total"), "{page}");
    let shown = world.http.get(world.admin_url("/admin/config")).send().await.unwrap().text().await.unwrap();
    let status = world.status().await.to_string();
    let history = String::from_utf8(world.kolm(&["config", "history", "--json"]).stdout).unwrap();
    assert!(history.contains("\"content\":true"), "the changed key is noticed: {history}");
    let admin = world.token();
    world.stop().await;
    let log = std::fs::read_to_string(world.dir.path().join("up.log")).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().any(|line| line["fields"]["message"] == "request finished"), "{log}");
    let spans = String::from_utf8_lossy(&collector.bytes()).into_owned();
    for (name, text) in [
        ("log", log),
        ("spans", spans),
        ("metrics", page),
        ("status", status),
        ("history", history),
        ("config", shown),
    ] {
        for secret in PLANTED.into_iter().chain([admin.as_str()]) {
            assert!(!text.contains(secret), "{secret} is in the {name}:\n{text}");
        }
    }
}
