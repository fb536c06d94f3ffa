//! One route as the reconciler drives it: its state, its evidence, its training and its student.

mod learning;
mod leaves;
mod rival;
mod shown;
mod statements;
mod trial;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kolm_config::Route;
use kolm_core::{
    Answered, ArtifactId, DecisionKind, DecisionRow, RequestId, Stage, TemplateStatus, Timestamp, Weight,
};
use kolm_policies::gate::{Gathered, Missing, Replay};
use kolm_policies::rollout::{self, Draft, Plan, Seen, State};
use kolm_store::Diff;

use self::leaves::Leaves;
use self::rival::Rival;
use self::statements::Statements;
use self::trial::Trial;
use crate::drift::Drift;
use crate::pool;
use crate::reconcile::{Asked, Settings};
use crate::shadow::Observed;
use crate::table::{self, RouteStats, Shared, Student};
use crate::till::{self, Till};
use crate::training::Run;

/// A route under way.
pub(crate) struct RouteRun {
    route: Arc<Route>,
    state: State,
    leaves: Leaves,
    statements: Statements,
    /// The student in service, or on its way there.
    champion: Trial,
    /// A newer one beside it.
    rival: Option<Rival>,
    training: Option<Run>,
    failed: Option<String>,
    candidate: Option<ArtifactId>,
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
        let same_bars = state.policy == route.gate.digest();
        let scores = async |attempt: u32| match same_bars {
            true => store.scores(route.name.clone(), attempt).await,
            false => Ok(Gathered::default()),
        };
        let own = scores(state.attempt).await?;
        let beside = match &state.challenger {
            Some(challenger) => scores(challenger.attempt).await?,
            None => Gathered::default(),
        };
        let mut run = Self {
            champion: Trial::of(
                (&route, settings),
                state.artifact.clone(),
                state.attempt,
                &state.replay(&own),
            ),
            rival: Rival::of(&route, settings, &state, (&beside, &own)),
            runs: rows.iter().filter(|row| row.kind == DecisionKind::Distill).count() as u64,
            leaves: Leaves::missing(&rows, &shared.ledger),
            route,
            state,
            statements: Statements::missing(&rows, store).await?,
            training: None,
            failed: None,
            candidate: None,
            sentence: String::new(),
            pairs: 0,
            serving_since,
            till: Arc::clone(till),
            drift: Drift::default(),
            templates: Default::default(),
            asked: Vec::new(),
            stats: Arc::default(),
        };
        if run.state.training.is_some() {
            run.train(shared, store, settings);
        }
        if on_trial(run.state.stage) {
            run.raise(shared, settings);
        }
        if let Some(rival) = &mut run.rival {
            rival.trial.start(shared, settings, &run.route.name);
        }
        Ok(run)
    }

    /// Takes a changed configuration.
    pub(crate) fn configure(&mut self, route: &Arc<Route>) {
        self.route = Arc::clone(route);
    }

    /// The weight that the table serves.
    pub(crate) fn weight(&self) -> Weight {
        let bound = if self.champion.falling { Some(Weight::ZERO) } else { self.leaves.bound() };
        bound.map_or(self.state.weight, |bound| bound.min(self.state.weight))
    }

    /// The student that the table shows.
    pub(crate) fn student(&self) -> Option<&Arc<Student>> {
        self.champion.student()
    }

    /// The challenger that the table shows.
    pub(crate) fn challenger(&self) -> Option<table::Challenger> {
        let seat = self.rival.as_ref()?.seat(&self.state)?;
        let bound = self.leaves.share().unwrap_or(seat.weight);
        Some(table::Challenger { weight: seat.weight.min(bound), ..seat })
    }

    /// Adds what the shadow saw, and keeps it.
    pub(crate) async fn take_scores(
        &mut self,
        observed: Vec<(ArtifactId, Observed)>,
        store: &kolm_store::Handle,
    ) {
        let mut diffs = Vec::new();
        for (artifact, one) in observed {
            let rival = self.rival.as_mut().filter(|rival| rival.trial.is_about(&artifact));
            let (trial, beside) = match rival {
                Some(rival) => (&mut rival.trial, None),
                None if self.champion.is_about(&artifact) => (&mut self.champion, self.rival.as_mut()),
                // What comes late is about another student.
                None => continue,
            };
            match one {
                Observed::Diff(diff) => {
                    self.drift.observe(&diff);
                    diffs.push(Diff { attempt: trial.attempt, ..*diff });
                }
                Observed::Scored(score) => {
                    self.till.add(&self.route.name, &till::of_score(&score));
                    if let Some(rival) = beside {
                        rival.compare(&score);
                    }
                    trial.score(score);
                }
                Observed::Dropped => trial.miss(),
                Observed::BudgetSpent => trial.evidence.block(Missing::Budget),
                Observed::BudgetLeft => trial.evidence.unblock(Missing::Budget),
            }
        }
        self.champion.save(&self.route.name, store).await;
        if let Some(rival) = &mut self.rival {
            rival.trial.save(&self.route.name, store).await;
        }
        // People look at a sample; the scores are the evidence.
        if !diffs.is_empty()
            && let Err(error) = store.put_diffs(diffs).await
        {
            tracing::warn!(route = %self.route.name, %error, "what the shadow saw is not kept for people");
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
        self.follow_leaves(&shared.ledger);
        self.finish_training(now);
        self.follow_engine(shared, settings);
        self.judge_templates(now);
        let judged = self.champion.judge(now);
        let challenger = self.rival.as_mut().map(|rival| rival.look(now)).unwrap_or_default();
        self.stats.doubles.store(self.doubles(), Ordering::Relaxed);
        let seen = Seen {
            judged,
            pairs: self.pairs,
            training: self.training_state(),
            candidate: self.candidate.clone(),
            intents: self.asked.iter().map(|asked| asked.intent.clone()).collect(),
            hard: self.champion.hard(),
            challenger,
            drift: self.drift.look(),
        };
        let Plan { decision, sentence, answered } =
            rollout::plan(&self.route.rollout, &self.route.gate, &self.state, &seen, now);
        self.sentence = sentence;
        let mut decided = None;
        if let Some(draft) = decision {
            self.fall(&draft);
            let row = self.record(draft, shared, store).await?;
            if row.kind == DecisionKind::Succeed {
                // The champion answers until the ledger has taken the leaf of who comes after it.
                self.leaves.wait(&shared.ledger).await;
            }
            self.champion.falling = false;
            match row.challenger {
                Some(_) => self.act_beside(&row, shared, settings),
                None => self.act(&row, shared, store, settings),
            }
            decided = Some(row);
        }
        self.sentence += &self.waiting();
        for asked in self.asked.drain(..answered.min(self.asked.len())) {
            let answered = Answered { sentence: self.sentence.clone(), decision: decided.clone() };
            // Who asked may have left.
            drop(asked.answer.send(answered));
        }
        self.statements.write(&settings.decision_key, store).await
    }

    /// A fall does not wait for its row.
    fn fall(&mut self, draft: &Draft) {
        self.champion.falling |= draft.stage.weight() < self.state.weight;
        if let Some(rival) = &mut self.rival {
            rival.trial.falling |= draft.kind == DecisionKind::Dismiss;
        }
    }

    /// The double-primary pairs of the trial that has the fewest.
    fn doubles(&self) -> u64 {
        let trials = [Some(&self.champion), self.rival.as_ref().map(|rival| &rival.trial)];
        let doubles = trials.into_iter().flatten().map(|trial| trial.evidence.counts().double_primary);
        doubles.min().unwrap_or_default()
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
            let rival = self.rival.as_ref().filter(|_| draft.challenger.is_some());
            draft.sample = rival.map_or(&self.champion, |rival| &rival.trial).sampled.sample();
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
    fn act(
        &mut self,
        row: &DecisionRow,
        shared: &Arc<Shared>,
        store: &kolm_store::Handle,
        settings: &Settings,
    ) {
        if row.to == Weight::ZERO {
            self.rival = None;
        }
        match row.kind {
            DecisionKind::Distill => {
                self.runs += 1;
                self.train(shared, store, settings);
            }
            DecisionKind::Candidate => {
                self.candidate = None;
                // A fresh process and a fresh breaker, also for an artifact that is tried again.
                let artifact = row.artifact.clone();
                self.champion = Trial::of((&self.route, settings), artifact, row.attempt, &Replay::default());
                self.raise(shared, settings);
            }
            DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done => {
                self.champion.next_step(self.state.promoted_at == Some(self.state.since));
            }
            DecisionKind::Rollback | DecisionKind::Pause => self.champion.evidence.disarm(),
            DecisionKind::Reject => self.champion.student = None,
            // A crash loop ends here: somebody looked at it.
            DecisionKind::Resume if self.champion.hard().is_some() => self.raise(shared, settings),
            DecisionKind::Dwell
            | DecisionKind::Hold
            | DecisionKind::Resume
            | DecisionKind::Challenge
            | DecisionKind::Dismiss
            | DecisionKind::Succeed => {}
        }
    }

    /// A configured engine is the candidate; a change of it, or its end, is followed.
    fn follow_engine(&mut self, shared: &Arc<Shared>, settings: &Settings) {
        let wanted = self.route.engine.as_ref();
        if let Some(engine) = wanted {
            self.candidate = Some(pool::identity(engine));
        }
        let has = self.student().and_then(|student| student.pool.as_ref()).map(|pool| &pool.engine);
        if on_trial(self.state.stage) && !self.champion.unserved && has != wanted {
            self.raise(shared, settings);
        }
    }

    /// Starts a process for the artifact on trial, or takes up its pool, in place of the one there is.
    fn raise(&mut self, shared: &Arc<Shared>, settings: &Settings) {
        let Some(engine) = self.route.engine.clone() else {
            self.watch(settings);
            return self.champion.start(shared, settings, &self.route.name);
        };
        (self.champion.student, self.champion.unserved) = (None, false);
        if self.champion.artifact != Some(pool::identity(&engine)) {
            self.champion.unserved = self.champion.artifact.is_some();
            return;
        }
        match pool::raise(shared, &self.route.name, &engine) {
            Ok(pool) => self.champion.student = Some(pool),
            Err(error) => shared.events.student_down(&self.route.name, &error.to_string()),
        }
    }

    /// Holds the traffic against what the present student has learned from.
    fn watch(&mut self, settings: &Settings) {
        if let Some(artifact) = &self.champion.artifact {
            self.drift = Drift::of(&settings.data_dir, &self.route.name, artifact);
        }
    }
}

/// Whether a student runs at this stage.
fn on_trial(stage: Stage) -> bool {
    match stage {
        Stage::Shadow | Stage::Step(_) | Stage::Full | Stage::Paused | Stage::Cooldown => true,
        Stage::Collecting | Stage::Distilling | Stage::Rejected => false,
    }
}
