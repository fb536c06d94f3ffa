//! Dense sums of `f32` in 16 lanes: lane `l` takes elements `l, l+16, …`, then lanes fold 8, 4, 2, 1.
//!
//! **Invariant:** the order of additions depends on the length alone.

const LANES: usize = 16;

/// The inner product of two slices of equal length (the shorter one counts).
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (blocks_a, blocks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (rest_a, rest_b) = (blocks_a.remainder(), blocks_b.remainder());
    for (x, y) in blocks_a.zip(blocks_b) {
        for l in 0..LANES {
            lanes[l] += x[l] * y[l];
        }
    }
    for (l, (x, y)) in rest_a.iter().zip(rest_b).enumerate() {
        lanes[l] += x * y;
    }
    fold(lanes)
}

fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `y += c x`.
pub fn axpy(y: &mut [f32], c: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += c * x;
    }
}

/// `out = W x` for `W` stored row by row, `[out, in]`.
pub fn matvec(out: &mut [f32], w: &[f32], x: &[f32]) {
    for (o, row) in out.iter_mut().zip(w.chunks_exact(x.len().max(1))) {
        *o = dot(row, x);
    }
}

/// `x / sqrt(mean(x²) + 1e-6) · g`, written to `out`.
pub fn rms_norm(out: &mut [f32], x: &[f32], g: &[f32]) {
    let scale = 1.0 / (dot(x, x) / x.len() as f32 + 1e-6).sqrt();
    for ((o, x), g) in out.iter_mut().zip(x).zip(g) {
        *o = x * scale * g;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dot_is_the_sum_of_products(v in prop::collection::vec((-9_i32..9, -9_i32..9), 0..80)) {
            let (a, b): (Vec<f32>, Vec<f32>) = v.iter().map(|(a, b)| (*a as f32, *b as f32)).unzip();
            prop_assert_eq!(dot(&a, &b), v.iter().map(|(a, b)| a * b).sum::<i32>() as f32);
        }
    }

    #[test]
    fn matvec_walks_rows_and_norm_makes_unit_mean_square() {
        let mut out = [0.0; 2];
        matvec(&mut out, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1.0, 0.0, -1.0]);
        assert_eq!(out, [-2.0, -2.0]);
        let mut n = [0.0; 4];
        rms_norm(&mut n, &[3.0, -3.0, 3.0, -3.0], &[1.0, 1.0, 2.0, 2.0]);
        assert!((n[0] - 1.0).abs() < 1e-5 && (n[3] + 2.0).abs() < 1e-5);
    }
}
