//! The audit of what was made: no original is left, and nothing is found that is not ours.
//!
//! **Invariant:** every original of the exchange is searched in every new text, whichever leaf it came from.

use std::collections::HashSet;
use std::ops::Range;

use super::spread::{Hit, Search};
use super::{Cut, MOVED, Work};
use crate::anonymize::Dropped;
use crate::anonymize::detect::patterns;
use crate::anonymize::fold::Folded;
use crate::anonymize::kind::{Evidence, Finding, Mode};

/// A text with replacements, and where they stand.
struct Made<'a> {
    folded: Folded<'a>,
    cuts: &'a [Cut],
}

impl Made<'_> {
    /// The replacement that a part of the text lies in or touches.
    fn cut(&self, part: &Range<usize>) -> Option<&Cut> {
        let source = self.folded.source(part.clone());
        let cut = self.cuts.get(self.cuts.partition_point(|cut| cut.ours.end <= source.start));
        cut.filter(|cut| cut.ours.start < source.end)
    }
}

impl Work<'_> {
    /// The new text of a leaf has no original of the exchange and no identifier of its own.
    pub(super) fn audit(
        &self,
        i: usize,
        text: &str,
        cuts: &[Cut],
        search: Option<&Search>,
    ) -> Result<(), Dropped> {
        let made = Made { folded: Folded::of(text), cuts };
        let betrayed = search.is_some_and(|search| {
            search.leaks(made.folded.text()).any(|hit| !self.is_of_date(i, &made, &hit))
        });
        let leaks = betrayed || !self.leaves[i].number && self.has_left(i, &made);
        if leaks { Err(Dropped::AuditLeak) } else { Ok(()) }
    }

    /// A part of a date that was moved, and no more: its year may be the number of a house, its month somebody's name.
    fn is_of_date(&self, i: usize, made: &Made<'_>, hit: &Hit) -> bool {
        let part = hit.start..hit.end;
        let said = &made.folded.text()[part.clone()];
        let source = made.folded.source(part.clone());
        let within = |ours: &Range<usize>| ours.start <= source.start && source.end <= ours.end;
        let number = said.bytes().all(|b| b.is_ascii_digit());
        made.cut(&part).is_some_and(|cut| {
            let moved = MOVED.contains(&self.ty(i, cut.span));
            moved && within(&cut.ours) && (number || source.len() < cut.ours.len())
        })
    }

    /// An identifier outside of the replacements. What our own `[PASSWORD]` makes a password was none before.
    fn has_left(&self, i: usize, made: &Made<'_>) -> bool {
        let mut left = self.sure(i, &made.folded);
        left.retain(|f| made.cut(&(f.start..f.end)).is_none());
        if left.is_empty() {
            return false;
        }
        let old = &self.folded[i];
        let values = |folded: &'_ Folded<'_>, all: Vec<Finding>| -> HashSet<String> {
            all.into_iter().map(|f| folded.text()[f.start..f.end].to_owned()).collect()
        };
        !values(old, self.sure(i, old)).is_disjoint(&values(&made.folded, left))
    }

    /// What the patterns are sure of and the policy masks.
    fn sure(&self, i: usize, folded: &Folded<'_>) -> Vec<Finding> {
        let leaf = &self.leaves[i];
        let mut all = patterns(folded.text(), &leaf.key, leaf.place, self.policy);
        all.retain(|f| {
            f.evidence >= Evidence::Validated
                && f.score >= self.policy.mask_at
                && self.policy.mode_of(f.ty) != Mode::Keep
        });
        all
    }
}
