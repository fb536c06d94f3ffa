//! What can go wrong in the benchmark, as one boxed error with a sentence in it.
//!
//! **Invariant:** nothing here ends the process; `main` prints the sentence and chooses the exit status.

/// A boxed error.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that may fail.
pub(crate) type Result<T> = std::result::Result<T, Fault>;
