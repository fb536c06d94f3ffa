//! Accounts of Hungary: two or three groups of eight digits, `11773016-11111018-00000000`.
//!
//! **Invariant:** linear: each dash is looked at once, with the eight digits on either side.

use memchr::memchr_iter;

use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::{after, before, in_token};

/// Digits of a group.
const GROUP: usize = 8;

/// Accounts of the text.
pub(super) fn find(text: &[u8], out: &mut Vec<Finding>) {
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
        for text in ["20240101-20241231", "11773017-11111018", "id-11773016-11111018-1", "1-2-3"] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
