//! `exp` and `ln` from additions, multiplications and divisions alone.
//!
//! **Invariant:** the same bits on every CPU with IEEE arithmetic; no libm.

/// `e^x` with a relative error below 2e-7; 0 below -87, clamped at 88.
pub fn exp(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    if x < -87.0 {
        return 0.0;
    }
    let x = x.min(88.0);
    let scaled = x * std::f32::consts::LOG2_E;
    let n = (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32;
    let k = n as f32;
    let r = (x - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_6e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    y * f32::from_bits(((n + 127) as u32) << 23)
}

/// Natural logarithm of a positive finite number, relative error below 1e-14.
pub fn ln(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return f64::NAN;
    }
    let (mut m, mut e) = (x, 0_i32);
    while m > std::f64::consts::SQRT_2 {
        m /= 2.0;
        e += 1;
    }
    while m < std::f64::consts::FRAC_1_SQRT_2 {
        m *= 2.0;
        e -= 1;
    }
    let t = (m - 1.0) / (m + 1.0);
    let t2 = t * t;
    let (mut term, mut sum) = (t, 0.0);
    for k in 0..24 {
        sum += term / f64::from(2 * k + 1);
        term *= t2;
    }
    2.0 * sum + f64::from(e) * std::f64::consts::LN_2
}

/// Turns scores into shares that sum to one, in place.
pub fn softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for s in scores.iter_mut() {
        *s = exp(*s - top);
        sum += *s;
    }
    for s in scores.iter_mut() {
        *s /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_follow_the_standard_library() {
        for i in -8000..=8000 {
            let x = i as f32 / 100.0;
            let (ours, std) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours - std).abs() <= 3e-7 * std, "exp({x}) = {ours}, not {std}");
        }
        for i in 1..5000 {
            let x = f64::from(i) * f64::from(i) / 97.0;
            assert!((ln(x) - x.ln()).abs() <= 1e-13 * x.ln().abs().max(1.0), "ln({x})");
        }
        assert_eq!(exp(-100.0), 0.0);
        assert!(exp(f32::NAN).is_nan() && ln(0.0).is_nan() && ln(-1.0).is_nan());
    }

    #[test]
    fn softmax_sums_to_one_even_for_far_scores() {
        let mut far = [1e4, -1e4, 9_999.0];
        softmax(&mut far);
        assert!((far.iter().sum::<f32>() - 1.0).abs() < 1e-6 && far[1] == 0.0 && far[0] > far[2]);
    }
}
