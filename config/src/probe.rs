//! Asking the checker what it would take: it is run on a file that does not exist, in which every key that it asks
//! for is there and holds a value of one type after the other.
//!
//! **Invariant:** what is described is what `check` reads; no key is named here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeTable, DeValue};

use crate::checker::Checker;
use crate::shape::{EACH, ITEM, Kind, Shape, Type};
use crate::table::Table;
use crate::{Outside, check};

/// Stands for any text and for any name.
pub(crate) const WORD: &str = "probe";

/// What one run is about.
#[derive(Clone)]
enum Turn {
    /// Every key holds a value of this type.
    Type(Type),
    /// The same, but this key holds this word.
    Word(Type, String, String),
    /// This table is empty.
    Empty(String),
}

/// One run of the checker.
pub(crate) struct Describer {
    turn: Turn,
    values: BTreeMap<Type, DeValue<'static>>,
    word: DeValue<'static>,
    shape: RefCell<Shape>,
    /// Each path asked for, with the type of the value that it was given.
    asked: RefCell<BTreeMap<String, Type>>,
    refused: RefCell<BTreeSet<String>>,
    /// The place of the table that was left empty.
    emptied: RefCell<Option<String>>,
}

/// A place in the described file.
#[derive(Clone)]
pub(crate) struct Probe<'t> {
    describer: &'t Describer,
    path: String,
}

impl<'t> Probe<'t> {
    fn at(&self, part: &str) -> Self {
        let path = if self.path.is_empty() { part.to_owned() } else { format!("{}/{part}", self.path) };
        Self { describer: self.describer, path }
    }

    fn shape<T>(&self, change: impl FnOnce(&mut Shape) -> T) -> T {
        change(self.describer.shape.borrow_mut().at(&self.path))
    }

    /// A key of this table; `None` in the run that leaves the table empty.
    pub(crate) fn key(&self, key: &str, place: &str) -> Option<Self> {
        if self.is_empty() {
            *self.describer.emptied.borrow_mut() = Some(place.to_owned());
            return None;
        }
        Some(self.at(key))
    }

    /// Whether this run is about the table having no keys.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.describer.turn, Turn::Empty(path) if *path == self.path)
    }

    /// Any entry of a table whose keys are names.
    pub(crate) fn each(&self) -> Self {
        self.at(EACH)
    }

    /// Any item of an array.
    pub(crate) fn item(&self) -> Self {
        self.at(ITEM)
    }

    /// The value that stands here in this run.
    pub(crate) fn value(&self) -> &'t DeValue<'t> {
        let (given, word) = match &self.describer.turn {
            Turn::Type(given) => (*given, None),
            Turn::Word(given, path, _) => (*given, Some(path)),
            Turn::Empty(_) => (Type::String, None),
        };
        if word == Some(&self.path) {
            self.describer.asked.borrow_mut().insert(self.path.clone(), Type::String);
            return &self.describer.word;
        }
        // What holds others is given as such, or they would never be asked for.
        let given = self.shape(|shape| shape.holds).unwrap_or(given);
        self.describer.asked.borrow_mut().insert(self.path.clone(), given);
        &self.describer.values[&given]
    }

    /// The value's type is wrong here.
    pub(crate) fn refuse(&self) {
        self.describer.refused.borrow_mut().insert(self.path.clone());
    }

    /// Its absence is an answer.
    pub(crate) fn optional(&self) {
        self.shape(|shape| shape.optional = true);
    }

    /// What the value means to its first reader.
    pub(crate) fn kind(&self, kind: Kind) {
        self.shape(|shape| {
            shape.kind.get_or_insert(kind);
        });
    }

    /// The values in `start..end` are taken.
    pub(crate) fn range(&self, start: &dyn std::fmt::Display, end: &dyn std::fmt::Display) {
        self.shape(|shape| shape.range = start.to_string().parse().ok().zip(end.to_string().parse().ok()));
    }

    /// The words that are taken, if it is a matter of words.
    pub(crate) fn words(&self, words: Vec<String>) {
        self.shape(|shape| shape.words = words);
    }

    /// No other key is taken.
    pub(crate) fn closed(&self) {
        self.shape(|shape| shape.closed = true);
    }
}

impl Describer {
    fn new(turn: Turn, shape: Shape) -> Self {
        let text = |text: &str| DeValue::String(text.to_owned().into());
        let word = if let Turn::Word(_, _, word) = &turn { text(word) } else { text(WORD) };
        let parsed = |value: &'static str| match DeValue::parse(value) {
            Ok(value) => value.into_inner(),
            Err(_) => text(WORD),
        };
        let values = BTreeMap::from([
            (Type::Integer, parsed("1")),
            (Type::Float, parsed("0.5")),
            (Type::Boolean, DeValue::Boolean(true)),
            (Type::String, text(WORD)),
            (Type::Array, DeValue::Array(toml::de::DeArray::new())),
            (Type::Table, DeValue::Table(DeTable::new())),
        ]);
        Self {
            turn,
            values,
            word,
            shape: RefCell::new(shape),
            asked: RefCell::default(),
            refused: RefCell::default(),
            emptied: RefCell::default(),
        }
    }

    /// One run; returns the shape as it is known then.
    fn run(turn: Turn, shape: Shape) -> Shape {
        let describer = Self::new(turn, shape);
        let outside = Outside::bare("/nonexistent");
        let mut check = Checker::new("", "/nonexistent".into(), &outside);
        let root = Probe { describer: &describer, path: String::new() };
        drop(check::config(&mut check, Table::described(root)));
        let place = describer.emptied.take();
        let problems = check.problems;
        let (asked, refused) = (describer.asked.take(), describer.refused.take());
        let mut shape = describer.shape.take();
        for (path, given) in asked.iter().filter(|(path, _)| !refused.contains(*path)) {
            shape.at(path).accepts.insert(*given);
        }
        if let (Turn::Empty(path), Some(place)) = (&describer.turn, place) {
            shape.at(path).note_missing(&place, &problems);
        }
        shape
    }
}

/// What the checker takes.
pub(crate) fn describe() -> Shape {
    let mut shape = Shape::default();
    shape.accepts.insert(Type::Table);
    loop {
        shape.settle();
        let before = shape.clone();
        for given in Type::ALL {
            shape = Describer::run(Turn::Type(given), shape);
        }
        // A word may open a part of the file that is read with no other.
        for (path, word) in shape.all_words() {
            for given in Type::ALL {
                shape = Describer::run(Turn::Word(given, path.clone(), word.clone()), shape);
            }
        }
        if shape == before {
            break;
        }
    }
    for table in shape.tables() {
        shape = Describer::run(Turn::Empty(table), shape);
    }
    shape
}
