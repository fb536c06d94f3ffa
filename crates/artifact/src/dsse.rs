//! DSSE envelopes: Ed25519 over the pre-authentication encoding of the exact manifest bytes.
//!
//! **Invariant:** trust comes from the caller's keys alone; a `keyid` in a file decides nothing by itself.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use kolm_receipts::keys::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::{Error, Trust};

/// The payload type of manifests.
pub const MANIFEST_TYPE: &str = "application/vnd.kolm.manifest.v1+json";
/// Most signatures of an envelope.
const MOST: usize = 16;

/// What is signed: type and body, each behind its length.
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// A signature of an artifact and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key that the file names: a hint.
    pub keyid: String,
    /// Name of the trusted key that it verifies under.
    pub trusted: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Signed {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// An envelope around a manifest, not signed yet.
    pub(crate) fn new(manifest: &[u8]) -> Self {
        Self {
            payload: STANDARD.encode(manifest),
            payload_type: MANIFEST_TYPE.to_owned(),
            signatures: Vec::new(),
        }
    }

    /// Adds the signature of `key`, unless it has signed already.
    pub(crate) fn sign(&mut self, manifest: &[u8], key: &SigningKey) -> Result<(), Error> {
        let signed =
            Signed { keyid: key.vkey(), sig: STANDARD.encode(key.sign(&pae(MANIFEST_TYPE, manifest))) };
        // Ed25519 is deterministic: the same key signing twice gives the same bytes.
        if self.signatures.iter().any(|known| known.sig == signed.sig) {
            return Ok(());
        }
        if self.signatures.len() == MOST {
            return Err(Error::build(format!("it has {MOST} signatures already")));
        }
        self.signatures.push(signed);
        Ok(())
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|e| Error::build(e.to_string()))
    }

    /// Reads an envelope that must be around `manifest`.
    pub(crate) fn parse(bytes: &[u8], manifest: &[u8]) -> Result<Self, Error> {
        let envelope: Self =
            serde_json::from_slice(bytes).map_err(|e| wrong(format!("the envelope is not readable: {e}")))?;
        if envelope.payload_type != MANIFEST_TYPE {
            return Err(wrong(format!("it signs a `{}`", envelope.payload_type)));
        }
        if decode(&envelope.payload).as_deref() != Some(manifest) {
            return Err(wrong("it signs another manifest"));
        }
        if envelope.signatures.is_empty() || envelope.signatures.len() > MOST {
            return Err(wrong(format!("{} signatures, 1 to {MOST} are allowed", envelope.signatures.len())));
        }
        Ok(envelope)
    }

    /// Counts the trusted keys that signed. A signature that names a trusted key and does not verify under
    /// any is a forgery; one that names nobody we know is ignored.
    pub(crate) fn verify(&self, manifest: &[u8], trust: &Trust) -> Result<Vec<Signature>, Error> {
        let message = pae(MANIFEST_TYPE, manifest);
        let mut found: Vec<Signature> = Vec::with_capacity(self.signatures.len());
        for signed in &self.signatures {
            let sig = decode(&signed.sig).unwrap_or_default();
            let by = trust.keys.iter().find(|key| key.verify(&message, &sig));
            if by.is_none() && trust.keys.iter().any(|key| names(&signed.keyid, key)) {
                return Err(wrong(format!("the signature of `{}` is not theirs", signed.keyid)));
            }
            found.push(Signature { keyid: signed.keyid.clone(), trusted: by.map(ToString::to_string) });
        }
        let mut keys: Vec<&String> =
            found.iter().filter_map(|signature| signature.trusted.as_ref()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() < trust.threshold {
            return Err(wrong(format!("{} of {} trusted signatures", keys.len(), trust.threshold)));
        }
        Ok(found)
    }
}

fn names(keyid: &str, key: &VerifyingKey) -> bool {
    keyid == key.to_string()
}

/// The specification allows both alphabets.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Signature { why: why.into() }
}
