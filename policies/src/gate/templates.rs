//! K by template: the same scores told apart by the system prompt and tools that they came under.
//!
//! **Invariant:** shown, never gated by: bounds hold for each template by itself, not for all of them together.

use std::collections::BTreeMap;

use kolm_core::{Bounds, Counts, KScore, Timestamp};

use super::{Evidence, GatePolicy, Score, judge};

/// Templates that are told apart; scores of later ones count for the route alone.
const MOST: usize = 32;
/// Budgets and cost cap of a template are frozen after so many of its units.
const BUDGET_UNITS: u64 = 20;

/// What is known of one template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateScore {
    /// `chat::template_key` of system prompt and tools.
    pub template: String,
    /// Its counts; of samples that were not scored the template is not known.
    pub n: Counts,
    /// Axes and K with bounds.
    pub k: KScore,
    /// The teacher's agreement with itself.
    pub ceiling: Option<Bounds>,
}

/// The evidence of each template.
#[derive(Debug, Default)]
pub(super) struct Templates {
    each: BTreeMap<String, Evidence>,
}

impl Templates {
    /// Takes one score; one without a template is the route's alone.
    pub(super) fn observe(&mut self, score: &Score, policy: &GatePolicy, attempt: u32, bytes: u64) {
        if score.template.is_empty() {
            return;
        }
        let room = self.each.len() < MOST;
        let evidence = match self.each.get_mut(&score.template) {
            Some(evidence) => evidence,
            None if room => {
                let policy =
                    GatePolicy { budget_units: BUDGET_UNITS.min(policy.budget_units), ..policy.clone() };
                let name = score.template.clone();
                self.each.entry(name).or_insert_with(|| Evidence::new(&policy, attempt, bytes))
            }
            None => return,
        };
        evidence.take(score);
    }

    /// The scores of each template, the one with most requests first.
    pub(super) fn judge(&mut self, now: Timestamp) -> Vec<TemplateScore> {
        let mut out: Vec<TemplateScore> = self
            .each
            .iter_mut()
            .map(|(template, evidence)| {
                evidence.close_idle(now);
                let judged = judge(evidence, now);
                TemplateScore {
                    template: template.clone(),
                    n: judged.n,
                    k: judged.k,
                    ceiling: judged.ceiling,
                }
            })
            .collect();
        out.sort_by_key(|score| std::cmp::Reverse(score.n.requests));
        out
    }
}
