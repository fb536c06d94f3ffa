//! `kolm-bench`: measures the gateway beside a direct call, nginx, a bare Pingora and its peers.
//!
//! **Invariant:** every part of a measurement is a process of its own: the mock, the load, each contestant.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

mod bare;
mod behaviour;
mod cases;
mod chart;
mod clock;
mod contest;
mod counters;
mod fault;
mod http1;
mod load;
mod mock;
mod page;
mod process;
mod results;
mod run;
mod shadow;
mod text;
mod tools;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::task::LocalSet;

use crate::fault::Result;

/// Measure the gateway beside a direct call, nginx, a bare Pingora and its peers.
#[derive(Debug, Parser)]
#[command(name = "kolm-bench", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer as the upstream: at once, paced, or faulty, as the model's name says
    Mock {
        /// Address to listen on; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Pingora with nothing in it
    Bare {
        /// Address to listen on
        #[arg(long)]
        listen: SocketAddr,
        /// Address of the upstream
        #[arg(long)]
        upstream: SocketAddr,
        /// Worker threads
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// Send load and count what comes back
    Load {
        #[command(subcommand)]
        load: load::Load,
    },
    /// Measure everyone and write the page
    #[command(
        after_help = "Examples:\n  kolm-bench run quick\n  kolm-bench run full --only direct,bare,kolm --rounds 9"
    )]
    Run(run::Run),
    /// Measure what a shadow costs the clients: off, on, on with a student that hangs, on with one that fails
    Shadow(shadow::Shadow),
}

fn main() -> ExitCode {
    more_descriptors();
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let print = |line: &str| println!("{line}");
    match command {
        Command::Mock { listen } => one_thread(mock::run(listen, |address| print(&address.to_string()))),
        Command::Bare { listen, upstream, threads } => {
            bare::run(listen, upstream, threads);
            Ok(())
        }
        Command::Load { load } => one_thread(load::run(load, print)),
        Command::Run(args) => run::run(&args, |line| eprintln!("{line}")),
        Command::Shadow(args) => shadow::run(&args, |line| eprintln!("{line}")),
    }
}

/// Thousands of streams need as many descriptors as the system allows; children inherit the limit.
fn more_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Without it a run with fewer streams still works, and a run with more says what failed.
    if let Err(cause) = setrlimit(Resource::Nofile, limit) {
        eprintln!("bench: the limit of open files stays: {cause}");
    }
}

/// Runs on this thread alone.
fn one_thread(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}
