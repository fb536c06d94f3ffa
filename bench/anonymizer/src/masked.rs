//! What the anonymizer masks in one text.
//!
//! **Invariant:** the spans are code points of the text that went in, in order and disjoint.

use kolm_policies::anonymize::{Policy, Salt, anonymize};
use kolm_wire::Exchange;
use serde_json::{Value, json};

/// A span of code points and its type.
pub(crate) type Masked = (usize, usize, String);

/// A preset that writes `[TYPE]`.
pub(crate) fn policy(preset: &str) -> Result<Policy, String> {
    let source =
        format!("schema = 1\nname = \"bench-{preset}\"\nextends = \"{preset}\"\nmode = \"redact\"\n");
    Policy::parse(&source).map_err(|cause| cause.to_string())
}

/// The masked spans of a text; none where the record is dropped, which `Err` tells.
pub(crate) fn masked(text: &str, policy: &Policy) -> Result<Vec<Masked>, String> {
    let request = json!({"messages": [{"role": "user", "content": text}]}).to_string().into_bytes();
    let exchange = Exchange { request, reply: Vec::new() };
    let (done, _) = anonymize(&exchange, policy, &Salt([7; 32])).map_err(|dropped| dropped.to_string())?;
    let body: Value = serde_json::from_str(done.request()).map_err(|cause| cause.to_string())?;
    let out = body["messages"][0]["content"].as_str().unwrap_or_default();
    Ok(align(text, out))
}

/// Parts of a text with marks: what is kept, and the type of the mark behind it.
fn parts(out: &str) -> Vec<(Vec<char>, Option<String>)> {
    let (mut found, mut kept, mut rest) = (Vec::new(), String::new(), out);
    while let Some(at) = rest.find('[') {
        let name: String = rest[at + 1..]
            .chars()
            .take_while(|c| c.is_ascii_uppercase() || *c == '_' || c.is_ascii_digit())
            .collect();
        let end = at + 1 + name.len();
        if name.len() >= 2 && rest[end..].starts_with(']') {
            kept.push_str(&rest[..at]);
            found.push((std::mem::take(&mut kept).chars().collect(), Some(name)));
            rest = &rest[end + 1..];
        } else {
            kept.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
        }
    }
    kept.push_str(rest);
    found.push((kept.chars().collect(), None));
    found
}

/// Finds what was cut: every kept part at its earliest place that leaves the marks before it some text.
fn align(text: &str, out: &str) -> Vec<Masked> {
    let source: Vec<char> = text.chars().collect();
    let parts = parts(out);
    let (mut spans, mut at, mut open): (Vec<Masked>, usize, Option<(usize, String)>) = (Vec::new(), 0, None);
    for (index, (kept, mark)) in parts.iter().enumerate() {
        let begin = match &open {
            None => at,
            Some((start, _)) if index + 1 == parts.len() => {
                source.len().saturating_sub(kept.len()).max(*start)
            }
            Some((start, _)) if kept.is_empty() => *start,
            Some((start, _)) => {
                let whole = |from: &usize| source[*from..].starts_with(kept);
                (start + 1..source.len()).find(whole).unwrap_or(source.len())
            }
        };
        if let Some((start, ty)) = open.take()
            && begin > start
        {
            spans.push((start, begin, ty));
        }
        at = (begin + kept.len()).min(source.len());
        open = mark.clone().map(|ty| (at, ty));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn marks_are_found_in_the_text() {
        let spans = align("[x] call Ann Lee at 555-0100 now", "[x] call [NAME] at [PHONE] now");
        assert_eq!(spans, [(9, 16, "NAME".to_owned()), (20, 28, "PHONE".to_owned())]);
        assert_eq!(align("Ann", "[NAME]"), [(0, 3, "NAME".to_owned())]);
        assert_eq!(align("none", "none"), []);
    }
}
