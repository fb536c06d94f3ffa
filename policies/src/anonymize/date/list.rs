//! Days that share a month: `May 6 and 7, 2025`, `from 12 to 15 March 2024`, `vom 11. bis 19. März`, `le 3, 5 et 9 mai`.
//!
//! **Invariant:** the days ascend, and a word or a dash that joins days stands between two of them.

use super::{Field, Written, day_token, gap, is_year, number, piece};
use crate::anonymize::number::unit_follows;
use crate::anonymize::token::{Token, after, before};

/// Words between two days.
const JOINERS: [&str; 24] = [
    "and", "to", "through", "thru", "or", "until", "till", "bis", "und", "et", "au", "y", "al", "a", "ao",
    "e", "tot", "en", "och", "og", "til", "do", "i", "la",
];

/// The date with the days before and behind it that have its month; nothing before byte `floor` is taken.
pub(super) fn widened(text: &[u8], all: &[Token], floor: usize, mut date: Written) -> Written {
    let is_day = |piece: Option<&(Field, usize, usize)>| {
        piece.is_some_and(|(field, ..)| matches!(field, Field::Day | Field::Ordinal))
    };
    let at = |start: usize| all.partition_point(|token| token.start < start);
    if is_day(date.pieces.first()) {
        let days = earlier(text, all, at(date.start), floor);
        date.pieces.splice(..0, days);
    }
    let spaced = matches!(date.pieces.as_slice(), [(Field::Name, _, end), (_, start, _)] if text[*end..*start] == *b" ");
    if spaced && is_day(date.pieces.last()) {
        let last = at(date.pieces[1].1);
        date.pieces.extend(later(text, all, last));
    }
    if let (Some((_, start, _)), Some((_, _, end))) = (date.pieces.first(), date.pieces.last()) {
        (date.start, date.end) = (*start, *end);
    }
    date
}

/// Whether token `i` is the last day of `3-7 June`.
pub(super) fn goes_on(text: &[u8], all: &[Token], i: usize) -> bool {
    !earlier(text, all, i, 0).is_empty()
}

/// Days before token `first`, which is the day of a date.
fn earlier(text: &[u8], all: &[Token], mut first: usize, floor: usize) -> Vec<(Field, usize, usize)> {
    let mut out = Vec::new();
    while let Some((at, joined)) = back(text, all, first) {
        let day = all[at];
        let ascends = number(text, day) < number(text, all[first]) && day.start >= floor;
        let part = matches!(before(text, day.start), b'-' | b'/' | b'.' | b':' | b'$' | b'_' | b'#');
        if !joined && out.is_empty() || !ascends || part {
            break;
        }
        out.extend(day_token(text, day).map(|field| piece(field, day)));
        first = at;
    }
    out.reverse();
    out
}

/// The day before token `k` that is joined to it, and whether by more than a comma.
fn back(text: &[u8], all: &[Token], k: usize) -> Option<(usize, bool)> {
    let mut k = k;
    let mut a = k.checked_sub(1)?;
    if all[a].of(text).eq_ignore_ascii_case(b"the") && gap(text, all[a], all[k]) == b" " {
        (k, a) = (a, a.checked_sub(1)?);
    }
    let between = gap(text, all[a], all[k]);
    if day_token(text, all[a]).is_some() {
        return sign(between).map(|joined| (a, joined));
    }
    let b = a.checked_sub(1)?;
    let joined = between == b" " && is_joiner(text, all[a]) && day_token(text, all[b]).is_some();
    (joined && ends(gap(text, all[b], all[a]))).then_some((b, true))
}

/// Days behind token `last`, which is the day of a date without a year, and their year.
fn later(text: &[u8], all: &[Token], mut last: usize) -> Vec<(Field, usize, usize)> {
    let (mut out, mut sure) = (Vec::new(), 0);
    while let Some((at, joined)) = on(text, all, last) {
        let day = all[at];
        let ascends = number(text, day) > number(text, all[last]);
        if !ascends || matches!(after(text, day.end), b':' | b'%' | b'/') || unit_follows(text, day.end) {
            break;
        }
        out.extend(day_token(text, day).map(|field| piece(field, day)));
        sure = if joined { out.len() } else { sure };
        last = at;
    }
    let whole = sure > 0 && sure == out.len();
    out.truncate(sure);
    let year = all.get(last + 1).filter(|year| whole && is_year(text, **year));
    let year = year.filter(|year| matches!(gap(text, all[last], **year), b", " | b" " | b","));
    out.extend(year.map(|year| piece(Field::Year, *year)));
    out
}

/// The day behind token `k` that is joined to it, and whether by more than a comma.
fn on(text: &[u8], all: &[Token], k: usize) -> Option<(usize, bool)> {
    let next = *all.get(k + 1)?;
    let between = gap(text, all[k], next);
    if day_token(text, next).is_some() {
        return sign(between).map(|joined| (k + 1, joined));
    }
    let the = all.get(k + 2)?.of(text).eq_ignore_ascii_case(b"the");
    let at = k + 2 + usize::from(the);
    let spaced = all.get(k + 1..=at)?.windows(2).all(|pair| gap(text, pair[0], pair[1]) == b" ");
    let joined = ends(between) && is_joiner(text, next) && spaced && day_token(text, all[at]).is_some();
    joined.then_some((at, true))
}

/// Whether what stands between two days joins them, or lists them; `None` where it does neither.
fn sign(gap: &[u8]) -> Option<bool> {
    match str::from_utf8(gap).ok()?.trim_start_matches('.').trim() {
        "-" | "–" | "&" | "по" | "до" | "и" | "až" => Some(true),
        "," => Some(false),
        _ => None,
    }
}

/// What may stand between a day and the word that joins it to the next.
fn ends(gap: &[u8]) -> bool {
    matches!(gap, b" " | b". " | b", ")
}

fn is_joiner(text: &[u8], token: Token) -> bool {
    let word = String::from_utf8_lossy(token.of(text)).to_lowercase();
    JOINERS.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::{dates, shift};
    use crate::anonymize::token::tokens;

    fn found(text: &str) -> Vec<&str> {
        let all = dates(text.as_bytes(), &tokens(text.as_bytes()));
        all.iter().map(|date| &text[date.start..date.end]).collect()
    }

    #[test]
    fn days_of_one_month() {
        for (text, want) in [
            ("seen May 6 and 7, 2025 here", "May 6 and 7, 2025"),
            ("missed March 3, 5, and 9, 2024.", "March 3, 5, and 9, 2024"),
            ("May 6th and 7th, with", "May 6th and 7th"),
            ("from 12 to 15 March 2024 in", "12 to 15 March 2024"),
            ("between the 3rd and the 5th of June", "3rd and the 5th of June"),
            ("Internada de 11 a 19 de março de 2025 por", "11 a 19 de março de 2025"),
            ("vom 11. bis 19. März 2021 in", "11. bis 19. März 2021"),
            ("les 3, 5 et 9 mai 2021", "3, 5 et 9 mai 2021"),
            ("away June 3-7 on leave", "June 3-7"),
            ("away 3-7 June 2021", "3-7 June 2021"),
            ("с 3 по 7 марта 2021", "3 по 7 марта 2021"),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn counts_beside_a_date_are_none_of_it() {
        for (text, want) in [
            ("May 6, 7 pm", "May 6"),
            ("since May 6 and 7 mg daily", "May 6"),
            ("on May 6 and 2 doses", "May 6"),
            ("took 30 and 4 March 2021", "4 March 2021"),
            ("grade 3, 4 March 2021", "4 March 2021"),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn every_day_moves() {
        for (text, days, want) in [
            ("May 6 and 7, 2025", 10, "May 16 and 17, 2025"),
            ("3-7 June 2021", 30, "3-7 July 2021"),
            ("March 3rd and 5th", 20, "March 23rd and 25th"),
        ] {
            let all = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(shift(text, &all[0], days), want);
        }
    }
}
