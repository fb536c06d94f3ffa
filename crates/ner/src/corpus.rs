//! The training text: filled templates, varied as people write, cut into tokens with tags.
//!
//! **Invariant:** the same seed gives the same text; tokens come from the decoder's own reader.

use kolm_policies::ner::lattice::{B, E, I, O, S};
use kolm_policies::ner::token::{Piece, Reader};
use kolm_policies::ner::{Gazetteer, fold};

use crate::chance::Chance;
use crate::fill::{Part, fill};
use crate::source::{Source, Template};

/// Percent of lines without an identifier.
const PLAIN: usize = 38;
/// Percent of the others that are English.
const ENGLISH: usize = 57;

/// A text and its mentions: byte ranges with classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Folded text.
    pub text: String,
    /// Start, end, class; ascending.
    pub mentions: Vec<(usize, usize, usize)>,
}

/// Draws samples.
#[derive(Debug)]
pub struct Corpus<'a> {
    source: &'a Source,
    plain: Vec<&'a Template>,
    english: Vec<&'a Template>,
    other: Vec<&'a Template>,
}

impl<'a> Corpus<'a> {
    /// Over all templates of a source.
    pub fn new(source: &'a Source) -> Self {
        let mut corpus = Self { source, plain: Vec::new(), english: Vec::new(), other: Vec::new() };
        for template in &source.templates {
            let kind = match (template.positive, template.locales.is_empty()) {
                (false, _) => &mut corpus.plain,
                (true, true) => &mut corpus.english,
                (true, false) => &mut corpus.other,
            };
            kind.push(template);
        }
        corpus
    }

    /// One sample: mostly one line, at times several.
    pub fn sample(&self, chance: &mut Chance) -> Sample {
        let lines = [1, 1, 1, 2, 2, 3][chance.below(6)];
        let mut sample = Sample { text: String::new(), mentions: Vec::new() };
        for n in 0..lines {
            if n > 0 {
                sample.text.push_str([" ", " ", "\n", "\n", "\n\n"][chance.below(5)]);
            }
            let mut parts = self.line(chance);
            if chance.percent(35) {
                self.reword(&mut parts, chance);
            }
            vary(&mut parts, chance);
            sample.append(&parts);
        }
        sample
    }

    /// Other words in place of some: templates shall not be learned by heart.
    fn reword(&self, parts: &mut [Part], chance: &mut Chance) {
        let words = self.source.locale("world").map_or(&[][..], |world| world.get("word"));
        for part in parts.iter_mut().filter(|part| part.class.is_none()) {
            let reworded = part.text.split(' ').map(|word| {
                let plain = word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase());
                if plain && chance.percent(20) { chance.pick(words) } else { word }
            });
            part.text = reworded.collect::<Vec<_>>().join(" ");
        }
    }

    fn line(&self, chance: &mut Chance) -> Vec<Part> {
        let kind = if chance.percent(PLAIN) {
            &self.plain
        } else if chance.percent(ENGLISH) {
            &self.english
        } else {
            &self.other
        };
        kind.get(chance.below(kind.len()))
            .map(|template| fill(self.source, template, chance))
            .unwrap_or_default()
    }
}

impl Sample {
    fn append(&mut self, parts: &[Part]) {
        for part in parts {
            let text = fold(&part.text);
            let start = self.text.len();
            self.text.push_str(&text);
            if let Some(class) = part.class {
                self.mentions.push((start, self.text.len(), class));
            }
        }
    }
}

/// Case, typing errors and lost signs.
fn vary(parts: &mut [Part], chance: &mut Chance) {
    match chance.below(100) {
        0..=13 => parts.iter_mut().for_each(|part| part.text = part.text.to_lowercase()),
        14..=19 => parts.iter_mut().for_each(|part| part.text = part.text.to_uppercase()),
        20..=22 => named(parts, |text| text.to_lowercase()),
        23..=25 => named(parts, |text| text.to_uppercase()),
        26..=28 => parts.iter_mut().for_each(|part| part.text = titled(&part.text)),
        _ => {}
    }
    match chance.below(100) {
        0..=7 => plain(parts, |text| text.retain(|c| !matches!(c, '.' | ',' | '!' | '?' | ';'))),
        8..=10 => {
            let sign = [" / ", " - ", " | ", "; ", " -- ", "\n"][chance.below(6)];
            plain(parts, |text| *text = text.replace(", ", sign));
        }
        11..=12 => plain(parts, |text| *text = text.replace('\n', " ")),
        13 => plain(parts, |text| *text = text.replace(". ", "\n")),
        _ => {}
    }
    if chance.percent(8) {
        let at = chance.below(parts.len());
        if let Some(part) = parts.get_mut(at) {
            part.text = mistyped(&part.text, chance);
        }
    }
}

fn named(parts: &mut [Part], change: fn(&str) -> String) {
    parts.iter_mut().filter(|part| part.class.is_some()).for_each(|part| part.text = change(&part.text));
}

fn plain(parts: &mut [Part], change: impl Fn(&mut String)) {
    parts.iter_mut().filter(|part| part.class.is_none()).for_each(|part| change(&mut part.text));
}

/// Every word with a capital.
pub fn titled(text: &str) -> String {
    let mut start = true;
    let mut out = String::new();
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        start = c == ' ';
    }
    out
}

/// Two letters swapped, one lost or one doubled, inside a word.
fn mistyped(text: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 5 {
        return text.to_owned();
    }
    let at = 1 + chance.below(letters.len() - 3);
    if letters[at..at + 2].iter().all(|c| c.is_alphabetic()) {
        match chance.below(3) {
            0 => letters.swap(at, at + 1),
            1 => drop(letters.remove(at)),
            _ => letters.insert(at, letters[at]),
        }
    }
    letters.into_iter().collect()
}

/// A piece and the tag of each of its tokens.
#[derive(Debug)]
pub struct Tagged {
    /// The tokens.
    pub piece: Piece,
    /// One tag a token.
    pub tags: Vec<u8>,
}

/// Reads a sample as the decoder does.
pub fn tagged(sample: &Sample, lists: &Gazetteer) -> Vec<Tagged> {
    let mut reader = Reader::new(&sample.text, lists);
    let mut out = Vec::new();
    loop {
        let mut piece = Piece::default();
        if !reader.next(&mut piece) {
            return out;
        }
        let tags = tags(&piece, sample);
        out.push(Tagged { piece, tags });
    }
}

fn tags(piece: &Piece, sample: &Sample) -> Vec<u8> {
    let of = |i: usize| {
        let token = piece.tokens.get(i)?;
        let at = sample.mentions.partition_point(|m| m.1 <= token.start as usize);
        sample.mentions.get(at).filter(|m| m.0 < token.end as usize).map(|m| (at, m.2))
    };
    let tag = |i: usize| {
        let Some((mention, class)) = of(i) else { return O };
        let same = |j: Option<usize>| j.and_then(of).is_some_and(|(other, _)| other == mention);
        class
            + match (same(i.checked_sub(1)), same(Some(i + 1))) {
                (false, true) => B,
                (true, true) => I,
                (true, false) => E,
                (false, false) => S,
            }
    };
    (0..piece.tokens.len()).map(|i| tag(i) as u8).collect()
}
