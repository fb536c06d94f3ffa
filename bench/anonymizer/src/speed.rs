//! How fast: megabytes a second on one core, and the time of one long prompt.
//!
//! **Invariant:** the best of several rounds counts, for others may use the machine.

use crate::masked;
use crate::peers;
use crate::sets::Set;

const ROUNDS: usize = 5;
const LONG: usize = 100_000;

/// Rates of one set.
#[derive(Debug)]
pub(crate) struct Speed {
    pub(crate) what: String,
    pub(crate) megabytes: f64,
    pub(crate) per_second: f64,
}

/// The speed over each set, one text a call.
pub(crate) fn of(sets: &[Set]) -> Result<Vec<Speed>, String> {
    sets.iter()
        .map(|set| {
            let texts: Vec<&str> = set.items.iter().map(|item| item.text.as_str()).collect();
            let megabytes = texts.iter().map(|text| text.len()).sum::<usize>() as f64 / 1e6;
            let seconds = best(|| peers::kolm(&texts, set.preset).map(|found| found.seconds))?;
            Ok(Speed { what: set.name.to_owned(), megabytes, per_second: megabytes / seconds })
        })
        .collect()
}

/// Milliseconds of one prompt of 100 kB, made of the items of a set.
pub(crate) fn long(set: &Set) -> Result<f64, String> {
    let mut text = String::new();
    for item in set.items.iter().cycle().take(10 * LONG) {
        if text.len() >= LONG {
            break;
        }
        text.push_str(&item.text);
        text.push_str("\n\n");
    }
    masked::masked(&text, &masked::policy(set.preset)?)?;
    best(|| peers::kolm(&[text.as_str()], set.preset).map(|found| found.seconds * 1_000.0))
}

fn best(mut once: impl FnMut() -> Result<f64, String>) -> Result<f64, String> {
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        least = least.min(once()?);
    }
    Ok(least)
}
