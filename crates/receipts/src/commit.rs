//! Salted commitments to bodies: `SHA-256(tag ‖ salt ‖ bytes)`.
//!
//! **Invariant:** no body is ever hashed bare; prompts are guessable.

use sha2::{Digest, Sha256};

use crate::merkle::Hash;

/// What is committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// The request body as received.
    Req,
    /// The response body as sent.
    Resp,
    /// An anonymized pair.
    Pair,
}

impl Tag {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Req => b"kr1-req\n",
            Self::Resp => b"kr1-resp\n",
            Self::Pair => b"kr1-pair\n",
        }
    }
}

/// A commitment that is fed as the bytes come.
#[derive(Clone)]
pub struct Commitment(Sha256);

impl Commitment {
    /// Begins with tag and salt.
    pub fn new(tag: Tag, salt: &[u8; 32]) -> Self {
        Self(Sha256::new().chain_update(tag.bytes()).chain_update(salt))
    }

    /// Feeds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The commitment to all that was fed.
    pub fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// The commitment to bytes at hand.
pub fn commitment(tag: Tag, salt: &[u8; 32], bytes: &[u8]) -> Hash {
    let mut commitment = Commitment::new(tag, salt);
    commitment.update(bytes);
    commitment.finish()
}

#[cfg(test)]
mod tests {
    use kolm_core::hex;

    use super::*;

    #[test]
    fn the_commitments_of_the_vector() {
        let request = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
        let mut req = Commitment::new(Tag::Req, &[0x40; 32]);
        request.chunks(7).for_each(|chunk| req.update(chunk));
        assert_eq!(hex(&req.finish()), "0d92efa87dc389132a3f091421d4918f8bbae87454b14c6d477584649c868a9c");
        assert_eq!(
            hex(&commitment(Tag::Resp, &[0x41; 32], br#"{"id":"x"}"#)),
            "0d7256fa59462f840d0fca779a508b4f9e11d210fa1d70d4c69108ba0e1d5c2f"
        );
    }
}
