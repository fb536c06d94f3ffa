//! The profile rule by rule, and against other readers' idea of a ZIP file.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["mimetype", "manifest.json", "eval/cases.jsonl"];

fn file() -> Vec<u8> {
    write(&[(NAMES[0], b"type"), (NAMES[1], b"{}"), (NAMES[2], b"")]).unwrap()
}

/// Offsets of the local headers and of the directory entries.
fn headers(file: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let find = |magic: &[u8]| (0..file.len() - 4).filter(|at| file[*at..].starts_with(magic)).collect();
    (find(b"PK\x03\x04"), find(b"PK\x01\x02"))
}

/// Changes the same field in local header and directory: consistent, but outside the profile.
fn both(member: usize, local: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file();
    let (locals, entries) = headers(&file);
    // A directory entry has two bytes (its maker's version) more in front.
    for at in [locals[member] + local, entries[member] + local + 2] {
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }
    file
}

#[test]
fn layout() {
    let file = file();
    let entries = read(&file).unwrap();
    assert_eq!(entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), NAMES);
    assert_eq!(entries[0].range, 38..42);
    for entry in &entries[1..] {
        assert_eq!(entry.range.start % ALIGN, 0);
    }
    assert_eq!(&file[entries[1].range.clone()], b"{}");
    assert_eq!(entries[1].crc, crc32fast::hash(b"{}"));
}

#[test]
fn each_rule_has_a_file_that_breaks_it() {
    let end = file().len() - END;
    let at_end = |at: usize, value: u8| {
        let mut file = file();
        file[end + at] = value;
        file
    };
    let in_directory = |at: usize, value: u8| {
        let mut file = file();
        let entry = headers(&file).1[1];
        file[entry + at] ^= value;
        file
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("version needed", both(1, 4, &[20, 0])),
        ("flags: descriptor", both(1, 6, &[8, 0])),
        ("flags: encrypted", both(1, 6, &[1, 0])),
        ("flags: UTF-8", both(1, 6, &[0, 8])),
        ("deflate", both(1, 8, &[8, 0])),
        ("time", both(1, 10, &[1, 0])),
        ("date", both(1, 12, &[0x22, 0])),
        ("upper case", both(1, 30, b"M")),
        ("packed and unpacked size differ", both(1, 22, &[3, 0, 0, 0])),
        ("directory alone: made by unix", in_directory(5, 3)),
        ("directory alone: attributes", in_directory(38, 1)),
        ("directory alone: offset", in_directory(42, 1)),
        ("end: disk", at_end(4, 1)),
        ("end: count on disk", at_end(8, 2)),
        ("end: comment", at_end(20, 1)),
        ("end: directory offset", at_end(16, 1)),
        ("bytes in front", [b"x", &file()[..]].concat()),
        ("bytes behind", [&file()[..], b"x"].concat()),
        ("empty", Vec::new()),
        ("short", vec![0; END - 1]),
        ("only an end record with a wrong count", end_record(1, 0, 0)),
    ];
    assert!(read(&file()).is_ok());
    for (what, file) in cases {
        assert!(matches!(read(&file), Err(Error::ZipProfile { .. })), "{what}");
    }
}

#[test]
fn names_and_counts_that_the_writer_does_not_judge() {
    for names in [["mimetype", "mimetype"], ["mimetype", "../x"], ["a", "b"], ["a", "mimetype"]] {
        let file = write(&names.map(|name| (name, &b""[..]))).unwrap();
        assert!(matches!(read(&file), Err(Error::ZipProfile { .. })), "{names:?}");
    }
    let names: Vec<String> = (0..64).map(|i| format!("n{i}")).collect();
    let many = |n: usize| {
        let members: Vec<(&str, &[u8])> = std::iter::once("mimetype")
            .chain(names.iter().map(String::as_str))
            .take(n)
            .map(|n| (n, &b""[..]))
            .collect();
        read(&write(&members).unwrap()).is_ok()
    };
    assert_eq!((many(MOST), many(MOST + 1)), (true, false));
}

#[test]
fn a_directory_that_lies_about_sizes_allocates_nothing() {
    let mut file = file();
    let (locals, entries) = headers(&file);
    for at in [locals[1] + 18, locals[1] + 22, entries[1] + 20, entries[1] + 24] {
        file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    assert!(matches!(read(&file), Err(Error::ZipProfile { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_reads_back_and_nothing_else(
        names in proptest::collection::btree_set("[a-z0-9]{1,9}(/[a-z0-9.-]{1,5}x)?", 0..6),
        size in 0..3000_usize,
        flip in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let content: Vec<u8> = (0..size).map(|i| i as u8).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != MIMETYPE).collect();
        let members: Vec<(&str, &[u8])> =
            std::iter::once((MIMETYPE, &b"x"[..])).chain(names.iter().map(|name| (*name, &content[..]))).collect();
        let mut file = write(&members).unwrap();
        let entries = read(&file).unwrap();
        prop_assert_eq!(entries.len(), members.len());
        for (entry, (name, bytes)) in entries.iter().zip(&members) {
            prop_assert_eq!(&entry.name, name);
            prop_assert_eq!(&file[entry.range.clone()], *bytes);
        }
        let at = flip.index(file.len());
        file[at] ^= 1 << bit;
        let inside = entries.iter().any(|entry| entry.range.contains(&at));
        prop_assert_eq!(read(&file).is_ok(), inside, "byte {}", at);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0..70_usize) {
        let end = end_record(count, bytes.len() as u32, 0);
        prop_assert_eq!(read(&[bytes, end].concat()).is_ok(), false);
    }
}
