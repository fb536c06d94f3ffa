//! Features of a token: the one place where trainer and decoder learn what the model may look at.
//!
//! **Invariant:** the keys depend on the piece alone and come in a fixed order; nothing is allocated.

use super::token::{Case, Piece, Token, shape};

/// The most keys of a token.
pub const MOST: usize = 40;

/// Where a token stands that says something of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbour {
    Before,
    After,
    Back,
    Beyond,
}

/// All of them, with how far behind the other token each stands.
pub(super) const NEIGHBOURS: [(Neighbour, isize); 4] =
    [(Neighbour::Before, -1), (Neighbour::After, 1), (Neighbour::Back, -2), (Neighbour::Beyond, 2)];

/// Keys of the features of one token.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    keys: [u32; MOST],
    count: usize,
}

impl Features {
    /// The keys.
    pub fn keys(&self) -> &[u32] {
        &self.keys[..self.count]
    }

    /// The features of token `i` of the piece. The first key is the word itself.
    pub fn of(piece: &Piece, i: usize) -> Self {
        let around = Around::of(piece, i);
        let mut all = Self::none();
        all.own(around.own);
        all.words(&around);
        all.shapes(&around);
        all.place(around.own);
        all.lists(&around);
        all.wide(&around, piece, i);
        all
    }

    /// Those that a token has wherever it stands.
    pub(super) fn of_token(token: &Token) -> Self {
        let mut all = Self::none();
        all.own(token);
        all
    }

    /// Those that a token gives to one that it stands beside, whatever that is.
    pub(super) fn of_neighbour(token: &Token, place: Neighbour) -> Self {
        let mut all = Self::none();
        all.word(token, place);
        all.tail(token, place);
        all
    }

    /// Those that only the shapes of a token and of its neighbours make.
    pub(super) fn of_shapes(around: &Around<'_>) -> Self {
        let mut all = Self::none();
        all.shapes(around);
        all
    }

    /// Those that a token's place in its piece makes.
    pub(super) fn of_place(own: &Token) -> Self {
        let mut all = Self::none();
        all.place(own);
        all
    }

    /// Those that the lists of a token and of those right beside make.
    pub(super) fn of_lists(around: &Around<'_>) -> Self {
        let mut all = Self::none();
        all.lists(around);
        all
    }

    /// Those that words make together: with all the others the same as [`Features::of`].
    pub(super) fn of_company(around: &Around<'_>, piece: &Piece, i: usize) -> Self {
        let mut all = Self::none();
        all.pairs(around);
        all.wide(around, piece, i);
        all
    }

    fn none() -> Self {
        Self { keys: [0; MOST], count: 0 }
    }

    fn put(&mut self, kind: u32, a: u32, b: u32) {
        let mixed = (a ^ kind.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xcc9e_2d51).rotate_left(15) ^ b;
        let key = mixed.wrapping_mul(0x1b87_3593);
        if let Some(slot) = self.keys.get_mut(self.count) {
            *slot = key ^ (key >> 15);
            self.count += 1;
        }
    }

    fn own(&mut self, own: &Token) {
        let form = form(own);
        self.put(1, own.word, 0);
        self.put(2, form, 0);
        if !own.is_word() {
            return;
        }
        self.put(3, u32::from(own.script), form);
        self.put(4, u32::from(own.lists), form);
        self.put(5, u32::from(own.len), form);
        if !own.is_single() {
            for (n, (head, tail)) in own.head.iter().zip(own.tail).enumerate() {
                if usize::from(own.len) >= n + 2 {
                    self.put(10 + n as u32, *head, 0);
                    self.put(13 + n as u32, tail, 0);
                }
            }
            self.put(16, own.tail[1], form);
        }
    }

    fn words(&mut self, around: &Around<'_>) {
        self.word(around.before, Neighbour::Before);
        self.word(around.after, Neighbour::After);
        self.word(around.back, Neighbour::Back);
        self.word(around.beyond, Neighbour::Beyond);
        self.pairs(around);
        self.tail(around.before, Neighbour::Before);
        self.tail(around.after, Neighbour::After);
    }

    fn word(&mut self, token: &Token, place: Neighbour) {
        self.put(20 + place as u32, token.word, 0);
    }

    /// The ending of a word right beside.
    fn tail(&mut self, token: &Token, place: Neighbour) {
        let beside = matches!(place, Neighbour::Before | Neighbour::After);
        if beside && token.len > 2 {
            self.put(50 + place as u32, token.tail[1], 0);
        }
    }

    fn pairs(&mut self, around: &Around<'_>) {
        let Around { back, before, own, after, beyond } = around;
        let form = form(own);
        self.put(24, before.word, form);
        self.put(25, after.word, form);
        self.put(26, back.word ^ before.word.rotate_left(7), u32::from(own.shape));
        self.put(27, after.word ^ beyond.word.rotate_left(7), u32::from(own.shape));
        if own.label != 0 {
            self.put(28, own.label, form);
        }
        if own.place < 3 {
            self.put(29, own.above, u32::from(own.place) << 8 | form);
        }
    }

    fn shapes(&mut self, around: &Around<'_>) {
        let Around { back, before, own, after, beyond } = around;
        let form = form(own);
        let [b2, b1, a1, a2] = [back, before, after, beyond].map(|t| u32::from(t.shape));
        self.put(30, b1 << 8 | a1, form);
        self.put(31, b2 << 8 | b1, form);
        self.put(32, a1 << 8 | a2, form);
    }

    fn place(&mut self, own: &Token) {
        self.put(33, u32::from(own.place.min(FAR)) << 1 | u32::from(own.last), form(own));
    }

    fn lists(&mut self, around: &Around<'_>) {
        let Around { before, own, after, .. } = around;
        let form = form(own);
        let [g1, g0, n1] = [before, own, after].map(|t| u32::from(t.lists));
        self.put(40, g1, form << 4 | 1);
        self.put(41, n1, form << 4 | 2);
        self.put(42, g1 << 8 | g0, form);
        self.put(43, g0 << 8 | n1, form);
    }

    /// What three tokens away says.
    fn wide(&mut self, around: &Around<'_>, piece: &Piece, i: usize) {
        let third_before = at(piece, i, -3);
        if around.own.is_single() || around.before.is_single() {
            self.characters(around, third_before, at(piece, i, 3));
        } else {
            self.put(60, third_before.word, u32::from(around.own.shape));
        }
    }

    /// Scripts without spaces: pairs and triples of characters.
    fn characters(&mut self, around: &Around<'_>, third_before: &Token, third_after: &Token) {
        let Around { back, before, own, after, beyond } = around;
        self.put(61, before.word, own.word);
        self.put(62, own.word, after.word);
        self.put(63, before.word ^ own.word.rotate_left(7), after.word);
        self.put(64, back.word, before.word);
        self.put(65, after.word, beyond.word);
        self.put(66, third_before.word ^ back.word.rotate_left(7), before.word);
        self.put(67, after.word ^ beyond.word.rotate_left(7), third_after.word);
    }
}

/// A token and those beside it.
pub(super) struct Around<'a> {
    back: &'a Token,
    before: &'a Token,
    own: &'a Token,
    after: &'a Token,
    beyond: &'a Token,
}

impl<'a> Around<'a> {
    pub(super) fn of(piece: &'a Piece, i: usize) -> Self {
        let at = |offset| at(piece, i, offset);
        Self { back: at(-2), before: at(-1), own: at(0), after: at(1), beyond: at(2) }
    }

    /// All that [`Features::of_shapes`] looks at, in one number.
    pub(super) fn shapes(&self) -> u64 {
        let Self { back, before, own, after, beyond } = self;
        let shapes = [back, before, after, beyond].iter().fold(0, |all, t| all << 5 | u64::from(t.shape));
        shapes << FORM_BITS | u64::from(form(own))
    }

    /// All that [`Features::of_lists`] looks at, in one number.
    pub(super) fn lists(&self) -> u64 {
        let Self { before, own, after, .. } = self;
        let lists = [before, own, after].iter().fold(0, |all, t| all << 8 | u64::from(t.lists));
        lists << FORM_BITS | u64::from(form(own))
    }
}

/// Tokens from the head of a piece that are told apart.
const FAR: u8 = 4;

/// All that [`Features::of_place`] looks at, in one number.
pub(super) fn place(own: &Token) -> u64 {
    (u64::from(own.place.min(FAR)) << 1 | u64::from(own.last)) << FORM_BITS | u64::from(form(own))
}

/// Bits of a form.
const FORM_BITS: u32 = 7;

const _: () = assert!(shape::SIGN as usize + shape::SIGNS.len() < 32, "five bits a shape");

/// Stands beyond the ends of a piece.
pub(super) static NOTHING: Token = Token {
    start: 0,
    end: 0,
    word: 0,
    head: [0; 3],
    tail: [0; 3],
    shape: shape::EDGE,
    script: 0,
    len: 0,
    lists: 0,
    case: Case::Mixed,
    place: 0,
    last: false,
    label: 0,
    above: 0,
};

/// The token so far from token `i`; beyond the piece one that says nothing.
fn at(piece: &Piece, i: usize, offset: isize) -> &Token {
    let index = i.checked_add_signed(offset);
    index.and_then(|index| piece.tokens.get(index)).unwrap_or(&NOTHING)
}

/// The shape, and how the line is written.
fn form(token: &Token) -> u32 {
    let case = if token.shape == shape::EDGE { 0 } else { token.case as u32 };
    u32::from(token.shape) << 2 | case
}
