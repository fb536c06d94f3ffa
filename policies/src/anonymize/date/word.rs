//! Whether the name of a month or of a weekday is part of a date, by how it is written and what stands before it.
//!
//! **Invariant:** looks at ten bytes before a name.

use super::{Field, Token, Written, calendar, loose, month_of, piece};

pub(super) fn capital(text: &[u8], name: Token) -> bool {
    text[name.start].is_ascii_uppercase()
}

/// A month name that is no other word.
pub(super) fn plain_month(text: &[u8], name: Token) -> bool {
    let foreign = month_of(name.of(text)).is_none() && !loose::full(name.of(text));
    !foreign
        && !matches!(
            name.of(text).to_ascii_lowercase().as_slice(),
            b"may" | b"march" | b"mar" | b"dec" | b"sep" | b"jan" | b"jun"
        )
}

/// `may 5`: only after a word that dates follow.
pub(super) fn said_as_month(text: &[u8], name: Token) -> bool {
    let head = text[name.start.saturating_sub(10)..name.start].to_ascii_lowercase();
    let said = [
        &b"on "[..],
        b"from ",
        b"for ",
        b"until ",
        b"since ",
        b"by ",
        b"to ",
        b"between ",
        b"and ",
        b"through ",
    ];
    // `lmp jan 4`: what nothing else is called, before no unit.
    let short = [&b"jan"[..], b"mar", b"jun", b"sep", b"dec"]
        .iter()
        .any(|word| name.of(text).eq_ignore_ascii_case(word));
    let day = text[name.end..].iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
    let short = short && !crate::anonymize::number::unit_follows(text, name.end + 1 + day);
    short || plain_month(text, name) || capital(text, name) || said.iter().any(|word| head.ends_with(word))
}

/// `Friday, 5 March 2021`, `Thursday 8/10`: the weekday belongs to the date.
pub(super) fn with_weekday(text: &[u8], all: &[Token], i: usize, mut date: Written) -> Written {
    if date.pieces.len() >= 2 && i > 0 {
        let day = all[i - 1];
        if calendar::weekday_of(day.of(text)).is_some()
            && matches!(&text[day.end..date.start], b", " | b" " | b"," | b". ")
        {
            date.pieces.insert(0, piece(Field::Weekday, day));
            date.start = day.start;
            date.score = date.score.max(85);
        }
    }
    date
}
