//! What people will look at: a scored comparison as an anonymized diff.
//!
//! **Invariant:** what the anonymizer does not mint is not recorded; a score does not wait for its diff.

use kolm_config::Retention;
use kolm_core::{DiffKind, Timestamp};
use kolm_policies::anonymize::{Anonymized, Policy, Salt, anonymize};
use kolm_policies::gate::{Score, ScoreKind};
use kolm_store::Diff;
use kolm_wire::Exchange;

use super::{Drawn, Shadow, Undone};
use crate::table::keyed;

/// The scores of one exchange, and the replies that they compare.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) scores: Vec<Score>,
    /// The teacher's reply.
    pub(super) teacher: Vec<u8>,
    /// The student's, or the teacher's second one where the student was not asked.
    pub(super) student: Option<Vec<u8>>,
    /// Why the student has no score, where it has none.
    pub(super) undone: Option<Undone>,
}

impl From<Undone> for Compared {
    fn from(why: Undone) -> Self {
        Self { undone: Some(why), ..Self::default() }
    }
}

impl Shadow {
    /// The diff of a comparison; its attempt is filled in by who knows it.
    pub(super) fn record(&self, drawn: &Drawn, compared: &Compared, t: Timestamp) -> Option<Diff> {
        let finished = &drawn.finished;
        let main = compared.scores.iter().find(|score| score.kind != ScoreKind::Double);
        let main = main.or(compared.scores.first())?;
        let config = self.shared.table.load().config.clone();
        let namespace = config.namespaces.get(&finished.namespace)?;
        if namespace.retention == Retention::None {
            return None;
        }
        // One salt for both replies, and for all of a conversation: the same person has the same name in them.
        let salt = Salt(keyed(&self.shared.process_key, &[b"diff", finished.unit().as_bytes()]));
        let mint = |reply: &[u8]| minted(&finished.request, reply, &namespace.policy, &salt);
        let student = match &compared.student {
            Some(reply) => Some(mint(reply)?),
            None => None,
        };
        Some(Diff {
            id: finished.id,
            t,
            route: drawn.route.name.clone(),
            namespace: finished.namespace.clone(),
            surface: finished.surface,
            artifact: drawn.student.artifact.clone(),
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
            b: compared.scores.iter().find_map(|score| score.b),
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
