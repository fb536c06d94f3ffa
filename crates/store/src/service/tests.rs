//! The store from append to snapshot, with crashes, copies and a database that fails.

use std::fs;

use kolm_core::{
    Arm, Coded, Counts, DecisionKind, FixedClock, KScore, MicroUsd, Outcome, Ppm, SeededEntropy, Stage,
    Surface, Timestamp, Weight, hex,
};
use kolm_policies::anonymize::{Policy, Salt, anonymize};
use kolm_policies::gate::ScoreKind;
use kolm_wire::Exchange;

use super::*;
use crate::ScoreRow;
use crate::pair::PairCounts;

mod apart;
mod decisions;
mod diffs;
mod money;
mod tries;

struct World {
    dir: tempfile::TempDir,
    clock: Arc<FixedClock>,
    env: Env,
}

fn world() -> World {
    let clock = Arc::new(FixedClock::at(Timestamp(1_795_219_200_000)));
    let env = Env { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(11)) };
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    World { dir, clock, env }
}

fn settings() -> kolm_config::Store {
    kolm_config::Store {
        memory_limit_bytes: 256 << 20,
        fsync_interval: Duration::from_millis(1),
        batch_rows: 100,
        batch_interval: Duration::from_millis(20),
        spool_quota_bytes: 64 << 20,
    }
}

fn namespace() -> Namespace {
    "support".parse().unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

impl World {
    fn open(&self) -> (Service, Handle) {
        Service::open(self.dir.path(), &settings(), &self.env).unwrap()
    }

    fn pair(&self, text: &str, answer: &str) -> Pair {
        self.clock.advance(1);
        let id = RequestId::mint(self.env.clock.now(), &*self.env.entropy);
        let request = serde_json::json!({"model": "gpt-4o-mini", "messages": [
            {"role": "system", "content": "Say the intent."}, {"role": "user", "content": text}]});
        let reply = serde_json::json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m-1",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": answer, "refusal": null}}]});
        let exchange =
            Exchange { request: request.to_string().into_bytes(), reply: reply.to_string().into_bytes() };
        let (body, report) =
            anonymize(&exchange, &Policy::preset("default").unwrap(), &Salt([3; 32])).unwrap();
        Pair {
            id,
            ts: self.env.clock.now(),
            namespace: namespace(),
            route: Some("default".parse().unwrap()),
            upstream: "openai".into(),
            requested_model: "gpt-4o-mini".into(),
            served_model: "m-1".into(),
            surface: Surface::Chat,
            modality: "text".into(),
            body,
            report,
            tokens_in: 8,
            tokens_out: 2,
            tokens_cached: -1,
            cost: Some(MicroUsd(5)),
            latency_ms: 300,
            ttft_ms: 200,
            status: 200,
            outcome: Outcome::Complete,
            error_class: String::new(),
            finish_reason: "stop".into(),
            arm: Arm::Teacher,
            artifact: None,
            barred: None,
            conversation: "conv".into(),
            retry_of: None,
            supersedes: None,
            salts: Some(Salts { req: [1; 32], resp: [2; 32] }),
        }
    }

    /// Bytes of records as a crash would leave them in the spool.
    fn left_in_spool(&self, pairs: Vec<Pair>) -> (PathBuf, Vec<u8>) {
        let spool = Spool::open(&self.dir.path().join("spool"), 1 << 30, Duration::from_millis(1)).unwrap();
        for pair in pairs {
            spool.append(&serde_json::to_vec(&Record::pair(pair).unwrap()).unwrap()).unwrap();
        }
        drop(spool);
        let entries = fs::read_dir(self.dir.path().join("spool")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let path = paths.filter(|path| fs::metadata(path).unwrap().len() > 0).last().unwrap();
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    }
}

#[test]
fn a_pair_becomes_a_row() {
    let world = world();
    let (service, handle) = world.open();
    let pair = world.pair("where is my parcel", "track_order");
    let id = pair.id;
    handle.append(pair).unwrap();
    let barred = Pair { barred: Some("finish".into()), ..world.pair("and \u{0} 🦀 \"quotes\"", "other") };
    handle.append(barred).unwrap();
    let bare = RequestId::mint(world.env.clock.now(), &*world.env.entropy);
    handle.append_salts(bare, Salts { req: [8; 32], resp: [9; 32] }).unwrap();

    assert_eq!(run(handle.counts(&namespace())).unwrap(), PairCounts { total: 2, eligible: 1 });
    assert_eq!(run(handle.counts(&"other".parse().unwrap())).unwrap(), PairCounts::default());
    let recent = run(handle.recent(&namespace(), 10)).unwrap();
    let seen: Vec<(&str, &str, bool, &str)> = recent
        .iter()
        .map(|view| (view.text.as_str(), view.answer.as_str(), view.eligible, view.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("and \u{0} 🦀 \"quotes\"", "other", false, "finish"),
            ("where is my parcel", "track_order", true, "")
        ]
    );
    assert_eq!(
        (recent[1].model.as_str(), recent[1].arm.as_str(), recent[1].cost_usd_micros),
        ("m-1", "teacher", 5)
    );
    assert_eq!(run(handle.recent(&namespace(), 1)).unwrap().len(), 1);
    assert_eq!(run(handle.salts(id)).unwrap(), Some((hex(&[1; 32]), hex(&[2; 32]))));
    assert_eq!(run(handle.salts(bare)).unwrap(), Some((hex(&[8; 32]), hex(&[9; 32]))));
    let status = handle.status();
    assert_eq!((status.accepted, status.stored, status.spooled), (3, 3, 0));
    service.shutdown();

    handle.append(world.pair("after the end", "x")).unwrap();
    assert_eq!(run(handle.counts(&namespace())).unwrap_err().code().to_string(), "K0205");
    let (_service, handle) = world.open();
    assert_eq!(run(handle.counts(&namespace())).unwrap().total, 3, "it waited in the spool");
}

#[test]
fn the_same_request_is_stored_once() {
    let world = world();
    let (_service, handle) = world.open();
    let pair = world.pair("a", "b");
    let again = Pair { id: pair.id, ..world.pair("a", "c") };
    let once_more = Pair { id: pair.id, ..world.pair("a", "d") };
    handle.append(pair).unwrap();
    handle.append(again).unwrap();
    assert_eq!(run(handle.counts(&namespace())).unwrap().total, 1, "within a batch");
    handle.append(once_more).unwrap();
    assert_eq!(run(handle.counts(&namespace())).unwrap().total, 1, "in a later batch");
    assert_eq!(run(handle.recent(&namespace(), 9)).unwrap()[0].answer, "b");
}

#[test]
fn a_spool_replayed_twice_changes_nothing() {
    let world = world();
    let pairs = (0..3).map(|i| world.pair(&format!("question {i}"), "answer")).collect();
    let (path, bytes) = world.left_in_spool(pairs);
    for _ in 0..2 {
        fs::write(&path, &bytes).unwrap();
        let (service, handle) = world.open();
        assert_eq!(run(handle.counts(&namespace())).unwrap().total, 3);
        service.shutdown();
        assert!(!path.exists(), "the segment is gone once its rows are committed");
    }
}

#[test]
fn a_spool_cut_anywhere_gives_its_whole_records() {
    let world = world();
    let pairs: Vec<Pair> = (0..3).map(|i| world.pair(&format!("question {i}"), "answer")).collect();
    let (path, bytes) = world.left_in_spool(pairs);
    let len = |at: usize| 8 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (one, two) = (len(0), len(0) + len(len(0)));
    for cut in (0..=bytes.len()).step_by(331).chain([one, two, bytes.len()]) {
        let want = [one, two, bytes.len()].iter().filter(|end| **end <= cut).count() as u64;
        let other = self::world();
        fs::create_dir_all(other.dir.path().join("spool")).unwrap();
        fs::write(other.dir.path().join("spool").join(path.file_name().unwrap()), &bytes[..cut]).unwrap();
        let (_service, handle) = other.open();
        assert_eq!(run(handle.counts(&namespace())).unwrap().total, want, "cut at {cut}");
    }
}

#[test]
fn an_unreadable_record_is_counted_and_passed_over() {
    let world = world();
    let spool = Spool::open(&world.dir.path().join("spool"), 1 << 30, Duration::from_millis(1)).unwrap();
    spool.append(b"{\"future\":{}}").unwrap();
    drop(spool);
    let (_service, handle) = world.open();
    handle.append(world.pair("a", "b")).unwrap();
    assert_eq!(run(handle.counts(&namespace())).unwrap().total, 1);
    let status = handle.status();
    assert_eq!(
        (status.accepted, status.stored, status.dropped),
        (2, 1, vec![("spool_unreadable".into(), 1)])
    );
}

#[test]
fn a_second_opener_is_told_so() {
    let world = world();
    let (_service, _handle) = world.open();
    let error = Service::open(world.dir.path(), &settings(), &world.env).unwrap_err();
    assert_eq!(error.code().to_string(), "K0201");
    assert!(error.to_string().contains("another kolm process has it open"), "{error}");
    assert!(error.hint().unwrap().contains("kolm status"));
}

#[test]
fn a_database_that_fails_loses_nothing() {
    let world = world();
    let file = world.dir.path().join("captures.duckdb");
    fs::write(&file, vec![b'?'; 20_000]).unwrap();
    let (_service, handle) = world.open();
    assert!(handle.trouble().unwrap().contains("be opened"), "{:?}", handle.trouble());
    for i in 0..250 {
        handle.append(world.pair(&format!("question {i}"), "a")).unwrap();
    }
    let error = run(handle.counts(&namespace())).unwrap_err();
    assert_eq!(error.code().to_string(), "K0205");
    assert_eq!(handle.status().spooled, 250);

    fs::remove_file(&file).unwrap();
    world.clock.advance(60_000);
    assert_eq!(run(handle.counts(&namespace())).unwrap().total, 250);
    assert_eq!((handle.trouble(), handle.status().spooled), (None, 0));
}

#[test]
fn a_snapshot_depends_on_the_pairs_alone() {
    let worlds = [world(), world()];
    let mut files = Vec::new();
    for (n, world) in worlds.iter().enumerate() {
        let (_service, handle) = world.open();
        let mut pairs: Vec<Pair> =
            (0..30).map(|i| world.pair(&format!("question {i}"), &format!("label_{}", i % 3))).collect();
        pairs.push(Pair { barred: Some("origin".into()), ..world.pair("a student said", "x") });
        pairs.push(Pair { namespace: "other".parse().unwrap(), ..world.pair("elsewhere", "x") });
        if n == 1 {
            pairs.reverse();
        }
        for pair in pairs {
            handle.append(pair).unwrap();
        }
        let dir = world.dir.path().join("it's here");
        let meta = run(handle.freeze(&namespace(), &dir, "default")).unwrap();
        assert_eq!((meta.rows, meta.policy.as_str(), meta.namespace.as_str()), (30, "default", "support"));
        assert_eq!(run(handle.freeze(&namespace(), &dir, "default")).unwrap(), meta, "frozen again");
        let db = Db::open(&world.dir.path().join("read.duckdb"), "64MB").unwrap();
        let parquet = dir.join("pairs.parquet");
        assert_eq!(db.count_parquet(parquet.to_str().unwrap()), 30);
        files.push((fs::read(dir.join("rows.jsonl")).unwrap(), fs::read(dir.join("snapshot.json")).unwrap()));
    }
    assert_eq!(files[0], files[1]);
    let rows = kolm_policies::dataset::parse_rows(&files[0].0).unwrap();
    assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id));
    let row = &rows[1];
    assert_eq!(
        (row.text.as_str(), row.answer.as_str(), row.teacher.as_str()),
        ("question 1", "label_1", "m-1")
    );
    assert_eq!((row.conversation.as_str(), row.template.len()), ("conv", 16));
}

fn score(t: i64) -> ScoreRow {
    ScoreRow {
        t: Timestamp(t),
        unit: format!("unit {t}"),
        kind: ScoreKind::Shadow,
        a: Some(Ppm::ONE),
        b: None,
        served: true,
        student_us: 1,
        teacher_us: 2,
        student_ttft_us: 3,
        teacher_ttft_us: 4,
        streamed: false,
        student_cost: MicroUsd(5),
        teacher_cost: MicroUsd(6),
        critical: false,
        up_model: String::new(),
        template: String::new(),
    }
}

#[test]
fn scores_come_back_as_they_went() {
    let world = world();
    let (_service, handle) = world.open();
    let route: RouteName = "default".parse().unwrap();
    let artifact: ArtifactId = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let put = |attempt, scores: Vec<ScoreRow>, missed| {
        run(handle.put_scores(route.clone(), artifact.clone(), attempt, Gathered { scores, missed }))
            .unwrap();
    };
    put(1, vec![score(3), score(1)], 2);
    put(2, vec![score(9)], 0);
    put(1, Vec::new(), 5);
    put(1, vec![score(2)], 0);
    let gathered = |attempt| run(handle.scores(route.clone(), attempt)).unwrap();
    let units: Vec<String> = gathered(1).scores.into_iter().map(|score| score.unit).collect();
    assert_eq!(units, ["unit 3", "unit 1", "unit 2"]);
    assert_eq!([1, 2, 3].map(|attempt| gathered(attempt).missed), [7, 0, 0]);
    assert_eq!(gathered(3), Gathered::default());
}

#[test]
fn many_pairs_pass_through_while_the_owner_works() {
    let world = world();
    let (service, handle) = world.open();
    for i in 0..3_000 {
        handle.append(world.pair(&format!("question {i}"), "a")).unwrap();
    }
    service.shutdown();
    assert_eq!(handle.status().spooled, 0, "shutdown stores what waits");
    let (_service, handle) = world.open();
    assert_eq!(run(handle.counts(&namespace())).unwrap(), PairCounts { total: 3_000, eligible: 3_000 });
}

#[test]
fn pairs_of_a_process_that_has_let_go_reach_the_next_one() {
    let world = world();
    let (old, before) = world.open();
    before.append(world.pair("where is my parcel", "track")).unwrap();
    let (tx, rx) = mpsc::channel();
    before.hand_over(Box::new(move |record| tx.send(record.to_vec()).map_err(std::io::Error::other)));
    old.shutdown();
    let (_new, after) = world.open();
    before.append(world.pair("cancel my order", "cancel")).unwrap();
    after.append(world.pair("thanks", "other")).unwrap();
    after.inherit(&rx.recv().unwrap()).unwrap();
    let counts = run(after.counts(&namespace())).unwrap();
    assert_eq!(counts.total, 3, "one database, and no pair lost or twice in it");
    drop(rx);
    assert!(before.append(world.pair("too late", "other")).is_err(), "said, not swallowed");
}
