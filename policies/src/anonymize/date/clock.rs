//! Clock times, alone and joined to a date.

use std::sync::LazyLock;

use super::hour::{at_hour, day_part, glyphs, half_day_before, hour_word};
use super::loosely::{about, comma, half_letter, said_at, until};
use super::number;
use super::zone::{whole, zone};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::quick::{Map, Set};
use crate::anonymize::sections::entries_of;
use crate::anonymize::token::{Token, after, before, in_token};

/// The end of the clock time that is joined to a date: `T09:15:30.5Z`, ` 09:15`.
pub(super) fn joined(text: &[u8], from: usize) -> Option<usize> {
    if !matches!(after(text, from), b'T' | b't' | b' ') {
        return None;
    }
    let mut end = clock(text, from + 1)?;
    if after(text, end) == b'Z' {
        end += 1;
    } else if let Some(until) = zone(text, end) {
        end = until;
    } else if matches!(after(text, end), b'+' | b'-') {
        let zone = text[end + 1..].iter().take_while(|b| b.is_ascii_digit() || **b == b':').count();
        end += if (2..=5).contains(&zone) { zone + 1 } else { 0 };
    }
    (!in_token(after(text, end))).then_some(end)
}

/// The end of `H:MM[:SS[.fff]]` at `from`.
fn clock(text: &[u8], from: usize) -> Option<usize> {
    let hour = digits(text, from);
    if !(1..=2).contains(&hour) || after(text, from + hour) != b':' || digits(text, from + hour + 1) != 2 {
        return None;
    }
    let mut end = from + hour + 3;
    if after(text, end) == b':' && digits(text, end + 1) == 2 {
        end += 3;
        if after(text, end) == b'.' {
            let fraction = digits(text, end + 1);
            end += if fraction > 0 { fraction + 1 } else { 0 };
        }
    }
    Some(end)
}

/// Words beside a time: behind it, before it, before an hour alone, and the English ones.
struct Words {
    /// By what they begin with, of two the longer one first: `heures du matin`.
    behind: Map<u8, Vec<&'static str>>,
    lead: Set<&'static str>,
    hour: Set<&'static str>,
    said: Set<&'static str>,
    /// Before `at 9.30`.
    day: Set<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    const SOURCE: &str = include_str!("../../../words/clock.txt");
    let mut behind = Map::<u8, Vec<&str>>::default();
    for mark in entries_of::<Vec<_>>(SOURCE, "behind") {
        behind.entry(initial(mark.as_bytes())).or_default().push(mark);
    }
    behind.values_mut().for_each(|marks| marks.sort_unstable_by_key(|mark| std::cmp::Reverse(mark.len())));
    Words {
        behind,
        lead: entries_of(SOURCE, "lead"),
        hour: entries_of(SOURCE, "hour"),
        said: entries_of(SOURCE, "said"),
        day: entries_of(SOURCE, "day"),
    }
});

/// `at`, `alle`: does a word lead to a time?
pub(super) fn leads(word: &str) -> bool {
    word != "and" && (WORDS.said.contains(word) || WORDS.lead.contains(word))
}

/// `Monday`, `train`: no price follows behind `at`.
pub(super) fn of_day(word: &str) -> bool {
    WORDS.day.contains(word)
}

/// Two numbers with a colon between that are no time.
const RATIOS: [&str; 8] = ["ratio", "scale", "aspect", "odds", "dilution", "titer", "score", "verse"];

/// How a clock time is written.
struct Read {
    end: usize,
    hour: u32,
    score: u8,
}

/// Clock times: `17:52`, `2:30pm`, `9 a.m.`, `11.30 Uhr`, `14h05`, `kl. 8.15`.
pub(super) fn times(text: &[u8], out: &mut Vec<Finding>) {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = digits(text, at);
        let until =
            before(text, at) == b'-' && out.last().is_some_and(|f| f.ty == Type::TIME && f.end + 1 == at);
        let free = !in_token(before(text, at))
            && (until || prefixed(text, at) || !b".:-/,$#%+=_".contains(&before(text, at)));
        let again = || {
            until
                .then(|| half_of_an_hour(text, at + run))
                .flatten()
                .filter(|end| !in_token(after(text, *end)))
                .map(|end| Read { end, hour: hour(text, at, run), score: 70 })
        };
        let read = if free && run <= 2 {
            read(text, at).or_else(again)
        } else {
            let behind = out.last().filter(|f| f.ty == Type::TIME && f.end - f.start == 4).map(|f| f.end);
            military(text, at, run, behind).filter(|_| free)
        };
        if let Some(Read { end, score, .. }) = read.filter(|read| read.hour <= 24) {
            let start = half_day_before(text, at);
            let end = whole(text, end);
            out.push(Finding::new(start, end, Type::TIME, Evidence::Shape).scored(score));
            at = end;
        } else {
            at += run;
        }
    }
}

/// `ב-18:15`: a small word of Hebrew, joined to what follows.
fn prefixed(text: &[u8], at: usize) -> bool {
    before(text, at) == b'-' && digits(text, at) == 2 && matches!(text.get(at.wrapping_sub(3)), Some(0xd7))
}

/// `0730 hrs`, `between 0630 and 1015`; `last` is where such a time ended last.
fn military(text: &[u8], at: usize, run: usize, last: Option<usize>) -> Option<Read> {
    if run != 4 || !is_minute(text, at + 2) {
        return None;
    }
    let hour = hour(text, at, 2);
    let open = in_token(after(text, at + 4))
        || b".,:/-".contains(&after(text, at + 4)) && in_token(after(text, at + 5));
    let lead = lead(text, at);
    let lead = lead.as_str();
    let said = lead != "and" && (WORDS.said.contains(lead) || WORDS.hour.contains(lead));
    let second =
        last.is_some_and(|last| matches!(text.get(last..at), Some(b" and " | b" to " | b" - " | b" until ")));
    let end = marked(text, at + 4)
        .or_else(|| hours(text, at + 4).filter(|_| said))
        .or_else(|| (!open && (second || said && text[at] == b'0')).then_some(at + 4))?;
    Some(Read { end, hour, score: 85 })
}

/// The end of the English ` hours` behind minutes.
pub(super) fn hours(text: &[u8], at: usize) -> Option<usize> {
    let end = at + " hours".len();
    (text.get(at..end) == Some(b" hours") && !in_token(after(text, end))).then_some(end)
}

/// The number of the `run` digits at `at`.
pub(super) fn hour(text: &[u8], at: usize, run: usize) -> u32 {
    number(text, Token { start: at, end: at + run, digits: run })
}

pub(super) fn digits(text: &[u8], at: usize) -> usize {
    text[at.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count()
}

/// The clock time that begins with the one or two digits at `at`.
fn read(text: &[u8], at: usize) -> Option<Read> {
    let run = digits(text, at);
    let (end, score) = if let Some(end) = clock(text, at).filter(|_| is_minute(text, at + run + 1)) {
        coloned(text, at, end)?
    } else if let Some(end) = glyphs(text, at, at + run).or_else(|| hour_word(text, at, at + run)) {
        (end, 85)
    } else if let Some(end) = hour_sign(text, at + run) {
        signed(text, at, end)?
    } else {
        dotted(text, at, at + run)?
    };
    Some(Read { end, hour: hour(text, at, run), score })
}

/// `17:52`, up to `end`: the end of what belongs to it, and how sure it is.
fn coloned(text: &[u8], at: usize, end: usize) -> Option<(usize, u8)> {
    if let Some(end) =
        marked(text, end).or_else(|| at_hour(text, end).then_some(end)).or_else(|| half_letter(text, end))
    {
        return Some((end, 85));
    }
    let range = after(text, end) == b'-' && clock(text, end + 1).is_some();
    let joined = after(text, end) == b'-' && after(text, end + 1).is_ascii_lowercase();
    if in_token(after(text, end)) || b":-/".contains(&after(text, end)) && !range && !joined {
        return None;
    }
    let lead = lead(text, at);
    let lead = lead.as_str();
    let said = WORDS.lead.contains(lead) || WORDS.said.contains(lead);
    let two = digits(text, at) == 2;
    let seconds = end - at > 5 || end - at == 5 && !two;
    (said || two && !RATIOS.contains(&lead)).then_some((end, if seconds { 85 } else { 50 }))
}

/// `14h05` or, behind what leads to a time, `14h`, up to its sign's `end`.
fn signed(text: &[u8], at: usize, end: usize) -> Option<(usize, u8)> {
    let minute = end + usize::from(after(text, end) == b' ' && digits(text, end + 1) == 2);
    if digits(text, minute) == 2
        && is_minute(text, minute)
        && (!in_token(after(text, minute + 2)) || after(text, minute + 2) == b'm')
    {
        return Some((minute + 2, 80));
    }
    let led = !in_token(after(text, end)) && WORDS.lead.contains(lead(text, at).as_str());
    led.then_some((end, 80))
}

/// `9 a.m.`, `11.30 Uhr` or, behind what leads to a time, `11.30` and `kl. 9`; `end` is the hour's.
fn dotted(text: &[u8], at: usize, end: usize) -> Option<(usize, u8)> {
    let minutes = half_of_an_hour(text, end);
    let dotted = minutes.is_some();
    let lead = lead(text, at);
    let lead = lead.as_str();
    if let Some(end) = about(text, at, end, lead).filter(|_| !dotted).or_else(|| comma(text, end)) {
        return Some((end, 80));
    }
    let end = minutes.unwrap_or(end);
    if let Some(end) = marked(text, end).or_else(|| (dotted && at_hour(text, end)).then_some(end)) {
        return Some((end, 85));
    }
    if dotted && (hours(text, end).is_some() || said_at(text, at, lead) || until(text, at, end)) {
        return Some((hours(text, end).unwrap_or(end), 70));
    }
    let next = after(text, end);
    // `8.00-15.30`.
    let range = dotted && next == b'-' && half_of_an_hour(text, end + 1 + digits(text, end + 1)).is_some();
    let open = in_token(next) || b".,%/-".contains(&next) && after(text, end + 1).is_ascii_digit() && !range;
    let leads = if dotted { &WORDS.lead } else { &WORDS.hour };
    let part = if matches!(lead, "jam" | "pukul") { day_part(text, end) } else { end };
    (!open && leads.contains(lead)).then_some((part, 70))
}

/// The end of the minutes behind a full stop: `.30`.
pub(super) fn half_of_an_hour(text: &[u8], at: usize) -> Option<usize> {
    let fits = after(text, at) == b'.' && digits(text, at + 1) == 2 && is_minute(text, at + 1);
    fits.then_some(at + 3)
}

/// The end of `h` behind an hour: `14h`, `14 h`; before minutes `02u13` too, and behind a word of Vietnamese `7g30`.
fn hour_sign(text: &[u8], at: usize) -> Option<usize> {
    let minutes = digits(text, at + 1) == 2 && is_minute(text, at + 1) && !in_token(after(text, at + 3));
    if minutes && (after(text, at) == b'u' || after(text, at) == b'g' && of_vietnamese(text, at)) {
        return Some(at + 1);
    }
    let sign = at + usize::from(after(text, at) == b' ');
    (matches!(after(text, sign), b'h' | b'H') && !after(text, sign + 1).is_ascii_alphabetic())
        .then_some(sign + 1)
}

/// `lúc 7`: the digits that end at `at` stand behind a word of time.
fn of_vietnamese(text: &[u8], at: usize) -> bool {
    let run = text[..at].iter().rev().take_while(|b| b.is_ascii_digit()).count();
    matches!(lead(text, at - run).as_str(), "lúc" | "từ" | "đến" | "trước" | "sau" | "khoảng" | "hồi")
}

/// Two digits at `at` that may be minutes.
pub(super) fn is_minute(text: &[u8], at: usize) -> bool {
    text.get(at..at + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit)) && text[at] < b'6'
}

/// The end of the mark behind a time: `am`, ` Uhr`.
pub(super) fn marked(text: &[u8], at: usize) -> Option<usize> {
    let from = at + usize::from(after(text, at) == b' ');
    let rest = &text[from.min(text.len())..];
    let fits = |mark: &&&str| {
        let said = rest.get(..mark.len()).is_some_and(|head| small_is(head, mark));
        let next = after(text, from + mark.len());
        said && !in_token(next) && (next < 0x80 || mark.is_ascii())
    };
    WORDS.behind.get(&initial(rest))?.iter().find(fits).map(|mark| from + mark.len())
}

/// What a mark begins with: a byte in lower case, or any letter beyond ASCII.
fn initial(mark: &[u8]) -> u8 {
    mark.first().map_or(0, |b| b.to_ascii_lowercase().min(0x80))
}

fn small_is(head: &[u8], mark: &str) -> bool {
    let lower = || std::str::from_utf8(head).is_ok_and(|head| head.to_lowercase() == mark);
    head.eq_ignore_ascii_case(mark.as_bytes()) || !mark.is_ascii() && lower()
}

/// The word before the number, in lower case.
pub(super) fn lead(text: &[u8], at: usize) -> String {
    let head = &text[at.saturating_sub(16)..at];
    let Some(head) = head.strip_suffix(b" ") else { return String::new() };
    let len = head.iter().rev().take_while(|b| !b.is_ascii_whitespace() && !b"(,;".contains(b)).count();
    // `das` leads to an hour in Portuguese only behind another word: `depois das 19h`.
    let two = if head.ends_with(b" das") {
        len + 1
            + head[..head.len() - 4]
                .iter()
                .rev()
                .take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80)
                .count()
    } else {
        len
    };
    String::from_utf8_lossy(&head[head.len() - two..]).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        times(text.as_bytes(), &mut out);
        out.iter().filter(|f| f.score >= 40).map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn times_as_they_are_written_in_many_languages() {
        for (text, want) in [
            ("move my 2:30pm cleaning", "2:30pm"),
            ("signed in at 11:47 PM; from", "11:47 PM"),
            ("by 9 a.m. on Monday", "9 a.m."),
            ("the slot is 5 pm to", "5 pm"),
            ("issued at 17:52 outside", "17:52"),
            ("under Smith, 7.15pm, Saturday", "7.15pm"),
            ("am besten vor 11:30 Uhr.", "11:30 Uhr"),
            ("wurde um 16.45 Uhr abgeholt", "16.45 Uhr"),
            ("um 9 Uhr", "9 Uhr"),
            ("est passé à 8h20 alors", "8h20"),
            ("toujours à 19h chez", "19h"),
            ("de Bayonne à 14 h 05, passeport", "14 h 05"),
            ("às 14h40.", "14h40"),
            ("até as 18h", "18h"),
            ("a las 11:30 hrs.", "11:30 hrs"),
            ("giugno alle ore 9.30 in", "9.30"),
            ("naar di om 08.50 uur, Brink", "08.50 uur"),
            ("kl. 14.15 i morgen", "14.15"),
            ("o 7:05 rano", "7:05 rano"),
            ("10:04:33 GET", "10:04:33"),
            ("2024 at 6:30", "6:30"),
            ("в 19:45 на", "19:45"),
            ("klockan 14.30 på", "14.30"),
            ("10:30-kor lesz", "10:30"),
            ("в 7 часов вечера", "7 часов вечера"),
            ("10時30分に開始", "10時30分"),
            ("at 0730 hrs", "0730 hrs"),
            ("toplantı saat 15'te", "15"),
            ("kl. 9 i morgen", "9"),
            ("7月2日午後4時15分に", "午後4時15分"),
            ("6월 3일 오후 3시 회의", "오후 3시"),
            ("sampai jam 8 malam ya", "8 malam"),
            ("ligue depois das 20h, ok", "20h"),
            ("moved to Friday at 9.40am; please", "9.40am"),
            ("a las 8 de la tarde", "8 de la tarde"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
    }

    #[test]
    fn both_ends_of_a_span_of_time_are_found() {
        assert_eq!(check("open 10:15-11:45 daily"), ["10:15", "11:45"]);
        assert_eq!(check("paikalla klo 9.00-16.30."), ["9.00", "16.30"]);
    }

    #[test]
    fn other_numbers_are_no_times() {
        for text in [
            "diluted 1:10 in saline",
            "aspect ratio 16:10",
            "a 24h urine and 12 h later",
            "q6h, 48h",
            "at 9.30 dollars",
            "version 2.30",
            "10:75",
            "3 hours",
            "5 percent",
            "6 hospitals",
            "1:2:3",
            "port 127.0.0.1:80",
            "12 AMs",
            "08:15-16",
            "3時間かかる",
            "2 hari 1 malam di Bali",
            "das 24h-Rennen",
            "invoice 0730",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
