//! Scores of the n-gram branch over folds: each row is scored by weights that saw neither it nor a
//! near-duplicate of it.
//!
//! Why: of 1,000 pairs some 90 become `valid`, and 90 rows show an accuracy of 90 % only for a student that
//! makes no mistake. The folds make evidence of all rows.

use std::collections::HashSet;

use kolm_policies::dataset::{self, Prepared, Row};
use rayon::ThreadPool;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::choice::Evidence;
use crate::ngram;
use crate::run::{Parts, label_of, labelled};

const FOLDS: u8 = 5;

/// Scores of all rows of `train` and `valid`; `None` when they are too few to cut.
pub(crate) fn scores(
    prepared: &Prepared,
    data: &Parts,
    seed: u64,
    pool: &ThreadPool,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Evidence>, Error> {
    let rows: Vec<&Row> = prepared.train.iter().chain(&prepared.valid).collect();
    let mut out = Evidence { known: vec![], labels: vec![], outside: vec![] };
    for fold in 0..FOLDS {
        let inside = |row: &&Row| Sha256::digest(row.id.as_bytes())[0] % FOLDS == fold;
        let (asked, rest): (Vec<&Row>, Vec<&Row>) = rows.iter().copied().partition(inside);
        let owned = |rows: &[&Row]| rows.iter().map(|row| (*row).clone()).collect::<Vec<Row>>();
        let Ok(cut) = dataset::prepare(owned(&rest), Some(owned(&asked)), seed) else { return Ok(None) };
        let kept: HashSet<&str> = cut.train.iter().chain(&cut.valid).map(|row| row.id.as_str()).collect();
        let learn: Vec<_> = rest
            .iter()
            .filter(|row| kept.contains(row.id.as_str()))
            .filter_map(|row| Some(labelled(row, label_of(&data.labels, row)?)))
            .collect();
        let branch = ngram::train(&learn, data.labels.len() as u32, seed, pool, &mut |_| Ok(()), cancel)?;
        for row in asked {
            let scores = branch.scores(&labelled(row, 0).normal);
            match label_of(&data.labels, row) {
                Some(label) => {
                    out.known.push(scores);
                    out.labels.push(label);
                }
                None => out.outside.push(scores),
            }
        }
    }
    Ok(Some(out))
}
