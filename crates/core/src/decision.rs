//! Decisions about a route: one append-only row explains every weight ever served.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ArtifactId, Bounds, KScore, Ppm, RequestId, RouteName, Timestamp, Weight};

/// Where a route stands on its way from cloud to local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "at", content = "bp")]
pub enum Stage {
    /// Pairs are gathered; there is no student yet.
    Collecting,
    /// A student is being trained.
    Distilling,
    /// The student answers in the shadow; clients get the teacher.
    Shadow,
    /// The student answers this share of the buckets.
    Step(Weight),
    /// The student answers all; the teacher is asked as a control.
    Full,
    /// A person stopped the ladder.
    Paused,
    /// Rolled back; waits before the next attempt.
    Cooldown,
    /// The gate rejected this artifact.
    Rejected,
}

impl Stage {
    /// The weight that a stage serves.
    pub fn weight(self) -> Weight {
        match self {
            Self::Step(weight) => weight,
            Self::Full => Weight::FULL,
            Self::Collecting
            | Self::Distilling
            | Self::Shadow
            | Self::Paused
            | Self::Cooldown
            | Self::Rejected => Weight::ZERO,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collecting => f.write_str("collecting"),
            Self::Distilling => f.write_str("distilling"),
            Self::Shadow => f.write_str("shadow"),
            Self::Step(weight) => write!(f, "step {weight}"),
            Self::Full => f.write_str("full"),
            Self::Paused => f.write_str("paused"),
            Self::Cooldown => f.write_str("cooldown"),
            Self::Rejected => f.write_str("rejected"),
        }
    }
}

/// What a Decision does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Training began.
    Distill,
    /// A new artifact enters the shadow.
    Candidate,
    /// The gate passed: shadow to the first step.
    Promote,
    /// One step up.
    Advance,
    /// Waits at a step for time or samples.
    Dwell,
    /// Evidence is missing.
    Hold,
    /// The gate failed for good.
    Reject,
    /// Back to 0.
    Rollback,
    /// A person stopped the ladder.
    Pause,
    /// A person let it go on.
    Resume,
    /// Arrived at 100 %.
    Done,
    /// A newer artifact is tried beside the one that serves.
    Challenge,
    /// The trial of a challenger ends; its callers are back with the champion.
    Dismiss,
    /// The challenger serves in the champion's place, at the champion's weight.
    Succeed,
}

impl DecisionKind {
    /// The name in rows, receipts and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distill => "distill",
            Self::Candidate => "candidate",
            Self::Promote => "promote",
            Self::Advance => "advance",
            Self::Dwell => "dwell",
            Self::Hold => "hold",
            Self::Reject => "reject",
            Self::Rollback => "rollback",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Done => "done",
            Self::Challenge => "challenge",
            Self::Dismiss => "dismiss",
            Self::Succeed => "succeed",
        }
    }
}

/// The counts that a Decision rests on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Scored requests.
    pub requests: u64,
    /// Closed units (conversations).
    pub units: u64,
    /// Double-primary pairs.
    pub double_primary: u64,
    /// Critical violations.
    pub critical: u64,
    /// Units scored since the present step began.
    pub step_units: u64,
    /// Scored / sampled, in ppm.
    pub completeness_ppm: u64,
    /// Sampled but never scored.
    pub dropped: u64,
}

/// The bars of a gate, as a row names them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bars {
    /// What the lower bound of K must reach.
    pub gate: Ppm,
    /// What the lower bound of A must reach.
    pub a: Ppm,
    /// What the lower bound of V must reach.
    pub v: Ppm,
    /// What the lower bounds of the shares within the latency and first-token budgets must reach.
    pub latency: Ppm,
    /// Scored requests.
    pub requests: u64,
    /// Closed units.
    pub units: u64,
    /// Double-primary pairs.
    pub double_primary: u64,
    /// Scored / sampled.
    pub completeness: Ppm,
    /// Time since the attempt's first score, ms.
    pub wall_ms: i64,
}

/// Number, mean and variance of the unit values of a stream: enough to say how much more of the same it takes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    /// Units.
    pub n: u64,
    /// Their plain mean, rounded down.
    pub mean: Ppm,
    /// Their variance in millionths, rounded up; 250,000 at most.
    pub var: Ppm,
}

/// A share of requests that has a floor of its own beside the axes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// The share with its bounds.
    pub share: Bounds,
    /// Its unit values.
    pub units: Moments,
}

/// What a row rests on beside axes and counts, so that it explains itself without the scores.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The bars in force.
    pub bars: Bars,
    /// Time since the attempt's first score, ms.
    pub wall_ms: i64,
    /// Unit values of the student's agreement with the teacher.
    pub a: Moments,
    /// Unit values of the teacher's agreement with itself.
    pub b: Moments,
    /// Unit values of the student's coverage.
    pub v: Moments,
    /// Share within the latency budget, `None` before the budget is frozen.
    pub latency: Option<Within>,
    /// Share within the first-token budget, `None` without streams.
    pub ttft: Option<Within>,
    /// `floor(M * 1000)` of the detectors a, v and latency, once armed.
    pub detectors: Option<[u64; 3]>,
}

/// What a row says of a challenger: a newer artifact that is tried beside the one that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The newer artifact.
    pub artifact: ArtifactId,
    /// Its attempt, from the same counter as the champion's.
    pub attempt: u32,
    /// Its share of the buckets before, within the champion's.
    pub from: Weight,
    /// Its share after.
    pub to: Weight,
    /// The champion's K on the requests that were put to both, once it is known.
    pub champion: Option<Ppm>,
}

/// The scores of an attempt as one number: whoever has them can tell whether they are those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// RFC 6962 root over their canonical bytes, in the order in which they were stored.
    pub sample_root: String,
    /// How many.
    pub sample_n: u64,
}

/// One row of the append-only `decisions` table, unique by (`route`, `seq`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// The row's id.
    pub id: RequestId,
    /// The route decided about.
    pub route: RouteName,
    /// Position in the route's history, from 0 without gaps.
    pub seq: u64,
    /// When.
    pub t: Timestamp,
    /// `digest` of the row before, empty at `seq` 0.
    pub prev: String,
    /// What was decided.
    pub kind: DecisionKind,
    /// Why, in words: a reason or what is missing.
    pub because: Vec<String>,
    /// Weight before.
    pub from: Weight,
    /// Weight after.
    pub to: Weight,
    /// Stage after.
    pub stage: Stage,
    /// The artifact decided about.
    pub artifact: Option<ArtifactId>,
    /// Digest of the policy in force.
    pub policy: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The alpha of this attempt in parts per billion.
    pub alpha_ppb: u64,
    /// What it rests on.
    pub n: Counts,
    /// Axes and K with bounds.
    pub k: KScore,
    /// The noise ceiling: the teacher's agreement with itself.
    pub ceiling: Option<Bounds>,
    /// The bars and what was measured against them; rows of old and rows without evidence have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// In a row about a challenger: the challenger. Counts, axes and bars are then its own; artifact, attempt, stage and
    /// weights stay the champion's, up to the row in which it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Challenge>,
    /// The scores it rests on; rows of old and rows without scores have none.
    #[serde(flatten)]
    pub sample: Option<Sample>,
    /// `reconciler`, or who gave the intent.
    pub actor: String,
    /// The reason a person gave, else empty.
    pub reason: String,
    /// SHA-256 over the row's canonical bytes without this field.
    pub digest: String,
}

impl DecisionRow {
    /// The order in which rows of several routes are told: the oldest first.
    pub fn by_time(a: &Self, b: &Self) -> Ordering {
        (a.t, &a.route, a.seq).cmp(&(b.t, &b.route, b.seq))
    }

    /// The attempt whose scores it rests on: the challenger's in a row about one.
    pub fn judged_attempt(&self) -> u32 {
        self.challenger.as_ref().map_or(self.attempt, |challenge| challenge.attempt)
    }

    /// The artifact that it decides about.
    pub fn judged_artifact(&self) -> Option<&ArtifactId> {
        self.challenger.as_ref().map(|challenge| &challenge.artifact).or(self.artifact.as_ref())
    }
}

/// What a person may ask for; the reconciler turns it into a Decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    /// Stop the ladder and serve from the cloud.
    Pause,
    /// Let a paused route go on, from the shadow.
    Resume,
    /// Back to 0 at once.
    Rollback,
    /// Skip the dwell of the present step; the floors stay.
    PromoteOneStep,
    /// End the trial of the challenger.
    Dismiss,
}

/// What came of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Where the route stands now, and why.
    pub sentence: String,
    /// The Decision that carries the intent's actor and reason; `None` if there was nothing to decide.
    pub decision: Option<DecisionRow>,
}

/// An intent with its author and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The route.
    pub route: RouteName,
    /// What is asked for.
    pub kind: IntentKind,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
}
