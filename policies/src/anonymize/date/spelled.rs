//! Clock times in words: `half past four`, `halb fünf`, `kvart över åtta`, `alle diciotto`, `siete de la tarde`, `before noon`.
//!
//! **Invariant:** the name of an hour is found only beside a part of an hour, a part of the day, or behind a word of time
//! with nothing following that it could count.

use std::cmp::Reverse;
use std::sync::LazyLock;

use crate::anonymize::keywords::Begins;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::sections::{Search, entries_of};
use crate::anonymize::words::apart;

/// What an entry is, of which language.
#[derive(Debug, Clone, Copy)]
enum What {
    /// Leads to the name of an hour, and belongs to it.
    Own,
    /// The same, behind a word of time alone.
    Bound,
    Hour,
}

const SOURCE: &str = include_str!("../../../words/hours.txt");

/// The names of the sections, from which the lists of a language are read.
const TONGUES: [&str; 15] = [
    "english",
    "german",
    "dutch",
    "nordic",
    "french",
    "spanish",
    "italian",
    "portuguese",
    "catalan",
    "czech",
    "polish",
    "russian",
    "hungarian",
    "dutch plural",
    "russian halves",
];
/// The last: noon and midnight, whatever follows.
const NOON: &str = "noon";

/// Languages of which an hour may be named behind a word of time, whatever follows.
const SURE: [&str; 3] = ["dutch plural", "russian halves", NOON];

/// The words of a language around its hours, the longest first.
struct Tongue {
    hours: Vec<&'static str>,
    before: Vec<&'static str>,
    tails: Vec<&'static str>,
    parts: Vec<&'static str>,
    sure: bool,
}

struct Hours {
    tongues: Vec<Tongue>,
    search: Search<(What, usize)>,
}

static HOURS: LazyLock<Hours> = LazyLock::new(|| {
    let names = || TONGUES.into_iter().chain([NOON]);
    let list = |name: &str, what: &str| {
        let mut all: Vec<&str> = entries_of(SOURCE, format!("{name} {what}").as_str());
        all.sort_unstable_by_key(|entry| Reverse(entry.len()));
        all
    };
    let tongue = |name: &str| Tongue {
        hours: list(name, "hours"),
        before: list(name, "before"),
        tails: list(name, "tails"),
        parts: list(name, "parts"),
        sure: SURE.contains(&name),
    };
    let mut all: Vec<((What, usize), &'static str)> = Vec::new();
    for (at, name) in names().enumerate() {
        let own: Vec<&str> = entries_of(SOURCE, name);
        all.extend(own.into_iter().map(|entry| ((What::Own, at), entry)));
        all.extend(list(name, "bound").into_iter().map(|entry| ((What::Bound, at), entry)));
        all.extend(list(name, "hours").into_iter().map(|entry| ((What::Hour, at), entry)));
    }
    Hours { tongues: names().map(tongue).collect(), search: Search::of(all.into_iter()) }
});

/// Times in words; `low` is the text in small letters.
pub(crate) fn find(text: &str, low: &str, begins: &Begins, out: &mut Vec<Finding>) {
    let hours = &*HOURS;
    for (hit, (what, tongue)) in hours.search.hits_of_words(low, begins) {
        let Some(tongue) = hours.tongues.get(tongue) else { continue };
        let head = low.get(..hit.start).unwrap_or_default();
        let elided = low.get(..hit.end).is_some_and(|to| to.ends_with(['\'', '-']));
        if !elided && !apart(text, hit.start, hit.end, char::is_alphanumeric) {
            continue;
        }
        let end = match what {
            What::Own => led(low, hit.end, tongue),
            What::Bound => led(low, hit.end, tongue).filter(|end| before(head, tongue) && closed(low, *end)),
            What::Hour => alone(low, head, hit.end, tongue),
        };
        if let Some(end) = end {
            // `12 noon`.
            let start = if head.ends_with(" 12 ") || head == "12 " { hit.start - 3 } else { hit.start };
            out.push(Finding::new(start, end, Type::TIME, Evidence::Shape));
        }
    }
}

/// The end of the hour behind a part of one that ends at `from`, with what goes on behind it.
fn led(low: &str, from: usize, tongue: &Tongue) -> Option<usize> {
    let rest = low.get(from..)?;
    let gap = usize::from(rest.starts_with(' '));
    if gap == 0 && !low.get(..from)?.ends_with(['\'', '-']) {
        return None;
    }
    let hour = first(rest.get(gap..)?, &tongue.hours)?;
    let end = from + gap + hour;
    Some(behind(low, end, &tongue.parts).or_else(|| behind(low, end, &tongue.tails)).unwrap_or(end))
}

/// The end of the hour that ends at `from`, where the words around it say that it is one.
fn alone(low: &str, head: &str, from: usize, tongue: &Tongue) -> Option<usize> {
    if let Some(end) = behind(low, from, &tongue.parts) {
        return Some(end);
    }
    // `Oct 5, noon`: behind a day.
    let dated = || {
        let day = head.strip_suffix(' ').map(|head| head.strip_suffix(',').unwrap_or(head));
        tongue.sure && day.is_some_and(|day| day.ends_with(|c: char| c.is_ascii_digit()))
    };
    if !before(head, tongue) && !dated() {
        return None;
    }
    let tail = behind(low, from, &tongue.tails);
    let end = tail.unwrap_or(from);
    let plain = tongue.sure || closed(low, end);
    // `à deux heures de Paris`: how far.
    let far = low.get(end..).is_some_and(|rest| rest.starts_with(" de "));
    (plain && !low.get(end..).is_some_and(|rest| rest.starts_with('-')) || tail.is_some() && !far)
        .then_some(end)
}

/// Does the text before end with a word of time?
fn before(head: &str, tongue: &Tongue) -> bool {
    let Some(head) = head.strip_suffix(' ') else { return false };
    let whole = |lead: &&str| {
        head.strip_suffix(*lead)
            .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '-'))
    };
    tongue.before.iter().any(whole)
}

/// The end of the entry behind a space at `from`.
fn behind(low: &str, from: usize, entries: &[&'static str]) -> Option<usize> {
    let rest = low.get(from..)?.strip_prefix(' ')?;
    first(rest, entries).map(|len| from + 1 + len)
}

/// Bytes of the entry that the text begins with, a word or several.
fn first(rest: &str, entries: &[&'static str]) -> Option<usize> {
    let whole = |entry: &&&str| {
        rest.strip_prefix(**entry)
            .is_some_and(|tail| !tail.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    };
    entries.iter().find(whole).map(|entry| entry.len())
}

/// Nothing follows that could be counted.
fn closed(low: &str, end: usize) -> bool {
    low.get(end..)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ',', ';', '!', '?', ')', '"', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::words::small;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        find(text, &small(text), &Begins::of(text.as_bytes()), &mut out);
        out.iter().map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn times_in_words() {
        for (text, want) in [
            ("be there by half past four.", "half past four"),
            ("at quarter to nine", "quarter to nine"),
            ("wir essen um halb acht zu Abend", "halb acht"),
            ("Viertel vor zehn geht auch", "Viertel vor zehn"),
            ("kom om half zes", "half zes"),
            ("kwart over drie", "kwart over drie"),
            ("vi ses halv fem", "halv fem"),
            ("kvart över två", "kvart över två"),
            ("kvart over elleve", "kvart over elleve"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        for text in
            ["half of four", "halb so groß", "een half een", "half a ten-pound note", "halv femhundra"]
        {
            assert_eq!(check(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn hours_by_the_words_around_them() {
        for (text, want) in [
            ("doors open at half past two in the afternoon", "half past two in the afternoon"),
            ("she left at ten to nine.", "ten to nine"),
            ("in the office till half five.", "half five"),
            ("send it before noon please", "noon"),
            ("Nov 3, midnight", "midnight"),
            ("on Friday, at 12 noon, between", "12 noon"),
            ("répond jusqu'à midi", "midi"),
            ("la cena es a las nueve y media", "nueve y media"),
            ("el martes, ocho de la mañana", "ocho de la mañana"),
            ("ci vediamo alle diciassette.", "diciassette"),
            ("começa às vinte horas e acaba", "vinte horas"),
            ("desde as seis e tal na rua", "seis e tal"),
            ("bel niet na twaalven meer", "twaalven"),
            ("arrivée à huit heures et demie", "huit heures et demie"),
            ("přijďte v půl osmé", "půl osmé"),
            ("przyjadę wpół do szóstej", "wpół do szóstej"),
            ("вернусь к полвосьмого", "полвосьмого"),
            ("délután fél négykor jött", "délután fél négykor"),
            ("a dos quarts de set", "dos quarts de set"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn numbers_in_words_that_are_no_hours() {
        for text in [
            "five to six weeks",
            "look at four of them",
            "a las dos hermanas",
            "à deux heures de Paris",
            "alle due ragazze",
            "um zwei Euro teurer",
            "half ten, half twenty",
            "the noon sun",
            "in tweeën gesneden",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
