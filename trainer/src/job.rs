//! What a run is given, what it says on the way and what it returns.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kolm_core::{ArtifactId, Namespace};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::report::HoldoutReport;

/// One training run.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The job folder; made if it is not there, resumed from if it is.
    pub dir: PathBuf,
    /// A snapshot folder (`rows.jsonl`, `snapshot.json`), or a file of rows or pairs.
    pub snapshot: PathBuf,
    /// A file of rows or pairs to hold out, instead of a part of the snapshot.
    pub eval: Option<PathBuf>,
    /// Where the artifact goes.
    pub out: PathBuf,
    /// What to train.
    pub spec: Spec,
}

/// Which branches are trained.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Branches {
    /// Both, and their sum.
    #[default]
    Both,
    /// The n-gram branch alone.
    NgramOnly,
}

/// What to train.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Name of the artifact, `[a-z0-9-]{1,63}`.
    pub name: String,
    /// The namespace the rows come from.
    pub namespace: Namespace,
    /// Seed of everything random.
    pub seed: u64,
    /// Threads, 0 = all; the artifact does not depend on it.
    pub threads: usize,
    /// Least accuracy of the answers that are given, in ppm; never below `a_floor_ppm`.
    pub target_ppm: u32,
    /// The gate's floor of axis A in ppm.
    pub a_floor_ppm: u32,
    /// Which branches are trained.
    pub branches: Branches,
    /// Rounds of the transformer branch over the rows.
    pub epochs: u32,
}

impl Spec {
    /// The defaults for a name and a namespace.
    pub fn new(name: &str, namespace: Namespace) -> Self {
        Self {
            name: name.to_owned(),
            namespace,
            seed: 7,
            threads: 0,
            target_ppm: 970_000,
            a_floor_ppm: 900_000,
            branches: Branches::Both,
            epochs: 12,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let name = (1..=63).contains(&self.name.len())
            && self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let wrong = if !name {
            format!("the name `{}`: it must match [a-z0-9-]{{1,63}}", self.name)
        } else if !(1..=50).contains(&self.epochs) {
            format!("{} epochs: 1 to 50 are possible", self.epochs)
        } else if self.target_ppm > 999_000 || self.a_floor_ppm > 999_000 {
            "an accuracy that no number of cases can prove: at most 999000 ppm".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::Spec { what: wrong })
    }
}

/// A student that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Branch {
    /// Hashed n-grams and a linear classifier.
    Ngram,
    /// The transformer.
    Transformer,
    /// The calibrated sum of both.
    Sum,
}

impl Branch {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ngram => "ngram",
            Self::Transformer => "transformer",
            Self::Sum => "sum",
        }
    }
}

/// How a tried student did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub branch: Branch,
    /// Share of `valid` answered right, with packed weights.
    pub valid: f64,
    /// Bytes of its packed weights.
    pub bytes: u64,
}

/// What a run says on the way: one JSON object a line in `out/events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A phase begins: `prepare`, `ngram`, `transformer`, `calibrate`, `report`, `write`.
    Phase {
        /// Its name.
        phase: String,
    },
    /// The rows were cut.
    Prepared {
        /// Rows to learn from.
        train: u64,
        /// Rows to stop and calibrate by.
        valid: u64,
        /// Rows to report on.
        heldout: u64,
        /// Labels.
        labels: u64,
        /// Rows left out, by reason.
        dropped: BTreeMap<String, u64>,
    },
    /// One step, or one label of the n-gram branch, is done.
    Progress {
        /// In which branch.
        branch: Branch,
        /// Steps done.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Latest score on `valid`, 0 before the first.
        valid: f64,
    },
    /// Training goes on from a checkpoint.
    Resumed {
        /// At this step.
        step: u64,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// At this step.
        step: u64,
    },
    /// A branch, or the sum, was measured.
    Branch(Candidate),
    /// The abstention threshold was chosen.
    Threshold(crate::calibrate::Threshold),
    /// The artifact is written.
    Done {
        /// Its identity.
        artifact: ArtifactId,
        /// The student that ships.
        student: Branch,
        /// The held-out report.
        report: HoldoutReport,
    },
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Identity of the artifact.
    pub artifact: ArtifactId,
    /// Where it lies.
    pub path: PathBuf,
    /// The student that ships.
    pub student: Branch,
    /// All students that were tried.
    pub candidates: Vec<Candidate>,
    /// Share of held-out answered right by always giving the most frequent label.
    pub majority: f64,
    /// The abstention threshold.
    pub threshold: crate::calibrate::Threshold,
    /// The report on held-out rows.
    pub report: HoldoutReport,
    /// Rows to learn from, to calibrate by, to report on.
    pub rows: [u64; 3],
}
