//! JSON values compared field by field.

use std::collections::BTreeMap;

use kolm_core::Ppm;
use serde_json::Value;

/// Numbers this near to each other, as a share of the greater, are the same.
const TOLERANCE: f64 = 1e-6;

/// The value of a text: bare, or in a code fence.
pub(super) fn of(text: &str) -> Option<Value> {
    let text = text.trim();
    let fenced = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let inner = fenced.map_or(text, |inner| inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    let value: Value = serde_json::from_str(inner).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

/// Whether `a` has every field of `b`'s outermost object.
pub(super) fn has_all(a: &Value, b: &Value) -> bool {
    match (a.as_object(), b.as_object()) {
        (Some(a), Some(b)) => b.keys().all(|key| a.contains_key(key)),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// F1 of the leaves of `a` against those of `b`: the same path and the same value. An empty object or array is a leaf.
pub(super) fn f1(a: &Value, b: &Value) -> Ppm {
    let (mut have, mut want) = (BTreeMap::new(), BTreeMap::new());
    leaves(a, String::new(), &mut have);
    leaves(b, String::new(), &mut want);
    let same = want.iter().filter(|(path, value)| have.get(*path).is_some_and(|have| equal(have, value)));
    let (same, all) = (2 * same.count() as u64, (have.len() + want.len()) as u64);
    Ppm((same * 1_000_000).checked_div(all).unwrap_or(1_000_000) as u32)
}

fn leaves<'a>(value: &'a Value, path: String, out: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                // A key may hold the mark itself: JSON Pointer (RFC 6901) escapes it.
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(inner, format!("{path}/{key}"), out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, inner) in items.iter().enumerate() {
                leaves(inner, format!("{path}/{at}"), out);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => drop(out.insert(path, value)),
    }
}

/// Numbers within the tolerance; strings as a person reads them: case and white space say nothing.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
            (None, _) | (_, None) => a == b,
        },
        (Value::String(a), Value::String(b)) => {
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            plain(a) == plain(b)
        }
        _ => a == b,
    }
}
