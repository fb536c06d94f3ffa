//! The ledger alive, killed and with a disk that refuses.

use std::sync::Arc;

use kolm_core::{Coded, FixedClock, Outcome, SeededEntropy};

use super::*;
use crate::record::{Close, Try};
use crate::verify::Verifier;

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) env: Env,
    clock: Arc<FixedClock>,
}

/// A folder in memory where there is one: these tests fsync thousands of times.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn world() -> World {
    let clock = Arc::new(FixedClock::at(Timestamp(1_795_219_200_000)));
    let env = Env { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
    World { dir: scratch(), env, clock }
}

impl World {
    pub(crate) fn start(&self) -> (Ledger, Handle, Recovered) {
        Ledger::open(self.dir.path(), "n1", &self.env).unwrap()
    }

    pub(crate) fn ask(&self) -> Open {
        self.clock.advance(1);
        Open {
            id: RequestId::mint(self.env.clock.now(), &*self.env.entropy),
            try_no: 1,
            kind: Kind::Answer,
            ns: "support".parse().unwrap(),
            region: String::new(),
            route: Some("support-mini".parse().unwrap()),
            rt: Rt::Cloud,
            art: None,
            ep: "POST /v1/chat/completions".into(),
            model: "gpt-4o-mini".into(),
        }
    }
}

pub(crate) fn written(opened: &mut Opened) -> bool {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(opened.written())
}

fn done() -> Close {
    Close { bytes_out: 10, ..Close::new(Outcome::Complete, 200) }
}

/// Asks until `ready`, giving way each time; bounded, so a wrong ledger fails the test.
fn until(what: &str, mut ready: impl FnMut() -> bool) {
    for _ in 0..5_000_000 {
        if ready() {
            return;
        }
        std::thread::yield_now();
    }
    unreachable!("never came true: {what}");
}

#[test]
fn a_request_has_its_header_and_its_leaf() {
    let world = world();
    let (ledger, handle, recovered) = world.start();
    assert_eq!(recovered, Recovered { lost: 0, clean: true });
    handle.control(Control::Config { digest: "d1".into(), by: "file".into() });
    handle.control(Control::Decision {
        id: world.ask().id,
        route: "support-mini".parse().unwrap(),
        digest: "d2".into(),
    });
    let mut warm = handle.open(world.ask());
    assert!(written(&mut warm));
    let mut opened = handle.open(world.ask());
    assert!(written(&mut opened));
    assert_eq!(handle.find(opened.id()).unwrap().state, State::Open);
    let verifier = Verifier::load(world.dir.path()).unwrap();
    let verdict = verifier.header(opened.header());
    assert_eq!((verdict.ok, verdict.state), (None, Some(State::Open)), "{verdict:?}");

    handle.close(&opened, done());
    handle.close(&opened, done());
    handle.close(&warm, done());
    until("both are closed", || handle.stats().closes == 2);
    let found = handle.find(opened.id()).unwrap();
    assert_eq!((found.state, found.index), (State::Closed, Some(3)));
    assert_eq!(found.record().unwrap().ns, "support");
    let leaf = String::from_utf8(found.leaf.clone().unwrap()).unwrap();
    assert!(leaf.contains("\"cfg\":1,\"dec\":2"), "{leaf}");
    let verdict = verifier.header(opened.header());
    assert_eq!((verdict.ok, verdict.state), (Some(true), Some(State::Closed)), "{verdict:?}");
    assert_eq!(verifier.id(warm.id()).ok, Some(true));
    let stats = handle.stats();
    assert_eq!((stats.opens, stats.closes, stats.none), (2, 2, 0));
    ledger.shutdown();

    let (again, handle, recovered) = world.start();
    assert_eq!(recovered, Recovered { lost: 0, clean: true });
    assert_eq!(handle.find(opened.id()).unwrap(), found, "found by reading the files");
    assert!(handle.find(world.ask().id).is_none());
    drop(again);
    let verdict = verifier.ledger();
    assert_eq!(verdict.ok, Some(true), "{verdict:?}");
    let totals = verdict.totals;
    assert_eq!((totals.leaves, totals.opens, totals.closes, totals.boots), (6, 2, 2, 2));
}

#[test]
fn a_second_try_takes_the_place_of_the_first() {
    let world = world();
    let (ledger, handle, _) = world.start();
    let ask = world.ask();
    let art = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
    let first = handle.open(Open { rt: Rt::Local, art: Some(art), ..ask.clone() });
    let mut second = handle.open(Open { try_no: 2, ..ask });
    assert!(written(&mut second));
    let t = Timestamp(1);
    let tries = vec![Try::new(1, Rt::Local, None, "abstained", t)];
    handle.close(&second, Close { tries, ..done() });
    until("it is closed", || handle.stats().closes == 1);
    assert_eq!(handle.stats().opens, 1, "one request");
    let verifier = Verifier::load(world.dir.path()).unwrap();
    assert_eq!(verifier.header(second.header()).ok, Some(true));
    assert_eq!(verifier.header(first.header()).ok, Some(false), "the header names the arm that answered");
    ledger.shutdown();
    assert_eq!(verifier.ledger().ok, Some(true));
}

#[test]
fn a_second_process_is_refused() {
    let world = world();
    let (ledger, ..) = world.start();
    let error = Ledger::open(world.dir.path(), "n1", &world.env).unwrap_err();
    assert_eq!(error.code().to_string(), "K0301");
    assert!(error.hint().is_some());
    drop(ledger);
    assert!(Ledger::open(world.dir.path(), "n1", &world.env).is_ok());
}

#[test]
fn a_ledger_without_its_keys_does_not_start() {
    let world = world();
    drop(world.start());
    fs::remove_file(world.dir.path().join("keys/chain.key")).unwrap();
    let error = Ledger::open(world.dir.path(), "n1", &world.env).unwrap_err();
    assert_eq!(error.code().to_string(), "K0302");
    assert!(error.to_string().contains("is missing"), "{error}");
}

#[test]
fn a_ledger_with_a_missing_or_broken_segment_does_not_start() {
    let world = world();
    drop(world.start());
    drop(world.start());
    drop(world.start());
    let segments = crate::wal::segments(world.dir.path()).unwrap();
    let middle = fs::read(&segments[1].path).unwrap();
    let mut broken = middle.clone();
    broken[40] ^= 1;
    for content in [Some(broken), None] {
        match content {
            Some(bytes) => fs::write(&segments[1].path, bytes).unwrap(),
            None => fs::remove_file(&segments[1].path).unwrap(),
        }
        let error = Ledger::open(world.dir.path(), "n1", &world.env).unwrap_err();
        assert_eq!(error.code().to_string(), "K0304");
    }
    fs::write(&segments[1].path, middle).unwrap();
    assert!(Ledger::open(world.dir.path(), "n1", &world.env).is_ok());
}

#[test]
fn an_unwritable_folder_is_an_error_of_its_own() {
    let world = world();
    let file = world.dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Ledger::open(&file.join("ledger"), "n1", &world.env).unwrap_err();
    assert_eq!(error.code().to_string(), "K0303");
}

#[test]
fn killed_at_any_byte_the_counts_are_right() {
    let world = world();
    let (ledger, handle, _) = world.start();
    let mut opened: Vec<Opened> = (0..3).map(|_| handle.open(world.ask())).collect();
    assert!(opened.iter_mut().all(written));
    handle.close(&opened[1], done());
    handle.control(Control::Config { digest: "d".into(), by: "b".into() });
    let mut retry = handle.open(Open { try_no: 2, id: opened[0].id(), ..world.ask() });
    assert!(written(&mut retry));
    handle.close(&retry, done());
    ledger.shutdown();
    let segment = crate::wal::segments(world.dir.path()).unwrap().remove(0);
    let bytes = fs::read(&segment.path).unwrap();
    let keys = world.dir.path().join("keys");

    for cut in 0..=bytes.len() {
        let want = lost_in(&bytes[..cut]);
        let dir = scratch();
        fs::create_dir_all(dir.path().join("wal")).unwrap();
        fs::create_dir_all(dir.path().join("keys")).unwrap();
        for key in ["header.key", "chain.key"] {
            fs::copy(keys.join(key), dir.path().join("keys").join(key)).unwrap();
        }
        fs::write(dir.path().join("wal").join(segment.path.file_name().unwrap()), &bytes[..cut]).unwrap();
        let (again, _, recovered) = Ledger::open(dir.path(), "n1", &world.env).unwrap();
        assert_eq!(recovered.lost, want, "cut at {cut}");
        drop(again);
        let verdict = Verifier::load(dir.path()).unwrap().ledger();
        assert_eq!(verdict.ok, Some(true), "cut at {cut}: {verdict:?}");
        assert_eq!((verdict.totals.lost, verdict.totals.in_flight), (want, 0), "cut at {cut}");
        assert_eq!(verdict.totals.opens, verdict.totals.closes, "cut at {cut}");
    }
}

#[test]
fn killed_during_recovery_the_next_start_finishes_it() {
    let world = world();
    let (ledger, handle, _) = world.start();
    let mut opened: Vec<Opened> = (0..3).map(|_| handle.open(world.ask())).collect();
    assert!(opened.iter_mut().all(written));
    drop(ledger);
    let (ledger, _, recovered) = world.start();
    assert_eq!((recovered.lost, recovered.clean), (3, false));
    drop(ledger);
    // The state of a crash after the second lost leaf: the boot leaf is not there yet.
    let segments = crate::wal::segments(world.dir.path()).unwrap();
    fs::remove_file(&segments[1].path).unwrap();
    let bytes = fs::read(&segments[0].path).unwrap();
    fs::write(&segments[0].path, &bytes[..bytes.len() - 20]).unwrap();
    let (ledger, _, recovered) = world.start();
    assert_eq!(recovered.lost, 3, "two found closed, one closed now");
    drop(ledger);
    let verdict = Verifier::load(world.dir.path()).unwrap().ledger();
    assert_eq!((verdict.ok, verdict.totals.lost), (Some(true), 3), "{verdict:?}");
}

/// How many requests have a whole open frame but no whole leaf in `bytes`.
fn lost_in(bytes: &[u8]) -> u64 {
    let mut open = std::collections::BTreeSet::new();
    for frame in crate::wal::Frames::new(bytes) {
        let text = String::from_utf8_lossy(frame.bytes).into_owned();
        if let Some(at) = text.find("\"id\":\"") {
            let id = text[at + 6..at + 42].to_owned();
            match frame.kind {
                crate::wal::FrameKind::Open => open.insert(id),
                crate::wal::FrameKind::Leaf => open.remove(&id),
            };
        }
    }
    open.len() as u64
}

#[test]
fn a_disk_that_refuses_costs_receipts_and_no_request() {
    let world = world();
    // Segments of one byte: every batch begins a new one, which a missing folder makes fail.
    let (ledger, handle, _) = Ledger::open_with(world.dir.path(), "n1", &world.env, 1).unwrap();
    let mut early = handle.open(world.ask());
    assert!(written(&mut early));
    let (wal, away) = (world.dir.path().join("wal"), world.dir.path().join("away"));
    fs::rename(&wal, &away).unwrap();

    let mut refused = handle.open(world.ask());
    assert!(!written(&mut refused));
    assert!(refused.header().contains("st=none"), "{}", refused.header());
    let at_once = handle.open(world.ask());
    assert!(at_once.header().contains("st=none"), "known to be degraded: nothing is queued");
    handle.close(&refused, done());
    handle.close(&early, done());
    assert!(!handle.is_healthy());
    let stats = handle.stats();
    assert_eq!((stats.opens, stats.closes, stats.none), (1, 0, 2));

    fs::rename(&away, &wal).unwrap();
    until("the ledger writes again", || handle.is_healthy());
    let mut late = handle.open(world.ask());
    assert!(written(&mut late));
    handle.close(&late, done());
    let verifier = Verifier::load(world.dir.path()).unwrap();
    until("all are closed", || handle.stats().closes == 2);
    assert_eq!(verifier.header(refused.header()).ok, Some(true), "a none header has a valid mac");
    assert_eq!(verifier.header(early.header()).ok, Some(true));
    ledger.shutdown();
    let verdict = verifier.ledger();
    assert_eq!((verdict.ok, verdict.totals.opens, verdict.totals.lost), (Some(true), 2, 0), "{verdict:?}");
    let all: Vec<u8> = crate::wal::segments(world.dir.path())
        .unwrap()
        .iter()
        .flat_map(|segment| fs::read(&segment.path).unwrap())
        .collect();
    assert!(String::from_utf8_lossy(&all).contains("\"kind\":\"gap\",\"n\":2"));
}

#[test]
fn after_the_end_answers_go_out_without_a_receipt() {
    let world = world();
    let (ledger, handle, _) = world.start();
    ledger.shutdown();
    let mut opened = handle.open(world.ask());
    assert!(!written(&mut opened));
    assert!(opened.header().contains("st=none"));
    assert!(handle.none_header(opened.id(), Rt::Local, None).contains("rt=local; art=none; st=none"));
}

/// What became of a leaf that somebody waits for.
fn kept(mut kept: Kept) -> bool {
    let mut told = None;
    until("it is told", || {
        told = kept.look();
        told.is_some()
    });
    told.unwrap()
}

#[test]
fn a_leaf_that_is_waited_for_is_on_the_disk_or_refused_and_not_written_later() {
    let world = world();
    let route: RouteName = "support-mini".parse().unwrap();
    let leaf = |digest: &str| Control::Decision {
        id: world.ask().id,
        route: route.clone(),
        digest: digest.to_owned(),
    };
    let (ledger, handle, _) = Ledger::open_with(world.dir.path(), "n1", &world.env, 1).unwrap();
    assert_eq!(handle.decided(&route), None);
    assert!(kept(handle.keep(leaf("first"))));
    let (wal, away) = (world.dir.path().join("wal"), world.dir.path().join("away"));
    fs::rename(&wal, &away).unwrap();
    assert!(!kept(handle.keep(leaf("second"))), "the write that fails");
    assert!(!kept(handle.keep(leaf("third"))), "known to be degraded");
    assert_eq!(handle.decided(&route).as_deref(), Some("first"));
    fs::rename(&away, &wal).unwrap();
    until("the ledger writes again", || handle.is_healthy());
    handle.control(leaf("fourth"));
    assert!(kept(handle.keep(leaf("fifth"))));
    ledger.shutdown();
    assert!(!kept(handle.keep(leaf("sixth"))), "the ledger has ended");

    let (_ledger, handle, _) = world.start();
    assert_eq!(handle.decided(&route).as_deref(), Some("fifth"));
    let all: Vec<u8> = crate::wal::segments(world.dir.path())
        .unwrap()
        .iter()
        .flat_map(|segment| fs::read(&segment.path).unwrap())
        .collect();
    let all = String::from_utf8_lossy(&all);
    for (digest, there) in
        [("first", true), ("second", false), ("third", false), ("fourth", true), ("sixth", false)]
    {
        assert_eq!(all.contains(&format!("\"digest\":\"{digest}\"")), there, "{digest}");
    }
}
