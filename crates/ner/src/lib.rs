//! The trainer of the anonymizer's sequence model: own templates and lists in, two small files out.
//!
//! **Invariant:** nothing but the committed templates and lists and a seed goes into the model.

pub mod chance;
pub mod corpus;
pub mod fill;
pub mod gazetteer;
pub mod measure;
pub mod person;
pub mod source;
pub mod train;

use std::path::PathBuf;

/// Where templates and lists stand.
pub fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
