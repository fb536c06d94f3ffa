//! One training run from snapshot to artifact, in its fixed order: prepare, n-gram, transformer, calibrate,
//! report, write.
//!
//! **Invariant:** held-out rows are not looked at before training and calibration have ended.

use std::collections::BTreeMap;

use kolm_artifact::{Artifact, Trust};
use kolm_core::{Env, Ppm, hex};
use kolm_model::Student;
use kolm_model::files::{self, Abstention, MARGIN, Part, STUDENT, Scorers};
use kolm_model::ngram::Ngram;
use kolm_model::text;
use kolm_policies::dataset::{self, Prepared, Row};
use kolm_receipts::keys::SigningKey;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::calibrate::{self, Scores, Threshold, accuracy, blend};
use crate::folder::Folder;
use crate::job::{Branch, Branches, Candidate, Done, Event, Job};
use crate::ngram::{self, Labelled};
use crate::publish::Publication;
use crate::report;
use crate::source::Source;
use crate::transformer::{Run, Trained};

/// The label that stands for "none of this student's business", where a data set has it.
const OUT_OF_SCOPE: &str = "oos";
/// A template counts as known from so many rows, or this share of them in percent.
const TEMPLATE_ROWS: usize = 20;
const TEMPLATE_PERCENT: usize = 2;
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
    let source = Source::read(&job.snapshot)?;
    let eval = job.eval.as_deref().map(Source::read).transpose()?;
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
    let calibrated = work.calibrate(students)?;
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
struct Parts {
    labels: Vec<String>,
    train: Vec<Labelled>,
    valid: Vec<Labelled>,
    /// Rows of `valid` whose answer is no label: whatever is answered there is wrong.
    outside: Vec<Labelled>,
    dropped: u64,
    templates: Vec<String>,
    max_bytes: u64,
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

    fn valid_labels(&self) -> Vec<u32> {
        self.valid.iter().map(|r| r.label).collect()
    }
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

/// Trained branches.
struct Students {
    ngram: Ngram,
    transformer: Option<Trained>,
}

/// The student that ships, and how it was chosen.
struct Calibrated {
    scorers: Scorers,
    tokenizer: Vec<u8>,
    weights: Vec<u8>,
    candidates: Vec<Candidate>,
    chosen: Candidate,
    threshold: Threshold,
    curve: Vec<f64>,
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

    /// Brings each student to its temperature, measures all, keeps the one that ships.
    fn calibrate(&self, students: Students) -> Result<Calibrated, Error> {
        let labels = self.data.valid_labels();
        let known = self.data.valid.len();
        let rows: Vec<Labelled> = self.data.valid.iter().chain(&self.data.outside).cloned().collect();
        let ngram = ngram::scores(&students.ngram, &rows, self.pool);
        let transformer =
            students.transformer.as_ref().map(|t| self.run().packed_scores(t, &rows)).transpose()?;
        let mut options = vec![(Branch::Ngram, calibrate::temperature(&ngram[..known], &labels).0, 0.0)];
        if let Some(scores) = &transformer {
            options.push((Branch::Transformer, 0.0, calibrate::temperature(&scores[..known], &labels).0));
            let (a, b) = calibrate::mixture(&ngram[..known], &scores[..known], &labels);
            options.push((Branch::Sum, a, b));
        }
        let final_scores = |(_, a, b): &(Branch, f64, f64)| -> Scores {
            blend(&ngram, rounded(*a), transformer.as_ref().unwrap_or(&ngram), rounded(*b))
        };
        let mut candidates = Vec::new();
        let mut packed = BTreeMap::new();
        for option in &options {
            let weights = weights(&students, option.0)?;
            candidates.push(Candidate {
                branch: option.0,
                valid: accuracy(&final_scores(option)[..known], &labels),
                bytes: weights.len() as u64,
            });
            packed.insert(option.0, weights);
        }
        let missing = || Error::Spec { what: "no branch".to_owned() };
        let chosen = calibrate::choose(&candidates).ok_or_else(missing)?;
        let option = options.iter().find(|(branch, _, _)| *branch == chosen.branch).ok_or_else(missing)?;
        let scores = final_scores(option);
        let mut answers = calibrate::answers(&scores[..known], &labels);
        answers.extend(
            calibrate::answers(&scores[known..], &vec![0; rows.len() - known])
                .iter()
                .map(|(c, _)| (*c, false)),
        );
        let spec = &self.job.spec;
        let threshold = calibrate::threshold(&answers, Ppm(spec.target_ppm), Ppm(spec.a_floor_ppm));
        let words =
            students.transformer.as_ref().filter(|_| chosen.branch != Branch::Ngram).map(|t| &t.words);
        Ok(Calibrated {
            scorers: self.scorers(&students, *option, threshold),
            tokenizer: files::tokenizer_json(words)?,
            weights: packed.remove(&chosen.branch).unwrap_or_default(),
            candidates,
            chosen,
            threshold,
            curve: students.transformer.map(|t| t.curve).unwrap_or_default(),
        })
    }

    fn scorers(
        &self,
        students: &Students,
        (branch, a, b): (Branch, f64, f64),
        threshold: Threshold,
    ) -> Scorers {
        let shape = students.transformer.as_ref().map(|t| t.shape).filter(|_| branch != Branch::Ngram);
        Scorers {
            v: 1,
            student: STUDENT.to_owned(),
            scorer: "label".to_owned(),
            abstain: Abstention { kind: MARGIN.to_owned(), tau_ppm: threshold.tau_ppm },
            ngram: (branch != Branch::Transformer).then(|| millionths(a)),
            transformer: shape.map(|shape| Part { factor: millionths(b), shape }),
            templates: self.data.templates.clone(),
            max_bytes: self.data.max_bytes,
            labels: self.data.labels.clone(),
        }
    }

    /// Reports on the held-out rows with the packed student, writes the artifact, and asks the artifact again.
    fn publish(
        &self,
        source: &Source,
        prepared: &Prepared,
        made: Calibrated,
        key: &SigningKey,
    ) -> Result<Done, Error> {
        let scorers = serde_json::to_vec(&made.scorers)
            .map_err(|source| kolm_model::Error::Json { what: files::SCORERS, source })?;
        let student = Student::from_members(&scorers, &made.tokenizer, &made.weights)?;
        let rows = &prepared.heldout;
        let oos = self.data.labels.iter().find(|l| l.eq_ignore_ascii_case(OUT_OF_SCOPE)).map(String::as_str);
        let cases = report::cases(&student, rows, self.env);
        let held = report::report(&student, rows, oos, &cases);
        let majority = self.majority(rows);
        let mut publication = Publication {
            spec: &self.job.spec,
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
        let draft = publication.draft()?;
        let members = publication.members()?;
        let id = kolm_artifact::write(&self.job.out, draft, members, key)?;
        let artifact = Artifact::open(&self.job.out, &Trust::integrity().expecting(id.clone()))?;
        let report = report::evaluate(&artifact, rows, oos, self.env)?;
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
