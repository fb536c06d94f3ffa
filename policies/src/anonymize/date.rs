//! Dates and clock times: finding them, and writing them anew a number of days later in the same format.
//!
//! **Invariant:** what is found is read again by the same code when it is shifted: the format stays.

use super::kind::{Evidence, Finding, Type};
use super::token::{Token, after, before, in_token, tokens};

mod calendar;
mod clock;
mod compact;
mod hour;
mod list;
mod loose;
mod loosely;
mod months;
mod named;
mod ordinal;
mod roman;
mod short;
mod spelled;
mod sure;
mod word;
mod zone;
pub(crate) use calendar::{shift, shift_clock};
pub(crate) use named::{among, find as named, first_words};
pub(crate) use short::bare;
pub(crate) use spelled::find as spelled;

use calendar::{any_month, month_of};
use word::{capital, plain_month, said_as_month, with_weekday};

/// Whether a key says that its value is a day: `dob`, `birthDate`, `admit_date`.
pub(crate) fn is_key(key: &str) -> bool {
    const WHOLE: [&str; 9] = ["dob", "dod", "dos", "doa", "geb", "dt", "admitted", "discharged", "collected"];
    const PARTS: [&str; 9] =
        ["birth", "date", "datum", "fecha", "nacimiento", "naissance", "nascita", "data", "född"];
    let low = key.to_lowercase();
    WHOLE.contains(&low.as_str()) || PARTS.iter().any(|part| low.contains(part))
}

/// A month's name, in any language.
pub(crate) fn is_month(word: &str) -> bool {
    any_month(word.as_bytes()).is_some() && word.len() > 2
}

/// An English weekday, or its abbreviation.
pub(crate) fn is_weekday(word: &str) -> bool {
    calendar::weekday_of(word.as_bytes()).is_some()
}

/// What a piece of a date says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// 1 or 2 digits.
    Day,
    /// `4th`.
    Ordinal,
    /// 1 or 2 digits.
    Month,
    /// `March`, `Mar`.
    Name,
    /// `XI`.
    Roman,
    /// Four digits.
    Year,
    /// Two digits.
    Short,
    /// `Friday`, `Fri`.
    Weekday,
}

/// One date in a text: its range, and its pieces in order.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) pieces: Vec<(Field, usize, usize)>,
    score: u8,
}

impl Written {
    fn new(pieces: Vec<(Field, usize, usize)>, score: u8) -> Option<Self> {
        let (start, end) = (pieces.first()?.1, pieces.last()?.2);
        Some(Self { start, end, pieces, score })
    }
}

fn number(text: &[u8], token: Token) -> u32 {
    token.of(text).iter().filter(|b| b.is_ascii_digit()).take(6).fold(0, |n, b| n * 10 + u32::from(b - b'0'))
}

/// All dates of the text.
pub(crate) fn dates(text: &[u8], tokens: &[Token]) -> Vec<Written> {
    let wide = if text.is_ascii() { None } else { Some(loose::widened(text, tokens)) };
    let tokens = wide.as_deref().unwrap_or(tokens);
    let mut out: Vec<Written> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let found = if tokens[i].digits > 0 {
            numeric(text, tokens, i)
                .or_else(|| compact::find(text, tokens[i]))
                .or_else(|| day_first(text, tokens, i))
                .or_else(|| roman::find(text, tokens, i))
                .or_else(|| loose::year_first(text, tokens, i))
                .or_else(|| loose::counted_month(text, tokens, i))
        } else {
            month_first(text, tokens, i)
        };
        match found {
            Some(date) => {
                let floor = out.last().map_or(0, |last| last.end);
                let date = list::widened(text, tokens, floor, with_weekday(text, tokens, i, date));
                i = tokens.partition_point(|t| t.start < date.end).max(i + 1);
                if out.last().is_none_or(|last| last.end <= date.start) {
                    out.push(date);
                }
            }
            None => i += 1,
        }
    }
    short::alike(text, tokens, &mut out);
    out
}

/// Dates and times as findings.
pub(crate) fn find(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    for date in dates(text, tokens) {
        let end = clock::joined(text, date.end).unwrap_or_else(|| loose::year_word(text, date.end));
        let end = end + usize::from(ordinal::is_ordinal(text, date.start, end));
        let start = loose::day_word(text, date.start);
        // `lundi 4 mars`: behind the name of a weekday a day is one.
        let score =
            if start < date.start && date.pieces.len() >= 2 { date.score.max(60) } else { date.score };
        out.push(Finding::new(start, end, Type::DATE, Evidence::Shape).scored(score));
    }
    clock::times(text, out);
    loose::years(text, tokens, out);
}

/// Is the value one date and nothing else?
pub(crate) fn is_date(value: &[u8]) -> bool {
    let all = dates(value, &tokens(value));
    let digits = value.iter().all(u8::is_ascii_digit);
    !digits && matches!(all.as_slice(), [one] if one.start == 0 && one.end == value.len())
}

fn gap(text: &[u8], a: Token, b: Token) -> &[u8] {
    &text[a.end..b.start]
}

/// `2021-05-21`, `5/21/2021`, `21.5.21`, `05/2021`, `5/21`.
fn numeric(text: &[u8], all: &[Token], i: usize) -> Option<Written> {
    let a = all[i];
    let ranged = i > 1 && short::is_range(text, &all[i - 2..=i]);
    if matches!(before(text, a.start), b'-' | b'/' | b'.' | b'_' | b':' | b'$') && !ranged
        || !a.is_number()
        || a.len() > 4
    {
        return None;
    }
    let b = *all.get(i + 1).filter(|b| b.is_number() && b.len() <= 4)?;
    let between = gap(text, a, b);
    let sep = match between {
        [sep @ (b'-' | b'/' | b'.')] => *sep,
        b". " => b'.',
        b" / " => b'/',
        b" " if loose::of_birth(&text[..a.start]) => b' ',
        _ => return None,
    };
    let third = all.get(i + 2).copied().filter(|c| gap(text, b, *c) == between);
    match third {
        Some(c) => three(text, [a, b, c], sep),
        None if between.len() > 1 => loose::apart(text, a, b),
        None => two(text, a, b, sep).map(|date| match all.get(i + 2) {
            // `på 9/7 2017`.
            Some(c) if date.score >= 60 && gap(text, b, *c) == b" " && is_year(text, *c) => {
                let (start, end, pieces) =
                    (date.start, c.end, [date.pieces, vec![piece(Field::Year, *c)]].concat());
                Written { start, end, pieces, score: 85 }
            }
            Some(_) | None => date,
        }),
    }
}

/// Digits of the third token: `21T09` of a timestamp counts as `21`.
fn lead(text: &[u8], token: Token) -> Option<Token> {
    let head = token.of(text).iter().take_while(|b| b.is_ascii_digit()).count();
    let tail = token.of(text).get(head);
    let clock = matches!(tail, Some(b'T' | b't')) && after(text, token.end) == b':';
    (head > 0 && (tail.is_none() || clock)).then_some(Token {
        end: token.start + head,
        digits: head,
        ..token
    })
}

fn three(text: &[u8], [a, b, c]: [Token; 3], sep: u8) -> Option<Written> {
    let c = lead(text, c)?;
    let next = after(text, c.end);
    let ranged = next == b'-' && short::goes_on(&text[c.end + 1..], sep);
    if next == sep && sep != b' ' && in_token(after(text, c.end + 1))
        || matches!(next, b'-' | b'/' | b'_') && !ranged
    {
        return None;
    }
    let (x, y, z) = (number(text, a), number(text, b), number(text, c));
    let day = |n| (1..=31).contains(&n);
    let month = |n| (1..=12).contains(&n);
    let year = |n| (1800..=2199).contains(&n);
    if a.len() == 4 && year(x) && b.len() <= 2 && month(y) && c.len() <= 2 && day(z) {
        return Written::new(vec![piece(Field::Year, a), piece(Field::Month, b), piece(Field::Day, c)], 95);
    }
    let last = match c.len() {
        4 if year(z) => Field::Year,
        2 if sep != b'.' || a.len() <= 2 => Field::Short,
        _ => return None,
    };
    if a.len() > 2 || b.len() > 2 {
        return None;
    }
    let day_first = x > 12 || (sep == b'.' && y <= 12);
    let (first, second) = if day_first { (Field::Day, Field::Month) } else { (Field::Month, Field::Day) };
    let fits = if day_first { day(x) && month(y) } else { month(x) && day(y) };
    let score = if last == Field::Short { 85 } else { 95 };
    // `1.2.3` is a version, `1.2.34` may be one.
    let versioned =
        sep == b'.' && last == Field::Short && a.len() + b.len() < 3 && !loose::of_birth(&text[..a.start]);
    if !fits || versioned {
        return None;
    }
    Written::new(vec![piece(first, a), piece(second, b), piece(last, c)], score)
}

fn two(text: &[u8], a: Token, b: Token, sep: u8) -> Option<Written> {
    let (x, y) = (number(text, a), number(text, b));
    let next = after(text, b.end);
    let ranged = next == b'-' && short::goes_on(&text[b.end + 1..], sep);
    if matches!(next, b'-' | b'/' | b'%' | b'_') && !ranged {
        return None;
    }
    if sep != b'.' && a.len() <= 2 && (1..=12).contains(&x) && b.len() == 4 && (1900..=2099).contains(&y) {
        return Written::new(vec![piece(Field::Month, a), piece(Field::Year, b)], 85);
    }
    let (month, day) = (|n| (1..=12).contains(&n), |n| (1..=31).contains(&n));
    if sep == b'.' && ordinal::is_ordinal(text, a.start, b.end) {
        let fields = if month(y) { [Field::Day, Field::Month] } else { [Field::Month, Field::Day] };
        return Written::new(vec![piece(fields[0], a), piece(fields[1], b)], 70);
    }
    let turned = x > 12 || sep == b'.' && after(text, b.end) == b'.' && month(y);
    let fits = if turned { day(x) && month(y) } else { month(x) && day(y) };
    let dated = match sep {
        b'/' => short::is_dated(text, a.start, b.end, (x, y)) || sure::is_sure(text, a.start, b.end, sep),
        b'.' => short::is_strict(text, a.start, b.end),
        b'-' => short::is_strict(text, a.start, b.end) || sure::is_sure(text, a.start, b.end, sep),
        _ => false,
    };
    if !fits || a.len() > 2 || b.len() > 2 || !dated {
        return None;
    }
    let (first, second) = if turned { (Field::Day, Field::Month) } else { (Field::Month, Field::Day) };
    let score = if sure::is_sure(text, a.start, b.end, sep) { 60 } else { 35 };
    Written::new(vec![piece(first, a), piece(second, b)], score)
}

fn piece(field: Field, token: Token) -> (Field, usize, usize) {
    (field, token.start, token.end)
}

/// A day of the month: `4`, `04`, `4th`.
fn day_token(text: &[u8], token: Token) -> Option<Field> {
    let value = token.of(text);
    let n = number(text, token);
    let suffix = &value[token.digits.min(value.len())..];
    let ordinal = [&b"st"[..], b"nd", b"rd", b"th", b"er"].iter().any(|s| suffix.eq_ignore_ascii_case(s));
    match (token.digits, ordinal, suffix.is_empty()) {
        (1..=2, false, true) if (1..=31).contains(&n) => Some(Field::Day),
        (1..=2, true, false) if (1..=31).contains(&n) => Some(Field::Ordinal),
        _ => None,
    }
}

fn is_year(text: &[u8], token: Token) -> bool {
    token.is_number() && token.len() == 4 && (1800..=2199).contains(&number(text, token))
}

fn joins(gap: &[u8]) -> bool {
    matches!(
        gap,
        b" " | b"-" | b". " | b", " | b"." | b"/" | b" ," | b"\xc2\xb0 " | b"\xc2\xba " | b".\xc2\xba "
    )
}

/// `March 4th, 2021`, `Mar-4`, `May 2021`.
fn month_first(text: &[u8], all: &[Token], i: usize) -> Option<Written> {
    let name = all[i];
    any_month(name.of(text))?;
    if matches!(before(text, name.start), b'_' | b'/' | b'@' | b'.') {
        return None;
    }
    let Some(mut next) = all.get(i + 1).copied() else { return loose::month_alone(text, name) };
    let of = next.of(text).eq_ignore_ascii_case(b"of") || loose::filler(next.of(text));
    if of && gap(text, name, next) == b" " {
        next = *all.get(i + 2)?;
        if is_year(text, next) && joins(&text[next.start - 1..next.start]) {
            return Written::new(vec![piece(Field::Name, name), piece(Field::Year, next)], 85);
        }
        return None;
    }
    if is_year(text, next) && joins(gap(text, name, next)) {
        let score = if capital(text, name) || plain_month(text, name) { 85 } else { 60 };
        return Written::new(vec![piece(Field::Name, name), piece(Field::Year, next)], score);
    }
    // `December '22`.
    if matches!(gap(text, name, next), b" '" | b" \xe2\x80\x99") && next.is_number() && next.len() == 2 {
        return Written::new(vec![piece(Field::Name, name), piece(Field::Short, next)], 85);
    }
    let Some(day) = day_token(text, next) else { return loose::month_alone(text, name) };
    // `június 5-én`: behind other months the ending of a day.
    let ended = loose::full(name.of(text)) && loose::year_word(text, next.end) > next.end;
    if month_of(name.of(text)).is_none() && !ended {
        return None;
    }
    // `SEP-1`: a bundle of measures.
    if name.of(text) == b"SEP" && gap(text, name, next) == b"-" && next.len() == 1 {
        return None;
    }
    let clock = after(text, next.end) == b':' && after(text, next.end + 1).is_ascii_digit();
    if !joins(gap(text, name, next)) || clock || matches!(after(text, next.end), b'%' | b'_') {
        return None;
    }
    let mut pieces = vec![piece(Field::Name, name), piece(day, next)];
    let year = all.get(i + 2).filter(|y| {
        is_year(text, **y) && matches!(gap(text, next, **y), b", " | b" " | b"," | b"-" | b". " | b" , ")
    });
    let Some(year) = year else {
        let score = if capital(text, name) { 85 } else { 35 };
        return Written::new(pieces, score)
            .filter(|_| ended || day == Field::Ordinal || said_as_month(text, name));
    };
    pieces.push(piece(Field::Year, *year));
    Written::new(pieces, 95)
}

/// `4 March 2021`, `4th of March`, `21-May-21`.
fn day_first(text: &[u8], all: &[Token], i: usize) -> Option<Written> {
    let day_at = all[i];
    let day = day_token(text, day_at)?;
    let part = matches!(before(text, day_at.start), b'-' | b'/' | b'.' | b':' | b'$' | b'_');
    if part && !list::goes_on(text, all, i) {
        return None;
    }
    let mut next = i + 1;
    let word = all.get(next)?.of(text);
    if word.eq_ignore_ascii_case(b"of") && day == Field::Ordinal || loose::filler(word) {
        next += 1;
    }
    let name = *all.get(next)?;
    any_month(name.of(text))?;
    // `refills 3. April is back`: a count that ends its sentence.
    let counted = gap(text, all[next - 1], name) == b". "
        && i.checked_sub(1).is_some_and(|b| {
            let word = all[b].of(text).to_ascii_lowercase();
            matches!(word.as_slice(), b"refills" | b"refill" | b"disp" | b"grade" | b"stage" | b"type")
        });
    let elided = next > i + 1 && gap(text, all[next - 1], name) == b"'";
    if counted || !(elided || joins(gap(text, all[next - 1], name))) {
        return None;
    }
    // `at 4, may i ...`: a small word after a number is a month only beside a year, an ordinal or a dash.
    let mut pieces = vec![piece(day, day_at), piece(Field::Name, name)];
    let filled =
        all.get(next + 1).is_some_and(|word| loose::filler(word.of(text)) && gap(text, name, *word) == b" ");
    let (last, at) = if filled { (all[next + 1], next + 2) } else { (name, next + 1) };
    let short = |y: Token| y.is_number() && y.len() == 2;
    let cut = |y: &&Token| short(**y) && matches!(gap(text, last, **y), b" '" | b" \xe2\x80\x99");
    let joined = |y: &&Token| joins(gap(text, last, **y)) && (!filled || is_year(text, **y)) || cut(y);
    let year = all.get(at).filter(joined);
    match year {
        Some(year) if is_year(text, *year) => {
            pieces.push(piece(Field::Year, *year));
            Written::new(pieces, 95)
        }
        Some(year) if short(*year) && (cut(&year) || matches!(gap(text, name, *year), b"-" | b"/")) => {
            pieces.push(piece(Field::Short, *year));
            Written::new(pieces, 95)
        }
        Some(_) | None => {
            let score = if capital(text, name) { 85 } else { 35 };
            let sure = plain_month(text, name) || day == Field::Ordinal || capital(text, name);
            let score = if loose::full(name.of(text)) { 85 } else { score };
            Written::new(pieces, score).filter(|_| sure)
        }
    }
}

#[cfg(test)]
mod tests;
