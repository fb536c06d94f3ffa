//! Asks the other arm what it would have said, after the client has its answer, and scores the difference.
//!
//! **Invariant:** off the request path; a full queue or a spent budget is counted, never waited for.

mod ask;
mod draw;
mod inbox;
mod judge;
mod record;
mod spare;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use kolm_core::{MicroUsd, Outcome, Ppm};
use kolm_policies::gate::{GatePolicy, Score, ScoreKind};
use kolm_policies::price::busy;
use kolm_wire::chat;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use self::ask::{Trial, Unserved};
pub(crate) use self::draw::Drawn;
pub(crate) use self::inbox::{Inbox, Observed};
use self::judge::{agreement, judge};
use self::record::{Compared, Tried};
use self::spare::Times;
pub(crate) use self::spare::Undone;
use crate::capture;
use crate::exchange::{Fallback, Finished};
use crate::table::{Shared, Student};
use crate::till::Till;
use crate::told;

/// Drawn exchanges that may wait.
pub(crate) const QUEUE: usize = 4_096;
/// `Fallback::why` of a student that was asked, lives, and gave nothing valid: agreement 0. One that abstained,
/// was not up or cannot take the request answered nothing to agree with.
const FAILED: [&str; 2] = ["failed", "timeout"];

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

    /// Works until the queue is closed; one task at a time holds it. Questions and their times are this runtime's;
    /// what comes after them, which nobody takes the time of, is left to `behind`.
    pub(crate) async fn run(
        self: Arc<Self>,
        queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Drawn>>>,
        behind: Handle,
    ) {
        let mut queue = queue.lock().await;
        while let Some(drawn) = queue.recv().await {
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            let (shadow, behind) = (Arc::clone(&self), behind.clone());
            tokio::spawn(async move {
                // A panic over one exchange is one that was not scored.
                let observed = AssertUnwindSafe(shadow.observe(&drawn)).catch_unwind().await;
                behind.spawn(async move {
                    shadow.tell(&drawn, observed.unwrap_or_default());
                    drop(permit);
                });
            });
        }
    }

    fn tell(&self, drawn: &Drawn, compared: Compared) {
        let route = &drawn.route.name;
        for student in drawn.students() {
            let tried = compared.tries.iter().find(|tried| tried.artifact == student.artifact);
            if !tried.is_some_and(Tried::counts) {
                let why = tried.and_then(|tried| tried.undone).or(compared.undone).unwrap_or(Undone::Panic);
                self.drop_of(drawn, student, why);
            }
        }
        let t = self.shared.env.clock.now();
        // Anonymizing takes its time: others of this runtime go on.
        let record = || catch_unwind(AssertUnwindSafe(|| self.record(drawn, &compared, t)));
        let mut template = String::new();
        if let Ok(Some(diff)) = tokio::task::block_in_place(record) {
            template = diff.template();
            let artifact = diff.artifact.clone();
            self.inbox.put(route, &artifact, Observed::Diff(Box::new(diff)));
        }
        for tried in compared.tries {
            for score in tried.scores {
                let score = Score { t, template: template.clone(), ..score };
                self.inbox.put(route, &tried.artifact, Observed::Scored(score));
            }
        }
    }

    /// A drawn exchange that will not be scored counts against completeness.
    pub(crate) fn drop_one(&self, drawn: &Drawn, why: Undone) {
        for student in drawn.students() {
            self.drop_of(drawn, student, why);
        }
    }

    fn drop_of(&self, drawn: &Drawn, student: &Student, why: Undone) {
        self.shared.events.shadow_dropped(&drawn.route.name, why.as_str());
        self.inbox.put(&drawn.route.name, &student.artifact, Observed::Dropped);
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

    /// The teacher's bucket: the students are asked beside it, and now and then the teacher once more.
    async fn forward(&self, drawn: &Drawn) -> Compared {
        let teacher = reply_of(&drawn.finished);
        let base = self.beside_teacher(&drawn.finished, &teacher, ScoreKind::Shadow);
        let mut tries = Vec::new();
        for student in drawn.students() {
            tries.push(self.try_student(drawn, student, &base, &teacher).await);
        }
        self.compared(drawn, &base, teacher, tries).await
    }

    /// A student's bucket: what it served is checked by the teacher, what it left is counted. The challenger is put to
    /// what the champion was asked.
    async fn reverse(&self, drawn: &Drawn) -> Option<Compared> {
        let (finished, gate) = (&drawn.finished, &drawn.route.gate);
        let (hw, own) = (gate.hw_musd_per_s, reply_of(finished));
        let artifact = drawn.student.artifact.clone();
        if let Some(Fallback { why, student_us, .. }) = finished.fallback {
            let base = self.beside_teacher(finished, &own, ScoreKind::Reverse);
            let score = Score {
                a: FAILED.contains(&why).then_some(Ppm(0)),
                student_us,
                student_cost: busy(student_us, hw),
                ..base.clone()
            };
            let tried = Tried { artifact, scores: vec![score], reply: None, undone: None };
            return Some(self.with_challenger(drawn, base, own, tried).await);
        }
        let teacher = self.ask_teacher(drawn, &own).await?;
        // An answer that broke off midway agrees with nothing.
        let whole = finished.outcome == Outcome::Complete;
        let judged = judge(gate, &finished.request, &own, &teacher.body);
        let facts = chat::facts(&teacher.body);
        let base = Score {
            teacher_us: teacher.micros,
            teacher_ttft_us: teacher.first_micros,
            teacher_cost: self.price(finished, &facts).unwrap_or_default(),
            up_model: facts.model,
            ..self.blank(finished, ScoreKind::Reverse)
        };
        let score = Score {
            a: Some(if whole { judged.agreement } else { Ppm(0) }),
            served: whole && judged.valid,
            critical: judged.critical,
            student_us: finished.latency_us,
            student_ttft_us: finished.ttft_us,
            student_cost: busy(finished.latency_us, hw),
            ..base.clone()
        };
        let tried = Tried { artifact, scores: vec![score], reply: Some(own), undone: None };
        Some(self.with_challenger(drawn, base, teacher.body, tried).await)
    }

    /// What the champion made of its own bucket, and beside it what the challenger would have made of it.
    async fn with_challenger(&self, drawn: &Drawn, base: Score, teacher: Vec<u8>, tried: Tried) -> Compared {
        let base = Score { kind: ScoreKind::Shadow, ..base };
        let mut tries = vec![tried];
        if let Some(challenger) = &drawn.beside {
            tries.push(self.try_student(drawn, challenger, &base, &teacher).await);
        }
        self.compared(drawn, &base, teacher, tries).await
    }

    /// A student asked beside the teacher. A request that no student is given is one that it does not cover.
    async fn try_student(&self, drawn: &Drawn, student: &Student, base: &Score, teacher: &[u8]) -> Tried {
        let request = &drawn.finished.request;
        let trial = match chat::question(request) {
            Ok(_) => self.ask_student(drawn, student).await,
            Err(_) => Ok(Trial { answer: Err(Unserved::Unable), micros: 0 }),
        };
        let artifact = student.artifact.clone();
        let trial = match trial {
            Ok(trial) => trial,
            Err(why) => return Tried { artifact, scores: Vec::new(), reply: None, undone: Some(why) },
        };
        let scores = vec![tried(base, &trial, request, teacher, &drawn.route.gate)];
        Tried { artifact, scores, reply: trial.answer.ok().map(|reply| reply.body), undone: None }
    }

    /// The teacher against itself, where that was drawn: it says the same of every student.
    async fn compared(
        &self,
        drawn: &Drawn,
        base: &Score,
        teacher: Vec<u8>,
        mut tries: Vec<Tried>,
    ) -> Compared {
        if drawn.double
            && let Some(second) = self.ask_teacher(drawn, &teacher).await
        {
            let b = Some(agreement(&drawn.route.gate, &second.body, &teacher));
            for tried in &mut tries {
                if tried.scores.is_empty() {
                    tried.reply = Some(second.body.clone());
                }
                tried.scores.push(Score { kind: ScoreKind::Double, b, ..base.clone() });
            }
        }
        Compared { teacher, tries, undone: None }
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
