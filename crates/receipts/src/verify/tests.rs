//! Tampering with a ledger, each kind with the name it must get; and speed.

use std::fs;

use kolm_core::{Coded, Env, Outcome, Timestamp};

use super::*;
use crate::keys::ChainKey;
use crate::ledger::tests::{World, world, written};
use crate::merkle::leaf_hash;
use crate::record::{Body, Close, Leaf, request_leaf};
use crate::wal::{FrameKind, Frames, push_frame, segments};

/// A ledger of two boots with three requests each; the second is the one tampered with.
fn ledger() -> (World, Vec<String>) {
    let world = world();
    let mut headers = Vec::new();
    for _ in 0..2 {
        let (ledger, handle, _) = world.start();
        for _ in 0..3 {
            let mut opened = handle.open(world.ask());
            assert!(written(&mut opened));
            handle.close(&opened, Close::new(Outcome::Complete, 200));
            headers.push(opened.header().to_owned());
        }
        ledger.shutdown();
    }
    (world, headers)
}

/// Rewrites the frames of the second boot and says which checks fail.
fn tampered(change: impl FnOnce(&mut Vec<(FrameKind, Vec<u8>)>, &ChainKey)) -> Vec<&'static str> {
    let (world, _) = ledger();
    let verifier = Verifier::load(world.dir.path()).unwrap();
    assert_eq!(verifier.ledger().ok, Some(true));
    let segment = segments(world.dir.path()).unwrap().remove(1);
    let bytes = fs::read(&segment.path).unwrap();
    let mut frames: Vec<_> = Frames::new(&bytes).map(|frame| (frame.kind, frame.bytes.to_vec())).collect();
    change(&mut frames, &verifier.keys.chain);
    let mut bytes = Vec::new();
    for (kind, frame) in &frames {
        push_frame(&mut bytes, *kind, &[frame]);
    }
    fs::write(&segment.path, bytes).unwrap();
    let verdict = verifier.ledger();
    verdict.checks.iter().filter(|check| check.ok == Some(false)).map(|check| check.name).collect()
}

// Frames of the second boot: 0 boot leaf, then open, leaf, open, leaf, open, leaf.

#[test]
fn each_kind_of_tampering_has_its_name() {
    assert_eq!(tampered(|_, _| {}), [""; 0]);
    assert_eq!(tampered(|frames, _| frames[4].1[3] ^= 1), ["mac_mismatch"], "a MAC");
    assert_eq!(
        tampered(|frames, _| {
            let at = frames[4].1.windows(12).position(|w| w == b"\"status\":200").unwrap();
            frames[4].1[at + 9] = b'5';
        }),
        ["chain_prev", "mac_mismatch"],
        "a field"
    );
    assert_eq!(
        tampered(|frames, _| {
            frames.remove(3);
            frames.remove(3);
        }),
        ["chain_gap"],
        "a request cut out"
    );
    assert_eq!(tampered(|frames, _| drop(frames.remove(4))), ["chain_gap"], "a leaf cut out");
    assert_eq!(tampered(|frames, _| drop(frames.remove(3))), ["count_mismatch"], "an open record cut out");
    assert_eq!(
        tampered(|frames, _| frames.insert(5, frames[4].clone())),
        ["chain_fork", "id_duplicate"],
        "a leaf doubled"
    );
    assert_eq!(tampered(|frames, _| frames.insert(5, frames[3].clone())), ["id_duplicate"], "opened again");
    assert_eq!(
        tampered(|frames, _| frames.swap(4, 6)),
        ["chain_gap", "chain_fork", "id_duplicate", "count_mismatch"],
        "leaves swapped"
    );
    assert_eq!(
        tampered(|frames, _| frames[4].1.push(b' ')),
        ["leaf_malformed", "chain_gap", "mac_mismatch"],
        "trailing garbage"
    );
    assert_eq!(
        tampered(|frames, _| drop(frames.remove(0))),
        ["chain_gap", "chain_prev"],
        "the boot leaf cut out"
    );
}

#[test]
fn a_leaf_sealed_with_another_epochs_key_fails() {
    let names = tampered(|frames, key| {
        let (_, bytes) = &mut frames[6];
        let leaf = Leaf::read(&bytes[32..]).unwrap();
        let Body::Request { open, close } = leaf.body else { unreachable!("a request's leaf") };
        let prev = crate::keys::unhex(&leaf.chain.prev).unwrap();
        let forged = request_leaf(0, 1, &prev, leaf.chain.seq, open, close);
        let mac = key.evolve().leaf_mac(&leaf_hash(&forged));
        *bytes = [&mac[..], &forged].concat();
    });
    assert_eq!(names, ["mac_mismatch", "epoch_mismatch"]);
}

#[test]
fn a_whole_boot_cut_out_is_seen() {
    let (world, _) = ledger();
    drop(world.start());
    let verifier = Verifier::load(world.dir.path()).unwrap();
    assert_eq!(verifier.ledger().ok, Some(true));
    let all = segments(world.dir.path()).unwrap();
    fs::remove_file(&all[1].path).unwrap();
    fs::rename(&all[2].path, all[2].path.with_file_name("0000000000000000-000001.wal")).unwrap();
    let verdict = verifier.ledger();
    assert_eq!(verdict.check("chain_prev").unwrap().ok, Some(false), "{verdict:?}");
}

#[test]
fn the_last_request_of_an_ended_boot_cannot_be_cut_off() {
    let (world, _) = ledger();
    let verifier = Verifier::load(world.dir.path()).unwrap();
    let first = segments(world.dir.path()).unwrap().remove(0);
    let bytes = fs::read(&first.path).unwrap();
    let last_open = Frames::new(&bytes).filter(|frame| frame.kind == FrameKind::Open).last().unwrap().at;
    fs::write(&first.path, &bytes[..last_open]).unwrap();
    assert_eq!(verifier.ledger().check("chain_prev").unwrap().ok, Some(false));
}

#[test]
fn no_flipped_byte_verifies() {
    let (world, headers) = ledger();
    let verifier = Verifier::load(world.dir.path()).unwrap();
    for segment in segments(world.dir.path()).unwrap() {
        let bytes = fs::read(&segment.path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            fs::write(&segment.path, &flipped).unwrap();
            assert_ne!(verifier.ledger().ok, Some(true), "byte {at} of {}", segment.path.display());
        }
        fs::write(&segment.path, &bytes).unwrap();
    }
    for header in &headers {
        assert_eq!(verifier.header(header).ok, Some(true));
    }
}

#[test]
fn no_changed_header_verifies() {
    let (world, headers) = ledger();
    let verifier = Verifier::load(world.dir.path()).unwrap();
    let header = &headers[4];
    for at in 0..header.len() {
        let mut bytes = header.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert_ne!(verifier.header(&changed).ok, Some(true), "{changed}");
    }
    for (from, to, check) in [
        ("rt=cloud", "rt=local", "open_record"),
        ("st=open", "st=final", "mac"),
        ("st=open", "st=none", "mac"),
        ("kid=\"n1-a\"", "kid=\"n2-a\"", "key_unknown"),
    ] {
        let verdict = verifier.header(&header.replace(from, to));
        assert_ne!(verdict.check(check).unwrap().ok, Some(true), "{verdict:?}");
    }
    let other = headers[3].split("mac=").nth(1).unwrap();
    let spliced = format!("{}mac={other}", header.split("mac=").next().unwrap());
    assert_eq!(verifier.header(&spliced).check("mac").unwrap().ok, Some(false), "another request's mac");
}

#[test]
fn an_unknown_request_fails_unless_a_crash_explains_it() {
    let (world, headers) = ledger();
    let verifier = Verifier::load(world.dir.path()).unwrap();
    let env = Env::fixed(Timestamp(5), 3);
    let stranger = RequestId::mint(world.env.clock.now(), &*env.entropy);
    assert_eq!(verifier.id(stranger).ok, Some(false));
    let (_ledger, handle, _) = world.start();
    let mut open = handle.open(world.ask());
    assert!(written(&mut open));
    assert_eq!(verifier.id(stranger).ok, Some(false));
    drop(_ledger);
    drop(world.ask());
    let (_ledger, _, recovered) = world.start();
    assert_eq!((recovered.lost, recovered.clean), (1, false));
    let in_gap = RequestId::mint(world.env.clock.now(), &*env.entropy);
    assert_eq!(verifier.id(in_gap).ok, None, "records handed over but not written may be lost");
    assert_eq!(verifier.header(&headers[0]).ok, Some(true));
}

#[test]
fn a_torn_tail_is_not_decided() {
    let (world, headers) = ledger();
    let verifier = Verifier::load(world.dir.path()).unwrap();
    let last = segments(world.dir.path()).unwrap().remove(1);
    let bytes = fs::read(&last.path).unwrap();
    fs::write(&last.path, &bytes[..bytes.len() - 1]).unwrap();
    let verdict = verifier.ledger();
    assert_eq!((verdict.ok, verdict.totals.in_flight), (None, 1), "{verdict:?}");
    assert!(verdict.check("tail").is_some());
    assert_eq!(verifier.header(&headers[4]).ok, Some(true), "what lies in front of it is whole");
    assert_eq!(verifier.header(&headers[5]).state, Some(State::Open));
}

#[test]
fn a_folder_without_keys_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Verifier::load(dir.path()).unwrap_err().code().to_string(), "K0302");
}

#[test]
fn a_record_error_has_its_code() {
    let error = Error::from(kj1::check(b"null").unwrap_err());
    assert_eq!(error.code().to_string(), "K0300");
    assert!(error.hint().is_some());
}

#[test]
fn a_hundred_thousand_leaves_are_verified_while_more_are_written() {
    let world = world();
    let (ledger, handle, _) = world.start();
    let ask = world.ask();
    let write = |n: usize| {
        let mut last = None;
        for _ in 0..n {
            let id = RequestId::mint(ask.id.timestamp(), &*world.env.entropy);
            let opened = handle.open(crate::Open { id, ..ask.clone() });
            handle.close(&opened, Close::new(Outcome::Complete, 200));
            last = Some(opened);
        }
        last.is_some_and(|mut last| written(&mut last))
    };
    while handle.stats().opens < 100_000 {
        assert!(write(1_000));
    }
    let verifier = Verifier::load(world.dir.path()).unwrap();
    let verdict = std::thread::scope(|scope| {
        let writing = scope.spawn(|| (0..5).all(|_| write(1_000)));
        let verdict = verifier.ledger();
        assert!(writing.join().unwrap());
        verdict
    });
    assert!(verdict.totals.leaves >= 100_000);
    assert_eq!(verdict.ok, Some(true), "{verdict:?}");
    ledger.shutdown();
    assert_eq!(verifier.ledger().ok, Some(true));
}
