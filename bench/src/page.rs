//! The page: tables in Markdown, the charts beside it, the raw rows in JSON.
//!
//! **Invariant:** every figure on the page is computed from the JSON that lies beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cases::Case;
use crate::chart;
use crate::contest::Who;
use crate::fault::Result;
use crate::results::{Results, Summary};

const METHOD: &str = include_str!("method.md");

/// Writes `gateway.md` and `gateway/` below `out`; the page's path.
pub(crate) fn write(results: &Results, out: &Path) -> Result<PathBuf> {
    let beside = out.join("gateway");
    std::fs::create_dir_all(&beside)?;
    std::fs::write(beside.join("results.json"), serde_json::to_string_pretty(results)? + "\n")?;
    chart::throughput(results, &beside.join("throughput.svg"))?;
    let frontier = chart::frontier(results, &beside.join("frontier.svg"))?;
    let page = out.join("gateway.md");
    std::fs::write(&page, render(results, frontier)?)?;
    Ok(page)
}

fn render(results: &Results, frontier: bool) -> Result<String> {
    let mut page = String::new();
    let machine = &results.machine;
    writeln!(page, "# The gateway, measured\n")?;
    writeln!(
        page,
        "`{}` on {}, commit {}: {} cores of {}, {}, Linux {}; load average {} before, {} after, {:.0} s in all. \
         Raw rows: [results.json](gateway/results.json).\n",
        machine.command,
        machine.date,
        machine.commit,
        machine.cores,
        machine.cpu,
        machine.memory,
        machine.kernel,
        machine.load_before,
        machine.load_after,
        machine.seconds
    )?;
    contestants(&mut page, results)?;
    saturation(&mut page, results)?;
    one_caller(&mut page, results)?;
    streams(&mut page, results)?;
    if frontier {
        frontiers(&mut page, results)?;
    }
    memory(&mut page, results)?;
    faults(&mut page, results)?;
    captures(&mut page, results)?;
    page.push_str(METHOD);
    Ok(page)
}

fn contestants(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "| contestant | what it is |\n|---|---|")?;
    for entry in &results.contestants {
        writeln!(page, "| {} | {} |", entry.who.name(), entry.what.replace('|', "/"))?;
    }
    Ok(())
}

fn saturation(page: &mut String, results: &Results) -> Result<()> {
    let connections = results.plan.as_ref().map_or(0, |plan| plan.connections);
    writeln!(page, "\n## Requests a second at saturation, {connections} connections\n")?;
    writeln!(page, "![requests a second](gateway/throughput.svg)\n")?;
    writeln!(
        page,
        "| | size | requests/s, median (min) | x nginx, median (min) | x bare Pingora, median (min) | processor µs a request | of it later | p50 / p99 ms |\n\
         |---|---|---|---|---|---|---|---|"
    )?;
    for case in [Case::Saturation1k, Case::Saturation100k] {
        for who in results.served() {
            let ratio = |other| {
                let ratio = results.against((who, other), case, |row| row.counted.rate, |a, b| a / b);
                told(ratio, 2)
            };
            let median = |value: fn(&crate::results::LoopRow) -> f64| {
                results.each(who, case, value).map_or(0.0, |summary| summary.median)
            };
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.1} / {:.1} |",
                who.name(),
                size(case),
                told(results.each(who, case, |row| row.counted.rate), 0),
                ratio(Who::Nginx),
                ratio(Who::Bare),
                median(|row| row.cpu_us_per_reply + row.later_us_per_reply),
                median(|row| row.later_us_per_reply),
                median(|row| row.counted.latency_us.p50) / 1_000.0,
                median(|row| row.counted.latency_us.p99) / 1_000.0,
            )?;
        }
    }
    Ok(())
}

fn one_caller(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "\n## Latency of one caller\n")?;
    writeln!(
        page,
        "Microseconds, median of rounds (least of rounds); what is added is taken within each round.\n\n\
         | | size | p50 | added to direct, p50 | added to direct, p99 | added to bare Pingora, p50 |\n|---|---|---|---|---|---|"
    )?;
    for case in [Case::OneCaller1k, Case::OneCaller100k] {
        for who in results.served() {
            let added = |other, value: fn(&crate::results::LoopRow) -> f64| {
                told(results.against((who, other), case, value, |a, b| a - b), 0)
            };
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} |",
                who.name(),
                size(case),
                told(results.each(who, case, |row| row.counted.latency_us.p50), 0),
                added(Who::Direct, |row| row.counted.latency_us.p50),
                added(Who::Direct, |row| row.counted.latency_us.p99),
                added(Who::Bare, |row| row.counted.latency_us.p50),
            )?;
        }
    }
    Ok(())
}

fn streams(page: &mut String, results: &Results) -> Result<()> {
    let count = results.plan.as_ref().map_or(0, |plan| plan.streams);
    writeln!(page, "\n## Streams: {count} at a time, 64 frames each, one every 20 ms\n")?;
    writeln!(
        page,
        "Microseconds added to direct in the same round, median of rounds (least of rounds).\n\n\
         | | first frame, p50 | first frame, p99 | a frame, p50 | a frame, p99 | merged frames | bytes as sent | whole |\n\
         |---|---|---|---|---|---|---|---|"
    )?;
    for who in results.served() {
        let rows: Vec<_> = results.streams.iter().filter(|row| row.who == who).collect();
        let sum = |value: fn(&crate::load::Streamed) -> u64| {
            rows.iter().map(|row| value(&row.streamed)).sum::<u64>()
        };
        let direct =
            results.streams.iter().find(|row| row.who == Who::Direct).and_then(|row| row.streamed.bytes_each);
        let same =
            rows.iter().all(|row| row.streamed.bytes_each.is_some() && row.streamed.bytes_each == direct);
        let fault = rows.iter().find_map(|row| row.streamed.fault.clone());
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} of {} | {} | {}{} |",
            who.name(),
            told(results.stream_added(who, |streamed| streamed.first_us.p50), 0),
            told(results.stream_added(who, |streamed| streamed.first_us.p99), 0),
            told(results.stream_added(who, |streamed| streamed.frame_us.p50), 0),
            told(results.stream_added(who, |streamed| streamed.frame_us.p99), 0),
            sum(|streamed| streamed.merged),
            sum(|streamed| streamed.frames),
            if same { "yes" } else { "no" },
            sum(|streamed| streamed.whole),
            fault.map(|fault| format!(" ({fault})")).unwrap_or_default(),
        )?;
    }
    Ok(())
}

fn frontiers(page: &mut String, results: &Results) -> Result<()> {
    const LIMITS: [f64; 4] = [1.0, 5.0, 10.0, 50.0];
    writeln!(page, "\n## The frontier: requests a second kept at a 99th percentile, 1 kB, open loop\n")?;
    writeln!(page, "![frontier](gateway/frontier.svg)\n")?;
    writeln!(page, "| | p99 <= 1 ms | <= 5 ms | <= 10 ms | <= 50 ms |\n|---|---|---|---|---|")?;
    for who in results.served() {
        let rates = LIMITS.map(|limit| {
            results
                .frontier(who, limit * 1_000.0)
                .map_or_else(|| "none tried".to_owned(), |rate| format!("{rate:.0}"))
        });
        writeln!(page, "| {} | {} |", who.name(), rates.join(" | "))?;
    }
    Ok(())
}

fn memory(page: &mut String, results: &Results) -> Result<()> {
    let held = results.plan.as_ref().map_or(0, |plan| plan.held);
    writeln!(page, "\n## Memory\n")?;
    writeln!(
        page,
        "Resident memory of all its processes: just started, at the end of the run, and for each of {held} open streams.\n\n\
         | | idle MB (not of files) | at the end MB | kB a stream | streams open |\n|---|---|---|---|---|"
    )?;
    for entry in results.contestants.iter().filter(|entry| entry.served && entry.who != Who::Direct) {
        let row = results.held.iter().find(|row| row.who == entry.who);
        let each = row
            .filter(|row| row.held.open > 0)
            .map(|row| (row.with.rss_kb as f64 - row.before.rss_kb as f64) / row.held.open as f64);
        writeln!(
            page,
            "| {} | {:.0} ({:.0}) | {:.0} | {} | {} |",
            entry.who.name(),
            entry.idle.rss_kb as f64 / 1_024.0,
            entry.idle.anon_kb as f64 / 1_024.0,
            entry.end.rss_kb as f64 / 1_024.0,
            each.map_or_else(|| "not served".to_owned(), |each| format!("{each:.1}")),
            row.map_or(0, |row| row.held.open),
        )?;
    }
    Ok(())
}

fn faults(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "\n## Faults of the upstream, as the caller saw them\n")?;
    writeln!(page, "| | 429 | 500 | half a reply, then a reset |\n|---|---|---|---|")?;
    for who in results.served() {
        let seen: Vec<String> = results
            .faults
            .iter()
            .filter(|row| row.who == who)
            .map(|row| {
                let broke = row.once.broke.as_deref().map(|broke| format!(", {broke}")).unwrap_or_default();
                format!("{}, {} bytes{broke}", row.once.status, row.once.bytes)
            })
            .collect();
        writeln!(page, "| {} | {} |", who.name(), seen.join(" | "))?;
    }
    Ok(())
}

fn captures(page: &mut String, results: &Results) -> Result<()> {
    let kolm = results.contestants.iter().filter(|entry| !entry.counters.is_empty());
    writeln!(page, "\n## Was everything really on?\n\nkolm's own counters at the end of the run:\n")?;
    writeln!(page, "| | counter | total |\n|---|---|---|")?;
    for entry in kolm {
        for (name, total) in &entry.counters {
            writeln!(page, "| {} | `{name}` | {total:.0} |", entry.who.name())?;
        }
    }
    page.push('\n');
    Ok(())
}

/// Median and minimum of what was summed up.
fn told(summary: Option<Summary>, digits: usize) -> String {
    summary.map_or_else(
        || "-".to_owned(),
        |Summary { min, median }| format!("{:.digits$} ({:.digits$})", median, min),
    )
}

const fn size(case: Case) -> &'static str {
    match case {
        Case::Saturation1k | Case::OneCaller1k => "1 kB",
        Case::Saturation100k | Case::OneCaller100k => "100 kB",
    }
}
