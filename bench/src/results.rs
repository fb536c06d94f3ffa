//! What a run wrote down: the raw rows, and what is read off them.
//!
//! **Invariant:** a difference or a ratio is taken within one round, never between rounds.

use serde::{Deserialize, Serialize};

use crate::cases::{Case, Plan};
use crate::contest::Who;
use crate::load::{Counted, Held, Once, Streamed};
use crate::process::Usage;

/// Everything of a run, as it is kept in JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) plan: Option<Plan>,
    pub(crate) contestants: Vec<Entry>,
    pub(crate) loops: Vec<LoopRow>,
    pub(crate) streams: Vec<StreamRow>,
    pub(crate) held: Vec<HeldRow>,
    pub(crate) frontier: Vec<FrontierRow>,
    pub(crate) faults: Vec<FaultRow>,
}

/// Where and when.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) command: String,
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) load_before: String,
    pub(crate) load_after: String,
    pub(crate) seconds: f64,
}

/// A contestant, and what became of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) who: Who,
    /// Version and settings, or why it has no figures.
    pub(crate) what: String,
    pub(crate) served: bool,
    /// Just started and asked once.
    pub(crate) idle: Usage,
    /// At the end of everything, settled.
    pub(crate) end: Usage,
    /// Its own counters at the end, where it has some that matter.
    pub(crate) counters: Vec<(String, f64)>,
}

/// A closed loop.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LoopRow {
    pub(crate) round: usize,
    pub(crate) who: Who,
    pub(crate) case: Case,
    pub(crate) load_average: String,
    pub(crate) counted: Counted,
    /// Processor time of the contestant for one reply, while the load ran.
    pub(crate) cpu_us_per_reply: f64,
    /// Processor time for one reply that it took after the load had ended.
    pub(crate) later_us_per_reply: f64,
    /// Seconds until it was quiet again.
    pub(crate) settle_s: f64,
}

/// Paced streams.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StreamRow {
    pub(crate) round: usize,
    pub(crate) who: Who,
    pub(crate) streamed: Streamed,
}

/// Streams held open.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeldRow {
    pub(crate) who: Who,
    pub(crate) held: Held,
    pub(crate) before: Usage,
    pub(crate) with: Usage,
}

/// An open loop at one rate.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FrontierRow {
    pub(crate) who: Who,
    pub(crate) rate: f64,
    pub(crate) counted: Counted,
}

/// A fault of the upstream, as the caller saw it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FaultRow {
    pub(crate) who: Who,
    pub(crate) model: String,
    pub(crate) once: Once,
}

/// Minimum and median over rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) min: f64,
    pub(crate) median: f64,
}

impl Summary {
    /// Of nothing there is none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, middle) = (*values.first()?, values.len() / 2);
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { min, median })
    }
}

impl Results {
    /// Contestants with figures, in the order of the tables.
    pub(crate) fn served(&self) -> impl Iterator<Item = Who> + '_ {
        self.contestants.iter().filter(|entry| entry.served).map(|entry| entry.who)
    }

    /// A number of each round's row.
    pub(crate) fn each(&self, who: Who, case: Case, value: impl Fn(&LoopRow) -> f64) -> Option<Summary> {
        Summary::of(self.rows(who, case).map(value).collect())
    }

    /// A number of each round's row, set against that of another contestant in the same round.
    pub(crate) fn against(
        &self,
        (who, other): (Who, Who),
        case: Case,
        value: impl Fn(&LoopRow) -> f64,
        set: impl Fn(f64, f64) -> f64,
    ) -> Option<Summary> {
        let pairs = self.rows(who, case).filter_map(|row| {
            let theirs = self.rows(other, case).find(|theirs| theirs.round == row.round)?;
            Some(set(value(row), value(theirs)))
        });
        Summary::of(pairs.collect())
    }

    fn rows(&self, who: Who, case: Case) -> impl Iterator<Item = &LoopRow> {
        let usable = |row: &&LoopRow| row.counted.replies > 0;
        self.loops.iter().filter(move |row| row.who == who && row.case == case).filter(usable)
    }

    /// A number of the streams of each round, less that of the direct call's in the same round.
    pub(crate) fn stream_added(&self, who: Who, value: impl Fn(&Streamed) -> f64) -> Option<Summary> {
        let of = |who| self.streams.iter().filter(move |row| row.who == who && row.streamed.whole > 0);
        let added = of(who).filter_map(|row| {
            let direct = of(Who::Direct).find(|direct| direct.round == row.round)?;
            Some(value(&row.streamed) - value(&direct.streamed))
        });
        Summary::of(added.collect())
    }

    /// The greatest rate kept with a 99th percentile of at most `limit_us`.
    pub(crate) fn frontier(&self, who: Who, limit_us: f64) -> Option<f64> {
        let kept = self.frontier.iter().filter(|row| {
            row.who == who
                && row.counted.errors.is_empty()
                && row.counted.latency_us.p99 <= limit_us
                && row.counted.rate >= 0.97 * row.rate
        });
        kept.map(|row| row.counted.rate).max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Spread;

    fn row(round: usize, who: Who, rate: f64, p50: f64) -> LoopRow {
        let latency_us = Spread { p50, ..Spread::default() };
        LoopRow {
            round,
            who,
            case: Case::OneCaller1k,
            load_average: String::new(),
            counted: Counted { replies: 1, rate, latency_us, ..Counted::default() },
            cpu_us_per_reply: 0.0,
            later_us_per_reply: 0.0,
            settle_s: 0.0,
        }
    }

    #[test]
    fn differences_and_ratios_stay_within_their_round() {
        let loops = vec![
            row(0, Who::Bare, 100.0, 50.0),
            row(0, Who::Kolm, 90.0, 70.0),
            row(1, Who::Bare, 10.0, 500.0),
            row(1, Who::Kolm, 8.0, 530.0),
            row(2, Who::Kolm, 1.0, 9_000.0),
        ];
        let results = Results { loops, ..Results::default() };
        let case = Case::OneCaller1k;
        let both = (Who::Kolm, Who::Bare);
        let ratio = results.against(both, case, |row| row.counted.rate, |a, b| a / b).unwrap();
        assert_eq!((ratio.min, ratio.median), (0.8, 0.8500000000000001));
        let added = results.against(both, case, |row| row.counted.latency_us.p50, |a, b| a - b).unwrap();
        assert_eq!(added, Summary { min: 20.0, median: 25.0 });
        assert_eq!(results.each(Who::Kolm, case, |row| row.counted.rate).unwrap().median, 8.0);
        assert_eq!(
            results.against((Who::Nginx, Who::Bare), case, |row| row.counted.rate, |a, b| a / b),
            None
        );
    }

    #[test]
    fn a_frontier_counts_only_rates_that_were_kept() {
        let at = |rate: f64, kept: f64, p99: f64| FrontierRow {
            who: Who::Kolm,
            rate,
            counted: Counted {
                rate: kept,
                latency_us: Spread { p99, ..Spread::default() },
                ..Counted::default()
            },
        };
        let frontier = vec![at(100.0, 100.0, 800.0), at(200.0, 199.0, 4_000.0), at(300.0, 250.0, 4_500.0)];
        let results = Results { frontier, ..Results::default() };
        assert_eq!(results.frontier(Who::Kolm, 1_000.0), Some(100.0));
        assert_eq!(results.frontier(Who::Kolm, 5_000.0), Some(199.0));
        assert_eq!(results.frontier(Who::Kolm, 500.0), None);
    }
}
