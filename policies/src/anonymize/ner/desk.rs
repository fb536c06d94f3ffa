//! Where the model works: the memory it needs from piece to piece, and what it remembers of words.
//!
//! **Invariant:** what is remembered is a function of the word alone, so nothing depends on what was read before.

use super::features::{Around, Features, NEIGHBOURS, NOTHING, place};
use super::lattice::{Lattice, TAGS};
use super::model::Model;
use super::token::{Case, Piece, Token};

/// Weights of features added up, in steps of the model's scale. Whole numbers: any order gives the same.
pub(super) type Sums = [i16; TAGS];

/// Words that are remembered, and looks of tokens; powers of two.
const WORDS: usize = 4096;
const LOOKS: usize = 2048;

/// Memory for one text after another.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) piece: Piece,
    pub(super) lattice: Lattice,
    pub(super) sums: Vec<Sums>,
    /// Tokens, and rows of the model that speak of them.
    rows: Vec<(usize, usize)>,
    /// By a hash of their looks; the last one in each place.
    words: Vec<Known>,
    shapes: Memo,
    places: Memo,
    lists: Memo,
}

/// What looks of tokens add to the sums, by the number of the looks; the last ones in each place.
#[derive(Debug, Default)]
struct Memo(Vec<(u64, Sums)>);

impl Memo {
    /// From memory or worked out.
    fn sums(&mut self, looks: u64, work: impl FnOnce() -> Sums) -> &Sums {
        if self.0.is_empty() {
            self.0.resize(LOOKS, (u64::MAX, [0; TAGS]));
        }
        let place = (looks.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (LOOKS - 1);
        let (known, sums) = &mut self.0[place];
        if *known != looks {
            (*known, *sums) = (looks, work());
        }
        sums
    }
}

/// What the features see of a token by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Looks {
    word: u32,
    head: [u32; 3],
    tail: [u32; 3],
    shape: u8,
    script: u8,
    len: u8,
    lists: u8,
    case: Case,
}

/// A word and what it adds to the sums of its token, and of each neighbour.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Known {
    looks: Option<Looks>,
    own: Sums,
    beside: [Sums; NEIGHBOURS.len()],
}

impl Looks {
    fn of(token: &Token) -> Self {
        let Token { word, head, tail, shape, script, len, lists, case, .. } = *token;
        Self { word, head, tail, shape, script, len, lists, case }
    }

    fn place(&self) -> usize {
        let mixed = self.word ^ u32::from(self.shape) << 3 ^ self.case as u32;
        (mixed.wrapping_mul(0x9e37_79b1) >> 16) as usize & (WORDS - 1)
    }
}

impl Desk {
    /// The sums of every token of the piece.
    #[inline(always)]
    pub(super) fn add_up(&mut self, model: &Model) {
        let count = self.piece.tokens.len();
        self.sums.clear();
        self.sums.resize(count, [0; TAGS]);
        // Beyond the ends stand tokens that say nothing but that the piece ends.
        for at in -2..count.cast_signed() + 2 {
            let token = usize::try_from(at).ok().and_then(|at| self.piece.tokens.get(at)).unwrap_or(&NOTHING);
            let known = known(&mut self.words, model, token);
            let inside = |at: isize| usize::try_from(at).ok().filter(|at| *at < count);
            if let Some(at) = inside(at) {
                self.sums[at] = both(self.sums[at], &known.own);
            }
            for ((_, offset), sums) in NEIGHBOURS.iter().zip(&known.beside) {
                if let Some(at) = inside(at - offset) {
                    self.sums[at] = both(self.sums[at], sums);
                }
            }
        }
        // The rows of all tokens first, then what they say: it lies all over the memory.
        self.rows.clear();
        for (at, sums) in self.sums.iter_mut().enumerate() {
            let around = Around::of(&self.piece, at);
            let own = &self.piece.tokens[at];
            let shapes = self.shapes.sums(around.shapes(), || model.sums(&Features::of_shapes(&around)));
            let places = self.places.sums(place(own), || model.sums(&Features::of_place(own)));
            let lists = self.lists.sums(around.lists(), || model.sums(&Features::of_lists(&around)));
            *sums = [shapes, places, lists].into_iter().fold(*sums, both);
            model.rows(&Features::of_company(&around, &self.piece, at), |row| self.rows.push((at, row)));
        }
        for (at, row) in &self.rows {
            self.sums[*at] = model.with_row(*row, self.sums[*at]);
        }
    }
}

/// What a token says by itself, from memory or worked out.
fn known<'a>(words: &'a mut Vec<Known>, model: &Model, token: &Token) -> &'a Known {
    if words.is_empty() {
        words.resize(WORDS, Known { looks: None, own: [0; TAGS], beside: [[0; TAGS]; NEIGHBOURS.len()] });
    }
    let looks = Looks::of(token);
    let known = &mut words[looks.place()];
    if known.looks != Some(looks) {
        known.looks = Some(looks);
        known.own = model.sums(&Features::of_token(token));
        for ((place, _), sums) in NEIGHBOURS.iter().zip(&mut known.beside) {
            *sums = model.sums(&Features::of_neighbour(token, *place));
        }
    }
    known
}

#[inline(always)]
fn both(mut sums: Sums, more: &Sums) -> Sums {
    sums.iter_mut().zip(more).for_each(|(sum, weight)| *sum = sum.wrapping_add(*weight));
    sums
}
