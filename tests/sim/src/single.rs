//! One stream of 0 and 1: how soon the bound engine sees that a mean is above a floor, and how seldom it errs.

use kolm_core::Ppm;
use kolm_policies::gate::Detector;
use kolm_policies::gate::bounds::{Histogram, exceeds};

use crate::chance::{Chance, Ends, percent, runs};
use crate::page::Table;

/// Values looked at, at most.
const CAP: u64 = 8_000;
/// The first look.
const FIRST: u64 = 200;
const ALPHA_PPB: u64 = 50_000_000;

/// A line of the design: floor, true mean, what it says of the mixture and of the plug-in bettor.
pub(crate) struct Line {
    pub(crate) floor: u32,
    pub(crate) mean: u32,
    /// Of the mixture.
    pub(crate) median: Option<u64>,
    pub(crate) mixture: &'static str,
    pub(crate) plug_in: &'static str,
}

/// gate.md 10.
pub(crate) const LINES: [Line; 8] = [
    Line {
        floor: 900_000,
        mean: 880_000,
        median: None,
        mixture: "0.03 % (<= 5 %)",
        plug_in: "0.0 % (<= 5 %)",
    },
    Line {
        floor: 900_000,
        mean: 900_000,
        median: None,
        mixture: "2.4 % (<= 5 %)",
        plug_in: "0.7 % (<= 5 %)",
    },
    Line {
        floor: 900_000,
        mean: 920_000,
        median: Some(1428),
        mixture: "100 %, 1428, 3208",
        plug_in: "97.5 %, 2446, 5487",
    },
    Line {
        floor: 900_000,
        mean: 930_000,
        median: Some(648),
        mixture: "100 %, 648, 1393",
        plug_in: "99.8 %, 1091, 2930",
    },
    Line {
        floor: 900_000,
        mean: 950_000,
        median: Some(254),
        mixture: "100 %, 254, 461",
        plug_in: "100 %, 272, 726",
    },
    Line { floor: 950_000, mean: 950_000, median: None, mixture: "2.3 %", plug_in: "3.3 %" },
    Line {
        floor: 950_000,
        mean: 970_000,
        median: Some(753),
        mixture: "100 %, 753, 1551",
        plug_in: "99 %, 807, 2600",
    },
    Line {
        floor: 950_000,
        mean: 980_000,
        median: Some(333),
        mixture: "100 %, 333, 623",
        plug_in: "100 %, 257, 764",
    },
];

/// When the engine of the gate says that the mean is above the floor, looking after every value.
pub(crate) fn mixture(floor: u32, mean: u32, count: usize, seed: u64) -> Ends {
    let found = runs(count, |number| {
        let mut chance = Chance::of(seed, "mixture", number);
        let mut values = Histogram::default();
        (1..=CAP).find(|n| {
            values.add(chance.coin(mean));
            // Where the mean of the values is not above the floor no bet has won: the engine need not be asked.
            let above = values.mean().is_some_and(|mean| mean.0 >= floor);
            *n >= FIRST && above && exceeds(&values, Ppm(floor), ALPHA_PPB)
        })
    });
    Ends::of(count, found.into_iter().flatten())
}

/// The same for a plug-in bettor, which nothing in kolm uses: it shows that the harness counts as the design did.
pub(crate) fn plug_in(floor: u32, mean: u32, count: usize, seed: u64) -> Ends {
    let m = f64::from(floor) / 1e6;
    let found = runs(count, |number| {
        let mut chance = Chance::of(seed, "plug-in", number);
        let (mut wealth, mut ones) = (1.0, 0.0);
        (1..=CAP).find(|n| {
            let p = (ones + 1.0) / (*n as f64 + 1.0);
            let bet = ((p - m) / (p * (1.0 - p)).max(1e-9)).clamp(0.0, 0.75 / m);
            let x = chance.coin(mean).share();
            ones += x;
            wealth *= 1.0 + bet * (x - m);
            *n >= FIRST && wealth >= 1e9 / ALPHA_PPB as f64
        })
    });
    Ends::of(count, found.into_iter().flatten())
}

/// Units until the detector of `a` at the floor 0.90 alarms.
pub(crate) fn alarm(mean: u32, cap: u64, count: usize, seed: u64) -> Ends {
    let found = runs(count, |number| {
        let mut chance = Chance::of(seed, "alarm", number);
        let mut detector = Detector::new(Ppm(900_000), 10_000);
        (1..=cap).find(|_| {
            detector.observe(chance.coin(mean));
            detector.alarmed()
        })
    });
    Ends::of(count, found.into_iter().flatten())
}

/// The table of the bound engine.
pub(crate) fn table(count: usize, seed: u64) -> Table {
    let (mut requests, mut medians) = (0, Vec::new());
    let rows = LINES.iter().map(|line| {
        let (own, other) =
            (mixture(line.floor, line.mean, count, seed), plug_in(line.floor, line.mean, count, seed));
        requests += values(&own) + values(&other);
        let case = format!("{:.2}, {:.2}", f64::from(line.floor) / 1e6, f64::from(line.mean) / 1e6);
        medians.extend(line.median.map(|want| (case.clone(), own.median, want)));
        vec![case, line.mixture.to_owned(), own.told(), line.plug_in.to_owned(), other.told()]
    });
    Table {
        name: "single",
        title: "One stream",
        note: format!(
            "0/1 values, alpha 0.05, n >= {FIRST}, a look after every value, cap {CAP}, {count} runs: share of the runs \
             that found the mean above the floor, median and 90th percentile of n. The plug-in bettor is no part of kolm: \
             it checks the harness."
        ),
        head: vec!["floor, true mean", "design: mixture", "measured", "design: plug-in", "measured"],
        rows: rows.collect(),
        medians,
        requests,
    }
}

/// At least so many values were drawn.
fn values(ends: &Ends) -> u64 {
    ends.ended as u64 * ends.median + (ends.runs - ends.ended) as u64 * CAP
}

/// The table of the detector by itself.
pub(crate) fn detector_table(count: usize, seed: u64) -> Table {
    let (mut requests, mut rows, mut medians) = (0, Vec::new(), Vec::new());
    for (mean, want, design) in DROPS {
        let ends = alarm(mean, 100_000, count, seed);
        requests += ends.ended as u64 * ends.median;
        let case = format!("{:.2}", f64::from(mean) / 1e6);
        medians.push((case.clone(), ends.median, want));
        rows.push(vec![case, design.to_owned(), ends.told()]);
    }
    let healthy = alarm(950_000, 2_000, count, seed);
    requests += 2_000 * count as u64;
    rows.push(vec![
        "0.95, healthy, 2,000 units".to_owned(),
        "0 of 200".to_owned(),
        percent(healthy.percent()),
    ]);
    Table {
        name: "detector",
        title: "The detector by itself",
        note: format!(
            "Floor f = 0.90, alarm at 10^4, {count} runs: share that alarmed, median and 90th percentile of units."
        ),
        head: vec!["true mean", "design: median, p90", "measured"],
        rows,
        medians,
        requests,
    }
}

/// gate.md 10: true mean after the drop, median of units until the alarm, median and p90 as they stand there.
pub(crate) const DROPS: [(u32, u64, &str); 4] = [
    (850_000, 594, "594, 1352"),
    (800_000, 197, "197, 324"),
    (700_000, 87, "87, 122"),
    (500_000, 38, "38, 51"),
];
