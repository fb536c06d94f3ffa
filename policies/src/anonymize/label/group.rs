//! Parts of one number that spaces keep apart: letters before its digits and behind them.
//!
//! **Invariant:** pure questions about two tokens side by side.

use crate::anonymize::token::{Token, after, in_token};

/// `RAMQ ARCJ 4402 1718`, `serial PZX 604418H`: capitals, a space, and the digits of the same number.
pub(super) fn grouped(token: &Token, next: Option<&Token>, text: &[u8]) -> bool {
    let capitals = (2..=5).contains(&token.len()) && token.of(text).iter().all(u8::is_ascii_uppercase);
    let ended = |next: &Token| {
        let value = next.of(text);
        next.digits + 1 == next.len() && value.last().is_some_and(u8::is_ascii_uppercase)
    };
    let behind = next.filter(|next| next.digits >= 4 && (next.is_number() || ended(next)));
    capitals && behind.is_some_and(|next| &text[token.end..next.start] == b" ")
}

/// `OHIP 6284 119 053 KW:`: behind token `last`, the letters that end the number of a plan.
pub(super) fn ends(tokens: &[Token], last: usize, text: &[u8]) -> bool {
    let (Some(digits), Some(next)) = (tokens.get(last), tokens.get(last + 1)) else { return false };
    let capitals = next.len() <= 2 && next.of(text).iter().all(u8::is_ascii_uppercase);
    let behind = after(text, next.end);
    let closed = !matches!(behind, b' ' | b'-' | b'/' | b'\'' | b'%') && !in_token(behind);
    capitals && closed && &text[digits.end..next.start] == b" "
}
