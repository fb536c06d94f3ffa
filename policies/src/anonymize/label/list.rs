//! Values that one label leads: `subjects 017-0042, 017-0048 and 017-0051`, `asset tags BM04471/BM04475`.
//!
//! **Invariant:** each further value is made of letters and digits as the one before it is.

use super::{Label, push};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::Token;

/// What stands between two values, the longest first.
const LINKS: [&[u8]; 7] = [b", and ", b" and ", b" or ", b", ", b" & ", b" + ", b"/"];

/// The values behind the last one found.
pub(super) fn more(label: &Label, text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    if [Type::CVV, Type::EXPIRY, Type::PHONE, Type::FAX].contains(&label.ty) {
        return;
    }
    while let Some(last) = out.last().filter(|f| f.ty == label.ty && f.evidence == Evidence::Label) {
        let value = &text[last.start..last.end];
        let rest = &text[last.end..];
        let Some(link) = LINKS.iter().find(|link| rest.starts_with(link)) else { return };
        let at = last.end + link.len();
        let first = tokens.partition_point(|t| t.start < at);
        let alike = text.get(at..at + value.len()).is_some_and(|next| form(next).eq(form(value)));
        if !alike || tokens.get(first).is_none_or(|t| t.start != at) {
            return;
        }
        let count = out.len();
        push(label, text, tokens, first, out);
        if out.len() == count {
            return;
        }
    }
}

/// A value with nines for its digits and A for its letters.
fn form(value: &[u8]) -> impl Iterator<Item = u8> {
    value.iter().map(|b| match b {
        b'0'..=b'9' => b'9',
        b'a'..=b'z' | b'A'..=b'Z' => b'A',
        other => *other,
    })
}
