//! `bench-anonymizer`: how good and how fast the anonymizer is, on sets that its training never saw.
//!
//! **Invariant:** prints counts and rates of invented text; no text of anybody is read but the shared cases.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

mod cases;
mod clock;
mod codes;
mod copying;
mod days;
mod draft;
#[cfg(test)]
mod floors;
mod grammar;
mod hand;
mod masked;
mod outcome;
mod page;
mod peers;
mod rng;
mod score;
mod sets;
mod speed;
#[cfg(test)]
mod tests;
mod told;
mod world;

use std::process::ExitCode;

/// The allocator of the `kolm` binary, so that it is timed as users run it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the command line asks for.
#[derive(Debug)]
struct Asked {
    seed: u64,
    share: usize,
    misses: usize,
    dump: bool,
    speed: bool,
    peers: bool,
    copying: bool,
    page: Option<String>,
    outcomes: Option<String>,
}

const USAGE: &str = "usage: bench-anonymizer [--seed N] [--share N] \
    [--misses N | --speed | --outcomes FILE | --dump | --peers | --copying] [--page FILE]";

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
    let mut asked = Asked {
        seed: 11,
        share: 1,
        misses: 0,
        dump: false,
        speed: false,
        peers: false,
        copying: false,
        page: None,
        outcomes: None,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| USAGE.to_owned());
        let number = |text: String| text.parse::<u64>().map_err(|_| USAGE.to_owned());
        match arg.as_str() {
            "--seed" => asked.seed = number(value()?)?,
            "--share" => asked.share = number(value()?)?.max(1) as usize,
            "--misses" => asked.misses = number(value()?)? as usize,
            "--page" => asked.page = Some(value()?),
            "--outcomes" => asked.outcomes = Some(value()?),
            "--dump" => asked.dump = true,
            "--speed" => asked.speed = true,
            "--peers" => asked.peers = true,
            "--copying" => asked.copying = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(asked)
}

fn run(asked: &Asked) -> Result<(), String> {
    let sets = sets::all(asked.seed, asked.share);
    if asked.dump {
        for set in &sets {
            set.items.iter().for_each(|item| println!("{}", told::line(set.name, item)));
        }
        return Ok(());
    }
    if let Some(path) = &asked.outcomes {
        return written(path, outcome::lines(&sets)?);
    }
    if asked.speed {
        println!("{}", speed::page(&sets, asked.seed)?);
        return Ok(());
    }
    if asked.copying {
        let text = copying::page(asked.seed, copying::WHOLE)?;
        println!("{text}");
        return keep(asked, text);
    }
    let mut scores = Vec::new();
    let by_hand = hand::all();
    for set in sets.iter().chain(&by_hand) {
        let (score, _) = score::Score::of(set, peers::kolm)?;
        if asked.misses > 0 {
            println!("{}{}", told::score(set, &score), told::faults(&score, asked.misses));
        }
        scores.push(score);
    }
    let text = page::render(&sets, &by_hand, &scores, asked.seed, asked.peers)?;
    if asked.misses == 0 {
        println!("{text}");
    }
    keep(asked, text)
}

/// Writes a page, if one was asked for.
fn keep(asked: &Asked, text: String) -> Result<(), String> {
    match &asked.page {
        Some(path) => written(path, text),
        None => Ok(()),
    }
}

fn written(path: &str, text: String) -> Result<(), String> {
    std::fs::write(path, text).map_err(|cause| format!("{path}: {cause}"))
}
