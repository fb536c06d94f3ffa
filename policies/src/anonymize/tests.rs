//! The whole anonymizer: exchanges in, records out.

use kolm_wire::Exchange;
use serde_json::{Value, json};

use super::*;

mod bodies;
mod corpora;
mod people;
mod planted;
mod rows;
pub(crate) mod tables;
mod tongues;

pub(super) fn talk(user: &str, reply: &str) -> Exchange {
    let reply = json!({"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}]});
    Exchange {
        request: json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": user}]})
            .to_string()
            .into_bytes(),
        reply: reply.to_string().into_bytes(),
    }
}

pub(super) fn run(exchange: &Exchange, policy: &str) -> Result<(Anonymized, Report), Dropped> {
    anonymize(exchange, &Policy::preset(policy).unwrap(), &Salt([3; 32]))
}

fn both(user: &str, reply: &str) -> (String, String) {
    let (done, _) = run(&talk(user, reply), "default").unwrap();
    let request: Value = serde_json::from_str(done.request()).unwrap();
    let reply: Value = serde_json::from_str(done.reply()).unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    (text(&request["messages"][0]["content"]), text(&reply["choices"][0]["message"]["content"]))
}

/// G7: what a thread has read before, and how many there are, changes no byte.
#[test]
fn the_same_bytes_on_one_thread_and_on_eight() {
    let names = ["John Doe", "Ann Lee", "Marta Nowak", "田中太郎", "Иван Петров", "Jürgen Müller"];
    let exchanges: Vec<Exchange> = (0..48)
        .map(|n| {
            let (name, other) = (names[n % names.len()], names[(n + 1) % names.len()]);
            let user = format!("Dr. {other} saw {name} on 5 May 202{}, MRN 88{n:04}, in Springfield.", n % 6);
            talk(
                &user,
                &format!("{name}: call +1 415 832 26{n:02}, ann{n}@acme.co, key=AKIAQYLPMN5HHHFPZAM2"),
            )
        })
        .collect();
    let one = &|n: usize| {
        let (done, report) = run(&exchanges[n], "default").unwrap();
        (done.request().to_owned(), done.reply().to_owned(), done.typed().to_owned(), report)
    };
    let alone: Vec<_> = (0..exchanges.len()).map(one).collect();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|thread| {
                // Every thread in an order of its own.
                scope.spawn(move || {
                    (0..48).map(|n| (n * 5 + thread * 7) % 48).map(|n| (n, one(n))).collect::<Vec<_>>()
                })
            })
            .collect();
        for (n, done) in all.into_iter().flat_map(|thread| thread.join().unwrap()) {
            assert_eq!(done, alone[n], "{n}");
        }
    });
}

#[test]
fn one_original_has_one_surrogate_on_both_sides() {
    let (user, reply) = both(
        "I am ann@acme.co, card 4012 8888 8888 1881, MRN 8847, call +1 (415) 832-2671.",
        "Hello ann@acme.co! Card 4012888888881881, record 8847, phone 415-832-2671 noted.",
    );
    for gone in ["ann@acme.co", "4012", "8847", "832"] {
        assert!(!user.contains(gone) && !reply.contains(gone), "{gone}: {user} / {reply}");
    }
    let mail = user.split_whitespace().nth(2).unwrap().trim_end_matches(',');
    assert!(reply.contains(mail), "{user} / {reply}");
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let card = digits(user.split("card ").nth(1).unwrap().split(", MRN").next().unwrap());
    assert!(reply.contains(&card), "{user} / {reply}");
    let mrn = user.split("MRN ").nth(1).unwrap().split(',').next().unwrap();
    assert!(reply.contains(&format!("record {mrn}")), "{user} / {reply}");
}

#[test]
fn tool_arguments_are_read_as_json_and_stay_json() {
    let arguments = json!({"patientId": "884712", "email": "ann@acme.co", "mrn": 884712, "n": 3, "note": "line\none \"quoted\""});
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "look up 884712"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments.to_string()}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "{\"result\": {\"email\": \"ann@acme.co\"}}"}
    ]});
    let exchange = Exchange { request: body.to_string().into_bytes(), reply: Vec::new() };
    let (done, report) = run(&exchange, "default").unwrap();
    assert!(!done.request().contains("884712") && !done.request().contains("acme"), "{}", done.request());
    let out: Value = serde_json::from_str(done.request()).unwrap();
    let inner = out["messages"][1]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let inner: Value = serde_json::from_str(inner).unwrap();
    assert_eq!(inner["n"], 3);
    assert_eq!(inner["note"], "line\none \"quoted\"");
    let id = inner["patientId"].as_str().unwrap();
    assert_eq!(inner["mrn"].to_string(), id, "text and number alike");
    assert_eq!(out["messages"][0]["content"], format!("look up {id}"));
    let result: Value = serde_json::from_str(out["messages"][2]["content"].as_str().unwrap()).unwrap();
    assert_eq!(result["result"]["email"], inner["email"]);
    assert_eq!((report.counts["MRN"], report.counts["EMAIL"]), (3, 2));
}

#[test]
fn what_is_no_text_is_emptied_or_stubbed() {
    let body = json!({"model": "m", "user": "ann", "metadata": {"k": "v"}, "messages": [{"role": "user", "content": [
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]});
    let reply = json!({"choices": [{"message": {"content": "ok"}, "logprobs": {"content": [{"token": "ok", "logprob": -1.0}]}}]});
    let exchange = Exchange { request: body.to_string().into_bytes(), reply: reply.to_string().into_bytes() };
    let (done, _) = run(&exchange, "default").unwrap();
    let out: Value = serde_json::from_str(done.request()).unwrap();
    assert_eq!((out["user"].as_str(), out["metadata"]["k"].as_str()), (Some(""), Some("")));
    let url = out["messages"][0]["content"][1]["image_url"]["url"].as_str().unwrap();
    assert!(url.starts_with("kolm-redacted:"), "{url}");
    let out: Value = serde_json::from_str(done.reply()).unwrap();
    assert!(out["choices"][0]["logprobs"].is_null());
}

#[test]
fn plain_exchanges_are_byte_identical() {
    for (user, reply) in [
        ("i need to change my pin", "change_pin"),
        ("what is 1785 minus 334", "1451"),
        ("charged 12.50 EUR", "card_payment_fee_charged"),
    ] {
        let exchange = talk(user, reply);
        let (done, report) = run(&exchange, "default").unwrap();
        assert_eq!(done.request().as_bytes(), exchange.request);
        assert_eq!(done.reply().as_bytes(), exchange.reply);
        assert!(report.counts.is_empty() && !report.quarantined);
    }
}

#[test]
fn the_modes() {
    let policy = |mode: &str, types: &str| {
        Policy::parse(&format!("schema = 1\nname = \"x\"\nmode = \"{mode}\"\ntypes = {{ {types} }}")).unwrap()
    };
    let exchange = talk("MRN 8847 and MRN 9921, a@b.co", "8847");
    let check = |policy: &Policy| anonymize(&exchange, policy, &Salt([1; 32]));
    let (tag, _) = check(&policy("tag", "")).unwrap();
    assert!(tag.request().contains("MRN <MRN_1> and MRN <MRN_2>, <EMAIL_1>"), "{}", tag.request());
    assert!(tag.reply().contains("\"<MRN_1>\""), "{}", tag.reply());
    let (redact, _) = check(&policy("redact", "")).unwrap();
    assert!(redact.request().contains("MRN [MRN] and MRN [MRN], [EMAIL]"), "{}", redact.request());
    let again = Exchange { request: redact.request().into(), reply: redact.reply().into() };
    assert_eq!(
        anonymize(&again, &policy("redact", ""), &Salt([2; 32])).unwrap().0,
        redact,
        "a second pass changes nothing"
    );
    let (keep, report) = check(&policy("surrogate", "EMAIL = \"keep\"")).unwrap();
    assert!(keep.request().contains("a@b.co") && report.counts["EMAIL"] == 1, "{report:?}");
    assert_eq!(check(&policy("surrogate", "MRN = \"block\"")).unwrap_err(), Dropped::BlockedType);
}

#[test]
fn dates_move_together_and_keep_their_distance() {
    let (user, _) = both("admitted 2021-05-21, seen May 28, 2021, born 3/4/1978", "ok");
    let days = |text: &str| {
        let tokens = super::token::tokens(text.as_bytes());
        super::date::dates(text.as_bytes(), &tokens).len()
    };
    assert_eq!(days(&user), 3, "{user}");
    assert!(!user.contains("2021-05-21") && !user.contains("May 28"), "{user}");
    let iso: Vec<i64> = user[9..19].split('-').map(|n| n.parse().unwrap()).collect();
    assert_eq!(iso.len(), 3, "{user}");
}

#[test]
fn every_doubt_ends_in_no_record() {
    let check = |request: &str| {
        run(&Exchange { request: request.as_bytes().to_vec(), reply: Vec::new() }, "default")
            .map(drop)
            .unwrap_err()
    };
    assert_eq!(check("{"), Dropped::NotJson);
    assert_eq!(check(&"[".repeat(100)), Dropped::TooDeep);
    assert_eq!(check(r#"{"input": [1212, 318]}"#), Dropped::TokenIds);
    assert_eq!(
        check(r#"{"messages":[{"role":"user","content":"x","ann@acme.co":1}]}"#),
        Dropped::IdentifierInKey
    );
    let bad = Exchange { request: b"{\"a\":\"\xff\"}".to_vec(), reply: Vec::new() };
    assert_eq!(run(&bad, "default").unwrap_err(), Dropped::BadUtf8);
    let long = json!({"messages": [{"role": "user", "content": "a b ".repeat((1 << 20) + 1)}]}).to_string();
    assert_eq!(check(&long), Dropped::Oversize);
    assert_eq!(Dropped::Oversize.code(), kolm_core::Code(904));
    assert_eq!(run(&talk("cvv 123", "ok"), "pci").unwrap_err(), Dropped::BlockedType);
    let nested = (0..6).fold("{\"a\":\"b\"}".to_owned(), |inner, _| json!({ "a": inner }).to_string());
    assert_eq!(
        check(&json!({"messages": [{"role": "user", "content": nested}]}).to_string()),
        Dropped::TooDeep
    );
}

#[test]
fn surrogates_depend_on_the_salt_alone() {
    let exchange = talk("mail ann@acme.co or 4012888888881881", "ok");
    let policy = Policy::preset("default").unwrap();
    let check = |salt: u8| anonymize(&exchange, &policy, &Salt([salt; 32])).unwrap().0;
    assert_eq!(check(1), check(1));
    assert_ne!(check(1), check(2));
    assert_eq!(
        format!("{:?}", check(1)),
        format!("Anonymized({} + {} bytes)", check(1).request().len(), check(1).reply().len())
    );
}

#[test]
fn a_conversation_in_full() {
    let check = |user: &str, reply: &str, want: expect_test::Expect| {
        let (user, reply) = both(user, reply);
        want.assert_eq(&format!("{user}\n---\n{reply}"));
    };
    check(
        "Patient MRN 8847 (DOB 03/04/1978), SSN 078-05-1123, reach her at ann.b@acme.co or (415) 832-2671 ext. 12. \
         Insurance policy no. H-1234567, seen 2021-05-21T09:15:30Z from 10.1.2.3.",
        "MRN 8847 was seen on 2021-05-21; mail ann.b@acme.co.",
        expect_test::expect![[r#"
            Patient MRN 7439 (DOB 02/01/1979), SSN 932-45-2119, reach her at oba.ili@example.com or (415) 555-0168 ext. 66. Insurance policy no. H-2055178, seen 2022-04-20T09:15:30Z from 203.0.113.149.
            ---
            MRN 7439 was seen on 2022-04-20; mail oba.ili@example.com."#]],
    );
    check(
        "Zahlen Sie auf DE89 3704 0044 0532 0130 00, Steuer-ID 12345678903, Tel. +49 30 9012345. 카드 4012888888881881입니다",
        "IBAN DE89370400440532013000 notiert.",
        expect_test::expect![[r#"
            Zahlen Sie auf DE73 0000 8362 8481 0952 87, Steuer-ID 31984332497, Tel. +49 30 9007867. 카드 4111111872211282입니다
            ---
            IBAN DE73000083628481095287 notiert."#]],
    );
    check(
        "curl https://user:s3cr3tpw@db.acme.co/v1/u/77?id=4 -H 'Authorization: Bearer abcDEF123456ghiJKL7890' # order no. A-10293",
        "Order A-10293 is fine.",
        expect_test::expect![[r#"
            curl https://jcvy:h9tv2zxk@ozafiv.example.org/a8/l/95?id=9 -H 'Authorization: Bearer wgqQGO922348xnaEXAMPLE' # order no. Q-76917
            ---
            Order Q-76917 is fine."#]],
    );
}

#[test]
fn a_near_miss_is_quarantined_where_the_policy_asks_for_it() {
    let policy =
        Policy::parse("schema = 1\nname = \"x\"\nextends = \"default\"\nmask_at = 0.5\nreview_at = 0.3")
            .unwrap();
    let check = |text: &str| anonymize(&talk(text, "ok"), &policy, &Salt([1; 32])).unwrap().1.quarantined;
    assert!(check("see you on march 4"));
    assert!(!check("see you on Monday"));
}
