//! Parts of a house: by their number (`Ward 6C`, `Burn Unit 4 East`, `on 5 North`), and those that are said with the
//! house that they are at (`Neuro ICU at Mistyvale Regional`).
//!
//! **Invariant:** a number alone is no part: a letter, a side or the name of a kind of part stands with it.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::Caps;

const SIDES: [&str; 6] = ["North", "South", "East", "West", "Northeast", "Southwest"];

/// What stands before a number.
const NUMBERED: [&str; 6] = ["Unit", "Ward", "Tower", "Wing", "Pavilion", "Floor"];

/// What leads to a side of a floor.
const LEADS: [&str; 8] = ["on", "from", "to", "in", "unit", "floor", "Unit", "Floor"];

/// What stands behind a side of a floor.
const BEHIND: [&str; 14] = [
    "Cardiac",
    "Stepdown",
    "Telemetry",
    "Tele",
    "ICU",
    "Medical",
    "Surgical",
    "Med",
    "Surg",
    "Oncology",
    "Ortho",
    "Neuro",
    "Tower",
    "Unit",
];

/// What is at a house.
const AT: [&str; 10] =
    ["Unit", "Ward", "ICU", "Center", "Centre", "Clinic", "Department", "Services", "Program", "Lab"];

/// The most words before the kind of a part.
const WORDS: usize = 4;

/// The part whose number is word `i`.
pub(super) fn numbered(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let before = i.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let number = r.str(i).trim_end_matches(|c: char| c.is_ascii_uppercase());
    if !(1..=2).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_digit()) {
        return;
    }
    let side = r.gap(i) == " " && SIDES.contains(&r.str(i + 1));
    let last = i + usize::from(side);
    if let Some(kind) = before.filter(|b| NUMBERED.contains(&r.str(*b))) {
        let first = ahead(r, kind);
        if side || number.len() < r.str(i).len() || kind - first >= 2 {
            r.mark((first, last), Type::FACILITY, Evidence::Shape, out);
        }
        return;
    }
    let behind = |k: usize| r.gap(k - 1) == " " && BEHIND.contains(&r.str(k));
    if side && (before.is_some_and(|b| LEADS.contains(&r.str(b))) || behind(last + 1)) {
        let end = (last + 1..last + WORDS).take_while(|k| behind(*k)).last().unwrap_or(last);
        r.mark((i, end), Type::FACILITY, Evidence::Shape, out);
    }
}

/// The first of the capitals that end at word `last`; a small word with which a sentence begins is none.
fn ahead(r: &Reading<'_>, last: usize) -> usize {
    let name = |k: &usize| {
        let capital =
            r.word(*k).is_some_and(|w| matches!(w.caps, Caps::Title | Caps::Upper) && w.digits == 0);
        capital && r.gap(*k) == " " && !(r.has(*k, Role::Common) && r.begins(*k))
    };
    (last.saturating_sub(WORDS)..last).rev().take_while(name).last().unwrap_or(last)
}

/// Parts said with a house among `found`.
pub(crate) fn at(r: &Reading<'_>, found: &[Finding], out: &mut Vec<Finding>) {
    for f in found.iter().filter(|f| [Type::FACILITY, Type::ORG].contains(&f.ty)) {
        let first = r.words.partition_point(|word| word.start < f.start);
        let Some(kind) = first.checked_sub(2).filter(|kind| r.str(kind + 1) == "at") else { continue };
        let part = r.gap(kind) == " " && r.gap(kind + 1) == " " && AT.contains(&r.str(kind));
        let from = ahead(r, kind);
        if let Some(word) = r.word(from).filter(|_| part && from < kind) {
            out.push(Finding::new(word.start, f.end, Type::FACILITY, f.evidence).scored(f.score));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::{masked, spans};

    #[test]
    fn parts_by_their_number() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| numbered(r, i, out)));
        for (text, part) in [
            ("found in Geriatric Psychiatry Unit 2B beside the bed", "Geriatric Psychiatry Unit 2B"),
            ("He stayed on Ward 6C for cellulitis", "Ward 6C"),
            ("pt on Burn Unit 4 East, 38%", "Burn Unit 4 East"),
            ("unit Cedar Tower 8 West, pt", "Cedar Tower 8 West"),
            ("bed 12, 5 North Cardiac Stepdown: he", "5 North Cardiac Stepdown"),
            ("moved to 7 West at noon", "7 West"),
            ("HD at Sagebrush Dialysis Unit 3. Dry", "Sagebrush Dialysis Unit 3"),
        ] {
            assert_eq!(check(text), [part]);
        }
        for text in ["Give 2 Units now", "Read Unit 3.", "see Ward 6 and 7", "drove 5 North"] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn a_part_is_said_with_its_house() {
        assert!(
            masked("to our Neuro ICU at Mistyvale Regional Hospital.")
                .contains(&"Neuro ICU at Mistyvale Regional Hospital")
        );
    }
}
