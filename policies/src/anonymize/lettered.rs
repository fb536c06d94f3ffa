//! Codes of a letter and many digits that nothing else is: `S24-10938`, `A0887213`.
//!
//! **Invariant:** they score low, so that only a policy with a low threshold masks them.

use super::kind::{Evidence, Finding, Type};
use super::token::{Token, after, before};

/// Digits that make a code somebody's.
const DIGITS: usize = 6;

/// The codes among the tokens.
pub(crate) fn find(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    for (i, token) in tokens.iter().enumerate() {
        let value = token.of(text);
        let head = value[0].is_ascii_uppercase() && token.digits + 1 == token.len() && token.digits >= 2;
        if !head || matches!(before(text, token.start), b'-' | b'/' | b'_' | b'.' | b'=' | b'@') {
            continue;
        }
        let next = tokens.get(i + 1).filter(|next| next.start == token.end + 1 && text[token.end] == b'-');
        let tail = next.filter(|next| next.is_number());
        let (end, digits) = tail.map_or((token.end, token.digits), |t| (t.end, token.digits + t.digits));
        let open = matches!(after(text, end), b'-' | b'/' | b'_' | b'@') || next.is_some() && tail.is_none();
        if (DIGITS..=12).contains(&digits) && !open {
            out.push(Finding::new(token.start, end, Type::ID, Evidence::Shape).scored(35));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::token::tokens;

    #[test]
    fn a_letter_and_digits() {
        let check = |text: &str| {
            let mut out = Vec::new();
            find(text.as_bytes(), &tokens(text.as_bytes()), &mut out);
            out.iter().map(|f| text[f.start..f.end].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(check("path S24-10938: core; unit A0887213, B12"), ["S24-10938", "A0887213"]);
        assert!(check("E11.22, C34.90, NCT01234567, MK-3475, T2 2024-10, ab-S24-10938").is_empty());
    }
}
