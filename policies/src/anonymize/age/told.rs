//! Ages without a word for years: `he's 9,`, `hij is 9.`, `min søn Villads på 6 skal`, and with the signs of languages
//! that write no spaces: `만 6세인데`, `5歳`.
//!
//! **Invariant:** somebody stands before the number, and nothing behind it that it could count.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::words::{Caps, Word};

/// Who is, in the languages where the word for years is left out.
const WHO: [&str; 22] = [
    "he", "she", "er", "sie", "ich", "hij", "zij", "ze", "ik", "han", "hon", "hun", "jag", "jeg", "hän",
    "søn", "sønn", "son", "datter", "dotter", "zoon", "dochter",
];
const IS: [&str; 14] = [
    "is", "ist", "wird", "bin", "ben", "wordt", "är", "blir", "er", "bliver", "on", "turns", "fyller",
    "fylder",
];
/// Small words between.
const NOW: [&str; 12] =
    ["now", "only", "just", "jetzt", "erst", "schon", "nu", "pas", "al", "bara", "kun", "bare"];
/// What a sentence goes on with behind the age of a child.
const ON: [&str; 18] = [
    "skal", "har", "er", "og", "som", "går", "vil", "kan", "fik", "fikk", "kom", "ble", "blev", "må", "med",
    "ska", "och", "fick",
];
/// Signs of years behind a number, and what makes another word of them.
const SIGNS: [&str; 5] = ["歳", "岁", "歲", "세", "살"];
const OTHER: [&str; 9] = ["대", "기", "트", "계", "번", "션", "차", "月", "년"];

/// The age that word `i`, which holds digits, may be.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    if word.is_number() {
        if let Some(weeks) = in_parts(r, i) {
            r.mark((i, weeks), Type::AGE, Evidence::Shape, out);
        } else if is_said(r, i) || of_child(r, i) || is_bare(r, i) || is_high(r, i) {
            out.push(Finding::new(word.start, word.end, Type::AGE, Evidence::Shape));
        }
    } else if let Some((from, end)) = signed(r.str(i)) {
        let full = i.checked_sub(1).filter(|b| r.str(*b) == "만" && r.gap(*b) == " ");
        let start = full.and_then(|b| r.word(b)).map_or(word.start + from, |w| w.start);
        out.push(Finding::new(start, word.start + end, Type::AGE, Evidence::Shape));
    }
}

fn number(r: &Reading<'_>, i: usize, range: std::ops::RangeInclusive<u32>) -> bool {
    r.word(i).is_some_and(Word::is_number) && r.str(i).parse().is_ok_and(|n| range.contains(&n))
}

/// Nothing follows that could be counted.
fn closed(r: &Reading<'_>, i: usize) -> bool {
    let gap = r.gap(i);
    let last = i + 1 == r.words.len() && !gap.starts_with(['%', '/', '-', '\'', '"']);
    last || [", ", ". ", "; ", ") ", "! ", ".\n", ",\n", "\n"].iter().any(|end| gap.starts_with(end))
}

/// `Anna Berg is 94 and`, `Berg 97, family says`: so many years, right behind who has a name.
fn is_high(r: &Reading<'_>, i: usize) -> bool {
    const SURE: [&str; 6] = ["and", "but", "with", "now", "who", "when"];
    let Some(b) = i.checked_sub(1).filter(|b| r.gap(*b) == " " && number(r, i, 90..=112)) else {
        return false;
    };
    let is = ["is", "was", "turned", "turns"].iter().any(|word| r.is(b, word));
    let on = r.gap(i) == " " && SURE.iter().any(|word| r.is(i + 1, word));
    match b.checked_sub(1).filter(|who| is && r.gap(*who) == " ") {
        Some(who) => is_named(r, who) && (closed(r, i) || on),
        None if r.gap(i) == " " => {
            let whole = b.checked_sub(1).is_some_and(|first| r.gap(first) == " " && r.proper(first));
            let said = r.word(i + 1).is_some_and(|w| w.caps == Caps::Lower && w.digits == 0);
            let unit =
                crate::anonymize::number::unit_follows(r.text.as_bytes(), r.word(i).map_or(0, |w| w.end));
            whole && said && !unit && is_named(r, b)
        }
        None => is_named(r, b) && r.gap(i) == ", ",
    }
}

/// A name of the lists with its capital, or the last of several capitals.
fn is_named(r: &Reading<'_>, at: usize) -> bool {
    let title = |at: usize| r.proper(at) && r.word(at).is_some_and(|w| w.caps == Caps::Title);
    let listed = r.lists(at) & (lists::GIVEN | lists::SURNAME) != 0 && r.lists(at) & lists::COMMON == 0;
    let behind = || at.checked_sub(1).is_some_and(|b| matches!(r.gap(b), " " | "-") && title(b));
    title(at) && !r.has(at, Role::Eponym) && (listed || behind())
}

/// `he's 9,`, `hij is pas 9.`
fn is_said(r: &Reading<'_>, i: usize) -> bool {
    let spaced = |b: &usize| matches!(r.gap(*b), " " | "'");
    let is = |b: usize, words: &[&str]| words.iter().any(|word| r.is(b, word));
    let Some(mut b) = i.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return false };
    if is(b, &NOW) {
        let Some(before) = b.checked_sub(1).filter(spaced) else { return false };
        b = before;
    }
    // `:) bin 26,`: the speaker is left out.
    if is(b, &["bin", "ben"]) && r.gap_before(b) != " " && closed(r, i) && number(r, i, 10..=110) {
        return true;
    }
    let Some(who) = b.checked_sub(1).filter(spaced) else { return false };
    let relative = r.ending(Role::Relative, who).is_some();
    if relative && r.gap(who) == " " && is(b, &IS) && closed(r, i) && number(r, i, 18..=110) {
        return true;
    }
    let elided = r.gap(who) == "'" && r.str(b) == "s" && is(who, &["he", "she"]);
    // `ik ben 2, jij bent 3`: a number so small is rather a place in a list.
    let person = elided || r.gap(who) == " " && is(b, &IS) && is(who, &WHO);
    person && closed(r, i) && number(r, i, 2..=110)
}

/// `6/52 old`, `8/12 old`: so many weeks or months, to the word that the last stands in.
fn in_parts(r: &Reading<'_>, i: usize) -> Option<usize> {
    let whole = r.gap(i) == "/" && ["52", "12", "7"].contains(&r.str(i + 1));
    (whole && r.gap(i + 1) == " " && r.is(i + 2, "old")).then_some(i + 1)
}

/// `, then 19.`, `, lat 58, `, `, 41 J.`, `мені 12.`: an age among what is said of somebody.
fn is_bare(r: &Reading<'_>, i: usize) -> bool {
    let Some(b) = i.checked_sub(1) else { return false };
    let apart = matches!(r.gap_before(b), ", " | "; " | " (");
    let who = ["pacjentka", "pacjent", "kobieta", "mężczyzna", "pani", "pan", "chory", "chora"];
    let polish =
        r.low(b) == "lat" && b.checked_sub(1).is_some_and(|k| r.gap(k) == " " && who.contains(&r.low(k)));
    let led = r.gap(b) == " "
        && (polish
            || apart && ["then", "lat", "wiek"].contains(&r.low(b))
            || ["мені", "мне"].contains(&r.low(b)));
    let years =
        r.gap(b).ends_with(", ") && r.gap(i) == " " && r.str(i + 1) == "J" && r.gap(i + 1).starts_with('.');
    led && closed(r, i) && number(r, i, 4..=110) || years && number(r, i, 1..=110)
}

/// `ikä 17v`: word `i` is a number and the first letter of a word for years, behind a word for an age.
pub(super) fn fused(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    let tail = r.low(i).get(word.digits..).unwrap_or_default();
    let unit = ["v", "j", "a", "y", "yo", "l", "r", "g", "th", "t", "jr", "s"].contains(&tail);
    let years = r.str(i).get(..word.digits).and_then(|n| n.parse::<u32>().ok());
    if unit && years.is_some_and(|n| (1..=120).contains(&n)) {
        r.mark((i, i), Type::AGE, Evidence::Label, out);
    }
}

/// `I am seven.`: word `b` before the number in words that ends at word `last`.
pub(super) fn of_me(r: &Reading<'_>, b: usize, last: usize) -> bool {
    let am = r.is(b, "am") && r.gap_before(b) == " " || r.is(b, "m") && r.gap_before(b) == "'";
    am && b.checked_sub(1).is_some_and(|who| r.is(who, "i"))
        && (closed(r, last) || r.gap(last).starts_with(['.', '"']))
}

/// `Our lad is eleven and`, `she'll be ninety-six on`: words `first` to `last` are the number, who is is of the family.
pub(super) fn of_kin(r: &Reading<'_>, first: usize, last: usize) -> bool {
    const SURE: [&str; 10] = ["and", "but", "on", "in", "now", "who", "when", "with", "he", "she"];
    let is = |k: usize, words: &[&str]| words.iter().any(|word| r.is(k, word));
    let Some(b) = first.checked_sub(1).filter(|b| is(*b, &["is", "was", "turned", "be", "s"])) else {
        return false;
    };
    let will = if is(b, &["be"]) { b.checked_sub(1).filter(|k| is(*k, &["will", "ll"])) } else { Some(b) };
    let Some(who) = will.and_then(|k| k.checked_sub(1)) else { return false };
    let relative = r.ending(Role::Relative, who).is_some();
    let known = relative || is(who, &["he", "she", "lad", "kid", "boy", "girl", "i"]);
    known && (closed(r, last) || r.gap(last) == " " && is(last + 1, &SURE))
}

/// `Ich bin achtzig,`: in words, with who is said; word `i` is the number.
pub(super) fn in_words(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    const TENS: [&str; 26] = [
        "zwanzig", "dreißig", "dreissig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
        "hundert", "twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig",
        "honderd", "tjugo", "trettio", "fyrtio", "femtio", "sextio", "sjuttio", "åttio",
    ];
    let small = ["elf", "zwölf", "sieben", "acht", "neun", "zehn", "fünfzehn", "sechzehn", "achtzehn"];
    let low = r.low(i);
    // Before a space nothing is closed.
    let Some(b) = i.checked_sub(1).filter(|b| r.gap(*b) == " " && r.gap(i) != " ") else { return };
    let is = |k: usize, words: &[&str]| words.iter().any(|word| r.is(k, word));
    let me = is(b, &IS) && b.checked_sub(1).is_some_and(|who| r.gap(who) == " " && is(who, &WHO[..10]));
    if me && closed(r, i) && (TENS.iter().any(|ten| low.ends_with(ten)) || small.contains(&low)) {
        r.mark((i, i), Type::AGE, Evidence::Shape, out);
    }
}

/// `min søn Villads på 6 skal`: word `i` stands behind a name and `på`.
fn of_child(r: &Reading<'_>, i: usize) -> bool {
    let Some(b) = i.checked_sub(2).filter(|_| r.str(i - 1) == "på" && r.gap(i - 1) == " ") else {
        return false;
    };
    let relative = |k: usize| r.ending(Role::Relative, k).is_some();
    let named = r.proper(b) && (r.lists(b) & lists::GIVEN != 0 || b > 0 && relative(b - 1)) || relative(b);
    let on = r.gap(i) == " " && ON.contains(&r.str(i + 1));
    named && r.gap(b) == " " && number(r, i, 1..=17) && (on || closed(r, i))
}

/// Where the number of the word begins, behind nothing or signs of another script, and where its sign ends.
fn signed(word: &str) -> Option<(usize, usize)> {
    let from = word.find(|c: char| c.is_ascii_digit())?;
    let body = word.get(from..)?;
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let rest = body.get(digits..).filter(|_| (1..=3).contains(&digits))?;
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
    let tail = rest.get(sign.len()..)?;
    let years = body.get(..digits)?.parse::<u32>().is_ok_and(|n| n <= 120);
    (years && !OTHER.iter().any(|other| tail.starts_with(other)))
        .then_some((from, from + digits + sign.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| {
            (0..r.words.len())
                .filter(|i| r.word(*i).is_some_and(|w| w.digits > 0))
                .for_each(|i| find(r, i, out))
        })
    }

    #[test]
    fn ages_without_a_word_for_years() {
        for (text, want) in [
            ("Our lad Idris, he's 9, got turfed off", "9"),
            ("she is only 7, so", "7"),
            ("unser Sohn, er ist 9, spielt", "9"),
            ("mijn dochter, ze is pas 11.", "11"),
            ("min son, han är 8, går", "8"),
            ("Min søn Villads på 6 skal starte", "6"),
            ("min datter på 4, der", "4"),
            ("우리 애가 만 6세인데", "만 6세"),
            ("her mother Ursula Ter-Hagopian is 94 and takes", "94"),
            ("pacing, Petrovic 97, family says", "97"),
            ("娘（5歳）が", "5歳"),
            ("今年12岁了", "12岁"),
            ("hi :) bin 27, und du?", "27"),
            ("Mijn oma is 91.", "91"),
            ("a 9/52 old infant", "9/52"),
            ("Jan Kos, lat 58, mieszka", "58"),
            ("Halter Uwe Lenz, 52 J., Görlitz", "52"),
            ("Мені 12. Я", "12"),
            ("of Ana Brusić, then 23.", "23"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
    }

    #[test]
    fn numbers_of_other_things() {
        for text in [
            "he's 9 points ahead",
            "it's 9, hurry",
            "der Preis ist 9, mehr nicht",
            "et møde på 6 timer",
            "Rabatten på 20 skal",
            "3세대 이동통신",
            "21세기의",
            "한 세트 6세트",
            "he's 5'9\"",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
