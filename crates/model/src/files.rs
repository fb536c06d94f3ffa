//! The members of an artifact that hold a student: `weights.safetensors`, `tokenizer.json`, `scorers.json`.
//!
//! **Invariant:** what is read back computes the same scores as what was written, bit for bit.

use std::collections::BTreeMap;

use kolm_kernels::int8;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::infer::{Transformer, Words};
use crate::net::{Role, Shape, Values};
use crate::ngram::{Ngram, Tensors};
use crate::text::BUCKETS;

/// Path of the weights.
pub const WEIGHTS: &str = "weights.safetensors";
/// Path of the vocabulary.
pub const TOKENIZER: &str = "tokenizer.json";
/// Path of labels, scales and the abstention rule.
pub const SCORERS: &str = "scorers.json";
/// The student that this crate knows.
pub const STUDENT: &str = "nano-label";
/// Its abstention rule: margin of the two best labels.
pub const MARGIN: &str = "label_margin";

/// `scorers.json`: everything about a student but its weights and words. Factors are in millionths, so no
/// reading of a decimal number can change a bit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scorers {
    /// Version of this shape.
    pub v: u32,
    /// `nano-label`.
    pub student: String,
    /// Scorer of the task class.
    pub scorer: String,
    /// When it says no.
    pub abstain: Abstention,
    /// Factor of the n-gram scores in millionths, absent without that branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ngram: Option<u64>,
    /// The transformer branch, absent without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformer: Option<Part>,
    /// Templates it was trained on; empty = any.
    pub templates: Vec<String>,
    /// Longest text in bytes that it may answer.
    pub max_bytes: u64,
    /// The labels, sorted.
    pub labels: Vec<String>,
}

/// The transformer branch in `scorers.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Factor of its scores in millionths.
    pub factor: u64,
    /// Its shape.
    pub shape: Shape,
}

/// The abstention rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abstention {
    /// `label_margin`.
    pub kind: String,
    /// Least confidence in ppm.
    pub tau_ppm: u32,
}

#[derive(Serialize, Deserialize)]
struct Tokenizer {
    kind: String,
    buckets: usize,
    context: usize,
    words: Vec<String>,
}

/// Bytes of `tokenizer.json`.
pub fn tokenizer_json(words: Option<&Words>) -> Result<Vec<u8>, Error> {
    let file = Tokenizer {
        kind: "kolm-words/1".to_owned(),
        buckets: BUCKETS,
        context: words.map_or(0, Words::context),
        words: words.map(|w| w.list().to_vec()).unwrap_or_default(),
    };
    serde_json::to_vec(&file).map_err(|source| Error::Json { what: TOKENIZER, source })
}

pub(crate) fn read_tokenizer(bytes: &[u8]) -> Result<Words, Error> {
    let file: Tokenizer =
        serde_json::from_slice(bytes).map_err(|source| Error::Json { what: TOKENIZER, source })?;
    if file.kind != "kolm-words/1" || file.buckets != BUCKETS {
        return Err(Error::Foreign {
            found: format!("vocabulary `{}` of {} buckets", file.kind, file.buckets),
        });
    }
    Ok(Words::new(file.words, file.context))
}

struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Entry {
    fn floats(name: &str, shape: Vec<usize>, v: &[f32]) -> Self {
        let bytes = v.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { name: name.to_owned(), dtype: Dtype::F32, shape, bytes }
    }

    fn whole(name: &str, v: &[u32]) -> Self {
        let bytes = v.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { name: name.to_owned(), dtype: Dtype::U32, shape: vec![v.len()], bytes }
    }

    fn codes(name: &str, shape: Vec<usize>, v: &[i8]) -> Self {
        let bytes = v.iter().map(|x| x.to_le_bytes()[0]).collect();
        Self { name: name.to_owned(), dtype: Dtype::I8, shape, bytes }
    }
}

/// Bytes of `weights.safetensors`: int8 with scales for tables and matrices, `f32` for the rest.
pub fn weights(ngram: Option<&Ngram>, transformer: Option<(&Shape, &Values)>) -> Result<Vec<u8>, Error> {
    let mut entries = Vec::new();
    if let Some(ngram) = ngram {
        let t = ngram.tensors();
        let used = t.buckets.len();
        entries.push(Entry::whole("ngram.buckets", &t.buckets));
        entries.push(Entry::floats("ngram.idf", vec![used], &t.idf));
        entries.push(Entry::floats("ngram.unseen", vec![1], &[t.unseen]));
        entries.push(Entry::floats("ngram.scales", vec![used], &t.scales));
        entries.push(Entry::floats("ngram.bias", vec![ngram.labels()], &t.bias));
        entries.push(Entry::codes("ngram.codes", vec![ngram.labels(), used], &t.codes));
    }
    if let Some((shape, values)) = transformer {
        for (name, (dims, role)) in shape.parameters() {
            let v = values.get(&name).ok_or_else(|| Error::Missing { what: name.clone() })?;
            if v.len() != dims.iter().product::<usize>() {
                return Err(Error::Shape { what: name });
            }
            match role {
                Role::Table | Role::Matrix => {
                    let (rows, inputs) = (dims[0], dims[1]);
                    let (codes, scales) = int8::pack_rows(v, inputs);
                    let blocks = vec![rows, inputs.div_ceil(int8::BLOCK)];
                    entries.push(Entry::codes(&format!("t.{name}.codes"), dims, &codes));
                    entries.push(Entry::floats(&format!("t.{name}.scales"), blocks, &scales));
                }
                Role::Gain | Role::Head | Role::Bias => {
                    entries.push(Entry::floats(&format!("t.{name}"), dims, v))
                }
            }
        }
    }
    let views: Result<Vec<_>, _> = entries
        .iter()
        .map(|e| TensorView::new(e.dtype, e.shape.clone(), &e.bytes).map(|view| (e.name.as_str(), view)))
        .collect();
    safetensors::serialize(views.map_err(Error::Pack)?, None).map_err(Error::Pack)
}

/// A tensor as it lies in a file.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// Its number format.
    pub bytes_are: Number,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Number formats of a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Signed bytes.
    I8,
    /// Single precision.
    F32,
    /// Unsigned 32 bits.
    U32,
}

/// Looks tensors up by name.
pub type Lookup<'l, 'a> = &'l dyn Fn(&str) -> Option<Raw<'a>>;

fn floats(get: Lookup<'_, '_>, name: &str) -> Result<Vec<f32>, Error> {
    let raw = get(name).ok_or_else(|| Error::Missing { what: name.to_owned() })?;
    if raw.bytes_are != Number::F32 || raw.bytes.len() % 4 != 0 {
        return Err(Error::Shape { what: name.to_owned() });
    }
    Ok(raw.bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn codes(get: Lookup<'_, '_>, name: &str) -> Result<Vec<i8>, Error> {
    let raw = get(name).ok_or_else(|| Error::Missing { what: name.to_owned() })?;
    if raw.bytes_are != Number::I8 {
        return Err(Error::Shape { what: name.to_owned() });
    }
    Ok(raw.bytes.iter().map(|b| i8::from_le_bytes([*b])).collect())
}

fn whole(get: Lookup<'_, '_>, name: &str) -> Result<Vec<u32>, Error> {
    let raw = get(name).ok_or_else(|| Error::Missing { what: name.to_owned() })?;
    if raw.bytes_are != Number::U32 {
        return Err(Error::Shape { what: name.to_owned() });
    }
    Ok(raw.bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

pub(crate) fn read_ngram(get: Lookup<'_, '_>) -> Result<Ngram, Error> {
    Ngram::from_tensors(&Tensors {
        buckets: whole(get, "ngram.buckets")?,
        idf: floats(get, "ngram.idf")?,
        unseen: floats(get, "ngram.unseen")?.first().copied().unwrap_or(1.0),
        scales: floats(get, "ngram.scales")?,
        bias: floats(get, "ngram.bias")?,
        codes: codes(get, "ngram.codes")?,
    })
}

pub(crate) fn read_transformer(get: Lookup<'_, '_>, shape: &Shape) -> Result<Transformer, Error> {
    let mut values = BTreeMap::new();
    for (name, (dims, role)) in shape.parameters() {
        let v = match role {
            Role::Table | Role::Matrix => {
                let (codes, scales) =
                    (codes(get, &format!("t.{name}.codes"))?, floats(get, &format!("t.{name}.scales"))?);
                if scales.len() != dims[0] * dims[1].div_ceil(int8::BLOCK) {
                    return Err(Error::Shape { what: name });
                }
                int8::unpack_rows(&codes, &scales, dims[1])
            }
            Role::Gain | Role::Head | Role::Bias => floats(get, &format!("t.{name}"))?,
        };
        values.insert(name, v);
    }
    Transformer::new(*shape, values)
}
