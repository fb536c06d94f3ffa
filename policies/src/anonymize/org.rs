//! Organisations, facilities, and what is said of a person's nation, faith or party.
//!
//! **Invariant:** a name is found only beside a word that says what it is the name of.

use super::cue::{Cue, Reading, Role};
use super::kind::{Evidence, Finding, Type};
use super::who::{How, run};
use super::words::{Caps, Word};

mod emergency;
mod employer;
mod folk;
mod form;
mod house;
mod kinds;
mod labour;
mod nation;
mod part;
mod people;
mod small;
mod specialty;
mod ward;
pub(crate) use labour::works;
pub(crate) use nation::citizens;
pub(crate) use part::at as part_at;
use people::people;
use small::{small_name, spoken};

/// Organisations, facilities and peoples of the text.
#[expect(clippy::wildcard_enum_match_arm, reason = "other detectors are about the other roles")]
pub(crate) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    form::find(r, out);
    nation::find(r, out);
    folk::find(r, out);
    kinds::find(r, out);
    for (i, word) in r.words.iter().enumerate() {
        if word.chars == 7 {
            small::general(r, i, out);
        }
        if word.caps == Caps::Upper && word.chars <= 4 {
            emergency::find(r, i, out);
        }
        if word.caps == Caps::Title && matches!(word.chars, 4 | 6 | 7 | 8 | 10) {
            small::school(r, i, out);
        }
        if word.caps == Caps::Title && matches!(word.chars, 4..=14) {
            ward::find(r, i, out);
            ward::double(r, i, out);
            employer::of_employee(r, i, out);
        } else if word.digits > 0 && word.chars <= 3 {
            part::numbered(r, i, out);
        } else if word.caps == Caps::Lower && matches!(word.chars, 3..=9) {
            employer::trade(r, i, out);
            labour::find(r, i, out);
        }
    }
    for cue in &r.cues {
        match cue.role {
            Role::OrgAfter => after(r, cue, Type::ORG, out),
            Role::FacilityAfter => after(r, cue, Type::FACILITY, out),
            Role::OrgBefore => before(r, cue, Type::ORG, out),
            Role::FacilityBefore => before(r, cue, Type::FACILITY, out),
            Role::OrgLead => lead(r, cue, Type::ORG, out),
            Role::EmployerLead => employer::find(r, cue, out),
            Role::FacilityLead => lead(r, cue, Type::FACILITY, out),
            Role::House => house::find(r, cue, out),
            Role::Nrp => people(r, cue, out),
            Role::City => small::short(r, cue, out),
            _ => {}
        }
    }
}

/// Words that stand between the capitals of a name.
const INSIDE: &[&str] = &[
    "of", "the", "and", "for", "de", "la", "del", "di", "du", "des", "der", "für", "und", "y", "e", "et",
    "van", "von",
];

/// Suffixes that nothing else is: a name with one needs no more.
const LEGAL: &[&str] = &[
    "inc",
    "llc",
    "gmbh",
    "ltd",
    "corp",
    "plc",
    "llp",
    "s p a",
    "spa",
    "srl",
    "sarl",
    "sas",
    "b v",
    "bv",
    "n v",
    "oy",
    "oyj",
    "kft",
    "zrt",
    "ag",
    "kg",
    "ohg",
    "aps",
    "asa",
    "ab",
    "as",
    "s a",
    "s l",
    "s r l",
    "pty",
    "pte",
    "ltda",
    "sp z o o",
    "s r o",
    "d o o",
    "corporation",
    "limited",
    "incorporated",
    "pllc",
    "company",
    "eood",
];

/// `Acme Tools GmbH`, `St. Mary's Hospital`, `Mercy Medical Center`.
fn after(r: &Reading<'_>, cue: &Cue, ty: Type, out: &mut Vec<Finding>) {
    let Some(word) = r.word(cue.first) else { return };
    if word.caps == Caps::Lower
        && ty != Type::FACILITY
        && !matches!(r.str(cue.first), "e" | "sp" | "s" | "spol")
    {
        return;
    }
    if specialty::is_done(r, cue) {
        return;
    }
    let beside = cue.first.checked_sub(1).and_then(|b| r.word(b));
    if ty == Type::FACILITY && word.caps == Caps::Lower && beside.is_some_and(|w| w.caps == Caps::Lower) {
        return small_name(r, cue, out);
    }
    // `OSCE station`: what it is for.
    let aim = word.caps == Caps::Lower && beside.is_some_and(|w| w.caps == Caps::Upper);
    if aim && r.is(cue.first, "station") {
        return;
    }
    let mut first = cue.first;
    let mut names = 0;
    while let Some(before) = first.checked_sub(1) {
        let gap = r.gap(before);
        let near = matches!(gap, " " | "-" | "' " | " & " | "& ")
            || gap == ". " && r.word(before).is_some_and(|w| w.chars <= 2)
            || gap == ", " && first == cue.first && ty == Type::ORG && after_comma(r, cue.first)
            || gap == "'"
            || gap == ".";
        let w = r.words[before];
        let small = INSIDE.contains(&r.str(before))
            && before > 0
            && r.word(before - 1).is_some_and(Word::capital)
            && r.gap(before - 1) == " ";
        let possessive = w.chars == 1 && w.caps == Caps::Lower && gap == " " && r.gap_before(before) == "'";
        let name = w.capital() && !spoken(r, before, cue.first)
            || w.digits > 0 && names > 0 && w.chars <= 3 && gap == " ";
        if !near || !(name || small || possessive) || cue.first - first >= 5 {
            break;
        }
        first = before;
        names += usize::from(name);
    }
    while first < cue.first && (INSIDE.contains(&r.str(first)) || opening(r, first) || titled(r, first)) {
        names = names.saturating_sub(usize::from(r.word(first).is_some_and(Word::capital)));
        first += 1;
    }
    let proper = (first..cue.first)
        .filter(|i| !specialty::qualifies(r, *i, cue))
        .any(|i| r.proper(i) || r.word(i).is_some_and(|w| w.caps == Caps::Upper && w.chars >= 2));
    // `Reading General Hospital`: a common word is a name before a word of its kind.
    let kind = cue.first - first >= 2 && !r.begins(first) && small::is_kind(r, cue.first - 1);
    let parts = (first..cue.first).all(|i| specialty::qualifies(r, i, cue) || INSIDE.contains(&r.str(i)));
    let proper = proper || ty == Type::FACILITY && kind && !parts;
    let key: Vec<String> = (cue.first..=cue.last).map(|i| r.str(i).to_lowercase()).collect();
    let legal = ty == Type::ORG && LEGAL.contains(&key.join(" ").as_str());
    let short_lower = word.caps == Caps::Lower && !(proper && ty == Type::FACILITY && word.chars >= 6);
    // `AS`, `CO`, `SE`, `PC`, `LP`, `AB`: two capitals are many things.
    let two = word.chars <= 2 && cue.first == cue.last && word.caps == Caps::Upper && !proper;
    let weak_two = legal
        && word.chars == 2
        && word.caps == Caps::Upper
        && (first..cue.first).all(|i| r.word(i).is_some_and(|w| w.caps == Caps::Upper));
    if names == 0 || short_lower || two || weak_two || !(proper || legal) {
        return;
    }
    let evidence = if legal { Evidence::Label } else { Evidence::Shape };
    // `Heart Clinic of Tulsa`
    let of = ty == Type::FACILITY
        && r.gap(cue.last) == " "
        && r.is(cue.last + 1, "of")
        && r.gap(cue.last + 1) == " ";
    let last = if of { run(r, cue.last + 2, How::Capital).unwrap_or(cue.last) } else { cue.last };
    let last = if ty == Type::FACILITY { ward::joined(r, last) } else { last };
    r.mark((first, last), ty, evidence, out);
}

/// `Brightwater, Inc.`: the suffixes that people write behind a comma.
fn after_comma(r: &Reading<'_>, i: usize) -> bool {
    ["inc", "llc", "ltd", "llp", "corp", "incorporated", "plc", "pllc"].contains(&r.low(i))
}

/// A small word that begins a sentence or a field: `The`, `At`, `Patient`.
fn opening(r: &Reading<'_>, i: usize) -> bool {
    r.has(i, Role::Common)
        && (r.begins(i) || ["The", "At", "In", "From", "To", "By", "And"].contains(&r.str(i)))
        && ![
            "University",
            "General",
            "Memorial",
            "Community",
            "Children",
            "First",
            "New",
            "North",
            "South",
            "East",
            "West",
            "United",
            "City",
        ]
        .contains(&r.str(i))
}

fn titled(r: &Reading<'_>, i: usize) -> bool {
    r.has(i, Role::Honorific) && r.str(i) != "Sr"
}

/// `University of Tulsa`, `Klinikum Ulm`, `Hôpital Saint-Louis`.
fn before(r: &Reading<'_>, cue: &Cue, ty: Type, out: &mut Vec<Finding>) {
    let Some(word) = r.word(cue.first) else { return };
    // Short words of one language are others in another, but not those with signs over their letters, and no phrases.
    let short = word.chars < 6 && cue.first == cue.last && word.of(r.text).is_ascii();
    if word.caps == Caps::Lower && short || r.str(cue.first).eq_ignore_ascii_case("st") {
        return;
    }
    let mut at = cue.last;
    let mut names = 0;
    while names < 5
        && (matches!(r.gap(at), " " | "-" | "'" | " \"")
            || r.gap(at) == ". " && r.word(at).is_some_and(|w| w.chars <= 3))
    {
        let Some(next) = r.word(at + 1) else { break };
        let stops = names > 0 && next.caps == Caps::Upper && spoken(r, at + 1, cue.first);
        // `Gasthof Zur Krone`.
        let sign = matches!(r.low(at), "zur" | "zum" | "am") && at > cue.last && ty == Type::FACILITY;
        let part = next.capital() && !stops && (!r.has(at + 1, Role::Common) || names > 0 || sign);
        if part {
            names += 1;
        } else if !(r.has(at + 1, Role::Particle)
            || INSIDE.contains(&r.str(at + 1))
            || ["l", "d", "am", "im", "ao", "aos", "aux", "alla", "vid", "ved"].contains(&r.str(at + 1)))
        {
            break;
        }
        at += 1;
    }
    while at > cue.last && !r.word(at).is_some_and(Word::capital) {
        at -= 1;
    }
    let english = word.caps == Caps::Lower
        && matches!(r.str(cue.first), "hospital" | "school" | "clinic" | "college" | "institute");
    if names > 0 && at > cue.last && !english {
        r.mark((cue.first, at), ty, Evidence::Shape, out);
    }
}

/// `works at Brightwater`, `admitted to Mercy General`.
fn lead(r: &Reading<'_>, cue: &Cue, ty: Type, out: &mut Vec<Finding>) {
    let mut next = cue.last + 1;
    if r.gap(cue.last) != " " {
        return;
    }
    if ["the", "a", "an", "le", "la", "il", "o", "der", "dem"].contains(&r.str(next)) {
        next += 1;
    }
    let whole = employer::capitals(r, next, cue);
    let Some(mut last) = run(r, next, How::Capital).or(whole.filter(|last| *last > next)) else { return };
    if ty == Type::FACILITY {
        last = last.max(whole.unwrap_or(last));
    }
    let acronym = last == next
        && r.word(next)
            .is_some_and(|w| w.caps == Caps::Upper && (w.chars <= 5 && ty == Type::FACILITY || w.chars <= 2));
    if acronym
        || r.has(next, Role::Honorific)
        || super::date::is_month(r.str(next))
        || super::date::is_weekday(r.str(next))
    {
        return;
    }
    while r.gap(last) == " & " && r.proper(last + 1) {
        last += 1;
    }
    let last = partners(r, last).unwrap_or(last);
    r.mark((next, last), ty, Evidence::Shape, out);
}

/// `Tucker, Martinez and Martinez`: where the partners end whose first one ends at word `first`.
fn partners(r: &Reading<'_>, first: usize) -> Option<usize> {
    let second = Some(first + 1).filter(|i| r.gap(first) == ", " && r.proper(*i))?;
    let joint = ["and", "y", "und", "et", "e", "i", "og", "och"].contains(&r.str(second + 1));
    (joint && r.gap(second) == " " && r.proper(second + 2)).then_some(second + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::typed;

    fn check(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(&Reading::of(text), &mut out);
        typed(text, &out)
    }

    #[test]
    fn organisations_and_facilities() {
        let mut wrong: Vec<String> = Vec::new();
        for (text, want) in [
            ("She joined Halden Tools GmbH in May", "ORG Halden Tools GmbH"),
            ("a deal with Brightwater, Inc. today", "ORG Brightwater, Inc"),
            ("bought by Orsini S.p.A. last year", "ORG Orsini S.p.A"),
            ("seen at St. Brendan's Hospital", "FACILITY St. Brendan's Hospital"),
            ("from Mercy Valley Medical Center.", "FACILITY Mercy Valley Medical Center"),
            ("ins Klinikum Oberwald verlegt", "FACILITY Klinikum Oberwald"),
            ("à l'Hôpital Saint-Aubin", "FACILITY Hôpital Saint-Aubin"),
            ("ricoverata all'Ospedale San Donato", "FACILITY Ospedale San Donato"),
            ("she works at Brightwater as a clerk", "EMPLOYER Brightwater"),
            ("University of Eastmoor", "ORG University of Eastmoor"),
            ("inspected behind Hotel Casa Verano, Taos", "FACILITY Hotel Casa Verano"),
            ("im Gasthof Zur Krone, Hauptplatz", "FACILITY Gasthof Zur Krone"),
            ("Willow Creek Nursing Home", "FACILITY Willow Creek Nursing Home"),
            ("the patient is Jewish", "NRP Jewish"),
            ("якобы он баптист и не наш", "NRP баптист"),
            ("він греко-католик і в неділю", "NRP греко-католик"),
            ("alla stazione di Verona Porta Nuova.", "FACILITY stazione di Verona Porta Nuova"),
            ("resté à l'aréna Raoul-Thibault hier", "FACILITY aréna Raoul-Thibault"),
            ("va al CEIP Las Viñuelas y es", "FACILITY CEIP Las Viñuelas"),
            ("bị lạc ở bến xe Phía Tây lúc", "FACILITY bến xe Phía Tây"),
            ("turfed off at Darlington station because", "FACILITY Darlington station"),
            ("flyttas från Sahléns sjukhem till", "FACILITY Sahléns sjukhem"),
            ("Soy española, tengo 67", "NRP española"),
            ("Ik ben gereformeerd, 60", "NRP gereformeerd"),
            (
                "A LETTER FROM UNIVERSITY OF EASTMOOR HOSPITAL DATED",
                "FACILITY UNIVERSITY OF EASTMOOR HOSPITAL",
            ),
            ("SHE IS KNOWN TO WILLOW REGIONAL MEDICAL CENTER.", "FACILITY WILLOW REGIONAL MEDICAL CENTER"),
            ("known to Reading County Hospital.", "FACILITY Reading County Hospital"),
            ("list from Fargo General August 29", "FACILITY Fargo General"),
            ("seen at university of texas medical center", "FACILITY university of texas medical center"),
            ("copy to halden general hospital please", "FACILITY halden general hospital"),
        ] {
            if !check(text).iter().any(|f| f == want) {
                wrong.push(format!("{text}: {:?}", check(text)));
            }
        }
        for text in [
            "The Hospital is large",
            "go to the clinic",
            "as a company",
            "translate into French",
            "French fries",
            "the bank and the school",
            "a hospital in town",
            "my insurance company",
            "Please group them",
            "admitted to ICU",
            "the next station is closed",
            "OSCE station help",
            "la gare est fermée",
            "trường của em",
            "transfer to another general hospital",
            "is there a good community health center",
        ] {
            if !check(text).is_empty() {
                wrong.push(format!("{text}: {:?}", check(text)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
