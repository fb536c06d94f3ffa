//! The n-gram branch, packed: one signed byte per label and bucket, one scale per bucket.
//!
//! **Invariant:** a score is summed in ascending bucket order, so it has the same bits everywhere.

use kolm_kernels::int8;

use crate::error::Error;
use crate::text::{self, WIDTH};

/// Marks a bucket that no weight uses.
const UNUSED: u32 = u32::MAX;

/// A linear classifier over hashed n-grams. Buckets without a weight take no room.
#[derive(Debug, Clone, PartialEq)]
pub struct Ngram {
    labels: usize,
    idf: Vec<f32>,
    /// The column of each bucket in `scales` and `codes`.
    column: Vec<u32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    /// Column by column: the codes that one feature needs lie side by side.
    codes: Vec<i8>,
}

/// The tensors of the branch as an artifact holds them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensors {
    /// Buckets with weights, ascending.
    pub(crate) buckets: Vec<u32>,
    /// Their document frequency factors.
    pub(crate) idf: Vec<f32>,
    /// The factor of all other buckets.
    pub(crate) unseen: f32,
    pub(crate) scales: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    /// Label by label.
    pub(crate) codes: Vec<i8>,
}

impl Ngram {
    /// Packs the weights of each label, one a bucket. Buckets that no row used share the greatest `idf`, and
    /// take room only if they have a weight.
    pub fn pack(idf: Vec<f32>, weights: &[&[f32]], bias: Vec<f32>) -> Result<Self, Error> {
        let labels = weights.len();
        if idf.len() != WIDTH || bias.len() != labels || weights.iter().any(|w| w.len() != WIDTH) {
            return Err(Error::Shape { what: "ngram".to_owned() });
        }
        let (mut scales, mut codes, mut column) = (Vec::new(), Vec::new(), vec![UNUSED; WIDTH]);
        let (mut values, mut packed) = (vec![0.0; labels], vec![0; labels]);
        let unseen = idf.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (bucket, column) in column.iter_mut().enumerate() {
            values.iter_mut().zip(weights).for_each(|(v, w)| *v = w[bucket]);
            if values.iter().any(|v| *v != 0.0) || idf[bucket] < unseen {
                *column = scales.len() as u32;
                scales.push(int8::pack_column(&values, &mut packed));
                codes.extend_from_slice(&packed);
            }
        }
        Ok(Self { labels, idf, column, scales, bias, codes })
    }

    pub(crate) fn from_tensors(t: &Tensors) -> Result<Self, Error> {
        let (labels, used) = (t.bias.len(), t.buckets.len());
        let fits = labels > 0
            && t.idf.len() == used
            && t.scales.len() == used
            && t.codes.len() == used * labels
            && t.buckets.windows(2).all(|pair| pair[0] < pair[1])
            && t.buckets.last().is_none_or(|last| (*last as usize) < WIDTH);
        if !fits {
            return Err(Error::Shape { what: "ngram".to_owned() });
        }
        let (mut idf, mut column) = (vec![t.unseen; WIDTH], vec![UNUSED; WIDTH]);
        for (i, (bucket, factor)) in t.buckets.iter().zip(&t.idf).enumerate() {
            idf[*bucket as usize] = *factor;
            column[*bucket as usize] = i as u32;
        }
        let mut codes = vec![0; t.codes.len()];
        for (label, row) in t.codes.chunks_exact(used.max(1)).enumerate() {
            for (i, code) in row.iter().enumerate() {
                codes[i * labels + label] = *code;
            }
        }
        Ok(Self { labels, idf, column, scales: t.scales.clone(), bias: t.bias.clone(), codes })
    }

    pub(crate) fn tensors(&self) -> Tensors {
        let buckets: Vec<u32> =
            (0..WIDTH as u32).filter(|bucket| self.column[*bucket as usize] != UNUSED).collect();
        let unused = self.column.iter().position(|column| *column == UNUSED);
        let mut codes = Vec::with_capacity(self.codes.len());
        for label in 0..self.labels {
            codes.extend(self.codes.chunks_exact(self.labels).map(|column| column[label]));
        }
        Tensors {
            idf: buckets.iter().map(|bucket| self.idf[*bucket as usize]).collect(),
            unseen: unused.map_or(1.0, |bucket| self.idf[bucket]),
            buckets,
            scales: self.scales.clone(),
            bias: self.bias.clone(),
            codes,
        }
    }

    /// Number of labels.
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// One score a label for a normalized text.
    pub fn scores(&self, normal: &str) -> Vec<f32> {
        let features = text::features(&text::grams(normal), &self.idf);
        let mut out = self.bias.clone();
        for (bucket, value) in features.at.iter().zip(&features.value) {
            let column = self.column[*bucket as usize];
            if column != UNUSED {
                let column = column as usize;
                let codes = &self.codes[column * self.labels..(column + 1) * self.labels];
                int8::axpy(&mut out, value * self.scales[column], codes);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_scores_and_survives_the_turn() {
        let (idf, mut a, mut b) = (vec![1.0; WIDTH], vec![0.0; WIDTH], vec![0.0; WIDTH]);
        let grams = text::grams("refund please");
        for (i, g) in grams.iter().enumerate() {
            a[*g as usize] = 0.5 + i as f32 / 100.0;
            b[*g as usize] = -0.25;
        }
        let packed = Ngram::pack(idf.clone(), &[&a, &b], vec![0.1, -0.1]).unwrap();
        let scores = packed.scores("refund please");
        let features = text::features(&grams, &idf);
        for (score, exact) in scores.iter().zip([features.row().dot(&a) + 0.1, features.row().dot(&b) - 0.1])
        {
            assert!((score - exact).abs() < 0.02, "{score} {exact}");
        }
        let tensors = packed.tensors();
        assert_eq!(
            tensors.buckets.len(),
            grams.chunk_by(|a, b| a == b).count(),
            "unused buckets take no room"
        );
        assert_eq!(Ngram::from_tensors(&tensors).unwrap(), packed);
        assert_eq!(packed.scores(""), [0.1, -0.1]);
        let shuffled = Tensors { buckets: tensors.buckets.iter().rev().copied().collect(), ..tensors };
        assert!(Ngram::from_tensors(&shuffled).is_err());
    }
}
