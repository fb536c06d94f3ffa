//! The shape of a configuration file: which keys it may have and what their values look like.
//!
//! **Invariant:** a shape holds what `probe` found and nothing else; parts stand in the order they are asked for.

use std::collections::BTreeSet;

use crate::problem::{FORM, Problem};

/// Stands for any name of a table whose keys are names.
pub(crate) const EACH: &str = "*";
/// Stands for any item of an array.
pub(crate) const ITEM: &str = "[]";

/// A type of TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    Integer,
    Float,
    Boolean,
    String,
    Array,
    Table,
}

impl Type {
    pub(crate) const ALL: [Self; 6] =
        [Self::Integer, Self::Float, Self::Boolean, Self::String, Self::Array, Self::Table];
}

/// What a value means to its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text, or one with a grammar of its own.
    Text,
    /// A whole number from 0 up.
    Count,
    /// A number from 0 up.
    Number,
    /// A share between 0 and 1.
    Share,
    /// `"250ms"`.
    Duration,
    /// Bytes, or `"64 MiB"`.
    Size,
    /// The place of a secret.
    Secret,
}

/// One value of the file, and what may be in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The types that are taken.
    pub(crate) accepts: BTreeSet<Type>,
    /// The type under which its parts are found.
    pub(crate) holds: Option<Type>,
    pub(crate) kind: Option<Kind>,
    /// `start..end` of a number.
    pub(crate) range: Option<(u64, u64)>,
    /// The words of which one must stand here.
    pub(crate) words: Vec<String>,
    /// Its absence is an answer: it has no default.
    pub(crate) optional: bool,
    /// No other keys are taken.
    pub(crate) closed: bool,
    /// Keys that must be there.
    pub(crate) required: Vec<String>,
    /// Keys, or [`EACH`], or [`ITEM`].
    pub(crate) parts: Vec<(String, Shape)>,
}

impl Shape {
    /// The shape at `a/b/[]/c`, made if it is not there.
    pub(crate) fn at(&mut self, path: &str) -> &mut Self {
        let mut shape = self;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let found = shape.parts.iter().position(|(name, _)| name == part);
            let index = found.unwrap_or_else(|| {
                shape.parts.push((part.to_owned(), Self::default()));
                shape.parts.len() - 1
            });
            shape = &mut shape.parts[index].1;
        }
        shape
    }

    /// One part.
    pub(crate) fn part(&self, name: &str) -> Option<&Self> {
        let exact = self.parts.iter().find(|(part, _)| part == name);
        exact.or_else(|| self.parts.iter().find(|(part, _)| part == EACH)).map(|(_, shape)| shape)
    }

    /// The items of an array.
    pub(crate) fn items(&self) -> Option<&Self> {
        self.parts.iter().find(|(part, _)| part == ITEM).map(|(_, shape)| shape)
    }

    /// Whether it is a table with parts of its own, secrets apart.
    pub(crate) fn is_section(&self) -> bool {
        self.opens() && !self.parts.is_empty()
    }

    /// Whether it may be a table, secrets apart.
    pub(crate) fn opens(&self) -> bool {
        self.kind != Some(Kind::Secret) && self.accepts.contains(&Type::Table)
    }

    /// From here on what holds others is given as such.
    pub(crate) fn settle(&mut self) {
        self.holds = [Type::Table, Type::Array].into_iter().find(|held| self.accepts.contains(held));
        for (_, part) in &mut self.parts {
            part.settle();
        }
    }

    /// Notes keys whose absence was a problem of form; `place` is this table's.
    pub(crate) fn note_missing(&mut self, place: &str, problems: &[Problem]) {
        for (key, _) in &self.parts {
            let at = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
            if problems.iter().any(|problem| problem.code == FORM && problem.path == at) {
                self.required.push(key.clone());
            }
        }
    }

    /// Every word with the path that takes it.
    pub(crate) fn all_words(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        self.visit("", &mut |path, shape| {
            out.extend(shape.words.iter().map(|word| (path.to_owned(), word.clone())));
        });
        out
    }

    /// The paths of all tables with known keys.
    pub(crate) fn tables(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.visit("", &mut |path, shape| {
            if shape.closed && !path.is_empty() {
                out.push(path.to_owned());
            }
        });
        out
    }

    fn visit(&self, path: &str, see: &mut impl FnMut(&str, &Self)) {
        see(path, self);
        for (name, part) in &self.parts {
            let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            part.visit(&below, see);
        }
    }

    /// The shape of the setting that messages call `path`, with its path here.
    pub(crate) fn locate(&self, path: &str) -> Option<(String, &Self)> {
        let (mut shape, mut out) = (self, String::new());
        for part in parts(path) {
            if let (Some(items), true) = (shape.items(), shape.part(&part).is_none()) {
                shape = items;
                out = format!("{out}/{ITEM}");
                continue;
            }
            let exact = shape.parts.iter().any(|(name, _)| *name == part);
            shape = shape.part(&part)?;
            out = format!("{out}/{}", if exact { &part } else { EACH });
        }
        Some((out.trim_start_matches('/').to_owned(), shape))
    }
}

/// The parts of `a."b.c"[0].d`.
pub(crate) fn parts(path: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' | '[' | ']' if !quoted => out.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    out.push(word);
    out.retain(|part| !part.is_empty());
    out
}

/// `path.key`, quoted where TOML asks for it.
pub(crate) fn join(path: &str, key: &str) -> String {
    let key = if is_bare(key) { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// Whether TOML takes the key without quotes.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}
