//! Chance with a seed, and what is read off many runs.
//!
//! **Invariant:** a run's chance depends on the seed and its number alone, never on which thread it ran on.

use kolm_core::Ppm;

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The chance of run `number` of the experiment `name`.
    pub(crate) fn of(seed: u64, name: &str, number: usize) -> Self {
        let mut out = Self(seed ^ 0x6b6f_6c6d);
        for part in name.bytes().map(u64::from).chain([number as u64]) {
            out.0 ^= part;
            out.0 = out.next();
        }
        out
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True in so many of a million draws.
    pub(crate) fn hits(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// 1 in so many of a million draws, else 0.
    pub(crate) fn coin(&mut self, ppm: u32) -> Ppm {
        if self.hits(ppm) { Ppm::ONE } else { Ppm(0) }
    }
}

/// Every run, on as many threads as the machine has cores, in the order of their numbers.
pub(crate) fn runs<T: Send>(runs: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut out: Vec<(usize, T)> = std::thread::scope(|scope| {
        let run = &run;
        let part = |at: usize| move || (at..runs).step_by(threads).map(|n| (n, run(n))).collect::<Vec<_>>();
        let parts: Vec<_> = (0..threads).map(|at| scope.spawn(part(at))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    });
    out.sort_by_key(|(number, _)| *number);
    out.into_iter().map(|(_, result)| result).collect()
}

/// What a number of runs came to: how many ended so, and the median and 90th percentile of when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ends {
    pub(crate) runs: usize,
    pub(crate) ended: usize,
    pub(crate) median: u64,
    pub(crate) p90: u64,
}

impl Ends {
    /// Of `runs` runs these ended, each at its number.
    pub(crate) fn of(runs: usize, ends: impl Iterator<Item = u64>) -> Self {
        let mut ends: Vec<u64> = ends.collect();
        ends.sort_unstable();
        let quantile = |percent: usize| match ends.len() {
            0 => 0,
            n => ends.get((n - 1) * percent / 100).copied().unwrap_or(0),
        };
        Self { runs, ended: ends.len(), median: quantile(50), p90: quantile(90) }
    }

    /// Share of the runs that ended, in percent.
    pub(crate) fn percent(&self) -> f64 {
        100.0 * self.ended as f64 / self.runs.max(1) as f64
    }

    /// "100 %, 254, 461".
    pub(crate) fn told(&self) -> String {
        match self.ended {
            0 => "0 %".to_owned(),
            _ => format!("{}, {}, {}", percent(self.percent()), self.median, self.p90),
        }
    }
}

/// A percentage with two digits of it that say something.
pub(crate) fn percent(share: f64) -> String {
    match share {
        share if share == 0.0 || share >= 99.95 => format!("{share:.0} %"),
        share if share < 0.1 => format!("{share:.2} %"),
        share => format!("{share:.1} %"),
    }
}
