//! Policies: what is masked, how, and in which scope; read from TOML, checked once.
//!
//! **Invariant:** a policy that exists is sound: past [`Policy::parse`] nothing is validated again.

use std::collections::BTreeMap;
use std::fmt;

use kolm_core::{Code, Coded, hex};
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::kind::{Mode, Type};

mod read;

/// The policies that are compiled in.
const PRESETS: [(&str, &str); 3] = [
    ("default", include_str!("../../presets/default.toml")),
    ("hipaa", include_str!("../../presets/hipaa.toml")),
    ("pci", include_str!("../../presets/pci.toml")),
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

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownPreset(_) => "the presets are default, hipaa and pci".to_owned(),
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
    pub(crate) fences: Fences,
    /// Never masked, unless validated.
    pub(crate) allow: Vec<String>,
    /// Always masked.
    pub(crate) deny: Vec<String>,
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
    /// One of the compiled-in policies: `default`, `hipaa`, `pci`.
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
            fences: Fences::StrongOnly,
            allow: Vec::new(),
            deny: Vec::new(),
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
mod tests {
    use super::*;

    #[test]
    fn presets_are_sound_and_distinct() {
        let all: Vec<Policy> = PRESETS.iter().map(|(name, _)| Policy::preset(name).unwrap()).collect();
        for (policy, (name, _)) in all.iter().zip(PRESETS) {
            assert_eq!(policy.name(), name);
            assert_eq!(policy.digest().len(), 12);
            assert_eq!(policy.mode_of(Type::PASSWORD), Mode::Redact);
        }
        assert_ne!(all[0].digest(), all[1].digest());
        assert_eq!(all[2].mode_of(Type::CVV), Mode::Block);
        assert_eq!(all[2].mode_of(Type::PASSWORD), Mode::Redact, "pci extends default");
        assert!(all[1].mask_at < all[0].mask_at);
    }

    #[test]
    fn every_mistake_is_listed_with_its_line() {
        let source = "schema = 1\nname = \"x\"\nshade = 1\nmode = \"keep\"\nmask_at = 2.0\ntypes = { NAMES = \"keep\", SECRET = \"keep\", EMAIL = \"vault\" }\n\n[egress]\non = true\n";
        let Err(Error::Mistakes(mistakes)) = Policy::parse(source) else { panic!("accepted") };
        for part in [
            "line 3: unknown key `shade`",
            "line 4: mode",
            "line 5: mask_at",
            "`NAMES`",
            "`SECRET`",
            "`vault`",
            "egress",
        ] {
            assert!(mistakes.iter().any(|m| m.contains(part)), "{part}: {mistakes:?}");
        }
        assert_eq!(Error::Mistakes(mistakes).code(), Code(903));
        assert_eq!(Policy::preset("none").unwrap_err().code(), Code(901));
        assert_eq!(Policy::parse("a = ").unwrap_err().code(), Code(902));
        assert!(matches!(
            Policy::parse("schema = 1\nname = \"x\"\nextends = \"y\""),
            Err(Error::Mistakes(_))
        ));
    }
}
