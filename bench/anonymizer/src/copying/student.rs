//! The student: a small transformer over the tokens of a prompt, built of the product's own blocks
//! (`kolm_model::ops`) and trained with its AdamW.
//!
//! Shapes: `n` tokens of a batch laid end to end, width `d`; scores `[n, LABELS]`.
//!
//! **Invariant:** the same rows and seed give the same student.

use std::collections::BTreeMap;

use kolm_model::candle::{DType, Device, Error, Result, Tensor, Var};
use kolm_model::kernels::adam::Adam;
use kolm_model::ops::{self, Attention, Linear, RmsNorm, SwiGlu};

use super::reader::{LABELS, Read, UNKNOWN};
use crate::rng::Rng;

const WIDTH: usize = 64;
const HEADS: usize = 4;
const INNER: usize = 128;
const BLOCKS: usize = 2;
/// Tokens before and after that a token is seen with at once.
const REACH: usize = 2;
const LONGEST: usize = 160;

const BATCH: usize = 32;
const RATE: f64 = 2e-3;
/// Words of a hundred that are hidden while learning, so that unknown ones are nothing new.
const HIDDEN: u64 = 15;

/// What is learned, by name.
pub(crate) struct Student {
    parameters: BTreeMap<String, Var>,
}

/// The dimensions of every parameter.
fn shapes([words, shapes]: [usize; 2]) -> Vec<(String, Vec<usize>)> {
    let d = WIDTH;
    let mut out = vec![
        ("words".to_owned(), vec![words, d]),
        ("shapes".to_owned(), vec![shapes, d]),
        ("places".to_owned(), vec![LONGEST, d]),
        ("near".to_owned(), vec![d, (2 * REACH + 1) * d]),
        ("norm".to_owned(), vec![d]),
        ("head".to_owned(), vec![LABELS, d]),
    ];
    for block in 0..BLOCKS {
        for (name, dims) in [
            ("norm1", vec![d]),
            ("q", vec![d, d]),
            ("kv", vec![2 * d, d]),
            ("o", vec![d, d]),
            ("norm2", vec![d]),
            ("gate", vec![INNER, d]),
            ("up", vec![INNER, d]),
            ("out", vec![d, INNER]),
        ] {
            out.push((format!("{block}.{name}"), dims));
        }
    }
    out
}

/// Uniform draws with the spread that suits the place.
fn first(dims: &[usize], rng: &mut Rng) -> Result<Var> {
    let (n, inputs) = (dims.iter().product(), dims.last().copied().unwrap_or(1) as f32);
    let draw = |rng: &mut Rng| (rng.next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
    let values: Vec<f32> = match dims.len() {
        1 => vec![1.0; n],
        _ => (0..n).map(|_| draw(rng) / inputs.sqrt()).collect(),
    };
    Var::from_tensor(&Tensor::from_vec(values, dims, &Device::Cpu)?)
}

impl Student {
    /// Learns from `rows` for so many epochs.
    pub(crate) fn learn(rows: &[Read], sizes: [usize; 2], epochs: usize, seed: u64) -> Result<Self> {
        let mut rng = Rng::new(seed);
        let named = shapes(sizes).into_iter().map(|(name, dims)| Ok((name, first(&dims, &mut rng)?)));
        let student = Self { parameters: named.collect::<Result<_>>()? };
        let rows: Vec<&Read> = rows.iter().filter(|row| row.words.len() <= LONGEST).collect();
        let steps = rows.len().div_ceil(BATCH) * epochs;
        let mut steady = Steady::default();
        for _ in 0..epochs {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            (1..order.len()).rev().for_each(|i| order.swap(i, rng.below(i + 1)));
            for batch in order.chunks(BATCH) {
                let batch: Vec<&Read> = batch.iter().map(|row| rows[*row]).collect();
                student.step(&batch, &mut steady, steps, &mut rng)?;
            }
        }
        Ok(student)
    }

    /// The scores of each token.
    pub(crate) fn scores(&self, row: &Read) -> Result<Vec<Vec<f32>>> {
        self.forward(&[row], &row.words)?.to_vec2()
    }

    fn step(&self, batch: &[&Read], steady: &mut Steady, steps: usize, rng: &mut Rng) -> Result<()> {
        let mut words: Vec<u32> = batch.iter().flat_map(|row| row.words.iter().copied()).collect();
        words.iter_mut().filter(|_| rng.chance(HIDDEN)).for_each(|word| *word = UNKNOWN);
        let targets: Vec<u32> = batch.iter().flat_map(|row| row.labels.iter().copied()).collect();
        let scores = self.forward(batch, &words)?;
        let targets = Tensor::from_vec(targets, (words.len(), 1), &Device::Cpu)?;
        let right = scores.gather(&targets, 1)?.squeeze(1)?;
        let loss = (scores.log_sum_exp(1)? - right)?.mean(0)?;
        let gradients = loss.backward()?;
        let adam = steady.next(steps);
        for (name, parameter) in &self.parameters {
            let Some(gradient) = gradients.get(parameter.as_tensor()) else { continue };
            let mut values = ops::values(parameter)?;
            let zeros = || (vec![0.0; values.len()], vec![0.0; values.len()]);
            let (m, v) = steady.moments.entry(name.clone()).or_insert_with(zeros);
            adam.step(&mut values, m, v, &ops::values(gradient)?);
            parameter.set(&Tensor::from_vec(values, parameter.dims(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// Every token sees all tokens of its own prompt.
    fn forward(&self, batch: &[&Read], words: &[u32]) -> Result<Tensor> {
        let get = |name: &str| {
            let found = self.parameters.get(name).map(|var| var.as_tensor().clone());
            found.ok_or_else(|| Error::Msg(format!("parameter {name} is missing")))
        };
        let (mut shapes, mut places, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for row in batch {
            let (from, n) = (shapes.len() as u32, row.shapes.len() as u32);
            shapes.extend_from_slice(&row.shapes);
            places.extend((0..n).map(|place| place.min(LONGEST as u32 - 1)));
            spans.extend((0..n).map(|_| (from, n)));
        }
        let rows = |table: &str, ids: &[u32]| get(table)?.index_select(&Tensor::new(ids, &Device::Cpu)?, 0);
        let token = (rows("words", words)? + rows("shapes", &shapes)?)?;
        let near = near(&token, &spans)?.apply_op2(&get("near")?, Linear)?;
        let mut x = (near + rows("places", &places)?)?;
        for block in 0..BLOCKS {
            let p = |name: &str| get(&format!("{block}.{name}"));
            let seen = x.apply_op2(&p("norm1")?, RmsNorm)?;
            let (q, kv) = (seen.apply_op2(&p("q")?, Linear)?, seen.apply_op2(&p("kv")?, Linear)?);
            let mixed = q.apply_op2(&kv, Attention { heads: HEADS, spans: spans.clone() })?;
            x = (x + mixed.apply_op2(&p("o")?, Linear)?)?;
            let seen = x.apply_op2(&p("norm2")?, RmsNorm)?;
            let gate = seen.apply_op2(&p("gate")?, Linear)?;
            let inner = gate.apply_op2(&seen.apply_op2(&p("up")?, Linear)?, SwiGlu)?;
            x = (x + inner.apply_op2(&p("out")?, Linear)?)?;
        }
        x.apply_op2(&get("norm")?, RmsNorm)?.apply_op2(&get("head")?, Linear)
    }
}

/// Each token beside those around it, `[n, (2 REACH + 1) d]`; nothing beyond the ends of its prompt.
fn near(token: &Tensor, spans: &[(u32, u32)]) -> Result<Tensor> {
    let n = spans.len();
    let mut parts = Vec::with_capacity(2 * REACH + 1);
    for shift in 0..=2 * REACH {
        let (mut ids, mut there) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for (at, (from, count)) in spans.iter().enumerate() {
            let wanted = (at + shift).checked_sub(REACH).map(|id| id as u32);
            let inside = wanted.filter(|id| (*from..from + count).contains(id));
            ids.push(inside.unwrap_or(at as u32));
            there.push(f32::from(inside.is_some()));
        }
        let there = Tensor::from_vec(there, (n, 1), &Device::Cpu)?;
        parts.push(token.index_select(&Tensor::new(ids, &Device::Cpu)?, 0)?.broadcast_mul(&there)?);
    }
    Tensor::cat(&parts, 1)?.to_dtype(DType::F32)?.contiguous()
}

/// Where the optimizer stands.
#[derive(Default)]
struct Steady {
    step: i32,
    moments: BTreeMap<String, (Vec<f32>, Vec<f32>)>,
}

impl Steady {
    /// The numbers of the next step: half a cosine from [`RATE`] to nothing.
    fn next(&mut self, steps: usize) -> Adam {
        let share = f64::from(self.step) / steps.max(1) as f64;
        self.step += 1;
        Adam {
            rate: (RATE * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())) as f32,
            b1: 0.9,
            b2: 0.99,
            c1: (1.0 - 0.9_f64.powi(self.step)) as f32,
            c2: (1.0 - 0.99_f64.powi(self.step)) as f32,
            decay: 0.01,
            clip: 1.0,
        }
    }
}
