//! The bars of a route: fixed before data, and named by their digest in every row that rests on them.

use kolm_core::{Bars, Ppm};
use serde::{Deserialize, Serialize};

use super::canonical;
use crate::score::Scorer;

/// Gate, floors, alpha and minimum evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePolicy {
    /// What the lower bound of K must reach, in ppm.
    pub gate: u32,
    /// Floor of the lower bound of A, in ppm.
    pub a_floor: u32,
    /// Floor of the lower bound of V, in ppm.
    pub v_floor: u32,
    /// Floor of the lower bound of the share of requests within the latency budget, in ppm.
    pub latency_floor: u32,
    /// Alpha of all attempts together, in parts per billion.
    pub alpha_ppb: u64,
    /// Least scored requests.
    pub min_requests: u64,
    /// Least closed units.
    pub min_units: u64,
    /// Least wall time since the attempt's first score, in ms.
    pub min_wall_ms: i64,
    /// Least double-primary pairs.
    pub min_double: u64,
    /// Least share of sampled requests that were scored, in ppm.
    pub completeness: u32,
    /// Least scored requests before "no critical violation" says anything.
    pub critical_n: u64,
    /// A unit without requests for so long is closed, in ms.
    pub unit_idle_ms: i64,
    /// A unit with so many sampled requests is closed.
    pub unit_max: u64,
    /// The window of recent requests whose plain means must hold the floors.
    pub window: u64,
    /// Units after which the default budgets and the cost cap are frozen.
    pub budget_units: u64,
    /// Latency budget in microseconds; default 1.2 x the teacher's p95 over the first units.
    pub latency_budget_us: Option<u64>,
    /// The same for the time to first token of streams.
    pub ttft_budget_us: Option<u64>,
    /// Price of a busy second of our own machine, in µUSD; local is not free.
    pub hw_musd_per_s: u64,
    /// A request's cost counts up to this, in µUSD; default twice the teacher's dearest of the first units.
    pub cost_cap_musd: Option<u64>,
    /// How two answers are compared.
    pub scorer: Scorer,
    /// Texts planted in training data that no answer may hold: one that does is a critical violation.
    pub canaries: Vec<String>,
    /// An attempt with so many units and no promotion is exhausted.
    pub max_units: u64,
    /// The same in time, ms.
    pub max_wall_ms: i64,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            gate: 850_000,
            a_floor: 900_000,
            v_floor: 800_000,
            latency_floor: 950_000,
            alpha_ppb: 50_000_000,
            min_requests: 200,
            min_units: 50,
            min_wall_ms: 86_400_000,
            min_double: 100,
            completeness: 950_000,
            critical_n: 300,
            unit_idle_ms: 1_800_000,
            unit_max: 20,
            window: 500,
            budget_units: 200,
            latency_budget_us: None,
            ttft_budget_us: None,
            hw_musd_per_s: 28,
            cost_cap_musd: None,
            scorer: Scorer::Label,
            canaries: Vec::new(),
            max_units: 20_000,
            max_wall_ms: 30 * 86_400_000,
        }
    }
}

/// Names of the presets.
pub const PRESETS: [&str; 4] = ["default", "regulated", "hipaa", "safety"];

impl GatePolicy {
    /// A named set of bars.
    pub fn preset(name: &str) -> Option<Self> {
        let gate = match name {
            "default" => 850_000,
            "regulated" => 900_000,
            "hipaa" => 920_000,
            "safety" => 950_000,
            _ => return None,
        };
        Some(Self { gate, ..Self::default() })
    }

    /// Least scored requests: for the counts and for the critical rule.
    pub fn requests_needed(&self) -> u64 {
        self.min_requests.max(self.critical_n)
    }

    /// The bars as a row names them.
    pub fn bars(&self) -> Bars {
        Bars {
            gate: Ppm(self.gate),
            a: Ppm(self.a_floor),
            v: Ppm(self.v_floor),
            latency: Ppm(self.latency_floor),
            requests: self.requests_needed(),
            units: self.min_units,
            double_primary: self.min_double,
            completeness: Ppm(self.completeness),
            wall_ms: self.min_wall_ms,
        }
    }

    /// SHA-256 over the canonical bytes, in hex.
    pub fn digest(&self) -> String {
        canonical::digest(self, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_raise_the_gate_alone() {
        for name in PRESETS {
            let policy = GatePolicy::preset(name).unwrap();
            assert_eq!(GatePolicy { gate: 850_000, ..policy }, GatePolicy::default(), "{name}");
        }
        assert_eq!(GatePolicy::preset("lenient"), None);
    }

    #[test]
    fn every_bar_is_in_the_digest() {
        let policy = GatePolicy::default();
        assert_eq!(policy.digest().len(), 64);
        assert_ne!(policy.digest(), GatePolicy { gate: 850_001, ..policy.clone() }.digest());
        assert_ne!(policy.digest(), GatePolicy { cost_cap_musd: Some(1), ..policy.clone() }.digest());
        assert_eq!(policy.digest(), policy.clone().digest());
    }
}
