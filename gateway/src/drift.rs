//! Whether a route's traffic still looks like what its student learned from: the snapshot in counts beside the artifact,
//! and what the shadow sees held against it.
//!
//! **Invariant:** the counts are of anonymized texts; a profile that cannot be read is no drift.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kolm_core::{ArtifactId, DiffKind, RouteName};
use kolm_policies::dataset::Row;
use kolm_policies::drift::{Finding, Profile, Sight, Watch};
use kolm_store::Diff;
use kolm_wire::{chat, surface};

use crate::training::artifact_path;

/// Conversations that are remembered, so that each is one sight; more begin anew.
const MOST_UNITS: usize = 65_536;

/// Live traffic of a route held against its student's snapshot.
#[derive(Default)]
pub(crate) struct Drift {
    watch: Option<Watch>,
    units: HashSet<String>,
}

impl Drift {
    /// A watch for the student in service or on trial; none without its snapshot's counts.
    pub(crate) fn of(data_dir: &Path, route: &RouteName, artifact: &ArtifactId) -> Self {
        let profile = std::fs::read(profile_path(data_dir, route, artifact)).ok();
        let profile = profile.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { watch: profile.and_then(Watch::new), units: HashSet::new() }
    }

    /// Takes the first request of a conversation that the teacher has answered too.
    pub(crate) fn observe(&mut self, diff: &Diff) {
        let Some(watch) = self.watch.as_mut().filter(|_| diff.kind != DiffKind::Double) else { return };
        if self.units.len() >= MOST_UNITS {
            self.units.clear();
        }
        let Ok(question) = surface::question(diff.surface, diff.teacher.typed().as_bytes()) else { return };
        if !self.units.insert(diff.unit.clone()) {
            return;
        }
        let facts = chat::facts(diff.teacher.reply().as_bytes());
        watch.observe(&Sight {
            template: &diff.template(),
            text: &question.text,
            label: facts.text.as_deref().unwrap_or_default(),
            model: &facts.model,
            fingerprint: &facts.fingerprint,
        });
    }

    /// What has drifted, if anything.
    pub(crate) fn look(&mut self) -> Option<Finding> {
        self.watch.as_mut().and_then(Watch::look)
    }
}

/// Keeps the counts of a frozen snapshot beside the artifact that was trained on it.
///
/// # Errors
/// The snapshot could not be read, or the counts not be written.
pub(crate) fn keep_profile(
    snapshot: &Path,
    (data_dir, route, artifact): (&Path, &RouteName, &ArtifactId),
) -> std::io::Result<()> {
    let text = std::fs::read_to_string(snapshot.join("rows.jsonl"))?;
    let rows: Vec<Row> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut seen: HashSet<&str> = HashSet::new();
    let mut opening: Vec<&Row> = Vec::new();
    for row in &rows {
        if row.conversation.is_empty() || seen.insert(&row.conversation) {
            opening.push(row);
        }
    }
    let profile = Profile::of(opening.iter().map(|row| sight(row)));
    std::fs::write(profile_path(data_dir, route, artifact), serde_json::to_vec(&profile)?)
}

/// A row says nothing of the backend that answered.
fn sight(row: &Row) -> Sight<'_> {
    Sight {
        template: &row.template,
        text: &row.text,
        label: &row.answer,
        model: &row.teacher,
        fingerprint: "",
    }
}

fn profile_path(data_dir: &Path, route: &RouteName, artifact: &ArtifactId) -> PathBuf {
    artifact_path(data_dir, route, artifact).with_extension("profile.json")
}
