//! Codes behind words: how they are written, and what is a year, an amount or a model instead.
//!
//! **Invariant:** pure questions about one bounded stretch of a line.

use std::sync::LazyLock;

use crate::anonymize::date;
use crate::anonymize::number::unit_follows;
use crate::anonymize::quick::Set;
use crate::anonymize::sections::entries;
use crate::anonymize::token::{after, before};

static MODELS: LazyLock<Set<&'static str>> = LazyLock::new(|| {
    entries(include_str!("../../../words/behind.txt"), &[("model", ())]).map(|(_, word)| word).collect()
});

/// Is it what the number of a model or a norm begins with, in small letters?
pub(super) fn is_model(low: &str) -> bool {
    MODELS.contains(low)
}

/// What the word before a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Orders, contracts, parcels.
    Order,
    /// The same of journeys.
    Travel,
    /// Passports and licences.
    Paper,
    /// Numbers of persons, taxes and insurances.
    Person,
    /// Accounts.
    Bank,
    /// References of payments: digits in groups.
    Payment,
}

/// The longest code, and the most parts that spaces divide it into.
const LONGEST: usize = 34;
const PARTS: usize = 8;

/// The code that begins at `start`, as one range.
pub(super) fn read(text: &[u8], start: usize, about: About, named: bool) -> Option<usize> {
    if let Some(end) = docket(text, start).filter(|_| about == About::Order) {
        return Some(end);
    }
    let mut ends = vec![chunk(text, start)?];
    while ends.len() < PARTS {
        let Some(end) = joined(text, start, *ends.last()?, about) else { break };
        ends.push(end);
    }
    settle(text, start, &mut ends, about);
    // What spaces divide may be a code and more: the longest that fits.
    while let Some(end) = ends.pop() {
        if fits(text, start, end, about, named) {
            return Some(end);
        }
        if !matches!(about, About::Order | About::Travel | About::Payment) {
            return None;
        }
    }
    None
}

/// `12 C 448/23`, `VIII Ns 34/2024`: the number of a chamber, letters, and the case of a year.
fn docket(text: &[u8], start: usize) -> Option<usize> {
    let run = |at: usize, of: fn(&u8) -> bool| {
        text.get(at..).unwrap_or_default().iter().take(7).take_while(|b| of(b)).count()
    };
    let roman = run(start, |b| b"IVXLC".contains(b));
    let chamber = if roman > 0 { roman } else { run(start, u8::is_ascii_digit) };
    let kind = start + chamber + 1;
    let letters = run(kind, u8::is_ascii_alphabetic);
    let case = kind + letters + 1;
    let digits = run(case, u8::is_ascii_digit);
    let year = case + digits + 1;
    let end = year + run(year, u8::is_ascii_digit);
    let spaced =
        after(text, kind - 1) == b' ' && after(text, case - 1) == b' ' && after(text, year - 1) == b'/';
    let sized =
        (1..=4).contains(&chamber) && (1..=5).contains(&letters) && digits > 0 && matches!(end - year, 2 | 4);
    (spaced && sized && end <= text.len() && after(text, kind).is_ascii_uppercase() && !open(text, end))
        .then_some(end)
}

/// Capitals and digits, with single `-`, `/` or `.` between.
fn chunk(text: &[u8], start: usize) -> Option<usize> {
    let inside = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let mut end = start;
    while end - start < LONGEST {
        let run = text.get(end..).unwrap_or_default().iter().take_while(|b| inside(**b)).count();
        if run == 0 {
            break;
        }
        end += run;
        let next = after(text, end + 1);
        if !(b"-/.".contains(&after(text, end)) && inside(next)) {
            break;
        }
        // The next part must not be a word: `FR-829104-Le`.
        let rest = text.get(end + 1..).unwrap_or_default().iter().take_while(|b| inside(**b)).count();
        if open(text, end + 1 + rest) {
            break;
        }
        end += 1;
    }
    let timed = after(text, end) == b':' && after(text, end + 1).is_ascii_digit();
    (end > start && !open(text, end) && !timed).then_some(end)
}

/// Does a word go on at `end`?
fn open(text: &[u8], end: usize) -> bool {
    let next = after(text, end);
    next.is_ascii_alphanumeric() || matches!(next, b'_' | b'@' | b'%') || matches!(next, 0xc3..=0xd4)
}

/// The part behind a space, where it may belong to the code.
fn joined(text: &[u8], start: usize, end: usize, about: About) -> Option<usize> {
    let gap = match about {
        About::Bank if matches!(text.get(end..end + 3), Some(b" / " | b" - ")) => 3,
        // `45 08 № 123456`, `CJ nr. 448172`: a series and a number.
        About::Paper if text.get(end..end + 4) == Some(b" No ") => 4,
        About::Paper if text.get(end..end + 5) == Some(b" nr. ") => 5,
        About::Order | About::Travel | About::Paper | About::Person | About::Bank | About::Payment => {
            usize::from(text.get(end) == Some(&b' '))
        }
    };
    let to = chunk(text, end + gap).filter(|_| gap > 0)?;
    let part = &text[end + gap..to];
    let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
    let plain = part.iter().all(u8::is_ascii_alphanumeric);
    let belongs = match about {
        // `JD0002 7741 9036`, `7741 9036 81`: of digits alone; `ZEP 003121/22`: behind a series of letters.
        About::Order | About::Travel => {
            let head = &text[start..end];
            let series = head.iter().all(u8::is_ascii_uppercase) && (2..=4).contains(&head.len());
            let pair = digits == 2 && head.iter().filter(|b| **b == b' ').count() == 1;
            digits == part.len() && !year(part) && ((3..=8).contains(&digits) || pair)
                || series && digits >= 6 && part[0].is_ascii_digit()
        }
        About::Payment => digits == part.len() && (2..=8).contains(&digits) && !year(part),
        // `65 180572 K 054`, `36.150.729-X`.
        About::Paper | About::Person | About::Bank => digits > 0 || part.len() == 1,
    };
    let dated = date::is_date(part) || !plain && date::is_date(&text[end + gap..to]);
    let money = unit_follows(text, to) || is_money(text, to);
    (belongs && !dated && !money && to - start <= LONGEST).then_some(to)
}

/// Takes away parts at the end that belong to the sentence.
fn settle(text: &[u8], start: usize, ends: &mut Vec<usize>, about: About) {
    if about == About::Payment {
        return;
    }
    if matches!(about, About::Order | About::Travel) {
        let first = &text[start..ends[0]];
        let lettered = first.iter().any(u8::is_ascii_uppercase) && first.iter().any(u8::is_ascii_digit);
        // `AB 4481720`.
        let series = first.len() <= 4 && first.iter().all(u8::is_ascii_uppercase);
        let long = ends.len() == 2 && ends[1] - ends[0] >= 6;
        if !lettered && ends.len() < 3 && !(series && long) {
            ends.truncate(1);
        }
        return;
    }
    while let [.., before, last] = ends[..] {
        let part = text[before..last].trim_ascii();
        let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
        let goes_on = after(text, last) == b' ' && after(text, last + 1).is_ascii_alphabetic();
        let whole = text[start..before].iter().filter(|b| b.is_ascii_digit()).count();
        // `AB1234567 2 nights`, `AB1234567 2024`, `B12345678 Y`.
        let counted = digits > 0 && part.len() <= 2 && goes_on && ends.len() == 2;
        if !(counted || year(part) && whole >= 6 || digits == 0 && goes_on) {
            break;
        }
        ends.pop();
    }
}

/// A year of this century or the last.
fn year(part: &[u8]) -> bool {
    matches!(part, [b'1', b'9', b'0'..=b'9', b'0'..=b'9'] | [b'2', b'0', b'0'..=b'4', b'0'..=b'9'])
}

/// A sign of money right behind, or the cents of an amount.
fn is_money(text: &[u8], end: usize) -> bool {
    const SIGNS: [&str; 16] =
        ["$", "€", "£", "¥", "₹", "₽", "₺", "%", "zł", "Kč", "kr", "Ft", "CHF", "Fr.", "R$", "lei"];
    let rest = text.get(end..).unwrap_or_default();
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let cents = matches!(text.get(end..), Some([b',', c, ..]) if c.is_ascii_digit());
    let whole = |sign: &str| {
        let letter = sign.bytes().last().is_some_and(|b| b.is_ascii_alphabetic());
        rest.starts_with(sign.as_bytes()) && !(letter && after(rest, sign.len()).is_ascii_alphabetic())
    };
    cents || SIGNS.iter().any(|sign| whole(sign))
}

/// Does the code look like one?
fn fits(text: &[u8], start: usize, end: usize, about: About, named: bool) -> bool {
    let value = &text[start..end];
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_uppercase()).count();
    let all = digits + letters;
    let parts = || value.split(|b| !b.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    // `Q3-2024`, `2024-2025`, `2024/25`.
    let years: usize = parts().filter(|part| year(part)).map(<[u8]>::len).sum();
    let dated = date::is_date(value) || years > 0 && digits - years < 3;
    let head: String = value.iter().take_while(|b| b.is_ascii_uppercase()).map(|b| char::from(*b)).collect();
    let model = is_model(&head.to_ascii_lowercase()) && about != About::Person;
    let amount = !named && letters == 0 && is_amount(value) || is_money(text, end) || unit_follows(text, end);
    let priced = b"$+".contains(&before(text, start)) || before(text, start) >= 0x80;
    if dated || model || amount || priced && letters == 0 {
        return false;
    }
    let mixed = letters > 0 && digits > 0;
    match about {
        About::Travel if (5..=8).contains(&all) && mixed => true,
        About::Order | About::Travel if named => digits >= 3 && all >= 4 || mixed && (5..=8).contains(&all),
        // `TR4Q7Z`: letters and digits in turns.
        About::Order if value.len() == all && (6..=10).contains(&all) && digits >= 2 && turns(value) >= 3 => {
            true
        }
        About::Order | About::Travel => digits >= 3 && all >= 5 && (mixed || digits >= 5),
        About::Payment => digits >= 5 || named && digits >= 4 || mixed && digits >= 3,
        About::Paper if mixed && digits >= 2 && (8..=12).contains(&all) => true,
        About::Paper if named => digits >= 3 && (5..=20).contains(&all),
        About::Paper => digits >= 3 && (6..=20).contains(&all) && (mixed || digits >= 6),
        About::Person => digits >= 6 && all <= 24 || named && digits >= 5,
        About::Bank => digits >= if named || value.iter().any(|b| b"-/".contains(b)) { 5 } else { 7 },
    }
}

/// How often letters and digits change places.
fn turns(value: &[u8]) -> usize {
    value.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count()
}

/// `10000`, `120.000`, `2500.00`, `1500-2000`: round numbers and those with points between thousands.
fn is_amount(value: &[u8]) -> bool {
    let parts = || value.split(|b| !b.is_ascii_digit());
    let thousands = value.contains(&b'.')
        && !value.iter().any(|b| b"-/".contains(b))
        && parts().next().is_some_and(|part| part.len() <= 3)
        && parts().skip(1).all(|part| part.len() == 3);
    let cents =
        matches!(value, [.., b'.', a, b] if a.is_ascii_digit() && b.is_ascii_digit()) && parts().count() <= 3;
    parts().all(|part| part.ends_with(b"00")) || thousands && value.len() <= 11 || cents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, about: About, named: bool) -> &str {
        read(text.as_bytes(), 0, about, named).map_or("", |end| &text[..end])
    }

    #[test]
    fn codes_and_what_are_none() {
        for (text, about, named, want) in [
            ("FR-829104, le", About::Order, true, "FR-829104"),
            ("78-4482019, sinistro", About::Order, false, "78-4482019"),
            ("14.882.917-3, Ereignis", About::Order, false, "14.882.917-3"),
            ("JD0002 7741 9036 will", About::Order, false, "JD0002 7741 9036"),
            ("WA-5730.616.", About::Order, false, "WA-5730.616"),
            ("12 C 448/23 beim", About::Order, true, "12 C 448/23"),
            ("VIII Ns 34/2024.", About::Order, true, "VIII Ns 34/2024"),
            ("AB 4481720 zap", About::Order, true, "AB 4481720"),
            ("12 von 34/20", About::Order, false, ""),
            ("ZEP 004417/22), student", About::Order, false, "ZEP 004417/22"),
            ("7741 0092 81. Pay", About::Order, true, "7741 0092 81"),
            ("TR4Q7Z. Voyageur", About::Order, false, "TR4Q7Z"),
            ("KX nr. 448172, dom", About::Paper, false, "KX nr. 448172"),
            ("7KQZ2M.", About::Travel, false, "7KQZ2M"),
            ("2024/118302 com", About::Order, true, "2024/118302"),
            ("31907 44162.", About::Payment, false, "31907 44162"),
            ("21 00000 00003 13947 14300 09017", About::Payment, true, "21 00000 00003 13947 14300 09017"),
            ("50 No 1804417302, works", About::Paper, false, "50 No 1804417302"),
            ("AB1234567 2 nights", About::Paper, false, "AB1234567"),
            ("CFGH2K9MT ausweisen", About::Paper, false, "CFGH2K9MT"),
            ("TREM 7854 1923", About::Person, true, "TREM 7854 1923"),
            ("P-1536470 3.", About::Paper, false, "P-1536470 3"),
            ("65 180572 K 054, ist", About::Person, false, "65 180572 K 054"),
            ("GB 284 0917 45.", About::Person, false, "GB 284 0917 45"),
            ("32 84 61 1029 7, ingres\u{f3}", About::Person, false, "32 84 61 1029 7"),
            ("1573-2 / 62094-6. Ros", About::Bank, false, "1573-2 / 62094-6"),
            ("815-30264-0571938 pour", About::Bank, false, "815-30264-0571938"),
            ("2020 shares", About::Order, false, ""),
            ("3 of 4", About::Order, false, ""),
            ("2.3.1", About::Order, false, ""),
            ("10000 masks", About::Order, false, ""),
            ("120.000 units", About::Order, false, ""),
            ("15500 EUR", About::Order, false, ""),
            ("12450,50", About::Order, false, ""),
            ("2024-2025", About::Order, false, ""),
            ("Q3-2024", About::Order, true, ""),
            ("ISO-27001", About::Order, false, ""),
            ("COVID-19", About::Order, false, ""),
            ("B1 or B2", About::Paper, false, ""),
            ("756.1204.7781.04, il", About::Person, false, "756.1204.7781.04"),
            ("85.07.03-114.57). Moi", About::Person, false, "85.07.03-114.57"),
            ("MV-2064/3.", About::Payment, false, "MV-2064/3"),
            ("5000 dollars", About::Bank, false, ""),
            ("12:30:45", About::Order, true, ""),
            ("12.03.2020", About::Order, true, ""),
        ] {
            assert_eq!(check(text, about, named), want, "{text}");
        }
    }
}
