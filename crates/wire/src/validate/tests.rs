//! Acceptance and refusal, one request a line.

use super::*;

const USER: &str = r#"[{"role":"user","content":"Hi"}]"#;

fn body(extra: &str, messages: &str) -> String {
    let comma = if extra.is_empty() { "" } else { "," };
    format!(r#"{{"model":"m","messages":{messages}{comma}{extra}}}"#)
}

fn refused(body: &str, param: Option<&str>, code: Option<&str>) {
    match chat_request(body.as_bytes()) {
        Ok(_) => panic!("accepted: {body}"),
        Err(error) => {
            assert_eq!((error.status, error.param.as_deref(), error.code), (400, param, code), "{body}");
        }
    }
}

fn accepted(extra: &str, messages: &str) -> ChatRequest {
    let body = body(extra, messages);
    chat_request(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error} {:?}", error.param))
}

const FIELDS: &[(&str, &str)] = &[
    (r#""temperature":2.1"#, "temperature"),
    (r#""temperature":"1""#, "temperature"),
    (r#""temperature":-0.1"#, "temperature"),
    (r#""top_p":1.5"#, "top_p"),
    (r#""n":0"#, "n"),
    (r#""n":129"#, "n"),
    (r#""n":1.5"#, "n"),
    (r#""n":true"#, "n"),
    (r#""stop":5"#, "stop"),
    (r#""stop":[]"#, "stop"),
    (r#""stop":["a","b","c","d","e"]"#, "stop"),
    (r#""stop":["a",5]"#, "stop[1]"),
    (r#""max_tokens":"5""#, "max_tokens"),
    (r#""max_completion_tokens":1.5"#, "max_completion_tokens"),
    (r#""frequency_penalty":-2.5"#, "frequency_penalty"),
    (r#""presence_penalty":3"#, "presence_penalty"),
    (r#""logit_bias":[]"#, "logit_bias"),
    (r#""logit_bias":{"5":101}"#, "logit_bias.5"),
    (r#""logprobs":1"#, "logprobs"),
    (r#""top_logprobs":21"#, "top_logprobs"),
    (r#""top_logprobs":-1"#, "top_logprobs"),
    (r#""seed":1.5"#, "seed"),
    (r#""stream":"true""#, "stream"),
    (r#""stream_options":[]"#, "stream_options"),
    (r#""stream_options":{"include_usage":"x"}"#, "stream_options.include_usage"),
    (r#""stream_options":{"include_obfuscation":1}"#, "stream_options.include_obfuscation"),
    (r#""user":5"#, "user"),
    (
        r#""safety_identifier":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
        "safety_identifier",
    ),
    (r#""prompt_cache_key":5"#, "prompt_cache_key"),
    (r#""prompt_cache_retention":"1h""#, "prompt_cache_retention"),
    (r#""service_tier":"fastest""#, "service_tier"),
    (r#""reasoning_effort":"huge""#, "reasoning_effort"),
    (r#""verbosity":1"#, "verbosity"),
    (r#""store":"yes""#, "store"),
    (r#""moderation":{}"#, "moderation.model"),
    (r#""web_search_options":{"search_context_size":"xl"}"#, "web_search_options.search_context_size"),
    (r#""prediction":{"type":"content"}"#, "prediction.content"),
    (r#""prediction":{"type":"content","content":[{"type":"text"}]}"#, "prediction.content[0].text"),
    (r#""metadata":{"a":5}"#, "metadata.a"),
    (r#""metadata":"x""#, "metadata"),
    (r#""modalities":["video"]"#, "modalities[0]"),
    (r#""audio":{"voice":"v","format":"mp4"}"#, "audio.format"),
    (r#""audio":{"format":"wav"}"#, "audio.voice"),
    (r#""response_format":"json""#, "response_format"),
    (r#""response_format":{"type":"xml"}"#, "response_format.type"),
    (r#""response_format":{"type":"json_schema"}"#, "response_format.json_schema"),
    (
        r#""response_format":{"type":"json_schema","json_schema":{"name":"a b"}}"#,
        "response_format.json_schema.name",
    ),
    (
        r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":5}}"#,
        "response_format.json_schema.schema",
    ),
    (r#""parallel_tool_calls":1"#, "parallel_tool_calls"),
];

#[test]
fn fields_out_of_type_or_range() {
    for &(extra, param) in FIELDS {
        refused(&body(extra, USER), Some(param), None);
    }
    refused(&body(r#""modalities":["text","audio"]"#, USER), Some("modalities"), Some("unsupported_value"));
    let pairs: Vec<String> = (0..17).map(|i| format!(r#""{i}":"x""#)).collect();
    refused(&body(&format!(r#""metadata":{{{}}}"#, pairs.join(",")), USER), Some("metadata"), None);
    refused(&body(&format!(r#""metadata":{{"{}":"x"}}"#, "k".repeat(65)), USER), Some("metadata"), None);
    refused(&body(&format!(r#""metadata":{{"k":"{}"}}"#, "v".repeat(513)), USER), Some("metadata.k"), None);
    accepted(&format!(r#""metadata":{{"{}":"{}"}}"#, "k".repeat(64), "é".repeat(512)), USER);
}

#[test]
fn tools_that_are_refused() {
    let tool = |name: &str| format!(r#"{{"type":"function","function":{{"name":"{name}"}}}}"#);
    let with = |rest: &str| format!(r#""tools":[{},{}]{rest}"#, tool("f"), tool("g"));
    let cases = [
        (r#""tools":{}"#.to_owned(), "tools"),
        (r#""tools":[5]"#.to_owned(), "tools[0]"),
        (r#""tools":[{"type":"web"}]"#.to_owned(), "tools[0].type"),
        (r#""tools":[{"type":"function"}]"#.to_owned(), "tools[0].function"),
        (format!(r#""tools":[{}]"#, tool("a b")), "tools[0].function.name"),
        (format!(r#""tools":[{}]"#, tool(&"a".repeat(65))), "tools[0].function.name"),
        (format!(r#""tools":[{},{}]"#, tool("f"), tool("f")), "tools[1].function.name"),
        (
            r#""tools":[{"type":"function","function":{"name":"f","parameters":[]}}]"#.to_owned(),
            "tools[0].function.parameters",
        ),
        (r#""tools":[{"type":"custom","custom":{}}]"#.to_owned(), "tools[0].custom.name"),
        (with(r#","tool_choice":"maybe""#), "tool_choice"),
        (with(r#","tool_choice":5"#), "tool_choice"),
        (with(r#","tool_choice":{"type":"function","function":{"name":"h"}}"#), "tool_choice.function.name"),
        (
            with(r#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"x","tools":[]}}"#),
            "tool_choice.allowed_tools.mode",
        ),
        (
            with(r#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto"}}"#),
            "tool_choice.allowed_tools.tools",
        ),
        (
            with(r#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}"#),
            "tool_choice.allowed_tools",
        ),
        (r#""tool_choice":"required""#.to_owned(), "tool_choice"),
        (r#""functions":[]"#.to_owned(), "functions"),
        (r#""functions":[{"name":"f"}],"function_call":{"name":"g"}"#.to_owned(), "function_call.name"),
        (r#""functions":[{"name":"f"}],"function_call":"required""#.to_owned(), "function_call"),
    ];
    for (extra, param) in cases {
        refused(&body(&extra, USER), Some(param), None);
    }
}

#[test]
fn the_forms_of_tool_choice() {
    let tool = |name: &str| format!(r#"{{"type":"function","function":{{"name":"{name}"}}}}"#);
    let with = |rest: &str| format!(r#""tools":[{},{}]{rest}"#, tool("f"), tool("g"));
    let custom = r#""tools":[{"type":"custom","custom":{"name":"c"}}],"tool_choice":{"type":"custom","custom":{"name":"c"}}"#;
    refused(&body(custom, USER), Some("tool_choice"), Some("unsupported_value"));

    let forms = [
        (with(""), ToolChoice::Auto, vec!["f", "g"]),
        (with(r#","tool_choice":"none""#), ToolChoice::None, vec!["f", "g"]),
        (with(r#","tool_choice":"required""#), ToolChoice::Required, vec!["f", "g"]),
        (
            with(r#","tool_choice":{"type":"function","function":{"name":"g"}}"#),
            ToolChoice::Function("g".to_owned()),
            vec!["f", "g"],
        ),
        (
            with(
                r#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"g"}}]}}"#,
            ),
            ToolChoice::Required,
            vec!["g"],
        ),
        (
            r#""functions":[{"name":"f"}],"function_call":{"name":"f"}"#.to_owned(),
            ToolChoice::Function("f".to_owned()),
            vec!["f"],
        ),
        (r#""functions":[{"name":"f"}],"function_call":"none""#.to_owned(), ToolChoice::None, vec!["f"]),
    ];
    for (extra, choice, names) in forms {
        let request = accepted(&extra, USER);
        assert_eq!(
            (request.tool_choice, request.tools),
            (choice, names.into_iter().map(str::to_owned).collect()),
            "{extra}"
        );
    }
}

const MESSAGES: &[(&str, &str, Option<&str>)] = &[
    ("{}", "messages", None),
    ("[]", "messages", None),
    ("[5]", "messages[0]", None),
    ("[{}]", "messages[0].role", None),
    (r#"[{"role":"owner","content":"x"}]"#, "messages[0].role", None),
    (r#"[{"role":"user"}]"#, "messages[0].content", None),
    (r#"[{"role":"user","content":null}]"#, "messages[0].content", None),
    (r#"[{"role":"user","content":{}}]"#, "messages[0].content", None),
    (r#"[{"role":"user","content":[]}]"#, "messages[0].content", None),
    (r#"[{"role":"user","content":["x"]}]"#, "messages[0].content[0]", None),
    (r#"[{"role":"user","content":[{"type":"text"}]}]"#, "messages[0].content[0].text", None),
    (
        r#"[{"role":"user","content":[{"type":"refusal","refusal":"x"}]}]"#,
        "messages[0].content[0].type",
        None,
    ),
    (r#"[{"role":"user","content":"x","name":5}]"#, "messages[0].name", None),
    (
        r#"[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}]"#,
        "messages[1].content[1].type",
        Some("unsupported_value"),
    ),
    (
        r#"[{"role":"user","content":[{"type":"input_audio"}]}]"#,
        "messages[0].content[0].type",
        Some("unsupported_value"),
    ),
    (
        r#"[{"role":"user","content":[{"type":"file"}]}]"#,
        "messages[0].content[0].type",
        Some("unsupported_value"),
    ),
    (r#"[{"role":"system","content":[{"type":"image_url"}]}]"#, "messages[0].content[0].type", None),
    (r#"[{"role":"assistant"}]"#, "messages[0].content", None),
    (r#"[{"role":"assistant","tool_calls":[]}]"#, "messages[0].content", None),
    (r#"[{"role":"assistant","tool_calls":[{"type":"function"}]}]"#, "messages[0].tool_calls[0].id", None),
    (
        r#"[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f"}}]}]"#,
        "messages[0].tool_calls[0].function.arguments",
        None,
    ),
    (r#"[{"role":"assistant","function_call":{"name":"f"}}]"#, "messages[0].function_call.arguments", None),
    (r#"[{"role":"tool","content":"x"}]"#, "messages[0].tool_call_id", None),
    (r#"[{"role":"tool","content":"x","tool_call_id":"a"}]"#, "messages[0].tool_call_id", None),
    (r#"[{"role":"function","content":"x"}]"#, "messages[0].name", None),
    (r#"[{"role":"function","name":"f"}]"#, "messages[0].content", None),
];

#[test]
fn messages_that_are_refused() {
    for &(messages, param, code) in MESSAGES {
        refused(&body("", messages), Some(param), code);
    }
    refused(r#"{"model":"m"}"#, Some("messages"), None);
    refused(r#"{"messages":[{"role":"user","content":"x"}]}"#, Some("model"), None);
    refused(r#"{"model":5,"messages":[{"role":"user","content":"x"}]}"#, Some("model"), None);
    for broken in ["", "[]", "{\"model\"", "7"] {
        refused(broken, None, None);
    }
}

#[test]
fn messages_that_are_accepted() {
    let request = accepted(
        "",
        r#"[{"role":"developer","content":"D"},{"role":"system","content":[{"type":"text","text":"S"}],"name":"n"},
            {"role":"user","content":"Q"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"custom","custom":{"name":"c","input":"x"}}]},
            {"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"T"}]},
            {"role":"assistant","function_call":{"name":"f","arguments":""},"refusal":null,"audio":null},
            {"role":"function","name":"f","content":null},
            {"role":"assistant","content":[{"type":"refusal","refusal":"no"}],"whatever":1},
            {"role":"assistant","refusal":"never"}]"#,
    );
    assert_eq!(request.question.system, "D\nS");
    assert_eq!(request.question.text, "Q\nT\nno\nnever");
}

#[test]
fn null_is_absent_and_unknown_fields_are_ignored() {
    let plain = accepted("", USER);
    let keys = "temperature top_p n stop max_completion_tokens max_tokens frequency_penalty presence_penalty logit_bias \
        logprobs top_logprobs seed stream stream_options response_format tools tool_choice parallel_tool_calls functions \
        function_call modalities audio reasoning_effort verbosity metadata user safety_identifier prompt_cache_key \
        prompt_cache_options prompt_cache_retention service_tier prediction store moderation web_search_options";
    let nulls: Vec<String> = keys.split_whitespace().map(|key| format!(r#""{key}":null"#)).collect();
    assert_eq!(accepted(&nulls.join(","), USER), plain);
    assert_eq!(accepted(r#""x_new":{"a":[1]}"#, USER), plain);
    assert_eq!(
        (plain.n, plain.max_tokens, plain.parallel_tool_calls, plain.format),
        (1, None, true, Format::Text)
    );
}

#[test]
fn values_that_are_read() {
    let request = accepted(
        r#""temperature":0,"top_p":1,"n":2.0,"stop":["a","",""],"max_tokens":9,"max_completion_tokens":7,"seed":-5,"stream":true,
           "stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":20,"frequency_penalty":-2,"presence_penalty":2,
           "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{},"strict":true}},"parallel_tool_calls":false,
           "logit_bias":{"5":-100},"modalities":["text"],"audio":{"voice":{"id":"v"},"format":"wav"},"store":true,
           "web_search_options":{},"prediction":{"type":"content","content":"x"},"reasoning_effort":"max","verbosity":"low""#,
        USER,
    );
    assert_eq!((request.temperature, request.top_p, request.n), (Some(0.0), Some(1.0), 2));
    assert_eq!(
        (request.stop.as_slice(), request.max_tokens, request.seed),
        (&["a".to_owned()][..], Some(7), Some(-5))
    );
    assert!(
        request.head.stream && request.head.include_usage && request.logprobs && !request.parallel_tool_calls
    );
    assert_eq!((request.top_logprobs, request.format), (Some(20), Format::JsonSchema));
    assert_eq!((request.frequency_penalty, request.presence_penalty), (Some(-2.0), Some(2.0)));
    assert_eq!(accepted(r#""stop":"END""#, USER).stop, ["END"]);
    assert_eq!(accepted(r#""max_tokens":-1"#, USER).max_tokens, Some(0));
    assert_eq!(accepted(r#""max_tokens":1e30"#, USER).max_tokens, Some(u32::MAX));
    assert_eq!(accepted(r#""seed":18446744073709551615"#, USER).seed, Some(i64::MAX));
    assert!(!accepted(r#""stream_options":{"include_usage":true}"#, USER).head.include_usage);
}
