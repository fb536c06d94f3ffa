//! Days that are told without a number of the month: `on the fourth`, `March the third`, `Christmas Eve`, `landed 9th`,
//! `since june`.
//!
//! **Invariant:** an ordinal alone is a day only where nothing stands behind it that it could count.

use super::calendar::{MONTHS, month_of};
use super::{is_month, is_weekday, short};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::Word;

mod around;
mod spoken;
mod worded;
mod year;
use year::year;

/// Ordinals in words, those that follow `twenty` and `thirty` first.
const ORDINALS: [&str; 21] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "thirtieth",
];

/// Feasts by their words; of those of one word a time must be said.
const FEASTS: [&[&str]; 47] = [
    &["martin", "luther", "king", "day"],
    &["martin", "luther", "king", "jr", "day"],
    &["flag", "day"],
    &["groundhog", "day"],
    &["black", "friday"],
    &["super", "bowl", "sunday"],
    &["christmas", "eve"],
    &["christmas", "day"],
    &["christmas"],
    &["xmas", "eve"],
    &["xmas", "day"],
    &["xmas"],
    &["thanksgiving"],
    &["easter", "sunday"],
    &["easter", "monday"],
    &["easter"],
    &["halloween"],
    &["diwali"],
    &["hanukkah"],
    &["juneteenth"],
    &["nowruz"],
    &["eid"],
    &["passover"],
    &["purim"],
    &["yom", "kippur"],
    &["rosh", "hashanah"],
    &["good", "friday"],
    &["ash", "wednesday"],
    &["palm", "sunday"],
    &["boxing", "day"],
    &["labor", "day"],
    &["labour", "day"],
    &["memorial", "day"],
    &["veterans", "day"],
    &["columbus", "day"],
    &["presidents", "day"],
    &["mlk", "day"],
    &["independence", "day"],
    &["cinco", "de", "mayo"],
    &["new", "years", "day"],
    &["new", "years", "eve"],
    &["valentine", "s", "day"],
    &["patrick", "s", "day"],
    &["mother", "s", "day"],
    &["father", "s", "day"],
    &["new", "year", "s", "eve"],
    &["new", "year", "s", "day"],
];

/// Words that say when: what stands behind one is a day of somebody's life.
const WHEN: [&str; 20] = [
    "on", "since", "until", "till", "before", "after", "by", "from", "last", "past", "around", "over",
    "started", "began", "died", "born", "seen", "admitted", "landed", "fell",
];

/// Words before the name of a month alone.
const IN: [&str; 22] = [
    "in", "since", "last", "this", "next", "early", "late", "until", "till", "by", "mid", "from", "before",
    "after", "through", "during", "past", "around", "of", "previous", "ending", "starting",
];

/// Words that go on behind a day.
const ON: [&str; 22] = [
    "and", "at", "for", "with", "w", "to", "but", "or", "by", "in", "he", "she", "they", "we", "i", "after",
    "before", "because", "then", "when", "from", "still",
];

/// The words that a day in words begins with.
pub(crate) fn first_words() -> Vec<String> {
    let feasts = FEASTS.iter().filter_map(|words| words.first());
    let mut all: Vec<String> =
        feasts.chain(&ORDINALS).chain(&["twenty", "thirty", "sept"]).map(|w| (*w).to_owned()).collect();
    all.extend(around::SEASONS.iter().chain(&spoken::ONES[..12]).map(|word| (*word).to_owned()));
    all.extend(MONTHS.iter().flat_map(|name| [name.to_lowercase(), name[..3].to_lowercase()]));
    all
}

fn is(r: &Reading<'_>, i: usize, words: &[&str]) -> bool {
    words.iter().any(|word| r.is(i, word))
}

fn month(r: &Reading<'_>, i: usize) -> bool {
    month_of(r.str(i).as_bytes()).is_some()
}

/// Days of these kinds.
pub(crate) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for (i, word) in r.words.iter().enumerate() {
        let found = match word.digits {
            0 if !r.has(i, Role::Day) => worded::find(r, i),
            0 => feast(r, i)
                .map(|(first, last)| (around::begins(r, first), last))
                .or_else(|| spelled(r, i))
                .or_else(|| alone(r, i))
                .or_else(|| around::season(r, i))
                .or_else(|| spoken::find(r, i)),
            1 => around::quarter(r, i).or_else(|| ordinal(r, i, word)),
            2 => ordinal(r, i, word),
            _ => None,
        };
        if let Some((first, last)) = found {
            r.mark((first, last), Type::DATE, Evidence::Shape, out);
            let month = (first..=last).any(|i| is_month(r.str(i))) && last > first;
            if let Some(found) = out.last_mut() {
                found.score = if month && word.digits == 0 { 60 } else { 35 };
            }
        }
    }
}

/// `CXR (3/4)`, `rash 12th,`: where somebody is named, what may be a day is one.
pub(crate) fn among(r: &Reading<'_>, found: &[Finding], out: &mut Vec<Finding>) {
    if !found.iter().any(|f| f.ty == Type::NAME && f.score >= 35) {
        return;
    }
    let text = r.text.as_bytes();
    let number = |i: usize, most: u8| {
        let word = r.word(i).filter(|w| w.is_number() && w.digits <= 2)?;
        r.str(i).parse::<u8>().ok().filter(|n| (1..=most).contains(n)).map(|_| *word)
    };
    for i in 0..r.words.len() {
        let day = match (number(i, 12), number(i + 1, 31)) {
            (Some(a), Some(b)) if r.gap(i) == "/" => {
                short::is_open(text, a.start, b.end).then_some((i, i + 1))
            }
            _ => r.word(i).and_then(|word| nth(r, i, word)).filter(|_| closed(r, i)).map(|_| (i, i)),
        };
        if let Some(day) = day {
            r.mark(day, Type::DATE, Evidence::Shape, out);
            if let Some(found) = out.last_mut() {
                found.score = 35;
            }
        }
    }
}

/// The feast that begins at word `i`: of more than a word, or said of a time.
fn feast(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let whole = |words: &&&[&str]| {
        let near = |k: usize| k == 0 || matches!(r.gap(i + k - 1), " " | "'" | "-");
        words.iter().enumerate().all(|(k, word)| r.is(i + k, word) && near(k))
    };
    let words = FEASTS.iter().find(whole)?;
    let led = i.checked_sub(1).is_some_and(|b| is(r, b, &WHEN) && r.gap(b) == " ");
    let last = i + words.len() - 1;
    let whole = year(r, last);
    (words.len() > 1 || led || whole > last).then_some((i, whole))
}

/// The last word of the ordinal that begins at word `i`: `third`, `twenty-second`.
fn ordinal_words(r: &Reading<'_>, i: usize) -> Option<usize> {
    let joined = is(r, i, &["twenty", "thirty"]) && matches!(r.gap(i), " " | "-");
    if joined && is(r, i + 1, &ORDINALS[..9]) {
        return Some(i + 1);
    }
    is(r, i, &ORDINALS).then_some(i)
}

/// `third of March`, `March the third`, `on the fourth.`: word `i` begins the ordinal.
fn spelled(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let last = ordinal_words(r, i)?;
    if let Some(end) = around::weekday_of(r, last) {
        return Some((i, end));
    }
    if r.gap(last) == " " && r.is(last + 1, "of") {
        let the = i.checked_sub(1).filter(|b| r.is(*b, "the") && r.gap(*b) == " ");
        return month(r, last + 2).then(|| (the.unwrap_or(i), year(r, last + 2)));
    }
    let the = i.checked_sub(1).filter(|b| r.is(*b, "the") && r.gap(*b) == " ");
    let before = the.unwrap_or(i).checked_sub(1).filter(|b| r.gap(*b) == " ")?;
    if month(r, before) {
        return Some((before, year(r, last)));
    }
    let the = the?;
    if is_weekday(r.str(before)) && closed(r, last) {
        return Some((before, last));
    }
    (the > before && is(r, before, &WHEN[..8]) && closed(r, last)).then_some((i, last))
}

/// `since june`, `in Sept`: the name of a month that nothing else is, behind a word of time.
fn alone(r: &Reading<'_>, i: usize) -> Option<(usize, usize)> {
    let name = month(r, i);
    let other = is(r, i, &["may", "mar", "march", "dec", "sep", "jan", "jun"]) && !r.word(i)?.capital();
    // `since march`: nothing else is said since when.
    let since = || i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && r.is(b, "since")) && !r.is(i, "may");
    if !name || other && !since() {
        return None;
    }
    let led = i.checked_sub(1).is_some_and(|b| matches!(r.gap(b), " " | "-") && is(r, b, &IN));
    let of = i.checked_sub(1).is_some_and(|b| r.is(b, "of"));
    let part = || {
        i.checked_sub(2).is_some_and(|b| is(r, b, &["end", "start", "beginning", "middle", "week", "month"]))
    };
    let gap = r.gap(i);
    let goes = gap == " " && (r.word(i + 1).is_some_and(|w| w.digits > 0 || w.capital()));
    (led && (!of || part()) && !gap.starts_with('\'') && !goes).then_some((i, i))
}

/// `9th`: a number of a day with its ending.
fn nth(r: &Reading<'_>, i: usize, word: &Word) -> Option<()> {
    let (number, tail) = r.str(i).split_at_checked(word.digits).filter(|_| (1..=2).contains(&word.digits))?;
    let suffix = ["st", "nd", "rd", "th"].iter().any(|s| tail.eq_ignore_ascii_case(s));
    (suffix && number.parse::<u8>().is_ok_and(|n| (1..=31).contains(&n))).then_some(())
}

/// `on the 9th`, `landed 9th,`, `22nd: rash`, `tues 14th`.
fn ordinal(r: &Reading<'_>, i: usize, word: &Word) -> Option<(usize, usize)> {
    nth(r, i, word)?;
    let said = r.begins(i) && r.gap(i).starts_with(':');
    let before = i.checked_sub(1).filter(|b| r.gap(*b) == " ");
    let when = before.and_then(|b| if r.is(b, "the") { b.checked_sub(1) } else { Some(b) });
    if let Some(day) = when.filter(|w| matches!(r.gap(*w), " " | ", ") && is_weekday(r.str(*w)))
        && closed(r, i)
    {
        return Some((day, i));
    }
    let led = when.is_some_and(|w| {
        let week = r.is(w, "of") && w.checked_sub(1).is_some_and(|k| is(r, k, &["week", "wk"]));
        is(r, w, &WHEN) || week
    });
    (said || led && closed(r, i)).then_some((i, i))
}

/// Nothing stands behind word `i` that it could count: `the 5th percentile`, `the first time`.
fn closed(r: &Reading<'_>, i: usize) -> bool {
    let gap = r.gap(i);
    let month = r.is(i + 1, "of") && is(r, i + 2, &["this", "last", "next", "the"]) && r.is(i + 3, "month");
    i + 1 == r.words.len()
        || gap.starts_with(['.', ',', ';', ':', ')', '\n', '!', '?', '"'])
        || is(r, i + 1, &ON)
        || month
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, find)
    }

    #[test]
    fn days_in_words() {
        for (text, want) in [
            ("seen on March the third in clinic", "March the third"),
            ("born the twenty-second of May", "the twenty-second of May"),
            (
                "procedure February the twenty-first, twenty twenty-four. Done",
                "February the twenty-first, twenty twenty-four",
            ),
            ("born the third of May nineteen sixty two in Leeds", "the third of May nineteen sixty two"),
            ("hit near town on Boxing Day 2023. GCS 13", "Boxing Day 2023"),
            ("sugar was 410 on the fourth.", "fourth"),
            ("she fell on Christmas Eve at home", "Christmas Eve"),
            ("cough since thanksgiving", "thanksgiving"),
            ("came back, landed 9th, rash", "9th"),
            ("22nd: vomiting", "22nd"),
            ("operated on the 14th by us", "14th"),
            ("clinic tues 14th", "tues 14th"),
            ("my last pill on Sunday the 21st and now", "Sunday the 21st"),
            ("call friday the ninth to confirm", "friday the ninth"),
            ("went up since march, again", "march"),
            ("died in june of a stroke", "june"),
            ("surgery at the end of Sept.", "Sept"),
            ("on the 3rd of this month", "3rd"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn where_somebody_is_named_days_need_no_word() {
        let check = |text| {
            spans(text, |r, out| {
                let named = Finding::new(0, 3, Type::NAME, Evidence::Label);
                among(r, &[named], out);
            })
        };
        assert_eq!(check("Lee: CXR (3/4), rash 12th, fever"), ["3/4", "12th"]);
        assert!(check("Lee: pain 3/10, strength 4/5 left, 1/2 tab, bed on 5th floor").is_empty());
    }

    #[test]
    fn what_counts_is_no_day() {
        for text in [
            "for the first time",
            "on the second floor",
            "below the 5th percentile",
            "after the 3rd dose, stop",
            "by the third trimester",
            "the second of two",
            "holiday heart at Christmas",
            "first: wash hands",
            "in march they may",
            "of march and other songs",
            "steps 3-7 again",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
