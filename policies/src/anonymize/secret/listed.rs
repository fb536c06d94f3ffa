//! Secrets of which several stand together: recovery codes, and the keys that a call takes.
//!
//! **Invariant:** a list ends where the next is no code of it, and both kinds are bounded.

use std::ops::Range;

use super::rules::Assign;
use super::value::{drawn, mixed, path, placeholder};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::{after, before, in_token, is_uuid};

/// How far behind its words a list may begin, and how long it may be.
const REACH: usize = 72;
const LIST: usize = 1024;
/// The most bytes between two codes of a list.
const GAP: usize = 8;

/// `backup codes: 9382 8337, 2417 4949`, `recovery codes:` and one on each line; gives the end of what was read.
pub(super) fn codes(text: &[u8], from: usize, out: &mut Vec<Finding>) -> usize {
    let limit = text.len().min(from + LIST);
    let near = &text[from..limit.min(from + REACH)];
    let Some(mark) = near.iter().position(|b| matches!(b, b':' | b'\n')) else { return from };
    let (mut at, mut found) = (from + mark, Vec::new());
    while at < limit {
        let gap = text[at..limit].iter().take(GAP).take_while(|b| !in_token(**b)).count();
        let Some(code) = code(text, at + gap, limit).or_else(|| code(text, numbered(text, at + gap)?, limit))
        else {
            break;
        };
        at = code.end;
        found.push(code);
    }
    // One alone may be anything.
    if found.len() >= 2 {
        out.extend(
            found.iter().map(|code| Finding::new(code.start, code.end, Type::SECRET, Evidence::Secret)),
        );
    }
    at.max(from)
}

/// Behind `1. `, the number of a line.
fn numbered(text: &[u8], at: usize) -> Option<usize> {
    let digits = text[at..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    let mark = (1..=2).contains(&digits) && b".):".contains(&after(text, at + digits));
    (mark && after(text, at + digits + 1) == b' ').then_some(at + digits + 2)
}

/// Two to four groups of four to six letters and digits, or one of eight to sixteen, with digits among them.
fn code(text: &[u8], start: usize, limit: usize) -> Option<Range<usize>> {
    let run = |at: usize| text[at.min(limit)..limit].iter().take(24).take_while(|b| in_token(**b)).count();
    let first = run(start);
    let mut end = start + first;
    let joint = after(text, end);
    let mut groups = 1;
    while groups < 6
        && first <= 6
        && matches!(joint, b' ' | b'-')
        && after(text, end) == joint
        && run(end + 1) == first
    {
        end += 1 + first;
        groups += 1;
    }
    let value = &text[start..end.min(limit)];
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let sized = if groups == 1 { (6..=16).contains(&first) } else { (3..=6).contains(&first) };
    let least = if groups == 1 { 2 } else { 1 };
    (sized && digits >= least && !in_token(before(text, start))).then_some(start..end)
}

/// The drawn strings in the brackets that open at the end of `at`: `OAuth1("q8Zr...", "Lk2v...")`.
pub(super) fn call(text: &[u8], at: &Range<usize>, words: &Assign, out: &mut Vec<Finding>) {
    let rest = &text[at.end..text.len().min(at.end + LIST)];
    let close = rest.iter().position(|b| *b == b')').unwrap_or(rest.len());
    let mut from = at.end;
    while let Some(open) =
        text[from..at.end + close].iter().position(|b| matches!(b, b'"' | b'\'')).map(|n| from + n)
    {
        let tail = &text[open + 1..at.end + close];
        let Some(len) = tail.iter().position(|b| *b == text[open]) else { return };
        let range = open + 1..open + 1 + len;
        from = range.end + 1;
        let value = &text[range.clone()];
        let digits = value.strip_prefix(b"0x").unwrap_or(value);
        let hex = digits.len() >= 32 && digits.iter().all(u8::is_ascii_hexdigit);
        let whole = value.iter().all(|b| in_token(*b) || b"-_+/=".contains(b));
        // Ids of access keys are capitals and digits.
        let id = len == 20 && value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let fits = (16..=128).contains(&len) && whole && (mixed(value) || hex || id) && !is_uuid(value);
        if fits && drawn(value) && !path(value) && !placeholder(value, words) {
            out.push(Finding::new(range.start, range.end, Type::SECRET, Evidence::Secret));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn lists_of_codes_and_keys_of_calls() {
        let mut wrong = missing(
            check,
            &[
                ("Your backup codes: 1834 9920, 5571 0284", "SECRET 5571 0284"),
                ("recovery codes\n1f3a9-77c0d\n90ab1-4cc2e\n", "SECRET 90ab1-4cc2e"),
                ("recovery codes:\n1. qmzxa-k7wre\n2. h4tbn-pplyw", "SECRET qmzxa-k7wre"),
                ("Backup-Codes:\n1. 48201937\n2. 57720184\n", "SECRET 57720184"),
                (
                    "auth = OAuth1(\"q8ZrT2vLk9XmW4bNc7Yd\", \"Lk2vQ9xTr7WmB4nZc8Yp\")",
                    "SECRET Lk2vQ9xTr7WmB4nZc8Yp",
                ),
                (
                    "f = Fernet(b\"q8ZrT2vLk9XmW4bNc7YdQ9xTr7WmB4nZc8YpLk2vA0s=\")",
                    "SECRET q8ZrT2vLk9XmW4bNc7YdQ9xTr7WmB4nZc8YpLk2vA0s=",
                ),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "backup codes: where do I find them?",
                "recovery codes: 8 of them, each with 10 digits",
                "Client(\"https://api.example.com/v2/things\")",
                "Client(\"my-application-name-2024\", timeout=30)",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
