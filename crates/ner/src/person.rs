//! Names of persons in the forms that people write them.
//!
//! **Invariant:** parts come from one locale, in its order, and are never empty where the locale has names.

use crate::chance::Chance;
use crate::source::Locale;

/// Percent of surnames in Latin letters that no list has.
const MADE: usize = 8;

/// A name: `full`, `first`, `last`, `last_first`, `initials`, or any of these.
pub fn name(locale: &Locale, form: &str, chance: &mut Chance) -> String {
    let first = given(locale, chance);
    let last = surname(locale, chance);
    if locale.is("glued") {
        return match form {
            "first" => first,
            "last" => last,
            _ => format!("{last}{}{first}", if chance.percent(20) { " " } else { "" }),
        };
    }
    match form {
        "first" => first,
        "last" => last,
        "last_first" => match chance.below(5) {
            0 => format!("{last}, {first} {}.", letter(locale, chance)),
            1 => format!("{last} {first}"),
            _ => format!("{last}, {first}"),
        },
        "initials" => initials(&first, &last, locale, chance),
        "full" => full(&first, &last, locale, chance),
        _ => match chance.below(10) {
            0..=5 => full(&first, &last, locale, chance),
            6 | 7 => first,
            8 => last,
            _ => initials(&first, &last, locale, chance),
        },
    }
}

fn given(locale: &Locale, chance: &mut Chance) -> String {
    let one = chance.pick(locale.get("given")).to_owned();
    if !locale.is("glued") && chance.percent(4) {
        let joint = if chance.percent(50) { "-" } else { " " };
        return format!("{one}{joint}{}", chance.pick(locale.get("given")));
    }
    one
}

fn surname(locale: &Locale, chance: &mut Chance) -> String {
    if locale.is("latin") && chance.percent(MADE) {
        return made(chance);
    }
    let one = chance.pick(locale.get("surname")).to_owned();
    let twice = if locale.is("double") { 40 } else { 5 };
    if !locale.is("glued") && chance.percent(twice) {
        let joint = if locale.is("double") && chance.percent(80) { " " } else { "-" };
        return format!("{one}{joint}{}", chance.pick(locale.get("surname")));
    }
    one
}

/// A surname that nobody has written down, by the way that surnames are built.
fn made(chance: &mut Chance) -> String {
    const HEADS: [&str; 40] = [
        "Ash", "Barn", "Beck", "Birch", "Black", "Brad", "Brock", "Clay", "Cold", "Crow", "Dun", "Elm",
        "Fair", "Farn", "Glen", "Hart", "Hazel", "Hol", "Kirk", "Lang", "Lind", "Mar", "Milt", "Nor", "Oak",
        "Pem", "Pine", "Quin", "Rad", "Red", "Rock", "Sel", "Shel", "Stan", "Thorn", "Under", "West", "Whit",
        "Wind", "Wood",
    ];
    const TAILS: [&str; 24] = [
        "beck", "berry", "bourne", "bridge", "brook", "burn", "bury", "by", "combe", "croft", "dale", "den",
        "field", "ford", "grove", "ham", "hurst", "ley", "low", "man", "stead", "stone", "ton", "worth",
    ];
    const FIRSTS: [&str; 40] = [
        "Ab", "Ade", "Al", "Ba", "Bo", "Bra", "Che", "Cu", "Da", "Do", "Du", "E", "Fa", "Fer", "Ga", "Go",
        "Gu", "Ha", "I", "Ja", "Ka", "Ko", "Ku", "La", "Le", "Ma", "Mo", "Mu", "Na", "O", "Pa", "Pe", "Ra",
        "Ro", "Sa", "Se", "Ta", "To", "Va", "Za",
    ];
    const MIDDLES: [&str; 28] = [
        "ba", "be", "bi", "cha", "da", "di", "go", "ka", "ki", "ko", "la", "li", "lo", "ma", "mi", "na",
        "ni", "no", "pa", "ra", "ri", "ro", "sa", "sha", "ta", "ti", "va", "ya",
    ];
    const LASTS: [&str; 44] = [
        "dze", "dis", "enko", "escu", "ez", "ian", "ich", "idis", "ides", "imi", "inen", "ini", "kar", "ko",
        "kov", "kul", "la", "lu", "ma", "mba", "moto", "nde", "ne", "ng", "ni", "nko", "oglu", "opoulos",
        "osa", "ov", "ova", "puram", "ra", "rat", "shi", "ska", "ski", "son", "szky", "tti", "vic", "wala",
        "ye", "zade",
    ];
    fn one<'a>(of: &[&'a str], chance: &mut Chance) -> &'a str {
        of[chance.below(of.len())]
    }
    if chance.percent(40) {
        return format!("{}{}", one(&HEADS, chance), one(&TAILS, chance));
    }
    let middle = if chance.percent(60) { one(&MIDDLES, chance) } else { "" };
    format!("{}{middle}{}", one(&FIRSTS, chance), one(&LASTS, chance))
}

fn letter(locale: &Locale, chance: &mut Chance) -> char {
    chance.pick(locale.get("given")).chars().next().unwrap_or('J')
}

fn full(first: &str, last: &str, locale: &Locale, chance: &mut Chance) -> String {
    if locale.is("family") && chance.percent(75) {
        return format!("{last} {first}");
    }
    match chance.below(20) {
        0 | 1 => format!("{first} {}. {last}", letter(locale, chance)),
        2 => format!("{first} {} {last}", letter(locale, chance)),
        3 => format!("{first} {} {last}", chance.pick(locale.get("given"))),
        4 if chance.percent(40) => format!("{first} {last} {}", ["Jr.", "Sr.", "III", "II"][chance.below(4)]),
        _ => format!("{first} {last}"),
    }
}

fn initials(first: &str, last: &str, locale: &Locale, chance: &mut Chance) -> String {
    let initial = first.chars().next().unwrap_or('J');
    match chance.below(6) {
        0 => format!("{initial}.{}. {last}", letter(locale, chance)),
        1 => format!("{initial} {last}"),
        2 => format!("{last} {initial}."),
        3 => format!("{first} {}.", last.chars().next().unwrap_or('D')),
        _ => format!("{initial}. {last}"),
    }
}
