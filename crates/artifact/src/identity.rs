//! The identity of an artifact: the SHA-256 of its manifest's bytes, and the same digest as a CIDv1.

use kolm_core::{ArtifactId, hex};
use sha2::{Digest, Sha256};

use crate::Error;

/// `sha256:` and the hex digest of the manifest's bytes.
pub fn identity(manifest: &[u8]) -> Result<ArtifactId, Error> {
    let text = format!("sha256:{}", hex(&Sha256::digest(manifest)));
    text.parse().map_err(|bad: kolm_core::BadName| Error::build(bad.to_string()))
}

/// The identity as CIDv1: codec raw (0x55), hash sha2-256 (0x12), base32 in lower case without padding.
pub fn cid(identity: &ArtifactId) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = vec![0x01, 0x55, 0x12, 0x20];
    let digits = identity.as_str().trim_start_matches("sha256:").as_bytes();
    let nibble = |b: u8| char::from(b).to_digit(16).unwrap_or(0) as u8;
    bytes.extend(digits.chunks(2).map(|pair| nibble(pair[0]) << 4 | pair.get(1).map_or(0, |b| nibble(*b))));
    let mut out = "b".to_owned();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8 | u32::from(byte)) & 0xfff;
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
        }
    }
    if held > 0 {
        out.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector() {
        let id = identity(br#"{"spec":"kolm-manifest/1"}"#).unwrap();
        assert_eq!(id.as_str(), "sha256:fd39dd04e984ca4badf8c6b1523c5d7c8a4e80af623581b4ae51cfe8ce27cfb6");
        assert_eq!(cid(&id), "bafkreih5hhoqj2mezjf236ggwfjdyxl4rjhibl3cgwa3jlsrz7um4j6pwy");
    }
}
