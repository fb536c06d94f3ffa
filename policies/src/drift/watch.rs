//! Live traffic against a profile, in epochs: a change after a long quiet time is not drowned by what was before.
//!
//! **Invariant:** all looks at all questions in all epochs together are wrong with probability `ALPHA` at most, if units come
//! independently from what the snapshot was drawn from.

use kolm_core::Ppm;

use super::features::{QUESTIONS, Sight, about};
use super::{Finding, Profile, What};
use crate::gate::bounds::{Histogram, alpha_of, lcb, ucb};

/// False alarms, ever, in parts per billion: one in a hundred.
const ALPHA_PPB: u64 = 10_000_000;
/// Units of an epoch; the next begins with nothing, and with the alpha of the next attempt.
const EPOCH: u64 = 2_000;

/// Traffic since the training.
#[derive(Debug)]
pub struct Watch {
    profile: Profile,
    /// Bounds of each share in the snapshot.
    was: Vec<(Ppm, Ppm)>,
    epoch: u32,
    n: u64,
    yes: Vec<u64>,
    /// Stays once made.
    finding: Option<Finding>,
}

impl Watch {
    /// A watch by the profile of the student's snapshot; `None` if it was made by other questions.
    pub fn new(profile: Profile) -> Option<Self> {
        if !profile.readable() {
            return None;
        }
        let alpha = share_of(ALPHA_PPB / 2);
        let was = profile.yes.iter().map(|yes| interval(profile.n, *yes, alpha)).collect();
        Some(Self { profile, was, epoch: 1, n: 0, yes: vec![0; QUESTIONS], finding: None })
    }

    /// Takes one unit.
    pub fn observe(&mut self, sight: &Sight<'_>) {
        if self.n == EPOCH {
            self.epoch = self.epoch.saturating_add(1);
            self.n = 0;
            self.yes.fill(0);
        }
        self.n += 1;
        for question in self.profile.questions(sight) {
            self.yes[question] += 1;
        }
    }

    /// What has drifted, if anything: of the questions that lie apart the one that moved furthest.
    pub fn look(&mut self) -> Option<Finding> {
        if self.finding.is_none() {
            self.finding =
                (0..QUESTIONS).filter_map(|at| self.apart(at)).max_by_key(|f| f.was.0.abs_diff(f.is.0));
        }
        self.finding
    }

    fn apart(&self, question: usize) -> Option<Finding> {
        let what = about(question);
        let share = |yes: u64, n: u64| Ppm((yes * 1_000_000).checked_div(n).unwrap_or(0) as u32);
        let (was, is) =
            (share(self.profile.yes[question], self.profile.n), share(self.yes[question], self.n));
        // Shares that lie together need no bounds.
        if was.0.abs_diff(is.0) <= margin(what) {
            return None;
        }
        let alpha = share_of(alpha_of(ALPHA_PPB / 2, self.epoch));
        let ((was_low, was_high), (low, high)) =
            (self.was[question], interval(self.n, self.yes[question], alpha));
        let apart = low.0 > was_high.0 + margin(what) || high.0 + margin(what) < was_low.0;
        apart.then_some(Finding { what, was, is, units: self.n })
    }
}

/// What the intervals must lie apart by, in ppm: less is no reason to train again.
fn margin(what: What) -> u32 {
    match what {
        What::Template | What::Length | What::Words => 50_000,
        What::Label | What::Model => 10_000,
        // One name of a backend among several comes and goes.
        What::Backend => 500_000,
    }
}

/// The part of alpha that one side of one question's interval has.
fn share_of(alpha_ppb: u64) -> u64 {
    alpha_ppb / (2 * QUESTIONS as u64)
}

fn interval(n: u64, yes: u64, alpha_ppb: u64) -> (Ppm, Ppm) {
    let mut values = Histogram::default();
    values.add_many(Ppm::ONE, yes);
    values.add_many(Ppm(0), n - yes);
    (lcb(&values, alpha_ppb), ucb(&values, alpha_ppb))
}
