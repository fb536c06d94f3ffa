//! Surrogates of organisations, titles, peoples and ages.
//!
//! **Invariant:** the words that say what kind of thing it is stay.

use super::inventor::Inventor;
use super::lists::{LISTS, Script};
use super::place::words;
use super::word::{alike, cased, is_small_of};
use crate::anonymize::{Dropped, cue};

impl Inventor<'_> {
    /// Same kind, same suffix.
    pub(super) fn organisation(&mut self, mention: &str) -> Result<String, Dropped> {
        let all = words(mention);
        // `General Hospital`: something has to change.
        let plain = all.iter().all(|(start, end)| kind(&mention[*start..*end]));
        let mut out = String::with_capacity(mention.len() + 16);
        let mut from = 0;
        for (i, (start, end)) in all.iter().enumerate() {
            out.push_str(&mention[from..*start]);
            let word = &mention[*start..*end];
            let new =
                if kind(word) && !(plain && i == 0) { word.to_owned() } else { self.firm(word, mention)? };
            out.push_str(&new);
            from = *end;
        }
        out.push_str(&mention[from..]);
        Ok(out)
    }

    fn firm(&mut self, word: &str, mention: &str) -> Result<String, Dropped> {
        let script = Script::of(word);
        if word.bytes().any(|b| b.is_ascii_digit()) {
            return Ok(alike(word, &mut self.choice("ORG", word)));
        }
        let acronym =
            word.is_ascii() && (2..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
        if acronym && (mention == word || mention.chars().any(char::is_lowercase)) {
            let key = word.to_lowercase();
            if let Some(known) = self.claimed(&key) {
                return Ok(known);
            }
            let mut choice = self.choice("ORG", &key);
            for _ in 0..24 {
                let new = alike(word, &mut choice);
                if self.claims(&key, &new) {
                    return Ok(new);
                }
            }
        }
        if script == Script::Latin {
            return Ok(cased(&self.word(&word.to_lowercase(), &[LISTS.of("firm")], None)?, word));
        }
        self.glued(word, "")
    }

    /// Another title of the same class; an abbreviation stands for an abbreviation. A word that no list knows
    /// becomes some title.
    pub(super) fn title(&mut self, mention: &str) -> String {
        let mut out = String::with_capacity(mention.len() + 8);
        let mut from = 0;
        for (start, end) in words(mention) {
            out.push_str(&mention[from..start]);
            let word = &mention[start..end];
            let small = word.to_lowercase();
            let mut others = other_titles(&small);
            if others.is_empty() && !is_title(&small) {
                let all = LISTS.titles.iter().flatten().copied();
                others = all.filter(|title| !title.ends_with('.')).collect();
            }
            let pick = self.choice("TITLE", &small).below(others.len().max(1) as u64) as usize;
            // The full stop of an abbreviation is no part of the word.
            out.push_str(
                &others.get(pick).map_or(word.to_owned(), |new| cased(new.trim_end_matches('.'), word)),
            );
            from = end;
        }
        out.push_str(&mention[from..]);
        out
    }

    /// Another group of the same class.
    pub(super) fn people(&mut self, mention: &str) -> Result<String, Dropped> {
        let script = Script::of(mention);
        let small = mention.to_lowercase();
        let is = |name: &&str| is_small_of(&small, name);
        let row = LISTS.groups.iter().find(|row| row.iter().any(is));
        let row = row
            .or_else(|| LISTS.groups.iter().find(|row| row.first().is_some_and(|n| Script::of(n) == script)));
        let key = format!("\u{1c}{small}");
        match row {
            Some(row) => {
                let names: Vec<&'static str> = row.iter().copied().filter(|name| !is(name)).collect();
                Ok(cased(&self.word(&key, &[&names], None)?, mention))
            }
            None => self.foreign(mention),
        }
    }

    /// Up to two years away in the same decade; above the cap, `90+`.
    pub(super) fn age(&self, mention: &str, capped: bool) -> String {
        let Some((start, end, age)) = number_in(mention) else { return "[AGE]".to_owned() };
        let cap = u32::from(self.age_cap);
        if age > cap {
            return format!("{}{}+{}", &mention[..start], cap + 1, &mention[end..]);
        }
        if capped {
            return mention.to_owned();
        }
        let mut choice = self.choice("AGE", &age.to_string());
        let near: Vec<u32> =
            (age.saturating_sub(2)..=age + 2).filter(|n| *n != age && n / 10 == age / 10).collect();
        let new = near.get(choice.below(near.len().max(1) as u64) as usize).copied().unwrap_or(age);
        let spelled = !mention[start..end].starts_with(|c: char| c.is_ascii_digit());
        let new = if spelled { spell(new) } else { new.to_string() };
        format!("{}{}{}", &mention[..start], cased(&new, &mention[start..end]), &mention[end..])
    }
}

/// Titles of the class of a word in lower case, without itself: an abbreviation has abbreviations, if there are any.
fn other_titles(small: &str) -> Vec<&'static str> {
    let is = |title: &&&str| is_small_of(small, title.trim_end_matches('.'));
    let own = LISTS.titles.iter().find_map(|class| Some((class, class.iter().find(is)?)));
    let short = own.is_some_and(|(_, own)| own.ends_with('.'));
    let others = || own.into_iter().flat_map(|(class, _)| class.iter().copied().filter(|title| !is(&title)));
    let like: Vec<&str> = others().filter(|title| title.ends_with('.') == short).collect();
    if like.is_empty() { others().collect() } else { like }
}

/// A word in lower case that the lists know for a title.
pub(crate) fn is_title(small: &str) -> bool {
    LISTS.honors.contains_key(small)
        || LISTS.after.contains(small)
        || LISTS.titles.iter().flatten().any(|title| is_small_of(small, title.trim_end_matches('.')))
        || cue::is_honorific(small)
}

/// Nothing but titles that are the only ones of their kind: `Mr.`, `Meneer`.
pub(crate) fn is_fixed_title(mention: &str) -> bool {
    words(mention).iter().all(|(start, end)| {
        let small = mention[*start..*end].to_lowercase();
        other_titles(&small).is_empty() && is_title(&small)
    })
}

/// Does the word say what kind of thing it stands for?
fn kind(word: &str) -> bool {
    let small = word.to_lowercase();
    LISTS.of("kind").contains(&small.trim_end_matches('.')) || small.chars().all(|c| c.is_ascii_digit())
}

/// `VA Medical Center`: nothing but words that say what kind of thing it is.
pub(crate) fn is_kind(mention: &str) -> bool {
    words(mention).iter().all(|(start, end)| kind(&mention[*start..*end]))
}

/// The years that a mention of an age says.
pub(crate) fn years(mention: &str) -> Option<u32> {
    number_in(mention).map(|(_, _, age)| age)
}

/// The number of an age, in digits or in English words, and where it stands.
fn number_in(mention: &str) -> Option<(usize, usize, u32)> {
    if let Some(start) = mention.find(|c: char| c.is_ascii_digit()) {
        let len = mention[start..].bytes().take_while(u8::is_ascii_digit).count();
        let age = mention[start..start + len].parse().ok().filter(|age| *age < 1000)?;
        return Some((start, start + len, age));
    }
    let small = mention.to_ascii_lowercase();
    let at =
        |list: &str, word: &str| LISTS.of(list).iter().position(|known| *known == word).map(|n| n as u32 + 1);
    let parts: Vec<(usize, usize)> = words(&small);
    // `nineties`, `one hundred and two`: above every cap.
    if let (Some(first), Some(last)) = (parts.first(), parts.last())
        && parts.iter().any(|(start, end)| ["nineties", "hundred"].contains(&&small[*start..*end]))
    {
        return Some((first.0, last.1, 100));
    }
    for (i, (start, end)) in parts.iter().enumerate() {
        if let Some(ten) = at("tens", &small[*start..*end]).map(|n| (n + 1) * 10) {
            let unit = parts
                .get(i + 1)
                .and_then(|(s, e)| Some((*e, at("number", &small[*s..*e]).filter(|n| *n < 10)?)));
            return Some(unit.map_or((*start, *end, ten), |(e, unit)| (*start, e, ten + unit)));
        }
        if let Some(n) = at("number", &small[*start..*end]) {
            return Some((*start, *end, n));
        }
    }
    None
}

fn spell(n: u32) -> String {
    let word = |list: &str, at: u32| {
        at.checked_sub(1).and_then(|i| LISTS.of(list).get(i as usize)).copied().unwrap_or("")
    };
    match n {
        0 => "zero".to_owned(),
        1..=19 => word("number", n).to_owned(),
        _ if n.is_multiple_of(10) => word("tens", n / 10 - 1).to_owned(),
        _ => format!("{}-{}", word("tens", n / 10 - 1), word("number", n % 10)),
    }
}
