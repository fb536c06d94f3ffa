//! Telephone numbers: E.164, the North American plan, and the trunk-zero plans of other countries.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::kind::{Evidence, Finding, Type};
use super::shape::Heads;
use super::token::{after, in_token, stands_alone};

/// The first that fits finds a region; [`judge`] decides.
const PATTERNS: [&str; 15] = [
    r"\+\d{1,3}(?:[ .\-/]{0,2}\(?\d{1,5}\)?){1,7}",
    r"00[1-9]\d{0,2}(?:[ .\-/]\(?\d{1,5}\)?){2,6}",
    r"(?:1[ .\-])?(?:\([2-9]\d{2}\)[ \-]?|[2-9]\d{2}[ .\-/])[2-9]\d{2}[ .\-]\d{4}",
    r"\(0\d{1,5}\)[ \-/]?\d{2,8}(?:[ .\-]\d{2,6}){0,3}",
    r"0 ?\(\d{2,5}\)[ \-]?\d{2,8}(?:[ .\-]\d{2,6}){0,3}",
    r"[08][ \-]\d{3}[ \-]\d{3}[ \-]\d{2}[ \-]\d{2}",
    r"0\d{1,5}(?:[ .\-/]\d{2,8}){1,5}",
    r"0\d{9,10}",
    r"\(\d{2,3}\) ?9?\d{4}-\d{4}",
    r"[78] ?\(\d{3}\) ?\d{3}[ \-]\d{2}[ \-]\d{2}",
    r"[2-5]\d{2}[ .\-]\d{3}[ .\-]\d{2}[ .\-]\d{2}",
    r"[6-9]\d{4}[ \-]\d{5}",
    r"[2-9]\d{2}[2-9]\d{6}",
    r"1[3-9]\d{9}",
    r"3[2-9]\d[ .\-/]\d{7}",
];

/// What numbers begin with, and the patterns.
struct Engine {
    heads: Heads,
    each: Vec<Regex>,
}

/// The patterns are constants that the tests compile; one that does not is left out.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let anchored = |pattern: &&str| Regex::new(&format!(r"(?-u)\A(?:{pattern})")).ok();
    Engine {
        heads: Heads::of(PATTERNS.iter().copied()),
        each: PATTERNS.iter().filter_map(anchored).collect(),
    }
});

impl Engine {
    /// The first region that begins at `from` or later.
    fn next(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        (from..text.len()).find_map(|at| {
            let rest = &text[at..];
            let mut may = self.heads.may_be(rest);
            while may != 0 {
                if let Some(hit) = self.each[may.trailing_zeros() as usize].find(rest) {
                    return Some(at..at + hit.end());
                }
                may &= may - 1;
            }
            None
        })
    }
}

static EXTENSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u)^[ ,]{0,2}(?:ext\.?|x|extension|durchwahl)[ .:]{0,2}\d{1,6}").ok());

/// Country calling codes of one and two digits; three-digit ones begin with the listed tens.
const ONE: &[u8] = b"17";
const TWO: &[u16] = &[
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
    60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];
const TENS: &[u16] =
    &[21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99];

/// How many digits of an international number are the country code; 0 when there is no such country.
pub(crate) fn country_len(digits: &[u8]) -> usize {
    let (Some(first), Some(second)) = (digits.first(), digits.get(1)) else { return 0 };
    if ONE.contains(first) {
        return 1;
    }
    let two = u16::from(first.wrapping_sub(b'0')) * 10 + u16::from(second.wrapping_sub(b'0'));
    if TWO.contains(&two) {
        2
    } else if TENS.contains(&two) {
        3
    } else {
        0
    }
}

/// The fewest digits of a number.
const FEWEST: usize = 8;

/// Telephone numbers of the text: of every run of digits and what may stand between them.
pub(crate) fn find(text: &[u8], out: &mut Vec<Finding>) {
    let mut from = 0;
    while let Some(first) = text[from..].iter().position(u8::is_ascii_digit).map(|n| from + n) {
        let inside = |b: &&u8| b.is_ascii_digit() || b" +.-/()".contains(b);
        let start = first - text[from..first].iter().rev().take_while(inside).count();
        let end = first + text[first..].iter().take_while(inside).count();
        if text[first..end].iter().filter(|b| b.is_ascii_digit()).count() >= FEWEST {
            in_run(text, start..end, out);
        } else {
            inner(text, first, out);
        }
        from = end;
    }
}

fn in_run(text: &[u8], run: Range<usize>, out: &mut Vec<Finding>) {
    let mut at = run.start;
    while let Some(hit) = ENGINE.next(&text[..run.end], at) {
        let (start, end) = (hit.start, trim(text, hit.start, hit.end));
        if judge(text, start, end) {
            let plain = text[start..end].iter().all(u8::is_ascii_digit) && text[start] != b'0';
            let evidence = if plain { Evidence::Failed } else { Evidence::Shape };
            // One point above a bare run of digits: it names the type, no more.
            let ty = if faxed(text, start) { Type::FAX } else { Type::PHONE };
            let found = Finding::new(start, end, ty, evidence);
            out.push(if plain { found.scored(61) } else { found });
            extension(text, end, out);
            at = end;
        } else {
            at = start + 1;
            while at < run.end && text[at].is_ascii_digit() && text[at - 1].is_ascii_digit() {
                at += 1;
            }
        }
    }
}

/// `fax` stands before the number, on its line.
fn faxed(text: &[u8], start: usize) -> bool {
    let head = text[start.saturating_sub(18)..start].to_ascii_lowercase();
    let line = head.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let last = |word: &[u8]| line.windows(word.len()).rposition(|w| w == word);
    last(b"fax").is_some_and(|fax| {
        last(b"tel").max(last(b"phone")).is_none_or(|phone| phone < fax || &line[phone..] == b"telefax")
    })
}

/// The extension is a value of its own: the number may be said without it.
fn extension(text: &[u8], from: usize, out: &mut Vec<Finding>) {
    let Some(end) = EXTENSION.as_ref().and_then(|r| r.find(&text[from..])).map(|m| from + m.end()) else {
        return;
    };
    let start = from + text[from..end].iter().take_while(|b| matches!(b, b' ' | b',')).count();
    if !in_token(after(text, end)) {
        out.push(Finding::new(start, end, Type::PHONE, Evidence::Label));
    }
}

/// `call back x4471`, `call Rice ext. 1963`: an extension without its number, on a line that tells to call.
fn inner(text: &[u8], first: usize, out: &mut Vec<Finding>) {
    const CALLS: [&[u8]; 10] =
        [b"call", b"reach", b"biller", b"contact", b"phone", b"desk", b"office", b"dial", b"page", b"ring"];
    let len = text[first..].iter().take_while(|b| b.is_ascii_digit()).count();
    if !(3..=5).contains(&len) || in_token(after(text, first + len)) {
        return;
    }
    let head = text[first.saturating_sub(48)..first].to_ascii_lowercase();
    let line = head.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b" ").unwrap_or(line);
    let line = line.strip_suffix(b".").unwrap_or(line);
    let Some(rest) = [&b"x"[..], b"ext", b"extension"].iter().find_map(|word| line.strip_suffix(*word))
    else {
        return;
    };
    let calls = || CALLS.iter().any(|word| rest.windows(word.len()).any(|w| w == *word));
    if rest.last().is_none_or(|b| matches!(b, b' ' | b',' | b'(' | b':')) && calls() {
        let start = first - usize::from(text[first - 1].eq_ignore_ascii_case(&b'x'));
        out.push(Finding::new(start, first + len, Type::PHONE, Evidence::Label));
    }
}

/// An international number ends where its longest form can: later groups belong to the sentence.
fn trim(text: &[u8], start: usize, mut end: usize) -> usize {
    let count = |end: usize| text[start..end].iter().filter(|b| b.is_ascii_digit()).count();
    let longest = if text[start..].starts_with(b"+1") { 11 } else { 13 };
    while text[start] == b'+' && count(end) > longest {
        let Some(gap) = text[start..end].iter().rposition(|b| !b.is_ascii_digit() && *b != b')') else {
            break;
        };
        if gap == 0 {
            break;
        }
        end = start + gap;
    }
    while end > start && !text[end - 1].is_ascii_digit() {
        end -= 1;
    }
    end
}

fn judge(text: &[u8], start: usize, end: usize) -> bool {
    let value = &text[start..end];
    let digits: Vec<u8> = value.iter().copied().filter(u8::is_ascii_digit).collect();
    let joined = start > 0 && matches!(text[start - 1], b'.' | b'-' | b'/' | b'$' | b'+') && value[0] != b'+';
    let goes_on = matches!(after(text, end), b'-' | b'/')
        && text.get(end + 1).is_some_and(u8::is_ascii_digit)
        || after(text, end) == b'.' && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    if !stands_alone(text, start, end) || joined || goes_on || end <= start {
        return false;
    }
    let n = digits.len();
    match value[0] {
        b'+' => (8..=15).contains(&n) && country_len(&digits) > 0,
        b'0' if digits.starts_with(b"00") => (10..=17).contains(&n) && country_len(&digits[2..]) > 0,
        b'0' | b'(' => (9..=12).contains(&n) && !dotted_date(value) && !is_ssn(value),
        _ => (10..=11).contains(&n),
    }
}

/// The grouping of a US social security number, valid or not.
fn is_ssn(value: &[u8]) -> bool {
    value.split(|b| !b.is_ascii_digit()).map(<[u8]>::len).eq([3, 2, 4])
}

/// `01.02.2023 10` and the like.
fn dotted_date(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.splitn(3, |b| matches!(b, b'.' | b'-' | b'/')).collect();
    parts.len() == 3 && parts[0].len() == 2 && parts[1].len() == 2 && parts[2].len() >= 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        find(text.as_bytes(), &mut out);
        out.iter().map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn plans_of_many_countries() {
        assert!(ENGINE.each.len() == PATTERNS.len() && EXTENSION.is_some());
        for (text, want) in [
            ("call +1 415-555-2671 now", "+1 415-555-2671"),
            ("(415) 555-2671 now", "(415) 555-2671"),
            ("415.555.2671", "415.555.2671"),
            ("1-800-555-2671", "1-800-555-2671"),
            ("+49 (0)30 1234567", "+49 (0)30 1234567"),
            ("+442079460958", "+442079460958"),
            ("020 7946 0958", "020 7946 0958"),
            ("030/1234567", "030/1234567"),
            ("01 23 45 67 89", "01 23 45 67 89"),
            ("0 (532) 1234567", "0 (532) 1234567"),
            ("+90 (532) 123 45 67", "+90 (532) 123 45 67"),
            ("(11) 91234-5678", "(11) 91234-5678"),
            ("98765 43210", "98765 43210"),
            ("338 4419027", "338 4419027"),
            ("8 359 232 33 43", "8 359 232 33 43"),
            ("+1 415 555 2671 2021", "+1 415 555 2671"),
        ] {
            assert_eq!(check(text), [want], "{text}");
        }
        assert_eq!(check("(415) 555-2671 ext. 12"), ["(415) 555-2671", "ext. 12"]);
        assert_eq!(check("call back x4471"), ["x4471"]);
        for text in ["call rice ext. 4471", "Biller: Sakura, x 4471"] {
            assert_eq!(check(text), ["4471"], "{text}");
        }
        for text in [
            "01.02.2023",
            "a grid of 512 x 1024",
            "calls: 20 x5",
            "2021-05-21",
            "1 + 22 333",
            "$4155552671",
            "078-05-1120",
            "0.123456789012",
        ] {
            assert_eq!(check(text), Vec::<&str>::new(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_first_that_fits_at_the_first_place(text in "[0-9 +./()-]{0,40}|[0-9]{0,4}[ -]?[0-9]{2,9}[ -][0-9 -]{0,12}") {
            let whole = Regex::new(&format!("(?-u){}", PATTERNS.join("|"))).unwrap();
            for from in 0..text.len() {
                let want = whole.find_at(text.as_bytes(), from).map(|hit| hit.range());
                prop_assert_eq!(ENGINE.next(text.as_bytes(), from), want);
            }
        }
    }
}
