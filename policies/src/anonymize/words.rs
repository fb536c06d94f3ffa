//! Words of every script, with their capitals: what names, places and organisations are made of.
//!
//! **Invariant:** words are disjoint, in order, and begin and end at character boundaries.

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caps {
    Lower,
    /// The first letter is a capital, a later one is not.
    Title,
    Upper,
    /// Digits, or a script without capitals.
    None,
}

/// A maximal run of letters and digits; an apostrophe between letters belongs to it, a possessive does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) caps: Caps,
    /// Characters.
    pub(crate) chars: usize,
    /// ASCII digits.
    pub(crate) digits: usize,
}

impl Word {
    pub(crate) fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_number(&self) -> bool {
        self.digits == self.end - self.start
    }

    /// Begins with a capital, and has no digits.
    pub(crate) fn capital(&self) -> bool {
        self.digits == 0 && matches!(self.caps, Caps::Title | Caps::Upper)
    }

    /// One capital letter.
    pub(crate) fn initial(&self) -> bool {
        self.chars == 1 && self.caps == Caps::Upper
    }
}

/// Elided words that end in an apostrophe and are no part of what follows.
const ELIDED: &[&str] =
    &["l", "d", "qu", "j", "m", "n", "s", "c", "t", "dell", "all", "nell", "sull", "dall", "un", "jusqu"];

/// Bytes of the longest of them.
const LONGEST_ELIDED: usize = 5;

/// All words of the text.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::with_capacity(text.len() / 6 + 1);
    let mut run = Run::default();
    let mut at = 0;
    while let Some(first) = text.as_bytes().get(at) {
        if first.is_ascii_alphanumeric() {
            at = run.take_plain(at, text.as_bytes());
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        let inner = |rest: &str| rest.chars().next().is_some_and(char::is_alphabetic);
        if !c.is_ascii() && (c.is_alphanumeric() || run.open && is_mark(c)) {
            run.take(at, c);
        } else if c == '\'' && run.open && inner(&text[at + 1..]) && !ends_here(text, run.word.start, at) {
            run.word.chars += 1;
        } else {
            run.close(at, &mut out);
        }
        at += c.len_utf8();
    }
    run.close(text.len(), &mut out);
    out
}

/// A sign over or under a letter of India or Thailand, which is no letter by itself.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}')
        && !matches!(c, '\u{964}' | '\u{965}' | '\u{e3f}')
}

/// Is the apostrophe at `at` one of elision (lower case before it) or of a possessive?
fn ends_here(text: &str, start: usize, at: usize) -> bool {
    let head = text.get(start..at).unwrap_or_default();
    let mut tail = text.get(at + 1..).unwrap_or_default().chars();
    let possessive =
        matches!(tail.next(), Some('s' | 'S')) && !tail.next().is_some_and(char::is_alphanumeric);
    let elided =
        || ELIDED.contains(&head) || head.len() > 1 && ELIDED.contains(&head.to_lowercase().as_str());
    // A word of many apostrophes is not read anew at each of them.
    possessive || head.len() <= LONGEST_ELIDED && elided()
}

/// The word that is being read.
struct Run {
    open: bool,
    word: Word,
    lower: usize,
    upper: usize,
    first_upper: bool,
}

impl Default for Run {
    fn default() -> Self {
        let word = Word { start: 0, end: 0, caps: Caps::None, chars: 0, digits: 0 };
        Self { open: false, word, lower: 0, upper: 0, first_upper: false }
    }
}

impl Run {
    fn open(&mut self, at: usize, first_upper: bool) {
        if !self.open {
            *self = Self { open: true, first_upper, ..Self::default() };
            self.word.start = at;
        }
    }

    /// Takes the ASCII letters and digits from `at` on; where they end.
    fn take_plain(&mut self, at: usize, text: &[u8]) -> usize {
        self.open(at, text[at].is_ascii_uppercase());
        let len = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let (mut digits, mut upper) = (0, 0);
        for byte in &text[at..at + len] {
            digits += usize::from(byte.is_ascii_digit());
            upper += usize::from(byte.is_ascii_uppercase());
        }
        self.word.chars += len;
        self.word.digits += digits;
        self.upper += upper;
        self.lower += len - digits - upper;
        at + len
    }

    /// Takes a character beyond ASCII.
    fn take(&mut self, at: usize, c: char) {
        self.open(at, c.is_uppercase());
        self.word.chars += 1;
        self.lower += usize::from(c.is_lowercase());
        self.upper += usize::from(c.is_uppercase());
    }

    fn close(&mut self, at: usize, out: &mut Vec<Word>) {
        if self.open {
            self.word.end = at;
            self.word.caps = match (self.first_upper, self.lower, self.upper) {
                (true, 0, _) => Caps::Upper,
                (true, _, _) => Caps::Title,
                (false, 0, 0) => Caps::None,
                (false, _, _) => Caps::Lower,
            };
            out.push(self.word);
            self.open = false;
        }
    }
}

/// Small letters of the same length: letters whose small form is longer stay as they are.
pub(crate) fn small(text: &str) -> String {
    let one = |c: char| c.to_lowercase().next().filter(|low| low.len_utf8() == c.len_utf8()).unwrap_or(c);
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(one).collect() }
}

/// Does no character of that kind touch the range?
pub(crate) fn apart(text: &str, start: usize, end: usize, kind: fn(char) -> bool) -> bool {
    let head = text.get(..start).and_then(|head| head.chars().next_back());
    let tail = text.get(end..).and_then(|tail| tail.chars().next());
    !head.is_some_and(kind) && !tail.is_some_and(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_scripts() {
        let check =
            |text: &str| words(text).iter().map(|w| (w.of(text).to_owned(), w.caps)).collect::<Vec<_>>();
        let word = |w: &str, caps| (w.to_owned(), caps);
        assert_eq!(check("O'Brien's"), [word("O'Brien", Caps::Title), word("s", Caps::Lower)]);
        assert_eq!(
            check("l'Hôpital MRN 12a"),
            [
                word("l", Caps::Lower),
                word("Hôpital", Caps::Title),
                word("MRN", Caps::Upper),
                word("12a", Caps::Lower)
            ]
        );
        assert_eq!(check("Łukasz 東京"), [word("Łukasz", Caps::Title), word("東京", Caps::None)]);
    }
}
