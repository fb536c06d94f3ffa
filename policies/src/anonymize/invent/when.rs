//! Dates and times moved: month names and weekdays of many languages, in the format of the original.
//!
//! **Invariant:** what is no number, month or weekday of the mention stays as it is.

use std::sync::LazyLock;

use kolm_core::{civil_of, days_of};

use super::lists::rows;
use super::place::words;
use super::word::cased;
use crate::anonymize::date::{self, Field, shift, shift_clock};
use crate::anonymize::quick::Map;
use crate::anonymize::token::tokens;

/// The year before which nobody asks for an anonymizer of this version.
const WRITTEN: i64 = 2026;

/// Nobody is older than this.
const OLDEST: i64 = 130;

struct Row {
    english: bool,
    names: Vec<&'static str>,
}

struct Calendar {
    rows: Vec<Row>,
    /// Rows and places of a word, in lower case.
    words: Map<String, Vec<(usize, usize)>>,
}

static CALENDAR: LazyLock<Calendar> = LazyLock::new(|| {
    let mut calendar = Calendar { rows: Vec::new(), words: Map::default() };
    for row in rows(include_str!("../../../forms/months.txt")) {
        let [language, _, names @ ..] = row.as_slice() else { continue };
        for (at, name) in names.iter().enumerate() {
            calendar.words.entry(name.to_lowercase()).or_default().push((calendar.rows.len(), at));
        }
        calendar.rows.push(Row { english: *language == "en", names: names.to_vec() });
    }
    calendar
});

/// How a conversation's dates move.
pub(crate) struct Shift {
    pub(crate) days: i64,
    pub(crate) minutes: i64,
    pub(crate) years_only: bool,
    /// Births in or before this year are not told apart.
    pub(crate) oldest: i64,
}

impl Shift {
    /// The last year that is capped, where `years` is the latest that an exchange speaks of.
    pub(crate) fn capped_from(latest: Option<i64>, cap: u8) -> i64 {
        latest.filter(|year| *year < WRITTEN + 50).unwrap_or(WRITTEN).max(WRITTEN) - i64::from(cap) - 1
    }

    /// A mention of a date, moved.
    pub(crate) fn date(&self, mention: &str) -> String {
        let year = year_of(mention);
        let old = year.filter(|year| *year < self.oldest && *year > self.oldest + 90 - OLDEST);
        if self.years_only {
            return year
                .map_or_else(|| "[DATE]".to_owned(), |year| old.map_or(year, |_| self.oldest).to_string());
        }
        // A year counts 365.2425 days.
        let later = old.map_or(0, |year| (self.oldest - year) * 3_652_425 / 10_000);
        moved(mention, self.days + later).unwrap_or_else(|| "[DATE]".to_owned())
    }

    /// A mention of a time of day, moved.
    pub(crate) fn time(&self, mention: &str) -> String {
        if mention.contains(':') {
            return shift_clock(mention, self.minutes);
        }
        let Some(start) = mention.find(|c: char| c.is_ascii_digit()) else { return "[TIME]".to_owned() };
        let len = mention[start..].bytes().take_while(u8::is_ascii_digit).count();
        let Some(hour) = mention[start..start + len].parse::<i64>().ok().filter(|hour| *hour < 100) else {
            return "[TIME]".to_owned();
        };
        let (low, round) = if hour > 12 { (0, 24) } else { (1, 12) };
        let new = low + (hour - low + 1 + self.minutes % (round - 1)).rem_euclid(round);
        format!("{}{new:0len$}{}", &mention[..start], &mention[start + len..])
    }
}

/// The year that a mention names in full.
pub(crate) fn year_of(mention: &str) -> Option<i64> {
    if let Some((year, ..)) = stamp(mention) {
        return Some(year);
    }
    words(mention)
        .into_iter()
        .filter_map(|(start, end)| mention[start..end].parse().ok())
        .find(|n| (1800..2200).contains(n))
}

/// A mention of a date `days` later, in the same format.
pub(crate) fn moved(mention: &str, days: i64) -> Option<String> {
    if let Some(new) = stamped(mention, days).or_else(|| in_words(mention, days)) {
        return Some(new);
    }
    let written = date::dates(mention.as_bytes(), &tokens(mention.as_bytes())).into_iter().next();
    let written = written.or_else(|| date::bare(mention.as_bytes()));
    if let Some(date) = written {
        return Some(shift(mention, &date, days));
    }
    weekday_alone(mention, days)
}

/// Year, month, day and the digits of the year in what is written as machines write it: `19910305`,
/// `20240718103000-0500`, `240718`.
fn stamp(mention: &str) -> Option<(i64, u32, u32, usize)> {
    let digits = mention.bytes().take_while(u8::is_ascii_digit).count();
    let rest = mention.get(digits..)?;
    let closed = rest.is_empty() || digits > 8 && rest.starts_with(['.', '+', '-']);
    let long = match digits {
        6 => 2,
        8 | 10 | 12 | 14 => 4,
        _ => return None,
    };
    let part = |from: usize, to: usize| mention.get(from..to)?.parse::<u32>().ok();
    let (year, month, day) = (part(0, long)?, part(long, long + 2)?, part(long + 2, long + 4)?);
    let year = i64::from(if long == 4 {
        year
    } else if year > 40 {
        1900 + year
    } else {
        2000 + year
    });
    let real = (1800..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (closed && real).then_some((year, month, day, long))
}

/// A stamp `days` later, of as many digits; the time of day stays.
fn stamped(mention: &str, days: i64) -> Option<String> {
    let (year, month, day, long) = stamp(mention)?;
    let (year, month, day) = civil_of(days_of(year, month, day) + days);
    let head = if long == 4 { format!("{year:04}") } else { format!("{:02}", year.rem_euclid(100)) };
    Some(format!("{head}{month:02}{day:02}{}", mention.get(long + 4..)?))
}

/// What the words and numbers of a mention say.
#[derive(Default)]
struct Read {
    /// Byte range, what it is, and the row that a word is of.
    pieces: Vec<(usize, usize, Field, usize)>,
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    /// Years of the Buddhist era are 543 ahead.
    era: i64,
}

/// A date with a month name that is not English, or with the signs of Han and Hangul.
fn in_words(mention: &str, days: i64) -> Option<String> {
    let mut read = Read::default();
    let mut foreign = false;
    for (start, end) in words(mention) {
        let word = &mention[start..end];
        let rest = &mention[end..];
        if let Some((row, at)) = known(word) {
            let field = if CALENDAR.rows[row].names.len() == 12 { Field::Name } else { Field::Weekday };
            foreign |= !CALENDAR.rows[row].english;
            if field == Field::Name {
                read.month = Some(at as i64 + 1);
            }
            read.pieces.push((start, end, field, row));
        } else if let Some(n) = leading(word) {
            let digits = word.bytes().take_while(u8::is_ascii_digit).count();
            let mark = if word.len() > digits { &word[digits..] } else { rest };
            foreign |= read.number(n, (start, start + digits), mark);
        }
    }
    if !foreign || read.month.is_none() {
        return None;
    }
    Some(read.written(mention, days))
}

impl Read {
    /// Takes a number; says whether a sign behind it told what it is.
    fn number(&mut self, n: i64, (start, end): (usize, usize), mark: &str) -> bool {
        let signed = |signs: [char; 2]| mark.starts_with(signs);
        let long = end - start == 4;
        let field = if signed(['年', '년']) || long && (1800..2700).contains(&n) {
            self.era = if n >= 2400 { 543 } else { 0 };
            self.year = Some(if end - start == 2 { 2000 + n } else { n - self.era });
            if long { Field::Year } else { Field::Short }
        } else if signed(['月', '월']) {
            self.month = Some(n.clamp(1, 12));
            Field::Month
        } else if (self.day.is_none() || self.ends_with_day()) && (1..=31).contains(&n) {
            // Of several days, as in `11 a 19 de março`, the last one tells the month.
            self.day = Some(n);
            Field::Day
        } else if end - start == 2 && self.year.is_none() {
            self.year = Some(if n > 40 { 1900 + n } else { 2000 + n });
            Field::Short
        } else {
            return false;
        };
        self.pieces.push((start, end, field, 0));
        signed(['年', '년']) || signed(['月', '월'])
    }

    fn ends_with_day(&self) -> bool {
        self.pieces.last().is_some_and(|(_, _, field, _)| *field == Field::Day)
    }

    fn written(&self, mention: &str, offset: i64) -> String {
        let month = self.month.unwrap_or(1) as u32;
        let moved = |day: i64| days_of(self.year.unwrap_or(2001), month, day as u32) + offset;
        let days = moved(self.day.unwrap_or(15));
        let (year, month, _) = civil_of(days);
        let mut out = String::with_capacity(mention.len() + 8);
        let mut from = 0;
        for (start, end, field, row) in &self.pieces {
            let raw = &mention[*start..*end];
            out.push_str(&mention[from..*start]);
            let width = if raw.starts_with('0') { raw.len() } else { 1 };
            let name = |at: i64| {
                CALENDAR.rows[*row].names.get(at as usize).map_or(String::new(), |name| cased(name, raw))
            };
            out.push_str(&match field {
                Field::Name | Field::Roman => name(i64::from(month) - 1),
                Field::Weekday => name((days + 4).rem_euclid(7)),
                Field::Year => (year + self.era).to_string(),
                Field::Short => format!("{:02}", year.rem_euclid(100)),
                Field::Month => format!("{month:0width$}"),
                Field::Day | Field::Ordinal => {
                    let day = civil_of(moved(leading(raw).unwrap_or(15))).2;
                    format!("{day:0width$}")
                }
            });
            from = *end;
        }
        out.push_str(&mention[from..]);
        out
    }
}

/// A weekday and nothing else.
fn weekday_alone(mention: &str, days: i64) -> Option<String> {
    let (start, end) = words(mention).into_iter().find(|(s, e)| known(&mention[*s..*e]).is_some())?;
    let (row, at) = known(&mention[start..end])?;
    let names = &CALENDAR.rows[row].names;
    let step = if days.rem_euclid(7) == 0 { 1 } else { days };
    let len = names.len() as i64;
    let new = names.get((at as i64 + if len == 7 { step } else { days / 30 + 1 }).rem_euclid(len) as usize)?;
    Some(format!("{}{}{}", &mention[..start], cased(new, &mention[start..end]), &mention[end..]))
}

/// The row and place of a month or weekday; the row where its case fits before others.
fn known(word: &str) -> Option<(usize, usize)> {
    let all = CALENDAR.words.get(&word.trim_end_matches('.').to_lowercase())?;
    let exact =
        all.iter().find(|(row, at)| CALENDAR.rows[*row].english || CALENDAR.rows[*row].names[*at] == word);
    exact.or(all.first()).copied()
}

/// The full name of a weekday in some language.
pub(crate) fn is_weekday(word: &str) -> bool {
    let rows = CALENDAR.words.get(&word.to_lowercase());
    let week = |(row, _): &(usize, usize)| CALENDAR.rows[*row].names.len() == 7;
    word.len() > 2 && rows.is_some_and(|rows| rows.iter().any(week))
}

fn leading(word: &str) -> Option<i64> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    word[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_language_and_format() {
        for (mention, days, want) in [
            ("3. März 2021", 31, "3. April 2021"),
            ("Montag, 3. Mai 2021", 1, "Dienstag, 4. Mai 2021"),
            ("14 avril 2021", 30, "14 mai 2021"),
            ("5 de mayo de 2021", -10, "25 de abril de 2021"),
            ("11 a 19 de março de 2025", 3, "14 a 22 de março de 2025"),
            ("11. bis 19. März 2021", -9, "2. bis 10. März 2021"),
            ("2021年5月21日", 40, "2021年6月30日"),
            ("2021년 5월 21일", 40, "2021년 6월 30일"),
            ("12 марта 2020 г.", 31, "12 апреля 2020 г."),
            ("12 มีนาคม 2563", 31, "12 เมษายน 2563"),
            ("2021-05-21", 40, "2021-06-30"),
            ("Friday, 5 March 2021", 1, "Saturday, 6 March 2021"),
            ("Tuesday", 40, "Sunday"),
            ("mercredi", 40, "lundi"),
            ("3/4", 40, "4/13"),
            ("9th", 10, "19th"),
            ("19910305", 30, "19910404"),
            ("20240718103000", -20, "20240628103000"),
            ("20240718103000.12-0500", 1, "20240719103000.12-0500"),
            ("241231", 1, "250101"),
        ] {
            assert_eq!(moved(mention, days).as_deref(), Some(want), "{mention}");
        }
        assert_eq!(moved("soon", 40), None);
    }

    #[test]
    fn births_long_ago_are_not_told_apart() {
        let shift = |years_only| Shift {
            days: 0,
            minutes: 30,
            years_only,
            oldest: Shift::capped_from(Some(2024), 89),
        };
        assert_eq!(year_of(&shift(false).date("3/4/1922")), Some(1936));
        assert_eq!(year_of(&shift(false).date("19220304")), Some(1936));
        assert_eq!(shift(true).date("3/4/1922"), "1936");
        assert_eq!(shift(true).date("3/4/1978"), "1978");
        assert_eq!(shift(false).date("14 July 1789"), "14 July 1789");
        assert_eq!(shift(false).time("9:05"), "9:35");
        assert_ne!(shift(false).time("3 pm"), "3 pm");
    }

    #[test]
    fn every_day_comes_back() {
        for days in (-100_000..100_000).step_by(37) {
            let (y, m, d) = civil_of(days);
            assert_eq!(days_of(y, m, d), days);
        }
    }
}
