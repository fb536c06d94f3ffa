//! The lists that surrogates of words are made of, read once from `policies/forms`.
//!
//! **Invariant:** the lists are compiled in and never change; a line that says nothing is skipped.

use std::sync::LazyLock;

use crate::anonymize::quick::{Map, Set};

/// Names of one language.
pub(super) struct Locale {
    pub(super) code: &'static str,
    pub(super) script: Script,
    pub(super) men: Vec<&'static str>,
    pub(super) women: Vec<&'static str>,
    pub(super) surnames: Vec<&'static str>,
}

/// What a known name may be.
#[derive(Default, Clone)]
pub(super) struct Known {
    /// Places in [`Lists::locales`].
    pub(super) locales: Vec<usize>,
    pub(super) man: bool,
    pub(super) woman: bool,
    pub(super) surname: bool,
}

pub(super) struct Lists {
    pub(super) locales: Vec<Locale>,
    pub(super) names: Map<String, Known>,
    /// What stands around a name, in lower case without full stops at the end.
    pub(super) honors: Map<&'static str, Honor>,
    pub(super) after: Set<&'static str>,
    pub(super) particles: Set<&'static str>,
    /// Of these, the given names.
    pub(super) called: Set<&'static str>,
    pub(super) titles: Vec<Vec<&'static str>>,
    pub(super) groups: Vec<Vec<&'static str>>,
    pub(super) common: Set<&'static str>,
    pub(super) roles: Set<&'static str>,
    pub(super) words: Map<&'static str, Vec<&'static str>>,
}

/// Whom an honorific is said of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Honor {
    Man,
    Woman,
    Anybody,
}

/// A writing system, as far as lists differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Han,
    Kana,
    Hangul,
    Devanagari,
    Thai,
    Other,
}

impl Script {
    pub(crate) fn of(text: &str) -> Self {
        text.chars().find(|c| c.is_alphabetic()).map_or(Self::Latin, Self::of_char)
    }

    pub(crate) fn of_char(c: char) -> Self {
        match u32::from(c) {
            0..=0x24f | 0x1e00..=0x1eff => Self::Latin,
            0x370..=0x3ff | 0x1f00..=0x1fff => Self::Greek,
            0x400..=0x52f => Self::Cyrillic,
            0x590..=0x5ff => Self::Hebrew,
            0x600..=0x77f => Self::Arabic,
            0x900..=0x97f => Self::Devanagari,
            0xe00..=0xe7f => Self::Thai,
            0x3040..=0x30ff => Self::Kana,
            0x3005 | 0x3400..=0x9fff | 0xf900..=0xfaff => Self::Han,
            0x1100..=0x11ff | 0xac00..=0xd7af => Self::Hangul,
            _ => Self::Other,
        }
    }

    /// Written without spaces between words.
    pub(crate) fn unspaced(self) -> bool {
        matches!(self, Self::Han | Self::Kana | Self::Thai)
    }
}

pub(super) static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut lists = Lists {
        locales: Vec::new(),
        names: Map::default(),
        honors: Map::default(),
        after: Set::default(),
        particles: Set::default(),
        called: Set::default(),
        titles: Vec::new(),
        groups: rows(include_str!("../../../forms/groups.txt")).collect(),
        common: rows(include_str!("../../../forms/common.txt")).flatten().collect(),
        roles: rows(include_str!("../../../forms/roles.txt")).flatten().collect(),
        words: Map::default(),
    };
    lists.read_names();
    lists.read_titles();
    for row in rows(include_str!("../../../forms/words.txt")) {
        if let Some((head, rest)) = row.split_first() {
            lists.words.entry(head).or_default().extend(rest);
        }
    }
    lists
});

/// Lines that are no comments, as words.
pub(super) fn rows(source: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    source
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_whitespace().collect())
}

impl Lists {
    fn read_names(&mut self) {
        for row in rows(include_str!("../../../forms/names.txt")) {
            let [code, class, rest @ ..] = row.as_slice() else { continue };
            let at = self.locales.iter().position(|l| l.code == *code).unwrap_or_else(|| {
                let script = Script::of(rest.first().copied().unwrap_or_default());
                let (men, women, surnames) = (Vec::new(), Vec::new(), Vec::new());
                self.locales.push(Locale { code, script, men, women, surnames });
                self.locales.len() - 1
            });
            for name in rest {
                let known = self.names.entry(name.to_lowercase()).or_default();
                if !known.locales.contains(&at) {
                    known.locales.push(at);
                }
                match *class {
                    "m" => known.man = true,
                    "f" => known.woman = true,
                    _ => known.surname = true,
                }
            }
            let Some(locale) = self.locales.get_mut(at) else { continue };
            let list = match *class {
                "m" => &mut locale.men,
                "f" => &mut locale.women,
                _ => &mut locale.surnames,
            };
            list.extend(rest);
        }
    }

    fn read_titles(&mut self) {
        for row in rows(include_str!("../../../forms/titles.txt")) {
            let Some((head, rest)) = row.split_first() else { continue };
            let bare = rest.iter().map(|word| word.trim_end_matches('.'));
            match *head {
                "honor-m" => self.honors.extend(bare.map(|word| (word, Honor::Man))),
                "honor-f" => self.honors.extend(bare.map(|word| (word, Honor::Woman))),
                "honor-n" => self.honors.extend(bare.map(|word| (word, Honor::Anybody))),
                "after" => self.after.extend(bare),
                "particle" => self.particles.extend(bare),
                "called" => self.called.extend(bare),
                _ => self.titles.push(rest.to_vec()),
            }
        }
    }

    /// The words of that head in `words.txt`.
    pub(super) fn of(&self, head: &str) -> &[&'static str] {
        self.words.get(head).map_or(&[], Vec::as_slice)
    }
}

/// Is there a list of names of this language?
pub(crate) fn known_locale(code: &str) -> bool {
    LISTS.locales.iter().any(|locale| locale.code == code)
}

/// A word that is not only somebody's name.
pub(crate) fn is_common(word: &str) -> bool {
    LISTS.common.contains(word) || LISTS.roles.contains(word)
}

/// A small word inside of names: `de`, `van`.
pub(crate) fn is_particle(word: &str) -> bool {
    LISTS.particles.contains(word)
}

/// All words that are not only names.
pub(crate) fn common_words() -> impl Iterator<Item = &'static str> {
    LISTS.common.iter().chain(&LISTS.roles).copied()
}

/// A local part that is an office, not a person.
pub(crate) fn is_role(word: &str) -> bool {
    LISTS.roles.contains(word)
}

/// `mr`, `dr`: a full stop behind it ends no sentence.
pub(crate) fn is_honorific(word: &str) -> bool {
    LISTS.honors.contains_key(word)
}

/// A name of somebody, in lower case, that is in the lists.
pub(crate) fn is_name(word: &str) -> bool {
    LISTS.names.contains_key(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_has_names_of_all_classes() {
        use Script::*;
        for script in [Latin, Cyrillic, Greek, Arabic, Hebrew, Han, Kana, Hangul, Devanagari, Thai] {
            let all: Vec<&Locale> = LISTS.locales.iter().filter(|l| l.script == script).collect();
            assert!(!all.is_empty(), "{script:?}");
            for locale in all {
                assert!(locale.men.len() >= 8 && locale.women.len() >= 8, "{}", locale.code);
                assert!(locale.surnames.len() >= 10, "{}", locale.code);
            }
        }
        assert!(LISTS.locales.len() >= 35);
        for head in ["kind", "glued", "street", "firm", "road", "apostrophe", "number", "tens"] {
            assert!(!LISTS.of(head).is_empty(), "{head}");
        }
    }
}
