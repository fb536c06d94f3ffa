//! Intents: what people ask of a route. They obey the same floors as the ladder, but for rollback and pause.

use kolm_core::{DecisionKind, Intent, IntentKind, Stage};

use super::plan::{Look, Pace};
use super::{Draft, Plan, sentence};
use crate::gate::Breach;

impl Look<'_> {
    /// What a person asked for, and what comes of it.
    pub(super) fn answer(&self, intent: &Intent) -> Plan {
        let plan = match (intent.kind, self.state.stage) {
            (IntentKind::Pause, Stage::Shadow | Stage::Step(_) | Stage::Full) => {
                let draft = self.draft(DecisionKind::Pause, Stage::Paused, Vec::new());
                Self::decide(draft, "paused at 0 %".to_owned())
            }
            (IntentKind::Rollback, Stage::Step(_) | Stage::Full) => {
                let why = vec![Breach::Operator.word()];
                let draft = self.draft(DecisionKind::Rollback, Stage::Cooldown, why);
                let sentence = sentence::decided("rolled back to 0 %", &draft.because);
                Self::decide(draft, sentence)
            }
            (IntentKind::Resume, Stage::Paused) if self.state.policy == self.digest => {
                let draft = self.draft(DecisionKind::Resume, Stage::Shadow, Vec::new());
                Self::decide(draft, "resumed in the shadow".to_owned())
            }
            (IntentKind::Resume, Stage::Paused) => self.attempt(self.again(), "policy_changed"),
            (IntentKind::PromoteOneStep, Stage::Shadow) => self.shadow(Pace::Person),
            (IntentKind::PromoteOneStep, Stage::Step(_)) => self.step(Pace::Person),
            (IntentKind::PromoteOneStep, Stage::Full) if self.state.challenger.is_some() => {
                self.challenger(Pace::Person)
            }
            (IntentKind::Dismiss, Stage::Step(_) | Stage::Full) if self.state.challenger.is_some() => {
                self.dismiss(Breach::Operator)
            }
            (
                IntentKind::Pause
                | IntentKind::Resume
                | IntentKind::Rollback
                | IntentKind::PromoteOneStep
                | IntentKind::Dismiss,
                stage,
            ) => Plan {
                decision: None,
                sentence: format!("{} refused at {stage}: nothing to do", word(intent.kind)),
                answered: 0,
            },
        };
        let decision = plan.decision.map(|draft| Draft {
            actor: intent.actor.clone(),
            reason: intent.reason.clone(),
            ..draft
        });
        Plan { decision, sentence: plan.sentence, answered: 1 }
    }
}

fn word(kind: IntentKind) -> &'static str {
    match kind {
        IntentKind::Pause => "pause",
        IntentKind::Resume => "resume",
        IntentKind::Rollback => "rollback",
        IntentKind::PromoteOneStep => "promote_one_step",
        IntentKind::Dismiss => "dismiss",
    }
}
