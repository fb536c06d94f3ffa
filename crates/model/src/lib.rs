//! Students: how they read text, their differentiable form for training and their packed form for answering.
//!
//! Training goes through candle with blocks of our own ([`ops`], [`net`]); answering is plain arithmetic over
//! packed weights ([`ngram`], [`infer`], [`student`]) and needs no candle. The losses live in `kolm-trainer`.
//!
//! **Invariant:** answering is a pure function of artifact, template and text, with the same bits on every CPU.

pub mod error;
pub mod files;
pub mod infer;
pub mod net;
pub mod ngram;
pub mod ops;
pub mod student;
pub mod text;

/// The engine of [`net`] and [`ops`], for those who train with them.
pub use candle_core as candle;
pub use error::Error;
pub use kolm_kernels as kernels;
pub use student::{Abstain, Answer, Student};

#[cfg(test)]
mod tests;
