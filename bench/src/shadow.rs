//! What a shadow costs the clients: four gateways that differ in the shadow alone, asked in turns at one steady rate.
//!
//! **Invariant:** all four have the same student and the same settings but for the shadow's rate and what the student
//! does; a ratio is taken within one round.

mod page;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::cases::Plan;
use crate::contest::{Contestant, Stage, Who, kolm, until_it_serves};
use crate::fault::Result;
use crate::load::Counted;
use crate::process::Process;
use crate::results::Machine;
use crate::run::{load_average, machine};
use crate::tools::Tools;
use crate::{clock, counters};

/// What the clients ask for, and the bytes of an answer.
const MODEL: &str = "mock-reply-1024";
const SIZE: usize = 1_024;
/// Connections of the open loop.
const CONNECTIONS: usize = 64;
/// Seconds of each turn before those that are measured.
const WARM_S: f64 = 0.5;

/// Which run.
#[derive(Debug, Args)]
pub(crate) struct Shadow {
    /// Rounds
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Requests a second
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// Seconds of each turn
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// The gateway [default: the one that was built beside this program]
    #[arg(long)]
    kolm: Option<PathBuf>,
    /// Where shadow.md and shadow.json go
    #[arg(long, value_name = "DIR", default_value = "target/bench-shadow")]
    out: PathBuf,
}

/// How a gateway's shadow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Arm {
    Off,
    On,
    Hanging,
    Failing,
}

impl Arm {
    const ALL: [Self; 4] = [Self::Off, Self::On, Self::Hanging, Self::Failing];

    const fn name(self) -> &'static str {
        match self {
            Self::Off => "shadow off",
            Self::On => "shadow on",
            Self::Hanging => "on, the student hangs",
            Self::Failing => "on, the student fails",
        }
    }

    /// The student's name at its server, which says what it does.
    const fn student(self) -> &'static str {
        match self {
            Self::Off | Self::On => MODEL,
            Self::Hanging => "mock-hang",
            Self::Failing => "mock-status-500",
        }
    }

    /// A student in the shadow of every request, or of none, that is never promoted.
    fn settings(self, students: SocketAddr) -> String {
        let rate = if self == Self::Off { 0.0 } else { 1.0 };
        format!(
            "[[routes]]\nname = \"bench\"\nmodel = \"mock-*\"\n\
             [routes.engine]\nurls = [\"http://{students}/v1\"]\nserved_model = \"{}\"\n\
             [routes.shadow]\nrate = {rate:.1}\n",
            self.student()
        )
    }
}

/// One turn of one gateway.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    round: usize,
    arm: Arm,
    counted: Counted,
}

/// What a gateway's shadow did in all turns.
#[derive(Debug, Serialize, Deserialize)]
struct Did {
    arm: Arm,
    /// Drawn requests that got a score.
    scored: u64,
    /// Drawn requests that got none.
    dropped: u64,
    captured: u64,
}

/// Everything of a run, as it is kept in JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Results {
    machine: Machine,
    rounds: usize,
    rate: f64,
    seconds: f64,
    rows: Vec<Row>,
    did: Vec<Did>,
}

/// Measures and writes the page.
pub(crate) fn run(args: &Shadow, say: fn(&str)) -> Result<()> {
    let began = clock::nanos();
    let scratch = TempDir::with_prefix("kolm-bench-")?;
    let tools = Tools::new(args.kolm.as_deref(), PathBuf::new())?;
    // The students have a mock of their own: what they do must not hold up the teacher's.
    let (_teacher, teacher) = Process::start_and_hear(Command::new(&tools.bench).arg("mock"))?;
    let (_students, students) = Process::start_and_hear(Command::new(&tools.bench).arg("mock"))?;
    let mocks: (SocketAddr, SocketAddr) = (teacher.parse()?, students.parse()?);
    let mut gateways = Vec::new();
    for arm in Arm::ALL {
        gateways.push((arm, start(arm, &tools, mocks, scratch.path())?));
    }
    let (rounds, rate, seconds) = (args.rounds, args.rate, args.seconds);
    let mut results = Results { machine: machine(), rounds, rate, seconds, ..Results::default() };
    for round in 0..args.rounds {
        for turn in Plan::order(gateways.len(), round) {
            let (arm, gateway) = &gateways[turn];
            let counted = ask(gateway, &tools, args)?;
            let us = counted.latency_us;
            say(&format!(
                "round {round}, {}: p50 {:.0} us, p95 {:.0} us, p99 {:.0} us, {:.0}/s",
                arm.name(),
                us.p50,
                us.p95,
                us.p99,
                counted.rate
            ));
            results.rows.push(Row { round, arm: *arm, counted });
        }
    }
    results.did = gateways.iter().map(|(arm, gateway)| did(*arm, gateway)).collect::<Result<_>>()?;
    results.machine.load_after = load_average();
    results.machine.seconds = (clock::nanos() - began) as f64 / 1e9;
    say(&format!("written: {}", page::write(&results, &args.out)?.display()));
    Ok(())
}

fn start(
    arm: Arm,
    tools: &Tools,
    (upstream, students): (SocketAddr, SocketAddr),
    scratch: &Path,
) -> Result<Contestant> {
    let dir = scratch.join(format!("{arm:?}"));
    std::fs::create_dir_all(&dir)?;
    let stage = Stage { tools, upstream, threads: std::thread::available_parallelism()?.get(), dir };
    let mut gateway = kolm::configured(Who::Kolm, &stage, &arm.settings(students), arm.name())?;
    until_it_serves(&mut gateway, &stage)?;
    Ok(gateway)
}

/// One turn, and the quiet after it: the next gateway has the machine for itself.
fn ask(gateway: &Contestant, tools: &Tools, args: &Shadow) -> Result<Counted> {
    let flags = [
        ("--model", MODEL.to_owned()),
        ("--size", SIZE.to_string()),
        ("--expect", SIZE.to_string()),
        ("--connections", CONNECTIONS.to_string()),
        ("--rate", args.rate.to_string()),
        ("--seconds", args.seconds.to_string()),
        ("--warm", WARM_S.to_string()),
    ];
    let flags: Vec<String> = flags.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
    let counted = tools.load("open", gateway, &flags)?;
    if let Some(process) = &gateway.process {
        process.settled();
    }
    Ok(counted)
}

/// What the shadow did, as the gateway itself tells.
fn did(arm: Arm, gateway: &Contestant) -> Result<Did> {
    let admin = gateway.metrics.ok_or("a gateway without an admin port")?;
    let page = counters::fetch(admin, "/api/v1/status")?;
    let body = page.split_once("\r\n\r\n").map(|(_, body)| body).ok_or("no status")?;
    let status: serde_json::Value = serde_json::from_str(body)?;
    let route = &status["routes"][0];
    Ok(Did {
        arm,
        scored: route["n"]["requests"].as_u64().unwrap_or_default(),
        dropped: route["n"]["dropped"].as_u64().unwrap_or_default(),
        captured: status["capture"]["stored"].as_u64().unwrap_or_default(),
    })
}
