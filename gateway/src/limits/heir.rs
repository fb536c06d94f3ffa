//! Limits over an upgrade: the process that lets go tells its heir how far its accounts are, then each step that its
//! last requests still take.
//!
//! **Invariant:** what a request of the process before uses is counted once, here; what such a request holds is free
//! again when it ends, or when its process does.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use kolm_core::Timestamp;
use kolm_policies::limit::{self, Limits as Bounds, State, Step};
use serde::{Deserialize, Serialize};

use super::{Account, Limits};

/// Takes what the limits' heir is to know.
pub type Heir = Box<dyn Fn(&[u8]) + Send + Sync>;

/// A step at an account, as an heir is told.
#[derive(Serialize, Deserialize)]
struct Told {
    account: String,
    bounds: Bounds,
    at: Timestamp,
    step: Step,
}

/// Tells the heir of a step.
pub(super) fn tell(heir: &Heir, account: &str, bounds: &Bounds, at: Timestamp, step: Step) {
    let told = Told { account: account.to_owned(), bounds: *bounds, at, step };
    // Numbers and names can always be written.
    heir(&serde_json::to_vec(&told).unwrap_or_default());
}

impl Limits {
    /// How far all accounts are, for another process; from here on `heir` is told of every step.
    pub fn hand_over(&self, heir: Heir) -> Vec<u8> {
        // No account is born meanwhile, so that each is either listed here or told of from its first step.
        let _births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
        if self.common.heir.set(heir).is_err() {
            tracing::error!("limits were handed over twice");
        }
        let accounts = self.accounts.load();
        let listed = accounts.iter().map(|(name, account)| (name.as_str(), account.give_away()));
        serde_json::to_vec(&listed.collect::<HashMap<&str, State>>()).unwrap_or_default()
    }

    /// Begins where the process before is.
    ///
    /// # Errors
    /// These are no accounts.
    pub fn take_over(&self, accounts: &[u8]) -> std::io::Result<()> {
        let listed: HashMap<String, State> = serde_json::from_slice(accounts)?;
        for (name, state) in &listed {
            self.account(name.clone()).put(*state);
        }
        *self.theirs.lock().unwrap_or_else(PoisonError::into_inner) = listed;
        Ok(())
    }

    /// A request of the process before has taken a step.
    ///
    /// # Errors
    /// It is no step.
    pub fn follow(&self, told: &[u8]) -> std::io::Result<()> {
        let Told { account, bounds, at, step } = serde_json::from_slice(told)?;
        let next = |state| limit::follow(&bounds, state, at, step);
        let mut theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = theirs.entry(account.clone()).or_default();
        *copy = next(*copy);
        drop(theirs);
        self.account(account).follow(next);
        Ok(())
    }

    /// The process before has ended: what its requests still held is free.
    pub fn release(&self) {
        let theirs = std::mem::take(&mut *self.theirs.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, gone) in theirs {
            self.account(name).follow(|state| limit::forget(state, &gone));
        }
    }
}

impl Account {
    /// Its state; from here on its steps are told.
    fn give_away(&self) -> State {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.told = true;
        kept.state
    }

    fn put(&self, state: State) {
        self.follow(|_| state);
    }

    /// The next state, decided by somebody else.
    fn follow(&self, next: impl FnOnce(State) -> State) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.state = next(kept.state);
        self.common.changed.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use kolm_core::MicroUsd;
    use kolm_policies::limit::charge::Charge;
    use kolm_policies::limit::{Use, window};

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_261_097_000);
    const BOUNDS: Bounds = Bounds {
        requests_per_minute: Some(10),
        tokens_per_minute: Some(1_000),
        concurrent: Some(2),
        usd_per_day: Some(MicroUsd(100)),
        usd_per_month: None,
    };

    /// One request's steps at an account, up to `until` of four.
    fn ask(account: &Account, until: usize) {
        let ask = Use { tokens: 40, cost: MicroUsd(7) };
        let enter =
            |state| limit::enter(&BOUNDS, state, NOW, Charge::Model).map(|next| (next, Step::Entered));
        account.change(&BOUNDS, NOW, enter).unwrap();
        let reserve =
            |state| limit::reserve(&BOUNDS, state, NOW, ask).map(|(next, held)| (next, Step::Held(held)));
        let Step::Held(held) = account.change(&BOUNDS, NOW, reserve).unwrap() else { unreachable!() };
        let used = Use { tokens: 30, cost: MicroUsd(5) };
        let settle =
            |state| Ok((limit::settle(&BOUNDS, state, NOW, held, used), Step::Settled { held, used }));
        if until > 2 {
            account.change(&BOUNDS, NOW, settle).unwrap();
        }
        if until > 3 {
            account.change(&BOUNDS, NOW, |state| Ok((limit::leave(state), Step::Left))).unwrap();
        }
    }

    fn state(limits: &Limits, name: &str) -> State {
        limits.account(name.to_owned()).kept.lock().unwrap().state
    }

    #[test]
    fn the_heir_knows_what_was_used_and_what_is_used_after_that() {
        let (old, new) = (Limits::default(), Arc::new(Limits::default()));
        let told: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        ask(&old.account("key:a".to_owned()), 4);
        ask(&old.account("key:a".to_owned()), 2);
        let queue = Arc::clone(&told);
        let listed = old.hand_over(Box::new(move |step| queue.lock().unwrap().push(step.to_vec())));
        new.take_over(&listed).unwrap();
        assert_eq!(state(&new, "key:a"), state(&old, "key:a"), "rates, tokens, places and money");
        ask(&old.account("key:a".to_owned()), 4);
        ask(&old.account("key:born-later".to_owned()), 3);
        for step in told.lock().unwrap().iter() {
            new.follow(step).unwrap();
        }
        for name in ["key:a", "key:born-later"] {
            assert_eq!(state(&new, name), state(&old, name), "{name}");
        }
        assert_eq!(state(&new, "key:a").day.spent_in(window::day(NOW)), 10);
        ask(&new.account("key:a".to_owned()), 2);
        assert_eq!((state(&new, "key:a").open, state(&new, "key:a").held), (2, 14));
        new.release();
        assert_eq!((state(&new, "key:a").open, state(&new, "key:a").held), (1, 7), "its own request's");
        assert_eq!(state(&new, "key:born-later").open, 0);
        assert_eq!(state(&new, "key:a").day.spent_in(window::day(NOW)), 10, "what was spent stays spent");
        assert!(new.take_over(b"?").is_err() && new.follow(b"?").is_err());
    }
}
