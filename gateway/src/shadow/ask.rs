//! The shadow's calls: to a student on this host, and to the teacher with a receipt of kind `shadow`.
//!
//! **Invariant:** no credential of a client reaches a student; no query string reaches a receipt.

use std::time::Duration;

use kolm_config::{BaseUrl, Config, Credentials, Upstream};
use kolm_core::Outcome;
use kolm_receipts::{Close, Kind, Open, Opened, Rt};
use kolm_wire::{assemble, chat};
use reqwest::RequestBuilder;

use super::{Drawn, Observed, Shadow, Undone};
use crate::exchange::Finished;
use crate::headers::CASCADE;
use crate::pool::{Pool, Seated};
use crate::table::Student;
use crate::told::MAX_DECODED;

/// Where a student is asked.
const PATH: &str = "/v1/chat/completions";
/// A teacher is given at least this long.
const TEACHER_TIME: Duration = Duration::from_secs(60);

/// A whole answer.
pub(super) struct Reply {
    /// JSON, not streamed.
    pub(super) body: Vec<u8>,
    pub(super) micros: u64,
    pub(super) first_micros: u64,
}

/// What a student made of a request, and how long it took.
pub(super) struct Trial {
    pub(super) answer: Result<Reply, Unserved>,
    pub(super) micros: u64,
}

/// Why a student that is up gave no answer.
pub(super) enum Unserved {
    /// It abstained, or cannot take such a request.
    Unable,
    /// It was late, or answered with an error or half an answer.
    Failed,
}

/// Why a call gave no whole answer.
enum Unheard {
    /// Another status than 200.
    Status(u16),
    /// The body is no whole answer.
    Half,
    /// The time was up.
    Late,
    /// The connection was refused or broke.
    Gone,
}

impl From<reqwest::Error> for Unheard {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Late } else { Self::Gone }
    }
}

impl Shadow {
    /// The student's answer or refusal; none while it is down or has used its time, which is no answer at all.
    pub(super) async fn ask_student(&self, drawn: &Drawn, student: &Student) -> Result<Trial, Undone> {
        // The seat is taken until the answer is whole.
        let (request, _seated) = match &student.pool {
            Some(pool) => match self.to_engine(pool, &drawn.finished).ok_or(Undone::StudentDown)? {
                Ok((request, seated)) => (request, Some(seated)),
                Err(unserved) => return Ok(Trial { answer: Err(unserved), micros: 0 }),
            },
            None => {
                let address = student.up().ok_or(Undone::StudentDown)?;
                if !self.has_time(drawn) {
                    return Err(Undone::Cpu);
                }
                let request = self.http.post(format!("http://{address}{PATH}")).header(CASCADE, "1");
                (request.body(drawn.finished.request.clone()), None)
            }
        };
        let request = request.header("content-type", "application/json").timeout(drawn.route.shadow.timeout);
        let start = self.shared.env.clock.micros();
        let heard = self.call(request, drawn.finished.streamed).await;
        let micros = self.shared.env.clock.micros().saturating_sub(start);
        // What servers of a pool take is not this host's to give.
        if student.pool.is_none() {
            self.spend(drawn, micros);
        }
        let answer = match heard {
            Ok(reply) => Ok(reply),
            Err(Unheard::Gone) => return Err(Undone::StudentDown),
            Err(Unheard::Status(400 | 413 | 415 | 422)) => Err(Unserved::Unable),
            Err(Unheard::Status(_) | Unheard::Half | Unheard::Late) => Err(Unserved::Failed),
        };
        Ok(Trial { answer, micros })
    }

    /// A request to a server of a pool; `None` while none is up.
    fn to_engine(
        &self,
        pool: &Pool,
        finished: &Finished,
    ) -> Option<Result<(RequestBuilder, Seated), Unserved>> {
        let engine = &pool.engine;
        let seated = pool.pick(finished.unit().as_bytes(), &[])?;
        let Some(body) = chat::with_model(&finished.request, &engine.served_model) else {
            return Some(Err(Unserved::Unable));
        };
        let request = self.http.post(url(&seated.seat().url, PATH)).body(body);
        let request = match &engine.api_key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        };
        Some(Ok((request, seated)))
    }

    /// A teacher call of our own: budgeted, with a receipt of its own.
    /// `known` is a reply to the same question, by which the price is told.
    pub(super) async fn ask_teacher(&self, drawn: &Drawn, known: &[u8]) -> Option<Reply> {
        let finished = &drawn.finished;
        let table = self.shared.table.load_full();
        let upstream = table.config.upstreams.get(&finished.upstream)?;
        if !self.pays(drawn, known) {
            return None;
        }
        let mut request = self
            .http
            .post(url(&upstream.base_url, &finished.path))
            .header("content-type", "application/json")
            .timeout(drawn.route.shadow.timeout.max(TEACHER_TIME))
            .body(asked_of(upstream, finished));
        if let Some(value) = authorization(&table.config, upstream, finished) {
            request = request.header("authorization", value);
        }
        let receipt = self.open_receipt(finished);
        let reply = self.call(request, finished.streamed).await.ok();
        let close = match &reply {
            Some(_) => Close::new(Outcome::Complete, 200),
            None => Close::new(Outcome::UpstreamError, -1),
        };
        self.shared.ledger.close(&receipt, close);
        reply
    }

    /// Takes the price of asking again out of the day's budget, and says how that went. Where no price is known no
    /// budget would bind: nothing is asked, and the gate says that it lacks the cost.
    fn pays(&self, drawn: &Drawn, known: &[u8]) -> bool {
        let (finished, limit) = (&drawn.finished, drawn.route.shadow.teacher_budget_per_day);
        let Some(cost) = self.price(finished, &chat::facts(known)) else { return false };
        let paid = self.till.pays(&drawn.route.name, self.shared.env.clock.now(), cost, limit);
        for student in drawn.students() {
            let observed = if paid { Observed::BudgetLeft } else { Observed::BudgetSpent };
            self.inbox.put(&drawn.route.name, &student.artifact, observed);
        }
        paid
    }

    async fn call(&self, request: reqwest::RequestBuilder, streamed: bool) -> Result<Reply, Unheard> {
        let clock = &self.shared.env.clock;
        let start = clock.micros();
        let mut response = request.send().await?;
        if response.status() != 200 {
            return Err(Unheard::Status(response.status().as_u16()));
        }
        let (mut body, mut first) = (Vec::new(), None);
        while let Some(chunk) = response.chunk().await? {
            first.get_or_insert_with(|| clock.micros().saturating_sub(start));
            if body.len() + chunk.len() > MAX_DECODED {
                return Err(Unheard::Half);
            }
            body.extend_from_slice(&chunk);
        }
        let micros = clock.micros().saturating_sub(start);
        if streamed {
            let assembled = assemble::of_stream(&body, true);
            if !assembled.complete {
                return Err(Unheard::Half);
            }
            body = assembled.reply;
        }
        Ok(Reply { body, micros, first_micros: first.unwrap_or(micros) })
    }

    fn open_receipt(&self, finished: &Finished) -> Opened {
        let now = self.shared.env.clock.now();
        self.shared.ledger.open(Open {
            id: kolm_core::RequestId::mint(now, self.shared.env.entropy.as_ref()),
            try_no: 1,
            kind: Kind::Shadow,
            ns: finished.namespace.clone(),
            region: self.shared.table.load().config.region_of(&finished.namespace).to_owned(),
            route: finished.route.clone(),
            rt: Rt::Cloud,
            art: None,
            ep: format!("POST {}", finished.path.split('?').next().unwrap_or_default()),
            model: finished.model.clone(),
        })
    }
}

/// The question under the upstream's own name for the model.
fn asked_of(upstream: &Upstream, finished: &Finished) -> bytes::Bytes {
    let theirs = upstream.models.get(&finished.model);
    let renamed = theirs.and_then(|name| chat::with_model(&finished.request, name));
    renamed.map_or_else(|| finished.request.clone(), Into::into)
}

/// The address of a path under `/v1` at a server.
fn url(base: &BaseUrl, path: &str) -> String {
    let scheme = if base.tls { "https" } else { "http" };
    format!("{scheme}://{}{}", base.authority(), base.path(path))
}

/// Whose credentials a call of our own carries: ours, and the request's own where we have none.
fn authorization(config: &Config, upstream: &Upstream, finished: &Finished) -> Option<http::HeaderValue> {
    let ours = config.upstream_key(&finished.namespace, &finished.upstream);
    let ours = ours.and_then(|key| http::HeaderValue::try_from(format!("Bearer {}", key.expose())).ok());
    match upstream.credentials {
        Credentials::Gateway => ours,
        Credentials::Client => ours.or_else(|| finished.authorization.clone()),
    }
}
