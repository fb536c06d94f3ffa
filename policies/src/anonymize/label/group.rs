//! Parts of one number that spaces keep apart: letters before its digits and behind them.
//!
//! **Invariant:** pure questions about two tokens side by side.

use crate::anonymize::token::{Token, after, in_token};

/// `RAMQ ARCJ 4402 1718`, `serial PZX 604418H`, `claim LHWCA 07-228914`, `ID R 5571 0938`: capitals, a space, and the
/// digits of the same number; behind a single letter more of them.
pub(super) fn grouped(token: &Token, tokens: &[Token], text: &[u8]) -> bool {
    let capitals = (1..=5).contains(&token.len()) && token.of(text).iter().all(u8::is_ascii_uppercase);
    let most = if token.len() == 1 { 7 } else { 4 };
    let next = tokens.first();
    let ended = |next: &Token| {
        let value = next.of(text);
        next.digits + 1 == next.len() && value.last().is_some_and(u8::is_ascii_uppercase)
    };
    let one = |next: &Token| next.digits >= most && (next.is_number() || ended(next));
    let apart = |pair: &[Token]| {
        let joint = text.get(pair[0].end..pair[1].start);
        pair.iter().all(|part| part.is_number()) && matches!(joint, Some(b"-" | b" "))
    };
    let several = || {
        let joined = 1 + tokens.windows(2).take_while(|pair| apart(pair)).count();
        let digits: usize = tokens.iter().take(joined).map(|part| part.digits).sum();
        joined > 1 && digits >= most.max(6)
    };
    let behind = next.filter(|next| one(next) || several());
    capitals && behind.is_some_and(|next| &text[token.end..next.start] == b" ")
}

/// `MRN0077-4412`: capitals of a label, and at once the digits of its value; where these begin.
pub(super) fn glued(text: &[u8], start: usize, end: usize) -> bool {
    let label = &text[start..end];
    let digits =
        text[end..].iter().take_while(|b| b.is_ascii_digit() || **b == b'-').filter(|b| **b != b'-').count();
    !in_token(super::before(text, start))
        && (3..=4).contains(&label.len())
        && label.iter().all(u8::is_ascii_uppercase)
        && text.get(end).is_some_and(u8::is_ascii_digit)
        && digits >= 5
}

/// Where the answer to a question begins that ends behind byte `end`: `last 4 of SSN?`, the next line, who speaks, a colon.
pub(crate) fn answered(text: &[u8], end: usize) -> Option<usize> {
    const WORDS: usize = 24;
    let rest = &text[end..text.len().min(end + 2 * WORDS)];
    let asked =
        rest.iter().take(WORDS).position(|b| *b == b'?' || *b == b'\n').filter(|at| rest[*at] == b'?')?;
    let next = rest[asked + 1..].iter().position(|b| !b.is_ascii_whitespace())? + asked + 1;
    let line = rest[asked..next].contains(&b'\n');
    let speaker = rest[next..].iter().take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    let said = &rest[next + speaker..];
    // `用户:VIP-0042`: no space follows where none is written.
    let spaceless = said.starts_with(b":") && rest[next..next + speaker].iter().any(|b| *b >= 0x80);
    let told = said.starts_with(b": ") || said.starts_with(b"> ");
    let colon = if told { 2 } else { 1 };
    (line && speaker >= 2 && (told || spaceless)).then_some(end + next + speaker + colon)
}

/// `OHIP 6284 119 053 KW:`: behind token `last`, the letters that end the number of a plan.
pub(super) fn ends(tokens: &[Token], last: usize, text: &[u8]) -> bool {
    let (Some(digits), Some(next)) = (tokens.get(last), tokens.get(last + 1)) else { return false };
    let capitals = next.len() <= 2 && next.of(text).iter().all(u8::is_ascii_uppercase);
    let behind = after(text, next.end);
    let closed = !matches!(behind, b' ' | b'-' | b'/' | b'\'' | b'%') && !in_token(behind);
    capitals && closed && &text[digits.end..next.start] == b" "
}
