//! What is measured, how often and for how long.
//!
//! **Invariant:** every contestant gets the same cases with the same numbers.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::contest::Who;

/// The names of models that the cases use.
pub(crate) const MODELS: [&str; 7] = [
    "mock-reply-1024",
    "mock-reply-102400",
    "mock-stream-64-20",
    "mock-stream-600-1000",
    "mock-status-429",
    "mock-status-500",
    "mock-cut",
];

/// The model of the paced streams, and of those that are held open.
pub(crate) const PACED: &str = MODELS[2];
pub(crate) const HELD: &str = MODELS[3];
/// The models of faults.
pub(crate) const FAULTS: [&str; 3] = [MODELS[4], MODELS[5], MODELS[6]];

/// A case that a closed loop measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Case {
    Saturation1k,
    Saturation100k,
    OneCaller1k,
    OneCaller100k,
}

impl Case {
    pub(crate) const ALL: [Self; 4] =
        [Self::Saturation1k, Self::Saturation100k, Self::OneCaller1k, Self::OneCaller100k];

    /// Bytes of the request's body, and of the reply's.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Saturation1k | Self::OneCaller1k => 1_024,
            Self::Saturation100k | Self::OneCaller100k => 102_400,
        }
    }

    pub(crate) const fn is_saturation(self) -> bool {
        matches!(self, Self::Saturation1k | Self::Saturation100k)
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Saturation1k => "1 kB, saturation",
            Self::Saturation100k => "100 kB, saturation",
            Self::OneCaller1k => "1 kB, one caller",
            Self::OneCaller100k => "100 kB, one caller",
        }
    }
}

/// How large a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Length {
    /// About a minute: direct, nginx, bare Pingora, kolm
    Quick,
    /// About ten minutes: everyone who is installed
    Full,
}

/// The numbers of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Connections at saturation.
    pub(crate) connections: usize,
    pub(crate) saturation_s: f64,
    pub(crate) one_caller_s: f64,
    pub(crate) warm_s: f64,
    /// Streams at a time.
    pub(crate) streams: usize,
    /// Streams that are held open.
    pub(crate) held: usize,
    /// Shares of the saturated rate that the open loop tries.
    pub(crate) frontier: Vec<f64>,
    pub(crate) frontier_s: f64,
    pub(crate) contestants: Vec<Who>,
}

impl Plan {
    pub(crate) fn new(length: Length) -> Self {
        let quick = Self {
            rounds: 3,
            connections: 32,
            saturation_s: 1.0,
            one_caller_s: 0.5,
            warm_s: 0.2,
            streams: 64,
            held: 500,
            frontier: Vec::new(),
            frontier_s: 1.0,
            contestants: vec![Who::Direct, Who::Nginx, Who::Bare, Who::KolmProxy, Who::Kolm],
        };
        match length {
            Length::Quick => quick,
            Length::Full => Self {
                rounds: 5,
                saturation_s: 2.0,
                one_caller_s: 1.0,
                held: 2_000,
                frontier: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
                contestants: Who::value_variants().to_vec(),
                ..quick
            },
        }
    }

    /// Who comes when in a round: everyone once in each place, as far as the rounds reach.
    pub(crate) fn order(count: usize, round: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).map(|turn| (turn + round) % count).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_a_turn_in_every_round_and_not_always_the_same() {
        let orders: Vec<_> = (0..4).map(|round| Plan::order(5, round)).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
        }
        assert_eq!(orders.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
