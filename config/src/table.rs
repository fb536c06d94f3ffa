//! Typed reading of one TOML table: every key is asked for by name, what is left over is a problem.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kolm_core::{Code, Ppm};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Outside;
use crate::problem::{FORM, Problem, RANGE, UNKNOWN};

/// The text under check and what was found so far.
pub(crate) struct Checker<'t> {
    text: &'t str,
    /// Folder that relative paths start from.
    pub(crate) folder: PathBuf,
    pub(crate) outside: &'t Outside,
    pub(crate) problems: Vec<Problem>,
}

impl<'t> Checker<'t> {
    pub(crate) fn new(text: &'t str, folder: PathBuf, outside: &'t Outside) -> Self {
        Self { text, folder, outside, problems: Vec::new() }
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    pub(crate) fn add(&mut self, code: Code, place: &Place, message: impl Into<String>) {
        self.add_with_hint(code, place, message, None);
    }

    pub(crate) fn add_with_hint(
        &mut self,
        code: Code,
        place: &Place,
        message: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.problems.push(Problem {
            code,
            path: place.path.clone(),
            line: place.at.map_or(0, |at| self.line(at)),
            message: message.into(),
            hint: hint.map(str::to_owned),
        });
    }

    /// A path of the file, relative to the file's folder.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// Where a value stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) at: Option<usize>,
}

impl Place {
    pub(crate) fn key(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, at: self.at }
    }

    fn item(&self, index: usize, span: Range<usize>) -> Self {
        Self { path: format!("{}[{index}]", self.path), at: Some(span.start) }
    }
}

/// A value with its place.
#[derive(Clone)]
pub(crate) struct Node<'t> {
    pub(crate) place: Place,
    pub(crate) value: &'t DeValue<'t>,
}

/// How a value becomes a setting; a failure has been noted when it is `None`.
pub(crate) type Reader<T> = fn(&mut Checker<'_>, &Node<'_>) -> Option<T>;

/// A table of which each key is read at most once.
pub(crate) struct Table<'t> {
    pub(crate) place: Place,
    entries: Option<&'t DeTable<'t>>,
    known: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(crate) fn root(entries: &'t DeTable<'t>) -> Self {
        Self { place: Place::default(), entries: Some(entries), known: Vec::new() }
    }

    /// A table that is not in the file: every key has its default.
    pub(crate) fn absent(place: Place) -> Self {
        Self { place, entries: None, known: Vec::new() }
    }

    pub(crate) fn of(check: &mut Checker<'_>, node: &Node<'t>) -> Self {
        if let DeValue::Table(entries) = node.value {
            return Self { place: node.place.clone(), entries: Some(entries), known: Vec::new() };
        }
        wrong(check, node, "a table");
        Self::absent(node.place.clone())
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.entries.is_none()
    }

    pub(crate) fn node(&mut self, key: &'static str) -> Option<Node<'t>> {
        self.known.push(key);
        let (_, value) = self.entries?.iter().find(|(name, _)| name.get_ref() == key)?;
        let place = Place { at: Some(value.span().start), ..self.place.key(key) };
        Some(Node { place, value: value.get_ref() })
    }

    /// A key whose absence is an answer.
    pub(crate) fn optional<T>(
        &mut self,
        check: &mut Checker<'_>,
        key: &'static str,
        read: Reader<T>,
    ) -> Option<T> {
        let node = self.node(key)?;
        read(check, &node)
    }

    /// A key with a default.
    pub(crate) fn or<T>(
        &mut self,
        check: &mut Checker<'_>,
        key: &'static str,
        read: Reader<T>,
        default: T,
    ) -> T {
        self.optional(check, key, read).unwrap_or(default)
    }

    /// A key with a default and a range.
    pub(crate) fn within<T: PartialOrd + std::fmt::Display>(
        &mut self,
        check: &mut Checker<'_>,
        key: &'static str,
        read: Reader<T>,
        default: T,
        range: Range<T>,
    ) -> T {
        let value = self.or(check, key, read, default);
        if !range.contains(&value) {
            let place = self.at(key);
            let message = format!("{value} is not in {}..{}", range.start, range.end);
            check.add(RANGE, &place, message);
        }
        value
    }

    /// Whether the file has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.iter().any(|(name, _)| name.get_ref() == key))
    }

    /// The place of a key, present or not.
    pub(crate) fn at(&self, key: &str) -> Place {
        let found = self.entries.and_then(|t| t.iter().find(|(name, _)| name.get_ref() == key));
        let place = self.place.key(key);
        Place { at: found.map(|(_, value)| value.span().start).or(place.at), ..place }
    }

    /// A sub-table, absent or not.
    pub(crate) fn table(&mut self, check: &mut Checker<'_>, key: &'static str) -> Table<'t> {
        match self.node(key) {
            Some(node) => Table::of(check, &node),
            None => Table::absent(self.place.key(key)),
        }
    }

    /// All entries of a table whose keys are names.
    pub(crate) fn named(self) -> Vec<(String, Node<'t>)> {
        let entries = self.entries.into_iter().flat_map(|entries| entries.iter());
        let mut out: Vec<_> = entries
            .map(|(name, value)| {
                let at = Some(name.span().start);
                let place = Place { at, ..self.place.key(name.get_ref()) };
                (name.get_ref().to_string(), Node { place, value: value.get_ref() })
            })
            .collect();
        out.sort_by_key(|(_, node)| node.place.at);
        out
    }

    /// Ends the reading: keys nobody asked for are problems.
    pub(crate) fn finish(self, check: &mut Checker<'_>) {
        for (name, _) in self.entries.into_iter().flat_map(|entries| entries.iter()) {
            let key = name.get_ref().as_ref();
            if !self.known.contains(&key) {
                let place = Place { at: Some(name.span().start), ..self.place.key(key) };
                let near = self.known.iter().min_by_key(|known| distance(known, key));
                let near = near.filter(|known| distance(known, key) <= 2);
                let hint = near.map(|known| format!("did you mean `{known}`?"));
                check.add_with_hint(UNKNOWN, &place, "unknown key", hint.as_deref());
            }
        }
    }
}

/// Edits between two short words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

pub(crate) fn wrong(check: &mut Checker<'_>, node: &Node<'_>, wanted: &str) {
    let given = match node.value {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Boolean(_) => "true or false".to_owned(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    };
    check.add(FORM, &node.place, format!("must be {wanted}, not {given}"));
}

fn read_or<T>(
    check: &mut Checker<'_>,
    node: &Node<'_>,
    wanted: &str,
    read: impl Fn(&DeValue<'_>) -> Option<T>,
) -> Option<T> {
    let out = read(node.value);
    if out.is_none() {
        wrong(check, node, wanted);
    }
    out
}

pub(crate) fn string(check: &mut Checker<'_>, node: &Node<'_>) -> Option<String> {
    read_or(check, node, "a string", |value| value.as_str().map(str::to_owned))
}

pub(crate) fn boolean(check: &mut Checker<'_>, node: &Node<'_>) -> Option<bool> {
    read_or(check, node, "true or false", |value| value.as_bool())
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    value.as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok())
}

pub(crate) fn count(check: &mut Checker<'_>, node: &Node<'_>) -> Option<u64> {
    read_or(check, node, "a whole number from 0 up", integer)
}

/// A non-negative decimal or whole number, finite.
pub(crate) fn number(check: &mut Checker<'_>, node: &Node<'_>) -> Option<f64> {
    read_or(check, node, "a number from 0 up", |value| {
        let text = value.as_float().map(|f| f.as_str().to_owned());
        let text = text.or_else(|| integer(value).map(|n| n.to_string()))?;
        f64::from_str(&text).ok().filter(|x| x.is_finite() && *x >= 0.0)
    })
}

/// A share between 0 and 1, in ppm.
pub(crate) fn share(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Ppm> {
    let share = number(check, node)?;
    if share > 1.0 {
        check.add(RANGE, &node.place, format!("{share} is no share between 0 and 1"));
        return None;
    }
    Some(Ppm((share * 1e6).round() as u32))
}

/// US dollars, in µUSD.
pub(crate) fn dollars(check: &mut Checker<'_>, node: &Node<'_>) -> Option<u64> {
    number(check, node).map(|usd| (usd * 1e6).round() as u64)
}

/// A duration such as `"250ms"` or `"24h"`.
pub(crate) fn duration(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Duration> {
    let text = string(check, node)?;
    let parsed = text.parse::<humantime_serde::re::humantime::Duration>();
    if parsed.is_err() {
        check.add(FORM, &node.place, format!("`{text}` is no duration such as \"250ms\" or \"24h\""));
    }
    parsed.ok().map(Into::into)
}

/// A duration in milliseconds.
pub(crate) fn millis(check: &mut Checker<'_>, node: &Node<'_>) -> Option<i64> {
    duration(check, node).map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// A duration in microseconds.
pub(crate) fn micros(check: &mut Checker<'_>, node: &Node<'_>) -> Option<u64> {
    duration(check, node).map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// A size: bytes as a number, or `"64 MiB"`.
pub(crate) fn size(check: &mut Checker<'_>, node: &Node<'_>) -> Option<u64> {
    if let Some(bytes) = integer(node.value) {
        return Some(bytes);
    }
    let text = string(check, node)?;
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text[digits.len()..].trim() {
        "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        "GiB" => Some(30),
        _ => None,
    };
    let bytes = shift.and_then(|shift| digits.parse::<u64>().ok()?.checked_mul(1 << shift));
    if bytes.is_none() {
        check.add(FORM, &node.place, format!("`{text}` is no size such as 4096 or \"64 MiB\""));
    }
    bytes
}

/// Anything with a grammar of its own: names, addresses.
pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
    check: &mut Checker<'_>,
    node: &Node<'_>,
) -> Option<T> {
    let text = string(check, node)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            check.add(FORM, &node.place, format!("`{text}`: {error}"));
            None
        }
    }
}

/// The items of an array with their places.
pub(crate) fn items<'t>(check: &mut Checker<'_>, node: &Node<'t>) -> Vec<Node<'t>> {
    if let DeValue::Array(array) = node.value {
        let item = |(i, value): (usize, &'t Spanned<DeValue<'t>>)| Node {
            place: node.place.item(i, value.span()),
            value: value.get_ref(),
        };
        return array.iter().enumerate().map(item).collect();
    }
    wrong(check, node, "an array");
    Vec::new()
}
