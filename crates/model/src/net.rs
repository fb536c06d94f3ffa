//! The differentiable transformer with a label head on the end token: shapes, parameters, forward pass.
//!
//! **Invariant:** parameters live in one map in name order; nothing here draws a random number or drops one.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::ops::{Attention, Linear, Mask, RmsNorm, SwiGlu};

/// Token of a word that is not in the vocabulary.
pub const UNKNOWN: u32 = 0;
/// Token after the last word; the label is read off here.
pub const END: u32 = 1;
/// Tokens before the first word of the vocabulary.
pub const SPECIAL: u32 = 2;

/// The numbers that fix a transformer's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Tokens, special ones included.
    pub vocab: usize,
    /// Width of a token.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Inner width of the feed-forward part.
    pub ff: usize,
    /// Tokens at most, the end token included.
    pub context: usize,
    /// Labels.
    pub labels: usize,
}

/// What a parameter is, for its first value and its packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Token and position tables: packed, drawn small.
    Table,
    /// Matrices inside the blocks: packed.
    Matrix,
    /// Norm gains: kept whole, start at one.
    Gain,
    /// Weights of the label head: kept whole.
    Head,
    /// Constants of the label head: kept whole, start at zero.
    Bias,
}

impl Shape {
    /// Every parameter with its dimensions and role, in name order.
    pub fn parameters(&self) -> BTreeMap<String, (Vec<usize>, Role)> {
        let d = self.width;
        let mut out = BTreeMap::from([
            ("tok".to_owned(), (vec![self.vocab, d], Role::Table)),
            ("pos".to_owned(), (vec![self.context, d], Role::Table)),
            ("norm".to_owned(), (vec![d], Role::Gain)),
            ("head".to_owned(), (vec![self.labels, d], Role::Head)),
            ("head_bias".to_owned(), (vec![self.labels], Role::Bias)),
        ]);
        for l in 0..self.layers {
            for (name, dims, role) in [
                ("norm1", vec![d], Role::Gain),
                ("q", vec![d, d], Role::Matrix),
                ("kv", vec![2 * d, d], Role::Matrix),
                ("o", vec![d, d], Role::Matrix),
                ("norm2", vec![d], Role::Gain),
                ("gate", vec![self.ff, d], Role::Matrix),
                ("up", vec![self.ff, d], Role::Matrix),
                ("out", vec![d, self.ff], Role::Matrix),
            ] {
                out.insert(format!("l{l}.{name}"), (dims, role));
            }
        }
        out
    }

    /// Parameters in all.
    pub fn size(&self) -> usize {
        self.parameters().values().map(|(dims, _)| dims.iter().product::<usize>()).sum()
    }
}

/// Values of parameters by name.
pub type Values = BTreeMap<String, Vec<f32>>;
/// The parameters of the blocks as candle sees them; the token tables stay outside the graph, because
/// candle would build a dense gradient of the whole table for each micro-batch.
pub type Params = BTreeMap<String, Var>;

/// First values; `normal` gives draws from a standard normal distribution.
pub fn init(shape: &Shape, normal: &mut dyn FnMut() -> f32) -> Values {
    let mut out = Values::new();
    for (name, (dims, role)) in shape.parameters() {
        let n: usize = dims.iter().product();
        let inputs = dims.last().copied().unwrap_or(1).max(1) as f32;
        let v: Vec<f32> = match role {
            Role::Table => (0..n).map(|_| normal() * 0.05).collect(),
            Role::Matrix => (0..n).map(|_| normal() * 0.7 / inputs.sqrt()).collect(),
            Role::Head => (0..n).map(|_| normal() * 0.3 / inputs.sqrt()).collect(),
            Role::Gain => vec![1.0; n],
            Role::Bias => vec![0.0; n],
        };
        out.insert(name, v);
    }
    out
}

/// The trainable tensors of these values.
pub fn params(shape: &Shape, values: &Values) -> Result<Params> {
    let mut out = Params::new();
    for (name, (dims, role)) in shape.parameters() {
        let Some(v) = values.get(&name).filter(|_| role != Role::Table) else { continue };
        out.insert(name, Var::from_tensor(&Tensor::from_vec(v.clone(), dims, &Device::Cpu)?)?);
    }
    Ok(out)
}

/// Token plus position vectors of packed sequences, as a leaf of the graph.
pub fn embed(shape: &Shape, values: &Values, packed: &Packed) -> Result<Var> {
    let d = shape.width;
    let (Some(tok), Some(pos)) = (values.get("tok"), values.get("pos")) else {
        candle_core::bail!("token tables are missing");
    };
    let mut x = Vec::with_capacity(packed.tokens.len() * d);
    for (token, at) in packed.tokens.iter().zip(packed.positions()) {
        let (token, at) = (*token as usize * d, at as usize * d);
        x.extend(tok[token..token + d].iter().zip(&pos[at..at + d]).map(|(t, p)| t + p));
    }
    Var::from_tensor(&Tensor::from_vec(x, (packed.tokens.len(), d), &Device::Cpu)?)
}

/// Sequences laid end to end, without padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    /// Tokens; each sequence closes with [`END`].
    pub tokens: Vec<u32>,
    /// Tokens of each sequence.
    pub lengths: Vec<usize>,
}

impl Packed {
    /// Adds a sequence.
    pub fn push(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
        self.lengths.push(tokens.len());
    }

    /// Position of each token in its sequence.
    pub fn positions(&self) -> Vec<u32> {
        self.lengths.iter().flat_map(|n| 0..*n as u32).collect()
    }

    /// What each token sees (itself and all before it), and what the last one of each sequence sees.
    fn spans(&self) -> (Vec<(u32, u32)>, Vec<u32>, Vec<(u32, u32)>) {
        let (mut all, mut ends, mut last) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0_u32;
        for n in &self.lengths {
            let n = *n as u32;
            all.extend((0..n).map(|t| (first, t + 1)));
            ends.push(first + n - 1);
            last.push((first, n));
            first += n;
        }
        (all, ends, last)
    }
}

/// Draws of a dropout mask for so many elements, or none when answering.
pub type Noise<'a> = Option<&'a mut dyn FnMut(usize) -> Vec<f32>>;

fn dropped(x: Tensor, noise: &mut Noise<'_>) -> Result<Tensor> {
    match noise {
        Some(draw) => {
            let mask = draw(x.elem_count());
            x.apply_op1(Mask(mask))
        }
        None => Ok(x),
    }
}

/// Scores `[sequences, labels]` from embedded tokens `x [tokens, width]` (token plus position vectors).
///
/// The last block computes queries and feed-forward for the end tokens alone: nothing else is read.
pub fn forward(
    shape: &Shape,
    params: &Params,
    x: &Tensor,
    packed: &Packed,
    mut noise: Noise<'_>,
) -> Result<Tensor> {
    let get = |name: &str| match params.get(name) {
        Some(var) => Ok(var.as_tensor().clone()),
        None => candle_core::bail!("parameter {name} is missing"),
    };
    let (all, ends, last) = packed.spans();
    let ends = Tensor::from_vec(ends, packed.lengths.len(), x.device())?;
    let mut x = dropped(x.clone(), &mut noise)?;
    for l in 0..shape.layers {
        let p = |name: &str| get(&format!("l{l}.{name}"));
        let seen = x.apply_op2(&p("norm1")?, RmsNorm)?;
        let kv = seen.apply_op2(&p("kv")?, Linear)?;
        let (asking, spans) = if l + 1 == shape.layers {
            x = x.index_select(&ends, 0)?;
            (seen.index_select(&ends, 0)?, last.clone())
        } else {
            (seen, all.clone())
        };
        let q = asking.apply_op2(&p("q")?, Linear)?;
        let mixed = q.apply_op2(&kv, Attention { heads: shape.heads, spans })?;
        let mixed = mixed.apply_op2(&p("o")?, Linear)?;
        x = (x + dropped(mixed, &mut noise)?)?;
        let seen = x.apply_op2(&p("norm2")?, RmsNorm)?;
        let gate = seen.apply_op2(&p("gate")?, Linear)?;
        let inner = gate.apply_op2(&seen.apply_op2(&p("up")?, Linear)?, SwiGlu)?;
        let inner = inner.apply_op2(&p("out")?, Linear)?;
        x = (x + dropped(inner, &mut noise)?)?;
    }
    let x = x.apply_op2(&get("norm")?, RmsNorm)?;
    let x = dropped(x, &mut noise)?;
    x.apply_op2(&get("head")?, Linear)?.broadcast_add(&get("head_bias")?)
}
