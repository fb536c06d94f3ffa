//! The committed texts: lists of names by locale, and templates by genre.
//!
//! **Invariant:** what is held out for tests is told by a hash of the text alone, so both halves never meet.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use kolm_policies::ner::lattice::CLASSES;

use crate::chance::number;

/// Which half of the names and templates is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// What the model learns from.
    Training,
    /// What it never saw.
    HeldOut,
    /// Both: for the gazetteer.
    Whole,
}

impl Half {
    fn takes(self, text: &str, one_in: u64) -> bool {
        match self {
            Self::Training => !number(text).is_multiple_of(one_in),
            Self::HeldOut => number(text).is_multiple_of(one_in),
            Self::Whole => true,
        }
    }
}

/// Lists of one locale, by section.
#[derive(Debug, Default, Clone)]
pub struct Locale {
    /// Name of its file.
    pub name: String,
    sections: BTreeMap<String, Vec<String>>,
}

impl Locale {
    /// A section; empty where the file has none.
    pub fn get(&self, section: &str) -> &[String] {
        self.sections.get(section).map_or(&[], Vec::as_slice)
    }

    /// Whether its `[form]` section says so: `latin`, `family` (first), `glued` (no space between).
    pub fn is(&self, word: &str) -> bool {
        self.get("form").iter().any(|known| known == word)
    }
}

/// One template: its text and the locales its names may come from.
#[derive(Debug, Clone)]
pub struct Template {
    /// The text with slots.
    pub text: String,
    /// Names of locales; empty for any in Latin script.
    pub locales: Vec<String>,
    /// It has a slot of an identifier.
    pub positive: bool,
}

/// Everything that training text is made of.
#[derive(Debug, Default)]
pub struct Source {
    /// By name.
    pub locales: BTreeMap<String, Locale>,
    /// In the order of the files.
    pub templates: Vec<Template>,
    /// Count of template files.
    pub genres: usize,
}

/// Sections whose entries are split between the halves.
const SPLIT: [&str; 3] = ["given", "surname", "city"];

impl Source {
    /// Reads `lists` and `templates` below `root`.
    pub fn read(root: &Path, half: Half) -> io::Result<Self> {
        let mut source = Self::default();
        for (name, text) in texts(&root.join("lists"))? {
            let locale = locale(&name, &text, half);
            source.locales.insert(name, locale);
        }
        for (_, text) in texts(&root.join("templates"))? {
            source.genres += 1;
            source.templates.extend(templates(&text).into_iter().filter(|t| half.takes(&t.text, 9)));
        }
        Ok(source)
    }

    /// The locale of that name.
    pub fn locale(&self, name: &str) -> Option<&Locale> {
        self.locales.get(name)
    }
}

/// Names and texts of the files of a folder, sorted.
fn texts(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        all.push((name, fs::read_to_string(&path)?));
    }
    all.sort();
    Ok(all)
}

fn locale(name: &str, text: &str, half: Half) -> Locale {
    let mut locale = Locale { name: name.to_owned(), ..Locale::default() };
    let mut section = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = head.to_owned();
            continue;
        }
        let split = SPLIT.contains(&section.as_str());
        let entries = line.split([',', '、']).map(str::trim).filter(|entry| !entry.is_empty());
        let kept = entries.filter(|entry| !split || half.takes(entry, 12)).map(str::to_owned);
        locale.sections.entry(section.clone()).or_default().extend(kept);
    }
    locale
}

fn templates(text: &str) -> Vec<Template> {
    let mut locales = Vec::new();
    let mut all = Vec::new();
    for line in text.lines() {
        if let Some(names) = line.strip_prefix("@ ") {
            locales = names.split_whitespace().filter(|n| *n != "*").map(str::to_owned).collect();
        } else if !line.is_empty() && !line.starts_with(";;") {
            let positive = CLASSES
                .iter()
                .any(|c| line.contains(&format!("{{{c}.")) || line.contains(&format!("{{{c}}}")));
            all.push(Template { text: line.replace("\\n", "\n"), locales: locales.clone(), positive });
        }
    }
    all
}
