//! What the requests of each surface ask: the question that a student would see, the text for a page, and the
//! template that tells tasks apart.
//!
//! **Invariant:** only chat requests, and responses that amount to them, have a question.

use kolm_core::Surface;
use serde_json::Value;

use crate::chat::{self, Blocks, Question};
use crate::responses;

/// The question of a request, or what keeps it from a student.
pub fn question(surface: Surface, body: &[u8]) -> Result<Question, Blocks> {
    match surface {
        Surface::Chat => chat::question(body),
        Surface::Responses => chat::question_in(&responses::as_chat(&read(body))?),
        Surface::Embeddings | Surface::Completions | Surface::Moderations | Surface::Other => {
            Err(Blocks::Surface)
        }
        Surface::Transcriptions | Surface::Translations => Err(Blocks::Modality),
    }
}

/// What is asked, for people to see; may be empty.
pub fn text(surface: Surface, body: &[u8]) -> String {
    let request = read(body);
    let said = match surface {
        Surface::Chat => return chat::question_of(&request).text,
        Surface::Responses => match responses::as_chat(&request) {
            Ok(chat) => return chat::question_of(&chat).text,
            Err(_) => request.get("input"),
        },
        Surface::Completions | Surface::Transcriptions | Surface::Translations => request.get("prompt"),
        Surface::Embeddings | Surface::Moderations => request.get("input"),
        Surface::Other => None,
    };
    let texts = |items: &Vec<Value>| {
        let one = |item: &Value| item.as_str().or_else(|| item.get("text")?.as_str()).map(str::to_owned);
        items.iter().filter_map(one).collect::<Vec<_>>().join("\n")
    };
    match said {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => texts(items),
        Some(_) | None => String::new(),
    }
}

/// The [`chat::template_key`] of a request: of its system prompt and tools, whatever else is in it. Surfaces that
/// have neither share one key.
pub fn template(surface: Surface, body: &[u8]) -> String {
    let asked = asked(surface, body);
    chat::template_key(&asked.system, &asked.tools)
}

/// The system prompt of a request, empty where there is none.
pub fn system(surface: Surface, body: &[u8]) -> String {
    asked(surface, body).system
}

/// System prompt and tools as far as they can be read: what cannot be asked of a student still has its task.
fn asked(surface: Surface, body: &[u8]) -> Question {
    let mut request = read(body);
    match surface {
        Surface::Chat => chat::question_of(&request),
        Surface::Responses => {
            if let Some(members) = request.as_object_mut() {
                let state = ["previous_response_id", "conversation", "prompt", "background"];
                state.iter().for_each(|key| drop(members.remove(*key)));
            }
            let bare = |request: &Value| Question {
                system: request.get("instructions").and_then(Value::as_str).unwrap_or("").to_owned(),
                tools: request
                    .get("tools")
                    .filter(|tools| !tools.is_null())
                    .map_or_else(String::new, crate::canonical_json),
                ..Question::default()
            };
            responses::as_chat(&request).map_or_else(|_| bare(&request), |chat| chat::question_of(&chat))
        }
        Surface::Completions
        | Surface::Embeddings
        | Surface::Moderations
        | Surface::Transcriptions
        | Surface::Translations
        | Surface::Other => Question::default(),
    }
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_surface_asks_in_its_own_place() {
        for (surface, body, text, blocks) in [
            (Surface::Chat, r#"{"messages":[{"role":"user","content":"a"}]}"#, "a", None),
            (Surface::Responses, r#"{"instructions":"S","input":"b"}"#, "b", None),
            (Surface::Completions, r#"{"prompt":["c","d"]}"#, "c\nd", Some(Blocks::Surface)),
            (Surface::Embeddings, r#"{"input":"e"}"#, "e", Some(Blocks::Surface)),
            (Surface::Moderations, r#"{"input":[{"type":"text","text":"f"}]}"#, "f", Some(Blocks::Surface)),
            (Surface::Transcriptions, r#"{"prompt":"g"}"#, "g", Some(Blocks::Modality)),
            (Surface::Embeddings, r#"{"input":[1,2]}"#, "", Some(Blocks::Surface)),
            (Surface::Other, "", "", Some(Blocks::Surface)),
        ] {
            assert_eq!(super::text(surface, body.as_bytes()), text, "{body}");
            assert_eq!(question(surface, body.as_bytes()).err(), blocks, "{body}");
        }
        assert_eq!(question(Surface::Responses, br#"{"instructions":"S","input":"b"}"#).unwrap().system, "S");
    }

    #[test]
    fn a_template_is_the_same_however_it_is_asked() {
        let chat = br#"{"model":"m","n":3,"messages":[{"role":"developer","content":"Be  brief 7"},{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"w"}}]}"#;
        let responses =
            br#"{"instructions":"Be brief 8","input":"y","tools":[{"type":"function","name":"w"}]}"#;
        let stateful = br#"{"instructions":"Be brief 8","input":"y","previous_response_id":"r","tools":[{"type":"function","name":"w"}]}"#;
        let keys: Vec<String> =
            [(Surface::Chat, &chat[..]), (Surface::Responses, responses), (Surface::Responses, stateful)]
                .map(|(surface, body)| template(surface, body))
                .to_vec();
        assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[0].len() == 16, "{keys:?}");
        let bare = template(Surface::Embeddings, br#"{"input":"x"}"#);
        assert_eq!(bare, template(Surface::Chat, br#"{"messages":[{"role":"user","content":"x"}]}"#));
        assert_ne!(bare, keys[0]);
    }
}
