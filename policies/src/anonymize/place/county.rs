//! Counties and parishes: `Cuyahoga County`, `Orleans Parish`, `County of Kent`.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// Units below a state that stand behind their name.
const UNITS: [&str; 10] = [
    "county",
    "parish",
    "borough",
    "township",
    "lga",
    "shire",
    "barangay",
    "taluk",
    "tehsil",
    "municipality",
];

/// `Carmarthenshire`, `North Yorkshire`; `New Hampshire` is a state.
fn shire(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) -> bool {
    let word = r.str(i);
    if word.len() < 8 || !word.is_ascii() || !word.to_ascii_lowercase().ends_with("shire") {
        return false;
    }
    let before = i.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let beside = |words: &[&str]| before.filter(|b| words.iter().any(|word| r.is(*b, word)));
    if beside(&["new"]).is_none() && !["Worcestershire", "Berkshire"].contains(&word) {
        let first = beside(&["north", "south", "east", "west"]).unwrap_or(i);
        r.mark((first, i), Type::GEO, Evidence::Shape, out);
    }
    true
}

/// Counties of Ireland, which stand behind their word.
const IRISH: [&str; 33] = [
    "Antrim",
    "Armagh",
    "Carlow",
    "Cavan",
    "Clare",
    "Cork",
    "Derry",
    "Donegal",
    "Down",
    "Dublin",
    "Fermanagh",
    "Galway",
    "Kerry",
    "Kildare",
    "Kilkenny",
    "Laois",
    "Leitrim",
    "Limerick",
    "Longford",
    "Louth",
    "Mayo",
    "Meath",
    "Monaghan",
    "Offaly",
    "Roscommon",
    "Sligo",
    "Tipperary",
    "Tyrone",
    "Waterford",
    "Westmeath",
    "Wexford",
    "Wicklow",
    "Durham",
];

/// `Co. Kerry`: word `i` is the `Co`.
fn irish(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if r.str(i) == "Co" && matches!(r.gap(i), ". " | " ") && IRISH.contains(&r.str(i + 1)) {
        r.mark((i, i + 1), Type::STATE, Evidence::Label, out);
    }
}

/// The name before the word `County` at word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    irish(r, i, out);
    if shire(r, i, out) {
        return;
    }
    // `Robeson Co., NC`.
    let short = r.is(i, "co") && r.gap(i) == "., " && r.has(i + 1, Role::StateCode);
    if !short && !UNITS.iter().any(|word| r.is(i, word)) {
        return;
    }
    let upper = r.word(i).is_some_and(|w| w.caps == Caps::Upper);
    let name = |k: usize| {
        let known = [Role::City, Role::State].iter().any(|role| r.has(k, *role));
        r.word(k).is_some_and(|w| w.capital() && w.chars >= 3 && w.digits == 0)
            && (known || !r.has(k, Role::Common))
    };
    let Some(mut first) = i.checked_sub(1).filter(|b| r.gap(*b) == " " && name(*b)) else { return };
    while let Some(before) = first.checked_sub(1).filter(|b| i - *b <= 3) {
        let saint = r.gap(before) == ". " && (r.is(before, "st") || r.is(before, "ste"));
        let known = !upper || [Role::City, Role::State].iter().any(|role| r.has(before, *role));
        let side = ["san", "santa", "los", "new", "saint", "st", "prince", "el", "la", "de", "fort", "palm"]
            .iter()
            .any(|word| r.is(before, word));
        let plain = name(before) && known && !r.begins(before);
        if !(saint || r.gap(before) == " " && (side || plain)) {
            break;
        }
        first = before;
    }
    let facility = r.gap(i) == " "
        && r.word(i + 1).is_some_and(Word::capital)
        && [Role::FacilityAfter, Role::OrgAfter].iter().any(|role| r.has(i + 1, *role));
    if !facility {
        r.mark((first, i), Type::GEO, Evidence::Shape, out);
    }
}
