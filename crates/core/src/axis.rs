//! The five axes of the K-score `kolm-k/1` and their bounds.

use serde::{Deserialize, Serialize};

use crate::Ppm;

/// What a student is measured by, against the teacher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Axis {
    /// Accuracy: agreement with the teacher over the teacher's agreement with itself.
    A,
    /// Size: bytes of the artifact and its base.
    S,
    /// Latency: p95 end to end against the teacher's.
    L,
    /// Cost per answered request against the list price paid to the teacher.
    C,
    /// Coverage: share of requests answered validly in the deadline.
    V,
}

/// Weight of each axis in percent: `K = 0.40 A + 0.15 (S + L + C + V)`.
pub const AXIS_WEIGHTS: [(Axis, u32); 5] =
    [(Axis::A, 40), (Axis::S, 15), (Axis::L, 15), (Axis::C, 15), (Axis::V, 15)];

const _: () = {
    let mut sum = 0;
    let mut i = 0;
    while i < AXIS_WEIGHTS.len() {
        sum += AXIS_WEIGHTS[i].1;
        i += 1;
    }
    assert!(sum == 100);
};

/// A measured value with its confidence bounds, all in ppm, `lcb <= ucb`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The point value.
    pub v: Ppm,
    /// Lower confidence bound.
    pub lcb: Ppm,
    /// Upper confidence bound.
    pub ucb: Ppm,
}

impl Bounds {
    /// A value known exactly.
    pub fn exact(v: Ppm) -> Self {
        Self { v, lcb: v, ucb: v }
    }
}

/// The five axes and their weighted sum; an axis without evidence is `None` and so is K.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KScore {
    /// Accuracy.
    pub a: Option<Bounds>,
    /// Size.
    pub s: Option<Bounds>,
    /// Latency.
    pub l: Option<Bounds>,
    /// Cost.
    pub c: Option<Bounds>,
    /// Coverage.
    pub v: Option<Bounds>,
    /// The weighted sum, `None` while an axis is missing.
    pub k: Option<Bounds>,
}

impl KScore {
    /// The bounds of one axis.
    pub fn axis(&self, axis: Axis) -> Option<Bounds> {
        match axis {
            Axis::A => self.a,
            Axis::S => self.s,
            Axis::L => self.l,
            Axis::C => self.c,
            Axis::V => self.v,
        }
    }
}
