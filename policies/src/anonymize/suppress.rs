//! Suppression: what looks like an identifier and is none, taken from the findings of weak evidence.
//!
//! **Invariant:** labelled, secret and propagated findings are never touched, validated ones only behind the name of a
//! public catalogue.

use std::sync::LazyLock;

use super::cue::{Reading, Role};
use super::kind::{Evidence, Finding, Type};
use super::ner;
use super::quick::Set;
use super::words::Word;

mod catalogue;
mod clinical;
mod edge;
mod eponyms;

pub(crate) use edge::is_nobody;

struct Lists {
    /// Drugs and products: never anybody's.
    things: Set<String>,
    names: Set<&'static str>,
    /// Parts of names that hold several: `kayser fleischer`.
    parts: Set<String>,
    frames: Set<&'static str>,
    measures: Set<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let eponyms = include_str!("../../suppress/eponyms.txt");
    let drugs = lines(include_str!("../../suppress/drugs.txt")).flat_map(|line| line.split(' '));
    let products = lines(include_str!("../../suppress/products.txt")).flat_map(|line| {
        let by = if line.contains(',') { ',' } else { ' ' };
        line.split(by).map(str::trim)
    });
    let parts = section(eponyms, "whole")
        .filter(|entry| entry.contains([' ', '-']))
        .flat_map(|entry| plain(entry).split(' ').map(str::to_owned).collect::<Vec<_>>());
    let parts = parts.collect();
    let wholes = ["whole", "phrase"].into_iter().flat_map(|name| section(eponyms, name));
    let things = drugs.chain(products).chain(wholes).map(plain).collect();
    Lists {
        things,
        parts,
        names: section(eponyms, "name").collect(),
        frames: section(eponyms, "frame").collect(),
        measures: lines(include_str!("../../suppress/measures.txt"))
            .flat_map(|line| line.split(' '))
            .collect(),
    }
});

/// Somebody that a disease, a sign or a test is called after, in lower case.
fn is_eponym(word: &str) -> bool {
    LISTS.names.contains(word) || LISTS.parts.contains(word)
}

/// All words that are such names, and some entries that are more than a word.
pub(crate) fn eponyms() -> impl Iterator<Item = &'static str> {
    LISTS.names.iter().copied().chain(LISTS.parts.iter().map(String::as_str))
}

fn lines(source: &'static str) -> impl Iterator<Item = &'static str> {
    source.lines().filter(|line| !line.starts_with('#'))
}

fn section(source: &'static str, name: &str) -> impl Iterator<Item = &'static str> {
    let head = format!("[{name}]");
    let body =
        lines(source).skip_while(move |line| *line != head).skip(1).take_while(|line| !line.starts_with('['));
    body.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty())
}

/// A phrase in lower case, one space between its words, without a possessive.
fn plain(phrase: &str) -> String {
    let mut low = phrase.to_lowercase();
    if low.contains('-') {
        low = low.replace('-', " ");
    }
    let len = bare(&low).len();
    low.truncate(len);
    low
}

/// Without a possessive.
fn bare(low: &str) -> &str {
    low.strip_suffix("'s").or_else(|| low.strip_suffix('\'')).unwrap_or(low)
}

/// Takes away what the lists know to be no identifier.
pub(crate) fn apply(r: &Reading<'_>, out: &mut Vec<Finding>) {
    out.retain_mut(|f| {
        let Some(shorter) = edge::trimmed(r, f) else { return false };
        *f = shorter;
        !(weak(f) && harmless(r, f) || catalogue::coded(r, f))
    });
}

/// Found by its look alone.
fn weak(f: &Finding) -> bool {
    f.evidence < Evidence::Label && f.evidence != Evidence::Failed && f.evidence != Evidence::ValueOnly
}

/// No list has a longer word, in bytes; text without spaces can be one word of any length.
const LONGEST: usize = 128;

fn harmless(r: &Reading<'_>, f: &Finding) -> bool {
    let first = r.words.partition_point(|word| word.end <= f.start);
    let last = r.words.partition_point(|word| word.start < f.end).saturating_sub(1);
    let listed = |words: &[Word]| words.iter().all(|word| word.end - word.start <= LONGEST);
    if !r.words.get(first..=last).is_some_and(listed) {
        return false;
    }
    if edge::counts(r, f, first, last) {
        return true;
    }
    if f.ty == Type::DATE {
        return f.evidence == Evidence::Model && no_day(r.text.get(f.start..f.end).unwrap_or_default());
    }
    if [Type::POSTCODE, Type::GEO].contains(&f.ty) {
        return measured(r, first, last) || f.ty == Type::POSTCODE && priced(r, first);
    }
    if !f.ty.names() {
        return false;
    }
    let text = r.text.get(f.start..f.end).unwrap_or_default();
    let placed = [Type::STATE, Type::COUNTRY, Type::CITY].contains(&f.ty);
    // `Ottawa ankle rules`, taken for a clinic.
    let last =
        if f.ty == Type::FACILITY && f.evidence == Evidence::Model && first < last { last - 1 } else { last };
    let placed = placed || f.ty == Type::FACILITY && f.evidence == Evidence::Model;
    of_nobody(r, f, first, last)
        || clinical::harmless(r, f, first, last)
        || f.ty != Type::STATE && thing(r, text, first, last) && !bears(r, f, first, last)
        || f.evidence <= Evidence::Shape && of_phrase(r, first, last)
        || framed(r, f, first, last)
        || said(r, f, first, last)
        || placed && of_thing(r, last)
}

/// `Freundliche Grüsse`, taken for the town behind an address; `Der Versicherte, 52 Jahre`.
fn of_nobody(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    let titled = first.checked_sub(1).is_some_and(|b| r.has(b, Role::Honorific));
    let told = f.ty == Type::CITY || f.ty == Type::NAME && first == last && !titled;
    told && (first..=last).all(|i| is_nobody(r.low(i)) && !is_given(r.low(i)))
}

/// A drug, a product, an organism, a score.
fn thing(r: &Reading<'_>, text: &str, first: usize, last: usize) -> bool {
    // `Apex Heart Clinic`: of words of things and others, with the word that says what bears them for a name.
    if last >= first + 2
        && r.has(last, Role::FacilityAfter)
        && (first..=last).all(|i| r.word(i).is_some_and(Word::capital))
    {
        return false;
    }
    let known = |i: usize| LISTS.things.contains(bare(r.low(i)));
    LISTS.things.contains(&plain(text))
        || (first..=last).all(|i| known(i) || r.has(i, Role::Common))
        || first < last && known(first) && r.has(last, Role::Common)
}

/// `88/52`, `21/22`: no month and day in either order, nor a month and a year as it is written with a stroke.
fn no_day(text: &str) -> bool {
    let Some((a, b)) = text.split_once('/') else { return false };
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 3);
    let (Some(a), Some(b)) = (number(a), number(b)) else { return false };
    let day = |month: u32, day: u32| (1..=12).contains(&month) && (1..=31).contains(&day);
    !(day(a, b) || day(b, a) || (1..=12).contains(&a) && b <= 99)
}

/// `Rocky` of `Rocky Mountain spotted fever`, `Lund` of `Lund-Browder`: a part of what the lists have as a whole.
fn of_phrase(r: &Reading<'_>, first: usize, last: usize) -> bool {
    const REACH: usize = 3;
    let joined = |i: usize| matches!(r.gap(i), " " | "-" | "\u{2013}");
    let starts = (first.saturating_sub(REACH)..=first).rev().take_while(|i| *i == first || joined(*i));
    starts.into_iter().any(|start| {
        let mut phrase = String::new();
        (start..=last + REACH).take_while(|i| *i == start || joined(i - 1)).any(|i| {
            if i > start {
                phrase.push(' ');
            }
            phrase.push_str(bare(r.low(i)));
            i >= last && i > start && phrase.len() <= LONGEST && LISTS.things.contains(&phrase)
        })
    })
}

/// `seen by K. Parkinson`, `d/w Hodgkin`, `C.F.`: a frame of persons makes a person of what is else a thing or a
/// word of the sentence; `Parkinson's` stays the thing.
fn bears(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    if f.ty != Type::NAME || f.evidence != Evidence::Shape {
        return false;
    }
    let drug = (first..=last).any(|i| {
        let low = bare(r.low(i));
        low.len() > 2 && LISTS.things.contains(low) && !is_eponym(low) && !is_given(low)
    });
    let whole = plain(r.text.get(f.start..f.end).unwrap_or_default());
    let owned = r.gap(last).starts_with('\'') && LISTS.things.contains(bare(r.low(last)));
    let joint = whole.contains(' ') && LISTS.things.contains(&whole);
    let small = first < last
        && (first..=last).all(|i| r.has(i, Role::Common) && !r.word(i).is_some_and(Word::initial))
        && r.word(first).is_some_and(|w| w.caps != super::words::Caps::Title);
    !drug && !owned && !joint && !small
}

/// `Ruby`: a thing's name that people have.
fn is_given(low: &str) -> bool {
    ner::lists_of(low) & ner::lists::GIVEN != 0
}

/// What is called after somebody, and nobody has.
const OWNED: [&str; 34] = [
    "sign",
    "signs",
    "syndrome",
    "triad",
    "tetrad",
    "maneuver",
    "manoeuvre",
    "law",
    "phenomenon",
    "reflex",
    "palsy",
    "criteria",
    "classification",
    "equation",
    "theorem",
    "algorithm",
    "disease",
    "rule",
    "score",
    "scale",
    "faces",
    "exercises",
    "diverticulum",
    "fracture",
    "procedure",
    "stage",
    "staging",
    "grading",
    "node",
    "nodule",
    "tumor",
    "tube",
    "clamp",
    "hump",
];

/// `Parkinson disease`, `Hashimoto thyroiditis`, `Wells' score`, `Kaplan-Meier curve`, and the list `Crohn or Addison disease`.
fn framed(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    let name = |i: usize| LISTS.names.contains(r.low(i));
    let frame = |i: usize| LISTS.frames.contains(r.low(i));
    // `foramen of Monro`, `circle of Willis`; no `patients of Petrovic`.
    let anybody = r.lists(last) & (ner::lists::GIVEN | ner::lists::SURNAME) != 0;
    let owned = f.ty == Type::NAME && (name(last) || !anybody);
    if owned && first >= 2 && r.str(first - 1) == "of" && frame(first - 2) {
        return true;
    }
    // `Frank's sign`, `Levine's sign`: whoever it was.
    if r.gap(last) == "'" && r.is(last + 1, "s") && OWNED.iter().any(|word| r.is(last + 2, word)) {
        return true;
    }
    let unknown = f.evidence <= Evidence::Model && name(first) && eponyms::is_unknown(r, first);
    if first == last && (unknown || eponyms::among(r, first)) {
        return true;
    }
    // `Evans syndrome`, `Killian-Jamieson diverticulum`: two joined names, or one before what nobody has.
    let tied = f.evidence < Evidence::Shape && r.gap(last) == "-" && r.proper(last + 1);
    let end = if tied { last + 1 } else { last };
    let joint = first < end && (first..end).all(|i| r.gap(i) == "-");
    let owned = OWNED.iter().any(|word| r.is(end + 1, word));
    let owned = owned && (joint || first == last && f.evidence < Evidence::Shape);
    let joint = joint && f.evidence < Evidence::Shape && frame(end + 1);
    if r.gap(end) == " " && (owned || joint) {
        return true;
    }
    // The frame may have been taken for a part of the name.
    if (first..=last).any(|i| name(i) && i < last && frame(i + 1)) {
        return true;
    }
    let inside = first < last && frame(last) && name(last - 1);
    if !name(last) && !inside {
        return false;
    }
    let mut at = last;
    for _ in 0..5 {
        let gap = r.gap(at);
        if gap.contains(['.', '\n', ';', ':', '(']) {
            return false;
        }
        at += 1;
        if frame(at) {
            return true;
        }
        let link = ["s", "or", "and", "und", "type", "i", "ii", "vs", "versus"].contains(&r.low(at));
        let also = r.word(at).is_some_and(Word::capital) && (name(at) || gap == "-");
        if !link && !also {
            return false;
        }
    }
    false
}

/// Months and names as other words at the head of a sentence: `May I`, `Will you`, `Grace period`.
fn said(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    const OTHER: &[&str] = &[
        "May", "Will", "Mark", "Grace", "Hope", "Bill", "Chase", "Grant", "Faith", "Joy", "Rose", "Drew",
        "Sue", "Art", "Pat", "Rob", "Nick", "Frank", "Rich", "June", "April", "August", "Summer", "Dawn",
        "Iris", "Miles", "Max", "Ray", "Gene", "Jack", "Don", "Sunny", "Dot", "Page",
    ];
    let word = r.str(first);
    let lower = r.word(last + 1).is_some_and(|w| w.caps == super::words::Caps::Lower) && r.gap(last) == " ";
    let does = r.has(last + 1, Role::Does) || f.evidence == Evidence::Shape && r.is(last + 1, "is");
    f.ty == Type::NAME && first == last && OTHER.contains(&word) && r.begins(first) && lower && !does
}

/// `Boston criteria`, `Vancouver style`: a place that a thing is called after.
fn of_thing(r: &Reading<'_>, last: usize) -> bool {
    const STYLES: &[&str] = &[
        "style",
        "cream",
        "roll",
        "pizza",
        "syrup",
        "red",
        "blue",
        "plan",
        "declaration",
        "convention",
        "protocol",
        "time",
        "virus",
        "fever",
        "flu",
        "criteria",
        "classification",
        "grading",
        "grade",
        "consensus",
        "guidelines",
        "stage",
        "staging",
        "ankle",
        "knee",
        "coma",
        "postnatal",
        "definition",
        "accord",
        "score",
        "scale",
    ];
    r.gap(last) == " " && {
        let next = r.low(last + 1);
        let scored = r.gap(last + 1) == " "
            && [
                "score",
                "scale",
                "index",
                "criteria",
                "classification",
                "rule",
                "rules",
                "screening",
                "test",
            ]
            .iter()
            .any(|word| r.is(last + 2, word));
        STYLES.contains(&next) || scored || LISTS.frames.contains(next) && LISTS.names.contains(r.low(last))
    }
}

/// `4000 mg`, `10115 people`, `v2.10115`.
fn measured(r: &Reading<'_>, first: usize, last: usize) -> bool {
    let unit = r.gap(last) == " " && LISTS.measures.contains(r.low(last + 1));
    let versioned =
        first.checked_sub(1).is_some_and(|b| matches!(r.low(b), "v" | "version" | "port" | "step"));
    unit || r.gap(last).starts_with('%') || versioned
}

fn priced(r: &Reading<'_>, first: usize) -> bool {
    r.gap_before(first).ends_with(['$', '€', '£', '¥'])
}

#[cfg(test)]
mod tests;
