//! How fast: megabytes a second on one core, of the whole and of its parts, and the time of one long prompt.
//!
//! **Invariant:** the best of several rounds counts, for others may use the machine.

use std::fmt::Write as _;

use kolm_policies::anonymize::residue;
use kolm_policies::ner;

use crate::sets::{self, Set};
use crate::{clock, masked, peers};

const ROUNDS: usize = 5;
const LONG: usize = 100_000;
/// Texts of the set that is only timed.
const PLAIN: usize = 600;

/// Rates of one set, in megabytes a second.
#[derive(Debug)]
struct Speed {
    what: &'static str,
    megabytes: f64,
    whole: f64,
    /// Folding, patterns and their overlaps alone.
    patterns: f64,
    /// The model alone.
    model: f64,
}

/// The part of the page that is about time.
pub(crate) fn page(sets: &[Set], seed: u64) -> Result<String, String> {
    let mut page = String::from(
        "| text | MB | MB/s, one core, one text a call | patterns alone | the model alone |\n|---|---|---|---|---|\n",
    );
    let plain = sets::plain(seed, PLAIN);
    for set in sets.iter().chain([&plain]) {
        let Speed { what, megabytes, whole, patterns, model } = of(set)?;
        writeln!(page, "| {what} | {megabytes:.2} | {whole:.1} | {patterns:.1} | {model:.1} |").ok();
    }
    let first = sets.first().ok_or("no sets")?;
    page.push_str("\n| one prompt of 100 kB | ms | patterns alone |\n|---|---|---|\n");
    let prompts = [
        ("a plain text with one clinical note", prompt(&plain, Some(first))),
        ("texts of the clinical set, one after another", prompt(first, None)),
    ];
    for (what, text) in prompts {
        let took = match masked::masked(&text, &masked::policy(first.preset)?) {
            Ok(_) => format!("{:.1}", best(|| long(&text, first.preset))? * 1e3),
            Err(why) => why,
        };
        let patterns = best(|| Ok(timed(|| drop(residue(&text)))))?;
        writeln!(page, "| {what} | {took} | {:.1} |", patterns * 1e3).ok();
    }
    page.push('\n');
    Ok(page)
}

fn of(set: &Set) -> Result<Speed, String> {
    let texts: Vec<&str> = set.items.iter().map(|item| item.text.as_str()).collect();
    let megabytes = texts.iter().map(|text| text.len()).sum::<usize>() as f64 / 1e6;
    let whole = best(|| peers::kolm(&texts, set.preset).map(|found| found.seconds))?;
    let patterns = best(|| Ok(timed(|| texts.iter().for_each(|text| drop(residue(text))))))?;
    let folded: Vec<String> = texts.iter().map(|text| ner::fold(text)).collect();
    let model = best(|| Ok(timed(|| folded.iter().for_each(|text| ner::tag(text, &mut |_| {})))))?;
    let rate = |seconds: f64| megabytes / seconds;
    Ok(Speed { what: set.name, megabytes, whole: rate(whole), patterns: rate(patterns), model: rate(model) })
}

/// A hundred kilobytes of the items of a set, with an item of another in the middle.
fn prompt(set: &Set, other: Option<&Set>) -> String {
    let mut text = String::new();
    let mut inner = other.and_then(|other| other.items.first());
    for item in set.items.iter().cycle().take_while(|item| !item.text.is_empty()) {
        if text.len() >= LONG {
            break;
        }
        let item = inner.take_if(|_| text.len() > LONG / 2).unwrap_or(item);
        text.push_str(&item.text);
        text.push_str("\n\n");
    }
    text
}

fn long(text: &str, preset: &str) -> Result<f64, String> {
    peers::kolm(&[text], preset).map(|found| found.seconds)
}

fn timed(work: impl FnOnce()) -> f64 {
    let started = clock::now();
    work();
    clock::seconds_since(started)
}

fn best(mut once: impl FnMut() -> Result<f64, String>) -> Result<f64, String> {
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        least = least.min(once()?);
    }
    Ok(least)
}
