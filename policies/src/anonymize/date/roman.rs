//! Months as Roman numerals, as Poles, Hungarians, Italians and the French write them: `14 III 1962`, `12.XI.2024`, `7-VIII-84`.
//!
//! **Invariant:** a day stands before the numeral and a year behind it, with the same sign on both sides; or, behind a
//! slash and in capitals, none.

use super::{Field, Written, day_token, gap, is_year, piece};
use crate::anonymize::token::{Token, before, in_token};

const NUMERALS: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// 1 to 12 for a numeral, in capitals or in small letters.
pub(super) fn month_of(word: &str) -> Option<u32> {
    let at = NUMERALS.iter().position(|numeral| numeral.eq_ignore_ascii_case(word))?;
    Some(at as u32 + 1)
}

/// The numeral of a month, in the letters of `like`.
pub(super) fn numeral(month: u32, like: &str) -> String {
    let numeral = NUMERALS[month as usize - 1];
    if like.bytes().all(|b| b.is_ascii_lowercase()) {
        numeral.to_ascii_lowercase()
    } else {
        numeral.to_owned()
    }
}

/// The date whose day is token `i`.
pub(super) fn find(text: &[u8], all: &[Token], i: usize) -> Option<Written> {
    let [day, month] = *all.get(i..i + 2)?.first_chunk()?;
    if month.digits > 0 || month.len() > 4 || day_token(text, day) != Some(Field::Day) {
        return None;
    }
    let word = std::str::from_utf8(month.of(text)).ok()?;
    month_of(word)?;
    let sign = gap(text, day, month);
    let joined = matches!(sign, b"." | b"-" | b"/" | b". ");
    let capital = word.bytes().all(|b| b.is_ascii_uppercase());
    let small = word.bytes().all(|b| b.is_ascii_lowercase());
    let free = !matches!(before(text, day.start), b'-' | b'/' | b'.' | b':' | b'$' | b'_')
        && !in_token(before(text, day.start));
    // `7/VIII`: without a year, where the numeral is of more than a letter.
    let alone = sign == b"/" && capital && month.len() > 1 && free;
    let brief =
        || Written::new(vec![piece(Field::Day, day), piece(Field::Roman, month)], 60).filter(|_| alone);
    let Some(year) = all.get(i + 2).copied().filter(|year| gap(text, month, *year) == sign) else {
        return brief();
    };
    let last = match year.len() {
        4 if is_year(text, year) => Field::Year,
        2 if year.is_number() && joined => Field::Short,
        _ => return None,
    };
    let fits = gap(text, month, year) == sign && (capital && sign == b" " || (capital || small) && joined);
    if !fits || !free {
        return None;
    }
    Written::new(vec![piece(Field::Day, day), piece(Field::Roman, month), piece(last, year)], 95)
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::{dates, shift};
    use crate::anonymize::token::tokens;

    #[test]
    fn months_in_roman_numerals_are_found_and_moved() {
        for (text, want, moved) in [
            ("urodzony 14 III 1962 w", Some("14 III 1962"), "24 III 1962"),
            ("Seen 25.XI.2024 by", Some("25.XI.2024"), "05.XII.2024"),
            ("née le 7-viii-84 à", Some("7-viii-84"), "17-viii-84"),
            ("dnia 3. X. 2020 r.", Some("3. X. 2020"), "13. X. 2020"),
            ("stage 3 II 2025", Some("3 II 2025"), "13 II 2025"),
            ("type 2 I think 2020", None, ""),
            ("4 x 2000 mg", None, ""),
            ("grade 3 IV fluids", None, ""),
            ("factor 5 V 2", None, ""),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            let got = found.first().map(|date| &text[date.start..date.end]);
            assert_eq!(got, want, "{text}");
            if let Some(date) = found.first() {
                let all = shift(text, date, 10);
                assert!(all.contains(moved), "{all}");
            }
        }
    }
}
