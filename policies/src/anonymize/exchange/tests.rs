//! Alias groups, propagation and surrogates of words, through whole exchanges.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::text::{Span, anonymize_text};
use crate::anonymize::invent::{is_common, is_kind, is_title};
use crate::anonymize::policy::Policy;
use crate::anonymize::{Dropped, Salt, anonymize};
use kolm_wire::Exchange;

const SALT: Salt = Salt([9; 32]);

fn policy(more: &str) -> Policy {
    Policy::parse(&format!(
        "schema = 1\nname = \"x\"\nextends = \"default\"\n{more}\n[lists]\nkeys = {{ who = \"NAME\", town = \"CITY\", firm = \"ORG\", street = \"ADDRESS\", age = \"AGE\", title = \"TITLE\", state = \"STATE\", nick = \"USERNAME\", people = \"NRP\", day = \"DATE\", code = \"ID\" }}\nlabels = {{ \"name\" = \"NAME\" }}"
    ))
    .unwrap()
}

/// The user's text after a record that says what is what.
fn said(record: Value, text: &str, policy: &Policy, salt: &Salt) -> Result<(Value, String), Dropped> {
    let body = json!({"messages": [{"role": "tool", "content": record.to_string()}, {"role": "user", "content": text}]});
    let exchange = Exchange { request: body.to_string().into_bytes(), reply: Vec::new() };
    let (done, _) = anonymize(&exchange, policy, salt)?;
    let out: Value = serde_json::from_str(done.request()).unwrap();
    let record = serde_json::from_str(out["messages"][0]["content"].as_str().unwrap()).unwrap();
    Ok((record, out["messages"][1]["content"].as_str().unwrap().to_owned()))
}

fn check(record: Value, text: &str) -> String {
    let (record, text) = said(record, text, &policy(""), &SALT).unwrap();
    format!("{record} {text}")
}

#[test]
fn one_person_has_one_invented_name_in_all_its_forms() {
    let (record, text) = said(
        json!({"who": "John Doe", "mail": "jdoe@acme.co"}),
        "Doe called John. J. Doe's file: Doe, John; DOE, JOHN; john doe; jdoe logged in; write john.doe77@acme.co.",
        &policy(""),
        &SALT,
    )
    .unwrap();
    let name = record["who"].as_str().unwrap().to_owned();
    let (first, last) = name.split_once(' ').unwrap();
    let (initial, small) = (&first[..1], name.to_lowercase());
    let (f, l) = small.split_once(' ').unwrap();
    let handle = format!("{}{l}", &f[..1]);
    assert!(record["mail"].as_str().unwrap().starts_with(&handle), "{record}");
    let want = format!(
        "{last} called {first}. {initial}. {last}'s file: {last}, {first}; {}, {}; {small}; {handle} logged in; write {f}.{l}",
        last.to_uppercase(),
        first.to_uppercase(),
    );
    assert!(text.starts_with(&want), "{text}\n{want}");
    let mail = text.rsplit("write ").next().unwrap();
    assert!(mail.contains("@example.") && !mail.contains("77@"), "{mail}");
    assert!(!text.to_lowercase().contains("doe") && !text.to_lowercase().contains("john"), "{text}");
}

#[test]
fn words_of_other_types_keep_their_kind() {
    for (record, text, want) in [
        (json!({"firm": "Acme Widgets GmbH"}), "at Acme Widgets GmbH", " GmbH"),
        (json!({"street": "123 Main Street Apt 4B, Fresno, CA 93701"}), "x", " Street Apt "),
        (json!({"street": "Hauptstraße 12, 80331 München"}), "x", "straße "),
        (json!({"firm": "St. Mary Hospital"}), "the St. Mary Hospital", " Hospital"),
        (json!({"street": "Rua do Al"}), "x", "Rua do "),
        (json!({"age": "42-year-old"}), "x", "-year-old"),
        (json!({"title": "Dr."}), "x", "."),
    ] {
        let before = record.to_string();
        let out = check(record, text);
        assert!(out.contains(want), "{out}");
        assert!(!out.starts_with(&before), "{out}");
    }
    let (record, _) = said(json!({"age": "42"}), "x", &policy(""), &SALT).unwrap();
    let age: i32 = record["age"].as_str().unwrap().parse().unwrap();
    assert!((40..=44).contains(&age) && age != 42, "{age}");
}

#[test]
fn a_city_stays_in_the_state_that_stays() {
    let kept = policy("types = { STATE = \"keep\" }");
    let ours = [
        "Fresno",
        "Oakland",
        "Bakersfield",
        "Anaheim",
        "Stockton",
        "Riverside",
        "San Diego",
        "Los Angeles",
        "San Francisco",
        "Sacramento",
    ];
    for salt in 0..8 {
        let (record, text) =
            said(json!({"town": "Fresno"}), "in Fresno, CA", &kept, &Salt([salt; 32])).unwrap();
        let town = record["town"].as_str().unwrap();
        assert!(town != "Fresno" && ours.contains(&town), "{town}");
        assert_eq!(text, format!("in {town}, CA"));
    }
}

#[test]
fn ages_above_the_cap_are_one() {
    let hipaa =
        Policy::parse("schema = 1\nname = \"x\"\nextends = \"hipaa\"\n[lists]\nkeys = { age = \"AGE\" }")
            .unwrap();
    let age = |said_age: &str| {
        said(json!({"age": said_age}), "x", &hipaa, &SALT).unwrap().0["age"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (age("93 years").as_str(), age("82F").as_str(), age("ninety-four").as_str()),
        ("90+ years", "82F", "90+")
    );
}

#[test]
fn words_that_are_names_spread_with_a_capital_inside_a_sentence_alone() {
    let (record, text) = said(
        json!({"who": "Grace May"}),
        "Will May come? May is nice and grace counts. I saw Grace today.",
        &policy(""),
        &SALT,
    )
    .unwrap();
    let (first, last) = record["who"].as_str().unwrap().split_once(' ').unwrap();
    assert_eq!(text, format!("Will {last} come? May is nice and grace counts. I saw {first} today."));
}

#[test]
fn scripts_are_kept() {
    use crate::anonymize::invent::Script;
    for name in [
        "Иван Смирнов",
        "Γιώργος Παππάς",
        "محمد الحداد",
        "דוד כהן",
        "王小明",
        "田中太郎",
        "김민수",
        "राजेश शर्मा",
        "สมชาย ศรีสุข",
        "José Pérez",
    ] {
        let (record, text) = said(json!({"who": name}), &format!("({name}) x"), &policy(""), &SALT).unwrap();
        let new = record["who"].as_str().unwrap();
        assert_ne!(new, name);
        assert_eq!(Script::of(new), Script::of(name), "{name} {new}");
        assert_eq!(text, format!("({new}) x"));
        assert_eq!(new.split(' ').count(), name.split(' ').count(), "{name} {new}");
    }
}

#[test]
fn tags_count_people_by_first_mention() {
    let tag = policy("").with_mode("tag").unwrap();
    let (_, text) = said(
        json!([{"who": "John Doe"}, {"who": "Mary Roe"}]),
        "Mary and J. Doe, with Roe and John",
        &tag,
        &SALT,
    )
    .unwrap();
    assert_eq!(text, "<NAME_2> and <NAME_1>, with <NAME_2> and <NAME_1>");
}

#[test]
fn a_longer_history_keeps_its_names() {
    let ask = |texts: &[&str]| {
        let messages: Vec<Value> =
            texts.iter().map(|t| json!({"role": "tool", "content": json!({"who": t}).to_string()})).collect();
        let exchange =
            Exchange { request: json!({ "messages": messages }).to_string().into_bytes(), reply: Vec::new() };
        let (done, _) = anonymize(&exchange, &policy(""), &SALT).unwrap();
        let out: Value = serde_json::from_str(done.request()).unwrap();
        let all: Vec<String> = out["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["content"].as_str().unwrap().to_owned())
            .collect();
        all
    };
    let short = ask(&["J. Miller", "Anna Weber"]);
    let long = ask(&["J. Miller", "Anna Weber", "James Miller", "Weber", "Peter Weber"]);
    assert_eq!(short, long[..2]);
    let first = |json: &str| serde_json::from_str::<Value>(json).unwrap()["who"].as_str().unwrap().to_owned();
    assert_eq!(first(&long[0])[..1], first(&long[2])[..1], "{long:?}");
}

fn spans(text: &str, policy: &Policy) -> (String, Vec<(usize, usize, String)>) {
    let done = anonymize_text(text, policy, &SALT).unwrap();
    (done.text, done.spans.iter().map(|s: &Span| (s.start, s.end, s.ty.to_string())).collect())
}

#[test]
fn texts_come_with_spans_in_code_points() {
    let redact = policy("").with_mode("redact").unwrap();
    let of = |all: &[(usize, usize, &str)]| {
        all.iter().map(|(s, e, t)| (*s, *e, (*t).to_owned())).collect::<Vec<_>>()
    };
    for (text, out, want) in [
        ("name: John Doe, MRN 8847", "name: [NAME], MRN [MRN]", of(&[(6, 14, "NAME"), (20, 24, "MRN")])),
        ("MRN: \u{ff18}\u{ff18}\u{200c}47", "MRN: [MRN]", of(&[(5, 10, "MRN")])),
        (
            "\u{1f600}\u{1f600} e\u{301} name: Zoe\u{308} Doe; Zoe\u{308} Doe",
            "\u{1f600}\u{1f600} e\u{301} name: [NAME]; [NAME]",
            of(&[(12, 20, "NAME"), (22, 30, "NAME")]),
        ),
        (
            "{\"who\":\"J\\u00f6rg \\\"J\\\" Doe\",\"n\":1}",
            "{\"who\":\"[NAME]\",\"n\":1}",
            of(&[(8, 27, "NAME")]),
        ),
        (
            "{\"a\":\"{\\\"who\\\":\\\"John Doe\\\"}\"}",
            "{\"a\":\"{\\\"who\\\":\\\"[NAME]\\\"}\"}",
            of(&[(17, 25, "NAME")]),
        ),
        ("nothing here", "nothing here", Vec::new()),
        ("", "", Vec::new()),
    ] {
        assert_eq!(spans(text, &redact), (out.to_owned(), want), "{text}");
    }
    let score = anonymize_text("MRN 8847", &redact, &SALT).unwrap().spans[0].score;
    assert!((score - 0.9).abs() < 1e-6);
}

#[test]
fn a_doubtful_finding_spreads_only_when_found_twice() {
    use super::spread::Forms;
    use crate::anonymize::kind::{Evidence, Finding, Type};
    let hits = |found: &[(&str, Evidence, u8)], text: &str| {
        let mut forms = Forms::default();
        let span = |(word, evidence, score): &(&str, Evidence, u8)| {
            Finding::new(0, word.len(), Type::NAME, *evidence).scored(*score)
        };
        found.iter().for_each(|f| forms.count(&span(f), f.0));
        found.iter().for_each(|f| forms.add(&span(f), f.0));
        let search = forms.search();
        search.map_or(0, |search| search.hits(text).len())
    };
    let text = "then Okoro said to Adaeze Okoro, okay";
    assert_eq!(hits(&[("Okoro", Evidence::Model, 55)], text), 0);
    assert_eq!(hits(&[("Okoro", Evidence::Model, 55), ("Okoro", Evidence::Model, 50)], text), 2);
    assert_eq!(hits(&[("Okoro", Evidence::Model, 85)], text), 2);
    assert_eq!(hits(&[("Okoro", Evidence::Label, 60)], text), 2);
    assert_eq!(hits(&[("Adaeze Okoro", Evidence::Model, 55)], text), 1, "the whole name alone");
    assert_eq!(hits(&[("Adaeze Okoro", Evidence::Model, 90)], text), 2);
}

#[test]
fn a_table_of_a_thousand_people_is_linear_enough() {
    let rows: Vec<Value> = (0..1000)
        .map(|n| {
            let name: String = format!("{n:04}").bytes().map(|b| char::from(b'a' + (b - b'0') * 2)).collect();
            json!({"who": format!("X{name} Y{name}"), "mail": format!("x{name}.y{name}@acme.co")})
        })
        .collect();
    let (record, _) = said(Value::from(rows), "x", &policy(""), &SALT).unwrap();
    let mails: std::collections::BTreeSet<&str> =
        record.as_array().unwrap().iter().map(|row| row["mail"].as_str().unwrap()).collect();
    assert_eq!(mails.len(), 1000);
    let first = record[0]["who"].as_str().unwrap().to_lowercase();
    assert!(record[0]["mail"].as_str().unwrap().len() > 12 && first.contains(' '));
}

/// The text of one message, anonymized under `default`.
fn one(text: &str) -> (String, Vec<String>) {
    let done = anonymize_text(text, &policy(""), &SALT).unwrap();
    let found = |s: &Span| text.chars().skip(s.start).take(s.end - s.start).collect();
    let spans = done.spans.iter().map(found).collect();
    (done.text, spans)
}

#[test]
fn particles_keep_their_place_and_case() {
    for (text, surname) in [
        ("Meneer de Vries belde.", "de Vries"),
        ("Mevrouw van den Heuvel belde.", "van den Heuvel"),
        ("Herr von Hohenfels ist verreist.", "von Hohenfels"),
        ("Ms. al-Hashimi was here.", "al-Hashimi"),
        ("Monsieur de La Rochebrune est parti.", "de La Rochebrune"),
    ] {
        let (new, spans) = one(text);
        assert!(spans.iter().any(|s| s == surname), "{text}: {spans:?}");
        let at = surname.rfind([' ', '-']).unwrap() + 1;
        let (particle, name) = surname.split_at(at);
        assert!(new.contains(particle) && !new.contains(name), "{new}");
        assert_eq!(new.split(' ').count(), text.split(' ').count(), "{new}");
    }
}

#[test]
fn a_title_without_another_is_no_finding_and_an_unknown_one_changes() {
    assert_eq!(one("Sir Osgood was here").1, ["Osgood"]);
    assert_eq!(one("Mr. Osgood was here").1, ["Mr", "Osgood"]);
    assert_eq!(one("Dr. Osgood was here").1, ["Dr", "Osgood"]);
    for text in
        ["{\"title\": \"Senior Zookeeper\"}", "{\"title\": \"Mr\"}", "\u{301}Aaa Pfa \u{1f600}, \u{301}"]
    {
        let (new, spans) = one(text);
        assert_eq!(spans.is_empty(), new == text, "{text}: {new} {spans:?}");
    }
}

#[test]
fn a_mark_before_a_name_stays() {
    let (new, spans) = one("name: \u{301}Anna Miller");
    assert_eq!(spans, ["Anna Miller"]);
    assert!(new.starts_with("name: \u{301}"), "{new}");
}

#[test]
fn other_cases_of_a_name_are_found() {
    for (text, other) in [
        ("Nazywam się Marek Wieczorek. Proszę dzwonić do Marka po 16.", "Marka"),
        ("Pani Kowalska pisała. Odpowiedz Kowalskiej jutro.", "Kowalskiej"),
        ("السيد كريم القحطاني كتب. الرجاء الاتصال بكريم غدا.", "كريم"),
    ] {
        let (new, _) = one(text);
        let left = new.split(|c: char| !c.is_alphanumeric()).any(|word| word.ends_with(other));
        assert!(!left, "{new}");
    }
}

fn word() -> impl Strategy<Value = String> {
    // `Aunt` by itself may be the aunt, and `Corp` what a firm is.
    let free = |w: &str| !is_common(w) && !is_title(w) && !is_kind(w);
    "[A-Z][a-z]{3,8}".prop_filter("a word, a title or a kind of firm", move |w| free(&w.to_lowercase()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_never_meet_and_leave_nothing(names in prop::collection::vec((word(), word()), 1..6), salt: u8) {
        let who: Vec<Value> = names.iter().map(|(f, l)| json!({"who": format!("{f} {l}")})).collect();
        let text: Vec<String> = names.iter().map(|(f, l)| format!("{l}, {f} and {f}; {l}'s")).collect();
        let done = said(Value::from(who), &text.join(" | "), &policy(""), &Salt([salt; 32]));
        let Ok((record, text)) = done else {
            return Err(TestCaseError::fail(format!("{names:?}: {:?}", done.err())));
        };
        let new: Vec<&str> = record.as_array().unwrap().iter().map(|r| r["who"].as_str().unwrap()).collect();
        let mut map = std::collections::BTreeMap::new();
        for ((f, l), new) in names.iter().zip(&new) {
            let (nf, nl) = new.split_once(' ').unwrap();
            for (old, new) in [(f, nf), (l, nl)] {
                let before = map.insert(old.to_lowercase(), new.to_lowercase());
                prop_assert!(before.is_none_or(|b| b == new.to_lowercase()), "{old}");
            }
            let line = format!("{nl}, {nf} and {nf}; {nl}'s");
            prop_assert!(text.contains(&line), "{text} / {line}");
        }
        let distinct: std::collections::BTreeSet<&String> = map.values().collect();
        prop_assert_eq!(distinct.len(), map.len());
        for old in map.keys() {
            for new in map.values() {
                prop_assert!(!new.contains(old.as_str()), "{} in {}", old, new);
            }
        }
    }

    #[test]
    fn any_text_has_sorted_disjoint_spans(text in "(name: |MRN |[A-Z][a-z]{2,6} |\u{301}|\u{ff18}|[0-9]{3,5}|[,;] |\u{1f600}){0,16}") {
        if let Ok(done) = anonymize_text(&text, &policy(""), &SALT) {
            let len = text.chars().count();
            prop_assert!(done.spans.iter().all(|s| s.start < s.end && s.end <= len));
            prop_assert!(done.spans.windows(2).all(|p| p[0].end <= p[1].start));
            prop_assert_eq!(done.spans.is_empty(), done.text == text);
        }
    }
}

#[test]
fn numbers_of_records_do_not_forbid_years_and_houses() {
    let line = |n: u32| {
        let (born, record, house) = (1950 + n % 50, 1000 + 17 * n, 1100 + 13 * n);
        format!("Born 03/14/{born}, MRN {}, MRN {record}, of {house} Elm Street.\n", 1930 + n % 90)
    };
    let text: String = (0..400).map(line).collect();
    for salt in 0..4 {
        let done = anonymize_text(&text, &Policy::preset("default").unwrap(), &Salt([salt; 32])).unwrap();
        assert!(done.spans.len() >= 1200, "{}", done.spans.len());
    }
}

#[test]
fn words_that_an_invented_address_keeps_may_be_originals() {
    for word in ["Unit", "Harbor", "Drive"] {
        let text = "He moved to 4370 Quail Harbor Drive, Unit 5C.";
        let (_, text) = said(json!({"code": word}), text, &policy(""), &SALT).unwrap();
        assert!(!text.contains(word), "{text}");
    }
}
