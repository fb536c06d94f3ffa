//! Names of months and weekdays, and the shift of a written date.

use kolm_core::{civil_of, days_of};

use super::{Field, Written, months, roman};

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Abbreviations of more than three letters.
const LONGER: [&str; 5] = ["Sept", "Tues", "Weds", "Thur", "Thurs"];

/// 1 to 12 for a month's name or its abbreviation.
pub(crate) fn month_of(word: &[u8]) -> Option<u32> {
    (3..=9).contains(&word.len()).then_some(())?;
    if word.eq_ignore_ascii_case(b"sept") {
        return Some(9);
    }
    let at = MONTHS.iter().position(|name| {
        name.as_bytes().eq_ignore_ascii_case(word)
            || word.len() == 3 && name.as_bytes()[..3].eq_ignore_ascii_case(word)
    })?;
    Some(at as u32 + 1)
}

/// 1 to 12 for a month's name in any language.
pub(crate) fn any_month(word: &[u8]) -> Option<u32> {
    months::may_be(word).then(|| month_of(word).or_else(|| months::month_of(word)))?
}

/// `4th`; `4er` and the like lose their ending where it fits the first alone.
fn ordinal(day: u32, like: &str) -> String {
    if like.ends_with("er") {
        return if day == 1 { "1er".to_owned() } else { day.to_string() };
    }
    cased(&format!("{day}{}", suffix(day)), like)
}

/// 0 (Sunday) to 6 for a weekday's name or its abbreviation.
pub(crate) fn weekday_of(word: &[u8]) -> Option<usize> {
    (3..=9).contains(&word.len()).then_some(())?;
    let short = word.len() == 3 || LONGER.iter().any(|long| long.as_bytes().eq_ignore_ascii_case(word));
    WEEKDAYS.iter().position(|name| {
        name.as_bytes().eq_ignore_ascii_case(word)
            || short && name.as_bytes()[..3].eq_ignore_ascii_case(&word[..3])
    })
}

fn digits(text: &str) -> i64 {
    text.bytes().filter(u8::is_ascii_digit).take(9).fold(0, |n, b| n * 10 + i64::from(b - b'0'))
}

/// `text` with `date` written `offset` days later, in the same format. Everything else stays.
pub(crate) fn shift(text: &str, date: &Written, offset: i64) -> String {
    // A date without a year is read in one that has no leap day, one without a day on the 15th.
    let (mut year, mut month, mut day) = (2001, 1, 15);
    for (field, start, end) in &date.pieces {
        let raw = &text[*start..*end];
        match field {
            Field::Day | Field::Ordinal => day = digits(raw) as u32,
            Field::Month => month = digits(raw) as u32,
            Field::Name => month = any_month(raw.as_bytes()).unwrap_or(1),
            Field::Roman => month = roman::month_of(raw).unwrap_or(1),
            Field::Year => year = digits(raw),
            Field::Short => year = if digits(raw) > 40 { 1900 + digits(raw) } else { 2000 + digits(raw) },
            Field::Weekday => {}
        }
    }
    // Of several days each moves for itself.
    let moved = |raw: &str| civil_of(days_of(year, month, digits(raw) as u32) + offset).2;
    let days = days_of(year, month, day) + offset;
    let (year, month, _) = civil_of(days);
    let weekday = WEEKDAYS[(days + 4).rem_euclid(7) as usize];
    let mut out = String::with_capacity(text.len() + 8);
    let mut from = 0;
    for (field, start, end) in &date.pieces {
        out.push_str(&text[from..*start]);
        let raw = &text[*start..*end];
        match field {
            Field::Day => out.push_str(&padded(i64::from(moved(raw)), raw.len())),
            Field::Ordinal => out.push_str(&ordinal(moved(raw), raw)),
            Field::Month => out.push_str(&padded(i64::from(month), raw.len())),
            Field::Name => {
                let dashed = text.as_bytes().get(*end) == Some(&b'-');
                let name = match month_of(raw.as_bytes()) {
                    Some(_) => named(MONTHS[month as usize - 1], raw, dashed),
                    None => {
                        months::renamed(raw, month).unwrap_or_else(|| MONTHS[month as usize - 1].to_owned())
                    }
                };
                out.push_str(&name);
            }
            Field::Roman => out.push_str(&roman::numeral(month, raw)),
            Field::Year => out.push_str(&padded(year, 4)),
            Field::Short => out.push_str(&padded(year.rem_euclid(100), 2)),
            Field::Weekday => out.push_str(&named(weekday, raw, false)),
        }
        from = *end;
    }
    out.push_str(&text[from..]);
    out
}

/// `H:MM...` moved by `minutes` around the clock; what follows the minutes stays.
pub(crate) fn shift_clock(text: &str, minutes: i64) -> String {
    let Some((hour, rest)) = text.split_once(':') else { return text.to_owned() };
    let (minute, rest) = rest.split_at_checked(2).unwrap_or((rest, ""));
    let moved = (digits(hour) * 60 + digits(minute) + minutes).rem_euclid(24 * 60);
    format!("{}:{:02}{rest}", padded(moved / 60, hour.len()), moved % 60)
}

fn padded(n: i64, width: usize) -> String {
    format!("{n:0width$}")
}

fn suffix(day: u32) -> &'static str {
    match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        (_, _) => "th",
    }
}

/// The name, short where the original was short; `May` is, where dashes join it.
fn named(name: &str, like: &str, dashed: bool) -> String {
    let may = like.eq_ignore_ascii_case("may");
    let longer = LONGER.iter().any(|long| like.eq_ignore_ascii_case(long));
    let short = like.len() == 3 && (!may || dashed) || longer;
    cased(if short { &name[..3] } else { name }, like)
}

fn cased(word: &str, like: &str) -> String {
    let letters = || like.bytes().filter(u8::is_ascii_alphabetic);
    if letters().all(|b| b.is_ascii_lowercase()) {
        word.to_ascii_lowercase()
    } else if letters().count() > 1 && letters().all(|b| b.is_ascii_uppercase()) {
        word.to_ascii_uppercase()
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::date::dates;
    use crate::anonymize::token::tokens;
    use proptest::prelude::*;

    #[test]
    fn shifted_dates_keep_their_format() {
        for (text, days, want) in [
            ("2021-05-21T09:15:30Z", 40, "2021-06-30T09:15:30Z"),
            ("Friday, 5 March 2021", 1, "Saturday, 6 March 2021"),
            ("March 31st", 1, "April 1st"),
            ("5/21/21", -30, "4/21/21"),
            ("5-MAY-2021", 31, "5-JUN-2021"),
            ("21.05.2021", 11, "01.06.2021"),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(shift(text, &found[0], days), want);
        }
    }

    proptest! {
        #[test]
        fn days_and_dates_agree(days in -100_000i64..100_000) {
            let (y, m, d) = civil_of(days);
            prop_assert_eq!(days_of(y, m, d), days);
        }
    }
}
