//! How the student reads a prompt and how it writes: every token belongs to a fact or to none, and a fact is written
//! as it stands in the prompt (the `edit` head of training.md: the text is rendered by a fixed program).
//!
//! **Invariant:** what is written is a piece of the prompt.

use std::collections::BTreeMap;

use super::task::{FIELDS, Pair};

/// Labels of a token: none, and for each field the first token and those after it.
pub(crate) const LABELS: usize = 1 + 2 * FIELDS.len();
/// A word or shape that the student has not learned.
pub(crate) const UNKNOWN: u32 = 0;

/// Words that occur less often are not learned one by one.
const OFTEN: usize = 3;

/// A prompt as the student sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Read {
    /// Bytes of each token.
    at: Vec<(usize, usize)>,
    pub(crate) words: Vec<u32>,
    pub(crate) shapes: Vec<u32>,
    /// The label of each token, where the facts are known.
    pub(crate) labels: Vec<u32>,
}

/// The words and shapes that were learned.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    words: BTreeMap<String, u32>,
    shapes: BTreeMap<String, u32>,
}

impl Reader {
    pub(crate) fn learn(pairs: &[Pair]) -> Self {
        let (mut words, mut shapes) = (BTreeMap::new(), BTreeMap::new());
        for text in pairs.iter().map(|pair| pair.prompt.as_str()) {
            for (start, end) in tokens(text) {
                *words.entry(word(&text[start..end])).or_insert(0_usize) += 1;
                *shapes.entry(shape(&text[start..end])).or_insert(0_usize) += 1;
            }
        }
        let numbered = |counts: BTreeMap<String, usize>| {
            let often = counts.into_iter().filter(|(_, n)| *n >= OFTEN);
            often.zip(UNKNOWN + 1..).map(|((text, _), id)| (text, id)).collect()
        };
        Self { words: numbered(words), shapes: numbered(shapes) }
    }

    /// Rows of the tables of words and of shapes.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.words.len() + 1, self.shapes.len() + 1]
    }

    pub(crate) fn read(&self, pair: &Pair) -> Read {
        let text = pair.prompt.as_str();
        let at = tokens(text);
        let id = |table: &BTreeMap<String, u32>, key: String| table.get(&key).copied().unwrap_or(UNKNOWN);
        let words = at.iter().map(|(start, end)| id(&self.words, word(&text[*start..*end]))).collect();
        let shapes = at.iter().map(|(start, end)| id(&self.shapes, shape(&text[*start..*end]))).collect();
        let mut labels = vec![0; at.len()];
        for (field, fact) in pair.facts.iter().enumerate() {
            let Some(fact) = fact else { continue };
            let Some(from) = text.find(fact.as_str()) else { continue };
            let inside = |(start, end): &(usize, usize)| *start >= from && *end <= from + fact.len();
            for (n, token) in (0..at.len()).filter(|token| inside(&at[*token])).enumerate() {
                labels[token] = first_of(field) + u32::from(n > 0);
            }
        }
        Read { at, words, shapes, labels }
    }
}

/// The label of a field's first token; that of the others is one more.
fn first_of(field: usize) -> u32 {
    1 + 2 * field as u32
}

/// What a student writes that gives the tokens of a prompt these scores, row by row.
pub(crate) fn written(text: &str, read: &Read, scores: &[Vec<f32>]) -> [Option<String>; FIELDS.len()] {
    let best = |row: &Vec<f32>| {
        (0..LABELS).fold(0, |best, label| if row[label] > row[best] { label } else { best }) as u32
    };
    let labels: Vec<u32> = scores.iter().map(best).collect();
    std::array::from_fn(|field| {
        let first = first_of(field);
        let begins = (0..labels.len()).filter(|token| labels[*token] == first);
        let sure = |token: &usize| scores[*token][first as usize] - scores[*token][0];
        let begin = begins.max_by(|a, b| sure(a).total_cmp(&sure(b)))?;
        let more = labels[begin + 1..].iter().take_while(|label| **label == first + 1).count();
        Some(text[read.at[begin].0..read.at[begin + more].1].to_owned())
    })
}

/// Runs of letters, runs of digits, and single signs.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let class = |c: char| if c.is_alphabetic() { 1 } else { 2 * u8::from(c.is_numeric()) };
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut open = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        let end = at + c.len_utf8();
        match out.last_mut() {
            Some(last) if last.1 == at && open != 0 && open == class(c) => last.1 = end,
            _ => out.push((at, end)),
        }
        open = class(c);
    }
    out
}

/// Digits are not learned one by one.
fn word(token: &str) -> String {
    token.to_lowercase().replace(|c: char| c.is_numeric(), "9")
}

/// `Xx`, `x`, `9999`, or the sign itself.
fn shape(token: &str) -> String {
    let mut out = String::new();
    for c in token.chars() {
        let class = match c {
            _ if c.is_numeric() => '9',
            _ if c.is_uppercase() => 'X',
            _ if c.is_alphabetic() => 'x',
            _ => c,
        };
        if class == '9' || !out.ends_with(class) {
            out.push(class);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copying::task;

    #[test]
    fn what_is_labelled_is_written() {
        let pairs = task::some(5, 200);
        let reader = Reader::learn(&pairs);
        for pair in &pairs {
            let read = reader.read(pair);
            let score = |label: &u32| (0..LABELS).map(|l| f32::from(l as u32 == *label)).collect();
            let scores: Vec<Vec<f32>> = read.labels.iter().map(score).collect();
            assert_eq!(written(&pair.prompt, &read, &scores), pair.facts, "{pair:?}");
        }
    }

    #[test]
    fn tokens_are_runs_of_one_kind() {
        let text = "O'Rourke, MRN 12-3";
        let seen: Vec<&str> = tokens(text).into_iter().map(|(start, end)| &text[start..end]).collect();
        assert_eq!(seen, ["O", "'", "Rourke", ",", "MRN", "12", "-", "3"]);
        let shapes: Vec<String> = seen.iter().map(|token| shape(token)).collect();
        assert_eq!(shapes, ["X", "'", "Xx", ",", "X", "99", "-", "9"]);
    }
}
