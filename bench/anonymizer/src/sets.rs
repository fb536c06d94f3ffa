//! The development sets: which grammars make them, and how many items each has.
//!
//! **Invariant:** a set is a function of its seed; nothing of it is shared with the text the model learns from.

use crate::draft::{Item, Manner};
use crate::grammar::Grammar;
use crate::rng::Rng;
use crate::world::World;

const CLINICAL: &[&str] = &[
    include_str!("../data/clinical/people.txt"),
    include_str!("../data/clinical/prompts.txt"),
    include_str!("../data/clinical/notes.txt"),
    include_str!("../data/clinical/short.txt"),
];
const FREE: &[&str] = &[include_str!("../data/clinical/free.txt")];
const SECRETS: &[&str] = &[include_str!("../data/secrets.txt")];
const PLAIN: &[&str] = &[include_str!("../data/plain.txt")];

macro_rules! locales {
    ($($name:literal)*) => {
        /// Locale and grammar.
        const LOCALES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../data/locales/", $name, ".txt")))),*];
    };
}

locales! {
    "ar" "cs" "da" "de" "el" "en" "es" "fi" "fr" "hi" "hu" "id" "it" "ja" "ko" "nb" "nl" "pl" "pt" "ro" "ru" "sv" "tr" "uk" "vi"
    "zh"
}

const ENGLISH: &str = include_str!("../data/locales/frames.txt");

/// Every grammar and what it is of.
#[cfg(test)]
pub(crate) fn grammars() -> Vec<(&'static str, Grammar)> {
    let mut all = vec![
        ("clinical", Grammar::read(CLINICAL)),
        ("free", Grammar::read(FREE)),
        ("secrets", Grammar::read(SECRETS)),
        ("plain", Grammar::read(PLAIN)),
    ];
    all.extend(LOCALES.iter().map(|(name, source)| (*name, Grammar::read(&[source, ENGLISH]))));
    all
}

/// A set: its name, the preset it is scored under, its items.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) preset: &'static str,
    pub(crate) items: Vec<Item>,
}

/// All sets; `share` of 1 makes the whole, of n every n-th item.
pub(crate) fn all(seed: u64, share: usize) -> Vec<Set> {
    vec![
        clinical(seed, 2_000 / share),
        free(seed, 600 / share),
        locales(seed, share),
        secrets(seed, 700 / share),
        alikes(seed, 1_100 / share),
    ]
}

fn clinical(seed: u64, count: usize) -> Set {
    let grammar = Grammar::read(CLINICAL);
    let mut rng = Rng::new(seed ^ 0xC11);
    let kinds = grammar.lines("kinds").len();
    let one = |at: usize| {
        let kind = grammar.word_at("kinds", at % kinds.max(1));
        let manner = Manner::draw(&mut rng);
        World::item(&grammar, &kind, &kind, manner, &mut rng)
    };
    Set { name: "clinical", preset: "hipaa", items: (0..count).map(one).collect() }
}

fn free(seed: u64, count: usize) -> Set {
    let grammar = Grammar::read(FREE);
    let mut rng = Rng::new(seed ^ 0xF1EE);
    let one = |_| {
        let manner = Manner::draw(&mut rng);
        World::item(&grammar, "free", "free", manner, &mut rng)
    };
    Set { name: "clinical, no identifiers", preset: "hipaa", items: (0..count).map(one).collect() }
}

fn locales(seed: u64, share: usize) -> Set {
    let mut items = Vec::new();
    for (at, (name, source)) in LOCALES.iter().enumerate() {
        let grammar = Grammar::read(&[source, ENGLISH]);
        let mut rng = Rng::new(seed ^ (0x10CA + at as u64 * 7919));
        for turn in 0..140 / share {
            let (rule, group) = if turn % 4 == 3 {
                ("frames", "mixed".to_owned())
            } else {
                ("sentences", (*name).to_owned())
            };
            items.push(World::item(&grammar, rule, &group, Manner::AsWritten, &mut rng));
        }
    }
    Set { name: "mixed-locale", preset: "default", items }
}

fn secrets(seed: u64, count: usize) -> Set {
    from_rule("secrets", seed ^ 0x5EC, count)
}

fn alikes(seed: u64, count: usize) -> Set {
    from_rule("look-alikes", seed ^ 0xA11E, count)
}

/// Running text that nothing is scored on: what most of the traffic looks like.
pub(crate) fn plain(seed: u64, count: usize) -> Set {
    of_rule("plain", PLAIN, seed ^ 0x91A1, count)
}

/// The set of the rule of its name.
fn from_rule(name: &'static str, seed: u64, count: usize) -> Set {
    of_rule(name, SECRETS, seed, count)
}

fn of_rule(name: &'static str, sources: &[&str], seed: u64, count: usize) -> Set {
    let grammar = Grammar::read(sources);
    let mut rng = Rng::new(seed);
    let one = |_| World::item(&grammar, name, name, Manner::AsWritten, &mut rng);
    Set { name, preset: "default", items: (0..count).map(one).collect() }
}
