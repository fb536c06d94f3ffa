//! Measuring: what of the mentions in samples is found, by class, and what is found beside them.
//!
//! **Invariant:** counts only; what is good enough is said where it is asked.

use kolm_policies::ner::Tagger;
use kolm_policies::ner::lattice::{CLASSES, K};

use crate::corpus::Sample;

/// Counts of one class.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Mentions.
    pub mentions: usize,
    /// Mentions that lie wholly under spans of any class.
    pub covered: usize,
    /// Letters and digits of mentions.
    pub signs: usize,
    /// Letters and digits of mentions under spans of any class.
    pub signs_covered: usize,
    /// Letters and digits of spans of this class.
    pub marked: usize,
    /// Letters and digits of spans of this class that lie under some mention.
    pub right: usize,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By class.
    pub classes: [Counts; K],
    /// Samples without a mention.
    pub plain: usize,
    /// Those in which something is found.
    pub touched: usize,
}

impl Measured {
    /// Counts one sample, spans of `sure` and more.
    pub fn add(&mut self, tagger: &Tagger, sample: &Sample, sure: f32) {
        let mut found = vec![false; sample.text.len()];
        let mut named = vec![false; sample.text.len()];
        sample.mentions.iter().for_each(|m| named[m.0..m.1].fill(true));
        let solid = |range: std::ops::Range<usize>| {
            let start = range.start;
            let text = sample.text[range].char_indices();
            text.filter(|(_, c)| c.is_alphanumeric()).map(move |(at, _)| start + at)
        };
        let mut any = false;
        tagger.tag(&sample.text, &mut |span| {
            if span.share < sure {
                return;
            }
            any = true;
            found[span.start..span.end].fill(true);
            let counts = &mut self.classes[span.class];
            counts.marked += solid(span.start..span.end).count();
            counts.right += solid(span.start..span.end).filter(|at| named[*at]).count();
        });
        for (start, end, class) in &sample.mentions {
            let counts = &mut self.classes[*class];
            let signs = solid(*start..*end).count();
            let covered = solid(*start..*end).filter(|at| found[*at]).count();
            counts.mentions += 1;
            counts.covered += usize::from(signs == covered);
            counts.signs += signs;
            counts.signs_covered += covered;
        }
        self.plain += usize::from(sample.mentions.is_empty());
        self.touched += usize::from(sample.mentions.is_empty() && any);
    }

    /// A table in words.
    pub fn table(&self) -> String {
        let mut out = String::from("class  mentions  full cover  signs covered  precision\n");
        for (class, counts) in CLASSES.iter().zip(&self.classes) {
            let (full, signs, right) = (counts.full(), counts.recall(), counts.precision());
            out += &format!("{class:6} {:8} {full:11.3} {signs:14.3} {right:10.3}\n", counts.mentions);
        }
        out + &format!("plain samples {}, touched {}\n", self.plain, self.touched)
    }
}

impl Counts {
    /// Share of mentions found whole.
    pub fn full(&self) -> f64 {
        ratio(self.covered, self.mentions)
    }

    /// Share of letters and digits found.
    pub fn recall(&self) -> f64 {
        ratio(self.signs_covered, self.signs)
    }

    /// Share of what is marked that is part of a mention.
    pub fn precision(&self) -> f64 {
        ratio(self.right, self.marked)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
