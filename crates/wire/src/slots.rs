//! The places in a JSON body where people's text may stand, and how to put other text there.
//!
//! The walker reads the bytes itself, because edits are made by byte range: nothing that is not edited is
//! ever written anew. It knows where the OpenAI bodies keep text, numbers, media and identifiers; what it
//! does not know it yields as text.
//!
//! **Invariant:** linear time and memory; depth and number of slots are bounded; `splice` without edits is
//! the identity, and with edits the result has the same keys in the same order and is valid JSON.

mod place;
mod splice;
mod walk;
mod words;

use std::fmt;
use std::ops::Range;

use kolm_core::{Code, Coded};

pub use splice::{Edit, splice};

/// The deepest nesting that is walked.
pub const MAX_DEPTH: usize = 64;

/// The most slots that a body may have.
pub const MAX_SLOTS: usize = 200_000;

/// What a slot asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A string to search. Under a schema's `enum` or `const` the slot's key says so.
    Text,
    /// A number: it matters when its key is an identifying one.
    Number,
    /// A string to be emptied: `user`, `safety_identifier`, `prompt_cache_key`, `metadata`, `obfuscation`.
    Empty,
    /// A value to become `null`: log-probabilities repeat the reply.
    Null,
    /// A string that is no text: an image, a voice, a file (the kind is given).
    Media(&'static str),
    /// An embedding, as numbers or base64: kept only when nothing was found in what it embeds, else `null`.
    Vector,
    /// An array of token ids, which nobody can read: the range is the whole array.
    TokenIds,
    /// An object key: never edited. Words of the protocol are not yielded.
    Key,
}

/// One place.
#[derive(Clone, PartialEq, Eq)]
pub struct Slot {
    /// Where it is, such as `messages[0].content`; cut short when very long.
    pub path: String,
    /// The nearest object key above it; cut short when very long.
    pub key: String,
    /// What it asks for.
    pub role: Role,
    /// The text, unescaped; of numbers the literal; empty for `Null`, `Vector` and `TokenIds`.
    pub text: String,
    /// The literal in the source bytes, quotes included.
    pub range: Range<usize>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({:?}, {} bytes at {:?})", self.role, self.text.len(), self.range)
    }
}

impl Slot {
    /// What stands in place of media: its kind and size, of the same type as the original.
    pub fn redaction(&self) -> Option<String> {
        match self.role {
            Role::Media(kind) => Some(format!("kolm-redacted:{kind};bytes={}", self.text.len())),
            Role::Text
            | Role::Number
            | Role::Empty
            | Role::Null
            | Role::Vector
            | Role::TokenIds
            | Role::Key => None,
        }
    }
}

/// Why a body cannot be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Not one JSON value.
    #[error("not JSON at byte {at}")]
    NotJson {
        /// Where reading stopped.
        at: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    BadUtf8 {
        /// The first byte that is not.
        at: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// More than [`MAX_SLOTS`] slots.
    #[error("more than {MAX_SLOTS} values")]
    TooMany,
}

impl SlotError {
    /// The reason under which a dropped record is counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson { .. } => "not_json",
            Self::BadUtf8 { .. } => "bad_utf8",
            Self::TooDeep => "too_deep",
            Self::TooMany => "oversize",
        }
    }
}

impl Coded for SlotError {
    fn code(&self) -> Code {
        match self {
            Self::NotJson { .. } => Code(991),
            Self::BadUtf8 { .. } => Code(992),
            Self::TooDeep => Code(993),
            Self::TooMany => Code(994),
        }
    }
    fn hint(&self) -> Option<String> {
        Some("the exchange was passed on but not captured".to_owned())
    }
}

/// The slots of a request or reply body, in the order of the source.
pub fn slots(json: &[u8]) -> Result<Vec<Slot>, SlotError> {
    walk::walk(json, place::Place::Root)
}

/// The slots of JSON that is nobody's schema, such as tool arguments: every string and number in it.
pub fn values(json: &[u8]) -> Result<Vec<Slot>, SlotError> {
    walk::walk(json, place::Place::Free)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
