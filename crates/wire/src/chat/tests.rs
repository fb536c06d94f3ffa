//! Head, question and facts, as tables.

use super::*;

#[test]
fn heads() {
    let check = |body: &str| match head(body.as_bytes()) {
        Ok(head) => format!("{} {} {}", head.model, head.stream, head.include_usage),
        Err(error) => format!("{} {}", error.status, error.param.unwrap_or_default()),
    };
    assert_eq!(check(r#"{"model":"m","messages":[1,{"model":"x"}]}"#), "m false false");
    assert_eq!(
        check(r#"{"model":"m\u00e9","stream":true,"stream_options":{"include_usage":true}}"#),
        "mé true true"
    );
    assert_eq!(
        check(r#"{"model":"m","stream":null,"stream_options":{"include_usage":true}}"#),
        "m false false"
    );
    assert_eq!(check(r#"{"model":"m","stream":true,"stream_options":null}"#), "m true false");
    assert_eq!(check(r#"{"model":"a","model":"b"}"#), "b false false");
    assert_eq!(check(r#"{"messages":[]}"#), "400 model");
    assert_eq!(check(r#"{"model":null}"#), "400 model");
    assert_eq!(check(r#"{"model":7}"#), "400 model");
    assert_eq!(check(r#"{"model":"m","stream":"yes"}"#), "400 stream");
    assert_eq!(check(r#"{"model":"m","stream_options":1}"#), "400 stream_options");
    assert_eq!(
        check(r#"{"model":"m","stream_options":{"include_usage":1}}"#),
        "400 stream_options.include_usage"
    );
    for broken in ["", "{", "[]", "7", "{\"model\":\"m\"} x", "{\"model\":\"\\ud800\"}x"] {
        assert_eq!(check(broken), "400 ", "{broken}");
    }
}

fn ask(extra: &str, messages: &str) -> Result<Question, Blocks> {
    question(format!(r#"{{"model":"m","messages":{messages}{extra}}}"#).as_bytes())
}

#[test]
fn questions() {
    let q = ask("", r#"[{"role":"user","content":"Hi"}]"#).unwrap();
    assert_eq!((q.system.as_str(), q.tools.as_str(), q.text.as_str()), ("", "", "Hi"));
    assert_eq!(q.opening, r#"[["user","Hi"]]"#);

    let opening = r#"{"role":"system","content":"S"},{"role":"developer","content":[{"type":"text","text":"D"},{"type":"text","text":"E"}]},{"role":"user","content":"one"}"#;
    let first = ask("", &format!("[{opening}]")).unwrap();
    let later = ask(
        r#","tools":[{"type":"function","function":{"name":"f"}}]"#,
        &format!(r#"[{opening},{{"role":"assistant","content":null,"tool_calls":[]}},{{"role":"assistant","refusal":"no"}},{{"role":"user","content":"two"}}]"#),
    )
    .unwrap();
    assert_eq!(later.opening, first.opening, "one conversation");
    assert_eq!(first.opening, r#"[["system","S"],["developer","DE"],["user","one"]]"#);
    assert_eq!((later.system.as_str(), later.text.as_str()), ("S\nDE", "one\nno\ntwo"));
    assert_eq!(later.tools, r#"[{"function":{"name":"f"},"type":"function"}]"#);
    assert_eq!(ask("", r#"[{"role":"system","content":"S"}]"#).unwrap().opening, r#"[["system","S"]]"#);
}

#[test]
fn what_blocks() {
    let user = r#"[{"role":"user","content":"Hi"}]"#;
    let cases = [
        (r#","tools":[{"type":"custom","custom":{"name":"c"}}]"#, Some(Blocks::Tools)),
        (r#","web_search_options":{}"#, Some(Blocks::Tools)),
        (r#","modalities":["text","audio"]"#, Some(Blocks::Audio)),
        (r#","audio":{"voice":"v","format":"wav"}"#, Some(Blocks::Audio)),
        (r#","n":2"#, Some(Blocks::Choices)),
        (r#","logit_bias":{"5":1}"#, Some(Blocks::LogitBias)),
        (r#","logprobs":true"#, Some(Blocks::Logprobs)),
        (r#","store":true"#, Some(Blocks::Stored)),
        (r#","moderation":{"model":"x"}"#, Some(Blocks::Stored)),
        (r#","response_format":{"type":"json_schema","json_schema":{"name":"x"}}"#, Some(Blocks::Format)),
        (r#","response_format":{"type":"json_object"}"#, Some(Blocks::Format)),
        (r#","functions":[{"name":"f"}]"#, Some(Blocks::Functions)),
        (
            r#","n":1,"tools":[],"modalities":["text"],"logit_bias":{},"logprobs":false,"store":false,"response_format":{"type":"text"},"functions":null,"audio":null,"moderation":null,"web_search_options":null,"temperature":0,"user":"u","seed":1"#,
            None,
        ),
    ];
    for (extra, expected) in cases {
        assert_eq!(ask(extra, user).err(), expected, "{extra}");
    }
    let messages = [
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]"#, Blocks::Modality),
        (r#"[{"role":"user","content":"a"},{"role":"assistant","audio":{"id":"x"}}]"#, Blocks::Audio),
        (r#"[{"role":"user","content":7}]"#, Blocks::Malformed),
        (r#"[{"content":"x"}]"#, Blocks::Malformed),
        ("[]", Blocks::Malformed),
        ("{}", Blocks::Malformed),
        ("[7]", Blocks::Malformed),
    ];
    for (messages, expected) in messages {
        assert_eq!(ask("", messages).err(), Some(expected), "{messages}");
        assert!(!expected.as_str().is_empty());
    }
    assert_eq!(question(b"nope").err(), Some(Blocks::Malformed));
}

#[test]
fn template_keys_forget_digits_and_space_only() {
    let key = template_key("You  sort\n tickets of 2024.", "[]");
    assert_eq!(key.len(), 16);
    assert_eq!(key, template_key(" You sort tickets of 1999. ", "[]"));
    assert_ne!(key, template_key("You sort tickets of 2024!", "[]"));
    assert_ne!(key, template_key("You sort tickets of 2024.", ""));
    assert_ne!(template_key("a", ""), template_key("", "a"));
}

#[test]
fn a_minimal_request_asks_its_text() {
    let body = request_of("a \"b\"\n", "m");
    assert_eq!(head(&body).unwrap().model, "m");
    assert_eq!(question(&body).unwrap().text, "a \"b\"\n");
    assert!(crate::validate::chat_request(&body).is_ok());
    let asked =
        question(&request_under("Sort.", r#"[{"type":"function","function":{"name":"f"}}]"#, "hi", "m"));
    let asked = asked.unwrap();
    assert_eq!((asked.system.as_str(), asked.text.as_str()), ("Sort.", "hi"));
    assert_eq!(asked.tools, r#"[{"function":{"name":"f"},"type":"function"}]"#);
    assert_eq!(request_under("", "", "hi", "m"), request_of("hi", "m"));
}

#[test]
fn facts_of_replies() {
    let reply = r#"{"id":"i","model":"m","system_fingerprint":"fp","choices":[{"index":0,"finish_reason":"stop","message":{"content":"yes","refusal":null}}],
        "usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    let got = facts(reply.as_bytes());
    assert_eq!(
        (got.id.as_str(), got.model.as_str(), got.fingerprint.as_str(), got.finish.as_str()),
        ("i", "m", "fp", "stop")
    );
    assert_eq!(
        (got.text.as_deref(), got.refusal, got.tool_calls, got.error),
        (Some("yes"), false, false, false)
    );
    assert_eq!((got.tokens_in, got.tokens_out, got.tokens_cached), (9, 2, 4));
    assert!(!format!("{got:?}").contains("yes"));

    let got = facts(br#"{"choices":[{"finish_reason":"tool_calls","message":{"content":null,"refusal":"no","tool_calls":[{}]}}]}"#);
    assert_eq!((got.text, got.refusal, got.tool_calls, got.tokens_in), (None, true, true, -1));
    assert!(facts(br#"{"choices":[{"message":{"function_call":{}}}]}"#).tool_calls);
    assert!(facts(&crate::error::ApiError::internal().body()).error);
    let got = facts(br#"{"status":"completed","error":null,"usage":{"input_tokens":5,"output_tokens":6}}"#);
    assert_eq!((got.finish.as_str(), got.tokens_in, got.tokens_out, got.error), ("completed", 5, 6, false));
    for nothing in [&b""[..], b"{", b"[]", b"7", b"{}"] {
        let got = facts(nothing);
        assert_eq!(
            (got.id.as_str(), got.finish.as_str(), got.tokens_out, got.text, got.error),
            ("", "", -1, None, false)
        );
    }
}

#[test]
fn facts_of_other_surfaces() {
    let line = |reply: &str| {
        let f = facts(reply.as_bytes());
        let tokens = format!("{}/{}/{}", f.tokens_in, f.tokens_out, f.tokens_cached);
        let flags = format!("{}{}{}", u8::from(f.refusal), u8::from(f.tool_calls), u8::from(f.error));
        format!("{} {:?} {tokens} {flags} {:?} {}", f.finish, f.text, f.foreign, f.error_class)
    };
    let response = |status: &str, more: &str, output: &str| {
        format!(
            r#"{{"object":"response","status":"{status}"{more},"output":[{output}],"usage":{{"input_tokens":9,"input_tokens_details":{{"cached_tokens":4}},"output_tokens":2}}}}"#
        )
    };
    let said = r#"{"type":"message","content":[{"type":"output_text","text":"a","annotations":[]},{"type":"output_text","text":"b"}]}"#;
    let cited = r#"{"type":"message","content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation"}]}]}"#;
    for (reply, want) in [
        (response("completed", "", said), r#"stop Some("ab") 9/2/4 000 None "#),
        (response("completed", "", cited), r#"stop Some("a") 9/2/4 000 Some(Modality) "#),
        (
            response("completed", "", r#"{"type":"reasoning","summary":[]},{"type":"function_call","name":"f"}"#),
            "tool_calls None 9/2/4 010 None ",
        ),
        (
            response("completed", "", r#"{"type":"message","content":[{"type":"refusal","refusal":"no"}]}"#),
            "stop None 9/2/4 100 None ",
        ),
        (response("completed", "", r#"{"type":"web_search_call"}"#), "stop None 9/2/4 000 Some(Tools) "),
        (
            response("completed", "", r#"{"type":"reasoning","encrypted_content":"x"}"#),
            "stop None 9/2/4 000 Some(Context) ",
        ),
        (
            response("incomplete", r#","incomplete_details":{"reason":"max_output_tokens"}"#, said),
            r#"length Some("ab") 9/2/4 000 None "#,
        ),
        (
            response("failed", r#","error":{"code":"server_error","message":"m"}"#, ""),
            "failed None 9/2/4 001 None server_error",
        ),
        (
            r#"{"object":"text_completion","choices":[{"text":" x","finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#.to_owned(),
            r#"stop Some(" x") 3/1/-1 000 None "#,
        ),
        (
            r#"{"object":"list","data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#.to_owned(),
            " None 8/-1/-1 000 None ",
        ),
        (
            r#"{"text":"hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":5}}"#.to_owned(),
            r#" Some("hello") 14/5/-1 000 None "#,
        ),
        (r#"{"id":"modr-1","model":"m","results":[{}]}"#.to_owned(), " None -1/-1/-1 000 None "),
        (
            r#"{"choices":[{"finish_reason":"stop","message":{"content":"a","annotations":[{}]}}]}"#.to_owned(),
            r#"stop Some("a") -1/-1/-1 000 Some(Modality) "#,
        ),
        (
            r#"{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"type":"custom"}]}}]}"#.to_owned(),
            "tool_calls None -1/-1/-1 010 Some(Tools) ",
        ),
    ] {
        assert_eq!(line(&reply), want, "{reply}");
    }
}
