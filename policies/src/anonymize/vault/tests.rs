//! Sealing and opening: round trips, and what must not open.

use kolm_wire::Exchange;
use serde_json::{Value, json};

use super::*;
use crate::anonymize::policy::Policy;
use crate::anonymize::{Salt, anonymize, anonymize_reversibly, anonymize_text};

const SALT: Salt = Salt([9; 32]);

fn policy() -> Policy {
    let types = "types = { NAME = \"vault\", MRN = \"vault\", EMAIL = \"tag\", TITLE = \"keep\" }";
    Policy::parse(&format!("schema = 1\nname = \"x\"\nextends = \"default\"\n{types}")).unwrap()
}

fn key(byte: u8) -> Key {
    Key::new(Zeroizing::new([byte; 32]))
}

fn namespace(name: &str) -> NamespaceKey {
    key(7).of(&name.parse().unwrap())
}

/// Nonces that count up.
fn nonces() -> impl FnMut() -> [u8; NONCE] {
    let mut n = 0;
    move || {
        n += 1;
        [n; NONCE]
    }
}

fn originals(text: &str) -> (String, Originals) {
    let out = anonymize_text(text, &policy(), &SALT).unwrap();
    (out.text, out.originals)
}

fn opened(records: &[Sealed], key: &NamespaceKey) -> Vec<[String; 3]> {
    let one = |record: &Sealed| {
        let opened = record.open(key).unwrap();
        [opened.ty, opened.original.as_str().to_owned(), opened.surrogate]
    };
    records.iter().map(one).collect()
}

#[test]
fn what_was_there_comes_back_as_it_was_written() {
    let text = "Patient: John Doe, MRN ８８4715. Mr. Doe wrote from j.doe@acme.co. John Doe left.";
    let (text, found) = originals(text);
    let records = found.seal(&namespace("support"), "id-1", nonces()).unwrap();
    let all = opened(&records, &namespace("support"));
    let back = |text: String, [_, original, surrogate]: &[String; 3]| text.replace(surrogate, original);
    assert_eq!(
        all.iter().rev().fold(text, back),
        "Patient: John Doe, MRN ８８4715. Mr. Doe wrote from <EMAIL_1>. John Doe left."
    );
    let told: Vec<(&str, &str)> = all.iter().map(|one| (one[0].as_str(), one[1].as_str())).collect();
    assert_eq!(told, [("MRN", "８８4715"), ("NAME", "Doe"), ("NAME", "John Doe")], "each once");
    assert!(records.iter().all(|record| record.id() == "id-1"));
}

#[test]
fn both_sides_numbers_and_arguments_have_their_way_back() {
    let call = json!({"patient_name": "Ann Lee", "mrn": 5512874}).to_string();
    let request = json!({"messages": [{"role": "user", "content": "I am Ann Lee"}, {"role": "assistant",
        "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": call}}]}]});
    let reply = json!({"choices": [{"message": {"role": "assistant", "content": "Hello, Ann Lee."}}]});
    let exchange = Exchange { request: request.to_string().into(), reply: reply.to_string().into() };
    let (body, report, found) = anonymize_reversibly(&exchange, &policy(), &SALT).unwrap();
    assert_eq!((&body, &report), (&anonymize(&exchange, &policy(), &SALT).unwrap().0, &report));
    let all = opened(&found.seal(&namespace("a"), "x", nonces()).unwrap(), &namespace("a"));
    let told: Vec<(&str, &str)> = all.iter().map(|one| (one[0].as_str(), one[1].as_str())).collect();
    assert_eq!(told, [("MRN", "5512874"), ("NAME", "Ann Lee")]);
    for one in &all {
        assert!(body.request().contains(&one[2]) && !body.request().contains(&one[1]), "{one:?}");
    }
    assert!(body.reply().contains(&all[1][2]));
}

#[test]
fn without_a_type_in_the_vault_there_is_no_way_back() {
    let out = anonymize_text("Patient: John Doe", &Policy::preset("default").unwrap(), &SALT).unwrap();
    assert!(out.originals.is_empty());
    let (text, found) = originals("nobody is here");
    assert_eq!((text.as_str(), found.len()), ("nobody is here", 0));
}

#[test]
fn surrogates_are_those_of_the_mode_surrogate() {
    let plain = anonymize_text("Patient: John Doe", &Policy::preset("default").unwrap(), &SALT).unwrap();
    assert_eq!(originals("Patient: John Doe").0, plain.text);
}

#[test]
fn only_the_key_the_namespace_the_capture_and_the_type_open_a_record() {
    let (_, found) = originals("Patient: John Doe");
    let record = found.seal(&namespace("support"), "id-1", nonces()).unwrap().remove(0);
    assert!(record.open(&namespace("support")).is_ok());
    let other = key(8).of(&"support".parse().unwrap());
    assert_eq!(record.open(&other).err(), Some(Unopened::OtherKey(key(7).id())));
    for key in [namespace("billing"), key(7).of_file()] {
        assert_eq!(record.open(&key).err(), Some(Unopened::Altered), "{key:?}");
    }
    let written = serde_json::to_value(&record).unwrap();
    let mut flipped = STANDARD.decode(&record.sealed).unwrap();
    flipped[3] ^= 1;
    for (member, value) in [
        ("id", "id-2".to_owned()),
        ("type", "MRN".to_owned()),
        ("nonce", STANDARD.encode([2; NONCE])),
        ("nonce", STANDARD.encode([1; 12])),
        ("sealed", STANDARD.encode(flipped)),
        ("sealed", "no base64".to_owned()),
        ("sealed", String::new()),
    ] {
        let mut moved = written.clone();
        moved[member] = Value::String(value);
        let moved: Sealed = serde_json::from_value(moved).unwrap();
        assert_eq!(moved.open(&namespace("support")).err(), Some(Unopened::Altered), "{moved:?}");
    }
}

#[test]
fn nothing_of_it_can_be_read_or_measured() {
    let (_, found) = originals("Patient: John Doe, MRN 884715");
    let records = found.seal(&namespace("support"), "id-1", nonces()).unwrap();
    let written = serde_json::to_string(&records).unwrap();
    let printed = format!("{found:?} {:?} {:?} {records:?}", key(7), namespace("support"));
    for text in ["John", "Doe", "884715", &hex(&[7; 32]), &STANDARD.encode([7; 32])] {
        assert!(!written.contains(text) && !printed.contains(text), "{text}");
    }
    assert!(printed.starts_with("Originals(2) Key(..) NamespaceKey(support) "), "{printed}");
    assert_eq!(records[0].sealed.len(), records[1].sealed.len(), "a name and a number are as long");
    assert_ne!(records[0].nonce, records[1].nonce);
}
