//! Writes the gazetteer: every word of the lists with the lists it stands in.
//!
//! **Invariant:** sorted by hash, five bytes an entry, no text.

use std::collections::{BTreeMap, BTreeSet};

use kolm_policies::ner::lists::{CITY, COMMON, COUNTRY, GIVEN, STATE, SURNAME};
use kolm_policies::ner::{fold, token::word_hash};

use crate::source::Source;

const SECTIONS: [(&str, u8); 5] =
    [("given", GIVEN), ("surname", SURNAME), ("city", CITY), ("country", COUNTRY), ("state", STATE)];

/// Particles and words that say nothing of a name.
const IDLE: [&str; 22] = [
    "de", "da", "do", "dos", "del", "della", "di", "der", "den", "van", "von", "la", "las", "los", "le",
    "the", "of", "and", "san", "new", "am", "al",
];

/// The file.
pub fn bytes(source: &Source) -> Vec<u8> {
    let mut words: BTreeMap<u32, u8> = BTreeMap::new();
    let common = common(source);
    for locale in source.locales.values() {
        for (section, flag) in SECTIONS {
            for entry in locale.get(section) {
                let folded = fold(entry);
                let parts: Vec<&str> = folded
                    .split(|c: char| !c.is_alphabetic() && !('\u{900}'..='\u{dff}').contains(&c))
                    .filter(|word| word.chars().count() > 1)
                    .collect();
                let idle = |word: &str| {
                    let word = word.to_lowercase();
                    // Of `Feira de Santana` only the last word is a town's by itself.
                    IDLE.contains(&word.as_str()) || parts.len() > 1 && common.contains(&word)
                };
                for word in parts.iter().filter(|word| !idle(word)) {
                    *words.entry(word_hash(word)).or_default() |= flag;
                }
            }
        }
    }
    for word in &common {
        *words.entry(word_hash(word)).or_default() |= COMMON;
    }
    words.iter().flat_map(|(hash, flags)| hash.to_le_bytes().into_iter().chain([*flags])).collect()
}

/// Small words of the templates, outside of slots, and of the vocabulary.
fn common(source: &Source) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut add = |text: &str| {
        let parts = text.split(|c: char| !c.is_alphabetic());
        let small = parts.filter(|w| w.chars().count() > 1 && w.chars().all(char::is_lowercase));
        words.extend(small.map(str::to_owned));
    };
    for template in &source.templates {
        for literal in
            template.text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
        {
            add(&fold(literal));
        }
    }
    for section in ["word", "common", "medical", "drug", "head"] {
        source.locales.values().flat_map(|locale| locale.get(section)).for_each(|entry| add(&fold(entry)));
    }
    words
}
