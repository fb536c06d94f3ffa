//! Simulated targets of the design, in the size of CI: 400 runs, fixed seeds, within a quarter.

use kolm_core::Ppm;

use super::bounds::{Histogram, exceeds};
use super::detect::Detector;

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn coin(&mut self, ppm: u32) -> Ppm {
        if self.next() % 1_000_000 < u64::from(ppm) { Ppm::ONE } else { Ppm(0) }
    }
}

const RUNS: usize = 400;

fn quantile(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn near(got: u64, want: u64) -> bool {
    got * 4 >= want * 3 && got * 4 <= want * 5
}

/// Values needed for "the mean is above the floor", looking after every one from 200 on; sorted.
fn promoted(floor: u32, mean: u32) -> Vec<u64> {
    let mut random = Random(u64::from(floor) << 32 | u64::from(mean));
    let mut out: Vec<u64> = (0..RUNS)
        .filter_map(|_| {
            let mut values = Histogram::default();
            (1..=8_000u64).find(|n| {
                values.add(random.coin(mean));
                *n >= 200 && exceeds(&values, Ppm(floor), 50_000_000)
            })
        })
        .collect();
    out.sort_unstable();
    out
}

#[test]
fn a_better_student_is_promoted_in_the_time_of_the_design() {
    for (floor, mean, median, p90) in
        [(900_000, 950_000, 254, 461), (900_000, 930_000, 648, 1_393), (950_000, 980_000, 333, 623)]
    {
        let needed = promoted(floor, mean);
        assert_eq!(needed.len(), RUNS, "{floor} {mean}");
        let got = (quantile(&needed, 50), quantile(&needed, 90));
        assert!(near(got.0, median) && near(got.1, p90), "{floor} {mean}: {got:?}");
    }
}

#[test]
fn one_at_the_floor_is_promoted_in_at_most_alpha_of_the_runs() {
    let lucky = promoted(900_000, 900_000).len();
    assert!(lucky * 100 <= 5 * RUNS, "{lucky} of {RUNS}");
}

/// Units until an alarm at the floor 0.90; sorted.
fn alarms(mean: u32, runs: usize, cap: u64) -> Vec<u64> {
    let mut random = Random(u64::from(mean));
    let mut out: Vec<u64> = (0..runs)
        .filter_map(|_| {
            let mut detector = Detector::new(Ppm(900_000), 10_000);
            (1..=cap).find(|_| {
                detector.observe(random.coin(mean));
                detector.alarmed()
            })
        })
        .collect();
    out.sort_unstable();
    out
}

#[test]
fn a_drop_is_found_in_the_time_of_the_design() {
    for (mean, median, p90) in
        [(850_000, 594, 1_352), (800_000, 197, 324), (700_000, 87, 122), (500_000, 38, 51)]
    {
        let found = alarms(mean, RUNS, 100_000);
        let got = (quantile(&found, 50), quantile(&found, 90));
        assert!(found.len() == RUNS && near(got.0, median) && near(got.1, p90), "{mean}: {got:?}");
    }
    assert!(alarms(950_000, 200, 2_000).is_empty(), "an alarm on a healthy student");
}
