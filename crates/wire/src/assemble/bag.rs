//! Members of an object under assembly, in order of first appearance.

use serde_json::value::RawValue;

use crate::fields;
use crate::json;

#[derive(Clone)]
enum Held {
    /// As it came, between the quotes: a pair of surrogates may come in two pieces.
    Text(String),
    Raw(Box<RawValue>),
}

/// Members are found by scanning; a stream that invents more keys than this is not an answer.
const MAX_MEMBERS: usize = 256;

/// The members gathered so far; every rule of joining is a method.
#[derive(Clone, Default)]
pub(super) struct Bag(Vec<(String, Held)>);

impl Bag {
    /// Strings concatenate, of anything else the last value that is not `null` stays.
    /// `None`: too many members.
    pub(super) fn join(&mut self, key: &str, raw: &RawValue) -> Option<()> {
        let Some(piece) = fields::literal(raw) else {
            self.last(key, raw);
            return Some(());
        };
        match self.held(key)? {
            Held::Text(text) => text.push_str(piece),
            held @ Held::Raw(_) => *held = Held::Text(piece.to_owned()),
        }
        Some(())
    }

    /// As `join`, but a piece that repeats the whole is dropped: some servers send the name in every piece.
    pub(super) fn join_unless_same(&mut self, key: &str, raw: &RawValue) -> Option<()> {
        if fields::text(raw).is_some_and(|text| self.text(key).as_ref() == Some(&text)) {
            return Some(());
        }
        self.join(key, raw)
    }

    /// The first value that is neither `null` nor the empty string stays.
    pub(super) fn first(&mut self, key: &str, raw: &RawValue) {
        if !matches!(raw.get(), "null" | "\"\"") && !self.has(key) {
            self.last(key, raw);
        }
    }

    /// The last value that is not `null` stays.
    pub(super) fn last(&mut self, key: &str, raw: &RawValue) {
        if raw.get() == "null" {
            return;
        }
        if let Some(held) = self.held(key) {
            *held = Held::Raw(raw.to_owned());
        }
    }

    /// The text gathered under `key`.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.0.iter().find(|(name, _)| name == key).and_then(|(_, held)| match held {
            Held::Text(text) => Some(json::unescape(text)),
            Held::Raw(_) => None,
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the member `key`, if there is one.
    pub(super) fn write_one(&self, out: &mut String, key: &str) {
        self.write_if(out, |name| name == key);
    }

    /// Writes all members but those of `keys`.
    pub(super) fn write_but(&self, out: &mut String, keys: &[&str]) {
        self.write_if(out, |name| !keys.contains(&name));
    }

    fn write_if(&self, out: &mut String, wanted: impl Fn(&str) -> bool) {
        for (key, held) in self.0.iter().filter(|(key, _)| wanted(key)) {
            comma(out);
            json::string(out, key);
            out.push(':');
            match held {
                Held::Text(text) => json::string(out, &json::unescape(text)),
                Held::Raw(raw) => out.push_str(raw.get()),
            }
        }
    }

    fn held(&mut self, key: &str) -> Option<&mut Held> {
        let at = match self.0.iter().position(|(name, _)| name == key) {
            Some(at) => at,
            None if self.0.len() < MAX_MEMBERS => {
                self.0.push((key.to_owned(), Held::Text(String::new())));
                self.0.len() - 1
            }
            None => return None,
        };
        self.0.get_mut(at).map(|(_, held)| held)
    }
}

/// A comma, unless `out` has just opened an object.
pub(super) fn comma(out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
}
