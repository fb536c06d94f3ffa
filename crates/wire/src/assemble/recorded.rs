//! Assembly against the recorded streams of `../shared` (openai.md, check 2): the table is the test.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;

/// Name, `data:` frames, one line per choice, usage in/out.
const TABLE: [(&str, usize, &str, &str); 12] = [
    ("4cc50a61", 5, r#"0 length text {""#, "79/1"),
    ("83b060ba", 6, "0 stop text Foo! 2 content logprobs", "9/2"),
    ("173417d5", 14, "0 stop refusal I'm sorry, I can't assist with that request.", "79/11"),
    (
        "569c877e",
        15,
        "0 stop refusal I'm very sorry, but I can't assist with that. 11 refusal logprobs",
        "79/12",
    ),
    ("7e5ea4d1", 18, r#"0 stop text {"city":"San Francisco","temperature":61,"units":"f"}"#, "79/14"),
    (
        "a491adda",
        50,
        r#"0 stop text {"city":"San Francisco","temperature":65,"units":"f"}
1 stop text {"city":"San Francisco","temperature":61,"units":"f"}
2 stop text {"city":"San Francisco","temperature":59,"units":"f"}"#,
        "79/42",
    ),
    ("2018feb6", 11, r#"0 tool_calls call get_weather {"city":"New York City"}"#, "44/16"),
    ("a247c49c", 14, r#"0 tool_calls call get_weather {"city":"San Francisco","state":"CA"}"#, "48/19"),
    (
        "c6aa7e39",
        18,
        r#"0 tool_calls call GetWeatherArgs {"city":"Edinburgh","country":"UK","units":"c"}"#,
        "76/24",
    ),
    (
        "f82268f2",
        26,
        r#"0 tool_calls call GetWeatherArgs {"city": "Edinburgh", "country": "GB", "units": "c"} call get_stock_price {"ticker": "AAPL", "exchange": "NASDAQ"}"#,
        "149/60",
    ),
    ("d6155801", 181, "0 stop text 608 characters fd5dc0f04c4d", "19/177"),
    ("e2aad469", 34, "0 stop text 159 characters c8fffa3408ca", "14/30"),
];

fn recorded() -> Vec<(usize, Vec<u8>)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/openai/streams");
    let read = |(i, (name, ..)): (usize, &(&str, usize, &str, &str))| {
        std::fs::read(dir.join(format!("{name}.sse"))).ok().map(|bytes| (i, bytes))
    };
    let found: Vec<_> = TABLE.iter().enumerate().filter_map(read).collect();
    if found.is_empty() {
        println!("SKIPPED: no recorded streams under {}", dir.display());
    } else {
        assert_eq!(found.len(), TABLE.len(), "some recorded streams are missing");
    }
    found
}

fn text_of(text: &str) -> String {
    if text.len() < 100 {
        return text.to_owned();
    }
    let hash = kolm_core::hex(&Sha256::digest(text.as_bytes()));
    format!("{} characters {}", text.chars().count(), &hash[..12])
}

fn describe(reply: &[u8]) -> (String, String) {
    let reply: Value = serde_json::from_slice(reply).unwrap();
    assert_eq!(reply["object"], "chat.completion");
    assert!(reply["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert!(
        reply["created"].is_i64() && reply["model"].is_string() && reply["system_fingerprint"].is_string()
    );
    let mut out = Vec::new();
    for choice in reply["choices"].as_array().unwrap() {
        let message = choice["message"].as_object().unwrap();
        let mut line = format!("{} {}", choice["index"], choice["finish_reason"].as_str().unwrap());
        assert_eq!(message["role"], "assistant");
        assert!(message.contains_key("content") && message.contains_key("refusal"), "always present");
        if let Some(text) = message["content"].as_str() {
            write!(line, " text {}", text_of(text)).unwrap();
        }
        if let Some(text) = message["refusal"].as_str() {
            write!(line, " refusal {text}").unwrap();
        }
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            assert!(call["id"].as_str().unwrap().starts_with("call_"));
            assert_eq!(call["type"], "function");
            let (name, arguments) = (&call["function"]["name"], &call["function"]["arguments"]);
            write!(line, " call {} {}", name.as_str().unwrap(), arguments.as_str().unwrap()).unwrap();
        }
        for kind in ["content", "refusal"] {
            if let Some(entries) = choice["logprobs"][kind].as_array().filter(|entries| !entries.is_empty()) {
                write!(line, " {} {kind} logprobs", entries.len()).unwrap();
            }
        }
        out.push(line);
    }
    let usage = format!("{}/{}", reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]);
    (out.join("\n"), usage)
}

fn events(stream: &[u8], mut cut: impl FnMut() -> usize) -> Vec<sse::Event> {
    let mut reader = sse::Reader::new();
    let (mut events, mut rest) = (Vec::new(), stream);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(cut().min(rest.len()));
        events.extend(reader.push(now).unwrap());
        rest = later;
    }
    events
}

fn splitmix(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) % 97).unwrap()
}

#[test]
fn assembly_equals_the_table() {
    for (i, stream) in recorded() {
        let (name, frames, choices, usage) = TABLE[i];
        let whole = of_stream(&stream, false);
        assert!(whole.complete && whole.done && !whole.error, "{name}");
        assert_eq!(describe(&whole.reply), (choices.to_owned(), usage.to_owned()), "{name}");
        let all = events(&stream, || usize::MAX);
        assert_eq!(all.len(), frames, "{name}");
        for size in [1, 2, 3, 7, 64] {
            let split = events(&stream, || size);
            assert_eq!(split, all, "{name} split at {size}");
            let mut assembler = Assembler::new();
            split.iter().for_each(|event| assembler.event(event));
            assert_eq!(assembler.finish(false), whole, "{name} split at {size}");
        }
        for seed in 0..1_000u64 {
            let mut state = seed;
            assert_eq!(events(&stream, || 1 + splitmix(&mut state)), all, "{name} seed {seed}");
        }
    }
}

#[test]
fn a_stream_that_broke_off_is_never_complete() {
    for (i, stream) in recorded() {
        let mut reader = sse::Reader::new();
        let mut assembler = Assembler::new();
        for (at, byte) in stream.iter().enumerate() {
            assert!(!assembler.clone().finish(false).complete, "{} cut at {at}", TABLE[i].0);
            for event in reader.push(&[*byte]).unwrap() {
                assembler.event(&event);
            }
        }
        assert!(assembler.finish(false).complete);
    }
}

#[test]
fn numbers_keep_every_digit() {
    for (i, stream) in recorded().into_iter().filter(|(i, _)| TABLE[*i].0 == "83b060ba") {
        let reply = String::from_utf8(of_stream(&stream, false).reply).unwrap();
        assert!(
            reply.contains(
                r#"{"token":"Foo","logprob":-0.0025094282,"bytes":[70,111,111],"top_logprobs":[]}"#
            ),
            "{i}"
        );
    }
}
