//! Streets that are one word with their kind, and their number behind them: `Hauptstr. 12`, `Storgatan 3`.
//!
//! **Invariant:** looks at one number and the few words before it.

use super::street::{finish, number};
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::Finding;
use crate::anonymize::words::Caps;

/// Ends of words that are streets, with their number behind them.
const ENDINGS: &[&str] = &[
    "straße", "strasse", "str", "weg", "gasse", "allee", "platz", "ring", "ufer", "damm", "steig",
    "chaussee", "graben", "markt", "straat", "laan", "plein", "gracht", "kade", "dreef", "singel", "dijk",
    "gatan", "gata", "vägen", "gränd", "stigen", "vej", "gade", "veien", "vegen", "gate", "allé", "katu",
    "tie", "kuja", "gatu", "stien", "bakken", "backen", "stræde", "toften", "plassen", "torget", "plads",
    "hof", "berg", "feld", "strass", "gass", "wäg",
];

/// Of these, the ones that end nothing but streets.
const SURE: usize = 6;

/// `Hauptstr. 12`, `Storgatan 3`, `Kerkstraat 8-II`; `i` is the number.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(before) = i.checked_sub(1) else { return };
    let Some(word) = r.word(before).filter(|w| w.caps == Caps::Title && w.chars >= 6) else { return };
    if !number(r, i) || !matches!(r.gap(before), " " | ". " | "." | ", ") || r.words[i].digits > 4 {
        return;
    }
    let low = word.of(r.text).to_lowercase();
    let Some(ending) = ENDINGS.iter().position(|e| low.ends_with(e) && low.len() >= e.len() + 3) else {
        return;
    };
    let weak = ENDINGS[ending].len() <= 4 && ending >= SURE;
    let year = r.words[i].digits == 4;
    let begins = r.begins(before) && !(r.gap_before(before).ends_with(": ") && r.gap(i).starts_with('-'));
    if r.has(before, Role::Common) || weak && (year || begins) && !r.gap(i).starts_with(',') {
        return;
    }
    let mut first = before;
    if r.gap_before(first) == "-"
        || r.gap_before(first) == " "
            && first.checked_sub(1).is_some_and(|b| {
                r.proper(b) && ["Alte", "Neue", "Große", "Kleine", "Obere", "Untere"].contains(&r.str(b))
            })
    {
        first = (0..first)
            .rev()
            .take(3)
            .take_while(|k| r.gap(*k) == "-" || r.gap(*k) == " " && *k + 1 == before)
            .last()
            .unwrap_or(first);
    }
    let letter = r.gap(i) == " "
        && r.word(i + 1).is_some_and(|w| w.chars == 1 && w.digits == 0)
        && !r.gap(i + 1).starts_with(' ');
    finish(r, first, if letter { i + 1 } else { i }, out);
}
