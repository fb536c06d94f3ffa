//! Features of a token: the one place where trainer and decoder learn what the model may look at.
//!
//! **Invariant:** the keys depend on the piece alone and come in a fixed order; nothing is allocated.

use super::token::{Piece, Token, shape};

/// The most keys of a token.
pub const MOST: usize = 40;

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
        let at = |offset: isize| {
            let index = i.checked_add_signed(offset);
            index.and_then(|index| piece.tokens.get(index)).copied().unwrap_or_default()
        };
        let mut all = Self { keys: [0; MOST], count: 0 };
        let around = Around { back: at(-2), before: at(-1), own: at(0), after: at(1), beyond: at(2) };
        all.own(&around.own);
        all.words(&around);
        all.forms(&around);
        if around.own.is_single() || around.before.is_single() {
            all.characters(&around, at(-3), at(3));
        } else {
            all.put(60, at(-3).word, u32::from(around.own.shape));
        }
        all
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

    fn words(&mut self, around: &Around) {
        let Around { back, before, own, after, beyond } = around;
        let form = form(own);
        self.put(20, before.word, 0);
        self.put(21, after.word, 0);
        self.put(22, back.word, 0);
        self.put(23, beyond.word, 0);
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
        if before.len > 2 {
            self.put(50, before.tail[1], 0);
        }
        if after.len > 2 {
            self.put(51, after.tail[1], 0);
        }
    }

    fn forms(&mut self, around: &Around) {
        let Around { back, before, own, after, beyond } = around;
        let form = form(own);
        let [b2, b1, a1, a2] = [back, before, after, beyond].map(|t| u32::from(t.shape));
        self.put(30, b1 << 8 | a1, form);
        self.put(31, b2 << 8 | b1, form);
        self.put(32, a1 << 8 | a2, form);
        self.put(33, u32::from(own.place.min(4)) << 1 | u32::from(own.last), form);
        let [g1, g0, n1] = [before, own, after].map(|t| u32::from(t.lists));
        self.put(40, g1, form << 4 | 1);
        self.put(41, n1, form << 4 | 2);
        self.put(42, g1 << 8 | g0, form);
        self.put(43, g0 << 8 | n1, form);
    }

    /// Scripts without spaces: pairs and triples of characters.
    fn characters(&mut self, around: &Around, third_before: Token, third_after: Token) {
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

struct Around {
    back: Token,
    before: Token,
    own: Token,
    after: Token,
    beyond: Token,
}

/// The shape, and how the line is written.
fn form(token: &Token) -> u32 {
    let case = if token.shape == shape::EDGE { 0 } else { token.case as u32 };
    u32::from(token.shape) << 2 | case
}
