//! Names beside numbers that are theirs, and numbers beside names: ages, days and records.
//!
//! **Invariant:** a lone word is a name here only before an age, or between a mark and the label of a record; a
//! bare number is an age or a day only behind a name that was found.

use super::run::left;
use super::{known, other_kind, place_alone, push};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::date;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::{Caps, Word};

/// What stands behind a person's name.
const NUMBERED: [Type; 8] = [
    Type::AGE,
    Type::MRN,
    Type::DATE,
    Type::HEALTH_PLAN,
    Type::ACCOUNT,
    Type::LICENSE_ID,
    Type::US_SSN,
    Type::ID,
];

/// From this score on a name is worth an initial without a full stop.
const SURE: u8 = 40;

/// Words between a name and the number.
const BETWEEN: [&str; 36] = [
    "a", "an", "age", "aged", "is", "was", "the", "mrn", "dob", "born", "patient", "id", "date", "of",
    "birth", "d", "o", "b", "medical", "med", "record", "rec", "number", "no", "unit", "chart", "hospital",
    "acct", "account", "mr", "ssn", "visit", "dea", "lic", "license", "npi",
];

/// Names before an age or a record number: `Tova Lindgren, 62M`, `Tova Lindgren is an 87-year-old`,
/// `Tova Lindgren (MRN 8847)`, `Lindgren, Tova Unit number 8847`; ages and days behind a name.
pub(crate) fn beside(r: &Reading<'_>, found: &[Finding], out: &mut Vec<Finding>) {
    for f in found {
        if NUMBERED.contains(&f.ty) {
            before(r, f, out);
            if f.ty == Type::DATE {
                reported(r, f, out);
            }
        } else if f.ty == Type::NAME {
            behind(r, f, out);
        }
    }
}

/// `CXR 2/25 Norwood: RLL opacity`: whose report it is, between the day and the colon.
fn reported(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let i = r.words.partition_point(|word| word.start < f.end);
    let led = i.checked_sub(1).is_some_and(|b| r.gap(b) == " ");
    if !led || r.gap(i) != ": " {
        return;
    }
    let named = known::bearable(r, i) && r.word(i).is_some_and(|w| w.digits == 0 && w.chars >= 3);
    let plain = r.has(i, Role::Common) && !r.has(i, Role::Wordly) || r.has(i, Role::Label);
    if named && !plain {
        push(r, i, i, Evidence::Shape, out);
    }
}

fn before(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let Some(mut at) = r.words.partition_point(|word| word.end <= f.start).checked_sub(1) else { return };
    let mut steps = 0;
    while steps < 4 && BETWEEN.iter().any(|word| r.is(at, word)) {
        let Some(before) = at.checked_sub(1) else { break };
        at = before;
        steps += 1;
    }
    if let Some((first, last)) = turned(r, at).filter(|_| f.ty != Type::ID || steps > 0) {
        return push(r, first, last, Evidence::Shape, out);
    }
    let gap = r.gap(at);
    let near = matches!(gap, ", " | " (" | " - " | "; " | "," | " / " | " // ")
        || steps > 0 && (gap == " " && r.is(at + 1, "is") || gap == ", ");
    let record = ![Type::AGE, Type::DATE].contains(&f.ty) && steps > 0;
    let named = left(r, at);
    let reach = named.unwrap_or(at);
    let listed = matches!(r.gap_before(reach), ", " | "; ") && r.word(reach).is_some_and(Word::capital);
    let labelled = record && gap == " " && (r.begins(reach) || listed);
    // `Rx: GRANT DAY, 1/15/47`, `Subject: Parks 2/20`: a day behind all that a field holds.
    let subject = reach.checked_sub(1).is_some_and(|b| r.is(b, "subject") && r.gap(b) == ": ");
    let headed = f.ty == Type::DATE
        && steps == 0
        && (reach < at && gap == ", " && r.begins(reach) || subject && gap == " ");
    if headed && known::bearable(r, at) {
        return push(r, reach, at, Evidence::Shape, out);
    }
    let bare = f.ty != Type::AGE && (steps == 0 || !gap.contains(['(', ',']));
    let spoken = ["he", "she", "it", "this", "who", "they"].iter().any(|word| r.is(at, word));
    let Some(first) = named.filter(|_| (near && !bare || labelled) && !spoken) else { return };
    let one = first == at && f.ty != Type::AGE;
    let lone = known::bearable(r, at) || !known::common(r, at) && !r.has(at, Role::Label);
    let labelled = labelled || steps > 0 && gap == " (";
    let one = one && !(labelled && lone && r.word(at).is_some_and(|w| w.chars >= 4));
    if !one && !place_alone(r, first, at) && !other_kind(r, at) && !date::is_month(r.str(at)) {
        push(r, first, at, Evidence::Shape, out);
    }
}

/// `Church, Summer`, `Brown, Min-jun`, `short, oksana`: the name that ends at word `at`, surname first. Both may be
/// words of the language, for a number that is theirs follows.
fn turned(r: &Reading<'_>, at: usize) -> Option<(usize, usize)> {
    let initial = r.word(at).is_some_and(Word::initial) && at > 1;
    let given = if initial { at - 1 } else { at };
    let joined = given > 1 && r.gap(given - 1) == "-" && r.word(given).is_some_and(|w| w.chars <= 5);
    let given = if joined { given - 1 } else { given };
    let own = given.checked_sub(1)?;
    let (a, b) = (r.word(own)?, r.word(given)?);
    let shaped = matches!(r.gap(own), ", " | ",")
        && a.caps == b.caps
        && a.chars >= 2
        && b.chars >= 2
        && a.digits + b.digits == 0;
    if !shaped {
        return None;
    }
    let timely = |i: usize| date::is_month(r.low(i)) && !known::bearable(r, i);
    let known = |i: usize| known::bearable(r, i) && !date::is_weekday(r.str(i));
    let plain = [own, given].into_iter().all(|i| r.has(i, Role::Common) && !r.has(i, Role::Wordly));
    let sure = match a.caps {
        Caps::Lower => {
            known(own)
                && (known(given) || !known::common(r, given) && b.chars >= 4)
                && b.chars >= 3
                && !plain
                && !known::small_word(r, own)
        }
        Caps::Title | Caps::Upper => {
            known(own) && (known(given) || joined)
                || r.proper(own) && known(given)
                || r.proper(given) && known(own)
        }
        Caps::None => false,
    };
    let places = r.has(given, Role::Label) && !r.has(given, Role::Wordly)
        || r.has(given, Role::State)
        || r.has(given, Role::StateCode)
        || r.has(given, Role::Country);
    if !sure || places || timely(own) || timely(given) {
        return None;
    }
    let mut first = own;
    while let Some(b) = first.checked_sub(1) {
        let particle = r.has(b, Role::Particle) && matches!(r.gap(b), " " | ". ") && !r.has(b, Role::Common);
        if !particle && r.gap(b) != "-" {
            break;
        }
        first = b;
    }
    Some((first, at))
}

/// `Patient Jorge Thibodeaux, 96.`, `Guadalupe Underwood, 5/8, SSN`: a bare age or a day behind a name.
fn behind(r: &Reading<'_>, f: &Finding, out: &mut Vec<Finding>) {
    let next = r.words.partition_point(|word| word.start < f.end);
    let Some(last) = next.checked_sub(1) else { return };
    let number = |i: usize| -> Option<u32> {
        r.word(i).filter(|w| w.is_number() && w.digits <= 3).and_then(|w| w.of(r.text).parse().ok())
    };
    spelled(r, last, f.score, out);
    let Some(n) = number(next) else { return };
    let gap = r.gap(last);
    let closed = |gap: &str| {
        let dot = gap == "." || gap.starts_with(". ") || gap.starts_with(".\n");
        dot || gap.is_empty() || gap.starts_with([',', '\n', ')', ';', '|'])
    };
    if gap == ", " && (18..=120).contains(&n) && closed(r.gap(next)) && !r.gap(next).starts_with(",0") {
        return r.mark((next, next), Type::AGE, Evidence::Shape, out);
    }
    let day = r.gap(next) == "/"
        && (1..=12).contains(&n)
        && number(next + 1).is_some_and(|d| (1..=31).contains(&d));
    if day && matches!(gap, ", " | " " | "," | "\t") && closed(r.gap(next + 1)) {
        r.mark((next, next + 1), Type::DATE, Evidence::Shape, out);
    }
}

/// Words that a capital letter follows and that are nobody's: `Hepatitis B`, `Vitamin K`, `Group A`.
const LETTERED: [&str; 24] = [
    "vitamin",
    "vit",
    "hepatitis",
    "hep",
    "influenza",
    "flu",
    "factor",
    "protein",
    "type",
    "stage",
    "grade",
    "group",
    "class",
    "phase",
    "plan",
    "option",
    "ward",
    "unit",
    "bed",
    "room",
    "team",
    "table",
    "figure",
    "part",
];

/// Words behind an initial; the last only behind a capital one.
const TOLD: [&str; 18] = [
    "mrn", "dob", "is", "was", "has", "for", "with", "who", "had", "in", "on", "at", "came", "needs",
    "wants", "called", "said", "here",
];

/// `Raghunathan, S.`, `Choudhury M, Lee S.`, `Ola R - 90 yrs`, `bea k,`: an initial behind the name that ends at word
/// `last`.
fn spelled(r: &Reading<'_>, last: usize, score: u8, out: &mut Vec<Finding>) {
    let next = last + 1;
    let (Some(own), Some(letter)) = (r.word(last), r.word(next)) else { return };
    if own.chars < 2 || own.digits > 0 || LETTERED.iter().any(|word| r.is(last, word)) {
        return;
    }
    let (before, behind) = (r.gap(last), r.gap(next));
    let dotted = before == ", " && behind.starts_with('.');
    let closed = behind.is_empty() || behind.starts_with([',', '.', ')', ';', ':', '\n']);
    // What else stands behind a name: a dash, a wide gap, a bracket, its number or what is known of it.
    let told = matches!(behind, "  " | " - " | " \u{2013} " | " (" | " / " | " | " | "\t")
        || behind == " " && (r.has(next + 1, Role::Label) || TOLD[..5].iter().any(|w| r.is(next + 1, w)));
    let asked = behind == " " && letter.initial() && TOLD.iter().any(|w| r.is(next + 1, w));
    let told = told || asked;
    let sure = score >= SURE;
    let (common, eponym) = (r.has(last, Role::Common), r.has(last, Role::Eponym));
    let other = common || eponym;
    let fits = if letter.initial() {
        let wordless = !matches!(r.str(next), "A" | "I");
        // `Osgood, B c/o pain`; `R` and `L` may be sides.
        let turned = before == ", "
            && (closed || told || behind == " " && r.word(next + 1).is_some_and(|w| w.caps == Caps::Lower))
            && !matches!(r.str(next), "L" | "R")
            && own.capital()
            && !last.checked_sub(1).is_some_and(|b| r.gap(b).ends_with(", "));
        let bare = before == " " && (closed || sure && wordless && told && !other);
        dotted || bare || sure && wordless && turned && !common
    } else {
        let single = letter.chars == 1 && letter.caps == Caps::Lower && own.caps == Caps::Lower;
        let word = ["a", "e", "i", "o", "u", "w", "x", "y"].contains(&r.str(next));
        single && !word && sure && !other && before == " " && (closed || told)
    };
    if fits {
        push(r, next, next, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests {
    use crate::anonymize::tests::tables::masked as check;

    #[test]
    fn names_before_their_numbers() {
        for (text, want) in [
            ("42F Church, Summer (Chart # B79969) with sepsis", "Church, Summer"),
            ("new admit Brown, Min-jun Unit number 126 95 98", "Brown, Min-jun"),
            ("short, oksana\tfeb 26 1991\tmrn: 0491", "short, oksana"),
            ("redact PHI: KIRKPATRICK mrn 339559", "KIRKPATRICK"),
            ("Smith MRN 551902, Smyth MRN 551920", "Smyth"),
            ("Med list for COOK (DOB 2/5/1950), updated", "COOK"),
            ("on call: Dr. Raghunathan, S. until eight", "S"),
            ("refill for GUNDERSON,KIRSTEN dob 2/5/1950", "GUNDERSON,KIRSTEN"),
            ("Osgood / 67M / cardiac arrest", "Osgood"),
            ("Patient Jorge Thibodeaux, 96. What trend do you see?", "96"),
            ("pt Ola R - 90 yrs, from home", "R"),
            ("pt Osgood, B c/o abd pain", "B"),
            ("Schedule Devon T for an MRI tomorrow", "T"),
            ("sleep study for marisol v, she works", "v"),
            ("pt deshawn k  mrn 00482913 is up", "k"),
            ("for Underwood, Guadalupe, 5/8, SSN 166-56-7249", "5/8"),
        ] {
            assert!(check(text).contains(&want), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn other_words_before_numbers_are_nobody() {
        for text in [
            "Monday, Tuesday 5 mg",
            "sodium, potassium 3.5",
            "Dose, Rate 5 mg",
            "score of Wells, 6.",
            "Vitamin K, iron",
            "hepatitis B - chronic",
            "give naproxen a day, then x",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
