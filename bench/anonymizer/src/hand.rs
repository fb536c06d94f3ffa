//! Texts that were written by hand by somebody who knew nothing of the rules: prompts of clinicians, sentences of many
//! locales. One text a line, identifiers marked `[[TYPE:value]]`, a line break as `\n`, of sentences the locale first.
//!
//! **Invariant:** what is called kept was scored and never read by who writes rules; it moves to what is mended once it
//! has been.

use crate::draft::{Draft, Item, Mark};
use crate::sets::Set;

/// Name, preset and lines of each.
const SETS: [(&str, &str, &str); 4] = [
    ("prompts by hand, kept aside", "hipaa", include_str!("../data/hand/prompts-kept.txt")),
    ("prompts by hand, used to mend", "hipaa", include_str!("../data/hand/prompts-mended.txt")),
    ("sentences by hand, kept aside", "default", include_str!("../data/hand/sentences-kept.txt")),
    ("sentences by hand, used to mend", "default", include_str!("../data/hand/sentences-mended.txt")),
];

/// What may be masked or not: honorifics, and what the preset lets stand. Safe Harbor (45 CFR 164.514(b)(2)) lets states,
/// countries, nations and clock times stand, and firms that are nobody's employer (those are marked `EMPLOYER`).
fn either(preset: &str) -> &'static [&'static str] {
    if preset == "hipaa" { &["TITLE", "STATE", "COUNTRY", "ORG", "NRP", "TIME"] } else { &["TITLE"] }
}

/// All of them.
pub(crate) fn all() -> Vec<Set> {
    SETS.iter()
        .map(|(name, preset, lines)| {
            let items = lines.lines().map(|line| item(line, either(preset))).collect();
            Set { name, preset, items }
        })
        .collect()
}

/// One line.
fn item(line: &str, either: &[&str]) -> Item {
    let (group, text) = line.split_once('\t').unwrap_or(("prompts", line));
    let mut draft = Draft::default();
    let mut rest = text;
    while let Some((plain, (ty, value), after)) = marked(rest) {
        draft.push(&broken(plain), &Mark::Plain);
        let mark = if either.contains(&ty) { Mark::Either } else { Mark::True(ty.to_owned()) };
        draft.push(&broken(value), &mark);
        draft.cut();
        rest = after;
    }
    draft.push(&broken(rest), &Mark::Plain);
    draft.finish(group)
}

/// What stands before the first mark, its type and value, and what stands behind it.
fn marked(text: &str) -> Option<(&str, (&str, &str), &str)> {
    let (plain, mark) = text.split_once("[[")?;
    let (mark, after) = mark.split_once("]]")?;
    Some((plain, mark.split_once(':')?, after))
}

fn broken(text: &str) -> String {
    text.replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_spans() {
        let line = "de-DE\tHerr [[TITLE:Dr.]] [[NAME:Öz]]\\nwohnt in [[CITY:Ulm]].";
        let item = item(line, either("default"));
        assert_eq!((item.group.as_str(), item.text.as_str()), ("de-DE", "Herr Dr. Öz\nwohnt in Ulm."));
        let spans: Vec<(usize, usize, &str)> =
            item.spans.iter().map(|span| (span.start, span.end, span.ty.as_str())).collect();
        assert_eq!(spans, [(9, 11, "NAME"), (21, 24, "CITY")]);
        assert_eq!(item.either, [(5, 8)]);
    }

    #[test]
    fn no_mark_is_left_in_a_text() {
        for set in all() {
            assert!(set.items.len() >= 150, "{}: {}", set.name, set.items.len());
            assert!(set.items.iter().all(|item| !item.text.contains("[[") && !item.text.contains("]]")));
        }
    }
}
