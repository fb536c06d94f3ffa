//! Numbers that tell by themselves what they are: accounts of Hungary, `11773016-11111018-00000000`, references of
//! payments in Belgium, `+++090/9337/55493+++`, cards of the Emirates, `784-1990-1234567-1`, and codes of banks in
//! brackets.
//!
//! **Invariant:** linear: each sign is looked at once, with a bounded stretch on either side.

use memchr::memchr_iter;

use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::{after, before, in_token};

/// Digits of a group.
const GROUP: usize = 8;

/// Such numbers of the text.
pub(super) fn find(text: &[u8], out: &mut Vec<Finding>) {
    accounts(text, out);
    written(text, b'/', REFERENCES, Type::ID, out);
    written(text, b'-', CARDS, Type::ID, out);
    written(text, b'-', PACIFIC, Type::ACCOUNT, out);
    written(text, b'-', HUNGARY, Type::PHONE, out);
    bracketed(text, out);
}

/// How references of Belgium and cards of the Emirates are written: `9` stands for any digit, all else for itself.
const REFERENCES: &[&[u8]] = &[b"+++999/9999/99999+++", b"***999/9999/99999***"];
const CARDS: &[&[u8]] = &[b"784-1999-9999999-9", b"784-2099-9999999-9"];
/// Accounts of New Zealand: a bank, its branch, the account and its suffix.
const PACIFIC: &[&[u8]] = &[b"99-9999-9999999-999", b"99-9999-9999999-99"];

/// Telephones of Hungary with the number of a town or of a net.
const HUNGARY: &[&[u8]] = &[b"(06-99) 999-9999", b"(06-99) 999-999", b"(06-9) 999-9999", b"(06-9) 999-999"];

/// What is written as one of `forms`, looked up at its first `mark`.
fn written(text: &[u8], mark: u8, forms: &[&[u8]], ty: Type, out: &mut Vec<Finding>) {
    let fits = |(b, sign): (&u8, &u8)| b == sign || *sign == b'9' && b.is_ascii_digit();
    for at in memchr_iter(mark, text) {
        for form in forms {
            let head = form.iter().position(|b| *b == mark);
            let Some(start) = head.and_then(|head| at.checked_sub(head)) else { continue };
            let end = start + form.len();
            let whole = text.get(start..end).is_some_and(|value| value.iter().zip(*form).all(fits));
            if whole
                && !in_token(before(text, start))
                && !in_token(after(text, end))
                && !b"-/".contains(&before(text, start))
            {
                out.push(Finding::new(start, end, ty, Evidence::Shape));
            }
        }
    }
}

/// The code of a bank: of the world's, or of India's branches, `SBIN0004417`.
pub(super) fn is_bank(value: &[u8]) -> bool {
    let plain = value.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let letters = value.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let branch = letters == 4 && value.len() == 11 && value.get(4) == Some(&b'0');
    plain && (matches!(value.len(), 8 | 11) && letters >= 6 || branch)
}

/// How far behind its account the code of the bank may stand in brackets.
const BESIDE: usize = 48;

/// `PT50 0033 0915 7287 4865 3622 6 (BCOMPTPL)`: in brackets behind an account of the same country.
fn bracketed(text: &[u8], out: &mut Vec<Finding>) {
    for open in memchr_iter(b'(', text) {
        let len = text[open + 1..].iter().take(12).take_while(|b| in_token(**b)).count();
        let end = open + 1 + len;
        let value = &text[open + 1..end];
        let country = value.get(4..6).filter(|country| country.iter().all(u8::is_ascii_uppercase));
        let Some(country) = country.filter(|_| after(text, end) == b')' && is_bank(value)) else { continue };
        let account = |w: &[u8]| w.starts_with(country) && w[2..].iter().all(u8::is_ascii_digit);
        if text[open.saturating_sub(BESIDE)..open].windows(4).any(account) {
            out.push(Finding::new(open + 1, end, Type::SWIFT, Evidence::Shape));
        }
    }
}

/// Accounts of the text.
fn accounts(text: &[u8], out: &mut Vec<Finding>) {
    let mut until = 0;
    for dash in memchr_iter(b'-', text) {
        let Some(start) = dash.checked_sub(GROUP).filter(|start| *start >= until) else { continue };
        let group = |at: usize| text.get(at..at + GROUP).filter(|part| part.iter().all(u8::is_ascii_digit));
        let Some(bank) = group(start).filter(|_| !in_token(before(text, start))) else { continue };
        if group(dash + 1).is_none() {
            continue;
        }
        let two = dash + 1 + GROUP;
        let third = after(text, two) == b'-' && group(two + 1).is_some();
        let end = if third { two + 1 + GROUP } else { two };
        let open = in_token(after(text, end)) || after(text, end) == b'-' || before(text, start) == b'-';
        if !open && of_bank(bank) {
            out.push(Finding::new(start, end, Type::ACCOUNT, Evidence::Validated));
            until = end;
        }
    }
}

/// The check of the bank's group: digits by 9, 7, 3, 1, a sum of tens.
fn of_bank(group: &[u8]) -> bool {
    const WEIGHTS: [u32; GROUP] = [9, 7, 3, 1, 9, 7, 3, 1];
    let sum: u32 = group.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    sum > 0 && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::typed;

    #[test]
    fn accounts_of_three_groups_and_dates_that_are_none() {
        let check = |text: &str| {
            let mut out = Vec::new();
            find(text.as_bytes(), &mut out);
            typed(text, &out)
        };
        assert_eq!(check("ide: 11773016-11111018-00000000, köszi"), ["ACCOUNT 11773016-11111018-00000000"]);
        assert_eq!(check("a 11773016-11111018 számlára"), ["ACCOUNT 11773016-11111018"]);
        assert_eq!(check("VCS +++090/9337/55493+++ est"), ["ID +++090/9337/55493+++"]);
        assert_eq!(check("into 12-3044-0091482-00."), ["ACCOUNT 12-3044-0091482-00"]);
        assert_eq!(check("Bulcs, (06-75) 925-116."), ["PHONE (06-75) 925-116"]);
        assert_eq!(check("my card 784-1990-1234567-1."), ["ID 784-1990-1234567-1"]);
        for text in
            ["20240101-20241231", "11773017-11111018", "id-11773016-11111018-1", "1-2-3", "090/9337/55493"]
        {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
