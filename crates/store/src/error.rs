//! The errors of the store, K0200-K0299.

use std::io;
use std::path::{Path, PathBuf};

use kolm_core::{Code, Coded, Exit, RouteName};
use thiserror::Error;

/// What can go wrong with the store.
#[derive(Debug, Error)]
pub enum Error {
    /// The database refused.
    #[error("the capture database cannot {what}")]
    Database {
        /// What was attempted.
        what: &'static str,
        /// The cause.
        #[source]
        source: duckdb::Error,
    },
    /// Another process has the store open.
    #[error("another kolm process has it open: {path}")]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// The spool has reached its quota; the pair was dropped and counted.
    #[error("the spool is full ({quota} bytes)")]
    SpoolFull {
        /// The quota.
        quota: u64,
    },
    /// A Decision with this number exists already and differs.
    #[error("route {route} has another decision with number {seq}")]
    Conflict {
        /// The route.
        route: RouteName,
        /// The number.
        seq: u64,
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
    /// The vault cannot be written or read.
    #[error("cannot {what} the vault: {path}")]
    Vault {
        /// What was attempted.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The database is closed for now; pairs wait in the spool.
    #[error("the capture database is not available: {why}")]
    Unavailable {
        /// Why.
        why: String,
    },
    /// A stored record cannot be read.
    #[error("a stored {what} cannot be read")]
    Unreadable {
        /// Which kind of record.
        what: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn vault(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Vault { what, path, source }
    }

    pub(crate) fn db(what: &'static str) -> impl FnOnce(duckdb::Error) -> Self {
        move |source| Self::Database { what, source }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code(match self {
            Self::Database { .. } => 200,
            Self::Locked { .. } => 201,
            Self::SpoolFull { .. } => 202,
            Self::Conflict { .. } => 203,
            Self::Io { .. } => 204,
            Self::Unavailable { .. } => 205,
            Self::Unreadable { .. } => 206,
            Self::Vault { .. } => 207,
        })
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Database { .. } => {
                "check free space; nothing captured is lost, it waits in the spool".into()
            }
            Self::Locked { .. } => {
                "ask the running one (`kolm status`), or stop it before you start another".into()
            }
            Self::SpoolFull { .. } => "free disk space or raise spool_quota in [store]".into(),
            Self::Conflict { .. } => "read the decisions again and decide anew".into(),
            Self::Io { path, .. } | Self::Vault { path, .. } => {
                format!("check free space and permissions of {}", path.display())
            }
            Self::Unavailable { .. } => {
                "it is opened again by itself; pairs wait in the spool meanwhile".into()
            }
            Self::Unreadable { .. } => {
                "the store was written by another version of kolm; use that one".into()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Locked { .. } | Self::Io { .. } | Self::Vault { .. } | Self::Unavailable { .. } => {
                Exit::Usage
            }
            Self::Database { .. }
            | Self::SpoolFull { .. }
            | Self::Conflict { .. }
            | Self::Unreadable { .. } => Exit::Failed,
        }
    }
}
