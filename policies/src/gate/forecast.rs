//! How much more of the same it takes until a bound reaches its bar: an estimate for people, from a row alone.
//!
//! **Invariant:** the bounds are those of the gate; nothing here decides anything.

use kolm_core::{AXIS_WEIGHTS, Axis, Basis, Bounds, KScore, Moments, Ppm};

use super::bounds::{Histogram, Split, exceeds, lcb, ucb};

const ONE: u64 = 1_000_000;
/// What takes more units than this is not to be waited for.
const MOST: u64 = 1 << 20;

/// How far a bound is from its bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ahead {
    /// The bar is reached.
    Reached,
    /// About so many units more, if they are as the present ones.
    Units(u64),
    /// Not at the present mean, or not within a million units.
    Never,
}

/// What is ahead of A, V, the shares within the budgets and K, in this order; a quantity without evidence
/// has none.
pub fn forecast(k: &KScore, basis: &Basis, alpha_ppb: u64) -> Vec<(&'static str, Ahead)> {
    let (split, bars) = (Split::of(alpha_ppb), &basis.bars);
    let plain = |units: Moments, need: Ppm, alpha: u64, bounds: Bounds| {
        ahead(bounds, need, units.n, |n| exceeds(&like(&units, n), need, alpha))
    };
    let mut out = Vec::new();
    if let Some(bounds) = k.a {
        let holds = |n| a_after(basis, n, split.agreement) >= u64::from(bars.a.0);
        out.push(("A", ahead(bounds, bars.a, basis.a.n, holds)));
    }
    if let Some(bounds) = k.v {
        out.push(("V", plain(basis.v, bars.v, split.coverage, bounds)));
    }
    for (name, within) in [("lat", basis.latency), ("ttft", basis.ttft)] {
        if let Some(within) = within {
            out.push((name, plain(within.units, bars.latency, split.latency, within.share)));
        }
    }
    if let Some(bounds) = k.k {
        let holds = |n| k_after(k, basis, n, &split) >= u64::from(bars.gate.0);
        out.push(("K", ahead(bounds, bars.gate, basis.a.n.max(basis.v.n), holds)));
    }
    out
}

/// A after so many units: the double primaries grow in proportion.
fn a_after(basis: &Basis, n: u64, alpha_ppb: u64) -> u64 {
    let doubles = basis.b.n * n / basis.a.n.max(1);
    let low = lcb(&like(&basis.a, n), alpha_ppb);
    let high = ucb(&like(&basis.b, doubles), alpha_ppb);
    (u64::from(low.0) * ONE / u64::from(high.0.max(1))).min(ONE)
}

/// K after so many units, if only A and V gain from them.
fn k_after(k: &KScore, basis: &Basis, n: u64, split: &Split) -> u64 {
    let sum: u64 = AXIS_WEIGHTS
        .iter()
        .map(|(axis, weight)| {
            let have = k.axis(*axis).map_or(0, |bounds| u64::from(bounds.lcb.0));
            let then = match axis {
                Axis::A => a_after(basis, n, split.agreement),
                Axis::V => u64::from(lcb(&like(&basis.v, n), split.coverage).0),
                Axis::S | Axis::L | Axis::C => have,
            };
            u64::from(*weight) * have.max(then)
        })
        .sum();
    sum / 100
}

/// The fewest units more that make it hold, by doubling and bisection.
fn ahead(bounds: Bounds, need: Ppm, n: u64, holds: impl Fn(u64) -> bool) -> Ahead {
    if bounds.lcb >= need {
        return Ahead::Reached;
    }
    let mut above = 1;
    while !holds(n + above) {
        above *= 2;
        if above > MOST {
            return Ahead::Never;
        }
    }
    let mut below = above / 2;
    while above - below > 1 {
        let middle = below.midpoint(above);
        if holds(n + middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    Ahead::Units(above)
}

/// `n` values of this mean and variance: some at 1, the others alike.
fn like(moments: &Moments, n: u64) -> Histogram {
    let mut out = Histogram::default();
    let (mean, var) = (u64::from(moments.mean.0), u64::from(moments.var.0));
    let short = ONE.saturating_sub(mean);
    // A share p at 1 and the rest at y: var / (1 - mean)^2 = p / (1 - p).
    let odds = (u128::from(var) * u128::from(ONE), u128::from(short) * u128::from(short));
    let whole = odds.0 + odds.1;
    let at_one = (u128::from(n) * odds.0).checked_div(whole).map_or(n, |ones| ones as u64);
    let rest = n - at_one;
    out.add_many(Ppm::ONE, at_one);
    if let Some(value) = (mean * n).saturating_sub(at_one * ONE).checked_div(rest) {
        out.add_many(Ppm(value as u32), rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GatePolicy;

    fn coin(n: u64, mean: u32) -> Moments {
        let m = u64::from(mean);
        Moments { n, mean: Ppm(mean), var: Ppm((m * (ONE - m)).div_ceil(ONE) as u32) }
    }

    fn bounds(v: u32, low: u32) -> Bounds {
        Bounds { v: Ppm(v), lcb: Ppm(low), ucb: Ppm::ONE }
    }

    #[test]
    fn values_of_a_mean_and_a_variance() {
        for moments in [coin(1_000, 950_000), Moments { n: 1_000, mean: Ppm(700_000), var: Ppm(40_000) }] {
            let again = like(&moments, 1_000).moments();
            assert!(again.mean.0.abs_diff(moments.mean.0) <= 1, "{again:?}");
            assert!(again.var.0.abs_diff(moments.var.0) <= 600, "{again:?}");
        }
        assert_eq!(like(&coin(10, 1_000_000), 7).moments().mean, Ppm::ONE);
        assert_eq!(like(&Moments { n: 4, mean: Ppm(300_000), var: Ppm(0) }, 8).moments().mean, Ppm(300_000));
    }

    #[test]
    fn what_is_ahead_is_what_the_bound_then_says() {
        let split = Split::of(30_396_355);
        let basis = Basis {
            bars: GatePolicy::default().bars(),
            a: coin(312, 920_000),
            b: coin(60, 970_000),
            v: coin(330, 780_000),
            ..Basis::default()
        };
        let k = KScore {
            a: Some(bounds(948_000, 880_000)),
            s: Some(bounds(870_000, 870_000)),
            l: Some(bounds(1_000_000, 1_000_000)),
            c: Some(bounds(1_000_000, 1_000_000)),
            v: Some(bounds(780_000, 700_000)),
            k: Some(bounds(927_000, 887_000)),
        };
        let told = forecast(&k, &basis, 30_396_355);
        assert_eq!((told[1], told[2]), (("V", Ahead::Never), ("K", Ahead::Reached)));
        let ("A", Ahead::Units(more)) = told[0] else { panic!("{told:?}") };
        assert!(a_after(&basis, 312 + more, split.agreement) >= 900_000, "{more}");
        assert!(a_after(&basis, 312 + more - 1, split.agreement) < 900_000, "{more}");
    }

    #[test]
    fn nothing_is_said_of_what_was_never_seen() {
        assert_eq!(forecast(&KScore::default(), &Basis::default(), 1), Vec::new());
    }
}
