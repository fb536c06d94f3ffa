//! Prices and measures: `12,99 €`, `95 грн`, `850円`, `10 nghìn`, which a model of words takes for ages and dates.
//!
//! **Invariant:** only what touches the span's last number, or stands right before its first, is looked at.

use std::sync::LazyLock;

use crate::anonymize::quick::Map;
use crate::anonymize::sections::entries;

/// What a word behind a number says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// So much money.
    Money,
    /// So much, or so many, of something else.
    Measure,
}

const NAMES: &[(&str, Amount)] = &[("money", Amount::Money), ("measure", Amount::Measure)];

static WORDS: LazyLock<Map<&'static str, Amount>> = LazyLock::new(|| {
    entries(include_str!("../../../suppress/money.txt"), NAMES).map(|(amount, word)| (word, amount)).collect()
});

/// Signs of currencies, before a number or behind it; the counters of scripts without spaces stand behind it.
const SIGNS: [char; 12] = ['€', '$', '£', '¥', '₽', '₴', '₹', '₺', '₩', '₫', '₪', '฿'];
const COUNTERS: [char; 12] = ['円', '元', '块', '塊', '원', '圓', '万', '萬', '만', '個', '枚', '台'];
/// The longest word of the lists, in bytes.
const LONGEST: usize = 40;

/// What the span `start..end` of `text` amounts to, if anything.
pub(super) fn amount(text: &str, start: usize, end: usize) -> Option<Amount> {
    let said = text.get(start..end)?;
    let first = start + said.find(|c: char| c.is_ascii_digit())?;
    let last = start + said.rfind(|c: char| c.is_ascii_digit())? + 1;
    let before = text[..first]
        .trim_end_matches(|c: char| c.is_ascii_digit() || ".,".contains(c))
        .trim_end_matches(' ');
    if before.ends_with(SIGNS) {
        return Some(Amount::Money);
    }
    let behind = text[last..].trim_start_matches(|c: char| c.is_ascii_digit());
    let behind = decimals(behind).unwrap_or(behind);
    let behind = behind.strip_prefix([' ', '\u{a0}', '\u{202f}']).unwrap_or(behind);
    if behind.starts_with(SIGNS) || behind.starts_with(COUNTERS) {
        return Some(Amount::Money);
    }
    let length = behind
        .find(|c: char| !(c.is_alphanumeric() || ('\u{900}'..'\u{e00}').contains(&c)))
        .unwrap_or(behind.len());
    let word = behind.get(..length).filter(|word| word.len() <= LONGEST)?;
    WORDS.get(word.to_lowercase().as_str()).copied()
}

/// What stands behind `,99` or `.000`.
fn decimals(text: &str) -> Option<&str> {
    let rest = text.strip_prefix([',', '.'])?;
    let tail = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    (tail.len() < rest.len()).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_before_currencies_and_units_are_amounts() {
        for (text, part, want) in [
            ("passe à 12,99 € par mois", "12", Some(Amount::Money)),
            ("коштує 95 грн, і", "95 грн", Some(Amount::Money)),
            ("sale a 14,50 € la", "14", Some(Amount::Money)),
            ("ラーメンは850円です", "850円", Some(Amount::Money)),
            ("समोसा 15 रुपये का", "15 रुपये", Some(Amount::Money)),
            ("thêm nem 10 nghìn, trà", "10", Some(Amount::Money)),
            ("for $18.40 or so", "18", Some(Amount::Money)),
            ("بقوة 45 واط.", "45 واط", Some(Amount::Measure)),
            ("waży 12 kg i", "12", Some(Amount::Measure)),
            ("a 82 year old", "82", None),
            ("am 14. Mai", "14. Mai", None),
            ("i wiek 41 lat", "41 lat", None),
            ("no digits here", "digits", None),
        ] {
            let start = text.find(part).unwrap();
            assert_eq!(amount(text, start, start + part.len()), want, "{text}");
        }
    }
}
