//! What shapes begin with: which of them a text may be, told by its first bytes before any is tried.
//!
//! **Invariant:** never rules out what a pattern matches; patterns are those of the table: classes, digits, groups,
//! alternatives and counts, no more.

/// Bytes that are looked at.
const DEPTH: usize = 8;

/// For each of the first bytes the patterns that allow it there, a bit each.
pub(crate) struct Heads {
    allowed: Vec<[u64; 256]>,
}

/// A step of a pattern; jumps are relative.
#[derive(Clone)]
enum Step {
    Byte(Box<[bool; 256]>),
    /// Here and there.
    Fork(usize),
    Jump(usize),
}

impl Heads {
    /// Of at most 64 patterns, of which the case is ignored.
    pub(crate) fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let mut heads = Self { allowed: vec![[0; 256]; DEPTH] };
        for (i, pattern) in patterns.enumerate() {
            heads.admit(&Parser { rest: pattern.as_bytes() }.choice(), 1 << i);
        }
        heads
    }

    /// The patterns that may match at the start of `text`.
    pub(crate) fn may_be(&self, text: &[u8]) -> u64 {
        self.allowed.iter().zip(text).fold(!0, |all, (allowed, byte)| all & allowed[usize::from(*byte)])
    }

    fn admit(&mut self, steps: &[Step], bit: u64) {
        let mut here = vec![0];
        for allowed in &mut self.allowed {
            let mut next = Vec::new();
            while let Some(at) = here.pop() {
                match steps.get(at) {
                    // Behind the end of a match anything may stand.
                    None => {
                        allowed.iter_mut().for_each(|patterns| *patterns |= bit);
                        next.push(at);
                    }
                    Some(Step::Fork(to)) => here.extend([at + 1, at + to]),
                    Some(Step::Jump(to)) => here.push(at + to),
                    Some(Step::Byte(class)) => {
                        for (byte, patterns) in (0..=u8::MAX).zip(allowed.iter_mut()) {
                            let cases = [byte.to_ascii_uppercase(), byte.to_ascii_lowercase()];
                            if cases.iter().any(|byte| class[usize::from(*byte)]) {
                                *patterns |= bit;
                            }
                        }
                        next.push(at + 1);
                    }
                }
            }
            next.sort_unstable();
            next.dedup();
            here = next;
        }
    }
}

/// Reads a pattern from the left.
struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn choice(&mut self) -> Vec<Step> {
        let mut first = self.sequence();
        if self.rest.first() != Some(&b'|') {
            return first;
        }
        self.take();
        let second = self.choice();
        first.push(Step::Jump(second.len() + 1));
        let fork = Step::Fork(first.len() + 1);
        [vec![fork], first, second].concat()
    }

    fn sequence(&mut self) -> Vec<Step> {
        let mut all = Vec::new();
        while let Some(atom) = self.atom() {
            let (least, most) = self.count();
            (0..least).for_each(|_| all.extend(atom.iter().cloned()));
            for _ in least..most {
                all.push(Step::Fork(atom.len() + 1));
                all.extend(atom.iter().cloned());
            }
        }
        all
    }

    fn atom(&mut self) -> Option<Vec<Step>> {
        match *self.rest.first()? {
            b'|' | b')' => None,
            b'(' => {
                self.rest = self.rest.strip_prefix(b"(?:").unwrap_or(&self.rest[1..]);
                let inner = self.choice();
                self.take();
                Some(inner)
            }
            b'[' => Some(vec![self.class()]),
            _ => {
                let mut class = [false; 256];
                self.sign(&mut class);
                Some(vec![Step::Byte(Box::new(class))])
            }
        }
    }

    fn class(&mut self) -> Step {
        let mut class = [false; 256];
        self.take();
        while self.rest.first().is_some_and(|next| *next != b']') {
            match self.rest {
                [from, b'-', to, ..] if *from != b'\\' && *to != b']' => {
                    class[usize::from(*from)..=usize::from(*to)].fill(true);
                    self.rest = &self.rest[3..];
                }
                _ => self.sign(&mut class),
            }
        }
        self.take();
        Step::Byte(Box::new(class))
    }

    /// `A`, `\d`, `\-`.
    fn sign(&mut self, class: &mut [bool; 256]) {
        match (self.take(), self.rest.first().copied()) {
            (Some(b'\\'), Some(b'd')) => {
                class[usize::from(b'0')..=usize::from(b'9')].fill(true);
                self.take();
            }
            (Some(b'\\'), Some(sign)) => {
                class[usize::from(sign)] = true;
                self.take();
            }
            (Some(sign), _) => class[usize::from(sign)] = true,
            (None, _) => {}
        }
    }

    /// `?`, `{3}`, `{3,5}` or once.
    fn count(&mut self) -> (usize, usize) {
        match self.rest.first() {
            Some(b'?') => {
                self.take();
                (0, 1)
            }
            Some(b'{') => {
                self.take();
                let least = self.number();
                let most = if self.take() == Some(b',') { self.number() } else { return (least, least) };
                self.take();
                (least, most)
            }
            Some(_) | None => (1, 1),
        }
    }

    fn number(&mut self) -> usize {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.iter().fold(0, |n, digit| n * 10 + usize::from(digit - b'0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::shape::ENGINE;
    use proptest::prelude::*;

    #[test]
    fn heads_rule_out_what_begins_otherwise() {
        let heads = Heads::of([r"[A-Z]{2}[ -]?\d{1,2}x", r"ab?[+\-C-E]\d|9\-"].into_iter());
        for (text, want) in
            [("zz-12x", 0b01), ("zz 1", 0b01), ("9-", 0b10), ("a+7", 0b10), ("a1", 0), ("7x", 0)]
        {
            assert_eq!(heads.may_be(text.as_bytes()), want, "{text}");
        }
    }

    fn never_ruled_out(text: &str) {
        let may = ENGINE.heads.may_be(text.as_bytes());
        for (i, regex) in ENGINE.each.iter().enumerate() {
            assert!(may >> i & 1 == 1 || !regex.is_match(text.as_bytes()), "{regex}: {text}");
        }
    }

    #[test]
    fn separators_in_classes_are_no_ranges() {
        for text in [
            "MH 12 AB 1234",
            "mh-12-ab-1234",
            "AB12 CDE",
            "A123-BCD",
            "M AB 1234",
            "B-XY 99E",
            "34 ABC 123",
            "ABC-123DE",
            "SW1A 1AA",
            "AB 12 34 56 C",
            "1EG4-TE5-MK73",
            "131052-308T",
            "131052+308T",
            "HRB 12345",
            "DE 123456789",
        ] {
            assert!(ENGINE.each.iter().any(|regex| regex.is_match(text.as_bytes())), "{text}");
            never_ruled_out(text);
        }
    }

    proptest! {
        #[test]
        fn what_a_pattern_matches_is_never_ruled_out(text in "[A-Ta-t0-9]{1,3}[ -]?[A-Z0-9]{1,9}[ -]?[A-Z0-9]{0,6}") {
            never_ruled_out(&text);
        }
    }
}
