//! The pages in a real Chromium over a real store: `tests/browser/run.mjs` looks at them by their roles.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use kolm_core::{
    Arm, DiffKind, Env, FixedClock, MicroUsd, Outcome, Ppm, RequestId, SeededEntropy, Surface, Timestamp,
};
use kolm_policies::anonymize::{Anonymized, Policy, Report, Salt, anonymize};
use kolm_store::{Diff, Handle, Pair, Service};
use kolm_wire::Exchange;
use serde_json::{Value, json};

use super::fixture::{self, NOW, Seen};
use crate::{Doors, Look, Settings, ShadowDoors, router};

const SYSTEM: &str = "You sort requests to a parcel service. Answer with the intent.";
/// What was asked, what the teacher said, what the student said, their agreement in ppm.
type Case = (&'static str, &'static str, Option<&'static str>, Option<u32>);
const CASES: [Case; 9] = [
    (
        "Where is my parcel? It should have come on Tuesday, says Peter Lang.",
        "order_tracking",
        Some("refund"),
        Some(0),
    ),
    ("I want my money back for order 48121.", "refund", Some("refund"), Some(1_000_000)),
    (
        "Write to Anna Meier that her parcel 48121 waits at the counter until Friday evening, and be kind about the delay.",
        "Dear Ms Meier, your parcel waits for you at the counter until Friday evening. We are sorry for the delay.",
        Some("Dear Ms Meier, your parcel is at the counter until Thursday. We are sorry for the long delay."),
        Some(810_000),
    ),
    (
        "Extract the address as JSON: 3 boxes to Bern, ground floor.",
        r#"{"city":"Bern","boxes":3,"floor":{"name":"ground","lift":null}}"#,
        Some(r#"{"boxes": 3, "city": "Basel", "floor": {"name": "ground"}}"#),
        Some(500_000),
    ),
    (
        "Find a counter in Bern that is open now.",
        "find {\"city\":\"Bern\",\"open\":true}",
        Some("find {\"open\":true,\"city\":\"Bern\",\"radius_km\":5}"),
        Some(640_000),
    ),
    ("Can you cancel <b>everything</b>?", "cancel_order", None, Some(0)),
    ("Lorem ipsum dolor sit amet?", "other", None, None),
    ("My neighbour took it.", "order_tracking", Some("order_tracking"), Some(1_000_000)),
    ("The box is wet and the shoes in it too.", "complaint", Some("damage_report"), Some(0)),
];

/// The answer `find {...}` is a call of a tool, anything else is text.
fn reply(said: &str) -> Value {
    let message = match said.strip_prefix("find ") {
        Some(arguments) => json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "find_counter", "arguments": arguments}}]}),
        None => json!({"role": "assistant", "content": said, "refusal": null}),
    };
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 41, "completion_tokens": said.len() / 4 + 1}})
}

fn body(asked: &str, said: &str) -> (Anonymized, Report) {
    let request = json!({"model": "gpt-4o-mini", "messages": [
        {"role": "system", "content": SYSTEM}, {"role": "user", "content": asked}]});
    let (request, reply) = (request.to_string().into_bytes(), reply(said).to_string().into_bytes());
    let exchange = Exchange { request, reply };
    anonymize(&exchange, &Policy::preset("default").unwrap(), &Salt([3; 32])).unwrap()
}

fn id(n: usize) -> (RequestId, Timestamp) {
    let t = Timestamp(NOW.0 - 3_600_000 * (n as i64 + 1));
    (RequestId::from_parts(t, [n as u8; 10]), t)
}

fn pair(n: usize, (asked, teacher, _, _): Case) -> Pair {
    let ((id, ts), (body, report)) = (id(n), body(asked, teacher));
    Pair {
        id,
        ts,
        namespace: "support".parse().unwrap(),
        route: Some("support".parse().unwrap()),
        upstream: "openai".into(),
        requested_model: "gpt-4o-mini".into(),
        served_model: "gpt-4o-mini".into(),
        surface: Surface::Chat,
        modality: "text".into(),
        body,
        report,
        tokens_in: 41,
        tokens_out: 4,
        tokens_cached: -1,
        cost: Some(MicroUsd(640)),
        latency_ms: 812,
        ttft_ms: 410,
        status: 200,
        outcome: Outcome::Complete,
        error_class: String::new(),
        finish_reason: "stop".into(),
        arm: if n % 3 == 2 { Arm::Student } else { Arm::Teacher },
        artifact: None,
        barred: (n % 3 == 2).then(|| "origin".into()),
        conversation: format!("conv-{n}"),
        retry_of: None,
        supersedes: None,
        salts: None,
    }
}

fn diff(n: usize, (asked, teacher, student, a): Case) -> Diff {
    let (id, t) = id(n);
    let kind = if n % 3 == 2 { DiffKind::Reverse } else { DiffKind::Shadow };
    Diff {
        id,
        t,
        route: "support".parse().unwrap(),
        namespace: "support".parse().unwrap(),
        surface: Surface::Chat,
        artifact: fixture::artifact(),
        attempt: 2,
        kind,
        unit: format!("conv-{n}"),
        teacher: body(asked, teacher).0,
        student: student.map(|said| body(asked, said).0),
        a: a.map(Ppm),
        b: n.is_multiple_of(2).then_some(Ppm(if n == 2 { 700_000 } else { 1_000_000 })),
        served: student.is_some(),
        critical: n == 8,
        student_us: if n == 5 { 1_400_000 } else { 3_200 + n as u64 * 170 },
        teacher_us: 812_000,
        student_ttft_us: 0,
        teacher_ttft_us: 410_000,
        student_cost: MicroUsd(1),
        teacher_cost: MicroUsd(640),
    }
}

fn settings() -> kolm_config::Store {
    kolm_config::Store {
        memory_limit_bytes: 256 << 20,
        fsync_interval: Duration::from_millis(1),
        batch_rows: 100,
        batch_interval: Duration::from_millis(20),
        spool_quota_bytes: 64 << 20,
    }
}

async fn seed(store: &Handle) {
    for (n, case) in CASES.into_iter().enumerate() {
        store.append(pair(n, case)).unwrap();
    }
    store.put_diffs(CASES.into_iter().enumerate().map(|(n, case)| diff(n, case)).collect()).await.unwrap();
    for row in fixture::rows() {
        store.put_decision(row).await.unwrap();
    }
}

/// The doors of the fixture, those to the store real.
fn doors(store: &Handle) -> Doors {
    let [page, one, review, spent, look, log] = std::array::from_fn(|_| store.clone());
    let said = |error: kolm_store::Error| error.to_string();
    Doors {
        shadow: ShadowDoors {
            page: Arc::new(move |query| {
                let store = page.clone();
                Box::pin(async move { store.diffs(query).await.map_err(said) })
            }),
            diff: Arc::new(move |id, filter| {
                let store = one.clone();
                Box::pin(async move { store.diff(id, filter).await.map_err(said) })
            }),
            review: Arc::new(move |given| {
                let store = review.clone();
                Box::pin(async move { store.review(given, NOW).await.map_err(said) })
            }),
        },
        spent: Arc::new(move || {
            let store = spent.clone();
            Box::pin(async move { store.spent().await.map_err(said) })
        }),
        decisions: Arc::new(move |route| {
            let store = log.clone();
            Box::pin(async move { store.decisions(route).await.map_err(said) })
        }),
        look: Arc::new(move |what| {
            let store = look.clone();
            Box::pin(async move {
                let found = match what {
                    Look::Templates(limit) => {
                        serde_json::to_value(store.templates(limit).await.map_err(said)?)
                    }
                    Look::Captures => serde_json::to_value(store.captures(100, 25).await.map_err(said)?),
                    Look::Pair(id) => serde_json::to_value(store.pair(id).await.map_err(said)?),
                    Look::Statements(route) => serde_json::to_value([route]),
                    Look::Sample(row) => serde_json::to_value(row.sample),
                };
                found
                    .map(|found| Some(found).filter(|found| !found.is_null()))
                    .map_err(|error| error.to_string())
            })
        }),
        ..fixture::doors(&Seen::default())
    }
}

/// Where a program is.
fn path_of(program: &str) -> Option<String> {
    let output = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|path| !path.is_empty())
}

#[test]
fn people_look_at_the_pages_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let modules = root.join(".deps/browser/node_modules/playwright-core");
    let (chromium, node) = (path_of("chromium"), path_of("node"));
    let missing = [
        (chromium.is_some(), "chromium (apt-get install chromium)"),
        (node.is_some(), "node"),
        (modules.exists(), "playwright-core (scripts/setup test)"),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(there, _)| !there).map(|(_, what)| *what).collect();
    if !missing.is_empty() {
        writeln!(std::io::stderr(), "skipped: the pages in a browser need {}", missing.join(", ")).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let shots = root.join("target/browser");
    std::fs::create_dir_all(&shots).unwrap();
    let env = Env { clock: Arc::new(FixedClock::at(NOW)), entropy: Arc::new(SeededEntropy::new(5)) };
    let (_service, store) = Service::open(dir.path(), &settings(), &env).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let address = runtime.block_on(async {
        seed(&store).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(doors(&store), Settings { token: "t0ken".into(), address });
        drop(tokio::spawn(async move { axum::serve(listener, router).await }));
        address
    });
    let output = Command::new("node")
        .arg(root.join("tests/browser/run.mjs"))
        .args([format!("http://{address}"), shots.display().to_string(), chromium.unwrap_or_default()])
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("all checks passed"), "{said}");
}
