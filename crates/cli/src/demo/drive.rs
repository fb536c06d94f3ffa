//! The application of the demo: keep-alive callers that send texts through the gateway, a third of them streamed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use kolm_wire::{assemble, chat};

use super::Pair;

/// The instruction every request carries: the route's template.
const SYSTEM: &str =
    "You sort messages for our support desk. Answer with the name of the intent and nothing else.";
/// Callers at a time.
const CALLERS: usize = 48;

/// What became of the requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// Receipts as the response headers carried them.
    pub(crate) receipts: Vec<String>,
    /// Answered by the student.
    pub(crate) local: u64,
    /// Answered by the teacher.
    pub(crate) cloud: u64,
    /// Local answers that equal the teacher's.
    pub(crate) local_right: u64,
    /// Requests that an application would call failed, with the first few reasons.
    pub(crate) errors: u64,
    /// Reasons of the first failures.
    pub(crate) reasons: Vec<String>,
}

impl Tally {
    /// Adds what another batch counted.
    pub(crate) fn add(&mut self, other: Self) {
        self.receipts.extend(other.receipts);
        self.local += other.local;
        self.cloud += other.cloud;
        self.local_right += other.local_right;
        self.errors += other.errors;
        self.reasons.extend(other.reasons);
        self.reasons.truncate(3);
    }

    fn note(&mut self, answer: Result<Answer, String>, expected: &str) {
        match answer {
            Ok(answer) => {
                let local = answer.receipt.contains("rt=local");
                self.local += u64::from(local);
                self.cloud += u64::from(!local);
                self.local_right += u64::from(local && answer.label == expected);
                self.receipts.push(answer.receipt);
            }
            Err(reason) => {
                self.errors += 1;
                self.reasons.push(reason);
                self.reasons.truncate(3);
            }
        }
    }
}

struct Answer {
    receipt: String,
    label: String,
}

/// An application that talks to `base` as it would to OpenAI.
pub(crate) struct App {
    http: reqwest::Client,
    base: String,
    users: Vec<String>,
    sent: AtomicUsize,
}

impl App {
    /// An application whose base URL is the gateway at `address`.
    pub(crate) fn new(address: &str, users: Vec<String>) -> Result<Arc<Self>, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(CALLERS)
            .timeout(Duration::from_secs(60))
            .build()?;
        Ok(Arc::new(Self { http, base: format!("http://{address}/v1"), users, sent: AtomicUsize::new(0) }))
    }

    /// Sends every pair once, [`CALLERS`] at a time, and calls `tick` after each.
    pub(crate) async fn send(self: &Arc<Self>, pairs: &[Pair], tick: impl Fn()) -> Tally {
        let mut tally = Tally::default();
        let mut answers = futures_util::stream::iter(pairs)
            .map(|pair| async move { (self.ask(&pair.text).await, pair) })
            .buffer_unordered(CALLERS);
        while let Some((answer, pair)) = answers.next().await {
            tally.note(answer, pair.label.trim());
            tick();
        }
        tally
    }

    async fn ask(&self, text: &str) -> Result<Answer, String> {
        let n = self.sent.fetch_add(1, Ordering::Relaxed);
        let streamed = n.is_multiple_of(3);
        let mut body = serde_json::json!({
            "model": super::MODEL,
            "messages": [{ "role": "system", "content": SYSTEM }, { "role": "user", "content": text }],
            "temperature": 0,
            "user": self.users[n % self.users.len()],
        });
        if streamed {
            body["stream"] = true.into();
            body["stream_options"] = serde_json::json!({ "include_usage": true });
        }
        let request = self
            .http
            .post(format!("{}/chat/completions", self.base))
            .bearer_auth("sk-demo")
            .header("x-kolm-conversation", format!("demo-{n}"))
            .json(&body);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let receipt =
            response.headers().get("x-kolm-receipt").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let bytes = response.bytes().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("status {status}: {}", String::from_utf8_lossy(&bytes)));
        }
        let receipt = receipt.ok_or("a response without a receipt")?;
        Ok(Answer { receipt, label: label(&bytes, streamed)? })
    }
}

fn label(bytes: &[u8], streamed: bool) -> Result<String, String> {
    let reply = if streamed {
        let assembled = assemble::of_stream(bytes, true);
        if !assembled.complete {
            return Err("a stream that broke off".to_owned());
        }
        assembled.reply
    } else {
        bytes.to_vec()
    };
    chat::facts(&reply)
        .text
        .map(|text| text.trim().to_owned())
        .ok_or_else(|| "an answer without text".to_owned())
}
