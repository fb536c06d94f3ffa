//! Folding: the text that patterns are matched on, and the way back to the bytes it came from.
//!
//! **Invariant:** the map is monotone and total: every folded byte names the source range of a whole grapheme
//! cluster, so a cut on the source never splits one.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// A folded text and where each of its bytes came from.
pub(crate) struct Folded<'a> {
    text: Cow<'a, str>,
    /// `(folded start, source start, source end)` per piece, ascending; empty when the fold changed nothing.
    pieces: Vec<(u32, u32, u32)>,
}

impl<'a> Folded<'a> {
    /// Folds `source`; pure ASCII comes back as it is.
    pub(crate) fn of(source: &'a str) -> Self {
        if source.is_ascii() {
            return Self { text: Cow::Borrowed(source), pieces: Vec::new() };
        }
        let mut text = String::with_capacity(source.len());
        let mut pieces = Vec::with_capacity(source.len());
        for (start, cluster) in source.grapheme_indices(true) {
            let from = text.len();
            for c in cluster.nfkc() {
                if !invisible(c) {
                    text.push(plain(c));
                }
            }
            if text.len() > from {
                pieces.push((from as u32, start as u32, (start + cluster.len()) as u32));
            }
        }
        let mut folded = Self { text: Cow::Owned(text), pieces };
        folded.unmix();
        folded
    }

    /// The folded text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The source range behind a range of the folded text.
    pub(crate) fn source(&self, folded: Range<usize>) -> Range<usize> {
        if self.pieces.is_empty() {
            return folded;
        }
        let piece = |at: usize| self.pieces.partition_point(|p| p.0 as usize <= at).saturating_sub(1);
        let first = self.pieces[piece(folded.start)];
        let last = self.pieces[piece(folded.end.saturating_sub(1).max(folded.start))];
        first.1 as usize..last.2 as usize
    }

    /// Letters that only look Latin become Latin, inside words that mix scripts.
    fn unmix(&mut self) {
        let text = self.text.as_ref();
        if !text.chars().any(|c| latin_twin(c).is_some()) {
            return;
        }
        let mut out = String::with_capacity(text.len());
        let mut starts = Vec::with_capacity(self.pieces.len());
        let mut pieces = self.pieces.iter().peekable();
        let mut word_end = 0;
        let mut mixed = false;
        for (at, c) in text.char_indices() {
            if at >= word_end {
                let rest = &text[at..];
                word_end = at + rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
                let word = &text[at..word_end];
                mixed = word.bytes().any(|b| b.is_ascii_alphabetic()) && !word.is_ascii();
            }
            while let Some(piece) = pieces.next_if(|p| p.0 as usize <= at) {
                starts.push((out.len() as u32, piece.1, piece.2));
            }
            out.push(if mixed { latin_twin(c).unwrap_or(c) } else { c });
        }
        self.pieces = starts;
        self.text = Cow::Owned(out);
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+')
}

/// Characters that show nothing and only serve to break a match.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}' | '\u{180e}' | '\u{34f}')
}

/// Decimal digits of every script to ASCII; one kind of quote, dash and space.
fn plain(c: char) -> char {
    match c {
        '\u{0}'..='\u{7f}' => c,
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2bc}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' => '-',
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{3002}' | '\u{2024}' => '.',
        _ => digit(c).map_or(c, |d| char::from(b'0' + d)),
    }
}

/// First code points of the runs of ten decimal digits (general category Nd).
#[rustfmt::skip]
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    (code - zero < 10).then(|| (code - zero) as u8)
}

/// The Latin letter that a Cyrillic or Greek one is drawn like (UTS 39 skeleton, the single-letter part).
fn latin_twin(c: char) -> Option<char> {
    const TWINS: &str = "аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwкkтtвbмmнhпn\
АAВBЕEКKМMНHОOРPСCТTУYХXІIЈJЅSԌGΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXοoνvαaιiρpυuκkεeτt";
    if !matches!(u32::from(c), 0x370..=0x52f) {
        return None;
    }
    let mut pairs = TWINS.chars();
    while let (Some(twin), Some(latin)) = (pairs.next(), pairs.next()) {
        if twin == c {
            return Some(latin);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_design() {
        let source = "MRN: \u{ff18}\u{ff18}\u{200c}47";
        let folded = Folded::of(source);
        assert_eq!(folded.text(), "MRN: 8847");
        let span = folded.source(5..9);
        assert_eq!(source[..span.start].chars().count(), 5);
        assert_eq!(source[..span.end].chars().count(), 10);
    }

    #[test]
    fn only_mixed_words_lose_their_script() {
        for (source, want) in [
            ("j\u{43e}hn@ex\u{430}mple.com", "john@example.com"),
            ("\u{43e}\u{43d}\u{430}", "\u{43e}\u{43d}\u{430}"),
            ("\u{661}\u{662}\u{663} \u{2013} \u{201c}x\u{201d}", "123 - \"x\""),
            ("in\u{ad}fo", "info"),
        ] {
            assert_eq!(Folded::of(source).text(), want);
        }
    }

    proptest! {
        #[test]
        fn the_map_is_monotone_and_refolds(source in "[ -~\u{e9}\u{ff10}-\u{ff19}\u{200d}\u{43e}\u{1f468}\u{301}]{0,40}") {
            let folded = Folded::of(&source);
            let mut last = 0;
            for (at, c) in folded.text().char_indices() {
                let span = folded.source(at..at + c.len_utf8());
                prop_assert!(span.start >= last && span.end <= source.len() && source.get(span.clone()).is_some());
                last = span.start;
            }
        }
    }
}
