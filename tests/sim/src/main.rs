//! `kolm-sim`: simulates the gate with known truths, and sets what is measured beside what the design promises.
//!
//! **Invariant:** the same seed and number of runs print the same tables; no rule of the gate is written here.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

mod challenger;
mod chance;
mod drift;
mod flap;
mod page;
mod rival;
mod rollback;
mod single;
#[cfg(test)]
mod tests;
mod whole;
mod world;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use kolm_core::RouteName;
use serde_json::json;

use crate::page::Table;

/// Simulate the gate with known truths.
#[derive(Debug, Parser)]
#[command(name = "kolm-sim", version, max_term_width = 110)]
struct Cli {
    /// Runs of each case; the tables of rollbacks, of challengers and of drift take a sixteenth of it, the others of whole routes a
    /// quarter.
    #[arg(long, default_value_t = 400)]
    runs: usize,
    /// Seed of everything.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// One table instead of all.
    #[arg(long)]
    only: Option<Part>,
    /// Fail if a median is further than so many percent from the one of the design.
    #[arg(long)]
    within: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The bound engine on one stream.
    Single,
    /// The detector by itself.
    Detector,
    /// From the first request to a verdict.
    Whole,
    /// A drop at full weight.
    Rollback,
    /// Faults.
    Flap,
    /// A newer student beside the one that serves.
    Challenger,
    /// Drift of the traffic.
    Drift,
}

const PARTS: [Part; 7] =
    [Part::Single, Part::Detector, Part::Whole, Part::Rollback, Part::Flap, Part::Challenger, Part::Drift];
/// Drawn requests of a route in the table of faults.
const FLAP_REQUESTS: u64 = 6_000;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Ok(name) = "sim".parse::<RouteName>() else { return ExitCode::FAILURE };
    let routes = cli.runs.div_ceil(4);
    let (mut tables, mut broken) = (Vec::new(), Vec::new());
    for part in PARTS.into_iter().filter(|part| cli.only.is_none_or(|only| only == *part)) {
        let (table, faults): (Table, Vec<String>) = match part {
            Part::Single => (single::table(cli.runs, cli.seed), Vec::new()),
            Part::Detector => (single::detector_table(cli.runs, cli.seed), Vec::new()),
            Part::Whole => whole::table(routes, cli.seed, &name),
            Part::Rollback => rollback::table(cli.runs.div_ceil(16), cli.seed, &name),
            Part::Flap => flap::table(routes, FLAP_REQUESTS, cli.seed, &name),
            Part::Challenger => challenger::table(cli.runs.div_ceil(16), cli.seed, &name),
            Part::Drift => (drift::table(routes.div_ceil(4), cli.seed), Vec::new()),
        };
        if !cli.json {
            println!("{}", table.markdown());
        }
        tables.push(table);
        broken.extend(faults);
    }
    let requests: u64 = tables.iter().map(|table| table.requests).sum();
    if cli.json {
        let parts: Vec<_> = tables.iter().map(Table::json).collect();
        println!(
            "{}",
            json!({ "seed": cli.seed, "runs": cli.runs, "requests": requests, "broken": broken, "tables": parts })
        );
    } else {
        println!("Values and scored requests in all: {requests}. Broken promises: {}.", broken.len());
    }
    let outside =
        tables.iter().flat_map(|table| cli.within.map_or_else(Vec::new, |most| table.outside(most)));
    broken.extend(outside);
    for fault in broken.iter().take(20) {
        eprintln!("error: {fault}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
