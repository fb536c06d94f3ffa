//! Sparse rows of `f32`: the inner loops of the n-gram branch.
//!
//! **Invariant:** four running sums, folded pairwise: the order of additions depends on the row alone.

/// A sparse row: ascending column numbers and their values.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Columns.
    pub at: &'a [u32],
    /// Values, as many as columns.
    pub value: &'a [f32],
}

impl Row<'_> {
    /// The inner product with a dense vector; columns outside it count as zero.
    pub fn dot(self, dense: &[f32]) -> f32 {
        let mut sums = [0.0_f32; 4];
        for (at, value) in self.at.chunks(4).zip(self.value.chunks(4)) {
            for (sum, (at, value)) in sums.iter_mut().zip(at.iter().zip(value)) {
                *sum += value * dense.get(*at as usize).copied().unwrap_or(0.0);
            }
        }
        (sums[0] + sums[2]) + (sums[1] + sums[3])
    }

    /// Adds `c` times the row to a dense vector.
    pub fn add_to(self, dense: &mut [f32], c: f32) {
        for (at, value) in self.at.iter().zip(self.value) {
            if let Some(d) = dense.get_mut(*at as usize) {
                *d += c * value;
            }
        }
    }

    /// The squared length.
    pub fn norm2(self) -> f32 {
        self.value.iter().map(|v| v * v).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_with_their_dense_form() {
        let row = Row { at: &[0, 3, 4, 7, 8, 99], value: &[1.0, 2.0, -1.0, 4.0, 0.5, 7.0] };
        let mut dense = vec![1.0; 9];
        assert_eq!(row.dot(&dense), 6.5);
        row.add_to(&mut dense, 2.0);
        assert_eq!(dense, [3.0, 1.0, 1.0, 5.0, -1.0, 1.0, 1.0, 9.0, 2.0]);
        assert_eq!(row.norm2(), 1.0 + 4.0 + 1.0 + 16.0 + 0.25 + 49.0);
    }
}
