//! Weights as signed bytes with shared scales: `q = round_half_even(w / s)`, `s = max|w| / 127`.
//!
//! **Invariant:** codes lie in [-127, 127]; an all-zero group has scale 0 and zero codes; unpacking is exact.

/// Weights that share a scale along the input: training.md 7, layout of `det-int8/1`.
pub const BLOCK: usize = 64;

fn code(w: f32, scale: f32) -> i8 {
    if scale == 0.0 { 0 } else { (w / scale).round_ties_even().clamp(-127.0, 127.0) as i8 }
}

fn scale_of(weights: impl Iterator<Item = f32>) -> f32 {
    weights.map(f32::abs).fold(0.0, f32::max) / 127.0
}

/// Packs a row-major `[out, in]` matrix: one scale per row and block of [`BLOCK`] inputs.
pub fn pack_rows(w: &[f32], inputs: usize) -> (Vec<i8>, Vec<f32>) {
    let (mut codes, mut scales) = (Vec::with_capacity(w.len()), Vec::new());
    for row in w.chunks(inputs.max(1)) {
        for block in row.chunks(BLOCK) {
            let scale = scale_of(block.iter().copied());
            scales.push(scale);
            codes.extend(block.iter().map(|w| code(*w, scale)));
        }
    }
    (codes, scales)
}

/// The weights that [`pack_rows`] stands for.
pub fn unpack_rows(codes: &[i8], scales: &[f32], inputs: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(codes.len());
    let mut scales = scales.iter();
    for row in codes.chunks(inputs.max(1)) {
        for block in row.chunks(BLOCK) {
            let scale = scales.next().copied().unwrap_or(0.0);
            out.extend(block.iter().map(|q| f32::from(*q) * scale));
        }
    }
    out
}

/// Packs `labels` weights of one column (an n-gram bucket) into `codes`; returns their scale.
pub fn pack_column(column: &[f32], codes: &mut [i8]) -> f32 {
    let scale = scale_of(column.iter().copied());
    for (q, w) in codes.iter_mut().zip(column) {
        *q = code(*w, scale);
    }
    scale
}

/// `acc += c · codes`.
pub fn axpy(acc: &mut [f32], c: f32, codes: &[i8]) {
    for (a, q) in acc.iter_mut().zip(codes) {
        *a += c * f32::from(*q);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn unpacking_stays_within_half_a_step(w in prop::collection::vec(-4.0_f32..4.0, 1..300), inputs in 1_usize..130) {
            let rows = w.len() / inputs;
            let w = &w[..rows * inputs];
            let (codes, scales) = pack_rows(w, inputs);
            let back = unpack_rows(&codes, &scales, inputs);
            let per_row = inputs.div_ceil(BLOCK);
            prop_assert_eq!(scales.len(), rows * per_row);
            for (i, (a, b)) in w.iter().zip(&back).enumerate() {
                let scale = scales[i / inputs * per_row + i % inputs / BLOCK];
                prop_assert!((a - b).abs() <= scale * 0.5001);
            }
            prop_assert_eq!(pack_rows(&back, inputs).0, codes, "packing twice changes nothing");
        }
    }

    #[test]
    fn columns_and_zeros() {
        let mut codes = [9_i8; 3];
        assert_eq!(pack_column(&[0.0, 0.0, 0.0], &mut codes), 0.0);
        assert_eq!(codes, [0, 0, 0]);
        let scale = pack_column(&[-2.54, 1.27, 0.01], &mut codes);
        assert_eq!((codes, (scale * 1e4).round()), ([-127, 64, 0], 200.0), "1.27 / 0.02 = 63.5 ties to even");
        let mut acc = [1.0_f32; 3];
        axpy(&mut acc, 0.5, &codes);
        assert_eq!(acc, [-62.5, 33.0, 1.0]);
    }
}
