//! The ledger leaves of a route's rows: a rise waits for its own, everything else goes ahead.
//!
//! **Invariant:** what a row raised is served only once the disk has its leaf; a fall waits for nothing; leaves stand
//! in the ledger in the order of their rows.

use std::collections::VecDeque;
use std::time::Duration;

use kolm_core::{DecisionKind, DecisionRow, Weight};
use kolm_receipts::{Control, Handle, Kept};

use super::RouteRun;

/// How often and how long a succession is waited for: two seconds in all.
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

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

    /// The rise that was waited for, once it is in the ledger. A leaf that was refused is handed in again.
    pub(super) fn look(&mut self, ledger: &Handle) -> Option<DecisionRow> {
        let taken = self.kept.as_mut().and_then(Kept::look)?;
        self.kept = None;
        let row = if taken { self.rows.pop_front() } else { None };
        self.hand_in(ledger);
        row
    }

    /// Waits for the leaves that were handed in, but not for long.
    pub(super) async fn wait(&mut self, ledger: &Handle) {
        for _ in 0..PATIENCE {
            self.look(ledger);
            if self.rows.is_empty() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What is served at most while a rise waits; of a succession, what the new student had before.
    pub(super) fn bound(&self) -> Option<Weight> {
        self.rows.front().map(|row| match &row.challenger {
            Some(challenge) if row.kind == DecisionKind::Succeed => challenge.from,
            Some(_) | None => row.from,
        })
    }

    /// The challenger's share at most while a rise of its waits.
    pub(super) fn share(&self) -> Option<Weight> {
        self.rows.iter().find_map(|row| row.challenger.as_ref()).map(|challenge| challenge.from)
    }

    fn hand_in(&mut self, ledger: &Handle) {
        while self.kept.is_none()
            && let Some(row) = self.rows.front()
        {
            let leaf = Control::Decision { id: row.id, route: row.route.clone(), digest: row.digest.clone() };
            if rises(row) {
                self.kept = Some(ledger.keep(leaf));
            } else {
                ledger.control(leaf);
                self.rows.pop_front();
            }
        }
    }
}

/// Whether somebody is answered by a student for this row who was not before it.
fn rises(row: &DecisionRow) -> bool {
    row.to > row.from || row.challenger.as_ref().is_some_and(|challenge| challenge.to > challenge.from)
}

impl RouteRun {
    /// Follows the leaves: a rise that has its own is in force, and none is decided while the ledger refuses.
    pub(super) fn follow_leaves(&mut self, ledger: &Handle) {
        if let Some(row) = self.leaves.look(ledger) {
            // What was scored while it waited was not scored at its step.
            let rival = self.rival.as_mut().filter(|_| row.challenger.is_some());
            rival.map_or(&mut self.champion, |rival| &mut rival.trial).evidence.begin_step();
        }
        let refused = self.leaves.bound().is_some() || !ledger.is_healthy();
        let rival = self.rival.as_mut().map(|rival| &mut rival.trial);
        for trial in [Some(&mut self.champion), rival].into_iter().flatten() {
            trial.keep_open(refused);
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
