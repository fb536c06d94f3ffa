//! The rules of joining, one stream a case.

use super::*;

fn of(frames: &[&str], ended_cleanly: bool) -> Assembled {
    let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    of_stream(stream.as_bytes(), ended_cleanly)
}

fn reply(frames: &[&str]) -> String {
    let assembled = of(frames, false);
    assert!(assembled.complete, "{}", String::from_utf8_lossy(&assembled.reply));
    String::from_utf8(assembled.reply).unwrap()
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

fn check(deltas: &[&str], message: &str) {
    let mut frames: Vec<String> = deltas.iter().map(|d| delta(d)).collect();
    frames.push(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned());
    frames.push("[DONE]".to_owned());
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let expected = format!(
        r#"{{"object":"chat.completion","choices":[{{"index":0,"message":{message},"logprobs":null,"finish_reason":"stop"}}]}}"#
    );
    assert_eq!(reply(&frames), expected);
}

#[test]
fn the_rules_of_joining() {
    check(
        &[
            r#"{"role":"assistant","content":"","refusal":null}"#,
            r#"{"content":"a\n"}"#,
            r#"{"content":"\"é"}"#,
        ],
        r#"{"role":"assistant","content":"a\n\"é","refusal":null}"#,
    );
    check(&[r#"{"content":""}"#], r#"{"role":"assistant","content":"","refusal":null}"#);
    check(&["{}"], r#"{"role":"assistant","content":null,"refusal":null}"#);
    check(
        &[r#"{"content":"","refusal":""}"#, r#"{"refusal":"no"}"#],
        r#"{"role":"assistant","content":null,"refusal":"no"}"#,
    );
    check(
        &[
            r#"{"reasoning_content":"a"}"#,
            r#"{"reasoning_content":"b","x":1.50}"#,
            r#"{"x":[1.0]}"#,
            r#"{"x":null,"content":"c"}"#,
        ],
        r#"{"role":"assistant","content":"c","refusal":null,"reasoning_content":"ab","x":[1.0]}"#,
    );
    check(&[r#"{"content":"a","obfuscation":"zz"}"#], r#"{"role":"assistant","content":"a","refusal":null}"#);
    check(
        &[
            r#"{"function_call":{"name":"f","arguments":""}}"#,
            r#"{"function_call":{"name":"f","arguments":"{"}}"#,
            r#"{"function_call":{"arguments":"}"}}"#,
        ],
        r#"{"role":"assistant","content":null,"refusal":null,"function_call":{"name":"f","arguments":"{}"}}"#,
    );
    check(
        &[
            r#"{"audio":{"id":"a","data":"AA"}}"#,
            r#"{"audio":{"id":"b","data":"BB","transcript":"x","expires_at":5}}"#,
        ],
        r#"{"role":"assistant","content":null,"refusal":null,"audio":{"id":"a","data":"AABB","transcript":"x","expires_at":5}}"#,
    );
}

#[test]
fn calls_join_by_index() {
    check(
        &[
            r#"{"role":"assistant","content":"","tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g_","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"["}},{"index":1,"id":"","function":{"name":"two","arguments":"{"}}]}"#,
            r#"{"tool_calls":[{"index":1,"function":{"arguments":"}"}},{"index":0,"id":"other","function":{"name":null,"arguments":"]"}}]}"#,
        ],
        r#"{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"[]"}},{"id":"b","type":"function","function":{"name":"g_two","arguments":"{}"}}]}"#,
    );
    check(
        &[
            r#"{"tool_calls":[{"id":"a","type":"custom","custom":{"name":"c","input":"x"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"custom":{"input":"y"}}]}"#,
        ],
        r#"{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"a","type":"custom","custom":{"name":"c","input":"xy"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
    );
}

#[test]
fn the_example_of_the_contract() {
    let head =
        r#""id":"chatcmpl-9x","object":"chat.completion.chunk","created":1790000000,"model":"support.kolm""#;
    let tail = r#""finish_reason":null}],"usage":null"#;
    let frames = [
        format!(
            r#"{{{head},"choices":[{{"index":0,"delta":{{"role":"assistant","content":null,"refusal":null,"tool_calls":[{{"index":0,"id":"call_Jm","type":"function","function":{{"name":"get_weather","arguments":""}}}}]}},{tail}}}"#
        ),
        format!(
            r#"{{{head},"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{{\"city\":"}}}}]}},{tail}}}"#
        ),
        format!(
            r#"{{{head},"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"\"Bern\"}}"}}}}]}},{tail}}}"#
        ),
        format!(
            r#"{{{head},"choices":[{{"index":0,"delta":{{}},"finish_reason":"tool_calls"}}],"usage":null}}"#
        ),
        format!(
            r#"{{{head},"choices":[],"usage":{{"prompt_tokens":44,"completion_tokens":12,"total_tokens":56}}}}"#
        ),
        "[DONE]".to_owned(),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    assert_eq!(
        reply(&frames),
        r#"{"id":"chatcmpl-9x","object":"chat.completion","created":1790000000,"model":"support.kolm","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_Jm","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Bern\"}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":44,"completion_tokens":12,"total_tokens":56}}"#
    );
}

#[test]
fn the_first_chunk_of_another_cloud_may_be_empty() {
    let frames = [
        r#"{"id":"","created":0,"model":"","choices":[],"prompt_filter_results":[1]}"#,
        r#"{"id":"x","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"obfuscation":"q"}"#,
        r#"{"id":"y","created":7,"model":"m","service_tier":"flex","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ];
    assert_eq!(
        reply(&frames),
        r#"{"id":"x","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null},"logprobs":null,"finish_reason":"stop"}],"prompt_filter_results":[1],"service_tier":"flex"}"#
    );
}

#[test]
fn a_pair_of_surrogates_may_come_in_two_pieces() {
    let frames =
        [r#"{"content":"a\ud83d"}"#, r#"{"content":"\ude00b \ud83d"}"#, r#"{"content":"\\ude00\ude00"}"#]
            .map(delta);
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let got: serde_json::Value = serde_json::from_slice(&of(&frames, true).reply).unwrap();
    assert_eq!(got["choices"][0]["message"]["content"], "a\u{1f600}b \u{fffd}\\ude00\u{fffd}");
}

#[test]
fn what_is_complete() {
    let text = delta(r#"{"content":"a"}"#);
    let stop = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let second = r#"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}"#;
    let error = r#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#;
    // (frames, ended cleanly) -> (complete, done, error)
    let cases: [(&[&str], bool, (bool, bool, bool)); 13] = [
        (&[&text, stop, "[DONE]"], false, (true, true, false)),
        (&[&text, stop], true, (true, false, false)),
        (&[&text, stop], false, (false, false, false)),
        (&[&text, "[DONE]"], true, (false, true, false)),
        (&[&text, stop, second, "[DONE]"], true, (false, true, false)),
        (&[&text, stop, error], true, (false, false, true)),
        (&[&text, stop, "{broken", "[DONE]"], true, (false, true, false)),
        (
            &[&text, stop, r#"{"choices":[{"index":0,"delta":{"content":"\x"}}]}"#, "[DONE]"],
            true,
            (false, true, false),
        ),
        (&[&text, stop, r#"{"choices":[{"index":0,"delta":7}]}"#, "[DONE]"], true, (false, true, false)),
        (&[&text, stop, "[DONE]", error, "{broken"], true, (true, true, false)),
        (&["[DONE]"], true, (false, true, false)),
        (&[error], true, (false, false, true)),
        (&[], true, (false, false, false)),
    ];
    for (frames, ended_cleanly, expected) in cases {
        let got = of(frames, ended_cleanly);
        assert_eq!((got.complete, got.done, got.error), expected, "{frames:?}");
    }
    assert_eq!(of(&[error], true).reply, error.as_bytes());
    assert!(of(&[], true).reply.is_empty());
    assert!(
        of_stream(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]", true)
            .done
    );
}

#[test]
fn a_response_stream_gives_its_terminal_event() {
    let events = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n\
        event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
    let end = |kind: &str| {
        format!(
            "{events}event: {kind}\ndata: {{\"type\":\"{kind}\",\"response\":{{\"id\":\"r\",\"n\":1.0}}}}\n\n"
        )
    };
    let got = of_stream(end("response.completed").as_bytes(), false);
    assert_eq!((got.complete, got.done, got.error), (true, true, false));
    assert_eq!(got.reply, br#"{"id":"r","n":1.0}"#);
    let got = of_stream(end("response.failed").as_bytes(), true);
    assert_eq!((got.complete, got.done, got.error), (false, true, true));
    assert!(!of_stream(events.as_bytes(), true).complete);
    let error = "event: error\ndata: {\"type\":\"error\",\"code\":\"x\",\"message\":\"m\"}\n\n";
    let got = of_stream(error.as_bytes(), true);
    assert!(got.error && got.error_class == "x" && !got.complete);
    let got = of_stream(events.as_bytes(), true);
    assert_eq!(
        (got.reply.as_slice(), got.done),
        (&br#"{"id":"r"}"#[..], false),
        "the last state stands for it"
    );
}

#[test]
fn legacy_choices_join_their_texts_and_lists() {
    let chunk = |index: u64, text: &str, lists: &str, finish: &str| {
        format!(
            r#"{{"id":"cmpl-1","object":"text_completion","created":5,"choices":[{{"text":"{text}","index":{index},"logprobs":{lists},"finish_reason":{finish}}}],"model":"gpt-3.5-turbo-instruct"}}"#
        )
    };
    let lists = |token: &str, at: u64| {
        format!(
            r#"{{"tokens":["{token}"],"token_logprobs":[-0.50],"top_logprobs":null,"text_offset":[{at}]}}"#
        )
    };
    let frames = [
        chunk(0, "a", &lists("a", 0), "null"),
        chunk(1, " z", "null", "null"),
        chunk(0, "b", &lists("b", 1), "null"),
        chunk(1, "", "null", "\"length\""),
        chunk(0, "", "null", "\"stop\""),
        r#"{"id":"cmpl-1","object":"text_completion","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}"#.to_owned(),
        "[DONE]".to_owned(),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    assert_eq!(
        reply(&frames),
        r#"{"id":"cmpl-1","object":"text_completion","created":5,"model":"gpt-3.5-turbo-instruct","choices":[{"text":"ab","index":0,"logprobs":{"tokens":["a","b"],"token_logprobs":[-0.50,-0.50],"text_offset":[0,1]},"finish_reason":"stop"},{"text":" z","index":1,"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}"#
    );
    assert!(of(&frames[..5], true).complete);
    assert!(!of(&frames[..4], true).complete, "one index has no reason yet");
}

#[test]
fn a_transcript_ends_with_its_event() {
    let delta = r#"{"type":"transcript.text.delta","delta":"Hel","logprobs":[]}"#;
    let more = r#"{"type":"transcript.text.delta","delta":"lo"}"#;
    let segment =
        r#"{"type":"transcript.text.segment","id":"s","start":0.0,"end":1.50,"text":"Hello","speaker":"A"}"#;
    let done =
        r#"{"type":"transcript.text.done","text":"Hello.","usage":{"type":"tokens","input_tokens":14}}"#;
    assert_eq!(
        reply(&[delta, more, segment, done]),
        format!(
            r#"{{"text":"Hello.","segments":[{segment}],"usage":{{"type":"tokens","input_tokens":14}}}}"#
        )
    );
    assert_eq!(
        reply(&[delta, more, r#"{"type":"transcript.text.done","text":"Hello."}"#, "[DONE]"]),
        r#"{"text":"Hello."}"#
    );
    let cut = of(&[delta, more], true);
    assert_eq!((cut.complete, cut.done, &cut.reply[..]), (false, false, &br#"{"text":"Hello"}"#[..]));
    assert!(!of(&[r#"{"type":"transcript.text.delta"}"#, done], true).complete, "a piece was unreadable");
}

#[test]
fn many_new_keys_are_not_an_answer() {
    let keys: Vec<String> = (0..100_000).map(|i| format!("\"k{i}\":\"v\"")).collect();
    let frame = delta(&format!("{{{}}}", keys.join(",")));
    let assembled = of(&[&frame, "[DONE]"], true);
    assert!(!assembled.complete && assembled.reply.len() < 10_000);
}
