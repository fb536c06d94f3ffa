//! The text under check: what was found wrong so far, and what was read.

use std::path::PathBuf;

use kolm_core::Code;

use crate::problem::Problem;
use crate::settings::Reading;
use crate::shape::join;
use crate::{Outside, Secret};

/// The text under check and what was found so far.
pub(crate) struct Checker<'t> {
    text: &'t str,
    /// Folder that relative paths start from.
    pub(crate) folder: PathBuf,
    pub(crate) outside: &'t Outside,
    pub(crate) problems: Vec<Problem>,
    /// Every setting that was asked for, with the value that it got.
    pub(crate) reading: Reading,
    /// The files that the configuration names and whose content is part of it.
    pub(crate) beside: Vec<PathBuf>,
}

impl<'t> Checker<'t> {
    pub(crate) fn new(text: &'t str, folder: PathBuf, outside: &'t Outside) -> Self {
        Self { text, folder, outside, problems: Vec::new(), reading: Reading::default(), beside: Vec::new() }
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    pub(crate) fn add(&mut self, code: Code, place: &Place, message: impl Into<String>) {
        self.add_with_hint(code, place, message, None);
    }

    pub(crate) fn add_with_hint(
        &mut self,
        code: Code,
        place: &Place,
        message: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.problems.push(Problem {
            code,
            path: place.path.clone(),
            line: place.at.map_or(0, |at| self.line(at)),
            message: message.into(),
            hint: hint.map(str::to_owned),
        });
    }

    /// A path of the file, relative to the file's folder.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Notes what a setting amounts to, where the file's words do not say it all.
    pub(crate) fn amounts_to(&mut self, place: &Place, value: &dyn std::fmt::Debug) {
        self.reading.value(&place.path, format!("{value:?}"));
    }

    /// Notes the secret that a setting refers to, so that a change of it alone is seen. It is only compared.
    /// The text of a file that the configuration names.
    pub(crate) fn read(&mut self, file: &str) -> std::io::Result<String> {
        let path = self.resolve(file);
        let text = std::fs::read_to_string(&path);
        self.beside.push(path);
        text
    }

    pub(crate) fn refers_to(&mut self, place: &Place, secret: &Secret) {
        self.reading.secret(&place.path, secret.clone());
    }
}

/// Where a value stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) at: Option<usize>,
}

impl Place {
    pub(crate) fn key(&self, key: &str) -> Self {
        Self { path: join(&self.path, key), at: self.at }
    }

    pub(crate) fn item(&self, index: usize, at: Option<usize>) -> Self {
        Self { path: format!("{}[{index}]", self.path), at }
    }
}

/// Edits between two short words.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
