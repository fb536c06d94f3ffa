//! Who answers a request whose body is known: the bucket, then all that may speak against the student.
//!
//! **Invariant:** same salt, same conversation, same weight: same arm; nothing here looks at load.

use std::sync::Arc;

use kolm_core::{ArtifactId, Surface, hex};
use kolm_policies::eligible;
use kolm_policies::rollout::{self, CallerKind};
use kolm_wire::chat::{self, Question};

use crate::admit::Admitted;
use crate::exchange::{Asker, Finished};
use crate::table::{Entry, Shared, Student, keyed};

/// What was decided.
pub(crate) struct Choice {
    /// The route that matched.
    pub(crate) entry: Option<Arc<Entry>>,
    /// Who is asked first.
    pub(crate) first: First,
    /// The unit of evidence, if it had to be known already.
    pub(crate) unit: Option<String>,
}

/// Who is asked first.
pub(crate) enum First {
    /// The teacher; with the reason and the artifact if the bucket is a student's.
    Teacher(Option<(&'static str, ArtifactId)>),
    /// A student.
    Student(Arc<Student>),
}

/// Decides.
pub(crate) fn choose(shared: &Shared, admitted: &Admitted, model: &str, body: &[u8]) -> Choice {
    let entry = admitted.table.find(&admitted.namespace, admitted.upstream_path(), model).cloned();
    let teacher = |entry, unit, why| Choice { entry, first: First::Teacher(why), unit };
    let moves = |entry: &&Arc<Entry>| admitted.surface() == Surface::Chat && entry.weight.0 > 0;
    let Some(route) = entry.as_ref().filter(moves).cloned() else { return teacher(entry, None, None) };
    let question = chat::question(body);
    let opening = question.as_ref().map_or(body, |question| question.opening.as_bytes());
    let unit = unit(&shared.route_key, &admitted.asker, opening);
    let bucket = rollout::bucket(&route.salt, CallerKind::Conversation, &unit);
    let Some(student) = route.student_of(bucket).cloned() else { return teacher(entry, Some(unit), None) };
    match question.map_err(|blocks| blocks.as_str()).and_then(|question| fit(&student, &question, body)) {
        Ok(()) => Choice { entry, first: First::Student(student), unit: Some(unit) },
        Err(why) => teacher(entry, Some(unit), Some((why, student.artifact.clone()))),
    }
}

/// Whether the student can be asked this now.
fn fit(student: &Student, question: &Question, body: &[u8]) -> Result<(), &'static str> {
    if !question.tools.is_empty() {
        return Err("tools");
    }
    let context = student.pool.as_ref().and_then(|pool| pool.engine.context);
    if eligible::too_long(context, (-1, -1), body.len() as u64) {
        return Err("too_long");
    }
    if student.breaker.tripped() {
        return Err("breaker");
    }
    student.is_up().then_some(()).ok_or("down")
}

/// The unit of an exchange whose arm did not depend on it; `question` is what it asks.
pub(crate) fn unit_of(key: &[u8; 32], finished: &Finished, question: Option<&Question>) -> String {
    let chat = question.filter(|_| finished.surface == Surface::Chat);
    let opening = chat.map_or(&finished.request[..], |question| question.opening.as_bytes());
    unit(key, &finished.asker, opening)
}

/// The conversation as the client names it, else as caller and opening make it; hashed under the lasting key.
fn unit(key: &[u8; 32], asker: &Asker, opening: &[u8]) -> String {
    let hash = match &asker.conversation {
        Some(named) => keyed(key, &[b"named", &asker.caller, named.as_bytes()]),
        None => keyed(key, &[b"opening", &asker.caller, opening]),
    };
    hex(&hash[..16])
}
