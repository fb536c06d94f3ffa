//! What people will look at: a scored comparison as an anonymized diff.
//!
//! **Invariant:** what the anonymizer does not mint is not recorded; a score does not wait for its diff.

use kolm_config::Retention;
use kolm_core::{ArtifactId, DiffKind, Timestamp};
use kolm_policies::anonymize::{Anonymized, Policy, Salt, anonymize};
use kolm_policies::gate::{Score, ScoreKind};
use kolm_store::Diff;
use kolm_wire::Exchange;

use super::{Drawn, Shadow, Undone};
use crate::table::keyed;

/// What one exchange told of each student that it judged.
#[derive(Default)]
pub(super) struct Compared {
    /// The teacher's reply.
    pub(super) teacher: Vec<u8>,
    pub(super) tries: Vec<Tried>,
    /// Why nobody was tried, where nobody was.
    pub(super) undone: Option<Undone>,
}

impl From<Undone> for Compared {
    fn from(why: Undone) -> Self {
        Self { undone: Some(why), ..Self::default() }
    }
}

/// A student's scores of one exchange.
pub(super) struct Tried {
    pub(super) artifact: ArtifactId,
    pub(super) scores: Vec<Score>,
    /// Its reply, or the teacher's second one where it was not asked.
    pub(super) reply: Option<Vec<u8>>,
    /// Why it has no score, where it has none.
    pub(super) undone: Option<Undone>,
}

impl Tried {
    /// Whether it was asked: the second score of a double-primary request is no request of its own.
    pub(super) fn counts(&self) -> bool {
        self.scores.iter().any(|score| score.kind != ScoreKind::Double)
    }
}

impl Shadow {
    /// The diff of a comparison; its attempt is filled in by who knows it.
    pub(super) fn record(&self, drawn: &Drawn, compared: &Compared, t: Timestamp) -> Option<Diff> {
        let finished = &drawn.finished;
        // Of a challenger and a champion, people are shown the challenger.
        let tried = compared.tries.iter().rev().find(|tried| !tried.scores.is_empty())?;
        let main = tried.scores.iter().find(|score| score.kind != ScoreKind::Double);
        let main = main.or(tried.scores.first())?;
        let config = self.shared.table.load().config.clone();
        let namespace = config.namespaces.get(&finished.namespace)?;
        if namespace.retention == Retention::None {
            return None;
        }
        // One salt for both replies, and for all of a conversation: the same person has the same name in them.
        let salt = Salt(keyed(&self.shared.process_key, &[b"diff", finished.unit().as_bytes()]));
        let mint = |reply: &[u8]| minted(&finished.request, reply, &namespace.policy, &salt);
        let student = match &tried.reply {
            Some(reply) => Some(mint(reply)?),
            None => None,
        };
        Some(Diff {
            id: finished.id,
            t,
            route: drawn.route.name.clone(),
            namespace: finished.namespace.clone(),
            surface: finished.surface,
            artifact: tried.artifact.clone(),
            attempt: 0,
            kind: match main.kind {
                ScoreKind::Shadow => DiffKind::Shadow,
                ScoreKind::Double => DiffKind::Double,
                ScoreKind::Reverse => DiffKind::Reverse,
            },
            unit: main.unit.clone(),
            teacher: mint(&compared.teacher)?,
            student,
            a: main.a,
            b: tried.scores.iter().find_map(|score| score.b),
            served: main.served,
            critical: main.critical,
            student_us: main.student_us,
            teacher_us: main.teacher_us,
            student_ttft_us: main.student_ttft_us,
            teacher_ttft_us: main.teacher_ttft_us,
            student_cost: main.student_cost,
            teacher_cost: main.teacher_cost,
        })
    }
}

fn minted(request: &[u8], reply: &[u8], policy: &Policy, salt: &Salt) -> Option<Anonymized> {
    let exchange = Exchange { request: request.to_vec(), reply: reply.to_vec() };
    anonymize(&exchange, policy, salt).ok().map(|(body, _)| body)
}
