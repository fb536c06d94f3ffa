//! The run of the transformer branch: vocabulary, epochs, early stopping, checkpoints, resume.
//!
//! **Invariant:** the result depends on rows, shape, recipe and seed alone: not on threads, interruptions or
//! the times of checkpoints.

use std::collections::BTreeMap;

use kolm_core::Env;
use kolm_model::infer::{Transformer, Words, packed_values};
use kolm_model::net::{SPECIAL, Shape, Values};
use kolm_model::text;
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::Error;
use crate::calibrate::{Scores, accuracy};
use crate::folder::{Folder, Progress, Tensors};
use crate::job::{Branch, Event};
use crate::learn::{Recipe, Sample, State};
use crate::ngram::Labelled;

/// Most words of the vocabulary.
const WORDS: usize = 20_000;
/// Bounds of the context in tokens.
const CONTEXT: (usize, usize) = (8, 128);
/// Tokens that a run reads at most; epochs are cut to it.
const TOKENS: u64 = 4_000_000;
/// Steps that a run makes at least, in at most [`MOST_EPOCHS`] epochs.
const STEPS: u64 = 400;
const MOST_EPOCHS: u64 = 30;
/// Early stopping: epochs without a gain of at least this.
const PATIENCE: u64 = 3;
const GAIN: f64 = 0.002;
/// A checkpoint at least so often.
const EVERY_MICROS: u64 = 60_000_000;

const MODEL: &str = "model.safetensors";
const FIRST: &str = "first.safetensors";
const SECOND: &str = "second.safetensors";
const BEST: &str = "best.safetensors";

/// The trained branch.
pub(crate) struct Trained {
    pub(crate) shape: Shape,
    pub(crate) words: Words,
    pub(crate) values: Values,
    /// Score on `valid` after each epoch.
    pub(crate) curve: Vec<f64>,
}

/// What a run works with.
pub(crate) struct Run<'a> {
    pub(crate) train: &'a [Labelled],
    pub(crate) valid: &'a [Labelled],
    pub(crate) labels: usize,
    pub(crate) epochs: u64,
    pub(crate) seed: u64,
    pub(crate) job: &'a str,
    pub(crate) pool: &'a ThreadPool,
    pub(crate) env: &'a Env,
    pub(crate) cancel: &'a (dyn Fn() -> bool + Sync),
}

/// The words of the rows, the most frequent first.
fn vocabulary(rows: &[Labelled]) -> Words {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut lengths = Vec::with_capacity(rows.len());
    for row in rows {
        let words = text::words(&row.normal);
        lengths.push(words.len() + 1);
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(&str, u64)> = counts.into_iter().collect();
    words.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    words.truncate(WORDS);
    lengths.sort_unstable();
    let long = lengths.get(lengths.len() * 99 / 100).copied().unwrap_or(0);
    Words::new(words.into_iter().map(|(w, _)| w.to_owned()).collect(), long.clamp(CONTEXT.0, CONTEXT.1))
}

/// The recipe of training.md 4, with smaller batches and more epochs for few rows and fewer for many tokens.
fn recipe(rows: usize, tokens: u64, epochs: u64, seed: u64) -> Recipe {
    let batch = match rows {
        0..1_000 => 16,
        1_000..4_000 => 32,
        4_000.. => 64,
    };
    let steps = rows.div_ceil(batch).max(1) as u64;
    let epochs = epochs.max(STEPS.div_ceil(steps).min(MOST_EPOCHS)).min(TOKENS / tokens.max(1)).max(2);
    Recipe {
        epochs,
        batch,
        micro: 250,
        rate: 2e-3,
        warm_up: 0.05,
        decay: 0.05,
        clip: 1.0,
        dropout: 51,
        word_dropout: 0.15,
        seed,
    }
}

impl Run<'_> {
    fn samples(&self, rows: &[Labelled], words: &Words) -> Vec<Sample> {
        let sample = |r: &Labelled| Sample {
            tokens: words.tokens(&r.normal),
            label: r.label,
            weight: r.weight as f32,
        };
        rows.iter().map(sample).collect()
    }

    fn scores(&self, transformer: &Transformer, samples: &[Sample]) -> Scores {
        self.pool.install(|| samples.par_iter().map(|s| transformer.scores(&s.tokens)).collect())
    }

    /// Trains the branch, from the newest checkpoint of the folder if there is one.
    pub(crate) fn train(
        &self,
        folder: &mut Folder,
        on: &mut dyn FnMut(&mut Folder, Event) -> Result<(), Error>,
    ) -> Result<Trained, Error> {
        let words = vocabulary(self.train);
        let shape = Shape {
            vocab: words.list().len() + SPECIAL as usize,
            width: 128,
            layers: 2,
            heads: 4,
            ff: 256,
            context: words.context(),
            labels: self.labels,
        };
        let (train, valid) = (self.samples(self.train, &words), self.samples(self.valid, &words));
        let tokens = train.iter().map(|s| s.tokens.len() as u64).sum();
        let recipe = recipe(train.len(), tokens, self.epochs, self.seed);
        let mut at = match folder.newest(self.job)? {
            Some((progress, tensors)) => At::resume(progress, tensors),
            None => At::start(&shape, self),
        };
        if at.progress.step > 0 {
            on(folder, Event::Resumed { step: at.progress.step })?;
        }
        while at.progress.epoch < recipe.epochs && at.progress.stale < PATIENCE && at.progress.best < 1.0 {
            self.epoch(&shape, &recipe, &train, &mut at, folder, on)?;
            let loss = at.mean_loss();
            self.judge(&shape, &valid, &mut at)?;
            on(folder, at.event(&recipe, train.len(), loss))?;
            at.save(folder, on)?;
        }
        Ok(Trained { shape, words, values: at.best, curve: at.progress.curve })
    }

    /// The rest of the present epoch.
    fn epoch(
        &self,
        shape: &Shape,
        recipe: &Recipe,
        train: &[Sample],
        at: &mut At,
        folder: &mut Folder,
        on: &mut dyn FnMut(&mut Folder, Event) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let steps = recipe.steps(train.len()) * recipe.epochs;
        let order = recipe.order(train.len(), at.progress.epoch);
        let mut saved = self.env.clock.micros();
        for batch in order.chunks(recipe.batch).skip(at.progress.batch as usize) {
            if (self.cancel)() {
                return Err(Error::Cancelled { step: at.progress.step });
            }
            let rows: Vec<&Sample> = batch.iter().map(|i| &train[*i]).collect();
            let loss = self.pool.install(|| recipe.step(shape, &mut at.state, &rows, steps))?;
            if !loss.is_finite() {
                return Err(Error::Diverged { step: at.progress.step, loss });
            }
            at.progress.step += 1;
            at.progress.batch += 1;
            at.progress.loss += f64::from(loss);
            if at.progress.step.is_multiple_of(20) {
                on(folder, at.event(recipe, train.len(), at.mean_loss()))?;
            }
            if self.env.clock.micros().saturating_sub(saved) >= EVERY_MICROS {
                at.save(folder, on)?;
                saved = self.env.clock.micros();
            }
        }
        Ok(())
    }

    /// Scores `valid` after an epoch and keeps the best weights (the later ones of equals).
    fn judge(&self, shape: &Shape, valid: &[Sample], at: &mut At) -> Result<(), Error> {
        let transformer = Transformer::new(*shape, at.state.values.clone())?;
        let labels: Vec<u32> = valid.iter().map(|s| s.label).collect();
        let score = accuracy(&self.scores(&transformer, valid), &labels);
        let p = &mut at.progress;
        if score >= p.best {
            p.best = score;
            at.best = at.state.values.clone();
        }
        if score >= p.mark + GAIN {
            (p.mark, p.stale) = (score, 0);
        } else {
            p.stale += 1;
        }
        p.curve.push(score);
        (p.epoch, p.batch, p.loss) = (p.epoch + 1, 0, 0.0);
        Ok(())
    }

    /// Scores of the branch as it will be packed.
    pub(crate) fn packed_scores(&self, trained: &Trained, rows: &[Labelled]) -> Result<Scores, Error> {
        let transformer = Transformer::new(trained.shape, packed_values(&trained.shape, &trained.values))?;
        Ok(self.scores(&transformer, &self.samples(rows, &trained.words)))
    }
}

/// Where a run stands.
struct At {
    state: State,
    best: Values,
    progress: Progress,
}

impl At {
    fn start(shape: &Shape, run: &Run<'_>) -> Self {
        let state = State::new(shape, run.seed);
        let progress = Progress { job: run.job.to_owned(), ..Progress::default() };
        Self { best: state.values.clone(), state, progress }
    }

    fn resume(progress: Progress, mut tensors: BTreeMap<String, Values>) -> Self {
        let mut take = |name: &str| tensors.remove(name).unwrap_or_default();
        let state =
            State { values: take(MODEL), first: take(FIRST), second: take(SECOND), step: progress.step };
        Self { best: take(BEST), state, progress }
    }

    fn save(
        &self,
        folder: &mut Folder,
        on: &mut dyn FnMut(&mut Folder, Event) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let tensors = Tensors::from([
            (MODEL, self.state.values.clone()),
            (FIRST, self.state.first.clone()),
            (SECOND, self.state.second.clone()),
            (BEST, self.best.clone()),
        ]);
        folder.save(self.progress.clone(), &tensors)?;
        on(folder, Event::Checkpoint { step: self.progress.step })
    }

    /// Mean loss of the present epoch.
    fn mean_loss(&self) -> f64 {
        self.progress.loss / self.progress.batch.max(1) as f64
    }

    fn event(&self, recipe: &Recipe, rows: usize, loss: f64) -> Event {
        Event::Progress {
            branch: Branch::Transformer,
            step: self.progress.step,
            steps: recipe.steps(rows) * recipe.epochs,
            loss,
            valid: self.progress.curve.last().copied().unwrap_or(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_get_more_epochs_and_long_texts_fewer() {
        for (rows, tokens, batch, epochs) in [
            (13_000, 120_000, 64, 12),
            (150, 2_000, 16, 30),
            (1_200, 40_000, 32, 12),
            (10_000, 1_500_000, 64, 2),
            (600, 9_000, 16, 12),
        ] {
            let r = recipe(rows, tokens, 12, 7);
            assert_eq!((r.batch, r.epochs), (batch, epochs), "{rows} rows");
        }
    }

    #[test]
    fn the_vocabulary_is_ordered_by_count_then_word() {
        let row = |t: &str| Labelled { normal: t.to_owned(), label: 0, weight: 1.0 };
        let words = vocabulary(&[row("b a b"), row("c")]);
        assert_eq!(words.list(), ["b", "a", "c"]);
        assert_eq!(words.context(), 8);
    }
}
