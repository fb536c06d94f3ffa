//! The members of an artifact and the draft of its manifest.
//!
//! **Invariant:** made of the snapshot, the seed and the trained student alone: no wall time, no measured
//! latency, so equal runs give equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use kolm_artifact::{
    AxisRow, Cascade, Compat, Data, Dims, Draft, Eval, K, Kind, Member, Model, Runtime, Task, Teacher, Train,
};
use kolm_core::{Axis, Ppm, Timestamp, hex};
use kolm_model::files::{self, MARGIN, STUDENT, Scorers};
use kolm_model::net::Shape;
use kolm_policies::dataset::{PrepareReport, Row};
use kolm_policies::gate::bounds::{self, Histogram};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::calibrate::Threshold;
use crate::heldout::HeldOut;
use crate::job::{Candidate, Spec};
use crate::report::{Case, HoldoutReport};
use crate::source::Source;

/// Rows that the report lists as worst.
const WORST: usize = 50;
/// Least share of the best label at which no rounding of another machine gives another one.
const CLEAR: f32 = 0.6;
/// Most golden cases: a student asks them again whenever it starts.
const MOST_GOLDEN: usize = 256;
const ALPHA_PPB: u64 = 50_000_000;

/// Everything that goes into an artifact.
pub(crate) struct Publication<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) source: &'a Source,
    pub(crate) prepared: &'a PrepareReport,
    pub(crate) train: &'a [Row],
    pub(crate) heldout: &'a [Row],
    pub(crate) job: &'a str,
    pub(crate) scorers: &'a Scorers,
    pub(crate) tokenizer: Vec<u8>,
    pub(crate) weights: Vec<u8>,
    pub(crate) candidates: &'a [Candidate],
    pub(crate) chosen: Candidate,
    pub(crate) majority: f64,
    pub(crate) threshold: Threshold,
    pub(crate) curve: &'a [f64],
    pub(crate) report: &'a HoldoutReport,
    pub(crate) cases: &'a [Case],
}

impl Publication<'_> {
    /// The members, but for those that the writer adds.
    pub(crate) fn members(&mut self) -> Result<Vec<Member>, Error> {
        let weights = std::mem::take(&mut self.weights);
        let digest = hex(&Sha256::digest(&weights));
        let mut out = vec![
            Member::new(files::TOKENIZER, std::mem::take(&mut self.tokenizer))?,
            Member::new(files::SCORERS, line(self.scorers)?)?,
            Member::new("eval/cases.jsonl", self.cases_jsonl()?)?,
            Member::new("eval/report.json", line(&self.report_json())?)?,
            Member::new("provenance.intoto.json", line(&self.provenance(&digest))?)?,
            Member::new("bom.cdx.json", line(&self.bom(&digest))?)?,
            Member::new("card.md", self.card().into_bytes())?,
        ];
        out.push(Member::new(files::WEIGHTS, weights)?);
        Ok(out)
    }

    fn cases_jsonl(&self) -> Result<Vec<u8>, Error> {
        let (mut out, mut told, mut golden) = (Vec::new(), BTreeSet::new(), 0);
        for (row, case) in self.heldout.iter().zip(self.cases) {
            let clear = case.answered && case.p1 >= CLEAR && golden < MOST_GOLDEN;
            golden += usize::from(clear);
            let said = clear.then(|| case.said.clone());
            // The first case of a template says what all of them were asked under.
            let prompt = self.source.prompts.get(&row.template).filter(|_| told.insert(&row.template));
            out.extend(line(&HeldOut::of(row, said, prompt.cloned()))?);
            out.push(b'\n');
        }
        Ok(out)
    }

    fn report_json(&self) -> serde_json::Value {
        let mut wrong: Vec<(&Row, &Case)> =
            self.heldout.iter().zip(self.cases).filter(|(_, case)| !case.right).collect();
        wrong.sort_by(|(_, a), (_, b)| b.p1.total_cmp(&a.p1));
        let worst: Vec<_> = wrong
            .into_iter()
            .take(WORST)
            .map(|(row, case)| json!({"id": row.id, "label": row.answer, "said": case.said, "answered": case.answered}))
            .collect();
        let timeless = HoldoutReport { p50_us: 0, p95_us: 0, ..self.report.clone() };
        json!({
            "v": 1,
            "student": self.chosen.branch.as_str(),
            "candidates": self.candidates,
            "baselines": {"majority": self.majority},
            "threshold": self.threshold,
            "valid_curve": self.curve,
            "heldout": timeless,
            "worst": worst,
            "prepare": self.prepared,
        })
    }

    fn provenance(&self, weights: &str) -> serde_json::Value {
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": files::WEIGHTS, "digest": {"sha256": weights}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": "kolm-job/1",
                    "externalParameters": {"name": self.spec.name, "seed": self.spec.seed, "branches": self.spec.branches},
                    "resolvedDependencies": [{"name": self.source.id, "digest": {"sha256": self.source.sha256}}],
                },
                "runDetails": {
                    "builder": {"id": format!("kolm-trainer/{}", env!("CARGO_PKG_VERSION"))},
                    "metadata": {"invocationId": self.job},
                },
            },
        })
    }

    fn bom(&self, weights: &str) -> serde_json::Value {
        json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "components": [{
                "type": "machine-learning-model",
                "name": self.spec.name,
                "hashes": [{"alg": "SHA-256", "content": weights}],
                "modelCard": {
                    "modelParameters": {
                        "task": "text-classification",
                        "architectureFamily": STUDENT,
                        "datasets": [{"type": "dataset", "name": self.source.id}],
                    },
                    "quantitativeAnalysis": {"performanceMetrics": [{
                        "type": "accuracy on held-out rows",
                        "value": format!("{:.4}", self.report.accuracy_in_scope),
                        "confidenceInterval": {
                            "lowerBound": format!("{:.4}", self.report.wilson95.0),
                            "upperBound": format!("{:.4}", self.report.wilson95.1),
                        },
                    }]},
                },
            }],
        })
    }

    fn card(&self) -> String {
        let (r, t) = (self.report, self.threshold);
        let percent = |x: f64| format!("{:.1} %", x * 100.0);
        let tried: Vec<String> = self
            .candidates
            .iter()
            .map(|c| format!("| {} | {} | {} |", c.branch.as_str(), percent(c.valid), c.bytes))
            .collect();
        format!(
            "---\npipeline_tag: text-classification\ntags: [kolm, {STUDENT}]\nmetrics: [accuracy]\n---\n# {}\n\n\
             A `{STUDENT}` student ({}) for namespace `{}`: one of {} labels for a text. Trained from scratch on \
             {} pairs of snapshot `{}`; anonymizer policy `{}`.\n\n## Held-out\n\n{} rows that training never saw, \
             answered by the packed weights: {} right ({} to {}, 95 %), {} answered at the threshold and {} of \
             these right. Always giving the most frequent label: {}.\n\n## Tried on the validation part\n\n\
             | student | right | bytes |\n|---|---|---|\n{}\n\nThe smallest within half a point of the best ships.\n\n\
             ## Limits\n\nIt knows its labels only. It abstains when the two best labels are closer than {} ppm, \
             when the prompt template is new, and when a text is longer than {} bytes. Rows it was not \
             trained on show {} accuracy for what it answers ({} of {} rows); other traffic than it was trained on has other \
             figures. Teacher: {}.\n",
            self.spec.name,
            self.chosen.branch.as_str(),
            self.spec.namespace,
            self.scorers.labels.len(),
            self.train.len(),
            self.source.id,
            self.source.policy,
            r.n,
            percent(r.accuracy_in_scope),
            percent(r.wilson95.0),
            percent(r.wilson95.1),
            percent(r.coverage),
            percent(r.selective_accuracy),
            percent(self.majority),
            tried.join("\n"),
            t.tau_ppm,
            self.scorers.max_bytes,
            percent(f64::from(t.target_ppm) / 1e6),
            percent(t.coverage),
            t.n,
            self.teachers().first().map_or("unknown", |(name, _)| name),
        )
    }

    /// Models that answered, the most frequent first.
    fn teachers(&self) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for row in self.train {
            *counts.entry(&row.teacher).or_default() += 1;
        }
        let mut out: Vec<(String, u64)> = counts.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
        out.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        out
    }

    /// The draft of the manifest.
    pub(crate) fn draft(&self) -> Result<Draft, Error> {
        let seen = self.teachers();
        let newest = self.data().t_to;
        Ok(Draft {
            name: self.spec.name.clone(),
            task: Task::Label,
            kind: Kind::Full,
            created: self.source.frozen_at.unwrap_or(Timestamp(newest)),
            model: self.model(),
            runtime: Runtime {
                abi: "kolm-nano-label/1".to_owned(),
                min_version: env!("CARGO_PKG_VERSION").to_owned(),
                kernel_profile: "none".to_owned(),
                binaries: vec![],
            },
            data: self.data(),
            train: Train {
                recipe: format!("{STUDENT}/{}", self.chosen.branch.as_str()),
                algorithm: "sft".to_owned(),
                seed: self.spec.seed,
                run_sha256: self.job.to_owned(),
            },
            teacher: Teacher {
                provider: String::new(),
                model: seen.first().map(|(name, _)| name.clone()).unwrap_or_default(),
                seen,
                terms: "not stated".to_owned(),
            },
            eval: self.eval()?,
            k: K {
                floors_ppm: [i64::from(self.spec.a_floor_ppm), 0, 0, 0, 0],
                alpha_ppb: ALPHA_PPB,
                ..K::default()
            },
            cascade: Cascade { kind: MARGIN.to_owned(), tau_ppm: self.threshold.tau_ppm, decide_tokens: 0 },
            compat: Compat {
                endpoints: vec!["chat.completions".to_owned()],
                stream: true,
                ..Compat::default()
            },
            ..Draft::default()
        })
    }

    fn model(&self) -> Model {
        let shape = self.scorers.transformer.as_ref().map(|t| t.shape);
        let size = |f: fn(&Shape) -> usize| shape.as_ref().map_or(0, |s| f(s) as u64);
        Model {
            arch: STUDENT.to_owned(),
            dims: Dims {
                layers: size(|s| s.layers),
                width: size(|s| s.width),
                heads: size(|s| s.heads),
                kv_heads: size(|s| s.heads),
                ff: size(|s| s.ff),
                vocab: size(|s| s.vocab),
            },
            quant: "int8".to_owned(),
            context: size(|s| s.context),
            vocab_sha256: hex(&Sha256::digest(self.scorers.labels.join("\n").as_bytes())),
            stop: vec![],
        }
    }

    fn data(&self) -> Data {
        let times = || self.train.iter().chain(self.heldout).map(|row| row.ts);
        Data {
            t_from: times().min().unwrap_or(0),
            t_to: times().max().unwrap_or(0),
            n_train: self.train.len() as u64,
            n_eval: self.heldout.len() as u64,
            pairs_root: self.source.sha256.clone(),
            anon_policy: self.source.policy.clone(),
            split_seed: self.prepared.split_seed,
            overlap: 0,
        }
    }

    /// Axes that held-out rows measure: A over what is answered, V over all.
    fn eval(&self) -> Result<Eval, Error> {
        let answered = || self.cases.iter().filter(|case| case.answered);
        let a = (answered().filter(|case| case.right).count() as u64, answered().count() as u64);
        let v = (answered().count() as u64, self.cases.len() as u64);
        let axes = [(Axis::A, a), (Axis::V, v)].into_iter().filter(|(_, (_, n))| *n > 0);
        Ok(Eval {
            cases_root: hex(&Sha256::digest(self.cases_jsonl()?)),
            scorers_sha256: String::new(),
            n: self.cases.len() as u64,
            axes: axes.map(|(axis, (ones, n))| axis_row(axis, ones, n)).collect(),
        })
    }
}

/// Value and bounds of a share at 95 %.
fn axis_row(axis: Axis, ones: u64, n: u64) -> AxisRow {
    let mut seen = Histogram::default();
    seen.add_many(Ppm::ONE, ones);
    seen.add_many(Ppm(0), n - ones);
    let value = seen.mean().unwrap_or_default();
    AxisRow {
        axis,
        value_ppm: value.0,
        lcb_ppm: bounds::lcb(&seen, ALPHA_PPB).min(value).0,
        ucb_ppm: bounds::ucb(&seen, ALPHA_PPB).max(value).0,
        n,
    }
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|source| Error::Student(kolm_model::Error::Json { what: files::SCORERS, source }))
}
