//! The end of the demo: one object for machines, one table for people.

use std::path::{Path, PathBuf};

use kolm_core::{Env, RouteStatus, Stage};
use serde::Serialize;

use super::drive::Tally;
use super::traffic::Traffic;
use crate::report::{Failure, note};

/// What `kolm demo --json` ends with.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pairs_sent: u64,
    pairs_captured: u64,
    /// Right answers of the packed student on the in-scope eval rows, before abstention.
    accuracy_holdout: f64,
    /// Share of out-of-scope eval rows that it named so or handed to the teacher; `null` without such rows.
    oos_recall: Option<f64>,
    /// Share of eval rows that it answers itself.
    coverage: f64,
    /// Right answers among those.
    selective_accuracy: f64,
    k: Option<f64>,
    k_lcb: Option<f64>,
    decision: String,
    weight_bp: u16,
    served_local: u64,
    served_cloud: u64,
    client_errors: u64,
    client_error_reasons: Vec<String>,
    receipts: u64,
    receipts_verified: u64,
    raw_identifiers_on_disk: u64,
    train_seconds: f64,
    pub(crate) wall_seconds: f64,
    pub(crate) artifact: Option<PathBuf>,
    artifact_bytes: u64,
    saved_usd: f64,
    #[serde(skip)]
    pub(crate) kept: Option<PathBuf>,
    #[serde(skip)]
    stage: Stage,
}

impl Summary {
    /// Gathers what was measured and scores the packed student on the eval rows.
    #[expect(clippy::too_many_arguments, reason = "the one place where all that was measured comes together")]
    pub(super) fn of(
        traffic: &Traffic,
        tally: Tally,
        captured: u64,
        verified: u64,
        found: u64,
        route: &RouteStatus,
        train_seconds: f64,
        (data, env): (&Path, &Env),
    ) -> Result<Self, Failure> {
        let artifact = newest_artifact(&data.join("artifacts"));
        let score = artifact
            .as_deref()
            .map(|path| crate::eval::score(path, &traffic.holdout, "oos", env))
            .transpose()?;
        Ok(Self {
            pairs_sent: traffic.pairs.len() as u64,
            pairs_captured: captured,
            accuracy_holdout: score.as_ref().map_or(0.0, |s| s.accuracy_in_scope),
            oos_recall: score.as_ref().and_then(|s| s.oos_recall),
            coverage: score.as_ref().map_or(0.0, |s| s.coverage),
            selective_accuracy: score.as_ref().map_or(0.0, |s| s.selective_accuracy),
            k: route.k.k.map(|k| k.v.share()),
            k_lcb: route.k.k.map(|k| k.lcb.share()),
            decision: route.sentence.clone(),
            weight_bp: route.weight.0,
            served_local: tally.local,
            served_cloud: tally.cloud,
            client_errors: tally.errors,
            client_error_reasons: tally.reasons,
            receipts: tally.receipts.len() as u64,
            receipts_verified: verified,
            raw_identifiers_on_disk: found,
            train_seconds,
            wall_seconds: 0.0,
            artifact_bytes: artifact.as_deref().and_then(|p| p.metadata().ok()).map_or(0, |m| m.len()),
            artifact,
            saved_usd: (route.savings.avoided.0 - route.savings.local.0) as f64 / 1e6,
            kept: None,
            stage: route.stage,
        })
    }

    /// Nothing an application or an auditor would complain about; a gate that held is an honest end.
    pub(crate) fn passed(&self) -> bool {
        self.client_errors == 0
            && self.receipts == self.receipts_verified
            && self.raw_identifiers_on_disk == 0
            && !matches!(self.stage, Stage::Collecting | Stage::Distilling)
    }

    /// The table, on stderr.
    pub(crate) fn print(&self) {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let oos = self
            .oos_recall
            .map_or_else(String::new, |recall| format!(", out of scope kept away {}", percent(recall)));
        let k = match (self.k, self.k_lcb) {
            (Some(k), Some(lcb)) => format!("{k:.3} (at least {lcb:.3}, gate 0.850)"),
            _ => "not measured".to_owned(),
        };
        let rows = [
            ("captured", format!("{} of {} pairs, anonymized", self.pairs_captured, self.pairs_sent)),
            (
                "student",
                format!(
                    "{} kB in {:.0} s, accuracy {} on held-out texts",
                    self.artifact_bytes / 1_000,
                    self.train_seconds,
                    percent(self.accuracy_holdout)
                ),
            ),
            (
                "abstains",
                format!(
                    "answers {} itself, {} of that right{oos}",
                    percent(self.coverage),
                    percent(self.selective_accuracy)
                ),
            ),
            ("K-score", k),
            ("route", format!("{} % local: {}", f64::from(self.weight_bp) / 100.0, self.decision)),
            (
                "served",
                format!(
                    "{} by the student, {} by the cloud, {} client errors",
                    self.served_local, self.served_cloud, self.client_errors
                ),
            ),
            ("receipts", format!("{} of {} verified", self.receipts_verified, self.receipts)),
            ("privacy", format!("{} planted identifiers found on disk", self.raw_identifiers_on_disk)),
            ("saved", format!("${:.4} at list price in {:.0} s", self.saved_usd, self.wall_seconds)),
        ];
        note("");
        note("  kolm: from cloud to a model you own");
        note(&format!("  {}", "-".repeat(78)));
        for (name, value) in rows {
            note(&format!("  {name:<9} {value}"));
        }
        note(&format!("  {}", "-".repeat(78)));
        for reason in &self.client_error_reasons {
            note(&format!("  client error: {reason}"));
        }
        if let Some(artifact) = &self.artifact {
            note(&format!("  the artifact is yours: kolm serve --http {}", artifact.display()));
        }
        if let Some(dir) = &self.kept {
            note(&format!(
                "  look at it again: kolm up --config {0}/gateway.toml --data-dir {0}/data",
                dir.display()
            ));
        }
    }
}

fn newest_artifact(dir: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let artifacts = files.filter(|path| path.extension().is_some_and(|e| e == "kolm"));
    artifacts.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
}
