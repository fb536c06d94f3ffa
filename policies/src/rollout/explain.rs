//! A Decision row as a page of text: the sentence, each bar beside what was measured, what is missing and how far.
//!
//! **Invariant:** from the row alone; no score and no policy is read again.

use kolm_core::{Basis, Bounds, Challenge, DecisionKind, DecisionRow, Ppm, Weight};

use super::sentence::time;
use crate::gate::{Ahead, forecast};

/// Alarm of the detectors a, v and latency, as `M`.
const ALARMS: &str = "10,000, 100,000, 100,000";
/// Usual widths of the columns.
const WIDTHS: [usize; 5] = [6, 9, 18, 9, 12];

/// The row's sentence and, where it rests on evidence, the table of its bars.
pub fn explain(row: &DecisionRow) -> String {
    let mut out = sentence(row);
    if row.k.s.is_none() {
        return out + "\n";
    }
    let basis = row.basis.as_ref();
    let floors = [
        ("A", row.k.a, basis.map(|basis| basis.bars.a)),
        ("V", row.k.v, basis.map(|basis| basis.bars.v)),
        ("lat", basis.and_then(|b| b.latency).map(|w| w.share), basis.map(|basis| basis.bars.latency)),
        ("ttft", basis.and_then(|b| b.ttft).map(|w| w.share), basis.map(|basis| basis.bars.latency)),
    ];
    let shown = |name: &str, have: &Option<Bounds>| matches!(name, "A" | "V") || have.is_some();
    let mut cells = vec![["axis", "value", "lcb..ucb", "need", "margin"].map(str::to_owned)];
    cells.extend(floors.iter().filter(|(name, have, _)| shown(name, have)).map(|(n, h, f)| line(n, *h, *f)));
    let beside = [k_beside(row), ceiling_beside(row), counts_beside(row)];
    for (at, line) in columns(&cells).into_iter().enumerate() {
        let right = beside.get(at).map_or("", String::as_str);
        out += "\n";
        out += format!("{line}{right}").trim_end();
    }
    let others = [("S", row.k.s), ("L", row.k.l), ("C", row.k.c)];
    let others: Vec<String> = others.iter().map(|(name, have)| format!("{name} {}", known(*have))).collect();
    out += &format!("\nbeside: {}", others.join(", "));
    if let Some(basis) = basis {
        out += &to_go(row, basis);
        out += &detectors(basis);
    }
    out + "\n"
}

fn sentence(row: &DecisionRow) -> String {
    let at = match (row.from, row.to) {
        (from, to) if from == to => format!("at {} bp", to.0),
        (Weight(from), Weight(to)) => format!("from {from} to {to} bp"),
    };
    let mut out = match &row.challenger {
        None => format!("{}: {} {at}, attempt {}", row.route, row.kind.as_str(), row.attempt),
        Some(challenge) => beside_champion(row, challenge),
    };
    if row.k.s.is_some() {
        let units = row.basis.map(|basis| format!(" of {}", basis.bars.units)).unwrap_or_default();
        let wall = row.basis.map(|b| format!(", {} of {}", time(b.wall_ms), time(b.bars.wall_ms)));
        out += &format!(", {}{units} units, {} requests", count(row.n.units), count(row.n.requests));
        out += &wall.unwrap_or_default();
    }
    let lead = match row.kind {
        DecisionKind::Hold | DecisionKind::Dwell => "missing",
        DecisionKind::Distill
        | DecisionKind::Candidate
        | DecisionKind::Promote
        | DecisionKind::Advance
        | DecisionKind::Reject
        | DecisionKind::Rollback
        | DecisionKind::Pause
        | DecisionKind::Resume
        | DecisionKind::Done
        | DecisionKind::Challenge
        | DecisionKind::Dismiss
        | DecisionKind::Succeed => "because",
    };
    if !row.because.is_empty() {
        out += &format!("          {lead}: {}", row.because.join(", "));
    }
    out
}

/// The head of a row about a challenger: its own weight and attempt, and the bar that the champion sets.
fn beside_champion(row: &DecisionRow, challenge: &Challenge) -> String {
    let Challenge { attempt, from, to, champion, .. } = challenge;
    let moved =
        if from == to { format!("at {} bp", to.0) } else { format!("from {} to {} bp", from.0, to.0) };
    let bar =
        champion.map(|k| format!(" (K {} on the same requests)", count(k.0.into()))).unwrap_or_default();
    let (route, kind, weight) = (&row.route, row.kind.as_str(), row.to.0);
    format!("{route}: challenger: {kind} {moved}, beside the champion{bar} at {weight} bp, attempt {attempt}")
}

/// The lines of the table: columns of their usual width, wider where a cell asks for it.
fn columns(cells: &[[String; 5]]) -> Vec<String> {
    let widths: [usize; 5] = std::array::from_fn(|at| {
        let longest = cells.iter().map(|line| line[at].len() + 2).max().unwrap_or(0);
        longest.max(WIDTHS[at])
    });
    let line =
        |line: &[String; 5]| line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    cells.iter().map(line).collect()
}

fn line(axis: &str, have: Option<Bounds>, need: Option<Ppm>) -> [String; 5] {
    let number = |ppm: Option<Ppm>| ppm.map_or_else(|| "-".to_owned(), |ppm| count(ppm.0.into()));
    let range = have.map_or_else(|| "-".to_owned(), range);
    let margin = have.zip(need).map_or_else(|| "-".to_owned(), |(have, need)| margin(have.lcb, need));
    [axis.to_owned(), number(have.map(|have| have.v)), range, number(need), margin]
}

fn range(bounds: Bounds) -> String {
    format!("{}..{}", count(bounds.lcb.0.into()), count(bounds.ucb.0.into()))
}

fn margin(have: Ppm, need: Ppm) -> String {
    let sign = if have < need { '-' } else { '+' };
    format!("{sign}{}", count(have.0.abs_diff(need.0).into()))
}

fn k_beside(row: &DecisionRow) -> String {
    let gate = row.basis.map(|basis| format!(", gate {}", count(basis.bars.gate.0.into())));
    format!("K {}{}", known(row.k.k), gate.unwrap_or_default())
}

fn ceiling_beside(row: &DecisionRow) -> String {
    format!("ceiling b {}, n {}", known(row.ceiling), count(row.n.double_primary))
}

fn counts_beside(row: &DecisionRow) -> String {
    let n = &row.n;
    format!(
        "completeness {}, dropped {}, critical {} of {}",
        count(n.completeness_ppm),
        count(n.dropped),
        count(n.critical),
        count(n.requests)
    )
}

fn known(bounds: Option<Bounds>) -> String {
    match bounds {
        Some(bounds) => format!("{} ({})", count(bounds.v.0.into()), range(bounds)),
        None => "unknown".to_owned(),
    }
}

/// How many units more each short bound takes, if they are as the present ones.
fn to_go(row: &DecisionRow, basis: &Basis) -> String {
    let short: Vec<String> = forecast(&row.k, basis, row.alpha_ppb)
        .into_iter()
        .filter_map(|(name, ahead)| match ahead {
            Ahead::Reached => None,
            Ahead::Units(more) => Some(format!("{name} about {} units", count(more))),
            Ahead::Never => Some(format!("{name} never at this mean")),
        })
        .collect();
    if short.is_empty() { String::new() } else { format!("\nto go: {}", short.join(", ")) }
}

fn detectors(basis: &Basis) -> String {
    let Some([a, v, latency]) = basis.detectors else { return String::new() };
    let m = |milli: u64| format!("{}.{}", count(milli / 1_000), milli % 1_000 / 100);
    format!("\ndetectors: a {}, v {}, latency {}; alarm at {ALARMS}", m(a), m(v), m(latency))
}

/// A number in groups of three digits.
fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests;
