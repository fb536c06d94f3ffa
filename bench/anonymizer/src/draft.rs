//! A text in the making: pieces, each plain, an identifier, or one that may be masked or not.
//!
//! **Invariant:** the spans of a finished item are code points of its text, in order and disjoint.

use crate::rng::Rng;

/// What a piece of text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    Plain,
    /// An identifier of this type: must be masked.
    True(String),
    /// Neither asked for nor held against anybody (a kept state, an honorific).
    Either,
}

/// A true span, in code points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) ty: String,
}

/// One text with its true spans.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) group: String,
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
    pub(crate) either: Vec<(usize, usize)>,
}

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pieces: Vec<(String, Mark)>,
}

impl Draft {
    /// Adds a piece; one next to a piece of the same identifier grows it.
    pub(crate) fn push(&mut self, text: &str, mark: &Mark) {
        match self.pieces.last_mut() {
            Some((last, kind)) if kind == mark => last.push_str(text),
            _ => self.pieces.push((text.to_owned(), mark.clone())),
        }
    }

    /// Ends a span: the next piece begins another, of whatever kind.
    pub(crate) fn cut(&mut self) {
        self.pieces.push((String::new(), Mark::Plain));
    }

    pub(crate) fn each(&mut self, mut change: impl FnMut(&str, &Mark) -> String) {
        for (text, mark) in &mut self.pieces {
            *text = change(text, mark);
        }
    }

    pub(crate) fn finish(self, group: &str) -> Item {
        let (mut text, mut spans, mut either, mut at) = (String::new(), Vec::new(), Vec::new(), 0);
        for (piece, mark) in self.pieces {
            let end = at + piece.chars().count();
            text.push_str(&piece);
            match mark {
                _ if end == at => {}
                Mark::Plain => {}
                Mark::True(ty) => spans.push(Span { start: at, end, ty }),
                Mark::Either => either.push((at, end)),
            }
            at = end;
        }
        Item { group: group.to_owned(), text, spans, either }
    }
}

/// How carelessly a text is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    AsWritten,
    Capitals,
    Small,
    Hasty,
}

impl Manner {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        match rng.below(100) {
            0..=5 => Self::Capitals,
            6..=13 => Self::Small,
            14..=21 => Self::Hasty,
            _ => Self::AsWritten,
        }
    }

    pub(crate) fn apply(self, draft: &mut Draft, rng: &mut Rng) {
        match self {
            Self::AsWritten => {}
            Self::Capitals => draft.each(|text, _| text.to_uppercase()),
            Self::Small => draft.each(|text, mark| match mark {
                Mark::True(ty)
                    if !matches!(ty.as_str(), "NAME" | "CITY" | "FACILITY" | "ADDRESS" | "ORG" | "DATE") =>
                {
                    text.to_owned()
                }
                Mark::Plain | Mark::True(_) | Mark::Either => text.to_lowercase(),
            }),
            Self::Hasty => {
                draft.each(|text, mark| if *mark == Mark::Plain { hasty(text, rng) } else { text.to_owned() })
            }
        }
    }
}

/// Swaps or drops a letter in about one of twenty-five longer words.
fn hasty(text: &str, rng: &mut Rng) -> String {
    let mut out: Vec<char> = Vec::with_capacity(text.len());
    let letters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let inner = |i: usize| letters.get(i).is_some_and(|c| c.is_ascii_lowercase());
        if inner(at) && inner(at + 1) && at > 1 && inner(at - 1) && rng.below(110) == 0 {
            if rng.chance(50) {
                out.extend(letters.get(at + 1));
                out.push(letter);
            }
            at += 2;
            continue;
        }
        out.push(letter);
        at += 1;
    }
    out.into_iter().collect()
}
