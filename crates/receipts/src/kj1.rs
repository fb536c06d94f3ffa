//! The JSON profile `kj1`: RFC 8785 form with names `[a-z0-9_]` (and `x-` names), strings, booleans,
//! integers within ±(2^53-1), arrays and objects; no floats, no null.
//!
//! **Invariant:** equal values have equal bytes, and the reader accepts those bytes alone.

use serde::Serialize;
use serde::de::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// The largest magnitude of an integer, 2^53 - 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;
const MAX_DEPTH: usize = 32;

/// Why a value or its bytes do not fit the profile.
#[derive(Debug, Error)]
pub enum Error {
    /// The value holds something the profile has no form for.
    #[error("value does not fit kj1: {0}")]
    Unfit(&'static str),
    /// The value could not be turned into JSON at all.
    #[error("value cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The bytes are not canonical.
    #[error("bytes are not canonical kj1 at offset {at}: {what}")]
    Malformed {
        /// Offset of the first wrong byte.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The bytes are canonical, but not of the wanted shape.
    #[error("record has the wrong fields")]
    Shape(#[source] serde_json::Error),
}

/// The canonical bytes of a value.
pub fn to_bytes(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    // Records declare their fields in order: what serde writes is canonical then, and nothing is left to sort.
    let written = serde_json::to_vec(value).map_err(Error::Encode)?;
    if check(&written).is_ok() {
        return Ok(written);
    }
    let value = serde_json::to_value(value).map_err(Error::Encode)?;
    let mut out = Vec::with_capacity(512);
    write_value(&value, &mut out)?;
    Ok(out)
}

/// Reads canonical bytes into a value; anything a writer would not have written is refused.
///
/// Types that must refuse unknown fields carry `#[serde(deny_unknown_fields)]`.
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    check(bytes)?;
    serde_json::from_slice(bytes).map_err(Error::Shape)
}

/// Whether `bytes` are one canonical value and nothing else.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    if let Err(bad) = std::str::from_utf8(bytes) {
        return Err(Error::Malformed { at: bad.valid_up_to(), what: "not UTF-8" });
    }
    let mut reader = Reader { bytes, at: 0 };
    reader.value(0)?;
    if reader.at == bytes.len() { Ok(()) } else { reader.fail("trailing bytes") }
}

fn write_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Null => return Err(Error::Unfit("null")),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let n = number.as_i64().ok_or(Error::Unfit("a number that is no integer of 53 bits"))?;
            if !(-MAX_INTEGER..=MAX_INTEGER).contains(&n) {
                return Err(Error::Unfit("a number that is no integer of 53 bits"));
            }
            out.extend_from_slice(n.to_string().as_bytes());
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            out.push(b'{');
            for (i, name) in names.into_iter().enumerate() {
                if !is_name(name.as_bytes()) {
                    return Err(Error::Unfit("a member name outside [a-z0-9_]"));
                }
                if i > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                write_value(&members[name], out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn is_name(name: &[u8]) -> bool {
    let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
    match name.strip_prefix(b"x-") {
        Some(rest) => !rest.is_empty() && rest.iter().all(|b| word(b) || *b == b'-'),
        None => !name.is_empty() && name.iter().all(word),
    }
}

/// Appends `text` as a JSON string in RFC 8785 form.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x00..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(kolm_core::hex(&[byte]).as_bytes());
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, what: &'static str) -> Result<T, Error> {
        Err(Error::Malformed { at: self.at, what })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8, what: &'static str) -> Result<(), Error> {
        if self.peek() != Some(wanted) {
            return self.fail(what);
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Error> {
        if !self.bytes[self.at..].starts_with(word) {
            return self.fail("no value");
        }
        self.at += word.len();
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deeply");
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(_) | None => self.fail("no value"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Error> {
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut last: &[u8] = b"";
        loop {
            let name = self.string()?;
            if !is_name(name) {
                return self.fail("a member name outside [a-z0-9_]");
            }
            if name <= last {
                return self.fail("names unsorted or twice");
            }
            last = name;
            self.take(b':', "no colon")?;
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) | None => return self.fail("object not closed"),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Error> {
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) | None => return self.fail("array not closed"),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// The bytes between the quotes, still escaped.
    fn string(&mut self) -> Result<&'a [u8], Error> {
        self.take(b'"', "no string")?;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0x00..=0x1f) => return self.fail("a bare control character"),
                Some(_) => self.at += 1,
                None => return self.fail("string not closed"),
            }
        }
        let text = &self.bytes[start..self.at];
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<(), Error> {
        let rest = &self.bytes[self.at + 1..];
        match rest.first() {
            Some(b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r') => self.at += 2,
            Some(b'u') if rest.len() >= 5 && rest[1..3] == *b"00" && is_control_escape(rest[3], rest[4]) => {
                self.at += 6;
            }
            Some(_) | None => return self.fail("an escape that RFC 8785 does not write"),
        }
        Ok(())
    }

    fn integer(&mut self) -> Result<(), Error> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let digits = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let number = &self.bytes[digits..self.at];
        let zero = number == b"0" && digits == start;
        let plain = matches!(number.first(), Some(b'1'..=b'9')) && number.len() <= 16;
        let fits = number.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
        if (zero || plain) && fits <= MAX_INTEGER {
            return Ok(());
        }
        self.at = start;
        self.fail("no canonical integer of 53 bits")
    }
}

/// `\u00xy` is written only for controls without a short escape, in lower case.
fn is_control_escape(high: u8, low: u8) -> bool {
    match high {
        b'0' => matches!(low, b'0'..=b'7' | b'b' | b'e' | b'f'),
        b'1' => matches!(low, b'0'..=b'9' | b'a'..=b'f'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_the_canonical_form() {
        let value = json!({"b": [1, -2, true, {}], "a": "é\"\\\n\u{1}\u{7f}", "x-y": []});
        let bytes = to_bytes(&value).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            "{\"a\":\"é\\\"\\\\\\n\\u0001\u{7f}\",\"b\":[1,-2,true,{}],\"x-y\":[]}"
        );
        assert_eq!(from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn unfit_values_are_refused() {
        for value in [
            json!(null),
            json!({"a": 1.5}),
            json!({"A": 1}),
            json!(9_007_199_254_740_992_i64),
            json!({"": 1}),
        ] {
            assert!(matches!(to_bytes(&value), Err(Error::Unfit(_))), "{value}");
        }
        assert_eq!(to_bytes(&json!(-9_007_199_254_740_991_i64)).unwrap(), b"-9007199254740991");
    }

    #[test]
    fn bytes_a_writer_would_not_write_are_refused() {
        for bytes in [
            "",
            " 1",
            "1 ",
            "{}{}",
            "null",
            "1.0",
            "1e3",
            "01",
            "-0",
            "-",
            "+1",
            "9007199254740992",
            "[1,]",
            "[1",
            "{\"a\":1,}",
            "{\"b\":1,\"a\":1}",
            "{\"a\":1,\"a\":1}",
            "{\"a\": 1}",
            "{\"A\":1}",
            "{\"x-\":1}",
            "tru",
            "\"\\/\"",
            "\"\\u0041\"",
            "\"\\u000a\"",
            "\"\\u001F\"",
            "\"\t\"",
            "\"open",
            "\"\\",
            "\"\\u00",
            "{\"a\"1}",
        ] {
            assert!(matches!(check(bytes.as_bytes()), Err(Error::Malformed { .. })), "{bytes}");
        }
        assert!(matches!(check(b"\"\xff\""), Err(Error::Malformed { at: 1, .. })));
        assert!(check("[".repeat(40).as_bytes()).is_err());
        assert!(check(b"\"\\u001f\\b\"").is_ok());
    }

    #[test]
    fn unknown_fields_are_refused_by_the_type() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Only {
            #[expect(dead_code, reason = "only its presence is tested")]
            a: i64,
        }
        assert!(from_slice::<Only>(b"{\"a\":1}").is_ok());
        assert!(matches!(from_slice::<Only>(b"{\"a\":1,\"b\":2}"), Err(Error::Shape(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(map in any::<BTreeMap<u16, (String, bool, i32)>>()) {
            let map: BTreeMap<String, _> = map.into_iter().map(|(k, v)| (format!("k{k:05}"), v)).collect();
            let bytes = to_bytes(&map).unwrap();
            prop_assert_eq!(from_slice::<BTreeMap<String, (String, bool, i32)>>(&bytes).unwrap(), map);
        }

        #[test]
        fn accepted_bytes_are_the_ones_written(bytes in "[\\[\\]{}\",:a-b0-2tru\\\\e-]{0,12}") {
            if check(bytes.as_bytes()).is_ok() {
                let value: Value = serde_json::from_str(&bytes).unwrap();
                prop_assert_eq!(to_bytes(&value).unwrap(), bytes.into_bytes());
            }
        }
    }
}
