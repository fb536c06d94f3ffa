//! Canonical bytes of our own records: compact JSON with sorted keys, integers only.

use kolm_core::hex;
use kolm_wire::canonical_json;
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
    hex(&Sha256::digest(canonical_json(&value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let out = canonical_json(&serde_json::json!({"b": [{"z": 1, "a": "\""}], "a": null}));
        assert_eq!(out, r#"{"a":null,"b":[{"a":"\"","z":1}]}"#);
        let record = serde_json::json!({"a": 1, "digest": "x"});
        assert_eq!(digest(&record, &["digest"]), digest(&serde_json::json!({"a": 1}), &[]));
    }
}
