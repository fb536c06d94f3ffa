//! Houses before a postcode and its town: `Hämeenpuisto 14 C 38, 33200 Tampere`, `Lyngheia 60, 4015 Stavanger`.
//!
//! **Invariant:** a comma or a line parts the two, and capitals stand before the number of the house.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::Caps;

/// Words of the number of a house, and of the name of a street.
const NUMBERS: usize = 4;
const NAMES: usize = 3;

/// The house that ends right before word `i`, the first of a postcode.
pub(super) fn house(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(last) = i.checked_sub(1).filter(|b| matches!(r.gap(*b), ", " | "\n" | ",\n" | " - ")) else {
        return;
    };
    let part = |k: usize| {
        r.word(k).is_some_and(|w| w.digits > 0 && w.chars <= 5 || w.chars == 1 && w.caps == Caps::Upper)
    };
    let near = |k: usize| matches!(r.gap(k), " " | "-" | "/" | "." | ". " | "/ ");
    if !part(last) {
        return;
    }
    let mut first = last;
    while let Some(b) = first.checked_sub(1).filter(|b| near(*b) && part(*b) && last - *b < NUMBERS) {
        first = b;
    }
    let digits = (first..=last).any(|k| r.word(k).is_some_and(|w| w.digits > 0 && w.digits <= 4));
    let name =
        |k: usize| r.word(k).is_some_and(|w| w.caps == Caps::Title && w.chars >= 2) && !r.has(k, Role::Label);
    let street = first;
    while let Some(b) =
        first.checked_sub(1).filter(|b| matches!(r.gap(*b), " " | "-") && name(*b) && street - *b <= NAMES)
    {
        first = b;
    }
    let proper = (first..street).any(|k| r.proper(k) && !super::of_time(r, k));
    if digits && first < street && proper {
        r.mark((first, last), Type::ADDRESS, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::post::standing;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn houses_before_a_postcode() {
        let check = |text| spans(text, |r, out| (0..r.words.len()).for_each(|i| standing(r, i, out)));
        for (text, want) in [
            ("osoite: Kuusipuisto 14 C 38, 33200 Tampere,", "Kuusipuisto 14 C 38"),
            ("hos Lia, Hegreheia 60, 4015 Stavanger.", "Hegreheia 60"),
            ("an Kleiner Anger 7a, 10115 Berlin", "Kleiner Anger 7a"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
        for text in ["on May 5, 10115 Berlin", "see table 4, 10115 Berlin"] {
            assert!(
                !check(text).iter().any(|found| found.starts_with(['M', 't'])),
                "{text}: {:?}",
                check(text)
            );
        }
    }
}
