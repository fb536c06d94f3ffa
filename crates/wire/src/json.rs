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

/// The text between the quotes of a valid literal. A surrogate without its other half reads U+FFFD.
pub(crate) fn unescape(raw: &str) -> String {
    let Some(first) = raw.find('\\') else { return raw.to_owned() };
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut next = Some(first);
    while let Some(at) = next {
        out.push_str(&rest[..at]);
        let used = match rest.as_bytes().get(at + 1) {
            Some(b'u') => {
                let (c, used) = unicode(&rest[at..]);
                out.push(c);
                used
            }
            Some(&simple) => {
                out.push(match simple {
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    other => char::from(other),
                });
                2
            }
            None => 1,
        };
        rest = &rest[at + used..];
        next = rest.find('\\');
    }
    out.push_str(rest);
    out
}

/// The character at the head of `\uXXXX...`, and the bytes it takes.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        escape
            .get(at..at + 6)
            .and_then(|e| e.strip_prefix("\\u"))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    match (unit(0), unit(6)) {
        (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
            let scalar = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        (Some(unit), _) => (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        (None, _) => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// A value from its bytes; half a surrogate pair reads U+FFFD, which serde refuses to read at all.
pub(crate) fn value(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes)
        .ok()
        .or_else(|| serde_json::from_str(&paired(std::str::from_utf8(bytes).ok()?)).ok())
}

/// The text of a JSON value without halves of surrogate pairs.
fn paired(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let used = match escape.as_bytes().get(1) {
            Some(b'u') => {
                let (c, used) = unicode(escape);
                out.push_str(&rest[..at]);
                out.push_str(if c == char::REPLACEMENT_CHARACTER {
                    "\\ufffd"
                } else {
                    escape.get(..used).unwrap_or(escape)
                });
                used
            }
            _ => {
                let used = escape.chars().take(2).map(char::len_utf8).sum();
                out.push_str(&rest[..at + used]);
                used
            }
        };
        rest = rest.get(at + used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
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
