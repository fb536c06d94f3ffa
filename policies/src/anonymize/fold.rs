//! Folding: the text that patterns are matched on, and the way back to the bytes it came from.
//!
//! **Invariant:** the map is monotone and total: every folded byte names the source range of a whole grapheme
//! cluster, so a cut on the source never splits one.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

mod tables;

use tables::{digit, invisible, latin_twin, plain, simple};

/// A folded text and where each of its bytes came from.
pub(crate) struct Folded<'a> {
    text: Cow<'a, str>,
    /// Ascending; empty when the fold changed nothing.
    pieces: Vec<Piece>,
}

/// A part of the folded text that begins at `folded`.
#[derive(Clone, Copy)]
struct Piece {
    folded: u32,
    start: u32,
    /// Bytes of the cluster in the source; 0 for a run of which every byte stands for itself.
    len: u32,
}

impl Piece {
    fn range(self, at: usize) -> (usize, usize) {
        let start = self.start as usize;
        match self.len {
            0 => (start + at - self.folded as usize, start + at - self.folded as usize + 1),
            len => (start, start + len as usize),
        }
    }
}

impl<'a> Folded<'a> {
    /// Folds `source`; pure ASCII comes back as it is.
    pub(crate) fn of(source: &'a str) -> Self {
        if source.is_ascii() {
            return Self { text: Cow::Borrowed(source), pieces: Vec::new() };
        }
        let mut folding = Folding { text: String::with_capacity(source.len()), pieces: Vec::new() };
        let mut at = 0;
        while at < source.len() {
            let own = own(&source[at..]);
            if own > 0 {
                folding.run(&source[at..at + own], at);
            }
            at += own;
            let end = at + stretch(&source[at..]);
            folding.clusters(&source[at..end], at);
            at = end;
        }
        let mut folded = Self { text: Cow::Owned(folding.text), pieces: folding.pieces };
        folded.unmix();
        folded
    }

    /// The folded text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where a range begins that leaves the marks to the letter, or to the space, that they are drawn on.
    pub(crate) fn begin(&self, range: Range<usize>) -> usize {
        let behind = |at: usize| {
            let next = self.pieces.partition_point(|p| p.folded as usize <= at);
            next.checked_sub(1)
                .is_some_and(|i| self.pieces[i].len > 0 && self.pieces[i].folded as usize != at)
        };
        let marks = self.text.get(range.clone()).unwrap_or_default().char_indices();
        let mut marks = marks.map(|(at, c)| (range.start + at, c));
        marks.find(|(at, c)| c.is_alphanumeric() || !behind(*at)).map_or(range.end, |(at, _)| at)
    }

    /// The source range behind a range of the folded text.
    pub(crate) fn source(&self, folded: Range<usize>) -> Range<usize> {
        if self.pieces.is_empty() {
            return folded;
        }
        let last = folded.end.saturating_sub(1).max(folded.start);
        let piece = |at: usize| {
            self.pieces[self.pieces.partition_point(|p| p.folded as usize <= at).saturating_sub(1)].range(at)
        };
        piece(folded.start).0..piece(last).1
    }

    /// Letters that only look Latin become Latin, inside words that mix scripts.
    fn unmix(&mut self) {
        let text = self.text.as_ref();
        if !mixes(text) {
            return;
        }
        let mut out = String::with_capacity(text.len());
        let mut moved = Vec::with_capacity(self.pieces.len());
        let mut pieces = self.pieces.iter().peekable();
        let mut current = Piece { folded: 0, start: 0, len: 0 };
        let (mut word_end, mut mixed, mut split) = (0, false, false);
        for (at, c) in text.char_indices() {
            if at >= word_end {
                let rest = &text[at..];
                word_end = at + rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
                let word = &text[at..word_end];
                mixed = word.bytes().any(|b| b.is_ascii_alphabetic()) && !word.is_ascii();
                word_end = word_end.max(at + c.len_utf8());
            }
            let twin = latin_twin(c).filter(|_| mixed);
            while let Some(piece) = pieces.next_if(|p| p.folded as usize <= at) {
                (current, split) = (*piece, false);
                moved.push(Piece { folded: out.len() as u32, ..*piece });
            }
            // A run in which a letter becomes shorter is one no more.
            if current.len == 0 && (twin.is_some() || split) {
                let start = current.range(at).0 as u32;
                let len = if twin.is_some() { c.len_utf8() as u32 } else { 0 };
                moved.push(Piece { folded: out.len() as u32, start, len });
                split = twin.is_some();
            }
            out.push(twin.unwrap_or(c));
        }
        self.pieces = moved;
        self.text = Cow::Owned(out);
    }
}

/// The folded text as it grows.
struct Folding {
    text: String,
    pieces: Vec<Piece>,
}

impl Folding {
    /// A run at `start` that is its own fold.
    fn run(&mut self, run: &str, start: usize) {
        self.pieces.push(Piece { folded: self.text.len() as u32, start: start as u32, len: 0 });
        self.text.push_str(run);
    }

    /// Clusters with other characters in them.
    fn clusters(&mut self, source: &str, offset: usize) {
        for (start, cluster) in source.grapheme_indices(true) {
            let from = self.text.len();
            self.cluster(cluster);
            if self.text.len() > from {
                let (start, len) = ((offset + start) as u32, cluster.len() as u32);
                self.pieces.push(Piece { folded: from as u32, start, len });
            }
        }
    }

    fn cluster(&mut self, cluster: &str) {
        let mut chars = cluster.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if simple(c) => self.text.push(c),
            _ => {
                for c in cluster.chars().filter(|c| !invisible(*c)).nfkc().filter(|c| !invisible(*c)) {
                    self.text.push(digit(c).map_or_else(|| plain(c), |d| char::from(b'0' + d)));
                }
            }
        }
    }
}

/// Length of the head that is its own fold. The last character before another may carry a mark of it.
fn own(text: &str) -> usize {
    let (mut end, mut last) = (0, 0);
    while end < text.len() {
        let ascii = text.as_bytes()[end..].iter().take_while(|b| b.is_ascii()).count();
        if ascii > 0 {
            last = end + ascii - 1;
            end += ascii;
            continue;
        }
        let Some(c) = text[end..].chars().next().filter(|c| simple(*c)) else { return last };
        last = end;
        end += c.len_utf8();
    }
    end
}

/// Length of the head that ends behind the first character which is its own fold and which such a one follows,
/// for there a cluster ends for sure.
fn stretch(text: &str) -> usize {
    let mut before = false;
    for (at, c) in text.char_indices() {
        let here = simple(c) || c.is_ascii();
        if before && here && at > 0 {
            return at;
        }
        before = here;
    }
    text.len()
}

/// Does a word hold both a Latin letter and one that is drawn like one?
fn mixes(text: &str) -> bool {
    let (mut latin, mut twin) = (false, false);
    text.chars().any(|c| {
        if c.is_ascii_alphabetic() {
            latin = true;
        } else if !c.is_ascii() && latin_twin(c).is_some() {
            twin = true;
        } else if !in_word(c) {
            (latin, twin) = (false, false);
        }
        latin && twin
    })
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+')
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
    fn a_range_leaves_marks_to_what_carries_them() {
        let folded = Folded::of("name: \u{301}Anna e\u{301}");
        assert_eq!(folded.begin(6..12), 8);
        assert_eq!(folded.begin(5..12), 5);
        assert_eq!(folded.begin(6..8), 8);
        assert_eq!(Folded::of("name").begin(1..3), 1);
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

    #[test]
    fn every_step_of_the_design() {
        for (source, want) in [
            ("\u{2460}\u{ff21}\u{fb01}", "1Afi"),
            ("a\u{200b}b\u{202e}c\u{2066}d\u{feff}e\u{fe0f}f\u{e0041}g", "abcdefg"),
            ("\u{967}\u{e58}\u{1e952}\u{11f53}\u{1d7d9}4\u{fe0f}\u{20e3}", "182314"),
            (
                "\u{2039}a\u{203a} \u{ab}b\u{bb} c\u{2014}d\u{2043}e\u{3000}f\u{202f}g",
                "\"a\" \"b\" c-d-e f g",
            ),
            ("8\u{2215}9\u{2044}7", "8/9/7"),
            ("\u{561}b", "\u{561}b"),
            ("us\u{435}r @ \u{434}\u{43e}\u{43c}", "user @ \u{434}\u{43e}\u{43c}"),
            ("e\u{301}t\u{e9}", "\u{e9}t\u{e9}"),
        ] {
            assert_eq!(Folded::of(source).text(), want, "{source}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "this test is about time")]
    fn speed_of_folding() {
        for (name, unit) in [
            ("ascii", "The order that I placed last week has left the depot. "),
            (
                "german",
                "Die Bestellung f\u{fc}r M\u{fc}ller \u{2013} gro\u{df} und sch\u{f6}n \u{2013} ist da. ",
            ),
            (
                "russian",
                "\u{417}\u{430}\u{43a}\u{430}\u{437} \u{434}\u{43b}\u{44f} \u{418}\u{432}\u{430}\u{43d}\u{430} ",
            ),
        ] {
            let text = unit.repeat((1 << 20) / unit.len());
            let mut took = f64::MAX;
            for _ in 0..5 {
                let started = std::time::Instant::now();
                assert!(!Folded::of(&text).text().is_empty());
                took = took.min(started.elapsed().as_secs_f64());
            }
            eprintln!("fold, {name}: {:.0} MB/s", text.len() as f64 / 1e6 / took);
        }
    }

    proptest! {
        /// What is cut out folds to what was matched. (Letters of mixed words need the whole word.)
        #[test]
        fn a_cut_refolds_to_its_match(
            source in "[a-z0-9 .\u{e9}\u{ff10}-\u{ff19}\u{ad}\u{200b}\u{301}\u{4e00}\u{1f468}\u{fb01}]{1,60}",
            from in 0usize..60, len in 1usize..20,
        ) {
            let folded = Folded::of(&source);
            let text = folded.text();
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            if let Some(start) = starts.get(from) {
                let end = starts.get(from + len).copied().unwrap_or(text.len());
                let cut = folded.source(*start..end);
                let again = Folded::of(&source[cut]);
                prop_assert!(again.text().contains(&text[*start..end]), "{:?} {:?}", again.text(), &text[*start..end]);
            }
        }

        #[test]
        fn any_text_folds_with_a_total_map(source in any::<String>(), ascii in "[ -~]{0,12}") {
            let source = format!("{ascii}{source}{ascii}\u{e9}");
            let folded = Folded::of(&source);
            let mut last = 0;
            for (at, c) in folded.text().char_indices() {
                let span = folded.source(at..at + c.len_utf8());
                prop_assert!(span.start >= last && !span.is_empty() && source.get(span.clone()).is_some());
                last = span.start;
            }
            prop_assert_eq!(Folded::of(folded.text()).text().len(), folded.text().len());
        }

        #[test]
        fn the_map_is_monotone_and_refolds(source in "[ -~\u{430}-\u{443}\u{e9}\u{ff10}-\u{ff19}\u{200d}\u{43e}\u{1f468}\u{301}]{0,40}") {
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
