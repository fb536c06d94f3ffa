//! Clock times said loosely: `9 y media`, `7ish pm`, `Oct 5, 11a`, `Wednesday at 10.15`, `18.15 bis 19.00`.
//!
//! **Invariant:** looks at a bounded stretch on either side of an hour.

use super::clock::{digits, half_of_an_hour, hour, is_minute, leads, marked, of_day};
use super::hour::half_day_before;
use super::zone::fraction;
use crate::anonymize::token::{after, in_token};

/// `16,30 ч.`: minutes behind a comma, where a mark of another script says so.
pub(super) fn comma(text: &[u8], at: usize) -> Option<usize> {
    let fits = after(text, at) == b',' && digits(text, at + 1) == 2 && is_minute(text, at + 1);
    marked(text, at + 3).filter(|end| fits && text[at + 3..*end].iter().any(|b| *b >= 0x80))
}

/// `9 y media a. m.`, `7ish pm`, `at 11a`, `Oct 5, 11a`, `around 3 in the morning`: an hour said loosely.
pub(super) fn about(text: &[u8], at: usize, end: usize, lead: &str) -> Option<usize> {
    let said = leads(lead);
    if let Some(until) = fraction(text, end) {
        return (said || half_day_before(text, at) < at).then(|| marked(text, until).unwrap_or(until));
    }
    let rest = text.get(end..).unwrap_or_default();
    if rest.starts_with(b"ish") && !in_token(after(text, end + 3)) {
        return marked(text, end + 3).or_else(|| said.then_some(end + 3));
    }
    let dated = || {
        let day = text[..at].strip_suffix(b", ").unwrap_or_default();
        let day = day.strip_suffix(b"st").or_else(|| day.strip_suffix(b"th")).unwrap_or(day);
        day.last().is_some_and(u8::is_ascii_digit)
    };
    let morning = [" in the morning", " in the afternoon", " in the evening"];
    if said && morning.iter().any(|part| rest.starts_with(part.as_bytes())) {
        return Some(end);
    }
    half_letter(text, end).filter(|_| (1..=12).contains(&hour(text, at, end - at)) && (said || dated()))
}

/// The end of `6:20p`, `11a`, where no capital goes on as in an address.
pub(super) fn half_letter(text: &[u8], end: usize) -> Option<usize> {
    let letter = matches!(after(text, end), b'a' | b'p') && !in_token(after(text, end + 1));
    let house = after(text, end + 1) == b' ' && text.get(end + 2).is_some_and(u8::is_ascii_uppercase)
        || matches!(after(text, end + 1), b'.' | b'-' | b'/') && in_token(after(text, end + 2));
    (letter && !house).then_some(end + 1)
}

/// `Wednesday at 10.15`, `at 08.45`: no price is written like this, or stands behind a day.
pub(super) fn said_at(text: &[u8], at: usize, lead: &str) -> bool {
    let padded = text[at] == b'0';
    let word = || {
        let head = text[..at].strip_suffix(b" at ").unwrap_or_default();
        let len = head.iter().rev().take(12).take_while(|b| b.is_ascii_alphabetic()).count();
        let year = head.len() > 4 && head[head.len() - 4..].iter().all(u8::is_ascii_digit);
        year || of_day(String::from_utf8_lossy(&head[head.len() - len..]).to_lowercase().as_str())
    };
    let end = at + digits(text, at) + 3;
    let open =
        in_token(after(text, end)) || after(text, end) == b'.' && after(text, end + 1).is_ascii_digit();
    lead == "at" && !open && (padded || word())
}

/// `18.15 bis 19.00`: the first of two times, each of two digits.
pub(super) fn until(text: &[u8], at: usize, end: usize) -> bool {
    const WORDS: [&str; 8] = [" bis ", " - ", " – ", "–", " tot ", " til ", " till ", " à "];
    let rest = text.get(end..).unwrap_or_default();
    let Some(word) = WORDS.iter().find(|word| rest.starts_with(word.as_bytes())) else { return false };
    let second = end + word.len();
    let close = half_of_an_hour(text, second + digits(text, second));
    let closed = close.is_some_and(|end| {
        !in_token(after(text, end)) && matches!(after(text, end), b'.' | b',' | b'\n' | b')')
    });
    let later = hour(text, at, 2) < hour(text, second, 2) && hour(text, second, 2) < 25;
    let money = close.is_some_and(|end| crate::anonymize::number::unit_follows(text, end));
    end - at == 5 && digits(text, second) == 2 && closed && later && !money
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::clock::times;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        times(text.as_bytes(), &mut out);
        out.iter().filter(|f| f.score >= 40).map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn times_said_loosely() {
        for (text, want) in [
            ("Nov 3, 7:10p, vegan", &["7:10p"][..]),
            ("Nov 3, 9a, vegan", &["9a"]),
            ("call after 8ish pm please", &["8ish pm"]),
            ("awake around 4 in the morning", &["4 in the morning"]),
            ("on Friday at 09.15. Bring", &["09.15"]),
            ("Besichtigung 17.30 bis 18.45.", &["17.30", "18.45"]),
            ("between 0630 and 1015.", &["0630", "1015"]),
            ("a las 7 y media p. m. en", &["7 y media p. m."]),
            ("до 17,45 ч. Ела", &["17,45 ч."]),
            ("at about 18.45 hours by", &["18.45 hours"]),
            ("vist pelas 16h05m, a sair", &["16h05m"]),
            ("Thu, 10:20:30 -0300", &["10:20:30 -0300"]),
            ("call before 9 a.m. IST.", &["9 a.m. IST"]),
            ("אני סוגר ב-17:40, בוא", &["17:40"]),
            ("lúc 8g45 ngày", &["8g45"]),
        ] {
            assert_eq!(check(text), want, "{text}");
        }
    }

    #[test]
    fn numbers_that_are_no_times() {
        for text in [
            "lives at 11a Elm Road",
            "priced at 12.30 today",
            "between 10.50 - 12.00 Euro",
            "between 1900 and 2000",
            "take 2 in the morning",
            "5a) see above",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
