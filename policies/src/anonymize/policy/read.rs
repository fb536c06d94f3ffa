//! From TOML to a checked [`Policy`]: every mistake with its line.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Error, Fences, PRESETS, Policy, Scope};
use crate::anonymize::invent::known_locale;
use crate::anonymize::kind::{Mode, Type};

/// Presets may stand on presets, this deep.
const MAX_DEPTH: usize = 4;

pub(super) fn policy(source: &str, depth: usize) -> Result<Policy, Error> {
    let table = DeTable::parse(source).map_err(|e| Error::NotToml(e.message().to_owned()))?;
    let table = table.into_inner();
    let mut read = Read { source, mistakes: Vec::new(), policy: Policy::empty() };
    if let Some(base) = table.get("extends") {
        read.extend(base.get_ref(), base.span(), depth);
    }
    for (key, value) in &table {
        read.member(key.get_ref(), value.get_ref(), key.span());
    }
    for needed in ["schema", "name"] {
        if !table.contains_key(needed) {
            read.mistakes.push(format!("line 1: `{needed}` is missing"));
        }
    }
    if read.policy.review_at > read.policy.mask_at {
        read.mistakes.push("line 1: review_at must not exceed mask_at".to_owned());
    }
    if read.mistakes.is_empty() { Ok(read.policy.sealed()) } else { Err(Error::Mistakes(read.mistakes)) }
}

/// Types without a way back: what PCI DSS v4 3.3.1 and good sense forbid to keep, media that are cut out whole, and
/// encoded runs, in which any of these may be.
const NO_VAULT: [&str; 7] = ["BIOMETRIC", "CREDIT_CARD", "CVV", "ENCODED", "PASSWORD", "PHOTO", "SECRET"];

/// A mode that may be the general one.
pub(super) fn general(name: &str) -> Result<Mode, String> {
    match Mode::named(name) {
        Some(mode @ (Mode::Surrogate | Mode::Tag | Mode::Redact)) => Ok(mode),
        Some(Mode::Vault) => {
            Err("`vault` is no general mode: give it to single types, under `types`".to_owned())
        }
        Some(Mode::Keep | Mode::Cap | Mode::Block) | None => {
            Err("mode must be surrogate, tag or redact".to_owned())
        }
    }
}

struct Read<'a> {
    source: &'a str,
    mistakes: Vec<String>,
    policy: Policy,
}

impl Read<'_> {
    fn wrong(&mut self, at: Range<usize>, what: &str) {
        let line = self.source.get(..at.start).unwrap_or_default().matches('\n').count() + 1;
        self.mistakes.push(format!("line {line}: {what}"));
    }

    fn extend(&mut self, base: &DeValue<'_>, at: Range<usize>, depth: usize) {
        let source = PRESETS.iter().find(|(name, _)| Some(*name) == base.as_str()).map(|(_, source)| source);
        match source {
            Some(_) if depth >= MAX_DEPTH => self.wrong(at, "extends goes too deep"),
            Some(source) => match policy(source, depth + 1) {
                Ok(base) => self.policy = base,
                Err(_) => self.wrong(at, "the policy that it extends is not sound"),
            },
            None => self.wrong(at, "extends names no preset"),
        }
    }

    fn member(&mut self, key: &str, value: &DeValue<'_>, at: Range<usize>) {
        match key {
            "extends" => {}
            "schema" => {
                if value.as_integer().map(|n| n.as_str()) != Some("1") {
                    self.wrong(at, "schema must be 1");
                }
            }
            "name" => match value.as_str() {
                Some(name) if !name.is_empty() => name.clone_into(&mut self.policy.name),
                Some(_) | None => self.wrong(at, "name must be a text"),
            },
            "mode" => match general(value.as_str().unwrap_or_default()) {
                Ok(mode) => self.policy.mode = mode,
                Err(mistake) => self.wrong(at, &mistake),
            },
            "scope" => match value.as_str().and_then(Scope::named) {
                Some(scope) => self.policy.scope = scope,
                None => self.wrong(at, "scope must be record, conversation or namespace"),
            },
            "mask_at" => {
                if let Some(score) = self.score(key, value, at) {
                    self.policy.mask_at = score;
                }
            }
            "review_at" => {
                if let Some(score) = self.score(key, value, at) {
                    self.policy.review_at = score;
                }
            }
            "locales" => match self.texts(value) {
                Some(all) if !all.is_empty() && all.iter().all(|one| one == "*" || known_locale(one)) => {
                    self.policy.locales = all;
                }
                Some(_) | None => {
                    self.wrong(at, "locales must be [\"*\"] or languages that names are known of")
                }
            },
            "types" => self.table(value, at, Self::types),
            "date" => self.table(value, at, Self::date),
            "code" => self.table(value, at, Self::code),
            "lists" => self.table(value, at, Self::lists),
            "egress" => self.wrong(at, "egress is reserved for a later version"),
            other => self.wrong(at, &format!("unknown key `{other}`")),
        }
    }

    fn table(
        &mut self,
        value: &DeValue<'_>,
        at: Range<usize>,
        each: fn(&mut Self, &str, &DeValue<'_>, Range<usize>),
    ) {
        match value.as_table() {
            Some(table) => {
                for (key, value) in table {
                    each(self, key.get_ref(), value.get_ref(), key.span());
                }
            }
            None => self.wrong(at, "must be a table"),
        }
    }

    fn types(&mut self, name: &str, value: &DeValue<'_>, at: Range<usize>) {
        let Some(ty) = Type::named(name) else {
            return self.wrong(at, &format!("there is no type `{name}`"));
        };
        match value.as_str().and_then(Mode::named) {
            Some(Mode::Cap) if ty != Type::AGE => self.wrong(at, "only AGE may be `cap`"),
            Some(Mode::Keep) if [Type::SECRET, Type::PASSWORD, Type::CVV].contains(&ty) => {
                self.wrong(at, &format!("`{name}` may not be kept"));
            }
            Some(Mode::Vault) if NO_VAULT.contains(&name) => {
                self.wrong(at, &format!("`{name}` may not be kept, not in the vault either"));
            }
            Some(mode) => {
                self.policy.types.insert(ty, mode);
            }
            None => self.wrong(
                at,
                &format!("the mode of `{name}` must be surrogate, tag, redact, keep, cap, vault or block"),
            ),
        }
    }

    fn date(&mut self, key: &str, value: &DeValue<'_>, at: Range<usize>) {
        match (key, value.as_str()) {
            ("style", Some("shift")) => self.policy.years_only = false,
            ("style", Some("year")) => self.policy.years_only = true,
            ("shift_days", _) => {
                let days = |v: &DeValue<'_>| v.as_integer().and_then(|n| n.as_str().parse::<u32>().ok());
                let all: Vec<Option<u32>> = value
                    .as_array()
                    .map(|a| a.iter().map(|v| days(v.get_ref())).collect())
                    .unwrap_or_default();
                match all.as_slice() {
                    [Some(from), Some(to)] if *from >= 1 && from <= to && *to <= 3650 => {
                        self.policy.shift_days = (*from, *to);
                    }
                    _ => self.wrong(at, "shift_days must be [from, to] with 1 <= from <= to <= 3650"),
                }
            }
            ("age_cap", _) => match value.as_integer().and_then(|n| n.as_str().parse::<u8>().ok()) {
                Some(cap @ 60..=89) => self.policy.age_cap = cap,
                Some(_) | None => self.wrong(at, "age_cap must lie between 60 and 89"),
            },
            ("style", _) => self.wrong(at, "date.style must be shift or year"),
            (other, _) => self.wrong(at, &format!("unknown key `date.{other}`")),
        }
    }

    fn code(&mut self, key: &str, value: &DeValue<'_>, at: Range<usize>) {
        match (key, value.as_str()) {
            ("fences", Some("strong-only")) => self.policy.fences = Fences::StrongOnly,
            ("fences", Some("as-text")) => self.policy.fences = Fences::AsText,
            ("fences", _) => self.wrong(at, "code.fences must be strong-only or as-text"),
            (other, _) => self.wrong(at, &format!("unknown key `code.{other}`")),
        }
    }

    fn lists(&mut self, key: &str, value: &DeValue<'_>, at: Range<usize>) {
        match key {
            "allow" | "deny" => match self.texts(value) {
                Some(texts) if key == "allow" => self.policy.allow.extend(texts),
                Some(texts) => self.policy.deny.extend(texts),
                None => self.wrong(at, "must be a list of texts"),
            },
            "labels" => self.table(value, at, |read, name, ty, at| match ty.as_str().and_then(Type::named) {
                Some(ty) if !name.trim().is_empty() => {
                    read.policy.labels.insert(name.trim().to_lowercase(), ty);
                }
                Some(_) | None => read.wrong(at, &format!("the label `{name}` names no type")),
            }),
            "keys" => self.table(value, at, |read, name, ty, at| match ty.as_str().and_then(Type::named) {
                Some(ty) => {
                    read.policy.keys.insert(name.to_owned(), ty);
                }
                None => read.wrong(at, &format!("the key `{name}` names no type")),
            }),
            other => self.wrong(at, &format!("unknown key `lists.{other}`")),
        }
    }

    fn texts(&self, value: &DeValue<'_>) -> Option<Vec<String>> {
        value.as_array()?.iter().map(|v| v.get_ref().as_str().map(str::to_owned)).collect()
    }

    /// A score between 0 and 1, in percent.
    fn score(&mut self, key: &str, value: &DeValue<'_>, at: Range<usize>) -> Option<u8> {
        let read = match value {
            DeValue::Float(n) => n.as_str().parse::<f64>().ok(),
            DeValue::Integer(n) => n.as_str().parse::<f64>().ok(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let read = read.filter(|n| (0.01..=1.0).contains(n)).map(|n| (n * 100.0).round() as u8);
        if read.is_none() {
            self.wrong(at, &format!("{key} must lie between 0.01 and 1"));
        }
        read
    }
}
