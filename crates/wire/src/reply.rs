//! Local answers in OpenAI's form: whole bodies, stream frames, model lists.
//!
//! **Invariant:** frames follow the framing rules to the byte: one `data:` line each, no other line kinds,
//! `[DONE]` last.

use std::fmt;

use serde_json::{Value, json};

/// What every chunk of an answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// `chatcmpl-` and 29 alphanumeric characters; the caller mints it.
    pub id: String,
    /// Unix seconds.
    pub created: i64,
    /// The model that answers: the artifact's file name.
    pub model: String,
    /// `fp_` and ten hex characters; empty = left out.
    pub fingerprint: String,
}

/// One choice of an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// The finish reason: `stop` or `length`.
    pub finish: &'static str,
    /// The tokens of the text.
    pub tokens_out: u64,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} bytes, {}, {} tokens)", self.text.len(), self.finish, self.tokens_out)
    }
}

/// One entry of the model list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The file name, or the alias it was asked by.
    pub id: String,
    /// Unix seconds, from the manifest.
    pub created: i64,
    /// The owner.
    pub owned_by: String,
}

/// The body of a `chat.completion`.
pub fn completion(meta: &Meta, answers: &[Answer], tokens_in: u64) -> Vec<u8> {
    let choices: Vec<Value> = answers
        .iter()
        .enumerate()
        .map(|(index, answer)| {
            json!({
                "index": index,
                "message": {"role": "assistant", "content": answer.text, "refusal": null},
                "logprobs": null,
                "finish_reason": answer.finish,
            })
        })
        .collect();
    let mut body = json!({
        "id": meta.id,
        "object": "chat.completion",
        "created": meta.created,
        "model": meta.model,
        "choices": choices,
        "usage": usage(answers, tokens_in),
    });
    if !meta.fingerprint.is_empty() {
        body["system_fingerprint"] = json!(meta.fingerprint);
    }
    body.to_string().into_bytes()
}

/// The frames of the same answer as a stream, `[DONE]` included; each is to be written in one piece.
pub fn stream(meta: &Meta, answers: &[Answer], tokens_in: u64, include_usage: bool) -> Vec<Vec<u8>> {
    let mut frames = Vec::with_capacity(answers.len() * 3 + 2);
    for (index, answer) in answers.iter().enumerate() {
        let mut deltas = vec![(json!({"role": "assistant", "content": "", "refusal": null}), None)];
        if !answer.text.is_empty() {
            deltas.push((json!({"content": answer.text}), None));
        }
        deltas.push((json!({}), Some(answer.finish)));
        for (delta, finish) in deltas {
            let choice = json!({"index": index, "delta": delta, "finish_reason": finish});
            frames.push(chunk(meta, vec![choice], include_usage.then_some(Value::Null)));
        }
    }
    if include_usage {
        frames.push(chunk(meta, Vec::new(), Some(usage(answers, tokens_in))));
    }
    frames.push(b"data: [DONE]\n\n".to_vec());
    frames
}

/// The body of `GET /v1/models`, sorted by id.
pub fn models(models: &[Model]) -> Vec<u8> {
    let mut sorted: Vec<&Model> = models.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let data: Vec<Value> = sorted.into_iter().map(entry).collect();
    json!({"object": "list", "data": data}).to_string().into_bytes()
}

/// The body of `GET /v1/models/{model}`.
pub fn model(model: &Model) -> Vec<u8> {
    entry(model).to_string().into_bytes()
}

fn entry(model: &Model) -> Value {
    json!({"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by})
}

fn chunk(meta: &Meta, choices: Vec<Value>, usage: Option<Value>) -> Vec<u8> {
    let mut chunk = json!({
        "id": meta.id,
        "object": "chat.completion.chunk",
        "created": meta.created,
        "model": meta.model,
    });
    if !meta.fingerprint.is_empty() {
        chunk["system_fingerprint"] = json!(meta.fingerprint);
    }
    chunk["choices"] = Value::Array(choices);
    if let Some(usage) = usage {
        chunk["usage"] = usage;
    }
    format!("data: {chunk}\n\n").into_bytes()
}

fn usage(answers: &[Answer], tokens_in: u64) -> Value {
    let tokens_out: u64 = answers.iter().map(|a| a.tokens_out).sum();
    json!({"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out})
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn meta() -> Meta {
        Meta {
            id: "chatcmpl-9x".to_owned(),
            created: 1_790_000_000,
            model: "support.kolm".to_owned(),
            fingerprint: "fp_0123456789".to_owned(),
        }
    }

    fn answer(text: &str) -> Answer {
        Answer { text: text.to_owned(), finish: "stop", tokens_out: 2 }
    }

    fn check(bytes: &[u8], expected: &Expect) {
        expected.assert_eq(std::str::from_utf8(bytes).unwrap());
    }

    #[test]
    fn a_whole_body() {
        check(
            &completion(&meta(), &[answer("a \"b\"\n")], 7),
            &expect![[
                r#"{"id":"chatcmpl-9x","object":"chat.completion","created":1790000000,"model":"support.kolm","choices":[{"index":0,"message":{"role":"assistant","content":"a \"b\"\n","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9},"system_fingerprint":"fp_0123456789"}"#
            ]],
        );
    }

    #[test]
    fn frames_with_usage() {
        check(
            &stream(&Meta { fingerprint: String::new(), ..meta() }, &[answer("hi")], 7, true).concat(),
            &expect![[r#"
                data: {"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1790000000,"model":"support.kolm","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}

                data: {"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1790000000,"model":"support.kolm","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}],"usage":null}

                data: {"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1790000000,"model":"support.kolm","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

                data: {"id":"chatcmpl-9x","object":"chat.completion.chunk","created":1790000000,"model":"support.kolm","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}

                data: [DONE]

            "#]],
        );
    }

    #[test]
    fn a_stream_assembles_to_the_whole_body() {
        for answers in [vec![answer("x\r\ny")], vec![answer("a"), answer(""), answer("c")]] {
            let bytes = stream(&meta(), &answers, 7, true).concat();
            let assembled = crate::assemble::of_stream(&bytes, false);
            assert!(assembled.complete && assembled.done && !assembled.error);
            let got: Value = serde_json::from_slice(&assembled.reply).unwrap();
            let whole: Value = serde_json::from_slice(&completion(&meta(), &answers, 7)).unwrap();
            assert_eq!(got, whole);
            let frames = stream(&meta(), &answers, 7, false);
            assert!(!String::from_utf8(frames.concat()).unwrap().contains("usage"));
            for frame in frames {
                assert!(frame.starts_with(b"data: ") && frame.ends_with(b"\n\n"));
                assert!(!frame[..frame.len() - 2].contains(&b'\n'), "one line a frame");
            }
        }
    }

    #[test]
    fn lists_are_sorted() {
        let of = |id: &str| Model { id: id.to_owned(), created: 1, owned_by: "kolm".to_owned() };
        check(
            &models(&[of("b"), of("a")]),
            &expect![[
                r#"{"object":"list","data":[{"id":"a","object":"model","created":1,"owned_by":"kolm"},{"id":"b","object":"model","created":1,"owned_by":"kolm"}]}"#
            ]],
        );
        check(&model(&of("a")), &expect![[r#"{"id":"a","object":"model","created":1,"owned_by":"kolm"}"#]]);
    }
}
