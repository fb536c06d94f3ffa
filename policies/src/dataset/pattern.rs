//! The task pattern `label`: whether the answers of a data set are a closed set, and which.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Outside, Row};

/// Most labels of a closed set.
const MOST_LABELS: usize = 512;
/// Fewest rows of a label.
const FEWEST_ROWS: usize = 5;
/// Longest label in tokens.
const LONGEST: usize = 32;
/// Share of the rows that the set must cover, in percent.
const COVER: usize = 98;
/// Rows outside the set that an error names.
const NAMED: usize = 20;

/// The labels, sorted, when at least 98 % of the answers are one of at most 512 values of at most 32 tokens,
/// each in 5 rows or more, and there are ten rows for each of them. Rows outside the set may remain: see
/// [`outside`]. Answers count as they stand, without the white space around them.
pub fn closed_set(rows: &[Row]) -> Result<Vec<String>, Error> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.answer.trim()).or_default() += 1;
    }
    let mut kept: Vec<(&str, usize)> =
        counts.into_iter().filter(|(answer, n)| *n >= FEWEST_ROWS && tokens(answer) <= LONGEST).collect();
    // Frequent answers first; the sort is stable, so equals stay in the order of their text.
    kept.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    kept.truncate(MOST_LABELS);
    let covered: usize = kept.iter().map(|(_, n)| n).sum();
    let mut labels: Vec<String> = kept.into_iter().map(|(answer, _)| answer.to_owned()).collect();
    labels.sort_unstable();
    let broken = if covered * 100 < rows.len() * COVER {
        Some(format!("{COVER} % of the answers must be labels that occur {FEWEST_ROWS} times or more"))
    } else if labels.len() * 10 > rows.len() {
        Some("there must be ten rows for each label".to_owned())
    } else if labels.len() < 2 {
        Some("there must be two labels or more".to_owned())
    } else {
        None
    };
    match broken {
        None => Ok(labels),
        Some(rule) => Err(Error::NotClosed {
            rule,
            covered: covered as u64,
            rows: rows.len() as u64,
            labels: labels.len() as u64,
            outside: outside(rows, &labels).into_iter().take(NAMED).map(named).collect(),
        }),
    }
}

/// The rows whose answer is none of the labels, by id.
pub fn outside<'a>(rows: &'a [Row], labels: &[String]) -> Vec<&'a Row> {
    let known: BTreeSet<&str> = labels.iter().map(String::as_str).collect();
    let mut out: Vec<&Row> = rows.iter().filter(|row| !known.contains(row.answer.trim())).collect();
    out.sort_by(|a, b| a.id.cmp(&b.id));
    out
}

fn named(row: &Row) -> Outside {
    Outside { id: row.id.clone(), answer: row.answer.trim().chars().take(40).collect() }
}

/// An upper estimate of tokens: words, or one for each four characters.
fn tokens(answer: &str) -> usize {
    answer.split_whitespace().count().max(answer.chars().count().div_ceil(4))
}
