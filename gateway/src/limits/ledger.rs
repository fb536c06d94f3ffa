//! What was spent, on disk: `run/spend.json` of the data directory.
//!
//! **Invariant:** written whole or not at all, at most once a second and at the end; a crash forgets a second at most.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use kolm_core::Timestamp;
use kolm_policies::limit::State;
use kolm_policies::limit::window::{self, Window};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Limits;
use crate::error::Error;
use crate::table::Shared;

const FORMAT: &str = "kolm-spend/1";
const TICK: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    accounts: BTreeMap<String, Spent>,
}

/// Windows by number, money in µUSD.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spent {
    day: i64,
    day_musd: i64,
    month: i64,
    month_musd: i64,
}

/// What earlier runs have spent, by account.
pub(super) fn read(file: &Path) -> Result<Vec<(String, State)>, Error> {
    let unusable = |cause: String| Error::Spend { path: file.to_owned(), cause };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(unusable(cause.to_string())),
    };
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|cause| unusable(cause.to_string()))?;
    if stored.format != FORMAT {
        return Err(unusable(format!("its format is not {FORMAT}")));
    }
    let state = |spent: Spent| State {
        day: Window { no: spent.day, spent: spent.day_musd },
        month: Window { no: spent.month, spent: spent.month_musd },
        ..State::default()
    };
    Ok(stored.accounts.into_iter().map(|(name, spent)| (name, state(spent))).collect())
}

impl Limits {
    /// Writes what was spent since the last time, if anything was.
    pub fn save(&self, now: Timestamp) -> std::io::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| self.common.changed.swap(false, Ordering::AcqRel))
        else {
            return Ok(());
        };
        let written = self.write(file, now);
        if written.is_err() {
            self.common.changed.store(true, Ordering::Release);
        }
        written
    }

    fn write(&self, file: &Path, now: Timestamp) -> std::io::Result<()> {
        let accounts = self.accounts.load();
        let spent = accounts.iter().filter_map(|(name, account)| {
            let State { day, month, .. } = account.kept.lock().unwrap_or_else(PoisonError::into_inner).state;
            // A month that is over limits nobody any more.
            let counts = month.no == window::month(now);
            let spent = Spent { day: day.no, day_musd: day.spent, month: month.no, month_musd: month.spent };
            counts.then(|| (name.clone(), spent))
        });
        let stored = Stored { format: FORMAT.to_owned(), accounts: spent.collect() };
        let temporary = file.with_extension("new");
        let mut options = std::fs::File::options();
        let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        out.write_all(&serde_json::to_vec(&stored)?)?;
        out.sync_all()?;
        std::fs::rename(&temporary, file)
    }
}

/// Writes every second until told to stop; the last time is the owner's, when no request is under way any more.
pub(crate) async fn keep(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        let on_it = Arc::clone(&shared);
        let saved = tokio::task::spawn_blocking(move || on_it.limits.save(on_it.env.clock.now())).await;
        if let Ok(Err(cause)) = saved {
            shared.events.spend_unwritten(&cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use kolm_core::{Coded, MicroUsd};
    use kolm_policies::limit::{self, Held, Step, Use};

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_261_097_000);

    #[test]
    fn money_survives_a_restart_and_a_month_that_is_over_does_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("run")).unwrap();
        let limits = Limits::open(dir.path()).unwrap();
        let bounds = limit::Limits { usd_per_day: Some(MicroUsd(9)), ..limit::Limits::default() };
        let used = Use { tokens: 5, cost: MicroUsd(7) };
        let held = Held::default();
        let charge =
            |state| Ok((limit::settle(&bounds, state, NOW, held, used), Step::Settled { held, used }));
        limits.account("key:a".to_owned()).change(&bounds, NOW, charge).unwrap();
        limits.account("key:b".to_owned());
        limits.save(NOW).unwrap();
        let file = dir.path().join("run/spend.json");
        let first = std::fs::read_to_string(&file).unwrap();
        assert!(!first.contains("key:b"), "{first}");
        std::fs::remove_file(&file).unwrap();
        limits.save(NOW).unwrap();
        assert!(!file.exists(), "nothing was spent since");
        std::fs::write(&file, &first).unwrap();
        let again = Limits::open(dir.path()).unwrap();
        let state = again.account("key:a".to_owned()).kept.lock().unwrap().state;
        assert_eq!((state.day.spent_in(window::day(NOW)), state.month.spent), (7, 7));
        again.account("key:a".to_owned()).change(&bounds, NOW, charge).unwrap();
        again.save(window::month_end(NOW)).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), r#"{"format":"kolm-spend/1","accounts":{}}"#);
        for bad in ["", r#"{"format":"other","accounts":{}}"#] {
            std::fs::write(&file, bad).unwrap();
            let error = Limits::open(dir.path()).err().unwrap();
            assert_eq!((error.code().to_string().as_str(), error.hint().is_some()), ("K0820", true));
        }
    }

    #[test]
    fn what_cannot_be_written_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits::open(dir.path()).unwrap();
        limits.common.changed.store(true, Ordering::Release);
        assert!(limits.save(NOW).is_err(), "there is no folder `run`");
        std::fs::create_dir(dir.path().join("run")).unwrap();
        limits.save(NOW).unwrap();
        assert!(dir.path().join("run/spend.json").exists());
    }
}
