//! Cross-entropy of label scores, as one candle op with its own backward.
//!
//! **Invariant:** the divisor comes from the whole window (batch), never from the micro-batch.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use kolm_model::kernels::func;
use kolm_model::ops;

/// `sum_i w_i · -log softmax(scores_i)[target_i]` over the rows; the caller puts the divisor into the weights.
#[derive(Debug, Clone)]
pub(crate) struct CrossEntropy {
    /// Index of the right label of each row.
    pub(crate) targets: Vec<u32>,
    /// Weight of each row.
    pub(crate) weights: Vec<f32>,
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "kolm-cross-entropy"
    }

    fn cpu_fwd(&self, scores: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, labels) = layout.shape().dims2()?;
        let Some((from, to)) = layout.contiguous_offsets() else { bail!("scores are not contiguous") };
        if rows != self.targets.len() || rows != self.weights.len() {
            bail!("{rows} rows of scores for {} targets", self.targets.len());
        }
        let mut loss = 0.0;
        for (i, row) in scores.as_slice::<f32>()?[from..to].chunks_exact(labels).enumerate() {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = row.iter().map(|s| func::exp(s - top)).sum();
            loss += self.weights[i] * (func::ln(f64::from(sum)) as f32 + top - row[self.targets[i] as usize]);
        }
        Ok((CpuStorage::F32(vec![loss]), ().into()))
    }

    fn bwd(&self, scores: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, labels) = scores.dims2()?;
        let grad = grad.to_scalar::<f32>()?;
        let mut out = ops::values(scores)?;
        for (i, row) in out.chunks_exact_mut(labels).enumerate() {
            func::softmax(row);
            row[self.targets[i] as usize] -= 1.0;
            row.iter_mut().for_each(|p| *p *= grad * self.weights[i]);
        }
        Ok(Some(Tensor::from_vec(out, scores.shape(), scores.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn value_and_gradient_match_the_definition() {
        let op = CrossEntropy { targets: vec![2, 0], weights: vec![0.5, 2.0] };
        let scores = [1.0_f32, 2.0, 0.5, -1.0, 0.3, 0.2];
        let value = |s: &[f32; 6]| {
            s.chunks(3)
                .zip([2_usize, 0])
                .zip([0.5_f64, 2.0])
                .map(|((r, t), w)| {
                    let sum: f64 = r.iter().map(|x| f64::from(*x).exp()).sum();
                    w * (sum.ln() - f64::from(r[t]))
                })
                .sum::<f64>()
        };
        let x = Var::from_vec(scores.to_vec(), (2, 3), &Device::Cpu).unwrap();
        let loss = x.apply_op1(op).unwrap();
        assert!((f64::from(loss.to_scalar::<f32>().unwrap()) - value(&scores)).abs() < 1e-5);
        let grads = loss.backward().unwrap();
        let got = ops::values(grads.get(&x).unwrap()).unwrap();
        for i in 0..6 {
            let at = |h: f32| {
                let mut s = scores;
                s[i] += h;
                value(&s)
            };
            let numeric = (at(1e-3) - at(-1e-3)) / 2e-3;
            assert!((f64::from(got[i]) - numeric).abs() < 1e-3, "{i}: {} {numeric}", got[i]);
        }
    }
}
