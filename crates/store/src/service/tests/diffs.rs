//! Diffs from hand-over to review, and what a review does to a snapshot.

use kolm_core::{DiffAxis, DiffCounts, DiffFilter, DiffKind, DiffPage, DiffQuery, Review, ToolCall, Verdict};

use super::*;
use crate::Diff;

fn artifact(digit: &str) -> ArtifactId {
    format!("sha256:{}", digit.repeat(64)).parse().unwrap()
}

impl World {
    /// The request of `pair` once more, with what the student said to it.
    fn diff(&self, pair: &Pair, student: Option<&str>, a: Option<u32>) -> Diff {
        let other = student.map(|answer| self.pair("where is my parcel", answer).body);
        Diff {
            id: pair.id,
            t: self.env.clock.now(),
            route: "default".parse().unwrap(),
            namespace: pair.namespace.clone(),
            surface: Surface::Chat,
            artifact: artifact("0"),
            attempt: 1,
            kind: DiffKind::Shadow,
            unit: "conv".into(),
            teacher: self.pair("where is my parcel", "track_order").body,
            student: other,
            a: a.map(Ppm),
            b: None,
            served: student.is_some(),
            critical: false,
            student_us: 10,
            teacher_us: 20,
            student_ttft_us: 1,
            teacher_ttft_us: 2,
            student_cost: MicroUsd(1),
            teacher_cost: MicroUsd(9),
        }
    }
}

fn query(filter: DiffFilter, offset: u32) -> DiffQuery {
    DiffQuery { route: "default".parse().unwrap(), namespace: namespace(), filter, limit: 3, offset }
}

fn names(page: &DiffPage) -> String {
    page.rows.iter().map(|row| row.student.as_str()).collect::<Vec<_>>().join(" ")
}

/// Six diffs, named by what the student said: c is critical, w wrong, p partly right, r right, b better than the
/// teacher's own second answer, and one where it abstained.
fn six(world: &World) -> Vec<Diff> {
    let one = |name: Option<&str>, a| world.diff(&world.pair("q", "a"), name, a);
    vec![
        one(Some("r"), Some(1_000_000)),
        Diff { b: Some(Ppm(300_000)), ..one(Some("b"), Some(400_000)) },
        one(None, None),
        Diff { kind: DiffKind::Reverse, student_us: 90, ..one(Some("w"), Some(0)) },
        Diff { critical: true, student_us: 30, ..one(Some("c"), Some(1_000_000)) },
        Diff { artifact: artifact("1"), ..one(Some("p"), Some(700_000)) },
    ]
}

#[test]
fn diffs_come_worst_first_and_once() {
    let world = world();
    let (_service, handle) = world.open();
    let diffs = six(&world);
    let again =
        Diff { a: Some(Ppm(1)), ..world.diff(&Pair { id: diffs[0].id, ..world.pair("q", "a") }, None, None) };
    run(handle.put_diffs(diffs)).unwrap();
    run(handle.put_diffs(vec![again])).unwrap();
    let page = |filter: DiffFilter, offset| run(handle.diffs(query(filter, offset))).unwrap();
    let all = DiffFilter::default();
    assert_eq!(names(&page(all.clone(), 0)), "c w b");
    assert_eq!(names(&page(all.clone(), 3)), "p r ");
    let (behind, first) = (page(all.clone(), 9), page(all.clone(), 0));
    assert_eq!((behind.total, behind.rows.len(), first.total), (6, 0, 6));
    let counts = DiffCounts { same: 2, better: 1, worse: 2, unscored: 1, unread: 6 };
    assert_eq!((first.counts, first.templates[0].1), (counts, 6));
    let hash = first.templates[0].0.clone();
    for (filter, wanted) in [
        (DiffFilter { axis: Some(DiffAxis::Accuracy), ..all.clone() }, "c w b"),
        (DiffFilter { axis: Some(DiffAxis::Latency), ..all.clone() }, "w c"),
        (DiffFilter { axis: Some(DiffAxis::Coverage), ..all.clone() }, ""),
        (DiffFilter { kind: Some(DiffKind::Reverse), ..all.clone() }, "w"),
        (DiffFilter { artifact: Some(artifact("1")), ..all.clone() }, "p"),
        (DiffFilter { verdict: Some(Verdict::Accept), ..all.clone() }, ""),
        (DiffFilter { template: Some(hash), kind: Some(DiffKind::Reverse), ..all.clone() }, "w"),
        (DiffFilter { template: Some("another".into()), ..all.clone() }, ""),
    ] {
        assert_eq!(names(&page(filter.clone(), 0)), wanted, "{filter:?}");
    }
    let of_one = page(DiffFilter { artifact: Some(artifact("1")), ..all }, 0).counts;
    assert_eq!((of_one.worse, of_one.unread), (1, 1), "counts are of the student that is asked for");
}

#[test]
fn a_diff_is_read_with_its_neighbours_and_reviewed() {
    let world = world();
    let (service, handle) = world.open();
    let mut diffs = six(&world);
    let call = serde_json::json!({"choices": [{"message": {"content": null, "tool_calls": [
        {"function": {"name": "find", "arguments": "{\"open\":true}"}}]}}], "usage": {"completion_tokens": 7}});
    let exchange = Exchange {
        request: diffs[3].teacher.request().as_bytes().to_vec(),
        reply: call.to_string().into_bytes(),
    };
    let (body, _) = anonymize(&exchange, &Policy::preset("default").unwrap(), &Salt([3; 32])).unwrap();
    diffs[3].student = Some(body);
    let ids: Vec<RequestId> = diffs.iter().map(|diff| diff.id).collect();
    run(handle.put_diffs(diffs)).unwrap();
    let read = |id, filter: &DiffFilter| run(handle.diff(id, filter.clone())).unwrap().unwrap();
    let unread = DiffFilter { verdict: Some(Verdict::Unread), ..DiffFilter::default() };

    let seen = read(ids[3], &unread);
    assert_eq!((seen.place, seen.total, seen.previous, seen.next), (2, 6, Some(ids[4]), Some(ids[1])));
    let turns: Vec<String> = seen.turns.iter().map(|turn| format!("{}: {}", turn.role, turn.text)).collect();
    assert_eq!(turns, ["system: Say the intent.", "user: where is my parcel"]);
    assert_eq!(
        (seen.teacher_said.text.as_str(), seen.teacher_cost, seen.student_tokens),
        ("track_order", MicroUsd(9), 7)
    );
    let called = ToolCall { name: "find".into(), arguments: r#"{"open":true}"#.into() };
    assert_eq!(seen.student_said.unwrap().calls, [called]);
    assert_eq!(seen.row.student, r#"find({"open":true})"#);
    assert_eq!((seen.reviewed_at, seen.row.verdict), (None, Verdict::Unread));
    assert_eq!(read(ids[2], &unread).next, None, "an abstention is the last");

    let review = |id, verdict, corrected: &str| Review {
        id,
        verdict,
        note: "seen".into(),
        corrected: corrected.into(),
        reviewer: "maria".into(),
    };
    let now = Timestamp(77);
    assert!(run(handle.review(review(ids[3], Verdict::Accept, "lost"), now)).unwrap());
    let nobody = RequestId::from_parts(Timestamp(1), [1; 10]);
    assert!(!run(handle.review(review(nobody, Verdict::Accept, ""), now)).unwrap());
    assert!(run(handle.diff(nobody, unread.clone())).unwrap().is_none());
    let seen = read(ids[3], &unread);
    assert_eq!((seen.place, seen.next, seen.total), (0, None, 0), "it is unread no longer");
    assert_eq!((seen.note.as_str(), seen.corrected.as_str(), seen.reviewer.as_str()), ("seen", "", "maria"));
    assert_eq!((seen.row.verdict, seen.row.a, seen.reviewed_at), (Verdict::Accept, Some(Ppm(0)), Some(now)));
    assert_eq!(read(ids[4], &unread).next, Some(ids[1]));
    assert!(
        run(handle.review(review(ids[3], Verdict::Edit, "cancel"), now)).unwrap(),
        "the last word counts"
    );
    service.shutdown();
    let (_service, handle) = world.open();
    let seen = run(handle.diff(ids[3], unread)).unwrap().unwrap();
    assert_eq!((seen.row.verdict, seen.corrected.as_str()), (Verdict::Edit, "cancel"));
}

#[test]
fn an_edited_answer_is_what_trains() {
    let world = world();
    let (_service, handle) = world.open();
    let pairs: Vec<Pair> = (0..4).map(|i| world.pair(&format!("question {i}"), "teacher")).collect();
    let diffs: Vec<Diff> = pairs.iter().map(|pair| world.diff(pair, Some("student"), Some(0))).collect();
    let ids: Vec<RequestId> = pairs.iter().map(|pair| pair.id).collect();
    for pair in pairs {
        handle.append(pair).unwrap();
    }
    run(handle.put_diffs(diffs)).unwrap();
    for (id, verdict, corrected) in [
        (ids[0], Verdict::Accept, "no matter"),
        (ids[1], Verdict::Reject, "no matter"),
        (ids[2], Verdict::Edit, "person"),
        (ids[3], Verdict::Edit, ""),
    ] {
        let (note, reviewer) = (String::new(), "maria".to_owned());
        let review = Review { id, verdict, note, corrected: corrected.to_owned(), reviewer };
        assert!(run(handle.review(review, Timestamp(9))).unwrap());
    }
    let dir = world.dir.path().join("snapshot");
    run(handle.freeze(&namespace(), &dir, "default")).unwrap();
    let rows = kolm_policies::dataset::parse_rows(&fs::read(dir.join("rows.jsonl")).unwrap()).unwrap();
    let took = rows.iter().map(|row| row.took.map(|took| (took.ms, took.cost.0))).collect::<Vec<_>>();
    assert_eq!(took, [Some((300, 5)), Some((300, 5)), None], "nobody measured a person");
    let prompts = rows.iter().map(|row| row.prompt.as_ref().map_or("", |prompt| &prompt.system));
    assert_eq!(prompts.collect::<Vec<_>>(), ["Say the intent.", "", ""], "one of a template");
    let rows: Vec<String> = rows.iter().map(|row| format!("{} {}", row.text, row.answer)).collect();
    assert_eq!(rows, ["question 0 teacher", "question 1 teacher", "question 2 person"]);
    let db = Db::open(&world.dir.path().join("read.duckdb"), "64MB").unwrap();
    assert_eq!(db.count_parquet(dir.join("pairs.parquet").to_str().unwrap()), 3);
}

#[test]
fn diffs_lie_and_decay_with_their_namespace() {
    let world = world();
    let billing: Namespace = "billing".parse().unwrap();
    let apart = BTreeMap::from([(billing.clone(), world.dir.path().join("own"))]);
    let common = world.dir.path().join("common");
    let (service, handle) = Service::open_all(&common, &settings(), &world.env, apart).unwrap();
    let mine = world.diff(&world.pair("q", "a"), Some("mine"), Some(0));
    let theirs = Pair { namespace: billing.clone(), ..world.pair("q", "a") };
    let theirs = world.diff(&theirs, Some("theirs"), Some(0));
    let (mine_id, id) = (mine.id, theirs.id);
    run(handle.put_diffs(vec![theirs, mine])).unwrap();
    let found = |namespace: Namespace| {
        names(&run(handle.diffs(DiffQuery { namespace, ..query(DiffFilter::default(), 0) })).unwrap())
    };
    assert_eq!((found(namespace()), found(billing.clone())), ("mine".to_owned(), "theirs".to_owned()));
    let review = Review {
        id,
        verdict: Verdict::Edit,
        note: "a note".into(),
        corrected: "an answer".into(),
        reviewer: "maria".into(),
    };
    assert!(run(handle.review(review, Timestamp(9))).unwrap(), "found wherever it lies");

    let later = Timestamp(world.env.clock.now().0 + 1);
    assert_eq!(run(handle.decay(&billing, later)).unwrap(), 0, "pairs are counted, and there are none");
    let gone = run(handle.diff(id, DiffFilter::default())).unwrap().unwrap();
    assert!(gone.turns.is_empty() && gone.note.is_empty() && gone.corrected.is_empty(), "{gone:?}");
    assert_eq!((gone.row.verdict, gone.row.a, gone.student_said), (Verdict::Edit, Some(Ppm(0)), None));
    let kept = run(handle.diff(mine_id, DiffFilter::default())).unwrap().unwrap();
    assert_eq!(kept.row.student, "mine", "another namespace keeps its own");
    service.shutdown();
}

#[test]
fn what_passed_is_summed_by_route_and_arm() {
    let world = world();
    let (_service, handle) = world.open();
    handle.append(world.pair("a", "b")).unwrap();
    handle.append(Pair { tokens_in: -1, cost: None, ..world.pair("a", "b") }).unwrap();
    handle.append(Pair { arm: Arm::Student, ..world.pair("a", "b") }).unwrap();
    handle.append(Pair { status: 500, ..world.pair("a", "b") }).unwrap();
    handle.append(Pair { route: None, ..world.pair("a", "b") }).unwrap();
    let spent = run(handle.spent()).unwrap();
    let spent: Vec<_> = spent
        .iter()
        .map(|one| (one.arm, one.requests, one.tokens_in, one.tokens_out, one.list_price.0))
        .collect();
    assert_eq!(spent, [(Arm::Student, 1, 8, 2, 5), (Arm::Teacher, 2, 8, 4, 5)]);
}
