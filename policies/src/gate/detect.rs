//! e-CUSUM detectors (Shin, Ramdas, Rinaldo, arXiv 2203.03532): is the mean still at its floor?
//!
//! **Invariant:** the floor is frozen at promotion; the mean time to a false alarm is at least the threshold.

use kolm_core::Ppm;

use super::Breach;

/// One detector: `M = max(M, 1) * (1 + lambda (f - x))`, `lambda = 0.75 / f`, alarm at the threshold. Below a
/// floor of 3/7 the bet is cut to `1 / (1 - f)`, so that no value makes a factor negative.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    floor: f64,
    bet: f64,
    threshold: f64,
    wealth: f64,
}

impl Detector {
    /// A detector that starts at 1; a floor of 0 never alarms.
    pub fn new(floor: Ppm, threshold: u32) -> Self {
        let floor = floor.share();
        let bet = (0.75 / floor).min(1.0 / (1.0 - floor));
        Self { floor, bet, threshold: f64::from(threshold), wealth: 1.0 }
    }

    /// Takes one unit's value.
    pub fn observe(&mut self, value: Ppm) {
        if self.floor > 0.0 && !self.alarmed() {
            let factor = 1.0 + self.bet * (self.floor - value.share());
            self.wealth = self.wealth.max(1.0) * factor;
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
    /// Detectors at frozen floors: `a` is A's floor x b.
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

    /// Floor, `floor(M * 1000)` and alarm of each.
    pub(super) fn each(&self) -> [(&'static str, u64, u32); 3] {
        [("A", &self.a), ("V", &self.v), ("latency", &self.latency)]
            .map(|(name, detector)| (name, detector.milli(), detector.threshold as u32))
    }

    /// `floor(M * 1000)` of a, v and latency.
    pub fn milli(&self) -> [u64; 3] {
        [self.a.milli(), self.v.milli(), self.latency.milli()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_floor_makes_a_bet_that_is_unfair() {
        for floor in (10_000..=1_000_000).step_by(10_000) {
            let detector = Detector::new(Ppm(floor), 10_000);
            let factor = |x: f64| 1.0 + detector.bet * (detector.floor - x);
            assert!(factor(1.0) >= -1e-12 && factor(0.0) > 1.0, "{floor}");
        }
    }

    #[test]
    fn an_alarm_stays_and_a_floor_of_nothing_never_alarms() {
        let (mut low, mut none) = (Detector::new(Ppm(900_000), 10), Detector::new(Ppm(0), 10));
        for _ in 0..20 {
            low.observe(Ppm(0));
            none.observe(Ppm(0));
        }
        (0..1_000).for_each(|_| low.observe(Ppm::ONE));
        assert!(low.alarmed() && !none.alarmed());
    }
}
