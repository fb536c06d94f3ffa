//! Differentiable blocks for candle, each one op with its own backward: linear, RMS norm, SwiGLU, attention
//! over packed sequences, mask.
//!
//! **Invariant:** every op has `bwd` and runs on one thread, so gradients are complete and reproducible;
//! candle's fused ops, which silently have none, are never used.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Storage, Tensor, bail};
use kolm_kernels::gemm::{Read, product};
use kolm_kernels::sum::{axpy, dot};
use kolm_kernels::{func, sum};

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("operand is not contiguous"),
    }
}

/// The elements of a tensor on the CPU, in row-major order.
pub fn values(t: &Tensor) -> Result<Vec<f32>> {
    t.flatten_all()?.to_vec1::<f32>()
}

fn with<R>(t: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let (storage, layout) = t.storage_and_layout();
    if let Storage::Cpu(cpu) = &*storage {
        f(slice(cpu, layout)?)
    } else {
        bail!("operand is not on the CPU")
    }
}

fn tensor(v: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(v, like.shape(), like.device())
}

fn fits<T>(v: Option<T>) -> Result<T> {
    match v {
        Some(v) => Ok(v),
        None => bail!("operands of a product do not fit"),
    }
}

/// `x Wᵀ` for `x [m, in]`, `W [out, in]`.
#[derive(Debug, Clone, Copy)]
pub struct Linear;

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "kolm-linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((m, k), (n, _)) = (lx.shape().dims2()?, lw.shape().dims2()?);
        let y = fits(product(slice(x, lx)?, Read::Plain, slice(w, lw)?, Read::Transposed, m, k, n))?;
        Ok((CpuStorage::F32(y), (m, n).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let ((m, k), (n, _)) = (x.dims2()?, w.dims2()?);
        let g = g.contiguous()?;
        let gx = with(&g, |g| with(w, |w| fits(product(g, Read::Plain, w, Read::Plain, m, n, k))))?;
        let gw = with(&g, |g| with(x, |x| fits(product(g, Read::Transposed, x, Read::Plain, n, m, k))))?;
        Ok((Some(tensor(gx, x)?), Some(tensor(gw, w)?)))
    }
}

/// Root-mean-square norm of each row of `x [m, d]`, times `g [d]`.
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm;

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "kolm-rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        g: &CpuStorage,
        lg: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, g) = (slice(x, lx)?, slice(g, lg)?);
        let mut y = vec![0.0; x.len()];
        for (y, x) in y.chunks_exact_mut(g.len()).zip(x.chunks_exact(g.len())) {
            sum::rms_norm(y, x, g);
        }
        Ok((CpuStorage::F32(y), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        g: &Tensor,
        _: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let d = g.dims1()?;
        let gy = gy.contiguous()?;
        let (gx, gg) = with(x, |x| with(g, |g| with(&gy, |gy| Ok(rms_norm_back(x, g, gy, d)))))?;
        Ok((Some(tensor(gx, x)?), Some(tensor(gg, g)?)))
    }
}

fn rms_norm_back(x: &[f32], g: &[f32], gy: &[f32], d: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut gx, mut gg) = (vec![0.0; x.len()], vec![0.0; d]);
    for ((gx, x), gy) in gx.chunks_exact_mut(d).zip(x.chunks_exact(d)).zip(gy.chunks_exact(d)) {
        let r = 1.0 / (dot(x, x) / d as f32 + 1e-6).sqrt();
        let mut along = 0.0;
        for i in 0..d {
            gg[i] += gy[i] * x[i] * r;
            gx[i] = gy[i] * g[i];
            along += gx[i] * x[i];
        }
        let pull = along * r * r * r / d as f32;
        for i in 0..d {
            gx[i] = gx[i] * r - x[i] * pull;
        }
    }
    (gx, gg)
}

/// `silu(a) · b`, element by element.
#[derive(Debug, Clone, Copy)]
pub struct SwiGlu;

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "kolm-swiglu"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let mut y = slice(a, la)?.to_vec();
        swiglu(&mut y, slice(b, lb)?);
        Ok((CpuStorage::F32(y), la.shape().clone()))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let back = |a: &[f32], b: &[f32], g: &[f32]| {
            let (mut ga, mut gb) = (vec![0.0; a.len()], vec![0.0; a.len()]);
            for i in 0..a.len() {
                let s = 1.0 / (1.0 + func::exp(-a[i]));
                ga[i] = g[i] * b[i] * s * (1.0 + a[i] * (1.0 - s));
                gb[i] = g[i] * a[i] * s;
            }
            (ga, gb)
        };
        let (ga, gb) = with(a, |a| with(b, |b| with(&g, |g| Ok(back(a, b, g)))))?;
        Ok((Some(tensor(ga, a)?), Some(tensor(gb, b)?)))
    }
}

/// `a = silu(a) · b`.
pub(crate) fn swiglu(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a = *a / (1.0 + func::exp(-*a)) * b;
    }
}

/// Multiplies element by element with a constant: dropout.
#[derive(Debug, Clone)]
pub struct Mask(pub Vec<f32>);

impl CustomOp1 for Mask {
    fn name(&self) -> &'static str {
        "kolm-mask"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = slice(x, lx)?.iter().zip(&self.0).map(|(x, m)| x * m).collect();
        Ok((CpuStorage::F32(y), lx.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gy: &Tensor) -> Result<Option<Tensor>> {
        let gx = with(&gy.contiguous()?, |g| Ok(g.iter().zip(&self.0).map(|(g, m)| g * m).collect()))?;
        Ok(Some(tensor(gx, x)?))
    }
}

/// Attention of queries `q [n, d]` over keys and values `kv [m, 2d]`; query `i` sees the rows `spans[i]`.
#[derive(Debug, Clone)]
pub struct Attention {
    /// Heads that share the width.
    pub heads: usize,
    /// For each query the first row it sees and how many.
    pub spans: Vec<(u32, u32)>,
}

impl Attention {
    /// Shares of one query and head over its span.
    fn shares(q: &[f32], kv: &[f32], at: &Place, shares: &mut Vec<f32>) {
        let scale = 1.0 / (at.head as f32).sqrt();
        shares.clear();
        shares.extend((0..at.count).map(|j| dot(q, at.key(kv, j)) * scale));
        func::softmax(shares);
    }

    fn each(&self, d: usize, mut f: impl FnMut(usize, usize, Place)) {
        let head = d / self.heads;
        for (i, (first, count)) in self.spans.iter().enumerate() {
            for h in 0..self.heads {
                let place = Place { first: *first as usize, count: *count as usize, h, head, d };
                f(i * d + h * head, head, place);
            }
        }
    }

    fn forward(&self, q: &[f32], kv: &[f32], d: usize) -> Vec<f32> {
        let mut y = vec![0.0; q.len()];
        let mut shares = Vec::new();
        self.each(d, |at, head, place| {
            Self::shares(&q[at..at + head], kv, &place, &mut shares);
            for (j, p) in shares.iter().enumerate() {
                axpy(&mut y[at..at + head], *p, place.value(kv, j));
            }
        });
        y
    }

    fn backward(&self, q: &[f32], kv: &[f32], gy: &[f32], d: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut gq, mut gkv) = (vec![0.0; q.len()], vec![0.0; kv.len()]);
        let mut shares = Vec::new();
        self.each(d, |at, head, place| {
            let (q, gy) = (&q[at..at + head], &gy[at..at + head]);
            Self::shares(q, kv, &place, &mut shares);
            let mut towards: Vec<f32> = (0..place.count).map(|j| dot(gy, place.value(kv, j))).collect();
            let mean = dot(&shares, &towards);
            let scale = 1.0 / (head as f32).sqrt();
            for (j, (p, t)) in shares.iter().zip(&mut towards).enumerate() {
                let (k, v) = place.ranges(j);
                axpy(&mut gkv[v], *p, gy);
                let pull = p * (*t - mean) * scale;
                axpy(&mut gq[at..at + head], pull, &kv[k.clone()]);
                axpy(&mut gkv[k], pull, q);
            }
        });
        (gq, gkv)
    }
}

/// One query and head among the keys.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: usize,
    count: usize,
    h: usize,
    head: usize,
    d: usize,
}

impl Place {
    fn ranges(&self, j: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let k = (self.first + j) * 2 * self.d + self.h * self.head;
        (k..k + self.head, k + self.d..k + self.d + self.head)
    }

    fn key<'a>(&self, kv: &'a [f32], j: usize) -> &'a [f32] {
        &kv[self.ranges(j).0]
    }

    fn value<'a>(&self, kv: &'a [f32], j: usize) -> &'a [f32] {
        &kv[self.ranges(j).1]
    }
}

impl CustomOp2 for Attention {
    fn name(&self) -> &'static str {
        "kolm-attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        lq: &Layout,
        kv: &CpuStorage,
        lkv: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, d) = lq.shape().dims2()?;
        Ok((CpuStorage::F32(self.forward(slice(q, lq)?, slice(kv, lkv)?, d)), lq.shape().clone()))
    }

    fn bwd(
        &self,
        q: &Tensor,
        kv: &Tensor,
        _: &Tensor,
        gy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, d) = q.dims2()?;
        let gy = gy.contiguous()?;
        let (gq, gkv) = with(q, |q| with(kv, |kv| with(&gy, |gy| Ok(self.backward(q, kv, gy, d)))))?;
        Ok((Some(tensor(gq, q)?), Some(tensor(gkv, kv)?)))
    }
}
