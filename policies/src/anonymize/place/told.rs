//! Places that a sentence leads up to, in any script: `my address is ...`, `адрес ...`, `住所は...`.
//!
//! **Invariant:** a value is bounded, and ends with its sentence, at a label, or where the words turn to prose.

use std::sync::LazyLock;

use super::tail;
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::sections::{Search, entries};
use crate::anonymize::words::{Caps, Word, apart, small};

/// What a lead leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Address,
    City,
    /// The city stands before it.
    Behind,
}

const LEADS: &[(&str, Lead)] = &[("address", Lead::Address), ("city", Lead::City), ("behind", Lead::Behind)];

static SEARCH: LazyLock<Search<Lead>> = LazyLock::new(|| {
    let leads = entries(include_str!("../../../words/leads.txt"), LEADS);
    Search::of(leads.map(|(lead, entry)| (lead, entry.trim_start_matches('~'))))
});

/// The longest value, in words.
const LONGEST: usize = 30;

/// Places behind leads, and cities before them.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let low = small(r.text);
    for (hit, lead) in SEARCH.hits(&low) {
        let whole = || apart(r.text, hit.start, hit.end, cased);
        match (lead, first(r, hit.end)) {
            (Lead::Behind, _) => before(r, hit.start, out),
            (Lead::Address, Some(i)) if whole() => address(r, i, out),
            (Lead::City, Some(i)) if whole() => city(r, i, out),
            (Lead::Address | Lead::City, _) => {}
        }
    }
}

/// Letters with capitals, and digits: scripts without capitals glue words together.
fn cased(c: char) -> bool {
    c.is_alphanumeric() && (c.is_lowercase() || c.is_uppercase() || c.is_ascii_digit())
}

/// The word at or behind byte `at`, with little between.
fn first(r: &Reading<'_>, at: usize) -> Option<usize> {
    let i = r.words.partition_point(|word| word.end <= at);
    let word = r.word(i)?;
    let gap = r.text.get(at..word.start.max(at))?;
    (gap.len() <= 3 && gap.chars().all(|c| " :\"'-(".contains(c))).then_some(i)
}

/// Letters without capitals, of another script.
fn uncased(word: &Word, text: &str) -> bool {
    word.caps == Caps::None && word.digits == 0 && !word.of(text).is_ascii()
}

fn address(r: &Reading<'_>, first: usize, out: &mut Vec<Finding>) {
    let Some(head) = r.word(first) else { return };
    let starts = head.digits > 0 || head.capital() || uncased(head, r.text) || named_street(r, first);
    if !starts || r.has(first, Role::Honorific) {
        return;
    }
    let mut last = first;
    while last < first + LONGEST && goes_on(r, last) {
        last += 1;
    }
    let numbered = (first..=last).filter(|i| r.word(*i).is_some_and(|w| w.digits > 0)).count();
    let dated = numbered > 0 && (first..=last).any(|i| super::of_time(r, i));
    let small = (first..=last).filter(|i| prose(r, *i)).count();
    let parts = (first..last).filter(|i| r.gap(*i).starts_with(',')).count();
    let only = last == first;
    if numbered == 0 || only && !long(head, r.text) || dated || small > 1 || numbered > 8 {
        return;
    }
    let words = (first..=last).filter(|i| r.word(*i).is_some_and(|w| w.digits == 0 && w.chars > 1)).count();
    if words > 0 && (parts > 0 || words <= 12) {
        r.mark((first, last), Type::ADDRESS, Evidence::Shape, out);
    }
}

/// A word of a script without spaces that holds a whole address.
fn long(word: &Word, text: &str) -> bool {
    word.chars >= 5 && !word.of(text).is_ascii()
}

fn named_street(r: &Reading<'_>, i: usize) -> bool {
    [Role::StreetBefore, Role::Unit].iter().any(|role| r.has(i, *role))
}

/// A small word of prose.
fn prose(r: &Reading<'_>, i: usize) -> bool {
    r.word(i).is_some_and(|w| w.caps == Caps::Lower && w.digits == 0)
        && r.has(i, Role::Common)
        && !named_street(r, i)
        && !r.has(i, Role::Particle)
}

/// Does the address go on behind word `last`?
fn goes_on(r: &Reading<'_>, last: usize) -> bool {
    let Some(next) = r.word(last + 1) else { return false };
    let gap = r.gap(last);
    if gap
        .contains(['\n', ';', '|', '\t', '"', '?', '!', '。', '、', '。', '।', '۔', '»', '<', '>', '{', '}'])
        || gap.len() > 8
    {
        return false;
    }
    let (here, short) = (r.word(last), r.word(last).is_some_and(|w| w.chars <= 4 || w.digits > 0));
    let numbered = here.is_some_and(|w| w.digits > 0);
    let part = tail::is_unit(r, last + 1) || named_street(r, last + 1) || r.has(last + 1, Role::StreetAfter);
    if gap.contains(". ") && (!short || numbered && !part && !next.is_number()) {
        return false;
    }
    if r.has(last + 1, Role::Label) && !part && next.caps == Caps::Lower
        || super::field_begins(r, last + 1) && !part
    {
        return false;
    }
    let behind_comma = gap.contains(',');
    let capital = next.capital() || next.digits > 0;
    let script = uncased(next, r.text) && !ends(r.str(last + 1));
    capital
        || part
        || script && (!behind_comma || r.text.is_char_boundary(next.start))
        || r.has(last + 1, Role::Particle) && !behind_comma
        || next.caps == Caps::Lower && next.chars <= 5 && gap.starts_with(['.', '/'])
        || next.caps == Caps::Lower
            && !r.has(last + 1, Role::Common)
            && !behind_comma
            && !next.of(r.text).is_ascii()
            && r.word(last + 2).is_some_and(|w| w.capital() || w.digits > 0)
}

/// Words of scripts without capitals that close an address.
fn ends(word: &str) -> bool {
    const ENDS: [&str; 30] = [
        "है",
        "में",
        "और",
        "हूँ",
        "के",
        "का",
        "की",
        "पर",
        "से",
        "এবং",
        "এ",
        "থাকি",
        "আছে",
        "است",
        "و",
        "در",
        "از",
        "هستم",
        "ולא",
        "ו",
        "עם",
        "ولم",
        "لم",
        "من",
        "ที่",
        "และ",
        "입니다",
        "이고",
        "이며",
        "에서",
    ];
    ENDS.contains(&word)
}

/// A city of a script without capitals, or of words with capitals that no list knows.
fn city(r: &Reading<'_>, first: usize, out: &mut Vec<Finding>) {
    let Some(head) = r.word(first).filter(|w| w.digits == 0) else { return };
    let script = uncased(head, r.text) && head.chars <= 14 && !ends(r.str(first));
    if !(script || head.capital() && !r.has(first, Role::Common)) || super::of_time(r, first) {
        return;
    }
    let mut last = first;
    while last < first + 4 && matches!(r.gap(last), " " | "-" | "'") {
        let Some(next) = r.word(last + 1) else { break };
        let linked = r.has(last + 1, Role::Particle) && r.word(last + 2).is_some_and(Word::capital);
        let fits =
            if script { uncased(next, r.text) && !ends(r.str(last + 1)) } else { next.capital() || linked };
        if !fits || next.digits > 0 || script && last + 1 > first + 1 {
            break;
        }
        last += 1;
    }
    // Of a script without spaces a whole sentence may be one word.
    let closed = !script || last > first || head.chars <= 12;
    if closed && !(script && spaceless(r.str(first))) {
        r.mark((first, last), Type::CITY, Evidence::Shape, out);
    }
}

/// Letters of scripts that write no spaces.
fn spaceless(word: &str) -> bool {
    word.chars()
        .any(|c| matches!(c, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

/// The word that ends before byte `end`: the city of `पटना में रहता हूँ`.
fn before(r: &Reading<'_>, end: usize, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < end);
    let Some(word) = i.checked_sub(1).and_then(|i| r.word(i)) else { return };
    let text = r.text.get(word.start..end.min(word.end)).unwrap_or_default();
    let from = text
        .char_indices()
        .rev()
        .find(|(_, c)| "はがをもで、住在".contains(*c))
        .map_or(0, |(at, c)| at + c.len_utf8());
    let chars = text.get(from..).unwrap_or_default().chars().count();
    if word.digits == 0 && (2..=14).contains(&chars) && word.caps != Caps::Lower {
        out.push(Finding::new(word.start + from, word.start + text.len(), Type::CITY, Evidence::Shape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::{missing, typed, unasked};

    fn check(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        typed(text, &out)
    }

    #[test]
    fn addresses_and_cities_behind_their_words() {
        let mut wrong = missing(
            check,
            &[
                (
                    "My address is 287 Barker Island Suite 447, Wintersville, MS 70198.",
                    "ADDRESS 287 Barker Island Suite 447, Wintersville, MS 70198",
                ),
                (
                    "address: Hauglandlunden 527, 2040 Nes, employer Ek",
                    "ADDRESS Hauglandlunden 527, 2040 Nes",
                ),
                (
                    "Alamat saya Gang Otto No. 74, Malang, Riau 65275.",
                    "ADDRESS Gang Otto No. 74, Malang, Riau 65275",
                ),
                ("Η διεύθυνσή μου είναι Δαμήλου 03, ΤΚ 426 21 Βόλος.", "ADDRESS Δαμήλου 03, ΤΚ 426 21 Βόλος"),
                ("मेरा पता 7302 स्वप्निल तमांग, बहादुरगढ-930364 है", "ADDRESS 7302 स्वप्निल तमांग, बहादुरगढ-930364"),
                ("הכתובת שלי היא הסיפון 22, אל סייד, 4990951.", "ADDRESS הסיפון 22, אל סייד, 4990951"),
                ("عنواني هو 24 شارع النيل, حلوان.", "ADDRESS 24 شارع النيل, حلوان"),
                ("I live in கோவை and work", "CITY கோவை"),
                ("मैं अखनूर में रहता हूँ", "CITY अखनूर"),
                ("Я живу в городе Мокшан и работаю", "CITY Мокшан"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "my address is still the same",
                "the address is 0x7fff in memory",
                "your address is wrong, please fix it by 5 May",
                "the email address is on page 12",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
