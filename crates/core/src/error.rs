//! Errors are values with an address: a code that has a page, a hint, and an exit status.

use std::fmt;

/// The address of an error: `K` and four digits, a page in `docs/errors/`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "K{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Exit statuses of the `kolm` binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, verified, passed.
    Ok = 0,
    /// Failed, not verified, gate not met.
    Failed = 1,
    /// Bad usage or unreadable input; for `verify` and `eval`: not decided.
    Usage = 2,
    /// Too few pairs to train on.
    TooFew = 3,
    /// A base model or another needed thing is missing.
    Missing = 4,
    /// Stopped by the user.
    Cancelled = 130,
}

/// An error that knows its code, its hint and the exit status of a command that fails with it.
pub trait Coded: std::error::Error {
    /// The code.
    fn code(&self) -> Code;
    /// What to do about it, one sentence.
    fn hint(&self) -> Option<String>;
    /// The exit status.
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}
