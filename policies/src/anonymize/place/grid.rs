//! Houses that have no plain number: `eighty-one West Tulip Street`, `N88 W15210 Main St`.
//!
//! **Invariant:** looks at the two words before a street's name.

use crate::anonymize::cue::{Reading, Role};

/// The first word of the number that ends with word `i`.
pub(super) fn house(r: &Reading<'_>, i: usize) -> Option<usize> {
    let spelled = r.ending(Role::SpelledNumber, i);
    let grid = || {
        let b = i.checked_sub(1).filter(|b| matches!(r.gap(*b), " " | ""))?;
        (line(r, i) && line(r, b)).then_some(b)
    };
    spelled.map(|cue| cue.first).or_else(grid)
}

/// `W15210`: how far in which direction.
fn line(r: &Reading<'_>, i: usize) -> bool {
    let (side, far) = r.str(i).split_at_checked(1).unwrap_or_default();
    matches!(side, "N" | "S" | "E" | "W")
        && (1..=6).contains(&far.len())
        && far.bytes().all(|b| b.is_ascii_digit())
}
