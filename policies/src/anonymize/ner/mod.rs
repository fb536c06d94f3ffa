//! Names and places in running text: the project's own sequence model over words.
//!
//! **Invariant:** the model only proposes, each span with its marginal as score; the policy decides.

use std::cell::RefCell;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::fold::Folded;
use super::invent::is_title;
use super::kind::{Evidence, Finding, Type};

mod desk;
mod doubt;
mod features;
mod file;
mod index;
pub mod lattice;
mod letter;
pub mod lists;
mod model;
mod price;
pub mod token;

pub use features::{Features, MOST};
pub use lists::Gazetteer;
pub use model::{Model, Weights};

use desk::Desk;
use doubt::Doubtful;
use lattice::{B, CLASSES, E, I, K, LOC, Lattice, O, PER, Row, S};
use token::{Piece, Reader, Token};

/// The trained model.
const MODEL: &[u8] = include_bytes!("../../../data/ner.bin");
/// Hashes of known words.
const LISTS: &[u8] = include_bytes!("../../../data/names.bin");

/// A token whose share of `O` leaves this much is part of a mention.
const PRESENT: f32 = 0.20;

/// Common words in small letters need this much to pass for a name.
const SURE: f32 = 0.90;
/// Words in small letters that no list of names knows need this much.
const LIKELY: f32 = 0.60;

/// What the model and the lists say together.
#[derive(Debug)]
pub struct Tagger {
    model: Model,
    lists: Gazetteer,
}

/// A mention: bytes of the folded text, class and marginal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Place in [`lattice::CLASSES`].
    pub class: usize,
    /// How sure the model is, 0..1.
    pub share: f32,
    /// Lists that the words of the mention stand in, all of them.
    pub lists: u8,
}

static TAGGER: LazyLock<Option<Tagger>> = LazyLock::new(|| Tagger::new(MODEL, LISTS));

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let hash = Sha256::new().chain_update(MODEL).chain_update(LISTS).finalize();
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
});

/// First eight hexadecimal digits of the SHA-256 over model and lists.
pub fn version() -> &'static str {
    &VERSION
}

/// The text as the model reads it.
pub fn fold(text: &str) -> String {
    Folded::of(text).text().to_owned()
}

/// Adds what the model finds in a folded text.
pub(crate) fn find(text: &str, out: &mut Vec<Finding>) {
    tag(text, &mut |span| apart(text, span).for_each(|span| out.extend(finding(text, &span))));
}

/// The parts of a mention that semicolons, which no name and no address holds, keep apart.
fn apart(text: &str, span: Span) -> impl Iterator<Item = Span> {
    let mut at = span.start;
    text[span.start..span.end].split(';').filter_map(move |part| {
        let start = at + part.len() - part.trim_start().len();
        let end = start + part.trim().len();
        at += part.len() + 1;
        (start < end).then_some(Span { start, end, ..span })
    })
}

fn finding(text: &str, span: &Span) -> Option<Finding> {
    let percent = (span.share * 100.0).round().clamp(0.0, 99.0) as u8;
    let ty = type_of(span, &text[span.start..span.end]);
    let (start, end, lists) = (span.start, span.end, span.lists);
    let doubtful = Doubtful { text, start, end, ty, lists, score: percent };
    doubtful.may_be().then(|| Finding::new(start, end, ty, Evidence::Model).scored(doubtful.worth()))
}

/// Calls `found` with every mention that the embedded model sees in a folded text.
pub fn tag(text: &str, found: &mut dyn FnMut(Span)) {
    thread_local! {
        static DESK: RefCell<Desk> = RefCell::default();
    }
    let Some(tagger) = TAGGER.as_ref() else { return };
    DESK.with(|desk| match desk.try_borrow_mut() {
        Ok(mut desk) => tagger.tag_at(&mut desk, text, found),
        // Somebody asks from within an answer.
        Err(_) => tagger.tag(text, found),
    });
}

/// Whether there is a model to ask: a build with a broken file must not pass for one without names.
pub(crate) fn ready() -> bool {
    TAGGER.is_some()
}

/// The lists that a word stands in.
pub(crate) fn lists_of(word: &str) -> u8 {
    TAGGER.as_ref().map_or(0, |tagger| tagger.lists.of(token::word_hash(word)))
}

fn type_of(span: &Span, text: &str) -> Type {
    match CLASSES[span.class] {
        "PER" => Type::NAME,
        "LOC" if text.bytes().any(|b| b.is_ascii_digit()) => Type::ADDRESS,
        "LOC" if span.lists & lists::COUNTRY != 0 => Type::COUNTRY,
        "LOC" if span.lists & lists::STATE != 0 => Type::STATE,
        "LOC" => Type::CITY,
        "FAC" => Type::FACILITY,
        "ORG" => Type::ORG,
        "DATE" => Type::DATE,
        "AGE" => Type::AGE,
        "NRP" => Type::NRP,
        _ if is_titled(text) => Type::TITLE,
        _ => Type::NAME,
    }
}

/// Holds a title of the lists, or no capital: what else the model takes for a title may be a name.
fn is_titled(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| is_title(&word.to_lowercase())) || !text.chars().any(char::is_uppercase)
}

impl Tagger {
    /// From the bytes of a model and of a gazetteer.
    pub fn new(model: &[u8], lists: &[u8]) -> Option<Self> {
        Some(Self { model: Model::from_bytes(model)?, lists: Gazetteer::from_bytes(lists) })
    }

    /// Calls `found` with every mention in a folded text, in order.
    pub fn tag(&self, text: &str, found: &mut dyn FnMut(Span)) {
        self.tag_at(&mut Desk::default(), text, found);
    }

    fn tag_at(&self, desk: &mut Desk, text: &str, found: &mut dyn FnMut(Span)) {
        let mut reader = Reader::new(text, &self.lists);
        while reader.next(&mut desk.piece) {
            if desk.piece.tokens.iter().any(Token::is_word) {
                self.model.run(desk);
                spans(&desk.piece, &desk.lattice, found);
            }
        }
    }
}

/// Runs of tokens that are probably part of a mention of one class.
fn spans(piece: &Piece, lattice: &Lattice, found: &mut dyn FnMut(Span)) {
    let mut open: Option<Mention> = None;
    for (t, token) in piece.tokens.iter().enumerate() {
        let row = lattice.marginals(t);
        let inside = 1.0 - row[O];
        if inside < PRESENT || token.shape == token::shape::EDGE {
            close(&mut open, found);
            continue;
        }
        let class = best(&row);
        let begins = row[B + class] + row[S + class] > row[I + class] + row[E + class];
        if begins || open.as_ref().is_none_or(|mention| mention.class != class) {
            close(&mut open, found);
        }
        open.get_or_insert_with(|| Mention::new(class)).add(token, inside);
        if row[E + class] + row[S + class] > row[B + class] + row[I + class] {
            close(&mut open, found);
        }
    }
    close(&mut open, found);
}

fn close(open: &mut Option<Mention>, found: &mut dyn FnMut(Span)) {
    if let Some(span) = open.take().and_then(|mention| mention.span()) {
        found(span);
    }
}

fn best(row: &Row) -> usize {
    let share = |k: usize| row[B + k] + row[I + k] + row[E + k] + row[S + k];
    (1..K).fold(0, |best, k| if share(k) > share(best) { k } else { best })
}

/// A mention while it is read.
struct Mention {
    class: usize,
    start: u32,
    end: u32,
    words: f32,
    sum: f32,
    lists: u8,
    /// Every word is in small letters and known to no list of names.
    small: bool,
    /// Some word is not a common one.
    rare: bool,
}

impl Mention {
    fn new(class: usize) -> Self {
        Self {
            class,
            start: u32::MAX,
            end: 0,
            words: 0.0,
            sum: 0.0,
            lists: u8::MAX,
            small: true,
            rare: false,
        }
    }

    /// Outer signs do not count.
    fn add(&mut self, token: &Token, inside: f32) {
        if token.is_word() || token.is_number() {
            self.start = self.start.min(token.start);
            self.end = token.end;
            self.words += 1.0;
            self.sum += inside;
            self.lists &= token.lists;
            self.small &= token.shape == token::shape::LOWER && token.lists & !lists::COMMON == 0;
            self.rare |= token.lists == 0;
        }
    }

    fn span(self) -> Option<Span> {
        let share = self.sum / self.words.max(1.0);
        let need = if self.rare { LIKELY } else { SURE };
        let plain = self.small && [PER, LOC].contains(&self.class) && share < need;
        (self.words > 0.0 && !plain).then_some(Span {
            start: self.start as usize,
            end: self.end as usize,
            class: self.class,
            share,
            lists: self.lists,
        })
    }
}

#[cfg(test)]
mod tests;
