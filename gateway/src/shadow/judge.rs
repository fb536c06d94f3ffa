//! What a student's reply amounts to beside the teacher's: pure.

use kolm_core::{Ppm, Surface};
use kolm_policies::gate::GatePolicy;
use kolm_policies::score;
use kolm_wire::{chat, schema};

/// A student's reply, judged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// Agreement with the reference; 0 where the reply is not of the form that was asked for.
    pub(super) agreement: Ppm,
    /// It is of the form that was asked for.
    pub(super) valid: bool,
    /// It must not be given.
    pub(super) critical: bool,
}

/// Judges a reply to `request` by the bars of its route.
pub(super) fn judge(gate: &GatePolicy, request: &[u8], reply: &[u8], reference: &[u8]) -> Judged {
    let answer = chat::answer(reply);
    let valid = !schema::misses(Surface::Chat, request, reply);
    let agreement = if valid { agreement(gate, reply, reference) } else { Ppm(0) };
    let known = [request, reference].map(String::from_utf8_lossy);
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let critical = schema::breaks(request, reply) || score::forbidden(&answer, &known, &gate.canaries);
    Judged { agreement, valid, critical }
}

/// How much two replies to the same request agree.
pub(super) fn agreement(gate: &GatePolicy, reply: &[u8], reference: &[u8]) -> Ppm {
    gate.scorer.agreement(&chat::answer(reply), &chat::answer(reference))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reply_is_judged_by_form_agreement_and_what_it_must_not_say() {
        let gate = GatePolicy { canaries: vec!["kolm-canary".to_owned()], ..GatePolicy::default() };
        let said = |text: &str| json!({"choices": [{"message": {"content": text}}]}).to_string();
        let called = |name: &str| {
            let call = json!({"type": "function", "function": {"name": name, "arguments": "{}"}});
            json!({"choices": [{"message": {"content": null, "tool_calls": [call]}}]}).to_string()
        };
        let plain = json!({"messages": []}).to_string();
        let strict = json!({"response_format": {"type": "json_schema", "json_schema": {"strict": true,
            "schema": {"type": "object", "required": ["a"]}}}})
        .to_string();
        let tools = json!({"tools": [{"type": "function", "function": {"name": "book"}}]}).to_string();
        for (request, reply, agreement, valid, critical) in [
            (&plain, said("Refund "), 1_000_000, true, false),
            (&plain, said("order"), 0, true, false),
            (&plain, said("kolm-canary"), 0, true, true),
            (&strict, said("refund"), 0, false, true),
            (&tools, called("book"), 0, true, false),
            (&tools, called("cancel"), 0, false, true),
        ] {
            let judged = judge(&gate, request.as_bytes(), reply.as_bytes(), said("refund").as_bytes());
            assert_eq!(judged, Judged { agreement: Ppm(agreement), valid, critical }, "{request} {reply}");
        }
    }
}
