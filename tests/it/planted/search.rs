//! Looks for planted values in everything that was written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aho_corasick::AhoCorasick;

use super::forms;
use super::identifiers::Identifier;

/// What is looked for, and where it was found.
pub(super) struct Search {
    bare: Needles,
    coded: Needles,
    /// Values by the place they stand in.
    pub(super) found: BTreeMap<String, BTreeSet<usize>>,
    /// Files and rows that were read.
    pub(super) read: usize,
}

/// Forms of values, and whose they are.
struct Needles {
    automaton: AhoCorasick,
    owners: Vec<usize>,
    forms: Vec<Vec<u8>>,
}

impl Needles {
    fn new(forms: Vec<(usize, Vec<u8>)>, any_case: bool) -> Self {
        let (owners, forms): (Vec<_>, Vec<_>) = forms.into_iter().unzip();
        let automaton = AhoCorasick::builder().ascii_case_insensitive(any_case).build(&forms).unwrap();
        Self { automaton, owners, forms }
    }

    /// Values in `bytes`; digits among further digits are another number.
    fn each(&self, bytes: &[u8], mut found: impl FnMut(usize)) {
        for hit in self.automaton.find_overlapping_iter(bytes) {
            let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
            let form = &self.forms[hit.pattern().as_usize()];
            let before = form[0].is_ascii_digit() && digit(hit.start().checked_sub(1));
            let behind = form[form.len() - 1].is_ascii_digit() && digit(Some(hit.end()));
            if !before && !behind {
                found(self.owners[hit.pattern().as_usize()]);
            }
        }
    }
}

impl Search {
    pub(super) fn new(all: &[Identifier]) -> Self {
        let (mut bare, mut coded) = (Vec::new(), Vec::new());
        for (n, one) in all.iter().enumerate() {
            bare.extend(forms::bare(&one.value).into_iter().map(|form| (n, form.into_bytes())));
            coded.extend(forms::coded(&one.value).into_iter().map(|form| (n, form)));
        }
        Self {
            bare: Needles::new(bare, true),
            coded: Needles::new(coded, false),
            found: BTreeMap::new(),
            read: 0,
        }
    }

    /// Bytes as they are, and as a reader would make them out.
    pub(super) fn bytes(&mut self, place: &str, bytes: &[u8]) {
        let mut here = BTreeSet::new();
        let plain = forms::plain(&String::from_utf8_lossy(bytes));
        for text in [bytes, plain.as_bytes()] {
            self.bare.each(text, |n| _ = here.insert(n));
            self.coded.each(text, |n| _ = here.insert(n));
        }
        self.read += 1;
        if !here.is_empty() {
            self.found.entry(place.to_owned()).or_default().extend(here);
        }
    }

    /// Every file below a directory.
    pub(super) fn files(&mut self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.files(&path);
            } else if path.is_file() {
                self.bytes(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }

    /// All values that were found anywhere.
    pub(super) fn all(&self) -> BTreeSet<usize> {
        self.found.values().flatten().copied().collect()
    }
}
