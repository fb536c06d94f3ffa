//! Codes that mean nothing by themselves: UUIDs, ULIDs, digests. Whom they point to only the words before them say.
//!
//! **Invariant:** a code behind a word of people stays found, and one that stands alone too.

use super::line::Lines;
use crate::anonymize::kind::{Evidence, Finding};
use crate::anonymize::machine;
use crate::anonymize::token::is_uuid;

/// How far before a code its words are looked for, other codes not counted.
const REACH: usize = 160;
/// How far back that may be.
const FAR: usize = 1024;

/// The words right before a code.
const BESIDE: usize = 4;

/// Words of those who work with such codes.
const TECHNICAL: [&str; 49] = [
    "uuid",
    "uuids",
    "guid",
    "guids",
    "ulid",
    "ulids",
    "clsid",
    "endpoint",
    "api",
    "dedupe",
    "sort",
    "sorted",
    "md5",
    "md5sum",
    "sha",
    "checksum",
    "hash",
    "hashes",
    "digest",
    "traceparent",
    "trace",
    "span",
    "commit",
    "registry",
    "provisioning",
    "gpu",
    "bucket",
    "dump",
    "dumps",
    "module",
    "regsvr32",
    "bluetooth",
    "partition",
    "openstack",
    "kernel",
    "driver",
    "cluster",
    "etag",
    "gpg",
    "pgp",
    "recv",
    "keyserver",
    "fingerprint",
    "thumbprint",
    "cache",
    "npm",
    "deps",
    "rsa",
    "certificate",
];

/// Is the code at the finding nobody's?
pub(super) fn is_nobodys(text: &[u8], f: &Finding, lines: &Lines) -> bool {
    let value = &text[f.start..f.end];
    if !is_opaque(value) || f.evidence == Evidence::Label {
        return false;
    }
    let words = words_before(text, f.start);
    let tail = &text[f.end..text.len().min(f.end + 48)];
    let says = |words: &[String]| words.iter().any(|word| TECHNICAL.contains(&word.as_str()));
    let technical = lines.any() || says(&words) || says(&machine::words(tail));
    let near = &words[..words.len().min(BESIDE)];
    let opens = machine::of_doors(near) && !says(near);
    !words.is_empty() && technical && !opens && !machine::of_people(&words)
}

fn is_opaque(value: &[u8]) -> bool {
    let hex = value.len() >= 32 && value.iter().all(u8::is_ascii_hexdigit);
    is_uuid(value) || hex || is_ulid(value)
}

/// `01J0G5J39VVRMNX3NTYF1JCZ0Q`: 48 bits of a clock and 80 of chance.
fn is_ulid(value: &[u8]) -> bool {
    let letter = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase() && !b"ILOU".contains(b);
    value.len() == 26 && value[0] == b'0' && value.iter().all(letter)
}

/// The words before a code, without other codes among them.
fn words_before(text: &[u8], at: usize) -> Vec<String> {
    let head = &text[at.saturating_sub(FAR)..at];
    let mut kept = 0;
    let mut out = Vec::new();
    for part in head.rsplit(u8::is_ascii_whitespace).filter(|part| !part.is_empty()) {
        let bare = part.iter().filter(|b| b.is_ascii_hexdigit() || **b == b'-').count();
        if bare + 4 >= part.len() && part.len() >= 30 || is_ulid(part) {
            continue;
        }
        kept += part.len() + 1;
        out.extend(machine::words(part));
        if kept > REACH {
            break;
        }
    }
    out
}
