//! The anonymizer: a finished exchange goes in, a record without personal data, health identifiers and
//! secrets comes out, or nothing does.
//!
//! **Invariant:** only [`anonymize`] mints [`Anonymized`]; it is pure, linear in its input, and every doubt ends
//! in a [`Dropped`], never in a raw or half-masked record.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use kolm_core::{Code, Coded};
use kolm_wire::Exchange;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

mod age;
mod body;
mod check;
mod code;
mod cue;
mod date;
mod detect;
mod dictated;
mod exchange;
mod field;
mod fold;
mod invent;
mod keywords;
mod kind;
mod label;
mod lettered;
mod machine;
mod message;
pub(crate) mod ner;
mod net;
mod number;
mod org;
mod phone;
mod place;
mod policy;
mod quick;
mod residue;
mod resolve;
mod said;
mod salts;
mod secret;
mod sections;
mod shape;
mod suppress;
mod table;
mod token;
pub mod vault;
mod who;
mod words;

pub use exchange::text::{Span, Text, anonymize_text};
pub use kind::Type;
pub use policy::{Error, Policy, Scope};
pub use residue::{leaks, residue};
pub use salts::Salts;
pub use vault::Originals;

/// Version of the detectors, part of every report.
static DETECTOR: LazyLock<String> = LazyLock::new(|| format!("kolm-anon/1.0.0+ner.{}", ner::version()));

/// An exchange that may be stored.
#[derive(Clone)]
pub struct Anonymized {
    request: String,
    reply: String,
    typed: Option<String>,
}

impl Anonymized {
    /// The request body.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// The request body with types in place of what was found (`<EMAIL>`): surrogates differ from conversation to
    /// conversation, this does not. For hashes, not for keeping.
    pub fn typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.request)
    }

    /// The reply body; may be empty.
    pub fn reply(&self) -> &str {
        &self.reply
    }
}

/// Two are the same when the same would be stored.
impl PartialEq for Anonymized {
    fn eq(&self, other: &Self) -> bool {
        (&self.request, &self.reply) == (&other.request, &other.reply)
    }
}

impl Eq for Anonymized {}

impl fmt::Debug for Anonymized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anonymized({} + {} bytes)", self.request.len(), self.reply.len())
    }
}

/// The secret that a conversation's surrogates are drawn with; it dies with the conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl Salt {
    /// The salt of another draw for the same conversation; the first is its own.
    fn drawn_again(&self, attempt: u8) -> Self {
        if attempt == 0 {
            return self.clone();
        }
        let hash =
            Sha256::new().chain_update(b"kolm-anon-again\x1f").chain_update([attempt]).chain_update(self.0);
        Self(hash.finalize().into())
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

/// What was done to a record, stored beside it: never a value, never an offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this form.
    pub v: u8,
    /// `<name>@<12 hexadecimal digits>`.
    pub policy: String,
    /// Version of the detectors.
    pub detector: String,
    /// The policy's general mode.
    pub mode: String,
    /// How far the surrogates hold.
    pub scope: String,
    /// Mentions by type.
    pub counts: BTreeMap<String, u64>,
    /// Something was nearly sure enough to be masked: not for training until released.
    pub quarantined: bool,
    /// Bytes of request and reply before.
    pub bytes_in: u64,
    /// Bytes of request and reply after.
    pub bytes_out: u64,
}

impl Report {
    pub(crate) fn of(
        policy: &Policy,
        counts: BTreeMap<String, u64>,
        quarantined: bool,
        bytes: [usize; 2],
    ) -> Self {
        Self {
            v: 1,
            policy: format!("{}@{}", policy.name(), policy.digest()),
            detector: DETECTOR.clone(),
            mode: policy.mode.as_str().to_owned(),
            scope: policy.scope.as_str().to_owned(),
            counts,
            quarantined,
            bytes_in: bytes[0] as u64,
            bytes_out: bytes[1] as u64,
        }
    }

    /// Whether anything was found, or nearly: then no vector of the text is kept.
    pub fn found(&self) -> bool {
        self.quarantined || !self.counts.is_empty()
    }
}

/// Why there is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[error("the exchange was not captured: {}", self.as_str())]
pub enum Dropped {
    /// The queue of the capture worker was full.
    QueueFull,
    /// More text or more values than the limits allow.
    Oversize,
    /// Nested too deep.
    TooDeep,
    /// A body is no JSON.
    NotJson,
    /// A body is not UTF-8.
    BadUtf8,
    /// Token ids instead of text: nobody can read them.
    TokenIds,
    /// An object key is an identifier.
    IdentifierInKey,
    /// The policy blocks a type that was found.
    BlockedType,
    /// The audit found something that should have been gone.
    AuditLeak,
    /// The anonymizer panicked.
    Panic,
    /// It took too long.
    Timeout,
    /// There is no sound policy.
    PolicyMissing,
}

impl Dropped {
    /// The label of `kolm_capture_drop_total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Oversize => "oversize",
            Self::TooDeep => "too_deep",
            Self::NotJson => "not_json",
            Self::BadUtf8 => "bad_utf8",
            Self::TokenIds => "token_ids",
            Self::IdentifierInKey => "identifier_in_key",
            Self::BlockedType => "blocked_type",
            Self::AuditLeak => "audit_leak",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::PolicyMissing => "policy_missing",
        }
    }
}

impl Coded for Dropped {
    fn code(&self) -> Code {
        Code(904)
    }

    fn hint(&self) -> Option<String> {
        Some("the client's answer was not affected; docs/errors/K0904.md lists the reasons".to_owned())
    }
}

/// Turns one finished exchange into a record without identifiers.
///
/// The same exchange, policy and salt give the same bytes on every machine.
pub fn anonymize(exchange: &Exchange, policy: &Policy, salt: &Salt) -> Result<(Anonymized, Report), Dropped> {
    anonymize_reversibly(exchange, policy, salt).map(|(body, report, _)| (body, report))
}

/// The same, with what the policy's types in mode `vault` were.
pub fn anonymize_reversibly(
    exchange: &Exchange,
    policy: &Policy,
    salt: &Salt,
) -> Result<(Anonymized, Report, Originals), Dropped> {
    if !secret::ready() || !ner::ready() {
        return Err(Dropped::PolicyMissing);
    }
    let outcome = exchange::run(&exchange.request, &exchange.reply, policy, salt)?;
    let bytes = [exchange.request.len() + exchange.reply.len(), outcome.request.len() + outcome.reply.len()];
    let report = Report::of(policy, outcome.counts, outcome.quarantined, bytes);
    let text = |bytes| String::from_utf8(bytes).map_err(|_| Dropped::BadUtf8);
    let typed = outcome.typed.map(text).transpose()?;
    let body = Anonymized { request: text(outcome.request)?, reply: text(outcome.reply)?, typed };
    Ok((body, report, outcome.originals))
}

#[cfg(test)]
mod tests;
