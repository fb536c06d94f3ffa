//! Surrogates of places: a city of the same country, an address of the same pattern.
//!
//! **Invariant:** numbers keep their count of digits; words that say what a part is stay.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::inventor::Inventor;
use super::lists::{LISTS, Script};
use super::word::{alike, cased};
use crate::anonymize::Dropped;
use crate::anonymize::quick::Map;

struct Row {
    country: usize,
    state: Vec<&'static str>,
    cities: Vec<&'static str>,
}

struct Country {
    names: Vec<&'static str>,
    class: &'static str,
    cities: Vec<&'static str>,
}

struct Places {
    countries: Vec<Country>,
    rows: Vec<Row>,
    by_city: Map<String, usize>,
    by_state: Map<String, usize>,
    by_country: Map<String, usize>,
    /// What stands for cities that are in no list: those of Latin letters are of English-speaking countries.
    unlisted: BTreeMap<Script, Vec<&'static str>>,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let mut places = Places {
        countries: Vec::new(),
        rows: Vec::new(),
        by_city: Map::default(),
        by_state: Map::default(),
        by_country: Map::default(),
        unlisted: BTreeMap::new(),
    };
    for line in include_str!("../../../forms/places.txt").lines().filter(|line| !line.starts_with('#')) {
        places.read(line);
    }
    places
});

impl Places {
    fn read(&mut self, line: &'static str) {
        let mut parts = line.split('|');
        let (Some(names), Some(class), Some(state), Some(cities)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let names: Vec<&'static str> = names.split(';').collect();
        let first = names.first().copied().unwrap_or_default();
        let country = self.by_country.get(&first.to_lowercase()).copied().unwrap_or_else(|| {
            self.countries.push(Country { names: names.clone(), class, cities: Vec::new() });
            self.countries.len() - 1
        });
        for name in names {
            self.by_country.entry(name.to_lowercase()).or_insert(country);
        }
        let at = self.rows.len();
        let state: Vec<&'static str> = state.split(';').filter(|name| !name.is_empty()).collect();
        let cities: Vec<&'static str> = cities.split(',').collect();
        for name in &state {
            self.by_state.entry(name.to_lowercase()).or_insert(at);
        }
        for city in &cities {
            self.by_city.entry(city.to_lowercase()).or_insert(at);
        }
        let script = Script::of(cities[0]);
        let known = &mut self.countries[country];
        known.cities.extend(&cities);
        if script != Script::Latin || known.class == "anglo" {
            self.unlisted.entry(script).or_default().extend(&cities);
        }
        self.rows.push(Row { country, state, cities });
    }
}

impl Inventor<'_> {
    /// A city of the same state where states stay or of the state that stands for it, of the same country.
    pub(super) fn city(&mut self, mention: &str) -> Result<String, Dropped> {
        let key = mention.to_lowercase();
        let script = Script::of(mention);
        let own = PLACES.by_city.get(&key).copied();
        let target = match own {
            Some(at) if self.states_kept || PLACES.rows[at].state.is_empty() => Some(at),
            Some(at) => {
                PLACES.rows[at].state.first().map(|state| self.other_state(state)).transpose()?.flatten()
            }
            None => None,
        };
        let near = target.map_or(&[][..], |at| PLACES.rows[at].cities.as_slice());
        let wide = match own {
            Some(at) => PLACES.countries[PLACES.rows[at].country].cities.as_slice(),
            None => PLACES.unlisted.get(&script).map_or(&[][..], Vec::as_slice),
        };
        if near.is_empty() && wide.is_empty() {
            return self.foreign(mention);
        }
        let lists = [near, wide];
        let lists = if near.is_empty() { &lists[1..] } else { &lists[..] };
        Ok(cased(&self.word(&key, lists, None)?, mention))
    }

    /// The row of the state that stands for this one.
    fn other_state(&mut self, state: &str) -> Result<Option<usize>, Dropped> {
        let key = state.to_lowercase();
        let own = PLACES.by_state.get(&key).copied();
        let country = own.map(|at| PLACES.rows[at].country);
        let script = Script::of(state);
        let fits = |row: &&Row| {
            country.map_or(row.state.iter().all(|s| Script::of(s) == script), |c| row.country == c)
                && !row.state.is_empty()
        };
        let names: Vec<&'static str> = PLACES.rows.iter().filter(fits).map(|row| row.state[0]).collect();
        let canonical = own.map_or(key, |at| PLACES.rows[at].state[0].to_lowercase());
        if names.len() < 2 {
            return Ok(None);
        }
        let new = self.word(&format!("\u{1e}{canonical}"), &[&names], None)?;
        Ok(PLACES.by_state.get(&new.to_lowercase()).copied())
    }

    pub(super) fn state(&mut self, mention: &str) -> Result<String, Dropped> {
        let Some(at) = self.other_state(mention)? else { return self.city(mention) };
        let short = mention.chars().count() <= 3 && mention.chars().all(char::is_uppercase);
        let names = &PLACES.rows[at].state;
        let name = if short { names.get(1).or(names.first()) } else { names.first() };
        Ok(cased(name.copied().unwrap_or(mention), mention))
    }

    /// A country of the same part of the world.
    pub(super) fn country(&mut self, mention: &str) -> Result<String, Dropped> {
        let own = PLACES.by_country.get(&mention.to_lowercase()).copied();
        let script = Script::of(mention);
        let class = own.map_or("europe", |at| PLACES.countries[at].class);
        let local =
            own.is_some_and(|at| PLACES.countries[at].names[0] != mention) && mention.chars().count() > 3;
        let name = |country: &'static Country| {
            let second = country.names.get(1).copied().filter(|n| local && n.chars().count() > 3);
            second.or(country.names.first().copied())
        };
        let all = || PLACES.countries.iter().filter(|c| c.class == class).filter_map(name);
        let mut names: Vec<&'static str> = all().filter(|n| Script::of(n) == script).collect();
        if names.len() < 2 {
            names = PLACES.countries.iter().filter_map(name).filter(|n| Script::of(n) == script).collect();
        }
        if names.len() < 2 {
            return self.city(mention);
        }
        let key = own.map_or(mention.to_lowercase(), |at| PLACES.countries[at].names[0].to_lowercase());
        let key = format!("\u{1d}{key}");
        Ok(cased(&self.word(&key, &[&names], None)?, mention))
    }

    /// Coordinates keep their form; of other areas the kind stays.
    pub(super) fn geo(&mut self, mention: &str) -> Result<String, Dropped> {
        if !mention.bytes().any(|b| b.is_ascii_digit()) {
            let new = self.address(mention)?;
            // `Lane County` is made of nothing but words of addresses.
            let Some((name, kind)) = mention.rsplit_once(' ').filter(|_| new == mention) else {
                return Ok(new);
            };
            return Ok(format!("{} {kind}", self.foreign(name)?));
        }
        let mut choice = self.choice("GEO", mention);
        let mut fraction = false;
        let mut out = String::with_capacity(mention.len());
        for (at, c) in mention.char_indices() {
            let before = mention[..at].chars().next_back();
            fraction = c == '.' || fraction && c.is_ascii_digit();
            out.push(match c {
                // The first of two or three digits stays small: the earth is round.
                '0'..='9' if !fraction && before.is_none_or(|b| !b.is_ascii_digit()) => {
                    if c == '0' {
                        c
                    } else {
                        char::from(b'1' + choice.below(if c == '1' { 1 } else { 6 }) as u8)
                    }
                }
                '0'..='9' if !fraction => char::from(b'0' + choice.below(6) as u8),
                '0'..='9' => char::from(choice.digit()),
                c => c,
            });
        }
        Ok(out)
    }

    /// Street word, number pattern and order stay; names, cities and numbers are invented.
    pub(super) fn address(&mut self, mention: &str) -> Result<String, Dropped> {
        let words = words(mention);
        let road = road_of(mention);
        let mut out = String::with_capacity(mention.len() + 16);
        let (mut i, mut from) = (0, 0);
        while i < words.len() {
            let (start, mut end) = words[i];
            out.push_str(&mention[from..start]);
            let known = (1..=3.min(words.len() - i)).rev().find(|n| {
                let phrase = &mention[start..words[i + n - 1].1];
                phrase.chars().any(char::is_uppercase) && PLACES.by_city.contains_key(&phrase.to_lowercase())
            });
            if let Some(n) = known {
                end = words[i + n - 1].1;
                out.push_str(&self.city(&mention[start..end])?);
                i += n;
            } else {
                out.push_str(&self.address_word(&mention[start..end], road)?);
                i += 1;
            }
            from = end;
        }
        out.push_str(&mention[from..]);
        // `Rua do Al`: of nothing but words of streets the last is the name.
        if let Some((start, end)) = words.last().copied().filter(|_| out == mention) {
            out = format!(
                "{}{}{}",
                &mention[..start],
                self.glued(&mention[start..end], road)?,
                &mention[end..]
            );
        }
        Ok(out)
    }

    fn address_word(&mut self, word: &str, road: &str) -> Result<String, Dropped> {
        let small = word.to_lowercase();
        if word.bytes().any(|b| b.is_ascii_digit()) {
            return Ok(self.number(word));
        }
        let upper = word.chars().all(char::is_uppercase);
        if upper && word.len() == 2 && PLACES.by_state.contains_key(&small) && !self.states_kept {
            return self.state(word);
        }
        if upper && word.len() == 2 && PLACES.by_state.contains_key(&small)
            || LISTS.of("street").contains(&small.as_str())
        {
            return Ok(word.to_owned());
        }
        if PLACES.by_country.contains_key(&small) {
            return self.country(word);
        }
        // `in der`, `à la`: prepositions.
        if script_is_latin(word) && word.chars().count() < 4 && word.chars().all(char::is_lowercase) {
            return Ok(word.to_owned());
        }
        if word.chars().count() == 1 && word.is_ascii() {
            return Ok(alike(word, &mut self.choice("ADDRESS", &small)));
        }
        self.glued(word, road)
    }

    /// `Lindenweg`, `新宿区`: the ending stays.
    pub(super) fn glued(&mut self, word: &str, road: &str) -> Result<String, Dropped> {
        let script = Script::of(word);
        let small = word.to_lowercase();
        let ending =
            LISTS.of("glued").iter().filter(|end| small.ends_with(**end) && small.len() > end.len() + 1);
        let keep = ending.map(|end| end.len()).max().unwrap_or(0);
        let cut = word.len().checked_sub(keep).filter(|cut| word.is_char_boundary(*cut));
        let Some((stem, end)) = cut.map(|cut| word.split_at(cut)).filter(|_| script != Script::Other) else {
            return self.foreign(word);
        };
        let lead =
            LISTS.of("glued").iter().filter(|lead| stem.len() > lead.len() && stem.starts_with(**lead));
        let lead = lead.map(|lead| lead.len()).max().filter(|_| script.unspaced()).unwrap_or(0);
        let (lead, stem) = stem.split_at(lead);
        let lists: Vec<&[&'static str]> = match LISTS.of(road) {
            [] => vec![self.locale_of(word, script).surnames.as_slice()],
            list => vec![list, self.locale_of(word, script).surnames.as_slice()],
        };
        let new = self.word(&stem.to_lowercase(), &lists, None)?;
        Ok(format!("{lead}{}{end}", cased(&new, stem)))
    }

    /// As many digits, letters for letters.
    fn number(&self, word: &str) -> String {
        let new = |attempt| alike(word, &mut self.draw.choice("ADDRESS", word, attempt));
        (0..8).map(new).find(|new| new != word).unwrap_or_else(|| new(0))
    }
}

fn script_is_latin(word: &str) -> bool {
    Script::of(word) == Script::Latin
}

/// Runs of letters, digits and what joins them.
pub(super) fn words(mention: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, c) in mention.char_indices() {
        let inside = c.is_alphanumeric()
            || matches!(u32::from(c), 0x300..=0x36f | 0x900..=0x97f | 0xe00..=0xe7f)
            || matches!(c, '\'' | '.' | '&')
                && start.is_some()
                && mention[at + c.len_utf8()..].starts_with(char::is_alphanumeric);
        let digit = |c: char| c.is_ascii_digit();
        let before = mention[..at].chars().next_back();
        // `西新宿2`: a number begins where another script ends.
        let breaks = before.is_some_and(|b| digit(b) != digit(c) && (!b.is_ascii() || !c.is_ascii()));
        match start {
            None if inside => start = Some(at),
            Some(from) if !inside => {
                out.push((from, at));
                start = None;
            }
            Some(from) if breaks => {
                out.push((from, at));
                start = Some(at);
            }
            None | Some(_) => {}
        }
    }
    out.extend(start.map(|from| (from, mention.len())));
    out
}

/// The list of names of streets that suits an address.
fn road_of(mention: &str) -> &'static str {
    let small = mention.to_lowercase();
    let any = |all: &[&str]| all.iter().any(|word| small.contains(word));
    match mention.chars().find(|c| !c.is_ascii() && c.is_alphabetic()).map(Script::of_char) {
        Some(Script::Cyrillic) => "road-ru",
        Some(Script::Greek) => "road-el",
        Some(Script::Arabic) => "road-ar",
        Some(Script::Hebrew) => "road-he",
        Some(Script::Han | Script::Kana) if any(&["丁目", "番", "町", "県", "都"]) => "road-ja",
        Some(Script::Han | Script::Kana) => "road-zh",
        Some(Script::Hangul) => "road-ko",
        Some(Script::Devanagari) => "road-hi",
        Some(Script::Thai) => "road-th",
        Some(Script::Latin | Script::Other) | None
            if any(&["straße", "strasse", "str.", "weg", "gasse", "platz", "allee"]) =>
        {
            "road-de"
        }
        Some(Script::Latin | Script::Other) | None if any(&["rue ", "chemin ", "impasse ", "quai "]) => {
            "road-fr"
        }
        Some(Script::Latin | Script::Other) | None
            if any(&["calle", "avenida", "paseo", "rua ", "via ", "c/"]) =>
        {
            "road-es"
        }
        Some(Script::Latin | Script::Other) | None => "road",
    }
}
