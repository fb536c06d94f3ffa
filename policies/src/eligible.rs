//! Which exchange may train: the rules of "Which exchange may train", in their order.
//!
//! **Invariant:** a student's answer never trains a student.

use kolm_wire::chat::{Blocks, Facts as Reply};

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
    /// HTTP status of the answer.
    pub status: u16,
    /// The answer was read to its end.
    pub complete: bool,
    /// What the reply says.
    pub reply: &'a Reply,
    /// Who gave it.
    pub origin: Origin,
    /// The same caller sent the same body again within ten minutes and got a complete answer.
    pub superseded: bool,
    /// What in the request keeps it from a student.
    pub blocks: Option<Blocks>,
    /// The request leans on state that it does not carry.
    pub stateful: bool,
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
    let blocked = facts.blocks.and_then(reason_of);
    let rules = [
        ("status", facts.status == 200),
        ("incomplete", facts.complete && !reply.error),
        ("finish", matches!(reply.finish.as_str(), "stop" | "tool_calls" | "function_call")),
        ("refusal", !reply.refusal && has_content(reply)),
        ("origin", facts.origin == Origin::Teacher),
        ("retry", !facts.superseded),
        ("modality", blocked != Some("modality")),
        ("tools", blocked != Some("tools")),
        ("context", !facts.stateful),
        ("invalid", !facts.invalid && blocked != Some("invalid")),
        ("quarantined", !facts.quarantined),
        ("too_long", !facts.too_long),
        ("encoding", !facts.unknown_encoding),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(reason, _)| Err(reason))
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
            tokens_in: 8,
            tokens_out: 2,
            tokens_cached: 0,
            error: false,
        }
    }

    fn verdict(change: impl Fn(&mut Reply), spoil: impl Fn(&mut Facts<'_>)) -> Result<(), &'static str> {
        let mut reply = reply();
        change(&mut reply);
        let mut facts = Facts {
            status: 200,
            complete: true,
            reply: &reply,
            origin: Origin::Teacher,
            superseded: false,
            blocks: None,
            stateful: false,
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
        let spoils: [(&str, Spoil); 14] = [
            ("status", |f| f.status = 429),
            ("incomplete", |f| f.complete = false),
            ("origin", |f| f.origin = Origin::Student),
            ("origin", |f| f.origin = Origin::Shadow),
            ("retry", |f| f.superseded = true),
            ("modality", |f| f.blocks = Some(Blocks::Modality)),
            ("modality", |f| f.blocks = Some(Blocks::Audio)),
            ("tools", |f| f.blocks = Some(Blocks::Tools)),
            ("tools", |f| f.blocks = Some(Blocks::LogitBias)),
            ("context", |f| f.stateful = true),
            ("invalid", |f| f.invalid = true),
            ("quarantined", |f| f.quarantined = true),
            ("too_long", |f| f.too_long = true),
            ("encoding", |f| f.unknown_encoding = true),
        ];
        for (reason, spoil) in spoils {
            assert_eq!(verdict(|_| (), spoil), Err(reason));
        }
        type Change = fn(&mut Reply);
        let changes: [(Result<(), &str>, Change); 9] = [
            (Ok(()), |_| ()),
            (Ok(()), |r| r.finish = "function_call".to_owned()),
            (Err("incomplete"), |r| r.error = true),
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
