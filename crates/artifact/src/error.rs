//! What can be wrong with an artifact, named after the check that finds it.

use std::io;
use std::path::{Path, PathBuf};

use kolm_core::{ArtifactId, Code, Coded, Exit};
use thiserror::Error;

/// Why an artifact cannot be written or must not be used.
#[derive(Debug, Error)]
pub enum Error {
    /// The file system said no.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The file is too small or too large to be an artifact.
    #[error("the file has {bytes} bytes: {why}")]
    Size {
        /// Size of the file.
        bytes: u64,
        /// The rule.
        why: &'static str,
    },
    /// The container is not the strict ZIP profile.
    #[error("the container is damaged or foreign at byte {at}: {why}")]
    ZipProfile {
        /// Offset of the record or member.
        at: u64,
        /// The rule that is broken.
        why: String,
    },
    /// The manifest does not fit its schema.
    #[error("the manifest is not valid: `{path}` {why}")]
    ManifestSchema {
        /// Path of the field.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another artifact was expected.
    #[error("this is artifact {found}, not {expected}")]
    Identity {
        /// What the caller asked for.
        expected: ArtifactId,
        /// What the file is.
        found: ArtifactId,
    },
    /// The signatures do not vouch for the manifest.
    #[error("the signature does not hold: {why}")]
    Signature {
        /// What is wrong.
        why: String,
    },
    /// Nobody is trusted to sign, so there is nothing to decide by.
    #[error("no trusted key was given")]
    NoTrustedKey,
    /// The chunk table does not fit the manifest.
    #[error("the chunk table does not match `{member}`: {why}")]
    ChunksRoot {
        /// The member.
        member: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The bytes of a member are not those that were signed.
    #[error("the bytes of `{member}` are not those that were signed")]
    MemberDigest {
        /// The member.
        member: String,
    },
    /// The weights are not a plain table of tensors.
    #[error("the weights are not valid: {why}")]
    WeightsTable {
        /// What is wrong.
        why: String,
    },
    /// What was to be written does not make an artifact.
    #[error("cannot build the artifact: {why}")]
    Build {
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// The check that failed; the stages of reading have the names of `kolm verify`.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Io { .. } => "read",
            Self::Size { .. } => "size",
            Self::ZipProfile { .. } => "zip_profile",
            Self::ManifestSchema { .. } => "manifest_schema",
            Self::Identity { .. } => "identity",
            Self::Signature { .. } | Self::NoTrustedKey => "signature",
            Self::ChunksRoot { .. } => "chunks_root",
            Self::MemberDigest { .. } => "member_digest",
            Self::WeightsTable { .. } => "weights_table",
            Self::Build { .. } => "build",
        }
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn zip(at: usize, why: impl Into<String>) -> Self {
        Self::ZipProfile { at: at as u64, why: why.into() }
    }

    pub(crate) fn schema(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self::ManifestSchema { path: path.into(), why: why.into() }
    }

    pub(crate) fn build(why: impl Into<String>) -> Self {
        Self::Build { why: why.into() }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code(match self {
            Self::Io { .. } => 400,
            Self::Size { .. } => 401,
            Self::ZipProfile { .. } => 402,
            Self::ManifestSchema { .. } => 403,
            Self::Identity { .. } => 404,
            Self::Signature { .. } => 405,
            Self::NoTrustedKey => 406,
            Self::ChunksRoot { .. } => 407,
            Self::MemberDigest { .. } => 408,
            Self::WeightsTable { .. } => 409,
            Self::Build { .. } => 410,
        })
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => {
                "check that the path exists, is a file and may be read or written by this user"
            }
            Self::Size { .. } => "check that this is a .kolm file and that the copy is complete",
            Self::ZipProfile { .. } | Self::ChunksRoot { .. } | Self::MemberDigest { .. } => {
                "the file was changed or damaged after it was signed: copy it again or build it again"
            }
            Self::ManifestSchema { .. } => "the file was made by another version or by hand: build it again",
            Self::Identity { .. } => "check the file name and the identity that was asked for",
            Self::Signature { .. } => {
                "do not use this file unless you know who made it; then name their key with --key"
            }
            Self::NoTrustedKey => "name the public key of the maker with --key",
            Self::WeightsTable { .. } => "the trainer wrote bad weights: train again, and report this",
            Self::Build { .. } => "the parts do not make an artifact: see what is named, and report this",
        };
        Some(hint.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Io { .. } | Self::NoTrustedKey => Exit::Usage,
            Self::Size { .. }
            | Self::ZipProfile { .. }
            | Self::ManifestSchema { .. }
            | Self::Identity { .. }
            | Self::Signature { .. }
            | Self::ChunksRoot { .. }
            | Self::MemberDigest { .. }
            | Self::WeightsTable { .. }
            | Self::Build { .. } => Exit::Failed,
        }
    }
}
