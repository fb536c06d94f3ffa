//! Typed reading of one TOML table: every key is asked for by name, what is left over is a problem.

use std::fmt::{Debug, Display};
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use kolm_core::Ppm;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::checker::distance;
pub(crate) use crate::checker::{Checker, Place};
use crate::probe::{Probe, WORD};
use crate::problem::{FORM, RANGE, UNKNOWN};
use crate::shape::Kind;

/// A value with its place.
#[derive(Clone)]
pub(crate) struct Node<'t> {
    pub(crate) place: Place,
    pub(crate) value: &'t DeValue<'t>,
    /// Set when the checker is asked what it would take.
    probe: Option<Probe<'t>>,
}

impl Node<'_> {
    /// Says what the value means; the first reader's word counts.
    pub(crate) fn means(&self, kind: Kind) {
        if let Some(probe) = &self.probe {
            probe.kind(kind);
        }
    }

    /// Says that a value of this type is never right here.
    pub(crate) fn refuse(&self) {
        if let Some(probe) = &self.probe {
            probe.refuse();
        }
    }
}

/// How a value becomes a setting; a failure has been noted when it is `None`.
pub(crate) type Reader<T> = fn(&mut Checker<'_>, &Node<'_>) -> Option<T>;

/// A table of which each key is read at most once.
pub(crate) struct Table<'t> {
    pub(crate) place: Place,
    entries: Option<&'t DeTable<'t>>,
    known: Vec<&'static str>,
    probe: Option<Probe<'t>>,
}

impl<'t> Table<'t> {
    pub(crate) fn root(entries: &'t DeTable<'t>) -> Self {
        Self { place: Place::default(), entries: Some(entries), known: Vec::new(), probe: None }
    }

    /// The root of a file in which every key is there.
    pub(crate) fn described(probe: Probe<'t>) -> Self {
        Self { place: Place::default(), entries: None, known: Vec::new(), probe: Some(probe) }
    }

    /// A table that is not in the file: every key has its default.
    pub(crate) fn absent(place: Place) -> Self {
        Self { place, entries: None, known: Vec::new(), probe: None }
    }

    pub(crate) fn of(check: &mut Checker<'_>, node: &Node<'t>) -> Self {
        let probe = node.probe.clone();
        if let DeValue::Table(entries) = node.value {
            return Self { place: node.place.clone(), entries: Some(entries), known: Vec::new(), probe };
        }
        wrong(check, node, "a table");
        Self { probe, ..Self::absent(node.place.clone()) }
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.entries.is_none() && self.probe.is_none()
    }

    pub(crate) fn node(&mut self, key: &'static str) -> Option<Node<'t>> {
        self.known.push(key);
        if let Some(probe) = &self.probe {
            let probe = probe.key(key, &self.place.path)?;
            return Some(Node { place: self.place.key(key), value: probe.value(), probe: Some(probe) });
        }
        let (_, value) = self.entries?.iter().find(|(name, _)| name.get_ref() == key)?;
        let place = Place { at: Some(value.span().start), ..self.place.key(key) };
        Some(Node { place, value: value.get_ref(), probe: None })
    }

    /// A key whose absence is an answer.
    pub(crate) fn optional<T>(
        &mut self,
        check: &mut Checker<'_>,
        key: &'static str,
        read: Reader<T>,
    ) -> Option<T> {
        check.reading.optional(self.place.key(key).path);
        let node = self.node(key)?;
        if let Some(probe) = &node.probe {
            probe.optional();
        }
        read(check, &node)
    }

    /// A key with a default.
    pub(crate) fn or<T: Debug>(
        &mut self,
        check: &mut Checker<'_>,
        key: &'static str,
        read: Reader<T>,
        default: T,
    ) -> T {
        let value = self.node(key).and_then(|node| read(check, &node)).unwrap_or(default);
        check.amounts_to(&self.place.key(key), &value);
        value
    }

    /// A time limit or an interval with a default: more than nothing, and at most a year.
    pub(crate) fn wait(&mut self, check: &mut Checker<'_>, key: &'static str, default: Duration) -> Duration {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        let wait = self.or(check, key, duration, default);
        if wait.is_zero() {
            check.add(RANGE, &self.at(key), "a time of 0 leaves no time at all");
        } else if wait > YEAR {
            check.add(RANGE, &self.at(key), "more than a year");
        }
        wait
    }

    /// A key with a default and a range.
    pub(crate) fn within<T: PartialOrd + Debug + Display>(
        &mut self,
        check: &mut Checker<'_>,
        key: &'static str,
        read: Reader<T>,
        default: T,
        range: Range<T>,
    ) -> T {
        let value = self.or(check, key, read, default);
        if let Some(probe) = self.probe.as_ref().and_then(|probe| probe.key(key, &self.place.path)) {
            probe.range(&range.start, &range.end);
        }
        if !range.contains(&value) {
            let place = self.at(key);
            let message = format!("{value} is not in {}..{}", range.start, range.end);
            check.add(RANGE, &place, message);
        }
        value
    }

    /// Whether the file has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        let described = self.probe.as_ref().is_some_and(|probe| !probe.is_empty());
        described || self.entries.is_some_and(|entries| entries.iter().any(|(name, _)| name.get_ref() == key))
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
        if let Some(probe) = self.probe.as_ref().map(Probe::each) {
            let node = Node { place: self.place.key(WORD), value: probe.value(), probe: Some(probe) };
            return vec![(WORD.to_owned(), node)];
        }
        let entries = self.entries.into_iter().flat_map(|entries| entries.iter());
        let mut out: Vec<_> = entries
            .map(|(name, value)| {
                let at = Some(name.span().start);
                let place = Place { at, ..self.place.key(name.get_ref()) };
                (name.get_ref().to_string(), Node { place, value: value.get_ref(), probe: None })
            })
            .collect();
        out.sort_by_key(|(_, node)| node.place.at);
        out
    }

    /// Ends the reading: keys nobody asked for are problems.
    pub(crate) fn finish(self, check: &mut Checker<'_>) {
        if let Some(probe) = &self.probe {
            probe.closed();
        }
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

pub(crate) fn wrong(check: &mut Checker<'_>, node: &Node<'_>, wanted: &str) {
    node.refuse();
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
    node.means(Kind::Text);
    read_or(check, node, "a string", |value| value.as_str().map(str::to_owned))
}

pub(crate) fn boolean(check: &mut Checker<'_>, node: &Node<'_>) -> Option<bool> {
    read_or(check, node, "true or false", |value| value.as_bool())
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    value.as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok())
}

pub(crate) fn count(check: &mut Checker<'_>, node: &Node<'_>) -> Option<u64> {
    node.means(Kind::Count);
    read_or(check, node, "a whole number from 0 up", integer)
}

/// A non-negative decimal or whole number, finite.
pub(crate) fn number(check: &mut Checker<'_>, node: &Node<'_>) -> Option<f64> {
    node.means(Kind::Number);
    read_or(check, node, "a number from 0 up", |value| {
        let text = value.as_float().map(|f| f.as_str().to_owned());
        let text = text.or_else(|| integer(value).map(|n| n.to_string()))?;
        f64::from_str(&text).ok().filter(|x| x.is_finite() && *x >= 0.0)
    })
}

/// A share between 0 and 1, in ppm.
pub(crate) fn share(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Ppm> {
    node.means(Kind::Share);
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
    node.means(Kind::Duration);
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
    node.means(Kind::Size);
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
            if let Some(probe) = &node.probe {
                probe.words(words::<T>(&error.to_string()));
            }
            // User and query of an URL may be a secret.
            let shown = if text.contains(['@', '?']) { "the value" } else { &format!("`{text}`") };
            check.add(FORM, &node.place, format!("{shown}: {error}"));
            None
        }
    }
}

/// The words that `must be "a" or "b"` speaks of: those that are taken, if all are.
fn words<T: FromStr>(said: &str) -> Vec<String> {
    let words: Vec<String> = said.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let closed = said.starts_with("must be \"") && !said.contains("such as");
    let all = closed && words.iter().all(|word| word.parse::<T>().is_ok());
    if all { words } else { Vec::new() }
}

/// The items of an array with their places.
pub(crate) fn items<'t>(check: &mut Checker<'_>, node: &Node<'t>) -> Vec<Node<'t>> {
    let DeValue::Array(array) = node.value else {
        wrong(check, node, "an array");
        return Vec::new();
    };
    if let Some(probe) = node.probe.as_ref().map(Probe::item) {
        let place = node.place.item(0, None);
        return vec![Node { place, value: probe.value(), probe: Some(probe) }];
    }
    let item = |(i, value): (usize, &'t Spanned<DeValue<'t>>)| Node {
        place: node.place.item(i, Some(value.span().start)),
        value: value.get_ref(),
        probe: None,
    };
    array.iter().enumerate().map(item).collect()
}
