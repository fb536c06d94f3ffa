//! Days in words of other languages: `deux septembre`, `ventitré dicembre`, `primero de mayo`, `kolmas maaliskuuta`.
//!
//! **Invariant:** the word of a number stands right before the full name of a month that is nothing else.

use std::sync::LazyLock;

use crate::anonymize::cue::Reading;
use crate::anonymize::date::is_month;
use crate::anonymize::quick::Set;
use crate::anonymize::sections::entries_of;

/// Words of the year behind.
const YEAR: usize = 7;

static NUMBERS: LazyLock<Set<&'static str>> =
    LazyLock::new(|| entries_of(include_str!("../../../../words/days.txt"), "in words"));

fn number(r: &Reading<'_>, i: usize) -> bool {
    NUMBERS.contains(r.low(i))
}

/// The day whose month is word `i`, with the words of its year.
pub(super) fn find(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    if !r.word(i).is_some_and(|word| (4..=16).contains(&word.chars)) || !is_month(r.str(i)) {
        return None;
    }
    let small = |k: usize| ["de", "di", "d", "e", "et", "y", "i", "ja"].contains(&r.low(k));
    let near = |k: usize| matches!(r.gap(k), " " | "-" | "'");
    let before = |k: usize| k.checked_sub(1).filter(|b| near(*b));
    let last = before(i)
        .filter(|b| number(r, *b))
        .or_else(|| before(i).filter(|b| small(*b)).and_then(before).filter(|b| number(r, *b)))?;
    let mut first = last;
    while let Some(b) = before(first).filter(|b| number(r, *b) && last - *b < 3) {
        first = b;
    }
    let year = |k: &usize| near(*k - 1) && (number(r, *k) || small(*k) && number(r, *k + 1));
    let end = (i + 1..=i + YEAR).take_while(year).last().unwrap_or(i);
    Some((first, end))
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::named;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn days_in_words_of_other_languages() {
        for (text, want) in [
            ("né le trois janvier à Lyon", "trois janvier"),
            ("depuis le dix mars deux mille vingt, ici", "dix mars deux mille vingt"),
            ("nato il ventidue luglio a Bari", "ventidue luglio"),
            ("el primero de agosto", "primero de agosto"),
            ("no dia doze de fevereiro", "doze de fevereiro"),
            ("viides huhtikuuta oli", "viides huhtikuuta"),
            ("am zweiten Februar", "zweiten Februar"),
        ] {
            assert!(spans(text, named).contains(&want), "{text}: {:?}", spans(text, named));
        }
        for text in ["les trois mois", "deux marchés", "zwei Mai-Bäume"] {
            assert!(spans(text, named).is_empty(), "{text}: {:?}", spans(text, named));
        }
    }
}
