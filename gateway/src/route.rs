//! One route as the reconciler drives it: its state, its evidence, its training and its student.

mod learning;
mod leaves;
mod shown;
mod statements;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kolm_config::Route;
use kolm_core::{
    Answered, ArtifactId, DecisionKind, DecisionRow, RequestId, Stage, TemplateStatus, Timestamp, Weight,
};
use kolm_policies::gate::{Breach, Evidence, Judged, Missing, Score, ScoreKind, judge};
use kolm_policies::rollout::{self, Draft, Plan, Seen, State};
use kolm_store::Diff;

use crate::drift::Drift;
use crate::pool;
use crate::reconcile::{Asked, Settings};
use crate::sample::Sampled;
use crate::shadow::Observed;
use crate::students::{self, Launch, Supervised};
use crate::table::{RouteStats, Shared, Student};
use crate::till::{self, Till};
use crate::training::{self, Run};
use leaves::Leaves;
use statements::Statements;

/// Scores kept for a store that is closed; more are counted as not scored.
const MOST_UNSAVED: usize = 65_536;

/// A route under way.
pub(crate) struct RouteRun {
    route: Arc<Route>,
    state: State,
    /// A fall to 0 is decided and its row not yet in the store.
    falling: bool,
    leaves: Leaves,
    statements: Statements,
    evidence: Evidence,
    /// The scores in the evidence, as Decisions name them.
    sampled: Sampled,
    /// Scores in the evidence that the store has not taken yet.
    unsaved: Vec<Score>,
    judged: Option<Judged>,
    training: Option<Run>,
    failed: Option<String>,
    candidate: Option<ArtifactId>,
    student: Option<Supervised>,
    /// There should be a student, and nothing serves this artifact any more.
    unserved: bool,
    sentence: String,
    pairs: u64,
    runs: u64,
    /// When the student first answered a client.
    serving_since: Option<Timestamp>,
    till: Arc<Till>,
    drift: Drift,
    templates: (Timestamp, Vec<TemplateStatus>),
    /// What people asked for and is not answered yet.
    pub(crate) asked: Vec<Asked>,
    /// Counters that outlive a table.
    pub(crate) stats: Arc<RouteStats>,
}

impl RouteRun {
    /// Takes a route up where its Decision rows left it.
    ///
    /// # Errors
    /// The store could not be read.
    pub(crate) async fn resume(
        route: Arc<Route>,
        shared: &Arc<Shared>,
        store: &kolm_store::Handle,
        (settings, till): (&Settings, &Arc<Till>),
    ) -> Result<Self, kolm_store::Error> {
        let rows = store.decisions(Some(route.name.clone())).await?;
        let state = rollout::fold(&rows);
        let serving_since = rows.iter().find(|row| row.to > Weight::ZERO).map(|row| row.t);
        till.remember(&route, store, &rows).await?;
        // Scores gathered under other bars are not judged by these.
        let scores: Vec<Score> = match state.policy == route.gate.digest() {
            true => store.scores(route.name.clone(), state.attempt).await?,
            false => Vec::new(),
        };
        let bytes = artifact_bytes(settings, &route, state.artifact.as_ref());
        let mut run = Self {
            evidence: Evidence::replay(&route.gate, state.attempt, bytes, &state.replay(&scores)),
            sampled: Sampled::of(&scores),
            runs: rows.iter().filter(|row| row.kind == DecisionKind::Distill).count() as u64,
            route,
            state,
            falling: false,
            leaves: Leaves::missing(&rows, &shared.ledger),
            statements: Statements::missing(&rows, store).await?,
            unsaved: Vec::new(),
            judged: None,
            training: None,
            failed: None,
            candidate: None,
            student: None,
            unserved: false,
            sentence: String::new(),
            pairs: 0,
            serving_since,
            till: Arc::clone(till),
            drift: Drift::default(),
            templates: Default::default(),
            asked: Vec::new(),
            stats: Arc::default(),
        };
        if run.state.stage == Stage::Distilling {
            run.train(shared, store, settings);
        }
        if on_trial(run.state.stage) {
            run.raise(shared, settings);
        }
        Ok(run)
    }

    /// Takes a changed configuration.
    pub(crate) fn configure(&mut self, route: &Arc<Route>) {
        self.route = Arc::clone(route);
    }

    /// The weight that the table serves.
    pub(crate) fn weight(&self) -> Weight {
        let bound = if self.falling { Some(Weight::ZERO) } else { self.leaves.bound() };
        bound.map_or(self.state.weight, |bound| bound.min(self.state.weight))
    }

    /// The student that the table shows.
    pub(crate) fn student(&self) -> Option<&Arc<Student>> {
        self.student.as_ref().map(|supervised| &supervised.student)
    }

    /// Adds what the shadow saw, and keeps it.
    pub(crate) async fn take_scores(
        &mut self,
        observed: Vec<(ArtifactId, Observed)>,
        store: &kolm_store::Handle,
    ) {
        let mut diffs = Vec::new();
        for (artifact, one) in observed {
            // What comes late is about another student.
            if self.state.artifact.as_ref() != Some(&artifact) {
                continue;
            }
            match one {
                Observed::Diff(diff) => {
                    self.drift.observe(&diff);
                    diffs.push(Diff { attempt: self.state.attempt, ..*diff });
                }
                Observed::Scored(score) => self.score(score),
                Observed::Dropped => self.miss(),
                Observed::BudgetSpent => self.evidence.block(Missing::Budget),
                Observed::BudgetLeft => self.evidence.unblock(Missing::Budget),
            }
        }
        self.save(store).await;
        // People look at a sample; the scores are the evidence.
        if !diffs.is_empty()
            && let Err(error) = store.put_diffs(diffs).await
        {
            tracing::warn!(route = %self.route.name, %error, "what the shadow saw is not kept for people");
        }
    }

    fn score(&mut self, score: Score) {
        self.till.add(&self.route.name, &till::of_score(&score));
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

    fn miss(&mut self) {
        self.evidence.note_sampled();
        self.evidence.note_dropped();
    }

    /// Evidence that a restart would forget must not promote; what the store refuses is offered again.
    async fn save(&mut self, store: &kolm_store::Handle) {
        let (Some(artifact), false) = (self.state.artifact.clone(), self.unsaved.is_empty()) else { return };
        let scores = self.unsaved.clone();
        match store.put_scores(self.route.name.clone(), artifact, self.state.attempt, scores).await {
            Ok(()) => {
                self.unsaved.clear();
                self.evidence.unblock(Missing::Ledger);
            }
            Err(_) => self.evidence.block(Missing::Ledger),
        }
    }

    /// One look: judge, plan, record, act.
    ///
    /// # Errors
    /// The row could not be written; the next look tries again.
    pub(crate) async fn look(
        &mut self,
        shared: &Arc<Shared>,
        store: &kolm_store::Handle,
        settings: &Settings,
    ) -> Result<(), kolm_store::Error> {
        let now = shared.env.clock.now();
        match store.counts(&self.route.namespace).await {
            Ok(counts) => self.pairs = counts.eligible,
            // A breach is acted on all the same.
            Err(error) => shared.events.reconcile_failed(&self.route.name, &error),
        }
        self.evidence.close_idle(now);
        self.follow_leaves(&shared.ledger);
        self.stats.doubles.store(self.evidence.counts().double_primary, Ordering::Relaxed);
        self.finish_training(now);
        self.follow_engine(shared, settings);
        self.judge_templates(now);
        let judged = (self.state.attempt > 0).then(|| judge(&self.evidence, now));
        let seen = Seen {
            judged: judged.clone(),
            pairs: self.pairs,
            training: self.training_state(),
            candidate: self.candidate.clone(),
            intents: self.asked.iter().map(|asked| asked.intent.clone()).collect(),
            hard: self.hard(),
            drift: self.drift.look(),
        };
        self.judged = judged;
        let Plan { decision, sentence, answered } =
            rollout::plan(&self.route.rollout, &self.route.gate, &self.state, &seen, now);
        self.sentence = sentence;
        let mut decided = None;
        if let Some(draft) = decision {
            self.falling |= draft.stage.weight() < self.state.weight;
            decided = Some(self.record(draft, shared, store).await?);
            self.falling = false;
            self.act(shared, store, settings);
        }
        self.sentence += &self.waiting();
        for asked in self.asked.drain(..answered.min(self.asked.len())) {
            let answered = Answered { sentence: self.sentence.clone(), decision: decided.clone() };
            // Who asked may have left.
            drop(asked.answer.send(answered));
        }
        self.statements.write(&settings.decision_key, store).await
    }

    /// Writes the row, to the store and to the ledger; the state follows the row.
    async fn record(
        &mut self,
        mut draft: Draft,
        shared: &Shared,
        store: &kolm_store::Handle,
    ) -> Result<DecisionRow, kolm_store::Error> {
        // Scores under other bars are nothing that this rests on.
        if draft.basis.is_some() && draft.policy == self.state.policy {
            draft.sample = self.sampled.sample();
        }
        let now = shared.env.clock.now();
        let id = RequestId::mint(now, shared.env.entropy.as_ref());
        let row = rollout::row(draft, &self.state, id, &self.route.name, now);
        store.put_decision(row.clone()).await?;
        self.leaves.push(row.clone(), &shared.ledger);
        self.statements.push(&row);
        shared.events.decided(&row);
        if row.to > Weight::ZERO {
            self.serving_since.get_or_insert(row.t);
        }
        self.state.apply(&row);
        Ok(row)
    }

    /// Makes the world follow the row just written.
    fn act(&mut self, shared: &Arc<Shared>, store: &kolm_store::Handle, settings: &Settings) {
        let Some((kind, _, _)) = &self.state.last else { return };
        match kind {
            DecisionKind::Distill => {
                self.runs += 1;
                self.train(shared, store, settings);
            }
            DecisionKind::Candidate => {
                self.candidate = None;
                let bytes = artifact_bytes(settings, &self.route, self.state.artifact.as_ref());
                self.evidence = Evidence::new(&self.route.gate, self.state.attempt, bytes);
                self.sampled = Sampled::default();
                self.unsaved.clear();
                // A fresh process and a fresh breaker, also for an artifact that is tried again.
                self.raise(shared, settings);
            }
            DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done => {
                if self.state.promoted_at == Some(self.state.since) {
                    self.evidence.arm();
                }
                self.evidence.begin_step();
            }
            DecisionKind::Rollback | DecisionKind::Pause => self.evidence.disarm(),
            DecisionKind::Reject => self.student = None,
            // A crash loop ends here: somebody looked at it.
            DecisionKind::Resume if self.hard().is_some() => self.raise(shared, settings),
            DecisionKind::Dwell | DecisionKind::Hold | DecisionKind::Resume => {}
        }
    }

    /// A configured engine is the candidate; a change of it, or its end, is followed.
    fn follow_engine(&mut self, shared: &Arc<Shared>, settings: &Settings) {
        let wanted = self.route.engine.as_ref();
        if let Some(engine) = wanted {
            self.candidate = Some(pool::identity(engine));
        }
        let has = self.student().and_then(|student| student.pool.as_ref()).map(|pool| &pool.engine);
        if on_trial(self.state.stage) && !self.unserved && has != wanted {
            self.raise(shared, settings);
        }
    }

    /// Starts a process for the artifact on trial, or takes up its pool, in place of the one there is.
    fn raise(&mut self, shared: &Arc<Shared>, settings: &Settings) {
        (self.student, self.unserved) = (None, false);
        let Some(artifact) = self.state.artifact.clone() else { return };
        if let Some(engine) = &self.route.engine {
            let pool =
                (pool::identity(engine) == artifact).then(|| pool::raise(shared, &self.route.name, engine));
            match pool {
                Some(Ok(pool)) => self.student = Some(pool),
                Some(Err(error)) => shared.events.student_down(&self.route.name, &error.to_string()),
                None => self.unserved = true,
            }
            return;
        }
        self.drift = Drift::of(&settings.data_dir, &self.route.name, &artifact);
        let path = training::artifact_path(&settings.data_dir, &self.route.name, &artifact);
        let model = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let launch = Launch {
            program: settings.program.clone(),
            run_dir: settings.data_dir.join("run"),
            route: self.route.name.clone(),
            artifact: path,
        };
        self.unserved = !launch.artifact.is_file();
        let student = Arc::new(Student::new(artifact, model));
        self.student = Some(students::supervise(Arc::clone(shared), student, launch));
    }

    fn hard(&self) -> Option<Breach> {
        if self.unserved {
            return Some(Breach::Artifact);
        }
        let student = self.student()?;
        if student.crash_loop.load(Ordering::Acquire) {
            return Some(Breach::StudentCrash);
        }
        student.breaker.tripped().then_some(Breach::Breaker)
    }
}

/// Whether a student runs at this stage.
fn on_trial(stage: Stage) -> bool {
    match stage {
        Stage::Shadow | Stage::Step(_) | Stage::Full | Stage::Paused | Stage::Cooldown => true,
        Stage::Collecting | Stage::Distilling | Stage::Rejected => false,
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
