//! What comes from outside the file: the home folder, the environment, and the secrets in it.
//!
//! **Invariant:** a secret is printed by nothing but `expose`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// The process's surroundings, handed in by `cli`.
#[derive(Clone)]
pub struct Outside {
    /// `KOLM_HOME`: where data lies if the file does not say.
    pub home: PathBuf,
    /// Looks up an environment variable.
    pub env: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
}

impl Outside {
    /// Surroundings with a home and no environment.
    pub fn bare(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), env: Arc::new(|_| None) }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("home", &self.home).finish_non_exhaustive()
    }
}

/// A key or token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    digest: [u8; 32],
}

impl Secret {
    /// A secret from its text; white space around it is not part of it.
    pub fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        Self { digest: Self::digest(&text), text }
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What secrets are compared by: of one length, whatever was given.
    pub fn digest(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// Whether this is the secret of that digest, in time that depends on neither.
    pub fn is(&self, digest: &[u8; 32]) -> Choice {
        self.digest.ct_eq(digest)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
