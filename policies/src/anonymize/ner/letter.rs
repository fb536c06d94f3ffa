//! Characters as the reader of the sequence model sees them: their kind, their script, their plain form.
//!
//! **Invariant:** a function of the character alone, and of ASCII without a table.

use unicode_normalization::char::decompose_canonical;

/// Kinds of characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Letter,
    Digit,
    Single(u8),
    Line,
    Sign,
    Nothing,
}

/// What a character is to the reader.
#[inline]
pub(super) fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Digit,
        '\n' | '\r' => Class::Line,
        '\t' => Class::Sign,
        '\u{0}'..=' ' => Class::Nothing,
        '\u{7f}' | '\u{80}'..='\u{9f}' => Class::Nothing,
        '!'..='~' => Class::Sign,
        '\u{e01}'..='\u{e7f}' => Class::Single(2),
        '\u{3040}'..='\u{309f}' => Class::Single(1),
        '\u{30a0}'..='\u{30ff}' if c != '\u{30fb}' => Class::Single(4),
        '\u{3005}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
            Class::Single(0)
        }
        '\u{20000}'..='\u{3ffff}' => Class::Single(0),
        '\u{ac00}'..='\u{d7af}' => Class::Single(3),
        '\u{964}' | '\u{965}' => Class::Sign,
        '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c7}' | '\u{64b}'..='\u{652}' => Class::Letter,
        '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' => Class::Letter,
        _ if c.is_alphabetic() => Class::Letter,
        _ if c.is_whitespace() => Class::Nothing,
        _ => Class::Sign,
    }
}

#[inline]
pub(super) fn is_upper(c: char) -> bool {
    c.is_ascii_uppercase() || !c.is_ascii() && c.is_uppercase()
}

/// The number of the script that a letter belongs to.
#[inline]
pub(super) fn script(c: char) -> u8 {
    match u32::from(c) {
        0..=0x24f | 0x1e00..=0x1eff => 0,
        0x370..=0x3ff | 0x1f00..=0x1fff => 1,
        0x400..=0x52f => 2,
        0x590..=0x5ff => 3,
        0x600..=0x77f => 4,
        0x900..=0xdff => 5,
        0x530..=0x58f | 0x10a0..=0x10ff => 6,
        _ => 7,
    }
}

/// The small letter without its accent.
#[inline]
pub(super) fn plain(c: char) -> u32 {
    if c.is_ascii() {
        return u32::from(c.to_ascii_lowercase());
    }
    let small = c.to_lowercase().next().unwrap_or(c);
    let base = match small {
        'ø' | 'œ' => 'o',
        'ł' => 'l',
        'đ' | 'ð' => 'd',
        'ß' => 's',
        'æ' => 'a',
        'ı' => 'i',
        'ς' => 'σ',
        '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}' => {
            let mut first = None;
            decompose_canonical(small, |part| first = first.or(Some(part)));
            first.unwrap_or(small)
        }
        _ => small,
    };
    u32::from(base)
}
