//! Two answerers on the same cases: is one of them right more often?

use crate::dataset::mix;

/// Cases by who was right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paired {
    /// Both.
    pub both: u64,
    /// The first alone.
    pub first: u64,
    /// The second alone.
    pub second: u64,
    /// Neither.
    pub neither: u64,
}

impl Paired {
    /// Counts outcomes `(first is right, second is right)`.
    pub fn of(outcomes: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            *counts.cell(outcome) += 1;
        }
        counts
    }

    fn cell(&mut self, outcome: (bool, bool)) -> &mut u64 {
        match outcome {
            (true, true) => &mut self.both,
            (true, false) => &mut self.first,
            (false, true) => &mut self.second,
            (false, false) => &mut self.neither,
        }
    }

    /// Cases.
    pub fn n(&self) -> u64 {
        self.both + self.first + self.second + self.neither
    }

    /// Accuracy of the first less that of the second, in [-1, 1].
    pub fn difference(&self) -> f64 {
        (self.first as f64 - self.second as f64) / self.n().max(1) as f64
    }

    /// Two-sided p of the exact McNemar test (Psychometrika 12, 1947): how likely so lopsided a split of the cases on
    /// which they differ is, if both are right equally often. In (0, 1].
    pub fn mcnemar(&self) -> f64 {
        let (few, n) = (self.first.min(self.second), self.first + self.second);
        // ln of C(n, i) / 2^n, from i to i + 1 by the ratio (n - i) / (i + 1).
        let mut ln = -(n as f64) * std::f64::consts::LN_2;
        let mut tail = 0.0;
        for i in 0..=few {
            tail += ln.exp();
            ln += ((n - i) as f64).ln() - ((i + 1) as f64).ln();
        }
        (2.0 * tail).min(1.0)
    }

    /// 95 % interval of the difference: percentiles of 2,000 resamples of the cases (Efron 1979), the same for a seed.
    pub fn bootstrap(&self, seed: u64) -> (f64, f64) {
        const DRAWS: usize = 2_000;
        let n = self.n();
        if n == 0 {
            return (-1.0, 1.0);
        }
        let mut random = seed;
        let mut draws: Vec<f64> = (0..DRAWS).map(|_| self.resampled(n, &mut random).difference()).collect();
        draws.sort_by(f64::total_cmp);
        (draws[DRAWS / 40], draws[DRAWS - 1 - DRAWS / 40])
    }

    fn resampled(&self, n: u64, random: &mut u64) -> Self {
        let mut drawn = Self::default();
        for _ in 0..n {
            let at = split_mix(random) % n;
            let (right, left) = (at < self.both + self.first, at < self.both);
            let second = at >= self.both + self.first && at < self.both + self.first + self.second;
            *drawn.cell((right, left || second)) += 1;
        }
        drawn
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mix(*state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(both: u64, first: u64, second: u64, neither: u64) -> Paired {
        Paired { both, first, second, neither }
    }

    #[test]
    fn outcomes_are_counted_by_who_was_right() {
        let seen = [(true, true), (true, false), (false, true), (false, false), (true, false)];
        let paired = Paired::of(seen);
        assert_eq!(paired, counts(1, 2, 1, 1));
        assert!((paired.difference() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn mcnemar_is_the_exact_binomial_tail() {
        for (first, second, p) in [
            (0, 0, 1.0),
            (5, 5, 1.0),
            (0, 5, 0.0625),
            (1, 9, 0.021_484_375),
            (9, 1, 0.021_484_375),
            (0, 10, 0.001_953_125),
        ] {
            let got = counts(100, first, second, 3).mcnemar();
            assert!((got - p).abs() < 1e-12, "{first} {second}: {got}");
        }
        let many = counts(0, 3_000, 3_200, 0).mcnemar();
        assert!((0.010..0.013).contains(&many), "{many}");
    }

    #[test]
    fn the_interval_holds_the_difference_and_narrows_with_cases() {
        let few = counts(80, 12, 4, 4).bootstrap(7);
        assert!(few.0 < 0.08 && 0.08 < few.1 && few.0 > -0.05 && few.1 < 0.2, "{few:?}");
        let many = counts(8_000, 1_200, 400, 400).bootstrap(7);
        assert!(many.1 - many.0 < (few.1 - few.0) / 5.0, "{many:?}");
        assert_eq!(counts(80, 12, 4, 4).bootstrap(7), few);
        assert_eq!(Paired::default().bootstrap(7), (-1.0, 1.0));
        assert_eq!(counts(5, 0, 0, 5).bootstrap(1), (0.0, 0.0));
    }
}
