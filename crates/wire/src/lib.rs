//! The bytes of the OpenAI API: event streams, request and reply bodies, errors, paths and the places in
//! a body where people's text may stand. Nothing else in the house knows this foreign JSON.
//!
//! **Invariant:** no I/O, no clock, no randomness; malformed input is an error or an absent fact, never a
//! panic; and no `Debug` here prints text of a request or a reply.

pub mod assemble;
pub mod chat;
mod class;
pub mod error;
mod fields;
pub mod form;
mod json;
mod path;
pub mod reply;
mod responses;
pub mod schema;
pub mod shown;
pub mod slots;
pub mod spend;
pub mod sse;
pub mod surface;
pub mod transcript;
pub mod validate;

use std::fmt;

pub use class::{error_body, error_class, without_error_text};
pub use json::canonical_json;
pub use path::{is_plain, upstream_path};

/// One request and its reply, raw: what the anonymizer reads and nothing may write to disk.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Exchange {
    /// The request body as the client sent it.
    pub request: Vec<u8>,
    /// The reply body; for a stream the assembled one. May be empty.
    pub reply: Vec<u8>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({} + {} bytes)", self.request.len(), self.reply.len())
    }
}
