//! A JSON object read one level deep: keys in order, values as the bytes they came in.
//!
//! **Invariant:** values are never re-serialized, so numbers keep every digit.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json;

/// The members of one object. A repeated key keeps all its values; `get` gives the last.
pub(crate) struct Fields<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Self)
    }
}

impl<'a> Fields<'a> {
    /// The members of `bytes` when it is one JSON object.
    pub(crate) fn of_slice(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The members of a raw value when it is an object.
    pub(crate) fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The last value of `key` that is not `null`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, raw)| *raw)
            .filter(|raw| raw.get() != "null")
    }
}

/// The elements of a raw value when it is an array.
pub(crate) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// What stands between the quotes of a raw value when it is a string, as it came.
pub(crate) fn literal(raw: &RawValue) -> Option<&str> {
    raw.get().strip_prefix('"')?.strip_suffix('"')
}

/// The text of a raw value when it is a string; half a surrogate pair reads U+FFFD.
pub(crate) fn text(raw: &RawValue) -> Option<String> {
    literal(raw).map(json::unescape)
}

/// The number of a raw value when it is an unsigned integer.
pub(crate) fn unsigned(raw: &RawValue) -> Option<u64> {
    serde_json::from_str(raw.get()).ok()
}
