//! Chat completions as kolm reads them: the head that routes, the question that a student sees, and what a
//! reply says of itself.
//!
//! **Invariant:** reading never changes a body; what cannot be read keeps a request on the cloud.

mod answer;
mod brief;
mod facts;
mod model;
mod question;

pub use answer::{Answer, Call, answer};
pub use brief::{Brief, brief};
pub use facts::{Facts, facts};
pub use model::with_model;
pub use question::{Blocks, Question, question, request_of, request_under, template_key};
pub(crate) use question::{of as question_of, question_in, text_of as message_text};

use crate::error::ApiError;
use crate::fields::{self, Fields};

/// What routing needs of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The requested model.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the stream is to end with the usage; without `stream` it means nothing and is `false`.
    pub include_usage: bool,
}

/// Reads the head of a request body; everything else in it is skipped, not checked.
pub fn head(body: &[u8]) -> Result<Head, ApiError> {
    let fields = Fields::of_slice(body).ok_or_else(ApiError::bad_json)?;
    let model = fields
        .get("model")
        .ok_or_else(|| ApiError::invalid("model", "you must provide a model parameter"))?;
    let model = fields::text(model)
        .ok_or_else(|| ApiError::invalid("model", "Invalid type for 'model': expected a string."))?;
    let stream = flag(&fields, "stream", "stream")?;
    let include_usage = match fields.get("stream_options") {
        Some(raw) => {
            let options = Fields::of(raw).ok_or_else(|| {
                ApiError::invalid("stream_options", "Invalid type for 'stream_options': expected an object.")
            })?;
            flag(&options, "include_usage", "stream_options.include_usage")?
        }
        None => false,
    };
    Ok(Head { model, stream, include_usage: stream && include_usage })
}

fn flag(fields: &Fields<'_>, key: &str, param: &str) -> Result<bool, ApiError> {
    match fields.get(key).map(|raw| raw.get()) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::invalid(param, format!("Invalid type for '{param}': expected a boolean."))),
    }
}

#[cfg(test)]
mod tests;
