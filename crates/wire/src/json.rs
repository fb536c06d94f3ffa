//! The few JSON bytes that are written by hand: string literals and the canonical form of a value.

use serde_json::Value;

/// Appends `text` as a JSON string literal, quotes included.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// `value` with sorted keys and no white space: equal values give equal text.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    canonical(&mut out, value);
    out
}

/// Appends the [`canonical_json`] of `value`.
pub(crate) fn canonical(out: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<(&String, &Value)> = map.iter().collect();
            keys.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                string(out, key);
                out.push(':');
                canonical(out, value);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(out, item);
            }
            out.push(']');
        }
        Value::String(text) => string(out, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_literal_reads_back(text in any::<String>()) {
            let mut out = String::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn canonical_form_forgets_order_and_space_only() {
        let check = |a: &str| {
            let mut out = String::new();
            canonical(&mut out, &serde_json::from_str(a).unwrap());
            out
        };
        assert_eq!(
            check(r#"{ "b":[1, 2.5,null], "a": {"d":true,"c":"x\u0001"} }"#),
            r#"{"a":{"c":"x\u0001","d":true},"b":[1,2.5,null]}"#
        );
        assert_ne!(check("[1,2]"), check("[2,1]"));
    }
}
