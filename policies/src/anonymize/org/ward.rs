//! Wards and houses of a hospital that bear a name: `on Magnolia Unit`, `from the Kingsley Wing`, and what is joined
//! behind the kind of a facility: `Riverbend Rehab & Nursing`.
//!
//! **Invariant:** the name is a person's, a place's or a plant's, and a small word leads to it: what a ward is for
//! names none.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::words::{Caps, Word};

/// What is called after somebody or something.
const WARDS: [&str; 7] = ["Unit", "Ward", "Wing", "Pavilion", "Tower", "Lodge", "Suite"];

/// What leads to a ward.
const LEADS: [&str; 9] = ["on", "from", "to", "in", "at", "of", "the", "onto", "into"];

/// Plants, birds and the like that wards are called after.
const CALLED: [&str; 60] = [
    "acacia",
    "acorn",
    "alder",
    "amber",
    "ash",
    "aspen",
    "aster",
    "azalea",
    "beech",
    "birch",
    "bluebell",
    "bramble",
    "camellia",
    "cedar",
    "chestnut",
    "clover",
    "coral",
    "cypress",
    "daffodil",
    "dahlia",
    "daisy",
    "elder",
    "elm",
    "fern",
    "foxglove",
    "gardenia",
    "hawthorn",
    "hazel",
    "heather",
    "holly",
    "ivy",
    "jasmine",
    "juniper",
    "kestrel",
    "kingfisher",
    "larch",
    "laurel",
    "lavender",
    "lilac",
    "lily",
    "magnolia",
    "maple",
    "marigold",
    "nightingale",
    "oak",
    "olive",
    "orchid",
    "osprey",
    "pine",
    "poplar",
    "poppy",
    "primrose",
    "robin",
    "rose",
    "rowan",
    "spruce",
    "swan",
    "sycamore",
    "tulip",
    "willow",
];

/// Second kinds of a facility, behind `&` or `and`.
const KINDS: [&str; 22] = [
    "rehab",
    "rehabilitation",
    "nursing",
    "care",
    "wellness",
    "surgery",
    "imaging",
    "hospice",
    "therapy",
    "health",
    "spine",
    "recovery",
    "living",
    "healthcare",
    "infusion",
    "medicine",
    "research",
    "diagnostics",
    "dialysis",
    "dentistry",
    "audiology",
    "aesthetics",
];

/// What ends the name of a facility of two kinds.
const HOUSES: [&str; 6] = ["Center", "Centre", "Facility", "Institute", "Services", "Group"];

/// The ward whose kind is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !WARDS.contains(&r.str(i)) {
        return;
    }
    let Some(name) = i.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return };
    let small = r.low(name);
    let led = name
        .checked_sub(1)
        .is_some_and(|b| r.gap(b) == " " && LEADS.contains(&r.str(b)) || r.gap(b).ends_with(": "));
    let capital = r.word(name).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    let borne = r.lists(name) & (lists::GIVEN | lists::SURNAME | lists::CITY) != 0
        && !r.has(name, Role::Common)
        && !r.has(name, Role::Label)
        && !r.has(name, Role::Eponym)
        && !is_nobody(small);
    if led && capital && (borne || CALLED.contains(&small)) {
        r.mark((name, i), Type::FACILITY, Evidence::Shape, out);
    }
}

/// `Riverbend Rehab & Nursing`: a name before two kinds, the first of which is word `i`.
pub(super) fn double(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    const PLAIN: [&str; 22] = [
        "Skilled",
        "Physical",
        "Occupational",
        "Cardiac",
        "Pulmonary",
        "Vestibular",
        "Acute",
        "Subacute",
        "Inpatient",
        "Outpatient",
        "Primary",
        "Urgent",
        "Palliative",
        "Wound",
        "Home",
        "Behavioral",
        "Mental",
        "Public",
        "Community",
        "Sports",
        "Neuro",
        "Speech",
    ];
    let last = joined(r, i);
    if last == i || !KINDS.iter().any(|word| r.is(i, word)) {
        return;
    }
    let name = |k: usize| r.word(k).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3) && r.gap(k) == " ";
    let mut first = i;
    while first > 0 && i - first < 4 && name(first - 1) {
        first -= 1;
    }
    let proper = |k: usize| r.proper(k) && !PLAIN.contains(&r.str(k)) && !is_nobody(r.low(k));
    while first < i && r.begins(first) && r.has(first, Role::Common) {
        first += 1;
    }
    if first < i && (first..i).any(proper) {
        r.mark((first, last), Type::FACILITY, Evidence::Shape, out);
    }
}

/// The last word of the facility whose kind ends at word `last`: of `Rehab & Nursing Center` the `Center`.
pub(super) fn joined(r: &Reading<'_>, last: usize) -> usize {
    let capital = |i: usize| r.word(i).is_some_and(Word::capital);
    let kind = |i: usize| capital(i) && KINDS.iter().any(|word| r.is(i, word));
    // `Pioneer Hospital ED`.
    if r.gap(last) == " " && capital(last) && matches!(r.str(last + 1), "ED" | "ER" | "ICU" | "NICU") {
        return last + 1;
    }
    let next = match r.gap(last) {
        " & " | " + " => last + 1,
        " " if r.str(last + 1) == "and" && r.gap(last + 1) == " " => last + 2,
        _ => return last,
    };
    if !capital(last) || !kind(next) {
        return last;
    }
    let more = next + 1;
    if r.gap(next) == " "
        && capital(more)
        && (r.has(more, Role::FacilityAfter) || kind(more) || HOUSES.contains(&r.str(more)))
    {
        more
    } else {
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::org;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn wards_with_a_name() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)));
        assert_eq!(check("the night nurse on Magnolia Unit, she called"), ["Magnolia Unit"]);
        assert_eq!(check("moved from the Kowalski Wing at noon"), ["Kowalski Wing"]);
        for text in
            ["sent to Burn Unit", "in Labour Ward", "on Surgical Ward", "the Stroke Unit", "Rose Unit"]
        {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn two_kinds_of_one_facility() {
        let check = |text| spans(text, org::find);
        assert!(
            check("the Rosewood Nursing and Rehabilitation Center said")
                .contains(&"Rosewood Nursing and Rehabilitation Center")
        );
        assert!(check("refer to Physical Therapy & Rehab, Home Health & Hospice").is_empty());
        assert!(check("choices: Riverbend Rehab & Nursing (accepts)").contains(&"Riverbend Rehab & Nursing"));
        assert!(
            check("from Rosewood Hospital and Research Center.")
                .contains(&"Rosewood Hospital and Research Center")
        );
        assert!(
            !check("from Rosewood Hospital and Health insurance")
                .contains(&"Rosewood Hospital and Health insurance")
        );
    }
}
