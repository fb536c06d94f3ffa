//! What teacher calls of our own may cost a route in a UTC day.
//!
//! **Invariant:** the sum of what was taken in a day never passes the limit it was asked with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kolm_core::{MicroUsd, RouteName, Timestamp};

const DAY_MS: i64 = 86_400_000;

/// Day and sum by route.
#[derive(Default)]
pub(super) struct Purse {
    spent: Mutex<HashMap<RouteName, (i64, i64)>>,
}

impl Purse {
    /// Takes `cost` if the day's `limit` allows it.
    pub(super) fn take(&self, route: &RouteName, at: Timestamp, cost: MicroUsd, limit: MicroUsd) -> bool {
        let today = at.0.div_euclid(DAY_MS);
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let (day, sum) = spent.entry(route.clone()).or_default();
        if *day != today {
            (*day, *sum) = (today, 0);
        }
        let allowed = sum.saturating_add(cost.0) <= limit.0;
        if allowed {
            *sum += cost.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_costs_nothing_and_a_new_day_and_another_route_begin_at_zero() {
        let purse = Purse::default();
        let (one, other): (RouteName, RouteName) = ("one".parse().unwrap(), "other".parse().unwrap());
        let take = |route, at, cost| purse.take(route, Timestamp(at), MicroUsd(cost), MicroUsd(100));
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
