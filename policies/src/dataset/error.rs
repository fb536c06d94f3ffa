//! What can be wrong with a data set, each with its code and hint.

use kolm_core::{Code, Coded, Exit};
use thiserror::Error;

/// One unusable line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineProblem {
    /// Line number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// A row whose answer lies outside the closed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Id of the row.
    pub id: String,
    /// Its answer, cut to 40 characters.
    pub answer: String,
}

/// Why rows cannot be trained on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// Too few rows are left to train on.
    #[error("{have} usable pairs, needs {need}")]
    TooFew {
        /// Distinct usable rows.
        have: u64,
        /// The minimum.
        need: u64,
    },
    /// Lines that cannot be read.
    #[error("{}", lines(problems, *total))]
    Lines {
        /// The first of them.
        problems: Vec<LineProblem>,
        /// How many there are.
        total: u64,
    },
    /// A file without a single row.
    #[error("the file holds no rows")]
    Empty,
    /// All rows hang together, so none can be held out.
    #[error(
        "{rows} pairs form {groups} groups of near-duplicates and conversations: nothing is left to train on"
    )]
    NoSplit {
        /// Distinct usable rows.
        rows: u64,
        /// Groups they form.
        groups: u64,
    },
    /// The answers are no closed set.
    #[error(
        "the answers are no closed set: {rule} ({covered} of {rows} rows in {labels} answers{})",
        outsiders(outside)
    )]
    NotClosed {
        /// The rule that is not met.
        rule: String,
        /// Rows whose answer is in the set.
        covered: u64,
        /// Rows in all.
        rows: u64,
        /// Size of the set.
        labels: u64,
        /// The first rows outside the set, by id.
        outside: Vec<Outside>,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::TooFew { .. } => Code(601),
            Self::Lines { .. } => Code(930),
            Self::Empty => Code(931),
            Self::NoSplit { .. } => Code(932),
            Self::NotClosed { .. } => Code(933),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooFew { have, need } => {
                format!("capture {} more distinct requests, or add a file with --pairs", need.saturating_sub(*have))
            }
            Self::Lines { .. } => concat!(
                r#"each line is {"text": "...", "label": "..."} or "#,
                r#"{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}"#
            )
            .to_owned(),
            Self::Empty => "give a JSON Lines file with one pair a line".to_owned(),
            Self::NoSplit { .. } => "capture more varied requests, or name a held-out file with --eval".to_owned(),
            Self::NotClosed { .. } => {
                "this version trains students for closed answer sets: send this namespace requests whose answer is \
                 one of a few labels"
                    .to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::TooFew { .. } => Exit::TooFew,
            Self::Lines { .. } | Self::Empty => Exit::Usage,
            Self::NoSplit { .. } | Self::NotClosed { .. } => Exit::Failed,
        }
    }
}

fn lines(problems: &[LineProblem], total: u64) -> String {
    let mut said: Vec<String> = problems.iter().map(|p| format!("line {}: {}", p.line, p.why)).collect();
    let rest = total.saturating_sub(problems.len() as u64);
    if rest > 0 {
        said.push(format!("and {rest} more lines"));
    }
    said.join("; ")
}

fn outsiders(outside: &[Outside]) -> String {
    let named: Vec<String> =
        outside.iter().take(3).map(|row| format!("`{}` in {}", row.answer, row.id)).collect();
    if named.is_empty() { String::new() } else { format!("; outside: {}", named.join(", ")) }
}
