//! A student on trial: its process, its evidence, and what the gate says of it.

use std::path::PathBuf;
use std::sync::Arc;

use kolm_config::Route;
use kolm_core::{ArtifactId, RouteName, Timestamp};
use kolm_policies::gate::{Breach, Evidence, Judged, Missing, Score, ScoreKind, judge};

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
    /// Scores in the evidence that the store has not taken yet.
    unsaved: Vec<Score>,
    pub(super) judged: Option<Judged>,
    pub(super) student: Option<Supervised>,
    /// There should be a student, and nothing serves this artifact any more.
    pub(super) unserved: bool,
    /// A fall to 0 is decided and its row not yet in the store.
    pub(super) falling: bool,
}

impl Trial {
    /// A trial of `artifact` by the evidence of `scores`; its student is not up yet.
    pub(super) fn of(
        artifact: Option<ArtifactId>,
        attempt: u32,
        evidence: Evidence,
        scores: &[Score],
    ) -> Self {
        Self {
            artifact,
            attempt,
            evidence,
            sampled: Sampled::of(scores),
            unsaved: Vec::new(),
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
        if self.unsaved.len() < MOST_UNSAVED {
            if request {
                self.evidence.note_sampled();
            }
            self.evidence.observe(&score);
            self.sampled.push(&score);
            self.unsaved.push(score);
        } else if request {
            self.miss();
        }
    }

    /// Counts a request that was drawn and not scored.
    pub(super) fn miss(&mut self) {
        self.evidence.note_sampled();
        self.evidence.note_dropped();
    }

    /// Evidence that a restart would forget must not promote; what the store refuses is offered again.
    pub(super) async fn save(&mut self, route: &RouteName, store: &kolm_store::Handle) {
        let (Some(artifact), false) = (self.artifact.clone(), self.unsaved.is_empty()) else { return };
        let scores = self.unsaved.clone();
        match store.put_scores(route.clone(), artifact, self.attempt, scores).await {
            Ok(()) => {
                self.unsaved.clear();
                self.evidence.unblock(Missing::Ledger);
            }
            Err(_) => self.evidence.block(Missing::Ledger),
        }
    }

    /// Whether a rise may be decided: not while the ledger refuses leaves or the store scores.
    pub(super) fn keep_open(&mut self, refused: bool) {
        if refused {
            self.evidence.block(Missing::Ledger);
        } else if self.unsaved.is_empty() {
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
pub(super) fn artifact_bytes(settings: &Settings, route: &Route, artifact: Option<&ArtifactId>) -> u64 {
    if let Some(engine) = &route.engine {
        return engine.size_bytes.unwrap_or(u64::MAX);
    }
    artifact
        .map(|id| training::artifact_path(&settings.data_dir, &route.name, id))
        .and_then(|path| path.metadata().ok())
        .map_or(u64::MAX, |meta| meta.len())
}
