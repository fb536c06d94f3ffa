//! Scores as tables in Markdown, faults as lists.
//!
//! **Invariant:** a table says how many items and spans each rate stands for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use crate::draft::Item;
use crate::score::{Fault, Score, Tally, rate};
use crate::sets::Set;

/// One item as a line of JSON.
pub(crate) fn line(set: &str, item: &Item) -> String {
    let spans: Vec<_> = item
        .spans
        .iter()
        .map(|span| json!({"start": span.start, "end": span.end, "type": span.ty}))
        .collect();
    json!({"set": set, "group": item.group, "text": item.text, "spans": spans}).to_string()
}

pub(crate) fn score(set: &Set, score: &Score) -> String {
    let mut out = format!("## {}: {} items under `{}`\n\n", set.name, score.items, set.preset);
    if score.all.spans > 0 {
        writeln!(
            out,
            "full-cover recall {:.4} ({} of {}), character recall {:.4}, character precision {:.4}, span F2 {:.4}, \
             items hit {:.4}, dropped {}\n",
            score.full(),
            score.all.full,
            score.all.spans,
            score.recall(),
            score.precision(),
            score.f2(),
            rate(score.hit, score.bearing),
            score.dropped,
        )
        .ok();
        out.push_str(&table("type", &score.types));
        out.push_str(&table("group", &score.groups));
    }
    if score.free > 0 {
        writeln!(
            out,
            "without identifiers: {} items, {} touched ({:.4})",
            score.free,
            score.touched,
            score.touched()
        )
        .ok();
    }
    out
}

fn table(head: &str, tallies: &BTreeMap<String, Tally>) -> String {
    let mut out = format!("| {head} | spans | full cover | characters |\n|---|---|---|---|\n");
    for (name, tally) in tallies {
        writeln!(
            out,
            "| {name} | {} | {:.3} | {:.3} |",
            tally.spans,
            rate(tally.full, tally.spans),
            rate(tally.covered, tally.chars)
        )
        .ok();
    }
    out.push('\n');
    out
}

/// The worst misses and false alarms by type.
pub(crate) fn faults(score: &Score, most: usize) -> String {
    let mut out = String::new();
    for (what, faults) in [("misses", &score.misses), ("false alarms", &score.alarms)] {
        let mut by_type: BTreeMap<&str, Vec<&Fault>> = BTreeMap::new();
        faults.iter().for_each(|fault| by_type.entry(&fault.ty).or_default().push(fault));
        let mut ranked: Vec<_> = by_type.into_iter().collect();
        ranked.sort_by_key(|(_, faults)| std::cmp::Reverse(faults.len()));
        writeln!(out, "{what}: {}", faults.len()).ok();
        for (ty, faults) in ranked {
            writeln!(out, "  {ty}: {}", faults.len()).ok();
            for fault in worst(faults, most) {
                writeln!(out, "    {}", fault.around).ok();
            }
        }
    }
    out
}

/// One fault a value, values that are met most often first.
fn worst(faults: Vec<&Fault>, most: usize) -> Vec<&Fault> {
    let mut by_value: BTreeMap<&str, (usize, &Fault)> = BTreeMap::new();
    for fault in faults {
        by_value.entry(&fault.value).or_insert((0, fault)).0 += fault.weight;
    }
    let mut ranked: Vec<_> = by_value.into_values().collect();
    ranked.sort_by_key(|(weight, fault)| (std::cmp::Reverse(*weight), fault.value.clone()));
    ranked.into_iter().take(most).map(|(_, fault)| fault).collect()
}
