//! Every part of a file, flipped, cut and exchanged: the right check must find it.

use super::*;
use crate::zip;

/// Where a member's content begins and ends.
fn span(file: &[u8], path: &str) -> std::ops::Range<usize> {
    zip::read(file).unwrap().into_iter().find(|entry| entry.name == path).unwrap().range
}

/// The file with one member exchanged, checksums set right.
fn with_member(file: &[u8], path: &str, bytes: &[u8]) -> Vec<u8> {
    let entries = zip::read(file).unwrap();
    let members: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|entry| {
            (entry.name.as_str(), if entry.name == path { bytes } else { &file[entry.range.clone()] })
        })
        .collect();
    zip::write(&members).unwrap()
}

#[test]
fn a_flipped_bit_in_a_member_is_found_by_its_check() {
    let file = bytes();
    for (path, want) in [
        ("mimetype", "zip_profile"),
        ("manifest.dsse.json", "signature"),
        ("chunks.bin", "chunks_root"),
        ("tokenizer.json", "member_digest"),
        ("scorers.json", "member_digest"),
        ("eval/cases.jsonl", "member_digest"),
        ("eval/report.json", "member_digest"),
        ("card.md", "member_digest"),
        ("licenses/a.txt", "member_digest"),
        ("licenses/b.txt", "member_digest"),
        (WEIGHTS, "member_digest"),
    ] {
        let range = span(&file, path);
        for at in [range.start, range.start + range.len() / 2, range.end - 1] {
            let mut bad = file.clone();
            bad[at] ^= 1;
            assert_eq!(stage(bad, &trust()), want, "{path} at {at}");
        }
    }
}

#[test]
fn a_changed_manifest_is_another_artifact_and_not_signed() {
    let file = bytes();
    let id = identity(&file[span(&file, "manifest.json")]).unwrap();
    let range = span(&file, "manifest.json");
    let at = file[range.clone()].windows(9).position(|w| w == b"\"support\"").unwrap() + range.start + 1;
    let mut bad = file.clone();
    bad[at] ^= 1;
    assert_eq!(stage(bad.clone(), &trust()), "signature");
    assert_eq!(stage(bad.clone(), &trust().expecting(id)), "identity");
    // Even when nobody is trusted: the envelope is around other bytes.
    assert_eq!(stage(bad, &Trust::integrity()), "signature");
    for at in range.clone() {
        let mut bad = file[..].to_vec();
        bad[at] ^= 0x80;
        assert_eq!(stage(bad, &trust()), "manifest_schema", "no UTF-8 at {at}");
        if at > range.start + 40 {
            break;
        }
    }
}

#[test]
fn every_bit_outside_the_members_is_pinned() {
    let file = bytes();
    let entries = zip::read(&file).unwrap();
    let mut at = 0;
    for entry in entries {
        // All of the header and the ends of its padding.
        let header = at..(at + 160).min(entry.range.start);
        for at in header.chain(entry.range.start.saturating_sub(3)..entry.range.start) {
            let mut bad = file.clone();
            bad[at] ^= 1;
            assert_eq!(stage(bad, &trust()), "zip_profile", "before {} at {at}", entry.name);
        }
        at = entry.range.end;
    }
    for at in at..file.len() {
        let mut bad = file.clone();
        bad[at] ^= 1;
        assert_eq!(stage(bad, &trust()), "zip_profile", "in the directory at {at}");
    }
}

#[test]
fn a_wrong_checksum_in_both_headers_is_found() {
    let file = bytes();
    for entry in zip::read(&file).unwrap() {
        let crc = entry.crc.to_le_bytes();
        let mut bad = file.clone();
        let places: Vec<usize> = (0..file.len() - 4).filter(|at| file[*at..at + 4] == crc).collect();
        let places: Vec<usize> = places.into_iter().filter(|at| !entry.range.contains(at)).collect();
        assert_eq!(places.len(), 2, "{}", entry.name);
        for at in places {
            bad[at] ^= 1;
        }
        assert_eq!(stage(bad, &trust()), "zip_profile", "{}", entry.name);
    }
}

#[test]
fn truncated_and_extended_files_are_refused() {
    let file = bytes();
    for entry in zip::read(&file).unwrap() {
        assert_eq!(stage(file[..entry.range.end].to_vec(), &trust()), "zip_profile", "{}", entry.name);
        assert_eq!(stage(file[..entry.range.start].to_vec(), &trust()), "zip_profile", "{}", entry.name);
    }
    for cut in [1, 21, 22, file.len() - 1] {
        assert_eq!(stage(file[..file.len() - cut].to_vec(), &trust()), "zip_profile");
    }
    assert_eq!(stage([&file[..], b"\0"].concat(), &trust()), "zip_profile");
    assert_eq!(stage([b"\0", &file[..]].concat(), &trust()), "zip_profile");
}

#[test]
fn exchanged_members_are_refused() {
    let file = bytes();
    let mut other = weights();
    let last = other.len() - 1;
    other[last] ^= 1;
    assert_eq!(stage(with_member(&file, WEIGHTS, &other), &trust()), "member_digest");
    assert_eq!(stage(with_member(&file, WEIGHTS, &weights()), &trust()), "");
    let chunks = file[span(&file, "chunks.bin")].to_vec();
    assert_eq!(chunks.len(), 3 * 32);
    for bad in
        [&chunks[..64], &chunks[..95], &[&chunks[..], &[0]].concat(), &[&chunks[..], &[0; 32]].concat()]
    {
        assert_eq!(stage(with_member(&file, "chunks.bin", bad), &trust()), "manifest_schema");
    }
    let mut swapped = chunks;
    swapped.rotate_left(32);
    assert_eq!(stage(with_member(&file, "chunks.bin", &swapped), &trust()), "chunks_root");
}

#[test]
fn signed_but_broken_weights_are_refused() {
    let mut parts = members();
    parts[0].bytes.push(0);
    let (file, _) = assemble(draft(), parts, &key(1)).unwrap();
    assert_eq!(stage(file, &trust()), "weights_table");
}

#[test]
fn size_is_checked_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.kolm");
    let check = |size: u64| {
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let verdict = verify(&path, &trust());
        assert!(verdict.checks.iter().all(|check| !check.ok) && verdict.checks.len() == 1);
        let error = verdict.result.unwrap_err();
        assert_eq!((error.stage(), error.code().to_string().as_str()), ("size", "K0401"));
    };
    check(0);
    check(SIZE_LIMIT);
    check(SIZE_LIMIT + 1);
    let missing = Artifact::open(&dir.path().join("none"), &trust()).unwrap_err();
    assert_eq!((missing.code().to_string().as_str(), missing.exit()), ("K0400", kolm_core::Exit::Usage));
}
