//! Cues: the words and phrases that begin or end a frame, found in one pass over the words of a text.
//!
//! **Invariant:** linear in the text; each word is looked up once.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::kind::{Evidence, Finding, Type};
use super::quick::{Map, Table};
use super::words::{Word, words};
use super::{date, dictated, invent, ner, org, sections, suppress, who};

macro_rules! roles {
    ($($name:ident $section:literal)*) => {
        /// What a word may be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Role { $($name),* }
        const SECTIONS: &[(&str, Role)] = &[$(($section, Role::$name)),*];
    };
}

roles! {
    Honorific "honorific" Particle "particle" Suffix "suffix" Credential "credential" NameLead "name lead"
    NameHint "name hint" Relative "relative" Closing "closing" Speaking "speaking" StreetAfter "street after"
    StreetBefore "street before" Unit "unit" PoBox "po box" CityLead "city lead" OrgLead "org lead"
    EmployerLead "employer lead" FacilityLead "facility lead" OrgAfter "org after" OrgBefore "org before" FacilityAfter "facility after"
    FacilityBefore "facility before" House "house" AgeUnit "age unit" AgeLead "age lead" Nrp "nrp" UserLead "user lead"
    SpelledNumber "spelled number" State "state" StateCode "state code" Country "country" City "city"
    Common "common" Label "label" Does "does" Owned "owned"
    FieldName "field name" FieldTitle "field title" FieldUser "field user" FieldAddress "field address"
    FieldCity "field city" FieldState "field state" FieldCountry "field country" FieldPostcode "field postcode"
    FieldGeo "field geo" FieldOrg "field org" FieldEmployer "field employer" FieldFacility "field facility" FieldAge "field age"
    FieldNrp "field nrp"
    Eponym "eponym" Wordly "name and word"
    Digit "digit" Day "day" Citizen "citizen" Work "work" Behind "behind a name"
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles(u64);

impl Roles {
    fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u64)
    }

    pub(crate) fn has(self, role: Role) -> bool {
        self.0 >> role as u64 & 1 == 1
    }
}

/// Roles that stand for themselves, without a cue for each word.
const PASSIVE: &[Role] = &[
    Role::Common,
    Role::Particle,
    Role::Suffix,
    Role::Credential,
    Role::Label,
    Role::Eponym,
    Role::Wordly,
    Role::Does,
    Role::Owned,
    Role::Digit,
    Role::Day,
    Role::Citizen,
    Role::Work,
    Role::Behind,
];

/// All roles but those.
const ACTIVE: u64 = {
    let mut mask = !0;
    let mut i = 0;
    while i < PASSIVE.len() {
        mask &= !(1 << PASSIVE[i] as u64);
        i += 1;
    }
    mask
};

/// Words of the longest cue.
const CUE: usize = 8;

/// A word or phrase with a role: words `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cue {
    pub(crate) role: Role,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// What a word is, and the phrases that begin with it: their place in the lexicon.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    roles: Roles,
    phrases: u32,
}

/// What follows the first word, and what the whole is.
type Phrases = Vec<(Vec<String>, Role)>;

struct Lexicon {
    words: Table<Entry>,
    /// The first are nobody's.
    phrases: Vec<Phrases>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut all: Map<String, Entry> = Map::default();
    let mut phrases = vec![Phrases::new()];
    for (role, phrase) in roles(include_str!("../../words/cues.txt"))
        .chain(roles(include_str!("../../words/places.txt")))
        .chain(roles(include_str!("../../words/fields.txt")))
        .chain(common())
        .chain(super::label::words().map(|word| (Role::Label, word)))
    {
        let mut parts = words(phrase).into_iter().map(|word| word.of(phrase).to_lowercase());
        let Some(first) = parts.next() else { continue };
        let rest: Vec<String> = parts.collect();
        let entry = all.entry(first).or_default();
        if rest.is_empty() {
            entry.roles = entry.roles.with(role);
            continue;
        }
        if entry.phrases == 0 {
            entry.phrases = phrases.len() as u32;
            phrases.push(Phrases::new());
        }
        phrases[entry.phrases as usize].push((rest, role));
    }
    let mut mark = |role: Role, word: String| {
        let entry = all.entry(word).or_default();
        entry.roles = entry.roles.with(role);
    };
    suppress::eponyms().for_each(|word| mark(Role::Eponym, word.to_owned()));
    invent::common_words().for_each(|word| mark(Role::Wordly, word.to_owned()));
    // Words that one detector waits for, and asks no list of its own about all others.
    dictated::digits().for_each(|word| mark(Role::Digit, word.to_owned()));
    date::first_words().into_iter().for_each(|word| mark(Role::Day, word));
    org::citizens().for_each(|word| mark(Role::Citizen, word.to_owned()));
    org::works().for_each(|word| mark(Role::Work, word.to_owned()));
    who::behind_names().for_each(|word| mark(Role::Behind, word.to_owned()));
    Lexicon { words: Table::of(all), phrases }
});

/// The role that a key has as a whole: `patient name`.
pub(crate) fn key_role(key: &str) -> Option<Role> {
    static KEYS: LazyLock<Map<&'static str, Role>> = LazyLock::new(|| {
        roles(include_str!("../../words/fields.txt")).map(|(role, key)| (key, role)).collect()
    });
    KEYS.get(key).copied()
}

/// A title before a name, in lower case.
pub(crate) fn is_honorific(word: &str) -> bool {
    LEXICON.words.get(word).is_some_and(|entry| entry.roles.has(Role::Honorific))
}

/// A common word of some language, in lower case.
pub(crate) fn is_common(word: &str) -> bool {
    LEXICON.words.get(word).is_some_and(|entry| entry.roles.has(Role::Common))
}

/// The entries of a file with their roles.
fn roles(source: &'static str) -> impl Iterator<Item = (Role, &'static str)> {
    sections::entries(source, SECTIONS)
}

fn common() -> impl Iterator<Item = (Role, &'static str)> {
    let lines = include_str!("../../words/common.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split(' ')).map(|word| (Role::Common, word))
}

/// A text as its words with their roles, and the cues among them.
pub(crate) struct Reading<'a> {
    pub(crate) text: &'a str,
    pub(crate) words: Vec<Word>,
    told: Vec<Told<'a>>,
    pub(crate) cues: Vec<Cue>,
}

/// What all detectors ask of a word again and again.
struct Told<'a> {
    written: &'a str,
    /// In small letters.
    low: Cow<'a, str>,
    /// What stands between this word and the next.
    gap: &'a str,
    roles: Roles,
    /// Of names.
    lists: u8,
}

impl<'a> Reading<'a> {
    /// Marks the words `first` to `last`, where they are.
    pub(crate) fn mark(
        &self,
        (first, last): (usize, usize),
        ty: Type,
        evidence: Evidence,
        out: &mut Vec<Finding>,
    ) {
        if let (Some(a), Some(b)) = (self.word(first), self.word(last)) {
            out.push(Finding::new(a.start, b.end, ty, evidence));
        }
    }

    pub(crate) fn of(text: &'a str) -> Self {
        let words = words(text);
        let lexicon = &*LEXICON;
        let mut told = Vec::with_capacity(words.len());
        let mut entries = Vec::with_capacity(words.len());
        for (i, word) in words.iter().enumerate() {
            let written = word.of(text);
            let low = small(written);
            let entry = lexicon.words.get(&low).unwrap_or_default();
            let next = words.get(i + 1).map_or(text.len(), |word| word.start);
            let gap = text.get(word.end..next).unwrap_or_default();
            let lists = ner::lists_of(&low);
            told.push(Told { written, low, gap, roles: entry.roles, lists });
            entries.push(entry);
        }
        let mut out = Self { text, words, told, cues: Vec::new() };
        for (i, entry) in entries.into_iter().enumerate() {
            out.cues_at(i, entry, &lexicon.phrases[entry.phrases as usize]);
        }
        out
    }

    /// The cues that begin at word `i`; of each role the longest.
    fn cues_at(&mut self, i: usize, entry: Entry, phrases: &Phrases) {
        let from = self.cues.len();
        let mut active = entry.roles.0 & ACTIVE;
        while active != 0 {
            let (_, role) = SECTIONS[active.trailing_zeros() as usize];
            self.cues.push(Cue { role, first: i, last: i });
            active &= active - 1;
        }
        for (rest, role) in phrases {
            let last = i + rest.len();
            let fits =
                rest.iter().enumerate().all(|(k, part)| self.low(i + k + 1) == part && self.tight(i + k));
            if !fits {
                continue;
            }
            match self.cues[from..].iter_mut().find(|cue| cue.role == *role) {
                Some(cue) => cue.last = cue.last.max(last),
                None => self.cues.push(Cue { role: *role, first: i, last }),
            }
        }
    }

    /// Little stands between this word and the next.
    fn tight(&self, i: usize) -> bool {
        let gap = self.gap(i);
        gap.len() <= 2 && gap.bytes().all(|b| b" .-/_'".contains(&b))
    }

    /// The text between word `i` and the next one, to the end after the last.
    pub(crate) fn gap(&self, i: usize) -> &'a str {
        self.told.get(i).map_or("", |told| told.gap)
    }

    /// The text between word `i` and the one before.
    pub(crate) fn gap_before(&self, i: usize) -> &'a str {
        match i.checked_sub(1) {
            Some(before) => self.gap(before),
            None => self.text.get(..self.words.first().map_or(0, |word| word.start)).unwrap_or_default(),
        }
    }

    pub(crate) fn has(&self, i: usize, role: Role) -> bool {
        self.told.get(i).is_some_and(|told| told.roles.has(role))
    }

    /// The cue of a role that ends with word `last`.
    pub(crate) fn ending(&self, role: Role, last: usize) -> Option<&Cue> {
        let from = self.cues.partition_point(|cue| cue.first + CUE < last);
        let near = self.cues[from..].iter().take_while(|cue| cue.first <= last);
        near.into_iter().find(|cue| cue.role == role && cue.last == last)
    }

    pub(crate) fn word(&self, i: usize) -> Option<&Word> {
        self.words.get(i)
    }

    /// The word as written; empty past the end.
    pub(crate) fn str(&self, i: usize) -> &'a str {
        self.told.get(i).map_or("", |told| told.written)
    }

    /// The word in small letters; empty past the end.
    pub(crate) fn low(&self, i: usize) -> &str {
        self.told.get(i).map_or("", |told| &told.low)
    }

    /// The lists of names that the word stands in.
    pub(crate) fn lists(&self, i: usize) -> u8 {
        self.told.get(i).map_or(0, |told| told.lists)
    }

    pub(crate) fn is(&self, i: usize, word: &str) -> bool {
        self.str(i).eq_ignore_ascii_case(word)
    }

    /// A sentence, line or cell begins at word `i`.
    pub(crate) fn begins(&self, i: usize) -> bool {
        let gap = self.gap_before(i);
        i == 0 || gap.contains(['\n', '!', '?', '|', '\t', ';', ':', '"']) || gap.starts_with(". ")
    }

    /// A capital that says something: the word is no small word with which a sentence begins.
    pub(crate) fn proper(&self, i: usize) -> bool {
        self.word(i).is_some_and(Word::capital) && !self.has(i, Role::Common)
    }
}

fn small(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|b| b.is_ascii_lowercase()) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_a_role() {
        let fields = include_str!("../../words/fields.txt");
        for source in [include_str!("../../words/cues.txt"), include_str!("../../words/places.txt"), fields] {
            for line in source.lines().filter(|line| line.starts_with('[')) {
                let name = line.trim_matches(['[', ']']);
                assert!(SECTIONS.iter().any(|(section, _)| *section == name), "{name}");
            }
        }
        let known = |word: &str| LEXICON.words.get(word).is_some_and(|entry| entry.roles.has(Role::Common));
        assert!(common().filter(|(_, word)| known(word)).count() > 6_000);
    }

    #[test]
    fn the_longest_phrase_of_a_role_counts() {
        let reading = Reading::of("Nurse Ann lives in New York City.");
        let at = |role| {
            reading.cues.iter().filter(|cue| cue.role == role).map(|c| (c.first, c.last)).collect::<Vec<_>>()
        };
        assert_eq!(at(Role::City), [(4, 6), (5, 5)]);
        assert_eq!(at(Role::CityLead), [(2, 3)]);
    }
}
