//! Which student ships: each is brought to its temperature, measured, and given its threshold.
//!
//! **Invariant:** decided on `valid` and on folds of the training rows, never on held-out ones.

use kolm_core::Ppm;
use kolm_model::files::{self, Abstention, MARGIN, Part, STUDENT, Scorers};
use kolm_model::ngram::Ngram;

use crate::Error;
use crate::calibrate::{self, Scores, Threshold, accuracy, answers, blend, mixture, temperature};
use crate::job::{Branch, Candidate};
use crate::run::Parts;
use crate::transformer::Trained;

/// Trained branches.
pub(crate) struct Students {
    pub(crate) ngram: Ngram,
    pub(crate) transformer: Option<Trained>,
}

/// Scores of rows that the scoring weights never saw.
pub(crate) struct Evidence {
    pub(crate) known: Scores,
    pub(crate) labels: Vec<u32>,
    /// Rows whose answer is no label: always wrong.
    pub(crate) outside: Scores,
}

/// What is known about the branches.
pub(crate) struct Measured {
    pub(crate) ngram: Evidence,
    pub(crate) transformer: Option<Evidence>,
    /// The n-gram branch over folds of all rows, where `valid` alone is too small.
    pub(crate) folds: Option<Evidence>,
}

/// The student that ships, and how it was chosen.
pub(crate) struct Chosen {
    pub(crate) scorers: Scorers,
    pub(crate) tokenizer: Vec<u8>,
    pub(crate) weights: Vec<u8>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) chosen: Candidate,
    pub(crate) threshold: Threshold,
    pub(crate) curve: Vec<f64>,
}

/// A student on trial: factors of the branches' scores, its measure, its threshold.
struct Trial {
    ngram: f64,
    transformer: f64,
    candidate: Candidate,
    threshold: Threshold,
}

impl Evidence {
    fn scaled(&self, factor: f64) -> Self {
        self.mixed(factor, self, 0.0)
    }

    fn mixed(&self, x: f64, other: &Self, y: f64) -> Self {
        Self {
            known: blend(&self.known, x, &other.known, y),
            labels: self.labels.clone(),
            outside: blend(&self.outside, x, &other.outside, y),
        }
    }

    fn threshold(&self, (target, floor): (Ppm, Ppm), crossfit: bool) -> Threshold {
        let mut all = answers(&self.known, &self.labels);
        let nowhere = vec![u32::MAX; self.outside.len()];
        all.extend(answers(&self.outside, &nowhere));
        Threshold { crossfit, ..calibrate::threshold(&all, target, floor) }
    }
}

/// The smallest student that is not worse, among those that may answer anything at all.
pub(crate) fn choose(
    students: Students,
    measured: &Measured,
    data: &Parts,
    bars: (Ppm, Ppm),
) -> Result<Chosen, Error> {
    let mut trials = trials(&students, measured, bars)?;
    let of = |trials: &[Trial]| trials.iter().map(|t| t.candidate).collect::<Vec<_>>();
    let candidates = of(&trials);
    if trials.iter().any(|t| t.threshold.coverage > 0.0) {
        trials.retain(|t| t.threshold.coverage > 0.0);
    }
    let missing = || Error::Spec { what: "no branch".to_owned() };
    let chosen = calibrate::choose(&of(&trials), measured.ngram.labels.len()).ok_or_else(missing)?;
    let trial = trials.iter().find(|t| t.candidate.branch == chosen.branch).ok_or_else(missing)?;
    let with_words = students.transformer.as_ref().filter(|_| chosen.branch != Branch::Ngram);
    Ok(Chosen {
        scorers: scorers(trial, with_words, data),
        tokenizer: files::tokenizer_json(with_words.map(|t| &t.words))?,
        weights: weights(&students, chosen.branch)?,
        candidates,
        chosen,
        threshold: trial.threshold,
        curve: students.transformer.map(|t| t.curve).unwrap_or_default(),
    })
}

fn trials(students: &Students, measured: &Measured, bars: (Ppm, Ppm)) -> Result<Vec<Trial>, Error> {
    let ngram = &measured.ngram;
    let evidence = measured.folds.as_ref().unwrap_or(ngram);
    let a = rounded(temperature(&evidence.known, &evidence.labels).0);
    let candidate = |branch, scores: &Scores| -> Result<Candidate, Error> {
        let bytes = weights(students, branch)?.len() as u64;
        Ok(Candidate { branch, valid: accuracy(scores, &ngram.labels), bytes })
    };
    let mut out = vec![Trial {
        ngram: a,
        transformer: 0.0,
        candidate: candidate(Branch::Ngram, &ngram.known)?,
        threshold: evidence.scaled(a).threshold(bars, measured.folds.is_some()),
    }];
    if let Some(transformer) = &measured.transformer {
        let alone = rounded(temperature(&transformer.known, &ngram.labels).0);
        let (a, b) = mixture(&ngram.known, &transformer.known, &ngram.labels);
        for (branch, a, b) in [(Branch::Transformer, 0.0, alone), (Branch::Sum, rounded(a), rounded(b))] {
            let mixed = ngram.mixed(a, transformer, b);
            out.push(Trial {
                ngram: a,
                transformer: b,
                candidate: candidate(branch, &mixed.known)?,
                threshold: mixed.threshold(bars, false),
            });
        }
    }
    Ok(out)
}

fn scorers(trial: &Trial, transformer: Option<&Trained>, data: &Parts) -> Scorers {
    let branch = trial.candidate.branch;
    Scorers {
        v: 1,
        student: STUDENT.to_owned(),
        scorer: "label".to_owned(),
        abstain: Abstention { kind: MARGIN.to_owned(), tau_ppm: trial.threshold.tau_ppm },
        ngram: (branch != Branch::Transformer).then(|| millionths(trial.ngram)),
        transformer: transformer.map(|t| Part { factor: millionths(trial.transformer), shape: t.shape }),
        templates: data.templates.clone(),
        max_bytes: data.max_bytes,
        labels: data.labels.clone(),
    }
}

fn millionths(factor: f64) -> u64 {
    (factor * 1e6).round() as u64
}

/// The factor as the artifact will hold it.
fn rounded(factor: f64) -> f64 {
    millionths(factor) as f64 / 1e6
}

fn weights(students: &Students, branch: Branch) -> Result<Vec<u8>, Error> {
    let ngram = Some(&students.ngram).filter(|_| branch != Branch::Transformer);
    let transformer = students.transformer.as_ref().map(|t| (&t.shape, &t.values));
    Ok(files::weights(ngram, transformer.filter(|_| branch != Branch::Ngram))?)
}
