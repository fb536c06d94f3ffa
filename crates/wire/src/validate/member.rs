//! Members of a request with their paths: one place that says "wrong type" and "out of range".
//!
//! **Invariant:** `null` reads as absent, and a path names the member that is at fault.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// An object of the request and the path that leads to it.
pub(super) struct Members<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Members<'a> {
    pub(super) fn top(map: &'a Map<String, Value>) -> Self {
        Self { map, path: String::new() }
    }

    pub(super) fn under(map: &'a Map<String, Value>, path: &str) -> Self {
        Self { map, path: path.to_owned() }
    }

    /// The members of `value`, which must be an object.
    pub(super) fn of(value: &'a Value, path: &str) -> Result<Self, ApiError> {
        match value.as_object() {
            Some(map) => Ok(Self::under(map, path)),
            None => Err(wrong_type(path, "an object")),
        }
    }

    pub(super) fn param(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.keys().map(String::as_str)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether the key is there at all, be it `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a Value, ApiError> {
        self.get(key).ok_or_else(|| missing(&self.param(key)))
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<&'a str>, ApiError> {
        self.typed(key, "a string", Value::as_str)
    }

    pub(super) fn required_string(&self, key: &str) -> Result<&'a str, ApiError> {
        self.string(key)?.ok_or_else(|| missing(&self.param(key)))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, ApiError> {
        self.typed(key, "a boolean", Value::as_bool)
    }

    pub(super) fn raw_object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, ApiError> {
        self.typed(key, "an object", Value::as_object)
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Self>, ApiError> {
        Ok(self.raw_object(key)?.map(|map| Self { map, path: self.param(key) }))
    }

    pub(super) fn required_object(&self, key: &str) -> Result<Self, ApiError> {
        self.object(key)?.ok_or_else(|| missing(&self.param(key)))
    }

    pub(super) fn array(
        &self,
        key: &str,
        least: usize,
        most: usize,
    ) -> Result<Option<&'a [Value]>, ApiError> {
        let Some(items) = self.typed(key, "an array", Value::as_array)? else { return Ok(None) };
        if items.len() < least || items.len() > most {
            let param = self.param(key);
            let bound =
                if items.len() < least { format!("at least {least}") } else { format!("at most {most}") };
            return Err(ApiError::invalid(&param, format!("Invalid '{param}': expected {bound} elements.")));
        }
        Ok(Some(items))
    }

    pub(super) fn number(&self, key: &str, least: f64, most: f64) -> Result<Option<f64>, ApiError> {
        let Some(number) = self.typed(key, "a number", Value::as_f64)? else { return Ok(None) };
        if number < least || number > most {
            Err(out_of_range(&self.param(key), least, most))
        } else {
            Ok(Some(number))
        }
    }

    /// An integer, also written `5.0`. Limits of `i64` stand for none: what lies beyond them is clipped.
    pub(super) fn integer(&self, key: &str, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
        let Some(number) = self.typed(key, "an integer", whole)? else { return Ok(None) };
        if number < least || number > most {
            Err(out_of_range(&self.param(key), least, most))
        } else {
            Ok(Some(number))
        }
    }

    pub(super) fn choice(&self, key: &str, choices: &[&str]) -> Result<Option<&'a str>, ApiError> {
        let Some(word) = self.string(key)? else { return Ok(None) };
        if choices.contains(&word) { Ok(Some(word)) } else { Err(not_one_of(&self.param(key), choices)) }
    }

    pub(super) fn required_choice(&self, key: &str, choices: &[&str]) -> Result<&'a str, ApiError> {
        self.choice(key, choices)?.ok_or_else(|| missing(&self.param(key)))
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| wrong_type(&self.param(key), wanted)),
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    if value.is_u64() {
        return Some(i64::MAX);
    }
    // `as` clips, which is what is meant.
    value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64)
}

fn missing(param: &str) -> ApiError {
    ApiError::invalid(param, format!("Missing required parameter: '{param}'."))
}

pub(super) fn wrong_type(param: &str, wanted: &str) -> ApiError {
    ApiError::invalid(param, format!("Invalid type for '{param}': expected {wanted}."))
}

pub(super) fn too_long(param: &str, most: usize) -> ApiError {
    ApiError::invalid(param, format!("Invalid '{param}': longer than {most} characters."))
}

pub(super) fn not_one_of(param: &str, choices: &[&str]) -> ApiError {
    ApiError::invalid(
        param,
        format!("Invalid value for '{param}': supported values are {}.", choices.join(", ")),
    )
}

fn out_of_range(param: &str, least: impl std::fmt::Display, most: impl std::fmt::Display) -> ApiError {
    ApiError::invalid(param, format!("Invalid '{param}': expected a value from {least} to {most}."))
}
