//! A `nano-label` student at work: text in, label and confidence out.
//!
//! **Invariant:** answers depend on artifact, template and text alone; nothing is changed by answering, so
//! any number of threads may ask at once.

use std::collections::BTreeSet;

use kolm_artifact::{Artifact, Dtype};
use kolm_core::Ppm;
use kolm_kernels::func;
use kolm_kernels::sum::axpy;
use safetensors::SafeTensors;

use crate::error::Error;
use crate::files::{self, Lookup, Number, Raw, SCORERS, STUDENT, Scorers, TOKENIZER};
use crate::infer::{Transformer, Words};
use crate::ngram::Ngram;
use crate::text;

/// No answer is surer than this: `tau` of one million abstains always.
const SUREST: f32 = 0.999_999;

/// Why a student hands a request on to the teacher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abstain {
    /// The two best labels are too close.
    Confidence,
    /// The prompt template was not trained on.
    Template,
    /// The text is far longer than those trained on.
    Length,
}

impl Abstain {
    /// The name in the header `x-kolm-abstain`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Template => "template",
            Self::Length => "length",
        }
    }
}

/// What a student says to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer<'a> {
    /// The best label.
    pub label: &'a str,
    /// Its share.
    pub p1: f32,
    /// Its lead over the second label.
    pub margin: f32,
    /// How sure it is, in [0, 1].
    pub confidence: f32,
    /// Set when a cascade should ask the teacher instead.
    pub abstain: Option<Abstain>,
}

/// A loaded student.
#[derive(Debug, Clone)]
pub struct Student {
    scorers: Scorers,
    templates: BTreeSet<String>,
    ngram: Option<(Ngram, f32)>,
    transformer: Option<(Words, Transformer, f32)>,
}

impl Student {
    /// Loads the student of an artifact.
    pub fn load(artifact: &Artifact) -> Result<Self, Error> {
        let member = |path: &'static str| {
            artifact.member(path).ok_or_else(|| Error::Missing { what: path.to_owned() })
        };
        Self::build(member(SCORERS)?, member(TOKENIZER)?, &|name| {
            let tensor = artifact.tensor(name)?;
            let formats = [(Dtype::I8, Number::I8), (Dtype::F32, Number::F32), (Dtype::U32, Number::U32)];
            let (_, bytes_are) = formats.into_iter().find(|(dtype, _)| *dtype == tensor.dtype)?;
            Some(Raw { bytes_are, bytes: tensor.bytes })
        })
    }

    /// Loads a student from the bytes of its members, before they are an artifact.
    pub fn from_members(scorers: &[u8], tokenizer: &[u8], weights: &[u8]) -> Result<Self, Error> {
        let tensors = SafeTensors::deserialize(weights).map_err(Error::Pack)?;
        Self::build(scorers, tokenizer, &|name| {
            let view = tensors.tensor(name).ok()?;
            let formats = [
                (safetensors::Dtype::I8, Number::I8),
                (safetensors::Dtype::F32, Number::F32),
                (safetensors::Dtype::U32, Number::U32),
            ];
            let (_, bytes_are) = formats.into_iter().find(|(dtype, _)| *dtype == view.dtype())?;
            Some(Raw { bytes_are, bytes: view.data() })
        })
    }

    fn build(scorers: &[u8], tokenizer: &[u8], tensors: Lookup<'_, '_>) -> Result<Self, Error> {
        let scorers: Scorers =
            serde_json::from_slice(scorers).map_err(|source| Error::Json { what: SCORERS, source })?;
        if scorers.v != 1 || scorers.student != STUDENT || scorers.abstain.kind != files::MARGIN {
            return Err(Error::Foreign {
                found: format!("student `{}` version {}", scorers.student, scorers.v),
            });
        }
        if scorers.labels.len() < 2 || (scorers.ngram.is_none() && scorers.transformer.is_none()) {
            return Err(Error::Missing { what: "labels or branches".to_owned() });
        }
        let factor = |millionths: u64| (millionths as f64 / 1e6) as f32;
        let ngram = match scorers.ngram {
            Some(f) => Some((files::read_ngram(tensors)?, factor(f))),
            None => None,
        };
        let transformer = match &scorers.transformer {
            Some(part) => {
                let words = files::read_tokenizer(tokenizer)?;
                Some((words, files::read_transformer(tensors, &part.shape)?, factor(part.factor)))
            }
            None => None,
        };
        let labels = scorers.labels.len();
        let fits = ngram.as_ref().is_none_or(|(n, _)| n.labels() == labels)
            && transformer.as_ref().is_none_or(|(_, t, _)| t.shape().labels == labels);
        if !fits {
            return Err(Error::Shape { what: "labels".to_owned() });
        }
        let templates = scorers.templates.iter().cloned().collect();
        Ok(Self { scorers, templates, ngram, transformer })
    }

    /// Labels, factors and the abstention rule.
    pub fn scorers(&self) -> &Scorers {
        &self.scorers
    }

    /// The labels, sorted.
    pub fn labels(&self) -> &[String] {
        &self.scorers.labels
    }

    /// The share of each label.
    pub fn shares(&self, text: &str) -> Vec<f32> {
        let normal = text::normal(text);
        let mut out = vec![0.0; self.scorers.labels.len()];
        if let Some((ngram, factor)) = &self.ngram {
            axpy(&mut out, *factor, &ngram.scores(&normal));
        }
        if let Some((words, transformer, factor)) = &self.transformer {
            axpy(&mut out, *factor, &transformer.scores(&words.tokens(&normal)));
        }
        func::softmax(&mut out);
        out
    }

    /// Answers a request whose template has this key (`kolm_wire::chat::template_key`).
    pub fn answer(&self, template: &str, text: &str) -> Answer<'_> {
        let shares = self.shares(text);
        let (best, p1, p2) = top_two(&shares);
        let margin = p1 - p2;
        let confidence = confidence_of(margin);
        let abstain = if text.len() as u64 > self.scorers.max_bytes {
            Some(Abstain::Length)
        } else if !self.templates.is_empty() && !self.templates.contains(template) {
            Some(Abstain::Template)
        } else if Ppm::floor(f64::from(confidence)) < Ppm(self.scorers.abstain.tau_ppm) {
            Some(Abstain::Confidence)
        } else {
            None
        };
        Answer { label: &self.scorers.labels[best], p1, margin, confidence, abstain }
    }
}

/// Confidence of a margin: the margin itself, kept in [0, 1); no number is no confidence.
pub fn confidence_of(margin: f32) -> f32 {
    if margin.is_nan() { 0.0 } else { margin.clamp(0.0, SUREST) }
}

/// Index of the greatest share (the first of equals), its value and the second greatest value.
pub fn top_two(shares: &[f32]) -> (usize, f32, f32) {
    let (mut best, mut p1, mut p2) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (i, p) in shares.iter().enumerate() {
        if *p > p1 {
            (best, p2, p1) = (i, p1, *p);
        } else if *p > p2 {
            p2 = *p;
        }
    }
    (best, p1, p2)
}
