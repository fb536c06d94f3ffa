//! What stands between a word and its code: `n°`, `nr.`, `is`, a colon.
//!
//! **Invariant:** looks at a bounded part of one line; the code begins at a capital or a digit that nothing touches.

use std::sync::LazyLock;

use crate::anonymize::quick::Set;
use crate::anonymize::sections::entries;

/// Words that may stand between.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Small {
    Number,
    Link,
}

struct Lists {
    number: Set<&'static str>,
    link: Set<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let names = &[("number", Small::Number), ("link", Small::Link)];
    let all = || entries(include_str!("../../../words/behind.txt"), names);
    let of = |small| all().filter(|(kind, _)| *kind == small).map(|(_, word)| word).collect();
    Lists { number: of(Small::Number), link: of(Small::Link) }
});

/// How far behind its word a code may begin, and how many words may stand between.
const REACH: usize = 40;
const MOST: usize = 5;

/// Letters of the longest word between.
const LONGEST: usize = 16;

/// Where a code begins, and whether anything said that it is a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Begin {
    pub(super) at: usize,
    pub(super) named: bool,
}

/// The place behind the word that ends at `from`; `low` is the text in small letters, `abbreviated` whether a full
/// stop behind the word belongs to it.
pub(super) fn begin(text: &str, low: &str, from: usize, abbreviated: bool) -> Option<Begin> {
    let mut out = Begin { at: from, named: false };
    let mut stop = abbreviated;
    // `郵遞區號802`, `身份證G354691(7)`: scripts without spaces.
    let glued = text.get(..from).is_some_and(|head| head.ends_with(spaceless));
    for _ in 0..=MOST {
        let marks = marks(text.as_bytes(), out.at, stop);
        // The word goes on: `order-123`, `user_id`.
        if marks == 0 && out.at == from && !glued && touched(text, from) {
            return None;
        }
        let next = out.at + marks;
        let between = text.get(out.at..next)?;
        out.named |= between.contains([':', '#', '=', '\u{b0}']);
        out.at = next;
        if out.at - from > REACH {
            return None;
        }
        let word = word(low, out.at);
        let said = low.get(out.at..out.at + word)?;
        let written = text.get(out.at..out.at + word)?;
        let number = LISTS.number.contains(said);
        let coded = word > 1 && written.bytes().all(|b| b.is_ascii_uppercase());
        if word == 0 || !number && (coded || !LISTS.link.contains(said)) {
            break;
        }
        // `N 4711` is a number, `A 4711` the head of one.
        if !number && word == 1 && written.bytes().all(|b| b.is_ascii_uppercase()) {
            break;
        }
        // `NR-448172` is the head of a code too.
        let head = text.as_bytes().get(out.at + word).is_some_and(|b| b"-/".contains(b));
        // `BR01 AK 4182` begins with the sign of a state.
        let joined = text.as_bytes().get(out.at + word).is_some_and(u8::is_ascii_digit);
        if (head || joined) && written.bytes().all(|b| b.is_ascii_uppercase()) {
            break;
        }
        out.named |= number;
        stop = number;
        out.at += word;
    }
    let first = text.as_bytes().get(out.at)?;
    let starts = first.is_ascii_digit() || first.is_ascii_uppercase() || !first.is_ascii();
    ((out.at > from || glued) && starts).then_some(out)
}

/// Does a letter or a digit of an alphabet, or what joins words, touch the end of the word?
fn touched(text: &str, end: usize) -> bool {
    let next = text.get(end..).and_then(|rest| rest.chars().next());
    next.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '@') || c.is_lowercase())
}

/// Spaces and signs between words; a full stop only behind a short form.
fn marks(text: &[u8], from: usize, stop: bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let dash = usize::from(rest.first() == Some(&b'-') && rest.get(1).is_some_and(u8::is_ascii_alphabetic));
    let dot = usize::from(stop && rest.get(dash) == Some(&b'.'));
    // `n.o 4711`: the small letter above the line.
    let above = if dot == 1 && matches!(rest.get(1..3), Some(b"o " | b"a ")) { 1 } else { 0 };
    let signs = rest
        .iter()
        .skip(dash + dot + above)
        .take(8)
        .take_while(|b| b" :#=\"'(*".contains(b) || matches!(b, 0xc2 | 0xb0))
        .count();
    dash + dot + above + signs
}

/// Bytes of the word at `from`; one character in scripts without capitals.
fn word(low: &str, from: usize) -> usize {
    let rest = low.get(from..).unwrap_or_default();
    let cased = |c: char| c.is_lowercase() || c.is_uppercase();
    let len: usize = rest
        .chars()
        .take(LONGEST)
        .take_while(|c| cased(*c) || *c == '\'' || is_mark(*c))
        .map(char::len_utf8)
        .sum();
    if len > 0 {
        return len;
    }
    let spaced = rest.char_indices().take(LONGEST).find(|(_, c)| *c == ' ').map_or(0, |(at, _)| at);
    let whole = rest.get(..spaced).is_some_and(|word| word.chars().all(|c| c.is_alphabetic() || is_mark(c)));
    if whole && spaced > 0 {
        return spaced;
    }
    // `號碼LT-4418209`: of scripts without spaces the longest that is known.
    let ends = || rest.char_indices().skip(1).take(SIGNS).map(|(at, _)| at);
    let known = |at: &usize| {
        rest.get(..*at).is_some_and(|word| LISTS.number.contains(word) || LISTS.link.contains(word))
    };
    if let Some(at) = rest.starts_with(spaceless).then(|| ends().filter(known).max()).flatten() {
        return at;
    }
    rest.chars().next().filter(|c| c.is_alphabetic()).map_or(0, char::len_utf8)
}

/// The most signs of a word in scripts without spaces.
const SIGNS: usize = 4;

/// A sign of Chinese, Japanese or Korean.
pub(super) fn spaceless(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// A vowel sign of India or Thailand.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}') && !c.is_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::words::small;

    fn check(text: &str, word: &str) -> Option<(String, bool)> {
        let low = small(text);
        let from = low.find(word).unwrap() + word.len();
        begin(text, &low, from, word.len() <= 4)
            .map(|begin| (text[begin.at..].chars().take(3).collect(), begin.named))
    }

    #[test]
    fn words_between() {
        for (text, word, want) in [
            ("commande n\u{b0} FR-829104", "commande", Some(("FR-", true))),
            ("contrato n.o 2024/118302", "contrato", Some(("202", true))),
            ("abbonamento n. AB/573160", "abbonamento", Some(("AB/", true))),
            ("my passport is 123456", "passport", Some(("123", false))),
            ("polis WA-5730.616", "polis", Some(("WA-", false))),
            ("Police-Nr. 14.882", "police", Some(("14.", true))),
            ("sözleşme no: SZ-448172", "sözleşme", Some(("SZ-", true))),
            ("договор No 118-22", "договор", Some(("118", true))),
            ("गाड़ी नंबर BR01 AK 4182", "गाड़ी", Some(("BR0", true))),
            ("पॉलिसी संख्या 41-8820937 का", "पॉलिसी", Some(("41-", true))),
            ("郵遞區號802，改", "郵遞區號", Some(("802", false))),
            ("保單號碼LT-4418209已", "保單", Some(("LT-", true))),
            ("order-123", "order", None),
            ("the order. ABC 123", "order", None),
            ("order\n4711", "order", None),
            ("the contract was cancelled", "contract", None),
        ] {
            let want = want.map(|(value, named)| (value.to_owned(), named));
            assert_eq!(check(text, word), want, "{text}");
        }
    }
}
