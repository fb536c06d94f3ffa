//! Identifiers. Minted from a clock and entropy that come in by the door, so a replay can testify about them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Entropy, Timestamp};

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// A name that does not fit its grammar.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is no {what}: it must match {grammar}")]
pub struct BadName {
    /// What was to be named.
    pub what: &'static str,
    /// The grammar as a regular expression.
    pub grammar: &'static str,
    /// What was given.
    pub given: String,
}

/// One request through the gateway: a UUIDv7 (RFC 9562), printed in its hyphenated form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(u128);

impl RequestId {
    /// A fresh id whose 48-bit time field is `at`.
    pub fn mint(at: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut random = [0; 10];
        entropy.fill(&mut random);
        Self::from_parts(at, random)
    }

    /// The id made of a time and ten random bytes (the six bits of version and variant are overwritten).
    pub fn from_parts(at: Timestamp, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(u128::from_be_bytes(bytes))
    }

    /// The time in the id.
    pub fn timestamp(self) -> Timestamp {
        Timestamp((self.0 >> 80) as i64)
    }

    /// The 16 bytes of the id.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = hex(&self.0.to_be_bytes());
        write!(f, "{}-{}-{}-{}-{}", &s[..8], &s[8..12], &s[12..16], &s[16..20], &s[20..])
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RequestId {
    type Err = BadName;

    fn from_str(given: &str) -> Result<Self, BadName> {
        let digits: String = given.chars().filter(|c| *c != '-').collect();
        let parsed = u128::from_str_radix(&digits, 16).ok().map(Self);
        parsed.filter(|id| id.to_string() == given && digits.as_bytes()[12] == b'7').ok_or_else(|| BadName {
            what: "request id",
            grammar: "a UUIDv7 in lower case with hyphens",
            given: given.to_owned(),
        })
    }
}

impl TryFrom<String> for RequestId {
    type Error = BadName;

    fn try_from(given: String) -> Result<Self, BadName> {
        given.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.to_string()
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $grammar:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(given: &str) -> Result<Self, BadName> {
                let ok: fn(&str) -> bool = $ok;
                if ok(given) {
                    Ok(Self(given.to_owned()))
                } else {
                    Err(BadName { what: $what, grammar: $grammar, given: given.to_owned() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(given: String) -> Result<Self, BadName> {
                given.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

fn is_slug(given: &str) -> bool {
    let bytes = given.as_bytes();
    (1..=63).contains(&bytes.len())
        && (bytes[0].is_ascii_lowercase() || bytes[0].is_ascii_digit())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(b))
}

name!(
    /// The tenant-visible compartment that captures, receipts and artifacts belong to.
    Namespace, "namespace", "[a-z0-9][a-z0-9._-]{0,62}", is_slug
);
name!(
    /// A route: the unit that moves from cloud to local.
    RouteName, "route name", "[a-z0-9][a-z0-9._-]{0,62}", is_slug
);
name!(
    /// The identity of an artifact: `sha256:` and the hex SHA-256 of its manifest bytes.
    ArtifactId, "artifact identity", "sha256:[0-9a-f]{64}",
    |given| given.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
);
