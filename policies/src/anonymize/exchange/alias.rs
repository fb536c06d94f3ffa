//! Which mentions are the same: values by their canonical form, people by shared parts of their names.
//!
//! **Invariant:** a mention joins what stands before it and changes nothing there, so a longer history keeps its
//! groups.

use std::collections::HashMap;

use crate::anonymize::invent::{Atom, Part, Written, canonical, is_name, is_role, plain};
use crate::anonymize::kind::{Evidence, Finding, Type};

/// All mentions of one original.
pub(crate) struct Group {
    pub(crate) ty: Type,
    pub(crate) canonical: String,
    rank: (Evidence, u8),
    /// Whose it is: a name or a handle of somebody.
    pub(crate) person: Option<usize>,
    /// How a handle is made of the person's name.
    pub(crate) atoms: Vec<Atom>,
}

/// Somebody, as far as the mentions tell.
#[derive(Default)]
pub(crate) struct Person {
    given: Vec<String>,
    surnames: Vec<String>,
    initials: Vec<String>,
    pub(crate) woman: Option<bool>,
}

/// The groups of an exchange in order of first mention.
#[derive(Default)]
pub(crate) struct Groups {
    pub(crate) all: Vec<Group>,
    pub(crate) people: Vec<Person>,
    by_key: HashMap<String, usize>,
    names: HashMap<String, usize>,
    /// Who has a word in the name, as written and in plain letters; ascending.
    by_word: HashMap<String, Vec<usize>>,
}

impl Groups {
    /// Takes a mention; the group that it belongs to.
    pub(crate) fn add(&mut self, span: &Finding, mention: &str) -> usize {
        let (key, person, atoms) = self.key(span.ty, mention);
        let rank = (span.evidence, span.score);
        if let Some(at) = self.by_key.get(&key).copied() {
            let group = &mut self.all[at];
            if group.rank < rank {
                group.rank = rank;
                group.ty = span.ty;
            }
            return at;
        }
        self.by_key.insert(key.clone(), self.all.len());
        self.all.push(Group { ty: span.ty, canonical: key, rank, person, atoms });
        self.all.len() - 1
    }

    fn key(&mut self, ty: Type, mention: &str) -> (String, Option<usize>, Vec<Atom>) {
        if ty == Type::NAME {
            let person = match self.names.get(mention) {
                Some(person) => *person,
                None => {
                    let person = self.person(&Written::of(mention));
                    self.names.insert(mention.to_owned(), person);
                    person
                }
            };
            return (format!("\u{1f}{person}"), Some(person), Vec::new());
        }
        let key = if ty == Type::USERNAME {
            mention.trim_start_matches('@').to_lowercase()
        } else {
            canonical(ty, mention)
        };
        if ty != Type::EMAIL && ty != Type::USERNAME || self.by_key.contains_key(&key) {
            return (key, None, Vec::new());
        }
        let local = key.split('@').next().unwrap_or_default().to_owned();
        match self.handle(&local) {
            Some((person, atoms)) => (key, Some(person), atoms),
            None => (key, None, Vec::new()),
        }
    }

    /// The first person that the name can be of, or a new one.
    fn person(&mut self, name: &Written<'_>) -> usize {
        let (given, surnames) = (name.all(Part::Given), name.all(Part::Surname));
        let initials = name.all(Part::Initial);
        let all = self.having(given.iter().chain(&surnames).map(String::as_str));
        let find = |given: &[String], surnames: &[String]| {
            let fits = |at: &usize| {
                self.people.get(*at).is_some_and(|p| p.may_be(given, surnames, &initials, name.woman))
            };
            all.iter().copied().find(fits)
        };
        let mut at = find(&given, &surnames);
        if at.is_none() && given.len() + surnames.len() == 1 {
            // Alone, a given name may be a surname and the other way round.
            at = find(&surnames, &given);
        }
        let at = at.unwrap_or_else(|| {
            self.people.push(Person::default());
            self.people.len() - 1
        });
        for word in given.iter().chain(&surnames).flat_map(|w| [w.clone(), plain(w)]) {
            let having = self.by_word.entry(word).or_default();
            if let Err(place) = having.binary_search(&at) {
                having.insert(place, at);
            }
        }
        if let Some(person) = self.people.get_mut(at) {
            let known = person.given.iter().chain(&person.surnames).cloned().collect::<Vec<_>>();
            person.given.extend(given.into_iter().filter(|w| !known.contains(w)));
            person.surnames.extend(surnames.into_iter().filter(|w| !known.contains(w)));
            person.initials.extend(initials);
            person.woman = person.woman.or(name.woman);
        }
        at
    }

    /// The people who have one of the words in the name, ascending.
    fn having<'w>(&self, words: impl Iterator<Item = &'w str>) -> Vec<usize> {
        let mut out: Vec<usize> =
            words.filter_map(|word| self.by_word.get(word)).flatten().copied().collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The person that a handle is made of, and how.
    fn handle(&mut self, local: &str) -> Option<(usize, Vec<Atom>)> {
        let runs = runs(local);
        // A run may be two words without a separator: both sides of every cut may be known.
        let cuts = |run: &'_ str| run.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
        let parts = runs.iter().flat_map(|run| cuts(run).into_iter().flat_map(|at| [&run[at..], &run[..at]]));
        let all = self.having(parts);
        let found = all.into_iter().find_map(|at| Some((at, self.people.get(at)?.atoms(&runs)?)));
        found.or_else(|| {
            let words: Vec<&str> =
                runs.iter().filter(|r| r.starts_with(char::is_alphabetic)).copied().collect();
            let name = |word: &&&str| word.chars().count() > 1 && !is_role(word);
            let known = words.iter().any(|word| is_name(word) && word.chars().count() > 2);
            if !known || words.len() > 2 || !words.iter().all(|w| name(&w)) {
                return None;
            }
            let name = words.join(" ");
            let at = self.person(&Written::of(&name));
            let atoms = self.people.get(at)?.atoms(&runs)?;
            Some((at, atoms))
        })
    }
}

impl Person {
    fn may_be(
        &self,
        given: &[String],
        surnames: &[String],
        initials: &[String],
        woman: Option<bool>,
    ) -> bool {
        if self.woman.is_some() && woman.is_some() && self.woman != woman {
            return false;
        }
        let shares = |own: &[String], other: &[String]| {
            own.is_empty() || other.is_empty() || other.iter().any(|w| own.contains(w))
        };
        let begins = |words: &[String], letters: &[String]| {
            words.is_empty()
                || letters.is_empty()
                || letters.iter().any(|l| words.iter().any(|w| w.starts_with(l.as_str())))
        };
        let common = |own: &[String], other: &[String]| other.iter().any(|w| own.contains(w));
        (common(&self.given, given) || common(&self.surnames, surnames))
            && shares(&self.given, given)
            && shares(&self.surnames, surnames)
            && begins(&self.given, initials)
            && begins(given, &self.initials)
    }

    /// Letter by letter of a handle what part of the name it is; `None` when it is somebody else's.
    fn atoms(&self, runs: &[&str]) -> Option<Vec<Atom>> {
        let mut out = Vec::new();
        let mut full = false;
        for run in runs {
            let c = run.chars().next()?;
            if c.is_ascii_digit() {
                out.push(Atom::Digits(run.len()));
            } else if c.is_alphabetic() {
                let (atoms, whole) = self.run(run)?;
                full |= whole;
                out.extend(atoms);
            } else {
                out.extend(run.chars().map(Atom::Separator));
            }
        }
        full.then_some(out)
    }

    fn run(&self, run: &str) -> Option<(Vec<Atom>, bool)> {
        let given = || self.given.iter().map(|w| (w, plain(w)));
        let surnames = || self.surnames.iter().map(|w| (w, plain(w)));
        if let Some((word, _)) = surnames().find(|(_, plain)| plain == run) {
            return Some((vec![Atom::Surname(word.clone())], true));
        }
        if let Some((word, _)) = given().find(|(_, plain)| plain == run) {
            return Some((vec![Atom::Given(word.clone())], true));
        }
        for (g, small) in given() {
            let first = small.chars().next()?;
            if run.len() == first.len_utf8() && run.starts_with(first) {
                return Some((vec![Atom::Initial(first)], false));
            }
            for (s, last) in surnames() {
                let (g, s) = (g.clone(), s.clone());
                let last_first = last.chars().next()?;
                let initial = Atom::Initial(first);
                for (form, atoms) in [
                    (format!("{first}{last}"), vec![initial.clone(), Atom::Surname(s.clone())]),
                    (format!("{last}{first}"), vec![Atom::Surname(s.clone()), initial]),
                    (format!("{small}{last}"), vec![Atom::Given(g.clone()), Atom::Surname(s.clone())]),
                    (format!("{last}{small}"), vec![Atom::Surname(s.clone()), Atom::Given(g.clone())]),
                    (
                        format!("{small}{last_first}"),
                        vec![Atom::Given(g.clone()), Atom::SurnameInitial(s.clone())],
                    ),
                ] {
                    if form == run {
                        return Some((atoms, true));
                    }
                }
            }
        }
        let initial = self.initials.iter().find_map(|i| i.chars().next().filter(|c| run.starts_with(*c)))?;
        let (s, _) = surnames().find(|(_, plain)| run.strip_prefix(initial) == Some(plain))?;
        Some((vec![Atom::Initial(initial), Atom::Surname(s.clone())], true))
    }
}

/// Runs of letters, of digits, and of all else.
fn runs(text: &str) -> Vec<&str> {
    let class = |c: char| (c.is_alphabetic(), c.is_ascii_digit());
    let mut out = Vec::new();
    let mut from = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        if last.is_some_and(|last| last != class(c)) {
            out.push(&text[from..at]);
            from = at;
        }
        last = Some(class(c));
    }
    if from < text.len() {
        out.push(&text[from..]);
    }
    out
}
