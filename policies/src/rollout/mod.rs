//! The ladder from cloud to local: who answers a caller, and what happens next to a route.
//!
//! **Invariant:** every weight ever served is explained by one Decision row; folding the rows rebuilds
//! the route's state, and growing a weight never moves a caller back to the teacher.

mod bucket;
mod challenger;
mod explain;
mod intent;
mod plan;
mod row;
mod sentence;
mod state;
mod statement;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod transitions;

use kolm_core::{
    ArtifactId, Basis, Bounds, Challenge, Counts, DecisionKind, Intent, KScore, Ppm, Sample, Stage, Weight,
};
use serde::{Deserialize, Serialize};

pub use bucket::{CallerKind, arm, bucket, double_rate, reverse_rate, sampled};
pub use explain::explain;
pub use plan::plan;
pub use row::{digest, row};
pub use state::{Challenger, State, fold};
pub use statement::{PREDICATE_TYPE, STATEMENT_TYPE, differs, statement};

use crate::drift::Finding;
use crate::gate::{Breach, Judged};

/// How a route climbs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutPolicy {
    /// Whether the reconciler may raise the weight by itself. Off, students are trained (if asked for) and
    /// judged in the shadow, and only `promote_one_step` raises the weight.
    pub enabled: bool,
    /// The ladder, ascending, ending at 10,000.
    pub steps: Vec<Weight>,
    /// Least time at a step, ms.
    pub dwell_ms: i64,
    /// Least units scored at a step.
    pub step_units: u64,
    /// Time between a rollback and the next attempt, ms.
    pub cooldown_ms: i64,
    /// Eligible pairs at which the first training starts; 0 = never.
    pub distill_min_pairs: u64,
    /// Further pairs at which the next training starts, of a student for the shadow or of a challenger; 0 = never.
    pub distill_every: u64,
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            enabled: false,
            steps: [100, 500, 2_500, 5_000, 10_000].map(Weight).to_vec(),
            dwell_ms: 3_600_000,
            step_units: 100,
            cooldown_ms: 86_400_000,
            distill_min_pairs: 0,
            distill_every: 0,
        }
    }
}

/// Where a route's training stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Training {
    /// Nothing runs.
    #[default]
    Idle,
    /// A student is being trained.
    Running,
    /// The last run ended without an artifact.
    Failed {
        /// Why, in a few words.
        why: String,
    },
}

/// What the reconciler sees of a challenger.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rival {
    /// The gate's view of its attempt.
    pub judged: Option<Judged>,
    /// A hard breach of its own.
    pub hard: Option<Breach>,
    /// The champion's K on the requests that were put to both: what its own lower bound has to reach.
    pub champion: Option<Ppm>,
}

/// What the reconciler sees of a route.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The gate's view of the present attempt; one of another attempt or policy is not used.
    pub judged: Option<Judged>,
    /// Eligible pairs captured.
    pub pairs: u64,
    /// The training.
    pub training: Training,
    /// The newest artifact made for this route, loaded and answering.
    pub candidate: Option<ArtifactId>,
    /// What people asked for and is not answered yet, oldest first.
    pub intents: Vec<Intent>,
    /// A hard breach.
    pub hard: Option<Breach>,
    /// What is seen of the challenger.
    pub challenger: Rival,
    /// What about the traffic is not as it was when the present student was trained.
    pub drift: Option<Finding>,
}

/// A Decision before it has its place in the history. Only `plan` makes one: outside this room there is no
/// other way to a row that raises a weight.
///
/// ```compile_fail,E0639
/// use kolm_policies::rollout::Draft;
/// fn another(draft: Draft) -> Draft {
///     Draft { reason: String::new(), ..draft }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// What is decided.
    pub kind: DecisionKind,
    /// Why, or what is missing.
    pub because: Vec<String>,
    /// Stage after.
    pub stage: Stage,
    /// The artifact decided about.
    pub artifact: Option<ArtifactId>,
    /// The attempt the row belongs to.
    pub attempt: u32,
    /// Digest of the gate policy in force.
    pub policy: String,
    /// Alpha of the attempt.
    pub alpha_ppb: u64,
    /// Counts it rests on. In a `distill` row `requests` counts the pairs.
    pub n: Counts,
    /// Axes and K it rests on.
    pub k: KScore,
    /// The noise ceiling.
    pub ceiling: Option<Bounds>,
    /// The bars and what was measured against them.
    pub basis: Option<Basis>,
    /// The challenger, if the row is about one.
    pub challenger: Option<Challenge>,
    /// The scores it rests on: named by whoever has them, not by `plan`.
    pub sample: Option<Sample>,
    /// `reconciler`, or who gave the intent.
    pub actor: String,
    /// The reason a person gave.
    pub reason: String,
}

/// What is to happen, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The Decision to record and to act on; `None`: nothing changes and nothing new is to be said.
    pub decision: Option<Draft>,
    /// Where the route stands and what is missing or next.
    pub sentence: String,
    /// How many of `seen.intents`, from the front, are answered by this plan.
    pub answered: usize,
}

/// The step above `weight`.
pub(crate) fn ladder_after(policy: &RolloutPolicy, weight: Weight) -> Weight {
    policy.steps.iter().copied().find(|step| *step > weight).unwrap_or(Weight::FULL)
}
