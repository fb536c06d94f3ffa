//! Requests and answers in which identifiers stand, wherever one may stand.

use bytes::Bytes;
use serde_json::{Value, json};

use super::forms::{FORMS, Form, escaped, written};
use super::identifiers::Identifier;
use crate::dice::Dice;
use crate::differential::plan::{Answer, Framing};

/// A request, its answer, and how it goes.
pub(super) struct Exchange {
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    pub(super) answer: Answer,
    /// The client goes when it has the first piece.
    pub(super) leaves: bool,
}

/// How many identifiers an exchange carries.
pub(super) const LOAD: usize = 8;

/// All identifiers in exchanges of [`LOAD`] each, every kind of place in its turn.
pub(super) fn exchanges(all: &[Identifier], dice: &mut Dice) -> Vec<Exchange> {
    all.chunks(LOAD).enumerate().map(|(n, some)| exchange(n, some, dice)).collect()
}

fn exchange(n: usize, some: &[Identifier], dice: &mut Dice) -> Exchange {
    let load = Load::of(some, dice);
    let mut made = match n % 20 {
        0 | 1 => chat(load.text(dice), whole(load.text(dice))),
        2 => chat(load.parts(dice), whole("noted")),
        3 | 4 => chat("what do you know?".into(), streamed(&load.text(dice), "content")),
        5 => chat(load.text(dice), streamed(&load.text(dice), "refusal")),
        6 => tools(&load, whole("done")),
        7 => chat("who is it?".into(), calling(&load.record())),
        8 => chat(load.table(), whole(load.lines())),
        9 => responses(load.text(dice), response(&load.text(dice))),
        10 => responses(load.parts(dice), response_events(&load.text(dice))),
        11 => completions(&load, dice),
        12 => embeddings(&load, dice),
        13 => moderation(&load, dice),
        14 => chat(load.text(dice), refused(n, &load.text(dice))),
        15 => chat("go on".into(), broken(&load.text(dice))),
        16 => chat(load.text(dice), cut(&load.text(dice))),
        17 => Exchange { leaves: true, ..chat(load.text(dice), lockstep(&load.text(dice))) },
        18 => transcription(&load, dice),
        _ => aside(&load),
    };
    let disguise = |body: String| load.escapes().fold(body, |body, value| escaped(&body, value));
    if made.target.starts_with("/v1/audio") {
        return made;
    }
    made.body = disguise(made.body);
    if let [piece] = made.answer.pieces.as_slice() {
        made.answer.pieces = vec![Bytes::from(disguise(String::from_utf8(piece.to_vec()).unwrap()))];
    }
    made
}

/// What one exchange carries, and how it is written.
struct Load<'a>(Vec<(&'a Identifier, Form)>);

impl<'a> Load<'a> {
    fn of(some: &'a [Identifier], dice: &mut Dice) -> Self {
        Self(some.iter().map(|one| (one, dice.one(&FORMS))).collect())
    }

    fn escapes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, form)| *form == Form::Escaped).map(|(one, _)| one.value.as_str())
    }

    /// A sentence for each.
    fn sentences(&self, dice: &mut Dice) -> Vec<String> {
        self.0.iter().map(|(one, form)| sentence(one, &written(one, *form), dice)).collect()
    }

    /// All in one text.
    fn text(&self, dice: &mut Dice) -> Value {
        let between = dice.one(&["\n", " ", "\n\n"]);
        self.sentences(dice).join(between).into()
    }

    /// Each as a part of its own.
    fn parts(&self, dice: &mut Dice) -> Value {
        self.sentences(dice).into_iter().map(|text| json!({"type": "text", "text": text})).collect()
    }

    /// By key.
    fn record(&self) -> String {
        let fields = self.0.iter().map(|(one, form)| (one.key.to_owned(), written(one, *form).into()));
        json!({"action": "look up", "found": fields.collect::<serde_json::Map<_, Value>>()}).to_string()
    }

    /// As a table with a head, one kind a column.
    fn table(&self) -> Value {
        let row = |cells: Vec<String>| cells.join(",");
        let head = row(self.0.iter().map(|(one, _)| one.key.to_owned()).collect());
        let cells = row(self.0.iter().map(|(one, form)| written(one, *form)).collect());
        format!("{head}\n{cells}\n").into()
    }

    /// As lines of `word: value`.
    fn lines(&self) -> Value {
        let line = |(one, form): &(&Identifier, Form)| format!("{}: {}", one.word, written(one, *form));
        self.0.iter().map(line).collect::<Vec<_>>().join("\n").into()
    }
}

fn sentence(one: &Identifier, value: &str, dice: &mut Dice) -> String {
    let word = one.word;
    let of_people = [
        format!("The patient {value} came in today."),
        format!("Dear {value}, thank you."),
        format!("I am {value} and I have a question."),
        format!("Please call {value} back."),
        format!("Dr. {value} wrote again."),
    ];
    let of_things = [
        format!("Please note {word} {value} for later."),
        format!("{word}: {value}"),
        format!("({word} {value}) is what I have."),
        format!("My {word} is {value}, thanks"),
        format!("- {word} = {value}"),
    ];
    let sentences = if one.is_name() { of_people } else { of_things };
    sentences[dice.below(sentences.len())].clone()
}

fn post(target: &str, body: Value, answer: Answer) -> Exchange {
    Exchange {
        target: target.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
        answer,
        leaves: false,
    }
}

fn chat(content: Value, answer: Answer) -> Exchange {
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]});
    post("/v1/chat/completions", body, answer)
}

/// A conversation in which a tool was asked and has answered.
fn tools(load: &Load<'_>, answer: Answer) -> Exchange {
    let call =
        json!({"id": "call_1", "type": "function", "function": {"name": "find", "arguments": load.record()}});
    let schema = json!({"type": "object", "properties": {"action": {"type": "string"}}});
    let body = json!({"model": "gpt-4o-mini", "messages": [
        {"role": "user", "content": "find it"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": load.record()}],
        "tools": [{"type": "function", "function": {"name": "find", "parameters": schema}}]});
    post("/v1/chat/completions", body, answer)
}

fn responses(input: Value, answer: Answer) -> Exchange {
    let part = |part: &Value| json!({"type": "input_text", "text": part["text"]});
    let input = match input.as_array() {
        Some(parts) => json!([{"role": "user", "content": parts.iter().map(part).collect::<Value>()}]),
        None => input,
    };
    post("/v1/responses", json!({"model": "gpt-4o-mini", "instructions": input, "input": input}), answer)
}

fn completions(load: &Load<'_>, dice: &mut Dice) -> Exchange {
    let choice = json!({"text": load.text(dice), "index": 0, "logprobs": null, "finish_reason": "stop"});
    let answer = json_answer(200, &json!({"object": "text_completion", "model": "m", "choices": [choice]}));
    post(
        "/v1/completions",
        json!({"model": "m", "prompt": [load.text(dice)], "suffix": load.lines()}),
        answer,
    )
}

fn embeddings(load: &Load<'_>, dice: &mut Dice) -> Exchange {
    let answer =
        json!({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.125]}]});
    post(
        "/v1/embeddings",
        json!({"model": "m", "input": load.sentences(dice), "user": load.lines()}),
        json_answer(200, &answer),
    )
}

fn moderation(load: &Load<'_>, dice: &mut Dice) -> Exchange {
    let answer = json_answer(200, &json!({"id": "modr-1", "model": "m", "results": [{"flagged": false}]}));
    post("/v1/moderations", json!({"model": "m", "input": load.parts(dice)}), answer)
}

fn transcription(load: &Load<'_>, dice: &mut Dice) -> Exchange {
    let mut body = String::new();
    for (name, value) in
        [("model", "whisper-1"), ("prompt", load.text(dice).as_str().unwrap()), ("file", "sound")]
    {
        let file = if name == "file" { "; filename=\"call.mp3\"" } else { "" };
        body += &format!("--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    let segments = load.sentences(dice).into_iter().enumerate();
    let segments: Value =
        segments.map(|(id, text)| json!({"id": id, "seek": 0, "text": text, "tokens": [1]})).collect();
    let answer = json_answer(200, &json!({"text": load.text(dice), "segments": segments}));
    Exchange {
        target: "/v1/audio/transcriptions".to_owned(),
        headers: vec![("content-type", "multipart/form-data; boundary=XyZ".to_owned())],
        body: body + "--XyZ--\r\n",
        answer,
        leaves: false,
    }
}

/// Where no text should be: the query, headers, a path that is not captured.
fn aside(load: &Load<'_>) -> Exchange {
    let of = |n: usize| load.0.get(n).map_or("none", |(one, _)| one.value.as_str());
    let query = format!("{}&{}", of(0), of(1)).replace(['%', '#', ' '], "+");
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-kolm-conversation", of(2).to_owned()),
        ("openai-organization", of(3).to_owned()),
        ("user-agent", of(4).to_owned()),
        ("cookie", format!("session={}", of(5))),
        ("x-request-id", of(6).to_owned()),
    ];
    let body = json!({"messages": [{"role": "user", "content": load.lines()}]});
    let answer = json_answer(200, &json!({"id": "thread_1", "said": load.lines()}));
    Exchange { headers, ..post(&format!("/v1/threads?{query}"), body, answer) }
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let answer = Answer { status, ..Answer::ok(Framing::Sized, vec![Bytes::from(body.to_string())]) };
    answer.with("content-type", "application/json")
}

fn whole(text: impl Into<Value>) -> Answer {
    let choice = json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text.into()}});
    json_answer(200, &json!({"object": "chat.completion", "model": "m", "choices": [choice]}))
}

fn events(frames: Vec<String>) -> Answer {
    Answer::ok(Framing::Chunked, frames.into_iter().map(Bytes::from).collect())
        .with("content-type", "text/event-stream")
}

fn chunk(delta: &Value, finish: &Value) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    format!("data: {}\n\n", json!({"object": "chat.completion.chunk", "model": "m", "choices": [choice]}))
}

/// The text in pieces of three letters, so that hardly a value is whole in any.
fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(3).map(|piece| piece.iter().collect()).collect()
}

fn stream_frames(text: &str, field: &str) -> Vec<String> {
    let deltas = pieces(text).into_iter().map(|piece| chunk(&json!({field: piece}), &Value::Null));
    deltas.chain([chunk(&json!({}), &"stop".into()), "data: [DONE]\n\n".to_owned()]).collect()
}

fn streamed(text: &Value, field: &str) -> Answer {
    events(stream_frames(text.as_str().unwrap(), field))
}

/// A tool call whose arguments come in pieces.
fn calling(arguments: &str) -> Answer {
    let head = json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}]);
    let piece = |piece: String| json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
    let deltas = pieces(arguments).into_iter().map(|part| chunk(&piece(part), &Value::Null));
    let head = [chunk(&json!({"role": "assistant", "tool_calls": head}), &Value::Null)];
    let tail = [chunk(&json!({}), &"tool_calls".into()), "data: [DONE]\n\n".to_owned()];
    events(head.into_iter().chain(deltas).chain(tail).collect())
}

/// A stream that breaks off before its end.
fn cut(text: &Value) -> Answer {
    let frames = stream_frames(text.as_str().unwrap(), "content");
    let length: usize = frames.iter().map(String::len).sum();
    Answer { cut: Some(length * 2 / 3), ..events(frames) }
}

/// A stream that waits for its client.
fn lockstep(text: &Value) -> Answer {
    let frames = stream_frames(text.as_str().unwrap(), "content");
    let (one, two) = frames.split_at(frames.len() / 2);
    Answer { lockstep: true, ..events(vec![one.concat(), two.concat()]) }
}

/// A stream that ends in an error which repeats what it was told.
fn broken(text: &Value) -> Answer {
    let error = json!({"error": {"message": text, "type": "server_error", "code": null}});
    events(vec![chunk(&json!({"content": "let me"}), &Value::Null), format!("data: {error}\n\n")])
}

/// An error that repeats what it was told, as JSON, as a page, or as plain words.
fn refused(n: usize, text: &Value) -> Answer {
    let said = text.as_str().unwrap().to_owned();
    let page = |status, kind: &str, body: String| {
        let answer = Answer { status, reason: "Oh", ..Answer::ok(Framing::Sized, vec![Bytes::from(body)]) };
        answer.with("content-type", kind)
    };
    match n / 20 % 3 {
        0 => {
            let error = json!({"error": {"message": text, "type": "invalid_request_error", "param": said, "code": said}});
            page(400, "application/json", error.to_string())
        }
        1 => page(502, "text/html", format!("<html><body>cannot serve {said}</body></html>")),
        _ => page(429, "text/plain", said),
    }
}

fn output(text: &Value) -> Value {
    let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": [{"token": text}]});
    json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "instructions": text,
        "output": [{"type": "message", "role": "assistant", "content": [part]}]})
}

fn response(text: &Value) -> Answer {
    json_answer(200, &output(text))
}

fn response_events(text: &Value) -> Answer {
    let event = |(kind, mut body): (&str, Value)| {
        body["type"] = kind.into();
        format!("event: {kind}\ndata: {body}\n\n")
    };
    let delta = |piece: String| ("response.output_text.delta", json!({"output_index": 0, "delta": piece}));
    let deltas = pieces(text.as_str().unwrap()).into_iter().map(delta);
    events(deltas.chain([("response.completed", json!({"response": output(text)}))]).map(event).collect())
}
