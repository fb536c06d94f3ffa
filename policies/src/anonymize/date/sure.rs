//! `samedi 17/5`, `on 8/30.`, `2/5 kl. 6`: a day and a month that need no other word.
//!
//! **Invariant:** a weekday or a word of days stands right before, or a word of time right behind.

use super::loose;
use super::short::{Says, is_counted, line_before, says};
use crate::anonymize::invent::is_weekday;
use crate::anonymize::token::{after, in_token};

/// `samedi 17/5`, `on 8/30.`, `2/5 kl. 6`, `za 22-2`: a day whatever else is said; between hyphens behind a weekday alone.
pub(super) fn is_sure(text: &[u8], start: usize, end: usize, sep: u8) -> bool {
    let head = line_before(text, start);
    let numbers = &text[start..end];
    if matches!(numbers, b"24/7" | b"9/11" | b"50/50")
        || in_token(after(text, end))
        || is_counted(text, start, end)
    {
        return false;
    }
    let word = word_of(head);
    let weekday = loose::of_the_week(&word, head.ends_with(b". ")) || is_weekday(&word);
    if sep == b'-' {
        return weekday && !says(&word, Says::Sure) && head.ends_with(b" ");
    }
    let rest = text.get(end..).unwrap_or_default();
    let then = rest.strip_prefix(b" ").unwrap_or_default();
    let len = then.iter().take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    let next = std::str::from_utf8(&then[..len]).unwrap_or_default();
    let timed = then[len..].iter().take(8).any(u8::is_ascii_digit) || next == "को";
    // `想改掛6/18的門診`: in a script without spaces.
    let glued = |b: u8| (0xe3..=0xed).contains(&b);
    let before_it = head.len().checked_sub(3).and_then(|at| head.get(at)).is_some_and(|b| glued(*b));
    if sep == b'/' && before_it && rest.first().is_some_and(|b| glued(*b)) {
        return true;
    }
    let closed = rest.is_empty() || matches!(rest, [b'.' | b',' | b';' | b')' | b'\n' | b' ' | b':', ..]);
    closed && head.ends_with(b" ") && (says(&word, Says::Sure) || weekday) || says(next, Says::Then) && timed
}

/// The word of any alphabet before, in small letters, without what closes it.
fn word_of(head: &[u8]) -> String {
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b",").or_else(|| head.strip_suffix(b".")).unwrap_or(head);
    let len = head.iter().rev().take(32).take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    String::from_utf8_lossy(&head[head.len() - len..]).to_lowercase()
}

#[cfg(test)]
mod tests {
    use crate::anonymize::date::dates;
    use crate::anonymize::token::tokens;

    #[test]
    fn days_without_a_year_behind_and_before_words() {
        for (text, dated) in [
            ("fällig on 9/21.", true),
            ("samedi 24/5 à 10 h", true),
            ("inchecken za 14-3 na", true),
            ("cita el 12/04 a las 9", true),
            ("Kørebog 4/5 kl. 07.10", true),
            ("sab. 3/5 mattina", true),
            ("open 24/7", false),
            ("on 24/7 duty", false),
            ("half of 3/4", false),
            ("想改掛6/18的門診", true),
            ("pages 3-7", false),
        ] {
            let found = dates(text.as_bytes(), &tokens(text.as_bytes()));
            assert_eq!(found.iter().any(|date| date.score >= 60), dated, "{text}: {found:?}");
        }
    }
}
