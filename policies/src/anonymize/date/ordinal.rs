//! `12.3.`: a day and its month as two ordinals, as Germans, Finns, Czechs, Norwegians and Hungarians write them.
//!
//! **Invariant:** the second full stop stands inside a sentence, or a word that days follow leads to it.

use std::sync::LazyLock;

use super::short::line_before;
use crate::anonymize::quick::Set;
use crate::anonymize::sections::entries_of;
use crate::anonymize::token::after;

/// Words before: of days, and of chapters and versions.
struct Words {
    led: Set<&'static str>,
    numbered: Set<&'static str>,
    goes_on: Set<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    const SOURCE: &str = include_str!("../../../words/days.txt");
    Words {
        led: entries_of(SOURCE, "led"),
        numbered: entries_of(SOURCE, "numbered"),
        goes_on: entries_of(SOURCE, "goes on"),
    }
});

/// `seit 12.1., bitte`, `on 12.3. klo 8`, `bis 28.2.`: two ordinals, whose second full stop ends no sentence or which
/// stand behind a word that days follow, and no chapter of a text.
pub(super) fn is_ordinal(text: &[u8], start: usize, end: usize) -> bool {
    let parts = || text[start..end].split(|b| *b == b'.');
    let sized = |part: &[u8]| matches!(part, [b'1'..=b'9'] | [b'0'..=b'3', b'0'..=b'9']);
    if after(text, end) != b'.' || parts().count() != 2 || !parts().all(sized) {
        return false;
    }
    let numbers: Vec<u8> = parts()
        .map(|part| part.iter().fold(0, |n, b| n * 10 + (b - b'0')))
        .filter(|n| (1..=31).contains(n))
        .collect();
    let calendar = matches!(numbers[..], [x, y] if x.min(y) <= 12 && (y <= 12 || x <= 12));
    let word = word_before(line_before(text, start));
    let head = line_before(text, start).last().is_some_and(|b| b" (".contains(b));
    if !calendar || !head || word.is_empty() || WORDS.numbered.contains(word.as_str()) {
        return false;
    }
    let rest = text.get(end + 1..).unwrap_or_default();
    let inside = match rest {
        [b',' | b';' | b')' | b'-' | b'/', ..] => true,
        [b' ', next @ 0xc3..=0xc5, ..] | [b' ', next, ..] if !next.is_ascii_uppercase() => {
            foreign(line_before(text, start)) || foreign(&rest[..rest.len().min(AHEAD)]) || goes_on(rest)
        }
        _ => false,
    };
    inside || WORDS.led.contains(word.as_str())
}

/// How far behind a day letters with signs are looked for.
const AHEAD: usize = 80;

/// Letters with signs over them: in English a full stop before a small letter ends a sentence all the same.
fn foreign(text: &[u8]) -> bool {
    text.iter().any(|b| matches!(b, 0xc3..=0xc5))
}

/// ` klo 8`, ` um`, ` mennessä`: words of a language that writes such days.
fn goes_on(rest: &[u8]) -> bool {
    let word = rest[1..].iter().take_while(|b| !b.is_ascii_whitespace() && !b",.;".contains(b)).count();
    std::str::from_utf8(&rest[1..=word]).is_ok_and(|word| WORDS.goes_on.contains(word))
}

/// The word before, of any alphabet, in small letters; empty behind a sign or a number.
fn word_before(head: &[u8]) -> String {
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b"(").unwrap_or(head).trim_ascii_end();
    let head = head.strip_suffix(b".").or_else(|| head.strip_suffix(b":")).unwrap_or(head);
    let letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
    let len = head.iter().rev().take(32).take_while(|b| letter(b)).count();
    String::from_utf8_lossy(&head[head.len() - len..]).to_lowercase()
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::dates;
    use crate::anonymize::token::tokens;

    #[test]
    fn two_ordinals_are_a_day_and_a_number_behind_a_chapter_is_none() {
        for (text, dated) in [
            ("Zähler defekt seit 12.1., bitte", true),
            ("vastaanottoaika on 12.3. klo 8.15", true),
            ("technická platí do 28.2. a pak", true),
            ("Termin am 3.7.", true),
            ("frist innen 15.9. eller", true),
            ("levélben 03.25. napján", true),
            ("siehe Kapitel 12.1. und", false),
            ("see version 12.1.", false),
            ("kap. 2.1. popisuje", false),
            ("it costs 12.3.", false),
            ("hgb 12.9. plan is to", false),
            ("kurssi 14.9. klo 17", true),
            ("je to 2.5. Potom", false),
            ("2.1. allgemeines", false),
            ("upgrade to 10.4.2", false),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(found.iter().any(|date| date.score >= 40), dated, "{text}: {found:?}");
        }
    }
}
