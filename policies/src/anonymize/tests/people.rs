//! Names of persons in texts that were written before the detectors were tuned to any of them.
//!
//! **Invariant:** the floors may only rise; the texts stand in `people.txt` and in no training text.

use super::*;
use crate::anonymize::anonymize_text;

/// The texts.
const TEXTS: &str = include_str!("people.txt");

/// What was found of one text.
struct Read {
    plain: String,
    /// Byte ranges of the names.
    names: Vec<(usize, usize)>,
    /// Byte ranges of what was masked.
    masked: Vec<(usize, usize)>,
}

impl Read {
    fn of(line: &str) -> Self {
        let line = line.replace("\\n", "\n");
        let (mut plain, mut names) = (String::new(), Vec::new());
        for (n, part) in line.split(['[', ']']).enumerate() {
            let start = plain.len();
            plain.push_str(part);
            if n % 2 == 1 {
                names.push((start, plain.len()));
            }
        }
        let done = anonymize_text(&plain, &Policy::preset("hipaa").unwrap(), &Salt([9; 32]));
        let points: Vec<usize> = plain.char_indices().map(|(at, _)| at).chain([plain.len()]).collect();
        let spans = done.map(|done| done.spans).unwrap_or_default();
        let masked = spans.iter().map(|span| (points[span.start], points[span.end])).collect();
        Self { plain, names, masked }
    }

    /// Letters of a range that are masked, and letters of it.
    fn letters(&self, (start, end): (usize, usize), of: &[(usize, usize)]) -> (usize, usize) {
        let all = self.plain[start..end].char_indices().filter(|(_, c)| c.is_alphanumeric());
        let inside = |at: usize| of.iter().any(|(from, to)| (*from..*to).contains(&at));
        all.fold((0, 0), |(hit, all), (at, _)| (hit + usize::from(inside(start + at)), all + 1))
    }
}

#[test]
fn people_are_found_and_others_stay() {
    let (mut names, mut full, mut right, mut said, mut free, mut touched) = (0, 0, 0, 0, 0, 0);
    for line in TEXTS.lines().filter(|line| !line.starts_with('#')) {
        let read = Read::of(line);
        let missed = read.names.iter().filter(|name| {
            let (hit, all) = read.letters(**name, &read.masked);
            hit < all
        });
        let missed: Vec<&str> = missed.map(|(start, end)| &read.plain[*start..*end]).collect();
        let (inside, all) = read.masked.iter().fold((0, 0), |sum, span| {
            let (hit, all) = read.letters(*span, &read.names);
            (sum.0 + hit, sum.1 + all)
        });
        names += read.names.len();
        full += read.names.len() - missed.len();
        free += usize::from(read.names.is_empty());
        touched += usize::from(read.names.is_empty() && all > 0);
        right += inside;
        said += all;
        if !missed.is_empty() || inside < all {
            eprintln!("{line}\n    missed {missed:?}, {} letters too many", all - inside);
        }
    }
    let rate = |part: usize, of: usize| part as f64 / of as f64;
    eprintln!(
        "people: {full} of {names} names, {right} of {said} letters right, {touched} of {free} touched"
    );
    assert!(rate(full, names) >= 0.87);
    assert!(rate(right, said) >= 0.90);
    assert!(rate(touched, free) <= 0.14);
}
