//! `8/23`: a day of a month, or so many of so many. The words around it tell.

use std::sync::LazyLock;

use super::calendar::weekday_of;
use super::{Field, Written, number, piece};
use crate::anonymize::quick::Map;
use crate::anonymize::sections::entries;
use crate::anonymize::token::{Token, after, before, in_token};

/// What a word says of the numbers beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Dated,
    Strict,
    Counted,
    Scored,
    Measured,
    Sure,
    Then,
}

const SECTIONS: &[(&str, Says)] = &[
    ("dated", Says::Dated),
    ("strict", Says::Strict),
    ("counted", Says::Counted),
    ("scored", Says::Scored),
    ("measured", Says::Measured),
    ("sure", Says::Sure),
    ("then", Says::Then),
];

static WORDS: LazyLock<Map<&'static str, Vec<Says>>> = LazyLock::new(|| {
    let mut all: Map<&'static str, Vec<Says>> = Map::default();
    for (says, word) in entries(include_str!("../../../words/days.txt"), SECTIONS) {
        all.entry(word).or_default().push(says);
    }
    all
});

pub(super) fn says(word: &str, what: Says) -> bool {
    WORDS.get(word).is_some_and(|all| all.contains(&what))
}

/// How far before a count its scale may be named.
const CLAUSE: usize = 28;

/// How far around a share its scale may be named.
const NEAR: usize = 100;

/// How far before numbers is read what leads to them.
const LINE: usize = 256;

/// Whether the numbers `x` and `y` at `start..end` are a month and a day, or with `x` above 12 a day and a month. A day
/// after the 12th is one unless it is counted, and so is one before its month's number, for nobody has more of a whole
/// than there is; a later one, which may be a share, needs a word that dates follow.
pub(super) fn is_dated(text: &[u8], start: usize, end: usize, (x, y): (u32, u32)) -> bool {
    let head = line_before(text, start);
    if is_counted(text, start, end) {
        return false;
    }
    let before = last_word(head);
    // `vision is 20/10`
    let turned = x > 12;
    let said = says(&before, Says::Dated) && !(turned && before == "is")
        || weekday_of(before.as_bytes()).is_some()
        || ends_with(head, "f/u")
        || ends_with(head, "d/c")
        || timed(&text[end..])
        || doctor(head);
    // `02/03`: nobody pads a share.
    let padded = text[start] == b'0' || text[start..end].windows(2).any(|pair| pair == b"/0");
    // Nobody counts out of seven, eight, nine, eleven or twelve without saying what.
    let odd = matches!(y, 7..=9 | 11..=12) && (x, y) != (9, 11);
    let week = before == "of" && part_of(head) || of_dose(head);
    // `de 30/05`: a day before its padded month.
    let month = turned && text[start..end].ends_with(format!("/0{y}").as_bytes()) && x <= 31;
    said || week || month || !turned && (y > 12 || x > y || padded || odd)
}

/// `adm 9.9`, `seen 3-22`: written as decimals and ranges are, and led by a word that only days follow.
pub(super) fn is_strict(text: &[u8], start: usize, end: usize) -> bool {
    let head = line_before(text, start);
    let near = head.last().is_some_and(|b| b" :(".contains(b));
    let open = in_token(after(text, end)) || after(text, end) == b'%';
    let led = says(&last_word(head), Says::Strict)
        || ends_with(head, "f/u")
        || ends_with(head, "d/c")
        || text[start..end].contains(&b'-') && done_on(head) && !is_result(&text[end..])
        || text[start..end].contains(&b'-') && ends_with(head, " on") && is_closed(&text[end..]);
    led && near && !open && !super::super::number::unit_follows(text, end) && !is_counted(text, start, end)
}

/// `admitted on `, `seen on `: what is done on a day.
fn done_on(head: &[u8]) -> bool {
    const DONE: [&str; 8] = ["seen", "drawn", "done", "taken", "given", "born", "back", "began"];
    let Some(before) = head.trim_ascii_end().strip_suffix(b" on") else { return false };
    let word = last_word(before);
    word.ends_with("ed") || DONE.contains(&word.as_str()) || says(&word, Says::Strict)
}

/// The end, a sign, ` &` or ` and`: nothing follows that is counted.
fn is_closed(rest: &[u8]) -> bool {
    matches!(rest, [] | [b'.' | b',' | b';' | b')' | b'\n', ..])
        || [&b" & "[..], b" and ", b" ("].iter().any(|next| rest.starts_with(next))
}

/// ` vote`, ` lead`: two numbers that people won or lost by.
fn is_result(rest: &[u8]) -> bool {
    const RESULTS: [&str; 8] =
        [" vote", " decision", " ruling", " split", " lead", " win", " loss", " score"];
    RESULTS.iter().any(|word| rest.starts_with(word.as_bytes()))
}

/// `5/12-5/16`: of the three tokens the first two are a date, and the last begins another.
pub(super) fn is_range(text: &[u8], tokens: &[Token]) -> bool {
    let [a, b, c] = tokens else { return false };
    let joint = text.get(a.end).filter(|sep| **sep != b'-');
    joint.is_some_and(|sep| {
        b.start == a.end + 1
            && c.start == b.end + 1
            && text[b.end] == b'-'
            && a.is_number()
            && b.is_number()
            && goes_on(&text[c.start..], *sep)
    })
}

/// `5/16`: one or two digits, the sign and a digit.
pub(super) fn goes_on(rest: &[u8], sep: u8) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    (1..=2).contains(&digits)
        && rest.get(digits) == Some(&sep)
        && rest.get(digits + 1).is_some_and(u8::is_ascii_digit)
}

/// `wk of `, `morning of `: part of what a day is.
fn part_of(head: &[u8]) -> bool {
    let parts =
        ["wk of", "week of", "am of", "pm of", "morning of", "evening of", "night of", "day of", "as of"];
    parts.iter().any(|words| ends_with(head, words))
}

/// `last dose `: when it was given.
fn of_dose(head: &[u8]) -> bool {
    ["last dose", "first dose", "final dose", "next dose", "previous dose", "last taken", "last pill"]
        .iter()
        .any(|words| ends_with(head, words))
}

/// A mention that only its text told to be a day: `3/4`, `9.9`, `9th`, the `7` of `June 3-7`.
pub(crate) fn bare(mention: &[u8]) -> Option<Written> {
    let tokens = super::tokens(mention);
    let day = |n: u32| (1..=31).contains(&n);
    let month = |n: u32| (1..=12).contains(&n);
    // `Sunday the 21st`: the weekday stays.
    let of_week =
        |t: &Token| weekday_of(t.of(mention)).is_some() || t.of(mention).eq_ignore_ascii_case(b"the");
    let lead = tokens.iter().take_while(|t| of_week(t)).count();
    match tokens[lead..] {
        [one] if day(number(mention, one)) => {
            let field = if one.is_number() { Field::Day } else { Field::Ordinal };
            Written::new(vec![piece(field, one)], 35)
        }
        [a, b] if a.is_number() && b.is_number() && b.start == a.end + 1 => {
            let (x, y) = (number(mention, a), number(mention, b));
            let turned = x > 12 || after(mention, b.end) == b'.';
            let fields = if turned { [Field::Day, Field::Month] } else { [Field::Month, Field::Day] };
            let fits = if turned { day(x) && month(y) } else { month(x) && day(y) };
            Written::new(vec![piece(fields[0], a), piece(fields[1], b)], 35).filter(|_| fits)
        }
        _ => None,
    }
}

/// As much of the line before `start` as anything asks for.
pub(super) fn line_before(text: &[u8], start: usize) -> &[u8] {
    let near = &text[start.saturating_sub(LINE)..start];
    &near[near.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1)..]
}

/// `5/5 strength`, `pain today is 8/10`, `1/2 tab`.
pub(super) fn is_counted(text: &[u8], start: usize, end: usize) -> bool {
    let head = line_before(text, start);
    if says(&last_word(head), Says::Counted) && !part_of(head) && !of_dose(head)
        || says(&first_word(&text[end..]), Says::Measured)
    {
        return true;
    }
    if is_share(text, head, start, end) {
        return true;
    }
    let clause = &head[head.len().saturating_sub(CLAUSE)..];
    let from = clause.iter().rposition(|b| b";.(\n".contains(b)).map_or(0, |at| at + 1);
    let words = clause[from..].split(|b| !b.is_ascii_alphabetic()).filter(|word| word.len() > 2);
    words.map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).any(|word| says(&word, Says::Scored))
}

/// `8/10 abd pain` and `4/10.` beside it, `shock 2/2 cholangitis`, `UE weakness 2/5`, `pN1b (2/19)`: parts of ten, what
/// stands for `secondary to`, power out of five, and nodes; none behind a word that days follow.
fn is_share(text: &[u8], head: &[u8], start: usize, end: usize) -> bool {
    let before = last_word(head);
    if says(&before, Says::Dated) || weekday_of(before.as_bytes()).is_some() {
        return false;
    }
    let (x, y) =
        text[start..end].split_at(text[start..end].iter().position(|b| *b == b'/').unwrap_or(end - start));
    let line = &text[start - head.len()..text.len().min(end + NEAR)];
    let line = &line[..line.iter().position(|b| *b == b'\n').unwrap_or(line.len())];
    let near = head.len().saturating_sub(NEAR)..(head.len() + NEAR).min(line.len());
    let said = |words: &[&str]| {
        line[near.clone()]
            .split(|b| !b.is_ascii_alphabetic())
            .any(|word| words.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes())))
    };
    let next = first_word(&text[end..]);
    match (x, y) {
        (_, b"/10") => said(&["pain", "ache", "headache", "hurts", "discomfort", "soreness", "tenderness"]),
        ([b'0'..=b'5'], b"/5") => {
            said(&["weakness", "strength", "power", "weak", "motor", "paresis", "extensors", "flexors"])
        }
        (b"2", b"/2") => {
            next.len() > 4 && after(text, end) == b' ' && after(text, end + 1).is_ascii_lowercase()
        }
        _ => of_nodes(head),
    }
}

/// `pN1b (`, `LN `, `nodes: `.
fn of_nodes(head: &[u8]) -> bool {
    let open = head.trim_ascii_end();
    let open = open.strip_suffix(b"(").unwrap_or(open);
    let word = open.rsplit(|b| !b.is_ascii_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let stage = word.strip_prefix(b"yp").or_else(|| word.strip_prefix(b"p")).unwrap_or(word);
    matches!(stage, [b'N', b'0'..=b'3' | b'X', ..] if stage.len() <= 3)
        || [&b"LN"[..], b"LNs", b"nodes", b"SLN"].contains(&word)
}

/// Stands apart, and counts nothing.
pub(super) fn is_open(text: &[u8], start: usize, end: usize) -> bool {
    let apart = |byte: u8| !matches!(byte, b'/' | b'-' | b'.' | b'$' | b'%' | b'_' | b':');
    let ends = apart(before(text, start)) && (apart(after(text, end)) || !in_token(after(text, end + 1)));
    ends && !is_counted(text, start, end)
}

/// `4/2 1.8, 4/9 2.6`: where one month and day is known, what is written like it and counts nothing is another.
pub(super) fn alike(text: &[u8], all: &[Token], dates: &mut Vec<Written>) {
    let short = |date: &Written| {
        matches!(date.pieces.as_slice(), [(Field::Month, ..), (Field::Day, ..)])
            && text[date.pieces[0].2] == b'/'
    };
    if !dates.iter().any(short) {
        return;
    }
    for pair in all.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        let small = |t: Token| t.is_number() && t.len() <= 2;
        if !(small(a) && small(b)) || &text[a.end..b.start] != b"/" {
            continue;
        }
        let fits = (1..=12).contains(&number(text, a)) && (1..=31).contains(&number(text, b));
        let at = dates.partition_point(|date| date.end <= a.start);
        let taken = dates.get(at).is_some_and(|date| date.start < b.end);
        if fits && !taken && is_open(text, a.start, b.end) {
            let date = Written::new(vec![piece(Field::Month, a), piece(Field::Day, b)], 35);
            dates.extend(date);
            dates[at..].rotate_right(1);
        }
    }
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
            ("fell 10/2. hip fracture", true),
            ("the 12/5 MRI is approved", true),
            ("rang 7/7: needs a refill", true),
            ("K 3/8: 5.6, then 3/15: 6.0", true),
            ("adm 9.9 dc 9.14", true),
            ("seen 3-22 for cough", true),
            ("She was admitted on 6-3 and", true),
            ("labs drawn on 11-24.", true),
            ("upheld on 6-3 vote", false),
            ("decided on 6-3 vote", false),
            ("spends 4-6 on it", false),
            ("dob 7 7 49 male", true),
            ("Lee\t02/03\tCRP 88", true),
            ("out 5/12-5/16 with flu", true),
            ("wk of 3/15", true),
            ("to OR am of 6/7", true),
            ("readmit 5/8", true),
            ("w/ metronidazole, last dose 5/11, wedding after", true),
            ("per dose 5/11 of them", false),
            ("septic shock 2/2 cholangitis", false),
            ("seen 2/2 for cough", true),
            ("c/o 8/10 abd pain, reassess 2240 4/10. Aware", false),
            ("fell 4/10 at home, pain since", true),
            ("due to R UE weakness 2/5.", false),
            ("pT3 pN1b (2/19), loss", false),
            ("pain today 4/10, GCS now 14/15", false),
            ("motor is 4/5 left", false),
            ("K 5.1, seen 2-3 times", false),
            ("dc 2.5 mg", false),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(!found.is_empty(), dated, "{text}: {found:?}");
        }
    }
}
