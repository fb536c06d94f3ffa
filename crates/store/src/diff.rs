//! A diff: one request that teacher and student have both answered (or the teacher twice), as the gateway hands it
//! over, and the door to what people look at and say of it.
//!
//! **Invariant:** a diff's texts are made from an [`Anonymized`] alone; a review changes no score.

use kolm_core::{
    ArtifactId, DiffDetail, DiffFilter, DiffKind, DiffPage, DiffQuery, MicroUsd, Namespace, Ppm, RequestId,
    Review, RouteName, Spent, Surface, Timestamp,
};
use kolm_policies::anonymize::Anonymized;
use kolm_wire::{chat, surface};

use crate::Error;
use crate::service::Handle;

/// One scored comparison, anonymized.
#[derive(Debug)]
pub struct Diff {
    /// The client's request.
    pub id: RequestId,
    /// When it was scored.
    pub t: Timestamp,
    /// The route.
    pub route: RouteName,
    /// The namespace.
    pub namespace: Namespace,
    /// The part of the API.
    pub surface: Surface,
    /// The student on trial or in service.
    pub artifact: ArtifactId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it came to be; a request that was shadowed and doubled is a `Shadow` with its `b`.
    pub kind: DiffKind,
    /// The conversation.
    pub unit: String,
    /// The request and the teacher's reply.
    pub teacher: Anonymized,
    /// The same request and the student's reply, or the teacher's second one where the kind is `Double`; `None`
    /// where there is none.
    pub student: Option<Anonymized>,
    /// Agreement of student and teacher, `None` if the student was not asked or abstained.
    pub a: Option<Ppm>,
    /// Agreement of the teacher with itself, `None` if it was asked once.
    pub b: Option<Ppm>,
    /// The student answered validly and in time.
    pub served: bool,
    /// The student's answer must not be given.
    pub critical: bool,
    /// The student's time until its answer, refusal or failure in µs.
    pub student_us: u64,
    /// The teacher's time in µs.
    pub teacher_us: u64,
    /// The student's time to the first byte in µs.
    pub student_ttft_us: u64,
    /// The teacher's time to the first byte in µs.
    pub teacher_ttft_us: u64,
    /// Measured cost of the student.
    pub student_cost: MicroUsd,
    /// List price of the teacher's answer.
    pub teacher_cost: MicroUsd,
}

/// What is read off the anonymized bodies.
pub(crate) struct Told {
    pub(crate) template: String,
    pub(crate) tokens_in: i64,
    pub(crate) teacher_tokens: i64,
    pub(crate) student_tokens: i64,
}

impl Diff {
    /// `template_key` of the anonymized system prompt and tools.
    pub fn template(&self) -> String {
        surface::template(self.surface, self.teacher.typed().as_bytes())
    }

    pub(crate) fn told(&self) -> Told {
        let teacher = chat::facts(self.teacher.reply().as_bytes());
        let student = self.student.as_ref().map(|student| chat::facts(student.reply().as_bytes()));
        Told {
            template: self.template(),
            tokens_in: teacher.tokens_in,
            teacher_tokens: teacher.tokens_out,
            student_tokens: student.map_or(-1, |student| student.tokens_out),
        }
    }
}

impl Handle {
    /// Adds diffs; one of a request that is known already changes nothing.
    pub async fn put_diffs(&self, diffs: Vec<Diff>) -> Result<(), Error> {
        let mut apart: Vec<(&Self, Vec<Diff>)> = self.all().map(|door| (door, Vec::new())).collect();
        for diff in diffs {
            let own = self.of(&diff.namespace);
            if let Some((_, into)) = apart.iter_mut().find(|(door, _)| std::ptr::eq(*door, own)) {
                into.push(diff);
            }
        }
        for (door, diffs) in apart.into_iter().filter(|(_, diffs)| !diffs.is_empty()) {
            door.ask(move |db| db.put_diffs(&diffs)).await?;
        }
        Ok(())
    }

    /// A page of a route's diffs, worst first.
    pub async fn diffs(&self, query: DiffQuery) -> Result<DiffPage, Error> {
        self.of(&query.namespace.clone()).ask(move |db| db.diffs(&query)).await
    }

    /// One diff in full, with its neighbours in the order of the filter; `None` if there is no such diff.
    pub async fn diff(&self, id: RequestId, filter: DiffFilter) -> Result<Option<DiffDetail>, Error> {
        for door in self.all() {
            let filter = filter.clone();
            if let Some(found) = door.ask(move |db| db.diff(id, &filter)).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Notes what a person says of a diff; the last word counts. False if there is no such diff.
    pub async fn review(&self, review: Review, now: Timestamp) -> Result<bool, Error> {
        for door in self.all() {
            let review = review.clone();
            if door.ask(move |db| db.review(&review, now)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What passed over the routes by arm, as far as it was captured.
    pub async fn spent(&self) -> Result<Vec<Spent>, Error> {
        let mut out = Vec::new();
        for door in self.all() {
            out.extend(door.ask(|db| db.spent()).await?);
        }
        Ok(out)
    }
}
