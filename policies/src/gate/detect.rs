//! e-CUSUM detectors (Shin, Ramdas, Rinaldo, arXiv 2203.03532): is the mean still at its floor?
//!
//! **Invariant:** the floor is frozen at promotion; the mean time to a false alarm is at least the threshold.

use kolm_core::Ppm;

use super::Breach;

/// One detector: `M = max(M, 1) * (1 + lambda (f - x))`, `lambda = 0.75 / f`, alarm at the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    floor: f64,
    threshold: f64,
    wealth: f64,
}

impl Detector {
    /// A detector that starts at 1; a floor of 0 never alarms.
    pub fn new(floor: Ppm, threshold: u32) -> Self {
        Self { floor: floor.share(), threshold: f64::from(threshold), wealth: 1.0 }
    }

    /// Takes one unit's value.
    pub fn observe(&mut self, value: Ppm) {
        if self.floor > 0.0 && !self.alarmed() {
            let factor = 1.0 + 0.75 * (self.floor - value.share()) / self.floor;
            self.wealth = self.wealth.max(1.0) * factor.max(0.0);
        }
    }

    /// Whether it has alarmed; an alarm stays.
    pub fn alarmed(&self) -> bool {
        self.wealth >= self.threshold
    }

    /// `floor(M * 1000)`.
    pub fn milli(&self) -> u64 {
        (self.wealth * 1000.0) as u64
    }
}

/// The three detectors of a promoted student.
#[derive(Debug, Clone, PartialEq)]
pub struct Detectors {
    pub(crate) a: Detector,
    pub(crate) v: Detector,
    pub(crate) latency: Detector,
}

impl Detectors {
    /// Detectors at frozen floors: `a` is A's floor x LCB(b).
    pub fn new(a: Ppm, v: Ppm, latency: Ppm) -> Self {
        Self {
            a: Detector::new(a, 10_000),
            v: Detector::new(v, 100_000),
            latency: Detector::new(latency, 100_000),
        }
    }

    /// The first alarm, if any.
    pub fn alarm(&self) -> Option<Breach> {
        [(&self.a, "a"), (&self.v, "v"), (&self.latency, "latency")]
            .into_iter()
            .find(|(detector, _)| detector.alarmed())
            .map(|(_, name)| Breach::Detector(name))
    }

    /// `floor(M * 1000)` of a, v and latency.
    pub fn milli(&self) -> [u64; 3] {
        [self.a.milli(), self.v.milli(), self.latency.milli()]
    }
}
