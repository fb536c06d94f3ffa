//! Dates in other languages and looser forms: `3 de mayo de 2021`, `2021. május 3.`, `2021年5月3日`, `in March`, `'98`.

use std::sync::LazyLock;

use super::{Field, Token, Written, any_month, before, is_year, month_of, number, piece};
use crate::anonymize::invent::is_weekday;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::quick::Set;
use crate::anonymize::sections::entries_of;
use crate::anonymize::token::{after, in_token};

/// Tokens in which the name of a month with other letters than ASCII's is one token.
pub(super) fn widened(text: &[u8], tokens: &[Token]) -> Vec<Token> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b >= 0x80;
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.iter().peekable();
    let mut at = 0;
    while at < text.len() {
        let len = text[at..].iter().take_while(|b| letter(**b)).count();
        let run = &text[at..at + len];
        let month = (3..=24).contains(&len) && !run.is_ascii() && any_month(run).is_some();
        if month {
            out.push(Token { start: at, end: at + len, digits: 0 });
        }
        let end = at + len.max(1);
        while let Some(token) = rest.next_if(|t| t.start < end) {
            if !month {
                out.push(*token);
            }
        }
        at = end;
    }
    out
}

/// Small words between day, month and year.
pub(super) fn filler(word: &[u8]) -> bool {
    matches!(word, b"de" | b"del" | b"di" | b"do" | b"DE" | b"De" | b"d")
}

/// The full name of a month that is nothing else, in another language.
pub(super) fn full(word: &[u8]) -> bool {
    word.len() >= 5
        && month_of(word).is_none()
        && any_month(word).is_some()
        && !word.eq_ignore_ascii_case(b"mayo")
}

/// `2021. május 3.`, `2021年5月3日`, `2021 May 3`.
pub(super) fn year_first(text: &[u8], all: &[Token], i: usize) -> Option<Written> {
    let year = all[i];
    let mut next = i + 1;
    let of_era = !is_year(text, year) && year.is_number() && year.len() <= 2 && era(&text[..year.start]) > 0;
    if !(is_year(text, year) || of_era) || matches!(before(text, year.start), b'-' | b'/' | b'_') {
        return None;
    }
    let b = *all.get(next)?;
    let gap = &text[year.end..b.start];
    let small = |t: Token, most: u32| t.is_number() && t.len() <= 2 && (1..=most).contains(&number(text, t));
    // `2025. gada 4. maijā`, `2025 m. sausio 31`.
    let word = b.of(text);
    if word == b"gada" || word == b"m" && gap == b" " {
        let (c, d) = (*all.get(next + 1)?, *all.get(next + 2)?);
        let near = matches!(&text[c.end..d.start], b" " | b". ");
        let (day, name) = if c.digits > 0 { (c, d) } else { (d, c) };
        let fits = near && small(day, 31) && any_month(name.of(text)).is_some();
        let (first, last) = if c.digits > 0 { (Field::Day, Field::Name) } else { (Field::Name, Field::Day) };
        let pieces = vec![piece(Field::Year, year), piece(first, c), piece(last, d)];
        return Written::new(pieces, 90).filter(|_| fits);
    }
    if matches!(gap, b" " | b". " | b"-" | b", ") && any_month(b.of(text)).is_some() {
        let c = *all.get(next + 1)?;
        let fits = matches!(&text[b.end..c.start], b" " | b"-" | b". ") && small(c, 31);
        return Written::new(vec![piece(Field::Year, year), piece(Field::Name, b), piece(Field::Day, c)], 90)
            .filter(|_| fits);
    }
    let sign = |gap: &[u8], signs: &[&str]| signs.iter().any(|sign| gap.trim_ascii() == sign.as_bytes());
    if !sign(gap, &["年", "년"]) || !small(b, 12) {
        return None;
    }
    let field = if of_era { Field::Short } else { Field::Year };
    let mut pieces = vec![piece(field, year), piece(Field::Month, b)];
    next += 1;
    if let Some(c) = all.get(next).filter(|c| sign(&text[b.end..c.start], &["月", "월"]) && small(**c, 31))
    {
        pieces.push(piece(Field::Day, *c));
    }
    Written::new(pieces, 90)
}

/// Bytes of the era that ends `head`: `昭和` of `昭和59年8月2日`, and the space behind it.
fn era(head: &[u8]) -> usize {
    const ERAS: [&str; 11] =
        ["明治", "大正", "昭和", "平成", "令和", "中華民國", "中华民国", "民國", "民国", "西元", "西暦"];
    let bare = head.strip_suffix(b" ").unwrap_or(head);
    ERAS.iter()
        .find(|era| bare.ends_with(era.as_bytes()))
        .map_or(0, |era| era.len() + head.len() - bare.len())
}

/// `22 tháng 4 năm 1943`: the month by its number.
pub(super) fn counted_month(text: &[u8], all: &[Token], i: usize) -> Option<Written> {
    let day = all[i];
    let small = |t: Token, most: u32| t.is_number() && t.len() <= 2 && (1..=most).contains(&number(text, t));
    let behind = |from: Token, word: &str| {
        let at = from.end + word.len();
        let fits = text[from.end..].starts_with(word.as_bytes());
        all.iter().skip(i + 1).take(10).find(|t| fits && t.start == at).copied()
    };
    if !small(day, 31) {
        return None;
    }
    let month = behind(day, " tháng ").filter(|t| small(*t, 12))?;
    let mut pieces = vec![piece(Field::Day, day), piece(Field::Month, month)];
    let year = behind(month, " năm ").or_else(|| behind(month, ", ")).filter(|t| is_year(text, *t));
    pieces.extend(year.map(|year| piece(Field::Year, year)));
    Written::new(pieces, 90)
}

/// The end of the word for `year` behind a date: ` г.`, ` року`, ` r.` behind a year, ` br.` behind a month; and of the
/// ending that says when: `-én`.
pub(super) fn year_word(text: &[u8], end: usize) -> usize {
    const ENDINGS: [&str; 8] = ["-én", "-án", "-jén", "-ján", "-től", "-tól", "-ig", "-i"];
    let rest = &text[end..];
    let words = [" года", " году", " год", " року", " рік", " с. г", " с.г", " г", " р", " هـ", " ه"];
    let closed = |len: usize| rest.get(len).is_none_or(|b| *b < 0x80 && !b.is_ascii_alphanumeric());
    let numbered = before(text, end).is_ascii_digit();
    let short: &[&str] = if numbered { &[" r.", " d."] } else { &[" br.", " b.r.", " jl.", " d.j."] };
    let whole = |word: &&&str| rest.starts_with(word.as_bytes()) && closed(word.len());
    let ending = || ENDINGS.iter().filter(|_| numbered).find(whole);
    words
        .iter()
        .find(whole)
        .or_else(|| short.iter().find(whole))
        .or_else(ending)
        .map_or(end, |word| end + word.len())
}

/// Where a date begins with the words before it: `ngày 3/5`, `jeudi 12 juin`, `sábado, 11 de outubro`.
pub(super) fn day_word(text: &[u8], start: usize) -> usize {
    let head = &text[..start];
    if let Some(word) = ["ngày ", "Ngày "].iter().find(|word| head.ends_with(word.as_bytes())) {
        return start - word.len();
    }
    let era = era(head);
    if era > 0 {
        return start - era;
    }
    // `the 12th of May`.
    let count = text[start..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    let nth = text.get(start + count..start + count + 2).is_some_and(|end| end.is_ascii());
    if (1..=2).contains(&count) && nth && text[start + count].is_ascii_lowercase() && head.ends_with(b" the ")
    {
        return start - 4;
    }
    let Some(head) = head.strip_suffix(b" ") else { return start };
    // `Samstag, den 6. Juli`.
    let article = [&b", den"[..], b" den", b", dem", b" dem", b", d."];
    let head = article.iter().find_map(|word| head.strip_suffix(*word)).unwrap_or(head);
    let dotted = head.ends_with(b".");
    let head = head.strip_suffix(b",").or_else(|| head.strip_suffix(b".")).unwrap_or(head);
    let letter = |b: &&u8| b.is_ascii_alphabetic() || **b >= 0x80 || **b == b'-';
    let len = head.iter().rev().take(32).take_while(letter).count();
    let word = std::str::from_utf8(&head[head.len() - len..]).unwrap_or_default();
    if is_weekday(word) && !dotted || of_the_week(word, dotted) { head.len() - len } else { start }
}

/// The short name of a weekday, or its name in a case: `ons`, `föstudaginn`; before a full stop `mar.` too.
pub(super) fn of_the_week(word: &str, dotted: bool) -> bool {
    static DAYS: LazyLock<[Set<&'static str>; 2]> = LazyLock::new(|| {
        ["weekday", "weekday dotted"].map(|name| entries_of(include_str!("../../../words/days.txt"), name))
    });
    let low = word.to_lowercase();
    let [open, closed] = &*DAYS;
    (2..=24).contains(&word.len()) && (open.contains(low.as_str()) || dotted && closed.contains(low.as_str()))
}

/// `sobotu 13. 7.`: a day and its month with a space between, behind the name of a weekday.
pub(super) fn apart(text: &[u8], a: Token, b: Token) -> Option<Written> {
    let head = text[..a.start].strip_suffix(b" ")?;
    let letter = |c: &&u8| c.is_ascii_alphabetic() || **c >= 0x80;
    let len = head.iter().rev().take(32).take_while(letter).count();
    let word = std::str::from_utf8(&head[head.len() - len..]).ok()?;
    let week = is_weekday(word) || of_the_week(word, false);
    let fits = (1..=31).contains(&number(text, a)) && (1..=12).contains(&number(text, b)) && a.len() <= 2;
    let dotted = &text[a.end..b.start] == b". " && after(text, b.end) == b'.';
    Written::new(vec![piece(Field::Day, a), piece(Field::Month, b)], 85).filter(|_| week && fits && dotted)
}

/// `d.o.b. `, `born `: what follows is no version.
pub(super) fn of_birth(head: &[u8]) -> bool {
    let near = head[head.len().saturating_sub(10)..].to_ascii_lowercase();
    let word = near.trim_ascii_end();
    let word = word.strip_suffix(b":").unwrap_or(word);
    [
        &b"dob"[..],
        b"dos",
        b"doa",
        b"date",
        b"adm",
        b"seen",
        b"visit",
        b"d/o/b",
        b"d.o.b.",
        b"d.o.b",
        b"born",
        b"geb.",
        b"geb",
        b"ur.",
        b"nar.",
        b"f.",
    ]
    .iter()
    .any(|label| {
        word.strip_suffix(*label).is_some_and(|rest| rest.last().is_none_or(|b| !b.is_ascii_alphanumeric()))
    })
}

/// `in March`: part of a date of which only the year may stay.
pub(super) fn month_alone(text: &[u8], name: Token) -> Option<Written> {
    const LED: &[&[u8]] = &[
        b" in ",
        b" since ",
        b" last ",
        b" this ",
        b" next ",
        b" early ",
        b" late ",
        b" until ",
        b" by ",
        b" mid ",
        b" mid-",
        b" from ",
        b" before ",
        b" after ",
        b" through ",
        b" during ",
    ];
    let head = text[name.start.saturating_sub(9)..name.start].to_ascii_lowercase();
    let padded = if name.start < 9 { [b" ".as_slice(), &head].concat() } else { head };
    let capital = text[name.start].is_ascii_uppercase() && name.len() >= 3;
    let led = LED.iter().any(|word| padded.ends_with(word));
    let closed = !matches!(after(text, name.end), b'-' | b'_' | b'\'' | b'.')
        || after(text, name.end) == b'.' && !in_token(after(text, name.end + 1));
    let month = month_of(name.of(text)).is_some() || full(name.of(text));
    (capital && led && closed && month).then(|| Written::new(vec![piece(Field::Name, name)], 35)).flatten()
}

/// `in '98`, `summer of '03`.
pub(super) fn years(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    for token in tokens.iter().filter(|t| t.is_number() && t.len() == 2 && before(text, t.start) == b'\'') {
        let mark = token.start - 1;
        // `4/'23`: behind its month.
        let digits = text[..mark]
            .strip_suffix(b"/")
            .map_or(0, |head| head.iter().rev().take(3).take_while(|b| b.is_ascii_digit()).count());
        if (1..=2).contains(&digits) && !in_token(before(text, mark - 1 - digits)) {
            out.push(Finding::new(mark - 1 - digits, token.end, Type::DATE, Evidence::Shape));
            continue;
        }
        let led = [&b"in "[..], b"of ", b"since ", b"from ", b"back in ", b"until "];
        let head = text[mark.saturating_sub(8)..mark].to_ascii_lowercase();
        if led.iter().any(|word| head.ends_with(word)) && !matches!(after(text, token.end), b'\'' | b'"') {
            out.push(Finding::new(mark, token.end, Type::DATE, Evidence::Shape).scored(35));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::{dates, find, shift};
    use crate::anonymize::token::tokens;

    #[test]
    fn dates_of_many_languages() {
        for text in [
            "3. März 2021",
            "12 février 1984",
            "1er août 2019",
            "3 de mayo de 2021",
            "15 de março de 1990",
            "7 września 2004",
            "4 oktober 2011",
            "9. kesäkuuta 2015",
            "2021. május 3",
            "5 января 1999",
            "12 Ağustos 2001",
            "3. října 1988",
            "21 settembre 2022",
            "2021年5月3日",
            "17 martie 2020",
            "mars 2019",
            "septiembre de 2018",
            "3 maja 1979",
        ] {
            let source = format!("x, {text}, y");
            let mut out = Vec::new();
            find(source.as_bytes(), &tokens(source.as_bytes()), &mut out);
            let found: Vec<&str> = out.iter().map(|f| &source[f.start..f.end]).collect();
            let want = text.trim_end_matches('日');
            assert!(found.contains(&want), "{text}: {found:?}");
        }
        for text in ["5 out of 7", "le mai", "mars is a planet", "10 set up", "page 3 de la"] {
            let mut out = Vec::new();
            find(text.as_bytes(), &tokens(text.as_bytes()), &mut out);
            assert!(out.iter().all(|f| f.score < 30), "{text}: {out:?}");
        }
    }

    #[test]
    fn years_of_an_era() {
        for (text, want) in [
            ("生年月日：昭和59年8月2日", "昭和59年8月2"),
            ("平成3年12月生まれ", "平成3年12"),
            ("民國 88年1月5日", "民國 88年1月5"),
        ] {
            let mut out = Vec::new();
            find(text.as_bytes(), &tokens(text.as_bytes()), &mut out);
            assert!(out.iter().any(|f| &text[f.start..f.end] == want), "{text}: {out:?}");
        }
        let mut out = Vec::new();
        find("築59年8月で".as_bytes(), &tokens("築59年8月で".as_bytes()), &mut out);
        assert!(out.is_empty(), "{out:?}");
    }

    #[test]
    fn a_shifted_month_stays_in_its_language() {
        for (text, days, want) in [
            ("3. März 2021", 40, "12. April 2021"),
            ("12 février 1984", 30, "13 mars 1984"),
            ("7 września 2004", 30, "7 października 2004"),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(shift(text, &found[0], days), want);
        }
    }
}
