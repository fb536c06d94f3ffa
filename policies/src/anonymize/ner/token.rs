//! Words of running text as the sequence model sees them, cut from the folded text in pieces of bounded length.
//!
//! **Invariant:** linear in the text; tokens are disjoint, ascending and cover every letter and digit.

use super::letter::{Class, class, is_upper, plain, script};
use super::lists::Gazetteer;

/// From so many tokens on a piece ends at the next line end.
const SOFT: usize = 96;
/// From so many tokens on a piece ends at the next full stop.
const FIRM: usize = 160;
/// The most tokens of a piece.
const HARD: usize = 256;

/// What kind of sign a token is, as a small number.
pub mod shape {
    /// Line end, or beyond the text.
    pub const EDGE: u8 = 0;
    /// `word`
    pub const LOWER: u8 = 1;
    /// `W`
    pub const LETTER: u8 = 2;
    /// `Word`
    pub const CAPITAL: u8 = 3;
    /// `WORD`
    pub const UPPER: u8 = 4;
    /// `McWord`, `wordWord`
    pub const MIXED: u8 = 5;
    /// `7`; the next four are longer numbers.
    pub const DIGIT: u8 = 6;
    /// Letters of a script without capitals.
    pub const CASELESS: u8 = 11;
    /// One character of a script without spaces; the next three are kana, Hangul, Thai.
    pub const HAN: u8 = 12;
    /// Katakana.
    pub const KATAKANA: u8 = 16;
    /// Any sign without a number of its own; those of [`SIGNS`] follow.
    pub const SIGN: u8 = 17;
    /// Signs with a number of their own.
    pub const SIGNS: &[u8; 14] = b".,:-'\"/()@_=\t#";
}

/// How the words of a line are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Case {
    /// As usual.
    #[default]
    Mixed,
    /// No capital letter.
    Lower,
    /// Hardly a small letter.
    Upper,
}

/// One token and what the features need of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Token {
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
    /// Hash of the folded word: small letters without accents.
    pub word: u32,
    /// Hashes of the first two, three and four letters.
    pub head: [u32; 3],
    /// Hashes of the last two, three and four letters.
    pub tail: [u32; 3],
    /// See [`shape`].
    pub shape: u8,
    /// Number of the script.
    pub script: u8,
    /// Length in characters.
    pub len: u8,
    /// Lists that the word stands in; the trainer drops it now and then.
    pub lists: u8,
    /// How the line is written.
    pub case: Case,
    /// Place in the line, from 0.
    pub place: u8,
    /// The last token of its line.
    pub last: bool,
    /// Hash of the label before, 0 without one.
    pub label: u32,
    /// Hash of the first word of the line before.
    pub above: u32,
}

impl Token {
    /// A word or a character of a script without spaces.
    pub fn is_word(&self) -> bool {
        (shape::LOWER..=shape::MIXED).contains(&self.shape)
            || (shape::CASELESS..=shape::KATAKANA).contains(&self.shape)
    }

    /// A number.
    pub fn is_number(&self) -> bool {
        (shape::DIGIT..shape::CASELESS).contains(&self.shape)
    }

    /// A character that is a word of its own.
    pub fn is_single(&self) -> bool {
        (shape::HAN..=shape::KATAKANA).contains(&self.shape)
    }
}

/// One step of the hash that words are known by.
pub(crate) fn step(hash: u32, c: u32) -> u32 {
    (hash ^ c).wrapping_mul(0x9e37_79b1).rotate_left(13)
}

const SEED: u32 = 0x811c_9dc5;

/// The hash of a word as tokens carry it.
pub fn word_hash(word: &str) -> u32 {
    if word.is_ascii() {
        return word.bytes().fold(SEED, |hash, b| step(hash, u32::from(b.to_ascii_lowercase())));
    }
    word.chars().fold(SEED, |hash, c| step(hash, plain(c)))
}

/// The piece of text that is read at once.
#[derive(Debug, Default)]
pub struct Piece {
    /// Its tokens.
    pub tokens: Vec<Token>,
}

/// Reads a folded text piece by piece.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    lists: &'a Gazetteer,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str, lists: &'a Gazetteer) -> Self {
        Self { text, at: 0, lists }
    }

    /// Fills `piece` with the next tokens; false at the end of the text.
    pub fn next(&mut self, piece: &mut Piece) -> bool {
        piece.tokens.clear();
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if *byte == b' ' {
                self.at += 1;
                continue;
            }
            let token = self.token();
            if token.start == token.end {
                continue;
            }
            piece.tokens.push(token);
            let count = piece.tokens.len();
            let stop = count >= FIRM && matches!(*byte, b'.' | b'!' | b'?' | b';');
            if count >= HARD || stop || count >= SOFT && token.shape == shape::EDGE {
                break;
            }
        }
        piece.lines();
        !piece.tokens.is_empty()
    }

    fn token(&mut self) -> Token {
        let start = self.at;
        let first = self.take();
        let mut token = Token { start: start as u32, ..Token::default() };
        match class(first) {
            Class::Letter => self.word(first, &mut token),
            Class::Digit => {
                let rest = self.text.as_bytes()[self.at..].iter();
                let more = rest.take_while(|b| b.is_ascii_digit()).count();
                self.at += more;
                token.shape = shape::DIGIT + more.min(4) as u8;
                token.len = more.min(30) as u8 + 1;
                let digits = &self.text.as_bytes()[start..self.at];
                token.word = digits.iter().take(6).fold(SEED, |hash, b| step(hash, u32::from(*b)));
            }
            Class::Single(kind) => {
                self.marks(&mut token, first);
                token.shape = shape::HAN + kind;
                token.script = 8 + kind;
                token.len = 1;
            }
            Class::Line => {
                self.at +=
                    self.text.as_bytes()[self.at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
                token.word = step(SEED, 10);
            }
            Class::Sign => {
                let same = if first.is_ascii() { first as u8 } else { 0 };
                if same != 0 {
                    self.at += self.text.as_bytes()[self.at..].iter().take_while(|b| **b == same).count();
                }
                let known = shape::SIGNS.iter().position(|sign| *sign == same);
                token.shape = shape::SIGN + known.map_or(0, |i| i as u8 + 1);
                token.word = step(SEED, u32::from(first));
            }
            Class::Nothing => return Token { end: token.start, ..token },
        }
        token.end = self.at as u32;
        token
    }

    fn take(&mut self) -> char {
        let rest = &self.text.as_bytes()[self.at..];
        if let Some(byte) = rest.first().filter(|b| b.is_ascii()) {
            self.at += 1;
            return char::from(*byte);
        }
        let c = self.text[self.at..].chars().next().unwrap_or(' ');
        self.at += c.len_utf8();
        c
    }

    /// The next character, not taken yet.
    fn peek(&self) -> Option<char> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte.is_ascii() { Some(char::from(byte)) } else { self.text[self.at..].chars().next() }
    }

    /// Takes the next character if it is a letter.
    fn letter(&mut self) -> Option<char> {
        let byte = *self.text.as_bytes().get(self.at)?;
        let c = if byte.is_ascii() { char::from(byte) } else { self.peek()? };
        let letter = c.is_ascii_alphabetic() || !c.is_ascii() && class(c) == Class::Letter;
        letter.then(|| {
            self.at += c.len_utf8();
            c
        })
    }

    /// Thai vowels and tone marks belong to the letter before them.
    fn marks(&mut self, token: &mut Token, first: char) {
        token.word = step(SEED, u32::from(first));
        while let Some(mark @ ('\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')) = self.peek() {
            token.word = step(token.word, u32::from(mark));
            self.at += mark.len_utf8();
        }
    }

    fn word(&mut self, first: char, token: &mut Token) {
        let mut hash = SEED;
        let mut heads = [0; 3];
        let mut last = [0_u32; 4];
        let (mut len, mut upper, mut lower) = (0_usize, 0_usize, 0_usize);
        let capital = is_upper(first);
        let mut next = Some(first);
        while let Some(c) = next {
            let plain = plain(c);
            hash = step(hash, plain);
            last = [last[1], last[2], last[3], plain];
            len += 1;
            if (2..=4).contains(&len) {
                heads[len - 2] = hash;
            }
            if is_upper(c) {
                upper += 1;
            } else if c.is_ascii_lowercase() || !c.is_ascii() && c.is_lowercase() {
                lower += 1;
            }
            next = self.letter();
        }
        let pair = step(step(SEED, last[2]), last[3]);
        token.tail = [pair, step(pair, last[1]), step(step(pair, last[1]), last[0])];
        token.head = heads;
        token.word = hash;
        token.len = len.min(30) as u8;
        token.script = script(first);
        token.shape = match (upper, lower) {
            (0, 0) => shape::CASELESS,
            (0, _) => shape::LOWER,
            (1, 0) if len == 1 => shape::LETTER,
            (_, 0) => shape::UPPER,
            (1, _) if capital => shape::CAPITAL,
            _ => shape::MIXED,
        };
        if len > 1 {
            token.lists = self.lists.of(hash);
        }
    }
}

impl Piece {
    /// What tokens know of their line.
    fn lines(&mut self) {
        let mut above = 0;
        let mut from = 0;
        while from < self.tokens.len() {
            let rest = &self.tokens[from..];
            let len = rest.iter().position(|t| t.shape == shape::EDGE).unwrap_or(rest.len());
            let line = &mut self.tokens[from..from + len];
            above = describe(line, above);
            from += len + 1;
        }
    }
}

/// Fills in what the tokens of a line share; returns its first word.
fn describe(line: &mut [Token], above: u32) -> u32 {
    let (mut upper, mut lower, mut capital) = (0, 0, 0);
    for token in line.iter() {
        upper += usize::from(token.shape == shape::UPPER && token.len > 1);
        lower += usize::from(token.shape == shape::LOWER);
        capital += usize::from(matches!(token.shape, shape::CAPITAL | shape::MIXED | shape::LETTER));
    }
    let case = match (upper, lower, capital) {
        (0, 1.., 0) => Case::Lower,
        (2.., _, _) if upper > 4 * (lower + capital) => Case::Upper,
        _ => Case::Mixed,
    };
    let (mut word, mut label, mut since) = (0, 0, 0);
    let count = line.len();
    for (i, token) in line.iter_mut().enumerate() {
        token.case = case;
        token.place = i.min(200) as u8;
        token.last = i + 1 == count;
        token.above = above;
        token.label = if label != 0 && i - since <= 10 { label } else { 0 };
        if token.is_word() {
            word = token.word;
        } else if token.end == token.start + 1 && matches!(token.shape, COLON | EQUALS) {
            (label, since) = (word, i);
        }
    }
    line.iter().find(|t| t.is_word()).map_or(0, |t| t.word)
}

const COLON: u8 = shape::SIGN + 3;
const EQUALS: u8 = shape::SIGN + 12;
