//! The vault's records: what took the place of a value, and the value itself, sealed with XChaCha20-Poly1305.
//!
//! **Invariant:** an original leaves this module sealed, or opened by the key that sealed it; keys and originals are
//! wiped when dropped and printed by nothing. Nonces come in by the door.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use kolm_core::{Namespace, hex};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::kind::Type;

/// Version of the records; the associated data begins with it.
const FORMAT: &str = "kolm-vault/1";
/// What is sealed is filled up to a multiple of this, so that its length tells little.
const BLOCK: usize = 64;
/// Bytes of a nonce.
const NONCE: usize = 24;

/// The key of a key file. Whoever has it can open what any namespace sealed under it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A key from its bytes.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Eight digits by which records say which key they need.
    pub fn id(&self) -> String {
        hex(&self.derived(&[b"id"])[..4])
    }

    /// The key that a namespace's records are sealed with: it opens no other's.
    pub fn of(&self, namespace: &Namespace) -> NamespaceKey {
        self.named(namespace.as_str())
    }

    /// The key for a file of `kolm anonymize`, which belongs to no namespace.
    pub fn of_file(&self) -> NamespaceKey {
        self.named("")
    }

    fn named(&self, namespace: &str) -> NamespaceKey {
        let key = self.derived(&[b"namespace", namespace.as_bytes()]);
        NamespaceKey { id: self.id(), namespace: namespace.to_owned(), key }
    }

    /// One block of HKDF-Expand; the key is uniformly random already.
    fn derived(&self, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        // HMAC pads a key to the block of 64 bytes; written so, no error is possible.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&self.0[..]);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        mac.update(&joined([FORMAT.as_bytes()].into_iter().chain(info.iter().copied())));
        mac.update(&[1]);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The key of one namespace.
#[derive(Clone, PartialEq, Eq)]
pub struct NamespaceKey {
    /// The id of the key that it was derived from.
    id: String,
    namespace: String,
    key: Zeroizing<[u8; 32]>,
}

impl NamespaceKey {
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.key).into())
    }

    /// What a record is bound to: moved to another capture, type or namespace it does not open.
    fn bound(&self, id: &str, ty: &str) -> Vec<u8> {
        joined([FORMAT, &self.namespace, id, ty].map(str::as_bytes))
    }
}

impl fmt::Debug for NamespaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamespaceKey({})", self.namespace)
    }
}

/// What the types in mode `vault` were in one exchange, and what took their place: each distinct pair once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Originals(BTreeSet<(Type, String, String)>);

impl Originals {
    pub(crate) fn add(&mut self, ty: Type, original: &str, surrogate: &str) {
        let known = self.0.replace((ty, original.to_owned(), surrogate.to_owned()));
        known.into_iter().for_each(|(_, mut original, _)| original.zeroize());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One record for each, bound to the capture `id`; `nonce` gives random bytes, fresh for each. `None` where
    /// sealing fails, which it does for values of hundreds of gigabytes.
    pub fn seal(
        &self,
        key: &NamespaceKey,
        id: &str,
        mut nonce: impl FnMut() -> [u8; NONCE],
    ) -> Option<Vec<Sealed>> {
        let cipher = key.cipher();
        let one = |(ty, original, surrogate): &(Type, String, String)| {
            let mut plain = Zeroizing::new(serde_json::to_vec(&[original, surrogate]).ok()?);
            // White space behind a JSON value is no part of it.
            let whole = plain.len().next_multiple_of(BLOCK);
            plain.resize(whole, b' ');
            let (nonce, aad) = (nonce(), key.bound(id, ty.as_str()));
            let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &aad }).ok()?;
            Some(Sealed {
                id: id.to_owned(),
                ty: ty.as_str().to_owned(),
                key: key.id.clone(),
                nonce: STANDARD.encode(nonce),
                sealed: STANDARD.encode(sealed),
            })
        };
        self.0.iter().map(one).collect()
    }
}

impl fmt::Debug for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Originals({})", self.0.len())
    }
}

impl Drop for Originals {
    fn drop(&mut self) {
        for (_, mut original, _) in std::mem::take(&mut self.0) {
            original.zeroize();
        }
    }
}

/// One record as it is written: capture and type in the clear, the pair of values sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    id: String,
    #[serde(rename = "type")]
    ty: String,
    key: String,
    nonce: String,
    sealed: String,
}

/// A record that was opened.
pub struct Opened {
    /// The capture.
    pub id: String,
    /// The type.
    pub ty: String,
    /// What the text said.
    pub original: Zeroizing<String>,
    /// What took its place.
    pub surrogate: String,
}

/// Why a record does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unopened {
    /// It was sealed under another key.
    #[error("the record was sealed with the key {0}")]
    OtherKey(String),
    /// It was altered, or moved from another capture, type or namespace.
    #[error("the record was altered or moved")]
    Altered,
}

impl Sealed {
    /// The capture that it belongs to.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The pair of values, with the key that sealed it.
    pub fn open(&self, key: &NamespaceKey) -> Result<Opened, Unopened> {
        if self.key != key.id {
            return Err(Unopened::OtherKey(self.key.clone()));
        }
        let opened = || {
            let nonce: [u8; NONCE] = STANDARD.decode(&self.nonce).ok()?.try_into().ok()?;
            let (sealed, aad) = (STANDARD.decode(&self.sealed).ok()?, key.bound(&self.id, &self.ty));
            let payload = Payload { msg: &sealed, aad: &aad };
            let plain = Zeroizing::new(key.cipher().decrypt(&XNonce::from(nonce), payload).ok()?);
            let (original, surrogate) = serde_json::from_slice(&plain).ok()?;
            let original = Zeroizing::new(original);
            Some(Opened { id: self.id.clone(), ty: self.ty.clone(), original, surrogate })
        };
        opened().ok_or(Unopened::Altered)
    }
}

/// Parts behind their lengths, so that no two lists of parts are the same bytes.
fn joined<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests;
