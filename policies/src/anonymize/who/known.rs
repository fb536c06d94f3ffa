//! Names by the lists of known ones: a given name beside a surname, and one that is no other word.
//!
//! **Invariant:** one word alone is weak evidence; a word that is not only a name counts beside a known one alone.

use super::run::{How, run, syllables};
use super::{other_kind, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::words::{Caps, Word};

/// Verbs that begin a sentence and are given names as well.
const VERBS: [&str; 9] = ["will", "may", "mark", "grant", "sue", "rob", "chase", "bill", "per"];
/// Signs around a word that tell how its line is written.
const REACH: usize = 40;

/// What a word may be, by the lists.
#[derive(Clone, Copy)]
struct Known {
    caps: Caps,
    given: bool,
    surname: bool,
    /// It stands for a place as well.
    place: bool,
    /// It is a word of the language as well.
    word: bool,
    verb: bool,
    eponym: bool,
    chars: usize,
}

impl Known {
    fn of(r: &Reading<'_>, i: usize) -> Option<Self> {
        let word = r.word(i).filter(|w| w.digits == 0 && w.chars >= 2)?;
        let (found, eponym) = (r.lists(i), r.has(i, Role::Eponym));
        // `Rice`, `Short`: words that are surnames as well, of those that the lists do not have.
        let common = r.has(i, Role::Wordly);
        let verb = VERBS.contains(&r.low(i));
        let wordly = common && !r.has(i, Role::Common);
        Some(Self {
            caps: word.caps,
            given: found & lists::GIVEN != 0,
            surname: found & lists::SURNAME != 0 || wordly || eponym,
            place: found & (lists::CITY | lists::COUNTRY | lists::STATE) != 0,
            word: found & lists::COMMON != 0 || r.has(i, Role::Common) || common,
            verb,
            eponym,
            chars: word.chars,
        })
    }

    fn name(self) -> bool {
        self.given || self.surname
    }

    /// Nothing but a name.
    fn sure(self) -> bool {
        self.name() && !self.word && !self.place && !self.eponym
    }
}

/// Is word `i` a known surname?
pub(super) fn surname(r: &Reading<'_>, i: usize) -> bool {
    r.lists(i) & lists::SURNAME != 0
}

/// Can word `i` be borne by somebody, whatever else it is: `Day`, `Hill`, `Parkinson`?
pub(super) fn bearable(r: &Reading<'_>, i: usize) -> bool {
    Known::of(r, i).is_some_and(Known::name)
}

/// Is word `i` a small word of sentences, borne by few: `She`, `Said`, `An`?
pub(super) fn small_word(r: &Reading<'_>, i: usize) -> bool {
    let given = || r.lists(i) & lists::GIVEN != 0;
    let does = r.has(i, Role::Does);
    does || r.has(i, Role::Common) && !r.has(i, Role::Wordly) && !(given() && r.str(i).len() > 3)
}

/// Is word `i` one that the lists know for a word of the language?
pub(super) fn common(r: &Reading<'_>, i: usize) -> bool {
    let found = r.lists(i);
    found & lists::COMMON != 0 && found & lists::GIVEN == 0 || r.has(i, Role::Wordly)
}

/// Is word `i` a name of a person, whatever else it may be?
pub(super) fn person(r: &Reading<'_>, i: usize) -> bool {
    let small = r.has(i, Role::Common);
    Known::of(r, i)
        .is_some_and(|known| (known.given || known.surname && !small) && !known.eponym && !known.place)
}

/// Word `i`, where it is a given name that a frame vouches for: `his daughter Hope`, `tell siobhan`.
pub(super) fn given(r: &Reading<'_>, i: usize) -> Option<usize> {
    let known = Known::of(r, i).filter(|known| known.given)?;
    let fits = known.caps == Caps::Title || known.caps == Caps::Lower && known.sure() && known.chars >= 3;
    fits.then_some(i)
}

/// Known names of the text.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    let small = r.words.iter().all(|w| matches!(w.caps, Caps::Lower | Caps::None));
    let mut ahead = Known::of(r, 0);
    for i in 0..r.words.len() {
        let next = Known::of(r, i + 1);
        let own = std::mem::replace(&mut ahead, next);
        if quoted(r, i) {
            push(r, i, i + 1, Evidence::Shape, out);
        }
        if says(r, i) {
            push(r, i, i, Evidence::Shape, out);
        }
        if syllables(r, i) {
            let last = run(r, i, How::Capital).unwrap_or(i + 1);
            if !other_kind(r, last) {
                push(r, i, last, Evidence::Shape, out);
            }
        }
        let Some(own) = own.filter(|known| known.name()) else { continue };
        if let Some(next) = next
            && pair(r, i, own, next)
        {
            let how = if own.caps == Caps::Lower { How::Loose } else { How::Capital };
            let last = run(r, i + 1, how).filter(|_| !next.word).unwrap_or(i + 1);
            if !other_kind(r, last) {
                push(r, spelled(r, i), last.min(i + 4), Evidence::Shape, out);
            }
        } else if own.given && said(r, i) {
            push(r, i, i, Evidence::Shape, out);
        } else if alone(r, i, own, small) {
            // `Bram ter Horst`: what else belongs to it.
            let whole = run(r, i, How::Capital)
                .filter(|last| own.given && own.caps == Caps::Title && !other_kind(r, *last));
            r.mark((spelled(r, i), whole.unwrap_or(i)), Type::NAME, Evidence::Gazetteer, out);
            if let Some(found) = out.last_mut() {
                found.score = 45;
            }
        }
    }
}

/// `Art Brown`, `Lindqvist, Kai`, `mary jones`, `Kovács Zsuzsanna`: words `i` and the next.
fn pair(r: &Reading<'_>, i: usize, own: Known, next: Known) -> bool {
    let turned = r.gap(i) == ", ";
    // `RICE, Horace`
    let alike = own.caps == next.caps || turned && own.caps == Caps::Upper && next.caps == Caps::Title;
    if !(turned || matches!(r.gap(i), " " | "-")) || !alike || own.chars + next.chars < 6 {
        return false;
    }
    // `Will Page was seen` asks nothing.
    let told = r.has(i + 2, Role::Does) || ["is", "was"].iter().any(|word| r.is(i + 2, word));
    let asks = own.verb && (own.caps == Caps::Lower || (turned || !told) && r.begins(i));
    if asks || own.place && next.place {
        return false;
    }
    let (own_sure, next_sure) = (own.sure(), next.sure());
    let one = own_sure || next_sure;
    match own.caps {
        Caps::None => !turned && own.given && next.surname && one,
        Caps::Lower if turned => own.surname && next.given && own_sure && next_sure,
        Caps::Lower => own.given && next.surname && (own_sure || next_sure && next.chars >= 4),
        Caps::Title | Caps::Upper if turned => own.surname && next.given && one,
        Caps::Title | Caps::Upper => {
            let asked = own.given
                && (next.surname || next.given)
                && (told || !(own.word && next.word && r.begins(i)));
            let behind = own_sure && next_sure;
            asked || behind
        }
    }
}

/// A word that is a name and nothing else, written as names are on its line.
fn alone(r: &Reading<'_>, i: usize, own: Known, small: bool) -> bool {
    let roles = [
        Role::Label,
        Role::Nrp,
        Role::Honorific,
        Role::Credential,
        Role::Particle,
        Role::City,
        Role::StateCode,
    ];
    if !own.sure() || own.verb || roles.iter().any(|role| r.has(i, *role)) || other_kind(r, i) {
        return false;
    }
    match own.caps {
        Caps::Title => own.chars >= 3,
        Caps::Upper => own.chars >= 4 && (own.chars >= 6 || capitals(r, i)),
        Caps::Lower => small && own.chars >= if own.given { 4 } else { 6 },
        Caps::None => own.given && own.chars >= 3,
    }
}

/// `[08:16] April: ok`: who says it, in a chat.
fn said(r: &Reading<'_>, i: usize) -> bool {
    r.gap_before(i).ends_with("] ") && r.gap(i).starts_with(": ") && r.word(i).is_some_and(Word::capital)
}

/// The same of a name that no list has: behind a time, with a capital, and no word of logs.
fn says(r: &Reading<'_>, i: usize) -> bool {
    let timed = i.checked_sub(1).and_then(|b| r.word(b)).is_some_and(|w| w.digits > 0);
    said(r, i)
        && timed
        && r.proper(i)
        && !r.has(i, Role::Label)
        && r.word(i).is_some_and(|w| w.caps == Caps::Title)
}

/// `"Rich" Kealoha`: a nickname in quotes before the surname.
fn quoted(r: &Reading<'_>, i: usize) -> bool {
    let title = |i: usize| r.word(i).is_some_and(|w| w.capital() && w.chars >= 3);
    r.gap(i) == "\" "
        && r.gap_before(i).ends_with('"')
        && (title(i) && title(i + 1) && !r.has(i + 1, Role::Common) && !r.has(i + 1, Role::Label)
            || bearable(r, i) && bearable(r, i + 1))
}

/// The initial before word `i`, where there is one: `s. eastwood`.
fn spelled(r: &Reading<'_>, i: usize) -> usize {
    let initial =
        |b: &usize| r.word(*b).is_some_and(|w| w.chars == 1 && w.digits == 0 && w.caps != Caps::None);
    i.checked_sub(1).filter(|b| r.gap(*b) == ". " && initial(b)).unwrap_or(i)
}

/// The line around word `i` is written in capitals.
pub(super) fn capitals(r: &Reading<'_>, i: usize) -> bool {
    let Some(word) = r.word(i) else { return false };
    let bytes = r.text.as_bytes();
    let around = bytes[word.start.saturating_sub(REACH)..(word.end + REACH).min(bytes.len())].iter();
    around.filter(|b| b.is_ascii_lowercase()).count() < 5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, find)
    }

    #[test]
    fn known_names_need_no_frame() {
        for (text, want) in [
            ("ask Michelle about it", "Michelle"),
            ("then Gonzalez left", "Gonzalez"),
            ("we saw Grace Coleman today", "Grace Coleman"),
            ("for Denise Rice again", "Denise Rice"),
            ("Gallagher, Kevin was late", "Gallagher, Kevin"),
            ("patricia hughes came in with chest pain", "patricia hughes"),
            ("michelle wants a refill", "michelle"),
            ("call me (k. gallagher) at noon", "k. gallagher"),
            ("MICHELLE WANTS A REFILL TODAY", "MICHELLE"),
            ("[08:16] April: ok will do", "April"),
            ("\"Rich\" Gallagher has pain", "Rich\" Gallagher"),
            ("Орлова Светлана пришла", "Орлова Светлана"),
            ("then Min-jun Gallagher left", "Min-jun Gallagher"),
            ("d/c summary RICE, Horace today", "RICE, Horace"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn words_that_are_names_too_need_one() {
        for text in [
            "Will lisinopril help",
            "May Long COVID last for years",
            "will it rain in april",
            "Grace periods and hope",
            "Crohn and Addison are eponyms",
            "mark the rose on the hill",
            "In-so far as Li-ion goes",
            "Austin and Paris are cities",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
