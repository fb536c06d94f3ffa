//! The cloud's side of `tests/conformance/surfaces.py`: bodies and streams as OpenAI's API writes them.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fake::Reply;

/// An event stream, each frame in two writes.
fn stream(frames: &[String]) -> Reply {
    let halves = |frame: &String| {
        let (one, two) = frame.split_at(frame.len() / 2);
        [Bytes::from(one.to_owned()), Bytes::from(two.to_owned())]
    };
    Reply::stream(frames.iter().flat_map(halves).collect())
}

/// Frames of `data:` alone, and `[DONE]`.
fn chunks(chunks: &[Value]) -> Reply {
    let mut frames: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    frames.push("data: [DONE]\n\n".to_owned());
    stream(&frames)
}

fn chat(choices: Value, usage: Value) -> Value {
    let mut chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000,
        "model": "gpt-4o-mini-2024-07-18", "service_tier": "default", "system_fingerprint": "fp_1",
        "choices": choices, "obfuscation": "Xz"});
    if !usage.is_null() {
        chunk["usage"] = usage;
    }
    chunk
}

fn delta(index: u64, delta: Value) -> Value {
    chat(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": null}]), Value::Null)
}

fn finish(index: u64, reason: &str) -> Value {
    chat(json!([{"index": index, "delta": {}, "logprobs": null, "finish_reason": reason}]), Value::Null)
}

fn opening(index: u64) -> Value {
    delta(index, json!({"role": "assistant", "content": "", "refusal": null}))
}

fn usage(prompt: u64, completion: u64, cached: Option<u64>) -> Value {
    let mut usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion});
    if let Some(cached) = cached {
        usage["prompt_tokens_details"] = json!({"cached_tokens": cached, "audio_tokens": 0});
    }
    chat(json!([]), usage)
}

fn chats() -> Vec<Reply> {
    let token = |text: &str| {
        let entry = json!({"token": text, "logprob": -0.25, "bytes": [72], "top_logprobs": []});
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": null,
            "logprobs": {"content": [entry], "refusal": null}});
        chat(json!([choice]), Value::Null)
    };
    let call = |index: u64, id: &str, piece: &str| {
        let mut call = json!({"index": index, "function": {"arguments": piece}});
        if !id.is_empty() {
            (call["id"], call["type"], call["function"]["name"]) =
                (id.into(), "function".into(), "weather".into());
        }
        delta(0, json!({"tool_calls": [call]}))
    };
    let three = [
        opening(0),
        opening(1),
        opening(2),
        delta(2, json!({"content": "c"})),
        delta(0, json!({"content": "a\u{1F980}"})),
        finish(1, "stop"),
        delta(0, json!({"content": "A"})),
        finish(0, "stop"),
        finish(2, "stop"),
        usage(9, 6, None),
    ];
    let calls = [
        delta(0, json!({"role": "assistant", "content": null})),
        call(0, "call_1", ""),
        call(0, "", "{\"unit\":"),
        call(0, "", "\"celsius\"}"),
        call(1, "call_2", "{}"),
        finish(0, "tool_calls"),
    ];
    let refusal = [
        opening(0),
        delta(0, json!({"refusal": "I will "})),
        delta(0, json!({"refusal": "not."})),
        finish(0, "stop"),
    ];
    vec![
        chunks(&[opening(0), token("Hello"), token(" there"), finish(0, "stop"), usage(9, 2, Some(4))]),
        chunks(&three),
        chunks(&calls),
        chunks(&refusal),
    ]
}

fn response(status: &str) -> Value {
    let item = json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello there", "annotations": [], "logprobs": []}]});
    let mut response = json!({
        "id": "resp_1", "object": "response", "created_at": 1_790_000_000, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "model": "gpt-4o-mini-2024-07-18", "metadata": {},
        "output": [], "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "usage": null
    });
    if status != "in_progress" {
        response["output"] = json!([item]);
        response["usage"] = json!({"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 11});
    }
    response
}

/// The events of a response that ends with `last`.
fn events(last: &str, end: Value) -> Reply {
    let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
    let item = json!({"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []});
    let at = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
    let with = |more: Value| {
        let mut event = at.clone();
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let steps = [
        ("response.created", json!({"response": response("in_progress")})),
        ("response.in_progress", json!({"response": response("in_progress")})),
        ("response.output_item.added", json!({"output_index": 0, "item": item})),
        ("response.content_part.added", with(json!({"part": part}))),
        ("response.output_text.delta", with(json!({"delta": "Hello", "logprobs": [], "obfuscation": "x"}))),
        ("response.output_text.delta", with(json!({"delta": " there", "logprobs": []}))),
        ("response.output_text.done", with(json!({"text": "Hello there", "logprobs": []}))),
        (last, json!({"response": end})),
    ];
    let frame = |(number, (kind, event)): (usize, (&str, Value))| {
        let mut event = event;
        (event["type"], event["sequence_number"]) = (kind.into(), number.into());
        format!("event: {kind}\ndata: {event}\n\n")
    };
    stream(&steps.into_iter().enumerate().map(frame).collect::<Vec<_>>())
}

fn responses() -> Vec<Reply> {
    let mut cut = response("incomplete");
    cut["incomplete_details"] = json!({"reason": "max_output_tokens"});
    let mut failed = response("failed");
    failed["error"] = json!({"code": "server_error", "message": "could not serve Jane"});
    let whole = || Reply::json(200, response("completed").to_string());
    vec![
        whole(),
        events("response.completed", response("completed")),
        events("response.incomplete", cut),
        events("response.failed", failed),
        whole(),
    ]
}

fn completions() -> Vec<Reply> {
    let whole = json!({"id": "cmpl-1", "object": "text_completion", "created": 1_790_000_000, "model": "gpt-3.5-turbo-instruct",
        "choices": [{"text": " there", "index": 0, "logprobs": null, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}});
    let piece = |index: u64, text: &str, finish: Value| {
        let logprobs =
            json!({"tokens": [text], "token_logprobs": [-0.5], "top_logprobs": null, "text_offset": [0]});
        json!({"id": "cmpl-2", "object": "text_completion", "created": 1_790_000_000, "model": "gpt-3.5-turbo-instruct",
            "choices": [{"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}], "usage": null})
    };
    let pieces = [
        piece(0, "a", Value::Null),
        piece(1, "b", Value::Null),
        piece(0, "lpha", Value::Null),
        piece(1, "eta", "length".into()),
        piece(0, "!", "stop".into()),
        json!({"id": "cmpl-2", "object": "text_completion", "created": 1_790_000_000, "model": "gpt-3.5-turbo-instruct",
            "choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7}}),
    ];
    vec![Reply::json(200, whole.to_string()), chunks(&pieces)]
}

fn embeddings() -> Vec<Reply> {
    let reply = |data: Value| {
        let body = json!({"object": "list", "data": data, "model": "text-embedding-3-small",
            "usage": {"prompt_tokens": 3, "total_tokens": 3}});
        Reply::json(200, body.to_string())
    };
    let entry =
        |index: u64, vector: Value| json!({"object": "embedding", "index": index, "embedding": vector});
    vec![
        reply(json!([entry(0, json!([0.125, -0.5, 1.0]))])),
        // 0.125, -0.5 and 1.0, 2.0 as little-endian 32-bit floats.
        reply(json!([entry(0, json!("AAAAPgAAAL8=")), entry(1, json!("AACAPwAAAEA="))])),
        reply(json!([entry(0, json!("AAAAPgAAAL8="))])),
    ]
}

fn transcripts() -> Vec<Reply> {
    let text = |body: &str| Reply {
        headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())],
        ..Reply::json(200, body.to_owned())
    };
    let tokens = json!({"type": "tokens", "input_tokens": 14, "input_token_details": {"audio_tokens": 14, "text_tokens": 0},
        "output_tokens": 5, "total_tokens": 19});
    let entry = json!([{"token": "Hello", "logprob": -0.1, "bytes": [72]}]);
    let verbose = json!({"task": "transcribe", "language": "english", "duration": 1.5, "text": "Hello there.",
        "words": [{"word": "Hello", "start": 0.0, "end": 0.5}],
        "segments": [{"id": 0, "seek": 0, "start": 0.0, "end": 1.5, "text": "Hello there.", "tokens": [50364, 2425],
            "temperature": 0.0, "avg_logprob": -0.3, "compression_ratio": 0.8, "no_speech_prob": 0.01}],
        "usage": {"type": "duration", "seconds": 2}});
    let deltas = ["Hello", " there."]
        .map(|delta| json!({"type": "transcript.text.delta", "delta": delta, "logprobs": []}));
    let done =
        json!({"type": "transcript.text.done", "text": "Hello there.", "logprobs": [], "usage": tokens});
    let frames: Vec<String> =
        deltas.iter().chain([&done]).map(|event| format!("data: {event}\n\n")).collect();
    vec![
        Reply::json(200, json!({"text": "Hello there.", "logprobs": entry, "usage": tokens}).to_string()),
        Reply::json(200, verbose.to_string()),
        text("Hello there.\n"),
        text("1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n"),
        text("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello there.\n\n"),
        stream(&frames),
        Reply::json(200, json!({"text": "Hello there."}).to_string()),
    ]
}

fn moderation() -> Reply {
    let names = ["harassment", "hate", "hate/threatening", "sexual", "violence"];
    let of = |value: Value| names.iter().map(|name| ((*name).to_owned(), value.clone())).collect::<Value>();
    let result = json!({"flagged": false, "categories": of(json!(false)), "category_scores": of(json!(0.0001)),
        "category_applied_input_types": of(json!(["text"]))});
    Reply::json(
        200,
        json!({"id": "modr-1", "model": "omni-moderation-latest", "results": [result, result]}).to_string(),
    )
}

/// All of it, in order.
pub(super) fn replies() -> Vec<Reply> {
    let mut all = chats();
    all.extend(responses());
    all.extend(completions());
    all.extend(embeddings());
    all.extend(transcripts());
    all.push(moderation());
    let error = json!({"error": {"message": "slow down, Jane", "type": "requests", "param": null, "code": "rate_limit_exceeded"}});
    all.push(Reply::json(429, error.to_string()));
    all
}
