//! Clock times, alone and joined to a date.

use super::number;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::{Token, after, before, in_token};

/// The end of the clock time that is joined to a date: `T09:15:30.5Z`, ` 09:15`.
pub(super) fn joined(text: &[u8], from: usize) -> Option<usize> {
    if !matches!(after(text, from), b'T' | b't' | b' ') {
        return None;
    }
    let mut end = clock(text, from + 1)?;
    if after(text, end) == b'Z' {
        end += 1;
    } else if matches!(after(text, end), b'+' | b'-') {
        let zone = text[end + 1..].iter().take_while(|b| b.is_ascii_digit() || **b == b':').count();
        end += if (2..=5).contains(&zone) { zone + 1 } else { 0 };
    }
    (!in_token(after(text, end))).then_some(end)
}

/// The end of `H:MM[:SS[.fff]]` at `from`.
fn clock(text: &[u8], from: usize) -> Option<usize> {
    let run = |at: usize| text[at.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let hour = run(from);
    if !(1..=2).contains(&hour) || after(text, from + hour) != b':' || run(from + hour + 1) != 2 {
        return None;
    }
    let mut end = from + hour + 3;
    if after(text, end) == b':' && run(end + 1) == 2 {
        end += 3;
        if after(text, end) == b'.' && run(end + 1) > 0 {
            end += 1 + run(end + 1);
        }
    }
    Some(end)
}

/// Clock times with seconds; without seconds they are too common to be anybody's, and score low.
pub(super) fn times(text: &[u8], all: &[Token], out: &mut Vec<Finding>) {
    for token in all.iter().filter(|t| t.is_number() && t.len() <= 2) {
        if !matches!(before(text, token.start), b' ' | b'(' | b'\n' | b'"' | b'\'') {
            continue;
        }
        let Some(end) = clock(text, token.start) else { continue };
        let hour = number(text, *token);
        let minute = &text[token.end + 1..token.end + 3];
        let open = in_token(after(text, end)) || matches!(after(text, end), b':' | b'-' | b'/');
        if hour < 24 && minute[0] < b'6' && !open {
            let score = if end - token.end > 3 { 85 } else { 15 };
            out.push(Finding::new(token.start, end, Type::TIME, Evidence::Shape).scored(score));
        }
    }
}
