//! What is said of a person's nation, faith or party.
//!
//! **Invariant:** a word of a people that names a thing, or a language, is nobody's.

use crate::anonymize::cue::{Cue, Reading};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::words::Caps;

/// Things that are called after a nation, and are no person.
const THINGS: &[&str] = &[
    "language",
    "food",
    "cuisine",
    "restaurant",
    "restaurants",
    "dressing",
    "wine",
    "toast",
    "fries",
    "text",
    "translation",
    "grammar",
    "keyboard",
    "version",
    "dollar",
    "dollars",
    "pesos",
    "peso",
    "rupees",
    "yen",
    "market",
    "history",
    "literature",
    "law",
    "college",
    "society",
    "association",
    "academy",
    "journal",
    "heart",
    "diabetes",
    "cancer",
    "flu",
    "measles",
    "spotted",
    "sleeping",
    "shepherd",
    "bulldog",
    "ginseng",
    "medicine",
    "football",
    "music",
    "movie",
    "movies",
    "tea",
    "coffee",
    "word",
    "words",
    "sentence",
    "subtitles",
    "accent",
    "to",
    "into",
];

/// `soy española`, `Ik ben gereformeerd`, `25 years old, suomalainen,`: said in lower case of the speaker.
fn said_of(r: &Reading<'_>, cue: &Cue) -> bool {
    const AM: &[&str] = &[
        "am",
        "i'm",
        "soy",
        "es",
        "suis",
        "est",
        "sono",
        "è",
        "sou",
        "é",
        "ben",
        "is",
        "bin",
        "ist",
        "jestem",
        "jest",
        "jeg",
        "er",
        "är",
        "olen",
        "on",
        "jsem",
        "je",
        "vagyok",
        "sunt",
        "nationalité",
        "nacionalidad",
        "cittadinanza",
        "nacionalidade",
        "saya",
        "adalah",
        "seorang",
        "я",
        "είμαι",
        "είναι",
        "он",
        "она",
        "він",
        "вона",
        "é",
        "sei",
        "mam",
        "hän",
        "han",
        "hun",
        "hon",
        "ő",
    ];
    const AND: [&str; 14] = ["и", "і", "й", "а", "und", "et", "y", "och", "og", "ja", "és", "ve", "și", "a"];
    // `katolik, 41 lat`: what a text begins with.
    let Some(b) = cue.first.checked_sub(1) else {
        return r.gap(cue.last) == ", " && r.word(cue.last + 1).is_some_and(|w| w.digits > 0);
    };
    let am = r.gap(b) == " " && AM.contains(&r.low(b));
    let after = r.gap(cue.last).trim_start();
    let listed = matches!(r.gap(b), ", " | " | ") && after.starts_with([',', '|']);
    let on = r.gap(cue.last) == " " && AND.contains(&r.str(cue.last + 1));
    let closed = after.starts_with([',', '.', ';', '|']) || cue.last + 1 == r.words.len() || am && on;
    let behind = r.gap(cue.last) == " "
        && ["vagyok", "student", "nurse", "engineer", "chef", "woman", "man"].contains(&r.str(cue.last + 1));
    closed && (am || listed) || behind
}

/// `a Somali patient`, `is Jewish`; `French fries` is nobody.
pub(super) fn people(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(word) = r.word(cue.first) else { return };
    if word.caps != Caps::Title && !(word.caps == Caps::Lower && said_of(r, cue)) {
        return;
    }
    let thing = r.gap(cue.last) == " " && THINGS.contains(&r.low(cue.last + 1));
    let spoken = cue.first.checked_sub(1).is_some_and(|b| {
        r.gap(b) == " "
            && ["in", "to", "into", "from", "speaks", "speak", "speaking", "learn", "the", "auf"]
                .contains(&r.str(b))
    });
    let named = r.gap(cue.last) == " " && r.proper(cue.last + 1);
    if !(thing || spoken || named) {
        r.mark((cue.first, cue.last), Type::NRP, Evidence::Shape, out);
    }
}
