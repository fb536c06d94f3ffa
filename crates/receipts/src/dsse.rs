//! DSSE envelopes: Ed25519 over the pre-authentication encoding of the exact bytes of a payload.
//!
//! **Invariant:** trust comes from the caller's keys alone; a `keyid` in a file decides nothing by itself.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::keys::{SigningKey, VerifyingKey};

/// The payload type of in-toto Statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Most signatures of an envelope.
const MOST: usize = 16;

/// Why an envelope does not hold, or cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Wrong(pub String);

/// What is signed: type and body, each behind its length.
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// A signature and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key that the file names: a hint.
    pub keyid: String,
    /// Name of the trusted key that it verifies under.
    pub trusted: Option<String>,
}

/// A payload and who signed it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
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
    /// An envelope around `body`, not signed yet.
    pub fn new(payload_type: &str, body: &[u8]) -> Self {
        Self { payload: STANDARD.encode(body), payload_type: payload_type.to_owned(), signatures: Vec::new() }
    }

    /// Adds the signature of `key`, unless it has signed already.
    ///
    /// # Errors
    /// There are too many signatures.
    pub fn sign(&mut self, body: &[u8], key: &SigningKey) -> Result<(), Wrong> {
        let signed =
            Signed { keyid: key.vkey(), sig: STANDARD.encode(key.sign(&pae(&self.payload_type, body))) };
        // Ed25519 is deterministic: the same key signing twice gives the same bytes.
        if self.signatures.iter().any(|known| known.sig == signed.sig) {
            return Ok(());
        }
        if self.signatures.len() == MOST {
            return Err(Wrong(format!("it has {MOST} signatures already")));
        }
        self.signatures.push(signed);
        Ok(())
    }

    /// The envelope as JSON in one line.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Wrong> {
        serde_json::to_vec(self).map_err(|error| Wrong(error.to_string()))
    }

    /// Reads an envelope around a payload of this type, and the payload.
    ///
    /// # Errors
    /// It is no envelope, holds something else, or is not signed.
    pub fn parse(bytes: &[u8], payload_type: &str) -> Result<(Self, Vec<u8>), Wrong> {
        let envelope: Self = serde_json::from_slice(bytes)
            .map_err(|error| Wrong(format!("the envelope is not readable: {error}")))?;
        if envelope.payload_type != payload_type {
            return Err(Wrong(format!("it signs a `{}`", envelope.payload_type)));
        }
        if envelope.signatures.is_empty() || envelope.signatures.len() > MOST {
            let n = envelope.signatures.len();
            return Err(Wrong(format!("{n} signatures, 1 to {MOST} are allowed")));
        }
        let body = decode(&envelope.payload).ok_or_else(|| Wrong("its payload is not base64".to_owned()))?;
        Ok((envelope, body))
    }

    /// Finds the signatures of trusted keys; `threshold` of these keys must have signed. A signature that names a
    /// trusted key and does not verify under any is a forgery; one that names nobody we know is ignored.
    ///
    /// # Errors
    /// A forgery, or too few keys.
    pub fn verify(
        &self,
        body: &[u8],
        trusted: &[VerifyingKey],
        threshold: usize,
    ) -> Result<Vec<Signature>, Wrong> {
        let message = pae(&self.payload_type, body);
        let mut found: Vec<Signature> = Vec::with_capacity(self.signatures.len());
        for signed in &self.signatures {
            let sig = decode(&signed.sig).unwrap_or_default();
            let by = trusted.iter().find(|key| key.verify(&message, &sig));
            if by.is_none() && trusted.iter().any(|key| signed.keyid == key.to_string()) {
                return Err(Wrong(format!("the signature of `{}` is not theirs", signed.keyid)));
            }
            found.push(Signature { keyid: signed.keyid.clone(), trusted: by.map(ToString::to_string) });
        }
        let mut keys: Vec<&String> =
            found.iter().filter_map(|signature| signature.trusted.as_ref()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() < threshold {
            return Err(Wrong(format!("{} of {threshold} trusted signatures", keys.len())));
        }
        Ok(found)
    }
}

/// The specification allows both alphabets.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_what_was_signed_under_its_type() {
        let key = SigningKey::from_seed("kolm/decision", &[7; 32]).unwrap();
        let body = br#"{"_type":"https://in-toto.io/Statement/v1"}"#;
        let mut envelope = Envelope::new(IN_TOTO, body);
        envelope.sign(body, &key).unwrap();
        envelope.sign(body, &key).unwrap();
        let bytes = envelope.to_bytes().unwrap();
        let (read, payload) = Envelope::parse(&bytes, IN_TOTO).unwrap();
        assert_eq!(payload, body);
        assert_eq!(read.verify(&payload, &[key.verifying()], 1).unwrap().len(), 1, "signed once");
        assert!(Envelope::parse(&bytes, "text/plain").unwrap_err().0.contains("it signs a"));
        let other = SigningKey::from_seed("kolm/decision", &[8; 32]).unwrap();
        assert_eq!(
            read.verify(&payload, &[other.verifying()], 1).unwrap_err().0,
            "0 of 1 trusted signatures"
        );
        let text = String::from_utf8(bytes).unwrap();
        let turned = text.replacen("\"sig\":\"", "\"sig\":\"AAAA", 1);
        let (turned, payload) = Envelope::parse(turned.as_bytes(), IN_TOTO).unwrap();
        let why = turned.verify(&payload, &[key.verifying()], 1).unwrap_err().0;
        assert!(why.contains("is not theirs"), "{why}");
    }
}
