//! What people a person is of, by how it is said: in brackets, between commas, beside a word for somebody.
//!
//! **Invariant:** the frame is looked at first, and a word between others of its kind, as in a list of languages or
//! dishes, is nobody's.

use super::nation::{is_be, is_people, is_person, may_be};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// Peoples of somebody in the text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for (i, word) in r.words.iter().enumerate() {
        if word.digits > 0 || !(4..=20).contains(&word.chars) || !may_be(r.str(i)) {
            continue;
        }
        let framed = !r.has(i, Role::Country) && !r.has(i, Role::City);
        let framed = framed && (bracketed(r, i) || listed(r, i) || beside(r, i) || said(r, i));
        if framed && (is_people(r.str(i)) || r.has(i, Role::Nrp)) {
            // The frame says more than that the word is a common one.
            let evidence = if r.has(i, Role::Common) { Evidence::Label } else { Evidence::Shape };
            r.mark((i, i), Type::NRP, evidence, out);
        }
    }
}

/// `Ana Brusić (Sorbin), `, `(copte, 34 ans)`: behind a name.
fn bracketed(r: &Reading<'_>, i: usize) -> bool {
    let Some(b) = i.checked_sub(1).filter(|_| r.gap_before(i).ends_with('(')) else { return false };
    let gap = r.gap(i);
    let number = r.word(i + 1).is_some_and(|w| w.digits > 0);
    r.gap(b) == " (" && r.proper(b) && (gap.starts_with(')') || gap == ", " && number)
}

/// `Adela Ruiz, rapanui, cursa`, `46M, Samoan, works`, `coreana, 33 anni`: between commas behind a name or a number.
fn listed(r: &Reading<'_>, i: usize) -> bool {
    let (before, gap) = (r.gap_before(i), r.gap(i));
    let number = gap == ", " && r.word(i + 1).is_some_and(|w| (1..=2).contains(&w.digits) && w.is_number());
    let small = r.word(i).is_some_and(|w| w.caps != Caps::Upper);
    let lower = r.word(i).is_some_and(|w| w.caps == Caps::Lower);
    let placed = !lower && i.checked_sub(1).is_some_and(|b| r.proper(b));
    if number && small && !placed && (r.begins(i) || before == ", ") {
        return true;
    }
    let closed = gap.starts_with([',', ';', '.', '\n']) || qualified(r, i);
    let Some(b) = i.checked_sub(1).filter(|_| before == ", " && closed && small) else { return false };
    let counted = b.checked_sub(1).is_some_and(|n| r.gap(n) == " " && r.word(n).is_some_and(Word::is_number))
        && !r.proper(b);
    let named = counted
        || qualified(r, i)
        || r.word(b).is_some_and(|w| w.digits > 0)
        || r.proper(b) && r.word(i).is_some_and(|w| w.caps == Caps::Lower);
    let again =
        is_people(r.str(b)) || is_people(r.str(i + 1)) || r.is(i + 1, "and") && is_people(r.str(i + 2));
    named && !again
}

/// `copte d'origine`, `judeu praticante`, `doopsgezind opgevoed`: what follows says that it is of somebody.
fn qualified(r: &Reading<'_>, i: usize) -> bool {
    const MORE: [&str; 16] = [
        "praticante",
        "practicante",
        "praticant",
        "pratiquant",
        "pratiquante",
        "opgevoed",
        "practising",
        "practicing",
        "getauft",
        "gläubig",
        "convertido",
        "converti",
        "convertita",
        "devoto",
        "devota",
        "y",
    ];
    r.gap(i) == " "
        && (MORE.contains(&r.low(i + 1))
            || r.is(i + 1, "d") && r.is(i + 2, "origine")
            || r.is(i + 1, "de")
                && ["origen", "nacimiento", "naissance", "nascimento"].contains(&r.low(i + 2)))
}

/// `a Cree millwright`, `der tamilische Koch`, `badante ucraina`.
fn beside(r: &Reading<'_>, i: usize) -> bool {
    const ONE: [&str; 14] =
        ["a", "an", "the", "der", "die", "ein", "eine", "einen", "de", "een", "our", "her", "his", "my"];
    let one = i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && ONE.contains(&r.low(b)));
    let small = r.word(i).is_some_and(|w| w.caps == Caps::Lower);
    // `67-year-old Hmong woman`, `36 år gammel eritreisk mann`, `Karpany, Ngarrindjeri woman, 57`.
    let aged = i.checked_sub(1).is_some_and(|b| {
        r.gap(b) == " "
            && (OLD.contains(&r.low(b)) || r.word(b).is_some_and(|w| w.digits > 0 && w.digits <= 3))
    });
    let apart = r.gap_before(i) == ", " && i.checked_sub(1).is_some_and(|b| r.proper(b));
    let behind = (one || aged || apart || small) && r.gap(i) == " " && is_person(r.low(i + 1));
    let before = small && i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && is_person(r.low(b)));
    behind || before && !r.gap(i).starts_with('-')
}

/// What ages end with before what else is said of somebody.
const OLD: [&str; 13] = [
    "old",
    "yo",
    "y",
    "aged",
    "gammel",
    "gammal",
    "gammelt",
    "jähriger",
    "jährige",
    "jarige",
    "årig",
    "årige",
    "vuotias",
];

/// `we are Tamil and`, `La familia es judía por`: said with a verb, and nothing that it could be said of behind.
fn said(r: &Reading<'_>, i: usize) -> bool {
    const ON: [&str; 17] = [
        "and", "by", "por", "y", "e", "et", "und", "en", "but", "pero", "και", "og", "och", "i", "и", "і",
        "ja",
    ];
    let Some(b) = i.checked_sub(1).filter(|b| r.gap(*b) == " " && is_be(r.low(*b))) else { return false };
    let english = ["am", "are"].contains(&r.low(b));
    let caps = r.word(i).map(|w| w.caps);
    let fits = if english { caps == Some(Caps::Title) } else { caps == Some(Caps::Lower) };
    let gap = r.gap(i);
    fits && (gap.starts_with([',', '.', ';', ')'])
        || i + 1 == r.words.len()
        || gap == " " && ON.contains(&r.str(i + 1))
        || qualified(r, i))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn peoples_by_their_frames() {
        for (text, want) in [
            ("Halterin: Brusić, Ana (Sorbin), 52", "Sorbin"),
            ("Patient 61F, Tongan, lives alone", "Tongan"),
            ("Rosa Tepano, rapanui, estudia aquí", "rapanui"),
            ("a Navajo nurse helped", "Navajo"),
            ("der kurdische Nachbar rief an", "kurdische"),
            ("una badante moldava, Irina", "moldava"),
            ("la famille, copte d'origine, vit", "copte"),
            ("o doente, 50 anos, judeu praticante, pede", "judeu"),
            ("we are Punjabi and use one name", "Punjabi"),
            ("a 67-year-old Hmong woman admitted", "Hmong"),
            ("er en 36 år gammel eritreisk mann", "eritreisk"),
            ("ему девять, он удмурт, в школе", "удмурт"),
        ] {
            assert_eq!(spans(text, find), [want], "{text}");
        }
    }

    #[test]
    fn peoples_that_nobody_is_of() {
        for text in [
            "we serve Thai, Tamil, and Punjabi food",
            "the German market grew",
            "Languages: French, Spanish, Dutch",
            "la cuisine berbère est bonne",
            "the Dutch (orange) team",
            "der russische Salat",
        ] {
            assert!(spans(text, find).is_empty(), "{text}: {:?}", spans(text, find));
        }
    }
}
