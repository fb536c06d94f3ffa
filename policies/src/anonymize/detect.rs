//! Detection: all detectors over one folded text, then what code and lists take away.
//!
//! **Invariant:** linear in the text: prefilters decide what runs, and every pattern runs on a bounded region.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr2, memchr3};
use regex::bytes::Regex;

use super::cue::Reading;
use super::kind::{Evidence, Finding, Type};
use super::label::Labels;
use super::number::Numbers;
use super::policy::{Fences, Policy};
use super::shape::Shapes;
use super::token::{Token, stands_alone, tokens};
use super::{
    age, code, date, dictated, field, label, lettered, machine, message, ner, net, org, phone, place, said,
    secret, suppress, table, who,
};

mod encoded;

/// Where a text comes from, as far as detection cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Running text or a value.
    Text,
    /// A choice of a JSON Schema: only strong evidence counts.
    Choice,
    /// An object key.
    Key,
}

/// The shortest address of a coin.
const COIN: usize = 26;

/// What a text holds at a glance.
struct Glance {
    digits: usize,
    at: bool,
    colon: bool,
    dot: bool,
}

impl Glance {
    fn of(text: &[u8]) -> Self {
        Self {
            digits: text.iter().filter(|b| b.is_ascii_digit()).count(),
            at: text.contains(&b'@'),
            colon: text.contains(&b':'),
            dot: text.contains(&b'.'),
        }
    }
}

/// Everything that may be an identifier in `text`, a folded text that stands under `key`.
pub(crate) fn detect(text: &str, key: &str, place: Place, policy: &Policy) -> Vec<Finding> {
    found(text, key, place, policy, Depth::Model)
}

/// The same without what is made of words: all that a check or a secret's rule can vouch for.
pub(crate) fn patterns(text: &str, key: &str, place: Place, policy: &Policy) -> Vec<Finding> {
    found(text, key, place, policy, Depth::Patterns)
}

/// Which detectors are asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// Those with checks and grammars.
    Patterns,
    /// Also those that know frames and labels, of a cell whose key is one.
    Rules,
    /// Also the sequence model.
    Model,
}

fn found(text: &str, key: &str, place: Place, policy: &Policy, depth: Depth) -> Vec<Finding> {
    let bytes = text.as_bytes();
    let mut out = scan(bytes, key, place == Place::Text && hardly_more_than_a_value(bytes));
    if depth >= Depth::Model && place != Place::Key {
        ner::find(text, &mut out);
    }
    // Of the words of a cell only what its key says counts.
    if place != Place::Key
        && (depth >= Depth::Model || depth == Depth::Rules && field::says(&label::plain_key(key)))
    {
        worded(text, key, &mut out);
    }
    encoded::find(bytes, depth, &mut out);
    // Of a cell only what its label vouches for counts.
    let cells = depth.min(Depth::Rules);
    let look = |cell: &str, key: &str| {
        let told = cell.bytes().any(|b| b.is_ascii_digit()) || speaks(key, policy);
        if told { found(cell, key, place, policy, cells) } else { Vec::new() }
    };
    table::find(text, look, &mut out);
    if depth >= Depth::Model {
        message::find(text, &mut out);
    }
    code::settle(text, &mut out);
    by_policy(text, key, policy, &mut out);
    if policy.fences == Fences::StrongOnly && bytes.contains(&b'`') && text.contains("```") {
        let fences = fences(text);
        let inside = |f: &Finding| {
            let next = fences.partition_point(|(from, _)| *from <= f.start);
            next.checked_sub(1).is_some_and(|i| f.end <= fences[i].1)
        };
        out.retain(|f| strong(f, bytes) || !inside(f));
    }
    if place == Place::Choice {
        out.retain(|f| f.evidence >= Evidence::Label);
    }
    out
}

/// Does a key say anything of a cell without digits that the text around it does not?
fn speaks(key: &str, policy: &Policy) -> bool {
    let words = label::plain_key(key);
    field::says(&words)
        || label::identifies(&words).is_some()
        || secret::is_key(key)
        || date::is_key(key)
        || policy.keys.contains_key(key)
}

/// What is made of words, by the frames that it stands in; then what the lists know to be nobody's.
fn worded(text: &str, key: &str, out: &mut Vec<Finding>) {
    let told = text
        .bytes()
        .any(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b >= 0x80 || b"@:=".contains(&b));
    // Single letters say nothing.
    let worth = || text.as_bytes().windows(3).any(|three| three.iter().all(u8::is_ascii_lowercase));
    if !told && key.is_empty() && out.is_empty() && !worth() {
        return;
    }
    let reading = Reading::of(text);
    field::find(&reading, key, out);
    who::find(&reading, out);
    place::find(&reading, out);
    age::find(&reading, out);
    date::named(&reading, out);
    org::find(&reading, out);
    dictated::find(&reading, out);
    who::stretch(&reading, out);
    let found = out.clone();
    who::beside(&reading, &found, out);
    who::coded(&reading, &found, out);
    date::among(&reading, &found, out);
    org::part_at(&reading, &found, out);
    place::beside(&reading, &found, out);
    said::find(text, out);
    age::with_units(&reading, out);
    suppress::apply(&reading, out);
}

/// The detectors, without lists and without looking into encoded runs.
fn scan(text: &[u8], key: &str, alone: bool) -> Vec<Finding> {
    let mut out = Vec::new();
    let glance = Glance::of(text);
    secret::find(text, key, &mut out);
    if glance.at {
        net::emails(text, &mut out);
    }
    if glance.dot || glance.colon {
        net::urls(text, &mut out);
    }
    spelled_emails(text, &mut out);
    let tokens = tokens(text);
    net::macs(text, &tokens, &mut out);
    if glance.digits == 0 {
        return out;
    }
    if glance.colon {
        net::ipv6(text, &mut out);
    }
    date::find(text, &tokens, &mut out);
    // The address of a coin may have but one.
    let long = || tokens.iter().any(|token| token.digits > 0 && token.len() >= COIN);
    if glance.digits < 2 && !alone && !long() {
        return out;
    }
    let labels = Labels::find(text, key);
    labels.values(text, &tokens, &mut out);
    let labelled = |start: usize, end: usize, family: &str| labels.vouch(text, start, end, family);
    Shapes { text, tokens: &tokens, alone, labelled: &labelled }.find(&mut out);
    if glance.dot {
        net::ipv4(text, &tokens, &mut out);
    }
    net::codes(text, key, &tokens, &mut out);
    if glance.digits >= 6 {
        lettered::find(text, &tokens, &mut out);
    }
    if glance.digits >= 7 {
        phone::find(text, &mut out);
    }
    if glance.digits >= 9 {
        Numbers { text, tokens: &tokens, alone, labelled: &labelled }.find(&mut out);
        beside_a_card(text, &tokens, &mut out);
    }
    machine::whole(text, &mut out);
    out
}

/// At most three words: an answer to `your passport number?`.
fn hardly_more_than_a_value(text: &[u8]) -> bool {
    let words = || text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(3).is_none();
    text.len() <= 64 && words() && !machine::is_of_code(text)
}

/// Evidence that counts inside code.
fn strong(f: &Finding, text: &[u8]) -> bool {
    let bare_url = f.ty == Type::URL && !text[f.start..f.end].contains(&b'@');
    f.evidence >= Evidence::Propagated && !bare_url
}

/// Byte ranges between lines of three backticks.
fn fences(text: &str) -> Vec<(usize, usize)> {
    let marks: Vec<usize> = text.match_indices("```").map(|(at, _)| at).collect();
    marks.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or(text.len()))).collect()
}

/// Expiry date and security code stand within forty characters of a card.
fn beside_a_card(text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
    let ends: Vec<usize> = out.iter().filter(|f| f.ty == Type::CREDIT_CARD).map(|f| f.end).collect();
    for end in ends {
        let first = tokens.partition_point(|t| t.start < end);
        let near = tokens[first..].iter().take_while(|t| t.end <= end + 40);
        for (i, token) in near.enumerate() {
            let next = tokens.get(first + i + 1);
            let year = |next: &&Token| {
                let whole = |at: usize| matches!(text.get(at), Some(b'/' | b'-' | b'.'));
                let part = token.start.checked_sub(1).is_some_and(whole) || whole(next.end);
                let sign = matches!(&text[token.end..next.start], b"/" | b"-");
                sign && !part
                    && next.is_number()
                    && matches!(text.get(next.start..next.end), Some([b'2'..=b'4', _] | [b'2', b'0', _, _]))
            };
            let slash = |next: &&Token| {
                next.is_number() && matches!(next.len(), 2 | 4) && &text[token.end..next.start] == b"/"
            };
            let month = matches!(token.of(text), [b'1'..=b'9'] | [b'0', _] | [b'1', b'0'..=b'2']);
            if !token.is_number() {
                continue;
            }
            if let Some(year) = next.filter(|next| token.len() == 2 && slash(next) || month && year(next)) {
                out.push(Finding::new(token.start, year.end, Type::EXPIRY, Evidence::Label));
            } else if (token.len() == 3 || token.len() == 4 && of_code(text, token.start))
                && stands_alone(text, token.start, token.end)
            {
                out.push(Finding::new(token.start, token.end, Type::CVV, Evidence::Label));
            }
        }
    }
}

/// Does a word for a code stand before: `code 4471`, `Sicherheitscode: 4471`, `kod 4471`?
fn of_code(text: &[u8], start: usize) -> bool {
    const WORDS: [&str; 14] = [
        "code",
        "cvv",
        "cvc",
        "cid",
        "cvv2",
        "csc",
        "kod",
        "kód",
        "koodi",
        "código",
        "codigo",
        "codice",
        "kode",
        "cryptogramme",
    ];
    let head = String::from_utf8_lossy(&text[start.saturating_sub(24)..start]).to_lowercase();
    let head = head.trim_end_matches([' ', ':', '=', '(']);
    head.len() < start.min(24) && WORDS.iter().any(|word| head.ends_with(word))
}

/// `deny`, `keys` and `allow` of the policy.
fn by_policy(text: &str, key: &str, policy: &Policy, out: &mut Vec<Finding>) {
    for word in &policy.deny {
        for (at, hit) in text.match_indices(word.as_str()) {
            out.push(Finding::new(at, at + hit.len(), Type::ID, Evidence::Label));
        }
    }
    if let Some(ty) = policy.keys.get(key).filter(|_| !text.trim().is_empty()) {
        let start = text.len() - text.trim_start().len();
        out.push(Finding::new(start, start + text.trim().len(), *ty, Evidence::Label));
    }
    if !policy.allow.is_empty() {
        out.retain(|f| {
            let weak = f.evidence < Evidence::Label;
            !(weak && policy.allow.iter().any(|word| text.get(f.start..f.end) == Some(word)))
        });
    }
}

static SPELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let part = r"(?:[a-z0-9](?:\ [a-z0-9._\-])+\b|[a-z0-9][a-z0-9._+\-]*)";
    let dot = r"(?:\s{0,2}(?:\(dot\)|\[dot\]|\{dot\})\s{0,2}|\ \.\ ?|\.|\ dot\ )";
    let sign = r"(?:\s?\((?:underscore|dot|dash|hyphen|minus|plus)\)\s?)";
    let pattern = format!(
        r"(?ix-u)\b{part}(?:{sign}{part})*(?:\s{{0,2}}(?:\(at\)|\[at\]|\{{at\}}|<at>)\s{{0,2}}|\ ?@\ ?){part}(?:{dot}{part})+
        | \b{part}(?:\ dot\ {part})*\ at\ {part}(?:\ dot\ {part})+"
    );
    Regex::new(&pattern).ok()
});

/// What no spelled address holds.
fn ends_spelling(b: u8) -> bool {
    !(b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b == 0x0b || b"._+-@()[]{}<>".contains(&b))
}

/// ` dot `, as it is written.
static DOTS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| [" dot ", " Dot ", " DOT "].map(Finder::new));

/// What tells a spelled address; most texts have nothing that may be it.
fn spells(text: &[u8]) -> bool {
    let signed = || memchr2(b'@', b'<', text).is_some() || memchr3(b'(', b'[', b'{', text).is_some();
    (signed() || DOTS.iter().any(|dot| dot.find(text).is_some())) && is_spelled(text)
}

/// `(at)`, `[dot]`, ` dot `, `@ `.
fn is_spelled(text: &[u8]) -> bool {
    let said =
        |rest: &[u8], word: &[u8]| rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
    let framed = |rest: &[u8], end: &[u8]| {
        let word = if said(rest, b"at") { 2 } else { 3 };
        (word == 2 || said(rest, b"dot")) && rest[word..].starts_with(end)
    };
    text.iter().enumerate().any(|(at, b)| {
        let rest = &text[at + 1..];
        match *b {
            b'(' => framed(rest, b")"),
            b'[' => framed(rest, b"]"),
            b'{' => framed(rest, b"}"),
            b'<' => said(rest, b"at>"),
            b'@' => rest.first() == Some(&b' '),
            b' ' => matches!(rest, [b'd' | b'D', ..]) && said(rest, b"dot "),
            _ => false,
        }
    })
}

/// `j o h n (at) x (dot) com`, `john [at] x . com`.
fn spelled_emails(text: &[u8], out: &mut Vec<Finding>) {
    let Some(regex) = SPELLED.as_ref().filter(|_| spells(text)) else { return };
    let mut from = 0;
    for stretch in text.split_inclusive(|b| ends_spelling(*b)) {
        let start = from;
        from += stretch.len();
        let told = stretch.contains(&b'@') || spells(stretch);
        for hit in regex.find_iter(&text[start..from]).take_while(|_| told) {
            let plain = hit.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"@._-+".contains(b));
            if !plain && hit.len() >= 8 {
                out.push(Finding::new(start + hit.start(), start + hit.end(), Type::EMAIL, Evidence::Shape));
            }
        }
    }
}

#[cfg(test)]
mod tests;
