//! Words of a folded text: maximal runs of ASCII letters and digits, the units that identifiers are made of.

/// A maximal run of ASCII letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Count of ASCII digits.
    pub(crate) digits: usize,
}

impl Token {
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }

    /// Made of digits alone.
    pub(crate) fn is_number(self) -> bool {
        self.digits == self.len()
    }

    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.end]
    }
}

/// ASCII letters and digits: what identifiers are made of. A letter of another script next to one is no part
/// of it, for many scripts write no spaces.
pub(crate) fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// All tokens of the text, in order.
pub(crate) fn tokens(text: &[u8]) -> Vec<Token> {
    let mut out = Vec::with_capacity(text.len() / 5);
    let mut at = 0;
    while at < text.len() {
        if !in_token(text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut digits = 0;
        while at < text.len() && in_token(text[at]) {
            digits += usize::from(text[at].is_ascii_digit());
            at += 1;
        }
        out.push(Token { start, end: at, digits });
    }
    out
}

/// The byte before `at`, a space at the edge.
pub(crate) fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).map_or(b' ', |i| text[i])
}

/// The byte at `at`, a space at the edge.
pub(crate) fn after(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(b' ')
}

/// No letter or digit touches the range.
pub(crate) fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    !in_token(before(text, start)) && !in_token(after(text, end))
}

/// Upper-case letters and digits of the value, nothing else.
pub(crate) fn compact(value: &[u8]) -> Vec<u8> {
    value.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect()
}

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    let lens = value.split(|b| *b == b'-').map(<[u8]>::len);
    value.len() == 36
        && lens.eq([8, 4, 4, 4, 12])
        && value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
}
