//! Rates of one set: what was covered of what is true, and what was masked beside it.
//!
//! **Invariant:** only letters and digits count; names of types do not.

use std::collections::BTreeMap;

use crate::draft::Item;
use crate::masked::Masked;
use crate::peers::Peer;
use crate::sets::Set;

/// Counts of one type or of a whole set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) spans: usize,
    pub(crate) full: usize,
    pub(crate) chars: usize,
    pub(crate) covered: usize,
}

/// One miss or false alarm, with what stands around it.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) ty: String,
    pub(crate) value: String,
    pub(crate) around: String,
    pub(crate) weight: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) items: usize,
    pub(crate) all: Tally,
    pub(crate) types: BTreeMap<String, Tally>,
    pub(crate) groups: BTreeMap<String, Tally>,
    /// Letters and digits that were masked, and those of them that are true.
    pub(crate) masked: usize,
    pub(crate) right: usize,
    /// Masked spans, and those that touch something true.
    pub(crate) found: usize,
    pub(crate) found_right: usize,
    /// Items without identifiers, and those of them that were touched.
    pub(crate) free: usize,
    pub(crate) touched: usize,
    /// Items with identifiers, and those with something masked.
    pub(crate) bearing: usize,
    pub(crate) hit: usize,
    pub(crate) dropped: usize,
    pub(crate) misses: Vec<Fault>,
    pub(crate) alarms: Vec<Fault>,
}

const TRUE: u8 = 1;
const EITHER: u8 = 2;
const MASKED: u8 = 4;

impl Score {
    /// The score of whoever finds spans, and the seconds it took.
    pub(crate) fn of(set: &Set, finder: Peer) -> Result<(Self, f64), String> {
        let texts: Vec<&str> = set.items.iter().map(|item| item.text.as_str()).collect();
        let found = finder(&texts, set.preset)?;
        let mut score = Self::default();
        set.items.iter().zip(&found.spans).for_each(|(item, spans)| score.add(item, spans));
        Ok((score, found.seconds))
    }

    pub(crate) fn add(&mut self, item: &Item, masked: &Result<Vec<Masked>, String>) {
        let chars: Vec<char> = item.text.chars().collect();
        let mut marks = vec![0u8; chars.len()];
        let mut set = |from: usize, to: usize, bit: u8| {
            marks.iter_mut().take(to).skip(from).for_each(|mark| *mark |= bit);
        };
        item.spans.iter().for_each(|span| set(span.start, span.end, TRUE));
        item.either.iter().for_each(|&(start, end)| set(start, end, EITHER));
        let none = Vec::new();
        let masked = masked.as_ref().unwrap_or_else(|_| {
            self.dropped += 1;
            &none
        });
        masked.iter().for_each(|(start, end, _)| set(*start, *end, MASKED));
        self.items += 1;
        self.truths(item, &chars, &marks);
        self.alarms(&chars, &marks, masked);
        if item.spans.is_empty() {
            self.free += 1;
            let alarm = chars
                .iter()
                .zip(&marks)
                .any(|(c, mark)| c.is_alphanumeric() && mark & (MASKED | EITHER) == MASKED);
            self.touched += usize::from(alarm);
        } else {
            self.bearing += 1;
            self.hit += usize::from(marks.iter().any(|mark| mark & (TRUE | MASKED) == (TRUE | MASKED)));
        }
    }

    fn truths(&mut self, item: &Item, chars: &[char], marks: &[u8]) {
        for span in &item.spans {
            let own = || {
                chars.iter().zip(marks).take(span.end).skip(span.start).filter(|(c, _)| c.is_alphanumeric())
            };
            let (length, covered) = (own().count(), own().filter(|(_, mark)| *mark & MASKED != 0).count());
            if length == 0 {
                continue;
            }
            let group = self.groups.entry(item.group.clone()).or_default();
            let ty = self.types.entry(span.ty.clone()).or_default();
            for tally in [&mut self.all, ty, group] {
                tally.spans += 1;
                tally.full += usize::from(covered == length);
                tally.chars += length;
                tally.covered += covered;
            }
            if covered < length {
                let fault = fault(&span.ty, chars, span.start, span.end, length - covered);
                self.misses.push(fault);
            }
        }
    }

    fn alarms(&mut self, chars: &[char], marks: &[u8], masked: &[Masked]) {
        for (start, end, ty) in masked {
            let own = || chars.iter().zip(marks).take(*end).skip(*start).filter(|(c, _)| c.is_alphanumeric());
            let right = own().filter(|(_, mark)| *mark & TRUE != 0).count();
            let either = own().filter(|(_, mark)| *mark & EITHER != 0).count();
            let wrong = own().count() - right - either;
            self.masked += right + wrong;
            self.right += right;
            if right + wrong > 0 {
                self.found += 1;
                self.found_right += usize::from(right > wrong);
            }
            if wrong > 0 {
                self.alarms.push(fault(ty, chars, *start, *end, wrong));
            }
        }
    }

    pub(crate) fn full(&self) -> f64 {
        rate(self.all.full, self.all.spans)
    }

    pub(crate) fn recall(&self) -> f64 {
        rate(self.all.covered, self.all.chars)
    }

    pub(crate) fn precision(&self) -> f64 {
        rate(self.right, self.masked)
    }

    pub(crate) fn touched(&self) -> f64 {
        self.touched as f64 / self.free.max(1) as f64
    }

    /// Spans: recall by full cover, precision by spans that are mostly true, recall counting twice.
    pub(crate) fn f2(&self) -> f64 {
        let (recall, precision) = (self.full(), rate(self.found_right, self.found));
        if recall + precision == 0.0 { 0.0 } else { 5.0 * precision * recall / (4.0 * precision + recall) }
    }
}

/// A part of a whole; of nothing, all.
pub(crate) fn rate(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

fn fault(ty: &str, chars: &[char], start: usize, end: usize, weight: usize) -> Fault {
    let cut = |from: usize, to: usize| -> String {
        chars.iter().take(to).skip(from).map(|c| if *c == '\n' { ' ' } else { *c }).collect()
    };
    let value = cut(start, end);
    let around = format!("{}>>{}<<{}", cut(start.saturating_sub(36), start), value, cut(end, end + 24));
    Fault { ty: ty.to_owned(), value, around, weight }
}
