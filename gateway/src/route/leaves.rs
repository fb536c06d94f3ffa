//! The ledger leaves of a route's rows: a rise waits for its own, everything else goes ahead.
//!
//! **Invariant:** what a row raised is served only once the disk has its leaf; a fall waits for nothing; leaves stand
//! in the ledger in the order of their rows.

use std::collections::VecDeque;

use kolm_core::{DecisionRow, Weight};
use kolm_policies::gate::Missing;
use kolm_receipts::{Control, Handle, Kept};

use super::RouteRun;

/// Rows that are in the store and, from the first rise on, not yet in the ledger.
#[derive(Default)]
pub(super) struct Leaves {
    rows: VecDeque<DecisionRow>,
    /// What became of the leaf of the rise in front.
    kept: Option<Kept>,
}

impl Leaves {
    /// The rows whose leaves a crash came before: those behind the newest that the ledger names.
    pub(super) fn missing(rows: &[DecisionRow], ledger: &Handle) -> Self {
        let newest = rows.last().and_then(|row| ledger.decided(&row.route));
        let known = rows.iter().rposition(|row| Some(&row.digest) == newest.as_ref());
        let mut leaves =
            Self { rows: rows[known.map_or(0, |at| at + 1)..].iter().cloned().collect(), kept: None };
        leaves.hand_in(ledger);
        leaves
    }

    /// Hands in the leaf of a row that is in the store, behind those that wait.
    pub(super) fn push(&mut self, row: DecisionRow, ledger: &Handle) {
        self.rows.push_back(row);
        self.hand_in(ledger);
    }

    /// Whether the rise that was waited for is in the ledger now. A leaf that was refused is handed in again.
    pub(super) fn look(&mut self, ledger: &Handle) -> bool {
        let Some(taken) = self.kept.as_mut().and_then(Kept::look) else { return false };
        self.kept = None;
        if taken {
            self.rows.pop_front();
        }
        self.hand_in(ledger);
        taken
    }

    /// What is served at most while a rise waits.
    pub(super) fn bound(&self) -> Option<Weight> {
        self.rows.front().map(|row| row.from)
    }

    fn hand_in(&mut self, ledger: &Handle) {
        while self.kept.is_none()
            && let Some(row) = self.rows.front()
        {
            let leaf = Control::Decision { id: row.id, route: row.route.clone(), digest: row.digest.clone() };
            if row.to > row.from {
                self.kept = Some(ledger.keep(leaf));
            } else {
                ledger.control(leaf);
                self.rows.pop_front();
            }
        }
    }
}

impl RouteRun {
    /// Follows the leaves: a rise that has its own is in force, and none is decided while the ledger refuses.
    pub(super) fn follow_leaves(&mut self, ledger: &Handle) {
        if self.leaves.look(ledger) {
            // What was scored while it waited was not scored at its step.
            self.evidence.begin_step();
        }
        if self.leaves.bound().is_some() || !ledger.is_healthy() {
            self.evidence.block(Missing::Ledger);
        } else if self.unsaved.is_empty() {
            self.evidence.unblock(Missing::Ledger);
        }
    }

    /// What to say beside the route's sentence while a rise waits.
    pub(super) fn waiting(&self) -> String {
        match self.leaves.bound() {
            Some(bound) if bound < self.state.weight => {
                format!("; {} waits until the ledger has taken its leaf", self.state.weight)
            }
            Some(_) | None => String::new(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
