//! Houses in streets that are written without a word for one: `5530 N Damen`, `lives at 9 Sycamore,`.
//!
//! **Invariant:** a number before one capital is a house only behind `at` and before a mark, or with a direction.

use super::street::{finish, number};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::Finding;
use crate::anonymize::words::{Caps, Word};

const DIRECTIONS: [&str; 12] = ["N", "S", "E", "W", "NE", "NW", "SE", "SW", "North", "South", "East", "West"];
/// Capitals behind numbers that are units.
const UNITS: [&str; 8] =
    ["Tesla", "Gray", "Kelvin", "Celsius", "Fahrenheit", "Hertz", "French", "Hounsfield"];

/// A house at word `i`, a number.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !number(r, i) || r.gap(i) != " " {
        return;
    }
    let name = |k: usize| {
        let other = [Role::Label, Role::FacilityAfter, Role::Nrp].iter().any(|role| r.has(k, *role));
        r.proper(k)
            && !other
            && !super::of_time(r, k)
            && r.word(k).is_some_and(|w: &Word| w.caps == Caps::Title && w.chars >= 4)
    };
    let directed = DIRECTIONS.contains(&r.str(i + 1)) && matches!(r.gap(i + 1), " " | ". ") && name(i + 2);
    let led = i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && r.is(b, "at"));
    let closed = !r.gap(i + 1).starts_with([' ', '-', '\'']);
    if directed {
        finish(r, i, i + 2, out);
    } else if led && name(i + 1) && closed && !UNITS.contains(&r.str(i + 1)) {
        finish(r, i, i + 1, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)))
    }

    #[test]
    fn houses_without_a_word_for_their_street() {
        for (text, want) in [
            ("picked up at 5530 N Halsted, unit 44", "5530 N Halsted"),
            ("lives with Kai at 9 Sycamore, works", "9 Sycamore"),
            ("1180 W. Halden", "1180 W. Halden"),
        ] {
            assert!(check(text).iter().any(|found| found.starts_with(want)), "{text}: {:?}", check(text));
        }
        for text in ["MRI at 3 Tesla, no contrast", "at 9 Monday", "at 40 Percent now", "grade 4 N Stage"] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
