//! Names of persons, their titles and their handles, by the frame that they stand in.
//!
//! **Invariant:** nothing is found without a frame: a capital alone is no name.

use super::cue::{Cue, Reading, Role};
use super::kind::{Evidence, Finding, Type};
use super::words::{Caps, Word};

mod behind;
mod beside;
mod called;
mod chat;
mod coded;
mod east;
mod file;
mod handle;
mod initial;
mod known;
mod roster;
mod run;
mod spelt;
mod stretch;
mod subject;
mod ward;

pub(crate) use behind::behind_names;
pub(crate) use beside::beside;
pub(crate) use coded::coded;
pub(crate) use file::is_in_paper;
pub(crate) use run::{How, left, run, small as small_run, value};
use run::{borne, small as small_name};
pub(crate) use stretch::stretch;

/// Names, titles and handles of the text.
#[expect(clippy::wildcard_enum_match_arm, reason = "other detectors are about the other roles")]
pub(crate) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for cue in &r.cues {
        match cue.role {
            Role::Honorific => honorific(r, cue, out),
            Role::NameLead => lead(r, cue, out),
            Role::NameHint => hint(r, cue, out),
            Role::Relative => relative(r, cue, out),
            Role::Closing => closing(r, cue, out),
            Role::Speaking => speaking(r, cue, out),
            Role::UserLead => handle::after_label(r, cue, out),
            _ => {}
        }
    }
    for i in 0..r.words.len() {
        if r.word(i).is_some_and(Word::initial) {
            initial::find(r, i, out);
        } else if r.word(i).is_some_and(|w| w.chars == 1 && w.caps == Caps::Lower) {
            initial::small(r, i, out);
        } else if r.has(i, Role::Credential) {
            credential(r, i, out);
        }
        if r.word(i).is_some_and(|w| w.chars == 8) {
            initial::told(r, i, out);
        }
        called::find(r, i, out);
        behind::find(r, i, out);
        ward::find(r, i, out);
        subject::find(r, i, out);
        file::find(r, i, out);
        spelt::find(r, i, out);
    }
    known::find(r, out);
    roster::find(r, out);
    chat::find(r, out);
    east::find(r, out);
    handle::marked(r, out);
    handle::spoken(r, out);
    handle::option(r, out);
}

fn push(r: &Reading<'_>, first: usize, last: usize, evidence: Evidence, out: &mut Vec<Finding>) {
    r.mark((first, last), Type::NAME, evidence, out);
}

/// Something else follows that makes the run its own: `Baker Street`, `Acme Corp`, `Mercy Hospital`.
fn other_kind(r: &Reading<'_>, last: usize) -> bool {
    let after = |i: usize| {
        [Role::OrgAfter, Role::FacilityAfter, Role::StreetAfter].iter().any(|role| r.has(i, *role))
            && r.word(i).is_some_and(Word::capital)
    };
    after(last) || r.gap(last) == " " && after(last + 1)
}

/// One word that is a place or a people is no name in a weak frame.
fn place_alone(r: &Reading<'_>, first: usize, last: usize) -> bool {
    let roles = [Role::City, Role::State, Role::Country, Role::Nrp];
    let labelled = |i: usize| r.has(i, Role::Label) && !known::bearable(r, i);
    (first..=last).all(|i| labelled(i) || roles.iter().any(|role| r.has(i, *role)))
}

/// As [`other_kind`], but a lone word in a frame of persons is no street: `d/w Hill and Rao`.
fn of_other(r: &Reading<'_>, first: usize, last: usize) -> bool {
    let lone = first == last && r.gap(last) != " " || !r.word(last + 1).is_some_and(Word::capital);
    !(first == last && lone && known::bearable(r, first)) && other_kind(r, last)
}

/// `Mr. Parkinson`, `Frau Dr. Weber`.
fn honorific(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(word) = r.word(cue.last) else { return };
    let next = cue.last + 1;
    let gap = r.gap(cue.last);
    // A long title is not abbreviated: its full stop ends a sentence.
    if !(gap == " " || matches!(gap, ". " | ".") && word.chars <= 4) {
        return;
    }
    if small(r, cue) {
        push(r, next, next, Evidence::Label, out);
        return;
    }
    let Some(last) = run(r, next, How::Sure) else {
        if lettered(r, cue) {
            return push(r, next, next, Evidence::Label, out);
        }
        // `Prof. Dr. Weber`: the title before a title.
        let titled = r.has(next, Role::Honorific) && run(r, next + 1, How::Sure).is_some();
        if titled && word.capital() {
            out.push(Finding::new(r.words[cue.first].start, word.end, Type::TITLE, Evidence::Label));
        }
        return;
    };
    let upper = (next..=last).all(|i| r.word(i).is_some_and(|w| w.caps == Caps::Upper));
    let dotted = r.gap(cue.last).starts_with('.');
    let short = word.chars <= 2 && word.caps == Caps::Lower && !dotted;
    let small = r.has(next, Role::Common) && !r.has(next, Role::Particle);
    let plain = r.has(cue.first, Role::Common) && word.caps == Caps::Lower && small;
    // `MR Angiography`, `me Lo`: a title in capitals titles a name in capitals.
    if word.caps == Caps::Upper && word.chars > 1 && !upper && !dotted || short || plain {
        return;
    }
    out.push(Finding::new(r.words[cue.first].start, word.end, Type::TITLE, Evidence::Label));
    push(r, next, last, Evidence::Label, out);
    if ["drs", "messrs"].iter().any(|word| r.is(cue.last, word)) {
        and_more(r, last, out);
    }
}

/// `Mr. K.`, `Frau B.`, `Ms T called`: a person's title and a letter, which is no word of its own.
fn lettered(r: &Reading<'_>, cue: &Cue) -> bool {
    const OF_PEOPLE: [&str; 15] = [
        "Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Herr", "Herrn", "Frau", "Mme", "Sra", "Pan", "Pani", "Fru",
        "Hr",
    ];
    let next = cue.last + 1;
    let titled = OF_PEOPLE.contains(&r.str(cue.last)) && r.word(next).is_some_and(Word::initial);
    let gap = r.gap(next);
    titled && !gap.starts_with('-') && (r.str(next) != "I" || gap.starts_with('.')) && r.str(next) != "A"
        || titled && r.is(next, "a") && gap.starts_with('.')
}

/// `dr. addison`, `mr smith`: title and name in small letters.
fn small(r: &Reading<'_>, cue: &Cue) -> bool {
    let next = cue.last + 1;
    let dotted = r.gap(cue.last) == ". ";
    let title = match r.str(cue.last) {
        "dr" | "prof" | "mrs" => true,
        "mr" | "ms" => dotted || known::surname(r, next),
        _ => false,
    };
    let common = r.has(next, Role::Common) || r.has(next, Role::Label) || r.has(next, Role::Particle);
    title && !common && r.word(next).is_some_and(|w| w.caps == Caps::Lower && w.chars >= 2 && w.digits == 0)
}

/// `my name is anna berg`.
fn lead(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    if !matches!(r.gap(cue.last), " " | ": " | ", " | "  " | " \"" | " '" | ": \"") {
        return;
    }
    if let Some(last) = run(r, cue.last + 1, How::Loose) {
        push(r, cue.last + 1, last, Evidence::Label, out);
    }
}

/// Last words of hints behind which any capital is a name: `goes by Skip`, `named Hope`.
const CALLED: [&str; 6] = ["by", "aka", "a", "as", "named", "nicknamed"];

/// `I am Anna Berg`, `Dear Anna`, `patient Berg`.
fn hint(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let gap = r.gap(cue.last);
    if !matches!(gap, " " | ", " | " (" | " \"") {
        return;
    }
    let next = cue.last + 1;
    let whole = if CALLED.contains(&r.str(cue.last)) { run(r, next, How::Sure) } else { borne(r, next) };
    let spoken = ["w", "by", "with", "sees", "says", "aka", "hcp", "witness"].contains(&r.str(cue.last))
        || cue.last > cue.first;
    let asked = ["ask", "tell", "remind"].contains(&r.str(cue.last));
    let asked = |last: usize| asked && ["to", "that", "about", "if"].contains(&r.str(last + 1));
    // A way to take a drug, or an organ, may stand where no name is: `given by nebulizer`, `sees floaters`, `c/o`.
    let loose = ["d", "hcp", "aka", "witness"].iter().any(|word| r.is(cue.first, word));
    let fits =
        |last: usize| asked(last) || spoken && (loose || known::bearable(r, next)) && !r.is(cue.first, "c");
    let low = || small_name(r, next).filter(|last| gap == " " && fits(*last));
    let found = whole.or_else(low).or_else(|| known::given(r, next)).or_else(|| introduced(r, cue));
    let Some(last) = found else { return };
    let one = last == next;
    let upper = r.word(next).is_some_and(|w| w.caps == Caps::Upper);
    let titled =
        r.has(cue.last, Role::Label) && r.word(cue.first).is_some_and(Word::capital) && !r.begins(cue.first);
    // `PATIENT MCGILLICUDDY SEEN BY`
    let told =
        ["is", "was", "seen", "has"].iter().any(|word| r.is(next + 1, word)) || r.has(next + 1, Role::Does);
    let rare = || r.proper(next) && !known::common(r, next) && r.word(next).is_some_and(|w| w.chars >= 6);
    let upper = upper
        && !(known::capitals(r, next) && (known::bearable(r, next) || cue.last > cue.first && rare()))
        && !(told
            && r.word(next).is_some_and(|w| w.chars >= 5)
            && r.word(next + 1).is_some_and(Word::capital));
    let weak =
        one && (upper || gap == ", " || titled) || place_alone(r, next, last) || of_other(r, next, last);
    if !weak {
        push(r, next, last, Evidence::Shape, out);
        if cue.last > cue.first {
            and_more(r, last, out);
        }
    }
}

/// `hello this is sunniva, my son ...`: who speaks, in small letters.
fn introduced(r: &Reading<'_>, cue: &Cue) -> Option<usize> {
    let next = cue.last + 1;
    let said = r.is(cue.first, "this") && r.is(cue.last, "is") || r.is(cue.first, "it's");
    let word = r.word(next).filter(|w| said && w.caps == Caps::Lower && w.digits == 0 && w.chars >= 4)?;
    let goes_on = match r.gap(next) {
        ", " => ["my", "i", "i'm", "im", "and", "from", "calling", "can", "could"].contains(&r.str(next + 1)),
        " " => ["from", "calling", "again"].contains(&r.str(next + 1)),
        _ => false,
    };
    let formed = ["ing", "ed", "al", "ent", "ant", "ous", "ic", "ive", "ble", "ly", "ful", "less"];
    let other = formed.iter().any(|end| word.of(r.text).ends_with(end));
    (goes_on && !other && !r.has(next, Role::Common) && !known::common(r, next)).then_some(next)
}

/// `his wife Anna`, `mother, Ruth Levi`, `sister (Mia)`.
fn relative(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let mut next = cue.last + 1;
    let gap = r.gap(cue.last);
    if gap == " "
        && ["is", "was", "named", "called"].iter().any(|word| r.is(next, word))
        && r.gap(next) == " "
    {
        next += 1;
    } else if !matches!(gap, " " | ", " | " (" | ": " | " - ") {
        return;
    }
    let found = borne(r, next).or_else(|| small_name(r, next)).or_else(|| known::given(r, next));
    let Some(last) = found else { return };
    let upper = (next..=last).all(|i| r.word(i).is_some_and(|w| w.caps == Caps::Upper));
    let upper = upper && last == next && !(known::capitals(r, next) && known::bearable(r, next));
    let weak = upper || place_alone(r, next, last) || of_other(r, next, last);
    if !weak {
        push(r, next, last, Evidence::Shape, out);
        and_more(r, last, out);
    }
}

/// `daughters Mia, Lea and Ida`.
fn and_more(r: &Reading<'_>, last: usize, out: &mut Vec<Finding>) {
    let mut at = last;
    for _ in 0..6 {
        let and = r.gap(at) == " "
            && ["and", "und", "et", "y", "e", "i", "och", "en", "og"].contains(&r.str(at + 1));
        let next = if and { at + 2 } else { at + 1 };
        if !(and && r.gap(at + 1) == " " || r.gap(at) == ", ") {
            return;
        }
        let end = if and { borne(r, next) } else { run(r, next, How::Capital) };
        let Some(end) = end.filter(|end| !place_alone(r, next, *end)) else { return };
        push(r, next, end, Evidence::Shape, out);
        at = end;
    }
}

/// `Kind regards,` and a name on the next line, or at the end.
fn closing(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let gap = r.gap(cue.last);
    let broken = gap.contains('\n');
    let ended = cue.last + 2 == r.words.len() && gap == " " && known::bearable(r, cue.last + 1);
    if !(broken || ended || matches!(gap, ", " | "! " | " - " | "\n" | " ,")) || gap.len() > 8 {
        return;
    }
    let next = cue.last + 1;
    let how = if broken { How::Sure } else { How::Capital };
    let Some(last) = run(r, next, how).or_else(|| small_end(r, next)) else { return };
    let rest = r.gap(last).trim_start_matches([' ', '.', ',', '!']);
    let ends = last + 1 == r.words.len()
        || rest.starts_with(['\n', '\r', '-', '(', '|'])
        || r.has(last + 1, Role::Credential);
    if ends && !other_kind(r, last) {
        push(r, next, last, Evidence::Label, out);
    }
}

/// `thx, bea`: the last word of a message, in small letters like the rest.
fn small_end(r: &Reading<'_>, i: usize) -> Option<usize> {
    let ends = i + 1 == r.words.len() && r.words.len() > 3;
    let word = r.word(i).filter(|w| ends && w.caps == Caps::Lower && w.digits == 0 && w.chars >= 3)?;
    let common = r.has(i, Role::Common) || known::common(r, i);
    let common =
        common && known::given(r, i).is_none() && !(r.gap_before(i).contains('\n') && known::bearable(r, i));
    let small = r.words.iter().filter(|w| w.caps == Caps::Title).count() * 4 < r.words.len();
    (!common && small && word.of(r.text).is_ascii()).then_some(i)
}

/// `Anna Berg speaking`.
fn speaking(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(before) = cue.first.checked_sub(1) else { return };
    let Some(first) = left(r, before).filter(|_| r.gap(before) == " ") else { return };
    let led = first.checked_sub(1).is_some_and(|i| r.is(i, "is"));
    if (r.begins(first) || led) && !place_alone(r, first, before) {
        push(r, first, before, Evidence::Shape, out);
    }
}

/// Titles that follow a name and are little else.
const CREDENTIALS: &[&str] = &[
    "MD", "M.D", "PhD", "RN", "DDS", "DMD", "PharmD", "MPH", "MSN", "BSN", "LPN", "LCSW", "Esq", "CPA",
    "FACS", "MBBS", "CRNP", "APRN", "PsyD", "DPT", "NP", "DO",
];

/// `Anna Berg, MD`.
fn credential(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(before) = i.checked_sub(1) else { return };
    // `NP Carla Ruiz`.
    let led = CREDENTIALS.contains(&r.str(i)) && r.gap(i) == " ";
    let next = if led { run(r, i + 1, How::Capital) } else { None };
    if let Some(last) = next.filter(|last| *last > i + 1 && !other_kind(r, *last)) {
        push(r, i + 1, last, Evidence::Shape, out);
    }
    let zip = r.word(i + 1).is_some_and(|w| w.is_number() && w.digits == 5);
    if !CREDENTIALS.contains(&r.str(i)) || !matches!(r.gap(before), ", " | " " | ",") || zip {
        return;
    }
    let Some(first) = left(r, before) else { return };
    let one = first == before && r.gap(before) == " ";
    if !one && !place_alone(r, first, before) && !r.has(before, Role::City) {
        push(r, first, before, Evidence::Shape, out);
    }
}

#[cfg(test)]
mod tests;
