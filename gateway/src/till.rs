//! Money by route: what was paid, what was not, and what the proof cost.
//!
//! **Invariant:** what earlier processes took in is read from the store once, so a restart forgets nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use kolm_config::Route;
use kolm_core::{DecisionRow, MicroUsd, RouteName, Savings, Timestamp};
use kolm_policies::gate::Score;
use kolm_policies::limit::window::{self, Window};
use kolm_policies::price;
use kolm_policies::rollout::State;
use kolm_store::Money;

/// The sums.
#[derive(Debug)]
pub(crate) struct Till {
    since: Timestamp,
    routes: Mutex<HashMap<RouteName, Purse>>,
    remembered: Mutex<HashSet<RouteName>>,
    /// What teacher calls of our own cost a route in a UTC day.
    asked: Mutex<HashMap<RouteName, Window>>,
}

/// What one route has.
#[derive(Debug, Default)]
struct Purse {
    money: Savings,
    /// What the student's answers cost, in 10^-12 USD: one alone is less than a µUSD.
    local: u64,
}

impl Till {
    /// An empty one; what came before `since` is read from the store.
    pub(crate) fn new(since: Timestamp) -> Self {
        Self { since, routes: Mutex::default(), remembered: Mutex::default(), asked: Mutex::default() }
    }

    /// Adds what earlier processes took in and spent on a route, the first time it is asked to.
    ///
    /// # Errors
    /// The store could not be read.
    pub(crate) async fn remember(
        &self,
        route: &Route,
        store: &kolm_store::Handle,
        rows: &[DecisionRow],
    ) -> Result<(), kolm_store::Error> {
        let money = store.money(&route.namespace, route.name.clone(), self.since).await?;
        let fresh = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).insert(route.name.clone());
        if fresh {
            let before: Vec<&DecisionRow> = rows.iter().filter(|row| row.t < self.since).collect();
            self.pays(&route.name, self.since, money.asked_today, MicroUsd(i64::MAX));
            let price = route.gate.hw_musd_per_s;
            self.answered(&route.name, price::answers(money.student_n, money.student_ms, price));
            self.add(&route.name, &of_past(&money, &before, price));
        }
        Ok(())
    }

    /// Adds to what a route has.
    pub(crate) fn add(&self, route: &RouteName, money: &Savings) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let purse = routes.entry(route.clone()).or_default();
        purse.money = purse.money.plus(money);
    }

    /// Adds what answers of a student cost, in 10^-12 USD.
    pub(crate) fn answered(&self, route: &RouteName, cost: u64) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let purse = routes.entry(route.clone()).or_default();
        purse.local = purse.local.saturating_add(cost);
    }

    /// Takes the price of a teacher call of our own out of a day's `limit`, if it allows it.
    pub(crate) fn pays(&self, route: &RouteName, at: Timestamp, cost: MicroUsd, limit: MicroUsd) -> bool {
        let today = window::day(at);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = asked.entry(route.clone()).or_default();
        let allowed = spent.spent_in(today).saturating_add(cost.0) <= limit.0;
        if allowed {
            *spent = spent.with(today, cost.0);
        }
        allowed
    }

    /// What a route has.
    pub(crate) fn of(&self, route: &RouteName) -> Savings {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(purse) = routes.get(route) else { return Savings::default() };
        let local = i64::try_from(purse.local.div_ceil(1_000_000)).unwrap_or(i64::MAX);
        Savings { local: MicroUsd(local), ..purse.money }
    }
}

/// What the scoring of a request cost.
pub(crate) fn of_score(score: &Score) -> Savings {
    Savings { invested: price::of_score(score), ..Savings::default() }
}

/// What so much time of the trainer cost.
pub(crate) fn of_training(ms: i64, musd_per_s: u64) -> Savings {
    let micros = ms.max(0).unsigned_abs().saturating_mul(1_000);
    Savings { invested: price::busy(micros, musd_per_s), ..Savings::default() }
}

/// What earlier processes took in and spent, by what they left in the store.
fn of_past(money: &Money, rows: &[&DecisionRow], musd_per_s: u64) -> Savings {
    let answered =
        Savings { avoided: money.avoided, paid: money.paid, invested: money.shadow, ..Savings::default() };
    answered.plus(&of_training(trained_ms(rows), musd_per_s))
}

/// How long trainings took of which something came, an artifact or a failure.
fn trained_ms(rows: &[&DecisionRow]) -> i64 {
    let (mut state, mut ms) = (State::default(), 0);
    for row in rows {
        let begun = state.training;
        state.apply(row);
        if let (Some(begun), None) = (begun, state.training) {
            ms += row.t.since(begun);
        }
    }
    ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn answers_cost_the_same_one_by_one_and_all_at_once() {
        let (till, route): (_, RouteName) = (Till::new(Timestamp(0)), "one".parse().unwrap());
        (0..1_000).for_each(|ms| till.answered(&route, price::answers(1, ms % 7, 28)));
        let later = Till::new(Timestamp(0));
        later.answered(&route, price::answers(1_000, (0..1_000).map(|ms| ms % 7).sum(), 28));
        assert_eq!(till.of(&route).local, MicroUsd(112));
        assert_eq!(later.of(&route), till.of(&route));
    }

    #[test]
    fn a_refusal_costs_nothing_and_a_new_day_and_another_route_begin_at_zero() {
        let till = Till::new(Timestamp(0));
        let (one, other): (RouteName, RouteName) = ("one".parse().unwrap(), "other".parse().unwrap());
        let take = |route, at, cost| till.pays(route, Timestamp(at), MicroUsd(cost), MicroUsd(100));
        for (route, at, cost, want) in [
            (&one, DAY_MS, 90, true),
            (&one, DAY_MS, 11, false),
            (&one, DAY_MS, 10, true),
            (&one, DAY_MS, 1, false),
            (&one, DAY_MS, 0, true),
            (&other, DAY_MS, 100, true),
            (&one, 2 * DAY_MS, 100, true),
        ] {
            assert_eq!(take(route, at, cost), want, "{route} {at} {cost}");
        }
    }
}
