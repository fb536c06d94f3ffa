//! Does a student that learns from what was stored still learn to copy? Three students, taught with the pairs as they
//! were, with surrogates and with tags, answer prompts as they come: with real values, of people that none has seen.
//!
//! **Invariant:** nothing differs between the three but the text that they learn from.

use std::fmt::Write as _;

use kolm_policies::anonymize::{Policy, Salt};

use crate::{masked, page};

mod reader;
mod student;
mod task;

use reader::Reader;
use student::Student;
use task::{FIELDS, Pair};

const METHOD: &str = include_str!("copying/method.md");

/// What the students learn from.
const TAUGHT: [&str; 3] = ["as they were", "surrogates", "tags"];

/// How much is learned and asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pairs: usize,
    asked: usize,
    epochs: usize,
    seeds: u64,
}

/// The extent of the page.
pub(crate) const WHOLE: Extent = Extent { pairs: 3_000, asked: 2_000, epochs: 6, seeds: 5 };

/// Right answers of one student: prompts whose every fact was written as it stands there, and of each field.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Right {
    whole: f64,
    fields: [f64; FIELDS.len()],
}

/// The page `docs/benchmarks/copying.md`.
pub(crate) fn page(seed: u64, extent: Extent) -> Result<String, String> {
    let head = page::machine("bench-copying");
    let Extent { pairs, asked, epochs, seeds } = extent;
    Ok(format!(
        "# Copying, learned from what is stored\n\n{head}\n\n{seeds} seeds; {pairs} pairs learned in {epochs} epochs, \
         {asked} prompts asked.\n\n{}\n{METHOD}",
        table(seed, extent)?
    ))
}

fn table(seed: u64, extent: Extent) -> Result<String, String> {
    let mut runs: Vec<[Right; TAUGHT.len()]> = Vec::new();
    for turn in 0..extent.seeds {
        runs.push(taught(seed + turn, extent)?);
    }
    let mut page = format!(
        "| learned from pairs | prompts whose every fact is right, median (least) | {} |\n|---|---|{}\n",
        FIELDS.join(" | "),
        "---|".repeat(FIELDS.len())
    );
    for (at, name) in TAUGHT.iter().enumerate() {
        let of = |value: &dyn Fn(&Right) -> f64| {
            let mut all: Vec<f64> = runs.iter().map(|run| value(&run[at])).collect();
            all.sort_by(f64::total_cmp);
            (all[all.len() / 2], all[0])
        };
        let (median, least) = of(&|right| right.whole);
        write!(page, "| {name} | {median:.4} ({least:.4})").ok();
        for field in 0..FIELDS.len() {
            write!(page, " | {:.4}", of(&|right| right.fields[field]).0).ok();
        }
        page.push_str(" |\n");
    }
    Ok(page)
}

/// The three students of one seed.
fn taught(seed: u64, extent: Extent) -> Result<[Right; TAUGHT.len()], String> {
    let surrogates = masked::policy("hipaa")?;
    let tags = masked::policy("hipaa")?.with_mode("tag").map_err(|cause| cause.to_string())?;
    let raw = task::some(seed, extent.pairs);
    let asked = task::others(seed, extent.asked);
    let taught = [raw.clone(), stored(&raw, &surrogates)?, stored(&raw, &tags)?];
    let mut out = [Right::default(); TAUGHT.len()];
    std::thread::scope(|scope| {
        let one = |pairs: &'_ [Pair]| right(pairs, &asked, extent.epochs, seed).map_err(|e| e.to_string());
        let runs = taught.each_ref().map(|pairs| scope.spawn(move || one(pairs)));
        for (out, run) in out.iter_mut().zip(runs) {
            *out = run.join().map_err(|_| "a student's thread ended".to_owned())??;
        }
        Ok(out)
    })
}

/// The pairs as the gateway would have stored them, each a conversation of its own.
fn stored(pairs: &[Pair], policy: &Policy) -> Result<Vec<Pair>, String> {
    let kept = pairs.iter().zip(0_u64..).map(|(pair, n)| {
        let mut salt = [7; 32];
        salt[..8].copy_from_slice(&n.to_le_bytes());
        pair.stored(policy, &Salt(salt)).ok_or_else(|| format!("pair {n} was not stored"))
    });
    kept.collect()
}

/// What a student that learned from `pairs` gets right of `asked`.
fn right(pairs: &[Pair], asked: &[Pair], epochs: usize, seed: u64) -> kolm_model::candle::Result<Right> {
    let reader = Reader::learn(pairs);
    let rows: Vec<_> = pairs.iter().map(|pair| reader.read(pair)).collect();
    let student = Student::learn(&rows, reader.sizes(), epochs, seed)?;
    let (mut whole, mut fields, mut of) = (0, [0; FIELDS.len()], [0; FIELDS.len()]);
    for pair in asked {
        let read = reader.read(pair);
        let said = reader::written(&pair.prompt, &read, &student.scores(&read)?);
        whole += usize::from(said == pair.facts);
        for (field, fact) in pair.facts.iter().enumerate().filter(|(_, fact)| fact.is_some()) {
            of[field] += 1;
            fields[field] += usize::from(said[field] == *fact);
        }
    }
    let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    Ok(Right {
        whole: share(whole, asked.len()),
        fields: std::array::from_fn(|field| share(fields[field], of[field])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_teach_to_copy_and_tags_do_not() {
        let extent = Extent { pairs: 600, asked: 300, epochs: 8, seeds: 1 };
        let [raw, surrogates, tags] = taught(11, extent).unwrap();
        assert!(raw.whole > 0.5, "{raw:?}");
        assert!(surrogates.whole > raw.whole - 0.1, "{raw:?} {surrogates:?}");
        assert!(tags.whole < surrogates.whole - 0.2, "{surrogates:?} {tags:?}");
    }
}
