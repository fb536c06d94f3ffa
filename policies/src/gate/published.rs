//! `k-score-1`: the formula that the name K-score was published with, beside ours, for comparison.
//!
//! **Invariant:** shown and never gated by: it refuses perfect models of a real size and nearly ships tiny wrong ones.

use super::Evidence;

/// What `k-score-1` is computed from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Plain accuracy on the held-out cases, 0 to 1.
    pub accuracy: f64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Median time of a call end to end in microseconds; `None` counts as 100.
    pub p50_us: Option<u64>,
    /// Price of a call in US dollars; `None` counts as free.
    pub usd_per_call: Option<f64>,
    /// Classes of cases exercised of those declared, 0 to 1.
    pub coverage: f64,
}

impl Published {
    /// `round4(0.40 A + 0.15 (S + L + C + V))` (kolm-ai/kolmogorov-stack, `src/kscore.js`).
    pub fn k(&self) -> f64 {
        let kib = (self.bytes as f64 / 1024.0).max(1.0);
        let size = (1.0 - kib.log2() / 30.0).clamp(0.0, 1.0);
        let latency = 1.0 / (1.0 + self.p50_us.unwrap_or(100) as f64 / 1e5);
        let cost = 1.0 / (1.0 + 1e3 * self.usd_per_call.unwrap_or(0.0));
        let k = 0.40 * self.accuracy + 0.15 * (size + latency + cost + self.coverage);
        (k * 1e4).round() / 1e4
    }

    /// Whether the published gate would ship it.
    pub fn ships(&self) -> bool {
        self.k() >= 0.85
    }
}

impl Evidence {
    /// `k-score-1` of live traffic, with agreement for held-out accuracy and the answered share for classes of cases;
    /// `None` before both are known.
    pub fn k_score_1(&self) -> Option<f64> {
        let usd = |micro_usd: f64| micro_usd / 1e6;
        let cap = self.frozen.and_then(|frozen| frozen.cap);
        let share = self.costs.student.mean().map(|mean| mean.share());
        let published = Published {
            accuracy: self.a.mean()?.share(),
            bytes: self.artifact_bytes,
            p50_us: self.student.p50(),
            usd_per_call: cap.zip(share).map(|(cap, share)| usd(cap as f64 * share)),
            coverage: self.v.mean()?.share(),
        };
        Some(published.k())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GatePolicy;
    use crate::gate::tests::{gather, good};

    #[test]
    fn the_published_formula_on_the_rows_of_the_design() {
        let mid = Published {
            accuracy: 0.95,
            bytes: 400 << 20,
            p50_us: Some(300_000),
            usd_per_call: Some(20e-6),
            coverage: 1.0,
        };
        let perfect = Published { accuracy: 1.0, bytes: 2 << 30, usd_per_call: None, ..mid };
        let tiny = Published { accuracy: 0.654, bytes: 5 << 10, p50_us: None, usd_per_call: None, ..mid };
        assert_eq!(
            [mid, perfect, tiny].map(|case| (case.k(), case.ships())),
            [(0.7713, false), (0.7825, false), (0.8498, false)]
        );
    }

    #[test]
    fn the_published_score_stands_beside_ours_once_there_is_evidence() {
        let policy = GatePolicy { budget_units: 50, ..GatePolicy::default() };
        assert_eq!(Evidence::new(&policy, 1, 1).k_score_1(), None);
        let evidence = gather(&policy, &good());
        let (a, v) = (evidence.a.mean().unwrap().share(), evidence.v.mean().unwrap().share());
        let k = evidence.k_score_1().unwrap();
        // By its weights: 0.4 for the mean of a, 0.15 for v and for a size of 0.3786 at 400 MiB; latency and cost are fast and cheap.
        let least = 0.4 * a + 0.15 * (v + 0.3786);
        assert!(k > least + 0.15 && k < least + 0.3, "{k} {least}");
    }
}
