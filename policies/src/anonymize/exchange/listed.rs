//! What a policy's own labels say, and numbers of JSON under keys that identify.
//!
//! **Invariant:** a label counts as a whole word, and its value stands behind it on the same line.

use super::super::body::Leaf;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::policy::Policy;
use crate::anonymize::token::stands_alone;
use crate::anonymize::{check, label};

/// Bytes between a label and its value.
const NEAR: usize = 24;

/// Values behind the labels of the policy.
pub(crate) fn labelled(text: &str, policy: &Policy, out: &mut Vec<Finding>) {
    if policy.labels.is_empty() {
        return;
    }
    let small = text.to_ascii_lowercase();
    for (label, ty) in &policy.labels {
        // A label within the value of another is part of it.
        let mut told = 0;
        for (at, hit) in small.match_indices(label.as_str()) {
            let end = at + hit.len();
            if at >= told
                && stands_alone(small.as_bytes(), at, end)
                && let Some(found) = value(text, end, *ty)
            {
                told = found.end;
                out.push(found);
            }
        }
    }
}

/// The value that begins behind a label.
fn value(text: &str, from: usize, ty: Type) -> Option<Finding> {
    let rest = text.get(from..)?;
    let value = rest.trim_start_matches([' ', '\t', ':', '=', '#', '.', '-', '"', '\'']);
    let gap = rest.len() - value.len();
    if gap > NEAR {
        return None;
    }
    let stop = |c: char| {
        if ty.of_words() {
            matches!(c, '\n' | '\r' | ',' | ';' | '.' | '"' | '\t' | '|')
        } else {
            c.is_whitespace() || matches!(c, ',' | ';' | '"' | '|')
        }
    };
    let len = value.find(stop).unwrap_or(value.len());
    let value = value[..len].trim_end_matches(['.', ')', ']', ' ']);
    let worded = ty.of_words() && value.chars().any(char::is_alphanumeric);
    let fits = worded || value.bytes().any(|b| b.is_ascii_digit());
    fits.then(|| Finding::new(from + gap, from + gap + value.len(), ty, Evidence::Label))
}

/// A JSON number under an identifying key, or one that is a card.
pub(crate) fn number(leaf: &Leaf, policy: &Policy) -> Vec<Finding> {
    let text = leaf.text.as_bytes();
    if text.len() < 3 || !text.iter().all(u8::is_ascii_digit) {
        return Vec::new();
    }
    let keyed =
        policy.keys.get(&leaf.key).copied().or_else(|| label::identifies(&label::plain_key(&leaf.key)));
    let card = text.len() >= 15 && check::credit_card(text);
    let found = match keyed {
        Some(ty) => Finding::new(0, text.len(), ty, Evidence::Label),
        None if card => Finding::new(0, text.len(), Type::CREDIT_CARD, Evidence::Validated),
        None => return Vec::new(),
    };
    vec![found]
}
