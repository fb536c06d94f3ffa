//! JSON Schema (draft 2020-12) of `gateway.toml`: the shape that the checker has, in an editor's words.
//!
//! **Invariant:** whatever the checker takes fits the schema; descriptions and defaults are the built-in file's.

use serde_json::{Map, Value, json};

use crate::doc::{self, Docs};
use crate::settings::{self, SHAPE};
use crate::shape::{EACH, ITEM, Kind, Shape, Type};
use crate::{RawConfig, restart};

/// Whole numbers beyond this are not exact in every reader of JSON.
const EXACT: u64 = 1 << 53;

/// The schema.
pub fn schema() -> Value {
    let raw = RawConfig::embedded();
    let source = Source { docs: doc::read(raw.text(), &SHAPE), built_in: settings::json(raw.text()) };
    let mut root = source.one(&SHAPE, "", Some(&source.built_in));
    let mut out = Map::new();
    out.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("title".to_owned(), json!("gateway.toml of kolm"));
    if let Some(root) = root.as_object_mut() {
        root.remove("default");
        out.append(root);
    }
    Value::Object(out)
}

struct Source {
    docs: Docs,
    built_in: Value,
}

impl Source {
    /// One value; `written` is what the built-in file has there.
    fn one(&self, shape: &Shape, at: &str, written: Option<&Value>) -> Value {
        let mut kinds: Vec<Value> = Vec::new();
        // What nothing looked into may be anything.
        if shape.accepts.len() < Type::ALL.len() {
            kinds.extend(shape.accepts.iter().filter_map(|given| self.of_type(*given, shape, at, written)));
        }
        let mut out = match kinds.len() {
            0 => Map::new(),
            1 => kinds.remove(0).as_object().cloned().unwrap_or_default(),
            _ => Map::from_iter([("anyOf".to_owned(), Value::Array(kinds))]),
        };
        if let Some(text) = self.docs.get(at) {
            let late = if restart::is_at_start(at) { "; read at start only" } else { "" };
            out.insert("description".to_owned(), json!(format!("{}{late}", text.trim_end_matches('.'))));
        }
        let is_leaf = !shape.is_section() && shape.items().is_none_or(|items| !items.is_section());
        if let Some(default) = written.filter(|_| is_leaf && !shape.optional) {
            out.insert("default".to_owned(), default.clone());
        }
        Value::Object(out)
    }

    fn of_type(&self, given: Type, shape: &Shape, at: &str, written: Option<&Value>) -> Option<Value> {
        Some(match given {
            Type::Integer if shape.accepts.contains(&Type::Float) => return None,
            Type::Integer => json!({ "type": "integer", "minimum": 0 }).with(bounds(shape)),
            Type::Float => {
                let most = if shape.kind == Some(Kind::Share) { json!({ "maximum": 1 }) } else { json!({}) };
                json!({ "type": "number", "minimum": 0 }).with(most).with(bounds(shape))
            }
            Type::Boolean => json!({ "type": "boolean" }),
            Type::String => json!({ "type": "string" }).with(text(shape)),
            Type::Array => {
                let items = shape.items().map(|items| {
                    let first = written.and_then(|written| written.get(0));
                    json!({ "items": self.one(items, &below(at, ITEM), first) })
                });
                json!({ "type": "array" }).with(items.unwrap_or_else(|| json!({})))
            }
            Type::Table => self.table(shape, at, written),
        })
    }

    fn table(&self, shape: &Shape, at: &str, written: Option<&Value>) -> Value {
        let mut keys = Map::new();
        let mut out = json!({ "type": "object" });
        for (name, part) in shape.parts.iter().filter(|(name, _)| name != ITEM) {
            let here = match (name.as_str(), written) {
                (EACH, Some(Value::Object(named))) => named.values().next(),
                (key, written) => written.and_then(|written| written.get(key)),
            };
            let mut value = self.one(part, &below(at, name), here);
            if let (true, Some(value)) = (shape.required.contains(name), value.as_object_mut()) {
                value.remove("default");
            }
            if name == EACH {
                out = out.with(json!({ "additionalProperties": value }));
            } else {
                keys.insert(name.clone(), value);
            }
        }
        if shape.closed {
            out = out.with(json!({ "additionalProperties": false }));
        }
        if !keys.is_empty() {
            out = out.with(json!({ "properties": keys }));
        }
        if !shape.required.is_empty() {
            out = out.with(json!({ "required": shape.required }));
        }
        if shape.kind == Some(Kind::Secret) {
            out = out.with(json!({ "minProperties": 1, "maxProperties": 1 }));
        }
        out
    }
}

fn bounds(shape: &Shape) -> Value {
    let whole = matches!(shape.kind, Some(Kind::Count | Kind::Size | Kind::Number));
    let Some((start, end)) = shape.range.filter(|_| whole) else { return json!({}) };
    let least = json!({ "minimum": start });
    if end > EXACT { least } else { least.with(json!({ "exclusiveMaximum": end })) }
}

fn text(shape: &Shape) -> Value {
    match shape.kind {
        _ if !shape.words.is_empty() => json!({ "enum": shape.words }),
        Some(Kind::Duration) => json!({ "pattern": "^\\s*[0-9]", "examples": ["250ms", "30s", "24h"] }),
        Some(Kind::Size) => {
            json!({ "pattern": "^[0-9]+\\s*(B|KiB|MiB|GiB)\\s*$", "examples": ["64 MiB"] })
        }
        Some(Kind::Text | Kind::Count | Kind::Number | Kind::Share | Kind::Secret) | None => json!({}),
    }
}

fn below(at: &str, part: &str) -> String {
    if at.is_empty() { part.to_owned() } else { format!("{at}/{part}") }
}

/// Joining of objects.
trait With {
    /// `self` and the entries of `other`.
    fn with(self, other: Value) -> Value;
}

impl With for Value {
    fn with(mut self, other: Value) -> Value {
        if let (Value::Object(entries), Value::Object(others)) = (&mut self, other) {
            entries.extend(others);
        }
        self
    }
}
