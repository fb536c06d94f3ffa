//! The bets of an attempt, for people: how much was won against "it is below its floor", and how far the detectors of
//! a promoted student are from their alarms. Nothing decides by these; the bounds and the alarms do.
//!
//! **Invariant:** where an e-value stands at `at`, the bound of the same values stands at the floor.

use kolm_core::{BetStatus, Claim, Ppm};

use super::Evidence;
use super::bounds::{Histogram, Split, wealth};

/// What is shown at most, in thousandths: JSON keeps it exact.
const MOST: f64 = 1e15;

/// Every bet of the attempt: those of the floors, then those of the detectors.
pub fn bets(evidence: &Evidence) -> Vec<BetStatus> {
    let (policy, split) = (&evidence.policy, Split::of(evidence.alpha_ppb));
    // A >= floor is shown by a mean `a` above floor x the upper bound of `b`.
    let a_floor = (u64::from(policy.a_floor) * evidence.best.b.high).div_ceil(u64::from(Ppm::ONE.0));
    let mut out = vec![
        floor("A", &evidence.a, a_floor as u32, split.agreement),
        floor("V", &evidence.v, policy.v_floor, split.coverage),
    ];
    if let Some(frozen) = evidence.frozen {
        let within = evidence.student.within(frozen.latency);
        out.push(floor("latency", &within, policy.latency_floor, split.latency));
        if evidence.streams {
            let within = evidence.ttft.within(frozen.ttft);
            out.push(floor("ttft", &within, policy.latency_floor, split.latency));
        }
    }
    let detectors = evidence.detectors.as_ref().map(super::Detectors::each);
    out.extend(detectors.into_iter().flatten().map(|(name, milli, alarm)| BetStatus {
        name: name.to_owned(),
        against: Claim::Holds,
        milli,
        at: u64::from(alarm) * 1_000,
    }));
    out
}

fn floor(name: &str, values: &Histogram, floor: u32, alpha_ppb: u64) -> BetStatus {
    let won = (wealth(values, Ppm(floor)) * 1e3).min(MOST);
    let at = 1_000_000_000_000_u64.div_ceil(alpha_ppb.max(1));
    BetStatus { name: name.to_owned(), against: Claim::Below, milli: won as u64, at }
}
