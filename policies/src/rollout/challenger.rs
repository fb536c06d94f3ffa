//! A challenger: a newer artifact that is tried beside the one that serves.
//!
//! **Invariant:** a trial like any other, under the same bars and the same alpha, within the champion's weight; it
//! succeeds only with proof that it is no worse than the champion was on the same requests (ADR 0010).

use kolm_core::{Challenge, DecisionKind, Stage, Weight};

use super::plan::{Look, Pace};
use super::{Challenger, Draft, Plan, Seen, State, sentence};
use crate::gate::Breach;

impl Look<'_> {
    /// What is next beside a champion that serves and has nothing to decide.
    pub(super) fn beside(&self) -> Plan {
        if self.state.challenger.is_some() {
            return self.challenger(Pace::Ladder);
        }
        let begun = self.challenge().or_else(|| self.distill(self.state.stage));
        let sentence = if self.state.training.is_some() { "a newer student is being trained" } else { "" };
        begun.unwrap_or_else(|| Plan { decision: None, sentence: sentence.to_owned(), answered: 0 })
    }

    /// A new artifact begins its attempt beside the champion.
    fn challenge(&self) -> Option<Plan> {
        let artifact = self.fresh()?.clone();
        let attempt = self.state.attempts + 1;
        let draft = self.begin(DecisionKind::Challenge, self.state.stage, "new_artifact", attempt);
        let (from, to) = (Weight::ZERO, Weight::ZERO);
        let challenge = Challenge { artifact, attempt, from, to, champion: None };
        let draft = Draft { attempt: self.state.attempt, challenger: Some(challenge), ..draft };
        let sentence =
            sentence::decided(&format!("attempt {attempt} begins beside the champion"), &draft.because);
        Some(Self::decide(draft, sentence))
    }

    /// The challenger's trial: what the ladder says of it by itself, put into the champion's terms.
    pub(super) fn challenger(&self, pace: Pace) -> Plan {
        // Unlike a champion it may run out of time at any weight.
        self.trial(|challenger, look| match look.alarm().or_else(|| look.refused()) {
            Some(breach) => self.dismissed(challenger, look, breach),
            None => {
                let plan = match challenger.weight {
                    Weight::ZERO => look.shadow(pace),
                    _ => look.step(pace),
                };
                self.against_champion(challenger, look, pace, plan)
            }
        })
    }

    /// The end of the challenger's trial.
    pub(super) fn dismiss(&self, breach: Breach) -> Plan {
        self.trial(|challenger, look| self.dismissed(challenger, look, breach))
    }

    /// Looks at the challenger as at a route of its own.
    fn trial(&self, decide: impl FnOnce(&Challenger, &Look<'_>) -> Plan) -> Plan {
        let Some(challenger) = &self.state.challenger else {
            return Plan { decision: None, sentence: String::new(), answered: 0 };
        };
        let state = State {
            stage: if challenger.weight == Weight::ZERO {
                Stage::Shadow
            } else {
                Stage::Step(challenger.weight)
            },
            weight: challenger.weight,
            artifact: Some(challenger.artifact.clone()),
            attempt: challenger.attempt,
            since: challenger.since,
            last: challenger.last.clone(),
            challenger: None,
            ..self.state.clone()
        };
        let rival = &self.seen.challenger;
        let seen = Seen { judged: rival.judged.clone(), hard: rival.hard, ..Seen::default() };
        let judged = seen.judged.as_ref().filter(|j| j.attempt == state.attempt && j.policy == self.digest);
        decide(challenger, &Look { state: &state, seen: &seen, judged, ..*self })
    }

    fn dismissed(&self, challenger: &Challenger, look: &Look<'_>, breach: Breach) -> Plan {
        let draft = look.draft(DecisionKind::Dismiss, look.state.stage, vec![breach.word()]);
        let sentence = sentence::decided("the challenger is dismissed", &draft.because);
        Self::decide(self.told(challenger, draft, Weight::ZERO), sentence)
    }

    /// A rise needs more than the gate: the challenger's proven K reaches what the champion's was on the same requests.
    fn against_champion(&self, challenger: &Challenger, look: &Look<'_>, pace: Pace, plan: Plan) -> Plan {
        let rises = |draft: &Draft| draft.stage.weight() > challenger.weight;
        let proven = look.judged.and_then(|judged| judged.k.k).map(|k| k.lcb);
        let beaten = self.seen.challenger.champion.zip(proven).is_some_and(|(bar, have)| have >= bar);
        let plan = match &plan.decision {
            Some(draft) if rises(draft) && !beaten => look.hold(pace, vec!["champion".to_owned()]),
            Some(_) | None => plan,
        };
        let sentence = format!("challenger: {}", plan.sentence);
        let Some(draft) = plan.decision else { return Plan { sentence, ..plan } };
        let to = draft.stage.weight();
        if to < self.state.weight {
            return Self::decide(self.told(challenger, draft, to), sentence);
        }
        let weight = self.state.weight;
        let heir = Draft {
            kind: DecisionKind::Succeed,
            artifact: Some(challenger.artifact.clone()),
            attempt: challenger.attempt,
            ..self.told(challenger, draft, weight)
        };
        Self::decide(heir, format!("the challenger takes over at {weight}"))
    }

    /// The draft of a row about the challenger: artifact, attempt and stage are the champion's.
    fn told(&self, challenger: &Challenger, draft: Draft, to: Weight) -> Draft {
        let challenge = Challenge {
            artifact: challenger.artifact.clone(),
            attempt: challenger.attempt,
            from: challenger.weight,
            to,
            champion: self.seen.challenger.champion,
        };
        Draft {
            stage: self.state.stage,
            artifact: self.state.artifact.clone(),
            attempt: self.state.attempt,
            challenger: Some(challenge),
            ..draft
        }
    }
}
