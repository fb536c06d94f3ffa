//! Reading, freezing and cutting on small tables and on random sets.

use std::collections::{BTreeMap, BTreeSet};

use kolm_core::{Code, Coded, Exit, Timestamp};
use proptest::prelude::*;

use super::*;

fn row(id: &str, conversation: &str, text: &str, answer: &str) -> Row {
    Row {
        id: id.to_owned(),
        conversation: conversation.to_owned(),
        ts: 0,
        template: "t".to_owned(),
        text: text.to_owned(),
        answer: answer.to_owned(),
        teacher: "gpt-4o-mini".to_owned(),
        weight: 1.0,
        prompt: None,
        took: None,
    }
}

/// Texts without a shingle in common: a fifth of the alphabet each, far apart.
fn distinct(n: usize) -> String {
    (0..8).map(|i| format!("{:05x}", (n * 7919 + i * 104_729) % 1_048_573)).collect::<Vec<_>>().join("-")
}

fn rows(n: usize) -> Vec<Row> {
    (0..n).map(|i| row(&format!("p{i:04}"), "", &distinct(i), ["yes", "no"][i % 2])).collect()
}

fn why(jsonl: &str) -> String {
    let error = parse_pairs(jsonl).unwrap_err();
    assert!(error.hint().is_some());
    error.to_string()
}

#[test]
fn pairs_in_both_forms() {
    let text = concat!(
        "\u{feff}{\"text\": \"hi there\", \"label\": \"greeting\", \"extra\": 1}\r\n\r\n",
        r#"{"messages": [{"role": "system", "content": "classify"}, {"role": "user", "content": "bye"}, "#,
        r#"{"role": "assistant", "content": [{"type": "text", "text": "part"}, {"type": "text", "text": "ing"}]}], "#,
        r#""model": "gpt-4o"}"#,
        "\n{\"text\": \"hi there\", \"label\": \"greeting\"}",
    );
    let pairs = parse_pairs(text).unwrap();
    let read: Vec<(&str, &str)> = pairs.iter().map(|p| (p.text.as_str(), p.answer.as_str())).collect();
    assert_eq!(read, [("hi there", "greeting"), ("bye", "parting"), ("hi there", "greeting")]);
    let request: serde_json::Value = serde_json::from_slice(&pairs[1].request).unwrap();
    assert_eq!(request["messages"].as_array().unwrap().len(), 2);
    assert_eq!(request["model"], "gpt-4o");

    let rows = rows_of_pairs(&pairs);
    let ids: BTreeSet<&str> = rows.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids.len(), 3, "copies keep an id of their own");
    let mut turned = pairs.clone();
    turned.reverse();
    assert_eq!(rows_of_pairs(&turned), rows);
    let templates: BTreeSet<&str> = rows.iter().map(|r| r.template.as_str()).collect();
    assert_eq!(templates.len(), 2);
    let prompts: Vec<&str> = rows.iter().filter_map(|r| Some(r.prompt.as_ref()?.system.as_str())).collect();
    assert_eq!(prompts, ["classify"]);
}

#[test]
fn each_template_keeps_one_prompt() {
    let under = |id: &str, template: &str| Row {
        template: template.to_owned(),
        prompt: Some(Prompt { system: id.to_owned(), tools: String::new() }),
        ..row(id, "", id, "yes")
    };
    let mut pages =
        [vec![under("a", "t"), under("b", "u"), under("c", "t")], vec![under("d", "u"), under("e", "v")]];
    let mut seen = BTreeSet::new();
    pages.iter_mut().for_each(|page| one_each(page, &mut seen));
    let kept = pages.iter().flatten().filter(|row| row.prompt.is_some()).map(|row| row.id.as_str());
    assert_eq!(kept.collect::<Vec<_>>(), ["a", "b", "e"]);
    let line = serde_json::to_string(&row("a", "", "text", "yes")).unwrap();
    assert!(
        !line.contains("prompt") && !line.contains("took"),
        "a row without them is written as ever: {line}"
    );
}

#[test]
fn bad_lines_are_named_by_number_and_reason() {
    let good = r#"{"text": "a", "label": "b"}"#;
    let cases = [
        ("nonsense", "not a JSON object"),
        (r#"["a", "b"]"#, "not a JSON object"),
        (r#"{"text": "a"}"#, "no `label`"),
        (r#"{"label": "a"}"#, "no `text`"),
        ("{}", "neither `text` and `label` nor `messages`"),
        (r#"{"text": "a", "label": " "}"#, "empty label"),
        (r#"{"text": "\t", "label": "a"}"#, "empty text"),
        (r#"{"text": "a", "text": "b", "label": "c"}"#, "duplicate field `text`"),
        (r#"{"text": "a", "label": 3}"#, "invalid type: integer `3`, expected a string (column 24)"),
        (r#"{"text": "a", "label": "b"} x"#, "trailing characters"),
        (r#"{"text": "a", "messages": []}"#, "has `messages` beside"),
        (r#"{"messages": []}"#, "`messages` is empty"),
        (r#"{"messages": [{"role": "user", "content": "a"}]}"#, "not from `assistant`"),
        (
            r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null}]}"#,
            "no text",
        ),
        (
            r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": []}]}"#,
            "calls tools",
        ),
    ];
    for (bad, want) in cases {
        let said = why(&format!("{good}\n{bad}\n"));
        assert!(said.starts_with("line 2: "), "{bad}: {said}");
        assert!(said.contains(want), "{bad}: {said}");
    }
    assert!(why(&"{\n".repeat(12)).ends_with("; and 2 more lines"));
    let error = parse_pairs(&format!("{good}\nx")).unwrap_err();
    assert_eq!((error.code(), error.exit()), (Code(930), Exit::Usage));
    let empty = parse_pairs("\u{feff}\r\n").unwrap_err();
    assert_eq!((&empty, empty.code(), empty.exit()), (&Error::Empty, Code(931), Exit::Usage));
    assert!(matches!(parse_rows(b"{\"id\":\xff}\n"), Err(Error::Lines { .. })));
}

#[test]
fn snapshot_is_the_same_in_any_order_and_reads_back() {
    let rows = rows(300);
    let mut shuffled = rows.clone();
    shuffled.sort_by_key(|r| std::cmp::Reverse(r.text.clone()));
    let a = snapshot(rows.clone(), "support", Timestamp(7), "strict");
    let b = snapshot(shuffled, "support", Timestamp(7), "strict");
    assert_eq!((&a.meta, &a.rows_jsonl, &a.manifest_json), (&b.meta, &b.rows_jsonl, &b.manifest_json));
    assert_eq!(a.meta.id.len(), "snap-".len() + 16);
    assert_eq!(a.meta.rows, 300);
    assert_eq!(parse_rows(&a.rows_jsonl).unwrap(), rows);
    assert_eq!(serde_json::from_slice::<SnapshotMeta>(&a.manifest_json).unwrap(), a.meta);
    let mut other = rows;
    other[0].answer.push('!');
    assert_ne!(snapshot(other, "support", Timestamp(7), "strict").meta.id, a.meta.id);
}

#[test]
fn copies_become_one_row_with_the_majority_answer() {
    let mut all = rows(120);
    let text = all[5].text.clone();
    for (i, answer) in ["maybe", "maybe", "maybe"].into_iter().enumerate() {
        all.push(row(&format!("q{i}"), "", &format!("  {}\n", text.to_uppercase()), answer));
    }
    all.push(row("empty", "", " ", "yes"));
    all.push(row("silent", "", "question", ""));
    all.push(row("long", "", "another question", &"x".repeat(21)));
    let out = prepare(all, None, 7).unwrap();
    let kept = [&out.train, &out.valid, &out.heldout].into_iter().flatten().find(|r| r.answer == "maybe");
    assert_eq!(kept.unwrap().weight, 3.0);
    let report = &out.report;
    assert_eq!((report.unique, report.repeated, report.disagreements), (120, 4, 1));
    assert_eq!(report.disagreement_ppm, 250_000);
    let dropped = [("answer_empty", 1), ("answer_length", 1), ("copy", 3), ("text_empty", 1)];
    assert_eq!(report.dropped, BTreeMap::from(dropped));
    assert_eq!(report.heldout, 50);
    assert_eq!(report.rows_in, report.train + report.valid + report.heldout + 6);
}

#[test]
fn ties_go_to_the_answer_given_last() {
    let mut all = rows(120);
    let mut twin = row("z", "", &all[5].text.clone(), "now");
    twin.ts = 9;
    all.push(twin);
    let out = prepare(all, None, 7).unwrap();
    assert!(
        [out.train, out.valid, out.heldout].iter().flatten().any(|r| r.answer == "now" && r.weight == 2.0)
    );
}

#[test]
fn too_few_rows_are_refused() {
    let check = |n: usize, eval: Option<Vec<Row>>, have: u64, need: u64| {
        let error = prepare(rows(n), eval, 7).unwrap_err();
        assert_eq!(error, Error::TooFew { have, need });
        assert_eq!((error.code(), error.exit()), (Code(601), Exit::TooFew));
        assert!(error.hint().unwrap().contains(&(need - have).to_string()));
    };
    check(99, None, 99, 100);
    check(0, None, 0, 100);
    let eval = |n: std::ops::Range<usize>| Some(rows(n.end)[n].to_vec());
    check(9, eval(50..60), 9, 10);
    check(12, eval(0..5), 7, 10);
    assert_eq!(prepare(rows(100), None, 7).unwrap().report.heldout, 50);
    let small = prepare(rows(15), eval(0..5), 7).unwrap().report;
    assert_eq!((small.heldout, small.dropped["eval_overlap"], small.train + small.valid), (5, 5, 10));
    assert_eq!(prepare(rows(20), Some(vec![]), 7).unwrap_err(), Error::Empty);
}

#[test]
fn one_conversation_cannot_be_split() {
    let mut all = rows(150);
    for row in &mut all {
        row.conversation = "c".to_owned();
    }
    let error = prepare(all, None, 7).unwrap_err();
    assert_eq!(error, Error::NoSplit { rows: 150, groups: 1 });
    assert_eq!((error.code(), error.exit()), (Code(932), Exit::Failed));
}

#[test]
fn closed_sets_and_what_lies_outside() {
    let labelled = |counts: &[(&str, usize)]| -> Vec<Row> {
        let answers = counts.iter().flat_map(|(answer, n)| std::iter::repeat_n(*answer, *n));
        answers.enumerate().map(|(i, a)| row(&format!("p{i:04}"), "", &distinct(i), a)).collect()
    };
    let long = "word ".repeat(33);
    let cases: [(&[(&str, usize)], Result<&[&str], &str>); 6] = [
        (&[("b", 50), (" a ", 50)], Ok(&["a", "b"])),
        (&[("a", 50), ("b", 49), ("c", 1), ("d", 1)], Ok(&["a", "b"])),
        (&[("a", 50), ("b", 46), ("c", 2), ("d", 2)], Err("98 %")),
        (&[("a", 100)], Err("two labels")),
        (&[("a", 5), ("b", 5), ("c", 5)], Err("ten rows")),
        (&[("a", 50), (&long, 50)], Err("98 %")),
    ];
    for (counts, want) in cases {
        let rows = labelled(counts);
        match (closed_set(&rows), want) {
            (Ok(labels), Ok(want)) => assert_eq!(labels, want),
            (Err(error), Err(want)) => {
                assert_eq!((error.code(), error.exit()), (Code(933), Exit::Failed));
                assert!(error.to_string().contains(want), "{error}");
            }
            (got, want) => panic!("{counts:?}: {got:?}, not {want:?}"),
        }
    }
    let rows = labelled(&[("a", 50), ("b", 40), ("free text", 4)]);
    let Err(Error::NotClosed { covered, labels, outside: named, .. }) = closed_set(&rows) else { panic!() };
    assert_eq!((covered, labels, named.len(), named[0].answer.as_str()), (90, 2, 4, "free text"));
    assert_eq!(outside(&rows, &["a".to_owned(), "b".to_owned()]).len(), 4);
    let many: Vec<Row> = (0..600 * 5)
        .map(|i| row(&format!("p{i:05}"), "", &distinct(i), &format!("label {:03}", i % 600)))
        .collect();
    assert!(closed_set(&many).unwrap_err().to_string().contains("in 512 answers"));
}

/// Random sets with copies, near-copies and conversations in them.
fn sets() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec((0..400_usize, 0..3_usize, 0..60_usize, 0..2_usize), 200..400).prop_map(
        |drawn| {
            drawn
                .into_iter()
                .enumerate()
                .map(|(i, (text, variant, conversation, answer))| {
                    let text = format!("{}{}", distinct(text), ["", "!", " "][variant]);
                    let conversation =
                        if conversation < 20 { format!("c{conversation}") } else { String::new() };
                    row(&format!("p{i:04}"), &conversation, &text, ["yes", "no"][answer])
                })
                .collect()
        },
    )
}

/// Conversations and texts (without their last, varying sign) of one side.
fn seen(rows: &[Row]) -> BTreeSet<String> {
    let texts = rows.iter().map(|r| r.text[..47].to_owned());
    texts.chain(rows.iter().map(|r| r.conversation.clone()).filter(|c| !c.is_empty())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_group_is_on_two_sides_and_order_does_not_matter(all in sets(), seed in any::<u64>()) {
        let out = prepare(all.clone(), None, seed);
        prop_assume!(out.is_ok());
        let out = out.unwrap();
        let sides = [seen(&out.train), seen(&out.valid), seen(&out.heldout)];
        prop_assert!(sides[0].is_disjoint(&sides[1]));
        prop_assert!(sides[0].is_disjoint(&sides[2]));
        prop_assert!(sides[1].is_disjoint(&sides[2]));
        let dropped: u64 = out.report.dropped.values().sum();
        prop_assert_eq!(out.report.rows_in, out.report.train + out.report.valid + out.report.heldout + dropped);
        prop_assert!(out.report.heldout >= (out.report.unique.div_ceil(8)).max(50));
        let mut turned = all;
        turned.reverse();
        let again = prepare(turned, None, seed).unwrap();
        prop_assert_eq!((again.train, again.valid, again.heldout), (out.train, out.valid, out.heldout));
        prop_assert_eq!(again.report, out.report);
    }

    #[test]
    fn what_was_held_out_stays_held_out(all in sets(), more in sets(), seed in any::<u64>()) {
        let first = prepare(all.clone(), None, seed);
        prop_assume!(first.is_ok());
        let first = first.unwrap();
        let grown: Vec<Row> = all.into_iter().chain(more.into_iter().map(|mut r| {
            r.id.insert(0, 'q');
            r
        })).collect();
        match prepare_keeping(grown, None, seed, &first.held) {
            Ok(second) => prop_assert!(second.held.is_superset(&first.held)),
            Err(error) => prop_assert_eq!(error.code(), Code(932)),
        }
    }
}
