//! Ids of an answer, all from the request's id: replaying a request mints the same ones.

use kolm_core::{ArtifactId, RequestId, hex};
use sha2::{Digest, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `chatcmpl-` and 29 digits of base 62, least significant first.
pub(crate) fn completion(id: RequestId) -> String {
    let mut number: [u8; 32] = Sha256::new()
        .chain_update("kolm-id/1\n")
        .chain_update(id.to_string())
        .chain_update("\nchatcmpl")
        .finalize()
        .into();
    let mut out = String::from("chatcmpl-");
    for _ in 0..29 {
        out.push(char::from(BASE62[digit(&mut number)]));
    }
    out
}

/// Divides a big-endian number by 62 and gives the remainder.
fn digit(number: &mut [u8; 32]) -> usize {
    let mut rest = 0;
    for byte in number {
        let part = rest << 8 | usize::from(*byte);
        *byte = (part / 62) as u8;
        rest = part % 62;
    }
    rest
}

/// The value of `x-request-id`.
pub(crate) fn request(id: RequestId) -> String {
    format!("req_{}", hex(&id.to_bytes()))
}

/// `fp_` and ten hex digits of the artifact and this build.
pub(crate) fn fingerprint(identity: &ArtifactId) -> String {
    let digest = Sha256::new()
        .chain_update(identity.as_str())
        .chain_update("\n")
        .chain_update(env!("CARGO_PKG_VERSION"));
    format!("fp_{}", &hex(&digest.finalize())[..10])
}

#[cfg(test)]
mod tests {
    use kolm_core::Timestamp;

    use super::*;

    #[test]
    fn ids_have_their_shape_and_depend_on_the_request_alone() {
        let id = RequestId::from_parts(Timestamp(1_790_000_000_000), [7; 10]);
        let other = RequestId::from_parts(Timestamp(1_790_000_000_000), [8; 10]);
        let minted = completion(id);
        assert_eq!(minted, completion(id));
        assert_ne!(minted, completion(other));
        let digits = minted.strip_prefix("chatcmpl-").unwrap();
        assert!(digits.len() == 29 && digits.bytes().all(|b| b.is_ascii_alphanumeric()), "{minted}");
        assert_eq!(request(id), "req_01a0c4506c0077078707070707070707");
    }

    #[test]
    fn digits_are_those_of_base_62() {
        let mut number = [0; 32];
        (number[30], number[31]) = (0x0f, 0xff);
        // 4095 = 1 * 62^2 + 4 * 62 + 3
        assert_eq!([(); 4].map(|()| digit(&mut number)), [3, 4, 1, 0]);
    }
}
