//! Codes behind words of many languages: `polizza 78-4482019`, `Reisepass CFGH2K9MT`, `vehicle YK19 VBD`, `CP 44160`.
//!
//! **Invariant:** the word stands alone, the gap is bounded, and the code looks like one of the word's kind: linear in
//! the text.

use std::sync::LazyLock;

use super::code::{self, About};
use super::gap::{self, Begin};
use super::plate::{self, Told};
use crate::anonymize::keywords::Begins;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::label::answered;
use crate::anonymize::quick::Map;
use crate::anonymize::sections::{Search, entries};
use crate::anonymize::token::{after, in_token};
use crate::anonymize::words::apart;

/// What a word leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Code(About, Type),
    Plate(Told),
    /// The plate stands before the word.
    PlateBefore,
    Post,
}

const LEADS: &[(&str, Lead)] = &[
    ("order", Lead::Code(About::Order, Type::ID)),
    ("travel", Lead::Code(About::Travel, Type::ID)),
    ("paper", Lead::Code(About::Paper, Type::LICENSE_ID)),
    ("person", Lead::Code(About::Person, Type::ID)),
    ("health", Lead::Code(About::Person, Type::HEALTH_PLAN)),
    ("bank", Lead::Code(About::Bank, Type::ACCOUNT)),
    ("payment", Lead::Code(About::Payment, Type::ID)),
    ("plate", Lead::Plate(Told::Plate)),
    ("vehicle", Lead::Plate(Told::Vehicle)),
    ("plate before", Lead::PlateBefore),
    ("post", Lead::Post),
];

static SEARCH: LazyLock<Search<Lead>> =
    LazyLock::new(|| Search::of(entries(include_str!("../../../words/behind.txt"), LEADS)));

static HEADS: LazyLock<Map<&'static str, Lead>> = LazyLock::new(|| {
    entries(include_str!("../../../words/behind.txt"), LEADS).map(|(lead, word)| (word, lead)).collect()
});

/// What the cells below a header hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head(Lead);

/// What stands below this header, in small letters, if it is one of the words.
pub(crate) fn head(cell: &str) -> Option<Head> {
    let bare = cell.trim_end_matches(['.', ':']);
    HEADS.get(bare).or_else(|| HEADS.get(cell)).copied().map(Head)
}

impl Head {
    /// The type of the cell `from..to`, if the whole of it is such a code.
    pub(crate) fn of(self, text: &str, from: usize, to: usize) -> Option<Type> {
        let (end, ty) = match self.0 {
            Lead::Code(about, ty) => (code::read(text.as_bytes(), from, about, false)?, ty),
            Lead::Plate(_) => (plate::strict(text, from, Told::Plate)?.1, Type::ID),
            Lead::PlateBefore | Lead::Post => return None,
        };
        (end == to).then_some(ty)
    }
}

/// Words of so few letters of an alphabet are short forms.
const SHORT: usize = 3;

/// Codes behind words; `low` is the text in small letters.
pub(super) fn find(text: &str, low: &str, begins: &Begins, out: &mut Vec<Finding>) {
    if !text.bytes().any(|b| b.is_ascii_digit()) {
        return;
    }
    compounds(text, low, out);
    let cased = |c: char| c.is_lowercase() || c.is_uppercase() || c == '_';
    for (hit, lead) in SEARCH.hits_of_words(low, begins) {
        let glued = text.get(..hit.end).is_some_and(|head| head.ends_with(gap::spaceless));
        if !glued && !apart(text, hit.start, hit.end, cased) {
            continue;
        }
        if lead == Lead::PlateBefore {
            if let Some((start, end)) = plate::ahead(text, hit.start) {
                out.push(Finding::new(start, end, Type::ID, Evidence::Label));
            }
            continue;
        }
        let written = text.get(hit.start..hit.end).unwrap_or_default();
        let short = written.chars().filter(|c| c.is_alphabetic()).count() <= SHORT;
        let abbreviated = written.chars().count() <= 5
            || written.contains('.')
            || written.ends_with("nr")
            || written.ends_with("no");
        let Some(begin) = begin(text, low, hit.end, abbreviated) else { continue };
        let small = short && written.chars().any(char::is_lowercase);
        let found = match lead {
            Lead::Code(about, ty) => coded(text, begin, about, small).map(|end| (end, ty)),
            Lead::Plate(told) => plated(text, begin, told).map(|end| (end, Type::ID)),
            Lead::PlateBefore => None,
            Lead::Post => {
                let three = THREE.contains(&low.get(hit.clone()).unwrap_or_default());
                let sure = begin.named || !(small || short && written.is_ascii() && written.contains(' '));
                posted(text.as_bytes(), begin, three).filter(|_| sure).map(|end| (end, Type::POSTCODE))
            }
        };
        if let Some((end, ty)) = found {
            let end = checked(text.as_bytes(), begin.at, end);
            out.push(Finding::new(begin.at, end, ty, Evidence::Label));
        }
    }
}

/// Where the code behind a word begins: on its line, or as the answer on the next.
fn begin(text: &str, low: &str, from: usize, abbreviated: bool) -> Option<Begin> {
    let answer = || answered(text.as_bytes(), from).map(|at| Begin { at, named: true });
    gap::begin(text, low, from, abbreviated).or_else(answer)
}

/// Where a code ends whose check stands in brackets: `G354691(7)`, as in Hong Kong.
fn checked(text: &[u8], start: usize, end: usize) -> usize {
    let check = matches!(text.get(end..end + 3), Some([b'(', b'0'..=b'9' | b'A', b')']));
    let letters = text[start..end].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let shaped = (1..=2).contains(&letters) && text[start + letters..end].iter().all(u8::is_ascii_digit);
    if check && shaped && end - start == letters + 6 { end + 3 } else { end }
}

/// Words for postcodes of three digits: Taiwan's, Iceland's.
const THREE: [&str; 4] = ["郵遞區號", "郵遞區號為", "郵遞區號是", "póstnúmer"];

/// Behind a short form in small letters only what holds a letter or a sign is a code: `rg 36.150.729-X`.
fn coded(text: &str, begin: Begin, about: About, small: bool) -> Option<usize> {
    let end = code::read(text.as_bytes(), begin.at + series(text, begin.at), about, begin.named)?;
    let plain = text.get(begin.at..end)?.bytes().all(|b| b.is_ascii_digit() || b == b' ');
    let strict = small
        && (matches!(about, About::Person | About::Bank)
            || !begin.named && matches!(about, About::Paper | About::Payment));
    (!(strict && plain)).then_some(end)
}

/// Bytes of the letters of another alphabet before the digits: `ХХХ No 0448172031`, `ΑΚ 448172`.
fn series(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let letters: usize =
        rest.chars().take(5).take_while(|c| !c.is_ascii() && c.is_uppercase()).map(char::len_utf8).sum();
    let tail = rest.get(letters..).unwrap_or_default();
    let between =
        [" No ", " No", " ", "-", ""].iter().find(|gap| tail.starts_with(**gap)).map_or(0, |gap| gap.len());
    let digit = tail.get(between..).is_some_and(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
    if letters > 0 && digit { letters + between } else { 0 }
}

/// What the last part of a longer word says, and which longer words do not: `Schadennummer`, no `Zimmernummer`.
struct Suffixes {
    search: Search<()>,
    other: Vec<&'static str>,
}

static SUFFIXES: LazyLock<Suffixes> = LazyLock::new(|| {
    const FILE: &str = include_str!("../../../words/behind.txt");
    Suffixes {
        search: Search::of(entries(FILE, &[("suffix", ())])),
        other: entries(FILE, &[("of things", ())]).map(|(_, word)| word).collect(),
    }
});

/// Numbers behind long words that end in one for a number.
fn compounds(text: &str, low: &str, out: &mut Vec<Finding>) {
    for (hit, ()) in SUFFIXES.search.hits(low) {
        let head = low.get(..hit.start).unwrap_or_default();
        let joined = head.chars().next_back().is_some_and(|c| c.is_lowercase() || c == '-');
        let next = low.get(hit.end..).and_then(|rest| rest.chars().next());
        // A short one only as the whole head.
        let things = SUFFIXES.other.iter().any(|word| {
            head.trim_end_matches('-').strip_suffix(word).is_some_and(|rest| {
                word.len() > 4 || !rest.chars().next_back().is_some_and(char::is_alphabetic)
            })
        });
        if !joined || things || next.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some(begin) = begin(text, low, hit.end, hit.len() <= 4) else { continue };
        if let Some(end) = code::read(text.as_bytes(), begin.at, About::Order, true) {
            out.push(Finding::new(begin.at, end, Type::ID, Evidence::Label));
        }
    }
}

fn plated(text: &str, begin: Begin, told: Told) -> Option<usize> {
    let sure = if begin.named && told == Told::Vehicle { Told::Vehicle } else { told };
    plate::strict(text, begin.at, sure).map(|(_, end)| end)
}

/// `44160`, `110 00`, `00-950`, `01310-100`, `7411 BR`, `1000`.
fn posted(text: &[u8], begin: Begin, three: bool) -> Option<usize> {
    let start = begin.at;
    let run =
        |at: usize| text.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let first = run(start);
    let sep = after(text, start + first);
    let second = run(start + first + 1);
    let letters = text.get(start + first + 1..).unwrap_or_default();
    let letters = letters.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let len = match (first, sep, second) {
        (5, b'-', 3 | 4) | (4, b'-', 3) | (3, b'-', 4) | (2, b'-', 3) | (3, b' ', 2 | 3) => {
            first + 1 + second
        }
        (4, b' ', _) if letters == 2 => first + 3,
        (3, _, _) if three => first,
        (4..=7, _, _) => first,
        _ => return None,
    };
    let end = start + len;
    let open = in_token(after(text, end)) || matches!(after(text, end), b'%' | b'_');
    let timed = b":./,".contains(&after(text, end)) && after(text, end + 1).is_ascii_digit();
    let year = first == len && first == 4 && matches!(&text[start..start + 2], b"19" | b"20");
    let none = open || timed || year && !begin.named;
    (!none).then_some(end)
}

#[cfg(test)]
mod tests;
