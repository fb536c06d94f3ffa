//! The envelope around a manifest: DSSE over the exact manifest bytes.
//!
//! **Invariant:** an envelope speaks of one manifest, byte for byte.

use kolm_receipts::dsse;
use kolm_receipts::keys::SigningKey;

use crate::{Error, Trust};
pub use kolm_receipts::dsse::{Signature, pae};

/// The payload type of manifests.
pub const MANIFEST_TYPE: &str = "application/vnd.kolm.manifest.v1+json";

#[derive(Debug)]
pub(crate) struct Envelope(dsse::Envelope);

impl Envelope {
    /// An envelope around a manifest, not signed yet.
    pub(crate) fn new(manifest: &[u8]) -> Self {
        Self(dsse::Envelope::new(MANIFEST_TYPE, manifest))
    }

    /// Adds the signature of `key`, unless it has signed already.
    pub(crate) fn sign(&mut self, manifest: &[u8], key: &SigningKey) -> Result<(), Error> {
        self.0.sign(manifest, key).map_err(|wrong| Error::build(wrong.0))
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.0.to_bytes().map_err(|wrong| Error::build(wrong.0))
    }

    /// Reads an envelope that must be around `manifest`.
    pub(crate) fn parse(bytes: &[u8], manifest: &[u8]) -> Result<Self, Error> {
        let (envelope, signed) = dsse::Envelope::parse(bytes, MANIFEST_TYPE).map_err(wrong)?;
        if signed != manifest {
            return Err(wrong(dsse::Wrong("it signs another manifest".to_owned())));
        }
        Ok(Self(envelope))
    }

    /// The signatures, of which enough are by trusted keys.
    pub(crate) fn verify(&self, manifest: &[u8], trust: &Trust) -> Result<Vec<Signature>, Error> {
        self.0.verify(manifest, &trust.keys, trust.threshold).map_err(wrong)
    }
}

fn wrong(why: dsse::Wrong) -> Error {
    Error::Signature { why: why.0 }
}
