//! The `kolm` binary: the composition root. The only place that reads the clock, the environment and randomness,
//! that prints, and that ends the process.

mod admin;
mod anonymize;
mod args;
mod audit;
mod ca;
mod capture;
mod check;
mod compare;
mod demo;
mod disk;
mod distill;
mod doors;
mod edits;
mod env;
mod eval;
mod gate;
mod inspect;
mod keys;
mod logs;
mod machine;
mod offline;
mod pages;
mod prices;
mod progress;
mod report;
mod rollout;
mod savings;
mod serve;
mod source;
mod status;
mod up;
mod upgrade;
mod vault;
mod verify;
mod versions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use kolm_core::{Code, Env, Exit, Namespace};

use args::{Cli, Command};
use report::{Done, Failure};

/// A request allocates on one thread what another frees: see docs/adr/0008-allocator-and-ledger-line.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report::panicked));
    machine::leave_no_core();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return report::usage(&refused, std::env::args_os().any(|arg| arg == "--json")),
    };
    let env = env::system();
    let data_dir = cli.data_dir.clone().unwrap_or_else(env::home);
    let exit = match dispatch(cli.command, &env, data_dir, cli.json) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print(cli.json);
            failure.exit()
        }
    };
    ExitCode::from(exit as u8)
}

fn dispatch(command: Command, env: &Env, data_dir: PathBuf, json: bool) -> Done {
    match command {
        Command::Up(args) => up::run(&args, env, data_dir, json),
        Command::Capture(args) => capture::run(&args, env, data_dir, json),
        Command::Distill(args) => distill::run(&args, env, &data_dir, json),
        Command::Serve(args) => serve::run(&args, env, &data_dir, json),
        Command::Eval(args) => eval::run(&args, env, &data_dir, json),
        Command::Verify(args) => verify::run(args, &data_dir, json),
        Command::Inspect { artifact } => inspect::run(&artifact, json),
        Command::Config { command } => check::run(&command, &data_dir, json),
        Command::Ca { command } => ca::run(&command, env, &data_dir, json),
        Command::Keys { command } => keys::run(&command, env, &data_dir, json),
        Command::Gate { command } => gate::run(&command, env, &data_dir, json),
        Command::Rollout { command } => rollout::run(&command, env, &data_dir, json),
        Command::Prices(args) => prices::run(&args, &data_dir, json),
        Command::Savings => savings::run(env.clock.now(), &data_dir, json),
        Command::Status => status::run(&data_dir, json),
        Command::Audit { command } => audit::run(&command, env, &data_dir, json),
        Command::Anonymize(args) => anonymize::run(&args, env),
        Command::Vault { command } => vault::run(&command, env, &data_dir, json),
        Command::Demo(args) => demo::run(&args, env, json),
        Command::SampleCloud(args) => demo::sample_cloud(&args, env),
    }
}

/// A namespace by its name.
fn namespace(name: &str) -> Result<Namespace, Failure> {
    name.parse().map_err(|error: kolm_core::BadName| {
        Failure::new(Code(5), Exit::Usage, error, "choose a name such as `support`")
    })
}

/// A runtime for commands that talk to the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
        Failure::new(
            Code(9),
            Exit::Failed,
            format_args!("no runtime: {error}"),
            "raise the limits on threads and files",
        )
    })
}
