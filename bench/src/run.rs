//! A whole run: contestants started, rounds in rotated order, everything written down.
//!
//! **Invariant:** nothing is measured while another contestant is still busy with what it was sent before.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use tempfile::TempDir;

use crate::cases::{Case, FAULTS, HELD, Length, PACED, Plan};
use crate::contest::{self, Contestant, Stage, Who};
use crate::fault::Result;
use crate::load::{Counted, Streamed};
use crate::process::{self, Process, Usage};
use crate::results::{Entry, FaultRow, FrontierRow, HeldRow, LoopRow, Machine, Results, StreamRow};
use crate::tools::{self, Tools};
use crate::{clock, counters, page};

/// Connections of the open loop.
const OPEN: usize = 64;

/// Which run.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How long
    #[arg(value_enum, default_value_t = Length::Full)]
    length: Length,
    /// Only these contestants; the first named is measured first
    #[arg(long, value_delimiter = ',', value_name = "WHO,...")]
    only: Vec<Who>,
    /// Other than the length's own number of rounds
    #[arg(long)]
    rounds: Option<usize>,
    /// The gateway [default: the one that was built beside this program]
    #[arg(long)]
    kolm: Option<PathBuf>,
    /// What `scripts/setup peers` made
    #[arg(long, default_value = ".deps/peers")]
    peers: PathBuf,
    /// Where results.json, the charts and the page go [default: docs/benchmarks for a full run, else target/bench-gateway]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Everything under way.
struct Scene {
    tools: Tools,
    plan: Plan,
    contestants: Vec<Contestant>,
    results: Results,
    say: fn(&str),
}

/// Measures and writes the page.
pub(crate) fn run(args: &Run, say: fn(&str)) -> Result<()> {
    let began = clock::nanos();
    let mut plan = Plan::new(args.length);
    plan.rounds = args.rounds.unwrap_or(plan.rounds);
    if !args.only.is_empty() {
        plan.contestants.clone_from(&args.only);
    }
    let scratch = TempDir::with_prefix("kolm-bench-")?;
    let tools = Tools::new(args.kolm.as_deref(), absolute(&args.peers)?)?;
    let (mock, address) = Process::start_and_hear(Command::new(&tools.bench).arg("mock"))?;
    let results = Results { machine: machine(), plan: Some(plan.clone()), ..Results::default() };
    let mut scene = Scene { tools, plan, contestants: Vec::new(), results, say };
    scene.start(address.parse()?, scratch.path())?;
    for round in 0..scene.plan.rounds {
        scene.round(round)?;
    }
    scene.frontier()?;
    scene.faults()?;
    scene.held()?;
    scene.finish();
    drop(mock);
    scene.results.machine.load_after = load_average();
    scene.results.machine.seconds = (clock::nanos() - began) as f64 / 1e9;
    let out = args.out.clone().unwrap_or_else(|| match args.length {
        Length::Full => PathBuf::from("docs/benchmarks"),
        Length::Quick => PathBuf::from("target/bench-gateway"),
    });
    let page = page::write(&scene.results, &out)?;
    say(&format!("written: {}", page.display()));
    Ok(())
}

impl Scene {
    fn start(&mut self, upstream: SocketAddr, scratch: &Path) -> Result<()> {
        let threads = std::thread::available_parallelism()?.get();
        for who in self.plan.contestants.clone() {
            let dir = scratch.join(format!("{who:?}"));
            let stage = Stage { tools: &self.tools, upstream, threads, dir };
            let mut entry = Entry::new(who);
            match contest::start(who, &stage) {
                Ok(contestant) => {
                    entry.what.clone_from(&contestant.what);
                    entry.served = true;
                    entry.idle = contestant.process.as_ref().map(Process::usage).unwrap_or_default();
                    self.contestants.push(contestant);
                }
                Err(fault) => entry.what = fault.to_string(),
            }
            (self.say)(&format!("{}: {}", who.name(), entry.what));
            self.results.contestants.push(entry);
        }
        Ok(())
    }

    fn round(&mut self, round: usize) -> Result<()> {
        for case in Case::ALL {
            for turn in Plan::order(self.contestants.len(), round) {
                let row = self.closed(round, turn, case)?;
                let (rate, us) = (row.counted.rate, row.counted.latency_us);
                (self.say)(&format!(
                    "round {round}, {}, {}: {rate:.0}/s, p50 {:.0} us, p99 {:.0} us, {:.1} us of processor",
                    case.title(),
                    row.who.name(),
                    us.p50,
                    us.p99,
                    row.cpu_us_per_reply
                ));
                self.results.loops.push(row);
            }
        }
        for turn in Plan::order(self.contestants.len(), round) {
            let streamed: Streamed =
                self.load("streams", turn, &self.flags(turn, PACED, self.plan.streams))?;
            self.settle(turn);
            let who = self.contestants[turn].who;
            (self.say)(&format!(
                "round {round}, streams, {}: first frame p50 {:.0} us, frame p50 {:.0} us p99 {:.0} us, {} merged of {}{}",
                who.name(),
                streamed.first_us.p50,
                streamed.frame_us.p50,
                streamed.frame_us.p99,
                streamed.merged,
                streamed.frames,
                streamed.fault.as_ref().map(|fault| format!(", {fault}")).unwrap_or_default()
            ));
            self.results.streams.push(StreamRow { round, who, streamed });
        }
        Ok(())
    }

    fn closed(&self, round: usize, turn: usize, case: Case) -> Result<LoopRow> {
        let contestant = &self.contestants[turn];
        let saturation = case.is_saturation();
        let connections = if saturation { self.plan.connections } else { 1 };
        let seconds = if saturation { self.plan.saturation_s } else { self.plan.one_caller_s };
        let size = case.size();
        let mut flags = self.flags(turn, &format!("mock-reply-{size}"), connections);
        flags.extend(["--size".to_owned(), size.to_string()]);
        flags.extend(self.span(seconds));
        if contestant.verbatim {
            flags.extend(["--expect".to_owned(), size.to_string()]);
        }
        let load_average = load_average();
        let before = self.usage(turn);
        let counted: Counted = self.load("closed", turn, &flags)?;
        let after = self.usage(turn);
        let began = clock::nanos();
        let settled = self.settle(turn);
        let per_reply = |seconds: f64| seconds * 1e6 / (counted.replies_in_all.max(1) as f64);
        Ok(LoopRow {
            round,
            who: contestant.who,
            case,
            load_average,
            cpu_us_per_reply: per_reply(after.cpu_s - before.cpu_s),
            later_us_per_reply: per_reply(settled.cpu_s - after.cpu_s),
            settle_s: (clock::nanos() - began) as f64 / 1e9,
            counted,
        })
    }

    /// Rates in steps below saturation, for those whom one machine can drive there.
    fn frontier(&mut self) -> Result<()> {
        for turn in 0..self.contestants.len() {
            let who = self.contestants[turn].who;
            let Some(most) = self.results.each(who, Case::Saturation1k, |row| row.counted.rate) else {
                continue;
            };
            for share in self.plan.frontier.clone() {
                let rate = (most.median * share).round();
                let mut flags = self.flags(turn, "mock-reply-1024", OPEN);
                flags.extend(["--rate".to_owned(), rate.to_string()]);
                flags.extend(self.span(self.plan.frontier_s));
                let counted: Counted = self.load("open", turn, &flags)?;
                self.settle(turn);
                (self.say)(&format!(
                    "frontier, {}: {rate:.0}/s asked, {:.0}/s kept, p99 {:.0} us",
                    who.name(),
                    counted.rate,
                    counted.latency_us.p99
                ));
                self.results.frontier.push(FrontierRow { who, rate, counted });
            }
        }
        Ok(())
    }

    fn faults(&mut self) -> Result<()> {
        for contestant in &self.contestants {
            for model in FAULTS {
                let once = self.tools.once(contestant, model)?;
                let model = model.to_owned();
                self.results.faults.push(FaultRow { who: contestant.who, model, once });
            }
        }
        Ok(())
    }

    fn held(&mut self) -> Result<()> {
        for turn in 0..self.contestants.len() {
            let before = self.usage(turn);
            let flags = self.flags(turn, HELD, self.plan.held);
            let (load, held) = self.tools.hold(&self.contestants[turn], &flags)?;
            std::thread::sleep(process::LOOK);
            let with = self.usage(turn);
            drop(load);
            self.settle(turn);
            let who = self.contestants[turn].who;
            (self.say)(&format!(
                "held, {}: {:?}, {} kB before, {} kB with",
                who.name(),
                held,
                before.rss_kb,
                with.rss_kb
            ));
            self.results.held.push(HeldRow { who, held, before, with });
        }
        Ok(())
    }

    /// Last looks, then everyone is ended.
    fn finish(&mut self) {
        for (turn, contestant) in self.contestants.iter().enumerate() {
            let end = self.usage(turn);
            let counters = contestant.metrics.map(counters::read).unwrap_or_default();
            if let Some(entry) = self.results.contestants.iter_mut().find(|entry| entry.who == contestant.who)
            {
                (entry.end, entry.counters) = (end, counters);
            }
        }
        self.contestants.clear();
    }

    fn flags(&self, turn: usize, model: &str, connections: usize) -> Vec<String> {
        let model = format!("{}{model}", self.contestants[turn].prefix);
        ["--model", &model, "--connections", &connections.to_string()].map(str::to_owned).to_vec()
    }

    fn span(&self, seconds: f64) -> [String; 4] {
        ["--seconds", &seconds.to_string(), "--warm", &self.plan.warm_s.to_string()].map(str::to_owned)
    }

    fn load<T: serde::de::DeserializeOwned>(&self, kind: &str, turn: usize, flags: &[String]) -> Result<T> {
        self.tools.load(kind, &self.contestants[turn], flags)
    }

    fn usage(&self, turn: usize) -> Usage {
        self.contestants[turn].process.as_ref().map(Process::usage).unwrap_or_default()
    }

    /// Waits until a contestant has nothing more to do, within reason.
    fn settle(&self, turn: usize) -> Usage {
        self.contestants[turn].process.as_ref().map(Process::settled).unwrap_or_default()
    }
}

impl Entry {
    fn new(who: Who) -> Self {
        let (idle, end) = (Usage::default(), Usage::default());
        Self { who, what: String::new(), served: false, idle, end, counters: Vec::new() }
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}

/// Where and when this run is.
pub(crate) fn machine() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let changed = !tools::says("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    Machine {
        date: tools::says("date", &["-u", "+%FT%TZ"]),
        commit: tools::says("git", &["rev-parse", "--short", "HEAD"])
            + if changed { " and changes" } else { "" },
        command: std::env::args().collect::<Vec<_>>().join(" "),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        cpu: field(&read("/proc/cpuinfo"), "model name"),
        memory: field(&read("/proc/meminfo"), "MemTotal"),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        load_before: load_average(),
        ..Machine::default()
    }
}

/// The machine's load averages.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
