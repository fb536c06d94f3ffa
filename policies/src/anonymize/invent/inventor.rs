//! Invented words for one exchange: every original word has one, whatever it is part of.
//!
//! **Invariant:** no two originals share an invented word, none equals an original or holds one of four letters;
//! a word depends on salt and original, and on what was taken before it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::lists::{LISTS, Locale, Script};
use super::person::{Part, Written};
use super::word::{alike, cased, plain};
use super::{Choice, Draw};
use crate::anonymize::Dropped;

/// Attempts with each list, then with words made of halves of two.
const FROM_LIST: u32 = 24;
const FROM_HALVES: u32 = 400;
/// Tries of what hardly ever fails.
const LAST: u32 = 256;

/// Invents words and remembers them.
pub(crate) struct Inventor<'a> {
    pub(super) draw: &'a Draw,
    locales: &'a [String],
    /// Would a word betray an original?
    betrays: &'a dyn Fn(&str) -> bool,
    words: HashMap<String, String>,
    taken: HashSet<String>,
    /// States stay as they are, so that a city stays in its own.
    pub(super) states_kept: bool,
    pub(super) age_cap: u8,
}

/// How a word should begin, where one of the first `own` lists has such a word.
#[derive(Clone, Copy)]
pub(super) struct Start {
    letter: char,
    own: usize,
}

/// A part of a handle or of the local part of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Atom {
    Given(String),
    Surname(String),
    /// The first letter of the given name.
    Initial(char),
    /// The first letter of this surname.
    SurnameInitial(String),
    Digits(usize),
    Separator(char),
}

impl<'a> Inventor<'a> {
    pub(crate) fn new(
        draw: &'a Draw,
        locales: &'a [String],
        betrays: &'a dyn Fn(&str) -> bool,
        states_kept: bool,
        age_cap: u8,
    ) -> Self {
        Self { draw, locales, betrays, words: HashMap::new(), taken: HashSet::new(), states_kept, age_cap }
    }

    pub(super) fn choice(&self, what: &str, key: &str) -> Choice {
        self.draw.choice(what, key, 0)
    }

    /// The word that stands for `key`, from the first of the lists that has a free one; it begins with `start`
    /// where it can.
    pub(super) fn word(
        &mut self,
        key: &str,
        lists: &[&[&'static str]],
        start: Option<Start>,
    ) -> Result<String, Dropped> {
        if let Some(word) = self.words.get(key) {
            return Ok(word.clone());
        }
        let (own, others) = lists.split_at(start.map_or(lists.len(), |start| start.own.min(lists.len())));
        let mut choice = self.choice("WORD", key);
        for (lists, narrow) in [(own, true), (own, false), (others, true), (others, false)] {
            for list in lists {
                let fitting: Cow<'_, [&str]> = match start {
                    Some(start) if narrow => {
                        list.iter().copied().filter(|w| w.starts_with(start.letter)).collect()
                    }
                    None if !narrow => Cow::default(),
                    Some(_) | None => Cow::Borrowed(list),
                };
                for _ in 0..if fitting.is_empty() { 0 } else { FROM_LIST } {
                    let new = fitting[choice.below(fitting.len() as u64) as usize];
                    if self.takes(key, new) {
                        return Ok(new.to_owned());
                    }
                }
            }
        }
        let all: Vec<&str> = lists.iter().flat_map(|list| list.iter().copied()).collect();
        for _ in 0..FROM_HALVES {
            let new = halves(&all, key, &mut choice);
            if self.takes(key, &new) {
                return Ok(new);
            }
        }
        // In a long exchange every name of the lists may be somebody's: a word of nobody.
        for attempt in 0..LAST {
            let new = super::word::name(&mut choice, 6 + (attempt % 4) as usize);
            if self.takes(key, &new) {
                return Ok(new);
            }
        }
        Err(Dropped::AuditLeak)
    }

    /// Takes the word for the key when nothing speaks against it.
    fn takes(&mut self, key: &str, new: &str) -> bool {
        let small = new.to_lowercase();
        let free = small != key.trim_start_matches(char::is_control)
            && !self.taken.contains(&small)
            && !(self.betrays)(&small);
        if free {
            self.taken.insert(small);
            self.words.insert(key.to_owned(), new.to_owned());
        }
        free
    }

    /// Takes a whole value that is made of more than words.
    pub(super) fn claims(&mut self, key: &str, new: &str) -> bool {
        self.takes(&format!("\u{1f}{key}"), new)
    }

    /// What was taken for a whole value.
    pub(super) fn claimed(&self, key: &str) -> Option<String> {
        self.words.get(&format!("\u{1f}{key}")).cloned()
    }

    /// The letter that stands for an initial, the same all through the conversation.
    fn letter(&self, initial: char) -> char {
        const LETTERS: &[u8] = b"ACDEJLMRST";
        let small: String = initial.to_lowercase().collect();
        let pick = |attempt| {
            let mut choice = self.draw.choice("INITIAL", &small, attempt);
            match Script::of_char(initial) {
                Script::Cyrillic => {
                    ['А', 'В', 'Г', 'Д', 'Е', 'И', 'М', 'Н', 'О', 'П', 'С'][choice.below(11) as usize]
                }
                Script::Greek => {
                    ['Α', 'Β', 'Γ', 'Δ', 'Ε', 'Κ', 'Μ', 'Ν', 'Π', 'Σ', 'Χ'][choice.below(11) as usize]
                }
                Script::Latin
                | Script::Arabic
                | Script::Hebrew
                | Script::Han
                | Script::Kana
                | Script::Hangul
                | Script::Devanagari
                | Script::Thai
                | Script::Other => char::from(choice.pick(LETTERS)),
            }
        };
        let first = pick(0);
        if first.to_lowercase().eq(small.chars()) { pick(1) } else { first }
    }

    /// The person's name in the form of the mention.
    pub(crate) fn name(&mut self, written: &Written<'_>, woman: Option<bool>) -> Result<String, Dropped> {
        let locale = self.locale(written);
        let mut out = String::with_capacity(written.mention.len() + 8);
        let mut from = 0;
        for piece in &written.pieces {
            out.push_str(&written.mention[from..piece.start]);
            from = piece.end;
            let word = written.word(piece);
            let new = match piece.part {
                Part::Kept => word.to_owned(),
                Part::Initial => {
                    let letter = self.letter(word.chars().next().unwrap_or('x')).to_string();
                    if word.chars().all(char::is_lowercase) { letter.to_lowercase() } else { letter }
                }
                Part::Given => self.given(word, locale, woman)?,
                Part::Surname => self.surname(word, locale)?,
                Part::Patronymic => self.patronymic(word, locale)?,
                Part::Other => alike(word, &mut self.choice("NAME", word)),
            };
            out.push_str(&new);
        }
        out.push_str(&written.mention[from..]);
        Ok(out)
    }

    fn given(&mut self, word: &str, locale: &'static Locale, woman: Option<bool>) -> Result<String, Dropped> {
        let key = word.to_lowercase();
        if locale.script == Script::Other || Script::of(word) == Script::Other {
            return self.foreign(word);
        }
        // Alone, a surname in its feminine form may pass for a given name.
        let (base, womans) = masculine(&key);
        if womans && self.words.contains_key(&base) && !self.words.contains_key(&key) {
            return self.surname(word, locale);
        }
        if let Some(known) = self.words.get(&key) {
            return Ok(cased(known, word));
        }
        let class = LISTS.names.get(&key).filter(|k| k.man != k.woman).map(|k| k.woman).or(woman);
        let list = |locale: &'static Locale| match class {
            Some(true) => vec![locale.women.as_slice()],
            Some(false) => vec![locale.men.as_slice()],
            None => vec![locale.men.as_slice(), locale.women.as_slice()],
        };
        let mut lists = list(locale);
        if class.is_none() && self.choice("CLASS", &key).below(2) == 1 {
            lists.reverse();
        }
        let own = lists.len();
        lists.extend(siblings(locale).flat_map(list));
        let first = key.chars().next().filter(|c| bicameral(*c));
        let start = first.map(|c| Start { letter: self.letter(c), own });
        Ok(cased(&self.word(&key, &lists, start)?, word))
    }

    pub(super) fn surname(&mut self, word: &str, locale: &'static Locale) -> Result<String, Dropped> {
        if Script::of(word) == Script::Other {
            return self.foreign(word);
        }
        let small = word.to_lowercase();
        let known = self.words.contains_key(&small);
        let (key, womans) = if known { (small, false) } else { masculine(&small) };
        if let Some(known) = self.words.get(&key) {
            return Ok(cased(&if womans { feminine(known) } else { known.clone() }, word));
        }
        // Who learns to copy must have seen names that are written so.
        let mut lists = if key.contains('\'') { vec![LISTS.of("apostrophe")] } else { Vec::new() };
        lists.push(locale.surnames.as_slice());
        lists.extend(siblings(locale).map(|other| other.surnames.as_slice()));
        let new = self.word(&key, &lists, None)?;
        Ok(cased(&if womans { feminine(&new) } else { new }, word))
    }

    fn patronymic(&mut self, word: &str, locale: &'static Locale) -> Result<String, Dropped> {
        let small = word.to_lowercase();
        let key = small.trim_end_matches("ич").trim_end_matches("на");
        let fathers: Vec<&'static str> =
            locale.men.iter().copied().filter(|m| !m.ends_with(['а', 'я', 'ь'])).collect();
        let father = self.word(&format!("\u{1e}{key}"), &[&fathers], None)?;
        let stem = match father.strip_suffix('й') {
            Some(stem) => format!("{stem}ев"),
            None => format!("{father}ов"),
        };
        Ok(cased(&format!("{stem}{}", if small.ends_with("на") { "на" } else { "ич" }), word))
    }

    /// A word of a script without lists: letters of the same block.
    pub(super) fn foreign(&mut self, word: &str) -> Result<String, Dropped> {
        let key = word.to_lowercase();
        if let Some(known) = self.words.get(&key) {
            return Ok(known.clone());
        }
        let mut choice = self.choice("WORD", &key);
        for _ in 0..LAST {
            let new: String = word.chars().map(|c| neighbour(c, &mut choice)).collect();
            if self.takes(&key, &new) {
                return Ok(new);
            }
        }
        Err(Dropped::AuditLeak)
    }

    /// The language whose names the words are; else what the letters say, else one of the policy.
    pub(super) fn locale(&self, written: &Written<'_>) -> &'static Locale {
        let script = Script::of(written.core());
        let mut votes: Vec<usize> = vec![0; LISTS.locales.len()];
        for piece in written.pieces.iter().filter(|p| matches!(p.part, Part::Given | Part::Surname)) {
            for at in
                LISTS.names.get(&written.word(piece).to_lowercase()).into_iter().flat_map(|k| &k.locales)
            {
                votes[*at] += 1;
            }
        }
        let most = votes.iter().copied().max().filter(|most| *most > 0);
        let voted = most.and_then(|most| votes.iter().position(|n| *n == most)).map(|at| &LISTS.locales[at]);
        voted.filter(|l| l.script == script).unwrap_or_else(|| self.locale_of(written.mention, script))
    }

    pub(super) fn locale_of(&self, text: &str, script: Script) -> &'static Locale {
        const MARKS: [(&str, &str); 12] = [
            ("ß", "de"),
            ("ñ", "es"),
            ("łśżąę", "pl"),
            ("řůě", "cs"),
            ("åø", "da"),
            ("őű", "hu"),
            ("șță", "ro"),
            ("ğşı", "tr"),
            ("ãõ", "pt"),
            ("çêèœ", "fr"),
            ("äöü", "de"),
            ("áéíóú", "es"),
        ];
        let marks = if text.is_ascii() { &[][..] } else { &MARKS[..] };
        let marked =
            marks.iter().find(|(marks, _)| text.chars().any(|c| marks.contains(c))).map(|(_, code)| *code);
        let listed: Vec<&str> = self.locales.iter().map(String::as_str).filter(|code| *code != "*").collect();
        let draw = || self.choice("LOCALE", text).below(listed.len() as u64) as usize;
        let drawn = if listed.is_empty() { None } else { listed.get(draw()) };
        let code = marked.or(drawn.copied()).unwrap_or("en");
        let of = |wanted: &dyn Fn(&&Locale) -> bool| LISTS.locales.iter().find(wanted);
        of(&|l| l.script == script && (script != Script::Latin || l.code == code))
            .or_else(|| of(&|l| l.script == Script::Latin))
            .unwrap_or(&LISTS.locales[0])
    }

    /// The handle or local part of a person, in lower case and plain letters.
    pub(crate) fn handle(
        &mut self,
        atoms: &[Atom],
        key: &str,
        woman: Option<bool>,
    ) -> Result<String, Dropped> {
        let mut out = String::new();
        for atom in atoms {
            let locale = |word: &str, this: &Self| this.locale(&Written::of(word));
            match atom {
                Atom::Given(word) => {
                    let locale = locale(word, self);
                    out.push_str(&plain(&self.given(word, locale, woman)?));
                }
                Atom::Surname(word) | Atom::SurnameInitial(word) => {
                    let locale = locale(word, self);
                    let new = plain(&self.surname(word, locale)?);
                    let first = new.chars().next().map_or(0, char::len_utf8);
                    out.push_str(if matches!(atom, Atom::Surname(_)) { &new } else { &new[..first] });
                }
                Atom::Initial(c) => out.extend(self.letter(*c).to_lowercase()),
                Atom::Digits(n) => {
                    let mut choice = self.choice("DIGITS", key);
                    out.extend((0..*n).map(|_| char::from(choice.digit())));
                }
                Atom::Separator(c) => out.push(*c),
            }
        }
        Ok(out)
    }
}

/// Other languages of the same script.
fn siblings(locale: &'static Locale) -> impl Iterator<Item = &'static Locale> {
    LISTS.locales.iter().filter(|l| l.script == locale.script && l.code != locale.code)
}

fn bicameral(c: char) -> bool {
    matches!(Script::of_char(c), Script::Latin | Script::Cyrillic | Script::Greek)
}

/// `смирнова` is `смирнов`, `kowalska` is `kowalski`.
fn masculine(small: &str) -> (String, bool) {
    if ["ова", "ева", "ёва", "ина"].iter().any(|end| small.ends_with(end)) && small.chars().count() > 4
    {
        return (small.trim_end_matches('а').to_owned(), true);
    }
    match small.strip_suffix("ska").or_else(|| small.strip_suffix("cka")) {
        Some(_) if small.len() > 5 => (format!("{}i", &small[..small.len() - 1]), true),
        Some(_) | None => (small.to_owned(), false),
    }
}

fn feminine(name: &str) -> String {
    if ["ов", "ев", "ин"].iter().any(|end| name.ends_with(end)) {
        format!("{name}а")
    } else if let Some(stem) = name.strip_suffix("ki") {
        format!("{stem}ka")
    } else {
        name.to_owned()
    }
}

/// The first half of one word and the second of another.
fn halves(all: &[&str], key: &str, choice: &mut Choice) -> String {
    let mut pick = || all.get(choice.below(all.len().max(1) as u64) as usize).copied().unwrap_or(key);
    let (a, b): (Vec<char>, Vec<char>) = (pick().chars().collect(), pick().chars().collect());
    a.iter().take(a.len().div_ceil(2)).chain(b.iter().skip(b.len() / 2)).collect()
}

/// A letter near by in the same alphabet.
fn neighbour(c: char, choice: &mut Choice) -> char {
    if c.is_ascii() {
        return alike(c.encode_utf8(&mut [0; 4]), choice).chars().next().unwrap_or(c);
    }
    let like = |other: &char| other.is_alphabetic() && other.is_uppercase() == c.is_uppercase();
    let shift = 1 + choice.below(14) as u32;
    let near = |code: Option<u32>| code.and_then(char::from_u32).filter(like).filter(|n| *n != c);
    if !c.is_alphabetic() {
        return c;
    }
    near(u32::from(c).checked_add(shift)).or_else(|| near(u32::from(c).checked_sub(shift))).unwrap_or(c)
}
