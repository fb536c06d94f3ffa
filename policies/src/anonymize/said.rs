//! Values that a word of a sentence leads up to: telephone numbers without a known plan, codes of bookings and
//! cases, plates, bank codes, and users who logged in.
//!
//! **Invariant:** between word and value stand a few letters of one line; the value's own form must fit.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::date;
use super::keywords::Begins;
use super::kind::{Evidence, Finding, Type};
use super::sections::{Search, entries};
use super::token::{before, in_token};
use super::words::{apart, small};

mod behind;
mod code;
mod enter;
mod gap;
mod giro;
mod plate;

/// What a word leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Phone,
    Code,
    Plate,
    Bic,
}

const LEADS: &[(&str, Lead)] =
    &[("phone", Lead::Phone), ("code", Lead::Code), ("plate", Lead::Plate), ("bic", Lead::Bic)];

static SEARCH: LazyLock<Search<Lead>> =
    LazyLock::new(|| Search::of(entries(include_str!("../../words/said.txt"), LEADS)));

/// How far behind its word a telephone number may begin.
const REACH: usize = 40;

pub(crate) use behind::{Head, head};

/// Values behind words.
pub(crate) fn find(text: &str, out: &mut Vec<Finding>) {
    let (low, begins) = (small(text), Begins::of(text.as_bytes()));
    users(text.as_bytes(), out);
    enter::find(text, &low, &begins, out);
    date::spelled(text, &low, &begins, out);
    if !text.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return;
    }
    let cased = |c: char| c.is_lowercase() || c.is_uppercase();
    let bytes = text.as_bytes();
    behind::find(text, &low, &begins, out);
    plate::shapes(text, out);
    giro::find(bytes, out);
    pairs(text, &low, out);
    for (hit, lead) in SEARCH.hits_of_words(&low, &begins) {
        if !apart(text, hit.start, hit.end, cased) {
            continue;
        }
        let (end, led) = (hit.end, &low[hit]);
        let found = match lead {
            Lead::Phone => phone(bytes, end).map(|range| (range, Type::PHONE)),
            Lead::Code => code(bytes, end, led).map(|range| (range, Type::ID)),
            Lead::Plate => plate::plate(text, skipped(bytes, end), end).map(|range| (range, Type::ID)),
            Lead::Bic => bic(bytes, end).map(|range| (range, Type::SWIFT)),
        };
        if let Some(((from, to), ty)) = found {
            out.push(Finding::new(from, to, ty, Evidence::Label));
        }
    }
}

/// `29 31 37 58`, `458 25 530`, `0-5859-4526`, `774-785-5456x527`: six digits or more, in groups.
fn phone(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let near = &text[from..text.len().min(from + REACH)];
    let skip = near.iter().position(|b| b.is_ascii_digit() || b"+(".contains(b))?;
    let between = &near[..skip];
    let stop = |b: &u8| b"\n;!?|\"={}<>/@$#%_".contains(b);
    let spaces = between.iter().filter(|b| **b == b' ').count();
    let dotted = between.windows(2).any(|w| w == b". ") && spaces > 1;
    if (between.is_empty() && text[from - 1].is_ascii()) || between.iter().any(stop) || dotted || spaces > 3 {
        return None;
    }
    let start = from + skip;
    let inside = |b: &&u8| b.is_ascii_digit() || b" ()./-+".contains(b);
    let len = text[start..].iter().take(28).take_while(inside).count();
    let run = &text[start..start + len];
    // A sentence may go on behind a full stop.
    let cut = run.windows(2).position(|w| w == b". " || w == b"  ").unwrap_or(run.len());
    let last = run[..cut].iter().rposition(u8::is_ascii_digit)?;
    let mut end = start + last + 1;
    let value = &text[start..end];
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    if let [b'x' | b'X', rest @ ..] = &text[end..] {
        let extension = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        end += if (1..=6).contains(&extension) { extension + 1 } else { 0 };
    }
    let counted = text.get(end).is_some_and(|b| in_token(*b) || matches!(b, b':' | b'%' | b'_'));
    ((6..=16).contains(&digits) && !counted && !date::is_date(value)).then_some((start, end))
}

/// `på 61 40 22 95`: eight digits in pairs behind a small word of the North, or behind a colon.
fn pairs(text: &str, low: &str, out: &mut Vec<Finding>) {
    const LEADS: [&str; 11] =
        ["på", "nå", "til", "nr", "nr.", "nummer", "nummeret", "tlf", "tlf.", "mobil", "sms"];
    const LEN: usize = 11;
    let bytes = text.as_bytes();
    let pair = |at: usize| bytes[at].is_ascii_digit() && bytes[at + 1].is_ascii_digit();
    let mut at = 0;
    while at + LEN <= bytes.len() {
        let four = matches!(bytes[at], b'2'..=b'9')
            && (0..4).all(|n| pair(at + 3 * n) && (n == 3 || bytes[at + 3 * n + 2] == b' '));
        let alone =
            four && before(bytes, at) == b' ' && !in_token(bytes.get(at + LEN).copied().unwrap_or(b' '));
        let more =
            alone && matches!(bytes.get(at + LEN..at + LEN + 2), Some([b' ' | b'.' | b',', b'0'..=b'9']));
        if !alone || more {
            at += 1;
            continue;
        }
        let head = low.get(..at).unwrap_or_default().trim_end();
        let word = head.rsplit([' ', '\n', ',', '(']).next().unwrap_or_default();
        if LEADS.contains(&word) || head.ends_with(':') {
            out.push(Finding::new(at, at + LEN, Type::PHONE, Evidence::Label));
        }
        at += LEN;
    }
}

/// What may stand between a word and its code.
fn skipped(text: &[u8], from: usize) -> usize {
    let mut at = from;
    for word in [&b" is"[..], b" no", b" nr", b" n", b" num", b" number", b" id", b" code"] {
        let next = at + word.len();
        if text[at..].starts_with(word) && text.get(next).is_some_and(|b| !in_token(*b)) {
            at = next;
        }
    }
    at + signs(&text[at..text.len().min(at + 6)])
}

/// Bytes of the signs at the head: no letters of an alphabet, but small words of scripts without capitals.
fn signs(near: &[u8]) -> usize {
    let valid = std::str::from_utf8(near).map_or_else(|error| error.valid_up_to(), str::len);
    let near = near.get(..valid).and_then(|near| std::str::from_utf8(near).ok()).unwrap_or_default();
    let sign = |c: &char| " :#.=".contains(*c) || !(c.is_ascii() || c.is_lowercase() || c.is_uppercase());
    near.chars().take_while(sign).map(char::len_utf8).sum()
}

/// `Booking 4P5L03`, `Případ 14465`, `PO 36135-4`, `Expediente 5907/61`.
fn code(text: &[u8], from: usize, led: &str) -> Option<(usize, usize)> {
    let start = skipped(text, from);
    if start == from {
        return None;
    }
    let inside = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-/".contains(b);
    let grouped = led.starts_with("sécu") || led.starts_with('c') || matches!(led, "nir" | "снилс");
    let spaced = |b: &&u8| b.is_ascii_digit() || b" .-/".contains(b);
    let len = if grouped {
        text[start..].iter().take(24).take_while(spaced).count()
    } else {
        text[start..].iter().take(36).take_while(inside).count()
    };
    let run = &text[start..start + len];
    let end = start + run.iter().rposition(|b| in_token(*b))? + 1;
    let value = &text[start..end];
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let travel = matches!(led, "booking" | "reservation" | "pnr" | "confirmation" | "confirmation code");
    let drawn = travel && value.len() == 6 && value.iter().all(|b| in_token(*b));
    let fits = digits >= if grouped { 9 } else { 4 } && digits * 3 >= value.len() || drawn;
    let open = text.get(end).is_some_and(|b| in_token(*b) || *b == b'_' || *b == b'%')
        || text[end..].starts_with(b".") && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    let year = digits == 4 && value.len() == 4 && matches!(value[0], b'1' | b'2');
    (fits && !open && !year && !date::is_date(value)).then_some((start, end))
}

/// `GEBABEBB`, `DEUTDEFF500`: four letters, a country, and two or five more.
fn bic(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let start = skipped(text, from);
    let len = text[start..].iter().take_while(|b| in_token(**b)).count();
    let value = &text[start..start + len];
    (start > from && giro::is_bank(value)).then_some((start, start + len))
}

/// What the owner of an account did.
static DID: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new([" logged", " signed", " log in", " failed"]).ok());

/// `user info.74 logged in`: the name of an account before what its owner did.
fn users(text: &[u8], out: &mut Vec<Finding>) {
    for hit in DID.iter().flat_map(|did| did.find_iter(text)).map(|hit| hit.start()) {
        let run =
            text[..hit].iter().rev().take(40).take_while(|b| in_token(**b) || b"._-".contains(b)).count();
        let start = hit - run;
        let head = text[start.saturating_sub(8)..start].to_ascii_lowercase();
        let led = [&b"user "[..], b"account ", b"login ", b"user \"", b"user '"]
            .iter()
            .any(|word| head.ends_with(word));
        let said = [&b"has"[..], b"had", b"was", b"who", b"not", b"just", b"never", b"already"]
            .contains(&&text[start..hit]);
        if run >= 3 && led && !said && before(text, start) != b'.' {
            out.push(Finding::new(start, hit, Type::USERNAME, Evidence::Shape));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::{missing, typed, unasked};

    fn check(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(text, &mut out);
        typed(text, &out)
    }

    #[test]
    fn values_behind_their_words() {
        let mut wrong = missing(
            check,
            &[
                ("Reach me on 35 47 24 98 or write", "PHONE 35 47 24 98"),
                ("Kan dere ringe Ahmed på 491 37 807?", "PHONE 491 37 807"),
                ("โทร 0-5859-4526 หรือ", "PHONE 0-5859-4526"),
                ("Kan du ringe til Ida på 61 40 22 95 inden", "PHONE 61 40 22 95"),
                ("phone 774-785-5456x527, address", "PHONE 774-785-5456x527"),
                ("Hívjon a (06)41/549-9095 számon", "PHONE (06)41/549-9095"),
                ("dar de baja la línea 655 20 18 40.", "PHONE 655 20 18 40"),
                ("Noen ringte fra 922 41 188 midt på natta", "PHONE 922 41 188"),
                ("dzwonił numer 601 223 415 i", "PHONE 601 223 415"),
                ("请拨打0571-77368685联系", "PHONE 0571-77368685"),
                ("Booking 4P5L03, flight", "ID 4P5L03"),
                ("Případ 14465: zákazník", "ID 14465"),
                ("Expediente 5907/61: comparece", "ID 5907/61"),
                ("PO 36135-4.", "ID 36135-4"),
                ("my plate is ZQ60 ARX.", "ID ZQ60 ARX"),
                ("Kennzeichen HB-KL 4711, rot", "ID HB-KL 4711"),
                ("my plate is 277소2040.", "ID 277소2040"),
                ("BIC GEBABEBB.", "SWIFT GEBABEBB"),
                ("branch (IFSC KLMN0002251).", "SWIFT KLMN0002251"),
                ("to PT50 0035 0211 0044 7180 3 (KLMNPTPL)", "SWIFT KLMNPTPL"),
                ("user info.74 logged in from", "USERNAME info.74"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "call 911 now",
                "call me on 2024-05-01",
                "call me on Friday at 10:30",
                "in case 2024 is too late",
                "case 3 of 4",
                "order 2020 shares",
                "the plate is hot",
                "text: 12 words",
                "the user has logged in",
                "swift water rescue",
                "see the table (ABCDEFGH) and PT50",
                "Заказ на 15000 рублей",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
