//! The page of the shadow's cost.
//!
//! **Invariant:** every figure on the page is computed from the JSON that lies beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Arm, Results, Row};
use crate::fault::Result;
use crate::results::Summary;

const METHOD: &str = "
## Method

Four gateways, each a process with the default configuration and one route: its student is a pool of one server, and the shadow's
`rate` is 0 (off) or 1 (every request; the default is a tenth). The students' server is a mock of its own. One student answers at
once, one reads the request and never answers (each question waits for `timeout`, 30 s, in one of four places; the queue behind
them holds 4,096), one answers 500. The clients are an open loop: a request is due at its time whether or not others were answered,
and its latency counts from then. Every gateway has its turn in every round, in rotated order, and is quiet before the next
begins. A ratio is taken between two turns of the same round; the middle one of all rounds is shown, with the least and the greatest.

With the shadow on, the gateway has more to do (a second question and answer to decode, score and anonymize), on the same cores:
what of that reaches a client is the scheduler's share, and is in these figures.
";

/// Writes `shadow.md` and `shadow.json` below `out`; the page's path.
pub(super) fn write(results: &Results, out: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("shadow.json"), serde_json::to_string_pretty(results)? + "\n")?;
    let page = out.join("shadow.md");
    std::fs::write(&page, render(results)?)?;
    Ok(page)
}

fn render(results: &Results) -> Result<String> {
    let mut page = String::new();
    let machine = &results.machine;
    writeln!(page, "# What a shadow costs the clients\n")?;
    writeln!(
        page,
        "`make bench-shadow` (`{}`) on {}, commit {}: {} cores of {}, {}; load average {} before, {} after. {} requests a second, \
         {} rounds of {} s for each, {:.0} s in all.\n",
        machine.command,
        machine.date,
        machine.commit,
        machine.cores,
        machine.cpu,
        machine.memory,
        machine.load_before,
        machine.load_after,
        results.rate,
        results.rounds,
        results.seconds,
        machine.seconds
    )?;
    latencies(&mut page, results)?;
    ratios(&mut page, results)?;
    did(&mut page, results)?;
    page.push_str(METHOD);
    Ok(page)
}

fn latencies(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "Latency of the clients in microseconds, median of the rounds (least):\n")?;
    writeln!(page, "| | p50 | p95 | p99 | requests/s | errors |\n|---|---|---|---|---|---|")?;
    for arm in Arm::ALL {
        let of = |value: fn(&Row) -> f64| {
            let summary = Summary::of(rows(results, arm).map(value).collect());
            summary.map_or_else(|| "-".to_owned(), |s| format!("{:.0} ({:.0})", s.median, s.min))
        };
        let errors: u64 = rows(results, arm).flat_map(|row| row.counted.errors.values()).sum();
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {errors} |",
            arm.name(),
            of(|row| row.counted.latency_us.p50),
            of(|row| row.counted.latency_us.p95),
            of(|row| row.counted.latency_us.p99),
            of(|row| row.counted.rate),
        )?;
    }
    Ok(())
}

fn ratios(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "\nSet against `shadow off` of the same round, median (least to greatest):\n")?;
    writeln!(page, "| | p50, ratio | p50, added us | p95, ratio | p95, added us |\n|---|---|---|---|---|")?;
    for arm in [Arm::On, Arm::Hanging, Arm::Failing] {
        let p50 = |row: &Row| row.counted.latency_us.p50;
        let p95 = |row: &Row| row.counted.latency_us.p95;
        writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            arm.name(),
            against(results, arm, p50, |a, b| a / b, 2),
            against(results, arm, p50, |a, b| a - b, 0),
            against(results, arm, p95, |a, b| a / b, 2),
            against(results, arm, p95, |a, b| a - b, 0),
        )?;
    }
    Ok(())
}

fn did(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "\nWhat the shadows did meanwhile, as the gateways tell at the end:\n")?;
    writeln!(page, "| | captured | scored | not scored |\n|---|---|---|---|")?;
    for did in &results.did {
        writeln!(page, "| {} | {} | {} | {} |", did.arm.name(), did.captured, did.scored, did.dropped)?;
    }
    Ok(())
}

fn rows(results: &Results, arm: Arm) -> impl Iterator<Item = &Row> {
    results.rows.iter().filter(move |row| row.arm == arm && row.counted.replies > 0)
}

/// A figure of each round set against that without a shadow.
fn against(
    results: &Results,
    arm: Arm,
    value: impl Fn(&Row) -> f64,
    set: impl Fn(f64, f64) -> f64,
    digits: usize,
) -> String {
    let both = rows(results, arm).filter_map(|row| {
        let off = rows(results, Arm::Off).find(|off| off.round == row.round)?;
        Some(set(value(row), value(off)))
    });
    let values: Vec<f64> = both.collect();
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match Summary::of(values) {
        Some(Summary { min, median }) => format!("{median:.digits$} ({min:.digits$} to {most:.digits$})"),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Counted, Spread};

    #[test]
    fn a_ratio_is_taken_within_its_round() {
        let row = |round, arm, p50| {
            let latency_us = Spread { p50, ..Spread::default() };
            Row { round, arm, counted: Counted { replies: 1, latency_us, ..Counted::default() } }
        };
        let rows = vec![
            row(0, Arm::Off, 100.0),
            row(0, Arm::On, 110.0),
            row(1, Arm::Off, 1_000.0),
            row(1, Arm::On, 1_000.0),
            row(2, Arm::On, 9_000.0),
        ];
        let results = Results { rows, ..Results::default() };
        let p50 = |row: &Row| row.counted.latency_us.p50;
        assert_eq!(against(&results, Arm::On, p50, |a, b| a / b, 2), "1.05 (1.00 to 1.10)");
        assert_eq!(against(&results, Arm::Failing, p50, |a, b| a - b, 0), "-");
        assert!(render(&results).unwrap().contains("| shadow off | 550 (100) |"));
    }
}
