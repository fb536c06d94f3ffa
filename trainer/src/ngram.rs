//! The training of the n-gram branch: features, classifiers, packing.

use kolm_model::ngram::Ngram;
use kolm_model::text::{self, WIDTH};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::Error;
use crate::calibrate::Scores;
use crate::job::{Branch, Event};
use crate::svm::{self, Classifier, Example, Settings};

/// Labels fitted between two looks at `cancel` and two progress events.
const CHUNK: u32 = 32;
/// `positive` is the best of 1, 2, 4, 8 on the validation part of CLINC150.
const SETTINGS: Settings = Settings { c: 1.0, positive: 4.0, tolerance: 0.1, passes: 200, seed: 0 };

/// A row as both branches take it: normalized text, label, weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    pub(crate) normal: String,
    pub(crate) label: u32,
    pub(crate) weight: f64,
}

/// Fits and packs the branch.
pub(crate) fn train(
    rows: &[Labelled],
    labels: u32,
    seed: u64,
    pool: &ThreadPool,
    on: &mut dyn FnMut(Event) -> Result<(), Error>,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Ngram, Error> {
    let grams: Vec<Vec<u32>> = pool.install(|| rows.par_iter().map(|r| text::grams(&r.normal)).collect());
    let idf = text::idf(grams.iter().map(Vec::as_slice));
    let features: Vec<_> = pool.install(|| grams.par_iter().map(|g| text::features(g, &idf)).collect());
    let examples: Vec<Example<'_>> = features
        .iter()
        .zip(rows)
        .map(|(f, r)| Example { row: f.row(), label: r.label, weight: r.weight })
        .collect();
    let settings = Settings { seed, ..SETTINGS };
    let mut fitted: Vec<Classifier> = Vec::new();
    let mut from = 0;
    while from < labels {
        let to = labels.min(from + CHUNK);
        let chunk = pool.install(|| svm::fit(&examples, from..to, WIDTH, &settings, cancel));
        fitted.extend(chunk.ok_or(Error::Cancelled { step: 0 })?);
        from = to;
        on(Event::Progress {
            branch: Branch::Ngram,
            step: u64::from(from),
            steps: u64::from(labels),
            loss: 0.0,
            valid: 0.0,
        })?;
    }
    let weights: Vec<&[f32]> = fitted.iter().map(|c| c.w.as_slice()).collect();
    Ok(Ngram::pack(idf, &weights, fitted.iter().map(|c| c.bias).collect())?)
}

/// Scores of the packed branch.
pub(crate) fn scores(ngram: &Ngram, rows: &[Labelled], pool: &ThreadPool) -> Scores {
    pool.install(|| rows.par_iter().map(|r| ngram.scores(&r.normal)).collect())
}
