//! Names before what people are called behind them, and of who says where they speak from: `Juci néni`, `Gökçe Bey`,
//! `Khôi ơi`, `Moin, Hinnerk hier vom Lager`.
//!
//! **Invariant:** a capital that is no common word, right before the word.

use super::{other_kind, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::words::{Caps, Word};

/// What people are called behind their names, in small letters.
const BEHIND: [&str; 28] = [
    "néni",
    "bácsi",
    "úr",
    "úrnak",
    "úrral",
    "úrtól",
    "asszony",
    "kisasszony",
    "néninek",
    "bácsinak",
    "bey",
    "hanım",
    "hanim",
    "abi",
    "abla",
    "teyze",
    "amca",
    "hoca",
    "hocam",
    "efendi",
    "usta",
    "ơi",
    "bhai",
    "bhaiya",
    "didi",
    "sahab",
    "saheb",
    "saab",
];

/// What people say behind their own names, and where from then.
const HERE: [&str; 4] = ["hier", "här", "her", "ici"];

/// What stands behind names, of either kind.
pub(crate) fn behind_names() -> impl Iterator<Item = &'static str> {
    BEHIND.into_iter().chain(HERE)
}

/// What somebody is, before the same words: `Doktor úr`, `Müdür Bey`.
const POSTS: [&str; 26] = [
    "doktor",
    "tanár",
    "elnök",
    "igazgató",
    "képviselő",
    "miniszter",
    "polgármester",
    "főorvos",
    "ügyvéd",
    "tanárnő",
    "plébános",
    "müdür",
    "hakim",
    "avukat",
    "memur",
    "kaptan",
    "başkan",
    "öğretmen",
    "hoca",
    "anh",
    "chị",
    "em",
    "cô",
    "chú",
    "bác",
    "bạn",
];

/// Words of greeting, before who speaks.
const GREETINGS: [&str; 20] = [
    "moin",
    "hallo",
    "hi",
    "hey",
    "servus",
    "grüezi",
    "hoi",
    "tag",
    "morgen",
    "abend",
    "gott",
    "zusammen",
    "goedemorgen",
    "goedemiddag",
    "goedenavond",
    "goedendag",
    "hej",
    "heisann",
    "hei",
    "moi",
];

/// Names around word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i).filter(|_| r.has(i, Role::Behind)) else { return };
    let Some(last) = i.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return };
    if BEHIND.contains(&r.low(i)) {
        called(r, last, out);
    } else if word.caps == Caps::Lower && HERE.contains(&r.str(i)) {
        speaks(r, last, out);
    }
}

/// May word `i` be a name here?
fn may_be(r: &Reading<'_>, i: usize) -> bool {
    let other = [Role::Common, Role::Honorific, Role::Label, Role::Country, Role::Nrp]
        .iter()
        .any(|role| r.has(i, *role));
    r.word(i).is_some_and(|w| w.capital() && w.chars >= 2)
        && !other
        && !is_nobody(r.low(i))
        && !POSTS.contains(&r.low(i))
}

/// The name of up to three words that ends at word `last`.
fn called(r: &Reading<'_>, last: usize, out: &mut Vec<Finding>) {
    let mut first = last + 1;
    while let Some(b) = first.checked_sub(1).filter(|b| last - b < 3) {
        if !(may_be(r, b) && (first > last || matches!(r.gap(b), " " | "-"))) {
            break;
        }
        first = b;
    }
    if first <= last && !other_kind(r, last) {
        push(r, first, last, Evidence::Shape, out);
    }
}

/// `Moin, Hinnerk hier vom Lager`: word `name` stands behind a greeting, or begins the text.
fn speaks(r: &Reading<'_>, name: usize, out: &mut Vec<Finding>) {
    const FROM: [&str; 12] =
        ["vom", "von", "aus", "nochmal", "wieder", "van", "uit", "från", "fra", "de", "du", "again"];
    let gap = r.gap(name + 1);
    let goes_on = gap == " " && FROM.contains(&r.str(name + 2)) || gap.starts_with([',', '.', '!']);
    let greeted = name
        .checked_sub(1)
        .is_some_and(|b| matches!(r.gap(b), ", " | " " | "! ") && GREETINGS.contains(&r.low(b)));
    let title = r.word(name).is_some_and(|w: &Word| w.caps == Caps::Title && w.chars >= 3);
    if title && goes_on && (greeted || name == 0) && may_be(r, name) {
        push(r, name, name, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)))
    }

    #[test]
    fn names_before_what_people_are_called() {
        for (text, want) in [
            ("Anyukám, Juci néni, 90 éves", "Juci"),
            ("Kovács Béla bácsi hívott", "Kovács Béla"),
            ("Kerékgyártó úr kérése", "Kerékgyártó"),
            ("Anh Khôi ơi, biển số", "Khôi"),
            ("Nurgül Hanım aradı", "Nurgül"),
            ("Moin, Hinnerk hier vom Lager.", "Hinnerk"),
            ("Hoi, Joppe hier!", "Joppe"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
    }

    #[test]
    fn posts_and_places_are_nobody() {
        for text in [
            "Tisztelt Doktor úr!",
            "Elnök úr, kérem",
            "Müdür Bey geldi",
            "em ơi cho hỏi",
            "Das Problem hier vom Server",
            "Wir sind hier vom Lager",
            "az úr hívott",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
