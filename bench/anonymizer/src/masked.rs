//! What the anonymizer masks in one text.
//!
//! **Invariant:** the spans are code points of the text that went in, in order and disjoint.

use kolm_policies::anonymize::{Policy, Salt, anonymize_text};

/// A span of code points and its type.
pub(crate) type Masked = (usize, usize, String);

/// A preset of the anonymizer.
pub(crate) fn policy(preset: &str) -> Result<Policy, String> {
    Policy::preset(preset).map_err(|cause| cause.to_string())
}

/// The masked spans of a text; the reason where there is no record.
pub(crate) fn masked(text: &str, policy: &Policy) -> Result<Vec<Masked>, String> {
    let done = anonymize_text(text, policy, &Salt([7; 32])).map_err(|dropped| dropped.to_string())?;
    Ok(done.spans.iter().map(|span| (span.start, span.end, span.ty.as_str().to_owned())).collect())
}
