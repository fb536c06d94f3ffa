//! One exchange through all stages: find, resolve, propagate, replace, audit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::body::{Leaf, Leaves, Tree, same_form};
use super::detect::{Place, detect};
use super::fold::Folded;
use super::invent::{Choice, Shift, is_fixed_title, moved, year_of, years};
use super::kind::{Evidence, Finding, Mode, Type};
use super::policy::Policy;
use super::resolve::resolve;
use super::vault::Originals;
use super::{Dropped, Salt};

mod alias;
mod audit;
mod listed;
mod replace;
mod spread;
pub(crate) mod text;

use alias::Groups;
use replace::{Mention, Names};
use spread::{Forms, Hit, Search};

/// How often values are invented for one exchange until none is left that was there.
const DRAWS: u8 = 6;

/// Types that a conversation's shift makes anew.
const MOVED: [Type; 2] = [Type::DATE, Type::TIME];

/// What came of an exchange.
pub(crate) struct Outcome {
    pub(crate) request: Vec<u8>,
    pub(crate) reply: Vec<u8>,
    /// The request with the types of what was found, where anything was: the same for every conversation.
    pub(crate) typed: Option<Vec<u8>>,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) quarantined: bool,
    pub(crate) originals: Originals,
}

/// The replacement of a span, by its number: where it stands in the old text of a leaf, and where in the new.
struct Cut {
    span: usize,
    source: Range<usize>,
    ours: Range<usize>,
}

struct Work<'a> {
    policy: &'a Policy,
    leaves: &'a [Leaf],
    folded: Vec<Folded<'a>>,
    spans: Vec<Vec<Finding>>,
    groups: Groups,
    /// The group of every span.
    of: Vec<Vec<usize>>,
    counts: BTreeMap<String, u64>,
    quarantined: bool,
    originals: Originals,
}

pub(crate) fn run(request: &[u8], reply: &[u8], policy: &Policy, salt: &Salt) -> Result<Outcome, Dropped> {
    let mut leaves = Leaves::default();
    let trees = [Tree::body(request, &mut leaves)?, Tree::body(reply, &mut leaves)?];
    let mut work = Work::new(&leaves.all, policy);
    let new = work.all(salt)?;
    let found = work.found();
    let typed = work.typed();
    let typed = typed.and_then(|typed| trees[0].render(&typed, &leaves, found));
    let [request, reply] = trees.map(|tree| {
        let bytes = tree.render(&new, &leaves, found);
        let fits = bytes.as_ref().is_none_or(|bytes| same_form(tree.source(), bytes));
        fits.then(|| bytes.unwrap_or_else(|| tree.source().to_vec())).ok_or(Dropped::AuditLeak)
    });
    let (counts, quarantined, originals) = (work.counts, work.quarantined, work.originals);
    Ok(Outcome { request: request?, reply: reply?, typed, counts, quarantined, originals })
}

impl<'a> Work<'a> {
    fn new(leaves: &'a [Leaf], policy: &'a Policy) -> Self {
        let folded = leaves.iter().map(|leaf| Folded::of(&leaf.text)).collect();
        Self {
            policy,
            leaves,
            folded,
            spans: Vec::new(),
            groups: Groups::default(),
            of: Vec::new(),
            counts: BTreeMap::new(),
            quarantined: false,
            originals: Originals::default(),
        }
    }

    /// Find, resolve, propagate, replace, audit: the new text of every leaf that changes.
    fn all(&mut self, salt: &Salt) -> Result<Vec<Option<String>>, Dropped> {
        self.find()?;
        let search = self.propagate()?;
        let counts = self.counts.clone();
        // In a long exchange the values that are invented may meet an original: others are drawn then.
        for attempt in 0..DRAWS {
            let made = self.replace(search.as_ref(), &salt.drawn_again(attempt));
            if made != Err(Dropped::AuditLeak) {
                return made;
            }
            self.counts.clone_from(&counts);
        }
        Err(Dropped::AuditLeak)
    }

    /// Something was found, or nearly.
    fn found(&self) -> bool {
        self.quarantined || !self.counts.is_empty()
    }

    /// The type that the group of a span, by its number, goes by.
    fn ty(&self, i: usize, at: usize) -> Type {
        let group = self.of.get(i).and_then(|of| of.get(at));
        group.and_then(|group| self.groups.all.get(*group)).map_or(self.spans[i][at].ty, |group| group.ty)
    }

    fn find(&mut self) -> Result<(), Dropped> {
        for i in 0..self.leaves.len() {
            let leaf = &self.leaves[i];
            let found = if leaf.number { listed::number(leaf, self.policy) } else { self.search(i) };
            let spans = self.select(i, found);
            if leaf.place == Place::Key && !spans.is_empty() {
                return Err(Dropped::IdentifierInKey);
            }
            self.spans.push(self.resolved(i, spans));
        }
        Ok(())
    }

    fn search(&self, i: usize) -> Vec<Finding> {
        let (leaf, text) = (&self.leaves[i], self.folded[i].text());
        let harmless =
            text.len() < 24 && !text.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'@' | b':' | b'.'));
        if leaf.place == Place::Key && harmless || text.is_empty() {
            return Vec::new();
        }
        let mut found = detect(text, &leaf.key, leaf.place, self.policy);
        listed::labelled(text, self.policy, &mut found);
        found
    }

    /// The candidates that the policy masks; what it keeps is counted.
    fn select(&mut self, i: usize, found: Vec<Finding>) -> Vec<Finding> {
        let mut out = Vec::with_capacity(found.len());
        for mut f in found {
            f.start = self.folded[i].begin(f.start..f.end);
            let Some(mention) = self.folded[i].text().get(f.start..f.end).filter(|m| !m.is_empty()) else {
                continue;
            };
            let kept = match self.policy.mode_of(f.ty) {
                Mode::Keep => true,
                Mode::Cap => years(mention).is_none_or(|age| age <= u32::from(self.policy.age_cap)),
                Mode::Surrogate | Mode::Vault | Mode::Tag | Mode::Redact | Mode::Block => false,
            };
            if f.score < self.policy.mask_at {
                self.quarantined |= f.score >= self.policy.review_at && !kept;
            } else if kept {
                *self.counts.entry(f.ty.as_str().to_owned()).or_default() += 1;
            } else {
                out.push(f);
            }
        }
        out
    }

    /// Disjoint spans of a leaf. A title that has no other of its class says nothing of its bearer.
    fn resolved(&self, i: usize, all: Vec<Finding>) -> Vec<Finding> {
        let mut spans = resolve(self.folded[i].text().as_bytes(), all);
        spans.retain(|span| span.ty != Type::TITLE || !is_fixed_title(self.mention(i, span)));
        spans
    }

    fn mention(&self, i: usize, span: &Finding) -> &str {
        &self.folded[i].text()[span.start..span.end]
    }

    /// Searches every found value everywhere, then groups the mentions.
    fn propagate(&mut self) -> Result<Option<Search>, Dropped> {
        let mut forms = self.forms();
        if self.disown(&forms) {
            forms = self.forms();
        }
        let search = forms.search();
        if let Some(search) = &search {
            for i in 0..self.leaves.len() {
                let text = self.folded[i].text();
                let hits = search.hits(text);
                if hits.is_empty() {
                    continue;
                }
                if self.leaves[i].place == Place::Key {
                    return Err(Dropped::IdentifierInKey);
                }
                let mut all = std::mem::take(&mut self.spans[i]);
                let new: Vec<&Hit> = hits.iter().filter(|hit| !hit.is_part(&all)).collect();
                all.extend(new.into_iter().map(|hit| {
                    Finding::new(hit.start, hit.end, hit.ty, Evidence::Propagated).scored(hit.score)
                }));
                self.spans[i] = self.resolved(i, all);
            }
        }
        let mut groups = Groups::default();
        for i in 0..self.spans.len() {
            let of = self.spans[i].iter().map(|span| groups.add(span, self.mention(i, span))).collect();
            self.of.push(of);
        }
        self.groups = groups;
        if self.groups.all.iter().any(|group| self.policy.mode_of(group.ty) == Mode::Block) {
            return Err(Dropped::BlockedType);
        }
        Ok(search)
    }

    /// What to search for.
    fn forms(&self) -> Forms {
        let mut forms = Forms::default();
        let all =
            || self.spans.iter().enumerate().flat_map(|(i, spans)| spans.iter().map(move |span| (i, span)));
        all().for_each(|(i, span)| forms.count(span, self.mention(i, span)));
        all().for_each(|(i, span)| forms.add(span, self.mention(i, span)));
        forms
    }

    /// `Maoak's`, which the model took for a house, is what is Maoak's where somebody is called so.
    fn disown(&mut self, forms: &Forms) -> bool {
        let mut any = false;
        for (spans, folded) in self.spans.iter_mut().zip(&self.folded) {
            for span in spans {
                if let Some(name) = forms.owner(span, &folded.text()[span.start..span.end]) {
                    (span.ty, span.end, any) = (Type::NAME, span.start + name.len(), true);
                }
            }
        }
        any
    }

    /// The new text of every leaf that changes, audited.
    fn replace(&mut self, search: Option<&Search>, salt: &Salt) -> Result<Vec<Option<String>>, Dropped> {
        let names = {
            let all = (0..self.spans.len()).flat_map(|i| self.mentions(i));
            let mentions: Vec<Mention<'_>> = all.collect();
            Names::new(&self.groups, &mentions, self.policy, salt, search, self.shift(salt))?
        };
        let mut new = Vec::with_capacity(self.leaves.len());
        let mut originals = Originals::default();
        for i in 0..self.leaves.len() {
            if self.spans[i].is_empty() {
                new.push(None);
                continue;
            }
            let (text, cuts) = self.rewritten(i, &names)?;
            self.audit(i, &text, &cuts, search)?;
            for cut in &cuts {
                let ty = self.ty(i, cut.span);
                if self.policy.mode_of(ty) == Mode::Vault {
                    originals.add(ty, &self.leaves[i].text[cut.source.clone()], &text[cut.ours.clone()]);
                }
            }
            for (span, group) in self.spans[i].iter().zip(&self.of[i]) {
                let ty = names.ty(*group).unwrap_or(span.ty);
                *self.counts.entry(ty.as_str().to_owned()).or_default() += 1;
            }
            new.push(Some(text));
        }
        self.originals = originals;
        Ok(new)
    }

    /// The mentions of a leaf, in order.
    fn mentions(&self, i: usize) -> impl Iterator<Item = Mention<'_>> {
        let of = self.of.get(i).map_or(&[][..], Vec::as_slice);
        self.spans[i]
            .iter()
            .zip(of)
            .map(move |(span, group)| Mention { group: *group, text: self.mention(i, span) })
    }

    /// Every leaf that changes, with types in place of what was found; `None` when nothing was.
    fn typed(&self) -> Option<Vec<Option<String>>> {
        let typed = |i: usize| match &self.leaves[i] {
            _ if self.spans[i].is_empty() => None,
            leaf if leaf.number => Some("0".to_owned()),
            _ => self.with(i, |span| Ok(format!("<{}>", self.spans[i][span].ty))).ok().map(|(text, _)| text),
        };
        let all: Vec<Option<String>> = (0..self.leaves.len()).map(typed).collect();
        all.iter().any(Option::is_some).then_some(all)
    }

    /// One leaf with its spans replaced, and where the replacements stand.
    fn rewritten(&self, i: usize, names: &Names<'_>) -> Result<(String, Vec<Cut>), Dropped> {
        let number = self.leaves[i].number;
        let mentions: Vec<Mention<'_>> = self.mentions(i).collect();
        self.with(i, |span| {
            let mention = mentions.get(span).copied().ok_or(Dropped::AuditLeak)?;
            if number { names.number(mention) } else { names.text(mention) }
        })
    }

    /// One leaf with its spans, by their number, as `new` has them, and where those stand.
    fn with(
        &self,
        i: usize,
        new: impl Fn(usize) -> Result<String, Dropped>,
    ) -> Result<(String, Vec<Cut>), Dropped> {
        let (leaf, folded) = (&self.leaves[i], &self.folded[i]);
        let mut out = String::with_capacity(leaf.text.len() + 16);
        let mut cuts = Vec::new();
        let mut from = 0;
        for (at, span) in self.spans[i].iter().enumerate() {
            let source = folded.source(span.start..span.end);
            let start = source.start.max(from);
            if start >= source.end {
                continue;
            }
            out.push_str(&leaf.text[from..start]);
            let begin = out.len();
            out.push_str(&new(at)?);
            cuts.push(Cut { span: at, source: start..source.end, ours: begin..out.len() });
            from = source.end;
        }
        out.push_str(&leaf.text[from..]);
        Ok((out, cuts))
    }

    /// How this conversation's dates and times move.
    fn shift(&self, salt: &Salt) -> Shift {
        let mut dates: BTreeSet<&str> = BTreeSet::new();
        for (i, spans) in self.spans.iter().enumerate() {
            dates.extend(spans.iter().filter(|span| span.ty == Type::DATE).map(|span| self.mention(i, span)));
        }
        let latest = dates.iter().filter_map(|date| year_of(date)).max();
        Shift {
            days: self.days(&dates, salt),
            minutes: 11 + Choice::new(salt, "TIME", "offset", 0).below(109) as i64,
            years_only: self.policy.years_only,
            oldest: Shift::capped_from(latest, self.policy.age_cap),
        }
    }

    /// The first choice of days that makes no date into another of them.
    fn days(&self, dates: &BTreeSet<&str>, salt: &Salt) -> i64 {
        let (from, to) = self.policy.shift_days;
        let draw = |attempt| {
            let mut choice = Choice::new(salt, "DATE", "offset", attempt);
            let days = i64::from(from) + choice.below(u64::from(to - from) + 1) as i64;
            if choice.below(2) == 0 { days } else { -days }
        };
        let clashes = |days: i64| {
            dates.iter().any(|date| moved(date, days).is_some_and(|new| dates.contains(new.as_str())))
        };
        (0..16).map(draw).find(|days| !clashes(*days)).unwrap_or_else(|| draw(0))
    }
}

#[cfg(test)]
mod tests;
