//! A route's state is nothing but the fold of its Decision rows.

use kolm_core::{ArtifactId, DecisionKind, DecisionRow, Ppm, Stage, Timestamp, Weight};

use crate::gate::{Replay, Score};

/// Where a route stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// `seq` of the next row.
    pub seq: u64,
    /// Digest of the last row, empty before the first.
    pub prev: String,
    /// The stage.
    pub stage: Stage,
    /// The weight served.
    pub weight: Weight,
    /// The artifact on trial or in service.
    pub artifact: Option<ArtifactId>,
    /// The attempt, 0 before the first.
    pub attempt: u32,
    /// Digest of the gate policy the attempt began with.
    pub policy: String,
    /// When the stage was entered: the present step, the cooldown.
    pub since: Timestamp,
    /// When the present student left the shadow.
    pub promoted_at: Option<Timestamp>,
    /// The teacher's agreement with itself in the row that promoted it.
    pub promoted_b: Option<Ppm>,
    /// Pairs at the last training, `None` before the first.
    pub distilled: Option<u64>,
    /// Kind, reasons and time of the last row.
    pub last: Option<(DecisionKind, Vec<String>, Timestamp)>,
    /// Sampled but unscored requests of the attempt, as of the last row.
    pub dropped: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            seq: 0,
            prev: String::new(),
            stage: Stage::Collecting,
            weight: Weight::ZERO,
            artifact: None,
            attempt: 0,
            policy: String::new(),
            since: Timestamp::default(),
            promoted_at: None,
            promoted_b: None,
            distilled: None,
            last: None,
            dropped: 0,
        }
    }
}

/// The state after all rows of one route, in the order of `seq`.
pub fn fold(rows: &[DecisionRow]) -> State {
    let mut state = State::default();
    for row in rows {
        state.apply(row);
    }
    state
}

impl State {
    /// What a restart gathers the attempt's evidence from.
    pub fn replay<'a>(&self, scores: &'a [Score]) -> Replay<'a> {
        Replay {
            scores,
            dropped: self.dropped,
            promoted_at: self.promoted_at,
            promoted_b: self.promoted_b,
            step_at: (self.weight > Weight::ZERO).then_some(self.since),
        }
    }

    /// The state after one more row.
    pub fn apply(&mut self, row: &DecisionRow) {
        if row.stage != self.stage || row.attempt != self.attempt {
            self.since = row.t;
        }
        if row.kind == DecisionKind::Candidate {
            self.policy.clone_from(&row.policy);
        }
        if row.kind == DecisionKind::Distill {
            self.distilled = Some(row.n.requests);
        }
        if self.weight == Weight::ZERO && row.to > Weight::ZERO {
            self.promoted_at = Some(row.t);
            self.promoted_b = row.ceiling.map(|b| b.v);
        }
        if row.to == Weight::ZERO {
            (self.promoted_at, self.promoted_b) = (None, None);
        }
        self.seq = row.seq + 1;
        self.prev.clone_from(&row.digest);
        self.stage = row.stage;
        self.weight = row.to;
        self.artifact.clone_from(&row.artifact);
        self.attempt = row.attempt;
        self.dropped = row.n.dropped;
        self.last = Some((row.kind, row.because.clone(), row.t));
    }
}
