//! How far a name reaches: capitalised words, initials, particles and suffixes.

use super::known;
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::date;
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::words::{Caps, Word};

/// What the frame vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Capitals, and no common word.
    Capital,
    /// As above, but the first may be a common word with a capital.
    Sure,
    /// As above, and lower case.
    Loose,
}

const LONGEST: usize = 5;

/// The last word of the name that begins at word `first`.
pub(crate) fn run(r: &Reading<'_>, first: usize, how: How) -> Option<usize> {
    let mut last = None;
    let mut full = 0;
    let mut initials = 0;
    let mut at = first;
    // `Ana Reis e moro`: behind a capital, small letters are no name.
    let told = r.word(first).is_some_and(Word::capital);
    let rest = if how == How::Loose && told { How::Sure } else { how };
    while at < first + LONGEST + 3 && full < LONGEST {
        let word = *r.word(at)?;
        if at > first && !joined(r, at - 1) {
            break;
        }
        if word.initial() {
            initials += 1;
            // A trailing initial belongs to the name only with its dot or before another part.
            let dotted = r.gap(at).starts_with('.');
            if full == 0 || dotted || closes(r, at) || next_part(r, at, rest) {
                last = if full > 0 || dotted { Some(at) } else { last };
            } else {
                break;
            }
        } else if full > 0 && r.has(at, Role::Suffix) && word.caps != Caps::Lower {
            last = Some(at);
        } else if syllables(r, at) {
            full += 1;
            at += 1;
            last = Some(at);
        } else if part(r, at, if at == first { how } else { rest }, at == first) {
            full += 1;
            last = Some(at);
        } else if full > 0 && ["Le", "Das", "Ho"].contains(&r.str(at)) && !next_part(r, at, rest) {
            last = Some(at);
        } else if !(particle(r, at)
            && (next_part(r, at, rest) || particle(r, at + 1) && next_part(r, at + 1, rest)))
        {
            break;
        }
        at += 1;
        if r.word(at).is_none() {
            break;
        }
    }
    last.filter(|_| full > 0 || initials >= 2)
}

/// Syllables that given names of Korea and China are joined of, in Latin letters.
const SYLLABLES: [&str; 74] = [
    "ae", "bae", "bin", "chae", "chan", "cheol", "chul", "chun", "dae", "dong", "eun", "gi", "gyu", "hae",
    "hee", "ho", "hong", "hoon", "hui", "hun", "hwa", "hwan", "hye", "hyeon", "hyun", "jae", "jeong", "jin",
    "ji", "joo", "joon", "joong", "ju", "jun", "jung", "kyu", "kyung", "kwang", "mi", "min", "mun", "myung",
    "ran", "sang", "seo", "seok", "seon", "seung", "soo", "sook", "su", "suk", "sun", "sung", "tae", "uk",
    "won", "woo", "ye", "yeon", "yong", "yoo", "yoon", "young", "yu", "yun", "ling", "mei", "xiao", "wei",
    "hua", "ming", "li", "fang",
];

/// `Min-jun`, `Mei-Ling`: words `i` and the next.
pub(super) fn syllables(r: &Reading<'_>, i: usize) -> bool {
    let is = |k: usize| {
        let small = r.str(k);
        small.len() <= 6 && SYLLABLES.iter().any(|syllable| small.eq_ignore_ascii_case(syllable))
    };
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title);
    let closed = !r.gap(i + 1).starts_with('-');
    title
        && r.gap(i) == "-"
        && closed
        && is(i)
        && is(i + 1)
        && r.word(i + 1).is_some_and(|w| w.caps != Caps::Upper)
}

/// The name ends behind word `i`: its field or line does, or a label follows.
fn closes(r: &Reading<'_>, i: usize) -> bool {
    let gap = r.gap(i);
    i + 1 == r.words.len()
        || gap.starts_with(['\n', ',', ')', ';', '|', '('])
        || gap.starts_with(" (")
        || r.has(i + 1, Role::Label)
}

fn particle(r: &Reading<'_>, i: usize) -> bool {
    r.has(i, Role::Particle) && r.word(i).is_some_and(|w| !w.initial())
}

fn next_part(r: &Reading<'_>, i: usize, how: How) -> bool {
    joined(r, i) && (part(r, i + 1, how, false) || r.word(i + 1).is_some_and(Word::initial))
}

/// Do word `i` and the next stand together as parts of names do?
fn joined(r: &Reading<'_>, i: usize) -> bool {
    let short = r.word(i).is_some_and(|w| w.chars <= 2 || w.initial());
    let suffix = r.has(i + 1, Role::Suffix);
    match r.gap(i) {
        " " | "-" | "'" => true,
        ". " | "." => short,
        ", " => suffix && r.word(i + 1).is_some_and(|w| w.chars <= 3),
        _ => false,
    }
}

/// Can word `i` be a part of a name?
fn part(r: &Reading<'_>, i: usize, how: How, first: bool) -> bool {
    let Some(word) = r.word(i) else { return false };
    if word.digits > 0 || word.chars < 2 && word.caps != Caps::None || word.chars > 30 {
        return false;
    }
    let common = r.has(i, Role::Common);
    if r.has(i, Role::Label) && word.caps != Caps::Title || credential(r, i, word) {
        return false;
    }
    // A title before a name is no part of it.
    let titled = r.has(i, Role::Honorific) && r.word(i + 1).is_some_and(Word::capital) && first;
    match word.caps {
        Caps::Title => {
            let kept = how != How::Capital && if first { kept(r, i) } else { BORNE.contains(&r.str(i)) };
            !titled && (!common || kept)
        }
        Caps::Upper => !titled && !common && !r.has(i, Role::StateCode),
        Caps::Lower => how == How::Loose && !common && !titled && !r.has(i, Role::Particle),
        Caps::None => how != How::Capital && word.chars <= 12,
    }
}

/// Common words that many are called by.
const BORNE: [&str; 17] = [
    "Day", "Long", "Short", "Black", "White", "Brown", "Young", "King", "Bishop", "Price", "Page", "Green",
    "Stone", "Hill", "Little", "Wood", "An",
];

/// A common word with a capital may be a name where the frame is sure, if no other label speaks through it.
fn kept(r: &Reading<'_>, i: usize) -> bool {
    let word = r.str(i);
    const NEVER: &[&str] = &[
        "The",
        "And",
        "For",
        "With",
        "Is",
        "Was",
        "Has",
        "Had",
        "In",
        "On",
        "At",
        "To",
        "Of",
        "We",
        "He",
        "She",
        "They",
        "You",
        "It",
        "I",
        "If",
        "My",
        "Your",
        "Our",
        "Please",
        "Patient",
        "Date",
        "Name",
        "Address",
        "Phone",
        "Sir",
        "Madam",
        "Team",
        "All",
        "Everyone",
        "There",
        "This",
        "That",
        "Who",
        "What",
        "How",
        "When",
        "Where",
        "Why",
        "No",
        "Not",
        "Can",
        "Could",
        "Would",
        "Should",
        "Will",
        "Do",
        "Does",
        "Did",
        "Are",
        "Am",
        "Be",
        "Been",
        "Und",
        "Der",
        "Die",
        "Das",
        "Et",
        "Le",
        "La",
        "Les",
        "El",
        "Los",
        "Las",
        "Practitioner",
        "Manager",
        "Reports",
        "Denies",
        "Male",
        "Female",
        "Unknown",
        "None",
        "Same",
        "Self",
        "Customer",
        "Sent",
        "Support",
        "Mr",
        "Mrs",
        "Ms",
        "Dr",
        "Office",
    ];
    !NEVER.contains(&word) && !r.has(i, Role::Label) && !r.has(i, Role::FacilityAfter) && !r.begins(i + 1)
        || BORNE.contains(&word)
}

fn credential(r: &Reading<'_>, i: usize, word: &Word) -> bool {
    r.has(i, Role::Credential)
        && (word.caps == Caps::Upper || matches!(r.str(i), "PhD" | "PharmD" | "PsyD" | "Esq"))
}

/// As [`run`] on capitals, where the frame vouches for a word that is a name too: `d/w Day`, `with Art Brown`.
pub(super) fn borne(r: &Reading<'_>, first: usize) -> Option<usize> {
    run(r, first, How::Capital).or_else(|| {
        let word = r.word(first).filter(|w| w.digits == 0 && w.chars >= 3)?;
        let next = r.gap(first) == " "
            && r.word(first + 1).is_some_and(|w| w.caps == Caps::Upper && w.chars >= 2)
            && (known::bearable(r, first + 1) || r.has(first + 1, Role::Particle));
        let upper = word.caps == Caps::Upper && (next || known::capitals(r, first));
        let told = word.caps == Caps::Title || upper;
        let fits = told && known::bearable(r, first) && !known::small_word(r, first);
        let fits = fits && !date::is_weekday(r.str(first));
        fits.then(|| run(r, first, How::Sure).unwrap_or(first))
    })
}

/// A name in a text of small letters: no word of the language, and what follows goes on as behind a name.
pub(crate) fn small(r: &Reading<'_>, first: usize) -> Option<usize> {
    const ON: [&str; 20] = [
        "and", "from", "on", "at", "in", "who", "next", "re", "about", "for", "is", "was", "has", "had",
        "says", "said", "did", "to", "would", "died",
    ];
    let can = |i: usize| {
        let bearable = known::bearable(r, i);
        r.word(i).is_some_and(|w| w.caps == Caps::Lower && w.digits == 0 && w.chars >= 3)
            && (!r.has(i, Role::Common) && (bearable || !known::common(r, i) && !formed(r.str(i))))
            && !is_nobody(r.str(i))
            && !r.has(i, Role::Label)
    };
    if !can(first) || !among_small(r, first) {
        return None;
    }
    let last =
        if r.gap(first) == " " && can(first + 1) && known::bearable(r, first) { first + 1 } else { first };
    let gap = r.gap(last);
    let on = gap != " " || ON.contains(&r.str(last + 1)) || r.word(last + 1).is_some_and(|w| w.digits > 0);
    on.then_some(last)
}

/// Of the words around word `i` few have a capital.
fn among_small(r: &Reading<'_>, i: usize) -> bool {
    const NEAR: usize = 24;
    let near = &r.words[i.saturating_sub(NEAR)..r.words.len().min(i + NEAR)];
    near.iter().filter(|w| w.caps == Caps::Title).count() * 4 < near.len()
}

/// Ends as words of the language and of medicine do.
fn formed(word: &str) -> bool {
    const ENDS: [&str; 22] = [
        "ing", "ed", "al", "ent", "ant", "ous", "ic", "ive", "ble", "ly", "ful", "less", "ist", "ion",
        "osis", "itis", "emia", "logy", "pathy", "ics", "ness", "ment",
    ];
    ENDS.iter().any(|end| word.ends_with(end))
}

/// The first word of the name that ends at word `last`: capitals that are no common words.
pub(crate) fn left(r: &Reading<'_>, last: usize) -> Option<usize> {
    let name = |i: usize| {
        r.word(i).is_some_and(|w| w.initial() || w.caps == Caps::Title && w.chars >= 2)
            && !r.has(i, Role::Common)
            || r.word(i).is_some_and(|w| w.caps == Caps::Upper && w.chars >= 3) && r.proper(i)
    };
    let titled = |i: usize| r.has(i, Role::Honorific) && r.word(i).is_some_and(|w| w.chars <= 4);
    let mut first = Some(last).filter(|i| name(*i) && !r.word(*i).is_some_and(Word::initial))?;
    for _ in 0..3 {
        let Some(before) = first.checked_sub(1).filter(|i| joined(r, *i)) else { break };
        if !name(before) || titled(before) {
            break;
        }
        first = before;
    }
    Some(first)
}

/// The value of a label that names a person: `Doe, John M.`, `john doe`, `王小明`. Its first and last word. Lower case
/// is a name behind a label that says `name`, and behind others where two words fill the field.
pub(crate) fn value(r: &Reading<'_>, first: usize, says_name: bool) -> Option<(usize, usize)> {
    let mut from = first;
    while r.has(from, Role::Honorific) && matches!(r.gap(from), " " | ". ") && from < first + 3 {
        from += 1;
    }
    if date::is_weekday(r.str(from)) {
        return None;
    }
    let capital = r.word(from).is_some_and(Word::capital);
    let how = if !says_name && capital {
        How::Capital
    } else if r.has(from, Role::Common) {
        How::Sure
    } else {
        How::Loose
    };
    let mut last = run(r, from, how)?;
    let word = r.word(from)?;
    let lower = word.caps == Caps::Lower && !(last > from && closes(r, last));
    let acronym = last == from && word.caps == Caps::Upper && word.chars <= 4;
    if !says_name && (lower || acronym) {
        return None;
    }
    if r.gap(last) == ", " && last - from < 3 && r.proper(last + 1) && !r.has(last + 1, Role::Label) {
        let credential = r.word(last + 1).is_some_and(|w| credential(r, last + 1, w));
        if let Some(end) = run(r, last + 1, How::Capital).filter(|_| !credential) {
            last = end;
        }
    }
    Some((from, last))
}
