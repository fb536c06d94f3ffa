//! The sequence model of the anonymizer, for the crate that trains it.
//!
//! **Invariant:** trainer and decoder read text with one and the same code, the one re-exported here.

pub use crate::anonymize::ner::lattice;
pub use crate::anonymize::ner::lists;
pub use crate::anonymize::ner::token;
pub use crate::anonymize::ner::{
    Features, Gazetteer, MOST, Model, Span, Tagger, Weights, fold, tag, version,
};
