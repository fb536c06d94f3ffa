//! `8/23`: a day of a month, or so many of so many. The words around it tell.

use super::calendar::weekday_of;

/// Words that dates follow.
const DATED: &[&str] = &[
    "admitted",
    "appointment",
    "appt",
    "arriving",
    "arrived",
    "between",
    "born",
    "by",
    "called",
    "center",
    "clinic",
    "collected",
    "consent",
    "consented",
    "date",
    "dated",
    "discharged",
    "doa",
    "dob",
    "dos",
    "drawn",
    "due",
    "ed",
    "effective",
    "er",
    "exp",
    "expired",
    "expires",
    "facility",
    "faxed",
    "filled",
    "for",
    "from",
    "fu",
    "hospital",
    "is",
    "labs",
    "last",
    "medical",
    "note",
    "on",
    "passed",
    "received",
    "refilled",
    "returned",
    "scheduled",
    "seen",
    "signed",
    "since",
    "started",
    "stopped",
    "surgery",
    "tested",
    "through",
    "till",
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
        || ends_with(head, "d/c");
    !counted && (said || y > 12)
}

/// The word before, small: `on `, `DOB: `, `collected (`.
fn last_word(head: &[u8]) -> String {
    let trimmed = head.iter().rposition(|b| !b" :.=(,\t|".contains(b)).map_or(0, |last| last + 1);
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
            ("Fri 1/2", true),
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
