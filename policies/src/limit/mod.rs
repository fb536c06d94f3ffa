//! Budgets: how many requests, tokens and dollars a key or a namespace may use, and when it may again.
//!
//! **Invariant:** pure: state and time come in, state or refusal goes out. A refusal changes nothing, and who waits
//! as long as it says is not refused again for the same reason by its own use.

pub mod charge;
mod decide;
pub mod rate;
pub mod window;

#[cfg(test)]
mod tests;

use kolm_core::MicroUsd;
use serde::{Deserialize, Serialize};

pub use decide::{Held, Refusal, State, Step, Use, enter, follow, forget, leave, reserve, settle};

/// What one account may use; a limit that is absent does not bind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens, read and written, in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Requests at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u64>,
    /// Money in a UTC day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_day: Option<MicroUsd>,
    /// Money in a UTC month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_per_month: Option<MicroUsd>,
}

impl Limits {
    /// Whether nothing binds.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether money binds.
    pub fn has_money(&self) -> bool {
        self.usd_per_day.is_some() || self.usd_per_month.is_some()
    }

    /// Whether the reply has to be read for what it used.
    pub fn counts_use(&self) -> bool {
        self.tokens_per_minute.is_some() || self.has_money()
    }

    /// These limits, and `default`'s where these say nothing.
    pub fn or(self, default: Self) -> Self {
        Self {
            requests_per_minute: self.requests_per_minute.or(default.requests_per_minute),
            tokens_per_minute: self.tokens_per_minute.or(default.tokens_per_minute),
            concurrent: self.concurrent.or(default.concurrent),
            usd_per_day: self.usd_per_day.or(default.usd_per_day),
            usd_per_month: self.usd_per_month.or(default.usd_per_month),
        }
    }
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Requests in a minute.
    Requests,
    /// Tokens in a minute.
    Tokens,
    /// Requests at a time.
    Concurrent,
    /// Money of the day.
    Day,
    /// Money of the month.
    Month,
}

impl Kind {
    /// The name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_minute",
            Self::Tokens => "tokens_per_minute",
            Self::Concurrent => "concurrent",
            Self::Day => "usd_per_day",
            Self::Month => "usd_per_month",
        }
    }
}
