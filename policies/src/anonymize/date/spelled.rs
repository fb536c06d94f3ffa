//! Clock times in words: `half past four`, `halb fünf`, `kvart över åtta`.
//!
//! **Invariant:** a part of an hour, a small word where the language has one, and the name of an hour stand side by side.

use std::sync::LazyLock;

use crate::anonymize::keywords::Begins;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::sections::{Search, entries};
use crate::anonymize::words::apart;

/// Parts of an hour, as they lead to its name, and the names of hours of the language.
const LEADS: &[(&str, &[&str])] =
    &[("english", ENGLISH), ("german", GERMAN), ("dutch", DUTCH), ("nordic", NORDIC)];

const ENGLISH: &[&str] = &[
    "twelve", "eleven", "seven", "three", "eight", "four", "five", "nine", "noon", "midnight", "one", "two",
    "six", "ten",
];
const GERMAN: &[&str] =
    &["zwölf", "sieben", "eins", "zwei", "drei", "vier", "fünf", "sechs", "acht", "neun", "zehn", "elf"];
const DUTCH: &[&str] =
    &["twaalf", "zeven", "negen", "twee", "drie", "vier", "vijf", "acht", "tien", "één", "zes", "elf"];
const NORDIC: &[&str] = &[
    "tolv", "elleve", "elva", "fyra", "fire", "åtta", "otte", "åtte", "seks", "fem", "syv", "sju", "nio",
    "tio", "två", "tre", "sex", "to", "ett", "et", "ni", "ti",
];

static SEARCH: LazyLock<Search<&'static [&'static str]>> =
    LazyLock::new(|| Search::of(entries(include_str!("../../../words/hours.txt"), LEADS)));

/// Times in words; `low` is the text in small letters.
pub(crate) fn find(text: &str, low: &str, begins: &Begins, out: &mut Vec<Finding>) {
    for (hit, hours) in SEARCH.hits_of_words(low, begins) {
        let rest = low.get(hit.end..).unwrap_or_default();
        // `halb` within `fünf vor halb` is the same time.
        let Some(body) =
            rest.strip_prefix(' ').filter(|_| apart(text, hit.start, hit.end, char::is_alphanumeric))
        else {
            continue;
        };
        let whole = |hour: &&&str| {
            body.strip_prefix(**hour)
                .is_some_and(|tail| !tail.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
        };
        if let Some(hour) = hours.iter().find(whole) {
            out.push(Finding::new(hit.start, hit.end + 1 + hour.len(), Type::TIME, Evidence::Shape));
        }
    }
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
}
