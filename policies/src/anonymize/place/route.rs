//! Roads that have a number for a name: `2017 County Road 12`, `RR 2 Box 114`, `1727 Rural Route 2`.
//!
//! **Invariant:** a road alone is no address: a house stands before it, or a box behind, or the road is a rural one.

use super::street;
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::Finding;
use crate::anonymize::words::Word;

/// Words before the number of a road.
const ROADS: &[&str] =
    &["road", "rd", "route", "rte", "rt", "highway", "hwy", "rr", "fm", "cr", "sr", "lane", "line"];
/// Whose road it is.
const OWNERS: &[&str] =
    &["county", "state", "rural", "township", "us", "farm", "forest", "co", "concession", "private"];

/// What somebody does at home, and what a place stands behind.
const LIVES: &[&str] = &["lives", "lived", "living", "resides", "residing"];
const BESIDE: &[&str] = &["near", "outside", "by", "between", "south", "north", "east", "west"];

/// The road whose number is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(road) = i.checked_sub(1).filter(|b| matches!(r.gap(*b), " " | "-" | " #")) else { return };
    let is = |at: usize, all: &[&str]| all.iter().any(|word| r.is(at, word));
    if !is(road, ROADS) || r.word(i).is_none_or(|w| w.digits > 4 || w.chars > w.digits + 1) {
        return;
    }
    let owner = road.checked_sub(1).filter(|b| r.gap(*b) == " " && is(*b, OWNERS));
    let first = owner.unwrap_or(road);
    let house = first.checked_sub(1).filter(|b| r.gap(*b) == " " && street::number(r, *b));
    let boxed = matches!(r.gap(i), " " | ", ") && r.is(i + 1, "box");
    let capital = r.word(first).is_some_and(Word::capital);
    let rural = r.is(road, "rr") || owner.is_some_and(|b| is(b, &["county", "rural", "township"]));
    let short = r.word(road).is_some_and(|w| w.chars <= 4) && !r.is(road, "road");
    // `4 lane 2`, `10 rt 3`: a small word without an owner is a road where a unit or a place follows.
    let sure =
        owner.is_some() || capital && (r.gap(i).starts_with(',') || r.has(i + 1, Role::Unit) || !short);
    // `lives Hwy 14 N`, `the truck stop on Route 66 near`: somebody's, or beside a place.
    let before = first.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let lives = before.is_some_and(|b| is(b, LIVES));
    let near = before.is_some_and(|b| is(b, &["on", "off", "along"])) && r.gap(i) == " " && is(i + 1, BESIDE);
    if capital && r.word(road).is_some_and(|w| w.chars >= 2) && (lives || near) {
        let side = r.gap(i) == " " && ["N", "S", "E", "W"].contains(&r.str(i + 1));
        return street::finish(r, first, if side { i + 1 } else { i }, out);
    }
    // `RR 18` is a rate of breathing.
    let plain = rural && capital && (boxed || owner.is_some());
    if plain || house.is_some() && sure {
        street::finish(r, house.unwrap_or(first), if boxed { i + 2 } else { i }, out);
    }
}
