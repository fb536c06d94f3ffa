//! How names change in a sentence: endings of cases, stems that lose a vowel, letters that are written before them.
//!
//! **Invariant:** an ending counts behind a capital alone, and a stem never without one.

use crate::anonymize::invent::Script;

/// Endings of cases that stand behind a name: `Ivanovym`, `Nowaka`, `Liesbeths`, `Kovácsnak`.
const ENDINGS: [&str; 46] = [
    "s", "a", "u", "em", "ie", "iem", "owi", "owie", "ą", "ę", "y", "om", "ovi", "ově", "ová", "ové", "ovou",
    "ovej", "n", "in", "lle", "lla", "lta", "nak", "nek", "val", "vel", "nál", "nél", "hoz", "hez", "tól",
    "től", "а", "у", "ом", "ем", "ым", "е", "ой", "ою", "ы", "и", "ю", "я", "ові",
];

/// Nominative endings with what stays of them in the other cases: `Marek` `Mark-`, `Kowalska` `Kowalsk-`, `Anna` `Ann-`.
const STEMS: [(&str, &str); 22] = [
    ("ski", "sk"),
    ("ska", "sk"),
    ("ską", "sk"),
    ("skiej", "sk"),
    ("skiego", "sk"),
    ("skiemu", "sk"),
    ("cki", "ck"),
    ("cka", "ck"),
    ("cką", "ck"),
    ("ckiej", "ck"),
    ("ckiego", "ck"),
    ("ek", "k"),
    ("el", "l"),
    ("ec", "c"),
    ("a", ""),
    ("ą", ""),
    ("ę", ""),
    ("ский", "ск"),
    ("ская", "ск"),
    ("а", ""),
    ("я", ""),
    ("ий", "и"),
];

/// What stands behind a stem.
const CASES: [&str; 49] = [
    "a", "i", "y", "u", "e", "ą", "ę", "o", "iem", "em", "owi", "ovi", "om", "iego", "iemu", "im", "iej",
    "ich", "imi", "ie", "ou", "ie", "ě", "ů", "ej", "ého", "ému", "ým", "ová", "ové", "ovou", "ům", "ek",
    "el", "ec", "а", "у", "ы", "и", "е", "ой", "ою", "ого", "ому", "им", "ую", "ая", "я", "ю",
];

/// Letters of the longest ending.
const LONGEST_ENDING: usize = 5;

/// Letters of a stem.
const SHORTEST: usize = 4;

/// Bytes of the ending behind a name with a capital; 0 where the word goes on otherwise.
pub(super) fn ending(text: &str, start: usize, end: usize) -> usize {
    behind(text, start, end, &ENDINGS)
}

/// The same behind a stem.
pub(super) fn of_stem(text: &str, start: usize, end: usize) -> usize {
    behind(text, start, end, &CASES)
}

fn behind(text: &str, start: usize, end: usize, endings: &[&str]) -> usize {
    let tail = text.get(end..).unwrap_or_default();
    // Scripts without spaces have words of any length: one letter more than an ending has tells enough.
    let tail = &tail[..tail.char_indices().nth(LONGEST_ENDING + 1).map_or(tail.len(), |(at, _)| at)];
    let rest = &tail[..tail.find(|c: char| !c.is_alphanumeric()).unwrap_or(tail.len())];
    let cased = text.get(start..).and_then(|rest| rest.chars().next()).is_some_and(char::is_uppercase);
    if cased && endings.contains(&rest) { rest.len() } else { 0 }
}

/// What all cases of a name in small letters begin with, where that is not the name itself.
pub(super) fn stem(small: &str) -> Option<String> {
    let (end, rest) = STEMS.iter().find(|(end, _)| small.ends_with(end))?;
    let stem = format!("{}{rest}", &small[..small.len() - end.len()]);
    let vowel = !rest.is_empty() || !stem.ends_with(['a', 'e', 'i', 'o', 'u', 'и', 'е', 'о']);
    (stem.chars().count() >= SHORTEST && vowel || stem.chars().count() == 3 && *end == "a" && vowel)
        .then_some(stem)
}

/// What stands before a name without the letters that are written together with it: `و`, `ب`, `ל`.
pub(super) fn before<'t>(head: &'t str, name: &str) -> &'t str {
    let letters: &[char] = match name.chars().next().map(Script::of_char) {
        Some(Script::Arabic) => &['و', 'ف', 'ب', 'ل', 'ك'],
        Some(Script::Hebrew) => &['ו', 'ב', 'ל', 'ה', 'מ', 'ש', 'כ'],
        _ => return head,
    };
    let mut open = head;
    for _ in 0..2 {
        let Some(rest) = open.strip_suffix(letters) else { break };
        open = rest;
    }
    let apart = !open.chars().next_back().is_some_and(char::is_alphanumeric);
    if apart && name.chars().count() >= 3 { open } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_and_their_cases() {
        for (name, other) in [
            ("marek", "Marka"),
            ("marek", "Markowi"),
            ("kowalska", "Kowalską"),
            ("kowalską", "Kowalskiej"),
            ("nowicki", "Nowickiego"),
            ("grażyna", "Grażynie"),
            ("pavel", "Pavla"),
            ("светлана", "Светлане"),
        ] {
            let stem = stem(name).unwrap();
            let small = other.to_lowercase();
            assert!(small.starts_with(&stem), "{name}: {stem}");
            assert_eq!(of_stem(other, 0, stem.len()), other.len() - stem.len(), "{other}");
        }
        assert_eq!(of_stem("Markus", 0, 4), 0);
        assert_eq!(stem("Smith"), None);
    }

    #[test]
    fn letters_before_a_name_are_none_of_it() {
        assert_eq!(before("الاتصال ب", "كريم"), "الاتصال ");
        assert_eq!(before("כתבתי ל", "יוסי"), "כתבתי ");
        assert_eq!(before("كتاب", "كريم"), "كتاب");
        assert_eq!(before("to ", "Anna"), "to ");
    }
}
