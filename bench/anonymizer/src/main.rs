//! `bench-anonymizer`: how good and how fast the anonymizer is, on sets that its training never saw.
//!
//! **Invariant:** prints counts and rates of generated text; no text of anybody is read but the shared cases.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

mod codes;
mod days;
mod draft;
mod grammar;
mod masked;
mod rng;
mod score;
mod sets;
mod told;
mod world;

use std::process::ExitCode;

/// What the command line asks for.
#[derive(Debug)]
struct Asked {
    seed: u64,
    share: usize,
    misses: usize,
    dump: bool,
}

const USAGE: &str = "usage: bench-anonymizer [--seed N] [--share N] [--misses N] [--dump]";

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)).and_then(|asked| run(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn asked(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { seed: 11, share: 1, misses: 0, dump: false };
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse::<u64>().ok()).ok_or_else(|| USAGE.to_owned());
        match arg.as_str() {
            "--seed" => asked.seed = number()?,
            "--share" => asked.share = number()?.max(1) as usize,
            "--misses" => asked.misses = number()? as usize,
            "--dump" => asked.dump = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(asked)
}

fn run(asked: &Asked) -> Result<(), String> {
    for set in sets::all(asked.seed, asked.share) {
        if asked.dump {
            set.items.iter().for_each(|item| println!("{}", told::line(set.name, item)));
            continue;
        }
        let policy = masked::policy(set.preset)?;
        let mut score = score::Score::default();
        for item in &set.items {
            score.add(item, &masked::masked(&item.text, &policy));
        }
        println!("{}", told::score(&set, &score));
        if asked.misses > 0 {
            println!("{}", told::faults(&score, asked.misses));
        }
    }
    Ok(())
}
