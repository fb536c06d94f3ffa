//! The bound engine: a betting e-process (Waudby-Smith and Ramdas, arXiv 2010.09686) over a histogram.
//!
//! **Invariant:** a bound depends on the multiset of values alone, and is computed with `f64` `+ - * /`
//! and powers of two only, so every CPU gets the same bits whatever the order of the rows.

use std::collections::BTreeMap;

use kolm_core::{Moments, Ppm};

/// The eight fixed bets of the mixture; against the mean `m` each stakes `c / m`.
const BETS: [f64; 8] = [0.75, 0.45, 0.27, 0.16, 0.095, 0.057, 0.034, 0.02];
/// Grid of the bounds: 1,000 ppm.
const GRID: u32 = 1_000;
const ONE: u32 = Ppm::ONE.0;

/// How often each value in ppm was seen.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: BTreeMap<u32, u64>,
    n: u64,
    sum: u64,
    squares: u128,
}

impl Histogram {
    /// Adds one value.
    pub fn add(&mut self, value: Ppm) {
        self.add_many(value, 1);
    }

    /// Adds the same value `times` times.
    pub fn add_many(&mut self, value: Ppm, times: u64) {
        let value = value.0.min(ONE);
        if times > 0 {
            *self.counts.entry(value).or_default() += times;
            self.n += times;
            self.sum += u64::from(value) * times;
            self.squares += u128::from(value).pow(2) * u128::from(times);
        }
    }

    /// Number of values.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The plain mean, rounded down; `None` without values.
    pub fn mean(&self) -> Option<Ppm> {
        self.sum.checked_div(self.n).map(|mean| Ppm(mean as u32))
    }

    /// Number, mean and variance.
    pub fn moments(&self) -> Moments {
        let Some(mean) = self.mean() else { return Moments::default() };
        let whole = u128::from(self.sum).pow(2).div_ceil(u128::from(self.n));
        let var = self.squares.saturating_sub(whole).div_ceil(u128::from(self.n) * u128::from(ONE));
        Moments { n: self.n, mean, var: Ppm(var as u32) }
    }

    /// The histogram of `1 - x`.
    pub fn complement(&self) -> Self {
        let mut out = Self::default();
        for (value, count) in &self.counts {
            out.add_many(Ppm(ONE - value), *count);
        }
        out
    }
}

/// A positive number as mantissa in [1, 2) and power of two: products of thousands of factors neither
/// overflow nor vanish.
#[derive(Clone, Copy)]
struct Scaled {
    mantissa: f64,
    exponent: i64,
}

impl Scaled {
    const UNIT: Self = Self { mantissa: 1.0, exponent: 0 };

    /// `x` must be positive and normal, which every factor here is (0.25 ..= 751).
    fn of(x: f64) -> Self {
        let bits = x.to_bits();
        Self {
            mantissa: f64::from_bits((bits & !(0x7ff << 52)) | (1023 << 52)),
            exponent: ((bits >> 52) & 0x7ff) as i64 - 1023,
        }
    }

    fn times(self, other: Self) -> Self {
        let product = Self::of(self.mantissa * other.mantissa);
        Self { mantissa: product.mantissa, exponent: self.exponent + other.exponent + product.exponent }
    }

    fn power(self, mut n: u64) -> Self {
        let (mut base, mut out) = (self, Self::UNIT);
        while n > 0 {
            if n & 1 == 1 {
                out = out.times(base);
            }
            base = base.times(base);
            n >>= 1;
        }
        out
    }

    fn value(self) -> f64 {
        match self.exponent {
            1_000.. => f64::INFINITY,
            -1_000..1_000 => self.mantissa * f64::from_bits(((self.exponent + 1023) as u64) << 52),
            ..-1_000 => 0.0,
        }
    }
}

/// The wealth `W(m)` against the claim "the mean is at most `m`"; `m` must be above 0.
pub fn wealth(values: &Histogram, m: Ppm) -> f64 {
    let m = f64::from(m.0.max(1));
    let mut sum = 0.0;
    for bet in BETS {
        let product = values.counts.iter().fold(Scaled::UNIT, |product, (value, count)| {
            product.times(Scaled::of(1.0 + bet * (f64::from(*value) / m - 1.0)).power(*count))
        });
        sum += product.value();
    }
    sum / 8.0
}

/// Whether the claim "the mean is at most `m`" is refuted at `alpha_ppb`.
pub fn exceeds(values: &Histogram, m: Ppm, alpha_ppb: u64) -> bool {
    alpha_ppb > 0 && wealth(values, m) >= 1e9 / alpha_ppb as f64
}

/// The greatest mean on the grid that is refuted, 0 if none is.
pub fn lcb(values: &Histogram, alpha_ppb: u64) -> Ppm {
    // `below` is refuted (or 0), `above` is not.
    let (mut below, mut above) = (0, ONE / GRID + 1);
    while above - below > 1 {
        let middle = below.midpoint(above);
        if exceeds(values, Ppm(middle * GRID), alpha_ppb) {
            below = middle;
        } else {
            above = middle;
        }
    }
    Ppm(below * GRID)
}

/// `1 - lcb(1 - x)`.
pub fn ucb(values: &Histogram, alpha_ppb: u64) -> Ppm {
    Ppm(ONE - lcb(&values.complement(), alpha_ppb).0)
}

/// The alpha of attempt `k`: `6 / (pi k)^2` of the whole, so that all attempts together spend at most the
/// whole and retrying until it passes does not work.
pub fn alpha_of(alpha_ppb: u64, attempt: u32) -> u64 {
    let k = u128::from(attempt.max(1));
    (u128::from(alpha_ppb) * 607_927_101 / (k * k * 1_000_000_000)) as u64
}

/// How one attempt's alpha is divided among its streams; the shares sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// For `a` and for `b`: 1/4 each.
    pub agreement: u64,
    /// For `v`: 1/6.
    pub coverage: u64,
    /// For each of the two cost streams: 1/12.
    pub cost: u64,
    /// For each of the two p95 and the two shares within a budget: 1/24.
    pub latency: u64,
}

impl Split {
    /// Divides `alpha_ppb`, rounding down.
    pub fn of(alpha_ppb: u64) -> Self {
        Self {
            agreement: alpha_ppb / 4,
            coverage: alpha_ppb / 6,
            cost: alpha_ppb / 12,
            latency: alpha_ppb / 24,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[(u32, u64)]) -> Histogram {
        let mut out = Histogram::default();
        for (value, count) in values {
            out.add_many(Ppm(*value), *count);
        }
        out
    }

    fn coin(n: u64, successes: u64) -> Histogram {
        histogram(&[(0, n - successes), (ONE, successes)])
    }

    #[test]
    fn vectors_of_the_design() {
        for (n, successes, alpha, low, high) in [
            (200, 190, 50_000_000, 887_000, 984_000),
            (200, 200, 50_000_000, 968_000, 1_000_000),
            (1000, 930, 50_000_000, 903_000, 953_000),
            (1000, 950, 7_599_088, 920_000, 972_000),
        ] {
            let values = coin(n, successes);
            assert_eq!((lcb(&values, alpha).0, ucb(&values, alpha).0), (low, high), "{n}/{successes}");
        }
        let mixed = histogram(&[(0, 10), (500_000, 40), (ONE, 450)]);
        assert_eq!((lcb(&mixed, 50_000_000).0, ucb(&mixed, 50_000_000).0), (909_000, 962_000));
        assert_eq!(format!("{:.2}", wealth(&coin(400, 380), Ppm(900_000))), "114.56");
    }

    #[test]
    fn moments_of_a_coin_and_of_a_constant() {
        let of = |values: &Histogram| (values.moments().n, values.moments().mean.0, values.moments().var.0);
        assert_eq!(of(&coin(200, 190)), (200, 950_000, 47_500));
        assert_eq!(of(&histogram(&[(700_000, 9)])), (9, 700_000, 0));
        assert_eq!(of(&Histogram::default()), (0, 0, 0));
    }

    #[test]
    fn alpha_shrinks_with_the_attempts() {
        let got: Vec<u64> = [1, 2, 3, 10].iter().map(|k| alpha_of(50_000_000, *k)).collect();
        assert_eq!(got, [30_396_355, 7_599_088, 3_377_372, 303_963]);
        assert!((1..=10_000).map(|k| alpha_of(50_000_000, k)).sum::<u64>() <= 50_000_000);
        let split = Split::of(24_000_000);
        assert_eq!(2 * split.agreement + split.coverage + 2 * split.cost + 4 * split.latency, 24_000_000);
    }

    #[test]
    fn no_value_and_no_alpha_bound_nothing() {
        let none = Histogram::default();
        assert_eq!((lcb(&none, 50_000_000), ucb(&none, 50_000_000)), (Ppm(0), Ppm::ONE));
        assert_eq!(lcb(&coin(1000, 1000), 0), Ppm(0));
        assert!(wealth(&coin(100_000, 100_000), Ppm(1_000)).is_infinite());
    }

    proptest! {
        #[test]
        fn order_does_not_matter(mut values in prop::collection::vec(0u32..=ONE, 1..80), m in 1u32..=1000) {
            let of = |values: &[u32]| {
                let mut out = Histogram::default();
                values.iter().for_each(|v| out.add(Ppm(*v)));
                wealth(&out, Ppm(m * GRID)).to_bits()
            };
            let first = of(&values);
            values.reverse();
            prop_assert_eq!(first, of(&values));
        }

        #[test]
        fn bisection_is_the_greatest_on_the_grid(n in 1u64..300, part in 0u64..=100, alpha in 1_000_000u64..500_000_000) {
            let values = coin(n, n * part / 100);
            let brute = (1..=1000).map(|m| m * GRID).filter(|m| exceeds(&values, Ppm(*m), alpha)).max();
            prop_assert_eq!(lcb(&values, alpha).0, brute.unwrap_or(0));
        }

        #[test]
        fn wealth_falls_in_m_and_rises_in_x(values in prop::collection::vec(0u32..ONE, 1..50), m in 1u32..1000, at in 0usize..50) {
            let of = |values: &[u32], m: u32| {
                let mut out = Histogram::default();
                values.iter().for_each(|v| out.add(Ppm(*v)));
                wealth(&out, Ppm(m * GRID))
            };
            prop_assert!(of(&values, m) * (1.0 + 1e-12) >= of(&values, m + 1));
            let mut better = values.clone();
            let at = at % better.len();
            better[at] += 1;
            prop_assert!(of(&better, m) * (1.0 + 1e-12) >= of(&values, m));
        }
    }
}
