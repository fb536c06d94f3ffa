//! Days in eight digits: `DOB: 01052025`, `tested 20231001`, `<birthTime value="19380422"/>`.
//!
//! **Invariant:** a word of days stands before, or the digits alone make the text, or they read year first.

use super::{Field, Token, Written, number, piece};
use crate::anonymize::token::after;

/// `DOB: 01052025`, `tested 20231001`: eight digits behind a word of birth or examination, or alone.
pub(super) fn find(text: &[u8], token: Token) -> Option<Written> {
    const SAID: &[&[u8]] = &[
        b"dob",
        b"birth",
        b"d.o.b",
        b"birthdate",
        b"birthday",
        b"born",
        b"date",
        b"tested",
        b"dated",
        b"on",
        b"admitted",
        b"seen",
        b"collected",
        b"doa",
        b"dos",
        b"discharged",
        b"geb",
        b"gebdatum",
        b"geboortedatum",
        b"geburtsdatum",
        b"naissance",
        b"nacimiento",
        b"nascita",
        b"nascimento",
    ];
    if token.len() != 8 || !token.is_number() {
        return None;
    }
    let head = text[token.start.saturating_sub(24)..token.start].to_ascii_lowercase();
    // `<birthTime value="19380422"/>`: the name of the element.
    let head = match head.strip_suffix(b" value=\"") {
        Some(element) => [element.strip_suffix(b"time").unwrap_or(element), b" "].concat(),
        None => head,
    };
    let end = head.iter().rposition(|b| b.is_ascii_alphabetic()).map_or(0, |last| last + 1);
    let word = &head[..end];
    let near = head[end..].iter().all(|b| b" :.=#\t>\"".contains(b));
    let said = SAID.iter().any(|said| {
        word.strip_suffix(*said).is_some_and(|rest| !rest.last().is_some_and(u8::is_ascii_alphabetic))
    });
    // `seen 4 weeks ago, 20180624 at last`: year first, among words.
    let led = matches!(head.as_slice(), [.., b'a'..=b'z' | b',' | b'|' | b'.' | b'(', b' '] | [.., b'(']);
    let open = led
        && matches!(after(text, token.end), b' ' | b',' | b'.' | b')' | b'\n' | b'|' | b':' | b'?' | b';');
    let sure = said && near || text.len() == 8;
    let part = |from: usize, to: usize| Token {
        start: token.start + from,
        end: token.start + to,
        digits: to - from,
    };
    let fits = |year: Token, month: Token, day: Token| {
        (1900..2100).contains(&number(text, year))
            && (1..=12).contains(&number(text, month))
            && (1..=31).contains(&number(text, day))
    };
    if !(sure || open) {
        return None;
    }
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    if !sure && !(1920..2040).contains(&number(text, year)) {
        return None;
    }
    if fits(year, month, day) {
        return Written::new(
            vec![piece(Field::Year, year), piece(Field::Month, month), piece(Field::Day, day)],
            85,
        );
    }
    if !sure {
        return None;
    }
    let (a, b, year) = (part(0, 2), part(2, 4), part(4, 8));
    if fits(year, a, b) {
        Written::new(vec![piece(Field::Month, a), piece(Field::Day, b), piece(Field::Year, year)], 85)
    } else if fits(year, b, a) {
        Written::new(vec![piece(Field::Day, a), piece(Field::Month, b), piece(Field::Year, year)], 85)
    } else {
        None
    }
}
