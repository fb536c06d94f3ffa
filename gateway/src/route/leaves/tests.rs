//! Leaves against a real ledger: in order, refused and handed in again, missing after a crash.

use kolm_core::{Challenge, Counts, DecisionKind, Env, KScore, RequestId, Stage, Timestamp, hex};
use kolm_receipts::Ledger;

use super::*;

/// Rows of one route that make these moves.
pub(in crate::route) fn rows(moves: &[(u16, u16)]) -> Vec<DecisionRow> {
    let env = Env::fixed(Timestamp(1_795_219_200_000), 3);
    let row = |(seq, (from, to)): (usize, &(u16, u16))| DecisionRow {
        id: RequestId::mint(env.clock.now(), &*env.entropy),
        route: "support".parse().unwrap(),
        seq: seq as u64,
        t: env.clock.now(),
        prev: String::new(),
        kind: DecisionKind::Hold,
        because: Vec::new(),
        from: Weight(*from),
        to: Weight(*to),
        stage: Stage::Shadow,
        artifact: None,
        policy: String::new(),
        attempt: 1,
        alpha_ppb: 0,
        n: Counts::default(),
        k: KScore::default(),
        ceiling: None,
        basis: None,
        challenger: None,
        sample: None,
        actor: String::new(),
        reason: String::new(),
        digest: hex(&[seq as u8; 32]),
    };
    moves.iter().enumerate().map(row).collect()
}

struct World {
    dir: tempfile::TempDir,
    env: Env,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), env: Env::fixed(Timestamp(1_795_219_200_000), 7) }
    }

    fn start(&self) -> (Ledger, Handle) {
        let (ledger, handle, _) = Ledger::open(self.dir.path(), "n1", &self.env).unwrap();
        (ledger, handle)
    }

    /// The digests that the ledger's Decision leaves name, in order.
    fn digests(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.dir.path().join("wal"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort_by_key(|path| path.to_string_lossy().rsplit('-').next().map(str::to_owned));
        let text: String = files
            .iter()
            .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect();
        let found = text.match_indices("\"ctl\":{\"digest\":\"");
        found.map(|(at, head)| text[at + head.len()..][..64].to_owned()).collect()
    }
}

/// Looks until nothing waits, or until a leaf was refused so often that the ledger does refuse.
fn settle(leaves: &mut Leaves, ledger: &Handle, done: impl Fn(&Leaves) -> bool) -> bool {
    for _ in 0..2_000_000 {
        if done(leaves) {
            return true;
        }
        leaves.look(ledger);
        std::thread::yield_now();
    }
    false
}

fn digests(rows: &[DecisionRow]) -> Vec<String> {
    rows.iter().map(|row| row.digest.clone()).collect()
}

#[test]
fn a_rise_waits_for_its_leaf_and_what_follows_stands_behind_it() {
    let world = World::new();
    let (ledger, handle) = world.start();
    let rows = rows(&[(0, 0), (0, 100), (100, 500), (500, 0)]);
    let mut leaves = Leaves::default();
    leaves.push(rows[0].clone(), &handle);
    assert_eq!(leaves.bound(), None, "no rise, no waiting");
    for row in &rows[1..] {
        leaves.push(row.clone(), &handle);
    }
    assert_eq!(leaves.bound(), Some(Weight(0)));
    assert!(settle(&mut leaves, &handle, |leaves| leaves.bound() != Some(Weight(0))));
    assert!(settle(&mut leaves, &handle, |leaves| leaves.bound().is_none()));
    ledger.shutdown();
    assert_eq!(world.digests(), digests(&rows));
}

#[test]
fn a_challengers_rise_waits_too_and_takes_nothing_from_the_champion() {
    let world = World::new();
    let (ledger, handle) = world.start();
    ledger.shutdown();
    let about = |kind, from, to| {
        let mut row = rows(&[(500, 500)]).swap_remove(0);
        let artifact = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        let (from, to) = (Weight(from), Weight(to));
        row.challenger = Some(Challenge { artifact, attempt: 2, from, to, champion: None });
        DecisionRow { kind, ..row }
    };
    for (row, bound, share) in [
        (about(DecisionKind::Promote, 0, 100), Some(500), Some(0)),
        (about(DecisionKind::Succeed, 100, 500), Some(100), Some(100)),
        (about(DecisionKind::Hold, 100, 100), None, None),
        (about(DecisionKind::Dismiss, 100, 0), None, None),
    ] {
        let mut leaves = Leaves::default();
        leaves.push(row, &handle);
        assert_eq!((leaves.bound(), leaves.share()), (bound.map(Weight), share.map(Weight)));
    }
}

#[test]
fn a_rise_that_the_ledger_refuses_stays_without_effect_and_is_handed_in_again() {
    let world = World::new();
    let (ledger, handle) = world.start();
    let rows = rows(&[(0, 100), (100, 100)]);
    ledger.shutdown();
    let mut leaves = Leaves::default();
    leaves.push(rows[0].clone(), &handle);
    leaves.push(rows[1].clone(), &handle);
    assert!((0..1_000).all(|_| leaves.look(&handle).is_none()), "refused, again and again");
    assert_eq!(leaves.bound(), Some(Weight(0)));
    assert_eq!(world.digests(), Vec::<String>::new());

    let (ledger, handle) = world.start();
    assert!(settle(&mut leaves, &handle, |leaves| leaves.bound().is_none()));
    ledger.shutdown();
    assert_eq!(world.digests(), digests(&rows));
}

#[test]
fn leaves_that_a_crash_came_before_are_written_at_the_next_start_and_once() {
    for known in 0..=4 {
        let world = World::new();
        let rows = rows(&[(0, 0), (0, 100), (100, 100), (100, 500)]);
        let (ledger, handle) = world.start();
        let mut leaves = Leaves::default();
        rows[..known].iter().for_each(|row| leaves.push(row.clone(), &handle));
        assert!(settle(&mut leaves, &handle, |leaves| leaves.bound().is_none()));
        ledger.shutdown();

        let (ledger, handle) = world.start();
        let mut leaves = Leaves::missing(&rows, &handle);
        let bound = [Some(0), Some(0), Some(100), Some(100), None][known].map(Weight);
        assert_eq!(leaves.bound(), bound, "{known} leaves are there");
        assert!(settle(&mut leaves, &handle, |leaves| leaves.bound().is_none()));
        ledger.shutdown();
        assert_eq!(world.digests(), digests(&rows), "{known} leaves were there");
    }
}
