//! The errors of the receipts, K0300-K0399.

use std::io;
use std::path::{Path, PathBuf};

use kolm_core::{Code, Coded, Exit};
use thiserror::Error;

use crate::kj1;

/// What can go wrong with receipts, ledger and keys.
#[derive(Debug, Error)]
pub enum Error {
    /// A record does not fit the profile `kj1`.
    #[error("record is malformed")]
    Record(#[from] kj1::Error),
    /// Another process writes this ledger.
    #[error("ledger {path} is in use by another kolm process")]
    Locked {
        /// The ledger's folder.
        path: PathBuf,
    },
    /// A key file cannot be trusted.
    #[error("key file {path} {why}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The disk refused.
    #[error("cannot {what} {path}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The ledger does not hang together, beyond what a crash explains.
    #[error("ledger file {path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A text is no public key in C2SP form.
    #[error("no verifier key: {0}")]
    VerifierKey(&'static str),
    /// A text is no `x-kolm-receipt` header.
    #[error("no kr1 receipt header: {0}")]
    Header(&'static str),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code(match self {
            Self::Record(_) => 300,
            Self::Locked { .. } => 301,
            Self::KeyFile { .. } => 302,
            Self::Io { .. } => 303,
            Self::Damaged { .. } => 304,
            Self::VerifierKey(_) => 305,
            Self::Header(_) => 306,
        })
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Record(_) => {
                "the bytes were changed or come from another program; compare with a copy".into()
            }
            Self::Locked { .. } => "stop the other `kolm up`, or give this one its own KOLM_HOME".into(),
            Self::KeyFile { path, .. } => {
                format!("restore {} from your backup; it must be yours with mode 0600", path.display())
            }
            Self::Io { path, .. } => format!("check free space and permissions of {}", path.display()),
            Self::Damaged { .. } => {
                "keep the folder as evidence, run `kolm verify ledger` on it, and start with a restored copy"
                    .into()
            }
            Self::VerifierKey(_) => "a key looks like `name+0123abcd+AbCd...`, as `vkey` prints it".into(),
            Self::Header(_) => {
                "give the whole value of the x-kolm-receipt header, from `kr1;` to the last colon".into()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Record(_) | Self::Damaged { .. } => Exit::Failed,
            Self::Locked { .. } | Self::KeyFile { .. } | Self::Io { .. } => Exit::Usage,
            Self::VerifierKey(_) | Self::Header(_) => Exit::Usage,
        }
    }
}
