//! Virtual keys: issued by the gateway, kept as salted hashes in `keys/virtual.json` of the data directory.
//!
//! A secret of 256 random bits cannot be guessed, so its hash needs no slow function: there is no dictionary to try
//! against a stolen file. The salt keeps equal secrets of two files apart and ties the hash to its key.
//!
//! **Invariant:** the secret is in the text that `issue` gives back once, and nowhere else.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac as _};
use kolm_core::{Code, Coded, Exit, Namespace, Timestamp, hex};
use kolm_policies::limit::Limits;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// How every virtual key begins.
pub const KEY_PREFIX: &str = "kolm-sk-";

const FORMAT: &str = "kolm-keys/1";
const ID_BYTES: usize = 6;

/// One issued key, without its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualKey {
    /// What it is known by: 12 hex digits, not secret.
    pub id: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The namespace its requests belong to.
    pub namespace: Namespace,
    /// Other namespaces that it may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Namespace>,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// Its own limits.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    salt: String,
    hash: String,
}

/// What a key is issued for.
#[derive(Debug, Clone)]
pub struct Issue {
    /// What people call it.
    pub name: String,
    /// The namespace its requests belong to.
    pub namespace: Namespace,
    /// Other namespaces that it may name.
    pub also: Vec<Namespace>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// Its own limits.
    pub limits: Limits,
}

/// Whether a key opens, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It does.
    Valid,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

impl KeyState {
    /// The word for people and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl VirtualKey {
    /// A new key and its text, which is told once. `chance` is fresh randomness: id, secret and salt.
    pub fn issue(order: Issue, now: Timestamp, chance: [[u8; 32]; 3]) -> (Self, String) {
        let [id, secret, salt] = chance;
        let (id, secret) = (hex(&id[..ID_BYTES]), hex(&secret));
        let text = format!("{KEY_PREFIX}{id}-{secret}");
        let key = Self {
            hash: hex(&hash(&salt, &id, &secret)),
            salt: hex(&salt),
            id,
            name: order.name,
            namespace: order.namespace,
            also: order.also,
            issued: now,
            expires: order.expires,
            revoked: None,
            limits: order.limits,
        };
        (key, text)
    }

    /// Id and secret of a key's text, if it has the form of one.
    pub fn split(text: &str) -> Option<(&str, &str)> {
        text.strip_prefix(KEY_PREFIX)?.split_once('-')
    }

    /// Whether `secret` is this key's, in time that does not depend on how near it is.
    pub fn opens(&self, secret: &str) -> bool {
        let (Some(salt), Some(stored)) = (unhex(&self.salt), unhex(&self.hash)) else { return false };
        hash(&salt, &self.id, secret).ct_eq(&stored).into()
    }

    /// Whether it opens now.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked.is_some() {
            return KeyState::Revoked;
        }
        if self.expires.is_some_and(|expires| now >= expires) {
            return KeyState::Expired;
        }
        KeyState::Valid
    }

    /// Whether it may name a namespace.
    pub fn may_use(&self, namespace: &Namespace) -> bool {
        self.namespace == *namespace || self.also.contains(namespace)
    }
}

impl fmt::Debug for VirtualKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualKey({} of {})", self.id, self.namespace)
    }
}

/// All keys ever issued here; revoked ones stay, so that a file never falls back to "no keys".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFile {
    /// In the order they were issued.
    pub keys: Vec<VirtualKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    keys: Vec<VirtualKey>,
}

/// The key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("{}: cannot be {what}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It is not what was written.
    #[error("{}: is no list of keys: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why, without its content.
        why: String,
    },
}

impl Coded for KeyFileError {
    fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code(115),
            Self::Damaged { .. } => Code(116),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => {
                "check that the data directory exists and that you may read and write it".to_owned()
            }
            Self::Damaged { .. } => {
                "restore it from a backup; without it every issued key has to be issued anew".to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl KeyFile {
    /// Where it lies.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("keys/virtual.json")
    }

    /// Reads it; a file that is not there has no keys.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(KeyFileError::Io { path: path.to_owned(), what: "read", source }),
        };
        let damaged = |why: String| KeyFileError::Damaged { path: path.to_owned(), why };
        let stored: Stored = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("line {}, column {}", error.line(), error.column())))?;
        if stored.format != FORMAT {
            return Err(damaged(format!("its format is not {FORMAT}")));
        }
        let sound = |key: &VirtualKey| unhex(&key.salt).is_some() && unhex(&key.hash).is_some();
        if let Some(key) = stored.keys.iter().find(|key| !sound(key)) {
            return Err(damaged(format!("key {} has no hash", key.id)));
        }
        Ok(Self { keys: stored.keys })
    }

    /// Writes it, whole or not at all, readable by its owner alone.
    pub fn write(&self, path: &Path) -> Result<(), KeyFileError> {
        let failed = |source| KeyFileError::Io { path: path.to_owned(), what: "written", source };
        let stored = Stored { format: FORMAT.to_owned(), keys: self.keys.clone() };
        let text = serde_json::to_vec_pretty(&stored).map_err(|error| failed(error.into()))?;
        let temporary = path.with_extension("new");
        let write = || {
            let mut options = std::fs::File::options();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&temporary, path)
        };
        write().map_err(failed)
    }
}

fn hash(salt: &[u8; 32], id: &str, secret: &str) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(salt).expect("hmac key");
    let mac = mac.chain_update(b"kolm-key/1\n").chain_update(id).chain_update(b"\n").chain_update(secret);
    mac.finalize().into_bytes().into()
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut out = [0; 32];
    for (pair, byte) in bytes.chunks_exact(2).zip(&mut out) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(expires: Option<i64>) -> (VirtualKey, String) {
        let order = Issue {
            name: "ci".to_owned(),
            namespace: "support".parse().unwrap(),
            also: vec!["billing".parse().unwrap()],
            expires: expires.map(Timestamp),
            limits: Limits { concurrent: Some(3), ..Limits::default() },
        };
        VirtualKey::issue(order, Timestamp(1_000), [[0xab; 32], [0xcd; 32], [0xef; 32]])
    }

    #[test]
    fn a_key_opens_with_its_own_secret_alone() {
        let (key, text) = issued(None);
        assert_eq!(text, format!("kolm-sk-abababababab-{}", "cd".repeat(32)));
        let (id, secret) = VirtualKey::split(&text).unwrap();
        assert_eq!(id, key.id);
        assert!(key.opens(secret));
        for wrong in ["", "cd", &secret[1..], &format!("{secret}0"), &"ce".repeat(32)] {
            assert!(!key.opens(wrong), "{wrong}");
        }
        let (mut other, _) = issued(None);
        other.id = "000000000000".to_owned();
        assert!(!other.opens(secret), "the hash is tied to its id");
        assert!(VirtualKey::split("sk-proj-abc-def").is_none() && VirtualKey::split("kolm-sk-abc").is_none());
        assert!(key.may_use(&"billing".parse().unwrap()) && !key.may_use(&"hr".parse().unwrap()));
    }

    #[test]
    fn time_and_revocation_end_a_key() {
        let (mut key, _) = issued(Some(5_000));
        assert_eq!(key.state(Timestamp(4_999)), KeyState::Valid);
        assert_eq!(key.state(Timestamp(5_000)).as_str(), "expired");
        key.revoked = Some(Timestamp(2));
        assert_eq!(key.state(Timestamp(1)).as_str(), "revoked");
    }

    #[test]
    fn the_file_comes_back_as_it_was_and_holds_no_secret() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("virtual.json");
        assert_eq!(KeyFile::read(&path).unwrap(), KeyFile::default());
        let (key, text) = issued(Some(5));
        let file = KeyFile { keys: vec![key] };
        file.write(&path).unwrap();
        assert_eq!(KeyFile::read(&path).unwrap(), file);
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(!written.contains(&text[20..]) && written.contains("\"concurrent\": 3"), "{written}");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{file:?}").contains("efef"), "nor does its Debug show salts");
        for (bad, code) in [
            ("{", 116),
            (r#"{"format":"kolm-keys/2","keys":[]}"#, 116),
            (&written.replace(&"ef".repeat(32), "short"), 116),
        ] {
            std::fs::write(&path, bad).unwrap();
            let error = KeyFile::read(&path).unwrap_err();
            assert_eq!((error.code(), error.hint().is_some(), error.exit()), (Code(code), true, Exit::Usage));
        }
        let unwritable = file.write(&folder.path().join("no/such/folder/virtual.json")).unwrap_err();
        assert_eq!((unwritable.code(), unwritable.hint().is_some()), (Code(115), true));
    }
}
