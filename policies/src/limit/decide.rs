//! The decisions: may a request begin, may it use so much, and what has it used.

use kolm_core::{MicroUsd, Timestamp};
use serde::{Deserialize, Serialize};

use super::charge::Charge;
use super::rate::Bucket;
use super::window::{self, Window};
use super::{Kind, Limits};

/// How far an account has used its limits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The bucket of requests.
    pub requests: Bucket,
    /// The bucket of tokens.
    pub tokens: Bucket,
    /// Requests under way.
    pub open: u64,
    /// µUSD held for them.
    pub held: i64,
    /// Money of the day.
    pub day: Window,
    /// Money of the month.
    pub month: Window,
}

/// What a request may use, or has used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Tokens, read and written.
    pub tokens: u64,
    /// Money.
    pub cost: MicroUsd,
}

/// What was taken for a request in advance.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    tokens: u64,
    cost: i64,
}

/// What a request does to its accounts, as whoever keeps a copy of them is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It began.
    Entered,
    /// This was taken for it in advance.
    Held(Held),
    /// This was used in the place of what was held.
    Settled {
        /// What was held.
        held: Held,
        /// What was used.
        used: Use,
    },
    /// It has ended.
    Left,
}

/// A limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub kind: Kind,
    /// What it is: a number, or µUSD.
    pub limit: u64,
    /// What is left of it.
    pub left: u64,
    /// Milliseconds until the same may be asked again.
    pub wait_ms: i64,
    /// Milliseconds until the limit is whole again.
    pub reset_ms: i64,
}

impl Refusal {
    /// The value of `retry-after`: whole seconds, 1 or more.
    pub fn retry_after_s(&self) -> i64 {
        (self.wait_ms.saturating_add(999) / 1_000).max(1)
    }
}

/// One request begins: takes it from the rate, and checks that what is already used leaves room for one that costs.
pub fn enter(limits: &Limits, state: State, now: Timestamp, charge: Charge) -> Result<State, Refusal> {
    if let Some(limit) = limits.concurrent.filter(|limit| state.open >= *limit) {
        let wait_ms = 1_000;
        return Err(Refusal { kind: Kind::Concurrent, limit, left: 0, wait_ms, reset_ms: wait_ms });
    }
    if charge != Charge::Free {
        affordable(limits, &state, now, 0)?;
    }
    if let Some(limit) = limits.tokens_per_minute.filter(|_| charge != Charge::Free) {
        let refused = |wait_ms| rate_refusal(Kind::Tokens, limit, state.tokens, now, wait_ms);
        state.tokens.take(now.0, limit, 1).map_err(refused)?;
    }
    let requests = match limits.requests_per_minute {
        Some(limit) => {
            let refused = |wait_ms| rate_refusal(Kind::Requests, limit, state.requests, now, wait_ms);
            state.requests.take(now.0, limit, 1).map_err(refused)?
        }
        None => state.requests,
    };
    Ok(State { requests, open: state.open + 1, ..state })
}

/// Holds what a request that has begun may use.
pub fn reserve(limits: &Limits, state: State, now: Timestamp, ask: Use) -> Result<(State, Held), Refusal> {
    affordable(limits, &state, now, ask.cost.0)?;
    let mut held = Held { tokens: 0, cost: if limits.has_money() { ask.cost.0.max(0) } else { 0 } };
    let mut next = State { held: state.held.saturating_add(held.cost), ..state };
    if let Some(limit) = limits.tokens_per_minute {
        let refused = |wait_ms| rate_refusal(Kind::Tokens, limit, state.tokens, now, wait_ms);
        held.tokens = ask.tokens.min(limit);
        next.tokens = state.tokens.take(now.0, limit, held.tokens).map_err(refused)?;
    }
    Ok((next, held))
}

/// Puts what was used in the place of what was held.
pub fn settle(limits: &Limits, state: State, now: Timestamp, held: Held, used: Use) -> State {
    let mut next = State { held: (state.held - held.cost).max(0), ..state };
    if let Some(limit) = limits.tokens_per_minute {
        let freed = next.tokens.give_back(limit, held.tokens);
        next.tokens = if used.tokens > 0 { freed.charge(now.0, limit, used.tokens) } else { freed };
    }
    if used.cost.0 > 0 && limits.has_money() {
        next.day = next.day.with(window::day(now), used.cost.0);
        next.month = next.month.with(window::month(now), used.cost.0);
    }
    next
}

/// One request has ended.
#[must_use]
pub fn leave(state: State) -> State {
    State { open: state.open.saturating_sub(1), ..state }
}

/// The state after a step that was decided elsewhere: nothing is refused here any more.
#[must_use]
pub fn follow(limits: &Limits, state: State, now: Timestamp, step: Step) -> State {
    match step {
        Step::Entered => {
            let taken = |limit| state.requests.charge(now.0, limit, 1);
            let requests = limits.requests_per_minute.map_or(state.requests, taken);
            State { requests, open: state.open + 1, ..state }
        }
        Step::Held(held) => {
            let taken = |limit| state.tokens.charge(now.0, limit, held.tokens);
            let tokens = limits.tokens_per_minute.map_or(state.tokens, taken);
            State { tokens, held: state.held.saturating_add(held.cost), ..state }
        }
        Step::Settled { held, used } => settle(limits, state, now, held, used),
        Step::Left => leave(state),
    }
}

/// The state without the requests under way of a copy of it, whose owner is gone: they will never say that they end.
#[must_use]
pub fn forget(state: State, gone: &State) -> State {
    State { open: state.open.saturating_sub(gone.open), held: (state.held - gone.held).max(0), ..state }
}

/// Whether `more` can be spent beside what is spent and held.
fn affordable(limits: &Limits, state: &State, now: Timestamp, more: i64) -> Result<(), Refusal> {
    let windows = [
        (Kind::Day, limits.usd_per_day, state.day.spent_in(window::day(now)), window::day_end(now)),
        (Kind::Month, limits.usd_per_month, state.month.spent_in(window::month(now)), window::month_end(now)),
    ];
    for (kind, limit, spent, end) in windows {
        let Some(MicroUsd(limit)) = limit else { continue };
        let taken = spent.saturating_add(state.held);
        if taken >= limit || taken.saturating_add(more) > limit {
            let reset_ms = end.since(now);
            // What is only held may come free at any moment; what is spent stays spent until the window ends.
            let only_held = spent < limit && spent.saturating_add(more) <= limit;
            let wait_ms = if only_held { 1_000 } else { reset_ms };
            let left = (limit - spent).max(0).unsigned_abs();
            return Err(Refusal { kind, limit: limit.unsigned_abs(), left, wait_ms, reset_ms });
        }
    }
    Ok(())
}

fn rate_refusal(kind: Kind, limit: u64, bucket: Bucket, now: Timestamp, wait_ms: i64) -> Refusal {
    let (left, reset_ms) = (bucket.left(now.0, limit), bucket.full_in_ms(now.0));
    Refusal { kind, limit, left, wait_ms, reset_ms }
}
