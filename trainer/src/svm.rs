//! One-vs-rest linear classifiers with squared hinge loss, by dual coordinate descent (Hsieh et al. 2008,
//! as in LIBLINEAR's solver 1): one problem per label, each in its own seeded order.
//!
//! **Invariant:** a label's weights depend on the rows and the seed alone, never on how many threads work.

use std::ops::Range;

use kolm_model::kernels::sparse::Row;
use rayon::prelude::*;

/// How long and how hard to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// Weight of the loss against the length of the weights.
    pub c: f64,
    /// How much more a row counts for its own label than against the others: there are few of them.
    pub positive: f64,
    /// Stop when the projected gradients of a pass lie within this range.
    pub tolerance: f32,
    /// Passes at most.
    pub passes: usize,
    /// Seed of the orders.
    pub seed: u64,
}

/// One example: its features, its label and its weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Example<'a> {
    /// Features.
    pub row: Row<'a>,
    /// Index of the label.
    pub label: u32,
    /// Weight of the row.
    pub weight: f64,
}

/// The weights of one label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Classifier {
    /// One weight a bucket.
    pub w: Vec<f32>,
    /// The constant.
    pub bias: f32,
}

/// Fits the given labels against all others; `None` if `cancel` said so between two passes.
pub(crate) fn fit(
    examples: &[Example<'_>],
    labels: Range<u32>,
    width: usize,
    settings: &Settings,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<Classifier>> {
    let squares: Vec<f32> = examples.iter().map(|e| e.row.norm2() + 1.0).collect();
    labels
        .into_par_iter()
        .map(|label| Problem::new(examples, &squares, label, width, settings).solve(settings, cancel))
        .collect()
}

/// A small, seeded generator of orders (SplitMix64).
struct Order(u64);

impl Order {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

struct Problem<'a> {
    examples: &'a [Example<'a>],
    squares: &'a [f32],
    label: u32,
    diagonal: Vec<f32>,
    alpha: Vec<f32>,
    classifier: Classifier,
    order: Order,
}

impl<'a> Problem<'a> {
    fn new(
        examples: &'a [Example<'a>],
        squares: &'a [f32],
        label: u32,
        width: usize,
        settings: &Settings,
    ) -> Self {
        let own = |e: &Example<'_>| if e.label == label { settings.positive } else { 1.0 };
        let diagonal = examples.iter().map(|e| (0.5 / (settings.c * e.weight * own(e))) as f32).collect();
        Self {
            examples,
            squares,
            label,
            diagonal,
            alpha: vec![0.0; examples.len()],
            classifier: Classifier { w: vec![0.0; width], bias: 0.0 },
            order: Order(settings.seed ^ (u64::from(label) << 32)),
        }
    }

    /// Passes over the active rows; rows at their bound with a clear gradient sit out (shrinking) until the
    /// rest has converged, then all are checked again.
    fn solve(mut self, settings: &Settings, cancel: &(dyn Fn() -> bool + Sync)) -> Option<Classifier> {
        let mut active: Vec<u32> = (0..self.examples.len() as u32).collect();
        let mut bound = f32::INFINITY;
        for _ in 0..settings.passes {
            if cancel() {
                return None;
            }
            let (low, high) = self.pass(&mut active, bound);
            if high - low <= settings.tolerance {
                if active.len() == self.examples.len() {
                    break;
                }
                active = (0..self.examples.len() as u32).collect();
                bound = f32::INFINITY;
            } else {
                bound = if high > 0.0 { high } else { f32::INFINITY };
            }
        }
        Some(self.classifier)
    }

    /// One pass in a fresh order; returns the range of the projected gradients.
    fn pass(&mut self, active: &mut Vec<u32>, bound: f32) -> (f32, f32) {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        let mut left = active.len();
        let mut at = 0;
        while at < left {
            let other = at + self.order.below(left - at);
            active.swap(at, other);
            let i = active[at] as usize;
            let gradient = self.gradient(i);
            if self.alpha[i] == 0.0 && gradient > bound {
                left -= 1;
                active.swap(at, left);
                continue;
            }
            let projected = if self.alpha[i] == 0.0 { gradient.min(0.0) } else { gradient };
            low = low.min(projected);
            high = high.max(projected);
            if projected.abs() > 1e-12 {
                self.step(i, gradient);
            }
            at += 1;
        }
        active.truncate(left);
        (low.min(0.0), high.max(0.0))
    }

    fn sign(&self, i: usize) -> f32 {
        if self.examples[i].label == self.label { 1.0 } else { -1.0 }
    }

    fn gradient(&self, i: usize) -> f32 {
        let score = self.examples[i].row.dot(&self.classifier.w) + self.classifier.bias;
        self.sign(i) * score - 1.0 + self.diagonal[i] * self.alpha[i]
    }

    fn step(&mut self, i: usize, gradient: f32) {
        let old = self.alpha[i];
        self.alpha[i] = (old - gradient / (self.squares[i] + self.diagonal[i])).max(0.0);
        let change = (self.alpha[i] - old) * self.sign(i);
        self.examples[i].row.add_to(&mut self.classifier.w, change);
        self.classifier.bias += change;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { c: 10.0, positive: 1.0, tolerance: 0.001, passes: 1000, seed: 7 };

    fn fitted(rows: &[(Vec<u32>, Vec<f32>, u32, f64)], settings: &Settings) -> Vec<Classifier> {
        let examples: Vec<_> = rows
            .iter()
            .map(|(at, value, label, weight)| Example {
                row: Row { at, value },
                label: *label,
                weight: *weight,
            })
            .collect();
        fit(&examples, 0..2, 3, settings, &|| false).unwrap()
    }

    #[test]
    fn the_solution_satisfies_the_optimality_conditions() {
        let rows: Vec<_> = (0..40_u32)
            .map(|i| {
                let x = (i as f32 * 0.7).sin();
                let label = u32::from(x + 0.3 * (i as f32).cos() > 0.0);
                (vec![0, 1, 2], vec![x, (i as f32 * 0.3).cos(), 0.1], label, 1.0 + f64::from(i % 3))
            })
            .collect();
        let c = &fitted(&rows, &SETTINGS)[1];
        // Gradient of the primal: w - 2 C sum_i weight_i max(0, 1 - y s) y x = 0, likewise for the constant.
        let mut gradient = [c.w[0], c.w[1], c.w[2], c.bias];
        for (at, value, label, weight) in &rows {
            let y = if *label == 1 { 1.0 } else { -1.0 };
            let slack = (1.0 - y * (Row { at, value }.dot(&c.w) + c.bias)).max(0.0);
            for (g, x) in gradient.iter_mut().zip(value.iter().chain(&[1.0])) {
                *g -= 2.0 * 10.0 * *weight as f32 * slack * y * x;
            }
        }
        assert!(gradient.iter().all(|g| g.abs() < 0.05), "{gradient:?}");
    }

    #[test]
    fn a_heavy_row_pulls_and_a_cancel_stops() {
        let rows = |weight| vec![(vec![0], vec![1.0], 0, weight), (vec![0], vec![1.0], 1, 1.0)];
        let score = |weight| fitted(&rows(weight), &SETTINGS)[0].w[0];
        assert!(score(5.0) > 0.0 && score(0.2) < 0.0 && score(1.0).abs() < 1e-3);
        let (at, value) = ([0], [1.0]);
        let one = [Example { row: Row { at: &at, value: &value }, label: 0, weight: 1.0 }];
        assert!(fit(&one, 0..2, 3, &SETTINGS, &|| true).is_none());
    }
}
