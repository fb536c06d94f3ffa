//! Transcripts that come as plain text, SubRip or WebVTT, as the JSON that the same transcript has.
//!
//! **Invariant:** a time mark is kept only in its own grammar; a text that is not wholly cues is one text.

use serde_json::{Value, json};

/// The JSON form of a transcript in text.
pub fn reply_of_text(text: &str) -> Vec<u8> {
    let reply = match cues(text) {
        Some(cues) => {
            let said: Vec<&str> = cues.iter().filter_map(|cue| cue["text"].as_str()).collect();
            json!({"text": said.join(" "), "segments": cues})
        }
        None => json!({ "text": text }),
    };
    reply.to_string().into_bytes()
}

/// The cues of a subtitle file; `None` when it is none.
fn cues(text: &str) -> Option<Vec<Value>> {
    let text = text.replace("\r\n", "\n");
    let mut blocks = text.trim().split("\n\n").peekable();
    blocks.next_if(|block| block.trim_start_matches('\u{feff}').starts_with("WEBVTT"));
    let cues: Vec<Value> = blocks.map(cue).collect::<Option<_>>()?;
    (!cues.is_empty()).then_some(cues)
}

fn cue(block: &str) -> Option<Value> {
    let mut lines = block.trim_start_matches('\n').lines();
    let mut first = lines.next()?;
    if !first.contains("-->") {
        first = lines.next().filter(|_| first.bytes().all(|b| b.is_ascii_digit()))?;
    }
    let (start, end) = first.split_once("-->")?;
    let (start, end) = (mark(start)?, mark(end.split_whitespace().next()?)?);
    Some(json!({"start": start, "end": end, "text": lines.collect::<Vec<_>>().join("\n")}))
}

fn mark(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = (5..=16).contains(&text.len()) && text.contains(':');
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b','));
    (fits && plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &Value) {
        let reply: Value = serde_json::from_slice(&reply_of_text(text)).unwrap();
        assert_eq!(reply, *want, "{text}");
    }

    #[test]
    fn cues_and_plain_text() {
        check("Hello there.\n", &json!({"text": "Hello there.\n"}));
        check("", &json!({"text": ""}));
        check("it says --> go", &json!({"text": "it says --> go"}));
        check(
            "a\n\n1\n00:00:01,000 --> 00:00:02,000\nb",
            &json!({"text": "a\n\n1\n00:00:01,000 --> 00:00:02,000\nb"}),
        );
        check(
            "1\r\n00:00:00,000 --> 00:00:01,500\r\nHello\r\nthere.\r\n\r\n2\r\n00:00:01,500 --> 00:00:03,000\r\nBye.\r\n\r\n",
            &json!({"text": "Hello\nthere. Bye.", "segments": [
                {"start": "00:00:00,000", "end": "00:00:01,500", "text": "Hello\nthere."},
                {"start": "00:00:01,500", "end": "00:00:03,000", "text": "Bye."}]}),
        );
        check(
            "WEBVTT\n\n00:00.000 --> 00:01.500 align:start\nHello\n",
            &json!({"text": "Hello", "segments": [{"start": "00:00.000", "end": "00:01.500", "text": "Hello"}]}),
        );
    }
}
