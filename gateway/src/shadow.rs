//! Asks the other arm what it would have said, after the client has its answer, and scores the difference.
//!
//! **Invariant:** off the request path; a full queue or a spent budget is a counted drop, never a wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kolm_config::{Credentials, Route, Upstream};
use kolm_core::{Arm, MicroUsd, Outcome, Ppm, RouteName, Surface};
use kolm_policies::gate::{Score, ScoreKind};
use kolm_policies::{rollout, score};
use kolm_receipts::{Close, Kind, Open, Opened, Rt};
use kolm_wire::{assemble, chat};
use tokio::sync::{Semaphore, mpsc};

use crate::capture;
use crate::exchange::{Fallback, Finished};
use crate::table::{Shared, keyed};

/// Waiting exchanges per gateway.
pub(crate) const QUEUE: usize = 4_096;
/// Double-primary pairs after which the rate falls to [`DOUBLE_RATE_LATER`] (gate.md 5).
const DOUBLE_ENOUGH: u64 = 400;
const DOUBLE_RATE_LATER: Ppm = Ppm(50_000);
/// `Finished::fallback` of an abstention.
const ABSTAINED: &str = "abstained";
const DAY_MS: i64 = 86_400_000;

/// What one sampled exchange gave.
pub(crate) enum Observed {
    /// A scored request.
    Scored(Score),
    /// Sampled, but not scored: lowers completeness.
    Dropped,
}

/// Scores wait here until the reconciler takes them.
#[derive(Default)]
pub(crate) struct Inbox {
    routes: Mutex<HashMap<RouteName, Vec<Observed>>>,
}

impl Inbox {
    fn put(&self, route: &RouteName, observed: Observed) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.clone()).or_default().push(observed);
    }

    /// Takes what has come for `route`.
    pub(crate) fn take(&self, route: &RouteName) -> Vec<Observed> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get_mut(route).map(std::mem::take).unwrap_or_default()
    }
}

/// The shadow: samples, calls, scores.
pub(crate) struct Shadow {
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    http: reqwest::Client,
    permits: Arc<Semaphore>,
    doubles: Mutex<HashMap<RouteName, u64>>,
    spent_day: AtomicI64,
    spent: AtomicI64,
}

/// Which calls a sampled exchange needs.
struct Sample {
    kind: ScoreKind,
    double: bool,
}

/// An answer of the other arm.
struct Reply {
    text: Option<String>,
    micros: u64,
    first_micros: u64,
    cost: MicroUsd,
}

impl Shadow {
    /// A shadow with its own connections.
    ///
    /// # Errors
    /// The TLS set-up of the machine is broken.
    pub(crate) fn new(shared: Arc<Shared>, inbox: Arc<Inbox>) -> Result<Arc<Self>, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let concurrency =
            shared.table.load().config.routes.iter().map(|route| route.shadow.concurrency).sum::<u64>();
        Ok(Arc::new(Self {
            shared,
            inbox,
            http,
            permits: Arc::new(Semaphore::new(concurrency.clamp(1, 256) as usize)),
            doubles: Mutex::default(),
            spent_day: AtomicI64::new(0),
            spent: AtomicI64::new(0),
        }))
    }

    /// Works until the queue is closed.
    pub(crate) async fn run(self: Arc<Self>, mut queue: mpsc::Receiver<Arc<Finished>>) {
        while let Some(finished) = queue.recv().await {
            let Some(route) = self.eligible(&finished) else { continue };
            let Some(sample) = self.sample(&finished, &route) else { continue };
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            let shadow = Arc::clone(&self);
            tokio::spawn(async move {
                let scores = shadow.observe(&finished, &route, &sample).await;
                if !scores.iter().any(|score| score.kind != ScoreKind::Double) {
                    shadow.inbox.put(&route.name, Observed::Dropped);
                }
                for score in scores {
                    shadow.inbox.put(&route.name, Observed::Scored(score));
                }
                drop(permit);
            });
        }
    }

    /// A dropped exchange that would have been sampled counts against completeness.
    pub(crate) fn drop_one(&self, finished: &Finished) {
        if let Some(route) = self.eligible(finished)
            && self.sample(finished, &route).is_some()
        {
            self.inbox.put(&route.name, Observed::Dropped);
        }
    }

    /// The route of an exchange that may be shadowed.
    fn eligible(&self, finished: &Finished) -> Option<Arc<Route>> {
        let whole = finished.outcome == Outcome::Complete && finished.status == 200 && !finished.truncated;
        let table = self.shared.table.load();
        let entry = table.routes.iter().find(|entry| Some(&entry.route.name) == finished.route.as_ref())?;
        let fits = finished.surface == Surface::Chat && chat::question(&finished.request).is_ok();
        let has_student = entry.student.is_some();
        (whole && fits && has_student && !finished.no_store).then(|| Arc::clone(&entry.route))
    }

    /// Whether to ask, and what: drawn by a key, never by load or answer.
    fn sample(&self, finished: &Finished, route: &Route) -> Option<Sample> {
        let key = keyed(&self.shared.route_key, &[b"sample", route.name.as_str().as_bytes()]);
        let drawn = |salt: &str, rate| {
            let unit = format!("{salt}{}", finished.unit);
            rollout::sampled(&key, &unit, finished.at, rate)
        };
        let students = finished.arm == Arm::Student || finished.fallback.is_some();
        if students {
            let weight = self.weight(route);
            let rate = rollout::reverse_rate(weight);
            return drawn("", rate).then_some(Sample { kind: ScoreKind::Reverse, double: false });
        }
        if !drawn("", route.shadow.rate) {
            return None;
        }
        let seen = *self
            .doubles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(route.name.clone())
            .or_default();
        let rate = if seen < DOUBLE_ENOUGH { route.shadow.double_rate } else { DOUBLE_RATE_LATER };
        Some(Sample { kind: ScoreKind::Shadow, double: drawn("double ", rate) })
    }

    fn weight(&self, route: &Route) -> kolm_core::Weight {
        let table = self.shared.table.load();
        table.routes.iter().find(|entry| entry.route.name == route.name).map(|e| e.weight).unwrap_or_default()
    }

    /// The scores of one sampled exchange; empty where nothing could be asked.
    async fn observe(&self, finished: &Finished, route: &Route, sample: &Sample) -> Vec<Score> {
        let hw = route.gate.hw_musd_per_s;
        if sample.kind == ScoreKind::Reverse {
            return self.reverse(finished, route, hw).await.into_iter().collect();
        }
        let own = text_of(finished);
        let mut base = self.blank(finished, ScoreKind::Shadow);
        (base.teacher_us, base.teacher_ttft_us) = (finished.latency_us, finished.ttft_us);
        base.teacher_cost = self.price_of(finished);
        let mut scores = Vec::new();
        if let Some((reply, micros)) = self.ask_student(finished, route).await {
            let mut scored = base.clone();
            scored.served = reply.is_some();
            scored.a = reply.as_ref().map(|reply| agreement(reply.text.as_deref(), own.as_deref()));
            scored.student_us = micros;
            scored.student_ttft_us = reply.map_or(micros, |reply| reply.first_micros);
            scored.student_cost = busy(micros, hw);
            scores.push(scored);
        }
        if sample.double
            && let Some(second) = self.ask_teacher(finished, route).await
        {
            let b = Some(agreement(second.text.as_deref(), own.as_deref()));
            scores.push(Score { kind: ScoreKind::Double, b, ..base });
            let mut doubles = self.doubles.lock().unwrap_or_else(PoisonError::into_inner);
            *doubles.entry(route.name.clone()).or_default() += 1;
        }
        scores
    }

    /// The student's bucket: what it served is checked by the teacher, what it left is counted.
    async fn reverse(&self, finished: &Finished, route: &Route, hw: u64) -> Option<Score> {
        let mut scored = self.blank(finished, ScoreKind::Reverse);
        if let Some(Fallback { why, student_us }) = finished.fallback {
            (scored.teacher_us, scored.teacher_ttft_us) = (finished.latency_us, finished.ttft_us);
            scored.student_us = student_us;
            scored.student_cost = busy(student_us, hw);
            scored.teacher_cost = self.price_of(finished);
            scored.a = (why != ABSTAINED).then_some(Ppm(0));
            return Some(scored);
        }
        let teacher = self.ask_teacher(finished, route).await?;
        (scored.student_us, scored.student_ttft_us) = (finished.latency_us, finished.ttft_us);
        scored.student_cost = busy(finished.latency_us, hw);
        scored.a = Some(agreement(text_of(finished).as_deref(), teacher.text.as_deref()));
        scored.served = true;
        (scored.teacher_us, scored.teacher_ttft_us) = (teacher.micros, teacher.first_micros);
        scored.teacher_cost = teacher.cost;
        Some(scored)
    }

    fn blank(&self, finished: &Finished, kind: ScoreKind) -> Score {
        Score {
            t: self.shared.env.clock.now(),
            unit: finished.unit.clone(),
            kind,
            a: None,
            b: None,
            served: false,
            student_us: 0,
            teacher_us: 0,
            student_ttft_us: 0,
            teacher_ttft_us: 0,
            streamed: finished.streamed,
            student_cost: MicroUsd(0),
            teacher_cost: MicroUsd(0),
            critical: false,
        }
    }

    /// The student's answer, if it gave one, and the time it took; `None` while it is down.
    async fn ask_student(&self, finished: &Finished, route: &Route) -> Option<(Option<Reply>, u64)> {
        let table = self.shared.table.load_full();
        let entry = table.routes.iter().find(|entry| entry.route.name == route.name)?;
        let address = entry.student.as_ref()?.up()?;
        let request = self
            .http
            .post(format!("http://{address}{}", finished.path))
            .header("content-type", "application/json")
            .header("x-kolm-cascade", "1")
            .timeout(route.shadow.timeout)
            .body(finished.request.clone());
        let start = self.shared.env.clock.micros();
        let reply = self.call(request, finished, MicroUsd(0)).await;
        Some((reply, self.shared.env.clock.micros() - start))
    }

    /// A teacher call of our own: budgeted, with a receipt of kind `shadow`.
    async fn ask_teacher(&self, finished: &Finished, route: &Route) -> Option<Reply> {
        let table = self.shared.table.load_full();
        let upstream = table.config.upstreams.get(&finished.upstream)?;
        let cost = self.price_of(finished);
        if !self.within_budget(cost, route.shadow.teacher_budget_per_day) {
            return None;
        }
        let receipt = self.open_receipt(finished);
        let mut request = self
            .http
            .post(url(upstream, &finished.path))
            .header("content-type", "application/json")
            .timeout(Duration::max(route.shadow.timeout, Duration::from_secs(60)))
            .body(finished.request.clone());
        if let Some(value) = authorization(upstream, finished) {
            request = request.header("authorization", value);
        }
        let reply = self.call(request, finished, cost).await;
        let close = match &reply {
            Some(_) => Close::new(Outcome::Complete, 200),
            None => Close::new(Outcome::UpstreamError, -1),
        };
        self.shared.ledger.close(&receipt, close);
        reply
    }

    async fn call(
        &self,
        request: reqwest::RequestBuilder,
        finished: &Finished,
        cost: MicroUsd,
    ) -> Option<Reply> {
        let start = self.shared.env.clock.micros();
        let mut response = request.send().await.ok()?;
        if response.status() != 200 {
            return None;
        }
        let (mut body, mut first) = (Vec::new(), None);
        while let Some(chunk) = response.chunk().await.ok()? {
            first.get_or_insert_with(|| self.shared.env.clock.micros() - start);
            body.extend_from_slice(&chunk);
        }
        let micros = self.shared.env.clock.micros() - start;
        let reply = if finished.streamed {
            let assembled = assemble::of_stream(&body, true);
            if !assembled.complete {
                return None;
            }
            assembled.reply
        } else {
            body
        };
        Some(Reply { text: chat::facts(&reply).text, micros, first_micros: first.unwrap_or(micros), cost })
    }

    fn price_of(&self, finished: &Finished) -> MicroUsd {
        let config = Arc::clone(&self.shared.table.load().config);
        capture::cost(finished, &config, &chat::facts(&reply_of(finished))).unwrap_or_default()
    }

    fn within_budget(&self, cost: MicroUsd, limit: MicroUsd) -> bool {
        let today = self.shared.env.clock.now().0 / DAY_MS;
        if self.spent_day.swap(today, Ordering::AcqRel) != today {
            self.spent.store(0, Ordering::Release);
        }
        self.spent.fetch_add(cost.0, Ordering::AcqRel) + cost.0 <= limit.0
    }

    fn open_receipt(&self, finished: &Finished) -> Opened {
        let now = self.shared.env.clock.now();
        self.shared.ledger.open(Open {
            id: kolm_core::RequestId::mint(now, self.shared.env.entropy.as_ref()),
            try_no: 1,
            kind: Kind::Shadow,
            ns: finished.namespace.clone(),
            route: finished.route.clone(),
            rt: Rt::Cloud,
            art: None,
            ep: format!("POST {}", finished.path),
            model: finished.model.clone(),
        })
    }
}

/// The address of a path under `/v1` at the upstream.
fn url(upstream: &Upstream, path: &str) -> String {
    let base = &upstream.base_url;
    let scheme = if base.tls { "https" } else { "http" };
    format!("{scheme}://{}{}", base.authority(), base.path(path))
}

/// Whose credentials a call of our own carries: as the request's own did.
fn authorization(upstream: &Upstream, finished: &Finished) -> Option<http::HeaderValue> {
    let ours = upstream.api_key.as_ref();
    let ours = ours.and_then(|key| http::HeaderValue::try_from(format!("Bearer {}", key.expose())).ok());
    match upstream.credentials {
        Credentials::Gateway => ours,
        Credentials::Client => finished.authorization.clone().or(ours),
    }
}

fn agreement(a: Option<&str>, b: Option<&str>) -> Ppm {
    match (a, b) {
        (Some(a), Some(b)) => score::label(a, b),
        (None, _) | (_, None) => Ppm(0),
    }
}

/// Price of so much of our own machine's time, rounded up: local is not free.
pub(crate) fn busy(micros: u64, musd_per_s: u64) -> MicroUsd {
    MicroUsd((micros * musd_per_s).div_ceil(1_000_000) as i64)
}

/// The reply in its non-streamed form.
pub(crate) fn reply_of(finished: &Finished) -> Vec<u8> {
    let plain =
        crate::decode::decode(&finished.encoding, &finished.reply, capture::MAX_DECODED).unwrap_or_default();
    if finished.streamed { assemble::of_stream(&plain, finished.ended_cleanly).reply } else { plain }
}

fn text_of(finished: &Finished) -> Option<String> {
    chat::facts(&reply_of(finished)).text
}
