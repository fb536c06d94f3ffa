//! Employers: who somebody works for, by the words that lead up to it, with or without a suffix.
//!
//! **Invariant:** a common word alone is an employer only with a capital inside a sentence of small letters.

use crate::anonymize::cue::{Cue, Reading, Role};
use crate::anonymize::date::{is_month, is_weekday};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::who::{How, run, small_run};
use crate::anonymize::words::{Caps, Word};

/// The most words of a name.
const LONGEST: usize = 5;

/// Small words between the capitals of a name.
const INSIDE: [&str; 9] = ["of", "and", "the", "for", "de", "du", "la", "und", "y"];

/// Capitals that are no employer's: wards, states of work, who is spoken of.
const NEVER: [&str; 31] = [
    "I", "He", "She", "They", "We", "His", "Her", "My", "Their", "The", "This", "ICU", "ED", "ER", "OR",
    "PT", "OT", "IT", "HR", "Mr", "Mrs", "Ms", "Dr", "Home", "Night", "Day", "Work", "AM", "PM", "Covid",
    "COVID",
];

/// `works at Brightwater`, `drives for First Bus`, `retired from bell tile`.
pub(super) fn find(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    if r.gap(cue.last) != " " {
        return;
    }
    let mut next = cue.last + 1;
    while next < cue.last + 3
        && ["the", "a", "an", "our", "le", "la", "il", "o", "der", "dem"].contains(&r.str(next))
    {
        next += 1;
    }
    // `The Gilded Pickle`: an article of the name.
    let own = next + usize::from(r.str(next) == "The" && r.gap(next) == " ");
    let Some(last) = capitals(r, own, cue).or_else(|| small(r, next)) else { return };
    let known = [Role::State, Role::Country, Role::Nrp, Role::Eponym];
    let other = (next..=last).all(|i| known.iter().any(|role| r.has(i, *role)));
    // `does it work for PCOS`
    let upper = r.word(next).is_some_and(|w| w.caps == Caps::Upper && w.chars <= 5);
    if !(other || upper && last == next && r.is(cue.last, "for")) {
        r.mark((next, last), Type::EMPLOYER, Evidence::Shape, out);
    }
}

/// `works as a scaffolder for Brackenbury Roofing`, `job as a night porter at Calder's`: word `i` is the `as`.
pub(super) fn trade(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    const WORK: [&str; 12] = [
        "works", "work", "worked", "working", "employed", "job", "jobs", "position", "career", "shifts",
        "time", "self",
    ];
    // The word for the work, then `as a`, the trade in a few words, and who it is for.
    if !WORK.contains(&r.str(i)) {
        return;
    }
    let near = |k: usize| r.gap(k) == " ";
    let Some(lead) = (i + 1..i + 4).find(|k| r.is(*k, "as")).filter(|lead| (i..*lead).all(near)) else {
        return;
    };
    let article = ["a", "an", "the"].iter().any(|word| r.is(lead + 1, word));
    let first = lead + 1 + usize::from(article);
    let to = (first + 1..first + 5).find(|k| ["for", "at", "with"].contains(&r.str(*k)));
    let Some(to) = to.filter(|to| (lead..*to).all(near)) else { return };
    find(r, &Cue { role: Role::EmployerLead, first: to, last: to }, out);
}

/// `Employee Tova Lindgren of Calder Title & Escrow`: word `i` is the `Employee`.
pub(super) fn of_employee(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if !["Employee", "Worker", "Insured"].contains(&r.str(i)) || !matches!(r.gap(i), " " | ": ") {
        return;
    }
    let Some(last) = run(r, i + 1, How::Capital).filter(|last| r.gap(*last) == " ") else { return };
    let to = last + 1;
    if ["of", "at", "from", "with"].contains(&r.str(to)) {
        find(r, &Cue { role: Role::EmployerLead, first: to, last: to }, out);
    }
}

/// `vesper tile,`: a name in small letters, to the end of its clause.
fn small(r: &Reading<'_>, first: usize) -> Option<usize> {
    let low = |i: usize| r.word(i).is_some_and(|w| w.caps == Caps::Lower && w.digits == 0 && w.chars >= 3);
    let known = |i: usize| r.has(i, Role::Common) || r.has(i, Role::Label) || is_nobody(r.str(i));
    small_run(r, first).or_else(|| {
        let ends = !matches!(r.gap(first + 1), " " | "-" | "'");
        (low(first) && !known(first) && r.gap(first) == " " && low(first + 1) && ends).then_some(first + 1)
    })
}

/// The last word of the name in capitals that begins at word `first`.
pub(super) fn capitals(r: &Reading<'_>, first: usize, cue: &Cue) -> Option<usize> {
    let capital = |i: usize| {
        let word = r.word(i)?;
        let part = word.capital() && word.digits == 0 && !NEVER.contains(&r.str(i));
        (part && !is_month(r.str(i)) && !is_weekday(r.str(i))).then_some(word)
    };
    let head = capital(first).filter(|w| w.chars >= 2 && !r.has(first, Role::Honorific))?;
    let small = r.word(cue.last).is_some_and(|w| w.caps == Caps::Lower);
    // `SEEN BY NURSE AT BEDSIDE`, `Manager at Large`: where every word has a capital, one says nothing.
    let next = first + 1;
    let alone = !(r.gap(first) == " " && capital(next).is_some() && !r.has(next, Role::Common));
    if !small && (r.has(first, Role::Common) || head.caps == Caps::Upper && alone) {
        return None;
    }
    let mut last = first;
    while last < first + LONGEST {
        let gap = r.gap(last);
        let near = matches!(gap, " " | "-" | " & " | "'")
            || gap == ". " && r.word(last).is_some_and(|w| w.chars <= 2);
        let next = last + 1;
        let owned = gap == "'" && r.is(next, "s");
        let shouted = head.caps == Caps::Upper && !small && r.has(next, Role::Common);
        if !near {
            break;
        }
        if owned || capital(next).is_some() && !shouted {
            last = next;
        } else if INSIDE.contains(&r.str(next)) && r.gap(next) == " " && capital(next + 1).is_some() {
            last = next + 1;
        } else {
            break;
        }
    }
    // `at Brightwater's request`: the possessive is no part of it.
    let owned = r.is(last, "s")
        && r.gap(last - 1) == "'"
        && r.word(last).is_some_and(|w: &Word| w.caps == Caps::Lower);
    Some(if owned { last - 1 } else { last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::org;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        org::find(&Reading::of(text), &mut out);
        out.iter().filter(|f| f.ty == Type::EMPLOYER).map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn employers_of_many_kinds() {
        for (text, want) in [
            ("she works nights at Halden in Fargo", "Halden"),
            ("truck driver for Prairie Haulage, 40 pack years", "Prairie Haulage"),
            ("he drives for First Bus; smokes", "First Bus"),
            ("retired from Calder Steel. Wife well.", "Calder Steel"),
            ("a clerk at Bread and Roses on weekends", "Bread and Roses"),
            ("cleans rooms at the Grandhotel near town", "Grandhotel"),
            ("He works as a scaffolder for Brackenbury Roofing and has pain", "Brackenbury Roofing"),
            ("job as a night porter at Calder Steel; tired", "Calder Steel"),
            ("Employee Tova Lindgren of Halden Title & Escrow; colitis", "Halden Title & Escrow"),
            ("used to work for vesper tile, now retired", "vesper tile"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn work_that_is_nobodys() {
        for text in [
            "works at home",
            "a nurse at bedside",
            "NURSE AT BEDSIDE AND DOCTOR AT DESK",
            "the manager for this case",
            "retired from work last year",
            "works nights at ICU",
            "an engineer at heart",
            "does it work for PCOS",
            "what works for Crohn's",
            "works as a prophylaxis for Crohn",
            "works as a bridge at night",
            "Employee of the month",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
