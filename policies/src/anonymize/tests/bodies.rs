//! Generated bodies: JSON stays JSON, and what belongs together is replaced together.
//!
//! `PROPTEST_CASES=100000 cargo test -p kolm-policies --lib bodies` runs a hundred thousand.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::planted::identifier;
use super::*;
use crate::anonymize::invent::Choice;

/// As many cases as the environment asks for, else `usual`.
fn cases(usual: u32) -> u32 {
    let asked = ProptestConfig::default().cases;
    if asked == 256 { usual } else { asked }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ -~]{0,24}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        (0usize..16, any::<u8>()).prop_map(|(kind, seed)| {
            let mut choice = Choice::new(&Salt([seed; 32]), "test", "leaf", kind as u32);
            Value::from(format!("it is {} \"\\ \u{1f600}", identifier(&mut choice, kind)))
        }),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,6}(_id)?", inner.clone(), 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// Same keys in order and same kinds of values, through JSON in strings too.
fn same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, va), (kb, vb))| ka == kb && same(va, vb))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::String(a), Value::String(b)) => match serde_json::from_str::<Value>(a) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => {
                serde_json::from_str::<Value>(b).is_ok_and(|other| same(&inner, &other))
            }
            Ok(_) | Err(_) => true,
        },
        (Value::Number(a), Value::Number(b)) => a.to_string().len() == b.to_string().len(),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_stays_json(arguments in tree(), text in "[ -~]{0,60}") {
        let body = json!({"model": "m", "temperature": 0.5, "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": arguments.to_string()}}]},
            {"role": "tool", "tool_call_id": "c", "content": arguments}]});
        let exchange = Exchange { request: body.to_string().into_bytes(), reply: Vec::new() };
        match run(&exchange, "default") {
            Ok((done, report)) => {
                let out: Value = serde_json::from_str(done.request()).unwrap();
                prop_assert!(same(&body, &out), "{body}\n{out}");
                if report.counts.is_empty() {
                    prop_assert_eq!(done.request().as_bytes(), exchange.request);
                }
            }
            Err(dropped) => prop_assert!(matches!(dropped, Dropped::IdentifierInKey | Dropped::AuditLeak), "{dropped:?}"),
        }
    }

    #[test]
    fn nothing_panics_and_nothing_leaks_an_error(text in any::<String>(), key in "[a-z_]{0,12}") {
        let body = json!({"messages": [{"role": "user", "content": text, key: "x"}]});
        let done = run(&Exchange { request: body.to_string().into_bytes(), reply: Vec::new() }, "hipaa");
        prop_assert!(done.is_ok() || done.is_err_and(|e| e == Dropped::AuditLeak || e == Dropped::IdentifierInKey));
    }
}

/// Everything but what stands in strings and numbers.
fn skeleton(body: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::new(), false, false);
    for c in body.chars() {
        match (inside, c) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (_, '"') => {
                inside = !inside;
                out.push(c);
            }
            (true, _) | (false, '0'..='9') => {}
            (false, c) => out.push(c),
        }
    }
    out
}

/// One body of a conversation about a few people, and the values in it.
struct Case {
    exchange: Exchange,
    mails: Vec<String>,
    records: Vec<u64>,
}

fn case(choice: &mut Choice, n: u32) -> Case {
    let mut word = |len: usize| -> String {
        (0..len).map(|_| char::from(choice.letter().to_ascii_lowercase())).collect()
    };
    let mails: Vec<String> =
        (0..1 + n % 3).map(|_| format!("{}.{}@{}.co", word(4), word(5), word(6))).collect();
    let records: Vec<u64> = (0..1 + n % 2).map(|_| 1_000_000 + choice.below(8_999_999)).collect();
    let (mail, record) = (&mails[0], records[0]);
    let kind = choice.below(16) as usize;
    let other = identifier(choice, kind);
    let arguments = json!({"mrn": record, "who": {"email": mail, "note": format!("see \"{other}\"\n")}, "n": n, "ok": true});
    let request = json!({"model": "gpt-4o-mini", "temperature": 0.25, "messages": [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": [{"type": "text", "text": format!("Write to {} about MRN {record}, {other}", mails.join(" and "))}]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": arguments.to_string()}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": json!({"records": records, "mail": mail}).to_string()},
    ], "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {
        "email": {"type": "string", "enum": [mail, "none"], "description": "whom to ask"}}, "required": ["email"]}}}]});
    let reply = json!({"id": "x", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": format!("Done: {mail}, MRN {record}."),
        "tool_calls": [{"id": "call_2", "type": "function", "function": {"name": "find", "arguments": arguments.to_string()}}]}}]});
    let written = |value: &Value| {
        if n.is_multiple_of(4) { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) }
    };
    Case {
        exchange: Exchange { request: written(&request).unwrap(), reply: written(&reply).unwrap() },
        mails,
        records,
    }
}

fn inner(value: &Value) -> Value {
    serde_json::from_str(value.as_str().unwrap()).unwrap()
}

/// What must hold for one case; `false` where there is no record.
fn holds(case: &Case) -> bool {
    let Ok((done, _)) = run(&case.exchange, "default") else { return false };
    let before =
        [&case.exchange.request, &case.exchange.reply].map(|body| std::str::from_utf8(body).unwrap());
    for (old, new) in before.into_iter().zip([done.request(), done.reply()]) {
        let [a, b]: [Value; 2] = [old, new].map(|body| serde_json::from_str(body).unwrap());
        assert!(same(&a, &b), "{old}\n{new}");
        assert_eq!(skeleton(old), skeleton(new));
        for mail in &case.mails {
            assert!(!new.contains(mail), "{mail} in {new}");
        }
        for record in &case.records[..1] {
            assert!(!new.contains(&record.to_string()), "{record} in {new}");
        }
    }
    let [request, reply]: [Value; 2] =
        [done.request(), done.reply()].map(|body| serde_json::from_str(body).unwrap());
    let asked = inner(&request["messages"][2]["tool_calls"][0]["function"]["arguments"]);
    let message = &reply["choices"][0]["message"];
    let called = inner(&message["tool_calls"][0]["function"]["arguments"]);
    assert_eq!(asked, called, "both sides alike");
    let (mail, record) = (asked["who"]["email"].as_str().unwrap(), asked["mrn"].to_string());
    let said = message["content"].as_str().unwrap();
    assert!(said.contains(mail) && said.contains(&record), "{said} lacks {mail} or {record}");
    assert_eq!(request["tools"][0]["function"]["parameters"]["properties"]["email"]["enum"][0], *mail);
    let text = request["messages"][1]["content"][0]["text"].as_str().unwrap();
    let shown: BTreeSet<&str> = text.split([' ', ',']).filter(|word| word.contains("@example")).collect();
    assert!(
        shown.len() >= case.mails.len() && shown.contains(mail),
        "two originals share a surrogate: {text}"
    );
    assert!(case.mails.iter().all(|mail| !shown.contains(mail.as_str())));
    true
}

#[test]
fn generated_conversations_keep_what_belongs_together() {
    let mut choice = Choice::new(&Salt([11; 32]), "test", "bodies", 0);
    let all = cases(10_000);
    let kept = (0..all).filter(|n| holds(&case(&mut choice, *n))).count();
    assert!(kept * 1000 >= all as usize * 998, "{kept} of {all} gave a record");
}

#[test]
fn values_of_a_conversation_keep_apart() {
    let mut choice = Choice::new(&Salt([12; 32]), "test", "apart", 0);
    let values: BTreeSet<String> = (0..400).map(|n| identifier(&mut choice, n % 16)).collect();
    let values: Vec<String> = values.into_iter().collect();
    let (done, _) = run(&talk(&values.join("\n"), "ok"), "default").unwrap();
    let out: Value = serde_json::from_str(done.request()).unwrap();
    let lines: Vec<&str> = out["messages"][0]["content"].as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), values.len());
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (value, line) in values.iter().zip(lines) {
        assert!(!values.iter().any(|v| v == line), "{value} became another original");
        assert!(seen.insert(line, value).is_none(), "{line} stands for two");
    }
}
