//! Ages: a number beside a word of years, `82F`, `aged 82`.
//!
//! **Invariant:** an age is at most 120 years; what is found is the number, with its unit where one follows; whether
//! it is masked is for the policy.

use super::cue::{Cue, Reading, Role};
use super::kind::{Evidence, Finding, Type};
use super::words::{Caps, Word};

mod told;
mod worded;

/// Ages of the text.
#[expect(clippy::wildcard_enum_match_arm, reason = "other detectors are about the other roles")]
pub(crate) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for cue in &r.cues {
        match cue.role {
            Role::AgeUnit => unit(r, cue, out),
            Role::AgeLead => lead(r, cue, out),
            Role::SpelledNumber => spelled(r, cue, out),
            _ => {}
        }
    }
    for (i, word) in r.words.iter().enumerate() {
        if word.chars == 8 && word.digits == 0 {
            nineties(r, i, out);
        }
        if word.caps == Caps::Lower && (4..=18).contains(&word.chars) {
            told::in_words(r, i, out);
        }
        if (1..=3).contains(&word.digits) {
            sexed(r, i, out);
            said(r, i, out);
            told::find(r, i, out);
        }
    }
    worded::signs(r.text, out);
}

/// Ages with the unit behind them: `82 years`, `97-year-old`.
pub(crate) fn with_units(r: &Reading<'_>, out: &mut [Finding]) {
    for age in out.iter_mut().filter(|f| f.ty == Type::AGE) {
        let next = r.words.partition_point(|word| word.start < age.end);
        let joined = next > 0 && matches!(r.gap(next - 1), " " | "-" | "- ");
        let first = r.cues.partition_point(|cue| cue.first < next);
        let here = r.cues[first..].iter().take_while(|cue| joined && cue.first == next);
        let last = here.filter(|cue| cue.role == Role::AgeUnit).map(|cue| cue.last).max();
        if let Some(word) = last.and_then(|last| r.word(last)) {
            age.end = word.end;
        }
    }
}

/// `he is 93 and`, `died at 101`, `when I was 14.`: what follows is no unit.
fn said(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(n) = years(r, i).filter(|_| r.gap_before(i) == " ") else { return };
    let Some(b) = i.checked_sub(1).filter(|b| *b > 0) else { return };
    let any = |k: usize, words: &[&str]| words.iter().any(|word| r.is(k, word));
    let who = any(b, &["is", "was", "turned", "now"]) || r.gap_before(b) == "'" && any(b, &["s"]);
    let who = who
        && any(
            b - 1,
            &[
                "he",
                "she",
                "who",
                "i",
                "mother",
                "father",
                "husband",
                "wife",
                "brother",
                "sister",
                "is",
                "dad",
                "mom",
                "mum",
                "grandmother",
                "grandfather",
                "grandma",
                "grandpa",
                "aunt",
                "uncle",
                "patient",
                "pt",
                "neighbor",
            ],
        );
    // `Eulalia, who's 104, wants`: so high a number is an age in the mouth of any who.
    let old = n > 89 && r.gap_before(b) == "'" && any(b, &["s"]) && any(b - 1, &["who", "he", "she"]);
    let died = any(b, &["at"]) && any(b - 1, &["died", "passed", "deceased", "dead", "away", "passing"]);
    let made = any(b, &["him", "her", "them"]) && any(b - 1, &["makes", "making", "made"]);
    let young = any(b, &["was"]) && b > 1 && any(b - 2, &["when"]);
    let gap = r.gap(i);
    let closed = gap.trim_end().is_empty() && i + 1 == r.words.len()
        || matches!(gap, ". " | ", " | "; " | ") " | ".\n" | ",\n" | "\n")
        || matches!(gap, "." | "!" | ")" | "," | ".\"") && i + 1 == r.words.len()
        || gap == " "
            && any(i + 1, &["and", "who", "but", "when", "of", "from", "with", "now", "due", "after"]);
    if old || closed && ((who || died || made) && n >= 18 || young && n >= 3) {
        push(r, i, Evidence::Shape, out);
    }
}

fn years(r: &Reading<'_>, i: usize) -> Option<u32> {
    let word = r.word(i).filter(|w| w.is_number() && w.digits <= 3)?;
    word.of(r.text).parse().ok().filter(|n| *n <= 120)
}

fn push(r: &Reading<'_>, i: usize, evidence: Evidence, out: &mut Vec<Finding>) {
    if let Some(word) = r.word(i) {
        let end = word.start + word.digits.max(if word.digits == 0 { word.end - word.start } else { 0 });
        out.push(Finding::new(word.start, end, Type::AGE, evidence));
    }
}

/// Units that say much beside age.
const LOOSE: &[&str] = &[
    "ans",
    "años",
    "anni",
    "anos",
    "jaar",
    "lat",
    "lata",
    "år",
    "let",
    "лет",
    "года",
    "роки",
    "років",
    "ani",
    "jahre",
    "tahun",
    "عاماً",
    "عاما",
    "عامًا",
    "سنة",
    "month",
    "months",
    "mois",
    "meses",
    "mesi",
    "jr",
];

/// `82 year old`, `82-jährige`, `82 ans`, `6 months old`.
fn unit(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(before) = cue.first.checked_sub(1) else { return };
    let Some(n) = years(r, before) else { return worded::unit(r, cue, out) };
    if matches!(r.gap(before), " " | "-" | "- " | ". ") && loosely(r, cue, before, n >= 2) {
        push(r, before, Evidence::Shape, out);
    }
}

/// Whether the number from word `first` on is an age by the word for years behind it and by what stands before it.
fn loosely(r: &Reading<'_>, cue: &Cue, first: usize, several: bool) -> bool {
    if cue.first < cue.last || !LOOSE.contains(&r.low(cue.first)) {
        return true;
    }
    // `tiene 82 años`, `âgé de 82 ans`, `ma 82 lata`; `hace 5 años` and `pendant 10 ans` say how long ago.
    const HAS: &[&str] = &[
        "tiene", "tengo", "a", "ai", "ha", "ho", "tem", "tenho", "ma", "mam", "de", "di", "com", "con", "is",
        "ben", "är", "er", "je", "jest", "мне", "ему", "ей", "йому", "їй", "мені", "are", "din", "âgé",
        "âgée", "woman", "man", "femme", "homme", "mujer", "hombre", "cumple",
    ];
    const AGO: &[&str] = &[
        "hace", "depuis", "pendant", "da", "durante", "il", "por", "há", "från", "sedan", "od", "przez",
        "en", "in", "y",
    ];
    let led = first.checked_sub(1).map(|b| r.str(b).to_lowercase());
    let has = led.as_deref().is_some_and(|w| HAS.contains(&w));
    let ago = led.as_deref().is_some_and(|w| AGO.contains(&w));
    let comma = matches!(r.gap_before(first), ", " | " (" | "," | "(");
    has || comma && !ago && several
}

/// `aged 82`, `age: 82`, `turned 90`.
fn lead(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let mut next = cue.last + 1;
    let gap = r.gap(cue.last);
    if !matches!(gap, " " | ": " | ":" | " : " | "=" | " = " | ", " | " (") {
        return;
    }
    if r.is(next, "of") || r.is(next, "is") || r.is(next, "was") {
        next += 1;
    }
    let turned = ["turned", "turning", "turns"].iter().any(|word| r.is(cue.first, word));
    let Some(n) = years(r, next) else {
        told::fused(r, next, out);
        return worded::lead(r, next, out);
    };
    let plain =
        !r.gap(next).starts_with(['%', '/', '\'']) && (r.gap(next) != "-" || r.has(next + 1, Role::AgeUnit));
    if plain
        && n > 0
        && !(turned && n < 13)
        && !(gap == " " && r.gap(next) == "." && r.word(next + 1).is_some_and(|w| w.digits > 0))
    {
        push(r, next, Evidence::Label, out);
        unit_behind(r, next, out);
    }
}

/// `umur 61 th`: short words for years, which are others where no word for an age leads to the number.
fn unit_behind(r: &Reading<'_>, i: usize, out: &mut [Finding]) {
    const SHORT: [&str; 24] = [
        "th",
        "thn",
        "tahun",
        "j",
        "rok",
        "roků",
        "rokov",
        "tuổi",
        "साल",
        "वर्ष",
        "बरस",
        "χρονών",
        "років",
        "роки",
        "vuotta",
        "év",
        "سنة",
        "سنوات",
        "عاما",
        "عامًا",
        "عام",
        "שנים",
        "שנה",
        "jr",
    ];
    let unit = r.word(i + 1).filter(|_| r.gap(i) == " " && SHORT.contains(&r.low(i + 1)));
    if let (Some(age), Some(unit)) = (out.last_mut(), unit) {
        age.end = unit.end;
    }
}

/// `is ninety-two and`: so high a number is an age where nothing is measured; word `b` stands before it.
fn oldest(r: &Reading<'_>, cue: &Cue, b: usize) -> bool {
    const MEASURED: [&str; 12] = [
        "sat", "sats", "spo2", "pulse", "rate", "hr", "bp", "pressure", "sugar", "glucose", "weight", "score",
    ];
    let high = r.is(cue.first, "ninety") || r.is(cue.last, "hundred") || r.is(cue.first + 1, "hundred");
    let is = ["is", "was", "now", "turned"].iter().any(|word| r.is(b, word));
    let what = b.checked_sub(1).is_some_and(|who| MEASURED.iter().any(|word| r.is(who, word)));
    let gap = r.gap(cue.last);
    let on = ["and", "but", "with", "now", "who", "when"].iter().any(|word| r.is(cue.last + 1, word));
    high && is && !what && (!gap.starts_with(' ') || on)
}

/// `ninety-two years old`, `aged eighty`.
fn spelled(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let unit = matches!(r.gap(cue.last), " " | "-")
        && r.cues
            .iter()
            .skip(r.cues.partition_point(|c| c.first <= cue.last))
            .take_while(|c| c.first == cue.last + 1)
            .any(|c| c.role == Role::AgeUnit && (c.first != c.last || !LOOSE.contains(&r.low(c.first))));
    let led = cue.first.checked_sub(1).is_some_and(|b| {
        r.gap(b) == " "
            && (["aged", "age"].iter().any(|word| r.is(b, word))
                || aged(r, b)
                || oldest(r, cue, b)
                || told::of_kin(r, cue.first, cue.last)
                || told::of_me(r, b, cue.last))
    });
    if let (true, Some(a), Some(b)) = (unit || led, r.word(cue.first), r.word(cue.last)) {
        out.push(Finding::new(a.start, b.end, Type::AGE, Evidence::Shape));
    }
}

/// `her age is`, `just turned`: what stands before a number of years, to word `last`.
fn aged(r: &Reading<'_>, last: usize) -> bool {
    let is = ["is", "of"].iter().any(|word| r.is(last, word));
    let turned = ["turned", "turning", "turns"].iter().any(|word| r.is(last, word));
    turned || is && last.checked_sub(1).is_some_and(|b| r.is(b, "age"))
}

/// `in her nineties`, `a man in his late nineties`: more years than may be told.
fn nineties(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let stage = i.checked_sub(1).filter(|b| {
        r.gap(*b) == " " && ["early", "mid", "late"].iter().any(|word| r.is(*b, word))
            || r.gap(*b) == "-" && r.is(*b, "mid")
    });
    let owner = stage.unwrap_or(i).checked_sub(1);
    let owned = owner.is_some_and(|b| ["her", "his", "their", "my"].iter().any(|word| r.is(b, word)));
    if owned && r.is(i, "nineties") {
        push(r, i, Evidence::Shape, out);
    }
}

/// `82F`, `82yo`, `82 F`, `F/82`, `82 y/o`, `82M`.
fn sexed(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i) else { return };
    let text = word.of(r.text);
    let Some(tail) =
        text.get(word.digits..).filter(|_| text.bytes().take(word.digits).all(|b| b.is_ascii_digit()))
    else {
        return;
    };
    let n: u32 = text.get(..word.digits).and_then(|n| n.parse().ok()).unwrap_or(999);
    if n == 0 || n > 120 || r.gap_before(i).ends_with(['.', '$', '#']) {
        return;
    }
    let low = tail.to_ascii_lowercase();
    let fused = matches!(low.as_str(), "yo" | "yof" | "yom" | "y" | "yrs" | "yr")
        || matches!(tail, "F" | "M") && word.digits >= 2;
    let unit = low == "y" && !(r.gap(i) == "/" && r.is(i + 1, "o")) || matches!(low.as_str(), "yr" | "yrs");
    if !tail.is_empty() {
        // `5y` may be a span of time; with a sex behind it, it is an age.
        let person =
            ["old", "male", "female", "m", "f", "woman", "man", "boy", "girl"].iter().any(|w| r.is(i + 1, w));
        if fused && (!unit || person) {
            push(r, i, Evidence::Shape, out);
        }
        return;
    }
    let sex = |k: usize| matches!(r.str(k), "F" | "M") && r.word(k).is_some_and(Word::initial);
    let after = sex(i + 1) && matches!(r.gap(i), " " | "/") && !r.gap(i + 1).starts_with('.');
    let before = i.checked_sub(1).is_some_and(|b| {
        sex(b) && matches!(r.gap(b), "/" | ", ")
            || sex(b) && matches!(r.gap(b).trim(), "" | "|") && !r.gap(b).contains('\n') && word.digits == 2
    });
    let said = r.word(i + 1).is_some_and(|w| w.caps == Caps::Lower)
        && ["male", "female"].iter().any(|w| r.is(i + 1, w))
        && r.gap(i) == " ";
    let money = after && r.is(i + 2, "of");
    if (after || before || said) && word.digits >= 2 && n >= 10 && !money {
        push(r, i, Evidence::Shape, out);
    }
}

/// The value of an age label.
pub(crate) fn value(r: &Reading<'_>, first: usize, out: &mut Vec<Finding>) {
    if years(r, first).is_some_and(|n| n > 0) && !r.gap(first).starts_with(['%', '/']) {
        push(r, first, Evidence::Label, out);
    }
}

#[cfg(test)]
mod tests;
