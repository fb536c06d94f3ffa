//! Calendar windows in UTC: which day and month a moment is in, and when they end.

use kolm_core::{Timestamp, civil_of, days_of};
use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 86_400_000;

/// Money spent in one window, in µUSD.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The window's number.
    pub no: i64,
    /// What was spent in it.
    pub spent: i64,
}

impl Window {
    /// What was spent in window `no`: nothing, if this is an older one.
    pub fn spent_in(self, no: i64) -> i64 {
        if self.no == no { self.spent } else { 0 }
    }

    /// The same with `cost` more, in window `no`; what comes late for an earlier window counts in the present one.
    #[must_use]
    pub fn with(self, no: i64, cost: i64) -> Self {
        let no = no.max(self.no);
        Self { no, spent: self.spent_in(no).saturating_add(cost) }
    }
}

/// Days since 1970-01-01.
pub fn day(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// When a moment's day ends.
pub fn day_end(at: Timestamp) -> Timestamp {
    Timestamp((day(at) + 1) * DAY_MS)
}

/// Months since year 0: twelve times the year, plus the month from 0.
pub fn month(at: Timestamp) -> i64 {
    let (year, month, _) = civil_of(day(at));
    year * 12 + i64::from(month) - 1
}

/// When a moment's month ends.
pub fn month_end(at: Timestamp) -> Timestamp {
    month_start(month(at) + 1)
}

/// When a month begins.
pub fn month_start(month: i64) -> Timestamp {
    let days = days_of(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1);
    Timestamp(days * DAY_MS)
}
