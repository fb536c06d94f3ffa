//! RFC 6962 hashing: leaves are prefixed with 0x00, nodes with 0x01, SHA-256 throughout.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The hash of one leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The tree's root over leaf hashes; SHA-256 of nothing for an empty list.
pub fn root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        many => {
            let left = many.len().next_power_of_two() / 2;
            node_hash(&root(&many[..left]), &root(&many[left..]))
        }
    }
}

/// A tree that grows: the roots of its whole subtrees, the largest first.
#[derive(Debug, Clone, Default)]
pub struct Growing {
    n: u64,
    roots: Vec<Hash>,
}

impl Growing {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let mut hash = leaf_hash(leaf);
        // Two whole subtrees of one size become one.
        for _ in 0..self.n.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.roots.push(hash);
        self.n += 1;
    }

    /// How many leaves there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The tree's root; SHA-256 of nothing for an empty tree.
    pub fn root(&self) -> Hash {
        let joined = self.roots.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(|| root(&[]))
    }
}

#[cfg(test)]
mod tests {
    use kolm_core::hex;

    use super::*;

    #[test]
    fn roots_of_the_certificate_transparency_vectors() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        for (n, want) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            assert_eq!(hex(&root(&hashes[..n])), want, "{n} leaves");
        }
    }

    #[test]
    fn a_tree_that_grows_has_the_root_of_its_leaves() {
        let (mut tree, mut hashes) = (Growing::default(), Vec::new());
        for n in 0..300_u32 {
            assert_eq!((tree.n(), tree.root()), (u64::from(n), root(&hashes)), "{n} leaves");
            tree.push(&n.to_be_bytes());
            hashes.push(leaf_hash(&n.to_be_bytes()));
        }
    }
}
