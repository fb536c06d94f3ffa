//! Names of persons in the forms that people write them.
//!
//! **Invariant:** parts come from one locale, in its order, and are never empty where the locale has names.

use crate::chance::Chance;
use crate::source::Locale;

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
    let one = chance.pick(locale.get("surname")).to_owned();
    let twice = if locale.is("double") { 40 } else { 5 };
    if !locale.is("glued") && chance.percent(twice) {
        let joint = if locale.is("double") && chance.percent(80) { " " } else { "-" };
        return format!("{one}{joint}{}", chance.pick(locale.get("surname")));
    }
    one
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
