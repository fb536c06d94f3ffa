//! Dense matrix products for training, on one thread, through the `gemm` crate (AVX2, AVX-512 where there).
//!
//! **Invariant:** one thread and no state: the same operands give the same bits on the same CPU.

/// How a row-major operand is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// As it lies.
    Plain,
    /// Transposed.
    Transposed,
}

/// `a · b` as a row-major `[m, n]` matrix, where `a` reads as `[m, k]` and `b` as `[k, n]`.
///
/// `None` when a length does not fit the shape.
pub fn product(
    a: &[f32],
    read_a: Read,
    b: &[f32],
    read_b: Read,
    m: usize,
    k: usize,
    n: usize,
) -> Option<Vec<f32>> {
    if m.checked_mul(k)? != a.len() || k.checked_mul(n)? != b.len() {
        return None;
    }
    let mut out = vec![0.0_f32; m.checked_mul(n)?];
    if k == 0 || out.is_empty() {
        return Some(out);
    }
    let (a_cs, a_rs) = strides(read_a, m, k);
    let (b_cs, b_rs) = strides(read_b, k, n);
    run(&mut out, a, (a_cs, a_rs), b, (b_cs, b_rs), (m, k, n));
    Some(out)
}

/// Column and row stride of a `[rows, cols]` view.
fn strides(read: Read, rows: usize, cols: usize) -> (isize, isize) {
    match read {
        Read::Plain => (1, cols as isize),
        Read::Transposed => (rows as isize, 1),
    }
}

#[expect(unsafe_code, reason = "the gemm crate takes raw pointers; lengths were checked against the shape")]
fn run(
    out: &mut [f32],
    a: &[f32],
    sa: (isize, isize),
    b: &[f32],
    sb: (isize, isize),
    shape: (usize, usize, usize),
) {
    let (m, k, n) = shape;
    // SAFETY: `product` checked that `a` holds m*k, `b` k*n and `out` m*n elements, and the strides address
    // exactly these; `out` is exclusively borrowed and the pointers do not outlive the call.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            sa.0,
            sa.1,
            b.as_ptr(),
            sb.0,
            sb.1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(a: &[f32], ra: Read, b: &[f32], rb: Read, m: usize, k: usize, n: usize) -> Vec<f32> {
        let at = |v: &[f32], r: Read, rows: usize, cols: usize, i: usize, j: usize| match r {
            Read::Plain => v[i * cols + j],
            Read::Transposed => v[j * rows + i],
        };
        let mut out = vec![];
        for i in 0..m {
            for j in 0..n {
                out.push((0..k).map(|l| at(a, ra, m, k, i, l) * at(b, rb, k, n, l, j)).sum());
            }
        }
        out
    }

    #[test]
    fn products_match_the_definition_in_all_four_readings() {
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (17, 33, 9), (64, 48, 80)] {
            let a: Vec<f32> = (0..m * k).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            for ra in [Read::Plain, Read::Transposed] {
                for rb in [Read::Plain, Read::Transposed] {
                    assert_eq!(product(&a, ra, &b, rb, m, k, n), Some(naive(&a, ra, &b, rb, m, k, n)));
                }
            }
        }
        assert_eq!(product(&[1.0], Read::Plain, &[1.0], Read::Plain, 2, 1, 1), None);
    }
}
