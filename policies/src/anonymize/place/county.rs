//! Counties and parishes: `Cuyahoga County`, `Orleans Parish`, `County of Kent`.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// The name before the word `County` at word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !["county", "parish", "borough"].iter().any(|word| r.is(i, word)) {
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
