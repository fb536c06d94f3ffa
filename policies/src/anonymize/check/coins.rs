//! Addresses of coins: Bitcoin and its kin, Ethereum, Ripple, Monero, Solana.
//!
//! **Invariant:** takes the value as written, case included; where the coin has a check that needs no more than a hash
//! of this crate, the check decides.

use sha2::{Digest, Sha256};

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// Bytes of an address with its check, and of a public key.
const ADDRESS: usize = 25;
const KEY: usize = 32;

/// The number that `value` writes in 58 signs, in `N` bytes.
fn base58<const N: usize>(value: &[u8], alphabet: &[u8; 58]) -> Option<[u8; N]> {
    let mut out = [0_u8; N];
    for byte in value {
        let mut carry = alphabet.iter().position(|a| a == byte)? as u32;
        for slot in out.iter_mut().rev() {
            carry += u32::from(*slot) * 58;
            *slot = (carry & 255) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(out)
}

fn checked(value: &[u8], alphabet: &[u8; 58]) -> bool {
    value.len() <= 36
        && base58::<ADDRESS>(value, alphabet).is_some_and(|raw| {
            let hash = Sha256::digest(Sha256::digest(&raw[..21]));
            hash[..4] == raw[21..]
        })
}

/// Is it the address of a coin?
pub(crate) fn crypto(value: &[u8]) -> bool {
    ethereum(value) || bech32(value) || checked(value, BITCOIN) || checked(value, RIPPLE) || monero(value)
}

/// Thirty-two bytes in 58 signs, as Solana's addresses are: alone they may be anything.
pub(crate) fn crypto_key(value: &[u8]) -> bool {
    let mixed = [u8::is_ascii_uppercase, u8::is_ascii_lowercase, u8::is_ascii_digit];
    (32..=44).contains(&value.len())
        && mixed.iter().all(|what| value.iter().any(what))
        && base58::<KEY>(value, BITCOIN).is_some_and(|raw| raw[0] != 0)
}

/// `0x` and twenty bytes; their check needs a hash of its own, and small letters have none.
fn ethereum(value: &[u8]) -> bool {
    let Some(body) = value.strip_prefix(b"0x") else { return false };
    let digits = body.iter().filter(|b| b.is_ascii_digit()).count();
    body.len() == 40
        && body.iter().all(u8::is_ascii_hexdigit)
        && (4..40).contains(&digits)
        && body.windows(8).all(|w| w != b"00000000")
}

/// Ninety-five signs, the first of which names the network; their check needs a hash of its own.
fn monero(value: &[u8]) -> bool {
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    value.len() == 95
        && matches!(value, [b'4', b'0'..=b'9' | b'A' | b'B', ..] | [b'8', ..])
        && (48..95).contains(&letters)
        && value.iter().all(|b| BITCOIN.contains(b))
}

/// What the addresses of coins begin with, before a `1`.
const PARTS: [&[u8]; 14] = [
    b"bc",
    b"tb",
    b"ltc",
    b"addr",
    b"stake",
    b"cosmos",
    b"osmo",
    b"bnb",
    b"terra",
    b"inj",
    b"kava",
    b"juno",
    b"celestia",
    b"axelar",
];

fn bech32(value: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let low = value.to_ascii_lowercase();
    let Some(one) = low.iter().position(|b| *b == b'1') else { return false };
    let part = &low[..one];
    if !PARTS.contains(&part) || low.len() < one + 8 {
        return false;
    }
    let mut sum: u32 = 1;
    let mut step = |x: u32| {
        let top = sum >> 25;
        sum = ((sum & 0x01ff_ffff) << 5) ^ x;
        for (i, g) in [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].iter().enumerate() {
            if top >> i & 1 == 1 {
                sum ^= g;
            }
        }
    };
    // The part that people can read, expanded.
    part.iter().for_each(|b| step(u32::from(b >> 5)));
    step(0);
    part.iter().for_each(|b| step(u32::from(b & 31)));
    for byte in &low[one + 1..] {
        match ALPHABET.iter().position(|a| a == byte) {
            Some(x) => step(x as u32),
            None => return false,
        }
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_many_coins() {
        for good in [
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
            "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae",
        ] {
            assert!(crypto(good.as_bytes()), "{good}");
        }
        for bad in [
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi",
            "0x0000000000000000000000000000000000000000",
            "0xde0b295669a9fd93d5f28d9ec85e40f4cb697ba",
            "zz1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ] {
            assert!(!crypto(bad.as_bytes()), "{bad}");
        }
        assert!(crypto_key(b"4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"));
        assert!(!crypto_key(b"aVeryLongNameOfSomeFunctionInAProgramThatCounts"));
    }
}
