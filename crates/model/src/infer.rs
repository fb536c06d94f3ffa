//! The transformer at answering time: plain `f32` over the values that the packed weights stand for.
//!
//! **Invariant:** no candle, no threads, sums in a written order: the same bits on every CPU.

use std::collections::BTreeMap;

use kolm_kernels::sum::{axpy, dot, matvec, rms_norm};
use kolm_kernels::{func, int8};

use crate::error::Error;
use crate::net::{END, Role, SPECIAL, Shape, UNKNOWN};
use crate::ops::swiglu;
use crate::text;

/// Words and their tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    ids: BTreeMap<String, u32>,
    words: Vec<String>,
    context: usize,
}

impl Words {
    /// A vocabulary in token order (the first word is token [`SPECIAL`]) for sequences of `context` tokens.
    pub fn new(words: Vec<String>, context: usize) -> Self {
        let ids = words.iter().enumerate().map(|(i, w)| (w.clone(), i as u32 + SPECIAL)).collect();
        Self { ids, words, context }
    }

    /// The words in token order.
    pub fn list(&self) -> &[String] {
        &self.words
    }

    /// Tokens at most, the end token included.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Tokens of a normalized text. What exceeds the context is left out in the middle: both ends of a
    /// request say what it is about.
    pub fn tokens(&self, normal: &str) -> Vec<u32> {
        let words = text::words(normal);
        let room = self.context.saturating_sub(1);
        let id = |w: &&str| self.ids.get(*w).copied().unwrap_or(UNKNOWN);
        let mut out: Vec<u32> = if words.len() <= room {
            words.iter().map(id).collect()
        } else {
            let tail = room / 2;
            words[..room - tail].iter().chain(&words[words.len() - tail..]).map(id).collect()
        };
        out.push(END);
        out
    }
}

#[derive(Debug, Clone)]
struct Block {
    norm1: Vec<f32>,
    q: Vec<f32>,
    kv: Vec<f32>,
    o: Vec<f32>,
    norm2: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    out: Vec<f32>,
}

/// A transformer ready to answer.
#[derive(Debug, Clone)]
pub struct Transformer {
    shape: Shape,
    tok: Vec<f32>,
    pos: Vec<f32>,
    blocks: Vec<Block>,
    norm: Vec<f32>,
    head: Vec<f32>,
    head_bias: Vec<f32>,
}

impl Transformer {
    /// From values by parameter name, each as long as the shape says.
    pub fn new(shape: Shape, mut values: BTreeMap<String, Vec<f32>>) -> Result<Self, Error> {
        if shape.width == 0
            || shape.heads == 0
            || !shape.width.is_multiple_of(shape.heads)
            || shape.context == 0
        {
            return Err(Error::Shape { what: "transformer".to_owned() });
        }
        for (name, (dims, _)) in shape.parameters() {
            if values.get(&name).map(Vec::len) != Some(dims.iter().product::<usize>()) {
                return Err(Error::Shape { what: name });
            }
        }
        let mut take = |name: &str| values.remove(name).unwrap_or_default();
        let blocks = (0..shape.layers).map(|l| Block {
            norm1: take(&format!("l{l}.norm1")),
            q: take(&format!("l{l}.q")),
            kv: take(&format!("l{l}.kv")),
            o: take(&format!("l{l}.o")),
            norm2: take(&format!("l{l}.norm2")),
            gate: take(&format!("l{l}.gate")),
            up: take(&format!("l{l}.up")),
            out: take(&format!("l{l}.out")),
        });
        let blocks = blocks.collect();
        let (tok, pos, norm) = (take("tok"), take("pos"), take("norm"));
        Ok(Self { shape, tok, pos, blocks, norm, head: take("head"), head_bias: take("head_bias") })
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// One score a label. Tokens outside the vocabulary read as [`UNKNOWN`]; at most `context` are read.
    pub fn scores(&self, tokens: &[u32]) -> Vec<f32> {
        let d = self.shape.width;
        let tokens = &tokens[tokens.len().saturating_sub(self.shape.context)..];
        if tokens.is_empty() {
            return self.head_bias.clone();
        }
        let mut xs = Vec::with_capacity(tokens.len() * d);
        for (token, pos) in tokens.iter().zip(self.pos.chunks_exact(d)) {
            let token = if (*token as usize) < self.shape.vocab { *token as usize } else { 0 };
            xs.extend(self.tok[token * d..(token + 1) * d].iter().zip(pos).map(|(t, p)| t + p));
        }
        for (l, block) in self.blocks.iter().enumerate() {
            let from = if l + 1 == self.blocks.len() { tokens.len() - 1 } else { 0 };
            xs = self.block(block, &xs, from);
        }
        let mut x = vec![0.0; d];
        rms_norm(&mut x, &xs[xs.len() - d..], &self.norm);
        self.head.chunks_exact(d).zip(&self.head_bias).map(|(w, b)| dot(w, &x) + b).collect()
    }

    /// One block over all tokens; only the rows from `from` on are computed and returned.
    fn block(&self, b: &Block, xs: &[f32], from: usize) -> Vec<f32> {
        let (d, f) = (self.shape.width, self.shape.ff);
        let mut seen = vec![0.0; xs.len()];
        let mut kv = vec![0.0; xs.len() * 2];
        for ((seen, kv), x) in
            seen.chunks_exact_mut(d).zip(kv.chunks_exact_mut(2 * d)).zip(xs.chunks_exact(d))
        {
            rms_norm(seen, x, &b.norm1);
            matvec(kv, &b.kv, seen);
        }
        let mut out = xs[from * d..].to_vec();
        let (mut q, mut mixed, mut gate, mut up) = (vec![0.0; d], vec![0.0; d], vec![0.0; f], vec![0.0; f]);
        for (t, x) in out.chunks_exact_mut(d).enumerate() {
            let t = from + t;
            matvec(&mut q, &b.q, &seen[t * d..(t + 1) * d]);
            self.attend(&mut mixed, &q, &kv[..(t + 1) * 2 * d]);
            matvec(&mut q, &b.o, &mixed);
            axpy(x, 1.0, &q);
            rms_norm(&mut mixed, x, &b.norm2);
            matvec(&mut gate, &b.gate, &mixed);
            matvec(&mut up, &b.up, &mixed);
            swiglu(&mut gate, &up);
            matvec(&mut q, &b.out, &gate);
            axpy(x, 1.0, &q);
        }
        out
    }

    fn attend(&self, out: &mut [f32], q: &[f32], kv: &[f32]) {
        let (d, head) = (self.shape.width, self.shape.width / self.shape.heads);
        let scale = 1.0 / (head as f32).sqrt();
        out.fill(0.0);
        let mut shares = Vec::with_capacity(kv.len() / (2 * d));
        for h in 0..self.shape.heads {
            let at = h * head..(h + 1) * head;
            shares.clear();
            shares.extend(kv.chunks_exact(2 * d).map(|kv| dot(&q[at.clone()], &kv[at.clone()]) * scale));
            func::softmax(&mut shares);
            for (p, kv) in shares.iter().zip(kv.chunks_exact(2 * d)) {
                axpy(&mut out[at.clone()], *p, &kv[d + at.start..d + at.end]);
            }
        }
    }
}

/// The values that remain of trained ones after packing to int8: what the artifact will compute with.
pub fn packed_values(shape: &Shape, values: &BTreeMap<String, Vec<f32>>) -> BTreeMap<String, Vec<f32>> {
    let mut out = BTreeMap::new();
    for (name, (dims, role)) in shape.parameters() {
        let Some(v) = values.get(&name) else { continue };
        let inputs = dims.last().copied().unwrap_or(1);
        let v = match role {
            Role::Table | Role::Matrix => {
                let (codes, scales) = int8::pack_rows(v, inputs);
                int8::unpack_rows(&codes, &scales, inputs)
            }
            Role::Gain | Role::Head | Role::Bias => v.clone(),
        };
        out.insert(name, v);
    }
    out
}
