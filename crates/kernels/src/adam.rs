//! One AdamW update of a slice of weights.
//!
//! **Invariant:** element by element, no state beside the moments given.

/// The numbers of one step; `c1`, `c2` are `1 - β^t`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Learning rate of this step.
    pub rate: f32,
    /// Decay of the first moment.
    pub b1: f32,
    /// Decay of the second moment.
    pub b2: f32,
    /// Correction of the first moment.
    pub c1: f32,
    /// Correction of the second moment.
    pub c2: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// What gradients are multiplied with first (clipping).
    pub clip: f32,
}

impl Adam {
    /// Updates weights `w` and moments `m`, `v` by gradient `g`.
    pub fn step(&self, w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32]) {
        let shrink = 1.0 - self.rate * self.decay;
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
            let g = g * self.clip;
            *m = self.b1 * *m + (1.0 - self.b1) * g;
            *v = self.b2 * *v + (1.0 - self.b2) * g * g;
            *w = *w * shrink - self.rate * (*m / self.c1) / ((*v / self.c2).sqrt() + 1e-8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_moves_by_the_rate_against_the_sign() {
        let adam = Adam { rate: 0.1, b1: 0.9, b2: 0.99, c1: 0.1, c2: 0.01, decay: 0.0, clip: 1.0 };
        let (mut w, mut m, mut v) = ([1.0, 1.0, 1.0], [0.0; 3], [0.0; 3]);
        adam.step(&mut w, &mut m, &mut v, &[3.0, -0.02, 0.0]);
        assert!((w[0] - 0.9).abs() < 1e-5 && (w[1] - 1.1).abs() < 1e-5 && w[2] == 1.0, "{w:?}");
        let decayed = Adam { decay: 0.5, ..adam };
        decayed.step(&mut w[2..], &mut m[2..], &mut v[2..], &[0.0]);
        assert!((w[2] - 0.95).abs() < 1e-6);
    }
}
