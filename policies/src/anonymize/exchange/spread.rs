//! What was found once is searched everywhere: values, their derived forms, and where they count.
//!
//! **Invariant:** a hit is never part of a longer word; a word that is not only a name counts with a capital
//! inside a sentence alone.

use std::collections::{BTreeMap, HashMap};

use crate::anonymize::invent::{Part, Script, Written, is_common, is_kind, is_name, is_particle, is_role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::{self, lists};

mod declined;
mod guard;
mod matcher;

use guard::{Guard, counts, is_part};
use matcher::Matcher;

/// Types that are found everywhere by themselves, or are too short to be searched for.
const UNSEARCHED: [Type; 6] = [Type::AGE, Type::CVV, Type::DATE, Type::EXPIRY, Type::TIME, Type::TITLE];

/// Types of which an invented value keeps the words that say what kind of thing it is.
const KINDS: [Type; 3] = [Type::EMPLOYER, Type::FACILITY, Type::ORG];

/// Longer values are found by themselves, wherever they stand.
const LONGEST_SEARCHED: usize = 1024;

/// Evidence of the model or of a list from here on spreads; below it only what was found twice.
const SPREADS_FROM: u8 = 70;

#[derive(Debug, Clone)]
struct Form {
    ty: Type,
    guard: Guard,
    score: u8,
    /// The longest other form that this one begins with.
    shorter: Option<usize>,
    letters: usize,
    len: usize,
    /// Nothing but words that say what kind of thing it is: names of other things may hold it.
    plain: bool,
    /// What all cases of a name begin with: counts with the ending of one alone.
    stem: bool,
}

/// A place where an original stands.
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) ty: Type,
    pub(crate) score: u8,
    /// Counts for the audit: of four characters or more, and sure to be the original.
    firm: bool,
}

impl Hit {
    /// Part of a longer name among `spans`, which stand in order: `Vries` of `de Vries` says nothing new.
    pub(crate) fn is_part(&self, spans: &[Finding]) -> bool {
        let at = spans.partition_point(|span| span.end < self.end);
        self.ty == Type::NAME
            && spans.get(at).is_some_and(|span| {
                let longer = span.end - span.start > self.end - self.start;
                span.ty == Type::NAME && span.start <= self.start && longer
            })
    }
}

/// A matcher of all originals.
pub(crate) struct Search {
    matcher: Matcher,
    forms: Vec<Form>,
}

/// The forms to search for.
#[derive(Default)]
pub(crate) struct Forms {
    all: BTreeMap<String, Form>,
    /// How often a doubtful value was found.
    doubtful: HashMap<String, u32>,
}

/// Found by the model or a list alone, and not for sure.
fn doubtful(span: &Finding) -> bool {
    span.evidence <= Evidence::Model && span.score < SPREADS_FROM
}

impl Forms {
    /// Counts what is doubtful: to be called with every mention before [`Forms::add`].
    pub(crate) fn count(&mut self, span: &Finding, mention: &str) {
        if doubtful(span) {
            *self.doubtful.entry(mention.to_lowercase()).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, span: &Finding, mention: &str) {
        if UNSEARCHED.contains(&span.ty) || mention.len() > LONGEST_SEARCHED {
            return;
        }
        let once = doubtful(span) && self.doubtful.get(&mention.to_lowercase()).is_none_or(|n| *n < 2);
        if span.ty == Type::NAME {
            self.name(span, mention, once);
        } else if span.ty.of_words() {
            if !once {
                self.words(span, mention);
            }
        } else {
            self.value(span, mention);
        }
    }

    fn put(&mut self, text: &str, ty: Type, guard: Guard, score: u8) {
        let letters = text.chars().count();
        let plain = KINDS.contains(&ty) && is_kind(text);
        let form =
            |len| Form { ty, guard, score: score.max(80), shorter: None, letters, len, plain, stem: false };
        // The matcher folds the case of ASCII alone.
        let mut put = |text: String| {
            let len = text.len();
            let entry = self.all.entry(text).or_insert_with(|| form(len));
            if entry.stem {
                *entry = form(len);
            }
            if entry.ty == Type::ID {
                entry.ty = ty;
            }
            entry.guard = entry.guard.min(guard);
            entry.score = entry.score.max(score);
        };
        put(text.to_lowercase());
        if !text.is_ascii() {
            put(text.to_owned());
            put(text.to_uppercase());
        }
    }

    fn value(&mut self, span: &Finding, mention: &str) {
        let small = mention.to_lowercase();
        // A password that is a word would mask the word everywhere.
        if span.ty == Type::PASSWORD && small.bytes().all(|b| b.is_ascii_lowercase()) {
            return;
        }
        if small.bytes().any(|b| b.is_ascii_digit()) && small.is_ascii() && !small.contains('@') {
            let compact: String = small.chars().filter(char::is_ascii_alphanumeric).collect();
            if compact.len() >= 6 {
                self.put(&compact, span.ty, Guard::Value, span.score);
            }
        }
        let least = if span.ty == Type::POSTCODE { 5 } else { 4 };
        if small.chars().count() >= least {
            self.put(&small, span.ty, Guard::Value, span.score);
        }
        if let Some((local, _)) = small.split_once('@').filter(|_| span.ty == Type::EMAIL) {
            self.local_part(local, span.score);
        }
    }

    /// `jdoe` of `jdoe@x.com`, and `John Doe` of `john.doe@x.com`.
    fn local_part(&mut self, local: &str, score: u8) {
        let letters = local.chars().all(char::is_alphabetic);
        if local.chars().count() >= 4 && !is_role(local) {
            let guard = if letters && is_common(local) { Guard::Inside } else { Guard::Word };
            self.put(local, Type::USERNAME, guard, score);
        }
        let words: Vec<&str> = local.split(['.', '_', '-']).collect();
        let name =
            |word: &str| word.chars().count() > 1 && word.chars().all(char::is_alphabetic) && !is_role(word);
        if words.len() == 2 && words.iter().all(|w| name(w)) && words.iter().any(|w| is_name(w)) {
            self.put(&words.join(" "), Type::NAME, Guard::Word, score);
        }
    }

    fn words(&mut self, span: &Finding, mention: &str) {
        let bare = mention.trim_start_matches('@');
        let one = !bare.contains(char::is_whitespace) && bare.chars().all(char::is_alphabetic);
        if bare.chars().count() < 4 && Script::of(bare) == Script::Latin || is_role(&bare.to_lowercase()) {
            return;
        }
        let guard = match () {
            () if one && is_common(&bare.to_lowercase()) => Guard::Inside,
            () if one && span.ty != Type::USERNAME && bare.chars().any(char::is_uppercase) => Guard::Capital,
            () => Guard::Word,
        };
        self.put(bare, span.ty, guard, span.score);
    }

    /// The whole name, and what people write for it.
    fn name(&mut self, span: &Finding, mention: &str, once: bool) {
        let written = Written::of(mention);
        let core = written.core();
        let sure = !doubtful(span);
        let words =
            |part: Part| written.pieces.iter().filter(move |p| p.part == part).map(|p| written.word(p));
        let count = written.pieces.iter().filter(|p| p.part != Part::Kept).count();
        if count < 2 {
            if !once {
                self.one_word(core, span);
            }
            return;
        }
        self.put(core, Type::NAME, Guard::Word, span.score);
        if !sure && once {
            return;
        }
        let surnames: Vec<&str> = words(Part::Surname).collect();
        // `A. de` would be in every `S.A. de`.
        if let Some(last) = surnames.last().filter(|last| !is_particle(&last.to_lowercase())) {
            for first in words(Part::Given).take(1) {
                let initial: String = first.chars().take(1).collect();
                let spaced = [
                    format!("{first} {last}"),
                    format!("{last}, {first}"),
                    format!("{initial}. {last}"),
                    format!("{initial} {last}"),
                    format!("{initial}.{last}"),
                    format!("{last}, {initial}"),
                ];
                let all = spaced.iter().take(if Script::of(core).unspaced() { 0 } else { 6 });
                for form in all {
                    self.put(form, Type::NAME, Guard::Word, span.score);
                }
            }
        }
        for word in words(Part::Given).chain(surnames.iter().copied()) {
            self.one_word(word, span);
        }
    }

    fn one_word(&mut self, word: &str, span: &Finding) {
        let small = word.to_lowercase();
        let letters = word.chars().count();
        if letters < 2 || is_role(&small) {
            return;
        }
        let cased = word.chars().any(char::is_uppercase);
        let guard = match () {
            () if is_common(&small) => Guard::Inside,
            () if cased && (letters < 4 || !known(&small)) => Guard::Capital,
            () => Guard::Word,
        };
        self.put(word, Type::NAME, guard, span.score);
        if let Some(stem) = declined::stem(&small).filter(|_| cased && guard < Guard::Inside) {
            self.put_stem(stem, span.score);
        }
    }

    /// A stem, where it is no name by itself.
    fn put_stem(&mut self, stem: String, score: u8) {
        let (letters, len, score) = (stem.chars().count(), stem.len(), score.max(80));
        let (ty, guard) = (Type::NAME, Guard::Capital);
        let form = Form { ty, guard, score, shorter: None, letters, len, plain: false, stem: true };
        if !stem.is_ascii() {
            let mut chars = stem.chars();
            let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            self.all.entry(head + chars.as_str()).or_insert(form.clone());
        }
        self.all.entry(stem).or_insert(form);
    }

    /// Who a thing is, or whose, that the model found, where they are called so elsewhere: `Rose` of `Rose's`.
    pub(crate) fn owner<'m>(&self, span: &Finding, mention: &'m str) -> Option<&'m str> {
        if span.evidence != Evidence::Model || !KINDS.contains(&span.ty) {
            return None;
        }
        let name = mention.strip_suffix("'s").unwrap_or(mention);
        self.all.get(&name.to_lowercase()).filter(|form| form.ty == Type::NAME).map(|_| name)
    }

    /// The matcher; `None` when there is nothing to search for.
    pub(crate) fn search(self) -> Option<Search> {
        if self.all.is_empty() {
            return None;
        }
        let (texts, mut forms): (Vec<String>, Vec<Form>) = self.all.into_iter().unzip();
        // In order of the alphabet, what a form begins with stands before it.
        let mut open: Vec<usize> = Vec::new();
        for i in 0..texts.len() {
            while open.last().is_some_and(|last| !texts[i].starts_with(texts[*last].as_str())) {
                open.pop();
            }
            forms[i].shorter = open.last().copied();
            open.push(i);
        }
        Some(Search { matcher: Matcher::new(texts.into_iter()), forms })
    }
}

impl Search {
    /// Where originals stand in a text.
    pub(crate) fn hits(&self, text: &str) -> Vec<Hit> {
        let mut out = Vec::new();
        let mut at = 0;
        // What begins inside a word of ASCII counts for no guard.
        while let Some(m) = self.matcher.next_apart(text.as_bytes(), at) {
            let mut form = Some(m.form);
            let mut end = m.end;
            // Where the longest form is part of a longer word, a shorter one may not be.
            while let Some(form_at) = form {
                let this = &self.forms[form_at];
                end = m.start + this.len;
                let declined = if this.stem {
                    declined::of_stem(text, m.start, end)
                } else if this.ty == Type::NAME && this.letters >= 4 && this.guard <= Guard::Capital {
                    declined::ending(text, m.start, end)
                } else {
                    0
                };
                end += declined;
                if (declined > 0 || !this.stem) && counts(text, m.start, end, this.guard) {
                    let firm = this.letters >= 4 && this.guard <= Guard::Word && !this.plain && !this.stem;
                    out.push(Hit { start: m.start, end, ty: this.ty, score: this.score, firm });
                    break;
                }
                form = this.shorter;
            }
            at = if form.is_some() { end } else { m.start + 1 };
        }
        out
    }

    /// Originals that must not be left.
    pub(crate) fn leaks(&self, text: &str) -> impl Iterator<Item = Hit> {
        self.hits(text).into_iter().filter(|hit| hit.firm)
    }

    /// Does an invented value hold an original: one of four letters anywhere, a shorter one as a word?
    pub(crate) fn betrays(&self, new: &str) -> bool {
        let mut at = 0;
        while at < new.len() {
            let Some(m) = self.matcher.next(new.as_bytes(), at) else { break };
            let whole = !is_part(new, m.start, m.end);
            if whole || self.forms[m.form].letters >= 4 {
                return true;
            }
            at = m.start + 1;
        }
        false
    }
}

/// A name of the lists.
fn known(word: &str) -> bool {
    is_name(word) || ner::lists_of(word) & (lists::GIVEN | lists::SURNAME) != 0
}
