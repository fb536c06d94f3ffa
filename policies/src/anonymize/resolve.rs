//! Overlaps: what is covered is the union of all candidates; the best evidence names the type.
//!
//! **Invariant:** the spans that come out are disjoint, sorted, and cover every letter and digit that a
//! candidate covered, but for the unit around the number of an age, the letter of a possessive and a count behind a day.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::date::{is_month, is_weekday};
use super::kind::{Evidence, Finding, Type};
use super::token::{before, in_token};

/// URLs and encoded runs swallow what lies inside them, for they are invented as a whole.
fn wraps(f: &Finding) -> bool {
    f.evidence >= Evidence::Validated && [Type::URL, Type::ENCODED].contains(&f.ty)
        || f.evidence == Evidence::Secret && f.end - f.start >= 64
}

/// Disjoint spans from candidates.
pub(crate) fn resolve(text: &[u8], mut all: Vec<Finding>) -> Vec<Finding> {
    let key = |f: &Finding| (Reverse((wraps(f), f.evidence, f.score, f.end - f.start)), f.start, f.ty);
    all.sort_by_cached_key(key);
    all.dedup();
    let mut taken: BTreeMap<usize, Finding> = BTreeMap::new();
    let numbered = |start: usize, end: usize| text[start..end].iter().any(u8::is_ascii_digit);
    for f in all {
        for (start, end) in free(&taken, f.start, f.end) {
            let whole = start == f.start && end == f.end;
            let Some((start, end)) = trimmed(text, start, end, whole) else { continue };
            // `97-year-old` around its number: the unit is nobody's.
            let unit = f.ty == Type::AGE && !numbered(start, end);
            // `Lindgren's`: the letter that says what is hers.
            let owned = text[start..end] == *b"s" && before(text, start) == b'\'';
            // `ID 947710283` around a number that is known: the word is its label.
            let labelled = f.evidence == Evidence::Label
                && [b"id", b"no", b"nr"].iter().any(|label| text[start..end].eq_ignore_ascii_case(*label));
            // `via kaart 5223 0491` around a card: what lost its number is no street.
            let street = f.ty == Type::ADDRESS && numbered(f.start, f.end) && !numbered(start, end);
            // `DOB: December 12  Unit` before another number: the word is no part of the day.
            let undated = f.evidence == Evidence::Label && f.ty == Type::DATE && is_no_day(&text[start..end]);
            if (unit || owned || labelled || street || undated || is_article(&text[start..end])) && !whole {
                continue;
            }
            // `2/19 1600`, `5/1 1.8`: the model's day with the hour or the result behind it.
            let measured =
                !whole && f.ty == Type::DATE && f.evidence == Evidence::Model && counts(&text[start..end]);
            if measured {
                continue;
            }
            // A part of a name or day is masked like the whole; of a number or an account only under the general name.
            let named = f.ty.names() && f.ty != Type::USERNAME || f.ty == Type::DATE;
            let ty = if whole || named { f.ty } else { Type::ID };
            taken.insert(start, Finding { start, end, ty, ..f });
        }
    }
    taken.into_values().collect()
}

/// A number that is no year, nor a day with its signs.
fn counts(part: &[u8]) -> bool {
    let number = part.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let year = part.len() == 4 && matches!(part, [b'1', b'8' | b'9', ..] | [b'2', b'0', ..]);
    number && !year && part.len() <= 5
}

/// One word of ASCII that is no month and no weekday.
fn is_no_day(part: &[u8]) -> bool {
    let word = str::from_utf8(part).unwrap_or_default().to_ascii_lowercase();
    let one = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    one && !is_month(&word) && !is_weekday(&word)
}

/// `the` of `the 3rd of March`, where the rest has a finding of its own.
fn is_article(word: &[u8]) -> bool {
    const ARTICLES: [&[u8]; 18] = [
        b"the", b"The", b"of", b"a", b"an", b"and", b"de", b"la", b"le", b"les", b"der", b"die", b"das",
        b"den", b"el", b"il", b"het", b"on",
    ];
    ARTICLES.contains(&word)
}

/// The parts of `start..end` that nothing has taken.
fn free(taken: &BTreeMap<usize, Finding>, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut from = taken.range(..=start).next_back().map_or(start, |(_, f)| f.end.max(start));
    for (at, f) in taken.range(start..end) {
        if *at > from {
            out.push((from, *at));
        }
        from = from.max(f.end);
    }
    if from < end {
        out.push((from, end));
    }
    out
}

/// A remainder without its outer punctuation; `None` where only that is left.
fn trimmed(text: &[u8], start: usize, end: usize, whole: bool) -> Option<(usize, usize)> {
    if whole {
        return Some((start, end));
    }
    let inner = |i: &usize| in_token(text[*i]) || text[*i] >= 0x80;
    let first = (start..end).find(inner)?;
    let last = (start..end).rfind(inner)?;
    Some((first, last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_stands_behind_a_day_is_no_part_of_it() {
        let text = b"proned 2/19 1600. swap";
        let all = vec![
            Finding::new(7, 16, Type::DATE, Evidence::Model),
            Finding::new(7, 11, Type::DATE, Evidence::Shape),
        ];
        let spans = resolve(text, all);
        assert_eq!(spans.iter().map(|f| (f.start, f.end)).collect::<Vec<_>>(), [(7, 11)]);
    }

    #[test]
    fn an_article_before_a_finding_is_nobodys() {
        let text = b"on the 3rd of March";
        let all = vec![
            Finding::new(3, 19, Type::DATE, Evidence::Shape),
            Finding::new(7, 19, Type::DATE, Evidence::Label),
        ];
        let found: Vec<_> = resolve(text, all).iter().map(|f| (f.start, f.end)).collect();
        assert_eq!(found, [(7, 19)]);
    }

    #[test]
    fn the_best_evidence_names_the_whole() {
        let text = b"078-05-1123 six more";
        let all = vec![
            Finding::new(0, 11, Type::ID, Evidence::Failed),
            Finding::new(0, 11, Type::US_SSN, Evidence::Validated),
            Finding::new(7, 15, Type::MRN, Evidence::Label),
        ];
        let spans = resolve(text, all);
        assert_eq!(
            spans.iter().map(|f| (f.start, f.end, f.ty)).collect::<Vec<_>>(),
            [(0, 11, Type::US_SSN), (12, 15, Type::ID)]
        );
    }

    #[test]
    fn a_remainder_of_words_keeps_its_type() {
        let text = "Klinik Dr. Köhler am Ring".as_bytes();
        let all = vec![
            Finding::new(0, text.len(), Type::FACILITY, Evidence::Shape),
            Finding::new(11, 18, Type::NAME, Evidence::Label),
        ];
        let spans = resolve(text, all);
        let types: Vec<_> = spans.iter().map(|f| (f.start, f.end, f.ty)).collect();
        assert_eq!(types, [(0, 9, Type::FACILITY), (11, 18, Type::NAME), (19, 26, Type::FACILITY)]);
    }

    #[test]
    fn the_unit_of_an_age_is_no_remainder() {
        let text = b"a 97-year-old man";
        let all = vec![
            Finding::new(2, 13, Type::AGE, Evidence::Model),
            Finding::new(2, 4, Type::AGE, Evidence::Shape),
        ];
        let spans = resolve(text, all);
        assert_eq!(spans.iter().map(|f| (f.start, f.end)).collect::<Vec<_>>(), [(2, 4)]);
    }

    #[test]
    fn what_led_to_a_number_is_no_remainder() {
        for (text, ty, evidence) in [
            ("member ID 947710283", Type::HEALTH_PLAN, Evidence::Label),
            ("kaart 5223049171", Type::ADDRESS, Evidence::Model),
            ("Unit 5223049171", Type::DATE, Evidence::Label),
        ] {
            let (label, number) = (text.rfind(' ').unwrap_or_default(), text.len());
            let from = text[..label].rfind(' ').map_or(0, |space| space + 1);
            let all = vec![
                Finding::new(from, number, ty, evidence),
                Finding::new(label + 1, number, Type::CREDIT_CARD, Evidence::Validated),
            ];
            let found: Vec<_> = resolve(text.as_bytes(), all).iter().map(|f| f.start).collect();
            assert_eq!(found, [label + 1], "{text}");
        }
    }

    #[test]
    fn the_letter_of_a_possessive_is_no_remainder() {
        let text = b"at Lindgren's today";
        let all = vec![
            Finding::new(3, 13, Type::FACILITY, Evidence::Model),
            Finding::new(3, 11, Type::NAME, Evidence::Label),
        ];
        assert_eq!(resolve(text, all).iter().map(|f| (f.start, f.end)).collect::<Vec<_>>(), [(3, 11)]);
    }

    proptest! {
        #[test]
        fn disjoint_and_complete(ranges in prop::collection::vec((0usize..40, 1usize..12, 0u8..3), 0..12)) {
            let text = [b'x'; 60];
            let evidence = [Evidence::Failed, Evidence::Label, Evidence::Validated];
            let all: Vec<Finding> =
                ranges.iter().map(|(s, n, e)| Finding::new(*s, s + n, Type::ID, evidence[usize::from(*e)])).collect();
            let spans = resolve(&text, all.clone());
            prop_assert!(spans.windows(2).all(|p| p[0].end <= p[1].start));
            for i in 0..60 {
                let covered = |set: &[Finding]| set.iter().any(|f| f.start <= i && i < f.end);
                prop_assert_eq!(covered(&all), covered(&spans));
            }
        }
    }
}
