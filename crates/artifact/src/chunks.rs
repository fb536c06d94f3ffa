//! The chunk tree: members above 1 MiB in chunks of 1 MiB, hashed as leaves of an RFC 6962 tree.

use kolm_core::hex;
use kolm_receipts::merkle::{Hash, leaf_hash, root};

use crate::{Error, MemberEntry};

/// Size of a chunk, and the largest member without a tree.
pub(crate) const CHUNK: usize = 1024 * 1024;

/// The leaves of a member, none when it is too small for a tree.
pub(crate) fn leaves(bytes: &[u8]) -> Vec<Hash> {
    if bytes.len() <= CHUNK { Vec::new() } else { bytes.chunks(CHUNK).map(leaf_hash).collect() }
}

/// The root of a member as the manifest states it: empty without a tree.
pub(crate) fn root_text(leaves: &[Hash]) -> String {
    if leaves.is_empty() { String::new() } else { hex(&root(leaves)) }
}

/// Cuts `chunks.bin` into the leaves of each member and holds their roots against the manifest.
pub(crate) fn table(chunks: &[u8], members: &[MemberEntry]) -> Result<Vec<Vec<Hash>>, Error> {
    let wrong = |member: &str, why| Error::ChunksRoot { member: member.to_owned(), why };
    let (hashes, odd) = chunks.as_chunks::<32>();
    let mut rest = hashes;
    let mut out = Vec::with_capacity(members.len());
    for member in members {
        let count = if member.size > CHUNK as u64 { member.size.div_ceil(CHUNK as u64) as usize } else { 0 };
        let Some((leaves, after)) = rest.split_at_checked(count) else {
            return Err(wrong(&member.path, "it ends too early"));
        };
        if root_text(leaves) != member.chunk_root {
            return Err(wrong(&member.path, "another root"));
        }
        out.push(leaves.to_vec());
        rest = after;
    }
    if rest.is_empty() && odd.is_empty() {
        Ok(out)
    } else {
        Err(wrong(crate::members::CHUNKS, "it is too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_begins_above_one_chunk() {
        let bytes: Vec<u8> = (0..2 * CHUNK + 1).map(|i| (i % 251) as u8).collect();
        for (size, want) in
            [(0, 0), (CHUNK - 1, 0), (CHUNK, 0), (CHUNK + 1, 2), (2 * CHUNK, 2), (2 * CHUNK + 1, 3)]
        {
            assert_eq!(leaves(&bytes[..size]).len(), want, "{size}");
        }
        let two = leaves(&bytes[..2 * CHUNK]);
        let joined = kolm_receipts::merkle::node_hash(
            &leaf_hash(&bytes[..CHUNK]),
            &leaf_hash(&bytes[CHUNK..2 * CHUNK]),
        );
        assert_eq!(root_text(&two), hex(&joined));
    }
}
