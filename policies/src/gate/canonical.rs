//! Canonical bytes of our own records: compact JSON with sorted keys, integers only.

use kolm_core::hex;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Lower-case hex SHA-256 over the canonical bytes of `record` without its top-level fields `without`.
pub(crate) fn digest(record: &impl Serialize, without: &[&str]) -> String {
    // Our records hold strings, integers, lists and structs: they always become a JSON value.
    let mut value = serde_json::to_value(record).unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut value {
        for name in without {
            fields.remove(*name);
        }
    }
    let mut bytes = String::new();
    write(&value, &mut bytes);
    hex(&Sha256::digest(bytes.as_bytes()))
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (i, (name, field)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(field, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let mut out = String::new();
        write(&serde_json::json!({"b": [{"z": 1, "a": "\""}], "a": null}), &mut out);
        assert_eq!(out, r#"{"a":null,"b":[{"a":"\"","z":1}]}"#);
        let record = serde_json::json!({"a": 1, "digest": "x"});
        assert_eq!(digest(&record, &["digest"]), digest(&serde_json::json!({"a": 1}), &[]));
    }
}
