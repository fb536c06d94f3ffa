//! What became of every text, so that two versions of the anonymizer can be set side by side byte by byte.
//!
//! **Invariant:** the same sets, salt and version give the same lines.

use std::fmt::Write as _;

use kolm_policies::anonymize::{Policy, Salt, anonymize, anonymize_text};
use kolm_wire::Exchange;
use serde_json::{Value, json};

use crate::masked;
use crate::sets::Set;

/// Texts of a set that make one exchange, and one long text.
const TURNS: usize = 5;
const JOINED: usize = 25;

/// One line of JSON for each text, each few texts as an exchange, and each two dozen texts as one.
pub(crate) fn lines(sets: &[Set]) -> Result<String, String> {
    let mut out = String::new();
    for set in sets {
        let policy = masked::policy(set.preset)?;
        let texts: Vec<&str> = set.items.iter().map(|item| item.text.as_str()).collect();
        let one = texts.iter().map(|one| text(one, &policy));
        let few = texts.chunks(TURNS).map(|turns| exchange(turns, &policy));
        let long = texts.chunks(JOINED).map(|joined| text(&joined.join("\n\n"), &policy));
        one.chain(few).chain(long).for_each(|line| writeln!(out, "{line}").unwrap_or_default());
    }
    Ok(out)
}

fn text(text: &str, policy: &Policy) -> Value {
    match anonymize_text(text, policy, &Salt([7; 32])) {
        Ok(done) => {
            let span = |s: &kolm_policies::anonymize::Span| json!([s.start, s.end, s.ty.as_str(), s.score]);
            json!({
                "text": done.text,
                "spans": done.spans.iter().map(span).collect::<Vec<_>>(),
                "counts": done.report.counts,
                "quarantined": done.report.quarantined,
            })
        }
        Err(dropped) => json!({"error": dropped.as_str()}),
    }
}

fn exchange(turns: &[&str], policy: &Policy) -> Value {
    let role = |at: usize| if at.is_multiple_of(2) { "user" } else { "assistant" };
    let message = |(at, text): (usize, &&str)| json!({"role": role(at), "content": text});
    let messages: Vec<Value> = turns.iter().enumerate().map(message).collect();
    let reply = turns.first().copied().unwrap_or_default();
    let reply = json!({"choices": [{"message": {"role": "assistant", "content": reply}}]});
    let request = json!({"model": "m", "messages": messages}).to_string().into_bytes();
    let exchange = Exchange { request, reply: reply.to_string().into_bytes() };
    match anonymize(&exchange, policy, &Salt([7; 32])) {
        Ok((done, report)) => {
            json!({"request": done.request(), "reply": done.reply(), "typed": done.typed(), "counts": report.counts})
        }
        Err(dropped) => json!({"error": dropped.as_str()}),
    }
}
