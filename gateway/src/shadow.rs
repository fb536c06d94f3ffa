//! Asks the other arm what it would have said, after the client has its answer, and scores the difference.
//!
//! **Invariant:** off the request path; a full queue or a spent budget is counted, never waited for.

mod ask;
mod judge;
mod record;
mod spare;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use kolm_config::Route;
use kolm_core::{Arm, ArtifactId, MicroUsd, Outcome, Ppm, RouteName, Surface};
use kolm_policies::gate::{GatePolicy, Score, ScoreKind};
use kolm_policies::price::busy;
use kolm_policies::rollout;
use kolm_store::Diff;
use kolm_wire::chat;
use tokio::sync::{Semaphore, mpsc};

use self::ask::{Trial, Unserved};
use self::judge::{agreement, judge};
use self::record::Compared;
use self::spare::Times;
pub(crate) use self::spare::Undone;
use crate::capture;
use crate::exchange::{Fallback, Finished};
use crate::table::{Entry, Shared, Student, keyed};
use crate::till::Till;
use crate::told;

/// Drawn exchanges that may wait.
pub(crate) const QUEUE: usize = 4_096;
/// `Fallback::why` of a student that was asked, lives, and gave nothing valid: agreement 0. One that abstained,
/// was not up or cannot take the request answered nothing to agree with.
const FAILED: [&str; 2] = ["failed", "timeout"];

/// What a drawn exchange told.
pub(crate) enum Observed {
    /// A scored request.
    Scored(Score),
    /// What people may look at of it.
    Diff(Box<Diff>),
    /// Drawn, but not scored: lowers completeness.
    Dropped,
    /// The day's money for teacher calls of our own is spent.
    BudgetSpent,
    /// There was money for a teacher call.
    BudgetLeft,
}

/// What was observed waits here, with the artifact it is about, until the reconciler takes it.
#[derive(Default)]
pub(crate) struct Inbox {
    routes: Mutex<HashMap<RouteName, Vec<(ArtifactId, Observed)>>>,
}

impl Inbox {
    fn put(&self, drawn: &Drawn, observed: Observed) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = routes.entry(drawn.route.name.clone()).or_default();
        waiting.push((drawn.student.artifact.clone(), observed));
    }

    /// Takes what has come for `route`.
    pub(crate) fn take(&self, route: &RouteName) -> Vec<(ArtifactId, Observed)> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get_mut(route).map(std::mem::take).unwrap_or_default()
    }
}

/// An exchange that the key has drawn, and the student it is to judge.
pub(crate) struct Drawn {
    finished: Finished,
    route: Arc<Route>,
    student: Arc<Student>,
    kind: ScoreKind,
    /// The teacher is asked a second time.
    double: bool,
}

/// The shadow: draws, calls, scores.
pub(crate) struct Shadow {
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    http: reqwest::Client,
    permits: Arc<Semaphore>,
    till: Arc<Till>,
    times: Times,
}

impl Shadow {
    /// A shadow with its own connections.
    ///
    /// # Errors
    /// The TLS set-up of the machine is broken.
    pub(crate) fn new(
        shared: Arc<Shared>,
        inbox: Arc<Inbox>,
        till: Arc<Till>,
    ) -> Result<Arc<Self>, reqwest::Error> {
        // A redirect would carry a prompt to a host that nobody configured.
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true);
        let config = Arc::clone(&shared.table.load().config);
        let engines = config.routes.iter().filter_map(|route| route.engine.as_ref()?.extra_ca.as_ref());
        let upstreams = config.upstreams.values().filter_map(|upstream| upstream.extra_ca.as_ref());
        for path in upstreams.chain(engines) {
            // The listener refuses to start on anchors that cannot be read.
            for anchor in reqwest::Certificate::from_pem_bundle(&std::fs::read(path).unwrap_or_default())? {
                http = http.add_root_certificate(anchor);
            }
        }
        let http = http.build()?;
        let concurrency =
            shared.table.load().config.routes.iter().map(|route| route.shadow.concurrency).sum::<u64>();
        let permits = Arc::new(Semaphore::new(concurrency.clamp(1, 256) as usize));
        Ok(Arc::new(Self { shared, inbox, http, permits, till, times: Times::default() }))
    }

    /// Works until the queue is closed; one task at a time holds it.
    pub(crate) async fn run(self: Arc<Self>, queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Drawn>>>) {
        let mut queue = queue.lock().await;
        while let Some(drawn) = queue.recv().await {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            let shadow = Arc::clone(&self);
            tokio::spawn(async move {
                // A panic over one exchange is one that was not scored.
                let observed = AssertUnwindSafe(shadow.observe(&drawn)).catch_unwind().await;
                shadow.tell(&drawn, observed.unwrap_or_default());
                drop(permit);
            });
        }
    }

    fn tell(&self, drawn: &Drawn, compared: Compared) {
        if !compared.scores.iter().any(|score| score.kind != ScoreKind::Double) {
            self.drop_one(drawn, compared.undone.unwrap_or(Undone::Panic));
        }
        let t = self.shared.env.clock.now();
        // Anonymizing takes its time: others of this runtime go on.
        let record = || catch_unwind(AssertUnwindSafe(|| self.record(drawn, &compared, t)));
        let mut template = String::new();
        if let Ok(Some(diff)) = tokio::task::block_in_place(record) {
            template = diff.template();
            self.inbox.put(drawn, Observed::Diff(Box::new(diff)));
        }
        for score in compared.scores {
            let template = template.clone();
            self.inbox.put(drawn, Observed::Scored(Score { t, template, ..score }));
        }
    }

    /// A drawn exchange that will not be scored counts against completeness.
    pub(crate) fn drop_one(&self, drawn: &Drawn, why: Undone) {
        self.shared.events.shadow_dropped(&drawn.route.name, why.as_str());
        self.inbox.put(drawn, Observed::Dropped);
    }

    /// Whether an exchange is in the sample: drawn by a key, never by load, content or answer.
    pub(crate) fn draw(&self, finished: Finished) -> Option<Drawn> {
        let table = self.shared.table.load();
        let entry = table.routes.iter().find(|entry| Some(&entry.route.name) == finished.route.as_ref())?;
        let student = entry.student.clone().filter(|student| counts(&finished, student))?;
        let (kind, double) = self.sample(&finished, entry)?;
        Some(Drawn { finished, route: Arc::clone(&entry.route), student, kind, double })
    }

    fn sample(&self, finished: &Finished, entry: &Entry) -> Option<(ScoreKind, bool)> {
        let key = keyed(&self.shared.route_key, &[b"sample", entry.route.name.as_str().as_bytes()]);
        let drawn = |salt: &str, rate: Ppm| {
            rollout::sampled(&key, &format!("{salt}{}", finished.unit()), finished.at, rate)
        };
        if finished.arm == Arm::Student || finished.fallback.is_some() {
            let rate = rollout::reverse_rate(entry.weight);
            return drawn("", rate).then_some((ScoreKind::Reverse, false));
        }
        let settings = &entry.route.shadow;
        if !drawn("", settings.rate) {
            return None;
        }
        let known = entry.stats.doubles.load(Ordering::Relaxed);
        Some((ScoreKind::Shadow, drawn("double ", rollout::double_rate(settings.double_rate, known))))
    }

    /// The scores of one drawn exchange; none where nothing could be asked.
    async fn observe(&self, drawn: &Drawn) -> Compared {
        if self.sheds(drawn) {
            return Undone::Load.into();
        }
        match drawn.kind {
            ScoreKind::Reverse => self.reverse(drawn).await.unwrap_or_else(|| Undone::Teacher.into()),
            ScoreKind::Shadow | ScoreKind::Double => self.forward(drawn).await,
        }
    }

    /// The teacher's bucket: the student is asked beside it, and now and then the teacher once more.
    async fn forward(&self, drawn: &Drawn) -> Compared {
        let teacher = reply_of(&drawn.finished);
        let base = self.beside_teacher(&drawn.finished, &teacher, ScoreKind::Shadow);
        let (mut scores, mut student, mut undone) = (Vec::new(), None, None);
        // A request that no student is given is one that the student does not cover.
        let trial = match chat::question(&drawn.finished.request) {
            Ok(_) => self.ask_student(drawn).await,
            Err(_) => Ok(Trial { answer: Err(Unserved::Unable), micros: 0 }),
        };
        match trial {
            Ok(trial) => {
                scores.push(tried(&base, &trial, &drawn.finished.request, &teacher, &drawn.route.gate));
                student = trial.answer.ok().map(|reply| reply.body);
            }
            Err(why) => undone = Some(why),
        }
        if drawn.double
            && let Some(second) = self.ask_teacher(drawn, &teacher).await
        {
            let b = Some(agreement(&drawn.route.gate, &second.body, &teacher));
            if scores.is_empty() {
                student = Some(second.body);
            }
            scores.push(Score { kind: ScoreKind::Double, b, ..base });
        }
        Compared { scores, teacher, student, undone }
    }

    /// The student's bucket: what it served is checked by the teacher, what it left is counted.
    async fn reverse(&self, drawn: &Drawn) -> Option<Compared> {
        let (finished, gate) = (&drawn.finished, &drawn.route.gate);
        let (hw, own) = (gate.hw_musd_per_s, reply_of(finished));
        if let Some(Fallback { why, student_us }) = finished.fallback {
            let score = Score {
                a: FAILED.contains(&why).then_some(Ppm(0)),
                student_us,
                student_cost: busy(student_us, hw),
                ..self.beside_teacher(finished, &own, ScoreKind::Reverse)
            };
            return Some(Compared { scores: vec![score], teacher: own, ..Compared::default() });
        }
        let teacher = self.ask_teacher(drawn, &own).await?;
        // An answer that broke off midway agrees with nothing.
        let whole = finished.outcome == Outcome::Complete;
        let judged = judge(gate, &finished.request, &own, &teacher.body);
        let facts = chat::facts(&teacher.body);
        let score = Score {
            a: Some(if whole { judged.agreement } else { Ppm(0) }),
            served: whole && judged.valid,
            critical: judged.critical,
            student_us: finished.latency_us,
            student_ttft_us: finished.ttft_us,
            student_cost: busy(finished.latency_us, hw),
            teacher_us: teacher.micros,
            teacher_ttft_us: teacher.first_micros,
            teacher_cost: self.price(finished, &facts).unwrap_or_default(),
            up_model: facts.model,
            ..self.blank(finished, ScoreKind::Reverse)
        };
        Some(Compared { scores: vec![score], teacher: teacher.body, student: Some(own), undone: None })
    }

    /// A score of an exchange that the teacher answered, still without the student's part.
    fn beside_teacher(&self, finished: &Finished, reply: &[u8], kind: ScoreKind) -> Score {
        let facts = chat::facts(reply);
        Score {
            teacher_us: finished.latency_us,
            teacher_ttft_us: finished.ttft_us,
            teacher_cost: self.price(finished, &facts).unwrap_or_default(),
            up_model: facts.model,
            ..self.blank(finished, kind)
        }
    }

    fn blank(&self, finished: &Finished, kind: ScoreKind) -> Score {
        Score {
            t: self.shared.env.clock.now(),
            unit: finished.unit().to_owned(),
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
            up_model: String::new(),
            template: String::new(),
        }
    }

    /// List price of such a reply; `None` where no price is known.
    fn price(&self, finished: &Finished, facts: &chat::Facts) -> Option<MicroUsd> {
        let config = Arc::clone(&self.shared.table.load().config);
        capture::cost(finished, &config, facts)
    }
}

/// A whole answer of the teacher's, or one of this very student's that the client did not cut short.
fn counts(finished: &Finished, student: &Student) -> bool {
    let answered = match finished.arm {
        Arm::Teacher => finished.outcome == Outcome::Complete,
        Arm::Student => {
            finished.artifact.as_ref() == Some(&student.artifact) && finished.outcome != Outcome::ClientAbort
        }
    };
    let chat = finished.surface == Surface::Chat && finished.status == 200;
    answered && chat && !finished.truncated && !finished.no_store
}

/// The score of a student that was asked beside the teacher, whose reply is `own`.
fn tried(base: &Score, trial: &Trial, request: &[u8], own: &[u8], gate: &GatePolicy) -> Score {
    let tried = Score {
        student_us: trial.micros,
        student_ttft_us: trial.micros,
        student_cost: busy(trial.micros, gate.hw_musd_per_s),
        ..base.clone()
    };
    match &trial.answer {
        Ok(reply) => {
            let judged = judge(gate, request, &reply.body, own);
            Score {
                a: Some(judged.agreement),
                served: judged.valid,
                critical: judged.critical,
                student_ttft_us: reply.first_micros,
                ..tried
            }
        }
        Err(Unserved::Unable) => tried,
        Err(Unserved::Failed) => Score { a: Some(Ppm(0)), ..tried },
    }
}

/// The reply in its non-streamed form.
fn reply_of(finished: &Finished) -> Vec<u8> {
    told::told(finished).body
}

#[cfg(test)]
mod tests {
    use kolm_core::Timestamp;

    use super::ask::Reply;
    use super::*;

    fn base() -> Score {
        Score {
            t: Timestamp(1),
            unit: "u".to_owned(),
            kind: ScoreKind::Shadow,
            a: None,
            b: None,
            served: false,
            student_us: 0,
            teacher_us: 400,
            student_ttft_us: 0,
            teacher_ttft_us: 300,
            streamed: false,
            student_cost: MicroUsd(0),
            teacher_cost: MicroUsd(9),
            critical: false,
            up_model: String::new(),
            template: String::new(),
        }
    }

    fn said(text: &str) -> Result<Reply, Unserved> {
        let reply =
            serde_json::json!({ "choices": [{ "message": { "role": "assistant", "content": text } }] });
        Ok(Reply { body: reply.to_string().into_bytes(), micros: 70, first_micros: 50 })
    }

    #[test]
    fn a_failure_agrees_with_nothing_and_an_abstention_is_not_asked_to() {
        for (answer, a, served, first) in [
            (said(" Refund"), Some(Ppm::ONE), true, 50),
            (said("order"), Some(Ppm(0)), true, 50),
            (Err(Unserved::Failed), Some(Ppm(0)), false, 80),
            (Err(Unserved::Unable), None, false, 80),
        ] {
            let own = said("refund").map(|reply| reply.body).unwrap_or_default();
            let gate = GatePolicy { hw_musd_per_s: 1_000_000, ..GatePolicy::default() };
            let score = tried(&base(), &Trial { answer, micros: 80 }, b"{}", &own, &gate);
            assert_eq!((score.a, score.served, score.student_ttft_us), (a, served, first));
            assert_eq!((score.student_us, score.student_cost), (80, MicroUsd(80)));
            assert_eq!((score.teacher_us, score.teacher_cost), (400, MicroUsd(9)));
        }
    }
}
