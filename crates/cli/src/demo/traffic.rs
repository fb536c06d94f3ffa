//! What the demo sends: pairs to learn from, texts to prove the student on, and the identifiers planted in both.

use std::path::Path;

use kolm_core::{Code, Exit};
use kolm_policies::dataset;
use serde::{Deserialize, Serialize};

use super::tickets::Writer;
use crate::args::Demo;
use crate::report::Failure;

/// One text and the teacher's answer to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// What the application sends.
    pub(crate) text: String,
    /// What the sample cloud answers.
    pub(crate) label: String,
}

/// The whole of the demo's traffic.
pub(crate) struct Traffic {
    /// Sent first: the student learns from these.
    pub(crate) pairs: Vec<Pair>,
    /// Sent afterwards, repeated as the ladder needs.
    pub(crate) eval: Vec<Pair>,
    /// The eval file as it was given, for the report.
    pub(crate) holdout: Vec<Pair>,
    /// One address a request, for its `user` field.
    pub(crate) users: Vec<String>,
    /// Every identifier planted: none may reach the disk.
    pub(crate) planted: Vec<String>,
}

/// Generated tickets without a file: pairs to learn from and fresh ones to prove on.
const TICKETS: (usize, usize) = (3_000, 600);
const FAST_TICKETS: (usize, usize) = (1_200, 400);

impl Traffic {
    /// Reads the files, or writes tickets.
    pub(crate) fn prepare(args: &Demo) -> Result<Self, Failure> {
        let mut writer = Writer::new(args.seed);
        let mut planted = Vec::new();
        let (mut pairs, eval) = match &args.pairs {
            Some(file) => Self::files(file, args.eval.as_deref(), args.fast)?,
            None => {
                let (learn, prove) = if args.fast { FAST_TICKETS } else { TICKETS };
                let mut write = |n| (0..n).map(|_| writer.ticket(&mut planted)).collect::<Vec<_>>();
                (write(learn), write(prove))
            }
        };
        let holdout = eval.clone();
        if args.pairs.is_some() {
            for pair in pairs.iter_mut().step_by(100) {
                pair.text.push_str(&writer.identifier(&mut planted));
            }
        }
        let users: Vec<_> = (0..997).map(|_| writer.email()).collect();
        planted.extend(users.iter().cloned());
        planted.sort_unstable();
        planted.dedup();
        Ok(Self { pairs, eval, holdout, users, planted })
    }

    fn files(pairs: &Path, eval: Option<&Path>, fast: bool) -> Result<(Vec<Pair>, Vec<Pair>), Failure> {
        let mut pairs = read(pairs)?;
        let eval = match eval {
            Some(file) => read(file)?,
            // Files are often sorted by label: every eighth line, not the last eighth.
            None => {
                let (eval, rest) = pairs.into_iter().enumerate().partition::<Vec<_>, _>(|(n, _)| n % 8 == 7);
                pairs = rest.into_iter().map(|(_, pair)| pair).collect();
                eval.into_iter().map(|(_, pair)| pair).collect()
            }
        };
        if pairs.len() < 100 || eval.is_empty() {
            return Err(Failure::new(
                Code(8),
                Exit::TooFew,
                format_args!(
                    "the demo has {} pairs to learn from and {} to prove on",
                    pairs.len(),
                    eval.len()
                ),
                "give --pairs at least 115 lines, or --eval a file of its own",
            ));
        }
        if fast {
            let step = pairs.len().div_ceil(4_000).max(1);
            pairs = pairs.into_iter().step_by(step).collect();
        }
        Ok((pairs, eval))
    }
}

/// The pairs of a file, in its order.
fn read(file: &Path) -> Result<Vec<Pair>, Failure> {
    let lines = std::fs::read_to_string(file).map_err(|error| Failure::io(file, &error))?;
    let lines = dataset::parse_pairs(&lines)?;
    Ok(lines.into_iter().map(|line| Pair { text: line.text, label: line.answer }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sorted_by_label_still_proves_every_label() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pairs.jsonl");
        let line = |n: usize| format!("{{\"text\":\"text {n}\",\"label\":\"label {}\"}}\n", n / 40);
        std::fs::write(&file, (0..400).map(line).collect::<String>()).unwrap();
        let (pairs, eval) = Traffic::files(&file, None, false).unwrap();
        let labels = |pairs: &[Pair]| {
            pairs.iter().map(|pair| pair.label.clone()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!((pairs.len(), eval.len()), (350, 50));
        assert_eq!(labels(&pairs), labels(&eval));
    }
}
