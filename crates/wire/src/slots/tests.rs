//! The walker on bodies, the limits, and single edits.

use super::*;

fn check(json: &str, expected: &[&str]) {
    let got: Vec<String> = slots(json.as_bytes())
        .unwrap()
        .into_iter()
        .map(|slot| {
            let source = &json[slot.range.clone()];
            match slot.role {
                Role::Text | Role::Empty | Role::Media(_) | Role::Key => {
                    assert_eq!(serde_json::from_str::<String>(source).unwrap(), slot.text);
                }
                Role::Number => assert_eq!(source, slot.text),
                Role::Null | Role::Vector | Role::TokenIds => assert!(slot.text.is_empty()),
            }
            let source = if source.len() > 60 { "long" } else { source };
            format!("{:?} {} {source}", slot.role, slot.path)
        })
        .collect();
    assert_eq!(got, expected, "{json}");
}

#[test]
fn the_places_of_a_request() {
    check(
        r#" {"model":"m","user":"u1","metadata":{"case":"A1"},"safety_identifier":"s","temperature":0.5,"seed":7,"stop":["x"]} "#,
        &[
            r#"Empty user "u1""#,
            r#"Key metadata "case""#,
            r#"Empty metadata.case "A1""#,
            r#"Empty safety_identifier "s""#,
            r#"Text stop[0] "x""#,
        ],
    );
    check(
        r#"{"messages":[{"role":"system","content":"S"},{"role":"user","name":"John","content":[{"type":"text","text":"T\u0041"},{"type":"image_url","image_url":{"url":"https://x/y","detail":"low"}},{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}},{"type":"file","file":{"filename":"n.pdf","file_data":"BB"}}]}]}"#,
        &[
            r#"Text messages[0].content "S""#,
            r#"Text messages[1].name "John""#,
            r#"Text messages[1].content[0].text "T\u0041""#,
            r#"Media("image") messages[1].content[1].image_url.url "https://x/y""#,
            r#"Media("audio") messages[1].content[2].input_audio.data "AA""#,
            r#"Text messages[1].content[3].file.filename "n.pdf""#,
            r#"Media("file") messages[1].content[3].file.file_data "BB""#,
        ],
    );
    check(
        r#"{"messages":[{"name":"get_x","role":"function","content":"out"},{"role":"tool","tool_call_id":"c","name":"f","content":"o"},{"role":"assistant","content":null,"refusal":"no","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"type":"custom","custom":{"name":"c","input":"I"}}],"function_call":{"name":"g","arguments":"A"},"reasoning_content":"R"}]}"#,
        &[
            r#"Text messages[0].content "out""#,
            r#"Text messages[1].content "o""#,
            r#"Text messages[2].refusal "no""#,
            r#"Text messages[2].tool_calls[0].function.arguments "{\"a\":1}""#,
            r#"Text messages[2].tool_calls[1].custom.input "I""#,
            r#"Text messages[2].function_call.arguments "A""#,
            r#"Key messages[2] "reasoning_content""#,
            r#"Text messages[2].reasoning_content "R""#,
        ],
    );
}

#[test]
fn the_places_of_tools_and_formats() {
    check(
        r#"{"tools":[{"type":"function","function":{"name":"f","description":"D","parameters":{"type":"object","title":"T","properties":{"mrn":{"type":"string","pattern":"^x$","enum":["a"],"const":"b","minLength":3,"default":9,"examples":["e"]}},"required":["mrn"]}}}],"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"E","schema":{"anyOf":[{"description":"F"}]}}},"prediction":{"type":"content","content":"P"},"unknown":{"who":"W","mrn":8847}}"#,
        &[
            r#"Text tools[0].function.description "D""#,
            r#"Text tools[0].function.parameters.title "T""#,
            r#"Key tools[0].function.parameters.properties "mrn""#,
            r#"Text tools[0].function.parameters.properties.mrn.enum[0] "a""#,
            r#"Text tools[0].function.parameters.properties.mrn.const "b""#,
            "Number tools[0].function.parameters.properties.mrn.default 9",
            r#"Text tools[0].function.parameters.properties.mrn.examples[0] "e""#,
            r#"Text response_format.json_schema.description "E""#,
            r#"Text response_format.json_schema.schema.anyOf[0].description "F""#,
            r#"Text prediction.content "P""#,
            r#"Key  "unknown""#,
            r#"Key unknown "who""#,
            r#"Text unknown.who "W""#,
            r#"Key unknown "mrn""#,
            "Number unknown.mrn 8847",
        ],
    );
    let enums =
        slots(br#"{"tools":[{"function":{"parameters":{"properties":{"mrn":{"enum":["a"]}}}}}]}"#).unwrap();
    assert_eq!(enums.last().map(|slot| slot.key.as_str()), Some("enum"));
}

#[test]
fn the_places_of_a_reply() {
    check(
        r#"{"id":"i","created":7,"choices":[{"index":0,"message":{"role":"assistant","content":"C","refusal":null,"audio":{"id":"a","data":"AA","transcript":"T"}},"logprobs":{"content":[{"token":"C","logprob":-1}]},"finish_reason":"stop"},{"logprobs":null,"message":{"content":"E"}}],"usage":{"prompt_tokens":5},"obfuscation":"zz"}"#,
        &[
            r#"Text choices[0].message.content "C""#,
            r#"Media("audio") choices[0].message.audio.data "AA""#,
            r#"Text choices[0].message.audio.transcript "T""#,
            r#"Null choices[0].logprobs {"content":[{"token":"C","logprob":-1}]}"#,
            r#"Text choices[1].message.content "E""#,
            r#"Key  "obfuscation""#,
            r#"Empty obfuscation "zz""#,
        ],
    );
    check(
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2]},{"who":"W"}]}"#,
        &["Vector data[0].embedding [0.1,0.2]", r#"Key data[1] "who""#, r#"Text data[1].who "W""#],
    );
    check(r#"{"error":{"message":"M"}}"#, &[r#"Text error.message "M""#]);
}

#[test]
fn the_places_of_a_transcript() {
    check(
        r#"{"task":"transcribe","language":"english","duration":3.5,"text":"T","logprobs":[{"token":"T"}],"segments":[{"id":0,"seek":0,"start":0.0,"end":3.5,"text":"S","speaker":"Ann","tokens":[50364,318],"avg_logprob":-0.3}],"words":[{"word":"W","start":0.0,"end":0.4}],"usage":{"type":"duration","seconds":4}}"#,
        &[
            r#"Key  "task""#,
            r#"Text task "transcribe""#,
            r#"Key  "language""#,
            r#"Text language "english""#,
            r#"Key  "duration""#,
            r#"Text text "T""#,
            r#"Null logprobs [{"token":"T"}]"#,
            r#"Key  "segments""#,
            r#"Key segments[0] "seek""#,
            r#"Key segments[0] "start""#,
            r#"Key segments[0] "end""#,
            r#"Text segments[0].text "S""#,
            r#"Key segments[0] "speaker""#,
            r#"Empty segments[0].speaker "Ann""#,
            r#"Key segments[0] "tokens""#,
            "Null segments[0].tokens [50364,318]",
            r#"Key segments[0] "avg_logprob""#,
            r#"Key  "words""#,
            r#"Key words[0] "word""#,
            r#"Text words[0].word "W""#,
            r#"Key words[0] "start""#,
            r#"Key words[0] "end""#,
        ],
    );
    check(
        r#"{"model":"m","known_speaker_names":["Ann"],"logprobs":5,"stream":"true"}"#,
        &[r#"Key  "known_speaker_names""#, r#"Empty known_speaker_names[0] "Ann""#],
    );
}

#[test]
fn the_places_of_responses_and_token_ids() {
    check(
        r#"{"input":[1212,318],"prompt":[ [ 5 ] ]}"#,
        &["TokenIds input [1212,318]", "TokenIds prompt [ [ 5 ] ]"],
    );
    check(r#"{"input":["a",[7]]}"#, &[r#"Text input[0] "a""#, "TokenIds input[1] [7]"]);
    check(
        r#"{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Q"},{"type":"input_image","image_url":"http://x"}]},{"type":"function_call_output","call_id":"c","output":"O"}],"instructions":"I","text":{"format":{"type":"json_schema","name":"n","schema":{"title":"T"}}},"output":[{"id":"o","content":[{"type":"output_text","text":"A","logprobs":[1]}],"arguments":"B"}]}"#,
        &[
            r#"Text input[0].content[0].text "Q""#,
            r#"Media("image") input[0].content[1].image_url "http://x""#,
            r#"Text input[1].output "O""#,
            r#"Text instructions "I""#,
            r#"Text text.format.schema.title "T""#,
            r#"Text output[0].content[0].text "A""#,
            "Null output[0].content[0].logprobs [1]",
            r#"Text output[0].arguments "B""#,
        ],
    );
    check(
        r#"{"request":{"messages":[{"role":"user","content":"a"}],"user":"u"},"response":{"choices":[{"message":{"content":"b"}}]}}"#,
        &[
            r#"Text request.messages[0].content "a""#,
            r#"Empty request.user "u""#,
            r#"Text response.choices[0].message.content "b""#,
        ],
    );
}

#[test]
fn encoded_runs_are_media_wherever_they_stand() {
    let long = "QUJD".repeat(64);
    let json = format!(
        r#"{{"messages":[{{"content":"{long}"}},{{"content":"data:image/png;base64,AA=="}},{{"content":"data: a, b"}}]}}"#
    );
    check(
        &json,
        &[
            r#"Media("base64") messages[0].content long"#,
            r#"Media("data") messages[1].content "data:image/png;base64,AA==""#,
            r#"Text messages[2].content "data: a, b""#,
        ],
    );
    let slot = &slots(json.as_bytes()).unwrap()[0];
    assert_eq!(slot.redaction().unwrap(), "kolm-redacted:base64;bytes=256");
    assert!(!format!("{slot:?}").contains("QUJD"));
}

#[test]
fn lists_of_words_and_settings_are_text() {
    let words = "lantern\nmeadow\nharbour\n".repeat(20);
    let settings = "api_key=8rwtnno90oy6wc3tn1in56gsvvcddb3b\n".repeat(10);
    let wrapped = format!("{}\r\n", "QUJDREVG".repeat(8)).repeat(4) + "QUI==\n";
    for (text, is_text) in [(&words, true), (&settings, true), (&wrapped, false), (&"QUJD".repeat(64), false)]
    {
        let json = serde_json::json!({"messages": [{"content": text}]}).to_string();
        let found = slots(json.as_bytes()).unwrap();
        assert_eq!(found[0].role == Role::Text, is_text, "{text}");
    }
}

#[test]
fn free_values_know_no_schema() {
    let found = values(br#"{"user":"u","id":"i","n":-1.5e3,"messages":[{"role":"r"}]}"#).unwrap();
    let texts: Vec<(&str, Role)> = found.iter().map(|slot| (slot.text.as_str(), slot.role)).collect();
    assert_eq!(texts, [("u", Role::Text), ("i", Role::Text), ("-1.5e3", Role::Number), ("r", Role::Text)]);
}

#[test]
fn what_is_not_walked() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(slots(&nested(MAX_DEPTH)).is_ok());
    let many = |n: usize| format!("[{}]", vec!["1"; n].join(","));
    assert_eq!(values(many(MAX_SLOTS).as_bytes()).unwrap().len(), MAX_SLOTS);
    let cases = [
        (nested(MAX_DEPTH + 1), "too_deep", "K0993"),
        (vec![b'['; 1 << 20], "too_deep", "K0993"),
        (many(MAX_SLOTS + 1).into_bytes(), "oversize", "K0994"),
        (b"[\"\xff\"]".to_vec(), "bad_utf8", "K0992"),
        (b"{\"a\":1,}".to_vec(), "not_json", "K0991"),
    ];
    for (json, reason, code) in cases {
        let error = slots(&json).unwrap_err();
        assert_eq!((error.as_str(), error.code().to_string().as_str()), (reason, code));
        assert!(error.hint().is_some());
    }
}

#[test]
fn long_keys_do_not_multiply() {
    let key = "é".repeat(200_000);
    let json = format!(r#"{{"{key}":{{"{key}":[{}]}}}}"#, vec!["\"x\""; 50_000].join(","));
    let found = slots(json.as_bytes()).unwrap();
    assert_eq!(found.len(), 50_002);
    assert!(found.iter().all(|slot| slot.path.len() < 300 && slot.key.len() <= 128));
}

#[test]
fn surrogates() {
    let found =
        values(r#"["\ud83d\ude00","\ud83d","\ude00x","\ud83d\u0041","\ud83d\\u"]"#.as_bytes()).unwrap();
    let texts: Vec<&str> = found.iter().map(|slot| slot.text.as_str()).collect();
    assert_eq!(texts, ["\u{1f600}", "\u{fffd}", "\u{fffd}x", "\u{fffd}A", "\u{fffd}\\u"]);
}

#[test]
fn edits() {
    let json = r#"{ "a" : "x", "n": 12 , "l": [1, {"z":true}] }"#;
    let at = |text: &str| json.find(text).map(|start| start..start + text.len()).unwrap();
    let edited = |edits: &[(Range<usize>, Edit)]| String::from_utf8(splice(json.as_bytes(), edits)).unwrap();
    let text = |text: &str| Edit::Text(text.to_owned());
    let number = |text: &str| Edit::Number(text.to_owned());
    assert_eq!(
        edited(&[
            (at("[1, {\"z\":true}]"), Edit::Null),
            (at("12"), number("34")),
            (at("\"x\""), text("q\"\\\n\u{1}é"))
        ]),
        "{ \"a\" : \"q\\\"\\\\\\n\\u0001é\", \"n\": 34 , \"l\": null }"
    );
    for bad in ["", "007", "1 ", " 1", "1,2", "true", "\"x\"", "-", "1."] {
        assert_eq!(edited(&[(at("12"), number(bad))]), json.replace("12", "0"), "{bad:?}");
    }
    for good in ["0", "-1", "1.5e-7"] {
        assert_eq!(edited(&[(at("12"), number(good))]), json.replace("12", good));
    }
    let outside = json.len()..json.len() + 1;
    let (inner, outer) = (at("12").start + 1..at("12").end, at("12"));
    assert_eq!(
        edited(&[(outside, Edit::Null), (outer, number("5")), (inner, Edit::Null)]),
        json.replace("12", "5")
    );
    assert_eq!(format!("{:?}", text("John")), "Text(4 bytes)");
}

#[test]
fn nested_arguments_are_escaped_once_per_level() {
    let body = br#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"who\": \"John \\\"J\\\"\", \"n\":1}"}}]}]}"#;
    let outer = slots(body).unwrap();
    let inner = values(outer[0].text.as_bytes()).unwrap();
    let who = inner.iter().find(|slot| slot.key == "who" && slot.role == Role::Text).unwrap();
    assert_eq!(who.text, "John \"J\"");
    let arguments =
        splice(outer[0].text.as_bytes(), &[(who.range.clone(), Edit::Text("P \"L\"".to_owned()))]);
    let edited = splice(body, &[(outer[0].range.clone(), Edit::Text(String::from_utf8(arguments).unwrap()))]);
    assert_eq!(
        String::from_utf8(edited).unwrap(),
        r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"who\": \"P \\\"L\\\"\", \"n\":1}"}}]}]}"#
    );
}
