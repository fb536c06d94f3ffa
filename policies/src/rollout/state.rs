//! A route's state is nothing but the fold of its Decision rows.

use kolm_core::{ArtifactId, Challenge, DecisionKind, DecisionRow, Ppm, Stage, Timestamp, Weight};

use crate::gate::{Gathered, Replay, Score};

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
    /// When the training began of which nothing has come yet.
    pub training: Option<Timestamp>,
    /// The newest attempt, of whichever artifact: alpha is spent per route.
    pub attempts: u32,
    /// The newer artifact that is tried beside the one that serves; at weight 0 of the route, the next candidate.
    pub challenger: Option<Challenger>,
    /// Kind, reasons and time of the last row.
    pub last: Option<(DecisionKind, Vec<String>, Timestamp)>,
}

/// Where a challenger stands: a trial of its own, within the champion's weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenger {
    /// Its artifact.
    pub artifact: ArtifactId,
    /// Its attempt.
    pub attempt: u32,
    /// Its share of the buckets, less than the champion's.
    pub weight: Weight,
    /// When the trial began.
    pub begun: Timestamp,
    /// When its present step was entered.
    pub since: Timestamp,
    /// When it first answered clients.
    pub promoted_at: Option<Timestamp>,
    /// The teacher's agreement with itself in the row that let it.
    pub promoted_b: Option<Ppm>,
    /// Kind, reasons and time of the last row about it.
    pub last: Option<(DecisionKind, Vec<String>, Timestamp)>,
}

impl Challenger {
    /// What a restart gathers its evidence from.
    pub fn replay<'a>(&self, gathered: &'a Gathered) -> Replay<'a> {
        Replay {
            scores: &gathered.scores,
            missed: gathered.missed,
            promoted_at: self.promoted_at,
            promoted_b: self.promoted_b,
            step_at: (self.weight > Weight::ZERO).then_some(self.since),
        }
    }

    /// What the champion's evidence of the same time is gathered from; `champions` are its scores, oldest first.
    pub fn compared<'a>(&self, champions: &'a [Score]) -> Replay<'a> {
        let begun = champions.partition_point(|score| score.t < self.begun);
        Replay { scores: &champions[begun..], ..Replay::default() }
    }

    fn begin(row: &DecisionRow, challenge: &Challenge) -> Self {
        Self {
            artifact: challenge.artifact.clone(),
            attempt: challenge.attempt,
            weight: Weight::ZERO,
            begun: row.t,
            since: row.t,
            promoted_at: None,
            promoted_b: None,
            last: None,
        }
    }

    fn apply(&mut self, row: &DecisionRow, to: Weight) {
        if to != self.weight {
            self.since = row.t;
        }
        if self.weight == Weight::ZERO && to > Weight::ZERO {
            (self.promoted_at, self.promoted_b) = (Some(row.t), row.ceiling.map(|b| b.v));
        }
        self.weight = to;
        self.last = Some((row.kind, row.because.clone(), row.t));
    }
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
            training: None,
            attempts: 0,
            challenger: None,
            last: None,
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
    pub fn replay<'a>(&self, gathered: &'a Gathered) -> Replay<'a> {
        Replay {
            scores: &gathered.scores,
            missed: gathered.missed,
            promoted_at: self.promoted_at,
            promoted_b: self.promoted_b,
            step_at: (self.weight > Weight::ZERO).then_some(self.since),
        }
    }

    /// The state after one more row.
    pub fn apply(&mut self, row: &DecisionRow) {
        self.seq = row.seq + 1;
        self.prev.clone_from(&row.digest);
        self.attempts = self.attempts.max(row.attempt);
        match &row.challenger {
            Some(challenge) => self.apply_challenge(row, challenge),
            None => self.apply_own(row),
        }
    }

    fn apply_own(&mut self, row: &DecisionRow) {
        if row.stage != self.stage || row.attempt != self.attempt {
            self.since = row.t;
        }
        let made = row.kind == DecisionKind::Candidate && row.artifact != self.artifact;
        let failed = row.kind == DecisionKind::Hold && training_failed(&row.because);
        self.training = match row.kind == DecisionKind::Distill {
            true => Some(row.t),
            false => self.training.filter(|_| !made && !failed),
        };
        if row.kind == DecisionKind::Candidate {
            self.policy.clone_from(&row.policy);
            self.challenger = None;
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
            if let Some(challenger) = &mut self.challenger {
                challenger.weight = Weight::ZERO;
            }
        }
        self.stage = row.stage;
        self.weight = row.to;
        self.artifact.clone_from(&row.artifact);
        self.attempt = row.attempt;
        self.last = Some((row.kind, row.because.clone(), row.t));
    }

    fn apply_challenge(&mut self, row: &DecisionRow, challenge: &Challenge) {
        self.attempts = self.attempts.max(challenge.attempt);
        match (row.kind, self.challenger.take()) {
            (DecisionKind::Challenge, _) => {
                self.training = None;
                self.challenger = Some(Challenger::begin(row, challenge));
            }
            (DecisionKind::Dismiss, _) => {}
            (DecisionKind::Succeed, challenger) => {
                let served = challenger.filter(|challenger| challenger.promoted_at.is_some());
                self.promoted_at = served.as_ref().map_or(Some(row.t), |served| served.promoted_at);
                self.promoted_b = served.map_or(row.ceiling.map(|b| b.v), |served| served.promoted_b);
                self.since = row.t;
                self.artifact = Some(challenge.artifact.clone());
                self.attempt = challenge.attempt;
                self.last = Some((row.kind, row.because.clone(), row.t));
            }
            (_, challenger) => {
                self.challenger = challenger.map(|mut challenger| {
                    challenger.apply(row, challenge.to);
                    challenger
                });
            }
        }
    }
}

/// Whether a hold says that a training ended without an artifact.
fn training_failed(because: &[String]) -> bool {
    because.iter().any(|word| word.starts_with("training:"))
}
