//! Names of which a part is cut off: `Mateo` before `de la Cueva y Ríos`, `Braam` behind `ter`, `Lo` before `Verso`,
//! `RAKOTO/LANTO MR`.
//!
//! **Invariant:** a name is only made longer, across the small words that join its parts, and never into another name.

use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::lists;
use crate::anonymize::words::{Caps, Word};

/// Small words that join the parts of a name.
const LINKS: [&str; 36] = [
    "de", "la", "las", "los", "del", "della", "dello", "degli", "di", "da", "do", "dos", "das", "du", "des",
    "le", "van", "von", "der", "den", "ter", "ten", "tot", "op", "zu", "zur", "zum", "af", "av", "bin",
    "ibn", "vda", "viuda", "lo", "ní", "uí",
];
/// Those that are no other word of their language.
const SURE: [&str; 8] = ["ter", "ten", "tot", "ní", "nic", "uí", "ibn", "vda"];
/// Words for `and` between two family names.
const AND: [&str; 2] = ["y", "e"];
/// Titles behind the names of passengers.
const PASSENGERS: [&str; 8] = ["MR", "MRS", "MS", "MISS", "MSTR", "CHD", "INF", "DR"];
/// Small words between two parts.
const MOST: usize = 3;

/// Which words names begin with, and which are part of one.
struct Taken {
    begins: Vec<bool>,
    inside: Vec<bool>,
}

impl Taken {
    fn of(r: &Reading<'_>, found: &[Finding]) -> Self {
        let none = vec![false; r.words.len()];
        let mut taken = Self { begins: none.clone(), inside: none };
        for f in found.iter().filter(|f| f.ty == Type::NAME) {
            let first = r.words.partition_point(|word| word.end <= f.start);
            let behind = r.words.partition_point(|word| word.start < f.end);
            if let Some(words) = taken.inside.get_mut(first..behind) {
                words.fill(true);
            }
            if r.word(first).is_some_and(|word| word.start == f.start) {
                taken.begins[first] = true;
            }
        }
        taken
    }
}

/// Makes the names among `out` as long as they are.
pub(crate) fn stretch(r: &Reading<'_>, out: &mut [Finding]) {
    if out.iter().all(|f| f.ty != Type::NAME) {
        return;
    }
    let taken = Taken::of(r, out);
    for f in out.iter_mut().filter(|f| f.ty == Type::NAME && f.evidence < Evidence::Label) {
        let first = r.words.partition_point(|word| word.end <= f.start);
        let Some(last) = r.words.partition_point(|word| word.start < f.end).checked_sub(1) else { continue };
        let own = r.word(last).is_some_and(|word| word.end == f.end) && first <= last;
        if !own || !r.word(first).is_some_and(|word| word.start == f.start && word.capital()) {
            continue;
        }
        let free = |i: usize| taken.inside.get(i) == Some(&false);
        let to = forward(r, first, forward(r, first, last, &free), &free);
        let to = suffixed(r, joint(r, capitals(r, first, between(r, to, &taken), &free), &free), &free);
        let from = nicknamed(r, backward(r, first, &free), &free);
        if let (true, Some(a), Some(b)) = (from < first || to > last, r.word(from), r.word(to)) {
            (f.start, f.end) = (a.start, b.end);
            f.evidence = f.evidence.max(Evidence::Shape);
        }
    }
}

fn title(r: &Reading<'_>, i: usize) -> bool {
    r.word(i).is_some_and(|word| word.caps == Caps::Title && word.chars >= 2)
}

/// A place, or a word that is no name.
fn other(r: &Reading<'_>, i: usize) -> bool {
    !r.proper(i) || [Role::City, Role::State, Role::Country].iter().any(|role| r.has(i, *role))
}

/// The last word of the name of words `first` to `last`.
fn forward(r: &Reading<'_>, first: usize, last: usize, free: &dyn Fn(usize) -> bool) -> usize {
    let passenger = r.gap(last) == "/" && PASSENGERS.contains(&r.str(last + 2)) && r.gap(last + 1) == " ";
    if passenger && r.word(last + 1).is_some_and(|word| word.caps == Caps::Upper) {
        return last + 1;
    }
    let link = |i: usize| LINKS.contains(&r.low(i));
    let near = |i: usize| r.gap(i) == " " || r.gap(i) == ". " && r.is(i, "vda");
    // `Lo` before `Verso`.
    if title(r, last) && link(last) && r.gap(last) == " " && title(r, last + 1) && free(last + 1) {
        return last + 1;
    }
    let count = (1..=MOST).take_while(|k| near(last + k - 1) && link(last + k)).count();
    let end = last + count + 1;
    let joined = count > 0 && near(last + count) && title(r, end) && free(end);
    let to = if joined && (count > 1 || !other(r, end)) { end } else { last };
    let and =
        near(to) && AND.contains(&r.str(to + 1)) && r.gap(to + 1) == " " && title(r, to + 2) && free(to + 2);
    let family = r.lists(to + 2) & lists::GIVEN == 0 && r.proper(to + 2) && to > first;
    if and && family { to + 2 } else { to }
}

/// `Rajakaruna Arachchige Saman`: the word between two names is one too; `to` is the last word of the first.
fn between(r: &Reading<'_>, to: usize, taken: &Taken) -> usize {
    let middle = to + 1;
    let near = r.gap(to) == " " && r.gap(middle) == " " && title(r, middle) && !other(r, middle);
    let named = near && title(r, middle + 1) && taken.begins.get(middle + 1) == Some(&true);
    if named { middle + 1 } else { to }
}

/// `VANKUDOTH` before `RANI BAI  F`: capitals to the end of their cell; `to` is the last word of the name so far.
fn capitals(r: &Reading<'_>, first: usize, to: usize, free: &dyn Fn(usize) -> bool) -> usize {
    let upper = |i: usize| {
        r.word(i).is_some_and(|word| word.caps == Caps::Upper && word.chars >= 3)
            && r.proper(i)
            && !r.has(i, Role::Label)
    };
    if first != to || !upper(first) {
        return to;
    }
    let count = (1..=MOST).take_while(|k| r.gap(to + k - 1) == " " && upper(to + k) && free(to + k)).count();
    let gap = r.gap(to + count);
    if count > 0 && (gap.starts_with([',', '\n', '\t', '|', ';']) || gap.starts_with("  ")) {
        to + count
    } else {
        to
    }
}

/// `Yoon Soon-ja`: a given name of two syllables, the second one small; `to` is the family name.
fn joint(r: &Reading<'_>, to: usize, free: &dyn Fn(usize) -> bool) -> usize {
    let second =
        r.word(to + 2).is_some_and(|w| w.caps == Caps::Lower && (2..=5).contains(&w.chars) && w.digits == 0);
    let given = r.gap(to) == " " && title(r, to + 1) && r.gap(to + 1) == "-" && free(to + 1);
    const OTHER: [&str; 20] = [
        "up", "op", "on", "off", "in", "out", "by", "to", "of", "the", "and", "day", "term", "ray", "care",
        "risk", "line", "free", "like", "down",
    ];
    if given && second && !OTHER.contains(&r.str(to + 2)) && r.word(to + 1).is_some_and(|w| w.chars <= 6) {
        to + 2
    } else {
        to
    }
}

/// `Big Earl Stovall`: what somebody is called before the name, which begins at word `from`.
fn nicknamed(r: &Reading<'_>, from: usize, free: &dyn Fn(usize) -> bool) -> usize {
    const CALLED: [&str; 6] = ["Big", "Lil", "Little", "Papa", "Mama", "Baby"];
    let before = from.checked_sub(1).filter(|b| r.gap(*b) == " " && free(*b) && !r.begins(*b));
    before.filter(|b| CALLED.contains(&r.str(*b)) && title(r, from)).unwrap_or(from)
}

/// `CLIFTON J JR`, `Tannehill III`, `Theodore J., Jr.`: which of a name's bearers; `to` is the last word before.
fn suffixed(r: &Reading<'_>, to: usize, free: &dyn Fn(usize) -> bool) -> usize {
    const WHICH: [&str; 8] = ["JR", "SR", "Jr", "Sr", "II", "III", "IV", "3RD"];
    let initial = r.gap(to) == " " && r.word(to + 1).is_some_and(Word::initial) && free(to + 1);
    let which = |k: usize| matches!(r.gap(k), " " | ", " | ". " | "., ") && WHICH.contains(&r.str(k + 1));
    if which(to) {
        return to + 1;
    }
    if initial && which(to + 1) { to + 2 } else { to }
}

/// The first word of the name that begins at word `first`.
fn backward(r: &Reading<'_>, first: usize, free: &dyn Fn(usize) -> bool) -> usize {
    let near = |i: usize| r.gap(i) == " ";
    let before = |i: usize| i.checked_sub(1).filter(|b| near(*b) && free(*b));
    let mut from = first;
    while let Some(b) = before(from).filter(|b| LINKS.contains(&r.low(*b)) && first - *b < MOST) {
        from = b;
    }
    if from == first {
        let given = |b: &usize| {
            title(r, *b)
                && title(r, first)
                && r.lists(*b) & lists::GIVEN != 0
                && !other(r, *b)
                && !r.has(*b, Role::Wordly)
        };
        return before(first).filter(given).unwrap_or(first);
    }
    let given = before(from).filter(|b| title(r, *b) && r.lists(*b) & lists::GIVEN != 0 && r.proper(*b));
    let sure = SURE.contains(&r.low(from)) && r.word(from).is_some_and(|word: &Word| word.chars > 1);
    given.unwrap_or(if sure { from } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn parts_of_names_behind_small_words() {
        for (text, part, want) in [
            ("with Tomás de la Cueva y Ríos today", "Tomás", "Tomás de la Cueva y Ríos"),
            ("ter Braam spoke", "Braam", "ter Braam"),
            ("rebooked: RAKOTO/LANTO MR and", "RAKOTO", "RAKOTO/LANTO"),
            ("pani Heinrich von Tettau-Maj, lat", "Tettau-Maj", "Heinrich von Tettau-Maj"),
            ("Jonkheer Maarten van Reede tot Ginkel.", "Maarten van Reede", "Maarten van Reede tot Ginkel"),
            ("hos Kari Holm i Bergverk", "Kari Holm", "Kari Holm"),
            ("María del Pilar de la Torre,", "María", "María del Pilar de la Torre"),
            ("with Penelope Adaora Lind and", "Adaora Lind", "Penelope Adaora Lind"),
            ("1) BANOTHU KAMALA BAI  F  61", "BANOTHU", "BANOTHU KAMALA BAI"),
            ("Mrs. Yoon Soon-ja came", "Yoon", "Yoon Soon-ja"),
            ("my coach Big Earl Petrovic says", "Earl Petrovic", "Big Earl Petrovic"),
            ("pt CLIFTON J JR here", "CLIFTON", "CLIFTON J JR"),
            ("Skip Tannehill III  DOB", "Skip Tannehill", "Skip Tannehill III"),
            ("brief von Anna Huber", "Anna Huber", "Anna Huber"),
            ("Ana Ruiz de Madrid", "Ana Ruiz", "Ana Ruiz"),
            ("Jan Kos i Piotr", "Jan Kos", "Jan Kos"),
        ] {
            let found = spans(text, |r, out| {
                let start = r.text.find(part).unwrap_or_default();
                out.push(Finding::new(start, start + part.len(), Type::NAME, Evidence::Model));
                stretch(r, out);
            });
            assert_eq!(found, [want], "{text}");
        }
    }
}
