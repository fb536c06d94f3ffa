//! The reply of a finished exchange as it is stored: decoded, assembled, and without the words of an error.
//!
//! **Invariant:** of an error its class is kept and nothing else; what cannot be read is no reply, never half of one.

use kolm_core::{Body, Outcome};
use kolm_wire::{assemble, error_body, error_class, transcript, without_error_text};

use crate::decode;
use crate::exchange::Finished;

/// Most bytes of a decoded reply; a compressed bomb ends here.
pub(crate) const MAX_DECODED: usize = 64 << 20;

/// A reply as it is stored.
#[derive(Default)]
pub(crate) struct Told {
    /// JSON, or nothing.
    pub(crate) body: Vec<u8>,
    /// It is the whole answer.
    pub(crate) complete: bool,
    /// It came in a content coding that is not known.
    pub(crate) unknown_encoding: bool,
    /// What kind of error it was, empty for none.
    pub(crate) class: String,
}

/// Reads the reply.
pub(crate) fn told(finished: &Finished) -> Told {
    let Ok(plain) = decode::decode(&finished.encoding, &finished.reply, MAX_DECODED) else {
        return Told { unknown_encoding: true, class: class(finished, String::new()), ..Told::default() };
    };
    if finished.streamed {
        let assembled = assemble::of_stream(&plain, finished.ended_cleanly);
        let class = class(finished, assembled.error_class);
        let body = without_error_text(assembled.reply);
        return Told { body, complete: assembled.complete, unknown_encoding: false, class };
    }
    let said = error_class(&plain);
    let (body, class) = if finished.status >= 400 {
        (if said.is_empty() { Vec::new() } else { error_body(&said) }, class(finished, said))
    } else {
        (without_error_text(json(finished, plain)), class(finished, said))
    };
    // A client that left early does not make the answer less whole: it was drained for this.
    Told { body, complete: finished.ended_cleanly, unknown_encoding: false, class }
}

/// The reply if it is JSON; a transcript may be a text.
fn json(finished: &Finished, plain: Vec<u8>) -> Vec<u8> {
    let is_form = finished.surface.body() == Body::Form;
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&plain).is_ok();
    if is_json && (!is_form || plain.trim_ascii_start().starts_with(b"{")) {
        return plain;
    }
    if !is_form {
        return Vec::new();
    }
    std::str::from_utf8(&plain).map(transcript::reply_of_text).unwrap_or_default()
}

/// How an error is known: by its own words, else by how the exchange ended.
fn class(finished: &Finished, said: String) -> String {
    if !said.is_empty() {
        return said;
    }
    match finished.outcome {
        Outcome::UpstreamError => "upstream_error".to_owned(),
        Outcome::Timeout => "timeout".to_owned(),
        Outcome::Complete | Outcome::ClientAbort | Outcome::Refused | Outcome::Lost => {
            if finished.status >= 400 { format!("http_{}", finished.status) } else { String::new() }
        }
    }
}
