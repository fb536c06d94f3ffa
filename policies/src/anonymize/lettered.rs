//! Codes of letters and many digits that nothing else is: `S24-10938`, `A0887213`, `RL-118402`, `QV-22-00714`.
//!
//! **Invariant:** they score low, so that only a policy with a low threshold masks them.

use super::date;
use super::kind::{Evidence, Finding, Type};
use super::token::{Token, after, before, in_token};

/// Digits that make a code somebody's.
const DIGITS: usize = 6;

/// Digits of one whose parts hyphens join, and its longest first part.
const JOINED: usize = 5;
const HEAD: usize = 6;
/// What substances, trials, papers, norms and flaws are numbered with, which are everybody's.
#[rustfmt::skip]
const PUBLIC: [&[u8]; 37] = [
    b"BMS", b"PF", b"LY", b"MK", b"GSK", b"AZD", b"ABT", b"JNJ", b"RO", b"RG", b"ABBV", b"BAY", b"TAK", b"CNTO", b"AMG",
    b"ONO", b"CP", b"GW", b"MEDI", b"REGN", b"VX", b"ALN", b"BNT", b"NCT", b"ISRCTN", b"PMID", b"PMC", b"DOI", b"ISBN",
    b"ISSN", b"RFC", b"CVE", b"ISO", b"IEC", b"LOINC", b"SNOMED", b"CAS",
];

/// The codes among the tokens.
pub(crate) fn find(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    for (i, token) in tokens.iter().enumerate() {
        if let Some(end) = joined(text, &tokens[i..]) {
            out.push(Finding::new(token.start, end, Type::ID, Evidence::Shape).scored(35));
            continue;
        }
        if let Some(end) = federal(text, &tokens[i..]).or_else(|| spaced(text, &tokens[i..])) {
            out.push(Finding::new(token.start, end, Type::ID, Evidence::Shape).scored(60));
            continue;
        }
        let value = token.of(text);
        let letters = value.iter().take_while(|b| b.is_ascii_uppercase()).count();
        let many =
            (2..=3).contains(&letters) && token.digits >= DIGITS && !PUBLIC.contains(&&value[..letters]);
        let whole = letters > 0
            && token.digits + letters == token.len()
            && value[letters..].iter().all(u8::is_ascii_digit);
        let head = whole && (letters == 1 && token.digits >= 2 || many);
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

/// `3:23-cv-00418`: the docket of a federal court; its end.
fn federal(text: &[u8], tokens: &[Token]) -> Option<usize> {
    let [court, year, kind, number, ..] = tokens else { return None };
    let signs = [(court, year, b':'), (year, kind, b'-'), (kind, number, b'-')];
    let joined = signs.iter().all(|(a, b, sign)| b.start == a.end + 1 && text[a.end] == *sign);
    let fits =
        court.is_number() && year.is_number() && year.len() == 2 && number.is_number() && number.len() >= 3;
    (joined && fits && matches!(kind.of(text), b"cv" | b"cr" | b"mc" | b"mj" | b"bk" | b"ap"))
        .then_some(number.end)
}

/// `7 7 0 4 1 5 9`: digits told one by one, of which four differ; their end.
fn spaced(text: &[u8], tokens: &[Token]) -> Option<usize> {
    const LEAST: usize = 6;
    let one = |t: &&Token| t.len() == 1 && t.is_number();
    let first = tokens.first().filter(one)?;
    if before(text, first.start) == b' ' && first.start >= 2 && text[first.start - 2].is_ascii_digit() {
        return None;
    }
    let near = |pair: &&[Token]| one(&&pair[1]) && text.get(pair[0].end..pair[1].start) == Some(b" ");
    let count = 1 + tokens.windows(2).take(20).take_while(near).count();
    let digits: Vec<u8> = tokens[..count].iter().map(|t| text[t.start]).collect();
    let distinct = (b'0'..=b'9').filter(|digit| digits.contains(digit)).count();
    let counts = digits.windows(2).all(|pair| pair[1] == pair[0] + 1);
    (count >= LEAST && distinct >= 4 && !counts).then(|| tokens[count - 1].end)
}

/// The end of the code whose first part, of capitals, the tokens begin with.
fn joined(text: &[u8], tokens: &[Token]) -> Option<usize> {
    let (first, rest) = tokens.split_first()?;
    let head = first.of(text);
    let written = |part: &[u8]| part.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let opens = head.iter().all(u8::is_ascii_uppercase) && (1..=HEAD).contains(&head.len());
    if !opens
        || PUBLIC.contains(&head)
        || b"-/_.=@".contains(&before(text, first.start))
        || std::str::from_utf8(head).is_ok_and(date::is_month)
    {
        return None;
    }
    let (mut end, mut digits) = (first.end, 0);
    for token in rest {
        if token.start != end + 1 || text[end] != b'-' || !written(token.of(text)) {
            break;
        }
        (end, digits) = (token.end, digits + token.digits);
    }
    let open = matches!(after(text, end), b'-' | b'/' | b'_' | b'@') && in_token(after(text, end + 1));
    ((JOINED..=16).contains(&digits) && !open).then_some(end)
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
        assert_eq!(
            check("kit K-77310, file QV-22-00714-L7 and BB-A-48213."),
            ["K-77310", "QV-22-00714-L7", "BB-A-48213"]
        );
        assert_eq!(check("docket 3:23-cv-00418, Rx 7 7 0 4 1 5 9 / no"), ["3:23-cv-00418", "7 7 0 4 1 5 9"]);
        assert_eq!(check("signs CGC #GC003915, scores 1 2 3 4 5 6 7, bits 0 1 1 0 1 0 1"), ["GC003915"]);
        assert!(check("KEYNOTE-189, BMS-986165, MAY-12-2024, CA-125, SARS-CoV-2, CVE-2024-12345").is_empty());
        assert!(check("E11.22, C34.90, NCT01234567, MK-3475, T2 2024-10, ab-S24-10938").is_empty());
    }
}
