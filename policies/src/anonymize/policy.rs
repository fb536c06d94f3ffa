//! Policies: what is masked, how, and in which scope; read from TOML, checked once.
//!
//! **Invariant:** a policy that exists is sound: past [`Policy::parse`] nothing is validated again.

use std::collections::BTreeMap;
use std::fmt;

use kolm_core::{Code, Coded, Exit, hex};
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::kind::{Mode, Type};

mod read;

/// The policies that are compiled in.
const PRESETS: [(&str, &str); 5] = [
    ("default", include_str!("../../presets/default.toml")),
    ("hipaa", include_str!("../../presets/hipaa.toml")),
    ("pci", include_str!("../../presets/pci.toml")),
    ("gdpr", include_str!("../../presets/gdpr.toml")),
    ("open-domain", include_str!("../../presets/open-domain.toml")),
];

/// How far a surrogate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One exchange.
    Record,
    /// All exchanges of a conversation.
    Conversation,
    /// All exchanges under one process key: linkable.
    Namespace,
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Conversation => "conversation",
            Self::Namespace => "namespace",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Record, Self::Conversation, Self::Namespace].into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// No preset has this name.
    #[error("there is no policy preset `{0}`")]
    UnknownPreset(String),
    /// The file is no TOML.
    #[error("the policy is not TOML: {0}")]
    NotToml(String),
    /// What is wrong, one line each.
    #[error("the policy has {} mistakes: {}", .0.len(), .0.join("; "))]
    Mistakes(Vec<String>),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::UnknownPreset(_) => Code(901),
            Self::NotToml(_) => Code(902),
            Self::Mistakes(_) => Code(903),
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownPreset(_) => "the presets are default, hipaa, pci, gdpr and open-domain".to_owned(),
            Self::NotToml(_) => "start from a copy of policies/presets/default.toml".to_owned(),
            Self::Mistakes(_) => "correct every line named".to_owned(),
        })
    }
}

/// A checked policy.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) scope: Scope,
    /// Candidates from this score on are masked, in percent.
    pub(crate) mask_at: u8,
    /// Candidates from this score on put the record into quarantine, in percent.
    pub(crate) review_at: u8,
    pub(crate) types: BTreeMap<Type, Mode>,
    pub(crate) shift_days: (u32, u32),
    /// Dates become their year alone.
    pub(crate) years_only: bool,
    /// Higher ages, and births longer ago, are not told apart.
    pub(crate) age_cap: u8,
    /// Languages that invented names come from where the original does not say; `*` for any.
    pub(crate) locales: Vec<String>,
    pub(crate) fences: Fences,
    /// Never masked, unless validated.
    pub(crate) allow: Vec<String>,
    /// Always masked.
    pub(crate) deny: Vec<String>,
    /// Words before a value that say its type, in lower case.
    pub(crate) labels: BTreeMap<String, Type>,
    /// Keys of JSON whose values are of a type.
    pub(crate) keys: BTreeMap<String, Type>,
    #[serde(skip)]
    digest: String,
}

/// What counts inside code fences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fences {
    /// Only strong evidence.
    StrongOnly,
    /// Code is text.
    AsText,
}

impl Policy {
    /// One of the compiled-in policies: `default`, `hipaa`, `pci`, `gdpr`, `open-domain`.
    pub fn preset(name: &str) -> Result<Self, Error> {
        match PRESETS.iter().find(|(known, _)| *known == name) {
            Some((_, source)) => Self::parse(source),
            None => Err(Error::UnknownPreset(name.to_owned())),
        }
    }

    /// Reads and checks a policy file; all its mistakes are listed at once.
    pub fn parse(source: &str) -> Result<Self, Error> {
        read::policy(source, 0)
    }

    /// The same policy under another general mode: `surrogate`, `tag` or `redact`. What it says of single types
    /// stays.
    pub fn with_mode(mut self, mode: &str) -> Result<Self, Error> {
        self.mode = read::general(mode).map_err(|mistake| Error::Mistakes(vec![mistake]))?;
        Ok(self.sealed())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first 12 hexadecimal digits of the SHA-256 of its canonical form.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How far its surrogates hold.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether any type is in mode `vault`: then a key is needed, and a file for the way back.
    pub fn has_vault(&self) -> bool {
        self.types.values().any(|mode| *mode == Mode::Vault)
    }

    /// What is done with a type.
    pub(crate) fn mode_of(&self, ty: Type) -> Mode {
        self.types.get(&ty).copied().unwrap_or(self.mode)
    }

    /// What all policies begin with.
    fn empty() -> Self {
        Self {
            name: String::new(),
            mode: Mode::Surrogate,
            scope: Scope::Conversation,
            mask_at: 40,
            review_at: 40,
            types: BTreeMap::new(),
            shift_days: (30, 365),
            years_only: false,
            age_cap: 89,
            locales: vec!["*".to_owned()],
            fences: Fences::StrongOnly,
            allow: Vec::new(),
            deny: Vec::new(),
            labels: BTreeMap::new(),
            keys: BTreeMap::new(),
            digest: String::new(),
        }
    }

    fn sealed(mut self) -> Self {
        // Every field is ordered, so the bytes are canonical; serialization of such a struct cannot fail.
        let canonical = serde_json::to_vec(&self).unwrap_or_default();
        self.digest = hex(&Sha256::digest(canonical)[..6]);
        self
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({}@{})", self.name, self.digest)
    }
}

#[cfg(test)]
mod tests;
