//! `8/23`: a day of a month, or so many of so many. The words around it tell.

use super::calendar::weekday_of;

/// Words that dates follow.
const DATED: &[&str] = &[
    "addendum",
    "adm",
    "admitted",
    "appointment",
    "appt",
    "arriving",
    "arrived",
    "between",
    "biopsy",
    "birth",
    "birthday",
    "born",
    "bypass",
    "by",
    "cabg",
    "called",
    "cath",
    "center",
    "clinic",
    "collected",
    "colonoscopy",
    "comparison",
    "consent",
    "consented",
    "consult",
    "ct",
    "cxr",
    "date",
    "dated",
    "dc",
    "denied",
    "discharged",
    "doa",
    "dob",
    "dos",
    "drawn",
    "due",
    "echo",
    "ed",
    "effective",
    "egd",
    "ekg",
    "er",
    "ercp",
    "eval",
    "excised",
    "exp",
    "expired",
    "expires",
    "facility",
    "faxed",
    "fill",
    "filled",
    "for",
    "from",
    "fu",
    "hospital",
    "is",
    "labs",
    "last",
    "mammogram",
    "medical",
    "meeting",
    "missed",
    "mri",
    "mtg",
    "note",
    "on",
    "orif",
    "passed",
    "pci",
    "received",
    "refilled",
    "removed",
    "resume",
    "resumed",
    "returned",
    "round",
    "scan",
    "scheduled",
    "scoped",
    "seen",
    "service",
    "signed",
    "since",
    "started",
    "stopped",
    "surgery",
    "tavr",
    "tested",
    "tha",
    "through",
    "till",
    "tka",
    "transplant",
    "ultrasound",
    "until",
    "updated",
    "visit",
];

/// Words that stand before a count out of a whole.
const COUNTED: &[&str] = &[
    "apgar", "apgars", "bp", "cycle", "day", "dose", "gad", "gcs", "gleason", "grade", "item", "kps",
    "level", "mmse", "moca", "murmur", "of", "oriented", "page", "pain", "part", "phq", "positive", "power",
    "ratio", "score", "scored", "scores", "scoring", "slums", "stage", "step", "strength", "version", "week",
    "wells", "x",
];

/// Words that stand behind one.
const MEASURED: &[&str] = &[
    "apart", "cells", "cups", "days", "doses", "eyes", "female", "fields", "hpf", "hours", "in", "inch",
    "inches", "joints", "mmhg", "murmur", "nodes", "of", "pain", "people", "points", "scale", "score",
    "sessions", "strength", "systolic", "tab", "tablet", "tablets", "teaspoon", "tsp", "tests", "times",
    "units", "weeks",
];

/// Whether the month and day `y` at `start..end` are a date. A day after the 12th is one unless it is counted; an earlier
/// one, which may be a share, needs a word that dates follow.
pub(super) fn is_dated(text: &[u8], start: usize, end: usize, y: u32) -> bool {
    let head = &text[text[..start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1)..start];
    let before = last_word(head);
    let behind = first_word(&text[end..]);
    let counted = COUNTED.contains(&before.as_str()) || MEASURED.contains(&behind.as_str());
    let said = DATED.contains(&before.as_str())
        || weekday_of(before.as_bytes()).is_some()
        || ends_with(head, "f/u")
        || ends_with(head, "d/c")
        || timed(&text[end..])
        || doctor(head);
    // `pain is 8/10`
    let counted =
        counted || before == "is" && COUNTED.contains(&last_word(&head[..without_last(head)]).as_str());
    // Without a day (0): the first number is one. `vision is 20/10`
    let said = said && !(y == 0 && before == "is");
    !counted && (said || y > 12)
}

/// A time of day follows: ` 0730.`, ` 3pm`, ` at 14:20`.
fn timed(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b" at").unwrap_or(rest);
    let Some(rest) = rest.strip_prefix(b" ") else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (hour, tail) = rest.split_at(digits);
    let hour = hour.iter().take(4).fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    let half = matches!(tail.trim_ascii_start(), [b'a' | b'p' | b'A' | b'P', b'm' | b'M', ..]);
    let clock = matches!(tail, [b':', b'0'..=b'5', ..]);
    let closed = matches!(tail, [] | [b'.' | b',' | b'\n' | b')', ..]);
    let military = digits == 4 && hour < 2400 && hour % 100 < 60 && closed;
    (1..=2).contains(&digits) && (half || clock) && hour < 25 || military
}

/// `Dr. Iyer `: the day on which somebody saw or did it.
fn doctor(head: &[u8]) -> bool {
    let from = head.len() - head.iter().rev().take_while(|b| **b != b'.').count().min(head.len());
    let name = head[from..].trim_ascii();
    let one = name.first().is_some_and(u8::is_ascii_uppercase) && !name.contains(&b' ') && name.len() >= 2;
    one && head[..from].ends_with(b"Dr.")
}

/// Where the last word of `head` begins.
fn without_last(head: &[u8]) -> usize {
    let trimmed = head.trim_ascii_end();
    trimmed.len() - trimmed.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count()
}

/// The word before, small: `on `, `DOB: `, `collected (`.
fn last_word(head: &[u8]) -> String {
    let trimmed = head.iter().rposition(|b| !b" :.=(,\t|-".contains(b)).map_or(0, |last| last + 1);
    let from = head[..trimmed].iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(0, |at| at + 1);
    String::from_utf8_lossy(&head[from..trimmed]).to_ascii_lowercase()
}

fn first_word(rest: &[u8]) -> String {
    let gap = rest.iter().take_while(|b| **b == b' ').count();
    let word = rest[gap..].iter().take_while(|b| b.is_ascii_alphabetic());
    word.map(|b| char::from(b.to_ascii_lowercase())).collect()
}

fn ends_with(head: &[u8], word: &str) -> bool {
    let trimmed = head.trim_ascii_end();
    trimmed.len() >= word.len() && trimmed[trimmed.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::dates;
    use crate::anonymize::token::tokens;

    #[test]
    fn a_day_of_a_month_is_told_from_so_many_of_so_many() {
        for (text, dated) in [
            ("F/u 12/3.", true),
            ("signed consent 10/4 from him", true),
            ("tested 03/13; brother", true),
            ("Reviewed\n6/29 1415. Seen", true),
            ("stable, 8/23 labs pending", true),
            ("list from Erie Hospital 11/1:", true),
            ("DOB: 4/7", true),
            ("date of birth 1/9. Seen", true),
            ("Progress note - 3/10", true),
            ("s/p THA 9/9. Lives alone", true),
            ("ok to resume apixaban, resumed 4/11", true),
            ("pain - 7/10", false),
            ("Fri 1/2", true),
            ("Ward round 14/2 - stable", true),
            ("vision is 20/10, 20/12", false),
            ("family meeting 4/9 3pm", true),
            ("reviewed, 3/3 0730. Seen", true),
            ("CABG (Dr. Iyer 5/1)", true),
            ("CXR 8/10 clear", true),
            ("she says the pain is 8/10.", false),
            ("mix 1/2 120 ml", false),
            ("pain 7/10 today", false),
            ("2/6 systolic murmur", false),
            ("5/5 strength", false),
            ("MMSE 12/30", false),
            ("Apgars 8/9", false),
            ("1/2 tablet", false),
            ("12/20 joints", false),
            ("A&O x 3/4", false),
            ("9/11", false),
            ("either 3/4 or more", false),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(!found.is_empty(), dated, "{text}: {found:?}");
        }
    }
}
