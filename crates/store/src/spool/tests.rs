//! The spool cut at every byte, damaged and full.

use kolm_core::Coded;

use super::*;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(dir: &Path) -> Spool {
    Spool::open(dir, 1 << 20, Duration::from_millis(1)).unwrap()
}

fn drain(spool: &Spool) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(batch) = spool.peek(2).unwrap() {
        out.extend(batch.records.iter().map(|record| String::from_utf8(record.clone()).unwrap()));
        spool.commit(&batch, 0);
    }
    out
}

fn files(dir: &Path) -> usize {
    numbers(dir).unwrap().len()
}

#[test]
fn records_come_out_as_they_went_in_and_segments_go() {
    let dir = scratch();
    let spool = open(dir.path());
    assert!(spool.peek(10).unwrap().is_none());
    for (i, text) in ["a", "bb", "ccc"].iter().enumerate() {
        assert_eq!(spool.append(text.as_bytes()).unwrap(), i as u64 + 1);
    }
    assert_eq!(drain(&spool), ["a", "bb", "ccc"]);
    assert_eq!((spool.pending(), files(dir.path())), (0, 1));
    assert_eq!(fs::metadata(path(dir.path(), 1)).unwrap().len(), 0, "a fresh segment");
    spool.append(b"d").unwrap();
    assert_eq!(drain(&spool), ["d"]);
    let status = spool.status();
    assert_eq!((status.accepted, status.stored, status.spooled, status.dropped.len()), (4, 4, 0, 0));
}

#[test]
fn what_is_not_committed_is_read_again() {
    let dir = scratch();
    let spool = open(dir.path());
    for text in ["a", "b", "c"] {
        spool.append(text.as_bytes()).unwrap();
    }
    let batch = spool.peek(2).unwrap().unwrap();
    assert_eq!(batch.records.len(), 2);
    assert_eq!(spool.peek(1).unwrap().unwrap().records, [b"a"], "peeking moves nothing");
    spool.commit(&batch, 0);
    drop(spool);
    let spool = open(dir.path());
    assert_eq!(spool.pending(), 3, "the segment was not spent, so all of it comes again");
    assert_eq!(drain(&spool), ["a", "b", "c"]);
}

#[test]
fn cut_at_any_byte_the_whole_records_survive() {
    let records = ["first", "the second", "3"];
    let dir = scratch();
    let spool = open(dir.path());
    let mut ends = vec![0];
    for text in records {
        spool.append(text.as_bytes()).unwrap();
        ends.push(ends.last().unwrap() + HEAD + text.len());
    }
    drop(spool);
    let bytes = fs::read(path(dir.path(), 0)).unwrap();
    assert_eq!(bytes.len(), *ends.last().unwrap());
    for cut in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        let dir = scratch();
        fs::write(path(dir.path(), 0), &bytes[..cut]).unwrap();
        let spool = open(dir.path());
        assert_eq!(spool.pending(), whole as u64, "cut at {cut}");
        spool.append(b"later").unwrap();
        let mut want = records[..whole].to_vec();
        want.push("later");
        assert_eq!(drain(&spool), want, "cut at {cut}");
        drop(spool);
        assert_eq!(open(dir.path()).pending(), 0, "cut at {cut}: nothing comes twice");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let dir = scratch();
        fs::write(path(dir.path(), 0), &flipped).unwrap();
        let got = drain(&open(dir.path()));
        assert!(got.len() < 3 && got == records[..got.len()], "flip at {at}: {got:?}");
        let cut = fs::read_dir(dir.path()).unwrap().filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|e| e.to_string_lossy().starts_with("cut-"))
        });
        assert_eq!(cut.count(), 1, "flip at {at}: the rest is kept aside");
    }
}

#[test]
fn a_segment_damaged_under_our_feet_is_counted_and_left() {
    let dir = scratch();
    let spool = open(dir.path());
    for text in ["first", "second", "third"] {
        spool.append(text.as_bytes()).unwrap();
    }
    let file = OpenOptions::new().write(true).open(path(dir.path(), 0)).unwrap();
    file.write_all_at(b"?", (HEAD + 5 + HEAD) as u64).unwrap();
    assert_eq!(drain(&spool), ["first"]);
    let status = spool.status();
    assert_eq!((status.accepted, status.stored, status.spooled), (3, 1, 0));
    assert_eq!(status.dropped, [("spool_damaged".to_owned(), 2)]);
    spool.append(b"later").unwrap();
    assert_eq!(drain(&spool), ["later"]);
}

#[test]
fn a_full_spool_drops_and_counts() {
    let dir = scratch();
    let spool = Spool::open(dir.path(), 40, Duration::from_millis(1)).unwrap();
    spool.append(&[b'x'; 20]).unwrap();
    let error = spool.append(&[b'y'; 20]).unwrap_err();
    assert_eq!(error.code().to_string(), "K0202");
    assert!(error.hint().unwrap().contains("spool_quota"));
    let status = spool.status();
    assert_eq!((status.accepted, status.spooled, status.dropped), (2, 1, vec![("spool_full".into(), 1)]));
    assert_eq!(drain(&spool).len(), 1);
    spool.append(&[b'z'; 20]).unwrap();
    assert_eq!(drain(&spool), ["z".repeat(20)]);
}

#[test]
fn full_segments_make_room_for_new_ones() {
    let dir = scratch();
    let spool = Spool::open(dir.path(), 1 << 30, Duration::from_millis(1)).unwrap();
    let big = vec![b'x'; 3 << 20];
    for _ in 0..7 {
        spool.append(&big).unwrap();
    }
    assert_eq!(files(dir.path()), 4, "two records a segment");
    drop(spool);
    let spool = Spool::open(dir.path(), 1 << 30, Duration::from_millis(1)).unwrap();
    assert_eq!((spool.pending(), drain(&spool).len(), files(dir.path())), (7, 7, 1));
}

#[test]
fn a_missing_folder_drops_and_recovers() {
    let dir = scratch();
    let inside = dir.path().join("spool");
    let spool = Spool::open(&inside, 1 << 30, Duration::from_millis(1)).unwrap();
    spool.append(&vec![b'x'; SEGMENT as usize]).unwrap();
    fs::rename(&inside, dir.path().join("away")).unwrap();
    let error = spool.append(b"no room for a new segment").unwrap_err();
    assert_eq!(error.code().to_string(), "K0204");
    fs::rename(dir.path().join("away"), &inside).unwrap();
    spool.append(b"back").unwrap();
    let status = spool.status();
    assert_eq!((status.accepted, status.spooled, status.dropped), (3, 2, vec![("spool_io".into(), 1)]));
    assert_eq!(drain(&spool)[1], "back");
}
