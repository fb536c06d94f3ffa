//! What follows a street: postcode, city, state and country, in the orders that people write them.

use super::post::{zip, zip_behind};
use super::postcode;
use crate::anonymize::cue::{Cue, Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::who::{How, run};
use crate::anonymize::words::Caps;

/// The phrase with this role at word `i`: its last word.
fn phrase(r: &Reading<'_>, i: usize, role: Role) -> Option<usize> {
    let from = r.cues.partition_point(|cue| cue.first < i);
    let here = r.cues.get(from..).unwrap_or_default().iter().take_while(|cue| cue.first == i);
    here.filter(|cue| cue.role == role).map(|cue| cue.last).max()
}

/// Words of a city's name from `i` on.
pub(super) fn city_run(r: &Reading<'_>, i: usize) -> Option<usize> {
    if let Some(last) = phrase(r, i, Role::City) {
        return Some(last).filter(|_| r.word(i).is_some_and(|w| w.caps != Caps::Lower));
    }
    let last = run(r, i, How::Capital)?;
    // `Tulsa OK`, `Leeds Phone`: the code of a state is not part of the city.
    let mut end = last.min(i + 3);
    while end > i && (r.has(end, Role::Common) || r.has(end, Role::Label)) {
        end -= 1;
    }
    Some(end)
}

/// Reads the place at word `i`; findings for its parts, and the last word of it.
pub(crate) fn locality(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) -> Option<usize> {
    let mut at = i;
    let mut end = None;
    let mut city = false;
    for _ in 0..5 {
        let Some(Part(last, ty)) = component(r, at, city) else { break };
        city |= ty == Type::CITY;
        r.mark((at, last), ty, Evidence::Shape, out);
        end = Some(last);
        if !matches!(r.gap(last), ", " | " " | "\n" | ",\n" | " - " | "," | " (" | "-") {
            break;
        }
        at = last + 1;
    }
    end
}

/// One part of a place.
#[derive(Clone, Copy)]
struct Part(usize, Type);

fn component(r: &Reading<'_>, i: usize, city: bool) -> Option<Part> {
    let word = r.word(i)?;
    let before = r.gap_before(i);
    if word.digits > 0 {
        return postcode(r, i).map(|last| Part(last, Type::POSTCODE));
    }
    if let Some(last) = postcode(r, i) {
        return Some(Part(last, Type::POSTCODE));
    }
    if let Some(last) = phrase(r, i, Role::Country).filter(|_| word.capital()) {
        return Some(Part(last, Type::COUNTRY));
    }
    if word.caps == Caps::Upper && word.chars <= 3 && r.has(i, Role::StateCode) {
        return Some(Part(i, Type::STATE));
    }
    let state = phrase(r, i, Role::State).filter(|_| word.capital());
    if let Some(last) = state.filter(|_| city || phrase(r, i, Role::City).is_none()) {
        return Some(Part(last, Type::STATE));
    }
    if city && !before.contains(',') {
        return None;
    }
    let last = city_run(r, i)?;
    let upper = word.caps == Caps::Upper && word.chars <= 3;
    let other = [Role::Honorific, Role::Nrp, Role::Label].iter().any(|role| r.has(i, *role));
    (!(upper || other || super::of_time(r, i)) && (r.has(i, Role::City) || r.proper(i)))
        .then_some(Part(last, Type::CITY))
}

/// `nashua, in 45336`, `yakima mi 62543`: a place in lower case, which its ZIP vouches for.
pub(super) fn small(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) -> bool {
    let Some(at) = (i + 1..i + 5).find(|k| zip_behind(r, *k).is_some()) else { return false };
    let plain = |k: usize| r.word(k).is_some_and(|w| w.digits == 0 && w.chars >= 2);
    let near = (i..at).all(|k| plain(k) && matches!(r.gap(k), " " | ", " | ". " | ","));
    let state = at.checked_sub(1).filter(|k| *k > i);
    let Some(state) = state.filter(|_| near) else { return false };
    let code = r.has(state, Role::StateCode) && r.word(state).is_some_and(|w| w.chars <= 3);
    let from = if code || r.has(state, Role::State) { state } else { return false };
    let from = if !code && from > i + 1 && phrase(r, from - 1, Role::State) == Some(state) {
        from - 1
    } else {
        from
    };
    r.mark((i, from - 1), Type::CITY, Evidence::Shape, out);
    r.mark((from, state), Type::STATE, Evidence::Shape, out);
    if let Some(last) = zip_behind(r, at) {
        r.mark((at, last), Type::POSTCODE, Evidence::Label, out);
    }
    true
}

/// The first word of the city that ends before word `i`, with a comma: `Boise, Idaho`.
pub(super) fn city_before(r: &Reading<'_>, i: usize) -> Option<usize> {
    let last = i.checked_sub(1).filter(|last| r.gap(*last) == ", ")?;
    let mut first = Some(last).filter(|k| city_word(r, *k))?;
    while let Some(before) = first.checked_sub(1) {
        if !matches!(r.gap(before), " " | "-" | ". ") || !city_word(r, before) || last - before > 2 {
            break;
        }
        first = before;
    }
    let of_other = [Role::State, Role::Country, Role::Nrp].iter().any(|role| r.has(last, *role))
        && !r.has(last, Role::City);
    (!of_other && !super::of_time(r, last)).then_some(first)
}

fn city_word(r: &Reading<'_>, i: usize) -> bool {
    r.word(i).is_some_and(|w| w.caps == Caps::Title && w.digits == 0)
        && (!r.has(i, Role::Common) || r.has(i, Role::City))
        && !r.has(i, Role::Honorific)
}

/// Do the codes of the state begin as this one does?
fn zip_of(state: &str, zip: &str) -> bool {
    const STATES: [&str; 10] = [
        "CT MA ME NH NJ PR RI VT VI",
        "DE NY PA",
        "DC MD NC SC VA WV",
        "AL FL GA MS TN",
        "IN KY MI OH",
        "IA MN MT ND SD WI",
        "IL KS MO NE",
        "AR LA OK TX",
        "AZ CO ID NM NV UT WY",
        "AK CA HI OR WA",
    ];
    let of = |states: &&str| states.split(' ').any(|code| code == state);
    let first = STATES.iter().position(of);
    let digit = zip.bytes().next().map(|b| usize::from(b.wrapping_sub(b'0')));
    first.is_none() || first == digit
}

/// `Springfield, IL 62704`, `IL 62704`.
pub(super) fn code(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let i = cue.first;
    if !r.word(i).is_some_and(|w| w.caps == Caps::Upper) {
        return;
    }
    let zip = if matches!(r.gap(i), " " | ", ") { zip(r, i + 1) } else { None };
    let city = city_before(r, i).or_else(|| {
        let before =
            i.checked_sub(1).filter(|b| r.gap(*b) == " " && (zip.is_some() || r.has(*b, Role::City)))?;
        Some(before).filter(|b| city_word(r, *b))
    });
    let vouched = zip.is_some() && zip_of(r.str(i), r.str(i + 1));
    // `Reading, PA 19601`: a word of the language too, but its ZIP vouches for it.
    let city = city.or_else(|| {
        let before = i.checked_sub(1).filter(|b| vouched && r.gap(*b) == ", ")?;
        let title = r.word(before).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3 && w.digits == 0);
        (title && !r.has(before, Role::Label)).then_some(before)
    });
    let credential = r.has(i, Role::Credential)
        && zip.is_none()
        && !i.checked_sub(1).is_some_and(|b| r.has(b, Role::City));
    // `PET/CT 78815`, `CT 71260`: a scan and its procedure; no state has such a code.
    let other = city.is_none() && !vouched;
    if other || credential {
        return;
    }
    r.mark((i, i), Type::STATE, Evidence::Shape, out);
    if let Some(first) = city {
        r.mark((first, i - 1), Type::CITY, Evidence::Shape, out);
    }
    if let Some(last) = zip {
        r.mark((i + 1, last), Type::POSTCODE, Evidence::Label, out);
    }
}
