//! Latencies in bins of 5 %: bounds on a p95 and on the share within a budget.
//!
//! **Invariant:** a latency is never taken for less than it was: its bin is the least edge not below it.

use std::collections::BTreeMap;

use kolm_core::Ppm;

use super::bounds::{Histogram, exceeds};

/// Number of edges.
const BINS: usize = 301;
/// Edges `round(1000 * 1.05^k)` microseconds, `k = 0..=300`: 1 ms to 2,274 s.
const EDGES: [u64; BINS] = {
    let mut edges = [0; BINS];
    let mut edge = 1000.0;
    let mut k = 0;
    while k < BINS {
        edges[k] = (edge + 0.5) as u64;
        edge *= 1.05;
        k += 1;
    }
    edges
};

/// The bin of a latency; `BINS` for one above the last edge.
pub(crate) fn bin_of(us: u64) -> u16 {
    EDGES.partition_point(|edge| *edge < us) as u16
}

/// The bin whose edge is the greatest not above `us`; `None` below the first edge.
pub(crate) fn bin_below(us: u64) -> Option<u16> {
    EDGES.partition_point(|edge| *edge <= us).checked_sub(1).map(|bin| bin as u16)
}

fn edge(bin: usize) -> u64 {
    EDGES.get(bin).copied().unwrap_or(u64::MAX)
}

/// The least edge that at least 95 % of `bins` do not exceed; `None` without bins.
pub(crate) fn p95_of(bins: &[u16]) -> Option<u64> {
    let mut sorted = bins.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * 95).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).map(|bin| edge(usize::from(*bin)))
}

/// A p95 with its bounds in microseconds; `u64::MAX` stands for "no bound".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct P95 {
    pub(crate) value: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// The latency bins of many units: equal units are kept once with their count.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tail {
    units: BTreeMap<Box<[u16]>, u64>,
    n: u64,
}

impl Tail {
    /// Adds a unit by the bins of its requests.
    pub(crate) fn add(&mut self, mut bins: Vec<u16>) {
        if !bins.is_empty() {
            bins.sort_unstable();
            *self.units.entry(bins.into_boxed_slice()).or_default() += 1;
            self.n += 1;
        }
    }

    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// Unit values "share of requests not above the edge of `bin`".
    pub(crate) fn within(&self, bin: u16) -> Histogram {
        self.shares(|bins| bins.partition_point(|b| *b <= bin))
    }

    /// Unit values "share of requests above the edge of `bin`".
    fn beyond(&self, bin: u16) -> Histogram {
        self.shares(|bins| bins.len() - bins.partition_point(|b| *b <= bin))
    }

    fn shares(&self, count: impl Fn(&[u16]) -> usize) -> Histogram {
        let mut out = Histogram::default();
        for (bins, times) in &self.units {
            out.add_many(Ppm((count(bins) * 1_000_000 / bins.len()) as u32), *times);
        }
        out
    }

    /// The p95 over unit means and its bounds at `alpha_ppb`; no union over bins is needed, both bounds
    /// are monotone in the edge.
    pub(crate) fn p95(&self, alpha_ppb: u64) -> P95 {
        let value = first(&|bin| self.holds(bin, Ppm(950_000)));
        // LCB(share) >= 950,000.
        let high = first(&|bin| exceeds(&self.within(bin), Ppm(950_000), alpha_ppb));
        // UCB(share) < 950,000, that is LCB(1 - share) >= 51,000 on the grid.
        let low = first(&|bin| !exceeds(&self.beyond(bin), Ppm(51_000), alpha_ppb));
        P95 { value: edge(value), low: low.checked_sub(1).map_or(0, edge), high: edge(high) }
    }

    /// The median over unit means; `None` without evidence.
    pub(crate) fn p50(&self) -> Option<u64> {
        (self.n > 0).then(|| edge(first(&|bin| self.holds(bin, Ppm(500_000)))))
    }

    /// Whether at least `share` of the requests is not above the edge of `bin`.
    fn holds(&self, bin: u16, share: Ppm) -> bool {
        self.within(bin).mean().is_some_and(|mean| mean >= share)
    }
}

/// The first bin of which it holds; it holds of all above it.
fn first(holds: &dyn Fn(u16) -> bool) -> usize {
    let (mut below, mut above) = (0, BINS as u16);
    while below < above {
        let middle = below.midpoint(above);
        if holds(middle) {
            above = middle;
        } else {
            below = middle + 1;
        }
    }
    usize::from(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_grow_by_a_twentieth() {
        assert_eq!((EDGES[0], EDGES[1], EDGES[2], EDGES[14]), (1_000, 1_050, 1_103, 1_980));
        for (k, edge) in EDGES.iter().enumerate() {
            let exact = 1000.0 * 1.05f64.powi(k as i32);
            assert!((exact - *edge as f64).abs() <= 0.501, "{k}: {exact} is not {edge}");
        }
    }

    #[test]
    fn a_latency_is_never_taken_for_less() {
        for (us, up, down) in [
            (0, 0, None),
            (999, 0, None),
            (1_000, 0, Some(0)),
            (1_001, 1, Some(0)),
            (1_050, 1, Some(1)),
            (u64::MAX, 301, Some(300)),
        ] {
            assert_eq!((bin_of(us), bin_below(us)), (up, down), "{us}");
        }
    }

    #[test]
    fn p95_of_a_list() {
        let bins: Vec<u16> = (0..100).collect();
        assert_eq!(p95_of(&bins), Some(EDGES[94]));
        assert_eq!(p95_of(&[]), None);
        assert_eq!(p95_of(&[7]), Some(EDGES[7]));
    }

    #[test]
    fn bounds_enclose_the_p95_and_tighten() {
        let mut tail = Tail::default();
        let width = |tail: &Tail| {
            let p95 = tail.p95(1_266_514);
            assert!(p95.low <= p95.value && p95.value <= p95.high, "{p95:?}");
            p95.high as f64 / p95.low.max(1) as f64
        };
        let mut widths = Vec::new();
        for i in 0..8_000u64 {
            // Latencies spread evenly over 100 bins: the p95 is the edge of bin 94.
            tail.add(vec![(i * 37 % 100) as u16]);
            if [500, 2_000, 7_999].contains(&i) {
                widths.push(width(&tail));
            }
        }
        assert!(widths[0] > widths[1] && widths[1] > widths[2], "{widths:?}");
        assert_eq!((tail.p95(1).value, tail.p50()), (EDGES[94], Some(EDGES[49])));
        let none = Tail::default().p95(50_000_000);
        assert_eq!((none.low, none.high, Tail::default().p50()), (0, u64::MAX, None));
    }
}
