//! A student on trial: its process, its evidence, and what the gate says of it.

use std::path::PathBuf;
use std::sync::Arc;

use kolm_config::Route;
use kolm_core::{ArtifactId, RouteName, Timestamp};
use kolm_policies::gate::{Breach, Evidence, Gathered, Judged, Missing, Replay, Score, ScoreKind, judge};

use crate::reconcile::Settings;
use crate::sample::Sampled;
use crate::students::{self, Launch, Supervised};
use crate::table::{Shared, Student};
use crate::training;

/// Scores kept for a store that is closed; more are counted as not scored.
const MOST_UNSAVED: usize = 65_536;

/// One attempt of one artifact, under way.
pub(super) struct Trial {
    pub(super) artifact: Option<ArtifactId>,
    pub(super) attempt: u32,
    pub(super) evidence: Evidence,
    /// The scores in the evidence, as Decisions name them.
    pub(super) sampled: Sampled,
    /// What is in the evidence and not yet in the store.
    unsaved: Gathered,
    pub(super) judged: Option<Judged>,
    pub(super) student: Option<Supervised>,
    /// There should be a student, and nothing serves this artifact any more.
    pub(super) unserved: bool,
    /// A fall to 0 is decided and its row not yet in the store.
    pub(super) falling: bool,
}

impl Trial {
    /// A trial of `artifact` with the evidence of `replay`; its student is not up yet.
    pub(super) fn of(
        (route, settings): (&Route, &Settings),
        artifact: Option<ArtifactId>,
        attempt: u32,
        replay: &Replay<'_>,
    ) -> Self {
        let bytes = artifact_bytes(settings, route, artifact.as_ref());
        Self {
            artifact,
            attempt,
            evidence: Evidence::replay(&route.gate, attempt, bytes, replay),
            sampled: Sampled::of(replay.scores),
            unsaved: Gathered::default(),
            judged: None,
            student: None,
            unserved: false,
            falling: false,
        }
    }

    /// Whether what is told of `artifact` is told of this one.
    pub(super) fn is_about(&self, artifact: &ArtifactId) -> bool {
        self.artifact.as_ref() == Some(artifact)
    }

    /// Takes a score.
    pub(super) fn score(&mut self, score: Score) {
        // The second score of a double-primary request is no request of its own.
        let request = score.kind != ScoreKind::Double;
        if self.unsaved.scores.len() < MOST_UNSAVED {
            if request {
                self.evidence.note_sampled();
            }
            self.evidence.observe(&score);
            self.sampled.push(&score);
            self.unsaved.scores.push(score);
        } else if request {
            self.miss();
        }
    }

    /// Counts a request that was drawn and not scored.
    pub(super) fn miss(&mut self) {
        self.evidence.note_sampled();
        self.evidence.note_dropped();
        self.unsaved.missed += 1;
    }

    /// Evidence that a restart would forget must not promote; what the store refuses is offered again.
    pub(super) async fn save(&mut self, route: &RouteName, store: &kolm_store::Handle) {
        let (Some(artifact), false) = (self.artifact.clone(), self.is_saved()) else { return };
        match store.put_scores(route.clone(), artifact, self.attempt, self.unsaved.clone()).await {
            Ok(()) => {
                self.unsaved = Gathered::default();
                self.evidence.unblock(Missing::Ledger);
            }
            Err(_) => self.evidence.block(Missing::Ledger),
        }
    }

    fn is_saved(&self) -> bool {
        self.unsaved == Gathered::default()
    }

    /// Whether a rise may be decided: not while the ledger refuses leaves or the store scores.
    pub(super) fn keep_open(&mut self, refused: bool) {
        if refused {
            self.evidence.block(Missing::Ledger);
        } else if self.is_saved() {
            self.evidence.unblock(Missing::Ledger);
        }
    }

    /// Judges what there is, if an attempt has begun.
    pub(super) fn judge(&mut self, now: Timestamp) -> Option<Judged> {
        self.evidence.close_idle(now);
        self.judged = (self.attempt > 0).then(|| judge(&self.evidence, now));
        self.judged.clone()
    }

    /// A step up; with the first one it answers clients, and the detectors watch it.
    pub(super) fn next_step(&mut self, first: bool) {
        if first {
            self.evidence.arm();
        }
        self.evidence.begin_step();
    }

    /// What the table shows of it.
    pub(super) fn student(&self) -> Option<&Arc<Student>> {
        self.student.as_ref().map(|supervised| &supervised.student)
    }

    /// What no evidence is waited for.
    pub(super) fn hard(&self) -> Option<Breach> {
        if self.unserved {
            return Some(Breach::Artifact);
        }
        let student = self.student()?;
        student.broken.get().copied().or(student.breaker.tripped().then_some(Breach::Breaker))
    }

    /// Starts a process for the artifact, in place of the one there is: with a fresh breaker.
    pub(super) fn start(&mut self, shared: &Arc<Shared>, settings: &Settings, route: &RouteName) {
        (self.student, self.unserved) = (None, false);
        let Some(artifact) = self.artifact.clone() else { return };
        let path = training::artifact_path(&settings.data_dir, route, &artifact);
        let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let model = name(path.clone());
        let note = settings.data_dir.join("run/students").join(name(path.with_extension("json")));
        let launch = Launch { program: settings.program.clone(), note, route: route.clone(), artifact: path };
        self.unserved = !launch.artifact.is_file();
        let student = Arc::new(Student::new(artifact, model));
        self.student = Some(students::supervise(Arc::clone(shared), student, launch));
    }
}

/// Size of the artifact's file; unknown counts as the largest.
fn artifact_bytes(settings: &Settings, route: &Route, artifact: Option<&ArtifactId>) -> u64 {
    if let Some(engine) = &route.engine {
        return engine.size_bytes.unwrap_or(u64::MAX);
    }
    artifact
        .map(|id| training::artifact_path(&settings.data_dir, &route.name, id))
        .and_then(|path| path.metadata().ok())
        .map_or(u64::MAX, |meta| meta.len())
}

#[cfg(test)]
mod tests {
    use kolm_config::{Config, Outside};
    use kolm_core::Env;
    use kolm_receipts::keys::SigningKey;
    use kolm_store::Service;

    use super::*;

    #[test]
    fn a_restart_forgets_no_request_that_was_missed() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::embedded(&Outside::bare("/nonexistent")).unwrap();
        let (_service, store) =
            Service::open(dir.path(), &config.store, &Env::fixed(Timestamp(0), 5)).unwrap();
        let settings = Settings {
            program: "kolm".into(),
            data_dir: dir.path().to_owned(),
            decision_key: SigningKey::from_seed("kolm/decision", &[3; 32]).unwrap(),
        };
        let route = &config.routes[0];
        let artifact: ArtifactId = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let begin = |gathered: &Gathered| {
            let replay = Replay { scores: &gathered.scores, missed: gathered.missed, ..Replay::default() };
            Trial::of((route, &settings), Some(artifact.clone()), 1, &replay)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut gathered = Gathered::default();
            // Each time it misses two more, between which it is saved, and is started again.
            for missed in [2, 4, 6] {
                let mut trial = begin(&gathered);
                for _ in 0..2 {
                    trial.miss();
                    trial.save(&route.name, &store).await;
                    trial.save(&route.name, &store).await;
                }
                gathered = store.scores(route.name.clone(), 1).await.unwrap();
                assert_eq!((gathered.missed, trial.evidence.counts().dropped), (missed, missed));
            }
        });
    }
}
