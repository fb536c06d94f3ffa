//! The name of the model, put in place of the one that was asked for.
//!
//! **Invariant:** only the bytes of that one value change.

use crate::fields::Fields;
use crate::json;

/// `body` with its `model` replaced; `None` where it has no such string.
pub fn with_model(body: &[u8], name: &str) -> Option<Vec<u8>> {
    let fields = Fields::of_slice(body)?;
    let raw = fields.get("model")?.get();
    if !raw.starts_with('"') {
        return None;
    }
    let at = (raw.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let end = at.checked_add(raw.len()).filter(|end| *end <= body.len())?;
    let mut literal = String::with_capacity(name.len() + 2);
    json::string(&mut literal, name);
    Some([&body[..at], literal.as_bytes(), &body[end..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_name_changes() {
        for (body, want) in [
            (r#"{"model":"a","n": 1.50}"#, Some(r#"{"model":"their \"name\"","n": 1.50}"#)),
            (
                r#" { "x" : "model", "model" : "gr\u00fc\"n" , "y":{"model":"z"}} "#,
                Some(r#" { "x" : "model", "model" : "their \"name\"" , "y":{"model":"z"}} "#),
            ),
            // The last of two is the one that counts.
            (r#"{"model":"a","model":"b"}"#, Some(r#"{"model":"a","model":"their \"name\""}"#)),
            (r#"{"model":7}"#, None),
            (r#"{"model":null}"#, None),
            (r#"{"messages":[]}"#, None),
            ("[]", None),
            ("no json", None),
        ] {
            let out = with_model(body.as_bytes(), "their \"name\"");
            assert_eq!(out.map(|out| String::from_utf8(out).unwrap()).as_deref(), want, "{body}");
        }
    }
}
