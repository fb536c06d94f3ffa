//! `train-ner`: trains the model of names and places and writes `policies/data/{ner,names}.bin`.
//!
//! **Invariant:** without arguments it writes the committed files, byte for byte.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use kolm_ner::corpus::Corpus;
use kolm_ner::source::{Half, Source};
use kolm_ner::train::{Plan, train};
use kolm_ner::{gazetteer, home};
use kolm_policies::ner::lattice::CLASSES;
use kolm_policies::ner::{Gazetteer, Tagger, fold};

/// The committed model.
const PLAN: Plan = Plan { seed: 7, samples: 300_000, passes: [3, 4], bytes: 2_090_000 };

fn main() -> ExitCode {
    let outcome = match env::args().nth(1).as_deref() {
        None => write(PLAN),
        Some("show") => show(),
        Some("samples") => samples(),
        Some(count) => count.parse().map_or_else(
            |_| Err(io::Error::other("usage: train-ner [show | samples | <count of samples>]")),
            |samples| write(Plan { samples, ..PLAN }),
        ),
    };
    if let Err(error) = outcome {
        say(&format!("train-ner: {error}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn say(line: &str) {
    // Nothing is left to tell when the terminal is gone.
    drop(writeln!(io::stderr(), "{line}"));
}

fn files() -> (std::path::PathBuf, std::path::PathBuf) {
    let data = home().join("../../policies/data");
    (data.join("ner.bin"), data.join("names.bin"))
}

fn write(plan: Plan) -> io::Result<()> {
    let (model, names) = files();
    let words = gazetteer::bytes(&Source::read(&home(), Half::Whole)?);
    let source = Source::read(&home(), Half::Training)?;
    let file = train(&Corpus::new(&source), &Gazetteer::from_bytes(&words), plan, &mut |line| say(&line));
    say(&format!("{} bytes, {} bytes of names", file.len(), words.len()));
    put(&names, &words)?;
    put(&model, &file)
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

/// Marks what is found in every line of standard input.
fn show() -> io::Result<()> {
    let (model, names) = files();
    let tagger = Tagger::new(&fs::read(model)?, &fs::read(names)?);
    let tagger = tagger.ok_or_else(|| io::Error::other("the model file is not whole"))?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    for line in text.lines() {
        let line = fold(line);
        let (mut out, mut at) = (String::new(), 0);
        tagger.tag(&line, &mut |span| {
            let mark = format!(
                "[{} {}:{:.0}]",
                &line[span.start..span.end],
                CLASSES[span.class],
                span.share * 100.0
            );
            out.push_str(&line[at..span.start]);
            out.push_str(&mark);
            at = span.end;
        });
        writeln!(io::stdout(), "{out}{}", &line[at..])?;
    }
    Ok(())
}

/// Prints forty samples of the training text.
fn samples() -> io::Result<()> {
    let source = Source::read(&home(), Half::Training)?;
    let (corpus, mut chance) = (Corpus::new(&source), kolm_ner::chance::Chance::new(PLAN.seed));
    (0..40).try_for_each(|_| writeln!(io::stdout(), "{}\n--", corpus.sample(&mut chance).text))
}
