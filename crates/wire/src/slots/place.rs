//! Where the walker is in a body: which members mean what.
//!
//! **Invariant:** a member that is not named here is walked as free text, so an unknown field is searched,
//! never overlooked.

use super::words;

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The body.
    Root,
    /// One string that is text (and whatever else stands there).
    Free,
    /// Words of the protocol: nothing is yielded.
    Skip,
    /// Values to be emptied.
    Empty,
    /// A list or object to become `null`.
    Null,
    /// A vector: it says what its input said.
    Vector,
    /// A media object or string.
    Media(&'static str),
    /// `messages`, and one message.
    Messages,
    /// See `Messages`.
    Message,
    /// Content: a string or parts.
    Content,
    /// One part.
    Part,
    /// `tool_calls`, and one call.
    Call,
    /// `{name, arguments}` or `{name, input}`.
    Function,
    /// `choices` and one choice.
    Choice,
    /// `tools`, `functions`, and one of them.
    Tool,
    /// `response_format`, `json_schema`, `text.format`.
    Format,
    /// A JSON Schema.
    Schema,
    /// An object whose values are schemas and whose keys are property names.
    Properties,
    /// `input` or `prompt`: text, token ids, or items of `/v1/responses`.
    Input,
    /// An item of `/v1/responses`.
    Item,
    /// The entries of a list; those of embeddings hold vectors.
    List,
    /// A word or segment of a transcript.
    Segment,
}

impl Place {
    /// The place of the member `key`.
    pub(super) fn member(self, key: &str) -> Self {
        match self {
            Self::Root => root(key),
            Self::Free | Self::Skip | Self::Empty | Self::Null | Self::Vector => self,
            Self::Media(kind) => media(kind, key),
            Self::Messages | Self::Message => message(key),
            Self::Content | Self::Part => part(key),
            Self::Call => match key {
                "function" | "custom" => Self::Function,
                "id" | "type" | "index" => Self::Skip,
                _ => Self::Free,
            },
            Self::Function => match key {
                "name" => Self::Skip,
                _ => Self::Free,
            },
            Self::Choice => match key {
                "message" | "delta" => Self::Message,
                "logprobs" => Self::Null,
                "index" | "finish_reason" => Self::Skip,
                _ => Self::Free,
            },
            Self::Tool => match key {
                "function" | "custom" => Self::Tool,
                "parameters" => Self::Schema,
                "type" | "name" | "strict" | "format" => Self::Skip,
                _ => Self::Free,
            },
            Self::Format => match key {
                "json_schema" | "format" => Self::Format,
                "schema" => Self::Schema,
                "type" | "name" | "strict" | "verbosity" => Self::Skip,
                _ => Self::Free,
            },
            Self::Schema => schema(key),
            Self::Properties => Self::Schema,
            Self::Input => match key {
                "messages" => Self::Messages,
                "tools" => Self::Tool,
                _ => item(key),
            },
            Self::Item => item(key),
            Self::List => match key {
                "embedding" => Self::Vector,
                "index" | "object" => Self::Skip,
                _ => Self::Free,
            },
            Self::Segment => segment(key),
        }
    }

    /// Whether `key` may be anybody's here, so that it is to be looked at.
    pub(super) fn is_open_to(self, key: &str) -> bool {
        let keyword = self == Self::Skip || (self == Self::Schema && schema(key) != Self::Schema);
        !keyword && words::WORDS.binary_search(&key).is_err()
    }

    /// The place of an element.
    pub(super) fn element(self) -> Self {
        match self {
            Self::Root => Self::Free,
            Self::Messages => Self::Message,
            Self::Content => Self::Part,
            Self::Input => Self::Item,
            Self::Free
            | Self::Skip
            | Self::Empty
            | Self::Null
            | Self::Vector
            | Self::Media(_)
            | Self::Message
            | Self::Part
            | Self::Call
            | Self::Function
            | Self::Choice
            | Self::Tool
            | Self::Format
            | Self::Schema
            | Self::Properties
            | Self::Item
            | Self::List
            | Self::Segment => self,
        }
    }
}

fn root(key: &str) -> Place {
    match key {
        "request" | "response" => Place::Root,
        "messages" | "preferred_output" | "non_preferred_output" => Place::Messages,
        "choices" => Place::Choice,
        "tools" | "functions" => Place::Tool,
        "response_format" | "text" => Place::Format,
        "input" | "prompt" => Place::Input,
        "output" => Place::Item,
        "data" => Place::List,
        "prediction" => Place::Part,
        "segments" | "words" => Place::Segment,
        // Tokens of the reply once more.
        "logprobs" => Place::Null,
        "user"
        | "safety_identifier"
        | "prompt_cache_key"
        | "metadata"
        | "obfuscation"
        | "known_speaker_names" => Place::Empty,
        _ if words::SETTINGS.contains(&key) => Place::Skip,
        _ => Place::Free,
    }
}

fn message(key: &str) -> Place {
    match key {
        "content" => Place::Content,
        "tool_calls" => Place::Call,
        "function_call" => Place::Function,
        "audio" => Place::Media("audio"),
        "logprobs" => Place::Null,
        "obfuscation" => Place::Empty,
        "role" | "tool_call_id" | "weight" => Place::Skip,
        _ => Place::Free,
    }
}

fn part(key: &str) -> Place {
    match key {
        "type" | "prompt_cache_breakpoint" | "detail" | "file_id" => Place::Skip,
        "image_url" => Place::Media("image"),
        "input_audio" | "audio" => Place::Media("audio"),
        "file" | "file_data" | "file_url" => Place::Media("file"),
        "content" => Place::Content,
        "logprobs" => Place::Null,
        _ => Place::Free,
    }
}

fn media(kind: &'static str, key: &str) -> Place {
    match key {
        "url" | "data" | "file_data" | "file_url" => Place::Media(kind),
        "id" | "file_id" | "format" | "detail" | "expires_at" | "type" => Place::Skip,
        _ => Place::Free,
    }
}

fn item(key: &str) -> Place {
    match key {
        "content" | "output" | "summary" => Place::Content,
        "id" | "type" | "role" | "status" | "call_id" | "name" => Place::Skip,
        _ => part(key),
    }
}

/// Token ids repeat the text, and a speaker goes by a name.
fn segment(key: &str) -> Place {
    match key {
        "id" | "type" | "seek" | "start" | "end" | "temperature" | "avg_logprob" | "compression_ratio"
        | "no_speech_prob" => Place::Skip,
        "tokens" => Place::Null,
        "speaker" => Place::Empty,
        _ => Place::Free,
    }
}

fn schema(key: &str) -> Place {
    match key {
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Place::Properties
        }
        "examples" | "default" | "enum" | "const" | "description" | "title" | "$comment" => Place::Free,
        "type" | "format" | "pattern" | "required" | "$ref" | "$schema" | "$id" | "$anchor"
        | "$dynamicRef" | "$dynamicAnchor" | "contentEncoding" | "contentMediaType" | "minimum"
        | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "minLength" | "maxLength"
        | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minContains" | "maxContains"
        | "dependentRequired" => Place::Skip,
        _ => Place::Schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_may_be_anybodys() {
        assert!(words::WORDS.is_sorted());
        assert!(!Place::Free.is_open_to("messages") && Place::Free.is_open_to("John Doe"));
        assert!(!Place::Schema.is_open_to("pattern") && Place::Properties.is_open_to("pattern"));
        assert!(!Place::Skip.is_open_to("John Doe"));
    }
}
