//! A nation said of a person beside a word for its citizens: `serbischer Staatsbürger`, `citoyen malien`, `Poolse
//! nationaliteit`.
//!
//! **Invariant:** only the word beside such a word is looked at; of groups (`Belgian citizens`) nothing is said.

use std::sync::LazyLock;

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::quick::{Map, PAIRS, Set, pair};
use crate::anonymize::sections::entries;
use crate::anonymize::words::Caps;

const WORDS: &str = include_str!("../../../words/nations.txt");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Nation,
    Citizen,
    Nationality,
    Between,
    People,
    Be,
    Person,
}

const NAMES: &[(&str, Of)] = &[
    ("nation", Of::Nation),
    ("citizen", Of::Citizen),
    ("nationality", Of::Nationality),
    ("between", Of::Between),
    ("people", Of::People),
    ("be", Of::Be),
    ("person", Of::Person),
];

/// Letters that an ending may have behind the head of a word.
const ENDING: usize = 9;

struct Lists {
    /// By their first two letters.
    nations: Map<String, Vec<&'static str>>,
    heads: Map<&'static str, Of>,
    /// Peoples and faiths, by their first two letters.
    peoples: Map<String, Vec<&'static str>>,
    be: Set<&'static str>,
    person: Set<&'static str>,
    /// Whether a nation or people begins with two letters of ASCII.
    pairs: [bool; PAIRS],
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut nations: Map<String, Vec<&'static str>> = Map::default();
    let mut peoples: Map<String, Vec<&'static str>> = Map::default();
    let (mut heads, mut be, mut person) = (Map::default(), Set::default(), Set::default());
    for (of, word) in entries(WORDS, NAMES) {
        match of {
            Of::Nation => nations.entry(word.chars().take(2).collect()).or_default().push(word),
            // Of several words the last one is met first.
            Of::Citizen | Of::Nationality => {
                heads.insert(word.rsplit(' ').next().unwrap_or(word), of);
            }
            Of::Between => {
                heads.entry(word).or_insert(of);
            }
            Of::People => peoples.entry(word.chars().take(2).collect()).or_default().push(word),
            Of::Be => {
                be.insert(word);
            }
            Of::Person => {
                person.insert(word);
            }
        }
    }
    let mut pairs = [false; PAIRS];
    for head in nations.keys().chain(peoples.keys()).filter(|head| head.is_ascii()) {
        pairs[pair(head.as_bytes())] = true;
    }
    Lists { nations, heads, peoples, be, person, pairs }
});

/// A word of a nation, by its head.
fn is_nation(word: &str) -> bool {
    is_of(&LISTS.nations, word)
}

/// Whether a word may be one of a nation, a people or a faith, by its first two letters.
pub(super) fn may_be(word: &str) -> bool {
    let head = word.as_bytes().get(..2).filter(|head| head.is_ascii());
    head.is_none_or(|head| LISTS.pairs[pair(head)])
}

/// A word of a nation, a people or a faith, by its head.
pub(super) fn is_people(word: &str) -> bool {
    is_nation(word) || is_of(&LISTS.peoples, word)
}

/// `am`, `soy`: what follows is said of somebody.
pub(super) fn is_be(word: &str) -> bool {
    LISTS.be.contains(word)
}

/// `nurse`, `Nachbar`: somebody.
pub(super) fn is_person(word: &str) -> bool {
    LISTS.person.contains(word)
}

fn is_of(heads: &Map<String, Vec<&'static str>>, word: &str) -> bool {
    let low = word.to_lowercase();
    let first: String = low.chars().take(2).collect();
    let fits = |head: &&str| {
        low.strip_prefix(*head).is_some_and(|ending| {
            ending.chars().count() <= ENDING && ending.chars().all(|c| c.is_alphabetic() || c == '-')
        })
    };
    low.chars().count() >= 4
        && low.len() <= 48
        && heads.get(&first).is_some_and(|heads| heads.iter().any(fits))
}

fn said(r: &Reading<'_>, i: usize) -> Option<Of> {
    let word = r.low(i);
    (word.len() <= 40).then(|| LISTS.heads.get(word).copied()).flatten()
}

/// Words for citizens and for what they are citizens of.
pub(crate) fn citizens() -> impl Iterator<Item = &'static str> {
    let told = |of: Of| matches!(of, Of::Citizen | Of::Nationality);
    LISTS.heads.iter().filter(move |(_, of)| told(**of)).map(|(word, _)| *word)
}

/// Nations of the text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for i in 0..r.words.len() {
        let Some(of) = r.has(i, Role::Citizen).then(|| said(r, i)).flatten() else { continue };
        if r.is(i, "national") && !person(r, i) {
            continue;
        }
        let near = before(r, i).or_else(|| behind(r, i, of));
        if let Some(at) = near {
            r.mark((at, at), Type::NRP, Evidence::Shape, out);
        }
    }
}

/// `a Polish national, 34`, `national of`: no `national team`.
fn person(r: &Reading<'_>, i: usize) -> bool {
    const THEN: [&str; 14] = [
        "who", "with", "was", "is", "and", "living", "born", "aged", "has", "had", "in", "of", "from",
        "residing",
    ];
    !r.gap(i).starts_with([' ', '-']) || THEN.contains(&r.str(i + 1))
}

/// `serbischer Staatsbürger`, `Polish citizen`.
fn before(r: &Reading<'_>, i: usize) -> Option<usize> {
    let at = i.checked_sub(1).filter(|b| matches!(r.gap(*b), " " | "-"))?;
    is_people(r.str(at)).then_some(at)
}

/// `citoyen malien`, `nacionalidad marroquí`, `nationality: Polish`.
fn behind(r: &Reading<'_>, i: usize, of: Of) -> Option<usize> {
    let mut at = i + 1;
    let near = |gap: &str| gap == " " || of == Of::Nationality && matches!(gap.trim(), ":" | "");
    if !near(r.gap(i)) || r.gap(i).len() > 3 || r.gap(i).contains('\n') {
        return None;
    }
    if said(r, at) == Some(Of::Between) && r.gap(at) == " " {
        at += 1;
    }
    let small = r.word(at).is_some_and(|word| word.digits == 0 && word.caps != Caps::None);
    (small && is_people(r.str(at))).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn nations_beside_words_for_citizens() {
        for (text, want) in [
            ("Führerschein 15/602914, serbischer Staatsbürger.", "serbischer"),
            ("Traoré, citoyen malien, passeport", "malien"),
            ("Nowicka, Poolse nationaliteit, paspoort", "Poolse"),
            ("è cittadino senegalese, pass", "senegalese"),
            ("de nacionalidad marroquí, con", "marroquí"),
            ("a Nigerian national, aged 34", "Nigerian"),
            ("he is a Turkish citizen", "Turkish"),
            ("obywatel ukraiński, paszport", "ukraiński"),
            ("státní příslušnost: slovenská", "slovenská"),
            ("román állampolgár, lakik", "román"),
            ("cidadã moçambicana, 40", "moçambicana"),
            ("гражданин Узбекистана", "Узбекистана"),
            ("гражданство: российское", "российское"),
            ("albansk statsborger", "albansk"),
            ("Türk vatandaşı olan", "Türk"),
            ("ressortissante algérienne", "algérienne"),
            ("a bérlő egy osztrák férfi, aki", "osztrák"),
            ("ukrajinský muž, 34", "ukrajinský"),
        ] {
            assert_eq!(spans(text, find), [want], "{text}");
        }
        for text in [
            "Belgian citizens voted",
            "the German national team",
            "US national parks",
            "the citizen journalist",
            "cittadino modello",
            "a senior citizen in town",
            "le citoyen lambda",
            "der Staatsbürger zahlt Steuern",
            "Nationalität und Herkunft",
            "the origin of species",
        ] {
            assert!(spans(text, find).is_empty(), "{text}: {:?}", spans(text, find));
        }
    }
}
