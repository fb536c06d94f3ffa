//! Words of clinical notes that look like names: `melena`, `anoxic injury`, `LKW`, `too harsh`.
//!
//! **Invariant:** only small letters, the head of a sentence, or an abbreviation in its capitals is looked up: a surname
//! with its capital stays one.

use std::sync::LazyLock;

use super::{lines, weak};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::quick::Set;
use crate::anonymize::words::Caps;

const SOURCE: &str = include_str!("../../../suppress/clinical.txt");

struct Clinical {
    small: Set<&'static str>,
    capitals: Set<&'static str>,
    scales: Set<&'static str>,
    bearers: Set<&'static str>,
    degree: Set<&'static str>,
    seem: Set<&'static str>,
}

static CLINICAL: LazyLock<Clinical> = LazyLock::new(|| Clinical {
    small: spaced("[small]").collect(),
    capitals: spaced("[capitals]").collect(),
    scales: spaced("[scales]").collect(),
    bearers: spaced("[bearers]").collect(),
    degree: spaced("[degree]").collect(),
    seem: spaced("[seem]").collect(),
});

/// The words of a section.
fn spaced(head: &'static str) -> impl Iterator<Item = &'static str> {
    let body = lines(SOURCE).skip_while(move |line| *line != head).skip(1);
    body.take_while(|line| !line.starts_with('[')).flat_map(str::split_whitespace)
}

/// Types that these words are taken for.
const TAKEN: [Type; 7] =
    [Type::NAME, Type::CITY, Type::FACILITY, Type::ORG, Type::EMPLOYER, Type::NRP, Type::TITLE];

/// Is word `i` a clinical word in small letters?
pub(super) fn is_small(r: &Reading<'_>, i: usize) -> bool {
    r.word(i).is_some_and(|w| w.caps == Caps::Lower) && CLINICAL.small.contains(r.str(i))
}

/// Is the finding, of the words `first` to `last`, nothing but such words?
pub(super) fn harmless(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    if !weak(f) {
        return false;
    }
    if scored(r, f, first) {
        return true;
    }
    if !TAKEN.contains(&f.ty) {
        return false;
    }
    let text = r.text.get(f.start..f.end).unwrap_or_default();
    let of_things = CLINICAL.capitals.contains(text) || contracted(r, f, first, last);
    let one = |i: usize| is_small(r, i) || CLINICAL.capitals.contains(r.str(i)) || opens(r, f, i);
    let small = |i: usize| r.word(i).is_some_and(|w| w.caps == Caps::Lower);
    // `anoxic injury`, `hip hemi`: with a word of the list, what is written small beside it is none's either.
    let all = (first..=last).all(|i| one(i) || small(i) && r.has(i, Role::Common)) && (first..=last).any(one);
    of_things
        || all
        || first == last && small(first) && said_of_things(r, first)
        || first < last && small(first) && bearer(r, first) && beside(r, first + 1, last)
}

/// `Epworth 15`, `Boston 8.`: a scale and what was scored.
fn scored(r: &Reading<'_>, f: &Finding, first: usize) -> bool {
    let model = f.evidence <= Evidence::Model || f.ty == Type::CITY && f.evidence == Evidence::Shape;
    let number = r.word(first + 1).is_some_and(|w| w.is_number() && w.digits <= 2) && r.gap(first) == " ";
    let ends = |i: usize| {
        let gap = r.gap(i);
        gap.is_empty() || gap.starts_with(['.', ',', ';', ')', '\n', '/'])
    };
    model && number && ends(first + 1) && CLINICAL.scales.contains(r.str(first))
}

/// `Won't`, `I'd`.
fn contracted(r: &Reading<'_>, f: &Finding, first: usize, last: usize) -> bool {
    const ENDS: [&str; 6] = ["t", "d", "ll", "ve", "re", "m"];
    let whole = r.word(last).map_or("", |word| r.text.get(f.start..word.end).unwrap_or_default());
    let inside = first == last && whole.split_once('\'').is_some_and(|(_, end)| ENDS.contains(&end));
    inside || first == last && r.gap(last) == "'" && ENDS.contains(&r.str(last + 1))
}

/// `Bullet points`, `Payer wants`: the head of a sentence of small letters.
fn opens(r: &Reading<'_>, f: &Finding, i: usize) -> bool {
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title);
    // Who asks or pays, by what they are to the patient: `Son asks`, `Payer wants`.
    const ROLES: [&str; 9] = ["Payer", "Payers", "Payor", "Son", "Daughter", "Mom", "Mum", "Niece", "Nephew"];
    let model = f.evidence <= Evidence::Model || f.ty == Type::FACILITY || ROLES.contains(&r.str(i));
    let goes_on = r.gap(i) == " " && r.word(i + 1).is_some_and(|w| w.caps == Caps::Lower);
    title && model && goes_on && r.begins(i) && CLINICAL.small.contains(r.low(i))
}

fn bearer(r: &Reading<'_>, i: usize) -> bool {
    CLINICAL.bearers.contains(r.str(i))
}

/// Words in small letters, clinical ones among them, or nothing but words of sentences.
fn beside(r: &Reading<'_>, first: usize, last: usize) -> bool {
    let small = |i: usize| r.word(i).is_some_and(|w| w.caps == Caps::Lower);
    let clinical = (first..=last).any(|i| is_small(r, i));
    (first..=last).all(|i| small(i) && (clinical || thing(r, i)))
}

/// A small word that stands for nobody: clinical, or one of sentences.
fn thing(r: &Reading<'_>, i: usize) -> bool {
    is_small(r, i)
        || r.word(i).is_some_and(|w| w.caps == Caps::Lower) && r.has(i, Role::Common) && !r.has(i, Role::Does)
}

/// `sounds too harsh`, `frank haematuria`: an adjective that somebody is called as well.
fn said_of_things(r: &Reading<'_>, i: usize) -> bool {
    let degree = i.checked_sub(2).is_some_and(|b| {
        CLINICAL.seem.contains(r.str(b))
            && CLINICAL.degree.contains(r.str(b + 1))
            && r.gap(b) == " "
            && r.gap(b + 1) == " "
    });
    degree || bearer(r, i) && r.gap(i) == " " && is_small(r, i + 1)
}

#[cfg(test)]
mod tests {
    use crate::anonymize::tests::tables::masked as check;

    #[test]
    fn clinical_words_are_nobody() {
        for text in [
            "he has frank haematuria today",
            "POD2 L hip hemi, baseline dementia",
            "exertional angina at rest",
            "draft a reply in a warm tone please",
            "anoxic injury, absent reflexes, myoclonic status",
            "shave biopsy: basal cell carcinoma, nodular type",
            "comes with four day history of melena.",
            "does this email sound too harsh?",
            "projectile vomiting, olive mass, bicarb low",
            "METs four, RCRI one",
            "thresholds according to IADPSG and others",
            "recheck the U&Es in a week",
            "Bullet points, no more than ten.",
            "apneas all night, Epworth 15, snoring",
            "cecum reached, Boston 8.",
            "Payer wants the criteria by tonight",
            "Won't the dose need to change?",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn names_with_their_capital_stay() {
        for (text, want) in [
            ("seen by Dr. Hale and Mr. Stone", "Hale"),
            ("his wife Olive called", "Olive"),
            ("Patient: Basal, Murat", "Basal, Murat"),
            ("pt frank delgado came back", "frank delgado"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }
}
