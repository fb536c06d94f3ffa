//! Names of facilities where capitals say nothing: texts all in capitals, and texts in lower case.
//!
//! **Invariant:** a lower-case name needs a word of its kind and one that is no common word.

use crate::anonymize::cue::{Cue, Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::words::Caps;

/// Common words that are parts of names of facilities.
const KEPT: &[&str] = &[
    "GENERAL",
    "MEMORIAL",
    "COMMUNITY",
    "COUNTY",
    "REGIONAL",
    "MEDICAL",
    "CHILDREN",
    "CITY",
    "STATE",
    "OF",
    "THE",
    "AND",
    "FOR",
    "UNIVERSITY",
    "HOSPITAL",
    "HEALTH",
    "FALLS",
    "LAKE",
    "VALLEY",
    "HILL",
    "HILLS",
    "PARK",
    "BAY",
    "CREEK",
    "ROCK",
    "SPRINGS",
    "WOMEN",
    "FAMILY",
    "GOOD",
    "MERCY",
];

/// Common words with which names of facilities begin.
const SIDES: &[&str] = &[
    "NEW", "NORTH", "SOUTH", "EAST", "WEST", "FIRST", "UNITED", "SAINT", "GREEN", "WHITE", "GRAND", "LITTLE",
];

/// Words that lead to a name and are no part of one, in a text all in capitals: `LETTER FROM`, `KNOWN TO`.
pub(super) fn spoken(r: &Reading<'_>, i: usize, cue: usize) -> bool {
    let upper = |k: usize| r.word(k).is_some_and(|w| w.caps == Caps::Upper);
    let part = KEPT.contains(&r.str(i)) || i + 1 < cue && SIDES.contains(&r.str(i));
    let doses = upper(i) && ["MG", "MCG", "ML", "UNITS", "DAILY", "BID", "TID", "QHS"].contains(&r.str(i));
    doses || upper(i) && upper(cue) && r.has(i, Role::Common) && !part && !r.has(i, Role::City)
}

/// Words that stand in the names of hospitals written small: `reading general hospital`.
const SMALL: &[&str] = &[
    "general",
    "memorial",
    "regional",
    "county",
    "community",
    "university",
    "medical",
    "children's",
    "st",
    "saint",
    "state",
    "methodist",
    "baptist",
    "presbyterian",
    "lutheran",
    "mercy",
    "providence",
    "good",
    "samaritan",
];

/// `university of texas medical center`, `at fargo general hospital`: a name in lower case.
pub(super) fn small_name(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let mut first = cue.first;
    let mut kinds = usize::from(cue.last > cue.first);
    let mut proper = 0;
    while let Some(before) = first.checked_sub(1).filter(|b| r.gap(*b) == " " || r.gap(*b) == ". ") {
        let word = r.str(before);
        let of = word == "of" && before > 0 && r.is(before - 1, "university");
        let known = [Role::City, Role::State].iter().any(|role| r.has(before, *role));
        let kind = SMALL.contains(&word);
        let plain = r.word(before).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 4)
            && !r.has(before, Role::Common)
            && !r.has(before, Role::Label)
            && !r.has(before, Role::Nrp);
        if cue.first - first >= 5 || !(of || known || kind || plain && kinds > 0 && proper < 2) {
            break;
        }
        kinds += usize::from(kind || of);
        proper += usize::from(known || plain && !kind);
        first = before;
    }
    while first < cue.first && (r.is(first, "of") || r.is(first, "medical") || r.is(first, "county")) {
        first += 1;
    }
    let led = first.checked_sub(1).is_some_and(|b| {
        ["at", "from", "to", "of", "by", "near", "in", "the", "via", "copy"].contains(&r.str(b))
    });
    if kinds > 0 && proper > 0 && (led || r.is(first, "university")) {
        r.mark((first, cue.last), Type::FACILITY, Evidence::Shape, out);
    }
}

/// Is word `i` one of those that say what kind of facility is named?
pub(super) fn is_kind(r: &Reading<'_>, i: usize) -> bool {
    SMALL.contains(&r.low(i))
}

/// `Fargo General`, `Tulsa Memorial`: a city's facility without the word for it.
pub(super) fn short(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let i = cue.last + 1;
    let kind = ["general", "memorial", "regional", "methodist", "baptist", "presbyterian", "children's"]
        .iter()
        .any(|word| r.is(i, word));
    let capital = |k: usize| r.word(k).is_some_and(|w| w.capital());
    if kind
        && r.gap(cue.last) == " "
        && capital(cue.first)
        && capital(i)
        && !r.has(i + 1, Role::FacilityAfter)
    {
        r.mark((cue.first, i), Type::FACILITY, Evidence::Shape, out);
    }
}

/// `seen at Bakersfield General, off work`, `from cedar rapids general to`: word `i` is `General`, behind a town and
/// what leads to one, and nothing follows that it would belong to.
pub(super) fn general(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    const LEADS: [&str; 6] = ["at", "from", "to", "by", "via", "of"];
    const ON: [&str; 14] =
        ["ed", "er", "icu", "for", "on", "in", "after", "dated", "to", "with", "and", "last", "off", "where"];
    if !r.is(i, "general") {
        return;
    }
    let gap = r.gap(i);
    let ends = i + 1 == r.words.len()
        || gap.starts_with(['.', ',', ';', ')', '\n', '?', '!', ':', '"'])
        || gap == " " && ON.iter().any(|word| r.is(i + 1, word));
    let alike = |k: usize| {
        let capital = r.word(i).is_some_and(|w| w.capital());
        r.word(k).is_some_and(|w| w.digits == 0 && w.capital() == capital && w.chars >= 2)
    };
    let town = |k: usize| r.lists(k) & lists::CITY != 0 || r.has(k, Role::City);
    let joined = |k: usize| matches!(r.gap(k), " " | ". ") && alike(k) && !LEADS.contains(&r.str(k));
    let mut first = i;
    while first > 0 && i - first < 3 && joined(first - 1) {
        first -= 1;
    }
    let led =
        first.checked_sub(1).is_some_and(|b| LEADS.iter().any(|word| r.is(b, word)) || r.gap(b) == ", ");
    let named = first < i && ((first..i).any(town) || i > 0 && r.ending(Role::City, i - 1).is_some());
    if ends && led && named {
        r.mark((first, i), Type::FACILITY, Evidence::Shape, out);
    }
}

/// `(Roosevelt High)`, `Kimball Elementary, teacher`: word `i` says what kind of school or practice bears the name.
pub(super) fn school(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !["High", "Middle", "Elementary", "Surgery", "Practice"].contains(&r.str(i)) {
        return;
    }
    let Some(first) = i.checked_sub(1).filter(|b| r.gap(*b) == " " && r.proper(*b)) else { return };
    let known = r.lists(first) & (lists::SURNAME | lists::GIVEN | lists::CITY) != 0;
    let gap = r.gap(i);
    let ends = i + 1 == r.words.len() || gap.starts_with([')', ',', ';', '\n', '.', '?']);
    let known = known && !r.has(first, Role::Eponym);
    if known && ends && r.word(first).is_some_and(|w| w.caps == Caps::Title) {
        r.mark((first, i), Type::FACILITY, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| general(r, i, out)))
    }

    #[test]
    fn a_name_and_its_kind_of_school() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| school(r, i, out)));
        assert_eq!(check("her son (Roosevelt High) called"), ["Roosevelt High"]);
        assert!(check("Glucose High, Potassium High. Middle Ages, Roosevelt Middle Finger").is_empty());
    }

    #[test]
    fn a_town_and_general() {
        assert_eq!(check("seen at Bakersfield General, off work"), ["Bakersfield General"]);
        assert_eq!(check("transferred from cedar rapids general to us"), ["cedar rapids general"]);
        for text in ["the Attorney General, who", "in general, no", "by General Electric", "Surgeon General."]
        {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
