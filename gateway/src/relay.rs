//! The door of the JSON routes: the body is read whole, an arm chosen, and the answer's frames passed on as
//! they come.
//!
//! **Invariant:** before the first byte a student's failure costs the client nothing but time; after it, an answer
//! that breaks off upstream breaks off for the client too.

mod body;
mod engine;
mod pump;
mod student;
mod teacher;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kolm_core::{Arm, ArtifactId, Outcome};
use kolm_wire::chat;
use kolm_wire::error::ApiError;
use pingora::proxy::Session;
use pingora::{BError, Error, ErrorType, Result};
use tokio::time::timeout;

use self::body::Unread;
use self::pump::Ended;
use self::teacher::Unheard;
use crate::admit::Admitted;
use crate::answer::{self, Answer};
use crate::choose::{self, Choice, First};
use crate::close::{self, Told};
use crate::exchange::Fallback;
use crate::framing;
use crate::headers;
use crate::limits;
use crate::listen::Connection;
use crate::phases::{Ctx, Gateway};
use crate::proxy;
use crate::receipt::{By, Receipt};
use crate::table::{Entry, Student};
use crate::tap::Tee;
use crate::upstream::Call;

/// How long a teacher is waited for after the client has left, and how many bytes of its answer are taken.
const DRAIN_TIME: Duration = Duration::from_secs(60);
const DRAIN_BYTES: u64 = 8 << 20;
const AFTER_DONE: Duration = Duration::from_secs(1);

/// One request on its way.
struct Relay<'a> {
    gateway: &'a Gateway,
    session: &'a mut Session,
    admitted: Admitted,
    body: Bytes,
    tee: Tee,
    entry: Option<Arc<Entry>>,
    model: String,
    unit: Option<String>,
    fallback: Option<Fallback>,
    /// The client left before the response head.
    left: bool,
}

/// Answers a request through this door.
pub(crate) async fn run(
    gateway: &Gateway,
    session: &mut Session,
    ctx: &mut Ctx,
    admitted: Admitted,
) -> Result<bool> {
    let shared = &*gateway.shared;
    let config = Arc::clone(&admitted.table.config);
    let body = match body::read(session, &config.listen).await {
        Ok(body) => body,
        Err(Unread::TooLarge(read)) => {
            proxy::begin_oversize(shared, session, ctx, admitted, read);
            return Ok(false);
        }
        Err(Unread::Malformed) => {
            Connection::close_behind(session);
            return answer::refuse(gateway, session, &admitted, None, framing::malformed().into()).await;
        }
        Err(Unread::Gone(cause)) => {
            close::not_captured(shared, &admitted, "unsent");
            answer::gone(shared, &admitted);
            ctx.broken = true;
            return Err(cause);
        }
    };
    let model = chat::head(&body).map_or_else(|_| String::new(), |head| head.model);
    if let Err(refusal) = limits::reserve(shared, &admitted, &model, &body) {
        return answer::refuse(gateway, session, &admitted, None, refusal).await;
    }
    let Choice { entry, first, unit } = choose::choose(shared, &admitted, &model, &body);
    let limit = usize::try_from(config.capture.max_bytes).unwrap_or(usize::MAX);
    let mut tee = Tee::new(&shared.env, admitted.is_read(), limit);
    tee.request(&body);
    let (left, fallback) = (false, None);
    // Boxed, like the call below: a stream keeps them for as long as it lives, and what is moved from future to future
    // would be kept once in each.
    let relay = Box::new(Relay { gateway, session, admitted, body, tee, entry, model, unit, fallback, left });
    let ended = match first {
        First::Student(student) => relay.student_first(student).await,
        First::Teacher(why) => relay.teacher(None, why).await,
    };
    if ended.is_err() {
        ctx.broken = true;
    }
    ended
}

impl Relay<'_> {
    async fn student_first(self: Box<Self>, student: Arc<Student>) -> Result<bool> {
        let shared = &*self.gateway.shared;
        let route = self.entry.as_ref().map(|entry| entry.route.name.clone());
        let by = By::Student(student.artifact.clone());
        let receipt = Receipt::open(shared, &self.admitted, by, route.as_ref(), &self.model);
        let unit = self.unit.as_deref().unwrap_or_default();
        let asked = student::ask(self.gateway, self.session.req_header(), &self.body, &student, unit);
        let asked = Box::pin(asked).await;
        match student::judge(shared, &student, route.as_ref(), asked) {
            Ok(call) => self.deliver(call, receipt, Some(student.artifact.clone())).await,
            Err(why) => {
                let mut receipt = receipt;
                receipt.again(shared, &self.admitted, By::Cloud, why);
                self.teacher(Some(receipt), Some((why, student.artifact.clone()))).await
            }
        }
    }

    async fn teacher(
        mut self: Box<Self>,
        receipt: Option<Receipt>,
        fallback: Option<(&'static str, ArtifactId)>,
    ) -> Result<bool> {
        let shared = &*self.gateway.shared;
        let route = self.entry.as_ref().map(|entry| entry.route.name.clone());
        if let (Some((why, _)), Some(route)) = (&fallback, &route) {
            shared.events.request_fell_back(route, why);
        }
        let student_us = shared.env.clock.micros().saturating_sub(self.admitted.started_us);
        self.fallback = fallback.map(|(why, artifact)| Fallback { why, artifact, student_us });
        let mut receipt = receipt
            .unwrap_or_else(|| Receipt::open(shared, &self.admitted, By::Cloud, route.as_ref(), &self.model));
        match self.hear_teacher(&mut receipt).await {
            Ok(call) => self.deliver(call, receipt, None).await,
            Err(unheard) => self.fail(receipt, unheard).await,
        }
    }

    /// Sends a whole answer on, then closes the books.
    async fn deliver(
        mut self: Box<Self>,
        call: Box<Call>,
        mut receipt: Receipt,
        artifact: Option<ArtifactId>,
    ) -> Result<bool> {
        let shared = &*self.gateway.shared;
        let arm = if artifact.is_some() { Arm::Student } else { Arm::Teacher };
        if let Some(entry) = &self.entry {
            entry.stats.note(arm, self.fallback.is_some());
        }
        let header = receipt.header(shared, &self.admitted).await;
        let mut head = call.head.clone();
        if arm == Arm::Student {
            headers::plain(&mut head);
        }
        headers::downward(&mut head, &header)?;
        headers::framed(&mut head, self.session.req_header().version)?;
        headers::unchunked(self.session, &mut head);
        Connection::keep_date(self.session, &head);
        self.tee.head(head.status.as_u16(), &head.headers);
        let ended = self.send(call, head).await;
        let outcome = match ended {
            Ended::Clean => Outcome::Complete,
            Ended::Left { .. } if self.tee.done() => Outcome::Complete,
            Ended::Left { .. } => Outcome::ClientAbort,
            Ended::Broke => Outcome::UpstreamError,
            Ended::Late => Outcome::Timeout,
        };
        if matches!(ended, Ended::Broke | Ended::Late) {
            shared.events.upstream_failed(
                self.admitted.id,
                &self.admitted.way.upstream,
                ended.as_str(),
                "mid-body",
            );
            self.tell_the_client(arm).await;
        }
        self.close(receipt, arm, artifact, outcome, ended.is_whole());
        match ended {
            Ended::Clean => Ok(true),
            Ended::Left { .. } => Err(Error::new_down(ErrorType::ConnectionClosed)),
            Ended::Broke | Ended::Late => Err(Error::new_up(ErrorType::ConnectionClosed)),
        }
    }

    async fn send(&mut self, mut call: Box<Call>, head: pingora::http::ResponseHeader) -> Ended {
        let gateway = self.gateway;
        let env = &gateway.shared.env;
        let total = self.admitted.upstream().map_or(DRAIN_TIME, |upstream| upstream.timeouts.total);
        let spent = Duration::from_micros(env.clock.micros().saturating_sub(self.admitted.started_us));
        let mut ended = Ended::Left { whole: false };
        if !self.left {
            let sent = pump::send(self.session, &mut call, head, &mut self.tee, env);
            let sent = timeout(total.saturating_sub(spent), Box::pin(sent));
            ended = tokio::select! {
                biased;
                ended = sent => ended.unwrap_or(Ended::Late),
                () = gateway.shared.in_flight.cut() => Ended::Broke,
            };
        }
        if !matches!(ended, Ended::Left { .. }) {
            if ended == Ended::Clean {
                gateway.upstreams.release(*call).await;
            }
            return ended;
        }
        if !self.admitted.is_read() {
            return Ended::Left { whole: self.tee.done() };
        }
        // After `[DONE]` nothing is missing; what follows only decides whether the connection can be used again.
        let done = self.tee.done();
        let bound = if done { AFTER_DONE } else { DRAIN_TIME };
        let drained = timeout(bound, pump::drain(&mut call, &mut self.tee, DRAIN_BYTES));
        let ended_too = tokio::select! {
            biased;
            ended = drained => ended.unwrap_or(false),
            () = gateway.shared.in_flight.cut() => false,
        };
        if ended_too {
            gateway.upstreams.release(*call).await;
        }
        Ended::Left { whole: ended_too || done }
    }

    /// A local stream that breaks off says so in its own words; a cloud's is not given any that are not its own.
    async fn tell_the_client(&mut self, arm: Arm) {
        if arm == Arm::Student && self.tee.streamed {
            let frame = Bytes::from(ApiError::internal().frame());
            let client = self.session.as_downstream_mut();
            if client.write_response_body(frame.clone(), false).await.is_ok() {
                self.tee.sent(&frame, &self.gateway.shared.env);
            }
        }
    }

    /// No response head came: the gateway answers itself.
    async fn fail(mut self: Box<Self>, mut receipt: Receipt, unheard: Unheard) -> Result<bool> {
        let shared = &*self.gateway.shared;
        let why = unheard.as_str();
        shared.events.upstream_failed(self.admitted.id, &self.admitted.way.upstream, why, unheard.cause());
        if let Some(entry) = &self.entry {
            entry.stats.note(Arm::Teacher, self.fallback.is_some());
        }
        let (error, retry_after) = unheard.told();
        let outcome = match (self.left, unheard.is_late()) {
            (true, _) => Outcome::ClientAbort,
            (false, true) => Outcome::Timeout,
            (false, false) => Outcome::UpstreamError,
        };
        receipt.again(shared, &self.admitted, By::Gateway, why);
        let header = receipt.header(shared, &self.admitted).await;
        let (status, body) = (error.status, Bytes::from(error.body()));
        let sent: Result<usize, BError> = if self.left {
            Err(Error::new_down(ErrorType::ConnectionClosed))
        } else {
            self.tee.head(status, &http::HeaderMap::new());
            let answer = Answer::json(status, body.clone()).retry_after(retry_after);
            answer::write(self.session, answer, &header).await
        };
        if sent.is_ok() {
            self.tee.sent(&body, &shared.env);
        }
        self.close(receipt, Arm::Teacher, None, outcome, false);
        sent.map(|_| true)
    }

    fn close(
        self: Box<Self>,
        receipt: Receipt,
        arm: Arm,
        artifact: Option<ArtifactId>,
        outcome: Outcome,
        ended_cleanly: bool,
    ) {
        let mut this = *self;
        this.tee.commit(&this.body);
        let shared = &*this.gateway.shared;
        let told = Told {
            arm,
            artifact,
            route: this.entry.map(|entry| entry.route.name.clone()),
            fallback: this.fallback,
            model: this.model,
            unit: this.unit,
            outcome,
            ended_cleanly,
        };
        close::close(shared, &this.admitted, receipt, this.tee, told);
    }
}
