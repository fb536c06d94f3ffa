//! What is in the sample: drawn by a key, never by load, content or answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kolm_config::Route;
use kolm_core::{Arm, Outcome, Ppm, Surface, Weight};
use kolm_policies::gate::ScoreKind;
use kolm_policies::rollout;

use super::Shadow;
use crate::exchange::Finished;
use crate::table::{Entry, Student, keyed};

/// An exchange that the key has drawn, and the students it is to judge.
pub(crate) struct Drawn {
    pub(super) finished: Finished,
    pub(super) route: Arc<Route>,
    /// The student whose bucket it is; of the teacher's buckets the one that serves or is to serve.
    pub(super) student: Arc<Student>,
    /// The challenger, where the bucket is not its own.
    pub(super) beside: Option<Arc<Student>>,
    pub(super) kind: ScoreKind,
    /// The teacher is asked a second time.
    pub(super) double: bool,
}

impl Drawn {
    /// Whom it judges.
    pub(super) fn students(&self) -> impl Iterator<Item = &Arc<Student>> {
        [Some(&self.student), self.beside.as_ref()].into_iter().flatten()
    }
}

/// The student that an exchange is about, its share, and who is asked beside it.
struct About<'a> {
    student: &'a Arc<Student>,
    weight: Weight,
    beside: Option<&'a Arc<Student>>,
}

impl Shadow {
    /// Whether an exchange is in the sample.
    pub(crate) fn draw(&self, finished: Finished) -> Option<Drawn> {
        if !counts(&finished) {
            return None;
        }
        let table = self.shared.table.load();
        let entry = table.routes.iter().find(|entry| Some(&entry.route.name) == finished.route.as_ref())?;
        let about = about(&finished, entry)?;
        let (kind, double) = self.sample(&finished, entry, &about)?;
        let (student, beside) = (Arc::clone(about.student), about.beside.cloned());
        Some(Drawn { finished, route: Arc::clone(&entry.route), student, beside, kind, double })
    }

    fn sample(&self, finished: &Finished, entry: &Entry, about: &About<'_>) -> Option<(ScoreKind, bool)> {
        let key = keyed(&self.shared.route_key, &[b"sample", entry.route.name.as_str().as_bytes()]);
        let drawn = |salt: &str, rate: Ppm| {
            rollout::sampled(&key, &format!("{salt}{}", finished.unit()), finished.at, rate)
        };
        let settings = &entry.route.shadow;
        let known = entry.stats.doubles.load(Ordering::Relaxed);
        let double = || drawn("double ", rollout::double_rate(settings.double_rate, known));
        if finished.asked().is_some() {
            let rate = rollout::reverse_rate(about.weight);
            // At a great weight the challenger hears of the teacher's agreement with itself here alone.
            return drawn("", rate).then(|| (ScoreKind::Reverse, about.beside.is_some() && double()));
        }
        drawn("", settings.rate).then(|| (ScoreKind::Shadow, double()))
    }
}

/// Whom an exchange tells of; `None` where it was another's, who is not on trial any more.
fn about<'a>(finished: &Finished, entry: &'a Entry) -> Option<About<'a>> {
    let champion = entry.student.as_ref()?;
    let challenger = entry.challenger.as_ref();
    match (finished.asked(), challenger) {
        (Some(asked), Some(own)) if *asked == own.student.artifact => {
            Some(About { student: &own.student, weight: own.weight, beside: None })
        }
        (Some(asked), _) if *asked != champion.artifact => None,
        (Some(_) | None, _) => {
            let beside = challenger.map(|challenger| &challenger.student);
            Some(About { student: champion, weight: entry.weight, beside })
        }
    }
}

/// A whole answer of the teacher's, or one of a student's that the client did not cut short.
fn counts(finished: &Finished) -> bool {
    let answered = match finished.arm {
        Arm::Teacher => finished.outcome == Outcome::Complete,
        Arm::Student => finished.outcome != Outcome::ClientAbort,
    };
    let chat = finished.surface == Surface::Chat && finished.status == 200;
    answered && chat && !finished.truncated && !finished.no_store
}
