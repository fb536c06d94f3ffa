//! Surrogates made of invented words and of characters of the same class.

use std::ops::Range;

use super::Choice;
use crate::anonymize::secret::prefix_len;

/// A pronounceable word of nobody.
pub(super) fn name(choice: &mut Choice, len: usize) -> String {
    const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
    const VOWELS: &[u8] = b"aeiou";
    let mut vowel = choice.below(3) == 0;
    let mut out = String::with_capacity(len);
    for _ in 0..len {
        out.push(char::from(choice.pick(if vowel { VOWELS } else { CONSONANTS })));
        vowel = !vowel;
    }
    out
}

/// Every digit becomes a digit, every letter a letter of the same case; the rest stays.
pub(crate) fn alike(original: &str, choice: &mut Choice) -> String {
    original
        .chars()
        .enumerate()
        .map(|(i, c)| match c {
            // Nineteen digits must still fit a signed 64-bit number: no leading 9.
            '1'..='9' if i == 0 => {
                char::from(b'1' + choice.below(if original.len() == 19 { 8 } else { 9 }) as u8)
            }
            c if c.is_numeric() => char::from(choice.digit()),
            'A'..='Z' => char::from(choice.letter()),
            c if c.is_uppercase() => char::from(choice.letter()),
            c if c.is_alphabetic() => char::from(choice.letter().to_ascii_lowercase()),
            c => c,
        })
        .collect()
}

/// The text with other digits in a range of it; where that has none, with other letters.
pub(crate) fn redrawn(text: &str, range: Range<usize>, choice: &mut Choice) -> String {
    let (head, part, tail) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    let numbered = part.bytes().any(|b| b.is_ascii_digit());
    let digit = |c: char| match c {
        '0'..='9' => char::from(b'1' + choice.below(9) as u8),
        c => c,
    };
    let new = if numbered { part.chars().map(digit).collect() } else { alike(part, choice) };
    format!("{head}{new}{tail}")
}

/// What ends an invented secret, for all to see.
const TAIL: &str = "EXAMPLE";

/// An encoded run of the same length, `EXAMPLE` at its end: under a label that calls it a token it is no real one.
pub(super) fn encoded(original: &str, choice: &mut Choice) -> String {
    let run = original.trim_end_matches('=');
    let mut body = alike(run, choice);
    if body.is_ascii() && body.len() > 2 * TAIL.len() {
        body.replace_range(body.len() - TAIL.len().., TAIL);
    }
    body + &original[run.len()..]
}

/// The vendor's prefix, characters of the same class, and `EXAMPLE` for all to see.
pub(super) fn secret(original: &str, choice: &mut Choice) -> String {
    if let Some(start) = original.find("KEY").filter(|_| original.starts_with("-----BEGIN")) {
        let open = original[start..].find("-----").map_or(original.len(), |n| start + n + 5);
        let close = original.rfind("-----END").unwrap_or(original.len()).max(open);
        let code = choice.below(1_000_000_000);
        return format!("{}\n{TAIL}{code:09}\n{}", &original[..open], &original[close..]);
    }
    let keep = prefix_len(original.as_bytes());
    let keep = if original.is_char_boundary(keep) { keep } else { 0 };
    let (head, rest) = original.split_at(keep);
    let body = alike(rest, choice);
    let cut = body.char_indices().rev().nth(TAIL.len() - 1).map(|(at, _)| at);
    match cut {
        Some(at) if body.len() > 2 * TAIL.len() => format!("{head}{}{TAIL}", &body[..at]),
        _ => format!("{head}{body}{TAIL}"),
    }
}

/// `new` in the case of `like`.
pub(super) fn cased(new: &str, like: &str) -> String {
    let letters = || like.chars().filter(|c| c.is_alphabetic());
    let lower = letters().any(char::is_lowercase);
    let upper = letters().any(char::is_uppercase);
    match (upper, lower) {
        (true, false) if letters().count() > 1 => new.to_uppercase(),
        (false, true) => new.to_lowercase(),
        (_, _) => new.to_owned(),
    }
}

/// Is `small`, which is in lower case, the word in lower case?
pub(super) fn is_small_of(small: &str, word: &str) -> bool {
    if word.is_ascii() { word.eq_ignore_ascii_case(small) } else { word.to_lowercase() == small }
}

/// Lower case without marks, as addresses are written.
pub(crate) fn plain(word: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let mut out = String::with_capacity(word.len());
    for c in word.to_lowercase().nfd() {
        match c {
            'ß' => out.push_str("ss"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'æ' => out.push_str("ae"),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            '\u{300}'..='\u{36f}' | '\'' => {}
            _ => out.push(c),
        }
    }
    out
}
