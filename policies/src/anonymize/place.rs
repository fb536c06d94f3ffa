//! Places: addresses, cities, states, countries, postcodes and coordinates.
//!
//! **Invariant:** every detector starts at a cue or a number, and looks at few words around it.

use super::cue::{Cue, Reading, Role};
use super::kind::{Evidence, Finding, Type};
use super::ner::{self, lists};
use super::who::{How, run};
use super::words::{Caps, Word};

mod ahead;
mod bare;
mod beside;
mod compound;
mod corner;
mod county;
mod geo;
mod glyph;
mod grid;
mod local;
mod parts;
mod post;
mod posted;
mod route;
mod street;
mod tail;
mod told;
mod zipped;

pub(crate) use beside::beside;
pub(crate) use geo::coordinate;
pub(crate) use local::locality;
pub(crate) use post::postcode;

/// Places of the text.
#[expect(clippy::wildcard_enum_match_arm, reason = "other detectors are about the other roles")]
pub(crate) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    for cue in &r.cues {
        match cue.role {
            Role::StreetAfter => street::after(r, cue, out),
            Role::StreetBefore => street::before(r, cue, out),
            Role::PoBox => street::box_no(r, cue, out),
            Role::CityLead => lead(r, cue, out),
            Role::StateCode => local::code(r, cue, out),
            Role::State => named(r, cue, Type::STATE, out),
            Role::Country => named(r, cue, Type::COUNTRY, out),
            Role::City => city(r, cue, out),
            _ => {}
        }
    }
    told::find(r, out);
    glyph::find(r, out);
    for (i, word) in r.words.iter().enumerate() {
        parts::find(r, i, out);
        if word.digits == 0 && matches!(word.chars, 2..=11) {
            ahead::find(r, i, out);
            if matches!(word.chars, 6 | 8 | 10) {
                corner::named(r, i, out);
            }
        }
        if matches!(word.chars, 2..=16) && word.capital() {
            county::find(r, i, out);
        }
        if word.digits > 0 {
            compound::find(r, i, out);
            bare::find(r, i, out);
            route::find(r, i, out);
            corner::find(r, i, out);
            post::standing(r, i, out);
            zipped::find(r, i, out);
            geo::pair(r, i, out);
        } else if word.caps == Caps::Title {
            listed(r, i, out);
            country(r, i, out);
        } else if word.caps == Caps::None && word.chars >= 3 {
            country(r, i, out);
        }
    }
}

/// Is every word of the cue written with a capital?
fn capital(r: &Reading<'_>, cue: &Cue) -> bool {
    r.word(cue.first).is_some_and(|w| w.capital() || w.caps == Caps::None && w.chars >= 2)
        && r.word(cue.last).is_some_and(|w| w.caps != Caps::Lower)
}

/// Months and weekdays follow the same small words as places do.
fn of_time(r: &Reading<'_>, i: usize) -> bool {
    let word = r.str(i);
    super::date::is_month(word) && word != "Augusta" || super::date::is_weekday(word)
}

/// `lives in Tulsa`.
fn lead(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let mut next = cue.last + 1;
    if r.gap(cue.last) != " " {
        return;
    }
    if r.is(next, "the") || r.is(next, "city") && r.is(next + 1, "of") {
        next += if r.is(next, "the") { 1 } else { 2 };
    }
    let Some(last) = run(r, next, How::Capital) else { return };
    let acronym = last == next && r.word(next).is_some_and(|w| w.caps == Caps::Upper && w.chars <= 4);
    let known = [Role::City, Role::State, Role::Country].iter().any(|role| r.has(next, *role));
    let other = [Role::OrgAfter, Role::FacilityAfter, Role::StreetAfter].iter().any(|role| {
        r.has(last, *role)
            || r.gap(last) == " " && r.has(last + 1, *role) && r.word(last + 1).is_some_and(Word::capital)
    });
    if acronym && !known || of_time(r, next) || r.has(next, Role::Honorific) || r.has(next, Role::Nrp) {
        return;
    }
    // `a man from Elm Terrace`: whatever it is, somebody lives there.
    if other {
        if last > next && r.has(last, Role::StreetAfter) {
            r.mark((next, last), Type::ADDRESS, Evidence::Shape, out);
        }
        return;
    }
    if locality(r, next, out).is_none() {
        r.mark((next, last), Type::CITY, Evidence::Shape, out);
    }
}

/// States and countries stand for themselves.
fn named(r: &Reading<'_>, cue: &Cue, ty: Type, out: &mut Vec<Finding>) {
    if !capital(r, cue) {
        return;
    }
    let one = cue.first == cue.last;
    // `Virginia Berg`, `Jordan's`: beside another capital a state is a given name.
    let beside = r.gap(cue.last) == " " && r.proper(cue.last + 1) && one;
    let personal = matches!(
        r.str(cue.first),
        "Virginia" | "Georgia" | "Jordan" | "Victoria" | "Carolina" | "Chad" | "Israel"
    );
    if one && (r.has(cue.first, Role::Common) || personal && beside) {
        return;
    }
    r.mark((cue.first, cue.last), ty, Evidence::Shape, out);
    // `Boise, Idaho`.
    if let Some(first) = local::city_before(r, cue.first) {
        r.mark((first, cue.first - 1), Type::CITY, Evidence::Shape, out);
    }
}

/// Small words that stand before places.
const TOWARD: &[&str] = &[
    "in", "from", "to", "near", "at", "of", "around", "outside", "nach", "aus", "bei", "à", "en", "de", "em",
    "a", "da", "w", "we", "z", "do", "i", "från", "till", "fra", "til", "te", "uit", "naar", "v", "ve", "u",
    "iz", "din", "la", "для", "в", "из",
];

/// Does one of `words` stand right before word `i`?
fn led(r: &Reading<'_>, i: usize, words: &[&str]) -> bool {
    i.checked_sub(1).is_some_and(|b| r.gap(b) == " " && words.contains(&r.str(b)))
}

/// A known city: surer after a preposition or beside a state.
fn city(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    // `Chicago-style`.
    let manner = r.gap(cue.last) == "-" && matches!(r.str(cue.last + 1), "style" | "inspired" | "esque");
    if !capital(r, cue) || manner {
        return;
    }
    let before = cue.first.checked_sub(1);
    let toward = led(r, cue.first, TOWARD);
    let one = cue.first == cue.last;
    let name = r.gap(cue.last) == " " && r.proper(cue.last + 1)
        || before.is_some_and(|b| r.gap(b) == " " && r.proper(b));
    let script = r.word(cue.first).is_some_and(|w| w.caps == Caps::None);
    let other = r.has(cue.first, Role::Common) || name;
    if one && other && !toward {
        return;
    }
    let evidence = if toward || script || !one { Evidence::Shape } else { Evidence::Gazetteer };
    r.mark((cue.first, cue.last), Type::CITY, evidence, out);
}

/// Words between which and a city stands only `in` or `from`.
const HOMES: [&str; 12] = [
    "lives", "living", "live", "alone", "born", "family", "moved", "here", "from", "resides", "raised",
    "home",
];

/// `from Framingham`: a city of the long list and nothing else, behind a small word that places follow.
fn listed(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let led = led(r, i, TOWARD);
    let goes_on = r.gap(i) == " "
        && r.has(i + 1, Role::Common)
        && !r.has(i + 1, Role::Particle)
        && r.lists(i) & lists::STATE == 0
        && r.word(i).is_some_and(|w| w.caps == Caps::Title && w.chars >= 5)
        && r.word(i + 1).is_some_and(|w| w.caps == Caps::Lower);
    let ends =
        goes_on || matches!(r.gap(i).as_bytes(), [] | [b'.' | b',' | b';' | b')' | b'?' | b'!' | b'\n', ..]);
    if !(led && ends) || r.has(i, Role::Label) || of_time(r, i) {
        return;
    }
    let found = r.lists(i);
    // `lives alone in Hope.`: with a capital inside a sentence a word of the language is the city.
    let title = r.word(i).is_some_and(|w| w.caps == Caps::Title && w.chars >= 4);
    let home = i.checked_sub(2).is_some_and(|b| HOMES.contains(&r.str(b)));
    if title && home && found & lists::CITY != 0 {
        r.mark((i, i), Type::CITY, Evidence::Shape, out);
    }
    if r.has(i, Role::Common) {
        return;
    }
    if found & lists::CITY != 0 && found & (lists::GIVEN | lists::SURNAME | lists::COMMON) == 0 {
        r.mark((i, i), Type::CITY, Evidence::Shape, out);
    }
}

/// Small words of other languages before countries.
const TOWARD_COUNTRIES: &[&str] = &[
    "no", "na", "au", "aux", "nel", "nella", "negli", "dans", "pe", "ke", "se", "an", "der", "die", "den",
    "del", "della", "dos", "al", "ze", "mimo", "у", "з", "із", "до", "во", "на", "στην", "στη", "στο", "από",
    "την", "της",
];
/// What Korean hangs onto a noun.
const PARTICLES: [&str; 14] =
    ["에서", "으로", "에", "의", "를", "을", "은", "는", "이", "가", "로", "도", "와", "과"];

/// `vive no Luxemburgo e`, `سافر إلى كندا`, `지금은 캐나다에`: a country of the long list and nothing else.
fn country(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let led = || led(r, i, TOWARD) || led(r, i, TOWARD_COUNTRIES);
    let cased = r.word(i).is_some_and(|word| word.caps != Caps::None);
    if cased && !led() || r.has(i, Role::Common) {
        return;
    }
    let known = |word: &str| ner::lists_of(&word.to_lowercase()) & !lists::CITY == lists::COUNTRY;
    let word = r.str(i);
    let bare = PARTICLES.iter().find_map(|particle| word.strip_suffix(particle)).filter(|bare| known(bare));
    let Some(found) = Some(word).filter(|word| known(word)).or(bare) else { return };
    let start = r.words[i].start;
    out.push(Finding::new(start, start + found.len(), Type::COUNTRY, Evidence::Shape));
}

/// The value of a label that names a place: capitals, or all words up to the end of the field.
pub(crate) fn value(r: &Reading<'_>, first: usize) -> Option<(usize, usize)> {
    let mut last = first;
    r.word(first).filter(|w| w.digits == 0 && (w.chars >= 2 || w.caps == Caps::None))?;
    while last < first + 4 && matches!(r.gap(last), " " | "-" | ". " | "'" | " - ") {
        let next = r.word(last + 1)?;
        let goes_on = next.digits == 0
            && !r.has(last + 1, Role::Label)
            && (next.caps != Caps::Lower || r.has(last + 1, Role::Particle));
        if !goes_on || field_begins(r, last + 1) {
            break;
        }
        last += 1;
    }
    let alone = r.has(first, Role::Common) && last == first && !r.word(first).is_some_and(Word::capital);
    (!alone).then_some((first, last))
}

/// Does a label with its colon begin at word `i`?
pub(crate) fn field_begins(r: &Reading<'_>, i: usize) -> bool {
    (i..i + 3).any(|k| r.gap(k).starts_with(':')) && r.has(i, Role::Common) || r.gap(i).starts_with(':')
}

/// The value of `address:`: the rest of the line up to another label.
pub(crate) fn address_value(r: &Reading<'_>, first: usize) -> Option<(usize, usize)> {
    let mut last = first;
    r.word(first)?;
    while last < first + 24 && r.word(last + 1).is_some() {
        let gap = r.gap(last);
        let stop = gap.contains(['\n', ';', '|', '\t', '"', '?', '!'])
            || gap.contains(". ") && r.word(last).is_some_and(|w| w.chars > 4);
        if stop
            || field_begins(r, last + 1)
            || r.has(last + 1, Role::Label) && !r.has(last + 1, Role::StateCode)
        {
            break;
        }
        last += 1;
    }
    let digits = (first..=last).any(|i| r.word(i).is_some_and(|w| w.digits > 0));
    let capitals = (first..=last).filter(|i| r.proper(*i)).count();
    let wordy = (first..=last)
        .filter(|i| r.word(*i).is_some_and(|w| w.caps == Caps::Lower && r.has(*i, Role::Common)))
        .count();
    (digits && wordy <= 3 || capitals >= 1 && wordy == 0).then_some((first, last))
}

#[cfg(test)]
mod tests;
