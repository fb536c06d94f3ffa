//! The training of the transformer branch: epochs, steps, micro-batches, AdamW.
//!
//! **Invariant:** a step is a function of seed, step number and state; gradients of micro-batches are summed
//! in index order, so neither threads nor a resume change a bit.

use std::collections::BTreeMap;

use candle_core::Result;
use kolm_model::kernels::adam::Adam;
use kolm_model::kernels::sum::axpy;
use kolm_model::net::{self, Packed, SPECIAL, Shape, UNKNOWN, Values};
use kolm_model::ops;
use rayon::prelude::*;

use crate::chance::{Purpose, Stream};
use crate::loss::CrossEntropy;

/// How the transformer branch is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    /// Rounds over the rows.
    pub(crate) epochs: u64,
    /// Rows a step.
    pub(crate) batch: usize,
    /// Tokens a micro-batch at most (one row may exceed it): the unit of parallel work. Kept below 256, so
    /// that candle's element-wise sums stay on their thread (it spreads 65,536 elements and more over a
    /// pool that spins).
    pub(crate) micro: usize,
    /// Highest learning rate.
    pub(crate) rate: f64,
    /// Share of the steps in which the rate rises.
    pub(crate) warm_up: f64,
    /// Decoupled weight decay.
    pub(crate) decay: f64,
    /// Longest gradient.
    pub(crate) clip: f64,
    /// Dropout, of 256.
    pub(crate) dropout: u8,
    /// Share of words hidden.
    pub(crate) word_dropout: f32,
    /// Seed of everything random.
    pub(crate) seed: u64,
}

/// One row as the transformer reads it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// Tokens, the end token included.
    pub(crate) tokens: Vec<u32>,
    /// Index of the label.
    pub(crate) label: u32,
    /// Weight of the row.
    pub(crate) weight: f32,
}

/// All that a step changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    /// Weights.
    pub(crate) values: Values,
    /// First moments.
    pub(crate) first: Values,
    /// Second moments.
    pub(crate) second: Values,
    /// Steps done.
    pub(crate) step: u64,
}

impl State {
    /// The state before the first step.
    pub(crate) fn new(shape: &Shape, seed: u64) -> Self {
        let mut stream = Stream::new(seed, Purpose::Init, 0, 0);
        let values = net::init(shape, &mut || stream.normal());
        let zero: Values = values.iter().map(|(name, v)| (name.clone(), vec![0.0; v.len()])).collect();
        Self { values, first: zero.clone(), second: zero, step: 0 }
    }
}

impl Recipe {
    /// Steps of an epoch.
    pub(crate) fn steps(&self, rows: usize) -> u64 {
        rows.div_ceil(self.batch) as u64
    }

    /// The learning rate at a step: linear rise, then half a cosine.
    fn rate_at(&self, step: u64, steps: u64) -> f64 {
        let warm = (steps as f64 * self.warm_up).max(1.0);
        let at = step as f64 + 1.0;
        if at < warm {
            return self.rate * at / warm;
        }
        let share = (at - warm) / (steps as f64 - warm).max(1.0);
        self.rate * 0.5 * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos())
    }

    /// The rows of one epoch in their order.
    pub(crate) fn order(&self, rows: usize, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows).collect();
        Stream::new(self.seed, Purpose::Order, epoch, 0).shuffle(&mut order);
        order
    }

    /// One step over `rows`; returns the loss.
    pub(crate) fn step(&self, shape: &Shape, state: &mut State, rows: &[&Sample], steps: u64) -> Result<f32> {
        let total: f32 = rows.iter().map(|s| s.weight).sum();
        let params = net::params(shape, &state.values)?;
        let parts: Vec<Gradient> = self
            .micro_batches(rows)
            .into_par_iter()
            .enumerate()
            .map(|(part, rows)| {
                self.micro(shape, &state.values, &params, rows, total, (state.step, part as u64))
            })
            .collect::<Result<_>>()?;
        let (loss, gradients) = sum(shape, &parts);
        let norm2: f64 = gradients.values().flatten().map(|g| f64::from(*g) * f64::from(*g)).sum();
        self.update(state, &gradients, norm2.sqrt(), steps);
        Ok(loss)
    }

    /// Cuts a batch into runs of rows with at most `micro` tokens.
    fn micro_batches<'r>(&self, mut rows: &'r [&'r Sample]) -> Vec<&'r [&'r Sample]> {
        let mut out = Vec::new();
        while !rows.is_empty() {
            let mut tokens = 0;
            let fits = rows.iter().take_while(|row| {
                tokens += row.tokens.len();
                tokens <= self.micro
            });
            let (head, rest) = rows.split_at(fits.count().max(1));
            out.push(head);
            rows = rest;
        }
        out
    }

    fn micro(
        &self,
        shape: &Shape,
        values: &Values,
        params: &net::Params,
        rows: &[&Sample],
        total: f32,
        at: (u64, u64),
    ) -> Result<Gradient> {
        let mut words = Stream::new(self.seed, Purpose::Words, at.0, at.1);
        let mut packed = Packed::default();
        for row in rows {
            let hidden: Vec<u32> = row
                .tokens
                .iter()
                .map(|t| if *t >= SPECIAL && words.unit() < self.word_dropout { UNKNOWN } else { *t })
                .collect();
            packed.push(&hidden);
        }
        let mut noise = Stream::new(self.seed, Purpose::Dropout, at.0, at.1);
        let mut draw = |n: usize| noise.mask(n, self.dropout);
        let x = net::embed(shape, values, &packed)?;
        let scores = net::forward(shape, params, x.as_tensor(), &packed, Some(&mut draw))?;
        let loss = scores.apply_op1(CrossEntropy {
            targets: rows.iter().map(|s| s.label).collect(),
            weights: rows.iter().map(|s| s.weight / total).collect(),
        })?;
        let grads = loss.backward()?;
        let mut by_name = Values::new();
        for (name, var) in params {
            if let Some(grad) = grads.get(var.as_tensor()) {
                by_name.insert(name.clone(), ops::values(grad)?);
            }
        }
        let table = grads.get(x.as_tensor()).map(ops::values).transpose()?.unwrap_or_default();
        Ok(Gradient { loss: loss.to_scalar::<f32>()?, by_name, packed, table })
    }

    fn update(&self, state: &mut State, gradients: &Values, norm: f64, steps: u64) {
        let t = (state.step + 1).min(i32::MAX as u64) as i32;
        let adam = Adam {
            rate: self.rate_at(state.step, steps) as f32,
            b1: 0.9,
            b2: 0.99,
            c1: (1.0 - 0.9_f64.powi(t)) as f32,
            c2: (1.0 - 0.99_f64.powi(t)) as f32,
            decay: 0.0,
            clip: (self.clip / norm.max(self.clip)) as f32,
        };
        for (name, w) in &mut state.values {
            let (Some(g), Some(m), Some(v)) =
                (gradients.get(name), state.first.get_mut(name), state.second.get_mut(name))
            else {
                continue;
            };
            let decay = if name.contains("norm") || name.contains("bias") { 0.0 } else { self.decay as f32 };
            Adam { decay, ..adam }.step(w, m, v, g);
        }
        state.step += 1;
    }
}

/// Gradients of one micro-batch; those of the token tables lie by token in `table`.
struct Gradient {
    loss: f32,
    by_name: Values,
    packed: Packed,
    table: Vec<f32>,
}

/// The sum over micro-batches, in their order.
fn sum(shape: &Shape, parts: &[Gradient]) -> (f32, Values) {
    let d = shape.width;
    let mut out: Values = shape
        .parameters()
        .into_iter()
        .map(|(name, (dims, _))| (name, vec![0.0; dims.iter().product()]))
        .collect::<BTreeMap<_, _>>();
    let mut loss = 0.0;
    for part in parts {
        loss += part.loss;
        for (name, g) in &part.by_name {
            if let Some(all) = out.get_mut(name) {
                axpy(all, 1.0, g);
            }
        }
        let rows: Vec<(usize, usize)> = part
            .packed
            .tokens
            .iter()
            .zip(part.packed.positions())
            .map(|(token, at)| (*token as usize * d, at as usize * d))
            .collect();
        for (name, first) in [("tok", true), ("pos", false)] {
            let Some(all) = out.get_mut(name) else { continue };
            for ((token, at), g) in rows.iter().zip(part.table.chunks_exact(d)) {
                let row = if first { *token } else { *at };
                axpy(&mut all[row..row + d], 1.0, g);
            }
        }
    }
    (loss, out)
}
