//! The schema says what the checker does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::settings::{SHAPE, json};

fn fits(text: &str) -> bool {
    jsonschema::draft202012::is_valid(&schema(), &json(text))
}

/// The built-in file with its commented-out keys switched on.
fn everything_on() -> String {
    let text = RawConfig::embedded().text().to_owned();
    let key = |line: &&str| {
        let live = line.strip_prefix("# ").unwrap_or_default();
        live.starts_with('[') && live.split(" #").next().is_some_and(|live| live.trim_end().ends_with(']'))
            || live.split_once(" = ").is_some_and(|(key, _)| {
                key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
    };
    text.lines().map(|line| if key(&line) { &line[2..] } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_right_fits() {
    for text in ["", RawConfig::embedded().text(), EVERYTHING, &everything_on()] {
        let value = json(text);
        let schema = schema();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
    }
    assert!(fits("[upstreams.a]\nbase_url = \"http://a\"\napi_key = { file = \"k\" }"));
    assert!(fits("[listen]\nmax_body_bytes = \"2 MiB\"\nheader_timeout = \"1min 30s\""));
    assert!(fits(
        "[namespaces.a]\npolicy = { file = \"p.toml\" }\nkeys = [{ env = \"K\" }, { file = \"f\" }]"
    ));
}

#[test]
fn what_is_wrong_does_not() {
    for text in [
        "airgap = \"no\"",
        "nonsense = 1",
        "[listen]\nadress = \"127.0.0.1:1\"",
        "[listen]\naddress = 1",
        "[listen]\nheader_timeout = \"soon\"",
        "[listen]\nmax_body_bytes = \"64 MB\"",
        "[listen]\nmax_body_bytes = 12",
        "[capture]\nqueue = 4096",
        "[store]\nbatch_rows = 0",
        "[store]\nbatch_rows = 4194304",
        "[store]\nbatch_rows = 1.5",
        "[upstreams.x]\ncredentials = \"client\"",
        "[upstreams.x]\nbase_url = \"http://x\"\ncredentials = \"mine\"",
        "[upstreams.x]\nbase_url = \"http://x\"\napi_key = \"sk-literal\"",
        "[upstreams.x]\nbase_url = \"http://x\"\napi_key = { env = \"A\", file = \"b\" }",
        "[upstreams.x]\nbase_url = \"http://x\"\napi_key = {}",
        "[upstreams.x]\nbase_url = \"http://x\"\n[upstreams.x.prices.m]\ninput = 1",
        "[namespaces.a]\nretention = 1",
        "[namespaces.a]\nkeys = [\"literal\"]",
        "[namespaces.a]\npolicy = 1",
        "[[routes]]\nmodel = \"x\"",
        "[[routes]]\nname = \"r\"\n[routes.shadow]\nrate = 2",
        "[[routes]]\nname = \"r\"\n[routes.canary]\nsteps = [\"a\"]",
        "routes = 1",
        "listen = 1",
    ] {
        assert!(!fits(text), "{text}");
        assert!(RawConfig::parse("", text).check(&outside()).is_err(), "{text}");
    }
}

/// Every path of a value that the schema names, and whether it does so with a description.
fn named(value: &Value, schema: &Value, path: &str, missing: &mut BTreeSet<String>) {
    let kinds: Vec<&Value> = match schema["anyOf"].as_array() {
        Some(kinds) => kinds.iter().collect(),
        None => vec![schema],
    };
    match value {
        Value::Object(entries) => {
            for (key, below) in entries {
                let found = kinds.iter().find_map(|kind| {
                    let exact = kind["properties"].get(key);
                    exact.or_else(|| kind.get("additionalProperties").filter(|other| other.is_object()))
                });
                match found {
                    Some(schema) => named(below, schema, &format!("{path}/{key}"), missing),
                    None => drop(missing.insert(format!("{path}/{key}"))),
                }
            }
        }
        Value::Array(items) => {
            let schema = kinds.iter().find_map(|kind| kind.get("items")).unwrap_or(&Value::Null);
            for item in items {
                named(item, schema, path, missing);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_of_the_built_in_file_is_in_it() {
    let mut missing = BTreeSet::new();
    let on = everything_on();
    named(&json(&on), &schema(), "", &mut missing);
    assert!(missing.is_empty(), "keys that the schema does not name: {missing:?}");
    assert!(on.contains("\ndata_dir = ") && on.contains("\nextra_ca = "), "commented keys are found");
}

#[test]
fn it_tells_types_defaults_ranges_words_and_meanings() {
    let schema = schema();
    let listen = &schema["properties"]["listen"]["properties"];
    assert_eq!(listen["header_timeout"]["default"], "10s");
    assert_eq!(listen["header_timeout"]["description"], "time for a client to send its whole header");
    assert_eq!(schema["properties"]["store"]["properties"]["batch_rows"]["minimum"], 1);
    assert_eq!(schema["properties"]["store"]["properties"]["batch_rows"]["exclusiveMaximum"], 100_001);
    let upstream = &schema["properties"]["upstreams"]["additionalProperties"];
    assert_eq!(upstream["properties"]["credentials"]["enum"], serde_json::json!(["client", "gateway"]));
    assert_eq!(upstream["required"], serde_json::json!(["base_url"]));
    assert_eq!(upstream["additionalProperties"], false);
    assert!(upstream["properties"]["api_key"].get("default").is_none(), "it has none");
    let route = &schema["properties"]["routes"]["items"];
    assert_eq!(route["required"], serde_json::json!(["name"]));
    assert_eq!(route["properties"]["distill"]["properties"]["branches"]["enum"][1], "ngram");
    let data_dir = schema["properties"]["data_dir"]["description"].as_str().unwrap();
    assert!(data_dir.ends_with("; read at start only"), "{data_dir}");
}

#[test]
fn what_is_read_at_start_exists() {
    for path in crate::restart::AT_START {
        let mut shape = SHAPE.clone();
        assert!(!shape.at(path).accepts.is_empty(), "{path} is not in the file");
    }
}
