//! What may lie in an artifact: paths, their order, their limits.

use crate::{Error, SIZE_LIMIT};

pub(crate) const MIMETYPE: &str = "mimetype";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const ENVELOPE: &str = "manifest.dsse.json";
pub(crate) const CHUNKS: &str = "chunks.bin";
pub(crate) const SCORERS: &str = "scorers.json";
pub(crate) const WEIGHTS: &str = "weights.safetensors";
/// Content of `mimetype`.
pub(crate) const MEDIA_TYPE: &[u8] = b"application/vnd.kolm.artifact.v1";
/// Most members of an artifact.
pub(crate) const MOST: usize = 64;
const MOST_LICENSES: usize = 32;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// One kind of member: path, place in the file, limit, role, media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) rank: u8,
    pub(crate) limit: u64,
    role: &'static str,
    media_type: &'static str,
}

const fn place(rank: u8, limit: u64, role: &'static str, media_type: &'static str) -> Place {
    Place { rank, limit, role, media_type }
}

const PLACES: [(&str, Place); 14] = [
    (MIMETYPE, place(1, 32, "mimetype", "text/plain")),
    (MANIFEST, place(2, MIB, "manifest", "application/json")),
    (ENVELOPE, place(3, 2 * MIB, "signatures", "application/json")),
    (CHUNKS, place(4, 98_304, "chunks", "application/octet-stream")),
    ("tokenizer.json", place(5, 32 * MIB, "tokenizer", "application/json")),
    ("chat_template.txt", place(6, 256 * KIB, "template", "text/plain")),
    (SCORERS, place(7, MIB, "scorers", "application/json")),
    ("eval/cases.jsonl", place(8, 64 * MIB, "cases", "application/jsonl")),
    ("eval/cases.digests", place(8, 64 * MIB, "cases", "application/octet-stream")),
    ("eval/report.json", place(9, 4 * MIB, "report", "application/json")),
    ("provenance.intoto.json", place(10, MIB, "provenance", "application/vnd.in-toto+json")),
    ("bom.cdx.json", place(11, 4 * MIB, "bom", "application/vnd.cyclonedx+json")),
    ("card.md", place(12, 256 * KIB, "card", "text/markdown")),
    (WEIGHTS, place(14, SIZE_LIMIT, "weights", "application/octet-stream")),
];
const LICENSE: Place = place(13, 256 * KIB, "license", "text/plain");

/// Where a member stands; `None` for a path that no artifact holds.
pub(crate) fn place_of(path: &str) -> Option<Place> {
    let license = path.strip_prefix("licenses/").and_then(|rest| rest.strip_suffix(".txt"));
    if license.is_some_and(|name| !name.is_empty() && !name.contains('/')) && is_path(path) {
        return Some(LICENSE);
    }
    PLACES.iter().find(|(known, _)| *known == path).map(|(_, place)| *place)
}

/// `[a-z0-9._/-]{1,96}` without empty, `.` or `..` segments.
pub(crate) fn is_path(path: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._/-".contains(&b);
    (1..=96).contains(&path.len())
        && path.bytes().all(word)
        && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

/// What is wrong with paths and sizes in file order; `None` when they make an artifact.
pub(crate) fn misfit<'a>(members: impl Iterator<Item = (&'a str, u64)>) -> Option<String> {
    let mut last: Option<(u8, &str)> = None;
    let (mut count, mut licenses, mut weights) = (0, 0, false);
    for (path, size) in members {
        let Some(place) = place_of(path) else {
            return Some(format!("`{path}` is no member of an artifact"));
        };
        if size > place.limit {
            return Some(format!("`{path}` has {size} bytes, the limit is {}", place.limit));
        }
        // Paths of one rank exclude each other, but for licences, which are sorted.
        let follows = match last {
            None => path == MIMETYPE,
            Some((rank, before)) => {
                place.rank > rank || (place.rank == rank && rank == LICENSE.rank && path > before)
            }
        };
        let skipped = (2..=4).contains(&place.rank) && last.is_none_or(|(rank, _)| rank + 1 != place.rank);
        let early = place.rank > 4 && last.is_none_or(|(rank, _)| rank < 4);
        if !follows || skipped || early {
            return Some(format!("`{path}` is out of order or a member before it is missing"));
        }
        count += 1;
        licenses += usize::from(place.rank == LICENSE.rank);
        weights |= path == WEIGHTS;
        last = Some((place.rank, path));
    }
    if !weights {
        Some(format!("`{WEIGHTS}` is missing"))
    } else if count > MOST || licenses > MOST_LICENSES {
        Some(format!(
            "{count} members and {licenses} licences, at most {MOST} and {MOST_LICENSES} are allowed"
        ))
    } else {
        None
    }
}

/// One member to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path, one of those in section 2 of the format.
    pub path: String,
    /// What it is for.
    pub role: String,
    /// Its media type.
    pub media_type: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Member {
    /// A member with the role and media type that its path usually has.
    pub fn new(path: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let place =
            place_of(path).ok_or_else(|| Error::build(format!("`{path}` is no member of an artifact")))?;
        Ok(Self {
            path: path.to_owned(),
            role: place.role.to_owned(),
            media_type: place.media_type.to_owned(),
            bytes,
        })
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Member({}, {} bytes)", self.path, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [&str; 4] = [MIMETYPE, MANIFEST, ENVELOPE, CHUNKS];

    fn check(rest: &[&str]) -> Option<String> {
        misfit(HEAD.iter().chain(rest).map(|path| (*path, 1)))
    }

    #[test]
    fn order_is_checked() {
        let whole =
            ["tokenizer.json", "eval/cases.jsonl", "card.md", "licenses/a.txt", "licenses/b.txt", WEIGHTS];
        assert_eq!(check(&whole), None);
        assert_eq!(check(&[WEIGHTS]), None);
        for bad in [
            &["tokenizer.json"][..],
            &[WEIGHTS, WEIGHTS],
            &["card.md", "tokenizer.json", WEIGHTS],
            &["licenses/b.txt", "licenses/a.txt", WEIGHTS],
            &["licenses/a.txt", "licenses/a.txt", WEIGHTS],
            &["eval/cases.jsonl", "eval/cases.digests", WEIGHTS],
            &["code.py", WEIGHTS],
            &["licenses/../a.txt", WEIGHTS],
        ] {
            assert!(check(bad).is_some(), "{bad:?}");
        }
        for missing in HEAD.iter().take(4) {
            let rest = HEAD.iter().filter(|path| *path != missing).map(|path| (*path, 1));
            assert!(misfit(rest.chain([(WEIGHTS, 1)])).is_some(), "without {missing}");
        }
        assert!(misfit(std::iter::empty()).is_some());
    }

    #[test]
    fn limits_at_their_edge() {
        for (path, place) in PLACES.iter().filter(|(_, place)| (5..=12).contains(&place.rank)) {
            let head = || HEAD.iter().map(|path| (*path, 1));
            let with = |size| misfit(head().chain([(*path, size), (WEIGHTS, 1)]));
            assert_eq!((with(place.limit), with(place.limit - 1)), (None, None), "{path}");
            assert!(with(place.limit + 1).is_some(), "{path}");
        }
        let licenses: Vec<String> = (0..33).map(|i| format!("licenses/{i:02}.txt")).collect();
        let many = |n: usize| {
            let some: Vec<&str> = licenses[..n].iter().map(String::as_str).chain([WEIGHTS]).collect();
            check(&some)
        };
        assert_eq!(many(32), None);
        assert!(many(33).is_some());
    }

    #[test]
    fn paths() {
        for good in ["a", "eval/cases.jsonl", &"a".repeat(96)] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", ".", "a/../b", "./a", "A", "a b", "ä", "a\\b", &"a".repeat(97)] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
