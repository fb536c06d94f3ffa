//! The signed statements about a route's verdicts, written right after their rows.
//!
//! **Invariant:** every verdict gets its statement, at the next start if a crash came between; nothing waits for one.

use std::collections::VecDeque;

use kolm_core::{DecisionRow, RouteName};
use kolm_policies::rollout;
use kolm_receipts::dsse::{Envelope, IN_TOTO};
use kolm_receipts::keys::SigningKey;
use kolm_store::{Handle, Statement};

/// Verdicts that are not stated yet: whose they are, their number, and what will be signed.
#[derive(Default)]
pub(super) struct Statements(VecDeque<(RouteName, u64, String)>);

impl Statements {
    /// The verdicts among `rows` that have no statement in the store.
    pub(super) async fn missing(rows: &[DecisionRow], store: &Handle) -> Result<Self, kolm_store::Error> {
        let mut missing = Self::default();
        let Some(last) = rows.last() else { return Ok(missing) };
        let stated = store.statements(Some(last.route.clone())).await?;
        let unstated = |row: &&DecisionRow| !stated.iter().any(|statement| statement.seq == row.seq);
        rows.iter().filter(unstated).for_each(|row| missing.push(row));
        Ok(missing)
    }

    /// Has a row stated that is a verdict.
    pub(super) fn push(&mut self, row: &DecisionRow) {
        self.0.extend(rollout::statement(row).map(|text| (row.route.clone(), row.seq, text)));
    }

    /// Signs and stores what is not stated yet.
    ///
    /// # Errors
    /// The store did not take one: it and those behind it are offered again.
    pub(super) async fn write(&mut self, key: &SigningKey, store: &Handle) -> Result<(), kolm_store::Error> {
        while let Some((route, seq, text)) = self.0.front() {
            if let Some(envelope) = sign(text, key) {
                store.put_statement(Statement { route: route.clone(), seq: *seq, envelope }).await?;
            }
            self.0.pop_front();
        }
        Ok(())
    }
}

/// The envelope around a statement; it always becomes JSON.
fn sign(text: &str, key: &SigningKey) -> Option<String> {
    let mut envelope = Envelope::new(IN_TOTO, text.as_bytes());
    envelope.sign(text.as_bytes(), key).ok()?;
    String::from_utf8(envelope.to_bytes().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use kolm_config::{Config, Outside};
    use kolm_core::{DecisionKind, Env, Timestamp};
    use kolm_store::Service;

    use super::*;
    use crate::route::leaves::tests::rows;

    /// The numbers that are stated, after `rows` were taken up by a store that knows `stated` of them.
    fn taken_up(rows: &[DecisionRow], stated: &[DecisionRow]) -> Vec<Statement> {
        let dir = tempfile::tempdir().unwrap();
        let settings = Config::embedded(&Outside::bare("/nonexistent")).unwrap().store;
        let (_service, store) = Service::open(dir.path(), &settings, &Env::fixed(Timestamp(0), 5)).unwrap();
        let key = SigningKey::from_seed("kolm/decision", &[3; 32]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut before = Statements::default();
            stated.iter().for_each(|row| before.push(row));
            before.write(&key, &store).await.unwrap();
            let mut missing = Statements::missing(rows, &store).await.unwrap();
            missing.write(&key, &store).await.unwrap();
            assert!(
                Statements::missing(rows, &store).await.unwrap().0.is_empty(),
                "nothing is missing any more"
            );
            store.statements(None).await.unwrap()
        })
    }

    #[test]
    fn a_verdict_without_its_statement_gets_the_same_at_the_next_start() {
        let mut rows = rows(&[(0, 0), (0, 100), (100, 500), (500, 0)]);
        let kinds =
            [DecisionKind::Hold, DecisionKind::Promote, DecisionKind::Advance, DecisionKind::Rollback];
        rows.iter_mut().zip(kinds).for_each(|(row, kind)| row.kind = kind);
        let whole = taken_up(&rows, &rows);
        assert_eq!(whole.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 3], "verdicts alone");
        assert_eq!(taken_up(&rows, &rows[..2]), whole, "a crash before the last");
        assert_eq!(taken_up(&rows, &[]), whole, "rows of a version that stated nothing");
        assert_eq!(taken_up(&[], &[]), []);
    }
}
