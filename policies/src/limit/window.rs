//! Calendar windows in UTC: which day and month a moment is in, and when they end.

use kolm_core::Timestamp;
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
    // H. Hinnant's `civil_from_days`; the year begins in March there.
    let shifted = day(at) + 719_468;
    let era = shifted.div_euclid(146_097);
    let doe = shifted.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let from_march = (5 * doy + 2) / 153;
    (yoe + era * 400) * 12 + from_march + 2
}

/// When a moment's month ends.
pub fn month_end(at: Timestamp) -> Timestamp {
    month_start(month(at) + 1)
}

/// When a month begins.
pub fn month_start(month: i64) -> Timestamp {
    let (year, from_january) = (month.div_euclid(12), month.rem_euclid(12));
    let (y, m) = if from_january < 2 { (year - 1, from_january + 10) } else { (year, from_january - 2) };
    let yoe = y.rem_euclid(400);
    let days = y.div_euclid(400) * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 - 719_468;
    Timestamp(days * DAY_MS)
}
