//! Ages: a number beside a word of years, `82F`, `aged 82`.
//!
//! **Invariant:** an age is at most 120 years; what is found is the number, with its unit where one follows; whether
//! it is masked is for the policy.

use super::cue::{Cue, Reading, Role};
use super::kind::{Evidence, Finding, Type};
use super::words::{Caps, Word};

mod told;

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
    "ans", "años", "anni", "anos", "jaar", "lat", "år", "let", "лет", "ani", "month", "months", "mois",
    "meses", "mesi", "jr",
];

/// `82 year old`, `82-jährige`, `82 ans`, `6 months old`.
fn unit(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(before) = cue.first.checked_sub(1) else { return };
    if !matches!(r.gap(before), " " | "-" | "- " | ". ") || years(r, before).is_none() {
        return;
    }
    let word = r.low(cue.first);
    let loose = cue.first == cue.last && LOOSE.contains(&word);
    if !loose {
        push(r, before, Evidence::Shape, out);
        return;
    }
    // `tiene 82 años`, `âgé de 82 ans`, `ma 82 lata`; `hace 5 años` and `pendant 10 ans` say how long ago.
    const HAS: &[&str] = &[
        "tiene", "tengo", "a", "ai", "ha", "ho", "tem", "tenho", "ma", "mam", "de", "di", "com", "con", "is",
        "ben", "är", "er", "je", "jest", "мне", "ему", "ей", "are", "din", "âgé", "âgée", "woman", "man",
        "femme", "homme", "mujer", "hombre", "cumple",
    ];
    const AGO: &[&str] = &[
        "hace", "depuis", "pendant", "da", "durante", "il", "por", "há", "från", "sedan", "od", "przez",
        "en", "in", "y",
    ];
    let led = before.checked_sub(1).map(|b| r.str(b).to_lowercase());
    let has = led.as_deref().is_some_and(|w| HAS.contains(&w));
    let ago = led.as_deref().is_some_and(|w| AGO.contains(&w));
    let comma = matches!(r.gap_before(before), ", " | " (" | "," | "(");
    if has || comma && !ago && years(r, before).is_some_and(|n| n >= 2) {
        push(r, before, Evidence::Shape, out);
    }
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
    let Some(n) = years(r, next) else { return told::fused(r, next, out) };
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
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        let mut found: Vec<&str> = out.iter().map(|f| &text[f.start..f.end]).collect();
        found.dedup();
        found
    }

    #[test]
    fn ages_in_many_forms() {
        let mut wrong: Vec<String> = Vec::new();
        for (text, want) in [
            ("an 82 year old man", "82"),
            ("a 93-year-old woman", "93"),
            ("pt is 82yo", "82"),
            ("82 y/o female", "82"),
            ("Mrs. K, 82F, fell", "82"),
            ("seen F/82 today", "82"),
            ("aged 91", "91"),
            ("age: 44", "44"),
            ("umur 61 th, agama", "61 th"),
            ("usia: 34 tahun", "34 tahun"),
            ("ve věku 61 let", "61"),
            ("उम्र 67 वर्ष", "67 वर्ष"),
            ("die 82-jährige Frau", "82"),
            ("une femme de 82 ans", "82"),
            ("tiene 82 años", "82"),
            ("has 82 anni? ha 82 anni", "82"),
            ("a 6-month-old infant", "6"),
            ("3 weeks old", "3"),
            ("she is ninety-two years old", "ninety-two"),
            ("45 M with cough", "45"),
            ("turned 90 in May", "90"),
            ("he is 93 and lives alone", "93"),
            ("My dad is 96 and his cardiologist", "96"),
            ("born in 1931, making him 93, and never", "93"),
            ("his mother died at 101 of CHF", "101"),
            ("moved when I was 9.", "9"),
            ("last year she was 95.", "95"),
            ("er ist 71 Jahre alt", "71"),
            ("i care for earl, he's 92 and lives here", "92"),
            ("Her age is ninety-one.", "ninety-one"),
            ("he just turned ninety", "ninety"),
            ("a woman in her late nineties", "nineties"),
            ("she is six years old", "six"),
            ("a teacher, is ninety-two and was seen", "ninety-two"),
            ("Eulalia who's 104 wants to fly", "104"),
        ] {
            if check(text).first() != Some(&want) {
                wrong.push(format!("{text}: {:?}", check(text)));
            }
        }
        for text in [
            "hace 5 años",
            "10 years of experience",
            "page 82",
            "12 months of therapy",
            "follow up in 6 months",
            "5y survival",
            "120 M of sales",
            "1.5M users",
            "for 20 years",
            "level 5 M",
            "age is a factor",
            "a 20 mg dose",
            "her HR was 93 and BP",
            "he was 95% sure",
            "she is 20 minutes late",
            "died at 23:45",
            "music of the nineties",
            "her pulse is ninety and regular",
            "for the sixth time",
        ] {
            if !check(text).is_empty() {
                wrong.push(format!("{text}: {:?}", check(text)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
