//! Which exchange may train: the rules of "Which exchange may train", in their order.
//!
//! **Invariant:** a student's answer never trains a student.

use kolm_core::Surface;
use kolm_wire::chat::{Blocks, Facts as Reply};

use crate::limit::charge::tokens_of;

/// Who gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The cloud teacher, to a client.
    Teacher,
    /// The student.
    Student,
    /// Either arm, to the gateway itself: kept apart.
    Shadow,
}

/// What is known of an exchange when it is captured.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The part of the API.
    pub surface: Surface,
    /// HTTP status of the answer.
    pub status: u16,
    /// The answer was read to its end.
    pub complete: bool,
    /// What the reply says.
    pub reply: &'a Reply,
    /// Who gave it.
    pub origin: Origin,
    /// A later try of the same request got a complete answer.
    pub superseded: bool,
    /// What in the request keeps it from a student.
    pub blocks: Option<Blocks>,
    /// The vector of an embedding was left out of the record.
    pub vectorless: bool,
    /// Arguments or content miss the schema they were asked in.
    pub invalid: bool,
    /// The anonymizer found what it could not mask.
    pub quarantined: bool,
    /// Longer than a student's context.
    pub too_long: bool,
    /// The body came in a content coding that is not known.
    pub unknown_encoding: bool,
}

/// `Ok` when the exchange may train, else the first rule that it breaks.
pub fn eligible(facts: &Facts<'_>) -> Result<(), &'static str> {
    let reply = facts.reply;
    let answers = facts.surface != Surface::Embeddings;
    let barred = [facts.blocks.and_then(reason_of), reply.foreign.and_then(reason_of)];
    let free_of = |reason| !barred.contains(&Some(reason));
    let rules = [
        ("status", facts.status == 200),
        ("incomplete", facts.complete && !reply.error),
        // What no student learns from is told so before it is told that it has no finish reason.
        ("surface", free_of("surface") || !answers),
        ("modality", facts.surface != Surface::Transcriptions && facts.surface != Surface::Translations),
        ("finish", !answers || matches!(reply.finish.as_str(), "stop" | "tool_calls" | "function_call")),
        // An answer in sound has no text, and refuses nothing.
        ("refusal", !answers || !reply.refusal && (has_content(reply) || !free_of("modality"))),
        ("origin", facts.origin == Origin::Teacher),
        ("retry", !facts.superseded),
        ("modality", free_of("modality")),
        ("tools", free_of("tools")),
        ("context", free_of("context")),
        ("invalid", !facts.invalid && free_of("invalid")),
        ("vector", !facts.vectorless),
        ("quarantined", !facts.quarantined),
        ("too_long", !facts.too_long),
        ("encoding", !facts.unknown_encoding),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(reason, _)| Err(reason))
}

/// Whether a question and its answer of so many `tokens` are longer than a student's context; a count that nobody said
/// (negative) is guessed from `bytes`, of question and answer together.
pub fn too_long(context: Option<u64>, tokens: (i64, i64), bytes: u64) -> bool {
    let said = match tokens {
        (0.., 0..) => tokens.0.unsigned_abs().saturating_add(tokens.1.unsigned_abs()),
        _ => tokens_of(bytes),
    };
    context.is_some_and(|context| said > context)
}

fn has_content(reply: &Reply) -> bool {
    reply.tool_calls || reply.text.as_deref().is_some_and(|text| !text.trim().is_empty())
}

/// What keeps a request from a student does not always keep its answer from training: of `n` answers the
/// first one trains, a stored one trains, function calls train.
fn reason_of(blocks: Blocks) -> Option<&'static str> {
    match blocks {
        Blocks::Modality | Blocks::Audio => Some("modality"),
        Blocks::Tools | Blocks::LogitBias => Some("tools"),
        Blocks::Malformed => Some("invalid"),
        Blocks::Context => Some("context"),
        Blocks::Surface => Some("surface"),
        Blocks::Choices | Blocks::Logprobs | Blocks::Stored | Blocks::Format | Blocks::Functions => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Reply {
        Reply {
            id: String::new(),
            model: "gpt-4o-mini".to_owned(),
            fingerprint: String::new(),
            finish: "stop".to_owned(),
            text: Some("billing".to_owned()),
            refusal: false,
            tool_calls: false,
            foreign: None,
            tokens_in: 8,
            tokens_out: 2,
            tokens_cached: 0,
            error: false,
            error_class: String::new(),
        }
    }

    fn verdict(change: impl Fn(&mut Reply), spoil: impl Fn(&mut Facts<'_>)) -> Result<(), &'static str> {
        let mut reply = reply();
        change(&mut reply);
        let mut facts = Facts {
            surface: Surface::Chat,
            status: 200,
            complete: true,
            reply: &reply,
            origin: Origin::Teacher,
            superseded: false,
            blocks: None,
            vectorless: false,
            invalid: false,
            quarantined: false,
            too_long: false,
            unknown_encoding: false,
        };
        spoil(&mut facts);
        eligible(&facts)
    }

    #[test]
    fn each_rule_refuses_by_its_name() {
        type Spoil = fn(&mut Facts<'_>);
        let spoils: [(&str, Spoil); 19] = [
            ("status", |f| f.status = 429),
            ("incomplete", |f| f.complete = false),
            ("origin", |f| f.origin = Origin::Student),
            ("origin", |f| f.origin = Origin::Shadow),
            ("retry", |f| f.superseded = true),
            ("modality", |f| f.blocks = Some(Blocks::Modality)),
            ("modality", |f| f.blocks = Some(Blocks::Audio)),
            ("tools", |f| f.blocks = Some(Blocks::Tools)),
            ("tools", |f| f.blocks = Some(Blocks::LogitBias)),
            ("context", |f| f.blocks = Some(Blocks::Context)),
            ("surface", |f| f.blocks = Some(Blocks::Surface)),
            ("modality", |f| f.surface = Surface::Transcriptions),
            ("modality", |f| f.surface = Surface::Translations),
            ("vector", |f| f.vectorless = true),
            ("vector", |f| {
                (f.surface, f.blocks, f.vectorless) = (Surface::Embeddings, Some(Blocks::Surface), true);
            }),
            ("invalid", |f| f.invalid = true),
            ("quarantined", |f| f.quarantined = true),
            ("too_long", |f| f.too_long = true),
            ("encoding", |f| f.unknown_encoding = true),
        ];
        for (reason, spoil) in spoils {
            assert_eq!(verdict(|_| (), spoil), Err(reason));
        }
        type Change = fn(&mut Reply);
        let changes: [(Result<(), &str>, Change); 13] = [
            (Ok(()), |_| ()),
            (Err("modality"), |r| (r.text, r.foreign) = (None, Some(Blocks::Modality))),
            (Ok(()), |r| r.finish = "function_call".to_owned()),
            (Err("incomplete"), |r| r.error = true),
            (Err("modality"), |r| r.foreign = Some(Blocks::Modality)),
            (Err("tools"), |r| r.foreign = Some(Blocks::Tools)),
            (Err("context"), |r| r.foreign = Some(Blocks::Context)),
            (Err("finish"), |r| r.finish = "length".to_owned()),
            (Err("finish"), |r| r.finish = String::new()),
            (Err("refusal"), |r| r.refusal = true),
            (Err("refusal"), |r| r.text = None),
            (Err("refusal"), |r| r.text = Some(" \n".to_owned())),
            (Ok(()), |r| (r.text, r.tool_calls, r.finish) = (None, true, "tool_calls".to_owned())),
        ];
        for (want, change) in changes {
            assert_eq!(verdict(change, |_| ()), want);
        }
    }

    #[test]
    fn a_context_is_as_long_as_it_is_and_what_nobody_counted_is_guessed() {
        for (context, tokens, bytes, want) in [
            (Some(100), (90, 10), 0, false),
            (Some(100), (90, 11), 0, true),
            (Some(100), (-1, 11), 400, false),
            (Some(100), (-1, -1), 401, true),
            (None, (i64::MAX, i64::MAX), u64::MAX, false),
        ] {
            assert_eq!(too_long(context, tokens, bytes), want, "{context:?} {tokens:?} {bytes}");
        }
    }

    #[test]
    fn an_embedding_needs_no_words() {
        let embedding =
            |f: &mut Facts<'_>| (f.surface, f.blocks) = (Surface::Embeddings, Some(Blocks::Surface));
        let silent = |r: &mut Reply| (r.text, r.finish) = (None, String::new());
        assert_eq!(verdict(silent, embedding), Ok(()));
        assert_eq!(verdict(silent, |f| f.blocks = Some(Blocks::Surface)), Err("surface"));
    }

    #[test]
    fn first_broken_rule_gives_the_reason() {
        let worst = |f: &mut Facts<'_>| {
            (f.status, f.complete, f.superseded, f.too_long) = (500, false, true, true);
        };
        assert_eq!(verdict(|_| (), worst), Err("status"));
        assert_eq!(
            verdict(|r| r.finish = "length".to_owned(), |f| f.origin = Origin::Student),
            Err("finish")
        );
    }

    #[test]
    fn what_only_blocks_a_student_still_trains() {
        for blocks in [Blocks::Choices, Blocks::Logprobs, Blocks::Stored, Blocks::Format, Blocks::Functions] {
            assert_eq!(verdict(|_| (), |f| f.blocks = Some(blocks)), Ok(()));
        }
        assert_eq!(verdict(|_| (), |f| f.blocks = Some(Blocks::Malformed)), Err("invalid"));
    }
}
