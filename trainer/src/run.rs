//! One training run from snapshot to artifact, in its fixed order: prepare, n-gram, transformer, calibrate,
//! report, write.
//!
//! **Invariant:** held-out rows are not looked at before training and calibration have ended.

use std::collections::BTreeMap;

use kolm_artifact::{Artifact, Trust};
use kolm_core::{Env, Ppm, hex};
use kolm_model::Student;
use kolm_model::files::{self, STUDENT};
use kolm_model::text;
use kolm_policies::dataset::{self, Prepared, Row};
use kolm_receipts::keys::SigningKey;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::calibrate::Scores;
use crate::choice::{self, Chosen, Evidence, Measured, Students};
use crate::crossfit;
use crate::folder::Folder;
use crate::job::{Branches, Done, Event, Job};
use crate::ngram::{self, Labelled};
use crate::publish::Publication;
use crate::report;
use crate::source::Source;
use crate::transformer::Run;

/// The label that stands for "none of this student's business", where a data set has it.
const OUT_OF_SCOPE: &str = "oos";
/// A template counts as known from so many rows, or this share of them in percent.
const TEMPLATE_ROWS: usize = 20;
const TEMPLATE_PERCENT: usize = 2;
/// With fewer rows than this in `valid`, the threshold rests on folds of the training rows too.
const FEW: usize = 600;
/// A student may answer texts so many times longer than the longest it was trained on.
const LONGER: u64 = 4;

/// Runs a job to its artifact, or to the first error. A run that was stopped goes on from its newest whole
/// checkpoint when the same job is given again, and ends with the same bytes.
pub fn run(
    job: &Job,
    key: &SigningKey,
    env: &Env,
    on: &mut dyn FnMut(Event),
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Done, Error> {
    job.spec.check()?;
    let mut source = Source::read(&job.snapshot)?;
    let mut eval = job.eval.as_deref().map(Source::read).transpose()?;
    if let Some(eval) = &mut eval {
        source.prompts.append(&mut eval.prompts);
    }
    let job_json = job_json(job, &source, eval.as_ref())?;
    let mut folder = Folder::take(&job.dir, &job_json)?;
    let hash = hex(&Sha256::digest(&job_json));
    let mut say = |folder: &mut Folder, event: Event| {
        folder.log(&event)?;
        on(event);
        Ok(())
    };
    say(&mut folder, phase("prepare"))?;
    let prepared = dataset::prepare(source.rows.clone(), eval.map(|e| e.rows), job.spec.seed)?;
    let data = Parts::new(&prepared)?;
    folder.put("data/train.jsonl", &jsonl(&prepared.train)?)?;
    folder.put("data/valid.jsonl", &jsonl(&prepared.valid)?)?;
    say(&mut folder, data.event(&prepared))?;
    let pool = pool(job.spec.threads)?;
    let work = Work { job, env, cancel, pool: &pool, data: &data, hash: &hash };
    let students = work.train(&mut folder, &mut say)?;
    say(&mut folder, phase("calibrate"))?;
    let calibrated = work.choose(students, &prepared)?;
    for candidate in &calibrated.candidates {
        say(&mut folder, Event::Branch(*candidate))?;
    }
    say(&mut folder, Event::Threshold(calibrated.threshold))?;
    say(&mut folder, phase("report"))?;
    let done = work.publish(&source, &prepared, calibrated, key)?;
    let ended =
        Event::Done { artifact: done.artifact.clone(), student: done.student, report: done.report.clone() };
    folder.put(
        "out/result.json",
        &serde_json::to_vec(&ended).map_err(|e| Error::io("write", "result.json")(e.into()))?,
    )?;
    say(&mut folder, ended)?;
    Ok(done)
}

fn phase(name: &str) -> Event {
    Event::Phase { phase: name.to_owned() }
}

/// What makes two runs the same job: everything but threads and paths.
fn job_json(job: &Job, source: &Source, eval: Option<&Source>) -> Result<Vec<u8>, Error> {
    let job = json!({
        "v": "kolm-job/1",
        "student": STUDENT,
        "version": env!("CARGO_PKG_VERSION"),
        "spec": crate::job::Spec { threads: 0, ..job.spec.clone() },
        "data": {"snapshot": source.id, "sha256": source.sha256, "eval_sha256": eval.map(|e| &e.sha256)},
    });
    serde_json::to_vec_pretty(&job).map_err(|e| Error::io("write", "job.json")(e.into()))
}

fn jsonl(rows: &[Row]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut out, row).map_err(|e| Error::io("write", "data")(e.into()))?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Candle's backward pass recurses over the graph, hence the large stacks.
fn pool(threads: usize) -> Result<ThreadPool, Error> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(64 << 20)
        .thread_name(|i| format!("kolm-train-{i}"))
        .build()
        .map_err(|e| Error::io("start threads for", "the job")(std::io::Error::other(e)))
}

/// The rows as the branches take them.
pub(crate) struct Parts {
    pub(crate) labels: Vec<String>,
    pub(crate) train: Vec<Labelled>,
    pub(crate) valid: Vec<Labelled>,
    /// Rows of `valid` whose answer is no label: whatever is answered there is wrong.
    pub(crate) outside: Vec<Labelled>,
    dropped: u64,
    pub(crate) templates: Vec<String>,
    pub(crate) max_bytes: u64,
}

impl Parts {
    fn new(prepared: &Prepared) -> Result<Self, Error> {
        let labels = dataset::closed_set(&prepared.train)?;
        let label = |row: &Row| labels.binary_search_by(|l| l.as_str().cmp(row.answer.trim())).ok();
        let labelled = |row: &Row, label: usize| Labelled {
            normal: text::normal(&row.text),
            label: label as u32,
            weight: row.weight.max(1e-3),
        };
        let known =
            |rows: &[Row]| rows.iter().filter_map(|r| Some(labelled(r, label(r)?))).collect::<Vec<_>>();
        let train = known(&prepared.train);
        let longest = prepared.train.iter().map(|row| row.text.len() as u64).max().unwrap_or(0);
        Ok(Self {
            valid: known(&prepared.valid),
            outside: prepared.valid.iter().filter(|r| label(r).is_none()).map(|r| labelled(r, 0)).collect(),
            dropped: (prepared.train.len() - train.len()) as u64,
            templates: templates(&prepared.train),
            max_bytes: (LONGER * longest).max(1024),
            train,
            labels,
        })
    }

    fn event(&self, prepared: &Prepared) -> Event {
        let mut dropped: BTreeMap<String, u64> =
            prepared.report.dropped.iter().map(|(why, n)| ((*why).to_owned(), *n)).collect();
        if self.dropped > 0 {
            dropped.insert("answer_outside".to_owned(), self.dropped);
        }
        Event::Prepared {
            train: prepared.train.len() as u64,
            valid: prepared.valid.len() as u64,
            heldout: prepared.heldout.len() as u64,
            labels: self.labels.len() as u64,
            dropped,
        }
    }
}

/// Index of a row's answer among the labels.
pub(crate) fn label_of(labels: &[String], row: &Row) -> Option<u32> {
    labels.binary_search_by(|l| l.as_str().cmp(row.answer.trim())).ok().map(|i| i as u32)
}

/// A row as the branches take it.
pub(crate) fn labelled(row: &Row, label: u32) -> Labelled {
    Labelled { normal: text::normal(&row.text), label, weight: row.weight.max(1e-3) }
}

/// Templates with enough rows; none, meaning any, when rows come without.
fn templates(rows: &[Row]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(&row.template).or_default() += 1;
    }
    if counts.contains_key("") {
        return vec![];
    }
    let enough = TEMPLATE_ROWS.min(rows.len() * TEMPLATE_PERCENT / 100);
    counts.into_iter().filter(|(_, n)| *n >= enough).map(|(key, _)| key.to_owned()).collect()
}

struct Work<'a> {
    job: &'a Job,
    env: &'a Env,
    cancel: &'a (dyn Fn() -> bool + Sync),
    pool: &'a ThreadPool,
    data: &'a Parts,
    hash: &'a str,
}

type Say<'a> = dyn FnMut(&mut Folder, Event) -> Result<(), Error> + 'a;

impl Work<'_> {
    fn run(&self) -> Run<'_> {
        Run {
            train: &self.data.train,
            valid: &self.data.valid,
            labels: self.data.labels.len(),
            epochs: u64::from(self.job.spec.epochs),
            seed: self.job.spec.seed,
            job: self.hash,
            pool: self.pool,
            env: self.env,
            cancel: self.cancel,
        }
    }

    fn train(&self, folder: &mut Folder, say: &mut Say<'_>) -> Result<Students, Error> {
        say(folder, phase("ngram"))?;
        let labels = self.data.labels.len() as u32;
        let mut on = |event| say(folder, event);
        let ngram =
            ngram::train(&self.data.train, labels, self.job.spec.seed, self.pool, &mut on, self.cancel)?;
        let transformer = match self.job.spec.branches {
            Branches::Both => {
                say(folder, phase("transformer"))?;
                Some(self.run().train(folder, say)?)
            }
            Branches::NgramOnly => None,
        };
        Ok(Students { ngram, transformer })
    }

    /// Chooses the student that ships; with few rows in `valid` its n-gram part rests on folds as well.
    fn choose(&self, students: Students, prepared: &Prepared) -> Result<Chosen, Error> {
        let spec = &self.job.spec;
        let few = self.data.valid.len() < FEW;
        let folds = if few {
            crossfit::scores(prepared, self.data, spec.seed, self.pool, self.cancel)?
        } else {
            None
        };
        let ngram = self.evidence(|rows| Ok(ngram::scores(&students.ngram, rows, self.pool)))?;
        let transformer = match &students.transformer {
            Some(trained) => Some(self.evidence(|rows| self.run().packed_scores(trained, rows))?),
            None => None,
        };
        let bars = (Ppm(spec.target_ppm), Ppm(spec.a_floor_ppm));
        choice::choose(students, &Measured { ngram, transformer, folds }, self.data, bars)
    }

    fn evidence(&self, scores: impl Fn(&[Labelled]) -> Result<Scores, Error>) -> Result<Evidence, Error> {
        let labels = self.data.valid.iter().map(|r| r.label).collect();
        Ok(Evidence { known: scores(&self.data.valid)?, labels, outside: scores(&self.data.outside)? })
    }

    /// Reports on the held-out rows with the packed student, writes the artifact, and asks the artifact again.
    fn publish(
        &self,
        source: &Source,
        prepared: &Prepared,
        made: Chosen,
        key: &SigningKey,
    ) -> Result<Done, Error> {
        let scorers = serde_json::to_vec(&made.scorers)
            .map_err(|source| kolm_model::Error::Json { what: files::SCORERS, source })?;
        let student = Student::from_members(&scorers, &made.tokenizer, &made.weights)?;
        let rows = &prepared.heldout;
        let oos = self.data.labels.iter().find(|l| l.eq_ignore_ascii_case(OUT_OF_SCOPE)).map(String::as_str);
        let cases = report::cases(&student, rows, self.env);
        let held = report::report(&student, rows, oos, &cases);
        let (majority, spec) = (self.majority(rows), &self.job.spec);
        let mut publication = Publication {
            spec,
            source,
            prepared: &prepared.report,
            train: &prepared.train,
            heldout: rows,
            job: self.hash,
            scorers: &made.scorers,
            tokenizer: made.tokenizer,
            weights: made.weights,
            candidates: &made.candidates,
            chosen: made.chosen,
            majority,
            threshold: made.threshold,
            curve: &made.curve,
            report: &held,
            cases: &cases,
        };
        let id = kolm_artifact::write(&self.job.out, publication.draft()?, publication.members()?, key)?;
        let artifact = Artifact::open(&self.job.out, &Trust::integrity().expecting(id.clone()))?;
        let report = report::evaluate(&artifact, rows, oos, self.env)?.report;
        if report.right != held.right || report.coverage != held.coverage {
            return Err(Error::Differs { right: report.right, expected: held.right, n: held.n });
        }
        Ok(Done {
            artifact: id,
            path: self.job.out.clone(),
            student: made.chosen.branch,
            candidates: made.candidates,
            majority,
            threshold: made.threshold,
            report,
            rows: [prepared.train.len() as u64, prepared.valid.len() as u64, rows.len() as u64],
        })
    }

    /// Share of rows answered right by always giving the most frequent label of the training part.
    fn majority(&self, rows: &[Row]) -> f64 {
        let mut counts = vec![0_u64; self.data.labels.len()];
        self.data.train.iter().for_each(|r| counts[r.label as usize] += 1);
        let best = (0..counts.len()).max_by_key(|i| (counts[*i], std::cmp::Reverse(*i)));
        let right = |row: &&Row| best.is_some_and(|best| row.answer.trim() == self.data.labels[best]);
        rows.iter().filter(right).count() as f64 / rows.len().max(1) as f64
    }
}
