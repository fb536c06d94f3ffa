//! One exchange through all stages: find, resolve, propagate, replace, audit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::body::{Leaf, Leaves, Tree, same_form};
use super::date;
use super::detect::{Place, detect};
use super::fold::Folded;
use super::invent::{Choice, canonical};
use super::kind::{Evidence, Finding, Mode, Type};
use super::policy::Policy;
use super::resolve::resolve;
use super::token::stands_alone;
use super::{Dropped, Salt, check, label};

mod replace;

use replace::Names;

/// Types that are found everywhere by themselves, or are too short to be searched for.
const UNSEARCHED: [Type; 4] = [Type::DATE, Type::TIME, Type::EXPIRY, Type::CVV];

/// Bytes of text up to which a quick build counts for more than a quick search.
const SHORT: usize = 32 << 10;

/// Longer values are found by themselves, wherever they stand.
const LONGEST_SEARCHED: usize = 1024;

/// What came of an exchange.
pub(crate) struct Outcome {
    pub(crate) request: Vec<u8>,
    pub(crate) reply: Vec<u8>,
    /// The request with the types of what was found, where anything was: the same for every conversation.
    pub(crate) typed: Option<Vec<u8>>,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) quarantined: bool,
}

/// All mentions of one original.
pub(crate) struct Group {
    pub(crate) ty: Type,
    pub(crate) canonical: String,
    rank: (Evidence, u8),
}

struct Work<'a> {
    policy: &'a Policy,
    leaves: &'a [Leaf],
    folded: Vec<Folded<'a>>,
    spans: Vec<Vec<Finding>>,
    counts: BTreeMap<String, u64>,
    quarantined: bool,
}

pub(crate) fn run(request: &[u8], reply: &[u8], policy: &Policy, salt: &Salt) -> Result<Outcome, Dropped> {
    let mut leaves = Leaves::default();
    let trees = [Tree::body(request, &mut leaves)?, Tree::body(reply, &mut leaves)?];
    let mut work = Work::new(&leaves.all, policy);
    work.find()?;
    let (groups, search) = work.propagate()?;
    let new = work.replace(&groups, search.as_ref(), salt)?;
    let found = work.quarantined || !work.counts.is_empty();
    let typed = work.typed();
    let typed = typed.and_then(|typed| trees[0].render(&typed, &leaves, found));
    let [request, reply] = trees.map(|tree| {
        let bytes = tree.render(&new, &leaves, found);
        let fits = bytes.as_ref().is_none_or(|bytes| same_form(tree.source(), bytes));
        fits.then(|| bytes.unwrap_or_else(|| tree.source().to_vec())).ok_or(Dropped::AuditLeak)
    });
    let (counts, quarantined) = (work.counts, work.quarantined);
    Ok(Outcome { request: request?, reply: reply?, typed, counts, quarantined })
}

impl<'a> Work<'a> {
    fn new(leaves: &'a [Leaf], policy: &'a Policy) -> Self {
        let folded = leaves.iter().map(|leaf| Folded::of(&leaf.text)).collect();
        Self { policy, leaves, folded, spans: Vec::new(), counts: BTreeMap::new(), quarantined: false }
    }

    fn find(&mut self) -> Result<(), Dropped> {
        for i in 0..self.leaves.len() {
            let leaf = &self.leaves[i];
            let found = if leaf.number { number(leaf, self.policy) } else { self.search(i) };
            let spans = self.select(found, self.folded[i].text().len());
            if leaf.place == Place::Key && !spans.is_empty() {
                return Err(Dropped::IdentifierInKey);
            }
            let text = self.folded[i].text().as_bytes();
            self.spans.push(resolve(text, spans));
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
        detect(text, &leaf.key, leaf.place, self.policy)
    }

    /// The candidates that the policy masks; what it keeps is counted.
    fn select(&mut self, found: Vec<Finding>, len: usize) -> Vec<Finding> {
        let mut out = Vec::with_capacity(found.len());
        for f in found.into_iter().filter(|f| f.start < f.end && f.end <= len) {
            if f.score < self.policy.mask_at {
                self.quarantined |=
                    f.score >= self.policy.review_at && self.policy.mode_of(f.ty) != Mode::Keep;
            } else if self.policy.mode_of(f.ty) == Mode::Keep {
                *self.counts.entry(f.ty.as_str().to_owned()).or_default() += 1;
            } else {
                out.push(f);
            }
        }
        out
    }

    fn mention(&self, i: usize, span: &Finding) -> &str {
        &self.folded[i].text()[span.start..span.end]
    }

    /// Searches every found value everywhere, then groups the mentions.
    fn propagate(&mut self) -> Result<(Vec<Group>, Option<AhoCorasick>), Dropped> {
        let search = self.matcher()?;
        if let Some((engine, types)) = &search {
            for i in 0..self.leaves.len() {
                let text = self.folded[i].text().as_bytes();
                let hits = hits(engine, text);
                if hits.is_empty() {
                    continue;
                }
                if self.leaves[i].place == Place::Key {
                    return Err(Dropped::IdentifierInKey);
                }
                let mut all = std::mem::take(&mut self.spans[i]);
                all.extend(
                    hits.iter().map(|(s, e, id)| Finding::new(*s, *e, types[*id], Evidence::Propagated)),
                );
                self.spans[i] = resolve(text, all);
            }
        }
        let groups = self.group();
        if groups.iter().any(|group| self.policy.mode_of(group.ty) == Mode::Block) {
            return Err(Dropped::BlockedType);
        }
        Ok((groups, search.map(|(engine, _)| engine)))
    }

    /// A matcher of all originals, as written and without separators, with their types.
    fn matcher(&self) -> Result<Option<(AhoCorasick, Vec<Type>)>, Dropped> {
        let mut forms: BTreeMap<String, Type> = BTreeMap::new();
        for (i, spans) in self.spans.iter().enumerate() {
            for span in spans.iter().filter(|span| !UNSEARCHED.contains(&span.ty)) {
                let mention = self.mention(i, span).to_lowercase();
                // A password that is a word would mask the word everywhere.
                let word = span.ty == Type::PASSWORD && mention.bytes().all(|b| b.is_ascii_lowercase());
                if word || mention.len() > LONGEST_SEARCHED {
                    continue;
                }
                if mention.bytes().any(|b| b.is_ascii_digit()) && mention.is_ascii() && !mention.contains('@')
                {
                    let compact: String = mention.chars().filter(char::is_ascii_alphanumeric).collect();
                    if compact.len() >= 6 {
                        forms.entry(compact).or_insert(span.ty);
                    }
                }
                if mention.chars().count() >= 4 {
                    forms.entry(mention).or_insert(span.ty);
                }
            }
        }
        if forms.is_empty() {
            return Ok(None);
        }
        let (forms, types): (Vec<String>, Vec<Type>) = forms.into_iter().unzip();
        // An automaton that is quick to search with is slow to build: it does not pay off on a short text.
        let short = self.folded.iter().map(|folded| folded.text().len()).sum::<usize>() < SHORT;
        let engine = AhoCorasick::builder()
            .kind(short.then_some(AhoCorasickKind::NoncontiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(&forms)
            .map_err(|_| Dropped::Oversize)?;
        Ok(Some((engine, types)))
    }

    /// Mentions of the same canonical form are one group, under its best type, in order of first mention.
    fn group(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut index: HashMap<String, usize> = HashMap::new();
        for (i, spans) in self.spans.iter().enumerate() {
            for span in spans {
                let canonical = canonical(span.ty, self.mention(i, span));
                let rank = (span.evidence, span.score);
                match index.get(&canonical) {
                    Some(at) if groups[*at].rank < rank => {
                        groups[*at].rank = rank;
                        groups[*at].ty = span.ty;
                    }
                    Some(_) => {}
                    None => {
                        index.insert(canonical.clone(), groups.len());
                        groups.push(Group { ty: span.ty, canonical, rank });
                    }
                }
            }
        }
        groups
    }

    /// The new text of every leaf that changes, audited.
    fn replace(
        &mut self,
        groups: &[Group],
        search: Option<&AhoCorasick>,
        salt: &Salt,
    ) -> Result<Vec<Option<String>>, Dropped> {
        let names = Names::new(groups, self.policy, salt, search, self.date_offset(salt))?;
        let mut new = Vec::with_capacity(self.leaves.len());
        for i in 0..self.leaves.len() {
            if self.spans[i].is_empty() {
                new.push(None);
                continue;
            }
            let (text, ours) = self.rewritten(i, &names)?;
            self.audit(i, &text, &ours, search)?;
            for span in &self.spans[i] {
                let ty = names.ty(&canonical(span.ty, self.mention(i, span))).unwrap_or(span.ty);
                *self.counts.entry(ty.as_str().to_owned()).or_default() += 1;
            }
            new.push(Some(text));
        }
        Ok(new)
    }

    /// Every leaf that changes, with types in place of what was found; `None` when nothing was.
    fn typed(&self) -> Option<Vec<Option<String>>> {
        let typed = |i: usize| match &self.leaves[i] {
            _ if self.spans[i].is_empty() => None,
            leaf if leaf.number => Some("0".to_owned()),
            _ => self.with(i, |span, _| Ok(format!("<{}>", span.ty))).ok().map(|(text, _)| text),
        };
        let all: Vec<Option<String>> = (0..self.leaves.len()).map(typed).collect();
        all.iter().any(Option::is_some).then_some(all)
    }

    /// One leaf with its spans replaced, and where the replacements stand.
    fn rewritten(&self, i: usize, names: &Names<'_>) -> Result<(String, Vec<(usize, usize)>), Dropped> {
        let number = self.leaves[i].number;
        self.with(
            i,
            |span, mention| {
                if number { names.number(span, mention) } else { names.text(span, mention) }
            },
        )
    }

    /// One leaf with its spans as `new` has them, and where those stand.
    fn with(
        &self,
        i: usize,
        new: impl Fn(&Finding, &str) -> Result<String, Dropped>,
    ) -> Result<(String, Vec<(usize, usize)>), Dropped> {
        let (leaf, folded) = (&self.leaves[i], &self.folded[i]);
        let mut out = String::with_capacity(leaf.text.len() + 16);
        let mut ours = Vec::new();
        let mut from = 0;
        for span in &self.spans[i] {
            let source = folded.source(span.start..span.end);
            let start = source.start.max(from);
            if start >= source.end {
                continue;
            }
            out.push_str(&leaf.text[from..start]);
            let at = out.len();
            out.push_str(&new(span, self.mention(i, span))?);
            ours.push((at, out.len()));
            from = source.end;
        }
        out.push_str(&leaf.text[from..]);
        Ok((out, ours))
    }

    /// No original is left, and nothing is found that is not ours.
    fn audit(
        &self,
        i: usize,
        text: &str,
        ours: &[(usize, usize)],
        search: Option<&AhoCorasick>,
    ) -> Result<(), Dropped> {
        let folded = Folded::of(text);
        if search.is_some_and(|engine| !hits(engine, folded.text().as_bytes()).is_empty()) {
            return Err(Dropped::AuditLeak);
        }
        let leaf = &self.leaves[i];
        if leaf.number {
            return Ok(());
        }
        let leaks = detect(folded.text(), &leaf.key, leaf.place, self.policy).into_iter().any(|f| {
            let source = folded.source(f.start..f.end);
            f.evidence >= Evidence::Validated
                && f.score >= self.policy.mask_at
                && self.policy.mode_of(f.ty) != Mode::Keep
                && !ours.iter().any(|(start, end)| source.start < *end && *start < source.end)
        });
        if leaks { Err(Dropped::AuditLeak) } else { Ok(()) }
    }

    /// Days by which this conversation's dates move: the first choice that makes no date into another of them.
    fn date_offset(&self, salt: &Salt) -> i64 {
        let mut dates: BTreeSet<&str> = BTreeSet::new();
        for (i, spans) in self.spans.iter().enumerate() {
            dates.extend(spans.iter().filter(|span| span.ty == Type::DATE).map(|span| self.mention(i, span)));
        }
        let (from, to) = self.policy.shift_days;
        let draw = |attempt| {
            let mut choice = Choice::new(salt, "DATE", "offset", attempt);
            let days = i64::from(from) + choice.below(u64::from(to - from) + 1) as i64;
            if choice.below(2) == 0 { days } else { -days }
        };
        let clashes = |offset: i64| {
            dates
                .iter()
                .any(|date| replace::shifted(date, offset).is_some_and(|new| dates.contains(new.as_str())))
        };
        (0..16).map(draw).find(|offset| !clashes(*offset)).unwrap_or_else(|| draw(0))
    }
}

/// A JSON number under an identifying key, or one that is a card.
fn number(leaf: &Leaf, policy: &Policy) -> Vec<Finding> {
    let text = leaf.text.as_bytes();
    if text.len() < 3 || !text.iter().all(u8::is_ascii_digit) {
        return Vec::new();
    }
    let keyed = policy.keys.get(&leaf.key).copied().or_else(|| label::identifies(&leaf.key));
    let card = text.len() >= 15 && check::credit_card(text);
    let found = match keyed {
        Some(ty) => Finding::new(0, text.len(), ty, Evidence::Label),
        None if card => Finding::new(0, text.len(), Type::CREDIT_CARD, Evidence::Validated),
        None => return Vec::new(),
    };
    vec![found]
}

/// Where originals stand in a text, no letter or digit next to them.
fn hits(engine: &AhoCorasick, text: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let Some(m) = engine.find(aho_corasick::Input::new(text).range(at..)) else { break };
        if stands_alone(text, m.start(), m.end()) {
            out.push((m.start(), m.end(), m.pattern().as_usize()));
            at = m.end();
        } else {
            at = m.start() + 1;
        }
    }
    out
}

/// Is the value a date that can be shifted?
pub(crate) fn dated(mention: &str) -> Option<date::Written> {
    let tokens = super::token::tokens(mention.as_bytes());
    date::dates(mention.as_bytes(), &tokens).into_iter().next()
}
