//! The page: what was measured, on which machine, by which command.
//!
//! **Invariant:** every figure comes from this run.

use std::fmt::Write as _;
use std::process::Command;

use crate::cases;
use crate::peers;
use crate::score::{Score, rate};
use crate::sets::Set;
use crate::{speed, told};

const METHOD: &str = include_str!("method.md");

/// The whole page, of sets that grammars made and of those by hand; with `side` also the others.
pub(crate) fn render(
    sets: &[Set],
    by_hand: &[Set],
    scores: &[Score],
    seed: u64,
    side: bool,
) -> Result<String, String> {
    let mut page = format!("# The anonymizer, measured\n\n{}\n\n", machine("bench-anonymizer"));
    let scored = || sets.iter().chain(by_hand).zip(scores);
    summary(&mut page, scored());
    recognizer(&mut page)?;
    page.push_str(&speed::page(sets, seed)?);
    if side {
        others(&mut page, sets);
    }
    for (set, score) in scored() {
        writeln!(page, "{}", told::score(set, score)).map_err(|cause| cause.to_string())?;
    }
    page.push_str(METHOD);
    Ok(page)
}

/// Where and when the command of this name was run.
pub(crate) fn machine(command: &str) -> String {
    let field = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let says = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    format!(
        "`make {command}` on {}, commit {}: one core of {} ({}), {}, Linux {}; load average {}.",
        says("date", &["-u", "+%F"]),
        says("git", &["rev-parse", "--short", "HEAD"]),
        std::thread::available_parallelism().map_or(0, usize::from),
        field("/proc/cpuinfo", "model name"),
        field("/proc/meminfo", "MemTotal"),
        says("uname", &["-r"]),
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default(),
    )
}

fn summary<'a>(page: &mut String, scored: impl Iterator<Item = (&'a Set, &'a Score)>) {
    page.push_str(
        "| set | preset | items | spans | full cover | character recall | character precision | span F2 | untouched kept |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (set, score) in scored {
        let bare = score.all.spans == 0;
        let told = |value: f64| if bare { "-".to_owned() } else { format!("{value:.4}") };
        let free = if score.free == 0 { "-".to_owned() } else { format!("{:.4}", 1.0 - score.touched()) };
        page.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {free} |\n",
            set.name,
            set.preset,
            score.items,
            score.all.spans,
            told(score.full()),
            told(score.recall()),
            told(score.precision()),
            told(score.f2()),
        ));
    }
    page.push('\n');
}

fn recognizer(page: &mut String) -> Result<(), String> {
    let line = match cases::score()? {
        Some(cases) => format!(
            "Recognizer cases (seen by the developers): {} of {} positives masked ({:.4}), {} of {} negatives not typed \
             ({:.4}).\n",
            cases.masked,
            cases.positives,
            rate(cases.masked, cases.positives),
            cases.untyped,
            cases.negatives,
            rate(cases.untyped, cases.negatives),
        ),
        None => "Recognizer cases: `../shared/data/pii` is absent, skipped.\n".to_owned(),
    };
    page.push_str(&line);
    page.push('\n');
    Ok(())
}

fn others(page: &mut String, sets: &[Set]) {
    page.push_str(
        "## Side by side, the same texts in the same run\n\n\
         | | clinical: full cover | of identifier-free touched | mixed-locale: character recall | precision | secrets: full cover | of look-alikes touched | MB/s |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (name, peer) in peers::ALL {
        let row = side(sets, peer).unwrap_or_else(|why| format!("{why} | | | | | |"));
        page.push_str(&format!("| {name} | {row} |\n"));
    }
    page.push('\n');
}

fn side(sets: &[Set], peer: peers::Peer) -> Result<String, String> {
    let (mut cells, mut seconds, mut bytes) = (Vec::new(), 0.0, 0);
    for set in sets {
        let (score, took) = Score::of(set, peer)?;
        seconds += took;
        bytes += set.items.iter().map(|item| item.text.len()).sum::<usize>();
        match set.name {
            "mixed-locale" => cells.extend([score.recall(), score.precision()]),
            _ if score.all.spans > 0 => cells.push(score.full()),
            _ => cells.push(score.touched()),
        }
    }
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:.3}")).collect();
    Ok(format!("{} | {:.2}", cells.join(" | "), bytes as f64 / 1e6 / seconds))
}
