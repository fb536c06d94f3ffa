//! Hospitals, schools and stations by the words of languages that inflect, that join words, or that write no spaces:
//! `Обласній лікарні Святого Пантелеймона`, `Ruskeasannan lukiota`, `Engdalskolen`, `桜ヶ丘ひかり保育園`, `한빛누리병원`.
//!
//! **Invariant:** a kind alone is none: a name in capitals stands beside it, or letters of its word before it.

use std::sync::LazyLock;

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::quick::{Map, Set};
use crate::anonymize::sections::{Search, entries, entries_of};
use crate::anonymize::words::{Caps, Word};

const WORDS: &str = include_str!("../../../words/kinds.txt");

struct Lists {
    /// By their first three letters.
    stems: Map<String, Vec<&'static str>>,
    endings: Vec<&'static str>,
    plain: Set<&'static str>,
    particles: Vec<&'static str>,
    spaced: Set<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut stems: Map<String, Vec<&'static str>> = Map::default();
    for stem in entries_of::<Vec<&'static str>>(WORDS, "stem") {
        stems.entry(stem.chars().take(HEAD).collect()).or_default().push(stem);
    }
    Lists {
        stems,
        endings: entries_of(WORDS, "ending"),
        plain: entries_of(WORDS, "plain"),
        particles: entries_of(WORDS, "particle"),
        spaced: entries_of(WORDS, "spaced"),
    }
});

static GLUED: LazyLock<Search<()>> = LazyLock::new(|| Search::of(entries(WORDS, &[("glued", ())])));

/// Letters by which a stem is looked up, and those of the longest ending behind it.
const HEAD: usize = 3;
const ENDING: usize = 7;
/// The most words of a name on one side of its kind, and the most signs before one that is glued.
const NAMES: usize = 4;
const SIGNS: usize = 14;

/// Facilities of the text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for (i, word) in r.words.iter().enumerate() {
        if word.caps == Caps::None && word.digits == 0 && LISTS.spaced.contains(r.str(i)) {
            spaced(r, i, out);
        }
        if word.digits > 0 || word.chars < 5 || word.caps == Caps::None {
            continue;
        }
        if word.caps == Caps::Title && ends_as_one(r, i) {
            r.mark((i, i), Type::FACILITY, Evidence::Shape, out);
        } else if is_kind(r.low(i)) {
            around(r, i, out);
        }
    }
    if !r.text.is_ascii() {
        glued(r.text, out);
    }
}

/// Does a word for such a house, with whatever ending, stand there?
fn is_kind(low: &str) -> bool {
    let head = low.char_indices().nth(HEAD).map_or(low.len(), |(at, _)| at);
    let fits = |stem: &&str| {
        low.strip_prefix(*stem).is_some_and(|ending| ending.len() <= ENDING * 2 && !ending.contains('-'))
    };
    low.get(..head).and_then(|head| LISTS.stems.get(head)).is_some_and(|stems| stems.iter().any(fits))
}

/// `Engdalskolen`: a word inside a sentence with a capital.
fn ends_as_one(r: &Reading<'_>, i: usize) -> bool {
    let low = r.low(i);
    let inside = !r.begins(i) && r.gap_before(i).ends_with(' ');
    inside
        && low.len() >= 8
        && LISTS.endings.iter().any(|end| low.len() >= end.len() + 4 && low.ends_with(end))
        && !LISTS.plain.contains(low)
        && !r.has(i, Role::Common)
}

/// The kind at word `i` with the capitals on both sides.
fn around(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let capital = |k: usize| {
        r.word(k).is_some_and(|w| w.capital() && w.chars >= 2)
            && !r.has(k, Role::Honorific)
            && !LISTS.plain.contains(r.low(k))
    };
    let (mut first, mut last, mut named) = (i, i, false);
    while let Some(b) = first.checked_sub(1).filter(|b| i - b <= NAMES) {
        let near = matches!(r.gap(b), " " | "-" | " - ") || r.gap(b) == ". " && r.str(b).len() <= 4;
        let opens = r.begins(b) && (r.has(b, Role::Common) || !r.proper(b));
        if !near || !capital(b) || opens {
            break;
        }
        named |= r.proper(b);
        first = b;
    }
    while last < i + NAMES {
        let next = last + 1;
        let near = matches!(r.gap(last), " " | "-" | " \"" | " \u{ab}")
            || r.gap(last) == ". " && r.str(last).chars().count() <= 3;
        let link = ["sv", "św", "св", "im", "ім", "им", "de", "v", "na", "u", "nad"].contains(&r.str(next));
        let linked = link && r.word(next + 1).is_some_and(Word::capital);
        if !near || !(capital(next) || linked && r.gap(next).len() <= 2) {
            break;
        }
        named |= r.proper(next);
        last = next;
    }
    // `Szkoły Podstawowej nr 3`, `школа № 5`.
    let sign = ["nr", "no", "č", "num"].contains(&r.str(last + 1)) && r.gap(last) == " ";
    let number = last + 1 + usize::from(sign);
    let counted = matches!(r.gap(number - 1), " " | ". " | " № " | " №" | " No " | " No");
    let counted = counted && (sign || r.gap(last).contains(['№', 'N']));
    if counted && r.word(number).is_some_and(|w| w.is_number() && w.digits <= 4) {
        (last, named) = (number, true);
    }
    // `Больница имени` alone, and a list of capitals that is no name.
    if named && (r.word(i).is_some_and(|w| w.caps != Caps::Upper) || first < i) {
        r.mark((first, last), Type::FACILITY, Evidence::Shape, out);
    }
}

/// `पटना जंक्शन`: the word before a kind, in scripts without capitals.
fn spaced(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(name) = i.checked_sub(1).filter(|b| r.gap(*b) == " ") else { return };
    let worded = r.word(name).is_some_and(|w| w.caps == Caps::None && w.digits == 0 && w.chars >= 3);
    if worded && !LISTS.plain.contains(r.str(name)) && !LISTS.spaced.contains(r.str(name)) {
        r.mark((name, i), Type::FACILITY, Evidence::Shape, out);
    }
}

/// A sign that is no part of a name: what an address or a sentence of Chinese or Japanese goes on with.
fn stops(c: char) -> bool {
    const CHINESE: &str = "我你他她您们去到在住进送看找回来上从被把和跟与等了过着要想说请带的是给往至由于就也都很最向让離离這这那哪某每各该該本一二两兩几幾个個家所間间座";
    const JAPANESE: &str = "はがをにでとへのも、";
    !c.is_alphanumeric() && !"ー・ヶ".contains(c) || CHINESE.contains(c) || JAPANESE.contains(c)
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{3040}'..='\u{30ff}' | '\u{3005}')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

/// Names that are one word with their kind.
fn glued(text: &str, out: &mut Vec<Finding>) {
    let mut until = 0;
    for (hit, ()) in GLUED.hits(text) {
        let Some((head, rest)) = text.get(..hit.start).zip(text.get(hit.end..)) else { continue };
        let hangul = text.get(hit.clone()).is_some_and(|kind| kind.starts_with(is_hangul));
        let goes_on = if hangul {
            !closes(rest)
        } else {
            rest.starts_with(['生', '長', '长', '院', '費', '费', '代', '側'])
        };
        let kind = |c: char| if hangul { is_hangul(c) } else { is_han(c) && !stops(c) };
        let name: Vec<char> = head.chars().rev().take(SIGNS).take_while(|c| kind(*c)).collect();
        let len: usize = name.iter().map(|c| c.len_utf8()).sum();
        let start = hit.start - len;
        let written = text.get(start..hit.start).unwrap_or_default();
        // What ends as verbs and adjectives of Japanese do says something of the house.
        let said = name.first().is_some_and(|c| "いたるうなくたて".contains(*c)) && !hangul;
        let named = name.len() >= 2 && !said && !LISTS.plain.contains(written) && start >= until;
        if named && !goes_on {
            out.push(Finding::new(start, hit.end, Type::FACILITY, Evidence::Shape));
            until = hit.end;
        }
    }
}

/// The word of Korean ends here, but for a particle.
fn closes(rest: &str) -> bool {
    !rest.starts_with(is_hangul)
        || LISTS
            .particles
            .iter()
            .any(|tail| rest.strip_prefix(tail).is_some_and(|more| !more.starts_with(is_hangul)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn houses_by_their_kind() {
        for (text, want) in [
            (
                "лікується в Обласній лікарні Святого Пантелеймона, палата",
                "Обласній лікарні Святого Пантелеймона",
            ),
            ("zit bij Hlavnej stanici dnes", "Hlavnej stanici"),
            ("wir treffen uns am Kölner Hauptbahnhof um", "Kölner Hauptbahnhof"),
            ("käy Ruskeasannan lukiota ja", "Ruskeasannan lukiota"),
            ("klo 8.15 Kuusiniemen terveysasemalla.", "Kuusiniemen terveysasemalla"),
            ("leży w Szpitalu Bielańskim od", "Szpitalu Bielańskim"),
            ("chodzi do Szkoły Podstawowej nr 3 na", "Szkoły Podstawowej nr 3"),
            ("учится в школе № 57 с", "школе № 57"),
            ("ležel v nemocnici Motol týden", "nemocnici Motol"),
            ("skal starte på Engdalskolen efter", "Engdalskolen"),
            ("ligger på Karlssjukhuset nu", "Karlssjukhuset"),
            ("娘が桜ヶ丘ひかり保育園で熱", "桜ヶ丘ひかり保育園"),
            ("荷物を関西国際空港で受け取り", "関西国際空港"),
            ("我妈妈在仁济医院住院", "仁济医院"),
            ("4월 22일 한빛누리병원 진료", "한빛누리병원"),
            ("새솔초등학교에서 연락", "새솔초등학교"),
            ("शाम को पटना जंक्शन के पास", "पटना जंक्शन"),
        ] {
            assert_eq!(spans(text, find), [want], "{text}");
        }
    }

    #[test]
    fn kinds_that_bear_no_name() {
        for text in [
            "лікарня працює щодня",
            "В лікарні багато людей",
            "Nemocnice je zavřená",
            "lukio on kiinni",
            "Hauptbahnhof und Flughafen sind weit",
            "går på folkeskolen nu",
            "børnene er i skolen",
            "近くの病院に行く",
            "総合病院で診てもらう",
            "大学生です",
            "我去医院看病",
            "一家医院",
            "우리 병원 진료비",
            "병원비가 비싸요",
            "동물병원에 갔어요",
            "सरकारी अस्पताल में",
        ] {
            assert!(spans(text, find).is_empty(), "{text}: {:?}", spans(text, find));
        }
    }
}
