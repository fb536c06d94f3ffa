//! Words that say what the value after them is: in running text, and as keys of JSON.

use std::sync::LazyLock;

use super::keywords::{Begins, Keywords};
use super::kind::{Evidence, Finding, Type};
use super::number::unit_follows;
use super::quick::Map;
use super::token::{Token, after, before, in_token, stands_alone};

mod group;
mod list;
pub(crate) use group::answered;
use group::{ends, glued, grouped};

/// How much a label says by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Say {
    /// The next code is the value.
    Strong,
    /// Only with `number`, `no`, `#`, `:` or the like between.
    Weak,
    /// As a weak one, but what follows at once is the value without such a word.
    Next,
    /// A call to a pager: the number stands behind a name.
    Page,
    /// Vouches for shapes of its family near it, and labels no value itself.
    Family,
}

struct Label {
    word: &'static str,
    ty: Type,
    family: &'static str,
    say: Say,
}

/// The labels of `words/labels.txt`, in lower case.
static LABELS: LazyLock<Vec<Label>> = LazyLock::new(|| {
    let lines = include_str!("../../words/labels.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(line).flatten().collect()
});

/// `TYPE / family / strength: word | word`.
fn line(line: &'static str) -> Option<impl Iterator<Item = Label>> {
    let (head, words) = line.split_once(": ")?;
    let mut head = head.split(" / ");
    let (ty, family) = (Type::named(head.next()?)?, head.next()?);
    let say = match head.next()? {
        "strong" => Say::Strong,
        "weak" => Say::Weak,
        "next" => Say::Next,
        "page" => Say::Page,
        "family" => Say::Family,
        _ => return None,
    };
    Some(words.split('|').map(move |word| Label { word: word.trim(), ty, family, say }))
}

/// All words that are labels of values with digits.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    LABELS.iter().map(|label| label.word).filter(|word| !word.contains(' '))
}

/// Words that may stand between a weak label and its value, and make it a label at all.
const NUMBERED: &[&[u8]] = &[
    b"number",
    b"numbers",
    b"no",
    b"nr",
    b"num",
    b"id",
    b"code",
    b"identifier",
    b"nummer",
    b"num\xc3\xa9ro",
    b"ref",
    b"key",
];
const FILLERS: &[&[u8]] =
    &[b"is", b"was", b"the", b"for", b"of", b"my", b"ist", b"es", b"est", b"at", b"on", b"are", b"card"];

/// How far before a value its label may stand.
const WINDOW: usize = 24;

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| Keywords::of(LABELS.iter().map(|label| label.word)));

struct Hit {
    start: usize,
    end: usize,
    label: &'static Label,
}

/// The labels of a text.
pub(crate) struct Labels {
    hits: Vec<Hit>,
    /// The family of the JSON key that the whole text stands under.
    key: Option<&'static Label>,
}

impl Labels {
    pub(crate) fn find(text: &[u8], key: &str) -> Self {
        let mut hits = Vec::new();
        for hit in KEYWORDS.hits_of_words(text, &Begins::of(text)) {
            // `mg/dL, 70-99` is a unit.
            let unit = hit.end - hit.start == 2 && before(text, hit.start) == b'/';
            // Behind a sign of Chinese or Japanese the value may follow at once.
            let spaceless =
                text[..hit.end].windows(3).next_back().is_some_and(|c| matches!(c[0], 0xe3..=0xe9));
            let alone =
                stands_alone(text, hit.start, hit.end) || spaceless && !in_token(before(text, hit.start));
            let alone = alone || glued(text, hit.start, hit.end);
            if alone && !unit && !is_article(&text[hit.start..hit.end], &text[hit.end..]) {
                hits.push(Hit { start: hit.start, end: hit.end, label: &LABELS[hit.word] });
            }
        }
        hits.sort_unstable_by_key(|hit| hit.start);
        Self { hits, key: key_label(&plain_key(key)) }
    }

    /// Does a label of this family stand near the range, on the same line?
    pub(crate) fn vouch(&self, text: &[u8], start: usize, end: usize, family: &str) -> bool {
        self.key.is_some_and(|label| label.family == family)
            || self.near(start, end).iter().any(|hit| {
                let (from, to) = if hit.end <= start { (hit.end, start) } else { (end, hit.start) };
                hit.label.family == family
                    && from <= to
                    && to - from <= 48
                    && !text[from..to].contains(&b'\n')
            })
    }

    /// The labels that begin within reach of the range.
    fn near(&self, start: usize, end: usize) -> &[Hit] {
        let first = self.hits.partition_point(|hit| hit.start + 80 < start);
        let last = self.hits.partition_point(|hit| hit.start <= end + 48);
        &self.hits[first.min(last)..last]
    }

    /// The values that labels point at.
    pub(crate) fn values(&self, text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
        for hit in &self.hits {
            if hit.label.say != Say::Family {
                self.value_after(hit, text, tokens, out);
            }
        }
        if let Some(label) = self.key.filter(|label| label.say != Say::Family) {
            let begins = |(i, t): (usize, &Token)| t.digits > 0 || self.prefix(t, text, tokens.get(i + 1));
            let first = tokens.iter().enumerate().position(begins);
            if let Some(i) = first {
                push(label, text, tokens, i, out);
            }
        }
    }

    fn value_after(&self, hit: &Hit, text: &[u8], tokens: &[Token], out: &mut Vec<Finding>) {
        let mut named = hit.label.say != Say::Weak;
        let first = tokens.partition_point(|t| t.start < hit.end);
        // `MRN0077-4412`: one token.
        if let Some(whole) = first.checked_sub(1).filter(|i| tokens[*i].end > hit.end) {
            return push(hit.label, text, tokens, whole, out);
        }
        // `SN EN 12464-1`, `ČSN 73 0540-2`: a norm of Switzerland or the Czechs, no number of a series.
        let norm = |t: &Token| [&b"EN"[..], b"ISO", b"DIN", b"IEC"].contains(&t.of(text));
        if hit.label.word == "sn" && (before(text, hit.start) >= 0x80 || tokens.get(first).is_some_and(norm))
        {
            return;
        }
        if let Some(at) = answered(text, hit.end) {
            let value = tokens.partition_point(|t| t.start < at);
            if tokens.get(value).is_some_and(|t| t.start == at && t.digits > 0) {
                push(hit.label, text, tokens, value, out);
            }
            return;
        }
        let mut from = hit.end;
        for (i, token) in tokens.iter().enumerate().skip(first) {
            let gap = &text[from..token.start];
            if token.start - hit.end > WINDOW || gap.contains(&b'\n') {
                return;
            }
            // `"reference": "Patient/8841207"`.
            let resource = gap == b"/" && before(text, hit.start) == b'"';
            named |= resource || gap.iter().any(|b| b":#=".contains(b));
            // `MRN 2: 118802`, the second of them.
            if token.is_number() && token.len() <= 2 && after(text, token.end) == b':' && i == first {
                named = true;
                from = token.end;
                continue;
            }
            let led = grouped(token, &tokens[i + 1..], text)
                && hit.label.say != Say::Weak
                && self.hits.binary_search_by_key(&token.start, |other| other.start).is_err();
            if token.digits > 0 || led || self.prefix(token, text, tokens.get(i + 1)) {
                if named {
                    push(hit.label, text, tokens, i, out);
                    list::more(hit.label, text, tokens, out);
                }
                return;
            }
            let word = token.of(text).to_ascii_lowercase();
            named |= NUMBERED.contains(&word.as_slice());
            if matches!(hit.label.say, Say::Weak | Say::Next)
                && !NUMBERED.contains(&word.as_slice())
                && !FILLERS.contains(&word.as_slice())
            {
                return;
            }
            if hit.label.say == Say::Page && (i > first + 1 || !matches!(gap, b" " | b". ")) {
                return;
            }
            from = token.end;
        }
    }

    /// A site prefix: `UH-0012345`.
    fn prefix(&self, token: &Token, text: &[u8], next: Option<&Token>) -> bool {
        let joined = next.is_some_and(|n| n.start == token.end + 1 && n.digits >= 2);
        joined && matches!(after(text, token.end), b'-' | b'_' | b'/') && token.len() <= 6
    }
}

/// `ein HS256-Secret`: an article of German, which taxpayers' numbers in English are called as well.
fn is_article(word: &[u8], rest: &[u8]) -> bool {
    let goes_on = matches!(rest, [b' ', next, ..] if next.is_ascii_alphabetic());
    let numbered =
        [&b" is"[..], b" no", b" num", b" was", b" ID", b" id"].iter().any(|said| rest.starts_with(said));
    word.eq_ignore_ascii_case(b"ein") && word != b"EIN" && goes_on && !numbered
}

/// One value that begins at token `i`.
fn push(label: &Label, text: &[u8], tokens: &[Token], i: usize, out: &mut Vec<Finding>) {
    let start = tokens[i].start;
    let mut last = i;
    while let Some(next) = tokens.get(last + 1) {
        let gap = &text[tokens[last].end..next.start];
        // `250 41 34`: charts are numbered in groups of two.
        let first = &tokens[i];
        let pairs = next.len() == 2 && (label.ty == Type::MRN && first.len() <= 3 || first.digits == 0);
        let grouped =
            gap == b" " && next.is_number() && tokens[last].is_number() && (next.len() >= 3 || pairs)
                || last == i && grouped(&tokens[i], &tokens[i + 1..], text);
        let joined = gap.len() == 1 && b"-_./".contains(&gap[0]);
        if !(joined || grouped) || next.end - start > 24 {
            break;
        }
        last += 1;
    }
    last += usize::from(label.family == "health" && last > i && ends(tokens, last, text));
    let end = tokens[last].end;
    let digits: usize = tokens[i..=last].iter().map(|t| t.digits).sum();
    let len = end - start;
    let value = &text[start..end];
    let fits = if label.ty == Type::CVV {
        (3..=4).contains(&len) && digits == len && !is_year(value)
    } else if label.ty == Type::EXPIRY {
        (4..=7).contains(&len) && digits >= 3 && value.iter().any(|b| matches!(b, b'/' | b'-'))
    } else if label.say == Say::Page {
        (4..=8).contains(&len) && digits + 1 >= len && !amount(label, text, start, end)
    } else if label.ty == Type::VIN {
        (11..=17).contains(&len) && digits >= 4
    } else if [Type::PHONE, Type::FAX].contains(&label.ty) {
        (7..=20).contains(&len) && digits >= 7
    } else {
        let lot = label.ty == Type::DEVICE_ID && digits == 2 && len >= 6 && label.word.starts_with("lot");
        (4..=24).contains(&len) && (digits >= 3 || lot) && !amount(label, text, start, end)
    };
    // `RFC 4231` is a standard, and the number of a taxpayer in Mexico has twelve signs or more.
    let standard = label.word == "rfc" && len < 12;
    let dated = super::date::is_date(value) && label.ty != Type::EXPIRY;
    if fits && !dated && !standard && before(text, start) != b'$' && !in_token(after(text, end)) {
        out.push(Finding::new(start, end, label.ty, Evidence::Label));
    }
}

fn is_year(value: &[u8]) -> bool {
    value.len() == 4 && matches!(&value[..2], b"19" | b"20") && value.iter().all(u8::is_ascii_digit)
}

/// Bodies whose standards have numbers.
const STANDARDS: [&[u8]; 6] = [b"ISO", b"IEC", b"DIN", b"RFC", b"ASTM", b"IEEE"];

/// A year or a quantity after a weak label is no identifier.
fn amount(label: &Label, text: &[u8], start: usize, end: usize) -> bool {
    let value = &text[start..end];
    let year = is_year(value);
    let unit = after(text, end) == b'%' || unit_follows(text, end);
    // `order: 1500` counts things.
    let few = label.family == "order" && value.len() < 5 && value.iter().all(u8::is_ascii_digit);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    // `lot FL4471`, `license Q4418`: letters of a code.
    let letters = value.iter().filter(|b| b.is_ascii_uppercase()).count();
    let least = if label.ty == Type::LICENSE_ID { 1 } else { 2 };
    let coded = digits >= if label.ty == Type::DEVICE_ID { 2 } else { 4 }
        && value.len() >= 6
        && letters >= least
        && digits + letters == value.len()
        && !STANDARDS.iter().any(|body| value.starts_with(body));
    let short = label.say == Say::Next && digits < 5 && !coded && !value.contains(&b'-');
    label.say != Say::Strong && (year || unit || short || few && label.say != Say::Page)
}

/// A key as words in lower case: `patient_id`, `patientId`, `Patient-ID`.
pub(crate) fn plain_key(key: &str) -> String {
    if key.len() > 48 {
        return String::new();
    }
    let mut words = String::with_capacity(key.len() + 4);
    let mut lower = false;
    for c in key.chars() {
        if c.is_alphanumeric() || c == '\'' {
            if c.is_uppercase() && lower {
                words.push(' ');
            }
            words.extend(c.to_lowercase());
        } else if !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        lower = c.is_lowercase() || c.is_numeric();
    }
    words.truncate(words.trim_end().len());
    words
}

/// Weak labels that are keys without a suffix.
const PLAIN_KEYS: [&str; 16] = [
    "phone",
    "mobile",
    "fax",
    "tel",
    "telephone",
    "account",
    "acct",
    "chart",
    "encounter",
    "subscriber",
    "policy",
    "passport",
    "ssn",
    "iban",
    "clabe",
    "cbu",
];

/// The label that the words of a JSON key are.
fn key_label(words: &str) -> Option<&'static Label> {
    static KEYS: LazyLock<Map<&'static str, (Option<usize>, usize)>> = LazyLock::new(|| {
        let mut out = Map::default();
        for (i, label) in
            LABELS.iter().enumerate().filter(|(_, label)| !matches!(label.say, Say::Family | Say::Page))
        {
            let strong = (label.say == Say::Strong).then_some(i);
            let (known, _) = out.entry(label.word).or_insert((strong, i));
            *known = known.or(strong);
        }
        out
    });
    if words.is_empty() {
        return None;
    }
    let suffixes = [" number", " no", " id", " num", " nr", " code", " key"];
    let stem = suffixes.iter().find_map(|suffix| words.strip_suffix(suffix));
    let named = |word: &str, weak: bool| {
        let (strong, any) = KEYS.get(word)?;
        strong.or(weak.then_some(*any)).and_then(|i| LABELS.get(i))
    };
    // A weak label counts as a key only with its suffix, for `case`, `order` and `card` name many things.
    named(words, PLAIN_KEYS.contains(&words)).or_else(|| stem.and_then(|stem| named(stem, true)))
}

/// Are these the words of the key of an identifying number?
pub(crate) fn identifies(words: &str) -> Option<Type> {
    key_label(words).map(|label| label.ty)
}

#[cfg(test)]
mod tests;
