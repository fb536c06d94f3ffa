//! Names by what is said of them: before what only people do, and before what is theirs.
//!
//! **Invariant:** a capital that is no common word, at the head of its clause or before a possessive; what ends as
//! findings and drugs do is nobody.

use super::ward::name;
use super::{known, of_other, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::{self, lists};
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::words::{Caps, Word};

/// Endings of findings, drugs, procedures and fields of work.
const CLINICAL: &[&str] = &[
    "osis",
    "itis",
    "emia",
    "aemia",
    "uria",
    "logy",
    "oma",
    "pathy",
    "algia",
    "rrhea",
    "plegia",
    "penia",
    "cytes",
    "gram",
    "graphy",
    "scopy",
    "tomy",
    "plasty",
    "therapy",
    "olol",
    "pril",
    "sartan",
    "statin",
    "mab",
    "nib",
    "cillin",
    "cycline",
    "mycin",
    "floxacin",
    "azole",
    "vir",
    "parin",
    "xaban",
    "gliptin",
    "gliflozin",
    "tide",
    "pam",
    "lam",
    "zine",
    "idone",
    "amide",
    "oxide",
    "ism",
    "ity",
    "tion",
    "sion",
    "ics",
    "ase",
    "phen",
    "caine",
];

/// Words that open a clause.
const OPENING: &[&str] = &[
    "that", "when", "because", "if", "since", "as", "while", "and", "but", "so", "whether", "where", "after",
    "before", "then", "said", "says", "until", "once", "although", "how", "why", "reports", "reported",
    "states", "stated", "told", "thinks",
];

/// Behind `is`, `was`, `has been`: what is said of people alone.
const STATES: &[&str] = &[
    "admitted",
    "discharged",
    "intubated",
    "extubated",
    "born",
    "diagnosed",
    "referred",
    "transferred",
    "brought",
    "hospitalized",
    "hospitalised",
    "counseled",
    "counselled",
    "accompanied",
    "allergic",
    "afebrile",
    "febrile",
    "alert",
    "awake",
    "sedated",
    "diabetic",
    "pregnant",
    "ambulatory",
    "refusing",
    "complaining",
    "worried",
    "anxious",
    "tolerating",
    "ambulating",
    "asking",
    "married",
    "divorced",
    "widowed",
    "retired",
    "unhappy",
    "upset",
    "sleeping",
    "crying",
    "due",
    "drinking",
    "smoking",
    "bedbound",
    "homeless",
    "unemployed",
    "sober",
    "tearful",
    "hypoxic",
    "tachycardic",
    "hypotensive",
    "septic",
    "jaundiced",
    "lethargic",
    "here",
    "obese",
    "called",
    "notified",
    "paged",
    "informed",
    "updated",
    "consulted",
    "contacted",
    "known",
    "aware",
    "seen",
];

/// What a person is a kind of: `is a frail woman`.
const SORTS: [&str; 16] = [
    "male",
    "female",
    "man",
    "woman",
    "gentleman",
    "lady",
    "boy",
    "girl",
    "toddler",
    "teenager",
    "smoker",
    "veteran",
    "widow",
    "widower",
    "retiree",
    "vegan",
];

/// Turkish endings behind an apostrophe, which only names have; those of `DEN` say from where and where.
const OF_NAMES: &[&str] = &[
    "ın", "in", "un", "ün", "nın", "nin", "nun", "nün", "ı", "i", "u", "ü", "yı", "yi", "yu", "yü", "e", "a",
    "ye", "ya", "la", "le", "yla", "yle",
];
const DEN: &[&str] = &["den", "dan", "ten", "tan", "de", "da", "te", "ta"];

/// Names around word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    if word.caps == Caps::Lower {
        if r.has(i, Role::Does) || matches!(r.str(i), "is" | "was" | "has" | "had" | "s" | "c" | "remains") {
            said(r, i, out);
        }
    } else if word.caps == Caps::Title && word.of(r.text).contains('\'') {
        turkish(r, i, out);
    }
}

/// Word `i` says what the name before it does, is or owns.
fn said(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(last) = i.checked_sub(1) else { return };
    let owned = r.str(i) == "s" && r.gap(last) == "'" && r.gap(i) == " " && r.has(i + 1, Role::Owned);
    let does = r.gap(last) == " " && (r.has(i, Role::Does) || stated(r, i) || charted(r, i) || treated(r, i));
    if !(owned || does) {
        return;
    }
    let fits = name(r, last) && may_be(r, last) || wordly(r, last, i) && (may_be(r, last) || tells(r, i));
    if !fits {
        return;
    }
    let full = last.checked_sub(1).filter(|b| r.gap(*b) == " " && name(r, *b) && may_be(r, *b));
    let mut first = full.unwrap_or(last);
    while let Some(b) = first.checked_sub(1).filter(|b| {
        r.has(*b, Role::Particle)
            && r.word(*b).is_some_and(Word::capital)
            && matches!(r.gap(*b), " " | ". " | "-")
    }) {
        first = b;
    }
    let opens = r.begins(first)
        || first.checked_sub(1).is_some_and(|b| {
            r.gap(b).ends_with(". ") || matches!(r.gap(b), " " | ", ") && OPENING.contains(&r.str(b))
        });
    if (owned || opens) && !of_other(r, first, last) {
        push(r, first, last, Evidence::Shape, out);
    }
}

/// `is febrile`, `was admitted`, `has been discharged`, `is a 29-year-old`.
fn stated(r: &Reading<'_>, i: usize) -> bool {
    if !matches!(r.str(i), "is" | "was" | "has" | "had" | "remains") || r.gap(i) != " " {
        return false;
    }
    let been = usize::from(r.is(i + 1, "been"));
    let after = i + 1 + been + usize::from(["a", "an", "now", "still"].iter().any(|w| r.is(i + 1 + been, w)));
    let aged = r.word(after).is_some_and(|w| w.digits > 0)
        && (r.has(after + 1, Role::AgeUnit) || ["year", "yo", "y", "yr"].iter().any(|w| r.is(after + 1, w)));
    let had = matches!(r.str(i), "has" | "had");
    // `White is a white male`
    let sort = |k: usize| SORTS.iter().any(|sort| r.is(k, sort));
    let a = after > i + 1 + been && !had && (sort(after) || sort(after + 1) && r.gap(after) == " ");
    a || aged && !had || (!had || been == 1) && STATES.contains(&r.str(after))
}

/// `s/p`, `c/o`.
fn charted(r: &Reading<'_>, i: usize) -> bool {
    r.gap(i) == "/" && matches!((r.str(i), r.str(i + 1)), ("s", "p") | ("c", "o"))
}

/// `Grace reports`, `Page denies`: a common word that is a name too, before a form that no other reading has.
fn wordly(r: &Reading<'_>, at: usize, verb: usize) -> bool {
    const OTHER: [&str; 6] = ["Case", "Bill", "Mark", "May", "Chart", "Star"];
    let word = r.word(at).filter(|w| w.chars >= 3);
    let title =
        word.is_some_and(|w| w.caps == Caps::Title || w.caps == Caps::Upper && known::capitals(r, at));
    if !title {
        return false;
    }
    let sure = r.has(verb, Role::Does) && !OTHER.contains(&r.str(at)) || stated(r, verb) || treated(r, verb);
    let borne = tells(r, verb) && known::bearable(r, at) && !known::small_word(r, at);
    sure && (borne || !r.has(at, Role::Label) && known::person(r, at))
}

/// `Grace is on warfarin`: word `verb` stands behind a given name.
fn treated(r: &Reading<'_>, verb: usize) -> bool {
    let on = r.str(verb) == "is" && r.str(verb + 1) == "on";
    on && verb.checked_sub(1).is_some_and(|i| known::given(r, i).is_some())
}

/// What no disease does: `Parkinson thinks`, `Page is a 78-year-old`, `Bell was called`.
fn tells(r: &Reading<'_>, verb: usize) -> bool {
    const BOTH: [&str; 12] = [
        "presents",
        "presented",
        "presenting",
        "has",
        "had",
        "developed",
        "needs",
        "needed",
        "became",
        "turned",
        "started",
        "returned",
    ];
    treated(r, verb) || stated(r, verb) || r.has(verb, Role::Does) && !BOTH.contains(&r.str(verb))
}

/// Neither a finding nor a drug, nor somebody whom a disease is called after.
fn may_be(r: &Reading<'_>, i: usize) -> bool {
    let small = r.low(i);
    let found = r.lists(i);
    let named = found & (lists::GIVEN | lists::SURNAME) != 0;
    let place = found & (lists::COUNTRY | lists::STATE) != 0;
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title && w.chars >= 3);
    let clinical = CLINICAL.iter().any(|end| small.ends_with(end));
    let title = title && !is_nobody(small);
    title && (named || found & lists::COMMON == 0 && !clinical && !r.has(i, Role::Eponym) && !place)
}

/// `Karahan'ın siparişi`, `Eskişehir'den`: in a Turkish text a capital with its ending behind an apostrophe.
fn turkish(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some((base, end)) = r.str(i).rsplit_once('\'') else { return };
    let case = DEN.contains(&end);
    let turkish = || r.text.contains(['ğ', 'ş', 'ı', 'İ']);
    if base.chars().count() < 3 || !(case || OF_NAMES.contains(&end)) || r.has(i, Role::Label) || !turkish() {
        return;
    }
    let found = ner::lists_of(&base.to_lowercase());
    let named = found & (lists::GIVEN | lists::SURNAME) != 0;
    let ty =
        if found & (lists::CITY | lists::COUNTRY) != 0 || case && !named { Type::CITY } else { Type::NAME };
    let before = i.checked_sub(1).filter(|b| ty == Type::NAME && r.gap(*b) == " " && r.proper(*b));
    let first = before.filter(|b| r.word(*b).is_some_and(Word::capital)).unwrap_or(i);
    r.mark((first, i), ty, Evidence::Shape, out);
}
