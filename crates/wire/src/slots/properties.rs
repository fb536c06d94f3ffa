//! Walking and splicing as properties of generated and of broken JSON.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// A body of which only kinds and keys are left, in order.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "0".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(_) => "n".to_owned(),
        Value::String(_) => "s".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            format!(
                "{{{}}}",
                map.iter().map(|(k, v)| format!("{k:?}:{}", shape(v))).collect::<Vec<_>>().join(",")
            )
        }
    }
}

fn tree() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "messages",
        "content",
        "role",
        "tools",
        "parameters",
        "properties",
        "enum",
        "input",
        "text",
        "name",
        "logprobs",
        "choices",
        "message",
        "metadata",
        "image_url",
        "url",
        "tool_calls",
        "function",
        "arguments",
        "é\"\\",
        "mrn",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// The same value written with escapes and white space that a plain writer would not use.
fn written(value: &Value, ascii: bool, pretty: bool) -> String {
    let text = if pretty { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() };
    if !ascii {
        return text;
    }
    let mut units = [0; 2];
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

proptest! {
    #[test]
    fn every_string_and_number_of_a_free_value_is_found(value in tree(), ascii: bool, pretty: bool) {
        let json = written(&value, ascii, pretty);
        for slot in values(json.as_bytes()).unwrap() {
            let literal: Value = serde_json::from_str(&json[slot.range]).unwrap();
            match slot.role {
                Role::Number => prop_assert!(literal.is_number()),
                Role::Text | Role::Media(_) | Role::Key => prop_assert_eq!(literal, slot.text),
                Role::Empty | Role::Null | Role::Vector | Role::TokenIds => prop_assert!(false, "no schema here"),
            }
        }
        let found = values(json.as_bytes()).unwrap();
        let of = |wanted: fn(&Role) -> bool| found.iter().filter(|slot| wanted(&slot.role)).count();
        prop_assert_eq!(of(|role| matches!(role, Role::Text | Role::Media(_))), leaves(&value, Value::is_string));
        prop_assert_eq!(of(|role| matches!(role, Role::Number)), leaves(&value, Value::is_number));
    }

    #[test]
    fn splice_without_edits_is_the_identity(value in tree(), ascii: bool, pretty: bool) {
        let json = written(&value, ascii, pretty);
        slots(json.as_bytes()).unwrap();
        prop_assert_eq!(splice(json.as_bytes(), &[]), json.as_bytes());
    }

    #[test]
    fn edits_keep_json_keys_order_and_all_else(value in tree(), ascii: bool, pretty: bool, with: String, seed: u64) {
        let json = written(&value, ascii, pretty);
        let mut bits = seed;
        let mut edits = Vec::new();
        let mut nulls = false;
        for slot in slots(json.as_bytes()).unwrap() {
            bits = bits.rotate_left(1);
            if bits & 1 == 0 { continue }
            match slot.role {
                Role::Text | Role::Empty | Role::Media(_) => edits.push((slot.range, Edit::Text(with.clone()))),
                Role::Number => edits.push((slot.range, Edit::Number("7".to_owned()))),
                Role::Null | Role::Vector => { nulls = true; edits.push((slot.range, Edit::Null)); }
                Role::TokenIds | Role::Key => {}
            }
        }
        let out = splice(json.as_bytes(), &edits);
        let after: Value = serde_json::from_slice(&out).unwrap();
        if !nulls {
            prop_assert_eq!(shape(&after), shape(&value));
        }
        let rest = |json: &[u8], ranges: &[Range<usize>]| -> Vec<u8> {
            json.iter().enumerate().filter(|(i, _)| !ranges.iter().any(|r| r.contains(i))).map(|(_, b)| *b).collect()
        };
        let before: Vec<Range<usize>> = edits.iter().map(|(range, _)| range.clone()).collect();
        let mut moved = Vec::new();
        let mut shift = 0isize;
        for (range, edit) in &edits {
            let len = match edit { Edit::Text(t) => Value::from(t.as_str()).to_string().len(), Edit::Number(_) => 1, Edit::Null => 4 };
            let start = range.start.checked_add_signed(shift).unwrap();
            moved.push(start..start + len);
            shift += isize::try_from(len).unwrap() - isize::try_from(range.len()).unwrap();
        }
        prop_assert_eq!(rest(&out, &moved), rest(json.as_bytes(), &before), "untouched bytes");
    }

    #[test]
    fn accepts_what_serde_json_accepts(value in tree(), at: prop::sample::Index, byte in prop::sample::select(br#"{}[]":,\u0-19.eE+ tfn"#.to_vec()), how in 0..3) {
        let mut json = value.to_string().into_bytes();
        let at = at.index(json.len());
        match how {
            0 => json[at] = byte,
            1 => json.insert(at, byte),
            _ => { json.remove(at); }
        }
        let Ok(text) = std::str::from_utf8(&json) else { return Ok(()) };
        let reference = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        prop_assert_eq!(slots(&json).is_ok(), reference, "{}", text);
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        drop(slots(&bytes));
        drop(crate::assemble::of_stream(&bytes, true));
        drop(crate::chat::question(&bytes));
        drop(crate::validate::chat_request(&bytes));
        drop(crate::chat::facts(&bytes));
        drop(crate::surface::template(kolm_core::Surface::Responses, &bytes));
        drop(crate::without_error_text(bytes.clone()));
        crate::schema::misses(kolm_core::Surface::Chat, &bytes, &bytes);
    }
}

fn leaves(value: &Value, wanted: fn(&Value) -> bool) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| leaves(item, wanted)).sum(),
        Value::Object(map) => map.values().map(|item| leaves(item, wanted)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => usize::from(wanted(value)),
    }
}
