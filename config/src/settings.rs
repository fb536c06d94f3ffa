//! Every setting of one configuration with the value it amounts to, and what two configurations differ in.
//!
//! **Invariant:** two spellings of one value are no difference; a secret is compared and never shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shape::{Shape, join};
use crate::{Outside, RawConfig, Secret, probe, restart};

/// The shape of every configuration, found once.
pub(crate) static SHAPE: LazyLock<Shape> = LazyLock::new(probe::describe);

/// The settings of the built-in file: what a key is that a file leaves out.
static BUILT_IN: LazyLock<Settings> =
    LazyLock::new(|| RawConfig::embedded().read_settings(&Outside::bare("")).settings);

/// The same by the path of the shape, so that any name finds it.
static BUILT_IN_AT: LazyLock<BTreeMap<String, Setting>> = LazyLock::new(|| {
    let located = |(path, setting): (&String, &Setting)| Some((SHAPE.locate(path)?.0, setting.clone()));
    BUILT_IN.by_path.iter().filter_map(located).collect()
});

/// What the checker read, in its order.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    values: Vec<(String, String)>,
    /// Settings that may be absent and then have no value.
    optional: BTreeSet<String>,
    secrets: Vec<(String, Secret)>,
}

impl Reading {
    /// A setting and what it amounts to.
    pub(crate) fn value(&mut self, path: &str, value: String) {
        self.values.push((path.to_owned(), value));
    }

    /// A setting whose absence is an answer.
    pub(crate) fn optional(&mut self, path: String) {
        self.optional.insert(path);
    }

    /// The secret behind a setting.
    pub(crate) fn secret(&mut self, path: &str, secret: Secret) {
        self.secrets.push((path.to_owned(), secret));
    }
}

/// One setting.
#[derive(Debug, Clone, Default)]
struct Setting {
    /// As it stands in the file.
    written: Option<Value>,
    /// What it amounts to, where the checker said so.
    value: Option<String>,
    secrets: Vec<Secret>,
}

/// Every setting of one configuration by its path.
#[derive(Clone, Default)]
pub struct Settings {
    by_path: BTreeMap<String, Setting>,
    optional: BTreeSet<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({})", self.by_path.len())
    }
}

/// One difference between two configurations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The TOML path; a route stands under its name.
    pub path: String,
    /// The value before; `null`: there was none.
    pub old: Option<Value>,
    /// The value now; `null`: there is none.
    pub new: Option<Value>,
    /// The same words, but what they refer to (a secret, a file) is another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub content: bool,
    /// It is read at start only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_restart: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "unset".to_owned(), inline);
        if self.content {
            write!(f, "{}: {} (its content changed)", self.path, side(&self.new))?;
        } else {
            write!(f, "{}: {} -> {}", self.path, side(&self.old), side(&self.new))?;
        }
        if self.needs_restart { f.write_str(" (needs restart)") } else { Ok(()) }
    }
}

/// A value as it would stand in the file, on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{} = {}", join("", key), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

impl Settings {
    pub(crate) fn new(text: &str, reading: Reading) -> Self {
        let mut out = Self { by_path: BTreeMap::new(), optional: reading.optional };
        for (path, value) in reading.values {
            out.by_path.entry(path).or_default().value = Some(value);
        }
        let written = json(text);
        out.walk("", &written, Some(&SHAPE));
        for (path, secret) in reading.secrets {
            let leaf = path.split('[').next().unwrap_or_default();
            let leaf = if out.by_path.contains_key(&path) { path.as_str() } else { leaf };
            out.by_path.entry(leaf.to_owned()).or_default().secrets.push(secret);
        }
        out
    }

    /// Files every written value under its path.
    fn walk(&mut self, path: &str, written: &Value, shape: Option<&Shape>) {
        let items = shape.and_then(Shape::items);
        match written {
            Value::Object(entries) if self.opens(path, shape) => {
                for (key, value) in entries {
                    self.walk(&join(path, key), value, shape.and_then(|shape| shape.part(key)));
                }
            }
            Value::Array(tables) if items.is_some_and(Shape::is_section) => {
                let names: Vec<Value> =
                    tables.iter().filter_map(|table| table.get("name").cloned()).collect();
                for (index, table) in tables.iter().enumerate() {
                    self.walk(&self.item(path, index, table), table, items);
                }
                // The first that matches wins, so the order is a setting too.
                if !names.is_empty() {
                    self.by_path.entry(path.to_owned()).or_default().written = Some(Value::Array(names));
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                self.by_path.entry(path.to_owned()).or_default().written = Some(written.clone());
            }
        }
    }

    /// Whether a table is a section and not the value of one setting.
    fn opens(&self, path: &str, shape: Option<&Shape>) -> bool {
        let valued = self.by_path.get(path).is_some_and(|setting| setting.value.is_some());
        !valued && shape.is_none_or(Shape::opens)
    }

    /// Where the checker filed an item: under its name, else under its number.
    fn item(&self, path: &str, index: usize, table: &Value) -> String {
        let named = table.get("name").and_then(Value::as_str).map(|name| join(path, name));
        let known = |at: &String| self.has_section(at);
        named.filter(known).unwrap_or_else(|| format!("{path}[{index}]"))
    }

    fn has_section(&self, path: &str) -> bool {
        path.is_empty() || self.by_path.keys().any(|key| below(key, path))
    }

    /// What a setting is, where it is, and whether it is there: written, by default, or as the built-in file has it.
    fn resolve(&self, path: &str) -> Option<(Option<Value>, Setting)> {
        if let Some(setting) = self.by_path.get(path) {
            let shown =
                setting.written.clone().or_else(|| setting.value.as_deref().map(|v| default(path, v)));
            return Some((shown, setting.clone()));
        }
        if self.optional.contains(path) || !self.has_section(parent(path)) {
            return None;
        }
        let built_in = BUILT_IN_AT.get(&SHAPE.locate(path)?.0)?;
        Some((built_in.written.clone(), Setting { value: None, ..built_in.clone() }))
    }

    /// What changes from `self` to `new`, by path.
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        let (old, new) = (self.whole(), new.whole());
        let paths: BTreeSet<&String> = old.by_path.keys().chain(new.by_path.keys()).collect();
        paths.into_iter().filter_map(|path| change(path, old.resolve(path), new.resolve(path))).collect()
    }

    /// A part of the file that only the built-in one spells out is as it is there.
    fn whole(&self) -> Self {
        let mut out = self.clone();
        let said = |(path, setting): (&String, &Setting)| {
            below(path, "upstreams") && (setting.written.is_some() || setting.value.is_some())
        };
        if !out.by_path.iter().any(said) {
            for (path, setting) in BUILT_IN.by_path.iter().filter(|(path, _)| below(path, "upstreams")) {
                let own = out.by_path.entry(path.clone()).or_default();
                (own.written, own.value) = (setting.written.clone(), setting.value.clone());
            }
        }
        out
    }
}

fn change(
    path: &str,
    old: Option<(Option<Value>, Setting)>,
    new: Option<(Option<Value>, Setting)>,
) -> Option<Change> {
    let needs_restart = restart::needed(path);
    let changed =
        |old, new, content| Some(Change { path: path.to_owned(), old, new, content, needs_restart });
    match (old, new) {
        (Some((was, a)), Some((is, b))) => {
            let valued = a.value.is_some() && b.value.is_some();
            let same = if valued { a.value == b.value } else { was == is };
            let content = was == is;
            if same && a.secrets == b.secrets { None } else { changed(was, is, content) }
        }
        // Of what is new or gone as a whole, only what was written is of interest.
        (Some((was, a)), None) => a.written.and_then(|_| changed(was, None, false)),
        (None, Some((is, b))) => b.written.and_then(|_| changed(None, is, false)),
        (None, None) => None,
    }
}

/// A default as it would be written: the built-in file's words where it says the same.
fn default(path: &str, value: &str) -> Value {
    let built_in = SHAPE.locate(path).and_then(|(at, _)| BUILT_IN_AT.get(&at));
    let same = built_in.filter(|built_in| built_in.value.as_deref() == Some(value));
    let words = same.and_then(|built_in| built_in.written.clone());
    words.unwrap_or_else(|| {
        let share = value.strip_prefix("Ppm(").and_then(|rest| rest.strip_suffix(')')?.parse::<f64>().ok());
        match share {
            Some(ppm) => Value::from(ppm / 1e6),
            None => serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
        }
    })
}

/// The text as JSON; what is no TOML has been refused before.
pub(crate) fn json(text: &str) -> Value {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    serde_json::to_value(table).unwrap_or_default()
}

fn parent(path: &str) -> &str {
    let mut quoted = false;
    let dots = path.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    dots.last().map_or("", |(at, _)| &path[..at])
}

fn below(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with(['.', '[']))
}
